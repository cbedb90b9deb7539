"""Secrets are renewed in the sandbox by the deployed function, under its own role, with IAM enforced."""

import json
from typing import Any
from uuid import uuid4

import pytest

from checks.errors import HasivuError
from checks.progress import Silent
from checks.rotation.stage import stage
from checks.rotation.status import look
from checks.sandbox import rotations
from checks.sandbox.people import back_office
from checks.sandbox.sandbox import Sandbox
from runtime.access.peppers import Peppers
from runtime.rotation.steps import CURRENT
from tests.checks.rotation.test_status import NOW

PEPPER, WEBHOOK, RAZORPAY = (
    f"hasivu/sandbox/{name}" for name in ("api-key-pepper", "razorpay-webhook", "razorpay")
)


def value(sandbox: Sandbox, secret_id: str) -> Any:
    client = sandbox.session().client("secretsmanager")
    return json.loads(client.get_secret_value(SecretId=secret_id)["SecretString"])


def test_every_secret_is_scheduled_as_the_templates_say(sandbox: Sandbox) -> None:
    client = sandbox.session().client("secretsmanager")
    for status in look(client, "sandbox", now=NOW):
        described = client.describe_secret(SecretId=f"hasivu/sandbox/{status.name}")
        assert described["RotationEnabled"]
        assert described["RotationLambdaARN"].endswith(":hasivu-sandbox-secret-rotation:live")
        assert described["RotationRules"] == {"AutomaticallyAfterDays": 90}


def test_a_rotation_of_the_pepper_ends_no_api_key(sandbox: Sandbox) -> None:
    session = sandbox.session()
    before = back_office(session, sandbox.endpoints)
    first = value(sandbox, PEPPER)

    rotations.rotate(session, PEPPER, str(uuid4()))

    rotated = value(sandbox, PEPPER)
    assert rotated["current"] != Peppers.of(first).current
    assert dict(Peppers.of(first).by_version).items() <= rotated["peppers"].items()
    after = back_office(session, sandbox.endpoints)
    for person in (after, before):  # the new key first: with it the authoriser takes up the new peppers
        assert person.api.call("GET", "/health/deep").status == 200


def test_a_staged_webhook_secret_is_taken_and_the_one_before_still_counts(sandbox: Sandbox) -> None:
    before = value(sandbox, WEBHOOK)["secrets"]
    following = {"secrets": ["n" * 40, *before]}
    stage(sandbox.session(), "sandbox", "razorpay-webhook", following, reporter=Silent())
    assert value(sandbox, WEBHOOK) == following


def test_a_key_that_razorpay_does_not_take_changes_nothing(sandbox: Sandbox) -> None:
    before = value(sandbox, RAZORPAY)
    wrong = {"key_id": "rzp_test_" + "Z" * 14, "key_secret": "z" * 24}
    with pytest.raises(HasivuError) as refused:
        stage(sandbox.session(), "sandbox", "razorpay", wrong, reporter=Silent())
    assert "provider-refused: Razorpay answers 401." in refused.value.detail
    assert value(sandbox, RAZORPAY) == before
    described = sandbox.session().client("secretsmanager").describe_secret(SecretId=RAZORPAY)
    assert sum(CURRENT in labels for labels in described["VersionIdsToStages"].values()) == 1


def test_up_again_leaves_the_rotated_pepper(sandbox: Sandbox) -> None:
    rotated = value(sandbox, PEPPER)
    Sandbox(sandbox.layout.directory).up()
    assert value(sandbox, PEPPER) == rotated
