"""Settlements and their reconciliation report.

What became available by the time of a run is paid out together, if the sum is positive; otherwise it waits
for the next run. Several settlements may reach the bank as one credit under one UTR. Source: Razorpay's
settlement cycle and "fetch settlement recon details".
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from checks.sandbox.razorpay import paging, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, collection, public
from checks.sandbox.razorpay.settlement_calendar import INDIA

MOST_PARTS = 10


def run(gw: Gateway, *, everything: bool = False, parts: int = 1) -> list[Record]:
    """Settles what is due (or `everything`), in `parts` settlements that share one UTR."""
    if not 1 <= parts <= MOST_PARTS:
        raise ControlError(f"split is between 1 and {MOST_PARTS}.")
    due = [
        posting
        for posting in gw.each("postings")
        if posting["settled_at"] is None and (everything or posting["available_at"] <= gw.now())
    ]
    utr = gw.ids.upper(16)
    made = [_settle(gw, rows, utr) for rows in _divided(due, parts)]
    _settle_transfers(gw)
    return [public(settlement) for settlement in made if settlement is not None]


def _divided(due: list[Record], parts: int) -> list[list[Record]]:
    """Splits into groups that are each worth something; one group if that cannot be done."""
    if parts == 1 or len(due) < parts:
        return [due]
    groups = [due[index::parts] for index in range(parts)]
    return groups if all(_net(group) > 0 for group in groups) else [due]


def _net(rows: list[Record]) -> int:
    return sum(row["credit"] - row["debit"] for row in rows)


def _settle(gw: Gateway, rows: list[Record], utr: str) -> Record | None:
    amount = _net(rows)
    if amount <= 0:
        return None
    settlement: Record = gw.keep(
        "settlements",
        {
            "id": gw.ids.new("setl"),
            "entity": "settlement",
            "amount": amount,
            "status": "processed",
            "fees": sum(row["fee"] for row in rows),
            "tax": sum(row["tax"] for row in rows),
            "utr": utr,
            "created_at": gw.now(),
        },
    )
    for row in rows:
        row["settled_at"] = gw.now()
        row["settlement_id"] = settlement["id"]
        row["settlement_utr"] = None if row["type"] == "adjustment" else utr
    webhooks.emit(gw, "settlement.processed", settlement=settlement)
    return settlement


def _settle_transfers(gw: Gateway) -> None:
    """Linked accounts get their transfers that are processed, due and not on hold."""
    paid_out: dict[str, str] = {}
    for transfer in gw.each("transfers"):
        until = transfer["on_hold_until"]
        if transfer["on_hold"] and until is not None and until <= gw.now():
            transfer["on_hold"] = False
        waiting = transfer["recipient_settlement_id"] is None and transfer["status"] == "processed"
        if waiting and not transfer["on_hold"] and transfer["_settles_at"] <= gw.now():
            recipient = str(transfer["recipient"])
            if recipient not in paid_out:
                paid_out[recipient] = gw.ids.new("setl")
            transfer["recipient_settlement_id"] = paid_out[recipient]
            transfer["settlement_status"] = "settled"


def fetch(gw: Gateway, settlement_id: str) -> Record:
    return public(gw.find("settlements", settlement_id))


def list_all(gw: Gateway, query: Mapping[str, str]) -> Record:
    return paging.page(gw.each("settlements"), query, most=gw.config.limits.page)


def recon(gw: Gateway, query: Mapping[str, str]) -> Record:
    """GET /v1/settlements/recon/combined: rows settled in a month, or on a day, of Asia/Kolkata."""
    year = _part(query, "year", 4, 4, "The year must be 4 digits.")
    month = _part(query, "month", 1, 2, "The month is not a valid month.")
    if not 1 <= month <= 12:
        raise ApiError("The month is not a valid month.", field="month")
    day = _part(query, "day", 1, 2, "The day must be between 1 and 2 digits.") if query.get("day") else None
    rows = [
        _row(posting)
        for posting in gw.each("postings")
        if posting["settled_at"] is not None and _settled_on(posting, year, month, day)
    ]
    limits = gw.config.limits
    return collection(rows[paging.window(query, most=limits.recon_page, default=paging.DEFAULT_COUNT)])


def _part(query: Mapping[str, str], name: str, shortest: int, longest: int, refusal: str) -> int:
    given = query.get(name, "")
    if not given:
        raise ApiError(f"The {name} field is required.", field=name)
    if not (given.isascii() and given.isdigit() and shortest <= len(given) <= longest):
        raise ApiError(refusal, field=name)
    return int(given)


def _settled_on(posting: Record, year: int, month: int, day: int | None) -> bool:
    settled = datetime.fromtimestamp(posting["settled_at"], tz=UTC).astimezone(INDIA).date()
    return (settled.year, settled.month) == (year, month) and day in (None, settled.day)


def _row(posting: Record) -> Record:
    """A recon row. An adjustment has no `credit_type`, and its UTR is null."""
    row: dict[str, Any] = {
        "entity_id": posting["id"],
        "type": posting["type"],
        "debit": posting["debit"],
        "credit": posting["credit"],
        "amount": posting["amount"],
        "currency": posting["currency"],
        "fee": posting["fee"],
        "tax": posting["tax"],
        "on_hold": False,
        "settled": True,
        "created_at": posting["created_at"],
        "settled_at": posting["settled_at"],
        "settlement_id": posting["settlement_id"],
        "posted_at": None,
    }
    if posting["type"] != "adjustment":
        row["credit_type"] = "default"
    shared = (
        "description notes payment_id settlement_utr order_id order_receipt method card_network card_issuer"
        " card_type dispute_id"
    )
    row.update({name: posting[name] for name in shared.split()})
    return row


def bank_statement(gw: Gateway) -> list[Record]:
    """What the merchant's bank shows: one credit per UTR, however many settlements it carries."""
    credits: dict[str, Record] = {}
    for settlement in gw.each("settlements"):
        line = credits.setdefault(
            str(settlement["utr"]),
            {"utr": settlement["utr"], "value_date": _day(settlement["created_at"]), "amount_paise": 0},
        )
        line["amount_paise"] += settlement["amount"]
    return list(credits.values())


def _day(unix: int) -> str:
    day: date = datetime.fromtimestamp(unix, tz=UTC).astimezone(INDIA).date()
    return day.isoformat()
