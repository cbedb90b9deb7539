"""Every secret is renewed in time, by one function, which may do that and little else."""

import pytest

from stacks.environment_file import load_environment
from stacks.house_app import ROOT
from stacks.rotation import ROTATED_EVERY_DAYS
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly
from tests.infra.test_permissions import allowed_on, rights_elsewhere, table_rights

SECRETS = {"razorpay", "razorpay-webhook", "whatsapp", "api-key-pepper"}
ROTATING = {"DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"}


def secret_ids(assembly: Assembly) -> dict[str, str]:
    """Each secret's ARN, as it is referred to, with its name without environment."""
    return {
        f"<{secret.stack}.{secret.logical_id}.Id>": str(secret.properties["Name"]).rpartition("/")[2]
        for secret in assembly.resources("AWS::SecretsManager::Secret")
    }


def test_every_secret_is_renewed_within_ninety_days(assembly: Assembly) -> None:
    names = secret_ids(assembly)
    found = {}
    for schedule in assembly.resources("AWS::SecretsManager::RotationSchedule"):
        name = names[assembly.text(schedule.properties["SecretId"], schedule.stack)]
        found[name] = schedule.properties["RotationRules"]
        alias = assembly.text(schedule.properties["RotationLambdaARN"], schedule.stack)
        assert assembly.alias_refs()[alias] == "secret-rotation"

    assert found == {name: {"AutomaticallyAfterDays": ROTATED_EVERY_DAYS} for name in SECRETS}
    assert ROTATED_EVERY_DAYS <= 90


def test_a_deployment_renews_nothing(assembly: Assembly) -> None:
    for schedule in assembly.resources("AWS::SecretsManager::RotationSchedule"):
        assert schedule.properties["RotateImmediatelyOnUpdate"] is False


def test_secrets_manager_starts_it_for_one_secret_of_this_account_each(assembly: Assembly) -> None:
    environment = load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY)
    names = secret_ids(assembly)
    let_in = {}
    for permission in assembly.resources("AWS::Lambda::Permission"):
        properties = permission.properties
        alias = assembly.text(properties["FunctionName"], permission.stack)
        if assembly.alias_refs()[alias] != "secret-rotation":
            continue
        assert properties["Principal"] == "secretsmanager.amazonaws.com"
        assert assembly.text(properties["SourceAccount"], permission.stack) == environment.account
        let_in[permission.logical_id] = names[assembly.text(properties["SourceArn"], permission.stack)]

    assert sorted(let_in.values()) == sorted(SECRETS)


def test_a_schedule_is_made_after_all_that_its_trial_needs(assembly: Assembly) -> None:
    """Secrets Manager calls the function when a schedule is made; without permission the deployment fails."""
    permissions = {
        permission.logical_id: assembly.text(permission.properties.get("SourceArn"), permission.stack)
        for permission in assembly.resources("AWS::Lambda::Permission")
        if permission.properties["Principal"] == "secretsmanager.amazonaws.com"
    }
    for schedule in assembly.resources("AWS::SecretsManager::RotationSchedule"):
        waits_for = set(schedule.body["DependsOn"])
        own = assembly.text(schedule.properties["SecretId"], schedule.stack)
        assert {name for name, arn in permissions.items() if arn == own} <= waits_for
        assert any("RoleDefaultPolicy" in name for name in waits_for)


def test_it_may_renew_each_secret_by_name_and_ask_the_providers(assembly: Assembly) -> None:
    statements = assembly.role_of("secret-rotation")
    for arn in secret_ids(assembly):
        assert allowed_on(statements, arn) == {f"secretsmanager:{action}" for action in ROTATING}
    assert table_rights(assembly, "secret-rotation") == {"hasivu-audit": {"PutItem"}}
    assert rights_elsewhere(assembly, "secret-rotation") == {
        "secretsmanager": ROTATING,
        "ssm": {"GetParameter"},
    }


def test_nobody_else_may_change_a_secret(assembly: Assembly) -> None:
    changing = {f"secretsmanager:{action}" for action in ROTATING - {"DescribeSecret", "GetSecretValue"}}
    may = [
        role.logical_id
        for role, statements in assembly.identity_policies()
        if any(statement.actions & changing for statement in statements)
    ]

    (only,) = may
    role = assembly.function("secret-rotation").properties["Role"]
    assert assembly.text(role, "Platform") == f"<Platform.{only}.Arn>"


def test_its_key_encrypts_the_new_version_through_secrets_manager_only(assembly: Assembly) -> None:
    key = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/secrets")
    key_arn = assembly.text(key.properties["TargetKeyId"], key.stack)
    rights = [item for item in assembly.role_of("secret-rotation") if key_arn in item.resources]

    assert rights
    assert frozenset().union(*(item.actions for item in rights)) == {"kms:Decrypt", "kms:GenerateDataKey"}
    for item in rights:
        assert item.conditions == {
            "StringEquals": {"kms:ViaService": "secretsmanager.ap-south-1.amazonaws.com"}
        }


@pytest.mark.parametrize(("construct", "reason"), [("Due", "due"), ("Refused", "refused")])
def test_a_secret_that_waits_for_somebody_makes_a_ticket(prod: Assembly, construct: str, reason: str) -> None:
    (alarm,) = [
        alarm.properties
        for alarm in prod.resources("AWS::CloudWatch::Alarm")
        if alarm.properties.get("Dimensions") == [{"Name": "reason", "Value": reason}]
        and alarm.properties["MetricName"] == "SecretRotationRefused"
    ]

    assert f"docs/runbooks/secrets.md#{construct.lower()}" in alarm["AlarmDescription"]
    assert "Severity: ticket" in alarm["AlarmDescription"]
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 1)
