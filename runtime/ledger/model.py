"""Journal entries: double entry, in paise, appended and never changed. The books are in rupees alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from runtime.ledger.accounts import Account
from runtime.platform.currencies import BOOKS_CURRENCY
from runtime.platform.money import AMOUNT_MAX_PAISE

LINES_MAX = 50


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One side of an entry: exactly one of ``debit_paise`` and ``credit_paise`` is positive, the other 0."""

    account: Account
    debit_paise: int = 0
    credit_paise: int = 0

    def __post_init__(self) -> None:
        amounts = (self.debit_paise, self.credit_paise)
        if any(isinstance(amount, bool) or not isinstance(amount, int) for amount in amounts):
            raise TypeError("journal amounts are integers")
        if min(amounts) != 0 or not 0 < max(amounts) <= AMOUNT_MAX_PAISE:
            raise ValueError("a journal line is either a debit or a credit, and positive")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A balanced entry.

    ``entry_id`` says what is booked (``capture:pay_x``), so that the same fact cannot be booked twice.
    ``business_date`` is the day in India, ``reference`` what the fact belongs to at the gateway
    (the order of a capture, the payment of a refund or dispute), "" where that is not known. Raises
    ValueError when debits and credits differ, and for another currency than that of the books.
    """

    entry_id: str
    business_date: date
    description: str
    currency: str
    lines: tuple[JournalLine, ...]
    reference: str = ""

    def __post_init__(self) -> None:
        if self.currency != BOOKS_CURRENCY:
            raise ValueError(f"the books are in {BOOKS_CURRENCY} alone")
        if not 2 <= len(self.lines) <= LINES_MAX:
            raise ValueError(f"an entry has between 2 and {LINES_MAX} lines")
        debits, credits_ = totals(self.lines)
        if debits != credits_:
            raise ValueError(f"entry {self.entry_id} does not balance: {debits} debit, {credits_} credit")


def debit(account: Account, amount_paise: int) -> JournalLine:
    """A line that debits ``account``."""
    return JournalLine(account, debit_paise=amount_paise)


def credit(account: Account, amount_paise: int) -> JournalLine:
    """A line that credits ``account``."""
    return JournalLine(account, credit_paise=amount_paise)


def totals(lines: Iterable[JournalLine]) -> tuple[int, int]:
    """The sum of debits and the sum of credits, in paise."""
    debits = credits_ = 0
    for line in lines:
        debits += line.debit_paise
        credits_ += line.credit_paise
    return debits, credits_


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The books at a glance: per account the balance (debits less credits, in paise), and both totals."""

    debits_paise: int
    credits_paise: int
    balances_paise: dict[str, int]
    entries: int

    @property
    def balances(self) -> bool:
        """Whether debits equal credits."""
        return self.debits_paise == self.credits_paise


def trial_balance(entries: Iterable[JournalEntry]) -> TrialBalance:
    """The trial balance of ``entries``."""
    debits = credits_ = count = 0
    balances: dict[str, int] = {}
    for entry in entries:
        count += 1
        for line in entry.lines:
            debits += line.debit_paise
            credits_ += line.credit_paise
            name = line.account.name
            balances[name] = balances.get(name, 0) + line.debit_paise - line.credit_paise
    return TrialBalance(debits, credits_, balances, count)
