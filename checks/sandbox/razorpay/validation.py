"""What the API demands of a request body, in the words it refuses with."""

from typing import Any

from checks.sandbox.razorpay.errors import ApiError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record
from runtime.platform.currencies import currency as known_currency

NOTES_PAIRS = 15
NOTES_CHARACTERS = 256
RECEIPT_CHARACTERS = 40
MINIMUM_PAISE = 100


def whole_number(value: Any, name: str) -> int:
    """An integer, or digits in a string as PHP clients send them; a float or a boolean is refused."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ApiError(f"The {name} must be an integer.", field=name)
    if isinstance(value, str):
        if not value.isascii() or not value.isdigit() or len(value) > 18:
            raise ApiError(f"The {name} must be an integer.", field=name)
        return int(value)
    return value


def required(body: Record, name: str) -> Any:
    value = body.get(name)
    if value is None or value == "":
        raise ApiError(f"The {name} field is required.", field=name)
    return value


def amount_paise(gw: Gateway, body: Record, *, minimum: int = MINIMUM_PAISE, name: str = "amount") -> int:
    """A mandatory amount in paise between `minimum` and the account's limit."""
    amount = whole_number(required(body, "amount") if name == "amount" else body.get("amount"), name)
    if amount < minimum:
        raise ApiError("The amount must be at least INR 1.00", field=name)
    if amount > gw.config.limits.amount_paise:
        raise ApiError("Amount exceeds maximum amount allowed.", field=name)
    return amount


def amount_in(gw: Gateway, body: Record, code: str, *, minimum: int = MINIMUM_PAISE) -> int:
    """A mandatory amount in the minor units of a currency; of three decimal places the last digit is 0."""
    amount = amount_paise(gw, body, minimum=minimum)
    if not known_currency(code).takes(amount):
        raise ApiError("The last digit of an amount of three decimal places must be 0.", field="amount")
    return amount


def currency(gw: Gateway, body: Record, *, default: str | None = None) -> str:
    value = body.get("currency", default)
    if value is None or value == "":
        raise ApiError("The currency field is required.", field="currency")
    if not isinstance(value, str) or value not in gw.config.currencies:
        raise ApiError("The currency provided is not supported.", field="currency")
    return value


def notes(body: Record) -> Record:
    """Up to 15 pairs of up to 256 characters; absent, null and [] are all empty."""
    given = body.get("notes")
    if not given:
        return {}
    if not isinstance(given, dict):
        raise ApiError("The notes must be an array.", field="notes")
    if len(given) > NOTES_PAIRS:
        raise ApiError("Number of fields in notes should be less than or equal to 15", field="notes")
    for key, value in given.items():
        if (
            isinstance(value, dict | list)
            or len(key) > NOTES_CHARACTERS
            or len(str(value)) > NOTES_CHARACTERS
        ):
            raise ApiError("The notes values may not be greater than 256 characters.", field="notes")
    return dict(given)


def text(body: Record, name: str, *, longest: int) -> str | None:
    """An optional string of at most `longest` characters."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ApiError(f"The {name} must be a string.", field=name)
    if len(value) > longest:
        raise ApiError(f"The {name} may not be greater than {longest} characters.", field=name)
    return value


def receipt(body: Record) -> str | None:
    return text(body, "receipt", longest=RECEIPT_CHARACTERS)


def flag(value: Any) -> bool:
    """Booleans as clients send them: true, 1, "1", "true"."""
    return value in (True, 1, "1", "true")


def only_known(body: Record, known: frozenset[str]) -> None:
    """Razorpay names what it does not want."""
    extra = sorted(set(body) - known)
    if extra:
        raise ApiError(f"{', '.join(extra)} is/are not required and should not be sent", field=extra[0])
