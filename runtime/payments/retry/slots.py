"""At which minutes a method may be debited: the closures of a day, and the slots that they leave open.

A debit leaves within some minutes after its slot, by chance; so a slot is a span, and is open only where the
whole span is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from runtime.payments.retry.holidays import BankCalendar
from runtime.payments.retry.law import Constraint, LawBook, Method, minute_of_day
from runtime.payments.retry.minutes import DAY, ist_day, start_of_day
from runtime.payments.retry.policy import Policy

CACHE_MAX = 4_096
"""Days and runs of days that are kept: years of the one, months of the other."""

Closure = tuple[int, int, Constraint]
"""``(start, end, why)`` in minutes since the epoch, the end not included."""

CALENDAR_UNKNOWN = Constraint(
    "bank_calendar_unknown",
    "The bank holidays of that year are not on record, so no bank mandate is presented in it.",
    "holidays.toml",
)
CALENDAR_PROVISIONAL = Constraint(
    "bank_calendar_provisional",
    "The bank holidays of that year are not published yet; the day may still turn out to be one.",
    "holidays.toml",
)


class SlotBook:
    """Closures and slots, by method and day."""

    def __init__(self, law: LawBook, calendar: BankCalendar, policy: Policy) -> None:
        self._law = law
        self._calendar = calendar
        self._times = sorted(minute_of_day(slot) for slot in policy.slots)
        self._span = policy.jitter_minutes
        self._closures: dict[tuple[Method, int], tuple[Closure, ...]] = {}
        self._runs: dict[tuple[Method, int, int], tuple[int, ...]] = {}

    def closures(self, method: Method, day: int) -> tuple[Closure, ...]:
        """When the method is closed on the day with that ordinal, in order."""
        found = self._closures.get((method, day))
        if found is None:
            if len(self._closures) >= CACHE_MAX:
                self._closures.clear()
            found = self._closures[method, day] = tuple(self._closures_of(method, day))
        return found

    def closed(self, method: Method, first: int, last: int) -> list[Closure]:
        """The closures that touch the span from ``first`` to ``last``, both included."""
        touching = [
            each for each in self.closures(method, ist_day(first)) if each[0] <= last and first < each[1]
        ]
        if ist_day(last) != ist_day(first):
            touching += [each for each in self.closures(method, ist_day(last)) if each[0] <= last]
        return touching

    def open_slots(self, method: Method, first: int, last: int) -> Sequence[int]:
        """The house's slots whose spans lie open between ``first`` and ``last``, both included."""
        if last < first:
            return ()
        key = (method, ist_day(first), ist_day(last))
        run = self._runs.get(key)
        if run is None:
            if len(self._runs) >= CACHE_MAX:
                self._runs.clear()
            run = self._runs[key] = tuple(
                slot for day in range(key[1], key[2] + 1) for slot in self._open_on(method, day)
            )
        return run[bisect_left(run, first) : bisect_right(run, last - self._span)]

    def earliest(
        self, method: Method, first: int, last: int, also_closed: Sequence[Closure]
    ) -> tuple[int | None, list[Closure]]:
        """The first minute from ``first`` on whose span is open and ends by ``last``, or None; and the
        closures that were passed on the way."""
        passed: list[Closure] = []
        minute = first
        while minute + self._span <= last:
            end = minute + self._span
            in_the_way = self.closed(method, minute, end)
            in_the_way += [each for each in also_closed if each[0] <= end and minute < each[1]]
            if not in_the_way:
                return minute, passed
            passed += in_the_way
            minute = max(each[1] for each in in_the_way)
        return None, passed

    def is_provisional(self, minute: int) -> bool:
        """Whether the banks' calendar of that day may still change."""
        return self._calendar.is_provisional(date.fromordinal(ist_day(minute)))

    def _open_on(self, method: Method, day: int) -> list[int]:
        start = start_of_day(day)
        slots = [start + time for time in self._times]
        return [slot for slot in slots if not self.closed(method, slot, slot + self._span)]

    def _closures_of(self, method: Method, day: int) -> list[Closure]:
        law = self._law.on(day, method)
        start = start_of_day(day)
        closures: list[Closure] = []
        if law.peak_hours is not None:
            why = law.peak_hours.constraint
            closures += [(start + begin, start + end, why) for begin, end in law.peak_hours.minutes]
        if law.bank_working_days is not None:
            why = law.bank_working_days.constraint
            open_at = law.bank_working_days.minutes
            on = date.fromordinal(day)
            if not self._calendar.is_known(on):
                why, open_at = CALENDAR_UNKNOWN, ()
            elif not self._calendar.is_working_day(on):
                open_at = ()
            closures += [(start + begin, start + end, why) for begin, end in _outside(open_at)]
        return sorted(closures, key=lambda closure: closure[:2])


def _outside(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What a day has beside its windows."""
    edges = [0, *(edge for window in sorted(windows) for edge in window), DAY]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(begin, end) for begin, end in pairs if begin < end]
