"""Every call to Razorpay: what an answer means, what is repeated, and when it stops."""

import base64
import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.breaker import CircuitBreaker
from runtime.gateways.deadline import Deadline
from runtime.gateways.errors import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from runtime.gateways.exchange import exchange
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Payment
from runtime.gateways.transport import HttpRequest
from runtime.platform.clock import FixedClock
from tests.unit.gateways.fakes import START, Bench, ScriptedTransport, Step, reply, unavailable, unknown

PAYMENT = {"id": "pay_DEWHsM9ByjCjYS", "amount": 100, "currency": "INR", "status": "captured"}
REFUND = {"id": "rfnd_FS8TWyPrCsa0OB", "amount": 100, "currency": "INR", "payment_id": PAYMENT["id"]}
HTML = b"<html><body>502 Bad Gateway</body></html>"
OK = reply(200, PAYMENT)
THROTTLED = reply(429, {"error": {"code": "BAD_REQUEST_ERROR", "description": "Throttling Error"}})


def read(bench: Bench) -> Payment:
    return bench.client.get_payment("pay_DEWHsM9ByjCjYS")


def write(bench: Bench) -> Payment:
    return bench.client.capture_payment("pay_DEWHsM9ByjCjYS", amount_paise=100, currency="INR")


def refund(bench: Bench) -> None:
    bench.client.create_refund("pay_DEWHsM9ByjCjYS", amount_paise=100, idempotency_key="rfd_0123456789")


def test_a_call_carries_basic_authentication_and_no_secret_in_any_repr() -> None:
    bench = Bench([OK])
    read(bench)
    request = bench.transport.requests[0]
    expected = base64.b64encode(b"rzp_test_key:test-secret").decode()
    assert request.headers["Authorization"] == f"Basic {expected}"
    assert "test-secret" not in repr(bench.client)
    assert expected not in repr(request)


MAY_HAVE_HAPPENED: dict[str, Step] = {
    "500 with an error": reply(500, {"error": {"code": "SERVER_ERROR"}}),
    "502 with HTML": reply(502, raw=HTML),
    "503 with nothing": reply(503, raw=b""),
    "200 with HTML": reply(200, raw=HTML),
    "200 with a list": reply(200, [PAYMENT]),
    "200 cut short": reply(200, raw=b'{"id":"pay_'),
    "200 of another shape": reply(200, {"id": "pay_DEWHsM9ByjCjYS"}),
    "200 with a float amount": reply(200, PAYMENT | {"amount": 100.0}),
    "200 with NaN": reply(200, raw=b'{"id":"x","amount":NaN,"currency":"INR","status":"captured"}'),
    "200 nested without end": reply(200, raw=b"[" * 100_000),
    "302": reply(302, raw=b""),
    "408": reply(408, {"error": {"code": "BAD_REQUEST_ERROR"}}),
    "400 that is a server error": reply(400, {"error": {"code": "SERVER_ERROR"}}),
    "a lost answer": unknown(),
}


@pytest.mark.parametrize("step", MAY_HAVE_HAPPENED.values(), ids=MAY_HAVE_HAPPENED.keys())
def test_a_write_without_a_usable_answer_is_unknown_and_is_not_repeated(step: Step) -> None:
    bench = Bench([step])
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        write(bench)
    assert not caught.value.repeat_is_safe
    assert len(bench.transport.requests) == 1


READ_FAILURES = {name: step for name, step in MAY_HAVE_HAPPENED.items() if name != "a lost answer"}


@pytest.mark.parametrize("step", READ_FAILURES.values(), ids=READ_FAILURES.keys())
def test_a_read_without_a_usable_answer_is_repeated(step: Step) -> None:
    bench = Bench([step, OK])
    assert read(bench).id == "pay_DEWHsM9ByjCjYS"


@pytest.mark.parametrize("step", READ_FAILURES.values(), ids=READ_FAILURES.keys())
def test_a_read_that_never_gets_a_usable_answer_is_unavailable(step: Step) -> None:
    bench = Bench([step] * 4)
    with pytest.raises(GatewayUnavailable):
        read(bench)
    assert len(bench.transport.requests) == 4


@pytest.mark.parametrize("step", [unavailable(), THROTTLED], ids=["refused connection", "429"])
def test_what_certainly_did_not_happen_is_repeated_even_for_a_write(step: Step) -> None:
    bench = Bench([step, step, OK])
    assert write(bench).id == "pay_DEWHsM9ByjCjYS"
    assert bench.pauses_s == [0.05, 0.1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("call", [read, write])
def test_a_refusal_is_final_and_whole(status: int, call: Callable[[Bench], Payment]) -> None:
    error = {
        "code": "BAD_REQUEST_ERROR",
        "description": "Capture amount must be equal to the amount authorized.",
        "field": "amount",
        "source": "business",
        "step": "payment_capture",
        "reason": "input_validation_failed",
        "metadata": {"payment_id": "pay_DEWHsM9ByjCjYS"},
    }
    bench = Bench([reply(status, {"error": error})])
    with pytest.raises(GatewayRejected) as caught:
        call(bench)
    assert caught.value.status == status
    detail = caught.value.detail
    assert (detail.field, detail.reason, detail.step) == (
        "amount",
        "input_validation_failed",
        "payment_capture",
    )
    assert detail.metadata == {"payment_id": "pay_DEWHsM9ByjCjYS"}


def test_a_refusal_by_something_in_between_is_still_a_refusal() -> None:
    bench = Bench([reply(403, raw=HTML)])
    with pytest.raises(GatewayRejected) as caught:
        write(bench)
    assert caught.value.detail.code is None


def test_throttling_ends_with_the_attempts_and_keeps_the_pause_asked_for() -> None:
    bench = Bench([reply(429, {"error": {}}, retry_after="1")] * 4)
    with pytest.raises(GatewayThrottled) as caught:
        write(bench)
    assert caught.value.retry_after_s == 1.0
    assert bench.pauses_s == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("999999999", 3600.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_the_pause_asked_for_is_seconds_and_bounded(header: str, expected: float | None) -> None:
    bench = Bench([reply(429, {"error": {}}, retry_after=header)] * 4, deadline_ms=100_000)
    with pytest.raises(GatewayThrottled) as caught:
        write(bench)
    assert caught.value.retry_after_s == expected


def test_a_pause_that_does_not_fit_into_the_deadline_is_not_begun() -> None:
    bench = Bench([reply(429, {"error": {}}, retry_after="60")])
    with pytest.raises(GatewayThrottled):
        read(bench)
    assert bench.pauses_s == []


@given(random=st.lists(st.floats(0, 1, exclude_max=True), min_size=3, max_size=3))
def test_pauses_are_exponential_with_full_jitter(random: list[float]) -> None:
    values = iter(random)
    bench = Bench([unavailable()] * 3 + [OK], random=lambda: next(values))
    read(bench)
    assert bench.pauses_s == [pytest.approx(r * 0.1 * 2**number) for number, r in enumerate(random)]


def test_a_read_leaves_time_for_another_attempt_and_a_write_takes_all() -> None:
    bench = Bench([unavailable(), OK], random=lambda: 0.0)
    read(bench)
    assert bench.transport.timeouts_ms == [5_000, 5_000]
    bench = Bench([OK])
    write(bench)
    assert bench.transport.timeouts_ms == [10_000]


def test_nothing_is_sent_after_the_deadline() -> None:
    bench = Bench([OK])
    deadline = Deadline(bench.clock, 10)
    bench.clock.advance(seconds=0.011)
    with pytest.raises(GatewayUnavailable, match="deadline passed"):
        exchange(
            HttpRequest("op", "GET", "/v1", False),
            gateway="razorpay",
            transport=bench.transport,
            breaker=CircuitBreaker(gateway="razorpay", clock=bench.clock),
            deadline=deadline,
        )
    assert bench.transport.requests == []


def test_a_refund_that_is_in_flight_under_its_key_is_unknown_and_may_be_repeated() -> None:
    bench = Bench([reply(409, {"error": {"code": "BAD_REQUEST_ERROR"}})])
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        refund(bench)
    assert caught.value.repeat_is_safe


def test_a_lost_refund_may_be_repeated_with_its_key() -> None:
    bench = Bench([reply(500, {"error": {}}), reply(200, REFUND)])
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        refund(bench)
    assert caught.value.repeat_is_safe
    refund(bench)
    keys = [request.headers["X-Refund-Idempotency"] for request in bench.transport.requests]
    assert keys == ["rfd_0123456789"] * 2
    assert bench.transport.requests[0].body == bench.transport.requests[1].body


def test_a_conflict_without_a_key_is_a_refusal() -> None:
    bench = Bench([reply(409, {"error": {"code": "BAD_REQUEST_ERROR"}})])
    with pytest.raises(GatewayRejected):
        write(bench)


def test_the_circuit_opens_on_unavailability_and_then_nothing_is_tried() -> None:
    bench = Bench([reply(500, raw=HTML)] * 5)
    for _ in range(5):
        with pytest.raises(GatewayOutcomeUnknown):
            write(bench)
    with pytest.raises(GatewayUnavailable) as caught:
        write(bench)
    assert caught.value.circuit_open
    assert len(bench.transport.requests) == 5
    assert bench.pauses_s == []


def test_refusals_and_throttling_never_open_the_circuit() -> None:
    bench = Bench([reply(400, {"error": {}})] * 20 + [OK])
    for _ in range(20):
        with pytest.raises(GatewayRejected):
            write(bench)
    assert write(bench).amount == 100


def test_clients_may_share_a_breaker() -> None:
    clock = FixedClock(START)
    breaker = CircuitBreaker(gateway="razorpay", clock=clock, failures_max=1)
    lost: list[Step] = [unknown()]
    first, second = (
        RazorpayClient(
            key_id="k", key_secret="s", clock=clock, breaker=breaker, transport=ScriptedTransport(steps)
        )
        for steps in (lost, [])
    )
    with pytest.raises(GatewayOutcomeUnknown):
        first.create_customer(name=None, email=None, contact=None)
    with pytest.raises(GatewayUnavailable):
        second.get_order("order_1")


@pytest.mark.parametrize(("key_id", "key_secret"), [("", "s"), ("k", "")])
def test_a_client_without_keys_is_refused(key_id: str, key_secret: str) -> None:
    with pytest.raises(ValueError, match="key"):
        RazorpayClient(key_id=key_id, key_secret=key_secret, clock=FixedClock(START))


def test_a_client_calls_razorpay_or_this_machine_only() -> None:
    RazorpayClient(key_id="k", key_secret="s", clock=FixedClock(START))
    RazorpayClient(key_id="k", key_secret="s", clock=FixedClock(START), base_url="http://127.0.0.1:9")
    with pytest.raises(ValueError, match="allow-list"):
        RazorpayClient(key_id="k", key_secret="s", clock=FixedClock(START), base_url="https://example.org")


@given(st.lists(st.sampled_from(["429", "refused", "500", "html", "lost", "400"]), max_size=6))
def test_a_write_that_may_have_happened_is_sent_at_most_once(faults: list[str]) -> None:
    """Whatever the order of the faults, no call follows one whose effect is not certainly absent."""
    table: dict[str, Step] = {
        "429": THROTTLED,
        "refused": unavailable(),
        "500": reply(500, {"error": {}}),
        "html": reply(502, raw=HTML),
        "lost": unknown(),
        "400": reply(400, {"error": {}}),
    }
    bench = Bench([table[fault] for fault in faults] + [OK] * 4)
    with contextlib.suppress(GatewayError):
        write(bench)
    sent = faults[: len(bench.transport.requests)]
    assert all(fault in ("429", "refused") for fault in sent[: len(bench.transport.requests) - 1])
