"""What money in another currency is worth to the merchant: settlements and fees are in rupees.

A payment is converted by the rate of its day, a refund by that of its own. Source: Razorpay, Currency
Conversion; the rates are the sandbox's own (exchange_rates.toml).
"""

import tomllib
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files

from checks.sandbox.razorpay.records import Record
from checks.sandbox.razorpay.settlement_calendar import INDIA
from runtime.platform.currencies import BOOKS_CURRENCY, currency


@cache
def _rates() -> tuple[tuple[date, dict[str, int]], ...]:
    text = files("checks.sandbox.razorpay").joinpath("exchange_rates.toml").read_text(encoding="utf-8")
    return tuple(sorted((each["from"], each["paise"]) for each in tomllib.loads(text)["rates"]))


@cache
def supported() -> frozenset[str]:
    """The currencies that a payer may be charged in: rupees, and those that always have a rate."""
    return frozenset.intersection(*(frozenset(paise) for _, paise in _rates())) | {BOOKS_CURRENCY}


def base(amount_minor: int, code: str, unix: int) -> int:
    """``amount_minor`` of a currency in paise, by the rate of the day (in India) of a moment, rounded half
    up."""
    if code == BOOKS_CURRENCY:
        return amount_minor
    day = datetime.fromtimestamp(unix, tz=UTC).astimezone(INDIA).date()
    (_, paise) = max(each for each in _rates() if each[0] <= day)
    whole: int = 10 ** currency(code).exponent
    return (2 * amount_minor * paise[code] + whole) // (2 * whole)


def shown(amount_minor: int, code: str, unix: int) -> Record:
    """The members by which an entity in another currency shows what it is worth; none of rupees."""
    if code == BOOKS_CURRENCY:
        return {}
    return {"base_amount": base(amount_minor, code, unix), "base_currency": BOOKS_CURRENCY}
