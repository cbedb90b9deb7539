"""The auditor: the one role that people take on, and that may read nothing but how things are set up."""

from __future__ import annotations

from collections.abc import Iterator

from checks.probes.apis import PERMISSIONS
from checks.rules.estate import Estate, Resource
from checks.rules.permissions import WITHOUT_RESOURCES, granted, is_auditor, of_the_auditor
from checks.rules.policies import Statement, statements
from checks.rules.rule import DEPLOYED, Breach, at, rule

READING = frozenset(permission.lower() for permission in PERMISSIONS.values())
"""What a probe may ask, and so all that the auditor may."""

LISTS = WITHOUT_RESOURCES | frozenset(
    action.lower()
    for action in (
        "cloudwatch:GetMetricData",
        "config:DescribeConfigRules",
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeConfigurationRecorders",
        "config:DescribeDeliveryChannels",
        "dynamodb:ListTables",
        "events:ListRules",
        "iam:ListRoles",
        "kms:ListAliases",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "s3:ListAllMyBuckets",
        "scheduler:ListSchedules",
        "secretsmanager:ListSecrets",
        "sns:GetSubscriptionAttributes",
        "sns:ListTopics",
        "sqs:ListQueues",
    )
)
"""Actions for which AWS knows no narrower resource than all."""


ONLY_EMULATOR = frozenset(
    action.lower()
    for action in (
        "backup:DescribeBackupVault",
        "backup:GetBackupPlan",
        "cloudwatch:GetDashboard",
        "events:ListTargetsByRule",
        "glue:GetDatabase",
        "lambda:ListLayers",
    )
)
"""What the emulator holds against another resource than AWS does."""


@rule(
    "HASIVU-IAM-21",
    "PCI DSS 7.2.5",
    "SOX AC-2",
    remedy="Keep to stacks/auditor.py: reads of settings, on what is of this environment.",
)
def the_auditor_reads_settings_only(estate: Estate) -> Iterator[Breach]:
    """The auditor reads settings of this environment, and nothing else; no other role but the one under which
    a go-live's schedule pages has a name."""
    for statement in granted(estate):
        if not of_the_auditor(estate, statement):
            continue
        for action in statement.actions:
            if action not in READING | _more(estate):
                yield statement.breach(f"Action {action}")
        for resource in statement.resources:
            if not _is_narrow(estate, statement, resource):
                yield statement.breach(f"Resource {resource}")
    for role in estate.of("AWS::IAM::Role"):
        if role.get("RoleName") is not None and not (is_auditor(estate, role) or _pages(estate, role)):
            yield at(role, "RoleName")  # what nobody takes on by its name needs none
        for path in ("ManagedPolicyArns", "Policies"):
            if is_auditor(estate, role) and role.get(path):
                yield at(role, path)


def _pages(estate: Estate, role: Resource) -> bool:
    """Whether it is the role that a go-live names for its schedule (checks/release/deadline.py)."""
    trusted = {
        principal
        for statement in statements(estate, "trust")
        if statement.carrier == role
        for principal in statement.principals
    }
    name = f"hasivu-{estate.environment}-rollback-deadline"
    return role.get("RoleName") == name and trusted == {"Service:scheduler.amazonaws.com"}


@rule(
    "HASIVU-IAM-22",
    "PCI DSS 8.4.1-8.4.3",
    "SOX AC-2",
    environments=DEPLOYED,
    remedy="Let in people of this account with a second factor, and the pipeline that deploys.",
)
def the_auditor_is_known(estate: Estate) -> Iterator[Breach]:
    """The auditor is somebody of this account with a second factor, or the pipeline that deploys."""
    for statement in statements(estate, "trust"):
        if is_auditor(estate, statement.carrier) and statement.allows and not _is_known(estate, statement):
            yield statement.breach(f"taken on by {', '.join(statement.principals) or 'nobody named'}")


def _more(estate: Estate) -> frozenset[str]:
    return ONLY_EMULATOR if estate.environment == "sandbox" else frozenset()


def _is_narrow(estate: Estate, statement: Statement, resource: str) -> bool:
    if resource == "*":
        return set(statement.actions) <= LISTS | _more(estate)
    parts = resource.replace("<AWS::AccountId>", "own").split(":")
    if parts[:2] != ["arn", "aws"] or len(parts) < 6 or "*" in parts[2]:
        return False
    account, rest = parts[4], ":".join(parts[5:])
    if parts[2] == "s3":
        return rest.startswith(f"hasivu-{estate.environment}-")
    return account in (*_own(estate), "own") or (
        parts[2] == "apigateway" and not account and rest.startswith("/")
    )


def _own(estate: Estate) -> tuple[str, ...]:
    """Our account, as templates name it."""
    return ("<AWS::AccountId>",) if estate.account is None else (estate.account, "<AWS::AccountId>")


def _is_known(estate: Estate, statement: Statement) -> bool:
    """Whether a person of this account with a second factor is let in, or the pipeline that deploys."""
    own = _own(estate)
    asked = {
        (operator, key): estate.texts(values, statement.carrier.stack)
        for operator, tests in statement.conditions.items()
        for key, values in tests.items()
    }
    pipelines = [[f"arn:aws:iam::{account}:role/hasivu-{estate.environment}-deploy"] for account in own]
    return (
        set(statement.actions) == {"sts:assumerole"}
        and any(set(statement.principals) == {f"AWS:arn:aws:iam::{account}:root"} for account in own)
        and (
            asked == {("Bool", "aws:MultiFactorAuthPresent"): ["true"]}
            or any(asked == {("ArnEquals", "aws:PrincipalArn"): pipeline} for pipeline in pipelines)
        )
    )
