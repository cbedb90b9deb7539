"""A release against the emulator's Lambda and KMS: prepared, opened, rehearsed, rolled back, signed."""

import io
import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from typer.testing import CliRunner

from checks import cli
from checks.checklist.model import Results, Status
from checks.errors import ExitCode, HasivuError
from checks.release import commands, context
from checks.release.aliases import LIVE, roll_back, snapshot
from checks.release.allowed_signers import AllowedSigners
from checks.release.deadline import ScheduledPage
from checks.release.kms_key import KmsKey
from checks.release.records import FunctionVersions
from checks.release.rehearsal import rehearse
from checks.release.signing import signature_over
from checks.release.sshsig import Namespace
from checks.toolchain import REPOSITORY
from stacks.environment_file import load_environment
from tests.checks.release.world import (
    checked_out_as_reported,
    criterion,
    go_live,
    item,
    results,
    write_report,
)

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.usefixtures("in_aws")
ENV = "sandbox"


@pytest.fixture
def functions(in_aws: dict[str, str]) -> "LambdaClient":
    found: LambdaClient = boto3.Session().client("lambda", region_name=in_aws["AWS_REGION"])
    return found


@pytest.fixture
def kms(in_aws: dict[str, str]) -> "KMSClient":
    found: KMSClient = boto3.Session().client("kms", region_name=in_aws["AWS_REGION"])
    return found


def code(text: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("it.py", f"def handler(event, context):\n    return {text!r}\n")
    return archive.getvalue()


@pytest.fixture
def deployed(functions: "LambdaClient") -> Iterator[list[str]]:
    """Three functions with the alias ``live`` on their first version."""
    names = [f"hasivu-{ENV}-{name}" for name in ("one", "three", "two")]
    iam = boto3.Session().client("iam")
    role = iam.create_role(RoleName="releases", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for name in names:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler="it.handler",
            Code={"ZipFile": code("old")},
            Description=f"What {name} does",
        )
        published = functions.publish_version(FunctionName=name)
        functions.create_alias(FunctionName=name, Name=LIVE, FunctionVersion=published["Version"])
    yield names
    for name in names:
        functions.delete_function(FunctionName=name)
    iam.delete_role(RoleName="releases")


def deploy(functions: "LambdaClient", names: list[str], text: str = "new") -> None:
    for name in names:
        functions.update_function_code(FunctionName=name, ZipFile=code(text))
        published = functions.publish_version(FunctionName=name)
        functions.update_alias(FunctionName=name, Name=LIVE, FunctionVersion=published["Version"])


def versions(before: dict[str, Any], after: dict[str, Any]) -> list[FunctionVersions]:
    return [
        FunctionVersions(function=name, previous=before.get(name), next=version)
        for name, version in after.items()
    ]


def test_aliases_go_back_and_a_second_run_moves_nothing(
    functions: "LambdaClient", deployed: list[str]
) -> None:
    before = snapshot(functions, ENV)
    assert sorted(before) == deployed
    deploy(functions, deployed)
    after = snapshot(functions, ENV)
    assert all(before[name].code_sha256 != after[name].code_sha256 for name in deployed)
    assert roll_back(functions, versions(before, after)).moved == deployed
    assert snapshot(functions, ENV) == before
    assert roll_back(functions, versions(before, after)).already_back == deployed


def test_nothing_moves_when_a_version_is_gone(functions: "LambdaClient", deployed: list[str]) -> None:
    before = snapshot(functions, ENV)
    deploy(functions, deployed)
    after = snapshot(functions, ENV)
    gone = deployed[-1]
    functions.delete_function(FunctionName=gone, Qualifier=before[gone].version)
    with pytest.raises(HasivuError) as refused:
        roll_back(functions, versions(before, after))
    assert refused.value.code == "VERSION_GONE"
    assert snapshot(functions, ENV) == after


def test_the_rehearsal_leaves_everything_as_it_was(functions: "LambdaClient", deployed: list[str]) -> None:
    before = snapshot(functions, ENV)
    drill = rehearse(
        functions,
        ENV,
        emulator=True,
        by="nobody@sandbox.invalid",
        commit="c" * 40,
        clock=lambda: datetime.now(UTC),
    )
    assert snapshot(functions, ENV) == before
    assert list(drill.functions) == deployed
    assert drill.interrupted
    for name in deployed:
        assert functions.get_function_configuration(FunctionName=name)["Description"] == f"What {name} does"


def test_kms_signs_what_openssh_and_we_verify(kms: "KMSClient", tmp_path: Path) -> None:
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    key = KmsKey(kms, made)
    for number in range(20):  # now and then r or s has its first bit set
        document = json.dumps({"number": number}).encode()
        signature = signature_over(document, Namespace.SIGNOFF, key)
        line = f'cto@x.example,technical-director namespaces="hasivu-signoff" {key.public_key().line}'
        allowed = AllowedSigners.parse(line).signer(
            signature.key, namespace=Namespace.SIGNOFF, at=datetime.now(UTC), role="technical-director"
        )
        assert allowed.person == "cto@x.example"
        if (program := shutil.which("ssh-keygen")) is None:
            continue
        (tmp_path / "signers").write_text(line + "\n")
        (tmp_path / "sig").write_bytes(signature.armoured())
        command = [program, "-Y", "verify", "-f", str(tmp_path / "signers"), "-I", "cto@x.example"]
        command += ["-n", "hasivu-signoff", "-s", str(tmp_path / "sig")]
        assert subprocess.run(command, input=document, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "kind",
    [
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "ECC_NIST_P384", "KeyUsage": "SIGN_VERIFY"},
    ],
)
def test_a_kms_key_of_another_kind_is_refused(kms: "KMSClient", kind: Any) -> None:
    try:
        made = kms.create_key(**kind)["KeyMetadata"]["KeyId"]
    except kms.exceptions.ClientError:
        pytest.skip("the emulator makes no such key")
    with pytest.raises(HasivuError) as refused:
        KmsKey(kms, made).public_key()
    assert refused.value.code == "KMS_KEY_UNFIT"


def test_a_kms_key_that_is_not_there_is_named(kms: "KMSClient") -> None:
    with pytest.raises(HasivuError) as refused:
        KmsKey(kms, "11111111-2222-3333-4444-555555555555").public_key()
    assert refused.value.code == "KMS_REFUSES"


# --- the alarm at the deadline ---


def alarm_at() -> str | None:
    """When the alarm of the deadline rings, as EventBridge has it."""
    client = boto3.Session().client("scheduler")
    try:
        return client.get_schedule(Name=f"hasivu-{ENV}-rollback-deadline")["ScheduleExpression"]
    except client.exceptions.ResourceNotFoundException:
        return None


RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"],
            "Resource": f"arn:aws:scheduler:*:*:schedule/default/hasivu-{ENV}-rollback-deadline",
        },
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": f"arn:aws:iam::*:role/hasivu-{ENV}-rollback-deadline",
            "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        },
    ],
}
"""What docs/guides/release.md says that whoever opens and closes windows needs."""


def page_of(rights: dict[str, Any]) -> ScheduledPage:
    """The alarm as somebody sets it who has these rights and no others."""
    iam = boto3.Session().client("iam")
    name = f"owner-{uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(rights))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
    settings = load_environment(ENV, directory=REPOSITORY / "environments", today=datetime.now(UTC).date())
    return ScheduledPage(session.client("scheduler"), settings)


def test_the_rights_of_the_guide_are_enough_to_set_and_to_silence_it() -> None:
    page, now = page_of(RIGHTS), datetime.now(UTC)
    for _ in range(2):
        page.set(go_live(environment=ENV), now=now)
        assert alarm_at() is not None
    page.silence()
    page.silence()
    assert alarm_at() is None


def test_without_rights_it_is_refused_and_so_is_the_go_live() -> None:
    other = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    page, now = page_of({"Version": "2012-10-17", "Statement": [other]}), datetime.now(UTC)
    with pytest.raises(HasivuError) as refused:
        page.set(go_live(environment=ENV), now=now)
    assert refused.value.code == "ALARM_NOT_SET"
    with pytest.raises(HasivuError) as refused:
        page.silence()
    assert refused.value.code == "ALARM_NOT_SILENCED"


def test_it_rings_on_the_topic_that_pages_and_is_gone() -> None:
    sns, sqs = boto3.Session().client("sns"), boto3.Session().client("sqs")
    topic = sns.create_topic(Name=f"hasivu-{ENV}-alarms-page")["TopicArn"]
    queue = sqs.create_queue(QueueName="whoever-is-paged")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    tell = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [tell]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    page, long_ago = page_of(RIGHTS), datetime.now(UTC) - timedelta(days=2)
    assert page.topic == topic
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    live_ = go_live(environment=ENV, deployed_at=long_ago, rollback_deadline=long_ago + timedelta(hours=24))
    page.set(live_, now=long_ago)
    until = time.monotonic() + 60
    heard: list[Any] = []
    while not heard and time.monotonic() < until:
        heard = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    assert alarm_at() is None
    assert heard


# --- the commands, one release from the gate to its end ---


class Desk:
    """Somebody at the commands, with a clock of their own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.now = datetime.now(UTC).replace(microsecond=0)
        monkeypatch.setattr(commands, "_now", lambda: self.now)
        checked_out_as_reported(monkeypatch)
        monkeypatch.setattr(context.Context, "session", property(lambda self: boto3.Session()))

    def run(self, *arguments: object, expect: ExitCode = ExitCode.OK) -> str:
        asked = [str(argument) for argument in arguments]
        result = CliRunner().invoke(cli.app, [*asked, "--dir", str(self.folder)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == expect, result.output
        return result.output

    def report(self, name: str, **changed: Any) -> Path:
        facts: dict[str, Any] = {"environment": ENV, "emulator": True, "generated_at": self.now}
        found: Results = results(**facts | changed)
        report = write_report(self.folder / name, found)
        self.run("sign", report)
        return report

    def pass_(self, hours: int) -> None:
        self.now += timedelta(hours=hours)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_a_release_from_the_gate_to_its_rollback(
    desk: Desk, functions: "LambdaClient", deployed: list[str]
) -> None:
    report = desk.report("report")
    drill = desk.folder / "drill" / "drill.json"
    assert "3 aliases taken back" in desk.run("rollback", "--env", ENV, "--rehearse", "--output", drill)
    gate = ["go-live", report, "--env", ENV, "--deployer", "me@hasivu.example", "--drill", drill]
    assert "GO: sandbox-0001-" in desk.run(*gate)
    before = snapshot(functions, ENV)
    deploy(functions, deployed)
    assert "rollback deadline" in desk.run("go-live", "--env", ENV, "--opened", "--ticket", "OPS-1")
    assert alarm_at() == f"at({desk.now + timedelta(hours=24, minutes=1):%Y-%m-%dT%H:%M:%S})"
    desk.pass_(24)
    assert "open" in desk.run("window", "--env", ENV)
    desk.pass_(1)
    assert "overdue" in desk.run("window", "--env", ENV, expect=ExitCode.CHECK_FAILED)
    assert "WINDOW_BEFORE" in desk.run(*gate, expect=ExitCode.CHECK_FAILED)
    plan = desk.run("rollback", "--env", ENV, "--dry-run")
    assert all(f"{name}: to be moved back" in plan for name in deployed)
    assert snapshot(functions, ENV) != before
    done = desk.run("rollback", "--env", ENV, "--reason", "OPS-9", "--yes")
    assert "3 aliases moved" in done
    (desk.folder / "releases" / ENV / "0001" / "rolled-back.json").unlink()  # as a crash leaves it
    with pytest.raises(HasivuError, match="run what was cut off again"):
        desk.run("window", "--env", ENV, expect=ExitCode.CHECK_FAILED)
    done = desk.run("rollback", "--env", ENV, "--reason", "OPS-9", "--yes")
    assert "0 aliases moved, 3 were back" in done
    assert snapshot(functions, ENV) == before
    assert "rolled-back" in desk.run("window", "--env", ENV)
    assert alarm_at() is None
    shown = desk.run("verify", report)
    assert "sandbox-0001-" in shown
    assert "1 deployment, one chain" in shown


def test_a_release_from_the_gate_to_its_success(
    desk: Desk, functions: "LambdaClient", deployed: list[str]
) -> None:
    report = desk.report("report")
    gate = ["go-live", report, "--env", ENV, "--deployer", "me@hasivu.example"]
    desk.run(*gate)
    deploy(functions, deployed)
    done = desk.now
    desk.pass_(3)
    late = desk.run("window", "--env", ENV, expect=ExitCode.CHECK_FAILED)
    assert "nobody opened it" in late
    opening = ["go-live", "--env", ENV, "--opened", "--ticket", "OPS-1", "--deployed-at"]
    with pytest.raises(HasivuError, match="future"):
        desk.run(*opening, f"{desk.now + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}")
    in_india = done.astimezone(timezone(timedelta(hours=5, minutes=30)))
    shown = desk.run(*opening, f"{in_india:%Y-%m-%dT%H:%M:%S%z}")
    assert f"rollback deadline: {done + timedelta(hours=24):%Y-%m-%d %H:%M} UTC" in shown
    desk.pass_(20)
    bad = desk.report("bad", items=(item("one"), criterion(Status.FAILED)))
    with pytest.raises(HasivuError, match="uptime"):
        desk.run("window", "--env", ENV, "--close", bad)
    good = desk.report("good")
    assert alarm_at() is not None
    for _ in range(2):  # the same report again changes nothing
        assert "closed" in desk.run("window", "--env", ENV, "--close", good)
        assert alarm_at() is None
    with pytest.raises(HasivuError) as refused:
        desk.run("rollback", "--env", ENV, "--reason", "OPS-9", "--yes")
    assert refused.value.code == "WINDOW_CLOSED"
