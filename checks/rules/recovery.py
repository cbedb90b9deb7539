"""What remains when something goes: what is deleted with its stack, and what is not."""

from __future__ import annotations

from collections.abc import Iterator

from checks.rules.estate import Estate
from checks.rules.rule import DEPLOYED, SHIELDED, Breach, at, rule

STATEFUL = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Cognito::UserPool",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
    "AWS::Backup::BackupVault",
    "AWS::CloudTrail::Trail",
    "AWS::Events::Archive",
)


@rule(
    "HASIVU-DEL-1",
    "SOX AT-3",
    "PCI DSS 3.7.5/3.7.7",
    environments=DEPLOYED,
    remedy="Set DeletionPolicy and UpdateReplacePolicy to Retain.",
)
def what_holds_data_stays(estate: Estate) -> Iterator[Breach]:
    """What holds data stays when its stack, its name or its place in the template goes."""
    for resource in estate.of(*STATEFUL):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(f"/{policy}") != "Retain":
                yield at(resource, f"/{policy}")


@rule(
    "HASIVU-DEL-2",
    "SOX CM-7",
    environments=DEPLOYED,
    remedy="Set DeletionPolicy and UpdateReplacePolicy to Retain, so that the alias can go back to it.",
)
def earlier_versions_stay(estate: Estate) -> Iterator[Breach]:
    """Earlier versions of functions and layers stay, so that a rollback has somewhere to go."""
    for resource in estate.of("AWS::Lambda::Version", "AWS::Lambda::LayerVersion"):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(f"/{policy}") != "Retain":
                yield at(resource, f"/{policy}")


@rule(
    "HASIVU-DEL-3",
    "SOX OP-2",
    environments=SHIELDED,
    remedy="Set termination_protection in the environment's file.",
)
def stacks_with_data_refuse_to_be_deleted(estate: Estate) -> Iterator[Breach]:
    """A stack that holds data refuses to be deleted."""
    protected = estate.termination_protection
    if protected is None or (estate.environment == "staging" and not any(protected.values())):
        return
    for resource in estate.of(
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::Cognito::UserPool",
        "AWS::Backup::BackupVault",
        "AWS::CloudTrail::Trail",
    ):
        if not protected.get(resource.stack):
            yield at(resource, "", shown=f"the stack {resource.stack} has no termination protection")
