"""What refunds and lost disputes take back of a split: followed from the returns of its payment, pure."""

from collections.abc import Collection, Iterator
from datetime import date

from runtime.ledger.accounts import Account
from runtime.ledger.model import JournalEntry
from runtime.payments.disputes.model import DisputeStatus
from runtime.payments.refunds.model import RefundStatus
from runtime.payments.refunds.rules import balance, open_requests
from runtime.payments.returns.model import Returns
from runtime.payments.splits.accounting import refund_share_entry, refund_share_return_entry
from runtime.payments.splits.model import REVERSALS_MAX, Reversal, Split
from runtime.payments.splits.rules import restore, reverse

_TAKING = frozenset({RefundStatus.PENDING, RefundStatus.PROCESSED})


def amounts_taken(returns: Returns, captured_paise: int) -> dict[str, int]:
    """What goes back, in paise, by what takes it: a refund of ours, one of the gateway's, the gateway's own
    total where no refund explains it, a dispute that was lost.

    An amount is taken from the moment it is promised until it is known that it stays. Together never more
    than was captured, even where the gateway contradicts itself.
    """
    left_paise = captured_paise
    amounts: dict[str, int] = {}
    for name, amount_paise in _taking(returns):
        taken_paise = min(amount_paise, left_paise)
        if taken_paise > 0 and len(amounts) < REVERSALS_MAX:
            amounts[name] = taken_paise
            left_paise -= taken_paise
    return amounts


def follow(
    split: Split, returns: Returns, booked: Collection[str], *, owed: Account, business_day: date
) -> tuple[Split, tuple[JournalEntry, ...]]:
    """``split`` with exactly the shares taken back that ``returns`` call for, and the entries of the change.

    What no longer goes back is restored first, then what goes back newly is taken. ``booked`` names the
    entries of before, ``owed`` is the account that pays refunds. A refund that failed and was processed after
    all takes again, under the next number.
    """
    wanted = amounts_taken(returns, split.captured_paise)
    names, entries = list(booked), list[JournalEntry]()
    for reversal in split.reversals:
        if wanted.get(reversal.refund_id) == reversal.refund_paise:
            continue
        split = restore(split, reversal.refund_id)
        entry = refund_share_return_entry(reversal, owed, returns.book.currency, business_day)
        entries.append(_numbered(entry, names))
    known = {reversal.refund_id for reversal in split.reversals}
    for name, amount_paise in wanted.items():
        if name in known:
            continue
        split = reverse(split, name, amount_paise)
        taken: Reversal = split.reversals[-1]
        entries.append(_numbered(refund_share_entry(taken, owed, returns.book.currency, business_day), names))
    return split, tuple(entries)


def _taking(returns: Returns) -> Iterator[tuple[str, int]]:
    book = returns.book
    asked: set[str] = set()
    for refund in book.refunds.values():
        if refund.status not in _TAKING:
            continue
        ours = refund.request_id in book.requests and refund.request_id not in asked
        name = refund.request_id if ours and refund.request_id else refund.gateway_refund_id
        asked.add(name)
        yield name, refund.amount_paise
    for request in open_requests(book):
        yield request.request_id, request.amount_paise
    for dispute in returns.disputes.values():
        if dispute.status is DisputeStatus.LOST:
            yield dispute.dispute_id, dispute.amount_paise
    yield f"total:{book.gateway_payment_id}", balance(book).external_paise


def _numbered(entry: JournalEntry, names: list[str]) -> JournalEntry:
    """``entry`` under the next number where its name is taken; its name is added to ``names``."""
    times = sum(name == entry.entry_id or name.startswith(f"{entry.entry_id}:") for name in names)
    name = entry.entry_id if not times else f"{entry.entry_id}:{times + 1}"
    names.append(name)
    return JournalEntry(name, entry.business_date, entry.description, entry.currency, entry.lines)
