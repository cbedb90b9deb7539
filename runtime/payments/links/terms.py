"""The terms that a payment link can have: pure rules."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from runtime.payments.contracts import AMOUNT_MAX_PAISE, AMOUNT_MIN_PAISE
from runtime.payments.links.contracts import CreatePaymentLink
from runtime.payments.links.model import PaymentLink
from runtime.platform.clock import IST, business_date, from_iso
from runtime.platform.errors import (
    AMOUNT_ABOVE_MAXIMUM,
    AMOUNT_BELOW_MINIMUM,
    LINK_TERMS_INVALID,
    FieldError,
    Problem,
)

LIFE_DAYS_MAX = 180
"""Razorpay ends a link within six months (payment links, ``expire_by``); 180 days are always within them."""

LIFE_MIN = timedelta(minutes=20)
"""Razorpay wants fifteen minutes; five more for a call that has to be repeated."""


def checked_end(asked: CreatePaymentLink, now: datetime, origins: Collection[str]) -> datetime:
    """The last second of the link, once its terms are found possible. Payers come back to pages of the
    ``origins`` (``https://app.example``) only.

    Raises Problem ``amount-below-minimum``, ``amount-above-maximum`` and ``payment-link-terms-invalid``.
    """
    if asked.amount_paise < AMOUNT_MIN_PAISE:
        raise Problem(AMOUNT_BELOW_MINIMUM, f"The least that can be paid is {AMOUNT_MIN_PAISE} paise.")
    if asked.amount_paise > AMOUNT_MAX_PAISE:
        raise Problem(AMOUNT_ABOVE_MAXIMUM, f"The most that can be paid at once is {AMOUNT_MAX_PAISE} paise.")
    errors: list[FieldError] = []
    first = asked.first_min_partial_paise
    if first is not None and not asked.accept_partial:
        errors.append(FieldError("/first_min_partial_paise", "only with accept_partial"))
    elif first is not None and not AMOUNT_MIN_PAISE <= first <= asked.amount_paise:
        errors.append(FieldError("/first_min_partial_paise", f"from {AMOUNT_MIN_PAISE} paise to the whole"))
    ends_at = _end(asked.expires_on, now)
    if ends_at is None:
        reason = f"a day that ends more than 20 minutes from now, within {LIFE_DAYS_MAX} days"
        errors.append(FieldError("/expires_on", reason))
    if asked.callback_url is not None and _origin(asked.callback_url) not in origins:
        errors.append(FieldError("/callback_url", "a page of an origin that is allowed here"))
    if errors or ends_at is None:
        raise Problem(LINK_TERMS_INVALID, "The gateway makes no such link.", errors=errors)
    return ends_at


def last_day(link: PaymentLink) -> date:
    """The last day in India on which a link can be paid."""
    if link.expires_at is not None:
        return business_date(from_iso(link.expires_at))
    return business_date(from_iso(link.created_at)) + timedelta(days=LIFE_DAYS_MAX - 1)


def _end(expires_on: str | None, now: datetime) -> datetime | None:
    """The last second of the last day in India; None for what is no such day."""
    last = expires_on or (business_date(now) + timedelta(days=LIFE_DAYS_MAX - 1)).isoformat()
    try:
        ends_at = datetime.fromisoformat(f"{last}T23:59:59").replace(tzinfo=IST)
    except ValueError:
        return None
    return ends_at if now + LIFE_MIN <= ends_at <= now + timedelta(days=LIFE_DAYS_MAX) else None


def _origin(url: str) -> str | None:
    """The origin of a URL; None for one that a browser might read otherwise than we do."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if "@" in parts.netloc or "\\" in url:
        return None
    return f"{parts.scheme}://{parts.netloc}".lower()
