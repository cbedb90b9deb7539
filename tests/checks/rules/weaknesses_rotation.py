"""Planted: secrets that are renewed too late, by somebody else, or by nobody."""

from collections.abc import Mapping
from typing import Any

from tests.checks.rules.planting import Body, Change, Weakness, add, drop, put

SCHEDULE, PERMISSION = "AWS::SecretsManager::RotationSchedule", "AWS::Lambda::Permission"
POLICY = "AWS::IAM::Policy"
SECRET = "AWS::SecretsManager::Secret"
STATEMENTS = "PolicyDocument.Statement"
RENEW = "secretsmanager:UpdateSecretVersionStage"
SOMEBODY_ELSES = "arn:aws:lambda:ap-south-1:aws:function:rotate:live"


def renewing(properties: Mapping[str, Any]) -> bool:
    """Whether a policy lets somebody renew secrets."""
    return RENEW in str(properties)


def not_renewing(properties: Mapping[str, Any]) -> bool:
    return not renewing(properties)


def of_secrets_manager(properties: Mapping[str, Any]) -> bool:
    return properties.get("Principal") == "secretsmanager.amazonaws.com"


def of_the_renewal(change: Change) -> Change:
    """Do ``change`` to the statement that lets somebody renew secrets."""

    def renewal(body: Body) -> None:
        statements = body["Properties"]["PolicyDocument"]["Statement"]
        change({"Properties": next(item for item in statements if RENEW in item["Action"])})

    return renewal


def one_secret_lost(body: Body) -> None:
    resources = body["Properties"]["Resource"]
    if isinstance(resources, list):
        resources.pop()
    else:
        body["Properties"]["Resource"] = "arn:aws:secretsmanager:ap-south-1:aws:secret:x"


def schedule(title: str, change: Change) -> Weakness:
    return Weakness("HASIVU-SEC-7", title, SCHEDULE, change)


def permission(title: str, change: Change) -> Weakness:
    return Weakness("HASIVU-SEC-14", title, PERMISSION, change, of_secrets_manager)


WEAKNESSES = (
    Weakness("HASIVU-SEC-7", "a secret without a schedule", SCHEDULE, gone=True, witness=SECRET),
    schedule("rotated in three years", put("RotationRules", {"AutomaticallyAfterDays": 1000})),
    schedule("nobody said when", put("RotationRules", {})),
    schedule("a schedule of years", put("RotationRules", {"ScheduleExpression": "rate(400 days)"})),
    schedule("somebody else's function", put("RotationLambdaARN", SOMEBODY_ELSES)),
    schedule("AWS's own function", put("HostedRotationLambda", {"RotationType": "MySQLSingleUser"})),
    schedule("a deployment renews it", put("RotateImmediatelyOnUpdate", True)),
    schedule("nobody said that a deployment does not", drop("RotateImmediatelyOnUpdate")),
    Weakness(
        "HASIVU-SEC-13",
        "the right to one secret is lost",
        POLICY,
        of_the_renewal(one_secret_lost),
        renewing,
        witness=SCHEDULE,
    ),
    Weakness(
        "HASIVU-SEC-13",
        "the new version cannot become the current one",
        POLICY,
        of_the_renewal(lambda body: body["Properties"]["Action"].remove(RENEW)),
        renewing,
        witness=SCHEDULE,
    ),
    Weakness(
        "HASIVU-SEC-13",
        "every secret may be renewed",
        POLICY,
        of_the_renewal(put("Resource", "*")),
        renewing,
    ),
    Weakness(
        "HASIVU-SEC-13",
        "whatever begins so may be renewed",
        POLICY,
        of_the_renewal(put("Resource", "arn:aws:secretsmanager:ap-south-1:aws:secret:hasivu/*")),
        renewing,
    ),
    Weakness(
        "HASIVU-SEC-13",
        "another function changes a secret",
        POLICY,
        add(
            STATEMENTS,
            {"Effect": "Allow", "Action": "secretsmanager:PutSecretValue", "Resource": "arn:aws:x:::y"},
        ),
        not_renewing,
    ),
    Weakness(
        "HASIVU-SEC-14",
        "nobody may start a rotation",
        PERMISSION,
        where=of_secrets_manager,
        gone=True,
        witness=SCHEDULE,
    ),
    permission("any account may start a rotation", drop("SourceAccount")),
    permission("another account may start a rotation", put("SourceAccount", "210987654321")),
    permission("any secret may start a rotation", drop("SourceArn")),
    permission("another principal's rotation", put("SourceArn", "arn:aws:secretsmanager:*:*:secret:*")),
)
