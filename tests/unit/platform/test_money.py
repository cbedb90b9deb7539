"""Money: whole paise, named rounding, and parts that add up."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.currencies import currencies
from runtime.platform.money import (
    AMOUNT_MAX_PAISE,
    Money,
    allocate,
    percentage_paise,
    round_half_up,
    rupees,
)

amounts = st.integers(-AMOUNT_MAX_PAISE, AMOUNT_MAX_PAISE)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any)


@given(st.fractions())
def test_rounding_is_half_up_on_the_magnitude(value: Fraction) -> None:
    rounded = round_half_up(value)
    assert abs(rounded - value) <= Fraction(1, 2)
    if abs(rounded - value) == Fraction(1, 2):
        assert abs(rounded) > abs(value)


@given(st.fractions())
def test_rounding_does_not_depend_on_the_sign(value: Fraction) -> None:
    assert round_half_up(-value) == -round_half_up(value)


@given(st.integers(-(10**9), 10**9))
def test_rounding_agrees_with_decimal_arithmetic(hundredths: int) -> None:
    expected = (Decimal(hundredths) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    assert round_half_up(Fraction(hundredths, 100)) == int(expected)


@pytest.mark.parametrize(
    ("value", "rounded"), [("5/2", 3), ("-5/2", -3), ("1/2", 1), ("-1/2", -1), ("49/100", 0), ("0", 0)]
)
def test_halves_go_away_from_zero(value: str, rounded: int) -> None:
    assert round_half_up(Fraction(value)) == rounded


@pytest.mark.parametrize(
    ("amount_paise", "basis_points", "expected"),
    [
        (45000, 200, 900),
        (45025, 200, 901),
        (45024, 200, 900),
        (-45025, 200, -901),
        (100, 0, 0),
        (1, 10_000, 1),
        (99, 1800, 18),
    ],
)
def test_percentages_are_of_basis_points(amount_paise: int, basis_points: int, expected: int) -> None:
    assert percentage_paise(amount_paise, basis_points) == expected


@given(amounts, weights)
def test_parts_add_up_to_the_whole(amount_paise: int, given_weights: list[int]) -> None:
    assert sum(allocate(amount_paise, given_weights)) == amount_paise


@given(amounts, weights)
def test_no_part_is_a_paisa_away_from_its_exact_share(amount_paise: int, given_weights: list[int]) -> None:
    total = sum(given_weights)
    for part, weight in zip(allocate(amount_paise, given_weights), given_weights, strict=True):
        exact = Fraction(amount_paise * weight, total)
        assert abs(part - exact) < 1
        assert part * exact >= 0
        assert weight or part == 0


@given(amounts, weights)
def test_a_larger_weight_never_gets_less(amount_paise: int, given_weights: list[int]) -> None:
    by_weight = sorted(zip(given_weights, map(abs, allocate(amount_paise, given_weights)), strict=True))
    for (lighter, less), (heavier, more) in pairwise(by_weight):
        assert less <= more or lighter == heavier


@given(amounts, weights, st.integers(1, 1000))
def test_only_the_proportion_of_weights_counts(
    amount_paise: int, given_weights: list[int], factor: int
) -> None:
    assert allocate(amount_paise, given_weights) == allocate(
        amount_paise, [weight * factor for weight in given_weights]
    )


@given(amounts, weights)
def test_a_refund_is_split_as_the_payment_was(amount_paise: int, given_weights: list[int]) -> None:
    assert allocate(-amount_paise, given_weights) == tuple(
        -part for part in allocate(amount_paise, given_weights)
    )


def test_what_is_left_over_goes_to_the_largest_remainder_and_then_to_the_earlier() -> None:
    assert allocate(100, [1, 1, 1]) == (34, 33, 33)
    assert allocate(101, [1, 1, 1]) == (34, 34, 33)
    assert allocate(10, [1, 2, 4]) == (1, 3, 6)
    assert allocate(5, [0, 1]) == (0, 5)


@pytest.mark.parametrize("given_weights", [[], [0], [0, 0], [-1], [2, -1]])
def test_weights_that_say_nothing_are_refused(given_weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weight"):
        allocate(100, given_weights)


@pytest.mark.parametrize("amount", [1.0, True, "1", None, Decimal(1), Fraction(1)])
def test_an_amount_is_an_integer_and_nothing_else(amount: Any) -> None:
    with pytest.raises(TypeError, match="integer"):
        Money(amount, "INR")


@pytest.mark.parametrize("currency", ["XYZ", "inr", "", "INR "])
def test_a_currency_is_a_known_one(currency: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money(1, currency)


@pytest.mark.parametrize("amount", [AMOUNT_MAX_PAISE + 1, -AMOUNT_MAX_PAISE - 1])
def test_an_amount_beyond_every_limit_is_refused(amount: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        Money(amount, "INR")
    assert Money(AMOUNT_MAX_PAISE, "INR").amount == AMOUNT_MAX_PAISE


@given(st.integers(-(10**11), 10**11), st.integers(-(10**11), 10**11), st.sampled_from(sorted(currencies())))
def test_money_adds_and_subtracts_exactly(one: int, other: int, currency: str) -> None:
    assert Money(one, currency) + Money(other, currency) == Money(one + other, currency)
    assert (Money(one, currency) + Money(other, currency)) - Money(other, currency) == Money(one, currency)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="combined"):
        Money(1, "INR") + Money(1, "USD")
    with pytest.raises(ValueError, match="combined"):
        Money(1, "INR") - Money(1, "USD")


@pytest.mark.parametrize(
    ("amount_paise", "text"),
    [
        (0, "₹0.00"),
        (5, "₹0.05"),
        (-5, "-₹0.05"),
        (100, "₹1.00"),
        (99_999, "₹999.99"),
        (100_000, "₹1,000.00"),
        (45_000_00, "₹45,000.00"),
        (12345678, "₹1,23,456.78"),
        (1_00_00_000_00, "₹1,00,00,000.00"),
        (-12345678, "-₹1,23,456.78"),
    ],
)
def test_rupees_are_grouped_as_in_india(amount_paise: int, text: str) -> None:
    assert rupees(amount_paise) == text


@given(amounts)
def test_rupees_lose_nothing(amount_paise: int) -> None:
    assert int(rupees(amount_paise).translate({ord(c): None for c in "₹,."})) == amount_paise
