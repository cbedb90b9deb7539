"""The transport over TLS: who is believed, and when a broken connection means that nothing was sent."""

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runtime.gateways.errors import GatewayOutcomeUnknown, GatewayUnavailable
from runtime.gateways.transport import HttpRequest, HttpTransport
from runtime.platform.clock import SystemClock
from tests.unit.gateways.servers import Behaviour, MisbehavingServer, answer, read_request

WRITE = HttpRequest("create_order", "POST", "/v1/orders", True, body=b'{"amount":100}')


class Authority:
    """A self-signed certificate for one address, as files."""

    def __init__(self, folder: Path, address: str) -> None:
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway of the tests")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate, self._key = folder / "certificate.pem", folder / "key.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self._key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def serving(self, behaviour: Behaviour) -> Behaviour:
        """The behaviour behind a handshake with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self._key)

        def behave(connection: socket.socket, stopping: threading.Event) -> None:
            with context.wrap_socket(connection.dup(), server_side=True) as secured:
                behaviour(secured, stopping)

        return behave


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "here", "127.0.0.1")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "elsewhere", "192.0.2.1")


def send(behaviour: Behaviour, *, trusting: Authority | None) -> tuple[int, bytes]:
    with MisbehavingServer(behaviour) as server:
        client = HttpTransport(
            gateway="razorpay",
            base_url=server.url.replace("http://", "https://"),
            allowed_hosts=frozenset(),
            clock=SystemClock(),
            ca_certs=str(trusting.certificate) if trusting is not None else None,
        )
        response = client.send(WRITE, timeout_ms=3_000)
        return response.status, response.body


def reply(connection: socket.socket, stopping: threading.Event) -> None:
    read_request(connection)
    connection.sendall(answer("200 OK", b"{}"))


def break_the_record(connection: socket.socket, stopping: threading.Event) -> None:
    """Take the request, then write bytes that are no TLS record onto the same connection."""
    read_request(connection)
    with socket.socket(fileno=connection.detach()) as bare:
        bare.sendall(b"this is not a record of TLS at all")
        stopping.wait(0.2)


def test_a_trusted_certificate_for_the_address_is_believed(authority: Authority) -> None:
    assert send(authority.serving(reply), trusting=authority) == (200, b"{}")


def test_an_unknown_certificate_gets_nothing(authority: Authority) -> None:
    with pytest.raises(GatewayUnavailable):
        send(authority.serving(reply), trusting=None)


def test_a_certificate_for_another_address_gets_nothing(elsewhere: Authority) -> None:
    with pytest.raises(GatewayUnavailable):
        send(elsewhere.serving(reply), trusting=elsewhere)


def test_a_record_that_breaks_in_the_answer_does_not_mean_that_nothing_was_sent(authority: Authority) -> None:
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        send(authority.serving(break_the_record), trusting=authority)
    assert caught.value.cause == "SSLError"
