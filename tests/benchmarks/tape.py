"""The network on tape: what AWS and the gateway answered once is answered again, at once.

With a ``Wire`` everything of ours and of botocore's runs as in Lambda, down to the signed request and the
parsed answer; only the network is not there. ``without_botocore`` leaves our own work alone. Answers come
in the order in which they were recorded, so the work that is timed must ask the same in the same order: the
clock stands and the ids are those of the recording.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.transport import HttpRequest, HttpResponse, Transport
from runtime.platform.clock import FixedClock
from runtime.platform.ids import UlidIds
from tests.integration.payments.world import KEY_ID, KEY_SECRET, World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class _Body:
    """An answer's body, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]


@dataclass(slots=True)
class Tape:
    """What was answered, in order; ``_at`` counts what was played of it since it was rewound."""

    aws: list[tuple[str, int, dict[str, str], bytes]] = field(default_factory=list)
    gateway: list[tuple[str, HttpResponse]] = field(default_factory=list)
    _aws_at: int = 0
    _gateway_at: int = 0

    def rewind(self) -> None:
        self._aws_at = self._gateway_at = 0

    def next_of_aws(self, operation: str) -> tuple[int, dict[str, str], bytes]:
        recorded, status, headers, content = self.aws[self._aws_at]
        assert recorded == operation
        self._aws_at += 1
        return status, headers, content

    def next_of_gateway(self, operation: str) -> HttpResponse:
        recorded, answer = self.gateway[self._gateway_at]
        assert recorded == operation
        self._gateway_at += 1
        return answer


class Wire:
    """Stands in the way of what a client of AWS sends, and records or plays it."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._session = URLLib3Session()
        self._answer: Callable[[AWSPreparedRequest], AWSResponse] | None = None
        sent: Any = self._sent  # which answers; the stubs know only handlers that do not
        client.meta.events.register("before-send.dynamodb", sent)

    def _sent(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        return None if self._answer is None else self._answer(request)

    def record(self, tape: Tape) -> None:
        """From now on what is answered goes onto the tape."""

        def answer(request: AWSPreparedRequest) -> AWSResponse:
            found = self._session.send(request)
            tape.aws.append((_operation(request), found.status_code, dict(found.headers), found.content))
            return found

        self._answer = answer

    def play(self, tape: Tape) -> None:
        """From now on the tape answers."""

        def answer(request: AWSPreparedRequest) -> AWSResponse:
            status, headers, content = tape.next_of_aws(_operation(request))
            return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Body(content))

        self._answer = answer


def _operation(request: AWSPreparedRequest) -> str:
    target = request.headers["X-Amz-Target"]
    return target.decode() if isinstance(target, bytes) else str(target)


@dataclass(slots=True)
class _Recording:
    transport: Transport
    tape: Tape

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        answer = self.transport.send(request, timeout_ms=timeout_ms)
        self.tape.gateway.append((request.operation, answer))
        return answer


@dataclass(slots=True)
class _Playing:
    tape: Tape

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        return self.tape.next_of_gateway(request.operation)


def recording(world: World, client: "DynamoDBClient", tape: Tape) -> World:
    """``world`` seen through ``client``, while its gateway's answers go onto the tape."""
    return _seen(world, client, _Recording(world.gateway, tape))


def playing(world: World, client: "DynamoDBClient", tape: Tape) -> World:
    """``world`` as it was when the recording began, with nothing behind it but the tape."""
    tape.rewind()
    return _seen(world, client, _Playing(tape))


def _seen(world: World, client: "DynamoDBClient", transport: Transport) -> World:
    other = copy.copy(world)
    other.client = client
    other.clock = FixedClock(world.clock.now())
    other.ids = UlidIds(other.clock, random.Random(11).getrandbits)  # noqa: S311 - the same ids in every run
    other.razorpay = RazorpayClient(
        key_id=KEY_ID, key_secret=KEY_SECRET, clock=other.clock, transport=transport
    )
    return other


class _Client:
    """A client of AWS that another one answers for, call by call."""

    def __init__(self, exceptions: Any, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self.exceptions = exceptions
        self._answer = answer

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **arguments: self._answer(operation, arguments)


def without_botocore(client: "DynamoDBClient") -> tuple[Any, Callable[[], Any]]:
    """A client that records what ``client`` answers, and what makes clients that answer it again."""
    kept: list[tuple[str, Any]] = []

    def record(operation: str, arguments: dict[str, Any]) -> Any:
        kept.append((operation, getattr(client, operation)(**arguments)))
        return kept[-1][1]

    def played() -> _Client:
        left = iter(kept)

        def answer(operation: str, _: dict[str, Any]) -> Any:
            recorded, found = next(left)
            assert recorded == operation
            return found

        return _Client(client.exceptions, answer)

    return _Client(client.exceptions, record), played
