"""Route: transfers to linked accounts from an order, a payment or the balance, on hold if wished, reversible.

created (waits for its order's payment) -> pending -> processed, or failed; then reversed or
partially_reversed. All transfers of a payment together never exceed what was captured.
"""

import re
from collections.abc import Mapping
from typing import Any

from checks.sandbox.razorpay import paging, postings, validation, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError, unknown_id
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, collection, public
from checks.sandbox.razorpay.settlement_calendar import settlement_due

PROCESS_JOB = "transfer.process"
ACCOUNT = re.compile(r"acc_[0-9A-Za-z]{14}")
TOO_MUCH = "The sum of amount requested for transfer is greater than the captured amount"
NO_BALANCE = "Transfer cannot be made due to insufficient balance"
MOST_AT_ONCE = 50
LEAST_PAISE = 100
REVERSIBLE = frozenset({"processed", "partially_reversed"})


def _terms(gw: Gateway, wanted: Any) -> Record:
    """One wanted transfer, validated: account, amount, notes, hold."""
    if not isinstance(wanted, dict):
        raise ApiError("The transfers must be an array of objects.", field="transfers")
    account = str(validation.required(wanted, "account"))
    if not ACCOUNT.fullmatch(account):
        raise ApiError(f"{account[:40]} is not a valid id", field="account")
    on_hold_until = wanted.get("on_hold_until")
    if on_hold_until is not None:
        on_hold_until = validation.whole_number(on_hold_until, "on_hold_until")
    currency = validation.currency(gw, wanted, default="INR")
    if currency != "INR":
        raise ApiError("Transfers are in INR only.", field="currency")
    notes = validation.notes(wanted)
    linked = wanted.get("linked_account_notes") or []
    if not isinstance(linked, list) or any(name not in notes for name in linked):
        raise ApiError("The linked_account_notes must be keys of notes.", field="linked_account_notes")
    return {
        "account": account,
        "amount": validation.amount_paise(gw, wanted),
        "currency": currency,
        "notes": notes,
        "linked_account_notes": linked,
        "on_hold": validation.flag(wanted.get("on_hold")) or on_hold_until is not None,
        "on_hold_until": on_hold_until,
    }


def planned(gw: Gateway, wanted: Any, most_paise: int) -> list[Record]:
    """The transfers of an order, a payment or nobody; together at most `most_paise`."""
    if not wanted:
        return []
    if not isinstance(wanted, list) or len(wanted) > MOST_AT_ONCE:
        raise ApiError(f"The transfers must be an array of at most {MOST_AT_ONCE}.", field="transfers")
    for position, each in enumerate(wanted):
        amount = each.get("amount") if isinstance(each, dict) else None
        if isinstance(amount, int) and amount < LEAST_PAISE:
            raise ApiError(f"The transfers.{position}.amount must be at least {LEAST_PAISE}.", field="amount")
    terms = [_terms(gw, each) for each in wanted]
    if sum(each["amount"] for each in terms) > most_paise:
        raise ApiError(TOO_MUCH, field="transfers")
    return terms


def make(gw: Gateway, *, source: str, terms: Record, status: str) -> Record:
    transfer_id = gw.ids.new("trf")
    return gw.keep(
        "transfers",
        {
            "id": transfer_id,
            "entity": "transfer",
            "status": status,
            "settlement_status": "on_hold" if terms["on_hold"] else "pending",
            "source": source,
            "recipient": terms["account"],
            "amount": terms["amount"],
            "currency": terms["currency"],
            "amount_reversed": 0,
            "fees": 0,
            "tax": 0,
            "notes": terms["notes"],
            "linked_account_notes": terms["linked_account_notes"],
            "on_hold": terms["on_hold"],
            "on_hold_until": terms["on_hold_until"],
            "recipient_settlement_id": None,
            "created_at": gw.now(),
            "processed_at": None,
            "error": _error(transfer_id),
            "_payment_id": None,
            "_settles_at": 0,
        },
    )


def _error(transfer_id: str, **members: str) -> Record:
    empty = dict.fromkeys(("code", "description", "reason", "field", "step"))
    return {**empty, "id": transfer_id, "source": None, "metadata": None, **members}


def _start(gw: Gateway, transfer: Record, payment: Record | None) -> None:
    """The money leaves the merchant's balance; processed a moment later."""
    charge = gw.config.fees.transfer(int(transfer["amount"]))
    transfer.update(status="pending", fees=charge.fee_paise, tax=charge.tax_paise)
    transfer["_payment_id"] = payment["id"] if payment else None
    transfer["_settles_at"] = settlement_due(
        gw.now(),
        working_days=gw.config.settlement_working_days,
        holidays=gw.config.holidays,
        settlement_time=gw.config.settlement_time,
    )
    if payment is not None:
        payment["amount_transferred"] += transfer["amount"]
    postings.transfer_made(gw, transfer, payment, fee=charge.fee_paise, tax=charge.tax_paise)
    gw.once_at(int(transfer["_settles_at"]), postings.SETTLE_JOB)
    gw.later(gw.config.timings.transfer_processing_seconds, PROCESS_JOB, transfer_id=transfer["id"])


def start_for_order(gw: Gateway, order: Record, payment: Record) -> None:
    """The order's payment was captured: its transfers begin."""
    for each in order["transfers"]:
        transfer = gw.find("transfers", str(each["id"]))
        if transfer["status"] == "created":
            _start(gw, transfer, payment)


def from_payment(gw: Gateway, payment_id: str, body: Record) -> Record:
    """POST /v1/payments/:id/transfers. It has no idempotency header."""
    payment = gw.find("payments", payment_id)
    if payment["status"] != "captured":
        raise ApiError("The payment status should be captured for action to be taken")
    validation.required(body, "transfers")
    available = payment["amount"] - payment["amount_transferred"] - payment["amount_refunded"]
    made = []
    wanted = planned(gw, body["transfers"], available)
    if gw.config.enforce_balance and postings.balance_paise(gw) <= sum(each["amount"] for each in wanted):
        raise ApiError(NO_BALANCE)
    for terms in wanted:
        transfer = make(gw, source=payment_id, terms=terms, status="created")
        _start(gw, transfer, payment)
        made.append(public(transfer))
    return collection(made)


def direct(gw: Gateway, body: Record) -> Record:
    """POST /v1/transfers, from the balance. The one transfer call with an idempotency header."""
    terms = _terms(gw, body)
    if gw.config.enforce_balance and postings.balance_paise(gw) <= terms["amount"]:
        raise ApiError(NO_BALANCE)
    transfer = make(gw, source=gw.config.account_id, terms=terms, status="created")
    _start(gw, transfer, None)
    return public(transfer)


def process(gw: Gateway, args: Record) -> None:
    transfer = gw.find("transfers", str(args["transfer_id"]))
    if transfer["status"] == "pending":
        transfer.update(status="processed", processed_at=gw.now())
        webhooks.emit(gw, "transfer.processed", transfer=transfer)


def fail(gw: Gateway, transfer_id: str) -> Record:
    """The linked account could not be credited: the money is back on the balance."""
    transfer = gw.find("transfers", transfer_id)
    if transfer["status"] not in {"pending", "created"}:
        raise ControlError(f"The transfer is {transfer['status']}; only a pending one can fail.")
    if transfer["status"] == "pending":
        payment = _returned(gw, transfer, int(transfer["amount"]))
        credit = int(transfer["amount"] + transfer["fees"])
        description = f"Transfer {transfer_id} returned"
        postings.adjustment(gw, credit=credit, description=description, payment=payment)
    transfer["status"] = "failed"
    transfer["error"] = _error(
        transfer_id,
        code="BAD_REQUEST_ERROR",
        description="The transfer to the linked account failed.",
        reason="transfer_failed",
        source="internal",
        step="transfer_processing",
    )
    webhooks.emit(gw, "transfer.failed", transfer=transfer)
    return public(transfer)


def _returned(gw: Gateway, transfer: Record, amount: int) -> Record | None:
    """The payment of a transfer, which may be transferred again by what came back."""
    payment_id = transfer["_payment_id"]
    payment = gw.find("payments", str(payment_id)) if payment_id else None
    if payment is not None:
        payment["amount_transferred"] -= amount
    return payment


def reverse(gw: Gateway, transfer_id: str, body: Record) -> Record:
    """POST /v1/transfers/:id/reversals, all that is left unless an amount is given."""
    transfer = gw.find("transfers", transfer_id)
    if transfer["status"] not in REVERSIBLE:
        raise ApiError("The transfer cannot be reversed in its present status")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = validation.amount_paise(gw, body) if body.get("amount") is not None else int(left)
    if amount > left:
        raise ApiError(
            "The amount requested for reversal is greater than the transfer amount", field="amount"
        )
    return public(_reverse(gw, transfer, amount, validation.notes(body)))


def _reverse(gw: Gateway, transfer: Record, amount: int, notes: Record) -> Record:
    reversal = gw.keep(
        "reversals",
        {
            "id": gw.ids.new("rvrsl"),
            "entity": "reversal",
            "transfer_id": transfer["id"],
            "amount": amount,
            "fee": 0,
            "tax": 0,
            "currency": transfer["currency"],
            "notes": notes,
            "initiator_id": gw.config.account_id.removeprefix("acc_"),
            "customer_refund_id": None,
            "utr": None,
            "created_at": gw.now(),
        },
    )
    transfer["amount_reversed"] += amount
    whole = transfer["amount_reversed"] == transfer["amount"]
    transfer["status"] = "reversed" if whole else "partially_reversed"
    postings.transfer_reversed(gw, reversal, _returned(gw, transfer, amount))
    return reversal


def reverse_all(gw: Gateway, payment: Record) -> None:
    """A refund with `reverse_all` takes the payment's transfers back first."""
    for transfer in of_payment_records(gw, payment):
        left = int(transfer["amount"] - transfer["amount_reversed"])
        if transfer["status"] in REVERSIBLE and left > 0:
            _reverse(gw, transfer, left, {})


def of_payment_records(gw: Gateway, payment: Record) -> list[Record]:
    return [t for t in gw.each("transfers") if payment["id"] in (t["source"], t["_payment_id"])]


def edit(gw: Gateway, transfer_id: str, body: Record) -> Record:
    """PATCH /v1/transfers/:id: the hold."""
    transfer = gw.find("transfers", transfer_id)
    validation.only_known(body, frozenset({"on_hold", "on_hold_until"}))
    if transfer["recipient_settlement_id"] is not None:
        raise ApiError("The transfer is already settled")
    if body.get("on_hold_until") is not None:
        transfer["on_hold_until"] = validation.whole_number(body["on_hold_until"], "on_hold_until")
        transfer["on_hold"] = True
        gw.once_at(int(transfer["on_hold_until"]), postings.SETTLE_JOB)
    if "on_hold" in body:
        transfer["on_hold"] = validation.flag(body["on_hold"])
        if not transfer["on_hold"]:
            transfer["on_hold_until"] = None
    transfer["settlement_status"] = "on_hold" if transfer["on_hold"] else "pending"
    return public(transfer)


def fetch(gw: Gateway, transfer_id: str) -> Record:
    return public(gw.find("transfers", transfer_id))


def list_all(gw: Gateway, query: Mapping[str, str]) -> Record:
    """GET /v1/transfers, optionally of one recipient settlement."""
    settlement_id = query.get("recipient_settlement_id")
    wanted = [t for t in gw.each("transfers") if settlement_id in (None, "", t["recipient_settlement_id"])]
    return paging.page(wanted, query, most=gw.config.limits.page)


def of_payment(gw: Gateway, payment_id: str) -> Record:
    """GET /v1/payments/:id/transfers: all of them, the newest first; it documents no paging."""
    payment = gw.find("payments", payment_id)
    return collection([public(transfer) for transfer in reversed(of_payment_records(gw, payment))])


def reversals_of(gw: Gateway, transfer_id: str) -> Record:
    """GET /v1/transfers/:id/reversals: all of them, the newest first; it documents no paging."""
    if transfer_id not in gw.books["transfers"]:
        raise unknown_id()
    mine = [reversal for reversal in gw.each("reversals") if reversal["transfer_id"] == transfer_id]
    return collection([public(reversal) for reversal in reversed(mine)])
