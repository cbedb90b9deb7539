"""Bodies as they are sent: size, encoding and shape are checked before anything is believed."""

import json
import math
from typing import Any, NoReturn

from runtime.platform.card_data import card_data_pointers
from runtime.platform.errors import BODY_MALFORMED, BODY_TOO_LARGE, CARD_DATA_REFUSED, FieldError, Problem

DEPTH_MAX = 32
POINTERS_SHOWN_MAX = 10


def parse_object(body: bytes, *, size_max: int) -> dict[str, Any]:
    """``body`` as one JSON object.

    Raises Problem ``body-too-large`` above ``size_max`` bytes and ``body-malformed`` for anything that is
    not one UTF-8 JSON object: also NaN, Infinity, a number too large to be one, a lone surrogate, a name that
    stands twice in an object, nesting deeper than 32, and integers too long to be meant.
    """
    if len(body) > size_max:
        raise Problem(BODY_TOO_LARGE, f"The body has {len(body)} bytes; {size_max} are allowed.")
    try:
        document = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_object_without_duplicates,
        )
        if b"\\u" in body:  # an escaped half of a character is JSON, but no text that can be stored or sent
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (UnicodeError, RecursionError, ValueError):
        raise Problem(BODY_MALFORMED, "The body could not be read as JSON.") from None
    if not isinstance(document, dict):
        raise Problem(BODY_MALFORMED, "The body is JSON, but not an object.")
    if _depth_exceeds(document, DEPTH_MAX):
        raise Problem(BODY_MALFORMED, f"The body is nested deeper than {DEPTH_MAX} levels.")
    return document


def refuse_card_data(document: dict[str, Any]) -> None:
    """Raise Problem ``card-data-refused`` when a card number or security code stands anywhere in
    ``document``."""
    pointers = card_data_pointers(document)
    if pointers:
        raise Problem(
            CARD_DATA_REFUSED,
            "The body holds what looks like a card number or a security code. Nothing was kept.",
            errors=[FieldError(pointer, "looks like card data") for pointer in pointers[:POINTERS_SHOWN_MAX]],
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError("beyond every number")
    return value


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


def _depth_exceeds(node: object, levels: int) -> bool:
    if isinstance(node, dict | list):
        children = node.values() if isinstance(node, dict) else node
        return levels == 0 or any(_depth_exceeds(child, levels - 1) for child in children)
    return False
