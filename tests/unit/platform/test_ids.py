"""Identifiers name their kind, sort by time, and fit where they must."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.clock import FixedClock, SystemClock
from runtime.platform.ids import UlidIds, is_id

RECEIPT_LENGTH_MAX = 40
"""Razorpay's Orders API, ``receipt``."""

START = datetime(2026, 1, 1, tzinfo=UTC)
bits = st.integers(0, 2**80 - 1)


def made(milliseconds: int, random: int) -> str:
    return UlidIds(FixedClock(START + timedelta(milliseconds=milliseconds)), lambda _: random).new("pmt")


@given(st.integers(0, 10**11), bits)
def test_an_identifier_has_its_shape_and_fits_a_receipt(milliseconds: int, random: int) -> None:
    identifier = made(milliseconds, random)
    assert is_id(identifier, "pmt")
    assert not is_id(identifier, "evt")
    assert len(identifier) == 30 <= RECEIPT_LENGTH_MAX


@given(st.integers(0, 10**9), st.integers(2, 10**9), bits, bits)
def test_a_later_identifier_sorts_later(earlier_ms: int, by_ms: int, one: int, other: int) -> None:
    assert made(earlier_ms, one) < made(earlier_ms + by_ms, other)


@given(bits, bits)
def test_within_a_moment_the_random_bits_decide(one: int, other: int) -> None:
    assert (made(5, one) == made(5, other)) == (one == other)


def test_the_text_is_that_of_the_specification() -> None:
    # https://github.com/ulid/spec: 01ARZ3NDEKTSV4RRFFQ69G5FAV
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1469922850259)
    random = int.from_bytes(bytes.fromhex("d6764c61efb99302bd5b"), "big")
    assert UlidIds(FixedClock(moment), lambda _: random).new("x" * 2) == "xx_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_eighty_bits_are_asked_for_and_come_from_the_systems_source_by_default() -> None:
    asked: list[int] = []

    def random(count: int) -> int:
        asked.append(count)
        return 0

    UlidIds(FixedClock(START), random).new("pmt")
    assert asked == [80]
    ids = UlidIds(SystemClock())
    assert len({ids.new("pmt") for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "", "pmt_", "pmt", "pmt_01ARZ3NDEKTSV4RRFFQ69G5FA", "pmt_01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "pmt_01ARZ3NDEKTSV4RRFFQ69G5FAI", "pmt_01arz3ndektsv4rrffq69g5fav",
        "PMT_01ARZ3NDEKTSV4RRFFQ69G5FAV", "pmt_01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
        "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", " pmt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "pmt_../../../../../../../../..",
    ],
)  # fmt: skip
def test_what_has_another_shape_is_no_identifier(text: str) -> None:
    assert not is_id(text, "pmt")
