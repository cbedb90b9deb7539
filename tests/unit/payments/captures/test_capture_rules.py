"""What can be captured, and how much of it kept."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.captures.rules import attempt_to_capture, kept_paise
from runtime.payments.model import AttemptStatus
from runtime.payments.rules import hear
from runtime.platform.errors import Problem
from tests.unit.payments.samples import AMOUNT_PAISE, attempt, payment

DAY = date(2026, 4, 1)
AUTHORISED = attempt(AttemptStatus.AUTHORIZED)


@given(st.integers(-10, AMOUNT_PAISE + 10))
def test_what_is_kept_and_its_rest_can_both_be_paid(asked_paise: int) -> None:
    rest_paise = AMOUNT_PAISE - asked_paise
    possible = asked_paise >= 100 and (rest_paise == 0 or rest_paise >= 100)
    if possible:
        assert kept_paise(AUTHORISED, asked_paise, DAY) == asked_paise
        return
    with pytest.raises(Problem):
        kept_paise(AUTHORISED, asked_paise, DAY)


def test_nothing_named_is_all_of_it() -> None:
    assert kept_paise(AUTHORISED, None, DAY) == AMOUNT_PAISE


def test_of_two_authorisations_always_the_same_is_captured() -> None:
    other = attempt(AttemptStatus.AUTHORIZED, "pay_B")
    either = [
        hear(hear(payment(), first), second) for first, second in ((AUTHORISED, other), (other, AUTHORISED))
    ]
    assert [attempt_to_capture(each).gateway_payment_id for each in either] == ["pay_A", "pay_A"]


def test_never_a_second_one() -> None:
    both = hear(hear(payment(), AUTHORISED), attempt(AttemptStatus.CAPTURED, "pay_B"))
    with pytest.raises(Problem, match="already-captured"):
        attempt_to_capture(both)
