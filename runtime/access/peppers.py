"""The peppers of API keys: one is current, older ones stay for as long as a key hashed under them may live.

A pepper's version is named after the moment it was made, so the names tell when each was superseded. The
stack makes the secret as ``{"pepper": "…"}``; that is the version FIRST. After the first rotation it is
``{"peppers": {"<version>": "…"}, "current": "<version>"}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST = "1"
"""The version of the pepper that the stack made. A key whose record names no version was hashed under it."""

API_KEY_LIFETIME_MAX = timedelta(days=365)
"""No key is made for longer, so a pepper is needed for no longer after it was superseded."""

KEPT_AFTER = API_KEY_LIFETIME_MAX + timedelta(days=1)
"""A day more: functions go on with a superseded pepper for minutes, and clocks differ."""

PEPPER_LENGTH_MIN = 32
PEPPERS_MAX = 50
_MADE_AT = "%Y%m%dT%H%M%SZ"


class PeppersInvalid(ValueError):
    """The secret does not hold peppers. Says what is wrong and never shows a value."""

    code = "peppers-invalid"


@dataclass(frozen=True, slots=True)
class Peppers:
    """The peppers ``by_version``, and the ``current`` version, under which new keys are hashed."""

    by_version: Mapping[str, str] = field(repr=False)
    current: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.by_version) <= PEPPERS_MAX:
            raise PeppersInvalid(f"there are 1 to {PEPPERS_MAX} peppers")
        if not all(isinstance(value, str) and value for value in self.by_version.values()):
            raise PeppersInvalid("an empty pepper protects nothing")
        if self.current not in self.by_version:
            raise PeppersInvalid("the current version is none of the peppers")

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Peppers":
        """The peppers in a secret's ``document``, of either shape. Raises PeppersInvalid."""
        if "peppers" not in document:
            return cls({FIRST: document.get("pepper", "")}, FIRST)
        by_version, current = document["peppers"], document.get("current")
        if not isinstance(by_version, Mapping) or not isinstance(current, str):
            raise PeppersInvalid("peppers is an object, current the name of one of them")
        return cls(dict(by_version), current)

    def document(self) -> dict[str, Any]:
        """The secret's document that holds these peppers."""
        return {"peppers": dict(self.by_version), "current": self.current}

    def superseded_by(self, pepper: str, *, now: datetime) -> "Peppers":
        """These peppers with the new ``pepper`` as the current one, without those that no live key needs.

        Raises PeppersInvalid for a pepper that is too short or known, and for a second one in one second.
        """
        version = now.astimezone(UTC).strftime(_MADE_AT)
        if len(pepper) < PEPPER_LENGTH_MIN or pepper in self.by_version.values():
            raise PeppersInvalid(f"a new pepper has {PEPPER_LENGTH_MIN} characters or more and is new")
        if version <= max(self.by_version):
            raise PeppersInvalid("a new version is newer than all others")
        in_order = sorted(self.by_version)
        kept = {
            older: self.by_version[older]
            for older, successor in zip(in_order, [*in_order[1:], version], strict=True)
            if _made_at(successor) + KEPT_AFTER > now
        }
        return Peppers({**kept, version: pepper}, version)

    def hold_successor(self, after: "Peppers") -> None:
        """See that ``after`` has one new pepper, its current one, and none but these beside it.

        Raises PeppersInvalid.
        """
        older = {version: value for version, value in after.by_version.items() if version != after.current}
        if after.current in self.by_version or not older.items() <= dict(self.by_version).items():
            raise PeppersInvalid("the next peppers are some of the former ones and one new pepper")


def _made_at(version: str) -> datetime:
    try:
        return datetime.strptime(version, _MADE_AT).replace(tzinfo=UTC)
    except ValueError:
        raise PeppersInvalid("a version is named after the moment it was made") from None
