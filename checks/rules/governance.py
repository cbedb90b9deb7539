"""The estate as a whole: known kinds, tags, limits, no loose ends, nothing of another environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checks.rules.estate import Estate, Resource, strings_in
from checks.rules.rule import EVERYWHERE, Breach, at, rule

RESOURCES_MAX = 450
"""CloudFormation takes 500; the rest is room for the change that must not wait."""

KINDS = frozenset(
    {
        "AWS::AccessAnalyzer::Analyzer",
        *(f"AWS::ApiGateway::{kind}" for kind in ("Account", "ApiKey", "Authorizer", "BasePathMapping")),
        *(f"AWS::ApiGateway::{kind}" for kind in ("Deployment", "DomainName", "GatewayResponse", "Method")),
        *(
            f"AWS::ApiGateway::{kind}"
            for kind in ("Model", "RequestValidator", "Resource", "RestApi", "Stage")
        ),
        *(f"AWS::ApiGateway::{kind}" for kind in ("UsagePlan", "UsagePlanKey")),
        *(f"AWS::Athena::{kind}" for kind in ("NamedQuery", "WorkGroup")),
        *(f"AWS::ApplicationAutoScaling::{kind}" for kind in ("ScalableTarget", "ScalingPolicy")),
        *(f"AWS::Backup::{kind}" for kind in ("BackupPlan", "BackupSelection", "BackupVault")),
        "AWS::Budgets::Budget",
        "AWS::CertificateManager::Certificate",
        "AWS::CloudTrail::Trail",
        *(f"AWS::CloudWatch::{kind}" for kind in ("Alarm", "CompositeAlarm", "Dashboard")),
        *(f"AWS::CodeDeploy::{kind}" for kind in ("Application", "DeploymentConfig", "DeploymentGroup")),
        *(
            f"AWS::Cognito::{kind}"
            for kind in ("UserPool", "UserPoolClient", "UserPoolDomain", "UserPoolGroup")
        ),
        "AWS::Cognito::UserPoolRiskConfigurationAttachment",
        *(f"AWS::Config::{kind}" for kind in ("ConfigRule", "ConfigurationRecorder", "DeliveryChannel")),
        "AWS::DynamoDB::Table",
        *(f"AWS::Events::{kind}" for kind in ("Archive", "EventBus", "EventBusPolicy", "Rule")),
        *(f"AWS::Glue::{kind}" for kind in ("Database", "Table")),
        *(f"AWS::IAM::{kind}" for kind in ("ManagedPolicy", "Policy", "Role")),
        *(f"AWS::KMS::{kind}" for kind in ("Alias", "Key")),
        *(
            f"AWS::Lambda::{kind}"
            for kind in ("Alias", "EventInvokeConfig", "EventSourceMapping", "Function")
        ),
        *(f"AWS::Lambda::{kind}" for kind in ("LayerVersion", "Permission", "Version")),
        *(f"AWS::Logs::{kind}" for kind in ("LogGroup", "MetricFilter", "ResourcePolicy")),
        "AWS::Pipes::Pipe",
        "AWS::Route53::RecordSet",
        *(f"AWS::S3::{kind}" for kind in ("Bucket", "BucketPolicy")),
        *(f"AWS::SNS::{kind}" for kind in ("Subscription", "Topic", "TopicPolicy")),
        *(f"AWS::SQS::{kind}" for kind in ("Queue", "QueuePolicy")),
        "AWS::SSM::Parameter",
        "AWS::Scheduler::Schedule",
        "AWS::Scheduler::ScheduleGroup",
        *(f"AWS::SecretsManager::{kind}" for kind in ("ResourcePolicy", "RotationSchedule", "Secret")),
        *(f"AWS::WAFv2::{kind}" for kind in ("IPSet", "LoggingConfiguration", "WebACL", "WebACLAssociation")),
    }
)
"""The kinds of resources that the rules know. One that they do not know nobody looked at."""

TAGGED = frozenset(
    {
        "AWS::AccessAnalyzer::Analyzer",
        *(f"AWS::ApiGateway::{kind}" for kind in ("ApiKey", "DomainName", "RestApi", "Stage", "UsagePlan")),
        "AWS::Athena::WorkGroup",
        *(f"AWS::Backup::{kind}" for kind in ("BackupPlan", "BackupVault")),
        "AWS::CertificateManager::Certificate",
        "AWS::CloudTrail::Trail",
        *(f"AWS::CloudWatch::{kind}" for kind in ("Alarm", "CompositeAlarm", "Dashboard")),
        *(f"AWS::CodeDeploy::{kind}" for kind in ("Application", "DeploymentGroup")),
        "AWS::Cognito::UserPool",
        "AWS::DynamoDB::Table",
        *(f"AWS::Events::{kind}" for kind in ("EventBus", "Rule")),
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        *(f"AWS::Lambda::{kind}" for kind in ("EventSourceMapping", "Function")),
        "AWS::Logs::LogGroup",
        "AWS::Pipes::Pipe",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SSM::Parameter",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::SecretsManager::Secret",
        *(f"AWS::WAFv2::{kind}" for kind in ("IPSet", "WebACL")),
    }
)
"""Every kind of KINDS whose tags CloudFormation sets. A budget's (ResourceTags) are billing's, not ours."""

TAG_PROPERTIES = ("Tags", "UserPoolTags", "BackupPlanTags", "BackupVaultTags")
"""What CloudFormation calls them."""

PROJECT = "hasivu"
TAGS = ("project", "environment", "subject")


@rule(
    "HASIVU-GOV-1",
    "PCI DSS 12.5.1/12.5.2",
    "PCI DSS 2.2.4",
    remedy="Add the kind to KINDS in checks/rules/governance.py together with the rules that it needs.",
)
def every_kind_of_resource_is_known(estate: Estate) -> Iterator[Breach]:
    """Every resource is of a kind that the rules know."""
    for resource in estate.resources:
        if resource.kind not in KINDS:
            yield at(resource, "/Type")


@rule(
    "HASIVU-GOV-2",
    "PCI DSS 12.5.1/12.5.2",
    "GDPR 30",
    remedy="Let HouseStack tag it: project, environment and subject.",
)
def resources_say_whose_they_are(estate: Estate) -> Iterator[Breach]:
    """A resource carries the tags project, environment and subject, with the environment's own name."""
    for resource in estate.resources:
        if resource.kind not in TAGGED:
            continue
        tags = tags_of(resource)
        for name in TAGS:
            if not tags.get(name):
                yield at(resource, f"Tags.{name}")
        if tags.get("project") not in {None, PROJECT}:
            yield at(resource, "Tags.project")
        if not re.fullmatch(r"[a-z-]+", str(tags.get("subject") or "none")):
            yield at(resource, "Tags.subject")
        if tags.get("environment") not in {None, estate.environment}:
            yield at(resource, "Tags.environment", shown=str(tags["environment"]))


def tags_of(resource: Resource) -> dict[str, Any]:
    """The resource's tags, whichever of CloudFormation's two shapes they have."""
    tags: Any = next((found for name in TAG_PROPERTIES if (found := resource.get(name))), {})
    if isinstance(tags, list):
        return {str(tag.get("Key")): tag.get("Value") for tag in tags}
    return dict(tags)


@rule(
    "HASIVU-GOV-3",
    "SOX CM-2",
    remedy="Move a subject into a stack of its own.",
)
def stacks_stay_small(estate: Estate) -> Iterator[Breach]:
    """No stack has more than 450 resources."""
    for stack, template in estate.templates.items():
        if (count := len(template.get("Resources", {}))) > RESOURCES_MAX:
            yield Breach(stack, stack, "Resources", f"{count} resources")


@rule(
    "HASIVU-GOV-4",
    "SOX CM-2",
    remedy="Point it at a resource, an output or a parameter that exists.",
)
def nothing_refers_to_nothing(estate: Estate) -> Iterator[Breach]:
    """Every reference, dependency and condition leads to something that exists."""
    for resource in estate.resources:
        template = estate.templates[resource.stack]
        known = {*template.get("Resources", {}), *template.get("Parameters", {})}
        for path, name in _names(estate, resource.body, ""):
            if name.startswith("<?"):
                yield at(resource, path, shown=name)
            elif not name.startswith("AWS::") and name not in known:
                yield at(resource, path, shown=f"{name} does not exist")
        dependencies = resource.body.get("DependsOn") or []
        for name in dependencies if isinstance(dependencies, list) else [dependencies]:
            if name not in known:
                yield at(resource, "/DependsOn", shown=f"{name} does not exist")
        if resource.body.get("Condition") is not None:
            yield at(resource, "/Condition")


def _names(estate: Estate, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each name that is referred to inside ``value``; a missing output as ``<?...>``."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _names(estate, inner, f"{path}.{index}")
    elif isinstance(value, dict):
        match value:
            case {"Ref": str(name)}:
                yield path, name
            case {"Fn::GetAtt": [str(name), _]}:
                yield path, name
            case {"Fn::GetStackOutput": _}:
                text = estate.text(value, "")
                if text.startswith("<?"):
                    yield path, text
            case _:
                for key, inner in value.items():
                    yield from _names(estate, inner, f"{path}.{key}".strip("."))


@rule(
    "HASIVU-GOV-5",
    "SOX CM-2",
    remedy="Refer across stacks weakly (Fn::GetStackOutput); an export welds two stacks together.",
)
def stacks_are_not_welded_together(estate: Estate) -> Iterator[Breach]:
    """No stack exports a value or imports one; none transforms its template."""
    for stack, template in estate.templates.items():
        for name, output in (template.get("Outputs") or {}).items():
            if output.get("Export") is not None:
                yield Breach(stack, name, f"Outputs.{name}.Export", "an export")
        for section in ("Transform", "Mappings", "Conditions"):
            if template.get(section):
                yield Breach(stack, stack, section, "present")
    for resource in estate.resources:
        for path, _text in strings_in(resource.body, ""):
            if ".Fn::ImportValue" in path or ".Fn::Transform" in path:
                yield at(resource, path.removeprefix("Properties."), shown="imported or transformed")


@rule(
    "HASIVU-GOV-6",
    "PCI DSS 6.5.3",
    "SOX CM-6",
    remedy="Take the name from the environment.",
)
def environments_do_not_touch(estate: Estate) -> Iterator[Breach]:
    """Nothing names a resource, path or setting of another environment."""
    others = "|".join(sorted(EVERYWHERE - {estate.environment}))
    foreign = re.compile(rf"(?:hasivu[-/]|payment-[a-z-]*-)(?:{others})\b|/hasivu/(?:{others})/")
    for resource in estate.resources:
        for path, text in strings_in(resource.body, ""):
            if foreign.search(text):
                yield at(resource, path.removeprefix("Properties."), shown=text)


@rule(
    "HASIVU-GOV-7",
    "PCI DSS 2.2.1",
    "SOX CM-3",
    remedy="Put the finding right, or acknowledge it at the construct with reason, evidence and expiry.",
)
def no_check_is_silenced_in_a_template(estate: Estate) -> Iterator[Breach]:
    """No template silences a scanner by metadata."""
    silencers = ("cdk_nag", "cfn_nag", "checkov", "guard", "cfn-lint", "cfn-guard", "skip")
    for resource in estate.resources:
        for name in resource.body.get("Metadata") or {}:
            if str(name).lower().startswith(silencers):
                yield at(resource, f"/Metadata.{name}", shown="silences a check")
    for stack, template in estate.templates.items():
        for name in template.get("Metadata") or {}:
            if str(name).lower().startswith(silencers):
                yield Breach(stack, stack, f"Metadata.{name}", "silences a check")


@rule(
    "HASIVU-GOV-8",
    "PCI DSS 12.5.1/12.5.2",
    remedy="Name it hasivu-{env}-…, or let CloudFormation name it.",
)
def names_carry_their_environment(estate: Estate) -> Iterator[Breach]:
    """A physical name carries the environment."""
    named = {
        "AWS::DynamoDB::Table": "TableName",
        "AWS::Lambda::Function": "FunctionName",
        "AWS::SQS::Queue": "QueueName",
        "AWS::SNS::Topic": "TopicName",
        "AWS::S3::Bucket": "BucketName",
        "AWS::Backup::BackupVault": "BackupVaultName",
        "AWS::CloudTrail::Trail": "TrailName",
        "AWS::Events::Archive": "ArchiveName",
        "AWS::Events::EventBus": "Name",
        "AWS::Cognito::UserPool": "UserPoolName",
    }
    for kind, path in named.items():
        for resource in estate.of(kind):
            name = resource.get(path)
            if name is None or estate.environment not in re.split(r"[-/]", estate.text(name, resource.stack)):
                yield at(resource, path)
