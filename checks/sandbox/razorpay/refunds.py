"""Refunds: pending -> processed, or failed. Any number of partial ones, never more than was paid.

`optimum` is processed instantly where it can be; a downgrade to normal is announced by refund.speed_changed.
A processed refund may wait days for its reference number. A payment older than six months cannot be
refunded by the bank. Source: Razorpay's refund documentation.
"""

from collections.abc import Mapping

from checks.sandbox.razorpay import exchange, paging, postings, transfers, validation, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, collection, public

PROCESS_JOB = "refund.process"
REFERENCE_JOB = "refund.reference"
MEMBERS = frozenset({"amount", "speed", "notes", "receipt", "reverse_all"})
INSTANT_METHODS = frozenset({"upi", "card", "netbanking"})
TOO_MUCH = "The refund amount provided is greater than amount captured."
FULLY_REFUNDED = "The payment has been fully refunded already."
NOT_CAPTURED = "The payment status should be captured for action to be taken"
NO_BALANCE = "Your account does not have enough balance to carry out the refund operation."


def create(gw: Gateway, payment_id: str, body: Record) -> Record:
    """POST /v1/payments/:id/refund. Without an amount, all that is left is refunded."""
    validation.only_known(body, MEMBERS)
    payment = gw.find("payments", payment_id)
    if payment["status"] == "refunded":
        raise ApiError(FULLY_REFUNDED)
    if payment["status"] != "captured":
        raise ApiError(NOT_CAPTURED)
    left = int(payment["amount"]) - int(payment["amount_refunded"])
    code = str(payment["currency"])
    least = validation.MINIMUM_PAISE if code == "INR" else 1
    amount = left if body.get("amount") is None else validation.amount_in(gw, body, code, minimum=least)
    if amount > left:
        raise ApiError(TOO_MUCH, field="amount")
    speed = body.get("speed", "normal")
    if speed not in {"normal", "optimum"}:
        raise ApiError("The selected speed is invalid.", field="speed")
    if gw.config.enforce_balance and postings.balance_paise(gw) < exchange.base(amount, code, gw.now()):
        raise ApiError(NO_BALANCE)
    notes, receipt = validation.notes(body), validation.receipt(body)
    if validation.flag(body.get("reverse_all")):
        transfers.reverse_all(gw, payment)
    return public(_refund(gw, payment, amount, str(speed), notes, receipt))


def _refund(
    gw: Gateway, payment: Record, amount: int, speed: str, notes: Record, receipt: str | None
) -> Record:
    instant = speed == "optimum" and payment["method"] in INSTANT_METHODS
    speed_processed = "instant" if instant else "normal"
    refund: Record = gw.keep(
        "refunds",
        {
            "id": gw.ids.new("rfnd"),
            "entity": "refund",
            "amount": amount,
            "currency": payment["currency"],
            **exchange.shown(amount, str(payment["currency"]), gw.now()),
            "payment_id": payment["id"],
            "notes": notes,
            "receipt": receipt,
            "acquirer_data": {"arn": None},
            "created_at": gw.now(),
            "batch_id": None,
            "status": "pending",
            "speed_processed": speed_processed,
            "speed_requested": speed,
        },
    )
    _count(payment, amount)
    if payment["captured"]:
        charge = gw.config.fees.refund(speed_processed)
        postings.refund_made(gw, refund, payment, fee=charge.fee_paise, tax=charge.tax_paise)
    webhooks.emit(gw, "refund.created", refund=refund, payment=payment)
    wait_seconds = 0 if instant else gw.config.timings.refund_processing_seconds
    gw.later(wait_seconds, PROCESS_JOB, refund_id=refund["id"])
    return refund


def _count(payment: Record, change_paise: int) -> None:
    payment["amount_refunded"] += change_paise
    refunded = payment["amount_refunded"]
    full = refunded >= payment["amount"]
    payment["refund_status"] = "full" if full else ("partial" if refunded else None)
    if full:
        payment["status"] = "refunded"
    elif payment["status"] == "refunded":
        payment["status"] = "captured" if payment["captured"] else "authorized"


def refund_uncaptured(gw: Gateway, args: Record) -> None:
    """The capture window is over: the customer gets the money back without the merchant asking."""
    payment = gw.find("payments", str(args["payment_id"]))
    if payment["status"] == "authorized":
        _refund(gw, payment, int(payment["amount"]), "normal", {}, None)


def process_scheduled(gw: Gateway, args: Record) -> None:
    refund = gw.find("refunds", str(args["refund_id"]))
    if refund["status"] != "pending":
        return
    payment = gw.find("payments", str(refund["payment_id"]))
    if gw.now() - payment["created_at"] > gw.config.timings.refundable_age_seconds:
        fail(gw, str(refund["id"]))
        return
    process(gw, str(refund["id"]))


def process(gw: Gateway, refund_id: str) -> Record:
    """pending -> processed; the bank's reference number comes later."""
    refund = gw.find("refunds", refund_id)
    if refund["status"] != "pending":
        raise ControlError(f"The refund is {refund['status']}; only a pending one can be processed.")
    refund["status"] = "processed"
    webhooks.emit(
        gw, "refund.processed", refund=refund, payment=gw.find("payments", str(refund["payment_id"]))
    )
    gw.later(gw.config.timings.refund_reference_seconds, REFERENCE_JOB, refund_id=refund_id)
    return public(refund)


def give_reference(gw: Gateway, args: Record) -> None:
    refund = gw.find("refunds", str(args["refund_id"]))
    if refund["status"] == "processed":
        refund["acquirer_data"] = {"arn": gw.ids.digits(23)}


def fail(gw: Gateway, refund_id: str) -> Record:
    """The bank could not refund: the amount is the merchant's again and can be refunded anew."""
    refund = gw.find("refunds", refund_id)
    if refund["status"] == "failed":
        raise ControlError("The refund has failed already.")
    payment = gw.find("payments", str(refund["payment_id"]))
    refund["status"] = "failed"
    _count(payment, -int(refund["amount"]))
    posting = gw.books["postings"].get(refund_id)
    if posting is not None:
        postings.adjustment(
            gw,
            credit=int(posting["debit"]),
            description=f"Refund {refund_id} failed",
            payment=payment,
        )
    webhooks.emit(gw, "refund.failed", refund=refund, payment=payment)
    return public(refund)


def downgrade(gw: Gateway, refund_id: str) -> Record:
    """An instant refund that could not be instant goes on at normal speed."""
    refund = gw.find("refunds", refund_id)
    if refund["speed_processed"] != "instant" or refund["status"] == "failed":
        raise ControlError("Only an instant refund that has not failed can be downgraded.")
    refund["speed_processed"] = "normal"
    webhooks.emit(
        gw, "refund.speed_changed", refund=refund, payment=gw.find("payments", str(refund["payment_id"]))
    )
    return public(refund)


def fetch(gw: Gateway, refund_id: str) -> Record:
    return public(gw.find("refunds", refund_id))


def list_all(gw: Gateway, query: Mapping[str, str]) -> Record:
    return paging.page(gw.each("refunds"), query, most=gw.config.limits.page)


def of_payment(gw: Gateway, payment_id: str, query: Mapping[str, str]) -> Record:
    payment = gw.find("payments", payment_id)
    mine = [refund for refund in gw.each("refunds") if refund["payment_id"] == payment["id"]]
    return paging.page(mine, query, most=gw.config.limits.page) if mine else collection([])


def one_of_payment(gw: Gateway, payment_id: str, refund_id: str) -> Record:
    refund = gw.find("refunds", refund_id)
    if refund["payment_id"] != gw.find("payments", payment_id)["id"]:
        raise ApiError("The id provided does not exist")
    return public(refund)


def edit(gw: Gateway, refund_id: str, body: Record) -> Record:
    """PATCH /v1/refunds/:id: notes only."""
    refund = gw.find("refunds", refund_id)
    validation.only_known(body, frozenset({"notes"}))
    validation.required(body, "notes")
    refund["notes"] = validation.notes(body)
    return public(refund)
