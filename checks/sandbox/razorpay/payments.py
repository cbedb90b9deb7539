"""Payments: created -> authorized -> captured -> refunded, or failed. `failed` is not final.

A bank that does not answer leaves a payment `created` for ten minutes, then `failed`; it may still become
`authorized` later. What is authorised and not captured within the window is refunded by the gateway. There
is no partial capture. Source: Razorpay's payment life cycle and capture settings.
"""

from collections.abc import Mapping

from checks.sandbox.razorpay import exchange, orders, paging, postings, transfers, validation, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.instruments import Instrument
from checks.sandbox.razorpay.reasons import DESCRIPTIONS, failure
from checks.sandbox.razorpay.records import Record, public

TIMEOUT_JOB = "payment.bank_silent"
AUTO_REFUND_JOB = "payment.capture_window_over"
NO_PARTIAL_CAPTURE = "Capture amount must be equal to the amount authorized."
ALREADY_CAPTURED = "This payment has already been captured"
NOT_CAPTURABLE = "Only payments which have been authorized and not yet captured can be captured"


def open_payment(
    gw: Gateway,
    *,
    order: Record | None,
    amount_paise: int,
    instrument: Instrument,
    contact: str | None,
    email: str | None,
    description: str | None = None,
    notes: Record | None = None,
    customer_id: str | None = None,
) -> Record:
    """A payment in `created`: the customer is about to pay. Counts as an attempt on its order."""
    card = _keep_card(gw, instrument)
    currency = str(order["currency"]) if order else "INR"
    if currency != "INR" and instrument.method != "card":
        raise ControlError("In another currency than INR a customer pays by card.")
    payment: Record = {
        "id": gw.ids.new("pay"),
        "entity": "payment",
        "amount": amount_paise,
        "currency": currency,
        "base_amount": amount_paise,
        **exchange.shown(amount_paise, currency, gw.now()),
        "status": "created",
        "order_id": order["id"] if order else None,
        "invoice_id": None,
        "international": bool(instrument.card and instrument.card.international),
        "method": instrument.method,
        "amount_refunded": 0,
        "amount_transferred": 0,
        "refund_status": None,
        "captured": False,
        "description": description,
        "card_id": card["id"] if card else None,
        "card": public(card) if card else None,
        "bank": instrument.bank,
        "wallet": instrument.wallet,
        "vpa": instrument.vpa,
        "email": email,
        "contact": contact,
        "notes": dict(notes if notes is not None else (order["notes"] if order else {})),
        "fee": None,
        "tax": None,
        "error_code": None,
        "error_description": None,
        "error_source": None,
        "error_step": None,
        "error_reason": None,
        "acquirer_data": {},
        "created_at": gw.now(),
        "_auto_capture": bool(order["_auto_capture"]) if order else gw.config.auto_capture,
        "_captured_until": gw.now()
        + (order["_auto_capture_seconds"] if order else gw.config.timings.capture_window_seconds),
    }
    payment["acquirer_data"] = _acquirer_data(gw, payment, answered=False)
    if customer_id is not None:
        payment["customer_id"] = customer_id
    if instrument.method == "upi":
        payment["upi"] = {
            "payer_account_type": instrument.payer_account_type,
            "vpa": instrument.vpa,
            "flow": instrument.flow,
        }
    gw.keep("payments", payment)
    if order is not None:
        orders.note_attempt(gw, order)
    return payment


def _keep_card(gw: Gateway, instrument: Instrument) -> Record | None:
    card = instrument.card
    if card is None:
        return None
    return gw.keep(
        "cards",
        {
            "id": gw.ids.new("card"),
            "entity": "card",
            "name": "",
            "last4": card.last4,
            "network": card.network,
            "type": card.type,
            "issuer": card.issuer,
            "international": card.international,
            "emi": False,
            "sub_type": "consumer",
        },
    )


def _acquirer_data(gw: Gateway, payment: Record, *, answered: bool) -> Record:
    """The banks' reference numbers; null until a bank has answered."""
    method = payment["method"]
    if method == "upi":
        if not answered:
            return {"rrn": None}
        return {"rrn": gw.ids.digits(12), "upi_transaction_id": gw.ids.upper(32)}
    if method == "card":
        if payment["card"]["network"] == "RuPay":
            return {"authentication_reference_number": gw.ids.digits(30) if answered else None}
        return {"auth_code": gw.ids.digits(6) if answered else None}
    if method == "wallet":
        return {"transaction_id": gw.ids.upper(16) if answered else None}
    return {"bank_transaction_id": gw.ids.digits(10) if answered else None}


def await_bank(gw: Gateway, payment: Record) -> None:
    """The bank does not answer: failed after ten minutes, unless it answers meanwhile."""
    gw.later(gw.config.timings.bank_answer_seconds, TIMEOUT_JOB, payment_id=payment["id"])


def bank_silent(gw: Gateway, args: Record) -> None:
    payment = gw.find("payments", str(args["payment_id"]))
    if payment["status"] == "created":
        fail(gw, payment, "payment_timed_out")


def fail(gw: Gateway, payment: Record, reason: str, *, announce: bool = True) -> None:
    """created -> failed. `announce` is False for the first payment of a mandate: it has no payment.failed."""
    why = failure(reason, str(payment["method"]))
    payment.update(
        status="failed",
        error_code=why.code,
        error_description=why.description,
        error_source=why.source,
        error_step=why.step,
        error_reason=why.reason,
    )
    if announce:
        webhooks.emit(gw, "payment.failed", payment=payment)


def authorise(gw: Gateway, payment: Record) -> None:
    """created or failed -> authorized, and captured too if the order asks for it and still waits."""
    payment.update(
        status="authorized",
        error_code=None,
        error_description=None,
        error_source=None,
        error_step=None,
        error_reason=None,
        acquirer_data=_acquirer_data(gw, payment, answered=True),
    )
    order = order_of(gw, payment)
    in_time = gw.now() <= payment["_captured_until"]
    captures = payment["_auto_capture"] and in_time and (order is None or order["status"] != "paid")
    if captures and "captured_before_authorized" in gw.quirks:
        snapshot = dict(payment)
        _capture(gw, payment)
        webhooks.emit(gw, "payment.authorized", payment=snapshot)
        return
    webhooks.emit(gw, "payment.authorized", payment=payment)
    if captures:
        _capture(gw, payment)
        return
    window = order["_capture_window_seconds"] if order else gw.config.timings.capture_window_seconds
    gw.later(window, AUTO_REFUND_JOB, payment_id=payment["id"])


def order_of(gw: Gateway, payment: Record) -> Record | None:
    order_id = payment["order_id"]
    return None if order_id is None else gw.find("orders", str(order_id))


def capture(gw: Gateway, payment_id: str, body: Record) -> Record:
    """POST /v1/payments/:id/capture. No idempotency header; a second call is refused, not repeated."""
    payment = gw.find("payments", payment_id)
    currency = validation.currency(gw, body, default=str(payment["currency"]))
    if currency != payment["currency"]:
        raise ApiError("The currency provided is not that of the payment.", field="currency")
    amount = validation.amount_in(gw, body, currency)
    order = order_of(gw, payment)
    if payment["status"] in {"captured", "refunded"}:
        raise ApiError(ALREADY_CAPTURED)
    if payment["status"] != "authorized":
        raise ApiError(NOT_CAPTURABLE)
    if order is not None and order["status"] == "paid":
        raise ApiError(DESCRIPTIONS["order_already_paid"], reason="order_already_paid")
    if amount != payment["amount"]:
        raise ApiError(NO_PARTIAL_CAPTURE, field="amount")
    _capture(gw, payment)
    return public(payment, without=("card",))


def _capture(gw: Gateway, payment: Record) -> None:
    """authorized -> captured: fee and tax are known, the balance grows, the order may become paid."""
    charge = gw.config.fees.payment(str(payment["method"]), int(payment["base_amount"]))
    payment.update(status="captured", captured=True, fee=charge.fee_paise, tax=charge.tax_paise)
    payment["_captured_at"] = gw.now()
    order = order_of(gw, payment)
    paid = order is not None and orders.note_capture(gw, order, int(payment["amount"]))
    postings.payment_captured(gw, payment)
    webhooks.emit(gw, "payment.captured", payment=payment)
    if order is not None and paid:
        webhooks.emit(gw, "order.paid", payment=payment, order=order)
    if order is not None and "transfers" in order:
        transfers.start_for_order(gw, order, payment)


def fetch(gw: Gateway, payment_id: str, expand: frozenset[str]) -> Record:
    """GET /v1/payments/:id; the card is shown with `expand[]=card` only."""
    payment = gw.find("payments", payment_id)
    hidden = () if "card" in expand and payment["card"] is not None else ("card",)
    return public(payment, without=hidden)


def list_all(gw: Gateway, query: Mapping[str, str], expand: frozenset[str]) -> Record:
    hidden = () if "card" in expand else ("card",)
    return paging.page(
        gw.each("payments"),
        query,
        most=gw.config.limits.page,
        show=lambda payment: public(payment, without=hidden),
    )


def edit(gw: Gateway, payment_id: str, body: Record) -> Record:
    """PATCH /v1/payments/:id: notes only."""
    payment = gw.find("payments", payment_id)
    validation.only_known(body, frozenset({"notes"}))
    validation.required(body, "notes")
    payment["notes"] = validation.notes(body)
    return public(payment, without=("card",))


def card_of(gw: Gateway, payment_id: str) -> Record:
    """GET /v1/payments/:id/card."""
    payment = gw.find("payments", payment_id)
    if payment["card_id"] is None:
        raise ApiError("The payment was not made by card")
    return public(gw.find("cards", str(payment["card_id"])))
