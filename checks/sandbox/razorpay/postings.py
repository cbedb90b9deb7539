"""The merchant's balance: what each payment, refund, transfer and adjustment adds to it or takes from it.

One posting becomes one recon row, in rupees whatever the customer paid in. Algebra (fee includes tax): a
payment credits amount - fee; a refund debits amount + fee; a transfer debits amount + fee; a reversal
credits its amount; an adjustment is all debit or all credit.
"""

from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, compact_json
from checks.sandbox.razorpay.settlement_calendar import settlement_due

SETTLE_JOB = "settlement.run"
OF_SHARES = frozenset({"transfer", "reversal"})


def _post(
    gw: Gateway,
    kind: str,
    entity_id: str,
    *,
    amount: int,
    debit: int = 0,
    credit: int = 0,
    fee: int = 0,
    tax: int = 0,
    payment: Record | None = None,
    available_at: int | None = None,
    description: str | None = None,
    notes: Record | None = None,
    dispute_id: str | None = None,
    shows_payment: bool = True,
) -> Record:
    order_id = payment["order_id"] if payment else None
    order = gw.find("orders", str(order_id)) if order_id else None
    card = (payment or {}).get("card") or {}
    return gw.keep(
        "postings",
        {
            "id": entity_id,
            "type": kind,
            "debit": debit,
            "credit": credit,
            "amount": amount,
            "currency": "INR",
            "fee": fee,
            "tax": tax,
            "created_at": gw.now(),
            "description": description,
            "notes": compact_json(notes) if notes else None,
            "payment_id": payment["id"] if payment and shows_payment else None,
            "order_id": order_id if kind not in OF_SHARES else None,
            "order_receipt": order["receipt"] if order and kind not in OF_SHARES else None,
            "method": payment["method"] if payment and kind in {"payment", "refund"} else None,
            "card_network": card.get("network") if kind in {"payment", "refund"} else None,
            "card_issuer": card.get("issuer") if kind in {"payment", "refund"} else None,
            "card_type": card.get("type") if kind in {"payment", "refund"} else None,
            "dispute_id": dispute_id,
            "available_at": gw.now() if available_at is None else available_at,
            "settled_at": None,
            "settlement_id": None,
            "settlement_utr": None,
        },
    )


def payment_captured(gw: Gateway, payment: Record) -> None:
    """Settles on T+2 working days; a zero-amount mandate registration moves no money."""
    base_paise = int(payment["base_amount"])
    if base_paise == 0:
        return
    due = settlement_due(
        gw.now(),
        working_days=gw.config.settlement_working_days,
        holidays=gw.config.holidays,
        settlement_time=gw.config.settlement_time,
    )
    _post(
        gw,
        "payment",
        str(payment["id"]),
        amount=base_paise,
        credit=base_paise - payment["fee"],
        fee=payment["fee"],
        tax=payment["tax"],
        payment=payment,
        available_at=due,
        description=payment["description"],
        notes=payment["notes"],
        shows_payment=False,
    )
    gw.once_at(due, SETTLE_JOB)


def refund_made(gw: Gateway, refund: Record, payment: Record, *, fee: int, tax: int) -> None:
    base_paise = int(refund["base_amount"] if "base_amount" in refund else refund["amount"])
    _post(
        gw,
        "refund",
        str(refund["id"]),
        amount=base_paise,
        debit=base_paise + fee,
        fee=fee,
        tax=tax,
        payment=payment,
        available_at=_with_its_payment(gw, payment),
        notes=refund["notes"],
    )


def transfer_made(gw: Gateway, transfer: Record, payment: Record | None, *, fee: int, tax: int) -> None:
    _post(
        gw,
        "transfer",
        str(transfer["id"]),
        amount=transfer["amount"],
        debit=transfer["amount"] + fee,
        fee=fee,
        tax=tax,
        payment=payment,
        available_at=None if payment is None else _with_its_payment(gw, payment),
        notes=transfer["notes"],
    )


def transfer_reversed(gw: Gateway, reversal: Record, payment: Record | None) -> None:
    """Razorpay documents no row of a reversal: the simulator's has the reversal's identifier and type."""
    _post(
        gw,
        "reversal",
        str(reversal["id"]),
        amount=reversal["amount"],
        credit=reversal["amount"],
        payment=payment,
        available_at=None if payment is None else _with_its_payment(gw, payment),
        notes=reversal["notes"],
    )


def adjustment(
    gw: Gateway,
    *,
    debit: int = 0,
    credit: int = 0,
    description: str,
    payment: Record | None = None,
    dispute_id: str | None = None,
) -> None:
    """A correction: lost dispute, failed refund, failed transfer."""
    _post(
        gw,
        "adjustment",
        gw.ids.new("adj"),
        amount=debit or credit,
        debit=debit,
        credit=credit,
        payment=payment,
        available_at=None if payment is None else _with_its_payment(gw, payment),
        description=description,
        dispute_id=dispute_id,
        shows_payment=False,
    )


def balance_paise(gw: Gateway) -> int:
    """Everything not yet settled, net."""
    return sum(p["credit"] - p["debit"] for p in gw.each("postings") if p["settled_at"] is None)


def _with_its_payment(gw: Gateway, payment: Record) -> int:
    """A debit is not settled before the payment that it belongs to."""
    source = gw.books["postings"].get(str(payment["id"]))
    return gw.now() if source is None else max(gw.now(), int(source["available_at"]))
