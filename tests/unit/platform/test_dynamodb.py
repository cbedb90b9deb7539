"""DynamoDB as it is used here: whole numbers only, writes together or not at all, conditions by name."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.auth import Role
from runtime.platform.dynamodb import (
    TRANSACTION_ITEMS_MAX,
    ConditionFailed,
    Transaction,
    from_attribute,
    from_item,
    put_item_if,
    to_attribute,
    to_item,
    update_item_if,
)
from runtime.platform.errors import CONCURRENT_CHANGE, Problem

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def same_types(one: object, other: object) -> bool:
    """Whether equal values are also of equal types: True is 1 for Python, but not in storage."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same_types(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return all(same_types(a, b) for a, b in zip(one, other, strict=True))
    return True


@given(values)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    back = from_attribute(to_attribute(value))
    assert back == value
    assert same_types(back, value)


@pytest.mark.parametrize(
    "value",
    [1.0, 0.0, float("nan"), Decimal(1), Fraction(1, 2), b"x", {1}, frozenset(), object(), 1j],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    "wrap", [lambda v: v, lambda v: [v], lambda v: {"a": v}, lambda v: {"a": [{"b": (v,)}]}]
)
def test_a_float_cannot_reach_storage(value: object, wrap: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        to_attribute(wrap(value))


def test_what_is_a_text_in_disguise_is_stored_as_text() -> None:
    assert to_attribute(Role.PARENT) == {"S": "parent"}
    assert type(to_attribute(Role.PARENT)["S"]) is str
    assert to_attribute((1, True)) == {"L": [{"N": "1"}, {"BOOL": True}]}


@pytest.mark.parametrize(
    "attribute", [{"B": b"x"}, {"SS": ["a"]}, {"NS": ["1"]}, {"M": {"a": {"BS": [b"x"]}}}]
)
def test_what_others_stored_is_not_taken_for_ours(attribute: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="not one of ours"):
        from_attribute(attribute)


@pytest.mark.parametrize("number", ["1.5", "1E-3"])
def test_a_fraction_in_storage_is_an_error_and_not_rounded(number: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        from_attribute({"N": number})


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.none() | st.integers() | st.text(), max_size=8))
def test_nothing_at_the_top_is_left_out_so_that_sparse_indexes_stay_sparse(item: dict[str, Any]) -> None:
    assert from_item(to_item(item)) == {name: value for name, value in item.items() if value is not None}


# Transactions, against a client that answers by a script


class TransactionCanceled(Exception):
    def __init__(self, *codes: str) -> None:
        self.response = {"CancellationReasons": [{"Code": code} if code else {} for code in codes]}


class ScriptedClient:
    """Answers each ``transact_write_items`` with the next of ``answers``: None, or what it raises."""

    class exceptions:
        TransactionCanceledException = TransactionCanceled

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.sent: list[list[Any]] = []

    def transact_write_items(self, *, TransactItems: list[Any]) -> None:
        self.sent.append(list(TransactItems))
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer


def transaction(client: ScriptedClient, slept: list[float] | None = None) -> Transaction:
    return Transaction(cast(Any, client), sleep=(slept if slept is not None else []).append)


def two_writes(client: ScriptedClient, slept: list[float] | None = None) -> Transaction:
    made = transaction(client, slept)
    made.put("state", "t1", {"a": 1, "gone": None}, condition="x = :x", values={":x": 1})
    made.update(
        "journal:1",
        "t2",
        {"k": "v"},
        expression="SET #s = :s",
        condition="attribute_exists(k)",
        values={":s": "new"},
        names={"#s": "state"},
    )
    return made


def test_all_writes_go_out_in_one_call() -> None:
    client = ScriptedClient(None)
    two_writes(client).commit()
    assert client.sent == [
        [
            {
                "Put": {
                    "TableName": "t1",
                    "Item": {"a": {"N": "1"}},
                    "ConditionExpression": "x = :x",
                    "ExpressionAttributeValues": {":x": {"N": "1"}},
                }
            },
            {
                "Update": {
                    "TableName": "t2",
                    "Key": {"k": {"S": "v"}},
                    "UpdateExpression": "SET #s = :s",
                    "ConditionExpression": "attribute_exists(k)",
                    "ExpressionAttributeValues": {":s": {"S": "new"}},
                    "ExpressionAttributeNames": {"#s": "state"},
                }
            },
        ]
    ]


@pytest.mark.parametrize(
    ("codes", "labels"),
    [
        (("ConditionalCheckFailed", "None"), ("state",)),
        (("None", "ConditionalCheckFailed"), ("journal:1",)),
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), ("state", "journal:1")),
        (("ConditionalCheckFailed", "TransactionConflict"), ("state",)),
        (("", "ConditionalCheckFailed"), ("journal:1",)),
    ],
)
def test_the_writes_whose_condition_failed_are_named(codes: tuple[str, ...], labels: tuple[str, ...]) -> None:
    client = ScriptedClient(TransactionCanceled(*codes))
    with pytest.raises(ConditionFailed) as caught:
        two_writes(client).commit()
    assert caught.value.labels == labels
    assert len(client.sent) == 1


@pytest.mark.parametrize("conflicts", [1, 2, 3, 4])
def test_a_conflict_is_tried_again_after_growing_pauses(conflicts: int) -> None:
    slept: list[float] = []
    client = ScriptedClient(*[TransactionCanceled("TransactionConflict", "None")] * conflicts, None)
    two_writes(client, slept).commit()
    assert len(client.sent) == conflicts + 1
    assert all(sent == client.sent[0] for sent in client.sent)
    assert slept == sorted(slept)
    assert len(slept) == conflicts


def test_a_conflict_that_does_not_end_is_told_as_a_problem_within_a_second() -> None:
    slept: list[float] = []
    client = ScriptedClient(*[TransactionCanceled("TransactionConflict", "None")] * 10)
    with pytest.raises(Problem) as caught:
        two_writes(client, slept).commit()
    assert caught.value.kind is CONCURRENT_CHANGE
    assert caught.value.retry_after_s == 1
    assert len(client.sent) == 5
    assert sum(slept) < 1


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ValidationError", "None", "ItemCollectionSizeLimitExceeded"]
)
def test_any_other_cancellation_is_passed_on(code: str) -> None:
    with pytest.raises(TransactionCanceled):
        two_writes(ScriptedClient(TransactionCanceled(code, "None"))).commit()


def test_a_float_is_refused_before_anything_is_sent() -> None:
    client = ScriptedClient()
    made = transaction(client)
    with pytest.raises(TypeError):
        made.put("x", "t", {"amount": 1.0}, condition="c")
    with pytest.raises(TypeError):
        made.update("x", "t", {"k": "v"}, expression="e", condition="c", values={":a": 1.5})
    assert client.sent == []


def test_a_transaction_has_a_limit() -> None:
    made = transaction(ScriptedClient())
    for number in range(TRANSACTION_ITEMS_MAX):
        made.put(str(number), "t", {"k": "v"}, condition="c")
    with pytest.raises(ValueError, match="at most 100"):
        made.put("one more", "t", {"k": "v"}, condition="c")


class Refusing:
    """A client whose writes are refused with an AWS error."""

    def __init__(self, code: str, item: dict[str, Any] | None = None) -> None:
        response: Any = {"Error": {"Code": code, "Message": "m"}} | ({"Item": item} if item else {})
        self.error = ClientError(response, "PutItem")

    def put_item(self, **_: object) -> None:
        raise self.error

    update_item = put_item


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "AccessDeniedException", "InternalServerError"]
)
def test_other_failures_of_a_conditional_write_stay_what_they_are(code: str) -> None:
    client = cast(Any, Refusing(code))
    with pytest.raises(ClientError):
        put_item_if(client, "t", {"k": "v"}, condition="c")
    with pytest.raises(ClientError):
        update_item_if(client, "t", {"k": "v"}, expression="e", condition="c", values={":a": 1})


def test_a_failed_condition_shows_what_was_found() -> None:
    failed = "ConditionalCheckFailedException"
    with pytest.raises(ConditionFailed) as caught:
        put_item_if(cast(Any, Refusing(failed, {"a": {"N": "1"}})), "t", {"k": "v"}, condition="c")
    assert caught.value.existing == {"a": 1}
    with pytest.raises(ConditionFailed) as caught:
        update_item_if(
            cast(Any, Refusing(failed)), "t", {"k": "v"}, expression="e", condition="c", values={":a": 1}
        )
    assert caught.value.existing is None
