"""Identifiers, injected: a prefix that names the kind and a ULID that sorts by time.

The ULID is 48 bits of milliseconds and 80 bits of randomness in Crockford base 32
(https://github.com/ulid/spec). ``pmt_`` plus 26 characters is 30 long, so an id fits into
Razorpay's ``receipt`` (40 characters) and doubles as the reference by which an order is found again.
"""

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from runtime.platform.clock import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_SHAPE = re.compile(r"^[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}$")


class Ids(Protocol):
    """Where new identifiers come from."""

    def new(self, prefix: str) -> str:
        """A new identifier ``{prefix}_{ULID}``."""
        ...


class UlidIds:
    """Identifiers from a clock and a source of random bits."""

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock
        self._random_bits = random_bits

    def new(self, prefix: str) -> str:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        value = (milliseconds << _RANDOM_BITS) | self._random_bits(_RANDOM_BITS)
        return f"{prefix}_{_crockford(value)}"


def least(prefix: str, moment: datetime) -> str:
    """The least identifier of ``moment``: all that were made before it sort before it."""
    return f"{prefix}_{_crockford(int(moment.timestamp() * 1000) << _RANDOM_BITS)}"


def is_id(text: str, prefix: str) -> bool:
    """Whether ``text`` has the shape of an identifier of that kind."""
    return text.startswith(f"{prefix}_") and _SHAPE.fullmatch(text) is not None


def _crockford(value: int) -> str:
    characters: list[str] = []
    for _ in range(26):
        value, digit = divmod(value, 32)
        characters.append(_ALPHABET[digit])
    return "".join(reversed(characters))
