"""An estate that remembers which of its resources a rule read: what nobody looked at is not proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from checks.rules.estate import Estate, Resource

_BODY: Any = Resource.__dict__["body"]


class Watched(Resource):
    """A resource that says when its body is read; its kind and place may be asked without that."""

    __slots__ = ("_seen",)

    def __init__(self, resource: Resource, seen: dict[Resource, None]) -> None:
        object.__setattr__(self, "_seen", seen)
        super().__init__(resource.stack, resource.logical_id, resource.kind, resource.body)

    __hash__ = Resource.__hash__

    @property
    def body(self) -> Mapping[str, Any]:
        """The resource's body; whoever asks for it has looked at the resource."""
        self._seen[self] = None  # type: ignore[attr-defined]  # the slot of this class
        found: Mapping[str, Any] = _BODY.__get__(self)
        return found

    @body.setter
    def body(self, value: Mapping[str, Any]) -> None:
        _BODY.__set__(self, value)


class WatchedEstate(Estate):
    """The same environment as ``estate``, for one rule: ``seen`` are the resources that it looked at.

    A resource counts when a rule asks for its kind or reads its body; one that is only passed by does not.
    """

    def __init__(self, estate: Estate) -> None:
        self.__dict__.update({key: value for key, value in estate.__dict__.items() if key not in _DERIVED})
        self._original = estate
        self.looked_at = None
        self.seen: dict[Resource, None] = {}

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource of every stack, watched."""
        return tuple(Watched(resource, self.seen) for resource in self._original.resources)

    def of(self, *kinds: str) -> Iterator[Resource]:
        """Every resource of these kinds: they are what the rule is about."""
        for resource in super().of(*kinds):
            self.seen[resource] = None
            yield resource


_DERIVED = ("resources", "_by_kind", "_by_place")
