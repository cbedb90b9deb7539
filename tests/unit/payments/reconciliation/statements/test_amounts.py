"""An amount is read exactly as written, or refused: never guessed, never rounded."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.statements.amounts import (
    DecimalMark,
    paise_from_plain,
    paise_from_text,
)
from runtime.payments.reconciliation.statements.model import RowBroken, RowFault
from runtime.platform.money import AMOUNT_MAX_PAISE, rupees


@pytest.mark.parametrize(
    ("written", "paise"),
    [
        ("1,23,456.78", 12_345_678),
        ("123,456.78", 12_345_678),
        ("123456.78", 12_345_678),
        ("12,34,56,789.00", 12_345_678_900),
        ("0.01", 1),
        (".50", 50),
        ("7", 700),
        ("7.5", 750),
        ("7.500", 750),
        ("1 234.00", 123_400),
        ("1'234.00", 123_400),
        ("1\u00a0234.00", 123_400),
        ("-450.00", -45_000),
        ("450.00-", -45_000),
        ("\u2212450.00", -45_000),
        ("+450.00", 45_000),
        ("(450.00)", -45_000),
        ("450.00 Dr", -45_000),
        ("450.00Cr.", 45_000),
        ("₹450.00", 45_000),
        ("₹ -450.00", -45_000),
        ("Rs. 450.00", 45_000),
        ("INR 450.00", 45_000),
        ("450.00 INR", 45_000),
        ("-0.00", 0),
        ("10,00,00,00,000.00", AMOUNT_MAX_PAISE),
    ],
)
def test_what_banks_write(written: str, paise: int) -> None:
    assert paise_from_text(written) == paise


@pytest.mark.parametrize(
    ("written", "paise"),
    [("1.234,56", 123_456), ("1.23.456,78", 12_345_678), ("1234,5", 123_450), ("1.234", 123_400)],
)
def test_a_decimal_comma_is_declared_and_then_the_point_groups(written: str, paise: int) -> None:
    assert paise_from_text(written, ",") == paise


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("", RowFault.AMOUNT_MISSING),
        ("   ", RowFault.AMOUNT_MISSING),
        ("abc", RowFault.AMOUNT_MALFORMED),
        ("1,2,3.00", RowFault.AMOUNT_MALFORMED),
        ("1,2345.00", RowFault.AMOUNT_MALFORMED),
        ("12 34", RowFault.AMOUNT_MALFORMED),
        ("1,234'567.00", RowFault.AMOUNT_MALFORMED),
        ("1.234,56", RowFault.AMOUNT_MALFORMED),
        ("1.2.3", RowFault.AMOUNT_MALFORMED),
        ("1.", RowFault.AMOUNT_MALFORMED),
        ("1e5", RowFault.AMOUNT_MALFORMED),
        ("NaN", RowFault.AMOUNT_MALFORMED),
        ("Infinity", RowFault.AMOUNT_MALFORMED),
        ("1_000", RowFault.AMOUNT_MALFORMED),
        ("0x10", RowFault.AMOUNT_MALFORMED),
        ("(450.00", RowFault.AMOUNT_MALFORMED),
        ("\u0967\u0968\u0969.00", RowFault.AMOUNT_MALFORMED),
        ("9" * 400, RowFault.AMOUNT_MALFORMED),
        ("0.005", RowFault.AMOUNT_TOO_PRECISE),
        ("10000000000.01", RowFault.AMOUNT_OUT_OF_RANGE),
        ("9" * 40, RowFault.AMOUNT_OUT_OF_RANGE),
        ("--1", RowFault.AMOUNT_SIGN),
        ("-1 Dr", RowFault.AMOUNT_SIGN),
        ("(1) Dr", RowFault.AMOUNT_SIGN),
        ("(-1)", RowFault.AMOUNT_SIGN),
    ],
)
def test_what_is_no_amount_is_refused_with_its_code(written: str, fault: RowFault) -> None:
    with pytest.raises(RowBroken) as refused:
        paise_from_text(written)
    assert refused.value.fault is fault


@given(st.integers(-AMOUNT_MAX_PAISE, AMOUNT_MAX_PAISE))
def test_what_we_print_with_indian_grouping_is_read_back(paise: int) -> None:
    assert paise_from_text(rupees(paise)) == paise


@given(st.integers(0, AMOUNT_MAX_PAISE), st.sampled_from([".", ","]))
def test_western_grouping_is_read_back(paise: int, mark: DecimalMark) -> None:
    written = f"{Decimal(paise).scaleb(-2):,.2f}"
    assert paise_from_text(written if mark == "." else written.translate({44: ".", 46: ","}), mark) == paise


@given(st.text(max_size=60) | st.from_regex(r"[-+(₹]?[0-9.,' ]{1,30}( ?[CD]r)?", fullmatch=True))
def test_any_text_is_an_amount_within_its_limit_or_a_broken_row(text: str) -> None:
    with suppress(RowBroken):
        assert abs(paise_from_text(text)) <= AMOUNT_MAX_PAISE


@pytest.mark.parametrize(("written", "paise"), [("123456.78", 12_345_678), ("1", 100), ("1.50000", 150)])
def test_iso_amounts_are_plain(written: str, paise: int) -> None:
    assert paise_from_plain(written) == paise


@pytest.mark.parametrize(
    "written", ["-1.00", "+1.00", "1,00", "1e3", "", "1.2.3", "1" * 19, "1.000001", "\u0661"]
)
def test_iso_amounts_have_no_sign_no_grouping_and_no_exponent(written: str) -> None:
    with pytest.raises(RowBroken) as refused:
        paise_from_plain(written)
    assert refused.value.fault is RowFault.AMOUNT_MALFORMED
