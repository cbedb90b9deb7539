"""Customers: unique by contact and e-mail; `fail_existing: "0"` answers with the one that exists."""

from collections.abc import Mapping

from checks.sandbox.razorpay import paging, validation
from checks.sandbox.razorpay.errors import ApiError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, public

EXISTS = "Customer already exists for the merchant"
MEMBERS = frozenset({"name", "email", "contact", "gstin", "notes", "fail_existing"})


def create(gw: Gateway, body: Record) -> Record:
    """POST /v1/customers."""
    validation.only_known(body, MEMBERS)
    customer: Record = {
        "id": gw.ids.new("cust"),
        "entity": "customer",
        "name": validation.text(body, "name", longest=50),
        "email": validation.text(body, "email", longest=64),
        "contact": validation.text(body, "contact", longest=15),
        "gstin": validation.text(body, "gstin", longest=15),
        "notes": validation.notes(body),
        "created_at": gw.now(),
    }
    existing = _same(gw, customer)
    if existing is not None:
        if str(body.get("fail_existing", "1")) != "0":
            raise ApiError(EXISTS)
        return show(gw, existing)
    return show(gw, gw.keep("customers", customer))


def _same(gw: Gateway, customer: Record) -> Record | None:
    """Another customer with the same e-mail and contact."""
    for other in gw.each("customers"):
        same = all(other[name] == customer[name] for name in ("email", "contact"))
        if same and other["id"] != customer["id"]:
            return other
    return None


def show(gw: Gateway, customer: Record) -> Record:
    shown = public(customer)
    if "customer_created_at_space" in gw.quirks:
        shown["created_at "] = shown.pop("created_at")
    return shown


def fetch(gw: Gateway, customer_id: str) -> Record:
    return show(gw, gw.find("customers", customer_id))


def list_all(gw: Gateway, query: Mapping[str, str]) -> Record:
    return paging.page(
        gw.each("customers"), query, most=gw.config.limits.page, show=lambda customer: show(gw, customer)
    )


def edit(gw: Gateway, customer_id: str, body: Record) -> Record:
    """PUT /v1/customers/:id: name, email, contact; notes cannot be changed."""
    customer = gw.find("customers", customer_id)
    validation.only_known(body, frozenset({"name", "email", "contact"}))
    changed = dict(customer)
    for name, longest in (("name", 50), ("email", 64), ("contact", 15)):
        if name in body:
            changed[name] = validation.text(body, name, longest=longest)
    if _same(gw, changed) is not None:
        raise ApiError(EXISTS)
    customer.update(changed)
    return show(gw, customer)
