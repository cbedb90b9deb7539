"""Currencies are data: each has its decimal places and its step, and none is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.currencies import BOOKS_CURRENCY, currencies, currency, read_currencies
from runtime.platform.money import Money, written
from runtime.platform.settings import presentment_faults

CODES = sorted(currencies())


@pytest.mark.parametrize(
    ("code", "exponent", "step"),
    [("INR", 2, 1), ("USD", 2, 1), ("JPY", 0, 1), ("KRW", 0, 1), ("KWD", 3, 10), ("BHD", 3, 10)],
)
def test_worked_examples(code: str, exponent: int, step: int) -> None:
    found = currency(code)
    assert (found.code, found.exponent, found.step) == (code, exponent, step)


def test_three_decimal_places_end_in_zero_and_others_do_not_have_to() -> None:
    for found in currencies().values():
        assert found.step == (10 if found.exponent == 3 else 1)
        assert found.exponent in (0, 2, 3)
    assert currency("KWD").takes(99_990)
    assert not currency("KWD").takes(99_991)
    assert currency("JPY").takes(295)


@pytest.mark.parametrize("code", ["XYZ", "inr", "", "INR ", "USDT", "HRK"])
def test_a_currency_that_the_gateway_does_not_take_is_unknown(code: str) -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        currency(code)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[currencies]]\nexponent = 2\nstep = 1\ncodes = ["USD", "USD"]', "twice"),
        ('[[currencies]]\nexponent = 2\nstep = 1\ncodes = ["usd"]', "code"),
        ('[[currencies]]\nexponent = 2\nstep = 0\ncodes = ["USD"]', "step"),
        ('[[currencies]]\nexponent = "2"\nstep = 1\ncodes = ["USD"]', "exponent"),
        ("[[currencies]]\nexponent = 2\nstep = 1\ncodes = []", "codes"),
    ],
)
def test_a_file_that_is_wrong_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_currencies(text)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(12_345_678, "INR"), "₹1,23,456.78"),
        (Money(540, "USD"), "USD 5.40"),
        (Money(-1_234_567, "USD"), "-USD 12,345.67"),
        (Money(1_500, "JPY"), "JPY 1,500"),
        (Money(12_340, "KWD"), "KWD 12.340"),
        (Money(7, "KWD"), "KWD 0.007"),
    ],
)
def test_an_amount_is_written_with_its_own_decimal_places(money: Money, text: str) -> None:
    assert written(money) == text


@given(st.integers(0, 10**11), st.sampled_from([code for code in CODES if code != BOOKS_CURRENCY]))
def test_what_is_written_is_the_amount_to_the_last_digit(amount: int, code: str) -> None:
    text = written(Money(amount, code))
    assert text.startswith(f"{code} ")
    assert int("".join(sign for sign in text[4:] if sign.isdigit())) == amount
    assert len(text.partition(".")[2]) == currency(code).exponent


@pytest.mark.parametrize(
    ("codes", "word"),
    [
        (["USD"], "INR is missing"),
        ([], "INR is missing"),
        (["INR", "XYZ"], "XYZ"),
        (["INR", "usd"], "usd"),
        (["INR", "USD", "USD"], "twice"),
        (["INR", *CODES[:25]], "at most"),
    ],
)
def test_a_list_of_presentment_currencies_that_is_wrong_says_why(codes: list[str], word: str) -> None:
    assert any(word in fault for fault in presentment_faults(codes))


def test_rupees_alone_and_rupees_with_others_are_sound() -> None:
    assert presentment_faults(["INR"]) == ()
    assert presentment_faults(["USD", "INR", "KWD", "JPY"]) == ()
