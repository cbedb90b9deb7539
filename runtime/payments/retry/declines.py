"""What a failed payment's error object allows: the decline table.

The table is `declines.toml`, keyed by Razorpay's `reason`. `reason` is the stable member of the error object;
`code` is a broad class, and `source`, `step` and the payment method refine only where the documents say so.
A reason that is not in the table is `bounded`: tried a few times, and the answer says that it is not known.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from runtime.payments.model import Frozen

REASON_LENGTH_MAX = 100
"""No published reason is half as long; what is longer is not kept."""

_ABSENT = frozenset({"", "na", "n/a", "null", "none", "nil"})
"""How the gateway says that it has nothing to say, beside null and an omitted member."""


class Category(StrEnum):
    """What may follow a failure."""

    NEVER = "never"
    ASK_CUSTOMER = "ask_customer"
    SOON = "soon"
    SCHEDULED = "scheduled"
    POLL = "poll"
    BOUNDED = "bounded"
    OUR_BUG = "our_bug"
    NOT_A_FAILURE = "not_a_failure"


class Remedy(StrEnum):
    """What the customer can do about it."""

    NONE = "none"
    CUSTOMER_ACTION = "customer_action"
    NEW_METHOD = "new_method"
    NEW_MANDATE = "new_mandate"
    RESUME_MANDATE = "resume_mandate"
    APPROVE = "approve"


class Match(StrEnum):
    """By what the table decided; only the first two are the word of a published reason."""

    REASON = "reason"
    REFINEMENT = "refinement"
    PREFIX = "prefix"
    CODE = "code"
    NOTHING = "nothing"


class Decline(Frozen):
    """A failure as it was classified. ``reason`` is normalised, empty where none was given.

    ``wait_minutes`` is the shortest wait that the documents name, counted from the failure; 0 for none.
    """

    reason: str
    category: Category
    remedy: Remedy = Remedy.NONE
    wait_minutes: int = Field(default=0, ge=0)
    match: Match
    why: str
    source: str

    @property
    def known(self) -> bool:
        """Whether the reason is published and classified on purpose."""
        return self.match in (Match.REASON, Match.REFINEMENT)


_UNKNOWN_WHY = "The gateway gave a reason that is not in the decline table; it is tried a few times only."
_ABSENT_WHY = "The gateway gave no reason; it is tried a few times only."


class _Entry(Frozen):
    """A decision of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category
    remedy: Remedy = Remedy.NONE
    wait_minutes: int = Field(default=0, ge=0)
    why: str = Field(min_length=1)
    source: str | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> "_Entry":
        if self.category is Category.ASK_CUSTOMER and self.remedy is Remedy.NONE:
            raise ValueError("a customer is asked for something")
        return self

    def decline(self, reason: str, match: Match, source: str) -> Decline:
        return Decline(
            reason=reason,
            category=self.category,
            remedy=self.remedy,
            wait_minutes=self.wait_minutes,
            match=match,
            why=self.why,
            source=self.source or source,
        )


class _Group(_Entry):
    reasons: tuple[str, ...] = Field(min_length=1)


class _Refinement(_Group):
    code: frozenset[str] = frozenset()
    error_source: frozenset[str] = frozenset()
    step: frozenset[str] = frozenset()
    method: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _refines(self) -> "_Refinement":
        if not (self.code or self.error_source or self.step or self.method):
            raise ValueError("a refinement names a circumstance")
        return self

    def fits(self, circumstance: "_Circumstance") -> bool:
        asked = (self.code, self.error_source, self.step, self.method)
        return all(not wanted or said in wanted for wanted, said in zip(asked, circumstance, strict=True))


class _Prefix(_Entry):
    starts_with: str = Field(min_length=4)


class _Fallback(_Entry):
    code: Literal["BAD_REQUEST_ERROR", "GATEWAY_ERROR", "SERVER_ERROR"]


_Circumstance = tuple[str, str, str, str]


class DeclineTable(Frozen):
    """The table, as it is written in `declines.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    group: tuple[_Group, ...]
    refinement: tuple[_Refinement, ...] = ()
    prefix: tuple[_Prefix, ...] = ()
    fallback: tuple[_Fallback, ...] = ()

    @model_validator(mode="after")
    def _one_decision_per_reason(self) -> "DeclineTable":
        seen: set[str] = set()
        for group in self.group:
            for reason in group.reasons:
                if reason != _normalised(reason) or reason in seen:
                    raise ValueError(f"the reason {reason} is listed twice or not in its normal form")
                seen.add(reason)
        for refinement in self.refinement:
            if not seen.issuperset(refinement.reasons):
                raise ValueError("a refinement refines a listed reason")
        return self

    def by_reason(self) -> Mapping[str, Decline]:
        """Every listed reason with its decision."""
        return {
            reason: group.decline(reason, Match.REASON, self.source)
            for group in self.group
            for reason in group.reasons
        }


class Declines:
    """The decline table made ready for looking up."""

    def __init__(self, table: DeclineTable) -> None:
        self._table = table
        self._by_reason = table.by_reason()
        self._refinements: dict[str, list[tuple[_Refinement, Decline]]] = {}
        for refinement in table.refinement:
            for reason in refinement.reasons:
                decided = refinement.decline(reason, Match.REFINEMENT, table.source)
                self._refinements.setdefault(reason, []).append((refinement, decided))

    @property
    def reasons(self) -> frozenset[str]:
        """The reasons that are classified on purpose."""
        return frozenset(self._by_reason)

    def classify(
        self,
        reason: str | None,
        *,
        code: str | None = None,
        source: str | None = None,
        step: str | None = None,
        method: str | None = None,
    ) -> Decline:
        """The decision for an error object; every argument may be None, empty or ``"NA"``.

        ``method`` is the payment's (``upi``, ``card``, ``emandate``, …). Never raises for what a gateway
        may say.
        """
        name = _normalised(reason)
        code_name = _normalised(code).upper()
        known = self._by_reason.get(name)
        if known is None:
            return self._unlisted(name, code_name)
        refinements = self._refinements.get(name)
        if refinements:
            circumstance = (code_name, _normalised(source), _normalised(step), _normalised(method))
            for refinement, decided in refinements:
                if refinement.fits(circumstance):
                    return decided
        return known

    def _unlisted(self, name: str, code: str) -> Decline:
        if name:
            for prefix in self._table.prefix:
                if name.startswith(prefix.starts_with):
                    return prefix.decline(name, Match.PREFIX, self._table.source)
        else:
            for fallback in self._table.fallback:
                if fallback.code == code:
                    return fallback.decline("", Match.CODE, self._table.source)
        return Decline(
            reason=name,
            category=Category.BOUNDED,
            remedy=Remedy.NEW_METHOD,
            match=Match.NOTHING,
            why=_UNKNOWN_WHY if name else _ABSENT_WHY,
            source=self._table.source,
        )


@cache
def declines() -> Declines:
    """The table of this release, read once."""
    text = files(__package__).joinpath("declines.toml").read_text(encoding="utf-8")
    return Declines(DeclineTable.model_validate(tomllib.loads(text)))


def _normalised(text: object) -> str:
    """Lower case without blanks around it; empty for whatever says nothing or is not a text."""
    if not isinstance(text, str):
        return ""
    name = text.strip().lower()[:REASON_LENGTH_MAX]
    return "" if name in _ABSENT else name
