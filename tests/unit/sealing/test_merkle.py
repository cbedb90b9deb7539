"""The tree that grows at its edge is the tree of RFC 6962, section 2.1."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sealing.merkle import Frontier


def by_definition(records: list[bytes]) -> bytes:
    """MTH of the RFC, word for word: split at the largest power of two below the number of leaves."""
    if not records:
        return hashlib.sha256(b"").digest()
    if len(records) == 1:
        return hashlib.sha256(b"\x00" + records[0]).digest()
    split = 1
    while split * 2 < len(records):
        split *= 2
    left, right = by_definition(records[:split]), by_definition(records[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_that_of_the_definition(records: list[bytes]) -> None:
    assert Frontier().append(records).root == by_definition(records)


@given(st.lists(st.lists(st.binary(max_size=4), max_size=9), max_size=9))
def test_it_does_not_matter_in_how_many_steps_it_grew(batches: list[list[bytes]]) -> None:
    grown = Frontier()
    for batch in batches:
        grown = grown.append(batch)
    assert grown == Frontier().append([record for batch in batches for record in batch])


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20), st.data())
def test_every_change_of_a_leaf_is_another_root(records: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(records) - 1))
    changed = [*records[:index], records[index] + b"!", *records[index + 1 :]]
    assert Frontier().append(records).root != Frontier().append(changed).root


@pytest.mark.parametrize(("size", "roots"), [(1, ()), (3, (b"a" * 32,)), (-1, ()), (0, (b"a" * 32,))])
def test_a_frontier_that_does_not_fit_its_size_is_refused(size: int, roots: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="a root for each one"):
        Frontier(size, roots)
