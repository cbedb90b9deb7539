"""A Razorpay account in memory: orders and payments, and faults on demand. Safe for threads."""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runtime.gateways.errors import GatewayUnavailable, raise_without_answer
from runtime.gateways.transport import HttpRequest, HttpResponse
from runtime.platform.clock import Clock
from tests.integration.payments.gateway_links import OPERATIONS as OF_LINKS
from tests.integration.payments.gateway_links import FakeLinks
from tests.integration.payments.gateway_transfers import OPERATIONS as OF_TRANSFERS
from tests.integration.payments.gateway_transfers import FakeTransfers

SERVER_ERROR = {"error": {"code": "SERVER_ERROR", "description": "We are facing some trouble."}}
REFUSED = {"error": {"code": "BAD_REQUEST_ERROR", "description": "Not that.", "reason": "input_invalid"}}


_OF_ORDERS = frozenset(
    {"find_order_by_receipt", "get_order", "list_order_payments", "create_recurring_payment"}
)


class Crashed(BaseException):
    """The process died here: nothing catches it, nothing after it runs."""


class FakeGateway:
    """The transport of a RazorpayClient, with an account behind it.

    ``plan("create_order", "timeout after")`` makes the next call of that operation fail so; several are
    used up one after the other. "before" and "after" say whether the call still had its effect.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._faults: dict[str, deque[str]] = defaultdict(deque)
        self.orders: list[dict[str, Any]] = []
        self.payments: dict[str, dict[str, Any]] = {}
        self.customers: dict[tuple[Any, Any], int] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.links = FakeLinks(clock)
        self.transfers = FakeTransfers(clock, self.payments)
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.refund_keys: list[str] = []
        self.captures: list[str] = []
        self.forgets_refund_keys = False
        self.recon_rows: dict[str, list[dict[str, Any]]] = {}
        self.settlements: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.on_create: Callable[[], None] = lambda: None
        self.debits: list[dict[str, Any]] = []
        """What came of recurring debits, in the order in which they were asked for."""
        self.debit_outcomes: deque[str | None] = deque()
        """What the bank answers to the next debits: None pays, ``created`` is silence, a reason declines."""

    def plan(self, operation: str, *faults: str) -> None:
        """The next calls of ``operation`` fail as ``faults`` say, one each."""
        self._faults[operation].extend(faults)

    def forget_faults(self) -> None:
        """The weather is fine again."""
        self._faults.clear()

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        with self._guard:
            self.calls.append(request.operation)
            faults = self._faults[request.operation]
            fault = faults.popleft() if faults else "none"
            if request.operation in ("create_order", "create_payment_link"):
                self.on_create()
            return self._send(request, fault)

    def _send(self, request: HttpRequest, fault: str) -> HttpResponse:
        kind, _, moment = fault.partition(" ")
        if kind == "429":
            return _answer(429, REFUSED, {"retry-after": "7"})
        if kind == "refused":
            raise GatewayUnavailable("NewConnectionError", gateway="razorpay", operation=request.operation)
        if kind == "400":
            return _answer(400, REFUSED)
        if kind == "says":
            return _answer(400, {"error": {"code": "BAD_REQUEST_ERROR", "description": moment}})
        response = None
        if moment != "before":
            response = self._applied(request)
        if kind == "crash":
            raise Crashed
        if kind == "timeout":
            raise_without_answer(
                "ReadTimeoutError",
                gateway="razorpay",
                operation=request.operation,
                changes_state=request.changes_state,
            )
        if kind == "500":
            return _answer(500, SERVER_ERROR)
        if kind == "502":
            return HttpResponse(502, {"content-type": "text/html"}, b"<html>502 Bad Gateway</html>")
        assert response is not None
        return response

    def _applied(self, request: HttpRequest) -> HttpResponse:
        if request.operation in OF_LINKS:
            return _answer(*self.links.apply(request))
        if request.operation in OF_TRANSFERS:
            return _answer(*self.transfers.apply(request))
        return self._apply(request)

    def _apply(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.target)
        if request.operation == "create_order":
            return _answer(200, self._create(json.loads(request.body or b"{}")))
        if request.operation == "get_payment":
            payment = self.payments.get(parts.path.rpartition("/")[2])
            return _answer(400, REFUSED) if payment is None else _answer(200, payment)
        if request.operation in ("get_refund", "get_dispute", "get_settlement"):
            return self._one(request.operation, parts.path.rpartition("/")[2])
        if request.operation in _OF_ORDERS:
            return self._of_orders(request)
        if request.operation in ("list_recon", "list_settlements"):
            return self._settled(request.operation, parse_qs(parts.query))
        if request.operation == "create_customer":
            return _answer(200, self._customer(json.loads(request.body or b"{}")))
        if request.operation in ("get_token", "delete_token", "cancel_token"):
            return self._token(request.operation, parts.path)
        return self._money(request)

    def _one(self, operation: str, name: str) -> HttpResponse:
        """One refund, dispute or settlement by its identifier."""
        every = {
            "get_refund": self.refunds.values(),
            "get_dispute": self.disputes.values(),
            "get_settlement": self.settlements,
        }[operation]
        found = next((each for each in every if each["id"] == name), None)
        return _answer(400, REFUSED) if found is None else _answer(200, found)

    def _money(self, request: HttpRequest) -> HttpResponse:
        """What takes or gives back the money of a payment."""
        parts = urlsplit(request.target)
        if request.operation == "capture_payment":
            payment_id = parts.path.removesuffix("/capture").rpartition("/")[2]
            return self._capture(payment_id, json.loads(request.body or b"{}"))
        if request.operation == "create_refund":
            payment_id = parts.path.removesuffix("/refund").rpartition("/")[2]
            key = request.headers["X-Refund-Idempotency"]
            return self._refund(payment_id, json.loads(request.body or b"{}"), key)
        if request.operation == "list_payment_refunds":
            payment_id = parts.path.removesuffix("/refunds").rpartition("/")[2]
            query = parse_qs(parts.query)
            skip, count = int(query["skip"][0]), int(query["count"][0])
            of_it = [each for each in self.refunds.values() if each["payment_id"] == payment_id]
            page = of_it[skip : skip + count]
            return _answer(200, {"entity": "collection", "count": len(page), "items": page})
        raise AssertionError(f"the fake knows no {request.operation}")

    def _of_orders(self, request: HttpRequest) -> HttpResponse:
        """What is asked about an order that there is, or for it."""
        parts = urlsplit(request.target)
        if request.operation == "create_recurring_payment":
            return self._debit(json.loads(request.body or b"{}"))
        if request.operation == "find_order_by_receipt":
            receipt = parse_qs(parts.query)["receipt"][0]
            found = [order for order in reversed(self.orders) if order["receipt"] == receipt]
            return _collection(found)
        order_id = parts.path.split("/")[3]
        if request.operation == "get_order":
            order = next((one for one in self.orders if one["id"] == order_id), None)
            return _answer(400, REFUSED) if order is None else _answer(200, order)
        found = [payment for payment in self.payments.values() if payment["order_id"] == order_id]
        return _collection(found)

    def _settled(self, operation: str, query: dict[str, list[str]]) -> HttpResponse:
        """A page of what is settled: rows of a day, or settlements between two moments."""
        asked = {name: int(values[0]) for name, values in query.items()}
        if operation == "list_recon":
            found = self.recon_rows.get(f"{asked['year']}-{asked['month']:02}-{asked['day']:02}", [])
        else:
            found = [each for each in self.settlements if asked["from"] <= each["created_at"] <= asked["to"]]
        return _collection(found[asked["skip"] : asked["skip"] + asked["count"]])

    def _create(self, fields: dict[str, Any]) -> dict[str, Any]:
        order: dict[str, Any] = {
            "id": f"order_{len(self.orders):014d}",
            "entity": "order",
            "amount": fields["amount"],
            "currency": fields["currency"],
            "receipt": fields["receipt"],
            "status": "created",
            "created_at": int(self._clock.now().timestamp()),
            "notes": [],
        }
        if "notification" in fields:
            order["notification"] = fields["notification"] | {
                "id": f"notification_{len(self.orders):014d}",
                "order_id": order["id"],
                "status": "created",
                "delivered_at": None,
            }
        asked = ("method", "customer_id", "token", "payment")
        order |= {name: fields[name] for name in asked if name in fields}
        self.orders.append(order)
        return order

    def _debit(self, fields: dict[str, Any]) -> HttpResponse:
        """A debit without the payer: like the gateway, the same call again makes another."""
        outcome = self.debit_outcomes.popleft() if self.debit_outcomes else None
        if outcome == "refused":
            return _answer(400, REFUSED)
        status = {None: "captured", "created": "created"}.get(outcome, "failed")
        payment_id = f"pay_Debit{len(self.debits):09d}"
        made = gateway_payment(payment_id, fields["order_id"], status=status, amount=fields["amount"])
        made |= {
            "token_id": fields["token"],
            "customer_id": fields["customer_id"],
            "created_at": int(self._clock.now().timestamp()),
        }
        if status == "failed":
            made |= {"error_reason": outcome, "error_source": "issuer_bank"}
        self.payments[payment_id] = made
        self.debits.append(made)
        return _answer(200, {"razorpay_payment_id": payment_id})

    def deliver_notice(self, order_id: str, status: str = "delivered") -> dict[str, Any]:
        """The notice of an order as it stands once the bank has told the payer, or could not."""
        (order,) = [one for one in self.orders if one["id"] == order_id]
        order["notification"]["status"] = status
        if status == "delivered":
            order["notification"]["delivered_at"] = int(self._clock.now().timestamp())
        notification: dict[str, Any] = order["notification"]
        return notification

    def _customer(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The customer with this e-mail and telephone number, made at the first call (``fail_existing``)."""
        known = (fields.get("email"), fields.get("contact"))
        number = self.customers.setdefault(known, len(self.customers))
        return {"id": f"cust_{number:014d}", "entity": "customer"}

    def _capture(self, payment_id: str, fields: dict[str, Any]) -> HttpResponse:
        """The whole authorisation, once."""
        payment = self.payments[payment_id]
        if payment["status"] == "captured":
            return _refused("This payment has already been captured")
        if payment["status"] != "authorized":
            return _refused("Only payments which have been authorized and not yet captured can be captured")
        if fields["amount"] != payment["amount"]:
            return _refused("Capture amount must be equal to the amount authorized.")
        payment |= {"status": "captured", "captured": True, "fee": 1_062, "tax": 162}
        self.captures.append(payment_id)
        return _answer(200, payment)

    def _refund(self, payment_id: str, fields: dict[str, Any], key: str) -> HttpResponse:
        """A refund, once for a key, never more than is left (Razorpay's words where it is)."""
        self.refund_keys.append(key)
        if key in self.refunds and not self.forgets_refund_keys:
            return _answer(200, self.refunds[key])
        payment = self.payments[payment_id]
        if payment["amount_refunded"] == payment["amount"]:
            return _refused("The payment has been fully refunded already.")
        if payment["amount_refunded"] + fields["amount"] > payment["amount"]:
            return _refused("The refund amount provided is greater than amount captured.")
        payment["amount_refunded"] += fields["amount"]
        self.refunds[key] = {
            "id": f"rfnd_{len(self.refunds):014d}",
            "entity": "refund",
            "amount": fields["amount"],
            "currency": payment["currency"],
            "payment_id": payment_id,
            "receipt": fields.get("receipt"),
            "notes": [],
            "acquirer_data": {"arn": None},
            "status": "pending",
            "speed_requested": fields["speed"],
            "speed_processed": "normal",
            "created_at": int(self._clock.now().timestamp()),
        }
        return _answer(200, self.refunds[key])

    def _token(self, operation: str, path: str) -> HttpResponse:
        token_id = path.removesuffix("/cancel").rpartition("/")[2]
        token = self.tokens.get(token_id)
        if token is None:
            return _answer(400, REFUSED)
        if operation == "delete_token":
            del self.tokens[token_id]
            return _answer(200, {"deleted": True})
        return _answer(200, {"status": "cancellation_initiated"} if operation == "cancel_token" else token)

    def pay(self, order_id: str, payment_id: str, **changes: Any) -> dict[str, Any]:
        """An attempt to pay an order in its currency, captured unless ``changes`` say otherwise."""
        (order,) = [order for order in self.orders if order["id"] == order_id]
        asked = {"amount": order["amount"], "currency": order["currency"]}
        payment = gateway_payment(payment_id, order_id, **asked | changes)
        self.payments[payment_id] = payment
        return payment


def gateway_payment(payment_id: str, order_id: str | None, **changes: Any) -> dict[str, Any]:
    """A payment as Razorpay describes it: captured by UPI, unless ``changes`` say otherwise."""
    status = changes.get("status", "captured")
    charged = status in ("captured", "refunded")
    return {
        "id": payment_id,
        "entity": "payment",
        "amount": 45_000,
        "currency": "INR",
        "status": status,
        "order_id": order_id,
        "invoice_id": None,
        "international": False,
        "method": "upi",
        "amount_refunded": 0,
        "refund_status": None,
        "captured": charged,
        "description": None,
        "card_id": None,
        "bank": None,
        "wallet": None,
        "vpa": "ravi.kumar@okhdfc",
        "email": "ravi@example.com",
        "contact": "+919000090000",
        "notes": [],
        "fee": 1_062 if charged else None,
        "tax": 162 if charged else None,
        "error_code": "BAD_REQUEST_ERROR" if status == "failed" else None,
        "error_description": "Payment was cancelled" if status == "failed" else None,
        "error_source": "customer" if status == "failed" else None,
        "error_step": "payment_authentication" if status == "failed" else None,
        "error_reason": "payment_cancelled" if status == "failed" else None,
        "acquirer_data": {"rrn": "403993715504"},
        "created_at": 1_775_025_000,
    } | changes


def _refused(description: str) -> HttpResponse:
    return _answer(400, {"error": {"code": "BAD_REQUEST_ERROR", "description": description}})


def _collection(items: list[dict[str, Any]]) -> HttpResponse:
    return _answer(200, {"entity": "collection", "count": len(items), "items": items})


def _answer(status: int, value: object, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        status, {"content-type": "application/json", **(headers or {})}, json.dumps(value).encode()
    )
