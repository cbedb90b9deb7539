"""A body is one UTF-8 JSON object within limits, or it is refused with a stable code."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.errors import BODY_MALFORMED, BODY_TOO_LARGE, CARD_DATA_REFUSED, Problem
from runtime.platform.json_body import DEPTH_MAX, POINTERS_SHOWN_MAX, parse_object, refuse_card_data

SIZE_MAX = 64 * 1024
VISA = "4111111111111111"


def refused(body: bytes, size_max: int = SIZE_MAX) -> Problem:
    with pytest.raises(Problem) as caught:
        parse_object(body, size_max=size_max)
    return caught.value


def nested(levels: int, opening: bytes = b'{"a":', closing: bytes = b"}") -> bytes:
    return opening * levels + b"1" + closing * levels


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}x",
        b"{} {}",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":[-Infinity]}',
        b'{"a":1e400}',
        b'{"a":-1e400}',
        b'{"a":1,"a":1}',
        b'{"b":{"a":1,"a":2}}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"\\udc00":1}',
        b'{"a":["\\udc00\\ud800"]}',
        b'{"a":"\\ud83dx\\ude00"}',
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32"),
        b"null",
        b"1",
        b'"text"',
        b"[]",
        b'[{"a":1}]',
        b"true",
        b"\x00{}",
        b"[" * 60_000,
        b'{"a":' * 12_000,
        nested(DEPTH_MAX + 1),
        b'{"a":' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_single_json_object_is_malformed(body: bytes) -> None:
    assert refused(body).kind is BODY_MALFORMED


def test_the_deepest_allowed_nesting_is_read() -> None:
    assert parse_object(nested(DEPTH_MAX), size_max=SIZE_MAX)["a"]["a"]


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_object(b'{"a":"\\ud83d\\ude00"}', size_max=100) == {"a": "\U0001f600"}


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_limit_is_on_bytes_and_exact(size: int, size_max: int) -> None:
    body = b'{"a":"' + b"x" * size + b'"}'
    if len(body) > size_max:
        problem = refused(body, size_max)
        assert problem.kind is BODY_TOO_LARGE
        assert str(size_max) in problem.detail
    else:
        assert parse_object(body, size_max=size_max) == {"a": "x" * size}


def test_characters_of_several_bytes_count_as_several() -> None:
    body = '{"a":"₹₹"}'.encode()
    assert len(body) == 14
    assert parse_object(body, size_max=14) == {"a": "₹₹"}
    assert refused(body, 13).kind is BODY_TOO_LARGE


@given(st.binary(max_size=200))
def test_no_body_does_anything_but_be_read_or_refused(body: bytes) -> None:
    refusal, document = None, None
    try:
        document = parse_object(body, size_max=SIZE_MAX)
    except Problem as problem:
        refusal = problem.kind
    assert isinstance(document, dict) or refusal is BODY_MALFORMED


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.booleans())
def test_every_json_object_is_read_as_it_was_meant(document: dict[str, Any], in_ascii: bool) -> None:
    body = json.dumps(document, ensure_ascii=in_ascii).encode("utf-8")
    assert parse_object(body, size_max=10**6) == document


@given(st.dictionaries(st.text("xyz\U0001f600", min_size=1), st.integers(-999, 999)))
def test_a_document_without_card_data_passes(document: dict[str, Any]) -> None:
    refuse_card_data(document)


def test_card_data_is_refused_with_its_places_and_without_itself() -> None:
    with pytest.raises(Problem) as caught:
        refuse_card_data({"metadata": {"note": VISA}, "cvv": "123", "fine": "x"})
    problem = caught.value
    assert problem.kind is CARD_DATA_REFUSED
    assert [error.pointer for error in problem.errors] == ["/cvv", "/metadata/note"]
    assert VISA not in json.dumps(problem.document("r"))
    assert VISA not in str(problem)


def test_a_number_in_a_name_is_refused_without_being_repeated() -> None:
    with pytest.raises(Problem) as caught:
        refuse_card_data({"metadata": {VISA: "x"}})
    assert VISA not in json.dumps(caught.value.document("r"))


def test_only_the_first_places_are_told() -> None:
    with pytest.raises(Problem) as caught:
        refuse_card_data({"list": [VISA] * 50})
    assert len(caught.value.errors) == POINTERS_SHOWN_MAX
