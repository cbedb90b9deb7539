"""The split API's order of things: set and read terms, read a split, release a hold, try again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from runtime.payments.model import Payment
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.refusal import Refused
from runtime.payments.splits.book import SplitChanged
from runtime.payments.splits.contracts import (
    ReleaseHold,
    SetSplitTerms,
    SplitTermsView,
    SplitView,
    split_view,
    terms_view,
)
from runtime.payments.splits.errors import SplitCode
from runtime.payments.splits.events import terms_event
from runtime.payments.splits.model import SplitTerms
from runtime.payments.splits.opening import SplitOpener, to_split
from runtime.payments.splits.record import SplitRecord, TransferStatus
from runtime.payments.splits.repository import LABEL_TERMS, SplitRepository
from runtime.payments.splits.rules import check_terms
from runtime.payments.splits.terms import SchoolTerms, in_force, with_version
from runtime.payments.splits.worker import SplitWorker
from runtime.payments.tenancy import Tenancy
from runtime.payments.visibility import visible_payment
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import (
    BODY_INVALID,
    CONCURRENT_CHANGE,
    SPLIT_ACCOUNT_UNKNOWN,
    SPLIT_DAY_INVALID,
    SPLIT_NOT_FOUND,
    SPLIT_NOTHING_HELD,
    SPLIT_NOTHING_TO_RETRY,
    SPLIT_SHARES_EXCEED_WHOLE,
    SPLIT_SHARES_INVALID,
    SPLIT_TERMS_NOT_FOUND,
    SPLIT_TERMS_TOO_MANY,
    FieldError,
    Problem,
)
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer, fingerprint

AHEAD_MAX = timedelta(days=366)
LEASE_MARGIN_S = 1
STEP_MS = 5_000
"""A step at the gateway begins only with so much time left: its call, and the keeping of what came of it."""

_PROBLEMS = {
    SplitCode.SHARES_INVALID: SPLIT_SHARES_INVALID,
    SplitCode.SHARES_EXCEED_WHOLE: SPLIT_SHARES_EXCEED_WHOLE,
}

Change = Callable[[SplitRecord], SplitRecord]


@dataclass(frozen=True, slots=True)
class SplitService:
    """Splits as callers use them."""

    recorder: PaymentRecorder
    opener: SplitOpener
    worker: SplitWorker
    idempotency: IdempotencyStore
    tenancy: Tenancy
    clock: Clock

    def terms(self, principal: Principal, school_id: str) -> SplitTermsView:
        """The terms of a school. Raises Problem ``school-forbidden`` and ``split-terms-not-found``."""
        self.tenancy.check(principal, school_id)
        agreed = self._splits.terms(school_id)
        if agreed is None:
            raise Problem(SPLIT_TERMS_NOT_FOUND, "No terms were ever set for this school.")
        return terms_view(agreed, in_force(agreed, self.clock.now()))

    def set_terms(
        self, principal: Principal, school_id: str, asked: SetSplitTerms, *, request_id: str
    ) -> SplitTermsView:
        """Set terms from a day on, today's from now on; the same again changes nothing.

        Raises Problem ``school-unknown``, ``school-forbidden``, ``school-inactive``,
        ``split-shares-invalid``, ``split-shares-exceed-whole``, ``split-terms-too-many``,
        ``split-day-invalid`` and ``concurrent-change``.
        """
        self.tenancy.check_open(principal, school_id)
        try:
            terms = asked.terms()
            check_terms(terms)
        except Refused as refused:
            raise Problem(_PROBLEMS[SplitCode(refused.code)], refused.reason) from None
        except ValueError:
            raise Problem(
                BODY_INVALID, "A hold ends on a day.", errors=[FieldError("/shares", "until: a day")]
            ) from None
        self._check_shares(terms)
        return self._changed(principal, school_id, terms, self._day(asked.effective_from), request_id)

    def end_terms(self, principal: Principal, school_id: str, *, request_id: str) -> SplitTermsView:
        """Split no more from now on; what was captured before is split by what was in force. Raises Problem
        ``school-forbidden``, ``split-terms-not-found`` and ``concurrent-change``."""
        self.tenancy.check(principal, school_id)
        if self._splits.terms(school_id) is None:
            raise Problem(SPLIT_TERMS_NOT_FOUND, "No terms were ever set for this school.")
        return self._changed(principal, school_id, None, business_date(self.clock.now()), request_id)

    def get(self, principal: Principal, payment_id: str) -> SplitView:
        """The split of a payment. Raises Problem ``payment-not-found``, ``school-forbidden`` and
        ``split-not-found``."""
        payment = self._payment(principal, payment_id)
        return _view(payment, self._found(payment))

    def release(
        self,
        principal: Principal,
        payment_id: str,
        asked: ReleaseHold,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: Callable[[], int],
    ) -> StoredAnswer:
        """End the hold of an account's transfers; once per Idempotency-Key.

        200 once the gateway has released them; 202 where that follows: it is tried again by itself.
        """

        def change(record: SplitRecord) -> SplitRecord:
            if record.split is None or asked.account_id not in record.split.unreversed_paise():
                raise Problem(SPLIT_ACCOUNT_UNKNOWN, "The account has no part in this payment.")
            held = any(each.on_hold and not each.settled for each in record.transfers_to(asked.account_id))
            if asked.account_id in record.released or not (held or _to_be_held(record, asked.account_id)):
                raise Problem(SPLIT_NOTHING_HELD, "No transfer to the account is held back.")
            refusals = {name: kept for name, kept in record.refusals.items() if name not in record.transfers}
            released = (*record.released, asked.account_id)
            return record.model_copy(update={"released": released, "refusals": refusals})

        payment = self._payment(principal, payment_id)
        line = self._line(principal, payment, "splits.release", request_id, {"account_id": asked.account_id})
        wanted = {"payment_id": payment_id, **asked.model_dump(mode="json")}
        return self._once(payment, line, wanted, key, remaining_ms, lambda: self._found(payment), change)

    def retry(
        self,
        principal: Principal,
        payment_id: str,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: Callable[[], int],
    ) -> StoredAnswer:
        """Try again what waits for a person: transfers that failed or were refused, and terms that could not
        be applied, by those in force now; also a captured payment that was never split. Once per
        Idempotency-Key. 200 once all is done; 202 where something follows by itself.
        """
        payment = self._payment(principal, payment_id)
        line = self._line(principal, payment, "splits.retry", request_id, {})

        opened: list[SplitRecord] = []

        def found() -> SplitRecord:
            attempt = to_split(payment)
            known = self._splits.get(payment_id, attempt.gateway_payment_id) if attempt is not None else None
            if known is not None and known.split is not None:
                return known
            made = self.opener.open(
                payment_id,
                payment.school_id,
                at=self.clock.now(),
                actor=principal.principal_id,
                request_id=request_id,
                anew=True,
            )
            if made is None:
                raise Problem(SPLIT_NOT_FOUND, "There is nothing to split, or no terms to split it by.")
            opened.append(made)
            return made

        def change(record: SplitRecord) -> SplitRecord:
            failed = {
                each.transfer_id
                for each in record.transfers.values()
                if each.status is TransferStatus.FAILED and each.transfer_id not in record.forgiven
            }
            if not (opened or failed or record.refusals):
                raise Problem(SPLIT_NOTHING_TO_RETRY, "Nothing of this split waits for a person.")
            forgiven = tuple(sorted({*record.forgiven, *failed}))
            return record.model_copy(update={"forgiven": forgiven, "refusals": {}})

        return self._once(payment, line, {"payment_id": payment_id}, key, remaining_ms, found, change)

    @property
    def _splits(self) -> SplitRepository:
        return self.recorder.repository.splits

    def _once(
        self,
        payment: Payment,
        line: AuditLine,
        wanted: dict[str, object],
        key: str | None,
        remaining_ms: Callable[[], int],
        found: Callable[[], SplitRecord],
        change: Change,
    ) -> StoredAnswer:
        claim = self.idempotency.claim(
            principal_id=line.actor_id,
            key=key,
            request_fingerprint=fingerprint(line.action, wanted),
            resource_id=payment.payment_id,
            lease_s=remaining_ms() // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        try:
            record = found()
            if not claim.resumed:
                self._put(record, change, line)
            record = self._worked(payment, record, line, remaining_ms)
            status = 200 if record.due_at is None else 202
            answer = StoredAnswer(status, _view(payment, record).model_dump(mode="json"))
            self.idempotency.answer(claim, answer)
            return answer
        except Problem as problem:
            if problem.retry_after_s is None:
                document = problem.document(line.request_id)
                self.idempotency.answer(claim, StoredAnswer(problem.kind.status, document))
            else:
                self.idempotency.release(claim)
            raise
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(CONCURRENT_CHANGE, "The same was asked for again.", retry_after_s=1) from None

    def _put(self, record: SplitRecord, change: Change, line: AuditLine) -> None:
        after = change(record)
        if after == record:
            return
        try:
            self.recorder.splits.put(record, after, line)
        except SplitChanged:
            raise Problem(CONCURRENT_CHANGE, "The split changed meanwhile.", retry_after_s=1) from None

    def _worked(
        self, payment: Payment, record: SplitRecord, line: AuditLine, remaining_ms: Callable[[], int]
    ) -> SplitRecord:
        """The split after a look at the gateway, as far as the time goes; the rest follows by itself."""
        self.worker.work(
            record.payment_id,
            record.gateway_payment_id,
            request_id=line.request_id,
            remaining_ms=remaining_ms(),
            may_go_on=lambda: remaining_ms() > STEP_MS,
        )
        return self._splits.get(payment.payment_id, record.gateway_payment_id) or record

    def _payment(self, principal: Principal, payment_id: str) -> Payment:
        payment = visible_payment(self.recorder.repository, principal, payment_id)
        self.tenancy.check(principal, payment.school_id)
        return payment

    def _found(self, payment: Payment) -> SplitRecord:
        attempt = to_split(payment)
        names = payment.splits or ((attempt.gateway_payment_id,) if attempt is not None else ())
        for name in names:
            record = self._splits.get(payment.payment_id, name)
            if record is not None:
                return record
        raise Problem(SPLIT_NOT_FOUND, "The payment is not split.")

    def _changed(
        self, principal: Principal, school_id: str, terms: SplitTerms | None, day: date, request_id: str
    ) -> SplitTermsView:
        now = self.clock.now()
        before = self._splits.terms(school_id) or SchoolTerms(school_id=school_id)
        try:
            after = with_version(before, terms, effective_from=day, set_by=principal.principal_id, set_at=now)
        except Refused as refused:
            raise Problem(SPLIT_TERMS_TOO_MANY, refused.reason) from None
        if after is not before:
            number = after.versions[-1].number
            transaction = Transaction(self.recorder.client)
            self._splits.put_terms_in(transaction, after)
            self.recorder.audit.append_in(
                transaction,
                AuditLine(
                    actor_id=principal.principal_id,
                    action="splits.terms.set" if terms is not None else "splits.terms.end",
                    subject=school_id,
                    outcome=Outcome.DONE,
                    request_id=request_id,
                    school_id=school_id,
                    details={"terms_number": number, "effective_from": day.isoformat()},
                ),
            )
            event = terms_event(school_id, number, day.isoformat(), ends=terms is None)
            self.recorder.outbox.add_in(transaction, event)
            try:
                transaction.commit()
            except ConditionFailed as failed:
                if LABEL_TERMS not in failed.labels:
                    raise
                raise Problem(CONCURRENT_CHANGE, "The terms changed meanwhile.", retry_after_s=1) from None
        return terms_view(after, in_force(after, now))

    def _day(self, asked: str | None) -> date:
        today = business_date(self.clock.now())
        try:
            day = date.fromisoformat(asked) if asked is not None else today
        except ValueError:
            day = date.min
        if not today <= day <= today + AHEAD_MAX:
            raise Problem(SPLIT_DAY_INVALID, "Terms begin today or within a year; never in the past.")
        return day

    @staticmethod
    def _check_shares(terms: SplitTerms) -> None:
        """A share of nothing is a slip of the pen."""
        if any(not (share.basis_points or share.fixed_paise) for share in terms.shares):
            raise Problem(SPLIT_SHARES_INVALID, "A share has basis points or a fixed sum above nothing.")

    @staticmethod
    def _line(
        principal: Principal, payment: Payment, action: str, request_id: str, details: dict[str, str | int]
    ) -> AuditLine:
        return AuditLine(
            actor_id=principal.principal_id,
            action=action,
            subject=payment.payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
            details=details,
        )


def _to_be_held(record: SplitRecord, account_id: str) -> bool:
    """Whether transfers to an account that are still to be made would be held back."""
    parts = record.split.parts if record.split is not None else ()
    return any(part.account_id == account_id and part.hold is not None for part in parts) and not any(
        each.live_paise for each in record.transfers_to(account_id)
    )


def _view(payment: Payment, record: SplitRecord) -> SplitView:
    return split_view(record, payment.attempts[record.gateway_payment_id].amount_paise)
