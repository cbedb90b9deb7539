"""What counts as the same on both sides, and that nothing else does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.probes.normal import differences, is_a_placeholder, parsed, policy, scalar

SCALARS = st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def same(expected: Any, running: Any, *, exact: bool = False) -> bool:
    return not any(differences(expected, running, exact=exact))


@given(VALUES)
def test_everything_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value, exact=True)
    assert same(value, json.loads(json.dumps(value)), exact=True)


@given(st.lists(VALUES, max_size=5), st.randoms())
def test_the_order_of_lists_does_not_count(items: list[Any], chance: Any) -> None:
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert same(items, shuffled, exact=True)


@given(st.lists(SCALARS, max_size=5), SCALARS)
def test_the_length_of_lists_does(items: list[Any], more: Any) -> None:
    assert not same(items, [*items, more])
    assert not same([*items, more], items)


@given(st.dictionaries(st.text(max_size=3), SCALARS, max_size=4), SCALARS)
def test_more_members_count_only_where_it_is_exact(members: dict[str, Any], more: Any) -> None:
    running = {**members, "only-in-what-runs": more}
    assert same(members, running)
    assert not same(members, running, exact=True)
    assert not same(running, members)


@pytest.mark.parametrize(
    ("one", "other"), [(30, "30"), (30.0, 30), ("30.0", 30), (True, "true"), ("False", False)]
)
def test_one_thing_said_in_several_ways(one: Any, other: Any) -> None:
    assert scalar(one) == scalar(other)


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ("", None), (None, 0), ("1.5", "15")])
def test_what_is_not_the_same_thing(one: Any, other: Any) -> None:
    assert scalar(one) != scalar(other)


def statement(**changed: Any) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": ["a", "b"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } | changed


def test_a_policy_is_the_same_however_it_is_written() -> None:
    written = json.dumps(
        {
            "Version": "2012-10-17",
            "Id": "x",
            "Statement": statement(
                Sid="y",
                Principal="*",
                Action=["s3:*"],
                Resource=["b", "a"],
                Condition={"Bool": {"aws:SecureTransport": [False]}},
            ),
        }
    )
    assert same(policy({"Statement": [statement()]}), policy(written), exact=True)
    account = {"AWS": "777788889999"}
    arn = {"AWS": "arn:aws:iam::777788889999:root"}
    assert policy({"Statement": [statement(Principal=account)]}) == policy(
        {"Statement": [statement(Principal=arn)]}
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::210987654321:root"}},
        {"Principal": {"Service": "*"}},
        {"Action": "s3:GetObject"},
        {"Resource": ["a"]},
        {"Condition": {}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"NotAction": "s3:GetObject"},
    ],
)
def test_a_policy_that_says_something_else_differs(changed: dict[str, Any]) -> None:
    expected = policy({"Statement": [statement()]})
    assert not same(expected, policy({"Statement": [statement(**changed)]}), exact=True)
    assert not same(expected, policy({"Statement": [statement(), statement(**changed)]}), exact=True)


def test_no_policy_has_no_statements_and_no_json_is_left_alone() -> None:
    assert policy(None) == []
    assert parsed("{no json") == "{no json"
    assert parsed(None) is None


def test_only_a_name_that_nobody_can_have_is_left_to_the_deployment() -> None:
    assert is_a_placeholder("http://razorpay.invalid")
    assert not is_a_placeholder("https://api.razorpay.com")
    assert not is_a_placeholder("http://razorpay.invalid.example")
    assert not is_a_placeholder(None)
