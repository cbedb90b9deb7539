"""Whenever it is asked, and however often: by day only, within bounds, and not of what is settled."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.links.model import LinkEnd, PaymentLink
from runtime.payments.links.reminders.events import reminder_event
from runtime.payments.links.reminders.model import REMINDER_DUE, Occasion, Reminders
from runtime.payments.links.reminders.policy import policy_on
from runtime.payments.links.reminders.rules import (
    NO_PAGE,
    NO_SUCH_REMINDER,
    QUIET_HOURS,
    TOO_LATE,
    ended_unasked,
    is_due,
    next_due,
    reminder_key,
    with_days,
    with_reminder,
    withheld_for,
    without_more,
)
from runtime.platform.clock import IST, business_date, iso
from tests.unit.payments.links.test_link_rules import LINK_ID, a_link

MADE_ON = date(2026, 4, 1)
LAST = date(2026, 4, 30)
ENDS_AT = datetime.combine(LAST, time(23, 59, 59), IST)
POLICY = policy_on(MADE_ON)
DAYS = ("2026-04-04", "2026-04-27", "2026-04-30")


def at(day: int, clock: str) -> datetime:
    """A moment of April 2026 in India."""
    return datetime.combine(date(2026, 4, day), time.fromisoformat(clock), IST).astimezone(UTC)


def reminded(*days: str, **changes: Any) -> PaymentLink:
    """A link with this schedule that can be paid until the end of April."""
    values = {"short_url": "https://rzp.io/rzp/1", "expires_at": iso(ENDS_AT)}
    return a_link(reminders=Reminders(days=days or DAYS), **values | changes)


def tick(link: PaymentLink, now: datetime) -> PaymentLink:
    """The link after a sweep."""
    if ended_unasked(link, now):
        return without_more(link)
    return with_reminder(link, Occasion.PLANNED, now) if is_due(link, now) else link


moments = st.integers(0, 31 * 24 * 60).map(lambda minutes: at(1, "00:00") + timedelta(minutes=minutes))
schedules = st.lists(st.dates(date(2026, 4, 2), LAST), max_size=5, unique=True).map(
    lambda days: tuple(sorted(day.isoformat() for day in days))
)
states = st.sampled_from(
    [
        {},
        {"captured_paise": 15_000},
        {"captured_paise": 45_000},
        {"captured_paise": 60_000},
        {"ended": LinkEnd.CANCELLED},
        {"ended": LinkEnd.EXPIRED},
        {"gateway_link_id": None},
    ]
)


class TestEveryTick:
    @given(days=schedules, ticks=st.lists(st.tuples(moments, states), max_size=40))
    def test_keeps_all_promises(
        self, days: tuple[str, ...], ticks: list[tuple[datetime, dict[str, Any]]]
    ) -> None:
        """Any ticks, any number at once, late or missing, while the link is paid or ends in between."""
        link = reminded(*days) if days else a_link()
        for now, state in sorted(ticks, key=lambda each: each[0]):
            link = link.model_copy(
                update={"captured_paise": 0, "ended": None, "gateway_link_id": "p"} | state
            )
            after = tick(tick(link, now), now)  # again at once: nothing more
            for new in after.reminders.made[len(link.reminders.made) :]:
                local = now.astimezone(IST)
                assert "09:00" <= local.strftime("%H:%M") < "19:00"
                assert now <= ENDS_AT
                assert state in ({}, {"captured_paise": 15_000})
                assert new.due_paise == 45_000 - state.get("captured_paise", 0)
                assert any(day <= new.on for day in days)
            link = after
        made = link.reminders.made
        assert [each.number for each in made] == list(range(1, len(made) + 1))
        assert len({each.on for each in made}) == len(made) <= min(len(days), POLICY.reminders_max)
        for earlier, later in pairwise(made):
            assert any(earlier.on < day <= later.on for day in days)

    @given(now=moments)
    def test_a_link_without_days_is_never_due(self, now: datetime) -> None:
        assert not is_due(a_link(), now)
        assert next_due(a_link()) is None

    @given(days=schedules.filter(bool))
    def test_in_time_every_day_gets_its_reminder(self, days: tuple[str, ...]) -> None:
        link = reminded(*days)
        now = at(1, "00:00")
        while now < ENDS_AT:
            link, now = tick(link, now), now + timedelta(minutes=15)
        assert tuple(made.on for made in link.reminders.made) == days


class TestCalendar:
    def test_in_april(self) -> None:
        link = reminded()
        assert not is_due(link, at(4, "08:59"))
        assert is_due(link, at(4, "11:00"))
        link = tick(link, at(4, "11:00"))
        assert not is_due(link, at(4, "11:00"))
        # The sweeps stood still from the 26th on: on the 30th one reminder makes up for two days.
        assert is_due(link, at(30, "09:00"))
        link = tick(link, at(30, "09:00"))
        assert [made.on for made in link.reminders.made] == ["2026-04-04", "2026-04-30"]
        assert next_due(link) is None

    def test_what_was_missed_by_night_waits_for_the_morning(self) -> None:
        link = reminded()
        assert [is_due(link, at(4, clock)) for clock in ("18:29", "18:30", "23:00")] == [True, False, False]
        assert [is_due(link, at(5, clock)) for clock in ("08:59", "09:00")] == [False, True]

    def test_the_moment_of_a_link_is_its_own_and_within_the_first_two_hours(self) -> None:
        moments = {next_due(reminded(link_id=f"plk_{number}")) for number in range(300)}
        assert len(moments) > 60
        assert all(at(4, "09:00") <= moment < at(4, "11:00") for moment in moments if moment)

    def test_who_was_reminded_by_hand_is_not_reminded_again_that_day(self) -> None:
        link = with_reminder(reminded(), Occasion.BY_HAND, at(4, "09:00"))
        assert not is_due(link, at(4, "18:00"))
        due = next_due(link)
        assert due is not None
        assert business_date(due) == date(2026, 4, 27)

    def test_no_more_than_the_policy_allows_in_all(self) -> None:
        link = reminded()
        for day in range(5, 5 + POLICY.reminders_max):
            link = with_reminder(link, Occasion.BY_HAND, at(day, "12:00"))
        assert next_due(link) is None

    def test_a_link_that_ended_by_its_date_is_done_with(self) -> None:
        link = reminded()
        later = ENDS_AT + timedelta(hours=10)
        assert ended_unasked(link, later)
        assert not is_due(link, later)
        assert next_due(tick(link, later)) is None
        assert not ended_unasked(link, at(30, "12:00"))

    def test_another_schedule_takes_effect_and_the_same_is_no_change(self) -> None:
        link = reminded()
        assert with_days(link, DAYS) is link
        assert next_due(with_days(link, ())) is None


class TestBeforeSending:
    LINK = with_reminder(reminded(), Occasion.PLANNED, at(4, "18:00"))
    KEY = reminder_key(LINK_ID, 1)

    def test_a_reminder_of_today_stands(self) -> None:
        assert withheld_for(self.LINK, self.KEY, at(4, "18:59")) is None

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"captured_paise": 45_000}, "link-paid"),
            ({"captured_paise": 46_000}, "link-overpaid"),
            ({"ended": LinkEnd.CANCELLED}, "link-cancelled"),
            ({"ended": LinkEnd.EXPIRED}, "link-expired"),
            ({"expires_at": iso(at(4, "18:10"))}, "link-expired"),
            ({"short_url": None}, NO_PAGE),
            ({"reminders": Reminders()}, NO_SUCH_REMINDER),
        ],
    )
    def test_what_has_changed_wins(self, changes: dict[str, Any], code: str) -> None:
        assert withheld_for(self.LINK.model_copy(update=changes), self.KEY, at(4, "18:15")) == code

    @pytest.mark.parametrize(
        ("moment", "code"),
        [
            (at(4, "19:00"), QUIET_HOURS),
            (at(4, "23:59"), QUIET_HOURS),
            (at(5, "08:00"), TOO_LATE),
            (at(5, "12:00"), TOO_LATE),
        ],
    )
    def test_by_night_or_on_another_day_nothing_leaves(self, moment: datetime, code: str) -> None:
        assert withheld_for(self.LINK, self.KEY, moment) == code

    @given(now=moments)
    def test_never_by_night(self, now: datetime) -> None:
        if withheld_for(self.LINK, self.KEY, now) is None:
            assert "09:00" <= now.astimezone(IST).strftime("%H:%M") < "19:00"


def test_the_event_says_what_is_still_due_and_for_whom() -> None:
    link = with_reminder(reminded(captured_paise=15_000), Occasion.BY_HAND, at(4, "12:00"))
    event = reminder_event(link)
    assert (event.source, event.detail_type, event.subject) == ("hasivu.payments", REMINDER_DUE, LINK_ID)
    assert event.detail == {
        "link_id": LINK_ID,
        "school_id": "sch_1",
        "payer_id": "usr_1",
        "number": 1,
        "occasion": "by_hand",
        "due_paise": 30_000,
        "currency": "INR",
        "description": "Lunches in April",
        "short_url": "https://rzp.io/rzp/1",
        "expires_at": "2026-04-30T18:29:59.000Z",
        "message_key": f"LinkReminderDue:{LINK_ID}:1",
    }
