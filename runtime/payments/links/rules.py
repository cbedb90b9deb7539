"""What a link is, given all that was heard of it and of its payments: pure rules.

What the gateway says of a link is merged, as with attempts (ADR 0002); what was paid is the sum over its
payments, each of them merged by itself. So any permutation and any repetition of events ends the same.
"""

import hashlib
from datetime import date, datetime

from runtime.ledger.accounts import school_payable, suspense
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.payments.links.model import (
    OPEN_STATUSES,
    PAYMENTS_NAMED_MAX,
    LinkEnd,
    LinkState,
    LinkStatus,
    PaymentLink,
)
from runtime.payments.model import Attempt, AttemptStatus, Payment, ReturnTotals
from runtime.payments.rules import matches
from runtime.platform.clock import from_iso

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BROUGHT_MONEY = frozenset({AttemptStatus.AUTHORIZED, AttemptStatus.CAPTURED, AttemptStatus.REFUNDED})
_END_RANK = {None: 0, LinkEnd.EXPIRED: 1, LinkEnd.CANCELLED: 2}


def hear_link(link: PaymentLink, heard: LinkState) -> PaymentLink:
    """``link`` with what the gateway says of it; the same object when that is nothing new.

    An identifier once known stays. Of two ends, which never come, the cancellation is kept.
    """
    changed = link.model_copy(
        update={
            "gateway_link_id": link.gateway_link_id or heard.gateway_link_id,
            "order_id": link.order_id or heard.order_id,
            "short_url": link.short_url or heard.short_url,
            "ended": max(link.ended, heard.ended, key=lambda end: _END_RANK[end]),
        }
    )
    return link if changed == link else changed


def link_status(link: PaymentLink) -> LinkStatus:
    """Where the link stands. Money outranks an end: a payment that was under way when the link was cancelled
    or expired still counts."""
    if link.surplus_paise:
        return LinkStatus.OVERPAID
    if link.due_paise == 0:
        return LinkStatus.PAID
    if link.ended is not None:
        return LinkStatus(link.ended.value)
    if link.paid_paise:
        return LinkStatus.PARTIALLY_PAID
    return LinkStatus.UNKNOWN if link.gateway_link_id is None else LinkStatus.CREATED


def link_status_at(link: PaymentLink, at: datetime) -> LinkStatus:
    """Where the link stands at a moment: past its end it is ``expired`` although the gateway has not said so
    yet."""
    status = link_status(link)
    over = link.expires_at is not None and at > from_iso(link.expires_at)
    return LinkStatus.EXPIRED if over and status in OPEN_STATUSES else status


def count_payment(link: PaymentLink, before: Payment | None, after: Payment) -> PaymentLink:
    """``link`` after one of its payments changed from ``before``; the same object when nothing changed for
    it. A payment that does not answer to what was asked (another currency) is not counted."""
    captured = _captured_paise(after) - _captured_paise(before)
    refunded = _refunded_paise(after) - _refunded_paise(before)
    disputed = _disputed_paise(after) - _disputed_paise(before)
    named = link.payment_ids
    if after.payment_id not in named and len(named) < PAYMENTS_NAMED_MAX:
        named = tuple(sorted((*named, after.payment_id)))
    if not captured and not refunded and not disputed and named == link.payment_ids:
        return link
    counted = link.model_copy(
        update={
            "captured_paise": link.captured_paise + captured,
            "refunded_paise": link.refunded_paise + refunded,
            "disputed_paise": link.disputed_paise + disputed,
            "payment_ids": named,
        }
    )
    return counted.model_copy(update={"suspense_paise": counted.surplus_paise})


def surplus_entry(before: PaymentLink, after: PaymentLink, business_day: date) -> JournalEntry | None:
    """The entry that brings the surplus of a link into suspense, or out of it again while it goes back.

    Each payment of a link credits the school, for by itself it is what the payer chose to pay, and what goes
    back of it debits the school. Only the sum can be too much, and the sum does not depend on the order in
    which payments became known. The id carries the version that ``after`` will have, so no id is used twice.
    """
    moved = after.suspense_paise - before.suspense_paise
    if not moved:
        return None
    owed, held = school_payable(after.school_id), suspense(after.school_id)
    source, target = (owed, held) if moved > 0 else (held, owed)
    return JournalEntry(
        entry_id=f"link-surplus:{after.link_id}:{before.version + 1}",
        business_date=business_day,
        description=f"Surplus of {after.link_id}",
        currency=after.currency,
        lines=(debit(source, abs(moved)), credit(target, abs(moved))),
    )


def brings_money(attempt: Attempt) -> bool:
    """Whether an attempt to pay a link is to become a payment of ours. A link is tried on the gateway's page,
    as often as the payer likes; what failed there, or is under way, is none."""
    return attempt.status in _BROUGHT_MONEY


def part_of(link: PaymentLink, attempt: Attempt, now: str) -> Payment:
    """The payment that an attempt to pay ``link`` is, before the attempt is merged into it.

    It asks for the attempt's own amount, in the link's currency: another currency makes it ``conflicted``.
    """
    return Payment(
        payment_id=part_id(link.link_id, attempt.gateway_payment_id),
        school_id=link.school_id,
        payer_id=link.payer_id,
        amount_paise=attempt.amount_paise,
        currency=link.currency,
        description=link.description,
        reference=link.reference,
        link_id=link.link_id,
        created_at=now,
        updated_at=now,
    )


def part_id(link_id: str, gateway_payment_id: str) -> str:
    """The identifier of the payment that a gateway payment of a link is: always the same one, so that the
    same payment heard twice, or by two at once, is found instead of made again.

    The first ten characters are the link's time, so that it sorts near its link; the other sixteen are
    80 bits of SHA-256.
    """
    digest = hashlib.sha256(f"{link_id}|{gateway_payment_id}".encode()).digest()
    value = int.from_bytes(digest[:10], "big")
    chance = "".join(_CROCKFORD[value >> shift & 31] for shift in range(75, -1, -5))
    return f"pmt_{link_id.partition('_')[2][:10]}{chance}"


def _captured_paise(payment: Payment | None) -> int:
    return sum(attempt.amount_paise for attempt in _counted(payment))


def _refunded_paise(payment: Payment | None) -> int:
    """What went back or is on its way, as the books have it: a refund that failed is no refund."""
    return sum(each.refunded_paise + each.pending_paise for each in _returned(payment))


def _disputed_paise(payment: Payment | None) -> int:
    return sum(each.disputed_paise for each in _returned(payment))


def _returned(payment: Payment | None) -> list[ReturnTotals]:
    """What goes back of the attempts that are counted."""
    if payment is None:
        return []
    of_attempts = (payment.returns.get(attempt.gateway_payment_id) for attempt in _counted(payment))
    return [each for each in of_attempts if each is not None]


def _counted(payment: Payment | None) -> list[Attempt]:
    if payment is None:
        return []
    return [
        attempt for attempt in payment.attempts.values() if attempt.was_captured and matches(payment, attempt)
    ]
