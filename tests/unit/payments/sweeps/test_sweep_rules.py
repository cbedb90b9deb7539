"""What a sweep looks at, in which order, and what it concludes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime.payments.model import OPEN_STATUSES, Attempt, AttemptStatus, Payment, PaymentStatus
from runtime.payments.rules import hear
from runtime.payments.sweeps.rules import (
    ATTEMPT_UNANSWERED_MAX,
    FRESH_FOR,
    LANES,
    ORDER_UNKNOWN_MAX,
    QUIET_FOR,
    Lane,
    is_open_too_long,
    is_resolved,
    told_of,
    with_order,
    without_order,
)
from runtime.platform.clock import iso

NOW = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
LONG_AGO, LATELY = NOW - timedelta(days=30), NOW - timedelta(minutes=20)


def payment(status: PaymentStatus = PaymentStatus.PENDING, **changes: Any) -> Payment:
    return Payment(
        payment_id="pmt_1",
        school_id="sch_1",
        payer_id="usr_1",
        amount_paise=45_000,
        currency="INR",
        description="Lunches",
        status=status,
        **{"order_id": "order_1", "created_at": iso(LATELY), "updated_at": iso(LATELY)} | changes,
    )


def attempt(status: AttemptStatus, at: datetime = LATELY) -> Attempt:
    return Attempt(
        gateway_payment_id="pay_1",
        status=status,
        amount_paise=45_000,
        currency="INR",
        observed_at=int(at.timestamp()),
    )


def test_every_open_status_is_swept_fresh_and_old_and_no_other() -> None:
    assert {(lane.status, lane.fresh) for lane in LANES if lane.status in OPEN_STATUSES} == {
        (status, fresh) for status in OPEN_STATUSES for fresh in (True, False)
    }
    assert {(lane.status, lane.fresh) for lane in LANES if lane.status not in OPEN_STATUSES} == {
        (PaymentStatus.FAILED, True),
        ("returns", True),
        ("returns", False),
    }
    assert [lane.fresh for lane in LANES] == sorted((lane.fresh for lane in LANES), reverse=True)
    assert len({lane.name for lane in LANES}) == len(LANES)


@pytest.mark.parametrize(
    ("age", "lanes"),
    [
        (timedelta(0), []),
        (QUIET_FOR - timedelta(milliseconds=1), []),
        (QUIET_FOR, [True]),
        (FRESH_FOR, [True]),
        (FRESH_FOR + timedelta(milliseconds=1), [False]),
        (timedelta(days=4_000), [False]),
    ],
)
def test_a_payment_is_in_one_lane_once_it_was_quiet(age: timedelta, lanes: list[bool]) -> None:
    changed_at = iso(NOW - age)
    found = [
        fresh
        for fresh in (True, False)
        if (bounds := Lane(PaymentStatus.PENDING, fresh).bounds(NOW))[0] <= changed_at <= bounds[1]
    ]
    assert found == lanes


def test_the_same_word_a_little_later_is_no_news() -> None:
    known = hear(payment(), attempt(AttemptStatus.AUTHORIZED, LATELY))
    assert told_of(known, attempt(AttemptStatus.AUTHORIZED, NOW)) is known


def test_a_new_word_is_merged_as_an_event_would_be() -> None:
    known = hear(payment(), attempt(AttemptStatus.AUTHORIZED, LATELY))
    captured = attempt(AttemptStatus.CAPTURED, NOW)
    assert told_of(known, captured) == hear(known, captured)
    assert told_of(payment(), captured) == hear(payment(), captured)
    settled = hear(known, captured)
    assert told_of(settled, attempt(AttemptStatus.FAILED, NOW)) is settled


def test_an_order_that_turns_up_makes_the_payment_payable() -> None:
    lost = payment(PaymentStatus.UNKNOWN, order_id=None, order_outcome_unknown=True)
    found = with_order(lost, "order_9")
    assert (found.order_id, found.order_outcome_unknown, found.status) == (
        "order_9",
        False,
        PaymentStatus.PENDING,
    )


def test_an_order_counts_as_never_made_only_after_an_hour() -> None:
    lost = payment(PaymentStatus.UNKNOWN, order_id=None, order_outcome_unknown=True)
    at = LATELY + ORDER_UNKNOWN_MAX
    assert without_order(lost, at) is lost
    later = without_order(lost, at + timedelta(milliseconds=1))
    assert (later.status, later.order_outcome_unknown) == (PaymentStatus.CREATED, False)
    assert without_order(later, NOW + timedelta(days=9)) is later


@pytest.mark.parametrize(
    ("before", "after", "resolved"),
    [
        (PaymentStatus.UNKNOWN, PaymentStatus.UNKNOWN, False),
        (PaymentStatus.UNKNOWN, PaymentStatus.PENDING, True),
        (PaymentStatus.UNKNOWN, PaymentStatus.CREATED, True),
        (PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, False),
        (PaymentStatus.PENDING, PaymentStatus.CAPTURED, True),
        (PaymentStatus.AUTHORIZED, PaymentStatus.FAILED, True),
        (PaymentStatus.CREATED, PaymentStatus.CONFLICTED, True),
    ],
)
def test_what_counts_as_resolved(before: PaymentStatus, after: PaymentStatus, resolved: bool) -> None:
    assert is_resolved(payment(before), payment(after)) is resolved


def test_a_checkout_that_somebody_left_is_never_open_too_long() -> None:
    assert not is_open_too_long(payment(created_at=iso(LONG_AGO)), NOW)
    assert not is_open_too_long(payment(PaymentStatus.CAPTURED, created_at=iso(LONG_AGO)), NOW)


def test_an_order_of_unknown_outcome_is_open_too_long_after_an_hour() -> None:
    lost = payment(PaymentStatus.UNKNOWN, order_id=None, order_outcome_unknown=True)
    assert not is_open_too_long(lost, LATELY + ORDER_UNKNOWN_MAX)
    assert is_open_too_long(lost, LATELY + ORDER_UNKNOWN_MAX + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("status", "too_long"),
    [(AttemptStatus.CREATED, True), (AttemptStatus.AUTHORIZED, True), (AttemptStatus.FAILED, False)],
)
def test_an_attempt_without_an_answer_is_open_too_long_after_four_days(
    status: AttemptStatus, too_long: bool
) -> None:
    waiting = payment(attempts={"pay_1": attempt(status)})
    edge = LATELY + ATTEMPT_UNANSWERED_MAX
    assert is_open_too_long(waiting, edge + timedelta(seconds=1)) is too_long
    assert not is_open_too_long(waiting, edge)
