"""What runs of an assembly: its stacks, the names that AWS gave, and what the templates' references mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from checks.checklist.model import Subject
from checks.probes.account import Account, Gone
from checks.rules.assembly import read_estate
from checks.rules.estate import Estate, Resource
from checks.sandbox.assembly import filter_template, stack_artifacts
from checks.sandbox.deployed import DeployedStack, Resolver, Unresolved

_ENVIRONMENT = re.compile(r"aws://(\d{12}|unknown-account)/([a-z0-9-]+)")


ANSWERED_WITHOUT = frozenset({"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"})
"""Policies that are left out for the emulator where no statement is left: then no other may be there."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One stack of the assembly, and what CloudFormation says of it."""

    construct_id: str
    name: str
    region: str
    template: Mapping[str, Any]
    """As it should run: for the emulator, without what the emulator cannot take."""
    protected: bool
    status: str
    """``CREATE_COMPLETE`` and the like; empty where it does not exist."""
    running_protected: bool
    deployed: DeployedStack


@dataclass(frozen=True)
class Live:
    """A resource of the template that should run."""

    resource: Resource
    stack: Stack
    running: Running = field(repr=False, compare=False)

    @property
    def physical_id(self) -> str:
        """The name that AWS knows it by; empty where CloudFormation knows no such resource."""
        return self.stack.deployed.physical_ids.get(self.resource.logical_id, "")

    @property
    def region(self) -> str:
        return self.stack.region

    @property
    def deployed(self) -> bool:
        """Whether CloudFormation knows it, or should not."""
        return bool(self.physical_id) or self.resource.logical_id not in self.stack.template["Resources"]

    @property
    def body(self) -> Mapping[str, Any] | None:
        """What should run of it: less what the emulator cannot take; None where that is all of it."""
        found: Mapping[str, Any] | None = self.stack.template.get("Resources", {}).get(
            self.resource.logical_id
        )
        if found is None and self.resource.kind in ANSWERED_WITHOUT:
            empty = {**self.resource.properties, "PolicyDocument": {"Statement": []}}
            return {**self.resource.body, "Properties": empty}
        return found

    @property
    def subject(self) -> Subject:
        metadata = self.resource.body.get("Metadata") or {}
        place = str(metadata.get("aws:cdk:path", "")).removesuffix("/Resource").removesuffix("/Default")
        return Subject(
            stack=self.resource.stack,
            logical_id=self.resource.logical_id,
            kind=self.resource.kind,
            place=place,
            physical_id=self.physical_id,
        )

    def expected(self, path: str) -> Any:
        """The template's property at ``path`` with its references followed; None where it is silent.

        Raises Unresolved where a reference leads to what is not known.
        """
        body = self.body
        if body is None:
            return None
        found = Resource(self.resource.stack, self.resource.logical_id, self.resource.kind, body).get(path)
        return None if found is None else self.resolved(found)

    def resolved(self, value: Any) -> Any:
        """``value`` of this resource's template with its references followed. Raises Unresolved."""
        resolver = References(self.stack.deployed, self.running.by_name, self.region, self.running.account)
        return resolver.resolve(value)


@dataclass(frozen=True)
class Running:
    """An assembly and what runs of it."""

    estate: Estate
    assembly: Path
    account: str
    now: datetime
    on_emulator: bool
    stacks: tuple[Stack, ...]

    @cached_property
    def by_name(self) -> Mapping[str, DeployedStack]:
        """What is deployed, by the stacks' names."""
        return {stack.name: stack.deployed for stack in self.stacks}

    @cached_property
    def live(self) -> tuple[Live, ...]:
        """Every resource of the assembly."""
        by_id = {stack.construct_id: stack for stack in self.stacks}
        return tuple(Live(item, by_id[item.stack], self) for item in self.estate.resources)

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[Live, ...]]:
        kinds: dict[str, list[Live]] = {}
        for live in self.live:
            kinds.setdefault(live.resource.kind, []).append(live)
        return {kind: tuple(found) for kind, found in kinds.items()}

    def of(self, *kinds: str) -> tuple[Live, ...]:
        """Every resource of the CloudFormation types ``kinds``."""
        return tuple(live for kind in kinds for live in self._by_kind.get(kind, ()))


class References(Resolver):
    """Follows the attributes, too, whose value the physical id tells."""

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self.stack.template["Resources"].get(name, {}).get("Type", "")
        physical_id = self.stack.physical_ids.get(name, "")
        if not physical_id:
            raise Unresolved(f"{self.stack.name}: {name} is not deployed")
        match kind, attribute:
            case "AWS::Lambda::Version", "Version":
                return physical_id.rpartition(":")[2]
            case "AWS::WAFv2::WebACL" | "AWS::WAFv2::IPSet", "Arn":
                label, identifier, _ = physical_id.split("|")
                what = "webacl" if kind.endswith("WebACL") else "ipset"
                place = f"arn:aws:wafv2:{self.region}:{self.account}:regional"
                return f"{place}/{what}/{label}/{identifier}"
            case "AWS::Cognito::UserPool", "Arn":
                return f"arn:aws:cognito-idp:{self.region}:{self.account}:userpool/{physical_id}"
            case (
                ("AWS::ApiGateway::ApiKey", "APIKeyId")
                | ("AWS::ApiGateway::UsagePlan", "Id")
                | ("AWS::SecretsManager::Secret", "Id")
            ):
                return physical_id
        return super()._attribute(name, attribute)


def read_running(account: Account, assembly: Path, environment: str, *, now: datetime) -> Running:
    """The assembly in the folder ``assembly`` as it runs in ``account``.

    Raises CouldNotLook where CloudFormation does not answer, and FileNotFoundError, KeyError or ValueError
    where the folder holds no assembly.
    """
    estate = read_estate(assembly, environment=environment)
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    on_emulator = account.on_emulator()
    stacks = []
    names = {artifact["properties"]["templateFile"]: name for name, artifact in stack_artifacts(manifest)}
    for construct_id, artifact in manifest["artifacts"].items():
        name = names.get(artifact.get("properties", {}).get("templateFile"))
        if name is None or artifact["type"] != "aws:cloudformation:stack":
            continue
        found = _ENVIRONMENT.match(artifact.get("environment", ""))
        region = found.group(2) if found else account.region
        properties = artifact["properties"]
        template = json.loads((assembly / properties["templateFile"]).read_text(encoding="utf-8"))
        if on_emulator:
            template = filter_template(template, stack=name).template
        stacks.append(_stack(account, construct_id, name, region, template, artifact))
    return Running(estate, assembly, _account_id(account), now, on_emulator, tuple(sorted(stacks, key=_name)))


def _name(stack: Stack) -> str:
    return stack.name


def _stack(
    account: Account,
    construct_id: str,
    name: str,
    region: str,
    template: Mapping[str, Any],
    artifact: Mapping[str, Any],
) -> Stack:
    try:
        (described,) = account.ask("cloudformation", "describe_stacks", region=region, StackName=name)[
            "Stacks"
        ]
        summaries = account.all(
            "cloudformation",
            "list_stack_resources",
            "StackResourceSummaries",
            region=region,
            StackName=name,
        )
    except Gone:
        described, summaries = {}, []
    return Stack(
        construct_id=construct_id,
        name=name,
        region=region,
        template=template,
        protected=bool(artifact["properties"].get("terminationProtection")),
        status=described.get("StackStatus", ""),
        running_protected=bool(described.get("EnableTerminationProtection")),
        deployed=DeployedStack(
            name=name,
            template=template,
            physical_ids={
                item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
                for item in summaries
                if item.get("ResourceStatus") != "DELETE_COMPLETE"
            },
            outputs={item["OutputKey"]: item["OutputValue"] for item in described.get("Outputs", ())},
        ),
    )


def _account_id(account: Account) -> str:
    """The account that answers. Where the assembly is for another one, the stacks are simply not there."""
    found: str = account.ask("sts", "get_caller_identity")["Account"]
    return found
