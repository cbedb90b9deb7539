"""Tokens: what stands for a customer's mandate. initiated -> confirmed or rejected; paused, cancelled.

UPI and card mandates are confirmed with the authorisation payment, e-mandates a day later. Only the customer
or the bank changes a UPI mandate, never the merchant. Source: Razorpay's "fetch and manage tokens".
"""

from collections.abc import Mapping

from checks.sandbox.razorpay import paging, validation, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError, unknown_id
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.instruments import Instrument
from checks.sandbox.razorpay.records import Record, collection, public

CONFIRM_JOB = "token.confirm"
CANCEL_JOB = "token.cancel"
STARTS_AFTER_SECONDS = 60
MOST_OUTCOMES = 100
CARD_LASTS_SECONDS = 5 * 365 * 86_400
"""A remembered card goes with its card's last month; the simulator's cards all have five years left."""
ALLOWED_BEFORE = {
    "confirmed": frozenset({"initiated", "paused"}),
    "rejected": frozenset({"initiated"}),
    "paused": frozenset({"confirmed"}),
    "cancelled": frozenset({"initiated", "confirmed", "paused"}),
}


def register(gw: Gateway, order: Record, payment: Record, instrument: Instrument) -> Record:
    """The token of a mandate order, in `initiated`; the payment refers to it from now on."""
    terms = order["_mandate"]
    token: Record = {
        "id": gw.ids.new("token"),
        "entity": "token",
        "token": gw.ids.bare(),
        "bank": instrument.bank,
        "wallet": None,
        "method": terms["method"],
        **_means(payment, instrument, terms),
        "recurring": False,
        "recurring_details": {"status": "initiated", "failure_reason": None},
        "auth_type": terms["auth_type"] or ("netbanking" if terms["method"] == "emandate" else None),
        "mrn": None,
        "used_at": gw.now(),
        "created_at": gw.now(),
        "start_time": gw.now() + STARTS_AFTER_SECONDS,
        "dcc_enabled": False,
        "max_amount": terms["max_amount"],
        "expired_at": terms["expire_at"],
        "compliant_with_tokenisation_guidelines": terms["method"] == "card",
        "_customer_id": terms["customer_id"],
        "_frequency": terms["frequency"],
        "_cycles_used": [],
        "_debit_reason": instrument.debit_reason,
        "_outcomes": [],
    }
    gw.keep("tokens", token)
    payment["token_id"] = token["id"]
    payment["customer_id"] = terms["customer_id"]
    return token


def save(gw: Gateway, payment: Record, customer_id: str, instrument: Instrument) -> Record:
    """The token of a card that its owner agreed to have remembered: no mandate, only an instrument."""
    gw.find("customers", customer_id)
    token: Record = {
        "id": gw.ids.new("token"),
        "entity": "token",
        "token": gw.ids.bare(),
        "bank": None,
        "wallet": None,
        "method": "card",
        **_means(payment, instrument, {"method": "card"}),
        "recurring": False,
        "recurring_details": {"status": "not_applicable", "failure_reason": None},
        "auth_type": None,
        "mrn": None,
        "used_at": gw.now(),
        "created_at": gw.now(),
        "expired_at": gw.now() + CARD_LASTS_SECONDS,
        "dcc_enabled": False,
        "compliant_with_tokenisation_guidelines": True,
        "_customer_id": customer_id,
        "_frequency": None,
        "_cycles_used": [],
        "_debit_reason": None,
        "_outcomes": [],
    }
    gw.keep("tokens", token)
    payment["token_id"] = token["id"]
    payment["customer_id"] = customer_id
    return token


def _means(payment: Record, instrument: Instrument, terms: Record) -> Record:
    """How the mandate is debited: the masked card, the VPA, or the bank account."""
    if terms["method"] == "card":
        card = {name: value for name, value in payment["card"].items() if name != "id"}
        return {"card": {**card, "flows": {"recurring": True}}}
    if terms["method"] == "upi":
        username, _, handle = str(instrument.vpa).partition("@")
        return {"vpa": {"username": username, "handle": handle, "name": None}}
    account = {**terms["bank_account"], **instrument.bank_account}
    return {
        "bank_details": {
            "beneficiary_name": account.get("beneficiary_name", account.get("name", "Sandbox Customer")),
            "account_number": account.get("account_number", "1121431121541121"),
            "ifsc": account.get("ifsc", account.get("ifsc_code", "HDFC0000001")),
            "account_type": account.get("account_type", "savings"),
        }
    }


def status_of(token: Record) -> str:
    return str(token["recurring_details"]["status"])


def move(gw: Gateway, token_id: str, status: str, failure_reason: str | None = None) -> Record:
    """Changes the mandate's status and announces it. ControlError if the life cycle does not allow it."""
    token = gw.find("tokens", token_id)
    before = status_of(token)
    if before not in ALLOWED_BEFORE[status]:
        raise ControlError(f"A mandate that is {before} cannot become {status}.")
    token["recurring"] = status != "rejected"
    token["recurring_details"] = {"status": status, "failure_reason": failure_reason}
    webhooks.emit(gw, f"token.{status}", token=token)
    return public(token)


def confirm_scheduled(gw: Gateway, args: Record) -> None:
    token = gw.books["tokens"].get(str(args["token_id"]))
    if token is not None and status_of(token) == "initiated":
        move(gw, str(token["id"]), "confirmed")


def cancel_scheduled(gw: Gateway, args: Record) -> None:
    token = gw.books["tokens"].get(str(args["token_id"]))
    if token is not None and status_of(token) in ALLOWED_BEFORE["cancelled"]:
        move(gw, str(token["id"]), "cancelled")


def plan_outcomes(gw: Gateway, token_id: str, outcomes: object) -> Record:
    """What the next debits will come to, in turn: a published reason, "pending", or null for success."""
    if not isinstance(outcomes, list) or len(outcomes) > MOST_OUTCOMES:
        raise ControlError(f"Give outcomes: a list of at most {MOST_OUTCOMES}.")
    token = gw.find("tokens", token_id)
    token["_outcomes"] = list(outcomes)
    return {"token_id": token_id, "outcomes": token["_outcomes"]}


def of_customer(gw: Gateway, customer_id: str, token_id: str) -> Record:
    """The customer's token, or the error for an unknown id."""
    token = gw.find("tokens", token_id)
    if token["_customer_id"] != gw.find("customers", customer_id)["id"]:
        raise unknown_id()
    return token


def fetch(gw: Gateway, customer_id: str, token_id: str) -> Record:
    return public(of_customer(gw, customer_id, token_id))


def fetch_by_body(gw: Gateway, body: Record) -> Record:
    """POST /v1/tokens/fetch with `{"id": ...}`."""
    return public(gw.find("tokens", str(validation.required(body, "id"))))


def list_of_customer(gw: Gateway, customer_id: str, query: Mapping[str, str]) -> Record:
    """GET /v1/customers/:id/tokens; expired ones are not listed."""
    customer = gw.find("customers", customer_id)
    mine = [
        token
        for token in gw.each("tokens")
        if token["_customer_id"] == customer["id"] and token["expired_at"] > gw.now()
    ]
    return paging.page(mine, query, most=gw.config.limits.page) if mine else collection([])


def delete(gw: Gateway, token_id: str) -> Record:
    """Removes the token here; the mandate at the bank is not cancelled by it."""
    gw.find("tokens", token_id)
    del gw.books["tokens"][token_id]
    return {"deleted": True}


def delete_of_customer(gw: Gateway, customer_id: str, token_id: str) -> Record:
    of_customer(gw, customer_id, token_id)
    return delete(gw, token_id)


def delete_by_body(gw: Gateway, body: Record) -> Record:
    """POST /v1/tokens/delete with `{"id": ...}`; answers with an empty list."""
    delete(gw, str(validation.required(body, "id")))
    return {"deleted": True}


def ask_to_cancel(gw: Gateway, customer_id: str, token_id: str) -> Record:
    """PUT /v1/customers/:c/tokens/:t/cancel: the bank confirms a moment later."""
    token = of_customer(gw, customer_id, token_id)
    if status_of(token) not in ALLOWED_BEFORE["cancelled"]:
        raise ApiError(f"The token cannot be cancelled, its status is {status_of(token)}")
    gw.later(1, CANCEL_JOB, token_id=token_id)
    return {"status": "cancellation_initiated"}
