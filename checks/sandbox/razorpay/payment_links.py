"""Payment links: created -> partially_paid -> paid, or cancelled, or expired.

A link has one order behind it; with `accept_partial` the customer may pay in parts. After a payment the
customer is sent to `callback_url` with a signature. Source: Razorpay's payment link API.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from checks.sandbox.razorpay import orders, paging, payments, signatures, validation, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.instruments import Instrument
from checks.sandbox.razorpay.records import Record, public

EXPIRE_JOB = "link.expire"
REMIND_JOB = "link.remind"
MEMBERS = frozenset(
    [
        "amount",
        "currency",
        "accept_partial",
        "first_min_partial_amount",
        "expire_by",
        "reference_id",
        "description",
        "customer",
        "notify",
        "reminder_enable",
        "notes",
        "callback_url",
        "callback_method",
        "upi_link",
        "options",
    ]
)
EDITABLE = frozenset({"reference_id", "expire_by", "reminder_enable", "notes", "accept_partial"})
OPEN = frozenset({"created", "partially_paid"})
MEDIUMS = frozenset({"sms", "email"})
SOONEST_EXPIRY_SECONDS = 15 * 60


def create(gw: Gateway, body: Record) -> Record:
    """POST /v1/payment_links."""
    if set(body) - MEMBERS:
        raise ApiError("wrong input fields sent.")
    if validation.flag(body.get("upi_link")):
        raise ApiError(
            "UPI Payment Links is not supported in Test Mode. Please experience the product in Live Mode."
        )
    if body.get("callback_url") and body.get("callback_method") != "get":
        raise ApiError("callback_method must be get when callback_url is given.", field="callback_method")
    link = gw.keep("payment_links", _new_link(gw, body))
    ends_at = link["expire_by"] or gw.now() + gw.config.timings.link_life_seconds
    gw.at(ends_at, EXPIRE_JOB, link_id=link["id"])
    if link["reminder_enable"]:
        gw.later(gw.config.timings.link_reminder_seconds, REMIND_JOB, link_id=link["id"])
    return show(link)


def _new_link(gw: Gateway, body: Record) -> Record:
    amount = validation.amount_paise(gw, body)
    accept_partial = validation.flag(body.get("accept_partial"))
    notify, customer = body.get("notify") or {}, body.get("customer") or {}
    if not isinstance(notify, dict) or not isinstance(customer, dict):
        raise ApiError("wrong input fields sent.")
    reminded = validation.flag(body.get("reminder_enable"))
    return {
        "accept_partial": accept_partial,
        "amount": amount,
        "amount_paid": 0,
        "callback_method": str(body.get("callback_method") or ""),
        "callback_url": str(body.get("callback_url") or ""),
        "cancelled_at": 0,
        "created_at": gw.now(),
        "currency": validation.currency(gw, body, default="INR"),
        "customer": {name: customer[name] for name in ("name", "email", "contact") if name in customer},
        "description": validation.text(body, "description", longest=2048) or "",
        "expire_by": _expire_by(gw, body),
        "expired_at": 0,
        "first_min_partial_amount": _first_part(body, amount, accept_partial),
        "id": gw.ids.new("plink"),
        "notes": validation.notes(body),
        "notify": {name: validation.flag(notify.get(name)) for name in ("email", "sms", "whatsapp")},
        "payments": None,
        "reference_id": _reference_id(gw, body, None),
        "reminder_enable": reminded,
        "reminders": {"status": "pending" if reminded else "failed"},
        "short_url": f"https://rzp.io/rzp/{gw.ids.bare()[:8]}",
        "status": "created",
        "updated_at": gw.now(),
        "upi_link": False,
        "user_id": "",
        "whatsapp_link": False,
        "_order_id": None,
    }


def _first_part(body: Record, amount: int, accept_partial: bool) -> int:
    """The least that a first part may be; only with `accept_partial`."""
    first = validation.whole_number(body.get("first_min_partial_amount") or 0, "first_min_partial_amount")
    if first > amount or (first and not accept_partial):
        raise ApiError("The first_min_partial_amount is invalid.", field="first_min_partial_amount")
    return first


def _reference_id(gw: Gateway, body: Record, own_id: str | None) -> str:
    reference_id = validation.text(body, "reference_id", longest=40) or ""
    for other in gw.each("payment_links"):
        if reference_id and other["reference_id"] == reference_id and other["id"] != own_id:
            raise ApiError("payment link creation with reference ID already attempted", field="reference_id")
    return reference_id


def _expire_by(gw: Gateway, body: Record) -> int:
    if not body.get("expire_by"):
        return 0
    expire_by = validation.whole_number(body["expire_by"], "expire_by")
    if expire_by < gw.now() + SOONEST_EXPIRY_SECONDS:
        raise ApiError("timestamp must be atleast 15 minutes in future", field="expire_by")
    if expire_by > gw.now() + gw.config.timings.link_life_seconds:
        raise ApiError("The expire_by cannot exceed six months from now.", field="expire_by")
    return expire_by


def show(link: Record) -> Record:
    shown = public(link)
    if link["_order_id"] is not None:
        shown["order_id"] = link["_order_id"]
    return shown


def fetch(gw: Gateway, link_id: str) -> Record:
    return show(gw.find("payment_links", link_id))


def list_all(gw: Gateway, query: Mapping[str, str]) -> Record:
    """GET /v1/payment_links: under `payment_links`, not a collection."""
    wanted: Any = gw.each("payment_links")
    if query.get("reference_id"):
        wanted = [link for link in wanted if link["reference_id"] == query["reference_id"]]
    if query.get("payment_id"):
        wanted = [
            link
            for link in wanted
            if any(paid["payment_id"] == query["payment_id"] for paid in link["payments"] or [])
        ]
    return {"payment_links": paging.page(wanted, query, most=gw.config.limits.page, show=show)["items"]}


def edit(gw: Gateway, link_id: str, body: Record) -> Record:
    """PATCH /v1/payment_links/:id while it is open."""
    link = gw.find("payment_links", link_id)
    if link["status"] not in OPEN:
        raise ApiError("update can only be made in created or partially paid state")
    if set(body) - EDITABLE:
        raise ApiError("wrong input fields sent.")
    changes: Record = {"updated_at": gw.now()}
    if "reference_id" in body:
        changes["reference_id"] = _reference_id(gw, body, link_id)
    if "expire_by" in body:
        changes["expire_by"] = _expire_by(gw, body)
    if "notes" in body:
        changes["notes"] = validation.notes(body)
    for name in ("reminder_enable", "accept_partial"):
        if name in body:
            changes[name] = validation.flag(body[name])
    link.update(changes)
    if changes.get("expire_by"):
        gw.at(int(changes["expire_by"]), EXPIRE_JOB, link_id=link_id)
    return show(link)


def cancel(gw: Gateway, link_id: str) -> Record:
    """POST /v1/payment_links/:id/cancel, only while nothing was paid."""
    link = gw.find("payment_links", link_id)
    if link["status"] in {"paid", "partially_paid"}:
        raise ApiError("cannot cancel or expire an already paid/partially paid link")
    if link["status"] != "created":
        raise ApiError("cannot cancel or expire an expired link")
    link.update(status="cancelled", cancelled_at=gw.now(), updated_at=gw.now())
    link["reminders"] = {"status": "failed"}
    webhooks.emit(gw, "payment_link.cancelled", payment_link=link)
    return show(link)


def notify(gw: Gateway, link_id: str, medium: str) -> Record:
    """POST /v1/payment_links/:id/notify_by/:medium."""
    link = gw.find("payment_links", link_id)
    if medium not in MEDIUMS:
        raise ApiError("not a valid notification medium")
    if link["status"] not in OPEN:
        raise ApiError(f"cannot send a notification for a link that is {link['status']}")
    return {"success": True}


def expire(gw: Gateway, args: Record) -> None:
    link = gw.find("payment_links", str(args["link_id"]))
    over = not link["expire_by"] or link["expire_by"] <= gw.now()
    if link["status"] in OPEN and over:
        link.update(status="expired", expired_at=gw.now(), updated_at=gw.now())
        link["reminders"] = {"status": "failed"}
        webhooks.emit(gw, "payment_link.expired", payment_link=link)


def remind(gw: Gateway, args: Record) -> None:
    link = gw.find("payment_links", str(args["link_id"]))
    if link["status"] in OPEN and link["reminder_enable"]:
        link["reminders"] = {"status": "in_progress"}


def pay(
    gw: Gateway,
    link_id: str,
    instrument: Instrument,
    *,
    amount_paise: int | None,
    contact: str,
    email: str,
) -> Record:
    """The customer pays the link, wholly or in part. Answers with what the callback carries."""
    link = gw.find("payment_links", link_id)
    if link["status"] not in OPEN:
        raise ControlError(f"The payment link is {link['status']}; nothing can be paid on it.")
    left = link["amount"] - link["amount_paid"]
    amount = left if amount_paise is None else amount_paise
    first = link["first_min_partial_amount"] if link["amount_paid"] == 0 else 0
    if not max(first, 1) <= amount <= left or (amount < left and not link["accept_partial"]):
        raise ControlError(f"This link takes {left} paise{' or less' if link['accept_partial'] else ''} now.")
    order = _order_behind(gw, link)
    payment = payments.open_payment(
        gw,
        order=order,
        amount_paise=amount,
        instrument=instrument,
        contact=contact,
        email=email,
        description=f"#{link_id.removeprefix('plink_')}",
        notes=link["notes"],
    )
    if instrument.outcome == "pending":
        payments.await_bank(gw, payment)
        return {"payment_id": payment["id"], "status": "created"}
    if instrument.reason is not None:
        payments.fail(gw, payment, instrument.reason)
        return {"payment_id": payment["id"], "status": "failed", "error_reason": instrument.reason}
    payments.authorise(gw, payment)
    note_payment(gw, link, order, payment)
    return callback(gw, link, payment)


def _order_behind(gw: Gateway, link: Record) -> Record:
    if link["_order_id"] is None:
        made = orders.create(
            gw,
            {
                "amount": link["amount"],
                "currency": link["currency"],
                "receipt": link["reference_id"] or None,
                "payment_capture": True,
                "partial_payment": link["accept_partial"],
                "notes": link["notes"],
            },
        )
        link["_order_id"] = made["id"]
    order = gw.find("orders", str(link["_order_id"]))
    order["_link_id"] = link["id"]
    return order


def note_payment(gw: Gateway, link: Record, order: Record, payment: Record) -> None:
    """A payment of the link was captured."""
    link["amount_paid"] += payment["amount"]
    link["payments"] = [
        *(link["payments"] or []),
        {
            "amount": payment["amount"],
            "created_at": payment["created_at"],
            "method": payment["method"],
            "payment_id": payment["id"],
            "plink_id": link["id"],
            "status": "captured",
            "updated_at": gw.now(),
        },
    ]
    whole = link["amount_paid"] >= link["amount"]
    link.update(status="paid" if whole else "partially_paid", updated_at=gw.now())
    entity = {**link, "order_id": link["_order_id"]}
    event = "payment_link.paid" if whole else "payment_link.partially_paid"
    webhooks.emit(gw, event, payment_link=entity, order=order, payment=payment)


def callback(gw: Gateway, link: Record, payment: Record) -> Record:
    """The query of the redirect to `callback_url`, and the whole URL where the link has one."""
    values = {
        "razorpay_payment_id": payment["id"],
        "razorpay_payment_link_id": link["id"],
        "razorpay_payment_link_reference_id": link["reference_id"],
        "razorpay_payment_link_status": link["status"],
        "razorpay_signature": signatures.payment_link(
            gw, str(link["id"]), str(link["reference_id"]), str(link["status"]), str(payment["id"])
        ),
    }
    url = link["callback_url"]
    redirect = f"{url}{'&' if '?' in url else '?'}{urlencode(values)}" if url else None
    return {**values, "callback": redirect}
