"""Which journal entries a split calls for: pure rules. Each is a fact of its own, so their order is free.

A capture credits the school whole (runtime/payments/accounting.py). The split hands that on to the linked
accounts and to the platform's fee; the gateway's transfers pay the linked accounts; a refund takes their
shares back, so that the school's account can pay it.
"""

from collections.abc import Collection, Iterator
from datetime import date

from runtime.ledger.accounts import (
    Account,
    gateway_fees,
    gateway_receivable,
    input_gst,
    linked_account_payable,
    output_gst,
    platform_fees,
    refund_costs,
)
from runtime.ledger.model import JournalEntry, JournalLine, credit, debit
from runtime.payments.accounting import GATEWAY
from runtime.payments.splits.model import Reversal, Split
from runtime.payments.splits.record import Transfer, TransferStatus


def split_entry(
    split: Split, gateway_payment_id: str, owed: Account, currency: str, business_day: date
) -> JournalEntry:
    """What is owed for a payment (``owed``, credited by its capture) is owed to its receivers."""
    lines: list[JournalLine] = [debit(owed, split.captured_paise)]
    if split.fee.charge_paise:
        lines.append(credit(platform_fees(), split.fee.charge_paise))
    if split.fee.gst_paise:
        lines.append(credit(output_gst(), split.fee.gst_paise))
    lines.extend(credit(linked_account_payable(part.account_id), part.amount_paise) for part in split.parts)
    return JournalEntry(
        entry_id=f"split:{gateway_payment_id}",
        business_date=business_day,
        description=f"Split of {gateway_payment_id}",
        currency=currency,
        lines=tuple(lines),
    )


def transfer_entry(
    transfer_id: str, account_id: str, amount_paise: int, currency: str, business_day: date
) -> JournalEntry:
    """The gateway has paid a linked account out of what it holds for us."""
    return JournalEntry(
        entry_id=f"transfer:{transfer_id}",
        business_date=business_day,
        description=f"Transfer {transfer_id}",
        currency=currency,
        lines=(
            debit(linked_account_payable(account_id), amount_paise),
            credit(gateway_receivable(GATEWAY), amount_paise),
        ),
    )


def reversal_entry(
    reversal_id: str,
    account_id: str,
    amount_paise: int,
    currency: str,
    business_day: date,
    *,
    gateway_payment_id: str = "",
) -> JournalEntry:
    """The gateway has taken money back from a linked account and holds it for us again."""
    return JournalEntry(
        entry_id=f"reversal:{reversal_id}",
        business_date=business_day,
        description=f"Reversal {reversal_id} of a transfer",
        currency=currency,
        lines=_reversal_lines(account_id, amount_paise),
        reference=gateway_payment_id,
    )


def refund_share_entry(reversal: Reversal, owed: Account, currency: str, business_day: date) -> JournalEntry:
    """A refund takes the receivers' shares back into the account that pays it (``owed``)."""
    lines = [debit(linked_account_payable(each.account_id), each.amount_paise) for each in reversal.taken]
    if reversal.borne_paise:
        lines.append(debit(refund_costs(), reversal.borne_paise))
    lines.append(credit(owed, reversal.refund_paise))
    return JournalEntry(
        entry_id=f"refund-shares:{reversal.refund_id}",
        business_date=business_day,
        description=f"Shares in the refund {reversal.refund_id}",
        currency=currency,
        lines=tuple(lines),
    )


def refund_share_return_entry(
    reversal: Reversal, owed: Account, currency: str, business_day: date
) -> JournalEntry:
    """The refund failed: the receivers have their shares again."""
    taken = refund_share_entry(reversal, owed, currency, business_day)
    return JournalEntry(
        entry_id=f"refund-shares-returned:{reversal.refund_id}",
        business_date=business_day,
        description=f"Shares in the failed refund {reversal.refund_id}",
        currency=currency,
        lines=_opposite(taken.lines),
    )


def transfer_entries_due(
    transfer: Transfer, booked: Collection[str], business_day: date, *, gateway_payment_id: str = ""
) -> tuple[JournalEntry, ...]:
    """The entries that a transfer calls for and that are not among ``booked``.

    A transfer pays its account as soon as the gateway has taken it, and costs its fee (which includes the
    tax); one that failed pays nothing and gives the fee back. Whoever reversed it, each reversal is booked
    by its name, and what only the gateway's total tells of without, until it has one.
    """
    failed = transfer.status is TransferStatus.FAILED
    payable, receivable = linked_account_payable(transfer.account_id), gateway_receivable(GATEWAY)
    due: list[JournalEntry] = []

    def move(made: str, unmade: str, description: str, lines: tuple[JournalLine, ...]) -> None:
        times_made, times_unmade = _times(made, booked), _times(unmade, booked)
        if failed == (times_made == times_unmade):
            return
        name, times = (unmade, times_unmade) if failed else (made, times_made)
        due.append(
            JournalEntry(
                entry_id=name if not times else f"{name}:{times + 1}",
                business_date=business_day,
                description=description,
                currency=transfer.currency,
                lines=_opposite(lines) if failed else lines,
                reference=gateway_payment_id,
            )
        )

    name, amount_paise = transfer.transfer_id, transfer.amount_paise
    move(
        f"transfer:{name}",
        f"transfer-failed:{name}",
        f"Transfer {name}",
        (debit(payable, amount_paise), credit(receivable, amount_paise)),
    )
    if transfer.fee_paise:
        move(
            f"fee:{name}",
            f"fee-returned:{name}",
            f"Gateway fee for {name}",
            _fee_lines(transfer.fee_paise, transfer.tax_paise or 0),
        )
    due.extend(_reversals(transfer, booked, business_day, gateway_payment_id))
    return tuple(due)


def _reversals(
    transfer: Transfer, booked: Collection[str], business_day: date, gateway_payment_id: str
) -> Iterator[JournalEntry]:
    """The entries of reversals by their names, and the entry from what is booked without a name to what has
    none now. The id of that one names the transfer and the total it reaches: of what had no name
    (``transfer-reversal``), or of what of it got one (``transfer-reversal-named``)."""
    for reversal_id, amount_paise in transfer.reversals.items():
        entry = reversal_entry(
            reversal_id,
            transfer.account_id,
            amount_paise,
            transfer.currency,
            business_day,
            gateway_payment_id=gateway_payment_id,
        )
        if entry.entry_id not in booked:
            yield entry
    unnamed = f"transfer-reversal:{transfer.transfer_id}:"
    named = f"transfer-reversal-named:{transfer.transfer_id}:"
    unnamed_paise, named_paise = _reached(unnamed, booked), _reached(named, booked)
    moved_paise = transfer.unnamed_paise - (unnamed_paise - named_paise)
    if not moved_paise:
        return
    lines = _reversal_lines(transfer.account_id, abs(moved_paise))
    taken = moved_paise > 0
    reached = f"{unnamed}{unnamed_paise + moved_paise}" if taken else f"{named}{named_paise - moved_paise}"
    yield JournalEntry(
        entry_id=reached,
        business_date=business_day,
        description=f"Reversals of {transfer.transfer_id} that only its total tells of",
        currency=transfer.currency,
        lines=lines if taken else _opposite(lines),
    )


def _reversal_lines(account_id: str, amount_paise: int) -> tuple[JournalLine, ...]:
    return (
        debit(gateway_receivable(GATEWAY), amount_paise),
        credit(linked_account_payable(account_id), amount_paise),
    )


def _fee_lines(fee_paise: int, tax_paise: int) -> tuple[JournalLine, ...]:
    tax_paise = min(tax_paise, fee_paise)  # the tax is part of the fee, never more than it
    lines = [debit(gateway_fees(GATEWAY), fee_paise - tax_paise)] if fee_paise > tax_paise else []
    lines += [debit(input_gst(), tax_paise)] if tax_paise else []
    return (*lines, credit(gateway_receivable(GATEWAY), fee_paise))


def _opposite(lines: tuple[JournalLine, ...]) -> tuple[JournalLine, ...]:
    return tuple(
        JournalLine(line.account, debit_paise=line.credit_paise, credit_paise=line.debit_paise)
        for line in lines
    )


def _reached(prefix: str, booked: Collection[str]) -> int:
    """The highest total among the names that begin with ``prefix``."""
    return max((int(each.removeprefix(prefix)) for each in booked if each.startswith(prefix)), default=0)


def _times(name: str, booked: Collection[str]) -> int:
    return sum(each == name or each.startswith(f"{name}:") for each in booked)
