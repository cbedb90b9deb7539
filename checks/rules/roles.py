"""Roles: who takes them on, whom they belong to, and that nobody gets in without one."""

from __future__ import annotations

from collections.abc import Iterator

from checks.release.deadline import NAME as ROLLBACK_DEADLINE
from checks.rules.estate import Estate, Resource
from checks.rules.permissions import is_auditor
from checks.rules.policies import rights_of, statements
from checks.rules.rule import DEPLOYED, Breach, at, rule

LEAST = ("PCI DSS 7.2.5", "GDPR 32(1)(b)", "SOX AC-2")

ROLE_SERVICES = frozenset(
    {
        "apigateway.amazonaws.com",
        "application-autoscaling.amazonaws.com",
        "backup.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "codedeploy.amazonaws.com",
        "config.amazonaws.com",
        "dynamodb.application-autoscaling.amazonaws.com",
        "events.amazonaws.com",
        "lambda.amazonaws.com",
        "pipes.amazonaws.com",
        "scheduler.amazonaws.com",
    }
)
"""The services that work for this platform under a role."""

CONFUSED_DEPUTIES = frozenset(
    {
        "backup.amazonaws.com",
        "codedeploy.amazonaws.com",
        "events.amazonaws.com",
        "pipes.amazonaws.com",
        "scheduler.amazonaws.com",
    }
)
"""Services that another account could ask to use a role of ours, and that say for whom they work."""


@rule(
    "HASIVU-IAM-6",
    "PCI DSS 8.2.1",
    "SOX AC-6",
    remedy="People sign in through the identity provider, machines take on roles; delete it.",
)
def there_are_no_users_or_access_keys(estate: Estate) -> Iterator[Breach]:
    """The estate makes no IAM user, group, login or access key."""
    kinds = ("User", "Group", "AccessKey", "UserPolicy", "GroupPolicy", "UserToGroupAddition")
    for resource in estate.of(*(f"AWS::IAM::{kind}" for kind in kinds)):
        yield at(resource, "", shown=resource.kind)


@rule(
    "HASIVU-IAM-7",
    *LEAST,
    remedy="Let exactly the service that does the work take the role on.",
)
def roles_are_taken_on_by_known_services_only(estate: Estate) -> Iterator[Breach]:
    """A role but the auditor is taken on by a service that works for the platform, and by nobody else."""
    for role in estate.of("AWS::IAM::Role"):
        if not any(statement.carrier == role for statement in statements(estate, "trust")):
            yield at(role, "AssumeRolePolicyDocument")
    for statement in statements(estate, "trust"):
        if not statement.allows or is_auditor(estate, statement.carrier):
            continue
        for principal in statement.principals or ("nobody named",):
            family, _, name = principal.partition(":")
            if family != "Service" or name not in ROLE_SERVICES:
                yield statement.breach(f"Principal {principal}")
        for action in statement.actions:
            if action != "sts:assumerole":
                yield statement.breach(f"Action {action}")


@rule(
    "HASIVU-IAM-8",
    *LEAST,
    environments=DEPLOYED,
    remedy="Add the condition StringEquals aws:SourceAccount with this account.",
)
def services_take_roles_on_for_this_account_only(estate: Estate) -> Iterator[Breach]:
    """A service that works for many accounts takes a role on for this account only (confused deputy)."""
    for statement in statements(estate, "trust"):
        services = {name.removeprefix("Service:") for name in statement.principals}
        if not statement.allows or services.isdisjoint(CONFUSED_DEPUTIES):
            continue
        values = statement.condition("aws:SourceAccount")
        own = {estate.account, '{"Ref": "AWS::AccountId"}'}
        if not any(operator == "StringEquals" and set(asked) <= own for operator, asked in values):
            yield statement.breach("no StringEquals condition on aws:SourceAccount")


@rule(
    "HASIVU-IAM-11",
    *LEAST,
    remedy="Give each function a role of its own.",
)
def each_function_has_its_own_role(estate: Estate) -> Iterator[Breach]:
    """No two functions share a role, and each role is one of this estate."""
    owners: dict[Resource, Resource] = {}
    for function in estate.of("AWS::Lambda::Function"):
        role = estate.target(function.get("Role"), function.stack)
        if role is None or role.kind != "AWS::IAM::Role":
            yield at(function, "Role")
        elif owners.setdefault(role, function) != function:
            yield at(function, "Role", shown=f"shared with {owners[role].logical_id}")


@rule(
    "HASIVU-IAM-13",
    "SOX AC-2",
    remedy="Attach the policy to a role of this estate.",
)
def every_identity_policy_has_a_role(estate: Estate) -> Iterator[Breach]:
    """Every policy is attached to roles of this estate and to nothing else."""
    for policy in estate.of("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        if policy.get("Users") or policy.get("Groups"):
            yield at(policy, "Users" if policy.get("Users") else "Groups")
        roles = policy.items("Roles")
        if not roles or any(estate.target(role, policy.stack) is None for role in roles):
            yield at(policy, "Roles")


@rule(
    "HASIVU-IAM-14",
    *LEAST,
    remedy="Keep a session as short as the work: an hour.",
)
def role_sessions_are_short(estate: Estate) -> Iterator[Breach]:
    """No role may be held for longer than an hour at a time."""
    for role in estate.of("AWS::IAM::Role"):
        seconds = role.get("MaxSessionDuration")
        if seconds is not None and not (isinstance(seconds, int) and seconds <= 3600):
            yield at(role, "MaxSessionDuration")


@rule(
    "HASIVU-IAM-27",
    "SOX CM-7",
    "SOX OP-3",
    environments=DEPLOYED,
    remedy="Keep the role of stacks/constructs/alarm_topics.py, under the name that checks/release asks for.",
)
def a_rollback_window_can_page(estate: Estate) -> Iterator[Breach]:
    """There is the role, by its name, under which the end of a rollback window pages."""
    name = ROLLBACK_DEADLINE.format(environment=estate.environment)
    role = estate.named("AWS::IAM::Role", "RoleName", name)
    for topic in estate.of("AWS::SNS::Topic"):
        if str(topic.get("TopicName")).endswith("-alarms-page") and (
            role is None or not _may_page(estate, role, topic)
        ):
            yield at(topic, "TopicName", shown=f"no role {name} may page here")


def _may_page(estate: Estate, role: Resource, topic: Resource) -> bool:
    trusts = any(
        statement.carrier == role and "Service:scheduler.amazonaws.com" in statement.principals
        for statement in statements(estate, "trust")
    )
    return trusts and any(
        statement.covers("sns:Publish") and topic in estate.targets(text, statement.carrier.stack)
        for statement in rights_of(estate, role)
        for text in statement.resources
    )
