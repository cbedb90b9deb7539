"""The order of things for a new debit: checked, planned, written with its plan. Nothing leaves the house."""

from dataclasses import dataclass
from datetime import date, datetime

from runtime.payments.contracts import AMOUNT_MIN_PAISE
from runtime.payments.debits.contracts import CreateDebit, retries_view
from runtime.payments.debits.cycles import cycle_of
from runtime.payments.debits.desk import PlanningDesk
from runtime.payments.debits.model import PlanKind, PlanRecord, RetryRecord, RetryState
from runtime.payments.debits.recorder import DebitRecorder
from runtime.payments.debits.refusals import refused
from runtime.payments.debits.repository import LABEL_CYCLE
from runtime.payments.debits.standing import with_plan
from runtime.payments.methods.model import Mandate
from runtime.payments.model import DebitTerms, Payment
from runtime.payments.recorder import AlsoIn, PaymentChanged
from runtime.payments.tenancy import Tenancy
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.contacts import Contacts
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import (
    AMOUNT_BELOW_MINIMUM,
    BODY_INVALID,
    CONCURRENT_CHANGE,
    CONTACT_MISSING,
    DEBIT_CYCLE_TAKEN,
    DEBIT_FORBIDDEN,
    MANDATE_NOT_FOUND,
    FieldError,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids, is_id

LEASE_MARGIN_S = 1
CYCLE_AWAY_MAX_DAYS = 400
"""A cycle is a year at most; what lies further away is a slip of the pen."""

_LEADS_TO_A_DEBIT = frozenset({PlanKind.RETRY, PlanKind.POLL})


@dataclass(frozen=True, slots=True)
class DebitService:
    """Debits as callers ask for them."""

    recorder: DebitRecorder
    desk: PlanningDesk
    contacts: Contacts
    idempotency: IdempotencyStore
    tenancy: Tenancy
    clock: Clock
    ids: Ids

    def create(
        self,
        principal: Principal,
        mandate_id: str,
        asked: CreateDebit,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Plan a debit of a mandate; one per Idempotency-Key, and one for a cycle of the mandate."""
        request_fingerprint = fingerprint(
            "debits.create", {"mandate_id": mandate_id, **asked.model_dump(mode="json")}
        )
        try:
            mandate = self._mandate(principal, mandate_id, asked.payer_id)
            self.tenancy.check_open(principal, mandate.school_id)
            self._check(asked)
        except Problem:
            # The school, the contact or the caller's roles may have changed since; the answer does not.
            earlier = self.idempotency.answered(
                principal_id=principal.principal_id, key=key, request_fingerprint=request_fingerprint
            )
            if earlier is None:
                raise
            return earlier
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=request_fingerprint,
            resource_id=self.ids.new("pmt"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        try:
            return self._created(principal, mandate, asked, claim, request_id)
        except Problem as problem:
            if problem.retry_after_s is None:
                self.idempotency.answer(
                    claim, StoredAnswer(problem.kind.status, problem.document(request_id))
                )
            else:
                self.idempotency.release(claim)
            raise

    def _created(
        self, principal: Principal, mandate: Mandate, asked: CreateDebit, claim: Claim, request_id: str
    ) -> StoredAnswer:
        now = self.clock.now()
        payment = _payment(claim.resource_id, mandate, asked, self._cycle_day(asked, now), now)
        nothing_yet = PlanRecord(kind=PlanKind.STOP, planned_at=iso(now))
        blank = RetryRecord(
            payment_id=payment.payment_id,
            mandate_id=mandate.mandate_id,
            state=RetryState.PLANNED,
            plan=nothing_yet,
            created_at=iso(now),
            updated_at=iso(now),
        )
        taking = self._taking_the_cycle(payment)
        plan = self.desk.plan_first(payment, blank)
        if plan.kind not in _LEADS_TO_A_DEBIT:
            raise refused(DEBIT_FORBIDDEN, plan)
        record = with_plan(blank, plan, now)
        answer = StoredAnswer(201, retries_view(payment, record, plan, None).model_dump(mode="json"))
        line = AuditLine(
            actor_id=principal.principal_id,
            action="debits.create",
            subject=payment.payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
            details={"amount_paise": payment.amount_paise, "mandate_id": mandate.mandate_id},
        )
        also = [*taking, lambda transaction: self.idempotency.answer_in(transaction, claim, answer)]
        try:
            self.recorder.save(payment, None, record, line, was=None, also=also)
        except ConditionFailed as failed:
            if LABEL_CYCLE in failed.labels:
                raise Problem(
                    CONCURRENT_CHANGE, "The cycle was taken at this moment.", retry_after_s=1
                ) from None
            raise Problem(CONCURRENT_CHANGE, "Another call took over.", retry_after_s=1) from None
        except PaymentChanged:
            raise Problem(CONCURRENT_CHANGE, "Another call took over.", retry_after_s=1) from None
        return answer

    def _taking_the_cycle(self, payment: Payment) -> list[AlsoIn]:
        """The write that gives the cycle to the debit. Raises ``debit-cycle-taken``.

        Who had it before and gave up before its first try loses it; after a try it stays, for attempts are
        counted by cycle.
        """
        terms = payment.debit
        if terms is None or terms.cycle_start is None:
            return []
        mandate_id, cycle_start, retries = terms.mandate_id, terms.cycle_start, self.recorder.retries
        holder = retries.cycle_holder(mandate_id, cycle_start)
        held = retries.get(holder) if holder is not None else None
        if holder is not None and (held is None or not held.frees_its_cycle):
            raise Problem(
                DEBIT_CYCLE_TAKEN,
                "The mandate has a debit in that cycle already.",
                extensions={"payment_id": holder},
            )

        def take(transaction: Transaction) -> None:
            retries.take_cycle_in(transaction, mandate_id, cycle_start, payment.payment_id, holder)

        return [take]

    def _mandate(self, principal: Principal, mandate_id: str, payer_id: str) -> Mandate:
        """The mandate, if it is for a school of the caller's."""
        found = None
        if is_id(mandate_id, "mdt"):
            found = self.desk.tokens.wallets.mandate(payer_id, mandate_id)
        if found is None or not principal.may_see_school(found.school_id):
            raise Problem(MANDATE_NOT_FOUND, "No mandate that you may debit has that identifier.")
        return found

    def _check(self, asked: CreateDebit) -> None:
        if asked.amount_paise < AMOUNT_MIN_PAISE:
            raise Problem(AMOUNT_BELOW_MINIMUM, f"The least that can be debited is {AMOUNT_MIN_PAISE} paise.")
        self._cycle_day(asked, self.clock.now())
        contact = self.contacts.find(asked.payer_id)
        if contact.email is None or contact.phone_e164 is None:
            raise Problem(CONTACT_MISSING, "The gateway debits only with both, number and address.")

    @staticmethod
    def _cycle_day(asked: CreateDebit, now: datetime) -> date:
        if asked.cycle_on is None:
            return business_date(now)
        try:
            day = date.fromisoformat(asked.cycle_on)
        except ValueError:
            day = date.min
        today = business_date(now)
        if abs((day - today).days) > CYCLE_AWAY_MAX_DAYS:
            raise Problem(
                BODY_INVALID,
                "No debit is planned for that day.",
                errors=[FieldError("/cycle_on", f"a day within {CYCLE_AWAY_MAX_DAYS} days from today")],
            )
        return day


def _payment(
    payment_id: str, mandate: Mandate, asked: CreateDebit, cycle_day: date, now: datetime
) -> Payment:
    cycle = cycle_of(mandate.frequency, cycle_day)
    return Payment(
        payment_id=payment_id,
        school_id=mandate.school_id,
        payer_id=mandate.payer_id,
        amount_paise=asked.amount_paise,
        currency=mandate.currency,
        description=asked.description,
        reference=asked.reference,
        metadata=asked.metadata,
        mandate_id=mandate.mandate_id,
        debit=DebitTerms(
            mandate_id=mandate.mandate_id,
            cycle_start=iso(cycle[0]) if cycle else None,
            cycle_end=iso(cycle[1]) if cycle else None,
        ),
        created_at=iso(now),
        updated_at=iso(now),
    )
