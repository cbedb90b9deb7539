"""What each webhook event carries: which entities, which members, where `created_at` stands.

The documented samples differ from each other and from the API's entities; each event is written with the
members of its own sample. Card, UPI and mandate details, which the one netbanking sample per event cannot
show, are added where the payment has them.
"""

from checks.sandbox.razorpay.records import Record

_PAYMENT = (
    "id",
    "entity",
    "amount",
    "currency",
    "status",
    "order_id",
    "invoice_id",
    "international",
    "method",
    "amount_refunded",
    "refund_status",
    "captured",
    "description",
    "card_id",
    "bank",
    "wallet",
    "vpa",
    "email",
    "contact",
    "notes",
    "fee",
    "tax",
    "error_code",
    "error_description",
    "created_at",
)
_ERROR = ("error_source", "error_step", "error_reason")
_MONEY = ("base_amount", "amount_transferred")
_ACQUIRER = ("acquirer_data",)
_FULL = _PAYMENT + _ERROR + _MONEY + _ACQUIRER

PAYMENT_MEMBERS: dict[str, tuple[str, ...]] = {
    "order.paid": _PAYMENT,
    "payment.authorized": _PAYMENT + _ERROR + _ACQUIRER,
    "payment.failed": _PAYMENT + _ERROR + _ACQUIRER,
    "payment.captured": _FULL,
    "refund.created": _FULL,
    "refund.processed": _FULL,
    "refund.failed": _FULL,
    "refund.speed_changed": _FULL,
    "payment.dispute.created": _FULL,
    "payment.dispute.action_required": _FULL,
    "payment.dispute.under_review": _PAYMENT + _ERROR + _MONEY,
    "payment.dispute.won": _PAYMENT + _ERROR + _MONEY,
    "payment.dispute.lost": _PAYMENT + _ERROR + _MONEY,
    "payment.dispute.closed": _PAYMENT + _ERROR + _MONEY,
    "payment_link.paid": (*_FULL, "card", "fee_bearer", "upi"),
    "payment_link.partially_paid": (*_FULL, "card", "fee_bearer", "upi"),
}

ORDER_MEMBERS = (
    "id",
    "entity",
    "amount",
    "amount_paid",
    "amount_due",
    "currency",
    "receipt",
    "offer_id",
    "status",
    "attempts",
    "notes",
    "created_at",
)
REFUND_MEMBERS = (
    "id",
    "entity",
    "amount",
    "currency",
    "payment_id",
    "notes",
    "receipt",
    "acquirer_data",
    "created_at",
    "batch_id",
    "status",
    "speed_processed",
    "speed_requested",
)
LINK_MEMBERS = (
    "accept_partial",
    "amount",
    "amount_paid",
    "cancelled_at",
    "created_at",
    "currency",
    "customer",
    "description",
    "expire_by",
    "expired_at",
    "first_min_partial_amount",
    "id",
    "notes",
    "notify",
    "reference_id",
    "reminder_enable",
    "reminders",
    "short_url",
    "status",
    "updated_at",
    "upi_link",
    "user_id",
    "whatsapp_link",
)
TOKEN_MEMBERS = (
    "id",
    "entity",
    "token",
    "bank",
    "wallet",
    "method",
    "recurring",
    "recurring_details",
    "auth_type",
    "mrn",
    "used_at",
    "created_at",
    "max_amount",
    "expired_at",
    "dcc_enabled",
)
TOKEN_MEMBERS_BY_METHOD = {
    "upi": ("vpa", "start_time"),
    "emandate": ("bank_details",),
    "card": ("card",),
}
LINK_ORDER_EMPTY = (
    "account_number",
    "bank",
    "bank_account",
    "checkout_config_id",
    "customer_id",
    "first_payment_min_amount",
    "force_offer",
    "late_auth_config_id",
    "method",
    "payer_name",
    "provider_context",
    "public_response",
    "reference2",
    "reference3",
    "reference4",
    "reference5",
    "reference6",
    "reference7",
    "reference8",
    "source",
    "transfers",
)

CREATED_AT_INSIDE_PAYLOAD = frozenset(
    {"refund.speed_changed", "order.notification.delivered", "order.notification.failed"}
)
EVIDENCE_BESIDE_ENTITY = "payment.dispute.action_required"
METHOD_DETAILS = ("card", "upi", "customer_id", "token_id")
BASE = ("base_amount", "base_currency")
"""What an entity in another currency is worth."""


def payment_entity(event: str, payment: Record, quirks: set[str]) -> Record:
    """The payment as `event` shows it."""
    members = PAYMENT_MEMBERS[event]
    shown = {name: payment.get(name) for name in members if name != "fee_bearer"}
    if "fee_bearer" in members:
        shown["fee_bearer"] = "platform"
    if not event.startswith("payment.dispute"):
        for name in METHOD_DETAILS:
            if payment.get(name) is not None:
                shown[name] = payment[name]
    if payment["currency"] != "INR" and "base_amount" in members:
        shown["base_currency"] = payment["base_currency"]
    if "captured_as_string" in quirks and shown["captured"]:
        shown["captured"] = "1"
    if "empty_error_code" in quirks and shown["error_code"] is None:
        shown["error_code"] = ""
    if "authorized_says_captured" in quirks and event == "payment.authorized":
        shown["captured"] = True
    return shown


def _link_order(order: Record, account_id: str, link_id: str) -> Record:
    """The order inside payment-link events: internal members, and an id without its prefix."""
    shown: Record = dict.fromkeys(LINK_ORDER_EMPTY)
    shown.update(
        {name: order[name] for name in ("amount", "amount_due", "amount_paid", "attempts", "created_at")}
    )
    shown.update({name: order[name] for name in ("currency", "notes", "receipt", "status")})
    shown.update(
        app_offer=False,
        authorized=True,
        discount=False,
        id=str(order["id"]).removeprefix("order_"),
        merchant_id=account_id.removeprefix("acc_"),
        offers={},
        order_metas=[],
        order_relationships=[],
        partial_payment=bool(order.get("_partial_payment")),
        payment_capture=True,
        product_id=link_id.removeprefix("plink_"),
        product_type="payment_link_v2",
        public_key="rzp_test_sandbox",
        updated_at=order.get("_updated_at", order["created_at"]),
    )
    return shown


def _members(kind: str, event: str, entity: Record) -> tuple[str, ...]:
    if kind == "order":
        return ORDER_MEMBERS
    if kind == "refund":
        absent = {"batch_id"} if event == "refund.speed_changed" else set()
        return tuple(name for name in REFUND_MEMBERS if name not in absent) + _base_of(entity)
    if kind == "token":
        return TOKEN_MEMBERS + TOKEN_MEMBERS_BY_METHOD.get(str(entity["method"]), ())
    if kind == "payment_link":
        paid = event in {"payment_link.paid", "payment_link.partially_paid"}
        return (*LINK_MEMBERS, "order_id") if paid else (*LINK_MEMBERS, "callback_method", "callback_url")
    return tuple(name for name in entity if not name.startswith("_"))


def _base_of(entity: Record) -> tuple[str, ...]:
    """The members that an entity in another currency has beyond those of the samples."""
    return tuple(name for name in BASE if name in entity)


def payload(event: str, entities: dict[str, Record], account_id: str, quirks: set[str]) -> Record:
    """The `payload` of the event: each entity under its kind."""
    written: Record = {}
    for kind, entity in entities.items():
        if kind == "payment":
            shown = payment_entity(event, entity, quirks)
        elif kind == "order" and event.startswith("payment_link."):
            shown = _link_order(entity, account_id, str(entities["payment_link"]["id"]))
        else:
            shown = {name: entity.get(name) for name in _members(kind, event, entity)}
        if "notes" in shown:
            empty: list[str] | None = None if kind == "payment_link" or "notes_null" in quirks else []
            shown["notes"] = shown["notes"] or empty
        written[kind] = {"entity": shown}
        if event == EVIDENCE_BESIDE_ENTITY and kind == "dispute":
            written[kind]["evidence"] = written[kind]["entity"].pop("evidence")
    return written


def envelope(
    event: str, entities: dict[str, Record], *, account_id: str, created_at: int, quirks: set[str]
) -> Record:
    """The whole body of the webhook."""
    body: Record = {
        "entity": "event",
        "account_id": account_id,
        "event": event,
        "contains": list(entities),
        "payload": payload(event, entities, account_id, quirks),
    }
    if event in CREATED_AT_INSIDE_PAYLOAD and "uniform_envelope" not in quirks:
        body["payload"]["created_at"] = created_at
    else:
        body["created_at"] = created_at
    return body
