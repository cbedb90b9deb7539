"""The logical ids of what must not be lost are written down; changing one replaces the data behind it."""

import json
from pathlib import Path

from tests.infra.assembly import Assembly

COMMITTED = Path(__file__).with_name("stateful_ids.json")
STATEFUL = {
    "AWS::Backup::BackupVault",
    "AWS::CloudTrail::Trail",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::DynamoDB::Table",
    "AWS::Events::Archive",
    "AWS::Events::EventBus",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
}


def test_stateful_resources_keep_their_logical_ids(assembly: Assembly) -> None:
    found: dict[str, dict[str, str]] = {}
    for resource in assembly.every_resource():
        if resource.kind in STATEFUL:
            found.setdefault(resource.stack, {})[resource.logical_id] = resource.kind
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    if "RecoveryCopy" not in assembly.templates:  # only where there is a second region
        del committed["RecoveryCopy"]

    assert found == committed, (
        "A logical id of a stateful resource changed: CloudFormation would delete or orphan what it holds. "
        f"If that is meant, or something was added, correct {COMMITTED.name} and say why in an ADR."
    )
