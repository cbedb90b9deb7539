"""The platform's Razorpay client against the Razorpay simulator, each written without the other."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from checks.sandbox.razorpay import RazorpaySimulator, SimulatorClock
from runtime.gateways.breaker import CircuitBreaker
from runtime.gateways.errors import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Order, Payment
from runtime.gateways.razorpay.requests import CaptureOptions
from runtime.gateways.razorpay.signatures import checkout_signature_is_valid, webhook_signature_is_valid
from runtime.gateways.razorpay.webhooks import parse_event
from runtime.platform.clock import IST, SystemClock

KEY_ID, KEY_SECRET = "rzp_test_gateway0001", "key-secret-of-the-tests"
WEBHOOK_SECRET = "webhook-secret-of-the-tests"
MONDAY_NOON = 1_767_594_600
RECEIPT = "pmt_01ARZ3NDEKTSV4RRFFQ69G5FAV"
UPI = {"method": "upi", "vpa": "success@razorpay"}
MANUAL = CaptureOptions("manual", manual_expiry_minutes=60)
AUTOMATIC = CaptureOptions("automatic", automatic_expiry_minutes=60)


@pytest.fixture
def sim() -> Iterator[RazorpaySimulator]:
    with RazorpaySimulator(
        key_id=KEY_ID,
        key_secret=KEY_SECRET,
        webhook_secret=WEBHOOK_SECRET,
        seed=7,
        clock=SimulatorClock(frozen_at=MONDAY_NOON),
    ) as simulator:
        yield simulator


@pytest.fixture
def client(sim: RazorpaySimulator) -> RazorpayClient:
    return client_of(sim.url)


def client_of(url: str, *, deadline_ms: int = 5_000, key_secret: str = KEY_SECRET) -> RazorpayClient:
    clock = SystemClock()
    return RazorpayClient(
        key_id=KEY_ID,
        key_secret=key_secret,
        clock=clock,
        base_url=url,
        deadline_ms=deadline_ms,
        breaker=CircuitBreaker(gateway="razorpay", clock=clock, failures_max=1_000),
    )


def ordered(
    client: RazorpayClient, *, amount_paise: int = 50_000, capture: CaptureOptions = AUTOMATIC
) -> Order:
    return client.create_order(
        amount_paise=amount_paise, currency="INR", receipt=RECEIPT, notes={"school": "s1"}, capture=capture
    )


@pytest.fixture
def pay(sim: RazorpaySimulator, client: RazorpayClient) -> Callable[..., Payment]:
    """A payment of an order: captured, or authorised only."""

    def paid(*, amount_paise: int = 50_000, capture: CaptureOptions = AUTOMATIC) -> Payment:
        order = ordered(client, amount_paise=amount_paise, capture=capture)
        answer = sim.control.checkout(order.id, UPI)
        assert checkout_signature_is_valid(
            order_id=order.id,
            payment_id=answer["razorpay_payment_id"],
            signature=answer["razorpay_signature"],
            key_secret=KEY_SECRET,
        )
        return client.get_payment(answer["razorpay_payment_id"])

    return paid


def test_an_order_is_created_found_and_fetched(client: RazorpayClient) -> None:
    order = ordered(client)
    assert (order.amount, order.amount_due, order.status, order.receipt) == (
        50_000,
        50_000,
        "created",
        RECEIPT,
    )
    assert order.notes == {"school": "s1"}
    assert client.get_order(order.id) == client.find_order_by_receipt(RECEIPT) == order
    assert client.find_order_by_receipt("another") is None
    assert client.list_order_payments(order.id) == ()


def test_a_payment_is_authorised_captured_and_refunded_in_parts(
    client: RazorpayClient, pay: Callable[..., Payment]
) -> None:
    authorised = pay(capture=MANUAL)
    assert (authorised.status, authorised.fee) == ("authorized", None)
    with pytest.raises(GatewayRejected) as caught:
        client.capture_payment(authorised.id, amount_paise=20_000, currency="INR")
    assert caught.value.status == 400
    captured = client.capture_payment(authorised.id, amount_paise=50_000, currency="INR")
    assert (captured.status, captured.captured) == ("captured", True)
    first = client.create_refund(captured.id, amount_paise=20_000, idempotency_key="rfd_0000000001")
    again = client.create_refund(captured.id, amount_paise=20_000, idempotency_key="rfd_0000000001")
    other = client.create_refund(captured.id, amount_paise=10_000, idempotency_key="rfd_0000000002")
    assert first.id == again.id != other.id
    assert client.get_refund(first.id).amount == 20_000
    assert {refund.id for refund in client.list_payment_refunds(captured.id).items} == {first.id, other.id}
    after = client.get_payment(captured.id)
    assert (after.amount_refunded, after.refund_status) == (30_000, "partial")


def test_a_key_that_is_used_for_another_refund_is_refused(
    client: RazorpayClient, pay: Callable[..., Payment]
) -> None:
    payment = pay()
    client.create_refund(payment.id, amount_paise=1_000, idempotency_key="rfd_0000000001")
    with pytest.raises(GatewayRejected):
        client.create_refund(payment.id, amount_paise=2_000, idempotency_key="rfd_0000000001")
    assert client.get_payment(payment.id).amount_refunded == 1_000


def test_more_than_was_captured_is_not_refunded(client: RazorpayClient, pay: Callable[..., Payment]) -> None:
    payment = pay()
    with pytest.raises(GatewayRejected) as caught:
        client.create_refund(payment.id, amount_paise=50_001, idempotency_key="rfd_0000000001")
    assert caught.value.detail.code == "BAD_REQUEST_ERROR"
    assert caught.value.detail.description is not None


def test_a_failed_payment_says_why(sim: RazorpaySimulator, client: RazorpayClient) -> None:
    order = ordered(client)
    sim.control.checkout(order.id, {**UPI, "reason": "insufficient_funds"})
    (failed,) = client.list_order_payments(order.id)
    assert (failed.status, failed.error_reason) == ("failed", "insufficient_funds")
    assert failed.error_code is not None
    assert client.get_order(order.id).status == "attempted"


def test_wrong_keys_are_refused(sim: RazorpaySimulator) -> None:
    with pytest.raises(GatewayRejected) as caught:
        client_of(sim.url, key_secret="a-guess").get_order("order_00000000000001")
    assert caught.value.status == 401
    assert caught.value.detail.source is None


def test_payments_are_listed_page_by_page_within_a_period(
    sim: RazorpaySimulator, client: RazorpayClient, pay: Callable[..., Payment]
) -> None:
    made = []
    for _ in range(5):
        made.append(pay().id)
        sim.control.advance(60)
    start = datetime.fromtimestamp(MONDAY_NOON, UTC)
    seen: list[str] = []
    for skip in itertools.count(0, 2):
        page = client.list_payments(since=start, until=start + timedelta(hours=1), skip=skip, count=2)
        seen += [payment.id for payment in page.items]
        if page.is_last:
            break
    assert seen == made[::-1]
    assert client.list_payments(since=start + timedelta(hours=1)).items == ()


PROMPT = {"count": 1}
LOST = {"count": 1, "hold_ms": 0}
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("429", PROMPT),
    ("500", PROMPT),
    ("500", PROMPT | {"after_effect": True}),
    ("502_html", PROMPT),
    ("502_html", PROMPT | {"after_effect": True}),
    ("timeout_before", LOST),
    ("timeout_after", LOST),
    ("timeout_before", {"count": 1, "hold_ms": 5_000}),
    ("timeout_after", {"count": 1, "hold_ms": 5_000}),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("kind", "how"), FAULTS)
def test_wherever_a_fault_strikes_one_receipt_has_one_order(
    sim: RazorpaySimulator, method: str, kind: str, how: dict[str, Any]
) -> None:
    client = client_of(sim.url, deadline_ms=900)
    sim.control.fault(method, "/v1/orders", kind, **how)
    orders: list[Order] = []
    for _ in range(4):
        try:
            orders.append(client.create_order_once(amount_paise=50_000, currency="INR", receipt=RECEIPT))
        except GatewayError:
            continue
    assert len({order.id for order in orders}) == 1
    created = [entry for entry in sim.gw.each("orders") if entry["receipt"] == RECEIPT]
    assert [entry["id"] for entry in created] == [orders[0].id]


KINDS: list[tuple[str, dict[str, Any], type[GatewayError]]] = [
    ("429", {"count": 10}, GatewayThrottled),
    ("500", PROMPT, GatewayOutcomeUnknown),
    ("502_html", PROMPT, GatewayOutcomeUnknown),
    ("timeout_before", LOST, GatewayOutcomeUnknown),
    ("timeout_after", LOST, GatewayOutcomeUnknown),
]


@pytest.mark.parametrize(("kind", "how", "error"), KINDS)
def test_a_capture_meets_each_fault_as_its_kind_and_the_payment_tells_the_truth(
    sim: RazorpaySimulator,
    client: RazorpayClient,
    pay: Callable[..., Payment],
    kind: str,
    how: dict[str, Any],
    error: type[GatewayError],
) -> None:
    payment = pay(capture=MANUAL)
    sim.control.fault("POST", "*/capture", kind, **how)
    with pytest.raises(error):
        client.capture_payment(payment.id, amount_paise=50_000, currency="INR")
    expected = "captured" if kind == "timeout_after" else "authorized"
    assert client.get_payment(payment.id).status == expected


@pytest.mark.parametrize("kind", ["500", "502_html", "timeout_after"])
def test_a_lost_refund_is_repeated_with_its_key_and_happens_once(
    sim: RazorpaySimulator, client: RazorpayClient, pay: Callable[..., Payment], kind: str
) -> None:
    payment = pay()
    sim.control.fault("POST", "*/refund", kind, hold_ms=0, after_effect=True)
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        client.create_refund(payment.id, amount_paise=1_000, idempotency_key="rfd_0000000001")
    assert caught.value.repeat_is_safe
    client.create_refund(payment.id, amount_paise=1_000, idempotency_key="rfd_0000000001")
    assert client.get_payment(payment.id).amount_refunded == 1_000


def test_reads_outlast_faults_and_a_gateway_that_is_gone_is_unavailable(
    sim: RazorpaySimulator, client: RazorpayClient
) -> None:
    order = ordered(client)
    for kind in ("429", "500", "502_html"):
        sim.control.fault("GET", "/v1/orders/*", kind)
    assert client.get_order(order.id).id == order.id
    sim.stop()
    with pytest.raises(GatewayUnavailable):
        client_of(sim.url, deadline_ms=300).create_order(amount_paise=50_000, currency="INR", receipt=RECEIPT)


def test_a_customer_comes_back_and_a_mandate_is_debited(
    sim: RazorpaySimulator, client: RazorpayClient
) -> None:
    customer, again = (
        client.create_customer(name="A Parent", email="parent@example.com", contact="+919000090000")
        for _ in range(2)
    )
    assert again.id == customer.id
    terms = {"max_amount": 200_000, "frequency": "monthly", "expire_at": MONDAY_NOON + 86_400 * 365}
    mandate = _raw(
        sim, {"amount": 100, "currency": "INR", "customer_id": customer.id, "method": "upi", "token": terms}
    )
    sim.control.checkout(mandate["id"], UPI)
    (token,) = client.list_tokens(customer.id)
    assert (token.recurring_details.status, token.max_amount) == ("confirmed", 200_000)
    assert client.get_token(customer.id, token.id).id == token.id
    sim.control.advance(40 * 86_400)
    order = ordered(client)
    debit = client.create_recurring_payment(
        email="parent@example.com",
        contact="+919000090000",
        amount_paise=50_000,
        currency="INR",
        order_id=order.id,
        customer_id=customer.id,
        token_id=token.id,
        description="Meals",
    )
    assert client.get_payment(debit.razorpay_payment_id).status == "created"
    assert client.delete_token(customer.id, token.id)
    assert client.list_tokens(customer.id) == ()


def test_a_link_is_made_paid_in_parts_and_another_cancelled(
    sim: RazorpaySimulator, client: RazorpayClient
) -> None:
    expire_by = datetime.fromtimestamp(MONDAY_NOON, UTC) + timedelta(days=7)
    link = client.create_payment_link(
        amount_paise=50_000,
        currency="INR",
        reference_id="lnk_1",
        description="Meals in April",
        first_min_partial_amount_paise=10_000,
        expire_by=expire_by,
    )
    assert (link.status, link.accept_partial, link.expire_by) == ("created", True, int(expire_by.timestamp()))
    sim.control.pay_link(link.id, amount=20_000)
    partly = client.get_payment_link(link.id)
    assert (partly.status, partly.amount_paid) == ("partially_paid", 20_000)
    other = client.create_payment_link(
        amount_paise=50_000, currency="INR", reference_id="lnk_2", description="Meals in May"
    )
    assert client.cancel_payment_link(other.id).status == "cancelled"


def test_a_transfer_is_made_once_and_taken_back(
    sim: RazorpaySimulator, client: RazorpayClient, pay: Callable[..., Payment]
) -> None:
    pay(amount_paise=100_000)

    def transfer() -> str:
        return client.create_transfer(
            account_id="acc_00000000000001", amount_paise=30_000, currency="INR", idempotency_key="trf 1"
        ).id

    made = transfer()
    assert transfer() == made
    sim.control.advance(10)
    assert client.get_transfer(made).status == "processed"
    reversal = client.create_reversal(made, amount_paise=10_000)
    assert (reversal.transfer_id, reversal.amount) == (made, 10_000)
    assert client.get_transfer(made).amount_reversed == 10_000


def test_settlements_reconcile_line_by_line(
    sim: RazorpaySimulator, client: RazorpayClient, pay: Callable[..., Payment]
) -> None:
    payments = [pay(amount_paise=amount) for amount in (50_000, 70_000)]
    sim.control.advance(4 * 86_400)
    sim.control.settle(force=True)
    (settlement,) = client.list_settlements().items
    assert client.get_settlement(settlement.id) == settlement
    assert settlement.created_at is not None
    day = datetime.fromtimestamp(settlement.created_at, IST).date()
    rows = client.list_recon(day).items
    assert {row.entity_id for row in rows} == {payment.id for payment in payments}
    assert sum(row.credit - row.debit for row in rows) == settlement.amount
    assert {row.settlement_utr for row in rows} == {settlement.utr}
    assert all(row.credit == row.amount - (row.fee or 0) for row in rows)


def test_a_dispute_is_seen(
    sim: RazorpaySimulator, client: RazorpayClient, pay: Callable[..., Payment]
) -> None:
    payment = pay()
    opened = sim.control.act("payments", payment.id, "dispute", amount=20_000)
    dispute = client.get_dispute(opened["id"])
    assert (dispute.payment_id, dispute.amount, dispute.status) == (payment.id, 20_000, "open")


def test_every_event_is_delivered_verified_and_read(
    sim: RazorpaySimulator, client: RazorpayClient, pay: Callable[..., Payment]
) -> None:
    """With one secret in use and the one before it still live, as during a rotation."""
    deliveries: list[tuple[bytes, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            deliveries.append((body, self.headers["X-Razorpay-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        sim.control.webhook(url=f"http://127.0.0.1:{server.server_port}/")
        payment = pay()
        client.create_refund(payment.id, amount_paise=1_000, idempotency_key="rfd_0000000001")
        sim.control.act("payments", payment.id, "dispute")
        sim.control.advance(86_400 * 5)
        sim.control.drain()
        server.shutdown()
        thread.join()
    for body, signature in deliveries:
        assert webhook_signature_is_valid(body, signature, ["the-next-secret", WEBHOOK_SECRET])
        assert not webhook_signature_is_valid(body + b" ", signature, [WEBHOOK_SECRET])
    events = [parse_event(body) for body, _ in deliveries]
    assert {"payment.captured", "order.paid", "refund.processed", "payment.dispute.created"} <= {
        event.event for event in events
    }
    assert {event.payment.id for event in events if event.payment is not None} == {payment.id}


def _raw(sim: RazorpaySimulator, fields: dict[str, Any]) -> dict[str, Any]:
    """An order of a kind that the client does not make yet."""
    with urllib3.PoolManager(retries=False) as pool:
        headers = urllib3.make_headers(basic_auth=f"{KEY_ID}:{KEY_SECRET}")
        order: dict[str, Any] = pool.request(
            "POST", f"{sim.url}/v1/orders", json=fields, headers=headers
        ).json()
    return order
