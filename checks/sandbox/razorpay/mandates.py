"""The terms of a mandate, as the `token` of an order states them, and the cycles in which it is debited.

Source: Razorpay's authorisation transactions for UPI, cards and e-mandate.
"""

from dataclasses import asdict, dataclass
from typing import Any

from checks.sandbox.razorpay import validation
from checks.sandbox.razorpay.config import DAY_SECONDS
from checks.sandbox.razorpay.errors import ApiError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record
from checks.sandbox.razorpay.settlement_calendar import india_date

METHODS = frozenset({"upi", "card", "emandate"})
FREE_REGISTRATION = frozenset({"upi", "emandate"})
FREQUENCIES = frozenset(
    [
        "daily",
        "weekly",
        "fortnightly",
        "bimonthly",
        "monthly",
        "quarterly",
        "half_yearly",
        "yearly",
        "as_presented",
    ]
)
MONTHS_PER_CYCLE = {"monthly": 1, "bimonthly": 2, "quarterly": 3, "half_yearly": 6, "yearly": 12}
RECURRING_TYPES = frozenset({"on", "before", "after"})
AUTH_TYPES = frozenset({"netbanking", "debitcard", "aadhaar"})
HIGHEST_RECURRING_VALUE = {"weekly": 7}
DEFAULT_LIFE_SECONDS = 3_652 * DAY_SECONDS
YEAR_SECONDS = 365 * DAY_SECONDS + DAY_SECONDS // 4


@dataclass(frozen=True)
class MandateTerms:
    """What the customer will authorise. Amounts in paise, times in unix seconds."""

    method: str
    customer_id: str
    max_amount: int
    expire_at: int
    frequency: str
    recurring_value: int | None
    recurring_type: str | None
    auth_type: str | None
    bank_account: dict[str, str]

    @property
    def minimum_paise(self) -> int:
        """The authorisation payment itself: nothing for e-mandates and UPI, INR 1 for cards."""
        return 0 if self.method in FREE_REGISTRATION else validation.MINIMUM_PAISE

    def saved(self) -> Record:
        return asdict(self)


def mandate_terms(gw: Gateway, body: Record) -> MandateTerms | None:
    """The mandate an order asks for, or None for an ordinary order."""
    token = body.get("token")
    if token is None:
        return None
    if not isinstance(token, dict):
        raise ApiError("The token must be an object.", field="token")
    method = body.get("method")
    if method not in METHODS:
        raise ApiError("The selected method is invalid.", field="method")
    customer_id = str(validation.required(body, "customer_id"))
    gw.find("customers", customer_id)
    frequency = token.get("frequency", "as_presented")
    if frequency not in FREQUENCIES:
        raise ApiError("The selected token.frequency is invalid.", field="token.frequency")
    return MandateTerms(
        method=str(method),
        customer_id=customer_id,
        max_amount=_max_amount(gw, token),
        expire_at=_expire_at(gw, token),
        frequency=str(frequency),
        recurring_value=_recurring_value(token, str(frequency)),
        recurring_type=_choice(token, "recurring_type", RECURRING_TYPES),
        auth_type=_choice(token, "auth_type", AUTH_TYPES),
        bank_account=_bank_account(token.get("bank_account")),
    )


def _max_amount(gw: Gateway, token: Record) -> int:
    highest = gw.config.limits.mandate_paise
    amount = validation.whole_number(token.get("max_amount", highest), "token.max_amount")
    if not validation.MINIMUM_PAISE <= amount <= highest:
        raise ApiError(
            f"The token.max_amount must be between {validation.MINIMUM_PAISE} and {highest}.",
            field="token.max_amount",
        )
    return amount


def _expire_at(gw: Gateway, token: Record) -> int:
    if token.get("expire_at") is None:
        return gw.now() + DEFAULT_LIFE_SECONDS
    expire_at = validation.whole_number(token["expire_at"], "token.expire_at")
    if not gw.now() < expire_at <= gw.now() + gw.config.limits.mandate_years * YEAR_SECONDS + DAY_SECONDS:
        raise ApiError("The token.expire_at must be in the next 30 years.", field="token.expire_at")
    return expire_at


def _recurring_value(token: Record, frequency: str) -> int | None:
    if token.get("recurring_value") is None:
        return None
    value = validation.whole_number(token["recurring_value"], "token.recurring_value")
    if not 1 <= value <= HIGHEST_RECURRING_VALUE.get(frequency, 31):
        raise ApiError("The token.recurring_value is invalid.", field="token.recurring_value")
    return value


def _choice(token: Record, name: str, choices: frozenset[str]) -> str | None:
    value = token.get(name)
    if value is not None and value not in choices:
        raise ApiError(f"The selected token.{name} is invalid.", field=f"token.{name}")
    return value


def _bank_account(given: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}


def cycle_of(frequency: str, unix: int) -> str | None:
    """The billing cycle of Asia/Kolkata that a moment falls in; None where there are no cycles."""
    day = india_date(unix)
    if frequency == "daily":
        return day.isoformat()
    if frequency == "weekly":
        week = day.isocalendar()
        return f"{week.year}-W{week.week}"
    if frequency == "fortnightly":
        return f"{day.year}-{day.month}-{1 if day.day <= 15 else 2}"
    if frequency in MONTHS_PER_CYCLE:
        months = day.year * 12 + day.month - 1
        return f"{frequency}-{months // MONTHS_PER_CYCLE[frequency]}"
    return None
