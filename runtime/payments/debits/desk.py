"""The planner with what it has to be told, read where it is kept."""

from dataclasses import dataclass
from datetime import datetime

from runtime.payments.debits.circumstances import because_of, plan_record, situation_of
from runtime.payments.debits.downtimes import DowntimeBook
from runtime.payments.debits.model import Because, PlanKind, PlanRecord, RetryRecord
from runtime.payments.debits.repository import RetryRepository
from runtime.payments.methods.model import Mandate, TokenRecord
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
class PlanningDesk:
    """Plans debits from what is stored of them."""

    planner: Planner
    retries: RetryRepository
    tokens: TokenBook
    downtimes: DowntimeBook
    chance: Chance
    clock: Clock

    def plan(self, payment: Payment, record: RetryRecord) -> PlanRecord:
        """What to do next about a debit. Raises MandateMissing."""
        planned = self.plan_first(payment, record)
        if planned.kind is PlanKind.RETRY and self._cycle_taken(payment):
            return PlanRecord(
                kind=PlanKind.STOP,
                reason=Reason.CYCLE_PAID.value,
                because=(_CYCLE_TAKEN,),
                planned_at=planned.planned_at,
            )
        return planned

    def plan_first(self, payment: Payment, record: RetryRecord) -> PlanRecord:
        """The same for a debit that has no place in its cycle yet."""
        now = self.clock.now()
        return plan_record(self.planner.plan(self._situation(payment, record, now), self.chance), now)

    def forbids(self, payment: Payment, record: RetryRecord) -> tuple[Because, ...]:
        """What forbids the debit at this very moment; empty when it may be made. Raises MandateMissing."""
        broken = self.planner.check(self._situation(payment, record, self.clock.now()))
        taken = (_CYCLE_TAKEN,) if self._cycle_taken(payment) else ()
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

    def _situation(self, payment: Payment, record: RetryRecord, now: datetime) -> Situation:
        mandate = self.mandate_of(payment)
        return situation_of(payment, record, mandate, self.tokens_of(mandate), self.downtimes.current(), now)

    def _cycle_taken(self, payment: Payment) -> bool:
        terms = payment.debit
        if terms is None or terms.cycle_start is None:
            return False
        holder = self.retries.cycle_holder(terms.mandate_id, terms.cycle_start)
        return holder is not None and holder != payment.payment_id
