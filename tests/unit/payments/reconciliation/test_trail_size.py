"""A trail has an end, so that an exception always fits into an item of DynamoDB (400 KB)."""

from datetime import UTC, datetime

import pytest

from runtime.payments.reconciliation.exception_model import (
    MATCHER,
    ReconciliationException,
    Refusal,
    TransitionRefused,
)
from runtime.payments.reconciliation.exceptions import (
    MATCHER_STEPS_MAX,
    TEXT_MAX,
    TRAIL_BYTES_MAX,
    comment,
    open_exception,
    recheck,
)
from runtime.payments.reconciliation.model import Finding, Leg, Reason, Status

NOW = datetime(2026, 4, 10, 6, 30, tzinfo=UTC)
ITEM_MAX = 400 * 1024


def finding(facts: str = "0") -> Finding:
    return Finding(
        Leg.GATEWAY, "pay_1", "pay_1", Status.OVER, 45_000, "INR", (Reason.ROW_NOT_EXPECTED,), 45_000, facts
    )


def filled(text: str) -> ReconciliationException:
    """An exception on which somebody comments until it is refused."""
    exception = open_exception([finding()], NOW)
    refusal = None
    while refusal is None:
        try:
            exception = comment(exception, text=text, actor="usr_finance", at=NOW)
        except TransitionRefused as refused:
            refusal = refused.code
    assert refusal is Refusal.TRAIL_FULL
    return exception


@pytest.mark.parametrize("text", ["ஹ" * TEXT_MAX, "x"])
def test_what_people_write_is_bounded_in_bytes_and_the_match_still_has_its_say(text: str) -> None:
    exception = filled(text)
    written = sum(len(entry.text.encode()) for entry in exception.trail)
    assert written <= TRAIL_BYTES_MAX
    people = [entry for entry in exception.trail if entry.actor != MATCHER]
    for number in range(MATCHER_STEPS_MAX + 50):
        exception = recheck(exception, [finding(str(number + 1))], NOW)
    assert [entry for entry in exception.trail if entry.actor != MATCHER] == people
    assert sum(entry.actor == MATCHER for entry in exception.trail) == MATCHER_STEPS_MAX + 1
    assert exception.trail[0].action == "opened"
    assert len(exception.model_dump_json().encode()) < ITEM_MAX
