"""What laws, networks and the gateway allow for a debit on a day: dated data, asked by the day.

The rules are `law.toml`. Between two days on which a rule begins or ends the law does not change; such a span
is an era, and a method's law is put together once for each. A day before the first known one is an error: no
rule on record is not the same as no rule.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from runtime.payments.model import Frozen

DAY_MINUTES = 24 * 60
VALUE_MAX = 10**12
"""No amount or span of a rule is larger; it guards arithmetic."""


class Method(StrEnum):
    """How a mandate is debited, in the gateway's words."""

    UPI = "upi"
    CARD = "card"
    EMANDATE = "emandate"
    NACH = "nach"


class LawUnknown(LookupError):
    """No law is on record for that day, or for that kind of transaction."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that decided: its stable ``code``, a ``sentence`` for a person, the ``source`` behind it.

    ``until`` is the moment that it set: the first one it allows, or the last.
    """

    code: str
    sentence: str
    source: str
    until: datetime | None = None

    def at(self, moment: datetime) -> "Constraint":
        """The same, with the moment that it set."""
        return Constraint(self.code, self.sentence, self.source, moment)


_Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class RuleCode(StrEnum):
    """The kinds of rules; `law.toml` says what each means."""

    AFA_FREE_CEILING = "afa_free_ceiling_paise"
    NETWORK_CEILING = "network_ceiling_paise"
    CURRENCY = "currency"
    NOTICE = "notice_minutes"
    NOTICE_LEAD = "notice_lead_minutes"
    NOTICE_DELIVERY = "notice_delivery_minutes"
    NOTICE_AHEAD = "notice_ahead_minutes"
    NOTICE_COVERS = "notice_covers_minutes"
    NOTICE_NOT_OVERRIDDEN = "notice_not_overridden"
    ATTEMPTS_PER_CYCLE = "attempts_per_cycle"
    SUCCESS_PER_CYCLE = "success_per_cycle"
    LAST_DAY_OF_CYCLE = "last_day_of_cycle"
    REINITIATION = "reinitiation_minutes"
    PEAK_HOURS = "peak_hours"
    VERIFY_AFTER_PEAK = "verify_after_peak_minutes"
    BANK_WORKING_DAYS = "bank_working_days"
    STATUS_CHECKS = "status_checks"
    STATUS_CHECK_GAP = "status_check_gap_seconds"


class _Dated(Frozen):
    """Something that holds from a day to a day, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    valid_from: date
    valid_until: date | None = None
    sentence: str = Field(min_length=1)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "_Dated":
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("a rule ends after it begins")
        return self

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def overlaps(self, other: "_Dated") -> bool:
        return self.holds_on(other.valid_from) or other.holds_on(self.valid_from)


class Rule(_Dated):
    """A rule of `law.toml`. Its value is read by its code."""

    code: RuleCode
    methods: frozenset[Method] = Field(min_length=1)
    networks: frozenset[str] = frozenset()
    value: int = Field(default=0, ge=0, le=VALUE_MAX)
    text: str = ""
    since: Literal["initiated", "concluded"] = "initiated"
    windows: tuple[tuple[_Clock, _Clock], ...] = ()

    @model_validator(mode="after")
    def _windows_are_of_the_day(self) -> "Rule":
        if self.windows and self.networks:
            raise ValueError("windows hold for every network")
        if any(end <= start for start, end in self.minutes()):
            raise ValueError("a window ends after it starts")
        return self

    @property
    def constraint(self) -> Constraint:
        return Constraint(self.code.value, self.sentence, self.source)

    def minutes(self) -> tuple[tuple[int, int], ...]:
        """The windows as minutes of the day, the end not included."""
        return tuple((minute_of_day(start), minute_of_day(end)) for start, end in self.windows)

    def competes_with(self, other: "Rule") -> bool:
        """Whether both could be the rule for one debit."""
        return (
            self.code is other.code
            and self.overlaps(other)
            and bool(self.methods & other.methods)
            and (self.networks == other.networks or bool(self.networks & other.networks))
        )


class Turnaround(_Dated):
    """Until when a debit without confirmation is reversed, and what each later day costs the bank."""

    kind: str = Field(pattern=r"^[a-z_]{3,40}$")
    days: int = Field(ge=0, le=30)
    compensation_paise_per_day: int = Field(ge=0, le=VALUE_MAX)


@dataclass(frozen=True, slots=True)
class Limit:
    """A number with the constraint that it stands for."""

    value: int
    constraint: Constraint


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of a day in minutes, ``(start, end)`` without the end, with the constraint they stand for."""

    minutes: tuple[tuple[int, int], ...]
    constraint: Constraint


@dataclass(frozen=True, slots=True)
class Reinitiation:
    """How long after the previous attempt the next may come."""

    value: int
    from_conclusion: bool
    constraint: Constraint


@dataclass(frozen=True, slots=True)
class MethodLaw:
    """The law for one method and network in one era. Spans are minutes, amounts paise; None is no rule."""

    currency: Constraint
    currency_code: str
    afa_free_ceiling: Limit | None
    network_ceiling: Limit | None
    notice: Limit
    notice_lead: Limit
    notice_delivery: Limit
    notice_ahead: Limit
    notice_covers: Limit
    notice_not_overridden: Constraint | None
    attempts_per_cycle: Limit
    success_per_cycle: Limit | None
    last_day_of_cycle: Constraint | None
    reinitiation: Reinitiation | None
    peak_hours: Windows | None
    verify_after_peak: Limit | None
    bank_working_days: Windows | None
    status_checks: Limit
    status_check_gap: Limit


class LawFile(Frozen):
    """`law.toml` as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    known_from: date
    rule: tuple[Rule, ...]
    turnaround: tuple[Turnaround, ...]

    @model_validator(mode="after")
    def _one_rule_at_a_time(self) -> "LawFile":
        for index, rule in enumerate(self.rule):
            for other in self.rule[index + 1 :]:
                if rule.competes_with(other):
                    raise ValueError(f"two rules {rule.code.value} hold at once from {other.valid_from}")
        for position, tat in enumerate(self.turnaround):
            for later in self.turnaround[position + 1 :]:
                if tat.kind == later.kind and tat.overlaps(later):
                    raise ValueError(f"two turnarounds of {tat.kind} hold at once")
        return self


class LawBook:
    """The law, asked by the day."""

    def __init__(self, file: LawFile) -> None:
        self._file = file
        self._eras = _eras(file.known_from, file.rule)
        self._laws: dict[tuple[int, Method, str], MethodLaw] = {}
        self._networks = frozenset(network for rule in file.rule for network in rule.networks)

    def on(self, day_number: int, method: Method, network: str | None = None) -> MethodLaw:
        """The law for a debit on the day with that proleptic ordinal (``date.toordinal``).

        ``network`` is a card network in any case; one that no rule names counts as none. Raises LawUnknown
        for a day before the first known one.
        """
        era = bisect_right(self._eras, day_number) - 1
        if era < 0:
            raise LawUnknown(f"no law is on record before {self._file.known_from}")
        name = network.strip().lower() if network else ""
        key = (era, method, name if name in self._networks else "")
        law = self._laws.get(key)
        if law is None:
            law = self._laws[key] = _method_law(
                self._file.rule, date.fromordinal(self._eras[era]), method, key[2]
            )
        return law

    def turnaround(self, kind: str, day: date) -> Turnaround:
        """The turnaround of a kind of transaction debited on ``day``; LawUnknown where none is on record."""
        for rule in self._file.turnaround:
            if rule.kind == kind and rule.holds_on(day):
                return rule
        raise LawUnknown(f"no turnaround is on record for {kind} on {day}")


@cache
def law_book() -> LawBook:
    """The law of this release, read once."""
    text = files(__package__).joinpath("law.toml").read_text(encoding="utf-8")
    return LawBook(LawFile.model_validate(tomllib.loads(text)))


def minute_of_day(clock: str) -> int:
    """``"13:15"`` is 795."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _eras(known_from: date, rules: Iterable[_Dated]) -> Sequence[int]:
    """The ordinals of the days on which the law changes, from the first known day on."""
    days = {known_from}
    for rule in rules:
        days.add(rule.valid_from)
        if rule.valid_until is not None:
            days.add(rule.valid_until + timedelta(days=1))
    return sorted(day.toordinal() for day in days if day >= known_from)


def _method_law(rules: Sequence[Rule], day: date, method: Method, network: str) -> MethodLaw:
    holding = [
        rule
        for rule in rules
        if method in rule.methods and rule.holds_on(day) and (not rule.networks or network in rule.networks)
    ]
    # What names the network comes last and so replaces what names none.
    by_code = {rule.code: rule for rule in sorted(holding, key=lambda rule: bool(rule.networks))}

    def limit(code: RuleCode) -> Limit | None:
        rule = by_code.get(code)
        return None if rule is None else Limit(rule.value, rule.constraint)

    def must(code: RuleCode) -> Limit:
        found = limit(code)
        if found is None:
            raise LawUnknown(f"no rule {code.value} is on record for {method.value} on {day}")
        return found

    def constraint(code: RuleCode) -> Constraint | None:
        rule = by_code.get(code)
        return None if rule is None else rule.constraint

    def windows(code: RuleCode) -> Windows | None:
        rule = by_code.get(code)
        return None if rule is None else Windows(rule.minutes(), rule.constraint)

    reinitiation = by_code.get(RuleCode.REINITIATION)
    lead, notice = must(RuleCode.NOTICE_LEAD), must(RuleCode.NOTICE)
    if lead.value < notice.value:
        raise ValueError("the gateway's lead must not be shorter than the law's notice")
    return MethodLaw(
        currency=must(RuleCode.CURRENCY).constraint,
        currency_code=by_code[RuleCode.CURRENCY].text,
        afa_free_ceiling=limit(RuleCode.AFA_FREE_CEILING),
        network_ceiling=limit(RuleCode.NETWORK_CEILING),
        notice=notice,
        notice_lead=lead,
        notice_delivery=must(RuleCode.NOTICE_DELIVERY),
        notice_ahead=must(RuleCode.NOTICE_AHEAD),
        notice_covers=must(RuleCode.NOTICE_COVERS),
        notice_not_overridden=constraint(RuleCode.NOTICE_NOT_OVERRIDDEN),
        attempts_per_cycle=must(RuleCode.ATTEMPTS_PER_CYCLE),
        success_per_cycle=limit(RuleCode.SUCCESS_PER_CYCLE),
        last_day_of_cycle=constraint(RuleCode.LAST_DAY_OF_CYCLE),
        reinitiation=None
        if reinitiation is None
        else Reinitiation(reinitiation.value, reinitiation.since == "concluded", reinitiation.constraint),
        peak_hours=windows(RuleCode.PEAK_HOURS),
        verify_after_peak=limit(RuleCode.VERIFY_AFTER_PEAK),
        bank_working_days=windows(RuleCode.BANK_WORKING_DAYS),
        status_checks=must(RuleCode.STATUS_CHECKS),
        status_check_gap=must(RuleCode.STATUS_CHECK_GAP),
    )
