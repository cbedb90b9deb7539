"""What may be sent to Razorpay: checked before the call, so that a caller's mistake never leaves the house.

Limits are those of Razorpay's API reference. Every function returns its argument or raises ValueError.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from runtime.platform.money import AMOUNT_MAX_PAISE

AMOUNT_MIN_PAISE: Final = 100
"""An order is at least one rupee."""

RECEIPT_LENGTH_MAX: Final = 40
NOTES_MAX: Final = 15
NOTE_LENGTH_MAX: Final = 256
DESCRIPTION_LENGTH_MAX: Final = 2048
CAPTURE_EXPIRY_MIN_MINUTES: Final = 12

_IDENTIFIER: Final = re.compile(r"[a-z]{2,16}_[A-Za-z0-9]{1,40}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_REFUND_KEY: Final = re.compile(r"[A-Za-z0-9_-]{10,64}")
_TRANSFER_KEY: Final = re.compile(r"[A-Za-z0-9_ -]{4,36}")


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """What happens to an authorised payment of an order.

    ``automatic``: captured at once, if authorised within ``automatic_expiry_minutes`` (>= 12).
    ``manual``: captured by us within ``manual_expiry_minutes``. What is not captured in time is
    refunded by Razorpay at ``refund_speed``. A capture is always of the full amount.
    """

    capture: Literal["automatic", "manual"]
    automatic_expiry_minutes: int | None = None
    manual_expiry_minutes: int | None = None
    refund_speed: Literal["normal", "optimum"] = "normal"

    def __post_init__(self) -> None:
        for minutes in (self.automatic_expiry_minutes, self.manual_expiry_minutes):
            if minutes is not None and minutes < CAPTURE_EXPIRY_MIN_MINUTES:
                raise ValueError(f"a capture expires after {CAPTURE_EXPIRY_MIN_MINUTES} minutes or later")

    def as_fields(self) -> dict[str, object]:
        """The ``payment`` object of an order."""
        options = {
            "automatic_expiry_period": self.automatic_expiry_minutes,
            "manual_expiry_period": self.manual_expiry_minutes,
            "refund_speed": self.refund_speed,
        }
        return {
            "capture": self.capture,
            "capture_options": {name: value for name, value in options.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class MandateTerms:
    """The mandate that the payer of an order is asked to authorise (orders, ``token``).

    ``max_amount_paise`` bounds one debit; ``expire_at`` is timezone-aware. A registration by UPI or e-mandate
    may have an order of nothing, one by card has at least one rupee.
    """

    method: Literal["upi", "card", "emandate"]
    customer_id: str
    max_amount_paise: int
    expire_at: datetime
    frequency: str

    def __post_init__(self) -> None:
        if self.expire_at.tzinfo is None:
            raise ValueError("a mandate ends at a timezone-aware moment")

    @property
    def order_min_paise(self) -> int:
        """The least that an order for this mandate asks for."""
        return AMOUNT_MIN_PAISE if self.method == "card" else 0

    def as_fields(self) -> dict[str, object]:
        """The fields of an order that make it the registration of a mandate."""
        return {
            "method": self.method,
            "customer_id": identifier(self.customer_id),
            "token": {
                "max_amount": amount(self.max_amount_paise),
                "expire_at": int(self.expire_at.timestamp()),
                "frequency": self.frequency,
            },
        }


@dataclass(frozen=True, slots=True)
class NoticeTerms:
    """The pre-debit notice that an order announces (orders, ``notification``): for which token, and from
    which timezone-aware moment on the debit may come. The gateway then does neither debit nor retry it."""

    token_id: str
    payment_after: datetime

    def __post_init__(self) -> None:
        if self.payment_after.tzinfo is None:
            raise ValueError("a debit is announced for a timezone-aware moment")

    def as_fields(self) -> dict[str, object]:
        """The field of an order that makes it announce a debit."""
        after = int(self.payment_after.timestamp())
        return {"notification": {"token_id": identifier(self.token_id), "payment_after": after}}


def is_identifier(value: str) -> bool:
    """Whether a text has the shape of Razorpay's ids, and can be asked about."""
    return _IDENTIFIER.fullmatch(value) is not None


def identifier(value: str) -> str:
    """An id of Razorpay's, safe in a path: a prefix, an underscore, letters and digits."""
    if not is_identifier(value):
        raise ValueError("an id of Razorpay's is a prefix, an underscore, letters and digits")
    return value


def amount(amount_paise: int, *, at_least_paise: int = AMOUNT_MIN_PAISE) -> int:
    """An integer amount from ``at_least_paise`` up."""
    if isinstance(amount_paise, bool) or not isinstance(amount_paise, int):
        raise ValueError("an amount is an integer number of paise")
    if not at_least_paise <= amount_paise <= AMOUNT_MAX_PAISE:
        raise ValueError(f"an amount is at least {at_least_paise} paise and not beyond every limit")
    return amount_paise


def currency_code(value: str) -> str:
    """Three capital letters (ISO 4217)."""
    if not _CURRENCY.fullmatch(value):
        raise ValueError("a currency is three capital letters")
    return value


def receipt_text(value: str) -> str:
    """Our reference of an order: 1 to 40 printable characters."""
    if not 1 <= len(value) <= RECEIPT_LENGTH_MAX or not value.isprintable():
        raise ValueError(f"a receipt has 1 to {RECEIPT_LENGTH_MAX} printable characters")
    return value


def notes_object(notes: Mapping[str, str] | None) -> dict[str, str] | None:
    """At most 15 notes of at most 256 characters. Personal data does not belong into notes."""
    if notes is None:
        return None
    if len(notes) > NOTES_MAX:
        raise ValueError(f"at most {NOTES_MAX} notes are kept")
    if any(len(name) > NOTE_LENGTH_MAX or len(text) > NOTE_LENGTH_MAX for name, text in notes.items()):
        raise ValueError(f"a note has at most {NOTE_LENGTH_MAX} characters")
    return dict(notes)


def refund_key(value: str) -> str:
    """An idempotency key for refunds: 10 or more letters, digits, hyphens, underscores (we stop at 64)."""
    if not _REFUND_KEY.fullmatch(value):
        raise ValueError("a refund's idempotency key has 10 to 64 letters, digits, hyphens, underscores")
    return value


def transfer_key(value: str) -> str:
    """An idempotency key for direct transfers: 4 to 36 letters, digits, hyphens, underscores, spaces."""
    if not _TRANSFER_KEY.fullmatch(value):
        raise ValueError("a transfer's idempotency key has 4 to 36 letters, digits, -, _ and spaces")
    return value


def period(since: datetime | None, until: datetime | None) -> tuple[tuple[str, int], ...]:
    """``from`` and ``to`` of a listing, in whole seconds; either end may be open."""
    if any(moment is not None and moment.tzinfo is None for moment in (since, until)):
        raise ValueError("a period needs timezone-aware moments")
    ends = (("from", since), ("to", until))
    return tuple((name, int(moment.timestamp())) for name, moment in ends if moment is not None)
