"""What a payer's bank owes for a debit that our books do not know: pure."""

from datetime import date

from runtime.payments.reconciliation.exception_model import State
from runtime.payments.reconciliation.repository import KeptException
from runtime.payments.retry.law import LawUnknown
from runtime.payments.retry.tat import KIND_BY_METHOD, Claim, claim


def turnaround_of(kept: KeptException, today: date) -> Claim | None:
    """The claim of an open exception about a debit without confirmation, as of a day.

    None for every other exception, and for methods whose turnaround the law does not name.
    """
    if kept.debit is None or kept.exception.state is State.RESOLVED:
        return None
    kind = KIND_BY_METHOD.get(kept.debit["method"])
    debited_on = date.fromisoformat(kept.debit["debited_on"])
    if kind is None or debited_on > today:
        return None
    try:
        return claim(kind, debited_on, as_of=today)
    except LawUnknown:
        return None
