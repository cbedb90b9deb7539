"""`hasivu diff` on the templates as they are: what must not pass unseen does not, on real resources."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from checks.diff.assembly import Assembly as Side
from checks.diff.assembly import Stack
from checks.diff.model import EnvironmentDiff, Risk
from checks.diff.resource_spec import read_spec
from checks.diff.run import compare
from tests.infra.assembly import Assembly, Resource

Change = Callable[[dict[str, Any]], None]


def side(assembly: Assembly) -> Side:
    return {
        stack: Stack(
            id=stack,
            name=assembly.stack_names[stack],
            account=None,
            region="ap-south-1",
            termination_protection=True,
            template=template,
        )
        for stack, template in assembly.templates.items()
    }


def changed(assembly: Assembly, resource: Resource, change: Change | None) -> EnvironmentDiff:
    """The diff after one resource was changed, or removed."""
    before = side(assembly)
    template = copy.deepcopy(assembly.templates[resource.stack])
    if change is None:
        del template["Resources"][resource.logical_id]
    else:
        change(template["Resources"][resource.logical_id])
    stack = before[resource.stack]
    after = before | {
        resource.stack: Stack(
            id=stack.id,
            name=stack.name,
            account=None,
            region=stack.region,
            termination_protection=True,
            template=template,
        )
    }
    return compare("prod", before, after, spec=read_spec())


def set_property(*path: Any, to: Any) -> Change:
    def change(body: dict[str, Any]) -> None:
        node: Any = body["Properties"]
        for part in path[:-1]:
            node = node[part]
        node[path[-1]] = to

    return change


def another_key_type(body: dict[str, Any]) -> None:
    body["Properties"]["AttributeDefinitions"][0]["AttributeType"] = "N"


def may_do_anything(body: dict[str, Any]) -> None:
    statements = body["Properties"]["PolicyDocument"]["Statement"]
    statements.append({"Effect": "Allow", "Action": "*", "Resource": "*"})


def nothing_denied(body: dict[str, Any]) -> None:
    policy = body["Properties"]["PolicyDocument"]
    policy["Statement"] = [item for item in policy["Statement"] if item["Effect"] != "Deny"]


def deleted_with_its_stack(body: dict[str, Any]) -> None:
    body["DeletionPolicy"] = "Delete"


OTHER_KEY = {"Fn::GetAtt": ["Other", "Arn"]}
CHANGES: dict[tuple[str, str], tuple[Change | None, Risk]] = {
    ("AWS::DynamoDB::Table", "key type"): (another_key_type, Risk.DESTRUCTIVE),
    ("AWS::DynamoDB::Table", "name"): (set_property("TableName", to="other"), Risk.DESTRUCTIVE),
    ("AWS::DynamoDB::Table", "removed"): (None, Risk.DESTRUCTIVE),
    ("AWS::DynamoDB::Table", "key"): (
        set_property("SSESpecification", "KMSMasterKeyId", to=OTHER_KEY),
        Risk.DESTRUCTIVE,
    ),
    ("AWS::DynamoDB::Table", "policy"): (deleted_with_its_stack, Risk.DESTRUCTIVE),
    ("AWS::SQS::Queue", "removed"): (None, Risk.DESTRUCTIVE),
    ("AWS::SQS::Queue", "key"): (set_property("KmsMasterKeyId", to=OTHER_KEY), Risk.DESTRUCTIVE),
    ("AWS::SQS::Queue", "retention"): (set_property("MessageRetentionPeriod", to=60), Risk.DESTRUCTIVE),
    ("AWS::SQS::QueuePolicy", "denial"): (nothing_denied, Risk.BROADENING),
    ("AWS::KMS::Key", "removed"): (None, Risk.DESTRUCTIVE),
    ("AWS::KMS::Key", "rotation"): (set_property("EnableKeyRotation", to=False), Risk.BROADENING),
    ("AWS::Logs::LogGroup", "retention"): (set_property("RetentionInDays", to=1), Risk.DESTRUCTIVE),
    ("AWS::IAM::Policy", "anything"): (may_do_anything, Risk.BROADENING),
    ("AWS::SecretsManager::Secret", "value"): (
        set_property("GenerateSecretString", "PasswordLength", to=8),
        Risk.DESTRUCTIVE,
    ),
    ("AWS::Cognito::UserPool", "schema"): (set_property("Schema", to=[]), Risk.DESTRUCTIVE),
    ("AWS::Lambda::Function", "removed"): (None, Risk.DESTRUCTIVE),
}


@pytest.mark.parametrize(("kind", "change"), CHANGES, ids=[" ".join(key) for key in CHANGES])
def test_no_resource_of_a_kind_is_overlooked(prod: Assembly, kind: str, change: str) -> None:
    apply, risk = CHANGES[kind, change]
    resources = [
        resource
        for resource in prod.resources(kind)
        if change != "rotation" or "EnableKeyRotation" in resource.properties  # a signing key has none
    ]
    assert resources
    for resource in resources[:6]:
        found = changed(prod, resource, apply).of(risk)
        assert [item for item in found if item.stack == resource.stack], resource.logical_id


def test_a_journal_that_may_be_changed_is_seen(prod: Assembly) -> None:
    journal = prod.table("hasivu-prod-ledger")
    diff = changed(prod, journal, lambda body: body["Properties"].pop("ResourcePolicy"))
    assert "no-longer-denied" in {finding.kind for finding in diff.of(Risk.BROADENING)}


def test_the_specification_knows_every_type_that_is_deployed(prod: Assembly) -> None:
    unknown = {
        item.kind
        for item in prod.every_resource()
        if not read_spec().knows(item.kind) and not item.kind.startswith("Custom::")
    }
    assert unknown == set()


def test_the_same_stacks_differ_in_nothing(prod: Assembly) -> None:
    diff = compare("prod", side(prod), side(prod), spec=read_spec())
    assert diff.is_empty
