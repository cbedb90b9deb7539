"""Staging a new value and following the rotation that makes it current."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import boto3
from mypy_boto3_secretsmanager import SecretsManagerClient

from checks.errors import ExitCode, HasivuError
from checks.progress import Reporter
from checks.redrive.account import CONFIG
from checks.sandbox import rotations
from runtime.rotation.steps import CURRENT, PENDING, STAGED

PATIENCE_S = 180
_POLL_S = 3.0

Rotate = Callable[[boto3.Session, str, str], None]
"""Runs the rotation of a secret (its name) under a token to its end, or raises HasivuError."""


def stage(
    session: boto3.Session, environment: str, name: str, document: dict[str, Any], *, reporter: Reporter
) -> None:
    """Stage `document` as the next value of the secret `name` and rotate it. Nothing is printed of it.

    Until the rotation has ended the current value stays. Errors: `SECRET_NOT_SCHEDULED`,
    `ROTATION_REFUSED`, `ROTATION_UNDECIDED`.
    """
    client = session.client("secretsmanager", config=CONFIG)
    secret_id = f"hasivu/{environment}/{name}"
    with reporter.step(f"stage the new value of {secret_id}"):
        _end_former(client, secret_id)
        client.put_secret_value(
            SecretId=secret_id,
            SecretString=json.dumps(document),
            VersionStages=[STAGED],
            ClientRequestToken=str(uuid4()),
        )
    with reporter.step("rotate: try it, and make it the current one"):
        rotate: Rotate = rotations.rotate if environment == "sandbox" else partial(_on_aws, environment)
        rotate(session, secret_id, str(uuid4()))


def _end_former(client: SecretsManagerClient, secret_id: str) -> None:
    """End a rotation that did not end and take back what was staged and not taken: only then may one begin.

    A step that is under way is refused from then on, and the current value stays. Error:
    `SECRET_NOT_SCHEDULED`.
    """
    described = client.describe_secret(SecretId=secret_id)
    if not described.get("RotationEnabled"):
        raise HasivuError(
            "SECRET_NOT_SCHEDULED",
            f"Nothing rotates {secret_id}.",
            next_step="deploy the platform stack, which schedules it",
            exit_code=ExitCode.CHECK_FAILED,
        )
    for version, stages in described["VersionIdsToStages"].items():
        for label in (PENDING, STAGED):
            if label in stages and CURRENT not in stages:
                client.update_secret_version_stage(
                    SecretId=secret_id, VersionStage=label, RemoveFromVersionId=version
                )


def _on_aws(environment: str, session: boto3.Session, secret_id: str, token: str) -> None:
    """RotateSecret, and what the function's log says of it: Secrets Manager itself tells only success."""
    client = session.client("secretsmanager", config=CONFIG)
    began = datetime.now(UTC)
    client.rotate_secret(SecretId=secret_id, ClientRequestToken=token)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        versions = client.describe_secret(SecretId=secret_id)["VersionIdsToStages"]
        if CURRENT in versions.get(token, ()):
            return
        refusal = _refusal(session, environment, token, since=began)
        if refusal is not None:
            raise HasivuError(
                "ROTATION_REFUSED",
                f"The new value of {secret_id} was not taken; the current one stays.",
                detail=f"{refusal.get('code')}: {refusal.get('detail')}",
                next_step=str(refusal.get("next_step")),
                exit_code=ExitCode.CHECK_FAILED,
            )
        time.sleep(_POLL_S)
    raise HasivuError(
        "ROTATION_UNDECIDED",
        f"The rotation of {secret_id} has not ended after {PATIENCE_S} s; the current value stays so long.",
        next_step=f"look again with `hasivu secret status --env {environment}`; docs/runbooks/secrets.md",
        exit_code=ExitCode.CHECK_FAILED,
    )


def _refusal(
    session: boto3.Session, environment: str, token: str, *, since: datetime
) -> dict[str, Any] | None:
    function = f"hasivu-{environment}-secret-rotation"
    configuration = session.client("lambda", config=CONFIG).get_function_configuration(FunctionName=function)
    found = session.client("logs", config=CONFIG).filter_log_events(
        logGroupName=configuration["LoggingConfig"]["LogGroup"],
        startTime=int(since.timestamp() * 1000),
        filterPattern=f'{{ $.message = "rotation refused" && $.rotation_id = "{token}" }}',
    )
    for event in found["events"]:
        line: dict[str, Any] = json.loads(event["message"])
        return line
    return None
