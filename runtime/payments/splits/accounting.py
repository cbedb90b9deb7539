"""Which journal entries a split calls for: pure rules. Each is a fact of its own, so their order is free.

A capture credits the school whole (runtime/payments/accounting.py). The split hands that on to the linked
accounts and to the platform's fee; the gateway's transfers pay the linked accounts; a refund takes their
shares back, so that the school's account can pay it.
"""

from datetime import date

from runtime.ledger.accounts import (
    Account,
    gateway_receivable,
    linked_account_payable,
    output_gst,
    platform_fees,
    refund_costs,
)
from runtime.ledger.model import JournalEntry, JournalLine, credit, debit
from runtime.payments.accounting import GATEWAY
from runtime.payments.splits.model import Reversal, Split


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


def transfer_reversal_entry(
    reversal_id: str, account_id: str, amount_paise: int, currency: str, business_day: date
) -> JournalEntry:
    """The gateway has taken money back from a linked account and holds it for us again."""
    return JournalEntry(
        entry_id=f"transfer-reversal:{reversal_id}",
        business_date=business_day,
        description=f"Reversal {reversal_id} of a transfer",
        currency=currency,
        lines=(
            debit(gateway_receivable(GATEWAY), amount_paise),
            credit(linked_account_payable(account_id), amount_paise),
        ),
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
        lines=tuple(
            JournalLine(line.account, debit_paise=line.credit_paise, credit_paise=line.debit_paise)
            for line in taken.lines
        ),
    )
