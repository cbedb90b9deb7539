"""The sandbox itself, running: what the templates say is there, and what must hold for every run."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from checks.progress import Silent
from checks.sandbox import deployed, dropped_properties, emulator, logs, process
from checks.sandbox.api_client import ApiClient
from checks.sandbox.sandbox import SERVICES, Sandbox
from checks.sandbox.state import SandboxState

BUS = "hasivu-sandbox-events"
APP = "http://localhost:3000"
LISTEN = "0A"
LOOPBACK_HEX = "0100007F"


def eventually(ask: Callable[[], Any], patience_s: float = 90) -> Any:
    deadline = time.monotonic() + patience_s
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return answer


def test_every_service_is_healthy(sandbox: Sandbox) -> None:
    assert {status.name: status.health for status in sandbox.status()} == dict.fromkeys(SERVICES, "healthy")


def test_up_again_does_nothing_twice(sandbox: Sandbox) -> None:
    before = SandboxState.read(sandbox.layout.state)
    reporter = Silent()
    endpoints = Sandbox(sandbox.layout.directory, reporter=reporter).up()
    assert endpoints == sandbox.endpoints
    assert SandboxState.read(sandbox.layout.state) == before
    assert not [step for step in reporter.seconds if "deploy" in step or "synthesise" in step]
    assert "the emulator and the simulators are running already" in reporter.said


def test_the_properties_that_cloudformation_drops_are_there_as_the_templates_say(sandbox: Sandbox) -> None:
    session = sandbox.session()
    stacks = deployed.read_stacks(sandbox.layout.assembly, session.client("cloudformation"))
    settings = dropped_properties.plan(stacks, region=emulator.REGION, account=emulator.ACCOUNT)
    assert {setting.property_name for setting in settings} >= {
        "TimeToLiveSpecification",
        "PointInTimeRecoverySpecification",
        "SSESpecification",
        "OnDemandThroughput",
        "KmsMasterKeyId",
        "BucketEncryption",
        "LifecycleConfiguration",
        "ObjectLockConfiguration",
    }
    for setting in settings:
        assert _live(session, setting) == _wanted(setting), setting


def _wanted(setting: dropped_properties.Setting) -> Any:
    arguments = setting.call.arguments
    match setting.property_name:
        case "TimeToLiveSpecification":
            return arguments["TimeToLiveSpecification"]["AttributeName"]
        case "PointInTimeRecoverySpecification":
            return arguments["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        case "SSESpecification":
            return arguments["SSESpecification"]["KMSMasterKeyId"]
        case "OnDemandThroughput":
            return arguments["OnDemandThroughput"]
        case "KmsMasterKeyId":
            return arguments["AttributeValue"]
        case "BucketEncryption":
            (rule,) = arguments["ServerSideEncryptionConfiguration"]["Rules"]
            return rule["ApplyServerSideEncryptionByDefault"]
        case "LifecycleConfiguration":
            return len(arguments["LifecycleConfiguration"]["Rules"])
        case "ObjectLockConfiguration":
            return arguments["ObjectLockConfiguration"]
    raise AssertionError(f"no live check of {setting.property_name}: add one")


def _live(session: boto3.Session, setting: dropped_properties.Setting) -> Any:
    dynamodb, name = session.client("dynamodb"), setting.physical_id
    match setting.property_name:
        case "TimeToLiveSpecification":
            return dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"]
        case "PointInTimeRecoverySpecification":
            described = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
            return described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
        case "SSESpecification":
            return dynamodb.describe_table(TableName=name)["Table"]["SSEDescription"]["KMSMasterKeyArn"]
        case "OnDemandThroughput":
            return dynamodb.describe_table(TableName=name)["Table"]["OnDemandThroughput"]
        case "KmsMasterKeyId":
            attributes = session.client("sns").get_topic_attributes(TopicArn=name)["Attributes"]
            return attributes["KmsMasterKeyId"]
    return _live_bucket(session, setting)


def _live_bucket(session: boto3.Session, setting: dropped_properties.Setting) -> Any:
    s3, name = session.client("s3"), setting.physical_id
    match setting.property_name:
        case "BucketEncryption":
            (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
            return rule["ApplyServerSideEncryptionByDefault"]
        case "LifecycleConfiguration":
            return len(s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"])
        case "ObjectLockConfiguration":
            return s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    raise AssertionError(setting.property_name)


def test_nothing_listens_but_on_the_loopback_interface_and_on_one_port_each(sandbox: Sandbox) -> None:
    state = SandboxState.read(sandbox.layout.state)
    for name, record in state.services.items():
        listening = _listening(record.pid)
        expected = set() if record.url is None else {(LOOPBACK_HEX, state.ports[name])}
        assert listening == expected, name


def _listening(group: int) -> set[tuple[str, int]]:
    """Address and port of every listening TCP socket of a process group (proc(5), /proc/net/tcp)."""
    sockets = set()
    for pid in process._group_members(group):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(str(descriptor.readlink()))
            except OSError:
                continue  # closed meanwhile
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


def test_the_secrets_are_its_owners_and_are_what_the_functions_read(sandbox: Sandbox) -> None:
    assert stat.S_IMODE(sandbox.layout.secrets.stat().st_mode) == 0o600
    client = sandbox.session().client("secretsmanager")
    read = json.loads(client.get_secret_value(SecretId="hasivu/sandbox/razorpay")["SecretString"])
    assert read == {
        "key_id": sandbox.secrets.razorpay_key_id,
        "key_secret": sandbox.secrets.razorpay_key_secret,
    }


def test_what_a_function_logs_can_be_read(sandbox: Sandbox) -> None:
    sandbox.session().client("lambda").invoke(FunctionName="hasivu-sandbox-health-check", Payload=b"{}")
    assert eventually(lambda: [*logs.lines(sandbox, "health-check", follow=False)] or None)


# --- browsers ---


@pytest.mark.parametrize("path", ["/v1/payments", "/v1/payments/pmt_1", "/health"])
def test_a_page_of_the_app_may_call_the_api(sandbox: Sandbox, path: str) -> None:
    preflight = ApiClient(sandbox.endpoints.api_url).call("OPTIONS", path, headers={"origin": APP})
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == APP
    assert preflight.headers["access-control-allow-headers"] == "Authorization,Content-Type,Idempotency-Key"
    assert "GET" in preflight.headers["access-control-allow-methods"].split(",")


def test_a_page_of_the_app_may_read_answers_and_refusals(sandbox: Sandbox) -> None:
    api = ApiClient(sandbox.endpoints.api_url)
    answer = api.call("GET", "/health", headers={"origin": APP})
    refusal = api.call("GET", "/v1/payments", headers={"origin": APP})
    assert (answer.status, refusal.status) == (200, 401)
    for given in (answer, refusal):
        assert given.headers["access-control-allow-origin"] == APP
        assert given.headers["vary"] == "Origin"


def test_no_other_page_may_read_answers(sandbox: Sandbox) -> None:
    api = ApiClient(sandbox.endpoints.api_url)
    answer = api.call("GET", "/health", headers={"origin": "https://elsewhere.example"})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_no_page_may_call_a_webhook(sandbox: Sandbox) -> None:
    preflight = ApiClient(sandbox.endpoints.api_url).call(
        "OPTIONS", "/v1/webhooks/razorpay", headers={"origin": APP}
    )
    assert preflight.status == 404


# --- the outbox pipe ---


@pytest.fixture
def events(sandbox: Sandbox) -> Iterator[Callable[[str], Any]]:
    """What reaches the bus, by the id that was put into the outbox."""
    session = sandbox.session()
    sqs, bus = session.client("sqs"), session.client("events")
    name = "everything-on-the-bus"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{emulator.REGION}:{emulator.ACCOUNT}:{name}"
    bus.put_rule(Name=name, EventBusName=BUS, EventPattern='{"source":["hasivu.test"]}')
    bus.put_targets(Rule=name, EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    seen: dict[str, Any] = {}

    def event_with(event_id: str) -> Any:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            body = json.loads(message["Body"])
            seen[body["detail"]["event_id"]] = body
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return seen.get(event_id)

    yield event_with
    bus.remove_targets(Rule=name, EventBusName=BUS, Ids=["queue"])
    bus.delete_rule(Name=name, EventBusName=BUS)
    sqs.delete_queue(QueueUrl=queue)


def put_into_outbox(sandbox: Sandbox, event_id: str) -> None:
    item = {
        "event_id": event_id,
        "source": "hasivu.test",
        "detail_type": "Tested",
        "occurred_at": "2026-04-01T00:00:00Z",
        "subject": 'the "subject"',
        "detail": '{"amount_paise": 100}',
    }
    client = sandbox.session().client("dynamodb")
    client.put_item(
        TableName="hasivu-sandbox-outbox", Item={name: {"S": value} for name, value in item.items()}
    )


def test_what_is_put_into_the_outbox_reaches_the_bus_as_the_pipe_says(
    sandbox: Sandbox, events: Callable[[str], Any]
) -> None:
    put_into_outbox(sandbox, "evt-1")
    event = eventually(lambda: events("evt-1"))
    assert event["detail-type"] == "Tested"
    assert event["detail"] == {
        "event_id": "evt-1",
        "occurred_at": "2026-04-01T00:00:00Z",
        "subject": 'the "subject"',
        "detail": '{"amount_paise": 100}',
    }


def test_a_pipe_whose_role_may_not_put_events_puts_none_until_it_may(
    sandbox: Sandbox, events: Callable[[str], Any]
) -> None:
    """The pipe works with its role's permissions only: without them its events wait, and nothing is lost."""
    iam = sandbox.session().client("iam")
    (role,) = [
        role["RoleName"]
        for page in iam.get_paginator("list_roles").paginate()
        for role in page["Roles"]
        if "OutboxPipe" in role["RoleName"]
    ]
    denial = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "events:PutEvents", "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=role, PolicyName="test-denial", PolicyDocument=json.dumps(denial))
    try:
        put_into_outbox(sandbox, "evt-2")
        time.sleep(2)
        assert events("evt-2") is None
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="test-denial")
    assert eventually(lambda: events("evt-2"))["detail"]["event_id"] == "evt-2"


# --- down, up and crashes: last, since they interrupt everything ---


def test_a_crashed_simulator_is_started_again_where_it_was(sandbox: Sandbox) -> None:
    record = SandboxState.read(sandbox.layout.state).services["whatsapp"]
    os.kill(record.pid, signal.SIGKILL)
    assert eventually(lambda: None if process.is_running(record) else True)
    reporter = Silent()
    Sandbox(sandbox.layout.directory, reporter=reporter).up()
    again = SandboxState.read(sandbox.layout.state).services["whatsapp"]
    assert again.pid != record.pid
    assert again.url == record.url
    assert "whatsapp has crashed and is started again" in reporter.said
    assert not [step for step in reporter.seconds if "deploy" in step]


def test_down_ends_every_process_and_up_brings_the_data_back(sandbox: Sandbox) -> None:
    def schools() -> Any:
        return sandbox.session().client("dynamodb")

    key = {"school_id": {"S": "kept-over-night"}}
    schools().put_item(TableName="hasivu-sandbox-schools", Item=key)
    groups = [record.pid for record in SandboxState.read(sandbox.layout.state).services.values()]
    assert set(sandbox.down()) == set(SERVICES)
    assert [process._group_members(group) for group in groups] == [[]] * len(groups)

    endpoints = sandbox.up()
    assert endpoints == sandbox.endpoints
    assert schools().get_item(TableName="hasivu-sandbox-schools", Key=key)["Item"] == key
