"""What people do about reminders: remind by hand, and choose other days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from runtime.payments.links.applier import CHANGE_ATTEMPTS_MAX
from runtime.payments.links.book import LinkBook, LinkChanged
from runtime.payments.links.contracts import PaymentLinkView, link_view
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.reminders.contracts import ReminderSchedule
from runtime.payments.links.reminders.making import put_reminded
from runtime.payments.links.reminders.model import Occasion
from runtime.payments.links.reminders.policy import policy_at, policy_on
from runtime.payments.links.reminders.rules import PAYABLE, with_days, with_reminder
from runtime.payments.links.reminders.schedule import days_of
from runtime.payments.links.rules import link_status_at
from runtime.payments.links.terms import last_day
from runtime.payments.links.visibility import visible_link
from runtime.payments.metrics import LINK_REMINDED
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, from_iso
from runtime.platform.contacts import Contacts
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    CONTACT_MISSING,
    LINK_NOT_PAYABLE,
    LINK_REMINDED_TODAY,
    LINK_REMINDERS_EXHAUSTED,
    REMINDER_QUIET_HOURS,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.metrics import UNHEARD, Metrics

LEASE_MARGIN_S = 1


@dataclass(frozen=True, slots=True)
class ReminderService:
    """Reminders as callers use them."""

    book: LinkBook
    idempotency: IdempotencyStore
    contacts: Contacts
    clock: Clock
    metrics: Metrics = UNHEARD

    def remind(
        self, principal: Principal, link_id: str, *, key: str | None, request_id: str, remaining_ms: int
    ) -> StoredAnswer:
        """Remind the payer of a link now; once per Idempotency-Key, and once a day.

        Raises Problem ``payment-link-not-found``, ``payment-link-not-payable``, ``contact-missing``,
        ``payment-link-reminders-exhausted``, ``payment-link-reminded-today`` and ``reminder-quiet-hours``.
        """
        link = visible_link(self.book.links, principal, link_id)
        asked = fingerprint("links.remind", {"link_id": link_id})
        earlier = self.idempotency.answered(
            principal_id=principal.principal_id, key=key, request_fingerprint=asked
        )
        if earlier is not None:
            return earlier
        _check_payable(link, self.clock.now())
        contact = self.contacts.find(link.payer_id)
        if contact.phone_e164 is None and contact.email is None:
            raise Problem(CONTACT_MISSING, "Nothing is known by which the payer could be reminded.")
        _check_timely(link, self.clock.now())
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=asked,
            resource_id=link_id,
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        try:
            return self._made(principal, link_id, claim, request_id)
        except Problem:
            self.idempotency.release(claim)
            raise
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(CONCURRENT_CHANGE, "The same request is at work twice.", retry_after_s=1) from None

    def choose_days(
        self, principal: Principal, link_id: str, asked: ReminderSchedule, *, request_id: str
    ) -> PaymentLinkView:
        """Let the payer of a link be reminded on these days from tomorrow on, and on no others.

        Raises Problem ``payment-link-not-found``, ``payment-link-not-payable`` and
        ``payment-link-terms-invalid``.
        """
        for _ in range(CHANGE_ATTEMPTS_MAX):
            link = visible_link(self.book.links, principal, link_id)
            now = self.clock.now()
            _check_payable(link, now)
            days = days_of(
                asked,
                policy_at(now),
                made_on=business_date(from_iso(link.created_at)),
                today=business_date(now),
                last=last_day(link),
            )
            after = with_days(link, days)
            if after is link:
                return link_view(link, now)
            line = _line(principal, "links.reminders.set", link, request_id, days=len(days))
            try:
                return link_view(self.book.put(link, after, line), now)
            except LinkChanged:
                continue
        raise Problem(CONCURRENT_CHANGE, "The link kept changing.", retry_after_s=1)

    def _made(self, principal: Principal, link_id: str, claim: Claim, request_id: str) -> StoredAnswer:
        """The reminder, written with its answer into the link as it is by now."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            link = visible_link(self.book.links, principal, link_id)
            _check_timely(link, self.clock.now())
            try:
                return self._put(principal, link, claim, request_id)
            except LinkChanged:
                continue
        raise Problem(CONCURRENT_CHANGE, "The link kept changing.", retry_after_s=1)

    def _put(self, principal: Principal, link: PaymentLink, claim: Claim, request_id: str) -> StoredAnswer:
        """One reminder more of ``link``. Raises LinkChanged."""
        now = self.clock.now()
        after = with_reminder(link, Occasion.BY_HAND, now)
        answer = StoredAnswer(202, link_view(after, now, {}).model_dump(mode="json"))
        number = len(after.reminders.made)
        line = _line(principal, "links.remind", link, request_id, number=number, due_paise=link.due_paise)

        def with_answer(transaction: Transaction) -> None:
            self.idempotency.answer_in(transaction, claim, answer)

        put_reminded(self.book, link, after, line, also=with_answer)
        self.metrics.count(LINK_REMINDED, Occasion.BY_HAND.value)
        return answer


def _check_timely(link: PaymentLink, now: datetime) -> None:
    """Raises Problem where the payer is not to be reminded now: what lasts is named before what passes."""
    _check_payable(link, now)
    today, policy = business_date(now), policy_at(now)
    if len(link.reminders.made) >= policy.reminders_max:
        raise Problem(LINK_REMINDERS_EXHAUSTED, f"A payer is reminded {policy.reminders_max} times.")
    tomorrow = today + timedelta(days=1)
    if link.reminders.made_through >= today.isoformat():
        wait_s = _seconds_until(policy_on(tomorrow).begins(tomorrow), now)
        raise Problem(LINK_REMINDED_TODAY, "A payer is reminded once a day.", retry_after_s=wait_s)
    if not policy.may_decide(now):
        begins = policy.begins(today)
        wait_s = _seconds_until(begins if now < begins else policy_on(tomorrow).begins(tomorrow), now)
        raise Problem(
            REMINDER_QUIET_HOURS,
            f"Payers are reminded from {policy.sent_from} to {policy.decided_until} in India.",
            retry_after_s=wait_s,
        )


def _check_payable(link: PaymentLink, now: datetime) -> None:
    status = link_status_at(link, now)
    if status not in PAYABLE:
        raise Problem(LINK_NOT_PAYABLE, f"The payment link is {status.value}.")


def _seconds_until(then: datetime, now: datetime) -> int:
    return int((then - now).total_seconds()) + 1


def _line(principal: Principal, action: str, link: PaymentLink, request_id: str, **details: int) -> AuditLine:
    return AuditLine(
        actor_id=principal.principal_id,
        action=action,
        subject=link.link_id,
        outcome=Outcome.DONE,
        request_id=request_id,
        school_id=link.school_id,
        details=details,
    )
