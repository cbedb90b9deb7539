"""The planner with what it has to be told, read where it is kept."""

from dataclasses import dataclass
from datetime import datetime

from runtime.payments.debits.circumstances import because_of, plan_record, situation_of
from runtime.payments.debits.downtimes import DowntimeBook, KeptDowntime
from runtime.payments.debits.model import Because, PlanKind, PlanRecord, RetryRecord
from runtime.payments.debits.repository import RetryRepository
from runtime.payments.methods.model import Mandate, TokenRecord
from runtime.payments.methods.rules import current_token
from runtime.payments.methods.tokens import TokenBook
from runtime.payments.model import Payment
from runtime.payments.retry.plan import Reason
from runtime.payments.retry.planner import Chance, Planner
from runtime.payments.retry.situation import Situation
from runtime.platform.clock import Clock

_CYCLE_TAKEN = Because(
    code="cycle_taken",
    sentence="Another debit has taken this one's place in the cycle of the mandate.",
    source="one debit for a cycle of a mandate",
)


class MandateMissing(LookupError):
    """A debit's mandate is not on record; a person must look."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a debit depends on besides itself, as it was read at one moment."""

    mandate: Mandate
    tokens: tuple[TokenRecord, ...]
    downtimes: tuple[KeptDowntime, ...]
    cycle_holder: str | None
    """The payment that has the debit's cycle of the mandate, if any has."""

    @property
    def token(self) -> TokenRecord | None:
        """The token that the mandate is debited by, if it has one."""
        return current_token(self.tokens)


@dataclass(frozen=True, slots=True)
class PlanningDesk:
    """Plans debits from what is stored of them."""

    planner: Planner
    retries: RetryRepository
    tokens: TokenBook
    downtimes: DowntimeBook
    chance: Chance
    clock: Clock

    def around(self, payment: Payment) -> Surroundings:
        """Read what a debit depends on. Raises MandateMissing."""
        terms = payment.debit
        holder = None
        if terms is not None and terms.cycle_start is not None:
            holder = self.retries.cycle_holder(terms.mandate_id, terms.cycle_start)
        return self._around(payment, holder)

    def plan(self, payment: Payment, record: RetryRecord, around: Surroundings | None = None) -> PlanRecord:
        """What to do next about a debit, by what is ``around`` it, which is read if it is not given.

        Raises MandateMissing.
        """
        known = self.around(payment) if around is None else around
        planned = self._planned(payment, record, known)
        if planned.kind is PlanKind.RETRY and _cycle_taken(payment, known):
            return PlanRecord(
                kind=PlanKind.STOP,
                reason=Reason.CYCLE_PAID.value,
                because=(_CYCLE_TAKEN,),
                planned_at=planned.planned_at,
            )
        return planned

    def plan_first(self, payment: Payment, record: RetryRecord) -> PlanRecord:
        """The same for a debit that has no place in its cycle yet."""
        return self._planned(payment, record, self._around(payment, None))

    def forbids(self, payment: Payment, record: RetryRecord, around: Surroundings) -> tuple[Because, ...]:
        """What forbids the debit at this very moment; empty when it may be made."""
        broken = self.planner.check(_situation(payment, record, around, self.clock.now()))
        taken = (_CYCLE_TAKEN,) if _cycle_taken(payment, around) else ()
        return (*taken, *(because_of(why) for why in broken))

    def mandate_of(self, payment: Payment) -> Mandate:
        """The mandate that a payment is debited by. Raises MandateMissing."""
        terms = payment.debit
        found = None
        if terms is not None:
            found = self.tokens.wallets.mandate(payment.payer_id, terms.mandate_id)
        if found is None:
            raise MandateMissing(payment.payment_id)
        return found

    def tokens_of(self, mandate: Mandate) -> tuple[TokenRecord, ...]:
        """What is known of the tokens that came of a mandate."""
        return tuple(self.tokens.tokens.get(token_id) for token_id in mandate.tokens)

    def _around(self, payment: Payment, cycle_holder: str | None) -> Surroundings:
        mandate = self.mandate_of(payment)
        return Surroundings(mandate, self.tokens_of(mandate), self.downtimes.current(), cycle_holder)

    def _planned(self, payment: Payment, record: RetryRecord, around: Surroundings) -> PlanRecord:
        now = self.clock.now()
        return plan_record(self.planner.plan(_situation(payment, record, around, now), self.chance), now)


def _situation(payment: Payment, record: RetryRecord, around: Surroundings, now: datetime) -> Situation:
    return situation_of(payment, record, around.mandate, around.tokens, around.downtimes, now)


def _cycle_taken(payment: Payment, around: Surroundings) -> bool:
    return around.cycle_holder is not None and around.cycle_holder != payment.payment_id
