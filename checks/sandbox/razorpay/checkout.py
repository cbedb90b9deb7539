"""The customer at the checkout: what checkout.js would do, and what it gives back to the merchant's page."""

from dataclasses import replace

from checks.sandbox.razorpay import payment_links, payments, signatures, tokens
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.instruments import Instrument, instrument_of
from checks.sandbox.razorpay.reasons import DESCRIPTIONS
from checks.sandbox.razorpay.records import Record, public

MOST_ATTEMPTS = 10
CONTACT = "+919000090000"
EMAIL = "parent@example.com"
DUMMY_REASON = "upi_dummy_payment"


def pay(gw: Gateway, wanted: Record) -> Record:
    """POST /_control/checkout.

    On success `{razorpay_payment_id, razorpay_order_id, razorpay_signature}`. On failure `{error}` with
    all members and `metadata.payment_id`; the failed payment exists. With `attempts: n` the customer fails
    n - 1 times first, each time with a new payment, or with the same one if `same_payment` is set (a retry
    inside the UPI app). With `customer_id` and `remember_customer` a card that pays is kept as a token.
    """
    order = gw.find("orders", str(wanted.get("order_id")))
    if order["status"] == "paid":
        raise ApiError(DESCRIPTIONS["order_already_paid"], reason="order_already_paid")
    instrument = instrument_of(wanted.get("instrument"))
    attempts = wanted.get("attempts", 1)
    if not isinstance(attempts, int) or not 1 <= attempts <= MOST_ATTEMPTS:
        raise ControlError(f"attempts is between 1 and {MOST_ATTEMPTS}.")
    payment: Record | None = None
    for _ in range(attempts - 1):
        if payment is None or not wanted.get("same_payment"):
            payment = _open(gw, order, instrument, wanted)
        payment["status"] = "created"
        payments.fail(gw, payment, "payment_cancelled")
    if payment is None or not wanted.get("same_payment"):
        payment = _open(gw, order, instrument, wanted)
    if "_mandate" in order:
        return _register_mandate(gw, order, payment, instrument)
    if wanted.get("remember_customer") and instrument.method == "card" and instrument.outcome == "success":
        tokens.save(gw, payment, str(wanted.get("customer_id")), instrument)
    return _finish(gw, order, payment, instrument)


def _open(gw: Gateway, order: Record, instrument: Instrument, wanted: Record) -> Record:
    amount = wanted.get("amount", order["amount_due"])
    whole_only = not order["_partial_payment"]
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount <= order["amount_due"]:
        raise ControlError("amount is in paise, at most what is due on the order.")
    if amount != order["amount_due"] and whole_only:
        raise ControlError("The order takes no partial payment; leave amount out.")
    payment = payments.open_payment(
        gw,
        order=order,
        amount_paise=amount,
        instrument=instrument,
        contact=str(wanted.get("contact") or CONTACT),
        email=str(wanted.get("email") or EMAIL),
        description=wanted.get("description"),
        customer_id=order["_customer_id"],
    )
    if wanted.get("capture") is not None:
        payment["_auto_capture"] = bool(wanted["capture"])
    return payment


def _finish(gw: Gateway, order: Record, payment: Record, instrument: Instrument) -> Record:
    if instrument.outcome == "pending":
        payments.await_bank(gw, payment)
        return _error(payment, code="GATEWAY_ERROR", reason="payment_pending")
    if instrument.reason is not None:
        payments.fail(gw, payment, instrument.reason)
        return _error(payment)
    payments.authorise(gw, payment)
    return _success(gw, order, payment)


def _register_mandate(gw: Gateway, order: Record, payment: Record, instrument: Instrument) -> Record:
    """The first payment of a mandate: it makes the token. Its failure is not announced."""
    terms = order["_mandate"]
    if instrument.method != terms["method"]:
        payments.fail(gw, payment, "input_validation_failed", announce=False)
        return _error(payment)
    token = tokens.register(gw, order, payment, instrument)
    token_id = str(token["id"])
    if instrument.outcome == "pending":
        payments.await_bank(gw, payment)
        return _error(payment, code="GATEWAY_ERROR", reason="payment_pending")
    if instrument.reason is not None:
        payments.fail(gw, payment, instrument.reason, announce=False)
        tokens.move(gw, token_id, "rejected", failure_reason=payment["error_description"])
        return _error(payment)
    if instrument.dummy or (terms["method"] == "upi" and payment["amount"] == 0):
        payments.fail(gw, payment, DUMMY_REASON, announce=False)
        tokens.move(gw, token_id, "confirmed")
        return _success(gw, order, payment)
    payment["_auto_capture"] = True
    payments.authorise(gw, payment)
    if terms["method"] == "emandate":
        gw.later(gw.config.timings.mandate_confirmation_seconds, tokens.CONFIRM_JOB, token_id=token_id)
    else:
        tokens.move(gw, token_id, "confirmed")
    return _success(gw, order, payment)


def _success(gw: Gateway, order: Record, payment: Record) -> Record:
    return {
        "razorpay_payment_id": payment["id"],
        "razorpay_order_id": order["id"],
        "razorpay_signature": signatures.checkout(gw, str(order["id"]), str(payment["id"])),
    }


def _error(payment: Record, *, code: str | None = None, reason: str | None = None) -> Record:
    pending = "The payment is pending at the bank. Ask for its status before another attempt."
    return {
        "error": {
            "code": code or payment["error_code"],
            "description": pending if reason else payment["error_description"],
            "field": None,
            "source": "issuer_bank" if reason else payment["error_source"],
            "step": "payment_authorization" if reason else payment["error_step"],
            "reason": reason or payment["error_reason"],
            "metadata": {"payment_id": payment["id"], "order_id": payment["order_id"]},
        }
    }


def authorise_late(gw: Gateway, payment_id: str) -> Record:
    """The bank says yes after all: failed or created -> authorized, captured if the order asks for it."""
    payment = gw.find("payments", payment_id)
    if payment["status"] not in {"failed", "created"}:
        raise ControlError(f"The payment is {payment['status']}; only failed or created ones come late.")
    if payment["error_reason"] == DUMMY_REASON:
        raise ControlError("A dummy payment of a mandate registration never moves money.")
    payments.authorise(gw, payment)
    order = payments.order_of(gw, payment)
    if order is not None and "_link_id" in order and payment["status"] == "captured":
        payment_links.note_payment(gw, gw.find("payment_links", str(order["_link_id"])), order, payment)
    token_id = payment.get("token_id")
    token = gw.books["tokens"].get(str(token_id)) if token_id else None
    if token is not None and tokens.status_of(token) == "initiated":
        tokens.move(gw, str(token_id), "confirmed")
    return public(payment)


def pay_link(gw: Gateway, link_id: str, wanted: Record) -> Record:
    """POST /_control/links/{id}/pay."""
    amount = wanted.get("amount")
    if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool)):
        raise ControlError("amount is in paise.")
    instrument = instrument_of(wanted.get("instrument") or {"method": "upi", "vpa": "success@razorpay"})
    return payment_links.pay(
        gw,
        link_id,
        replace(instrument),
        amount_paise=amount,
        contact=str(wanted.get("contact") or CONTACT),
        email=str(wanted.get("email") or EMAIL),
    )
