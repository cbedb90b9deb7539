"""Which days a schedule means, and by which policy."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.links.reminders.contracts import ReminderSchedule
from runtime.payments.links.reminders.policy import (
    ReminderPolicy,
    holding_on,
    policy_at,
    policy_on,
    read_policies,
)
from runtime.payments.links.reminders.schedule import days_of
from runtime.payments.links.terms import last_day
from runtime.platform.clock import IST, business_date, from_iso
from runtime.platform.errors import Problem
from tests.unit.payments.links.test_link_rules import a_link
from tests.unit.payments.samples import CREATED_AT

TODAY = date(2026, 4, 1)
LAST = date(2026, 4, 30)
POLICY = policy_on(TODAY)


def days(asked: dict[str, Any] | None, *, today: date = TODAY, last: date = LAST) -> tuple[str, ...]:
    schedule = None if asked is None else ReminderSchedule.model_validate(asked)
    return days_of(schedule, POLICY, made_on=TODAY, today=today, last=last)


def pointers(asked: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(Problem) as raised:
        days(asked, **more)
    assert raised.value.kind.code == "payment-link-terms-invalid"
    return [error.pointer for error in raised.value.errors]


def test_by_default_after_three_days_three_days_before_the_end_and_on_the_last() -> None:
    assert days(None) == ("2026-04-04", "2026-04-27", "2026-04-30")


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (date(2026, 4, 1), ()),
        (date(2026, 4, 2), ("2026-04-02",)),
        (date(2026, 4, 4), ("2026-04-04",)),
        (date(2026, 4, 5), ("2026-04-02", "2026-04-04", "2026-04-05")),
    ],
)
def test_of_the_default_only_what_fits_is_taken(last: date, expected: tuple[str, ...]) -> None:
    assert days(None, last=last) == expected


def test_an_empty_schedule_reminds_nobody() -> None:
    assert days({}) == ()


def test_days_that_are_named_in_several_ways_are_one() -> None:
    asked = {"after_days": [9, 1], "before_end_days": [20], "on": ["2026-04-10", "2026-04-02"]}
    assert days(asked) == ("2026-04-02", "2026-04-10")


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"after_days": [30]}, "/reminders/after_days/0"),
        ({"after_days": [1, 100]}, "/reminders/after_days/1"),
        ({"before_end_days": [29]}, "/reminders/before_end_days/0"),
        ({"on": ["2026-04-01"]}, "/reminders/on/0"),
        ({"on": ["2026-05-01"]}, "/reminders/on/0"),
        ({"on": ["2026-02-30"]}, "/reminders/on/0"),
        ({"after_days": [1, 2, 3, 4, 5, 6]}, "/reminders"),
    ],
)
def test_a_day_that_cannot_be_is_named(asked: dict[str, Any], pointer: str) -> None:
    assert pointers(asked) == [pointer]


def test_a_link_without_an_end_of_its_own_has_the_gateways() -> None:
    assert last_day(a_link()) - business_date(from_iso(CREATED_AT)) == timedelta(days=179)


def test_later_on_only_days_to_come_can_be_chosen() -> None:
    assert pointers({"after_days": [3]}, today=date(2026, 4, 4)) == ["/reminders/after_days/0"]
    assert days({"after_days": [4]}, today=date(2026, 4, 4)) == ("2026-04-05",)


@given(
    last=st.dates(TODAY, TODAY + timedelta(days=179)),
    asked=st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            "after_days": st.lists(st.integers(1, 179), max_size=10),
            "before_end_days": st.lists(st.integers(0, 179), max_size=10),
            "on": st.lists(st.dates().map(date.isoformat), max_size=10),
        },
    ),
)
def test_whatever_is_asked_the_days_are_few_and_while_it_can_be_paid(
    last: date, asked: dict[str, Any] | None
) -> None:
    try:
        found = days(asked, last=last)
    except Problem:
        found, refused = (), True
    else:
        refused = False
    assert not (refused and asked is None)  # the default always can be
    assert found == tuple(sorted(set(found)))
    assert len(found) <= POLICY.planned_days_max
    assert all(TODAY.isoformat() < day <= last.isoformat() for day in found)


class TestPolicy:
    def test_what_is_shipped_lies_within_what_india_takes_for_day(self) -> None:
        """RBI: no calls for recovery before 8:00 and after 19:00; TRAI: nothing commercial from 21:00 to
        9:00."""
        assert POLICY.sent_from >= "09:00"
        assert POLICY.sent_until <= "19:00"

    @given(st.integers(0, 3 * 366 * 24 * 60))
    def test_what_may_be_decided_may_be_sent_for_half_an_hour_still(self, minutes: int) -> None:
        now = datetime(2026, 1, 1, tzinfo=IST) + timedelta(minutes=minutes)
        policy = policy_at(now)
        if policy.may_decide(now):
            assert policy.may_send(now)
            assert policy.may_send(now + timedelta(minutes=29))

    def written(self, **changes: Any) -> str:
        values: dict[str, Any] = {
            "source": '"a source of the rule"',
            "valid_from": "2020-01-01",
            "sent_from": '"09:00"',
            "decided_until": '"18:30"',
            "sent_until": '"19:00"',
            "spread_minutes": 120,
            "planned_days_max": 5,
            "reminders_max": 8,
            "default_after_days": "[3]",
            "default_before_end_days": "[]",
        } | changes
        return "[[policies]]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())

    def test_each_day_has_the_policy_of_its_time(self) -> None:
        old = self.written(valid_until="2024-12-31", reminders_max=3)
        policies = read_policies(self.written(valid_from="2025-01-01") + old)

        def most(day: date) -> int:
            found: ReminderPolicy = holding_on(policies, day)
            return found.reminders_max

        days = (date(2019, 1, 1), date(2024, 12, 31), date(2025, 1, 1))
        assert [most(day) for day in days] == [3, 3, 8]

    @pytest.mark.parametrize(
        "changes",
        [
            {"sent_from": '"19:00"'},
            {"decided_until": '"19:01"'},
            {"sent_until": '"24:00"'},
            {"spread_minutes": 600},
            {"reminders_max": 0},
            {"unknown": 1},
            {"valid_until": "2030-01-01"},
        ],
    )
    def test_a_policy_that_makes_no_sense_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own words
            read_policies(self.written(**changes))

    @pytest.mark.parametrize("until", ["2024-12-30", "2025-01-01"])
    def test_a_day_without_a_policy_and_a_day_with_two_are_refused(self, until: str) -> None:
        with pytest.raises(ValueError, match="begins on the day after"):
            read_policies(self.written(valid_until=until) + self.written(valid_from="2025-01-01"))
