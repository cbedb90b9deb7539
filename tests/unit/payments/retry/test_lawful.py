"""The second reading of the law finds what is broken: each of its rules can fail."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runtime.payments.retry.law import Method
from runtime.payments.retry.plan import Retry
from runtime.payments.retry.situation import AttemptOutcome, Downtime, MandateStatus
from tests.unit.payments.retry.lawful import broken
from tests.unit.payments.retry.situations import debit, decline, delivered, failed, ist, mandate, situation

LAWFUL = Retry(
    at=ist(2026, 11, 6, 6, 15),
    notify_at=None,
    attempt_no=2,
    cycle_attempt_no=2,
    amount_paise=45_000,
    because=(),
)


def judged(retry: dict[str, Any], **asked: Any) -> list[str]:
    values: dict[str, Any] = {"attempts": (failed(),), "notice": delivered()}
    return broken(replace(LAWFUL, **retry), situation(**values | asked))


def test_a_lawful_debit_breaks_nothing() -> None:
    assert judged({}) == []


@pytest.mark.parametrize(
    ("name", "retry", "asked"),
    [
        ("before now", {"at": ist(2026, 11, 5, 9)}, {}),
        ("a peak hour", {"at": ist(2026, 11, 6, 10)}, {}),
        ("a peak hour", {"at": ist(2026, 11, 6, 21, 30)}, {}),
        ("not presented then", {"at": ist(2026, 11, 10, 6, 15)}, {"debit": debit(Method.NACH)}),
        ("not presented then", {"at": ist(2026, 11, 9, 9)}, {"debit": debit(Method.NACH)}),
        ("the notice", {}, {"notice": None}),
        ("the notice", {}, {"notice": delivered(ist(2026, 11, 5, 6))}),
        ("the notice", {"notify_at": ist(2026, 11, 5, 12)}, {}),
        ("the budget", {"cycle_attempt_no": 1}, {}),
        ("the declines", {}, {"attempts": (failed("card_expired"),)}),
        ("the declines", {}, {"attempts": (failed(outcome=AttemptOutcome.UNKNOWN),)}),
        ("the declines", {}, {"attempts": (failed("payment_pending"),)}),
        (
            "the declines",
            {},
            {"attempts": (failed(decline=decline("payment_mandate_not_active", "nach")),)},
        ),
        ("the amount", {}, {"debit": debit(amount_paise=15_000_01)}),
        ("the amount", {}, {"mandate": mandate(max_amount_paise=44_999)}),
        ("the mandate", {}, {"mandate": mandate(status=MandateStatus.PAUSED)}),
        ("the mandate", {}, {"mandate": mandate(expires_at=ist(2026, 11, 6))}),
        ("the mandate", {}, {"mandate": mandate(cycle_end=ist(2026, 11, 7))}),
        ("the gap between attempts", {}, {"debit": debit(Method.CARD)}),
        ("a downtime", {}, {"downtimes": (Downtime("upi", ist(2026, 11, 6, 6)),)}),
    ],
)
def test_what_is_broken_is_named(name: str, retry: dict[str, Any], asked: dict[str, Any]) -> None:
    assert name in judged(retry, **asked)


def test_a_notice_that_is_too_short_for_the_gateway_is_broken() -> None:
    at = LAWFUL.at + timedelta(hours=3)
    assert "the notice" in judged(
        {"at": at, "notify_at": at - timedelta(hours=25)}, now=ist(2026, 11, 5, 8, 20)
    )
