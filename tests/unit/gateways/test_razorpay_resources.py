"""Each resource: the path, the body and the headers that Razorpay documents, and what is refused before."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.errors import GatewayOutcomeUnknown, GatewayUnavailable
from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.requests import CaptureOptions
from tests.unit.gateways.fakes import Bench, body_of, reply

ORDER = {"id": "order_1", "amount": 100, "currency": "INR", "status": "created"}
PAYMENT = {"id": "pay_1", "amount": 100, "currency": "INR", "status": "captured"}
REFUND = {"id": "rfnd_1", "amount": 50, "currency": "INR", "payment_id": "pay_1"}
TOKEN = {"id": "token_1", "method": "upi"}
LINK = {"id": "plink_1", "amount": 100, "currency": "INR", "status": "created"}
TRANSFER = {"id": "trf_1", "amount": 100, "currency": "INR"}
REVERSAL = {"id": "rvrsl_1", "transfer_id": "trf_1", "amount": 100, "currency": "INR"}
SETTLEMENT = {"id": "setl_1", "amount": 100, "status": "processed"}
DISPUTE = {"id": "disp_1", "payment_id": "pay_1", "amount": 1, "currency": "INR", "status": "open"}
RECON = {"entity_id": "pay_1", "type": "payment", "amount": 100, "currency": "INR"}
IST = timezone(timedelta(hours=5, minutes=30))
MOMENT = datetime(2026, 4, 1, 12, 0, tzinfo=IST)
NO_ZONE = MOMENT.replace(tzinfo=None)
SECONDS = 1775025000

NOT_AN_INTEGER: Any = 100.0

Call = Callable[[RazorpayClient], Any]

READS: list[tuple[str, Call, dict[str, Any], str]] = [
    ("order", lambda c: c.get_order("order_1"), ORDER, "/v1/orders/order_1"),
    ("payment", lambda c: c.get_payment("pay_1"), PAYMENT, "/v1/payments/pay_1"),
    ("refund", lambda c: c.get_refund("rfnd_1"), REFUND, "/v1/refunds/rfnd_1"),
    ("token", lambda c: c.get_token("cust_1", "token_1"), TOKEN, "/v1/customers/cust_1/tokens/token_1"),
    ("link", lambda c: c.get_payment_link("plink_1"), LINK, "/v1/payment_links/plink_1"),
    ("transfer", lambda c: c.get_transfer("trf_1"), TRANSFER, "/v1/transfers/trf_1"),
    ("settlement", lambda c: c.get_settlement("setl_1"), SETTLEMENT, "/v1/settlements/setl_1"),
    ("dispute", lambda c: c.get_dispute("disp_1"), DISPUTE, "/v1/disputes/disp_1"),
]
LISTS: list[tuple[str, Call, dict[str, Any], str]] = [
    ("order payments", lambda c: c.list_order_payments("order_1"), PAYMENT, "/v1/orders/order_1/payments"),
    ("tokens", lambda c: c.list_tokens("cust_1"), TOKEN, "/v1/customers/cust_1/tokens"),
    ("transfers", lambda c: c.list_payment_transfers("pay_1"), TRANSFER, "/v1/payments/pay_1/transfers"),
    ("reversals", lambda c: c.list_reversals("trf_1"), REVERSAL, "/v1/transfers/trf_1/reversals"),
]
PAGES: list[tuple[str, Call, dict[str, Any], str]] = [
    (
        "payments",
        lambda c: c.list_payments(since=MOMENT, until=MOMENT + timedelta(hours=1), skip=20, count=10),
        PAYMENT,
        f"/v1/payments?from={SECONDS}&to={SECONDS + 3600}&count=10&skip=20",
    ),
    ("all payments", lambda c: c.list_payments(), PAYMENT, "/v1/payments?count=100&skip=0"),
    ("orders", lambda c: c.list_orders(count=5), ORDER, "/v1/orders?count=5&skip=0"),
    (
        "refunds of a payment",
        lambda c: c.list_payment_refunds("pay_1", count=5),
        REFUND,
        "/v1/payments/pay_1/refunds?count=5&skip=0",
    ),
    (
        "settlements",
        lambda c: c.list_settlements(since=MOMENT),
        SETTLEMENT,
        f"/v1/settlements?from={SECONDS}&count=100&skip=0",
    ),
    (
        "recon",
        lambda c: c.list_recon(date(2026, 4, 1), skip=1000),
        RECON,
        "/v1/settlements/recon/combined?year=2026&month=4&day=1&count=1000&skip=1000",
    ),
]
WRITES: list[tuple[str, Call, dict[str, Any], str, dict[str, Any]]] = [
    (
        "order",
        lambda c: c.create_order(
            amount_paise=100,
            currency="INR",
            receipt="pmt_1",
            notes={"school": "s1"},
            capture=CaptureOptions("manual", manual_expiry_minutes=60, refund_speed="optimum"),
        ),
        ORDER,
        "/v1/orders",
        {
            "amount": 100,
            "currency": "INR",
            "receipt": "pmt_1",
            "notes": {"school": "s1"},
            "payment": {
                "capture": "manual",
                "capture_options": {"manual_expiry_period": 60, "refund_speed": "optimum"},
            },
        },
    ),
    (
        "plain order",
        lambda c: c.create_order(amount_paise=100, currency="INR", receipt="pmt_1"),
        ORDER,
        "/v1/orders",
        {"amount": 100, "currency": "INR", "receipt": "pmt_1"},
    ),
    (
        "capture",
        lambda c: c.capture_payment("pay_1", amount_paise=100, currency="INR"),
        PAYMENT,
        "/v1/payments/pay_1/capture",
        {"amount": 100, "currency": "INR"},
    ),
    (
        "refund",
        lambda c: c.create_refund("pay_1", amount_paise=50, idempotency_key="rfd_1234567", receipt="r1"),
        REFUND,
        "/v1/payments/pay_1/refund",
        {"amount": 50, "speed": "normal", "receipt": "r1"},
    ),
    (
        "customer",
        lambda c: c.create_customer(name="A", email="a@example.com", contact="+910000000000"),
        {"id": "cust_1"},
        "/v1/customers",
        {"name": "A", "email": "a@example.com", "contact": "+910000000000", "fail_existing": "0"},
    ),
    (
        "recurring payment",
        lambda c: c.create_recurring_payment(
            email="a@example.com",
            contact="+910000000000",
            amount_paise=100,
            currency="INR",
            order_id="order_1",
            customer_id="cust_1",
            token_id="token_1",
            description="Meals in April",
        ),
        {"razorpay_payment_id": "pay_1"},
        "/v1/payments/create/recurring",
        {
            "email": "a@example.com",
            "contact": "+910000000000",
            "amount": 100,
            "currency": "INR",
            "order_id": "order_1",
            "customer_id": "cust_1",
            "token": "token_1",
            "recurring": True,
            "description": "Meals in April",
        },
    ),
    (
        "link",
        lambda c: c.create_payment_link(
            amount_paise=1000,
            currency="INR",
            reference_id="lnk_1",
            description="Meals",
            customer={"name": "A"},
            first_min_partial_amount_paise=100,
            expire_by=MOMENT,
            callback_url="https://example.org/paid",
        ),
        LINK,
        "/v1/payment_links",
        {
            "amount": 1000,
            "currency": "INR",
            "accept_partial": True,
            "first_min_partial_amount": 100,
            "reference_id": "lnk_1",
            "description": "Meals",
            "customer": {"name": "A"},
            "notify": {"sms": False, "email": False},
            "reminder_enable": False,
            "expire_by": SECONDS,
            "callback_url": "https://example.org/paid",
            "callback_method": "get",
        },
    ),
    (
        "plain link",
        lambda c: c.create_payment_link(
            amount_paise=1000, currency="INR", reference_id="lnk_1", description="Meals"
        ),
        LINK,
        "/v1/payment_links",
        {
            "amount": 1000,
            "currency": "INR",
            "accept_partial": False,
            "reference_id": "lnk_1",
            "description": "Meals",
            "notify": {"sms": False, "email": False},
            "reminder_enable": False,
        },
    ),
    (
        "link cancelled",
        lambda c: c.cancel_payment_link("plink_1"),
        LINK,
        "/v1/payment_links/plink_1/cancel",
        {},
    ),
    (
        "transfer",
        lambda c: c.create_transfer(
            account_id="acc_1",
            amount_paise=100,
            currency="INR",
            idempotency_key="trf 1",
            on_hold_until=MOMENT,
        ),
        TRANSFER,
        "/v1/transfers",
        {"account": "acc_1", "amount": 100, "currency": "INR", "on_hold": True, "on_hold_until": SECONDS},
    ),
    (
        "plain transfer",
        lambda c: c.create_transfer(
            account_id="acc_1", amount_paise=100, currency="INR", idempotency_key="trf 1"
        ),
        TRANSFER,
        "/v1/transfers",
        {"account": "acc_1", "amount": 100, "currency": "INR"},
    ),
    (
        "transfer of a payment",
        lambda c: c.create_payment_transfer(
            "pay_1", account_id="acc_1", amount_paise=100, currency="INR", notes={"payment_id": "pmt_1"}
        ),
        {"entity": "collection", "count": 1, "items": [TRANSFER]},
        "/v1/payments/pay_1/transfers",
        {
            "transfers": [
                {
                    "account": "acc_1",
                    "amount": 100,
                    "currency": "INR",
                    "notes": {"payment_id": "pmt_1"},
                    "on_hold": False,
                }
            ]
        },
    ),
    (
        "transfer of a payment on hold",
        lambda c: c.create_payment_transfer(
            "pay_1", account_id="acc_1", amount_paise=100, currency="INR", on_hold_until=SECONDS
        ),
        {"entity": "collection", "count": 1, "items": [TRANSFER]},
        "/v1/payments/pay_1/transfers",
        {
            "transfers": [
                {
                    "account": "acc_1",
                    "amount": 100,
                    "currency": "INR",
                    "on_hold": True,
                    "on_hold_until": SECONDS,
                }
            ]
        },
    ),
    (
        "reversal",
        lambda c: c.create_reversal("trf_1", amount_paise=100),
        REVERSAL,
        "/v1/transfers/trf_1/reversals",
        {"amount": 100},
    ),
]


@pytest.mark.parametrize(("name", "call", "entity", "target"), READS, ids=[row[0] for row in READS])
def test_one_entity_is_read(name: str, call: Call, entity: dict[str, Any], target: str) -> None:
    bench = Bench([reply(200, entity)])
    assert call(bench.client).id == entity["id"]
    request = bench.transport.requests[0]
    assert (request.method, request.target, request.body) == ("GET", target, None)


@pytest.mark.parametrize(("name", "call", "entity", "target"), LISTS, ids=[row[0] for row in LISTS])
def test_a_whole_collection_is_read_without_paging(
    name: str, call: Call, entity: dict[str, Any], target: str
) -> None:
    bench = Bench([reply(200, {"entity": "collection", "count": 2, "items": [entity, entity]})])
    assert [item.id for item in call(bench.client)] == [entity["id"]] * 2
    assert bench.transport.requests[0].target == target


@pytest.mark.parametrize(("name", "call", "entity", "target"), PAGES, ids=[row[0] for row in PAGES])
def test_a_page_is_read(name: str, call: Call, entity: dict[str, Any], target: str) -> None:
    bench = Bench([reply(200, {"entity": "collection", "count": 1, "items": [entity]})])
    page = call(bench.client)
    assert len(page.items) == 1
    assert page.is_last
    assert bench.transport.requests[0].target == target


@pytest.mark.parametrize(("name", "call", "entity", "path", "body"), WRITES, ids=[row[0] for row in WRITES])
def test_a_write_sends_exactly_the_documented_fields(
    name: str, call: Call, entity: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    bench = Bench([reply(200, entity)])
    call(bench.client)
    request = bench.transport.requests[0]
    assert (request.method, request.target, body_of(request)) == ("POST", path, body)
    assert request.changes_state
    assert request.headers["Content-Type"] == "application/json"


def test_a_hold_is_ended_by_a_patch() -> None:
    bench = Bench([reply(200, TRANSFER | {"on_hold": False})])
    assert bench.client.release_transfer("trf_1").on_hold is False
    request = bench.transport.requests[0]
    assert (request.method, request.target, body_of(request)) == (
        "PATCH",
        "/v1/transfers/trf_1",
        {"on_hold": False},
    )
    assert request.changes_state


@pytest.mark.parametrize("items", [[], [TRANSFER, TRANSFER], None])
def test_an_answer_without_the_one_transfer_leaves_it_open_whether_it_was_made(items: object) -> None:
    bench = Bench([reply(200, {"items": items})])
    with pytest.raises(GatewayOutcomeUnknown):
        bench.client.create_payment_transfer("pay_1", account_id="acc_1", amount_paise=100, currency="INR")


def test_a_full_page_is_not_the_last() -> None:
    bench = Bench([reply(200, {"items": [PAYMENT, PAYMENT]})])
    assert not bench.client.list_payments(count=2).is_last


@pytest.mark.parametrize("items", [None, {}, "x", [{"id": "pay_1"}]])
def test_a_collection_of_another_shape_is_no_answer(items: object) -> None:
    bench = Bench([reply(200, {"items": items})] * 4)
    with pytest.raises(GatewayUnavailable):
        bench.client.list_payments()


def test_a_deleted_token_is_gone() -> None:
    bench = Bench([reply(200, {"deleted": True})])
    assert bench.client.delete_token("cust_1", "token_1")
    request = bench.transport.requests[0]
    assert (request.method, request.target) == ("DELETE", "/v1/customers/cust_1/tokens/token_1")


def test_keys_go_into_the_headers_that_razorpay_honours() -> None:
    bench = Bench([reply(200, REFUND), reply(200, TRANSFER)])
    bench.client.create_refund("pay_1", amount_paise=1, idempotency_key="rfd_1234567")
    bench.client.create_transfer(
        account_id="acc_1", amount_paise=100, currency="INR", idempotency_key="trf-1"
    )
    first, second = bench.transport.requests
    assert first.headers["X-Refund-Idempotency"] == "rfd_1234567"
    assert second.headers["X-Transfer-Idempotency"] == "trf-1"
    assert first.repeat_is_safe
    assert second.repeat_is_safe


REFUSED: dict[str, Call] = {
    "99 paise": lambda c: c.create_order(amount_paise=99, currency="INR", receipt="r"),
    "a float": lambda c: c.create_order(amount_paise=NOT_AN_INTEGER, currency="INR", receipt="r"),
    "a truth": lambda c: c.capture_payment("pay_1", amount_paise=True, currency="INR"),
    "nothing to refund": lambda c: c.create_refund("pay_1", amount_paise=0, idempotency_key="rfd_1234567"),
    "beyond all": lambda c: c.create_order(amount_paise=10**12 + 1, currency="INR", receipt="r"),
    "small currency": lambda c: c.create_order(amount_paise=100, currency="inr", receipt="r"),
    "no receipt": lambda c: c.create_order(amount_paise=100, currency="INR", receipt=""),
    "long receipt": lambda c: c.create_order(amount_paise=100, currency="INR", receipt="r" * 41),
    "receipt of two lines": lambda c: c.find_order_by_receipt("a\nb"),
    "many notes": lambda c: c.create_order(
        amount_paise=100, currency="INR", receipt="r", notes={str(number): "" for number in range(16)}
    ),
    "long note": lambda c: c.create_order(
        amount_paise=100, currency="INR", receipt="r", notes={"n": "x" * 257}
    ),
    "path in an id": lambda c: c.get_payment("pay_1/../../v1/refunds"),
    "no id": lambda c: c.get_order(""),
    "query in an id": lambda c: c.get_order("order_1?x=1"),
    "short refund key": lambda c: c.create_refund("pay_1", amount_paise=1, idempotency_key="123456789"),
    "refund key of two lines": lambda c: c.create_refund(
        "pay_1", amount_paise=1, idempotency_key="1234567890\r\nX-Evil: 1"
    ),
    "long transfer key": lambda c: c.create_transfer(
        account_id="acc_1", amount_paise=100, currency="INR", idempotency_key="k" * 37
    ),
    "hold without zone": lambda c: c.create_transfer(
        account_id="acc_1",
        amount_paise=100,
        currency="INR",
        idempotency_key="trf-1",
        on_hold_until=NO_ZONE,
    ),
    "expiry without zone": lambda c: c.create_payment_link(
        amount_paise=100,
        currency="INR",
        reference_id="r",
        description="d",
        expire_by=NO_ZONE,
    ),
    "period without zone": lambda c: c.list_payments(since=NO_ZONE),
    "part above the whole": lambda c: c.create_payment_link(
        amount_paise=100,
        currency="INR",
        reference_id="r",
        description="d",
        first_min_partial_amount_paise=101,
    ),
    "long description": lambda c: c.create_payment_link(
        amount_paise=100, currency="INR", reference_id="r", description="d" * 2049
    ),
    "long debit description": lambda c: c.create_recurring_payment(
        email="a@example.com",
        contact="+910000000000",
        amount_paise=100,
        currency="INR",
        order_id="order_1",
        customer_id="cust_1",
        token_id="token_1",
        description="d" * 2049,
    ),
    "page of nothing": lambda c: c.list_payments(count=0),
    "page of 101": lambda c: c.list_payments(count=101),
    "page before the first": lambda c: c.list_settlements(skip=-1),
    "recon page of 1001": lambda c: c.list_recon(date(2026, 4, 1), count=1001),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_what_razorpay_would_refuse_never_leaves(call: Call) -> None:
    bench = Bench([])
    with pytest.raises(ValueError, match=r"."):
        call(bench.client)
    assert bench.transport.requests == []


def test_a_capture_does_not_expire_before_twelve_minutes() -> None:
    with pytest.raises(ValueError, match="12 minutes"):
        CaptureOptions("automatic", automatic_expiry_minutes=11)
    assert CaptureOptions("automatic", automatic_expiry_minutes=12).as_fields() == {
        "capture": "automatic",
        "capture_options": {"automatic_expiry_period": 12, "refund_speed": "normal"},
    }


@given(st.text(max_size=60))
def test_an_id_is_safe_in_a_path_or_refused(text: str) -> None:
    try:
        kept = requests.identifier(text)
    except ValueError:
        return
    assert kept == text
    assert not set(text) & set("/?#%.\\ \r\n\0")


@given(st.datetimes(min_value=NO_ZONE, timezones=st.just(UTC)))
def test_a_period_is_whole_seconds(moment: datetime) -> None:
    assert requests.period(moment, None) == (("from", int(moment.timestamp())),)
