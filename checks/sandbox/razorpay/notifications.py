"""Pre-debit notifications: the customer hears of a debit at least a day before it.

An order with `notification` announces one debit; the gateway then neither schedules nor retries it by
itself. Events: order.notification.delivered, order.notification.failed.
"""

from typing import Any

from checks.sandbox.razorpay import tokens, validation, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, public

DELIVER_JOB = "notification.deliver"


def announce(gw: Gateway, order: Record, wanted: Any) -> Record:
    """Creates the notification of an order; the answer becomes the order's `notification`."""
    if not isinstance(wanted, dict):
        raise ApiError("The notification must be an object.", field="notification")
    token = gw.find("tokens", str(validation.required(wanted, "token_id")))
    payment_after = wanted.get("payment_after")
    if payment_after is not None:
        payment_after = validation.whole_number(payment_after, "payment_after")
        if payment_after <= gw.now():
            raise ApiError("The payment_after must be in the future.", field="notification.payment_after")
    return public(create(gw, str(order["id"]), str(token["id"]), int(order["amount"]), payment_after))


def create(gw: Gateway, order_id: str, token_id: str, amount: int, payment_after: int | None) -> Record:
    """A notification on its way. On a RuPay card it overrides an earlier one of the same amount."""
    _override_on_rupay(gw, token_id, amount)
    notification = gw.keep(
        "notifications",
        {
            "id": gw.ids.new("notification"),
            "entity": "notification",
            "order_id": order_id,
            "token_id": token_id,
            "delivered_at": None,
            "status": "created",
            "payment_after": payment_after,
            "_created_at": gw.now(),
            "_amount": amount,
        },
    )
    gw.later(gw.config.timings.notification_delivery_seconds, DELIVER_JOB, notification_id=notification["id"])
    return notification


def _override_on_rupay(gw: Gateway, token_id: str, amount: int) -> None:
    token = gw.find("tokens", token_id)
    if token["method"] != "card" or token["card"]["network"] != "RuPay":
        return
    for earlier in gw.each("notifications"):
        same = earlier["token_id"] == token_id and earlier["_amount"] == amount
        order = gw.books["orders"].get(str(earlier["order_id"]))
        unpaid = order is None or order["status"] != "paid"
        if same and unpaid and earlier["status"] in {"created", "delivered"}:
            _fail(gw, earlier)


def lead_seconds(gw: Gateway, token: Record) -> int:
    """How long after its delivery the debit may happen: the 25th hour for UPI, 36 hours otherwise."""
    timings = gw.config.timings
    return timings.upi_debit_lead_seconds if token["method"] == "upi" else timings.other_debit_lead_seconds


def deliver_scheduled(gw: Gateway, args: Record) -> None:
    notification = gw.find("notifications", str(args["notification_id"]))
    if notification["status"] != "created":
        return
    token = gw.books["tokens"].get(str(notification["token_id"]))
    if token is None or tokens.status_of(token) != "confirmed":
        fail(gw, str(notification["id"]))
        return
    notification.update(status="delivered", delivered_at=gw.now())
    earliest = gw.now() + lead_seconds(gw, token)
    if notification["payment_after"] is None:
        notification["payment_after"] = earliest
    webhooks.emit(gw, "order.notification.delivered", notification=notification)


def fail(gw: Gateway, notification_id: str) -> Record:
    """The bank could not notify the customer."""
    notification = gw.find("notifications", notification_id)
    if notification["status"] != "created":
        raise ControlError(f"The notification is {notification['status']} already.")
    _fail(gw, notification)
    return public(notification)


def _fail(gw: Gateway, notification: Record) -> None:
    notification["status"] = "failed"
    if notification["payment_after"] is None:
        token = gw.find("tokens", str(notification["token_id"]))
        notification["payment_after"] = gw.now() + lead_seconds(gw, token)
    webhooks.emit(gw, "order.notification.failed", notification=notification)
