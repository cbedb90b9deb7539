"""The chart of accounts: what each account is called and on which side it grows."""

import re
from dataclasses import dataclass
from enum import StrEnum

_SHAPE = re.compile(r"^[a-z][a-z_]{2,39}(:[A-Za-z0-9_\-]{1,64})?$")


class AccountKind(StrEnum):
    """Which side of the books an account belongs to."""

    ASSET = "asset"
    LIABILITY = "liability"
    EXPENSE = "expense"
    INCOME = "income"


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its ``name`` (``school_payable:sch_1``) and its ``kind``. Raises ValueError for a malformed
    name."""

    name: str
    kind: AccountKind

    def __post_init__(self) -> None:
        if not _SHAPE.fullmatch(self.name):
            raise ValueError("an account name is lower case words and one owner after a colon")


def gateway_receivable(gateway: str) -> Account:
    """Money that a gateway has taken for us and not yet settled."""
    return Account(f"gateway_receivable:{gateway}", AccountKind.ASSET)


def school_payable(school_id: str) -> Account:
    """Money received for a school's meals, owed to the school and its caterer."""
    return Account(f"school_payable:{school_id}", AccountKind.LIABILITY)


def suspense(school_id: str) -> Account:
    """Money received that does not answer to what was asked for; owed to somebody until a person decides."""
    return Account(f"suspense:{school_id}", AccountKind.LIABILITY)


def gateway_fees(gateway: str) -> Account:
    """What a gateway charges, without tax."""
    return Account(f"gateway_fees:{gateway}", AccountKind.EXPENSE)


def input_gst() -> Account:
    """Goods and services tax paid on charges, to be claimed as input tax credit."""
    return Account("input_gst", AccountKind.ASSET)


def refunds_payable(school_id: str) -> Account:
    """Money promised back to payers of a school that the gateway has not paid out yet."""
    return Account(f"refunds_payable:{school_id}", AccountKind.LIABILITY)


def chargeback_reserve(school_id: str) -> Account:
    """Money of a school that a payer's bank contests; kept until the dispute is decided."""
    return Account(f"chargeback_reserve:{school_id}", AccountKind.LIABILITY)


def linked_account_payable(account_id: str) -> Account:
    """The share of a school or caterer in captured payments, owed to its linked account at the gateway."""
    return Account(f"linked_account_payable:{account_id}", AccountKind.LIABILITY)


def platform_fees() -> Account:
    """What the platform earns from schools and caterers, without tax."""
    return Account("platform_fees", AccountKind.INCOME)


def output_gst() -> Account:
    """Goods and services tax charged on the platform's fees, owed to the state."""
    return Account("output_gst", AccountKind.LIABILITY)


def refund_costs() -> Account:
    """What the platform bears itself of refunds, where no receiver of a share is left to bear it."""
    return Account("refund_costs", AccountKind.EXPENSE)


def exchange_difference(gateway: str) -> Account:
    """What a gateway took for refunds beyond what their shares of the captures were worth (a debit), or
    less (a credit): rates of exchange move between the two."""
    return Account(f"exchange_difference:{gateway}", AccountKind.EXPENSE)


def bank(account_id: str) -> Account:
    """Money in one of our bank accounts, by our own name for it."""
    return Account(f"bank:{account_id}", AccountKind.ASSET)


def reconciliation_difference(gateway: str) -> Account:
    """What two people agreed to write off against a gateway (a debit), or to keep (a credit)."""
    return Account(f"reconciliation_difference:{gateway}", AccountKind.EXPENSE)
