"""Which call of the API does what. Paths and methods are Razorpay's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from werkzeug.routing import Map, Rule

from checks.sandbox.razorpay import (
    customers,
    disputes,
    downtimes,
    methods,
    orders,
    payment_links,
    payments,
    recurring,
    refunds,
    settlements,
    tokens,
    transfers,
)
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.idempotency import REFUND_RULE, TRANSFER_RULE, KeyRule
from checks.sandbox.razorpay.records import Record


@dataclass(frozen=True)
class Call:
    """One request, taken apart. `ids` are the parts of the path that vary."""

    body: Record
    query: Mapping[str, str]
    expand: frozenset[str]
    ids: Mapping[str, str]


@dataclass(frozen=True)
class Endpoint:
    """`serve` runs under the gateway's lock. `idempotency` is None where Razorpay has no such header."""

    serve: Callable[[Gateway, Call], Record]
    idempotency: KeyRule | None = None
    key_only: bool = False


Serve = Callable[[Gateway, Call], Record]

_CALLS: tuple[tuple[str, str, Serve], ...] = (
    ("POST", "/v1/orders", lambda gw, c: orders.create(gw, c.body)),
    ("GET", "/v1/orders", lambda gw, c: orders.list_all(gw, c.query, c.expand)),
    ("GET", "/v1/orders/<id>", lambda gw, c: orders.fetch(gw, c.ids["id"], c.expand)),
    ("PATCH", "/v1/orders/<id>", lambda gw, c: orders.edit(gw, c.ids["id"], c.body)),
    (
        "GET",
        "/v1/orders/<id>/payments",
        lambda gw, c: orders.list_payments(gw, c.ids["id"], card="card" in c.expand),
    ),
    ("GET", "/v1/payments", lambda gw, c: payments.list_all(gw, c.query, c.expand)),
    ("POST", "/v1/payments/create/recurring", lambda gw, c: recurring.create(gw, c.body)),
    ("POST", "/v1/payments/validate/vpa", lambda gw, c: methods.validate_vpa(c.body)),
    ("GET", "/v1/payments/downtimes", lambda gw, c: downtimes.list_open(gw)),
    ("GET", "/v1/payments/downtimes/<id>", lambda gw, c: downtimes.fetch(gw, c.ids["id"])),
    ("GET", "/v1/payments/<id>", lambda gw, c: payments.fetch(gw, c.ids["id"], c.expand)),
    ("PATCH", "/v1/payments/<id>", lambda gw, c: payments.edit(gw, c.ids["id"], c.body)),
    ("GET", "/v1/payments/<id>/card", lambda gw, c: payments.card_of(gw, c.ids["id"])),
    ("POST", "/v1/payments/<id>/capture", lambda gw, c: payments.capture(gw, c.ids["id"], c.body)),
    ("GET", "/v1/payments/<id>/refunds", lambda gw, c: refunds.of_payment(gw, c.ids["id"], c.query)),
    (
        "GET",
        "/v1/payments/<id>/refunds/<refund>",
        lambda gw, c: refunds.one_of_payment(gw, c.ids["id"], c.ids["refund"]),
    ),
    ("POST", "/v1/payments/<id>/transfers", lambda gw, c: transfers.from_payment(gw, c.ids["id"], c.body)),
    ("GET", "/v1/payments/<id>/transfers", lambda gw, c: transfers.of_payment(gw, c.ids["id"])),
    ("GET", "/v1/cards/<id>", lambda gw, c: methods.card(gw, c.ids["id"])),
    ("GET", "/v1/refunds", lambda gw, c: refunds.list_all(gw, c.query)),
    ("GET", "/v1/refunds/<id>", lambda gw, c: refunds.fetch(gw, c.ids["id"])),
    ("PATCH", "/v1/refunds/<id>", lambda gw, c: refunds.edit(gw, c.ids["id"], c.body)),
    ("POST", "/v1/customers", lambda gw, c: customers.create(gw, c.body)),
    ("GET", "/v1/customers", lambda gw, c: customers.list_all(gw, c.query)),
    ("GET", "/v1/customers/<id>", lambda gw, c: customers.fetch(gw, c.ids["id"])),
    ("PUT", "/v1/customers/<id>", lambda gw, c: customers.edit(gw, c.ids["id"], c.body)),
    ("GET", "/v1/customers/<id>/tokens", lambda gw, c: tokens.list_of_customer(gw, c.ids["id"], c.query)),
    (
        "GET",
        "/v1/customers/<id>/tokens/<token>",
        lambda gw, c: tokens.fetch(gw, c.ids["id"], c.ids["token"]),
    ),
    (
        "DELETE",
        "/v1/customers/<id>/tokens/<token>",
        lambda gw, c: tokens.delete_of_customer(gw, c.ids["id"], c.ids["token"]),
    ),
    (
        "PUT",
        "/v1/customers/<id>/tokens/<token>/cancel",
        lambda gw, c: tokens.ask_to_cancel(gw, c.ids["id"], c.ids["token"]),
    ),
    ("POST", "/v1/tokens/fetch", lambda gw, c: tokens.fetch_by_body(gw, c.body)),
    ("POST", "/v1/tokens/delete", lambda gw, c: tokens.delete_by_body(gw, c.body)),
    ("POST", "/v1/payment_links", lambda gw, c: payment_links.create(gw, c.body)),
    ("GET", "/v1/payment_links", lambda gw, c: payment_links.list_all(gw, c.query)),
    ("GET", "/v1/payment_links/<id>", lambda gw, c: payment_links.fetch(gw, c.ids["id"])),
    ("PATCH", "/v1/payment_links/<id>", lambda gw, c: payment_links.edit(gw, c.ids["id"], c.body)),
    ("POST", "/v1/payment_links/<id>/cancel", lambda gw, c: payment_links.cancel(gw, c.ids["id"])),
    (
        "POST",
        "/v1/payment_links/<id>/notify_by/<medium>",
        lambda gw, c: payment_links.notify(gw, c.ids["id"], c.ids["medium"]),
    ),
    ("GET", "/v1/transfers", lambda gw, c: transfers.list_all(gw, c.query)),
    ("GET", "/v1/transfers/<id>", lambda gw, c: transfers.fetch(gw, c.ids["id"])),
    ("PATCH", "/v1/transfers/<id>", lambda gw, c: transfers.edit(gw, c.ids["id"], c.body)),
    ("POST", "/v1/transfers/<id>/reversals", lambda gw, c: transfers.reverse(gw, c.ids["id"], c.body)),
    ("GET", "/v1/transfers/<id>/reversals", lambda gw, c: transfers.reversals_of(gw, c.ids["id"])),
    ("GET", "/v1/settlements", lambda gw, c: settlements.list_all(gw, c.query)),
    ("GET", "/v1/settlements/recon/combined", lambda gw, c: settlements.recon(gw, c.query)),
    ("GET", "/v1/settlements/<id>", lambda gw, c: settlements.fetch(gw, c.ids["id"])),
    ("GET", "/v1/disputes", lambda gw, c: disputes.list_all(gw, c.query, c.expand)),
    ("GET", "/v1/disputes/<id>", lambda gw, c: disputes.fetch(gw, c.ids["id"], c.expand)),
    ("POST", "/v1/disputes/<id>/accept", lambda gw, c: disputes.accept(gw, c.ids["id"], c.body)),
    ("PATCH", "/v1/disputes/<id>/contest", lambda gw, c: disputes.contest(gw, c.ids["id"], c.body)),
)


def _refund(gw: Gateway, call: Call) -> Record:
    return refunds.create(gw, call.ids["id"], call.body)


def _refund_by_body(gw: Gateway, call: Call) -> Record:
    """POST /v1/refunds, which the SDK offers as `refund.create`, with `payment_id` in the body."""
    body = dict(call.body)
    return refunds.create(gw, str(body.pop("payment_id", "")), body)


def _direct_transfer(gw: Gateway, call: Call) -> Record:
    return transfers.direct(gw, call.body)


@cache
def url_map() -> Map:
    """All rules, compiled once; a trailing slash makes no difference."""
    rules = [Rule(path, methods=[method], endpoint=Endpoint(serve)) for method, path, serve in _CALLS]
    rules += [
        Rule("/v1/payments/<id>/refund", methods=["POST"], endpoint=Endpoint(_refund, REFUND_RULE)),
        Rule("/v1/refunds", methods=["POST"], endpoint=Endpoint(_refund_by_body, REFUND_RULE)),
        Rule("/v1/transfers", methods=["POST"], endpoint=Endpoint(_direct_transfer, TRANSFER_RULE)),
        Rule("/v1/methods", methods=["GET"], endpoint=Endpoint(lambda gw, c: methods.shown(), key_only=True)),
        Rule("/methods", methods=["GET"], endpoint=Endpoint(lambda gw, c: methods.shown(), key_only=True)),
    ]
    return Map(rules, strict_slashes=False)
