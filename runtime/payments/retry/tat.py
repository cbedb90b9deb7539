"""A debit without confirmation: when the bank has to reverse it, and what it owes for every day after.

RBI/2019-20/67 DPSS.CO.PD No.629/02.01.014/2019-20 of 20 September 2019, in force from 15 October 2019,
"Harmonisation of Turn Around Time (TAT) and customer compensation for failed transactions using authorised
Payment Systems". T is the day of the transaction and means the calendar date; days are calendar days of
Asia/Kolkata, not working days. The compensation is the bank's to pay, to the customer's account, without a
complaint; we track it so that it is claimed.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from runtime.payments.retry.law import LawBook, law_book
from runtime.platform.clock import business_date

KIND_BY_METHOD = {
    "card": "card_not_present",
    "upi": "upi_to_merchant",
    "emandate": "nach",
    "nach": "nach",
}
"""The payment methods of the gateway whose turnaround the annex names; netbanking and wallets it does not."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known on a day of a debit without confirmation.

    ``due_on`` is the last day of the reversal in time; ``days_late`` counts the days after it, up to the
    reversal or to the day asked about; ``compensation_paise`` is what the bank owes for them by then.
    """

    debited_on: date
    due_on: date
    days_late: int
    compensation_paise: int
    reversed_on: date | None
    sentence: str
    source: str

    @property
    def overdue(self) -> bool:
        """Whether the reversal is late and has not come."""
        return self.days_late > 0 and self.reversed_on is None


def reversal_due(kind: str, debited_on: date, book: LawBook | None = None) -> date:
    """The last day on which the reversal of a debit is in time.

    ``kind`` is a kind of `law.toml` or a value of :data:`KIND_BY_METHOD`. Raises LawUnknown for a kind or a
    day that the law on record does not speak of.
    """
    return debited_on + timedelta(days=(book or law_book()).turnaround(kind, debited_on).days)


def claim(
    kind: str,
    debited_on: date,
    *,
    as_of: date,
    reversed_on: date | None = None,
    book: LawBook | None = None,
) -> Claim:
    """What a debit without confirmation is owed as of a day; the law of the day of the debit decides.

    A reversal after ``as_of`` has not come yet as of that day. Raises ValueError when ``as_of`` or the
    reversal lies before the debit, and LawUnknown as :func:`reversal_due` does.
    """
    if as_of < debited_on or (reversed_on is not None and reversed_on < debited_on):
        raise ValueError("a debit is not looked at or reversed before it happened")
    rule = (book or law_book()).turnaround(kind, debited_on)
    due_on = debited_on + timedelta(days=rule.days)
    known_reversal = reversed_on if reversed_on is not None and reversed_on <= as_of else None
    days_late = max(0, ((known_reversal or as_of) - due_on).days)
    return Claim(
        debited_on=debited_on,
        due_on=due_on,
        days_late=days_late,
        compensation_paise=days_late * rule.compensation_paise_per_day,
        reversed_on=known_reversal,
        sentence=rule.sentence,
        source=rule.source,
    )


def claim_at(
    kind: str,
    debited_at: datetime,
    *,
    as_of: datetime,
    reversed_at: datetime | None = None,
    book: LawBook | None = None,
) -> Claim:
    """:func:`claim` for moments with a time zone: each counts as its day in India."""
    return claim(
        kind,
        business_date(debited_at),
        as_of=business_date(as_of),
        reversed_on=None if reversed_at is None else business_date(reversed_at),
        book=book,
    )
