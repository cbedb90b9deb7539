"""Card data is found however it is written, and what only looks like it is left alone."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.card_data import (
    card_data_pointers,
    contains_card_number,
    is_card_number,
    mask_card_numbers,
    passes_luhn,
    without_card_numbers,
)
from runtime.platform.clock import FixedClock, iso
from runtime.platform.ids import UlidIds
from tests.growth import grows_linearly

# What networks and gateways publish for tests, or a number in a published range with its check digit.
# None belongs to anybody.
NUMBERS = {
    "Visa": ("4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556"),
    "Visa of 13": ("4222222222222",),
    "Visa of 19": ("4000000000000000006",),
    "Mastercard": ("5555555555554444", "5105105105105100", "5200828282828210", "5104015555555558"),
    "Mastercard in 2": ("2223003122003222", "2720990000000007", "2221000000000009"),
    "American Express": ("378282246310005", "371449635398431", "341111111111111"),
    "Discover": ("6011111111111117", "6011000990139424", "6445644564456445", "6500000000000002"),
    "Discover of 19": ("6011000000000000001",),
    "Diners Club": ("30569309025904", "38520000023237", "36227206271667", "3056930009020004"),
    "JCB": ("3530111333300000", "3566002020360505"),
    "UnionPay": ("6200000000000005", "6205500000000000004"),
    "RuPay": ("6527658900001005", "6074820000000009", "5085000000000007", "8172000000000005"),
    "Maestro": ("6759649826438453", "5641820000000005", "6304000000000000", "5020620000000000"),
    "Maestro of 13 and 19": ("6799990100000000019", "5000000000005"),
}
ALL_NUMBERS = [number for numbers in NUMBERS.values() for number in numbers]
VISA = "4111111111111111"
numbers = st.sampled_from(ALL_NUMBERS)


def in_groups(number: str, separator: str, size: int = 4) -> str:
    return separator.join(number[start : start + size] for start in range(0, len(number), size))


@pytest.mark.parametrize("number", ALL_NUMBERS)
def test_numbers_of_every_network_are_recognised(number: str) -> None:
    assert is_card_number(number)


@pytest.mark.parametrize("number", ALL_NUMBERS)
def test_a_wrong_check_digit_is_no_card_number(number: str) -> None:
    wrong = [number[:-1] + digit for digit in "0123456789" if digit != number[-1]]
    assert not any(is_card_number(candidate) for candidate in wrong)


@pytest.mark.parametrize(
    "number", ["4111", "41111111111111111111", "0000000000000000", "1000000000000008", "9999999999999995"]
)
def test_other_lengths_and_ranges_are_no_card_numbers(number: str) -> None:
    assert not is_card_number(number)


@given(st.text("0123456789", min_size=1, max_size=30))
def test_exactly_one_check_digit_is_right(digits: str) -> None:
    assert sum(passes_luhn(digits + check) for check in "0123456789") == 1


@given(st.text("0123456789", min_size=2, max_size=25), st.data())
def test_the_check_finds_every_single_mistyped_digit(digits: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != digits[position]]))
    mistyped = digits[:position] + other + digits[position + 1 :]
    assert not (passes_luhn(digits) and passes_luhn(mistyped))


@pytest.mark.parametrize(
    "separator",
    [
        "",
        " ",
        "-",
        ".",
        "  ",
        " - ",
        "\t",
        "\n",
        "\u00a0",
        "\u2009",
        "\u200b",
        "\u2013",
        "\u2014",
        "\u2010",
        "\u2212",
    ],
    ids=lambda text: text.encode("unicode_escape").decode() or "none",
)
@pytest.mark.parametrize("number", [VISA, "378282246310005", "6205500000000000004"])
def test_grouping_hides_nothing(number: str, separator: str) -> None:
    text = f"card {in_groups(number, separator)} please"
    assert contains_card_number(text)
    masked = mask_card_numbers(text)
    assert not contains_card_number(masked)
    assert number[:12] not in "".join(filter(str.isdigit, masked))


@given(numbers, st.lists(st.sampled_from(["", " ", "-", "."]), min_size=18, max_size=18))
def test_any_grouping_of_any_number_is_found(number: str, separators: list[str]) -> None:
    written = "".join(
        digit + separator for digit, separator in zip(number, [*separators, ""], strict=False)
    ).rstrip(" -.")
    assert contains_card_number(written)


@pytest.mark.parametrize(
    "zero",
    ["0", "\uff10", "\u0966", "\u0660", "\u0ae6", "\u0be6", "\U0001d7ce"],
    ids=lambda zero: f"{ord(zero):x}",
)
def test_digits_of_every_script_are_digits(zero: str) -> None:
    written = "".join(chr(ord(zero) + int(digit)) for digit in VISA)
    assert contains_card_number(written)
    assert card_data_pointers({"note": written}) == ["/note"]


@given(numbers, st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=8))
def test_letters_around_a_number_do_not_hide_it(number: str, letters: str) -> None:
    assert contains_card_number(f"{letters}x{number}x{letters}")


@given(numbers, st.sampled_from(["12", "2026", "1", "01 04 2026"]))
def test_a_neighbouring_group_of_digits_does_not_hide_it(number: str, neighbour: str) -> None:
    assert contains_card_number(f"{neighbour} {number}")
    assert contains_card_number(f"{number} {neighbour}")
    assert contains_card_number(f"{neighbour}-{in_groups(number, '-')} {neighbour}")


@given(numbers)
def test_masking_leaves_the_last_four_digits_and_nothing_more(number: str) -> None:
    assert mask_card_numbers(f"paid by {number}.") == f"paid by [card ending {number[-4:]}]."


@given(st.text("0123456789 -", max_size=80))
def test_masked_text_holds_no_card_number(text: str) -> None:
    assert not contains_card_number(mask_card_numbers(text).replace("[card ending ", "x"))


def test_numbers_that_overlap_are_masked_together() -> None:
    # The first 13 digits are a number by themselves, and so are all 16.
    text = next(
        f"4222222222222 {tail:03d}" for tail in range(1000) if is_card_number(f"4222222222222{tail:03d}")
    )
    assert mask_card_numbers(text) == f"[card ending {text[-4:]}]"


# What only looks like it


@given(st.integers(10**15, 2_221 * 10**12 - 1))  # September 2001 to May 2040
def test_moments_are_no_card_numbers(microseconds: int) -> None:
    moment = datetime.fromtimestamp(microseconds // 1000 / 1000, tz=UTC)
    for text in (iso(moment), str(moment), moment.isoformat(), moment.strftime("%Y%m%d%H%M%S")):
        assert not contains_card_number(text)
    for shown in (microseconds // 10**6, microseconds // 1000, microseconds, microseconds * 1000):
        assert card_data_pointers({"at": shown}) == []


@given(st.integers(0, 2**80 - 1), st.integers(0, 10**9))
def test_our_identifiers_are_no_card_numbers(random: int, later_s: int) -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=later_s))
    identifier = UlidIds(clock, lambda _: random).new("pmt")
    longest_run = max(map(len, "".join(c if c.isdigit() else " " for c in identifier).split()), default=0)
    assert longest_run >= 13 or mask_card_numbers(identifier) == identifier


@given(st.binary(max_size=40))
def test_digests_and_signatures_are_no_card_numbers(content: bytes) -> None:
    for digest in (
        hashlib.sha256(content),
        hashlib.md5(content, usedforsecurity=False),
        hashlib.sha512(content),
    ):
        assert not contains_card_number(digest.hexdigest())


def test_a_digest_that_holds_a_valid_number_is_still_a_digest() -> None:
    assert not contains_card_number(f"ab{VISA}".ljust(64, "f"))


@given(st.uuids())
def test_uuids_are_no_card_numbers(identifier: uuid.UUID) -> None:
    has_letters = any(character.isalpha() for character in str(identifier))
    assert not (has_letters and contains_card_number(str(identifier)))


def test_a_uuid_whose_digits_would_pass_the_check_is_a_uuid() -> None:
    identifier = "58933834-4921-5b71-2116-09c835dff8ba"
    assert not contains_card_number(identifier)
    assert contains_card_number(identifier.replace("b", "x"))


@pytest.mark.parametrize(
    "text",
    [
        "919876543210",  # a mobile
        "+91 98765 43210",
        "412345678901",  # an RRN has twelve digits
        "HDFCN52026040112345678",  # an NEFT UTR
        "N092260012345678",
        "4123 4567 8901",  # an Aadhaar
        "74537600098765432109876",  # an ARN has 23
        "27AAPFU0939F1ZV",  # a GSTIN
        "order_IluGWxBm9U8zJ8",
        "pay_29QQoUBi66xm2f",
        "₹1,23,456.78",
        "50000000",
        "INV/2026-27/000123",
        "192.168.100.200",
        "12.9715987, 77.5945627",
        "",
    ],
)
def test_references_and_amounts_are_left_alone(text: str) -> None:
    assert not contains_card_number(text)
    assert mask_card_numbers(text) == text


# Documents


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"a": VISA}, "/a"),
        ({"a": int(VISA)}, "/a"),
        ({"a": float(VISA)}, "/a"),
        ({"a": [0, {"b": in_groups(VISA, " ")}]}, "/a/1/b"),
        ({"metadata": {"note": f"card {VISA}"}}, "/metadata/note"),
        ({VISA: "x"}, "/(name withheld)"),
        ({"a": {in_groups(VISA, "-"): {"cvv": "123"}}}, "/a/(name withheld)"),
        ({"a/b~c": VISA}, "/a~1b~0c"),
        ({"cvv": [{"deep": [None, 7]}]}, "/cvv"),
        ({"text": json.dumps({"card": {"number": VISA}})}, "/text"),
        (VISA, ""),
    ],
)
def test_a_card_number_is_found_wherever_it_stands(document: Any, pointer: str) -> None:
    assert card_data_pointers(document) == [pointer]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text("abc", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON, numbers, st.booleans(), st.lists(st.integers(0, 1), max_size=20))
def test_depth_hides_nothing(document: Any, number: str, as_number: bool, path: list[int]) -> None:
    assert card_data_pointers(document) == []
    hidden: Any = int(number) if as_number else number
    for step in path:
        hidden = [document, hidden] if step else {"a": document, "b": hidden}
    expected = "".join("/1" if step else "/b" for step in reversed(path))
    assert card_data_pointers(hidden) == [expected]


@pytest.mark.parametrize(
    "name",
    [
        "cvv", "CVV", "cvv2", "card_cvv", "cardCvc", "CVC2", "cvn", "csc", "cvv_code", "cvvNumber",
        "security-code", "securityCode", "card_security_code", "card_verification_value", "CID", "pin",
        "upi_pin", "atm PIN", "mpin", "pin_block", "track1", "track2_data", "trackData", "magstripe",
        "\uff43\uff56\uff56", "pan", "PAN", "card_number", "cardNo", "ccnum", "credit_card_number",
        "debitCardNumber",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["123", 123, 123.0, "12a", ["1", "2", "3"], {"value": "123"}, "१२३"])
def test_what_is_named_as_a_secret_of_a_card_is_one(name: str, value: object) -> None:
    assert card_data_pointers({"outer": {name: value}}) == [f"/outer/{name}"]


@pytest.mark.parametrize("value", [None, "", "none", True, [], {}, [None], {"a": "b"}])
def test_a_secret_that_is_not_there_does_no_harm(value: object) -> None:
    assert card_data_pointers({"cvv": value}) == []


@pytest.mark.parametrize(
    "name",
    [
        "pincode", "pin_code", "company", "panel", "spanish", "span", "postal_code", "tracking", "card_id",
        "card_last4", "number", "soundtrack", "code", "acid", "cardinal", "token", "description",
    ],
)  # fmt: skip
def test_names_that_only_resemble_those_are_allowed(name: str) -> None:
    assert card_data_pointers({name: "560001"}) == []


@pytest.mark.parametrize(
    "text",
    [
        "CVV 123",
        "cvv: 123",
        "the cvc is 1234",
        "CVV2=987",
        'his "cvv" : "123"',
        "cvv no. 123"[:3] + "-123",
        "CVV १२३",
    ],
)
def test_a_security_code_told_in_words_is_found(text: str) -> None:
    assert card_data_pointers({"description": text}) == ["/description"]


@pytest.mark.parametrize(
    "text", ["never send the CVV", "CVV 12", "cvv 123456", "room 123", "discvv 123", "CVV, and 123 others"]
)
def test_speaking_of_security_codes_is_allowed(text: str) -> None:
    assert card_data_pointers({"description": text}) == []


def test_what_the_gateway_sent_is_kept_without_card_numbers_and_with_bank_references() -> None:
    document = {
        "rrn": VISA,
        "acquirer_data": {"utr": VISA, "arn": VISA, "bank_transaction_id": VISA, "auth_code": VISA},
        "notes": {"card": in_groups(VISA, " "), "number": int(VISA), "float": float(VISA)},
        "list": [VISA, {"deep": VISA}],
        "customer_id": {"card": VISA},
        "plain": [1, None, True, "x", 1.5],
    }
    assert without_card_numbers(document) == {
        "rrn": VISA,
        "acquirer_data": {"utr": VISA, "arn": VISA, "bank_transaction_id": VISA, "auth_code": VISA},
        "notes": {
            "card": "[card ending 1111]",
            "number": "[card ending 1111]",
            "float": "[card ending 1111].0",
        },
        "list": ["[card ending 1111]", {"deep": "[card ending 1111]"}],
        "customer_id": {"card": "[card ending 1111]"},
        "plain": [1, None, True, "x", 1.5],
    }


@pytest.mark.parametrize(
    "text", ["4 " * 32_000, "1 " * 32_000, "4" * 64_000, "41111111111112 " * 4_000, "4-" * 32_000]
)
def test_the_largest_body_is_searched_quickly(text: str) -> None:
    assert grows_linearly(lambda part: card_data_pointers({"a": part}), text)  # it was quadratic once
