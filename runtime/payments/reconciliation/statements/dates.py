"""Dates as banks write them, by a declared format; no locale, no guess between day and month."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from runtime.payments.reconciliation.statements.model import RowBroken, RowFault
from runtime.platform.clock import business_date

_MONTHS: Final = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE"),
    *("JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"),
)
_TOKENS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<year>[0-9]{2})",
    "MMM": r"(?P<name>[A-Z]{3,9})",
    "MM": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{1,2})",
    "HH": r"[0-9]{1,2}",
    "mm": r"[0-9]{2}",
    "ss": r"[0-9]{2}",
}
_TOKEN = re.compile("|".join(_TOKENS))
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:Z|[+\-][0-9]{2}:[0-9]{2})?")
FORMAT_SHAPE: Final = r"(?:YYYY|YY|MMM|MM|DD|HH|mm|ss|[ /.:,\-])+"
_CENTURY: Final = 2000
_OLDEST_DAYS: Final = 3_660
_BOOKED_AHEAD_DAYS: Final = 1
_VALUE_AHEAD_DAYS: Final = 31
_TEXT_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class DateWindow:
    """Which days a statement received on ``received_on`` (a day in India) can speak of."""

    received_on: date

    def booked(self, day: date) -> date:
        """``day`` if a line can be booked on it: within ten years, at most a day ahead. Raises RowBroken."""
        return self._within(day, _BOOKED_AHEAD_DAYS)

    def value(self, day: date) -> date:
        """``day`` if a line can have it as value date: within ten years, at most a month ahead. Raises
        RowBroken."""
        return self._within(day, _VALUE_AHEAD_DAYS)

    def _within(self, day: date, ahead: int) -> date:
        if not -_OLDEST_DAYS <= (day - self.received_on).days <= ahead:
            raise RowBroken(RowFault.DATE_OUT_OF_RANGE, "the date is too far from the day of receipt")
        return day


def date_by_formats(text: str, formats: Sequence[str]) -> date:
    """The day that ``text`` writes in the first of ``formats`` that fits (``DD/MM/YYYY``, ``DD-MMM-YY``,
    ``YYYY-MM-DD HH:mm:ss``). Two-digit years are of this century. Raises RowBroken."""
    plain = " ".join(text.split()).upper()
    if len(plain) <= _TEXT_MAX:
        for written in formats:
            match = _pattern(written).fullmatch(plain)
            if match is not None:
                return _day(match)
    raise RowBroken(RowFault.DATE_MALFORMED, f"the date is not written as {' or '.join(formats)}")


def date_from_iso(text: str) -> date:
    """The day of an ISO 20022 ``Dt`` or ``DtTm``; a moment with an offset falls on its day in India. Raises
    RowBroken."""
    plain = text.strip()
    match = _ISO.fullmatch(plain) if len(plain) <= _TEXT_MAX else None
    try:
        if match is not None:
            return date(int(match[1]), int(match[2]), int(match[3]))
        if plain.isascii() and len(plain) <= _TEXT_MAX and "T" in plain:
            moment = datetime.fromisoformat(plain)
            return business_date(moment) if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        pass
    raise RowBroken(RowFault.DATE_MALFORMED, "the date is not an ISO date")


def within_a_year(day: date, month: int, month_day: int) -> date:
    """The day ``month``/``month_day`` nearest to ``day``: an entry date that names no year (MT940, field 61).

    Raises RowBroken.
    """
    candidates: list[date] = []
    for year in (day.year - 1, day.year, day.year + 1):
        try:
            candidates.append(date(year, month, month_day))
        except ValueError:
            continue
    if not candidates:
        raise RowBroken(RowFault.DATE_MALFORMED, "the entry date is no day of the year")
    return min(candidates, key=lambda candidate: abs((candidate - day).days))


@lru_cache(maxsize=64)
def _pattern(written: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(written):
        parts += [re.escape(written[end : token.start()]), _TOKENS[token[0]]]
        end = token.end()
    return re.compile("".join([*parts, re.escape(written[end:])]))


def _day(match: re.Match[str]) -> date:
    named = match.groupdict()
    year = int(named["year"])
    if len(named["year"]) == 2:
        year += _CENTURY
    try:
        month = _month(named["name"]) if named.get("name") else int(named["month"])
        return date(year, month, int(named["day"]))
    except ValueError:
        raise RowBroken(RowFault.DATE_MALFORMED, "there is no such day") from None


def _month(name: str) -> int:
    """The month that begins with ``name``; 0, which is no month, for none."""
    return next((number for number, month in enumerate(_MONTHS, 1) if month.startswith(name)), 0)
