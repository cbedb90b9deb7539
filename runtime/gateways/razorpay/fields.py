"""The types of Razorpay's fields, with the quirks its documentation and samples show.

``notes`` comes as an object, an empty list, null, or (in reconciliation rows) a text; an empty object
comes as an empty list elsewhere too; ``captured`` comes as true, ``"1"`` or null; an absent text comes
as null, as ``""`` or as ``"NA"``. Amounts are integers and nothing else.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

from runtime.platform.money import AMOUNT_MAX_PAISE

TEXT_LENGTH_MAX = 4096
"""No text that Razorpay documents is longer; a longer one is not its answer."""


class Entity(BaseModel):
    """Something Razorpay describes: frozen; what we do not know of it is ignored, as it grows over time.

    Validation errors never show the input, which may hold personal data. Validators are built at first
    use, because a function that starts cold needs two of these shapes and not twenty.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        str_max_length=TEXT_LENGTH_MAX,
        defer_build=True,
    )


def _text(value: Any) -> Any:
    return None if value in ("", "NA") else value


def _flag(value: Any) -> Any:
    if value in ("1", "0"):
        return value == "1"
    return None if value == "" else value


def _object(value: Any) -> Any:
    return {} if value is None or value == [] else value


def _notes(value: Any) -> Any:
    if isinstance(value, str):
        value = _notes_in_text(value)
    if value is None or value == []:
        return {}
    if isinstance(value, Mapping):
        return {str(name): "" if note is None else str(note) for name, note in value.items()}
    return value


def _notes_in_text(text: str) -> Any:
    """Notes that were written into a text: the object or list it spells, else one note with that text."""
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return {"notes": text} if text else {}


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return int(value)
    return _text(value)


Paise = Annotated[int, Strict(), Field(ge=-AMOUNT_MAX_PAISE, le=AMOUNT_MAX_PAISE)]
"""An integer amount in the smallest unit of its currency; negative only where an entity says so."""

OptionalPaise = Annotated[Paise | None, BeforeValidator(_text)]

MovedPaise = Annotated[int, Strict(), Field(ge=0, le=AMOUNT_MAX_PAISE)]
"""An amount that was moved, and is booked: never less than nothing."""

OptionalMovedPaise = Annotated[MovedPaise | None, BeforeValidator(_text)]

Text = Annotated[str | None, BeforeValidator(_text)]
"""A text, or None where Razorpay says nothing: null, absent, empty or ``NA``."""

PersonalText = Annotated[str | None, BeforeValidator(_text), Field(repr=False)]
"""A text about a person: it never shows in a repr."""

Flag = Annotated[bool | None, BeforeValidator(_flag)]
"""True, false, or None where Razorpay says nothing; ``"1"`` and ``"0"`` count."""

UnixSeconds = Annotated[int | None, BeforeValidator(_seconds)]
"""Seconds since 1970 in UTC, or None."""

Notes = Annotated[Mapping[str, str], BeforeValidator(_notes), Field(repr=False)]
"""The merchant's key-value pairs; whatever shape they came in, a mapping of texts."""

PerhapsEmpty = BeforeValidator(_object)
"""For an object that Razorpay sends as null or as an empty list when it holds nothing."""
