"""The debit planner: when a mandate is debited next, if at all, and why then.

Within what laws, networks, the gateway and the mandate allow, the best slot by a predictor; with a machine-
readable list of what decided. Pure: time, chance, law, calendar, policy and predictor are given, and the same
situation gives the same plan. For any situation a plan breaks no window, budget, lead time, cap or expiry; a
manual request skips the house's patience and the predictor, never a rule.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from runtime.payments.retry.bounds import (
    Bounds,
    Cover,
    bounds_of,
    closures_by_downtime,
    cover_of,
    shortest_patience,
)
from runtime.payments.retry.declines import Category
from runtime.payments.retry.holidays import BankCalendar, bank_calendar
from runtime.payments.retry.ladder import Predictor, StaticLadder
from runtime.payments.retry.law import Constraint, LawBook, MethodLaw, law_book
from runtime.payments.retry.minutes import DAY, ist_day, minute_down, minute_up, moment_of
from runtime.payments.retry.plan import Plan, Reason, Retry, Stop
from runtime.payments.retry.policy import Policy, house_policy
from runtime.payments.retry.refusals import HOUSE, amount_refusal, category_of, refusal
from runtime.payments.retry.situation import NoticeStatus, Situation
from runtime.payments.retry.slots import CALENDAR_PROVISIONAL, CALENDAR_UNKNOWN, Closure, SlotBook

Chance = Callable[[int], int]
"""``chance(n)`` is a random integer from 0 to n - 1, like ``random.Random.randrange``."""

_EARLIEST = Constraint("earliest", "It is the first moment that is allowed.", HOUSE)
_JITTER = Constraint("jitter", "A few minutes by chance, so that debits do not all leave at once.", HOUSE)
_NOTICE_MISSING = Constraint(
    "notice_missing", "No delivered notice covers this debit.", "RBI e-mandate framework"
)

_Spans = list[tuple[int, int]]
"""Where a slot is looked for: first and last minute of each span, both included."""


class Planner:
    """Plans debits under one law, calendar, policy and predictor."""

    def __init__(
        self,
        *,
        law: LawBook | None = None,
        calendar: BankCalendar | None = None,
        policy: Policy | None = None,
        predictor: Predictor | None = None,
    ) -> None:
        self._law = law or law_book()
        self._policy = policy or house_policy()
        self._slots = SlotBook(self._law, calendar or bank_calendar(), self._policy)
        self._predictor: Predictor = predictor or StaticLadder(self._policy.ladder)

    def plan(self, situation: Situation, chance: Chance) -> Plan:
        """What to do next about a debit. Raises LawUnknown for a time before the first law on record."""
        now = minute_up(situation.now)
        debit = situation.debit
        law = self._law.on(ist_day(now), debit.method, debit.network)
        refused = refusal(situation, law, self._policy)
        if refused is not None:
            return refused
        bounds = bounds_of(situation, law, self._policy)
        cover = cover_of(situation, law, self._policy, now)
        downtimes = closures_by_downtime(situation, self._policy, now) if situation.downtimes else ()
        passed: dict[str, Constraint] = {}
        slot = self._search(situation, bounds, cover, downtimes, passed, now)
        if slot is None and bounds.patience:
            bounds.patience = shortest_patience(situation, self._policy)
            slot = self._search(situation, bounds, cover, downtimes, passed, now)
        on_the_day = law if slot is None else self._law.on(ist_day(slot), debit.method, debit.network)
        refused = amount_refusal(situation, on_the_day)
        if refused is not None:
            return refused
        if slot is None:
            return _no_slot(bounds, cover, passed)
        horizon = max(slot, cover.fresh_from) + self._policy.horizon_days * DAY
        because = [*_moved(bounds, now, horizon), *passed.values()]
        later_by = chance(self._policy.jitter_minutes + 1)
        if not 0 <= later_by <= self._policy.jitter_minutes:
            raise ValueError("chance(n) is from 0 to n - 1")
        if later_by:
            because.append(_JITTER)
        return self._retry(situation, law, now, slot + later_by, because, cover)

    def check(self, situation: Situation) -> tuple[Constraint, ...]:
        """What forbids a debit at this very moment; empty when it may be made. For the one who executes a
        plan, right before: the notice may have failed, the mandate may have been paused since."""
        now = minute_down(situation.now)
        debit = situation.debit
        law = self._law.on(ist_day(now), debit.method, debit.network)
        refused = refusal(situation, law, self._policy) or amount_refusal(situation, law)
        if refused is not None:
            return refused.because
        bounds = bounds_of(situation, law, self._policy)
        broken = [why.at(moment_of(first)) for first, why in bounds.after if now < first]
        broken += [why.at(moment_of(last)) for last, why in bounds.until if now > last]
        broken += [why.at(moment_of(end)) for _, end, why in self._slots.closed(debit.method, now, now)]
        cover = cover_of(situation, law, self._policy, now)
        notice = situation.notice
        if cover.covered_from is None or notice is None or notice.status is not NoticeStatus.DELIVERED:
            broken.append(_NOTICE_MISSING)
        elif not cover.covered_from <= now <= cover.covered_until:
            broken.append(cover.covering.at(moment_of(cover.covered_from)))
        return tuple(broken)

    def _search(
        self,
        situation: Situation,
        bounds: Bounds,
        cover: Cover,
        downtimes: Sequence[Closure],
        passed: dict[str, Constraint],
        now: int,
    ) -> int | None:
        """The slot, or None. What stood in its way and what chose it is put into ``passed``, by code."""
        first = max([now, *(minute for minute, _ in (*bounds.after, *bounds.patience))])
        horizon = max(first, cover.fresh_from) + self._policy.horizon_days * DAY
        last = min([horizon, *(minute for minute, _ in bounds.until)])
        spans: _Spans = []
        fresh_from = max(first, cover.fresh_from)
        if cover.covered_from is not None:
            spans.append((max(first, cover.covered_from), min(last, cover.covered_until)))
            fresh_from = max(fresh_from, cover.covered_until + 1)
        spans.append((fresh_from, last))
        slot = None
        if not self._wants_earliest(situation):
            slot = self._best(situation, spans, downtimes, passed)
        return self._earliest(situation, spans, downtimes, passed) if slot is None else slot

    def _wants_earliest(self, situation: Situation) -> bool:
        """A person who asks, or a technical failure, is served first thing; money is worth waiting for."""
        if situation.manual:
            return True
        return bool(situation.attempts) and category_of(situation.attempts[-1]) is Category.SOON

    def _best(
        self,
        situation: Situation,
        spans: _Spans,
        downtimes: Sequence[Closure],
        passed: dict[str, Constraint],
    ) -> int | None:
        method = situation.debit.method
        slots: list[int] = []
        for first, last in spans:
            slots += self._slots.open_slots(method, first, last)
        for begin, end, why in downtimes:
            from_index = bisect_left(slots, begin - self._policy.jitter_minutes)
            to_index = bisect_left(slots, end)
            if from_index < to_index:
                passed[why.code] = why.at(moment_of(end))
                del slots[from_index:to_index]
        if not slots:
            return None
        scores = self._predictor.scores(situation, slots)
        if len(scores) != len(slots):
            raise ValueError("a predictor gives one score for each slot")
        slot = slots[scores.index(max(scores))]
        law = self._law.on(ist_day(slot), method)
        for windows in (law.peak_hours, law.bank_working_days):
            if windows is not None:
                passed[windows.constraint.code] = windows.constraint
        passed[self._predictor.constraint.code] = self._predictor.constraint
        return slot

    def _earliest(
        self,
        situation: Situation,
        spans: _Spans,
        downtimes: Sequence[Closure],
        passed: dict[str, Constraint],
    ) -> int | None:
        for first, last in spans:
            slot, closures = self._slots.earliest(situation.debit.method, first, last, downtimes)
            passed |= {why.code: why.at(moment_of(end)) for _, end, why in closures}
            if slot is not None:
                passed[_EARLIEST.code] = _EARLIEST
                return slot
        return None

    def _retry(
        self, situation: Situation, law: MethodLaw, now: int, at: int, because: list[Constraint], cover: Cover
    ) -> Retry:
        notify: int | None = None
        if cover.covered_from is None or at > cover.covered_until:
            notify = max(cover.raise_from, at - law.notice_ahead.value)
            earliest = moment_of(cover.fresh_from)
            because += [why.at(earliest) for why in cover.fresh]
            if cover.covered_from is not None:
                because.append(law.notice_covers.constraint.at(moment_of(cover.covered_until)))
        elif cover.covered_from > now:
            because.append(cover.covering.at(moment_of(cover.covered_from)))
        if law.bank_working_days is not None and self._slots.is_provisional(at):
            because.append(CALENDAR_PROVISIONAL)
        return Retry(
            at=moment_of(at),
            notify_at=None if notify is None else moment_of(notify),
            attempt_no=len(situation.attempts) + 1,
            cycle_attempt_no=situation.cycle_attempts + 1,
            amount_paise=situation.debit.amount_paise,
            because=tuple(because),
        )


def _moved(bounds: Bounds, now: int, horizon: int) -> list[Constraint]:
    """The bounds that leave out some of the time that could be planned for."""
    first = [why.at(moment_of(minute)) for minute, why in (*bounds.after, *bounds.patience) if minute > now]
    return first + [why.at(moment_of(last)) for last, why in bounds.until if last < horizon]


def _no_slot(bounds: Bounds, cover: Cover, passed: dict[str, Constraint]) -> Stop:
    """No moment is left: everything that bounds the time is named."""
    because = [why.at(moment_of(minute)) for minute, why in (*bounds.after, *bounds.patience, *bounds.until)]
    because += [why.at(moment_of(cover.fresh_from)) for why in cover.fresh]
    unknown = CALENDAR_UNKNOWN.code in passed
    reason = Reason.CALENDAR_UNKNOWN if unknown else Reason.NO_SLOT
    return Stop(reason, (*because, *passed.values()))
