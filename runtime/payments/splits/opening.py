"""How a captured payment comes to be split: once, by the terms in force at the moment of its capture.

The split, its journal entry and the payment that names it are written together. Terms that cannot be applied
(the payment is too small for them) leave the payment with the school, and a record that says so to a person.
"""

from dataclasses import dataclass
from datetime import datetime

from aws_lambda_powertools import Logger

from runtime.ledger.accounts import school_payable
from runtime.payments.accounting import capture_id, credited_account
from runtime.payments.metrics import SPLIT_STOPPED
from runtime.payments.model import Attempt, Payment
from runtime.payments.recorder import AlsoIn, PaymentChanged, PaymentRecorder
from runtime.payments.refusal import Refused
from runtime.payments.returns.rules import captured_attempts, no_returns
from runtime.payments.splits.accounting import split_entry
from runtime.payments.splits.errors import SplitCode
from runtime.payments.splits.model import Split, SplitTerms
from runtime.payments.splits.record import SplitRecord
from runtime.payments.splits.rules import split_payment
from runtime.payments.splits.terms import in_force
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.errors import CONCURRENT_CHANGE, Problem

CHANGE_ATTEMPTS_MAX = 5
ROUTE_CURRENCY = "INR"
"""Route transfers nothing else (Razorpay, Route, Create Transfers: ``currency``)."""


@dataclass(frozen=True, slots=True)
class SplitOpener:
    """Splits captured payments."""

    recorder: PaymentRecorder
    clock: Clock
    logger: Logger

    def open(
        self,
        payment_id: str,
        school_id: str,
        *,
        at: datetime,
        actor: str,
        request_id: str,
        anew: bool = False,
    ) -> SplitRecord | None:
        """The split of a payment; if there is none yet, made now by the terms and the law in force ``at`` a
        moment (timezone-aware).

        ``anew``: also where terms could not be applied before. None where nothing is to be split: no terms,
        or no capture that credited the school.
        """
        terms = self._terms(school_id, at)
        if terms is None:
            return None
        number, agreed = terms
        for _ in range(CHANGE_ATTEMPTS_MAX):
            payment = self.recorder.repository.get(payment_id)
            attempt = to_split(payment) if payment is not None else None
            if payment is None or attempt is None:
                return None
            former = self.recorder.repository.splits.get(payment_id, attempt.gateway_payment_id)
            if former is not None and (former.split is not None or not anew):
                return former
            try:
                return self._opened(payment, attempt, former, number, agreed, at, actor, request_id)
            except PaymentChanged:
                continue
        raise Problem(CONCURRENT_CHANGE, "The payment kept changing while it was split.", retry_after_s=1)

    def _terms(self, school_id: str, at: datetime) -> tuple[int, SplitTerms] | None:
        agreed = self.recorder.repository.splits.terms(school_id)
        version = in_force(agreed, at) if agreed is not None else None
        if version is None or version.terms is None:
            return None
        return version.number, version.terms

    def _opened(
        self,
        payment: Payment,
        attempt: Attempt,
        former: SplitRecord | None,
        number: int,
        terms: SplitTerms,
        at: datetime,
        actor: str,
        request_id: str,
    ) -> SplitRecord:
        now = self.clock.now()
        split, unsplit = self._applied(attempt, terms, at)
        record = SplitRecord(
            payment_id=payment.payment_id,
            school_id=payment.school_id,
            gateway_payment_id=attempt.gateway_payment_id,
            currency=attempt.currency,
            terms_number=number,
            split=split,
            unsplit=unsplit,
            created_at=former.created_at if former is not None else iso(now),
            updated_at=iso(now),
            version=former.version if former is not None else 0,
        )
        entries = []
        if split is not None:
            entry = split_entry(
                split,
                attempt.gateway_payment_id,
                school_payable(payment.school_id),
                attempt.currency,
                business_date(now),
            )
            found = self.recorder.repository.returns.get(payment.payment_id, attempt.gateway_payment_id)
            record = record.model_copy(update={"journal": (entry.entry_id,)})
            record, more = self.recorder.splits.followed(record, found or no_returns(payment, attempt))
            entries = [entry, *more]
        stored: list[SplitRecord] = []

        def write() -> AlsoIn:
            return lambda transaction: stored.append(
                self.recorder.splits.put_in(transaction, former, record, entries)
            )

        named = (*payment.splits, attempt.gateway_payment_id) if split is not None else payment.splits
        after = payment.model_copy(update={"splits": named})
        line = AuditLine(
            actor_id=actor,
            action="splits.open",
            subject=payment.payment_id,
            outcome=Outcome.DONE if split is not None else Outcome.REFUSED,
            request_id=request_id,
            school_id=payment.school_id,
            code=unsplit,
            details={"gateway_payment_id": attempt.gateway_payment_id, "terms_number": number},
        )
        self.recorder.record(payment, after, line, also=[write()])
        if unsplit is not None:
            self.recorder.metrics.count(SPLIT_STOPPED)
            self.logger.error("a payment could not be split", payment_id=payment.payment_id, code=unsplit)
        return stored[-1]

    def _applied(self, attempt: Attempt, terms: SplitTerms, at: datetime) -> tuple[Split | None, str | None]:
        if attempt.currency != ROUTE_CURRENCY:
            return None, SplitCode.CURRENCY_UNSUPPORTED.value
        try:
            return split_payment(attempt.amount_paise, terms, business_date(at)), None
        except Refused as refused:
            return None, refused.code


def to_split(payment: Payment) -> Attempt | None:
    """The captured attempt of a payment that is for the school: its capture credited it.

    What came beside it is in suspense until a person decides. The token payment by which a mandate is
    authorised is nobody's meal.
    """
    if payment.mandate_id is not None and payment.debit is None:
        return None
    owed = school_payable(payment.school_id)
    for attempt in captured_attempts(payment):
        booked = capture_id(attempt) in payment.journal
        if booked and credited_account(payment, attempt.gateway_payment_id) == owed:
            return attempt
    return None
