"""The split terms of a school over time: dated versions, of which a capture takes the one in force.

Which one that is depends on the moment of the capture alone, not on when its event is handled: what is set
later never reaches back.
"""

from datetime import date, datetime, time

from runtime.payments.model import Frozen
from runtime.payments.refusal import Refused
from runtime.payments.splits.errors import SplitCode
from runtime.payments.splits.model import SplitTerms
from runtime.platform.clock import IST, business_date, from_iso, iso

CHANGES_AHEAD_MAX = 24
"""Days to come for which changes can be set."""
VERSIONS_MAX = 50
"""Versions kept of a school: those that count, and of the others the newest. Every version that was ever set
is in the audit trail by its number."""


class TermsVersion(Frozen):
    """Terms from the beginning of a day in India (ISO date) on, or from the moment when they were set, if
    that is later; without ``terms`` nothing is split any more.

    ``number`` counts up from 1 and names the version for good; ``set_at`` is a moment in UTC.
    """

    number: int
    effective_from: str
    terms: SplitTerms | None
    set_by: str
    set_at: str

    @property
    def begins_at(self) -> datetime:
        """The moment from which on captures take these terms."""
        return max(_beginning(date.fromisoformat(self.effective_from)), from_iso(self.set_at))


class SchoolTerms(Frozen):
    """The versions of a school, in the order in which they were set. ``version`` counts the item's changes,
    for optimistic locking; 0 is not stored yet."""

    school_id: str
    versions: tuple[TermsVersion, ...] = ()
    version: int = 0


def in_force(agreed: SchoolTerms, at: datetime) -> TermsVersion | None:
    """The version in force at a moment (timezone-aware): of those begun by then the one of the latest day,
    and of one day's the last set. None before the first; it may be one that ends splitting."""
    begun = [each for each in agreed.versions if each.begins_at <= at]
    return max(begun, key=lambda each: (each.effective_from, each.number), default=None)


def with_version(
    agreed: SchoolTerms, terms: SplitTerms | None, *, effective_from: date, set_by: str, set_at: datetime
) -> SchoolTerms:
    """``agreed`` with further terms from a day on, today from ``set_at`` on; the same where that day has them
    already.

    A version of the same day that was set before stays on record, and in force until these begin. Without
    ``terms`` splitting ends, and what was set for later days is dropped. ``set_at`` is a timezone-aware
    moment. Raises Refused ``split-terms-too-many``.
    """
    day = effective_from.isoformat()
    kept = (
        agreed.versions
        if terms is not None
        else tuple(each for each in agreed.versions if each.effective_from <= day)
    )
    present = in_force(agreed, max(_beginning(effective_from), set_at))
    same = present is not None and (present.effective_from, present.terms) == (day, terms)
    if same and len(kept) == len(agreed.versions):
        return agreed
    version = TermsVersion(
        number=max((each.number for each in agreed.versions), default=0) + 1,
        effective_from=day,
        terms=terms,
        set_by=set_by,
        set_at=iso(set_at),
    )
    versions = _kept((*kept, version), business_date(set_at))
    return agreed.model_copy(update={"versions": versions})


def _kept(versions: tuple[TermsVersion, ...], today: date) -> tuple[TermsVersion, ...]:
    """The versions that count from today on, with as many of the others as there is room for."""
    newest = {each.effective_from: each.number for each in versions}  # of one day's the last set counts
    begun = max((day for day in newest if day <= today.isoformat()), default="")
    counting = {number for day, number in newest.items() if day >= begun}
    if sum(day > today.isoformat() for day in newest) > CHANGES_AHEAD_MAX:
        raise Refused(SplitCode.TERMS_TOO_MANY, f"At most {CHANGES_AHEAD_MAX} changes can be set ahead.")
    others = [each.number for each in versions if each.number not in counting]
    keep = counting | set(others[-(VERSIONS_MAX - len(counting)) :])
    return tuple(each for each in versions if each.number in keep)


def _beginning(day: date) -> datetime:
    """The first moment of a day in India."""
    return datetime.combine(day, time(), IST)
