"""The split terms of a school over time: dated versions, of which a capture takes the one in force."""

from datetime import date

from runtime.payments.model import Frozen
from runtime.payments.splits.model import SplitTerms

VERSIONS_MAX = 50
"""Versions kept of a school. Every version that was ever set is in the audit trail by its number."""


class TermsVersion(Frozen):
    """Terms from the beginning of a day in India (ISO date) on; without ``terms`` nothing is split any more.

    ``number`` counts up from 1 and names the version for good; ``set_at`` is a moment in UTC.
    """

    number: int
    effective_from: str
    terms: SplitTerms | None
    set_by: str
    set_at: str


class SchoolTerms(Frozen):
    """The versions of a school, in the order in which they were set. ``version`` counts the item's changes,
    for optimistic locking; 0 is not stored yet."""

    school_id: str
    versions: tuple[TermsVersion, ...] = ()
    version: int = 0


def in_force(agreed: SchoolTerms, on: date) -> TermsVersion | None:
    """The version in force on a day in India: of those begun by then the latest begun, and of one day's the
    last set. None before the first; it may be one that ends splitting."""
    begun = [each for each in agreed.versions if each.effective_from <= on.isoformat()]
    return max(begun, key=lambda each: (each.effective_from, each.number), default=None)


def with_version(
    agreed: SchoolTerms, terms: SplitTerms | None, *, effective_from: date, set_by: str, set_at: str
) -> SchoolTerms:
    """``agreed`` with further terms from a day on; the same where that day has them already.

    A version of the same day that was set before stays on record and is no longer in force. Without ``terms``
    splitting ends, and what was set for later days is dropped.
    """
    day = effective_from.isoformat()
    kept = (
        agreed.versions
        if terms is not None
        else tuple(each for each in agreed.versions if each.effective_from <= day)
    )
    present = in_force(agreed, effective_from)
    same = (present.terms if present is not None else None) == terms
    if same and len(kept) == len(agreed.versions):
        return agreed
    version = TermsVersion(
        number=max((each.number for each in agreed.versions), default=0) + 1,
        effective_from=day,
        terms=terms,
        set_by=set_by,
        set_at=set_at,
    )
    return agreed.model_copy(update={"versions": (*kept, version)[-VERSIONS_MAX:]})
