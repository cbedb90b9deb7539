"""What an environment has kept to: response times, errors, payments, availability, by its own metrics.

Objectives are data (objectives.toml), held against the thresholds of the approved alarms. No data is never a
pass, and neither is what an emulator counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from checks.checklist.model import Frozen, Subject
from checks.checklist.wording import counted
from checks.probes import measured
from checks.probes.account import Account
from checks.probes.model import NotTold, Probe
from checks.probes.running import Live, Running
from checks.probes.watching import ALARM

LATENCY = Probe(
    name="latency",
    title="Nineteen in twenty requests were answered within two seconds",
    remedy="Follow docs/runbooks/api.md, Latency; the probe passes when the week does.",
    controls=("GDPR 32(1)(b)",),
)
ERROR_RATE = Probe(
    name="error-rate",
    title="No function ended badly in more than one of a hundred calls",
    remedy="Follow docs/runbooks/functions.md, Errors, for the function that is named.",
    controls=("GDPR 32(1)(b)", "SOX OP-1"),
)
PAYMENT_SUCCESS = Probe(
    name="payment-success",
    title="Ninety-five in a hundred payments that were decided were captured as asked for",
    remedy="Follow docs/runbooks/payments.md, Success rate.",
)
AVAILABILITY = Probe(
    name="availability",
    title="The API answered, and the platform was well, 99.9 % of the time",
    remedy="Follow docs/runbooks/availability.md; what the budget has lost comes back with time only.",
    controls=("GDPR 32(1)(b)",),
)
PROBES: Final = (AVAILABILITY, ERROR_RATE, LATENCY, PAYMENT_SUCCESS)

EMULATOR_LACKS: Final = (
    "the emulator counts no request of the API and nothing that logs tell, so its figures are none of AWS's"
)


class Objective(Frozen):
    """An objective: over the last ``days``, whole hours only, by the metrics of the alarms that ``alarm``
    matches. ``bad`` is the alarm on the looks that went wrong. ``beyond_max_percent`` may be so."""

    probe: str
    alarm: str
    how: Literal["share", "percentile", "scheduled"]
    days: int = Field(ge=1, le=455)
    samples_min: int = Field(ge=1)
    bad: str = ""
    beyond_max_percent: float = Field(default=0, ge=0, le=100)

    @property
    def fact(self) -> str:
        """What is looked at, in words."""
        return f"last {self.days} days"

    def is_about(self, alarm: Live) -> bool:
        """Whether it is held against what ``alarm`` measures."""
        return fnmatchcase(alarm.subject.place, self.alarm)


def _read() -> tuple[tuple[Probe, Objective], ...]:
    document = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    by_name = {probe.name: probe for probe in PROBES}
    found = (Objective.model_validate(each) for each in document["objective"])
    return tuple((by_name[each.probe], each) for each in found)


OBJECTIVES: Final = _read()


def without_alarm(running: Running) -> Iterator[tuple[Probe, Objective, Subject]]:
    """Objectives for which the assembly lacks an alarm, and its place: they cannot be judged."""
    for probe, objective in OBJECTIVES:
        for pattern in filter(None, (objective.alarm, objective.bad)):
            if not _matching(running, pattern):
                stack, _, place = pattern.partition("/")
                yield probe, objective, Subject(stack=stack, logical_id=place, kind=ALARM, place=pattern)


def missed(account: Account, live: Live, objective: Objective) -> str | None:
    """How what was measured misses the objective, by the alarm ``live``; None where it is kept.

    Raises NotTold where too little was seen, CouldNotLook where CloudWatch does not answer.
    """
    end = live.running.now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begin = end - timedelta(days=objective.days)
    values = measured.hourly(account, live, begin=begin, end=end)
    match objective.how:
        case "share":
            return _of_share(live, values, objective)
        case "percentile":
            return _of_hours(live, values, objective)
    (bad,) = _matching(live.running, objective.bad)
    failing = measured.hourly(account, bad, begin=begin, end=end)
    return _of_schedule(live, values["metric"], sum(failing["metric"].values()), objective, end)


def _of_share(live: Live, values: measured.Hourly, objective: Objective) -> str | None:
    found = measured.share(live, values)
    if found.total < objective.samples_min and found.failures < found.or_bad:
        raise NotTold(_too_few(found.total, objective))
    if found.total < found.minimum and 0 < found.failures < found.or_bad:
        raise NotTold(f"{_number(found.failures)} of {_too_few(found.total, objective)} went wrong")
    if found.total <= 0:
        raise NotTold(_too_few(0, objective))
    limit, compared = float(live.resource.get("Threshold")), live.resource.get("ComparisonOperator")
    beyond = {
        "GreaterThanThreshold": found.value > limit,
        "GreaterThanOrEqualToThreshold": found.value >= limit,
        "LessThanThreshold": found.value < limit,
    }[compared]
    if not beyond:
        return None
    return (
        f"{_number(found.failures)} of {_number(found.total)} went wrong in {objective.days} days: "
        f"{_number(found.value)}, where the alarm's limit is {_number(limit)}"
    )


def _of_hours(live: Live, values: measured.Hourly, objective: Objective) -> str | None:
    hours = measured.guarded(live, values)
    samples = sum(samples for samples, _ in hours)
    if samples < objective.samples_min:
        raise NotTold(_too_few(samples, objective))
    limit = float(live.resource.get("Threshold"))
    slow = [value for _, value in hours if value > limit]
    if 100 * len(slow) <= objective.beyond_max_percent * len(hours):
        return None
    return (
        f"was beyond {_number(limit)} in {len(slow)} of {counted(len(hours), 'hour')}, "
        f"by {_number(max(slow))} at worst"
    )


def _of_schedule(
    live: Live, seen: Mapping[datetime, float], failing: float, objective: Objective, end: datetime
) -> str | None:
    """What is scheduled says something in every period of its alarm; silence counts as a failure."""
    if not seen:
        raise NotTold(_too_few(0, objective))
    in_an_hour = measured.HOUR_S // int(live.resource.get("Period"))
    first = min(seen) + timedelta(hours=1)  # the hour in which it began is not whole
    hours = max(0, int((end - first) / timedelta(hours=1)))
    expected = hours * in_an_hour
    if expected < objective.samples_min:
        raise NotTold(_too_few(sum(seen.values()), objective))
    silent = sum(max(0.0, in_an_hour - seen.get(first + timedelta(hours=hour), 0.0)) for hour in range(hours))
    if 100 * (silent + failing) <= objective.beyond_max_percent * expected:
        return None
    return f"of {_number(expected)} looks {_number(failing)} failed and {_number(silent)} did not take place"


def _matching(running: Running, pattern: str) -> tuple[Live, ...]:
    return tuple(live for live in running.of(ALARM) if fnmatchcase(live.subject.place, pattern))


def _too_few(found: float, objective: Objective) -> str:
    return f"{_number(found)} in {counted(objective.days, 'day')}, which is too few to tell"


def _number(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
