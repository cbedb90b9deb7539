"""The one list of what the emulator cannot take. The sandbox leaves out this and nothing else.

Most entries are resource types; one is a kind of statement in resource policies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Resource = Mapping[str, Any]


def _always(resource: Resource) -> bool:
    return "Type" in resource


def _has_metric_math(resource: Resource) -> bool:
    return any("Expression" in metric for metric in resource.get("Properties", {}).get("Metrics", ()))


def _has_address_sets(resource: Resource) -> bool:
    return "IPSetReferenceStatement" in str(resource.get("Properties", {}).get("Rules"))


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A resource type that is left out, why, and what stands in for its proof. `applies` may narrow it."""

    resource_type: str
    reason: str
    instead: str
    applies: Callable[[Resource], bool] = _always


GAPS = (
    Gap(
        resource_type="AWS::Pipes::Pipe",
        reason="the emulator deploys a pipe but cannot run one that ends at an event bus",
        instead="the sandbox's pipe simulator runs it from the template, with the pipe's own role",
    ),
    Gap(
        resource_type="AWS::CodeDeploy::Application",
        reason="the emulator does not know the type",
        instead="functions are deployed all at once; the template is checked at synth",
    ),
    Gap(
        resource_type="AWS::CodeDeploy::DeploymentGroup",
        reason="the emulator does not know the type",
        instead="functions are deployed all at once; the template is checked at synth",
    ),
    Gap(
        resource_type="AWS::CodeDeploy::DeploymentConfig",
        reason="the emulator does not know the type",
        instead="functions are deployed all at once; the template is checked at synth",
    ),
    Gap(
        resource_type="AWS::CloudTrail::Trail",
        reason="the emulator does not know the type",
        instead="the template is checked at synth; the live probe is for AWS",
    ),
    Gap(
        resource_type="AWS::Backup::BackupSelection",
        reason="the emulator does not know the type",
        instead="the template is checked at synth; the live probe is for AWS",
    ),
    *(
        Gap(
            resource_type=resource_type,
            reason="the emulator does not know the type",
            instead="the template is checked at synth; the live probe is for AWS",
        )
        for resource_type in (
            "AWS::AccessAnalyzer::Analyzer",
            "AWS::Budgets::Budget",
            "AWS::Config::ConfigRule",
            "AWS::Config::ConfigurationRecorder",
            "AWS::Config::DeliveryChannel",
        )
    ),
    Gap(
        resource_type="AWS::Athena::NamedQuery",
        reason="the emulator does not know the type",
        instead="the sandbox's Athena is asked the questions by their text; the template is checked at synth",
    ),
    Gap(
        resource_type="AWS::Events::Archive",
        reason="the emulator does not know the type",
        instead="the template is checked at synth; tests of each consumer prove that it takes an event once",
    ),
    Gap(
        resource_type="AWS::SecretsManager::RotationSchedule",
        reason="the emulator does not know the type, and its RotateSecret calls no function",
        instead="the sandbox takes schedules from the template and calls the function's four steps itself",
    ),
    Gap(
        resource_type="AWS::WAFv2::WebACLAssociation",
        reason="the emulator does not know the type and never enforces a web ACL",
        instead="the template is checked at synth, the rules by our own evaluation of them",
    ),
    Gap(
        resource_type="AWS::WAFv2::IPSet",
        reason="the emulator does not know the type",
        instead="the template is checked at synth, the rules by our own evaluation of them (checks/firewall)",
    ),
    Gap(
        resource_type="AWS::WAFv2::WebACL",
        reason="its rules refer to address sets, which the emulator does not know",
        instead="the template is checked at synth, the rules by our own evaluation of them (checks/firewall)",
        applies=_has_address_sets,
    ),
    Gap(
        resource_type="AWS::WAFv2::LoggingConfiguration",
        reason="the emulator does not know the type and never logs what a web ACL sees",
        instead="the template is checked at synth",
    ),
    Gap(
        resource_type="AWS::CloudWatch::Alarm",
        reason="the emulator refuses alarms with metric math",
        instead="the template is checked at synth; alarms on one metric are deployed",
        applies=_has_metric_math,
    ),
    Gap(
        resource_type="AWS::CloudWatch::CompositeAlarm",
        reason="the emulator does not know the type",
        instead="the template is checked at synth; what it watches is metric math and left out too",
    ),
)


@dataclass(frozen=True, kw_only=True)
class StatementGap:
    """A kind of statement of resource policies that is left out, and why. A policy left empty goes too."""

    resource_types: frozenset[str]
    reason: str
    instead: str
    applies: Callable[[Mapping[str, Any]], bool]


def _denies_plain_transport(statement: Mapping[str, Any]) -> bool:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return statement.get("Effect") == "Deny" and statement.get("Condition") == condition


STATEMENT_GAPS = (
    StatementGap(
        resource_types=frozenset({"AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"}),
        reason="the emulator speaks plain HTTP on the loopback interface: a denial of plain HTTP refuses all",
        instead="the template is checked at synth",
        applies=_denies_plain_transport,
    ),
)


def statement_gap_of(
    resource_type: str, statement: Mapping[str, Any], gaps: tuple[StatementGap, ...] = STATEMENT_GAPS
) -> StatementGap | None:
    """The gap that a statement of a resource policy falls into, if any."""
    for gap in gaps:
        if resource_type in gap.resource_types and gap.applies(statement):
            return gap
    return None


def gap_of(resource: Resource, gaps: tuple[Gap, ...] = GAPS) -> Gap | None:
    """The gap that `resource` falls into, if any."""
    for gap in gaps:
        if resource.get("Type") == gap.resource_type and gap.applies(resource):
            return gap
    return None
