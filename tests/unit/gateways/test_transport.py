"""The transport, against a server that misbehaves: what was sent decides what an error means."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime

import pytest

from runtime.gateways.errors import GatewayOutcomeUnknown, GatewayUnavailable
from runtime.gateways.transport import (
    HttpRequest,
    HttpResponse,
    HttpTransport,
    is_loopback,
    permitted_base_url,
)
from runtime.platform.clock import FixedClock, SystemClock
from tests.unit.gateways.servers import (
    Behaviour,
    MisbehavingServer,
    answer,
    cut_after_reading,
    cut_in_the_answer,
    drip,
    hang_after_reading,
    hang_before_reading,
    read_request,
    replying,
    speak_nonsense,
)

READ = HttpRequest("get_order", "GET", "/v1/orders/order_1", False)
WRITE = HttpRequest("create_order", "POST", "/v1/orders", True, body=b'{"amount":100}')
KEYED = HttpRequest("create_refund", "POST", "/v1/refund", True, body=b"{}", repeat_is_safe=True)
TIMEOUT_MS = 200


def transport(url: str, response_size_max_bytes: int = 100_000) -> HttpTransport:
    return HttpTransport(
        gateway="razorpay",
        base_url=url,
        allowed_hosts=frozenset(),
        clock=SystemClock(),
        response_size_max_bytes=response_size_max_bytes,
    )


def send(
    behaviour: Behaviour,
    request: HttpRequest,
    *,
    timeout_ms: int = TIMEOUT_MS,
    response_size_max_bytes: int = 100_000,
) -> HttpResponse:
    with MisbehavingServer(behaviour) as server:
        return transport(server.url, response_size_max_bytes).send(request, timeout_ms=timeout_ms)


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_an_answer_comes_with_status_headers_and_body() -> None:
    response = send(replying(answer("418 Teapot", b"{}", ("X-Kind: Tea",))), READ, timeout_ms=2_000)
    assert (response.status, response.headers["x-kind"], response.body) == (418, "Tea", b"{}")


def test_what_is_sent_is_the_request_and_nothing_else() -> None:
    seen: list[bytes] = []

    def keep(connection: socket.socket, stopping: threading.Event) -> None:
        seen.append(read_request(connection))
        connection.sendall(answer("200 OK", b"{}"))

    request = HttpRequest(
        "op", "POST", "/v1/x", True, (("receipt", "a b&c"),), {"Authorization": "Basic k"}, b'{"a":1}'
    )
    send(keep, request, timeout_ms=2_000)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/x?receipt=a+b%26c HTTP/1.1\r\n")
    assert b"Authorization: Basic k" in head
    assert b"Content-Length: 7" in head
    assert b"Transfer-Encoding" not in head
    assert body == b'{"a":1}'


def test_one_connection_serves_several_calls() -> None:
    with MisbehavingServer(replying(answer("200 OK", b"{}"))) as server:
        client = transport(server.url)
        for _ in range(3):
            client.send(WRITE, timeout_ms=2_000)
        assert server.connections == 1


def test_a_connection_that_was_idle_for_long_is_not_used_again() -> None:
    clock = FixedClock(datetime(2026, 4, 1, tzinfo=UTC))
    with MisbehavingServer(replying(answer("200 OK", b"{}"))) as server:
        client = HttpTransport(
            gateway="razorpay", base_url=server.url, allowed_hosts=frozenset(), clock=clock
        )
        for pause_s in (10, 31):
            client.send(READ, timeout_ms=2_000)
            clock.advance(seconds=pause_s)
        client.send(READ, timeout_ms=2_000)
        assert server.connections == 2


def test_a_refused_connection_sent_nothing_even_for_a_write(closed_port: int) -> None:
    with pytest.raises(GatewayUnavailable) as caught:
        transport(f"http://127.0.0.1:{closed_port}").send(WRITE, timeout_ms=TIMEOUT_MS)
    assert caught.value.cause == "NewConnectionError"
    assert not caught.value.circuit_open


def test_a_refused_connection_sent_nothing_even_for_a_write_without_a_body(closed_port: int) -> None:
    with pytest.raises(GatewayUnavailable):
        transport(f"http://127.0.0.1:{closed_port}").send(
            HttpRequest("cancel", "POST", "/v1/cancel", True), timeout_ms=TIMEOUT_MS
        )


def test_a_host_without_an_address_sent_nothing() -> None:
    client = HttpTransport(
        gateway="razorpay",
        base_url="https://gateway.invalid",
        allowed_hosts=frozenset({"gateway.invalid"}),
        clock=SystemClock(),
    )
    with pytest.raises(GatewayUnavailable):
        client.send(WRITE, timeout_ms=2_000)


LOST: dict[str, Behaviour] = {
    "hangs before it reads": hang_before_reading,
    "hangs after it read": hang_after_reading,
    "cuts the connection": cut_after_reading,
    "cuts the answer": cut_in_the_answer,
    "drips": drip,
    "speaks nonsense": speak_nonsense,
}


@pytest.mark.parametrize("behaviour", LOST.values(), ids=LOST.keys())
def test_a_write_whose_answer_is_lost_may_have_happened(behaviour: Behaviour) -> None:
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        send(behaviour, WRITE)
    assert not caught.value.repeat_is_safe


@pytest.mark.parametrize("behaviour", LOST.values(), ids=LOST.keys())
def test_a_read_whose_answer_is_lost_changed_nothing(behaviour: Behaviour) -> None:
    with pytest.raises(GatewayUnavailable):
        send(behaviour, READ)


def test_a_lost_write_with_an_idempotency_key_may_be_repeated() -> None:
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        send(cut_after_reading, KEYED)
    assert caught.value.repeat_is_safe


def test_a_lost_write_without_a_body_may_have_happened_too() -> None:
    with pytest.raises(GatewayOutcomeUnknown):
        send(hang_after_reading, HttpRequest("cancel", "POST", "/v1/cancel", True))


@pytest.mark.parametrize("behaviour", [hang_after_reading, drip], ids=["silence", "a dripping body"])
def test_nobody_waits_longer_than_the_deadline(behaviour: Behaviour) -> None:
    with MisbehavingServer(behaviour) as server:
        client = transport(server.url)
        began = time.monotonic()
        with pytest.raises(GatewayUnavailable):
            client.send(READ, timeout_ms=TIMEOUT_MS)
        assert time.monotonic() - began < 20 * TIMEOUT_MS / 1000


def test_an_answer_that_comes_in_pieces_is_given_up_at_the_deadline() -> None:
    """Each piece comes promptly; together they take too long."""

    class Jumping(SystemClock):
        readings = iter([0.0, 0.0, 0.0, 99.0])

        def monotonic_s(self) -> float:
            return next(self.readings)

    with MisbehavingServer(drip) as server:
        client = HttpTransport(
            gateway="razorpay", base_url=server.url, allowed_hosts=frozenset(), clock=Jumping()
        )
        with pytest.raises(GatewayOutcomeUnknown) as caught:
            client.send(WRITE, timeout_ms=2_000)
    assert caught.value.cause == "TooSlow"


def test_a_body_that_stops_ends_with_the_deadline_and_not_with_a_second_one() -> None:
    def late(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        stopping.wait(2.0)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        stopping.wait(10)

    with MisbehavingServer(late) as server:
        client = transport(server.url)
        began = time.monotonic()
        with pytest.raises(GatewayUnavailable):
            client.send(READ, timeout_ms=2_400)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "raw",
    [answer("200 OK", b"x" * 5_000), b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 5_000],
    ids=["announced", "until the connection ends"],
)
def test_a_giant_answer_is_not_read_to_its_end(raw: bytes) -> None:
    def giant(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        connection.sendall(raw)

    with pytest.raises(GatewayOutcomeUnknown) as caught:
        send(giant, WRITE, timeout_ms=2_000, response_size_max_bytes=1_000)
    assert caught.value.cause == "TooLarge"


def test_an_answer_until_the_connection_ends_is_read_whole() -> None:
    def old_fashioned(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        connection.sendall(b'HTTP/1.0 200 OK\r\n\r\n{"id":1}')

    assert send(old_fashioned, READ, timeout_ms=2_000).body == b'{"id":1}'


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with MisbehavingServer(replying(answer("200 OK", b"stolen"))) as elsewhere:
        redirect = answer("307 Temporary Redirect", b"", (f"Location: {elsewhere.url}/",))
        response = send(replying(redirect), WRITE, timeout_ms=2_000)
        assert response.status == 307
        assert elsewhere.connections == 0


def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = answer("200 OK", b"\x1f\x8bnot really", ("Content-Encoding: gzip",))
    assert send(replying(packed), READ, timeout_ms=2_000).body == b"\x1f\x8bnot really"


def test_a_server_without_tls_gets_nothing_over_https() -> None:
    """The handshake fails before the first byte of the request: nothing happened."""
    with MisbehavingServer(speak_nonsense) as server:
        client = transport(server.url.replace("http://", "https://"))
        with pytest.raises(GatewayUnavailable):
            client.send(WRITE, timeout_ms=2_000)


def test_a_handshake_that_hangs_sent_nothing() -> None:
    """urllib3 calls this a read timeout; the body tells that it was none."""
    with MisbehavingServer(hang_before_reading) as server:
        client = transport(server.url.replace("http://", "https://"))
        with pytest.raises(GatewayUnavailable):
            client.send(WRITE, timeout_ms=TIMEOUT_MS)


def test_certificates_are_verified_and_old_tls_is_refused() -> None:
    client = HttpTransport(
        gateway="razorpay",
        base_url="https://api.razorpay.com",
        allowed_hosts=frozenset({"api.razorpay.com"}),
        clock=SystemClock(),
    )
    options = client._pool.connection_pool_kw
    assert options["cert_reqs"] == "CERT_REQUIRED"
    assert options["ssl_minimum_version"] == ssl.TLSVersion.TLSv1_2


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    assert send(replying(answer("200 OK", b"{}")), READ, timeout_ms=2_000).status == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://api.razorpay.com",
        "https://evil.example",
        "https://api.razorpay.com.evil.example",
        "https://user:password@api.razorpay.com",
        "https://api.razorpay.com/v1",
        "https://api.razorpay.com?x=1",
        "https://api.razorpay.com#x",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://169.254.169.254",
        "api.razorpay.com",
        "",
    ],
)
def test_only_the_providers_host_may_be_called(url: str) -> None:
    with pytest.raises(ValueError, match=r"base address|https|allow-list"):
        permitted_base_url(url, frozenset({"api.razorpay.com"}))


@pytest.mark.parametrize(
    "url", ["https://api.razorpay.com/", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:80"]
)
def test_the_provider_and_this_machine_may_be_called(url: str) -> None:
    assert permitted_base_url(url, frozenset({"api.razorpay.com"})) == url.rstrip("/")


@pytest.mark.parametrize(("host", "here"), [("127.9.9.9", True), ("10.0.0.1", False), ("example.org", False)])
def test_this_machine_is_known_by_its_loopback_addresses(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize("path", ["v1/orders", "//evil.example/v1", ""])
def test_a_path_cannot_name_another_host(path: str) -> None:
    with pytest.raises(ValueError, match="one slash"):
        HttpRequest("op", "GET", path, False)


def test_a_request_does_not_show_its_credentials_or_its_body() -> None:
    request = HttpRequest(
        "op", "POST", "/v1", True, (("contact", "+919876543210"),), {"Authorization": "secret"}, b"private"
    )
    shown = repr(request)
    assert not any(word in shown for word in ("secret", "private", "9876543210"))


def test_a_failure_that_is_no_network_failure_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A programming error must not look like a lost answer."""

    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    with MisbehavingServer(replying(answer("200 OK", b"{}"))) as server:
        client = transport(server.url)
        monkeypatch.setattr(client, "_read", stop)
        with pytest.raises(Stopped):
            client.send(READ, timeout_ms=2_000)
