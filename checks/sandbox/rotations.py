"""Rotation of secrets in the sandbox, as Secrets Manager does it (User Guide, "Rotation by Lambda function").

The emulator's own RotateSecret calls no function: it makes a copy of the current value the current one. So
schedules are taken from the templates, and a rotation is run here, against the emulator's API and the
deployed function. What Secrets Manager checks before it calls, who may start the function, is not proved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import boto3
from mypy_boto3_secretsmanager import SecretsManagerClient

from checks.errors import ExitCode, HasivuError
from checks.sandbox import emulator
from checks.sandbox.deployed import DeployedStack, Resolver
from runtime.rotation.steps import CURRENT, PENDING, Step

TYPE = "AWS::SecretsManager::RotationSchedule"


@dataclass(frozen=True, slots=True)
class RotationSchedule:
    """One schedule of the templates, its references resolved."""

    secret_arn: str
    function_arn: str
    every_days: int


def schedules_of(stacks: Mapping[str, DeployedStack]) -> tuple[RotationSchedule, ...]:
    """Every schedule in the templates of the deployed stacks."""
    found = []
    for stack in stacks.values():
        resolver = Resolver(stack, stacks, emulator.REGION, emulator.ACCOUNT)
        for resource in stack.template.get("Resources", {}).values():
            if resource.get("Type") == TYPE:
                properties = resource["Properties"]
                found.append(
                    RotationSchedule(
                        resolver.resolve(properties["SecretId"]),
                        resolver.resolve(properties["RotationLambdaARN"]),
                        properties["RotationRules"]["AutomaticallyAfterDays"],
                    )
                )
    return tuple(found)


def schedule(schedules: tuple[RotationSchedule, ...], client: SecretsManagerClient) -> None:
    """Tell the emulator of the schedules that it does not have yet. Values stay as they are."""
    for wanted in schedules:
        described = client.describe_secret(SecretId=wanted.secret_arn)
        if described.get("RotationEnabled") and described.get("RotationLambdaARN") == wanted.function_arn:
            continue
        client.rotate_secret(
            SecretId=wanted.secret_arn,
            RotationLambdaARN=wanted.function_arn,
            RotationRules={"AutomaticallyAfterDays": wanted.every_days},
            RotateImmediately=False,
        )


def rotate(session: boto3.Session, secret_id: str, token: str) -> None:
    """Run the rotation `token` of a secret to its end.

    Errors: `ROTATION_IN_PROGRESS` where another did not end, `ROTATION_REFUSED` with what the function said.
    """
    client = session.client("secretsmanager")
    described = client.describe_secret(SecretId=secret_id)
    if any(
        PENDING in stages and CURRENT not in stages for stages in described["VersionIdsToStages"].values()
    ):
        raise HasivuError(
            "ROTATION_IN_PROGRESS",
            f"An earlier rotation of {secret_id} did not end.",
            next_step="stage the value with `hasivu secret stage`, which ends the earlier one",
            exit_code=ExitCode.CHECK_FAILED,
        )
    client.put_secret_value(SecretId=secret_id, ClientRequestToken=token, VersionStages=[PENDING])
    for step in Step:
        asked = {"Step": step.value, "SecretId": described["ARN"], "ClientRequestToken": token}
        answer = session.client("lambda").invoke(
            FunctionName=described["RotationLambdaARN"], Payload=json.dumps(asked)
        )
        said = answer["Payload"].read()
        if "FunctionError" in answer:
            raise HasivuError(
                "ROTATION_REFUSED",
                f"The step {step} of the rotation of {secret_id} was refused; the current value stays.",
                detail=str(json.loads(said).get("errorMessage", "")),
                next_step="do what it says, then try again; docs/runbooks/secrets.md explains each code",
                exit_code=ExitCode.CHECK_FAILED,
            )
