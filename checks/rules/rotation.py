"""Rotation of secrets: each in time, by our own function, which may renew them and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.estate import Estate, Resource
from checks.rules.functions import short_name
from checks.rules.invocations import invoked_function, is_bare
from checks.rules.permissions import granted, roles_of
from checks.rules.policies import Statement
from checks.rules.rule import Breach, at, rule
from checks.rules.secrets import SECRET

SCHEDULE = "AWS::SecretsManager::RotationSchedule"
PERMISSION = "AWS::Lambda::Permission"
ROTATOR = "secret-rotation"
ROTATION_DAYS_MAX = 90

ROTATING = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
"""What a rotation function does with its secret (Secrets Manager User Guide, "Lambda rotation function
execution role permissions")."""

CHANGING = (
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:RotateSecret",
    "secretsmanager:CancelRotateSecret",
)
"""What changes a secret or its rotation."""


@rule(
    "HASIVU-SEC-7",
    "PCI DSS 8.6.3",
    "PCI DSS 3.7.4",
    remedy=f"Give the secret a schedule of {ROTATION_DAYS_MAX} days at most, by the alias of {ROTATOR}.",
)
def every_secret_is_rotated_in_time(estate: Estate) -> Iterator[Breach]:
    """Every secret is rotated within ninety days, by the alias of our function and not by a deployment."""
    scheduled = {estate.target(schedule.get("SecretId"), schedule.stack) for schedule in estate.of(SCHEDULE)}
    for secret in estate.of(SECRET):
        if secret not in scheduled:
            yield at(secret, "", shown="no rotation schedule")
    for schedule in estate.of(SCHEDULE):
        if not estate.ours(schedule, "SecretId", SECRET):
            yield at(schedule, "SecretId")
        if not 1 <= _every_days(schedule) <= ROTATION_DAYS_MAX:
            yield at(schedule, "RotationRules")
        named = schedule.get("RotationLambdaARN")
        function = invoked_function(estate, named, schedule.stack)
        if (
            function is None
            or short_name(estate, function) != ROTATOR
            or is_bare(estate, named, schedule.stack)
        ):
            yield at(schedule, "RotationLambdaARN")
        if schedule.get("HostedRotationLambda") is not None:
            yield at(schedule, "HostedRotationLambda")
        if schedule.get("RotateImmediatelyOnUpdate") is not False:
            yield at(schedule, "RotateImmediatelyOnUpdate")


@rule(
    "HASIVU-SEC-13",
    "PCI DSS 7.2.5",
    "PCI DSS 8.6.3",
    remedy=f"Let {ROTATOR} do the four actions of a rotation on each secret by its ARN, and nobody else.",
)
def only_the_rotating_function_renews_secrets(estate: Estate) -> Iterator[Breach]:
    """The function that rotates a secret may renew it, and no other role may change any secret."""
    rotators = {schedule: _rotator(estate, schedule) for schedule in estate.of(SCHEDULE)}
    for statement in granted(estate):
        if not any(statement.covers(action) for action in CHANGING):
            continue
        if not set(roles_of(estate, statement)) <= set(rotators.values()):
            yield statement.breach("a secret may be changed")
        elif not all(_is_one_secret(estate, statement, text) for text in statement.resources):
            yield statement.breach("more than a named secret may be changed")
    for schedule, role in rotators.items():
        for action in ROTATING:
            if not _may(estate, role, action, estate.target(schedule.get("SecretId"), schedule.stack)):
                yield at(schedule, "RotationLambdaARN", shown=f"its function lacks {action}")


@rule(
    "HASIVU-SEC-14",
    "PCI DSS 7.2.5",
    "PCI DSS 1.3.1",
    remedy="Let secretsmanager.amazonaws.com call the alias for this one secret of this account.",
)
def rotations_are_started_by_their_own_secret(estate: Estate) -> Iterator[Breach]:
    """Secrets Manager may call the rotating function for the scheduled secret of this account only."""
    let_in: set[tuple[Resource | None, Resource | None]] = set()
    for permission in estate.of(PERMISSION):
        if permission.get("Principal") != "secretsmanager.amazonaws.com":
            continue
        account = estate.text(permission.get("SourceAccount"), permission.stack)
        if account not in {"<AWS::AccountId>", estate.account}:
            yield at(permission, "SourceAccount")
        if not estate.ours(permission, "SourceArn", SECRET):
            yield at(permission, "SourceArn")
        let_in.add(
            (
                invoked_function(estate, permission.get("FunctionName"), permission.stack),
                estate.target(permission.get("SourceArn"), permission.stack),
            )
        )
    for schedule in estate.of(SCHEDULE):
        function = invoked_function(estate, schedule.get("RotationLambdaARN"), schedule.stack)
        if (function, estate.target(schedule.get("SecretId"), schedule.stack)) not in let_in:
            yield at(schedule, "RotationLambdaARN", shown="Secrets Manager may not call it for this secret")


def _every_days(schedule: Resource) -> int:
    """After how many days it rotates; 0 where that is not said in days."""
    days = schedule.get("RotationRules.AutomaticallyAfterDays")
    found = re.fullmatch(r"rate\((\d+) days?\)", str(schedule.get("RotationRules.ScheduleExpression") or ""))
    if found is not None:
        return int(found.group(1))
    return days if isinstance(days, int) and schedule.get("RotationRules.ScheduleExpression") is None else 0


def _rotator(estate: Estate, schedule: Resource) -> Resource | None:
    """The role of the function that ``schedule`` calls, where that is ours."""
    function = invoked_function(estate, schedule.get("RotationLambdaARN"), schedule.stack)
    if function is None or short_name(estate, function) != ROTATOR:
        return None
    return estate.target(function.get("Role"), function.stack)


def _may(estate: Estate, role: Resource | None, action: str, secret: Resource | None) -> bool:
    return any(
        statement.covers(action)
        and role in roles_of(estate, statement)
        and any(secret in estate.targets(text, statement.carrier.stack) for text in statement.resources)
        for statement in granted(estate)
    )


def _is_one_secret(estate: Estate, statement: Statement, text: str) -> bool:
    found = estate.targets(text, statement.carrier.stack)
    return len(found) == 1 and found[0].kind == SECRET and "*" not in text
