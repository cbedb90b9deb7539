"""Idempotency against a real conditional store: one key, one piece of work, one answer, whoever dies when."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from threading import Barrier
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from runtime.platform.clock import FixedClock
from runtime.platform.dynamodb import ConditionFailed, Transaction, get_item
from runtime.platform.errors import Problem
from runtime.platform.idempotency import KEPT_FOR, Claim, IdempotencyStore, StoredAnswer, fingerprint
from tests.integration.tables import NOON_IN_INDIA, Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "key-00000001"
LEASE_S = 30
CREATED = StoredAnswer(201, {"payment_id": "pmt_1", "note": "₹ and \U0001f600", "nothing": None, "list": [1]})


class Bench:
    """A store, its clock, and new identifiers for what is to be created."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.clock = FixedClock(NOON_IN_INDIA)
        self.store = IdempotencyStore(tables.client, tables["idempotency"], self.clock)
        self._numbers = count()

    def claim(
        self, key: str | None = KEY, *, principal: str = "usr-1", body: str = "a", lease_s: int = LEASE_S
    ) -> Any:
        return self.store.claim(
            principal_id=principal,
            key=key,
            request_fingerprint=fingerprint("create", {"body": body}),
            resource_id=f"pmt_{next(self._numbers)}",
            lease_s=lease_s,
        )

    def claimed(self, **how: Any) -> Claim:
        found = self.claim(**how)
        assert isinstance(found, Claim)
        return found

    def code(self, *args: Any, **how: Any) -> tuple[str, int | None]:
        with pytest.raises(Problem) as caught:
            self.claim(*args, **how)
        return caught.value.kind.code, caught.value.retry_after_s


@pytest.fixture
def bench(tables: Tables) -> Bench:
    return Bench(tables)


def test_the_first_caller_claims_and_the_same_answer_is_given_ever_after(bench: Bench) -> None:
    claim = bench.claimed()
    assert not claim.resumed
    bench.store.answer(claim, CREATED)
    for _ in range(3):
        assert bench.claim() == CREATED
        bench.clock.advance(seconds=86_400)


def test_a_refusal_is_an_answer_too(bench: Bench) -> None:
    refusal = StoredAnswer(422, {"code": "school-unknown"})
    bench.store.answer(bench.claimed(), refusal)
    assert bench.claim() == refusal


def test_while_the_first_is_at_work_others_wait_and_are_told_how_long(bench: Bench) -> None:
    bench.claimed()
    assert bench.code() == ("idempotency-in-flight", LEASE_S + 1)
    bench.clock.advance(seconds=LEASE_S - 0.5)
    assert bench.code() == ("idempotency-in-flight", 1)


def test_another_request_under_the_same_key_is_refused_at_every_stage(bench: Bench) -> None:
    claim = bench.claimed()
    assert bench.code(body="b")[0] == "idempotency-key-reused"
    bench.clock.advance(seconds=LEASE_S + 1)
    assert bench.code(body="b")[0] == "idempotency-key-reused"
    bench.store.answer(claim, CREATED)
    assert bench.code(body="b")[0] == "idempotency-key-reused"


def test_the_key_of_another_is_another_key(bench: Bench) -> None:
    bench.store.answer(bench.claimed(), CREATED)
    assert not bench.claimed(principal="usr-2").resumed
    assert not bench.claimed(key="key-00000002").resumed


@pytest.mark.parametrize(
    "key", [None, "", "short12", "x" * 65, "with blank", "käse-1234", "a#b-12345", "key-00000001\n", "٣" * 8]
)
def test_a_key_that_is_missing_or_malformed_is_refused_and_writes_nothing(
    bench: Bench, key: str | None
) -> None:
    assert bench.code(key)[0] == "idempotency-key-missing"
    assert bench.tables.items("idempotency") == []


@pytest.mark.parametrize("key", ["x" * 8, "x" * 64, "A-Z_09-z"])
def test_keys_of_every_allowed_length_are_taken(bench: Bench, key: str) -> None:
    assert bench.claimed(key=key)


def test_after_a_crash_the_next_takes_over_with_the_same_identifier(bench: Bench) -> None:
    first = bench.claimed()
    bench.clock.advance(seconds=LEASE_S)
    second = bench.claimed()
    assert second.resumed
    assert second.resource_id == first.resource_id
    assert bench.code()[0] == "idempotency-in-flight"
    bench.store.answer(second, CREATED)
    assert bench.claim() == CREATED


def test_a_late_finisher_does_not_win(bench: Bench) -> None:
    late = bench.claimed()
    bench.clock.advance(seconds=LEASE_S)
    second = bench.claimed()
    with pytest.raises(ConditionFailed):
        bench.store.answer(late, StoredAnswer(500, {}))
    bench.store.release(late)
    assert bench.code()[0] == "idempotency-in-flight", "the second's claim is not the first's to give back"
    bench.store.answer(second, CREATED)
    with pytest.raises(ConditionFailed):
        bench.store.answer(late, StoredAnswer(500, {}))
    assert bench.claim() == CREATED


def test_an_answer_cannot_be_replaced(bench: Bench) -> None:
    claim = bench.claimed()
    bench.store.answer(claim, CREATED)
    with pytest.raises(ConditionFailed):
        bench.store.answer(claim, StoredAnswer(500, {}))
    assert bench.claim() == CREATED


def test_who_releases_lets_the_next_continue_at_once(bench: Bench) -> None:
    first = bench.claimed()
    bench.store.release(first)
    second = bench.claimed()
    assert (second.resumed, second.resource_id) == (True, first.resource_id)


def test_a_released_claim_answers_nothing_any_more(bench: Bench) -> None:
    first = bench.claimed()
    bench.clock.advance(seconds=1)
    bench.store.release(first)
    with pytest.raises(ConditionFailed):
        bench.store.answer(first, CREATED)


def test_an_answered_request_cannot_be_released(bench: Bench) -> None:
    claim = bench.claimed()
    bench.store.answer(claim, CREATED)
    bench.store.release(claim)
    assert bench.claim() == CREATED


def test_a_key_is_forgotten_after_its_days_even_if_the_store_has_not_deleted_it(bench: Bench) -> None:
    bench.store.answer(bench.claimed(), CREATED)
    bench.clock.advance(seconds=KEPT_FOR.total_seconds())
    assert bench.claim() == CREATED
    bench.clock.advance(seconds=1)
    again = bench.claimed(body="b")
    assert not again.resumed
    (item,) = bench.tables.items("idempotency")
    assert item["state"] == "in_progress"
    assert item["expires_at"] == int((bench.clock.now() + KEPT_FOR).timestamp())


def test_the_answer_stands_in_one_transaction_with_the_change(
    bench: Bench, dynamodb: "DynamoDBClient"
) -> None:
    claim = bench.claimed()
    transaction = Transaction(dynamodb)
    transaction.put(
        "school", bench.tables["schools"], {"school_id": "s"}, condition="attribute_not_exists(school_id)"
    )
    bench.store.answer_in(transaction, claim, CREATED)
    transaction.commit()
    assert bench.claim() == CREATED
    assert len(bench.tables.items("schools")) == 1


def test_a_late_finisher_changes_nothing_at_all(bench: Bench, dynamodb: "DynamoDBClient") -> None:
    late = bench.claimed()
    bench.clock.advance(seconds=LEASE_S)
    bench.claimed()
    before = bench.tables.items("idempotency")
    transaction = Transaction(dynamodb)
    transaction.put(
        "school", bench.tables["schools"], {"school_id": "s"}, condition="attribute_not_exists(school_id)"
    )
    bench.store.answer_in(transaction, late, CREATED)
    with pytest.raises(ConditionFailed) as caught:
        transaction.commit()
    assert caught.value.labels == ("idempotency",)
    assert bench.tables.items("schools") == []
    assert bench.tables.items("idempotency") == before


def test_a_put_that_the_sdk_repeats_is_still_the_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put = bench.tables.client.put_item

    def answer_lost_once(**call: Any) -> Any:
        put(**call)
        return put(**call)

    monkeypatch.setattr(bench.tables.client, "put_item", answer_lost_once)
    assert not bench.claimed().resumed
    assert bench.code()[0] == "idempotency-in-flight"


# Looking without claiming


def asked(
    bench: Bench, *, key: str | None = KEY, principal: str = "usr-1", body: str = "a"
) -> StoredAnswer | None:
    before = bench.tables.items("idempotency")
    found = bench.store.answered(
        principal_id=principal, key=key, request_fingerprint=fingerprint("create", {"body": body})
    )
    assert bench.tables.items("idempotency") == before
    return found


def test_an_answer_can_be_looked_up_by_the_same_request_and_by_no_other(bench: Bench) -> None:
    assert asked(bench) is None
    claim = bench.claimed()
    assert asked(bench) is None
    bench.store.answer(claim, CREATED)
    assert asked(bench) == CREATED
    assert asked(bench, body="b") is None
    assert asked(bench, principal="usr-2") is None
    assert asked(bench, key="key-00000002") is None
    assert asked(bench, key="short") is None
    assert asked(bench, key=None) is None


def test_a_forgotten_answer_is_not_found_again(bench: Bench) -> None:
    bench.store.answer(bench.claimed(), CREATED)
    bench.clock.advance(seconds=KEPT_FOR.total_seconds())
    assert asked(bench) == CREATED
    bench.clock.advance(seconds=1)
    assert asked(bench) is None


# Many at once


def at_once(callers: int, call: Callable[[int], Any]) -> list[Any]:
    """What came of ``callers`` threads that all began together; a Problem is its code."""
    barrier = Barrier(callers)

    def one(number: int) -> Any:
        barrier.wait()
        try:
            return call(number)
        except Problem as problem:
            return problem.kind.code
        except ConditionFailed:
            return "condition-failed"

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(one, range(callers)))


def test_of_fifty_at_once_exactly_one_claims(bench: Bench) -> None:
    outcomes = at_once(50, lambda _: bench.claim())
    claims = [outcome for outcome in outcomes if isinstance(outcome, Claim)]
    assert len(claims) == 1
    assert Counter(outcome for outcome in outcomes if isinstance(outcome, str)) == {
        "idempotency-in-flight": 49
    }


def test_of_fifty_at_once_exactly_one_takes_over(bench: Bench) -> None:
    first = bench.claimed()
    bench.clock.advance(seconds=LEASE_S)
    outcomes = at_once(50, lambda _: bench.claim())
    claims = [outcome for outcome in outcomes if isinstance(outcome, Claim)]
    assert [(claim.resumed, claim.resource_id) for claim in claims] == [(True, first.resource_id)]
    assert outcomes.count("idempotency-in-flight") == 49


def test_of_many_other_requests_at_once_one_claims_and_the_others_are_refused(bench: Bench) -> None:
    outcomes = at_once(20, lambda number: bench.claim(body=str(number)))
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert outcomes.count("idempotency-key-reused") == 19


def test_of_many_answers_at_once_exactly_one_stands(bench: Bench) -> None:
    claim = bench.claimed()
    outcomes = at_once(20, lambda number: bench.store.answer(claim, StoredAnswer(201, {"by": number})))
    (winner,) = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert bench.claim() == StoredAnswer(201, {"by": winner})


# Every order of everything


@dataclass
class Expected:
    """What the key ought to be, by a model of a few lines: nobody trusts the code to judge itself."""

    state: str = "free"
    body: str = ""
    resource_id: str = ""
    holder: int = -1
    lease_ends_s: float = 0.0
    expires_s: float = 0.0
    answer: StoredAnswer | None = None


class OneKey(RuleBasedStateMachine):
    """Several callers, one key: they claim, crash, wait, answer, release and come back late, in any order.

    Who has released its claim has stopped, and does nothing more with it.
    """

    tables: ClassVar[Tables]
    _keys: ClassVar[Any] = count()

    @initialize()
    def begin(self) -> None:
        self.bench = Bench(self.tables)
        self.key = f"machine-{next(self._keys):08d}"
        self.now_s = 0.0
        self.expected = Expected()
        self.claims: list[Claim] = []
        self.at_work: list[int] = []

    @rule(body=st.sampled_from(["a", "a", "a", "b"]), lease_s=st.sampled_from([10, 30]))
    def claim(self, body: str, lease_s: int) -> None:
        expected = self.expected
        try:
            outcome: Any = self.bench.claim(self.key, body=body, lease_s=lease_s)
        except Problem as problem:
            outcome = problem.kind.code
        if expected.state == "free" or self.now_s > expected.expires_s:
            assert isinstance(outcome, Claim)
            assert not outcome.resumed
            self.expected = Expected(
                "working", body, outcome.resource_id, expires_s=self.now_s + KEPT_FOR.total_seconds()
            )
            self._holds(outcome, lease_s)
        elif expected.body != body:
            assert outcome == "idempotency-key-reused"
        elif expected.state == "answered":
            assert outcome == expected.answer
        elif self.now_s < expected.lease_ends_s:
            assert outcome == "idempotency-in-flight"
        else:
            assert isinstance(outcome, Claim)
            assert outcome.resumed
            assert outcome.resource_id == expected.resource_id
            self._holds(outcome, lease_s)

    def _holds(self, claim: Claim, lease_s: int) -> None:
        self.at_work.append(len(self.claims))
        self.claims.append(claim)
        self.expected.holder = len(self.claims) - 1
        self.expected.lease_ends_s = self.now_s + lease_s

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), status=st.sampled_from([201, 422]))
    def answer(self, data: st.DataObject, status: int) -> None:
        number = data.draw(st.sampled_from(self.at_work))
        answer = StoredAnswer(status, {"by": number})
        allowed = self.expected.state == "working" and self.expected.holder == number
        try:
            self.bench.store.answer(self.claims[number], answer)
            done = True
        except ConditionFailed:
            done = False
        assert done == allowed
        if done:
            self.expected.state, self.expected.answer = "answered", answer

    @precondition(lambda self: self.at_work and self.expected.state == "working")
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.at_work))
        allowed = self.expected.holder == number
        self.bench.store.release(self.claims[number])
        if allowed:
            self.at_work.remove(number)
            self.expected.holder, self.expected.lease_ends_s = -1, self.now_s

    @rule(
        seconds=st.sampled_from([0.001, 1.0, 9.999, 10.0, 30.0, 31.0, timedelta(days=7).total_seconds() + 1])
    )
    def wait(self, seconds: float) -> None:
        self.bench.clock.advance(seconds=seconds)
        self.now_s = (self.bench.clock.now() - NOON_IN_INDIA).total_seconds()

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        if not hasattr(self, "bench"):
            return
        key = {"idempotency_key": f"usr-1#{self.key}"}
        found = get_item(self.tables.client, self.tables["idempotency"], key)
        assert (found is None) == (self.expected.state == "free")
        if found and self.expected.state == "answered":
            assert self.expected.answer is not None
            assert json.loads(found["body"]) == dict(self.expected.answer.body)


def test_no_order_of_callers_crashes_and_delays_breaks_it(tables: Tables) -> None:
    class Machine(OneKey):
        pass

    Machine.tables = tables
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


# Fingerprints


def test_a_fingerprint_is_of_the_operation_and_the_content_and_not_of_its_order() -> None:
    one = fingerprint("create", {"a": 1, "b": {"c": 2, "d": 3}})
    assert one == fingerprint("create", {"b": {"d": 3, "c": 2}, "a": 1})
    assert (
        len({one, fingerprint("verify", {"a": 1, "b": {"c": 2, "d": 3}}), fingerprint("create", {"a": 1})})
        == 3
    )
    assert fingerprint("create", {"a": 1}) != fingerprint("create", {"a": "1"})
