"""Recurring debits: asked for now, decided later.

POST /v1/payments/create/recurring leaves a payment in `created`. It is tried once the pre-debit
notification was delivered and its lead time is over. Rules that the banks apply then: the mandate is still
confirmed and not expired; UPI allows one successful debit per token and cycle; above the limit for debits
without additional authentication the customer must approve within three days. An order without a
`notification` is notified, debited and retried by the gateway; one with it is tried once. There is no
idempotency header: the same POST makes a second debit.
"""

from checks.sandbox.razorpay import mandates, notifications, orders, payments, signatures, tokens, validation
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.instruments import Card, Instrument
from checks.sandbox.razorpay.reasons import DESCRIPTIONS, FAILURES
from checks.sandbox.razorpay.records import Record, public

DEBIT_JOB = "debit.try"
APPROVAL_OVER_JOB = "debit.approval_over"
TOO_MUCH = "Amount exceeds maximum amount allowed"
ORDER_AMOUNT = (
    "Your payment amount is different from your order amount."
    " To pay successfully, please try using right amount."
)
TOO_SOON = "A payment of this order was already initiated. Cards are debited again after 36 hours."
STATUS_REASONS = {
    "paused": "mandate_paused",
    "cancelled": "mandate_cancelled",
    "rejected": "mandate_not_active",
    "initiated": "payment_mandate_not_active",
}


def create(gw: Gateway, body: Record) -> Record:
    """The payment id; for cards and e-mandates also the order id and a signature."""
    order = gw.find("orders", str(validation.required(body, "order_id")))
    customer_id = str(validation.required(body, "customer_id"))
    token = tokens.of_customer(gw, customer_id, str(validation.required(body, "token")))
    validation.required(body, "contact")
    validation.required(body, "email")
    if not validation.flag(body.get("recurring")) and body.get("recurring") != "preferred":
        raise ApiError("The recurring field is required.", field="recurring")
    amount = validation.amount_paise(gw, body)
    validation.currency(gw, body)
    _check(gw, order, token, amount)
    payment = payments.open_payment(
        gw,
        order=order,
        amount_paise=amount,
        instrument=_instrument(token),
        contact=str(body["contact"]),
        email=str(body["email"]),
        description=validation.text(body, "description", longest=2048),
        notes=validation.notes(body) or None,
        customer_id=customer_id,
    )
    _plan(gw, order, token, payment)
    answer = {"razorpay_payment_id": payment["id"]}
    if token["method"] != "upi":
        answer["razorpay_order_id"] = order["id"]
        answer["razorpay_signature"] = signatures.checkout(gw, str(order["id"]), str(payment["id"]))
    return answer


def _check(gw: Gateway, order: Record, token: Record, amount: int) -> None:
    """What is refused at once."""
    if order["status"] == "paid":
        raise ApiError(DESCRIPTIONS["order_already_paid"], reason="order_already_paid")
    if amount != order["amount_due"]:
        raise ApiError(ORDER_AMOUNT, field="amount", reason="order_amount_mismatch")
    if tokens.status_of(token) in {"initiated", "rejected"}:
        raise ApiError(
            "The token is not confirmed for recurring payments.",
            field="token",
            reason=STATUS_REASONS[tokens.status_of(token)],
        )
    if amount > token["max_amount"]:
        raise ApiError(TOO_MUCH, field="amount")
    rupay = token["method"] == "card" and token["card"]["network"] == "RuPay"
    if rupay and amount > gw.config.limits.debit_without_approval_paise:
        raise ApiError(TOO_MUCH, field="amount", reason="transaction_limit_exceeded")
    if token["method"] == "card" and _tried_lately(gw, order):
        raise ApiError(TOO_SOON, reason="duplicate_request")
    announced = order.get("notification")
    if announced is not None and announced["token_id"] != token["id"]:
        raise ApiError("The order was notified for another token.", field="token")


def _tried_lately(gw: Gateway, order: Record) -> bool:
    """A debit of this order by card was asked for in the last 36 hours."""
    since = gw.now() - gw.config.timings.other_debit_lead_seconds
    return any(payment["created_at"] > since for payment in orders.payments_of(gw, str(order["id"])))


def _instrument(token: Record) -> Instrument:
    method = str(token["method"])
    if method == "upi":
        return Instrument("upi", "success", vpa=f"{token['vpa']['username']}@{token['vpa']['handle']}")
    if method == "card":
        card = token["card"]
        return Instrument(
            "card",
            "success",
            card=Card(card["last4"], card["network"], card["type"], card["issuer"], card["international"]),
        )
    return Instrument("emandate", "success", bank=token["bank"])


def _plan(gw: Gateway, order: Record, token: Record, payment: Record) -> None:
    """Notifies if the merchant has not, and puts the first try on the agenda."""
    announced = order.get("notification")
    if announced is None:
        notification = notifications.create(
            gw, str(order["id"]), str(token["id"]), int(payment["amount"]), None
        )
        retries = gw.config.debit_retries
    else:
        notification = gw.find("notifications", str(announced["id"]))
        retries = 0
    payment["token_id"] = token["id"]
    payment["_auto_capture"] = True
    payment["_captured_until"] = token["expired_at"]
    payment["_notification_id"] = notification["id"]
    payment["_retries_left"] = retries
    payment["_approved"] = False
    gw.at(_earliest(gw, notification, token), DEBIT_JOB, payment_id=payment["id"])


def _earliest(gw: Gateway, notification: Record, token: Record) -> int:
    """When the debit may be tried, as far as is known now."""
    notified_at = notification["delivered_at"]
    if notified_at is None:
        notified_at = max(
            gw.now(), notification["_created_at"] + gw.config.timings.notification_delivery_seconds
        )
    lead_over = int(notified_at) + notifications.lead_seconds(gw, token)
    return max(gw.now(), lead_over, notification["payment_after"] or 0)


def try_debit(gw: Gateway, args: Record) -> None:
    """The bank is asked."""
    payment = gw.find("payments", str(args["payment_id"]))
    if payment["status"] != "created":
        return
    notification = gw.find("notifications", str(payment["_notification_id"]))
    token = gw.books["tokens"].get(str(payment["token_id"]))
    if notification["status"] == "failed":
        payments.fail(gw, payment, "payment_failed")
        return
    if token is None:
        payments.fail(gw, payment, "mandate_not_active")
        return
    due = _earliest(gw, notification, token)
    if due > gw.now():
        gw.at(due, DEBIT_JOB, payment_id=payment["id"])
        return
    if payment["amount"] > gw.config.limits.debit_without_approval_paise and not payment["_approved"]:
        if "_approval_asked_at" not in payment:
            payment["_approval_asked_at"] = gw.now()
            gw.later(gw.config.timings.customer_approval_seconds, APPROVAL_OVER_JOB, payment_id=payment["id"])
        return
    _ask_bank(gw, payment, token)


def _ask_bank(gw: Gateway, payment: Record, token: Record) -> None:
    outcome = _refusal(gw, token) or _planned_outcome(token)
    if outcome is None:
        cycle = mandates.cycle_of(str(token["_frequency"]), gw.now())
        if cycle is not None and token["method"] == "upi":
            token["_cycles_used"].append(cycle)
        token["used_at"] = gw.now()
        payments.authorise(gw, payment)
    elif outcome == "pending":
        payments.await_bank(gw, payment)
    elif payment["_retries_left"] > 0:
        payment["_retries_left"] -= 1
        gw.later(gw.config.timings.debit_retry_seconds, DEBIT_JOB, payment_id=payment["id"])
    else:
        payments.fail(gw, payment, outcome)


def _refusal(gw: Gateway, token: Record) -> str | None:
    """Why the bank will not debit this mandate now, if so."""
    status = tokens.status_of(token)
    if status in STATUS_REASONS:
        return STATUS_REASONS[status]
    if token["expired_at"] <= gw.now():
        return "mandate_expired"
    cycle = mandates.cycle_of(str(token["_frequency"]), gw.now())
    if token["method"] == "upi" and cycle in token["_cycles_used"]:
        return "mandate_current_cycle_allowed_debit_exceeds"
    return None


def _planned_outcome(token: Record) -> str | None:
    if token["_outcomes"]:
        outcome = token["_outcomes"].pop(0)
        if outcome is not None and outcome != "pending" and outcome not in FAILURES:
            return "payment_failed"
        return None if outcome is None else str(outcome)
    reason: str | None = token["_debit_reason"]
    return reason


def approve(gw: Gateway, payment_id: str) -> Record:
    """The customer authenticates a debit above the limit."""
    payment = gw.find("payments", payment_id)
    if payment["status"] != "created" or "_approved" not in payment:
        raise ControlError("Only a recurring debit that is still created can be approved.")
    payment["_approved"] = True
    gw.later(0, DEBIT_JOB, payment_id=payment_id)
    return public(payment)


def approval_over(gw: Gateway, args: Record) -> None:
    payment = gw.find("payments", str(args["payment_id"]))
    if payment["status"] == "created" and not payment["_approved"]:
        payments.fail(gw, payment, "authentication_failed")
