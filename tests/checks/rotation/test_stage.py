"""Staging against AWS: what is asked of it, in which order, and how each end is told."""

import json
from collections.abc import Mapping
from typing import Any, cast

import boto3
import pytest

from checks.errors import HasivuError
from checks.progress import Silent
from checks.rotation import stage as staging
from checks.rotation.stage import stage
from runtime.rotation.steps import CURRENT, PENDING, STAGED

VALUE = {"secrets": ["n" * 40, "o" * 40]}
REFUSAL = {
    "message": "rotation refused",
    "code": "provider-refused",
    "detail": "Razorpay answers 401.",
    "next_step": "see that the value is active",
}


class Aws:
    """Secrets Manager, Lambda and CloudWatch Logs, as far as staging asks them. ``ends`` is what a rotation
    comes to: ``rotated``, ``refused`` or nothing."""

    def __init__(self, *, ends: str = "rotated", enabled: bool = True) -> None:
        self.ends = ends
        self.enabled = enabled
        self.versions: dict[str, list[str]] = {"v1": [CURRENT]}
        self.values: list[str] = []
        self.calls: list[str] = []
        self.token = ""

    def client(self, name: str, **_: Any) -> "Aws":
        return self

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        assert SecretId == "hasivu/dev/razorpay-webhook"
        found = {version: list(labels) for version, labels in self.versions.items() if labels}
        return {"RotationEnabled": self.enabled, "VersionIdsToStages": found}

    def put_secret_value(self, **asked: Any) -> None:
        assert asked["VersionStages"] == [STAGED], "it is not current, and no rotation is pending"
        self.calls.append("stage")
        self.values.append(asked["SecretString"])
        self.versions[asked["ClientRequestToken"]] = [STAGED]

    def update_secret_version_stage(
        self, *, SecretId: str, VersionStage: str, RemoveFromVersionId: str
    ) -> None:
        self.calls.append(f"take {VersionStage} off {RemoveFromVersionId}")
        self.versions[RemoveFromVersionId].remove(VersionStage)

    def rotate_secret(self, *, SecretId: str, ClientRequestToken: str) -> None:
        pending = [labels for labels in self.versions.values() if PENDING in labels and CURRENT not in labels]
        assert not pending, "AWS answers that a previous rotation is not complete"
        self.calls.append("rotate")
        self.token = ClientRequestToken
        if self.ends == "rotated":
            self.versions["v1"].remove(CURRENT)
            self.versions[ClientRequestToken] = [CURRENT, PENDING]

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == "hasivu-dev-secret-rotation"
        return {"LoggingConfig": {"LogGroup": "its-log"}}

    def filter_log_events(self, **asked: Any) -> Mapping[str, Any]:
        assert asked["logGroupName"] == "its-log"
        assert self.token in asked["filterPattern"]
        return {"events": [{"message": json.dumps(REFUSAL)}] if self.ends == "refused" else []}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_POLL_S", 0.001)
    monkeypatch.setattr(staging, "PATIENCE_S", 0.05)


def run(aws: Aws) -> Silent:
    reporter = Silent()
    stage(cast("boto3.Session", aws), "dev", "razorpay-webhook", dict(VALUE), reporter=reporter)
    return reporter


def refused(aws: Aws) -> HasivuError:
    with pytest.raises(HasivuError) as caught:
        run(aws)
    assert "n" * 8 not in str(caught.value)
    return caught.value


def test_a_value_is_staged_and_then_rotated() -> None:
    aws = Aws()
    reporter = run(aws)
    assert aws.calls == ["stage", "rotate"]
    assert json.loads(aws.values[0]) == VALUE
    assert "n" * 8 not in f"{reporter.said} {list(reporter.seconds)}"


def test_what_an_earlier_rotation_left_behind_is_ended_first() -> None:
    aws = Aws()
    aws.versions |= {"v2": [PENDING], "v3": [STAGED], "v0": ["AWSPREVIOUS"]}
    run(aws)
    assert aws.calls == [f"take {PENDING} off v2", f"take {STAGED} off v3", "stage", "rotate"]


def test_a_pending_label_on_the_current_version_is_no_rotation_in_progress() -> None:
    aws = Aws()
    aws.versions["v1"] = [CURRENT, PENDING]
    run(aws)
    assert aws.calls == ["stage", "rotate"]


def test_a_refusal_is_told_with_its_code_and_its_next_step() -> None:
    error = refused(Aws(ends="refused"))
    assert error.code == "ROTATION_REFUSED"
    assert error.detail == "provider-refused: Razorpay answers 401."
    assert error.next_step == "see that the value is active"


def test_a_rotation_that_does_not_end_is_told_as_such() -> None:
    error = refused(Aws(ends=""))
    assert error.code == "ROTATION_UNDECIDED"
    assert "hasivu secret status --env dev" in error.next_step


def test_a_secret_that_nobody_rotates_takes_no_value() -> None:
    aws = Aws(enabled=False)
    assert refused(aws).code == "SECRET_NOT_SCHEDULED"
    assert aws.calls == []
