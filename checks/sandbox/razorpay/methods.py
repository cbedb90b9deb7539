"""Small read-only calls: payment methods of the account, a VPA's validity, a card's masked details."""

from checks.sandbox.razorpay import validation
from checks.sandbox.razorpay.errors import ApiError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, public

METHODS: Record = {
    "entity": "methods",
    "card": True,
    "debit_card": True,
    "credit_card": True,
    "prepaid_card": True,
    "card_networks": {"AMEX": 1, "DICL": 1, "MC": 1, "MAES": 1, "VISA": 1, "RUPAY": 1},
    "netbanking": {"HDFC": "HDFC Bank", "ICIC": "ICICI Bank", "SBIN": "State Bank of India"},
    "wallet": {"payzapp": True, "phonepe": True},
    "upi": True,
    "upi_intent": True,
    "recurring": {"emandate": {"HDFC": {"auth_types": ["netbanking", "debitcard"]}}, "upi": True},
}


def shown() -> Record:
    """GET /v1/methods (the key id alone is enough)."""
    return METHODS


def validate_vpa(body: Record) -> Record:
    """POST /v1/payments/validate/vpa."""
    vpa = str(validation.required(body, "vpa"))
    name, at, handle = vpa.partition("@")
    if not (at and name and handle) or name.startswith("invalid"):
        raise ApiError(
            "Invalid VPA. Please enter a valid Virtual Payment Address", field="vpa", reason="invalid_vpa"
        )
    return {"vpa": vpa, "success": True, "customer_name": "Sandbox Customer"}


def card(gw: Gateway, card_id: str) -> Record:
    """GET /v1/cards/:id."""
    return public(gw.find("cards", card_id))
