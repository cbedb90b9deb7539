"""What the customer pays with, and what will come of it.

The outcome is decided by the instrument, as in Razorpay's test mode: published test cards, the VPAs
`success@razorpay` and `failure@razorpay`, the success and failure buttons of netbanking and wallets.

Extensions of this simulator (Razorpay has no such thing): VPA `failure.<reason>@razorpay` fails with any
published reason, `pending@razorpay` gets no answer from the bank, `debit-failure.<reason>@razorpay` registers
a mandate whose debits fail with the reason; any instrument takes `"outcome": "success"|"failure"|"pending"`
and `"reason"`.

A card number is looked at here once and dropped: only last4, network, type and issuer go on.
"""

from dataclasses import dataclass, field
from typing import Any

from checks.sandbox.razorpay.errors import ControlError
from checks.sandbox.razorpay.reasons import FAILURES

METHODS = ("card", "upi", "netbanking", "wallet", "emandate")
OUTCOMES = ("success", "failure", "pending")
NETWORKS_BY_PREFIX = (
    (("34", "37"), "American Express"),
    (("36", "38", "30"), "Diners Club"),
    (("60", "65", "81", "82", "508"), "RuPay"),
    (("51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27"), "MasterCard"),
    (("4",), "Visa"),
)
INTERNATIONAL_TEST_CARDS = frozenset(
    {"5555555555554444", "5105105105105100", "5104060000000008", "4012888888881881", "5104015555555558"}
)
FAILING_TEST_CARDS = {
    "4100280000090000": "payment_timed_out",
    "5305620000060000": "payment_timed_out",
    "4100280000080001": "insufficient_fund",
    "5305620000050001": "insufficient_fund",
    "4100280000070002": "payment_cancelled",
    "5305620000040002": "payment_cancelled",
    "4100280000060003": "card_declined",
    "5305620000030003": "card_declined",
    "4100280000050004": "card_declined",
    "5305620000020004": "card_declined",
    "4100280000040005": "card_declined",
    "5305620000010005": "card_declined",
    "4100280000030006": "card_disabled_for_online_payments",
    "5305620000000006": "card_disabled_for_online_payments",
    "4100280000010008": "card_number_invalid",
    "5305620000080008": "card_number_invalid",
    "4100280000020007": "gateway_technical_error",
    "5305620000090007": "gateway_technical_error",
    "4100280000000009": "authentication_failed",
    "5305620000070009": "authentication_failed",
}
"""Razorpay's published test cards for error scenarios."""

LOWEST_CARD_DIGITS, HIGHEST_CARD_DIGITS = 12, 19


@dataclass(frozen=True)
class Card:
    """What may be kept of a card."""

    last4: str
    network: str
    type: str
    issuer: str | None
    international: bool


@dataclass(frozen=True)
class Instrument:
    """What the customer chose and what the banks will answer. `reason` is None unless it fails."""

    method: str
    outcome: str
    reason: str | None = None
    card: Card | None = None
    vpa: str | None = None
    bank: str | None = None
    wallet: str | None = None
    payer_account_type: str = "bank_account"
    flow: str = "collect"
    debit_reason: str | None = None
    dummy: bool = False
    bank_account: dict[str, str] = field(default_factory=dict)


def instrument_of(given: Any) -> Instrument:
    """Reads the `instrument` of a checkout request. ControlError if it is not one."""
    if not isinstance(given, dict) or given.get("method") not in METHODS:
        raise ControlError(f"Give instrument.method: one of {', '.join(METHODS)}.")
    method = str(given["method"])
    if method == "card":
        return _card_instrument(given)
    if method == "upi":
        return _upi_instrument(given)
    outcome, reason = _wish(given, None)
    if method == "wallet":
        wallet = str(given.get("wallet") or "payzapp")
        return Instrument(method, outcome, reason, wallet=wallet)
    bank = str(given.get("bank") or "HDFC")
    return Instrument(method, outcome, reason, bank=bank, bank_account=_bank_account(given))


def _wish(given: dict[str, Any], implied_reason: str | None) -> tuple[str, str | None]:
    """Outcome and reason: what is asked for explicitly wins over what the instrument implies."""
    reason = given.get("reason", implied_reason)
    outcome = given.get("outcome") or ("failure" if reason else "success")
    if outcome not in OUTCOMES:
        raise ControlError(f"instrument.outcome is one of {', '.join(OUTCOMES)}.")
    if outcome != "failure":
        return outcome, None
    reason = reason or "payment_failed"
    if reason not in FAILURES:
        raise ControlError("instrument.reason is not one that Razorpay publishes; GET /_control/reasons.")
    return outcome, str(reason)


def _card_instrument(given: dict[str, Any]) -> Instrument:
    digits = "".join(character for character in str(given.get("number") or "") if character.isdigit())
    if not LOWEST_CARD_DIGITS <= len(digits) <= HIGHEST_CARD_DIGITS:
        raise ControlError("Give instrument.number: a test card number of 12 to 19 digits.")
    implied = FAILING_TEST_CARDS.get(digits)
    if implied is None and not _passes_luhn(digits):
        implied = "card_number_invalid"
    outcome, reason = _wish(given, implied)
    international = bool(given.get("international", digits in INTERNATIONAL_TEST_CARDS))
    issuer = None if international else str(given.get("issuer") or "HDFC")
    card = Card(
        last4=digits[-4:],
        network=str(given.get("network") or _network_of(digits)),
        type=str(given.get("type") or "credit"),
        issuer=issuer,
        international=international,
    )
    return Instrument("card", outcome, reason, card=card)


def _network_of(digits: str) -> str:
    for prefixes, network in NETWORKS_BY_PREFIX:
        if digits.startswith(prefixes):
            return network
    return "Unknown"


def _passes_luhn(digits: str) -> bool:
    total = 0
    for position, character in enumerate(reversed(digits)):
        digit = int(character) * (2 if position % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def _upi_instrument(given: dict[str, Any]) -> Instrument:
    vpa = str(given.get("vpa") or "success@razorpay")
    name, _, handle = vpa.partition("@")
    if not name or not handle:
        raise ControlError("Give instrument.vpa like success@razorpay.")
    wish, _, reason_named = name.partition(".")
    debit_reason: str | None = None
    implied: str | None = None
    asked = dict(given)
    if handle == "razorpay":
        if wish == "failure":
            implied = reason_named or "payment_failed"
        elif wish == "debit-failure":
            debit_reason = reason_named or "payment_failed"
            if debit_reason not in FAILURES:
                raise ControlError("The VPA names no published reason; GET /_control/reasons.")
        elif wish == "pending":
            asked.setdefault("outcome", "pending")
    outcome, reason = _wish(asked, implied)
    return Instrument(
        "upi",
        outcome,
        reason,
        vpa=vpa,
        payer_account_type=str(given.get("payer_account_type") or "bank_account"),
        flow=str(given.get("flow") or "collect"),
        debit_reason=debit_reason,
        dummy=bool(given.get("dummy", False)),
    )


def _bank_account(given: dict[str, Any]) -> dict[str, str]:
    account = given.get("bank_account")
    if not isinstance(account, dict):
        return {}
    return {str(name): str(value) for name, value in account.items()}
