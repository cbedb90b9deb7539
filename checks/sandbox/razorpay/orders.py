"""Orders: created -> attempted -> paid. No idempotency header: the same POST makes a second order."""

from collections.abc import Mapping
from typing import Any

from checks.sandbox.razorpay import mandates, notifications, paging, transfers, validation
from checks.sandbox.razorpay.errors import ApiError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, collection, public

SHORTEST_EXPIRY_MINUTES, LONGEST_EXPIRY_MINUTES = 12, 7_200


def create(gw: Gateway, body: Record) -> Record:
    """POST /v1/orders. A `token` makes it a mandate order, `notification` announces a recurring debit."""
    mandate = mandates.mandate_terms(gw, body)
    currency = validation.currency(gw, body)
    if currency != "INR" and (mandate is not None or body.get("transfers")):
        raise ApiError("Mandates and transfers are in INR only.", field="currency")
    amount = validation.amount_in(gw, body, currency, minimum=mandate.minimum_paise if mandate else 100)
    order: Record = {
        "id": gw.ids.new("order"),
        "entity": "order",
        "amount": amount,
        "amount_paid": 0,
        "amount_due": amount,
        "currency": currency,
        "receipt": validation.receipt(body),
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": validation.notes(body),
        "created_at": gw.now(),
        "_partial_payment": validation.flag(body.get("partial_payment")),
        "_first_payment_min_amount": body.get("first_payment_min_amount"),
        "_customer_id": body.get("customer_id"),
        **_capture_settings(gw, body),
    }
    if mandate is not None:
        order["_mandate"] = mandate.saved()
    planned = transfers.planned(gw, body.get("transfers"), amount)
    if "notification" in body:
        order["notification"] = notifications.announce(gw, order, body["notification"])
    gw.keep("orders", order)
    if planned:
        order["transfers"] = [
            public(transfers.make(gw, source=str(order["id"]), terms=terms, status="created"))
            for terms in planned
        ]
    return show(gw, order)


def _capture_settings(gw: Gateway, body: Record) -> Record:
    """Automatic capture, how long an uncaptured payment may wait, from the two ways of asking for it."""
    settings = body.get("payment")
    automatic = gw.config.auto_capture
    if "payment_capture" in body:
        automatic = validation.flag(body["payment_capture"])
    window_seconds = gw.config.timings.capture_window_seconds
    automatic_seconds = window_seconds
    if isinstance(settings, dict):
        capture = settings.get("capture")
        if capture not in {"automatic", "manual"}:
            raise ApiError("The selected payment.capture is invalid.", field="payment.capture")
        automatic = capture == "automatic"
        automatic_seconds = _period(settings, "automatic_expiry_period", automatic_seconds)
        window_seconds = _period(settings, "manual_expiry_period", window_seconds)
    return {
        "_auto_capture": automatic,
        "_auto_capture_seconds": automatic_seconds,
        "_capture_window_seconds": window_seconds,
    }


def _period(settings: Record, name: str, default_seconds: int) -> int:
    """A capture option, given in minutes."""
    options = settings.get("capture_options")
    minutes = options.get(name) if isinstance(options, dict) else None
    if minutes is None:
        return default_seconds
    minutes = validation.whole_number(minutes, name)
    if not SHORTEST_EXPIRY_MINUTES <= minutes <= LONGEST_EXPIRY_MINUTES:
        raise ApiError(
            f"The {name} must be between {SHORTEST_EXPIRY_MINUTES} and {LONGEST_EXPIRY_MINUTES}.", field=name
        )
    return minutes * 60


def show(gw: Gateway, order: Record, expand: frozenset[str] = frozenset()) -> Record:
    """The order as the API shows it, its transfers and its notification as they are now."""
    shown = public(order)
    if "notification" in shown:
        live = gw.find("notifications", str(order["notification"]["id"]))
        members = ("token_id", "payment_after", "id", "status", "delivered_at")
        shown["notification"] = {name: live[name] for name in members}
    if "transfers" in shown:
        shown["transfers"] = [public(gw.find("transfers", str(t["id"]))) for t in order["transfers"]]
    if expand & {"payments", "payments.card"}:
        shown["payments"] = list_payments(gw, str(order["id"]), card="payments.card" in expand)
    return shown


def fetch(gw: Gateway, order_id: str, expand: frozenset[str]) -> Record:
    return show(gw, gw.find("orders", order_id), expand)


def list_all(gw: Gateway, query: Mapping[str, str], expand: frozenset[str]) -> Record:
    """GET /v1/orders with `receipt`, `authorized` (1 or 0) and the usual paging."""
    records: Any = gw.each("orders")
    if query.get("receipt"):
        records = [order for order in records if order["receipt"] == query["receipt"]]
    if query.get("authorized") in {"0", "1"}:
        held = {
            payment["order_id"]
            for payment in gw.each("payments")
            if payment["status"] in {"authorized", "captured", "refunded"}
        }
        wanted = query["authorized"] == "1"
        records = [order for order in records if (order["id"] in held) is wanted]
    return paging.page(records, query, most=gw.config.limits.page, show=lambda order: show(gw, order, expand))


def edit(gw: Gateway, order_id: str, body: Record) -> Record:
    """PATCH /v1/orders/:id: notes only."""
    order = gw.find("orders", order_id)
    validation.only_known(body, frozenset({"notes"}))
    validation.required(body, "notes")
    order["notes"] = validation.notes(body)
    return show(gw, order)


def payments_of(gw: Gateway, order_id: str) -> list[Record]:
    """The order's payments, oldest first."""
    order = gw.find("orders", order_id)
    return [payment for payment in gw.each("payments") if payment["order_id"] == order["id"]]


def list_payments(gw: Gateway, order_id: str, *, card: bool = False) -> Record:
    """GET /v1/orders/:id/payments, newest first."""
    hidden = () if card else ("card",)
    return collection([public(payment, without=hidden) for payment in reversed(payments_of(gw, order_id))])


def note_attempt(gw: Gateway, order: Record) -> None:
    """A payment is being tried on the order."""
    order["attempts"] += 1
    order["_updated_at"] = gw.now()
    if order["status"] == "created":
        order["status"] = "attempted"


def note_capture(gw: Gateway, order: Record, amount_paise: int) -> bool:
    """Adds captured money; True when it makes the order paid."""
    order["amount_paid"] += amount_paise
    order["amount_due"] = max(0, order["amount"] - order["amount_paid"])
    order["_updated_at"] = gw.now()
    if order["amount_paid"] >= order["amount"] and order["status"] != "paid":
        order["status"] = "paid"
        return True
    return False
