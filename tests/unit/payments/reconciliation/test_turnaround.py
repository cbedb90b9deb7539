"""Only an open exception about a debit that the law names shows what the bank owes."""

from datetime import date

import pytest

from runtime.payments.reconciliation.exception_model import ReconciliationException, State
from runtime.payments.reconciliation.repository import KeptException
from runtime.payments.reconciliation.turnaround import turnaround_of

TODAY = date(2026, 4, 12)


def kept(debit: dict[str, str] | None, state: State = State.OPEN) -> KeptException:
    exception = ReconciliationException(
        exception_id="exc:pay_X",
        group_id="pay_X",
        statuses=(),
        reasons=(),
        difference_paise=0,
        currency="INR",
        facts="",
        state=state,
        opened_at="2026-04-10T06:30:00.000Z",
    )
    return KeptException(exception, debit)


def test_a_debit_by_upi_is_owed_for_from_the_sixth_day_on() -> None:
    claim = turnaround_of(kept({"method": "upi", "debited_on": "2026-04-01"}), TODAY)
    assert claim is not None
    assert (claim.due_on, claim.days_late, claim.compensation_paise) == (date(2026, 4, 6), 6, 60_000)
    in_time = turnaround_of(kept({"method": "upi", "debited_on": "2026-04-07"}), TODAY)
    assert in_time is not None
    assert (in_time.days_late, in_time.compensation_paise) == (0, 0)


@pytest.mark.parametrize(
    "debit",
    [
        None,
        {"method": "netbanking", "debited_on": "2026-04-01"},
        {"method": "", "debited_on": "2026-04-01"},
        {"method": "upi", "debited_on": "2026-04-13"},
        {"method": "upi", "debited_on": "2019-01-01"},
    ],
)
def test_what_the_law_does_not_name_shows_nothing(debit: dict[str, str] | None) -> None:
    assert turnaround_of(kept(debit), TODAY) is None


def test_what_is_resolved_is_owed_for_no_longer() -> None:
    assert turnaround_of(kept({"method": "upi", "debited_on": "2026-04-01"}, State.RESOLVED), TODAY) is None
