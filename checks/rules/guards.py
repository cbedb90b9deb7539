"""What an alarm says of itself: the guard in its description is the one that it has, and burn rates are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.alarm_metrics import MUST_SPEAK
from checks.rules.alarms import COMPOSITE, DAY_S
from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.signals import ALARM, looks

GUARD = re.compile(r"Guard: (.+?)\. Runbook:")
SUSTAINED = re.compile(r"bad in (\d+) of (\d+) periods of (\d+) s")
SAMPLES = re.compile(r"at least ([\d,]+) in a period, or ([\d,]+) gone wrong")
IN_FORMULA = re.compile(r"IF\(total >= (\d+) OR failures >= (\d+),")
ONE = "one is enough"

BURN = re.compile(r"\b1000 \* failures / total")
BUDGET_H = 30 * 24
SHARE_MIN, SHARE_MAX = 0.02, 0.1
"""How much of the month's error budget a long window lets burn before it rings."""

PAGE_WITHIN_S = 2_700
"""A page comes within three quarters of an hour of what it is about."""

SHORT_PART = 12
"""A short window is a twelfth of the long one: it says whether the burning goes on."""


@rule(
    "HASIVU-ALM-14",
    "PCI DSS 10.4.1",
    "PCI DSS 10.7.2",
    "SOX OP-3",
    environments=DEPLOYED,
    remedy="Make the alarm by stacks/constructs/alarm.py, which writes the guard that the alarm has.",
)
def alarms_wait_as_long_as_they_say(estate: Estate) -> Iterator[Breach]:
    """An alarm waits for as many periods and samples as it says, and all its metrics have one period."""
    for alarm in estate.of(ALARM):
        periods = sorted({look.period_s for look in looks(estate, alarm)})
        if len(periods) > 1:
            yield at(alarm, "Metrics", shown=f"periods of {', '.join(map(str, periods))} s in one formula")
        if _is_late(estate, alarm):
            yield at(alarm, "EvaluationPeriods", shown=f"pages after {_window_s(estate, alarm)} s")
        said = GUARD.search(str(alarm.get("AlarmDescription") or ""))
        if said is None:
            yield at(alarm, "AlarmDescription", shown="names no guard")
        else:
            yield from _differs(alarm, said.group(1), periods)


def _is_late(estate: Estate, alarm: Resource) -> bool:
    """Whether a page comes too late: but for what has to speak and for a certificate's days."""
    slow = any(look.name in MUST_SPEAK or look.name == "DaysToExpiry" for look in looks(estate, alarm))
    is_page = "Severity: page" in str(alarm.get("AlarmDescription"))
    return is_page and not (slow or _burns(alarm)) and _window_s(estate, alarm) > PAGE_WITHIN_S


def _differs(alarm: Resource, said: str, periods: list[int]) -> Iterator[Breach]:
    """Where the alarm is not as ``said``."""
    of = alarm.get("EvaluationPeriods")
    is_so = (alarm.get("DatapointsToAlarm") or of, of, *periods)
    sustained, samples = SUSTAINED.search(said), SAMPLES.search(said)
    if sustained is not None:
        expected: tuple[int, ...] = tuple(int(figure) for figure in sustained.groups())
    else:
        expected = (1, 1, *periods) if said.startswith(ONE) else ()
    if is_so != expected:
        yield at(alarm, "EvaluationPeriods", shown=f"{said}: it is {' of '.join(map(str, is_so))} s")
    asked = {
        found.groups()
        for query in alarm.items("Metrics")
        if (found := IN_FORMULA.match(str(query.get("Expression")))) is not None
    }
    told = {tuple(text.replace(",", "") for text in samples.groups())} if samples else set()
    if asked != told:
        yield at(alarm, "Metrics", shown=f"{said}: it asks for {sorted(asked)}")


@rule(
    "HASIVU-ALM-15",
    "SOX OP-3",
    remedy="Join a long window and its twelfth, of one burn rate, as BURN_RATES in stacks/ has them.",
)
def error_budgets_are_watched_over_their_windows(estate: Estate) -> Iterator[Breach]:
    """A burn rate is watched over a window in which it takes two to ten per cent of the budget, and a twelfth
    of it."""
    joined: set[Resource] = set()
    for composite in estate.of(COMPOSITE):
        parts = estate.named_in(composite.get("AlarmRule"), composite.stack)
        burning = sorted((part for part in parts if _burns(part)), key=lambda part: _window_s(estate, part))
        if not burning:
            continue
        joined |= parts
        if len(burning) != 2 or len(parts) != 2:
            yield at(composite, "AlarmRule", shown="not one long and one short window")
            continue
        short, long = burning
        if short.get("Threshold") != long.get("Threshold"):
            yield at(short, "Threshold", shown="another burn rate than in the long window")
        if _window_s(estate, short) * SHORT_PART != _window_s(estate, long):
            yield at(short, "Period", shown="the short window is no twelfth of the long one")
        share = float(long.get("Threshold") or 0) * _window_s(estate, long) / 3600 / BUDGET_H
        if not SHARE_MIN <= round(share, 6) <= SHARE_MAX:
            yield at(long, "Period", shown=f"{share:.0%} of the budget burn before it rings")
    for alarm in estate.of(ALARM):
        if _burns(alarm) and alarm not in joined:
            yield at(alarm, "", shown="no composite alarm joins this window with another")


def _burns(alarm: Resource) -> bool:
    return any(BURN.search(str(query.get("Expression"))) for query in alarm.items("Metrics"))


def _window_s(estate: Estate, alarm: Resource) -> int:
    """How far back the alarm looks: at most three days."""
    longest = max((look.period_s for look in looks(estate, alarm)), default=0)
    return min(longest * int(alarm.get("EvaluationPeriods") or 1), 3 * DAY_S)
