"""What cannot be meant is refused with a code before it is planned with."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from runtime.payments.retry.situation import (
    Attempt,
    AttemptOutcome,
    Downtime,
    Notice,
    NoticeStatus,
    SituationInvalid,
)
from tests.unit.payments.retry.situations import NOW, debit, delivered, failed, ist, mandate, situation

NAIVE = datetime(2026, 11, 5, 12)  # noqa: DTZ001
odd_amount: Any = 450.0
odd_method: Any = "wallet"


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("amount-not-integer", lambda: debit(amount_paise=odd_amount)),
        ("amount-not-integer", lambda: debit(amount_paise=True)),
        ("amount-out-of-range", lambda: debit(amount_paise=0)),
        ("amount-out-of-range", lambda: debit(amount_paise=-1)),
        ("amount-out-of-range", lambda: debit(amount_paise=10**15)),
        ("method-unknown", lambda: debit(odd_method)),
        ("amount-out-of-range", lambda: mandate(max_amount_paise=0)),
        ("frequency-unknown", lambda: mandate(frequency="hourly")),
        ("cycle-incomplete", lambda: mandate(cycle_end=None)),
        ("cycle-inverted", lambda: mandate(cycle_end=ist(2026, 11, 1))),
        ("moment-naive", lambda: mandate(expires_at=NAIVE)),
        ("moment-out-of-range", lambda: mandate(expires_at=ist(9999, 12, 31))),
        ("moment-out-of-range", lambda: situation(now=ist(1, 1, 2))),
        ("moment-naive", lambda: situation(now=NAIVE)),
        ("moment-naive", lambda: Downtime("upi", NAIVE)),
        ("polls-negative", lambda: failed(polls=-1)),
        ("attempt-inverted", lambda: failed(concluded_at=ist(2026, 11, 5, 8))),
        ("attempt-in-future", lambda: situation(attempts=(failed(at=ist(2026, 11, 5, 12, 1)),))),
        ("attempts-unordered", lambda: situation(attempts=(failed(), failed(at=ist(2026, 11, 4))))),
        ("too-many", lambda: situation(attempts=(failed(),) * 51)),
        ("too-many", lambda: situation(downtimes=(Downtime("upi", NOW),) * 201)),
        ("notice-delivery", lambda: Notice(NoticeStatus.DELIVERED, 1, NOW)),
        ("notice-delivery", lambda: Notice(NoticeStatus.FAILED, 1, NOW, NOW)),
        ("notice-inverted", lambda: delivered(delivered_at=ist(2026, 11, 1))),
    ],
)
def test_it_is_refused(code: str, make: Callable[[], object]) -> None:
    with pytest.raises(SituationInvalid) as refused:
        make()
    assert refused.value.code == code
    assert str(refused.value).startswith(f"{code}: ")


def test_attempts_of_one_moment_and_of_now_are_fine() -> None:
    now = Attempt(NOW, AttemptOutcome.UNKNOWN)
    assert situation(attempts=(now, now)).cycle_attempts == 2
