"""Situations for tests, and any situation that may come, for property tests."""

import random
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from runtime.payments.retry.declines import Decline, declines
from runtime.payments.retry.law import Method, minute_of_day
from runtime.payments.retry.plan import Plan, Retry
from runtime.payments.retry.planner import Planner
from runtime.payments.retry.policy import house_policy
from runtime.payments.retry.situation import (
    Attempt,
    AttemptOutcome,
    Debit,
    Downtime,
    Mandate,
    MandateStatus,
    Notice,
    NoticeStatus,
    Situation,
)
from runtime.platform.clock import IST

AMOUNT_PAISE = 45_000
PLANNER = Planner()


def ist(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=IST)


NOW = ist(2026, 11, 5, 12)
"""A Thursday; the 8th is a Sunday, the 10th a bank holiday, the 14th a second Saturday."""

FAILED_AT = ist(2026, 11, 5, 8, 15)
DELIVERED_AT = ist(2026, 11, 3, 8)


def debit(method: Method = Method.UPI, **changes: Any) -> Debit:
    values: dict[str, Any] = {"amount_paise": AMOUNT_PAISE, "currency": "INR", "method": method}
    return Debit(**values | changes)


def mandate(**changes: Any) -> Mandate:
    """A confirmed monthly mandate up to ₹20,000.00 in its cycle of November 2026."""
    values: dict[str, Any] = {
        "status": MandateStatus.CONFIRMED,
        "frequency": "monthly",
        "max_amount_paise": 2_000_000,
        "cycle_start": ist(2026, 11, 1),
        "cycle_end": ist(2026, 12, 1),
        "expires_at": ist(2036, 1, 1),
    }
    return Mandate(**values | changes)


def decline(reason: str | None, method: str = "upi") -> Decline:
    return declines().classify(reason, method=method)


def failed(reason: str | None = "insufficient_funds", at: datetime = FAILED_AT, **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "initiated_at": at,
        "outcome": AttemptOutcome.FAILED,
        "decline": decline(reason),
        "concluded_at": at + timedelta(minutes=2),
    }
    return Attempt(**values | changes)


def delivered(at: datetime = DELIVERED_AT, **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "status": NoticeStatus.DELIVERED,
        "amount_paise": AMOUNT_PAISE,
        "raised_at": at,
        "delivered_at": at,
    }
    return Notice(**values | changes)


def situation(**changes: Any) -> Situation:
    values: dict[str, Any] = {"debit": debit(), "mandate": mandate(), "now": NOW}
    return Situation(**values | changes)


def no_chance(n: int) -> int:
    return 0


def at_the_latest(n: int) -> int:
    return n - 1


def planned(**changes: Any) -> Plan:
    return PLANNER.plan(situation(**changes), no_chance)


def retried(**changes: Any) -> Retry:
    """The retry that is planned; anything else fails the test."""
    plan = planned(**changes)
    assert isinstance(plan, Retry), plan
    return plan


def codes(plan: Plan) -> set[str]:
    return {why.code for why in plan.because}


REASONS = (
    *("insufficient_funds", "transaction_daily_limit_exceeded", "bank_technical_error", "request_timed_out"),
    *("payment_failed", "a_reason_of_tomorrow", "payment_mandate_not_active", "duplicate_request"),
    *("authentication_failed", "card_expired", "payment_pending", "server_error", None),
)
_DAY = 24 * 60
_EDGES = (
    0,
    1,
    9 * 60 - 1,
    9 * 60,
    10 * 60 - 1,
    10 * 60,
    13 * 60,
    17 * 60 - 1,
    17 * 60,
    21 * 60 + 30,
    _DAY - 1,
)
"""Minutes of a day at which a rule begins or ends, and those beside them."""


_SLOTS = tuple(minute_of_day(slot) for slot in house_policy().slots)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


def situations(*, simple: bool = False) -> st.SearchStrategy[Situation]:
    """Anything that may be asked of the planner, mostly situations in which there is something to plan.

    ``simple`` leaves out what lets a later plan have fewer limits than an earlier one: a notice, and
    downtimes without an end. Drawn by a seed and not member by member: that is a hundred times as fast, and
    what is looked for lies in the combinations.
    """
    return st.integers(0, 2**48).map(lambda seed: any_situation(seeded(seed), simple=simple))


def any_situation(chance: random.Random, *, simple: bool = False) -> Situation:
    now = _any_moment(chance)
    method = chance.choice([*Method])
    wanted = debit(
        method,
        amount_paise=chance.choice([AMOUNT_PAISE] * 8 + [1_500_000, 1_500_001, chance.randint(1, 2_500_000)]),
        network=chance.choice([None, "Visa", "RuPay"]) if method is Method.CARD else None,
        issuer=chance.choice([None, "HDFC", "SBIN"]),
    )
    start = now - timedelta(minutes=chance.randint(-10 * _DAY, 25 * _DAY))
    has_cycle = chance.random() < 0.8
    length = (
        chance.choice([7, 15, 30, 30, 31, 90, 365]) * _DAY
        if chance.random() < 0.8
        else chance.randint(60, _DAY)
    )
    end = start + timedelta(minutes=length)
    terms = mandate(
        status=chance.choice([MandateStatus.CONFIRMED] * 30 + [*MandateStatus]),
        max_amount_paise=chance.choice([None, 2_000_000, 2_000_000, 1_000_000]),
        cycle_start=start if has_cycle else None,
        cycle_end=end if has_cycle else None,
        expires_at=_any_end(chance, now, 40) if chance.random() < 0.4 else None,
    )
    return Situation(
        debit=wanted,
        mandate=terms,
        now=now,
        attempts=_any_attempts(chance, now, method),
        notice=None if simple or chance.random() < 0.4 else _any_notice(chance, now, wanted.amount_paise),
        downtimes=tuple(
            _any_downtime(chance, now, method, simple=simple) for _ in range(chance.choice([0, 0, 1, 3]))
        ),
        manual=chance.random() < 0.3,
    )


def _any_moment(chance: random.Random) -> datetime:
    """Any second of the years on record and the one after them; every fourth at an edge."""
    day = ist(2025, 6, 1) + timedelta(days=chance.randrange(940))
    if chance.random() < 0.25:
        return day + timedelta(minutes=chance.choice(_EDGES))
    return day + timedelta(seconds=chance.randrange(86_400))


def _any_end(chance: random.Random, now: datetime, days: int) -> datetime:
    """Any minute of the days to come; every third within the minutes that chance may add to a slot."""
    if chance.random() < 0.67:
        return now + timedelta(minutes=chance.randint(0, days * _DAY))
    midnight = datetime(now.year, now.month, now.day, tzinfo=IST) + timedelta(days=chance.randint(1, days))
    return midnight + timedelta(minutes=chance.choice(_SLOTS) + chance.randint(0, 7))


def _any_attempts(chance: random.Random, now: datetime, method: Method) -> tuple[Attempt, ...]:
    ages = sorted(
        (chance.randint(0, 20 * _DAY) for _ in range(chance.choice([0, 1, 1, 1, 2, 2, 3, 4]))), reverse=True
    )
    return tuple(_any_attempt(chance, now, age, method) for age in ages)


def _any_attempt(chance: random.Random, now: datetime, age: int, method: Method) -> Attempt:
    at = now - timedelta(minutes=age)
    unknown = chance.random() < 0.03
    reason = chance.choice(REASONS[:7] * 12 + REASONS)
    return Attempt(
        initiated_at=at,
        outcome=AttemptOutcome.UNKNOWN if unknown else AttemptOutcome.FAILED,
        decline=None if unknown else decline(reason, method.value),
        concluded_at=at + timedelta(seconds=chance.randint(0, min(age, 600) * 60)),
        confirmed=chance.random() < 0.8,
        polls=chance.randint(0, 4),
        last_polled_at=chance.choice([None, now]),
    )


def _any_notice(chance: random.Random, now: datetime, amount_paise: int) -> Notice:
    raised = now - timedelta(minutes=chance.randint(0, 8 * _DAY))
    status = chance.choice([NoticeStatus.DELIVERED] * 10 + [NoticeStatus.RAISED] * 5 + [*NoticeStatus])
    is_delivered = status is NoticeStatus.DELIVERED
    return Notice(
        status=status,
        amount_paise=chance.choice([amount_paise, amount_paise, amount_paise, 100]),
        raised_at=raised,
        delivered_at=raised + timedelta(seconds=chance.randint(0, 7_200)) if is_delivered else None,
        debit_at=raised + timedelta(minutes=chance.randint(0, 3 * _DAY)) if chance.random() < 0.5 else None,
    )


def _any_downtime(chance: random.Random, now: datetime, method: Method, *, simple: bool) -> Downtime:
    begins = _any_end(chance, now, 6) - timedelta(hours=10)
    ends = begins + timedelta(minutes=chance.randint(1, 2 * _DAY))
    return Downtime(
        method=chance.choice([method.value, method.value, "netbanking", "wallet"]),
        begins_at=begins,
        ends_at=ends if simple or chance.random() < 0.5 else None,
        instrument=chance.choice([None, "ALL", "HDFC", "ICIC"]),
    )
