"""The health check with its real parts: tables, queues, dead letters and a gateway that may be silent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from runtime.functions.health_check import wire
from runtime.platform.auth import Role
from tests.events import Answer, Context, caller, rest_event
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

SCHEDULED = {"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}}


@pytest.fixture
def gateway_url() -> Iterator[str]:
    """A gateway that refuses whoever comes without credentials."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class World:
    """What the health check looks at."""

    def __init__(
        self, in_aws: dict[str, str], tables: Tables, sqs: "SQSClient", ssm: "SSMClient", name: str, url: str
    ) -> None:
        self.sqs, self.ssm, self.name = sqs, ssm, name
        queues = ("webhook-queue", "notifications-queue", "webhook-dlq", "notifications-dlq")
        self.queues = {queue: sqs.create_queue(QueueName=f"{name}-{queue}")["QueueUrl"] for queue in queues}
        self.gateway_is_at(url)
        self.tables = tables
        self.environment = {
            **in_aws,
            "HASIVU_ENV": "test",
            "POWERTOOLS_SERVICE_NAME": f"health-check-{name}",
            "AUDIT_TABLE": tables["audit"],
            "PAYMENTS_TABLE": tables["payments"],
            "LEDGER_TABLE": tables["ledger"],
            "WEBHOOK_QUEUE_URL": self.queues["webhook-queue"],
            "NOTIFICATIONS_QUEUE_URL": self.queues["notifications-queue"],
            "WEBHOOK_DLQ_URL": self.queues["webhook-dlq"],
            "NOTIFICATIONS_DLQ_URL": self.queues["notifications-dlq"],
            "RAZORPAY_BASE_URL_PARAMETER": f"/{name}/razorpay/base-url",
            "TOPIC_ARN": "arn:aws:sns:ap-south-1:000000000000:payment-notifications-test",
        }

    def gateway_is_at(self, url: str) -> None:
        self.ssm.put_parameter(
            Name=f"/{self.name}/razorpay/base-url", Value=url, Type="String", Overwrite=True
        )

    def deep(self) -> Answer:
        event = rest_event("GET", "/health/deep", principal=caller("usr-1", Role.OPERATOR))
        return Answer.of(wire(self.environment)(event, Context()))

    def by_name(self, answer: Answer) -> dict[str, str]:
        return {check["name"]: check["status"] for check in answer.body["checks"]}


@pytest.fixture
def world(
    in_aws: dict[str, str], tables: Tables, sqs: "SQSClient", ssm: "SSMClient", unique: str, gateway_url: str
) -> Iterator[World]:
    made = World(in_aws, tables, sqs, ssm, unique, gateway_url)
    yield made
    for url in made.queues.values():
        sqs.delete_queue(QueueUrl=url)


def test_when_all_is_well_it_passes_and_leaves_no_trace(world: World) -> None:
    before = world.tables.snapshot()
    answer = world.deep()
    assert (answer.status, answer.body["status"]) == (200, "pass")
    assert set(world.by_name(answer).values()) == {"pass"}
    assert len(answer.body["checks"]) == 7
    assert world.tables.snapshot() == before


def test_a_dead_letter_is_a_warning(world: World) -> None:
    world.sqs.send_message(QueueUrl=world.queues["webhook-dlq"], MessageBody="x")
    answer = world.deep()
    assert (answer.status, answer.body["status"]) == (200, "warn")
    assert world.by_name(answer)["webhook dead letters"] == "warn"


def test_a_waiting_message_is_nothing_special(world: World) -> None:
    world.sqs.send_message(QueueUrl=world.queues["webhook-queue"], MessageBody="x")
    answer = world.deep()
    assert answer.body["status"] == "pass"


def test_a_lost_table_is_a_failure_and_everything_else_is_still_looked_at(world: World) -> None:
    world.environment["LEDGER_TABLE"] = "test-no-such-table"
    answer = world.deep()
    assert (answer.status, answer.body["status"]) == (503, "fail")
    statuses = world.by_name(answer)
    assert statuses.pop("ledger table") == "fail"
    assert set(statuses.values()) == {"pass"}
    assert "test-no-such-table" not in answer.text


def test_a_lost_queue_is_a_failure(world: World) -> None:
    world.environment["WEBHOOK_QUEUE_URL"] += "-gone"
    answer = world.deep()
    assert answer.status == 503
    assert world.by_name(answer)["webhook queue"] == "fail"


def test_a_silent_gateway_is_a_warning(world: World) -> None:
    world.gateway_is_at("http://127.0.0.1:9")
    answer = world.deep()
    assert (answer.status, answer.body["status"]) == (200, "warn")
    assert world.by_name(answer)["gateway"] == "warn"


def test_a_shallow_look_answers_while_everything_else_is_gone(world: World) -> None:
    world.environment |= {"LEDGER_TABLE": "gone", "PAYMENTS_TABLE": "gone", "AUDIT_TABLE": "gone"}
    answer = Answer.of(wire(world.environment)(rest_event("GET", "/health"), Context()))
    assert (answer.status, answer.body["status"]) == (200, "pass")


def test_a_stranger_leaves_one_line_and_learns_nothing(world: World) -> None:
    answer = Answer.of(wire(world.environment)(rest_event("GET", "/health/deep"), Context()))
    assert answer.code == "unauthenticated"
    (line,) = world.tables.items("audit")
    assert (line["action"], line["code"]) == ("health.deep", "unauthenticated")


def test_the_schedule_logs_what_it_saw_by_name(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.sqs.send_message(QueueUrl=world.queues["notifications-dlq"], MessageBody="x")
    found = wire(world.environment)(SCHEDULED, Context())
    assert found["status"] == "warn"
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["level"], line["health"]) == ("ERROR", "warn")
    assert line["checks"]["notification dead letters"]["status"] == "warn"
    assert line["checks"]["payments table"]["status"] == "pass"


def test_the_schedule_says_so_calmly_when_all_is_well(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wire(world.environment)(SCHEDULED, Context())["status"] == "pass"
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["level"] == "INFO"
