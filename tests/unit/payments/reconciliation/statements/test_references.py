"""The reference is found however the bank prints it, and of a person nothing is kept."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.statements.references import (
    Rail,
    masked_narration,
    reference_key,
    reference_rules,
    references_of,
    sure_references,
)

DAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("narration", "reference"),
    [
        ("NEFT CR-UTIB0000001-RAZORPAY SOFTWARE PVT LTD-AXISCN1153863727", "AXISCN1153863727"),
        ("NEFT*UTIB0000248*AXISCN1153863727*RAZORPAY", "AXISCN1153863727"),
        ("NEFT/N091234567890123/RAZORPAY", "N091234567890123"),
        ("NEFT CR HDFCN52026040112345678 RAZORPAY", "HDFCN52026040112345678"),
        ("RTGS CR-UTIBR52026040100012345-RAZORPAY SOFTWARE", "UTIBR52026040100012345"),
        ("IMPS-409912345678-RAZORPAY-HDFC", "409912345678"),
        ("MMT/IMPS/409912345678/settlement", "409912345678"),
        ("UPI/409912345678/CR/RAVI/SBIN", "409912345678"),
        ("by transfer utr:axiscn1153863727", "AXISCN1153863727"),
        ("UTRAXISCN1153863727 RAZORPAY", "AXISCN1153863727"),
        ("RAZORPAY SETTLEMENT 1568176960vxp0rj", "1568176960VXP0RJ"),
    ],
)
def test_a_utr_is_found_in_a_narration(narration: str, reference: str) -> None:
    assert sure_references(narration, DAY) == (reference,)
    assert references_of([], narration, DAY)[0] == reference


def test_twelve_digits_are_a_reference_only_beside_their_rail() -> None:
    assert sure_references("DEPOSIT 409912345678", DAY) == ()


def test_a_padded_reference_is_the_same_reference() -> None:
    assert references_of(["0000409912345678"], "UPI payment 409912345678", DAY) == ("409912345678",)


@pytest.mark.parametrize("field", ["NONREF", "NOTPROVIDED", "n/a", "", "-", "000123"])
def test_a_field_that_says_nothing_is_no_reference(field: str) -> None:
    assert references_of([field], "", DAY) == ()


@pytest.mark.parametrize("field", ["9876543210", "+91 98765 43210", "HDFC0001234", "RAZORPAY"])
def test_telephones_branches_and_names_are_no_references(field: str) -> None:
    assert references_of([field], field, DAY) == ()


def test_a_reference_of_the_gateway_in_a_shape_of_its_own_is_a_candidate() -> None:
    assert "RZPX7Q0000112233" in references_of([], "NEFT RZPX7Q0000112233 RAZORPAY", DAY)


def test_the_number_of_references_is_bounded() -> None:
    narration = " ".join(f"AXISCN{serial:010d}" for serial in range(500))
    assert len(references_of([narration], narration, DAY)) == 40


def test_a_rail_counts_from_its_day_to_its_last() -> None:
    rail = Rail(name="r", source="s", valid_from=DAY, valid_until=DAY, pattern="X")
    assert [rail.holds_on(date(2026, 4, day)) for day in (1, 2)] == [True, False]
    assert not rail.holds_on(date(2026, 3, 31))
    assert sure_references("UPI 409912345678", date(2016, 1, 1)) == ()


def test_every_rule_names_its_source() -> None:
    assert all(rail.source for rail in reference_rules().rail)


def test_a_kept_narration_has_the_words_of_the_trade_and_no_person() -> None:
    narration = "UPI-RAVI KUMAR-ravi.kumar@okhdfc-9876543210-409912345678-HDFC0001234-50200012345678"
    kept = masked_narration(narration, ("409912345678",))
    assert kept == "UPI-R*** K***-r***.k***@o***-…3210-409912345678-HDFC0001234-…5678"


@given(st.lists(st.from_regex(r"[A-Z][a-z]{3,14}", fullmatch=True), max_size=20), st.sampled_from(" -/*"))
def test_no_name_is_kept(names: list[str], separator: str) -> None:
    strangers = [name for name in names if name.upper() not in reference_rules().narration.words]
    kept = masked_narration(separator.join(["UPI", *strangers]), ())
    assert len(kept) <= 240
    assert not any(name in kept for name in strangers)


@given(st.text(max_size=400))
def test_any_narration_can_be_masked_and_searched(narration: str) -> None:
    assert len(masked_narration(narration, references_of([narration], narration, DAY))) <= 240


@given(st.from_regex(r"[A-Za-z0-9 /\-:*]{0,40}", fullmatch=True))
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert reference_key(reference_key(text)) == reference_key(text)
