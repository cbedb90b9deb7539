"""The part of a request that a statement looks at, and what happens where WAF is not shown all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.firewall.request import NotEvaluated, WebRequest


@dataclass(frozen=True, slots=True)
class Component:
    """What there is to look at: ``texts``, of which one has to match; ``decided`` where oversize handling
    decides instead."""

    texts: tuple[bytes, ...]
    decided: bool | None = None


def component(field: Mapping[str, Any], request: WebRequest, *, body_limit: int) -> Component:
    """What ``FieldToMatch`` picks out of ``request``, with ``body_limit`` bytes of the body shown to WAF.

    A header that is missing gives nothing to look at, so nothing matches it. Raises NotEvaluated.
    """
    match dict(field):
        case {"UriPath": {}}:
            return Component((request.path.encode(),))
        case {"QueryString": {}}:
            return Component((request.query.encode(),))
        case {"Method": {}}:
            return Component((request.method.encode(),))
        case {"SingleHeader": {"Name": str(name)}}:
            value = request.headers.get(name.lower())
            return Component(() if value is None else (value.encode(),))
        case {"Body": {"OversizeHandling": str(handling)}}:
            return _shown((request.body[:body_limit],), len(request.body) > body_limit, handling)
        case {"Headers": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "OversizeHandling": handling}}:
            texts = [text.encode() for pair in request.headers.items() for text in pair]
            return _shown(tuple(texts), request.headers_oversize, str(handling))
    raise NotEvaluated(f"request component {', '.join(field) or 'without a name'}")


def _shown(texts: tuple[bytes, ...], oversize: bool, handling: str) -> Component:
    if not oversize or handling == "CONTINUE":
        return Component(texts)
    if handling in {"MATCH", "NO_MATCH"}:
        return Component(texts, decided=handling == "MATCH")
    raise NotEvaluated(f"oversize handling {handling}")
