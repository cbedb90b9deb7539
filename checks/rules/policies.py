"""Every policy statement of the estate, whoever carries it, read into one shape."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from checks.rules.estate import Estate, Resource
from checks.rules.rule import Breach, show

PolicyKind = Literal["identity", "trust", "resource", "key"]
"""Who may be what: rights of a role, who takes a role on, rights on a resource, rights on a key."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Actions are lower case; resources and principals are texts of the estate."""

    carrier: Resource
    path: str
    kind: PolicyKind
    effect: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[str, ...]
    """``AWS:...``, ``Service:...``, ``Federated:...``; ``AWS:*`` for everyone."""
    not_principals: tuple[str, ...]
    conditions: Mapping[str, Any] = field(hash=False)

    @property
    def allows(self) -> bool:
        return self.effect == "Allow"

    @property
    def denies(self) -> bool:
        return self.effect == "Deny"

    @property
    def open_to_everyone(self) -> bool:
        """Whether anybody at all is let in: a wildcard principal, or everybody but some."""
        return self.allows and ("AWS:*" in self.principals or bool(self.not_principals))

    def covers(self, action: str) -> bool:
        """Whether ``action`` (``dynamodb:PutItem``) is among the statement's actions, wildcards included."""
        wanted = action.lower()
        if self.not_actions:
            return not any(fnmatch.fnmatchcase(wanted, pattern) for pattern in self.not_actions)
        return any(fnmatch.fnmatchcase(wanted, pattern) for pattern in self.actions)

    def condition(self, key: str) -> list[tuple[str, list[str]]]:
        """Each operator that tests the condition ``key`` (any case), with the values it asks for."""
        found = []
        for operator, tests in self.conditions.items():
            for name, values in tests.items() if isinstance(tests, Mapping) else ():
                if name.lower() == key.lower():
                    asked = values if isinstance(values, list) else [values]
                    found.append((operator, [show(value) for value in asked]))
        return found

    def breach(self, shown: str) -> Breach:
        """A breach at this statement."""
        return Breach(self.carrier.stack, self.carrier.logical_id, self.path, show(shown))


_DOCUMENTS: Mapping[str, tuple[tuple[str, PolicyKind], ...]] = {
    "AWS::IAM::Policy": (("PolicyDocument", "identity"),),
    "AWS::IAM::ManagedPolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::RolePolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::UserPolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::GroupPolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::Role": (("AssumeRolePolicyDocument", "trust"),),
    "AWS::KMS::Key": (("KeyPolicy", "key"),),
    "AWS::KMS::ReplicaKey": (("KeyPolicy", "key"),),
    "AWS::S3::BucketPolicy": (("PolicyDocument", "resource"),),
    "AWS::S3::AccessPoint": (("Policy", "resource"),),
    "AWS::SQS::QueuePolicy": (("PolicyDocument", "resource"),),
    "AWS::SQS::QueueInlinePolicy": (("PolicyDocument", "resource"),),
    "AWS::SNS::TopicPolicy": (("PolicyDocument", "resource"),),
    "AWS::SNS::TopicInlinePolicy": (("PolicyDocument", "resource"),),
    "AWS::SecretsManager::ResourcePolicy": (("ResourcePolicy", "resource"),),
    "AWS::Events::EventBus": (("Policy", "resource"),),
    "AWS::Backup::BackupVault": (("AccessPolicy", "resource"),),
    "AWS::ApiGateway::RestApi": (("Policy", "resource"), ("Body.x-amazon-apigateway-policy", "resource")),
    "AWS::Logs::ResourcePolicy": (("PolicyDocument", "resource"),),
    "AWS::Logs::LogGroup": (("ResourcePolicyDocument", "resource"),),
    "AWS::DynamoDB::Table": (
        ("ResourcePolicy.PolicyDocument", "resource"),
        ("StreamSpecification.ResourcePolicy.PolicyDocument", "resource"),
    ),
    "AWS::SSM::ResourcePolicy": (("Policy", "resource"),),
    "AWS::Lambda::ResourcePolicy": (("PolicyDocument", "resource"),),
}


def statements(estate: Estate, *kinds: PolicyKind) -> Iterator[Statement]:
    """Every statement of every policy of ``kinds`` (all when none is given)."""
    return (item for item in _every_statement(estate) if not kinds or item.kind in kinds)


@lru_cache(maxsize=2)
def _every_statement(estate: Estate) -> tuple[Statement, ...]:
    return tuple(item for carrier in estate.resources for item in statements_of(estate, carrier))


def statements_of(estate: Estate, carrier: Resource) -> Iterator[Statement]:
    """Every statement that ``carrier`` carries."""
    for path, kind, document in documents(carrier):
        yield from _statements(estate, carrier, path, kind, document)


def statements_on(estate: Estate, resource: Resource, *carriers: str) -> list[Statement]:
    """The statements of policies that are attached to ``resource``, by a policy of the types ``carriers``."""
    places = {
        "AWS::S3::BucketPolicy": "Bucket",
        "AWS::SQS::QueuePolicy": "Queues",
        "AWS::SNS::TopicPolicy": "Topics",
    }
    return [
        statement
        for carrier in estate.of(*carriers)
        if any(
            resource in estate.targets(value, carrier.stack) for value in carrier.items(places[carrier.kind])
        )
        for statement in statements_of(estate, carrier)
    ]


def rights_of(estate: Estate, role: Resource) -> list[Statement]:
    """What ``role`` is allowed, by its own policies and by those that are attached to it."""
    return list(_rights_by_role(estate).get(role, ()))


@lru_cache(maxsize=2)
def _rights_by_role(estate: Estate) -> Mapping[Resource, list[Statement]]:
    """What each resource is allowed: asked for one after the other, it is put together once."""
    found: dict[Resource, list[Statement]] = {}
    for item in statements(estate, "identity"):
        if item.allows:
            attached = (
                each
                for value in item.carrier.items("Roles")
                for each in estate.targets(value, item.carrier.stack)
            )
            for role in dict.fromkeys((item.carrier, *attached)):
                found.setdefault(role, []).append(item)
    return found


_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_REFERENCE = re.compile(r"<[^>]*>")


def foreign_accounts(estate: Estate, text: str) -> set[str]:
    """The accounts that ``text`` names beside the estate's own; every one where that is not known."""
    return set(_ACCOUNT.findall(_REFERENCE.sub("", text))) - {estate.account}


def documents(carrier: Resource) -> Iterator[tuple[str, PolicyKind, Any]]:
    """Every policy document that ``carrier`` holds, with its path."""
    for path, kind in _DOCUMENTS.get(carrier.kind, ()):
        document = carrier.get(path)
        if isinstance(document, str):
            document = _parsed(document)
        if document is not None:
            yield path, kind, document
    for index, policy in enumerate(carrier.items("Policies")):
        if isinstance(policy, Mapping) and "PolicyDocument" in policy:
            yield f"Policies.{index}.PolicyDocument", "identity", policy["PolicyDocument"]
    if carrier.kind == "AWS::Events::EventBusPolicy" and carrier.get("Statement") is not None:
        yield "Statement", "resource", {"Statement": carrier.get("Statement")}


def _parsed(document: str) -> Any:
    try:
        return json.loads(document)
    except ValueError:
        return None


def _statements(
    estate: Estate, carrier: Resource, path: str, kind: PolicyKind, document: Any
) -> Iterator[Statement]:
    said = document.get("Statement", []) if isinstance(document, Mapping) else []
    for index, item in enumerate(said if isinstance(said, list) else [said]):
        if not isinstance(item, Mapping):
            continue

        def texts(name: str, item: Mapping[str, Any] = item) -> tuple[str, ...]:
            return tuple(estate.texts(item.get(name), carrier.stack))

        yield Statement(
            carrier,
            f"{path}.Statement.{index}",
            kind,
            str(item.get("Effect")),
            tuple(action.lower() for action in texts("Action")),
            tuple(action.lower() for action in texts("NotAction")),
            texts("Resource"),
            texts("NotResource"),
            tuple(_principals(estate, item.get("Principal"), carrier.stack)),
            tuple(_principals(estate, item.get("NotPrincipal"), carrier.stack)),
            item.get("Condition") or {},
        )


def _principals(estate: Estate, value: Any, stack: str) -> Iterator[str]:
    if isinstance(value, str):
        yield f"AWS:{value}"
    elif isinstance(value, Mapping):
        if any(name.startswith(("Fn::", "Ref")) for name in value):
            yield f"AWS:{estate.text(value, stack)}"
            return
        for family, members in value.items():
            for member in estate.texts(members, stack):
                yield f"{family}:{member}"
