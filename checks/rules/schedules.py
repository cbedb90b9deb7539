"""What is done by the clock: how often each task is begun, and which one must not be lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.rules.estate import Estate, Resource
from checks.rules.eventing import QUEUE, SCHEDULE
from checks.rules.functions import short_name
from checks.rules.invocations import invoked_function
from checks.rules.rule import Breach, at, rule

DAY_MIN = 1440
_UNITS_MIN = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": DAY_MIN, "days": DAY_MIN}


@dataclass(frozen=True, slots=True)
class Pace:
    """How many minutes may lie between two runs, at least and at most, and whether a start that fails is
    kept: whatever comes round within minutes makes good for itself."""

    least_min: int
    most_min: int
    kept: bool = False


PACES: dict[tuple[str, str], Pace] = {
    ("audit-sealer", ""): Pace(1, 5),
    ("health-check", ""): Pace(1, 5),
    ("payments-analytics", "compact"): Pace(1, 10),
    ("payments-retry", "sweep"): Pace(1, 5),
    ("payments-reconciliation-worker", "daily"): Pace(4 * 60, 16 * 60, kept=True),
    ("payments-reconciliation-worker", "import"): Pace(1, 5),
    ("payments-reconciliation-worker", "sweep"): Pace(10, 30, kept=True),
    ("payments-reconciliation-worker", "work"): Pace(1, 5),
}
"""What is done by the clock, by function and task. Alarms on silence wait as long as these say."""


@rule(
    "HASIVU-EVT-12",
    "SOX OP-1",
    "PCI DSS 10.7.2",
    remedy="Keep to PACES in checks/rules/schedules.py: how often was decided for each task.",
)
def schedules_keep_their_pace(estate: Estate) -> Iterator[Breach]:
    """Each task is begun as often as was decided for it, and a start that would be missed is kept."""
    for item in estate.of(SCHEDULE):
        pace = PACES.get(_task(estate, item))
        if pace is None:
            yield at(item, "Target.Input", shown="nobody decided how often this is done")
            continue
        gaps = gaps_min(str(item.get("ScheduleExpression")))
        if not gaps or min(gaps) < pace.least_min or max(gaps) > pace.most_min:
            yield at(item, "ScheduleExpression")
            continue
        age_s = item.get("Target.RetryPolicy.MaximumEventAgeInSeconds")
        if not (isinstance(age_s, int) and age_s <= 60 * min(gaps)):
            yield at(item, "Target.RetryPolicy.MaximumEventAgeInSeconds", shown=f"{age_s}: the next is begun")
        if pace.kept and not estate.ours(item, "Target.DeadLetterConfig.Arn", QUEUE):
            yield at(item, "Target.DeadLetterConfig.Arn")


def _task(estate: Estate, item: Resource) -> tuple[str, str]:
    function = invoked_function(estate, item.get("Target.Arn"), item.stack)
    name = "" if function is None else short_name(estate, function)
    text = item.get("Target.Input")
    if text is None:
        return name, ""
    try:
        said = json.loads(text)
    except (TypeError, ValueError):
        said = None
    return name, str(said.get("task")) if isinstance(said, dict) else "unreadable"


def gaps_min(expression: str) -> list[int]:
    """The minutes between one run and the next, round a day; empty for what comes round less evenly."""
    if found := re.fullmatch(r"rate\((\d+) (\w+)\)", expression):
        return [int(found[1]) * _UNITS_MIN[found[2]]] if found[2] in _UNITS_MIN else []
    found = re.fullmatch(r"cron\(([\d,]+) ([\d,]+) \* \* \? \*\)", expression)
    if found is None:
        return []
    minutes, hours = ([int(part) for part in found[n].split(",")] for n in (1, 2))
    times = sorted({60 * hour + minute for hour in hours for minute in minutes})
    return [later - time for time, later in zip(times, [*times[1:], times[0] + DAY_MIN], strict=True)]
