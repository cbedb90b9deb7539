"""What is deployed: resources and outputs of stacks, and their templates' intrinsics resolved with them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mypy_boto3_cloudformation import CloudFormationClient

from checks.errors import ExitCode, HasivuError
from checks.sandbox.assembly import stack_artifacts

Template = Mapping[str, Any]

NO_VALUE = object()
"""What `AWS::NoValue` resolves to: the property is not there."""

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")
_ARNS = {
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{id}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{id}",
    "AWS::Events::EventBus": "arn:aws:events:{region}:{account}:event-bus/{id}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{id}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{id}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{id}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{id}",
    "AWS::SNS::Topic": "{id}",
    "AWS::SecretsManager::Secret": "{id}",
}


@dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """One stack: its template as synthesised, and what its deployment made of it.

    `attributes` holds what neither a physical id nor a pattern tells, as `(logical id, attribute)`.
    """

    name: str
    template: Template
    physical_ids: Mapping[str, str]
    outputs: Mapping[str, str]
    attributes: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read_stacks(assembly: Path, client: CloudFormationClient) -> dict[str, DeployedStack]:
    """Every stack of an assembly as it is deployed, by name. Error: `STACK_NOT_DEPLOYED`."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    stacks = {}
    for name, artifact in stack_artifacts(manifest):
        template = json.loads((assembly / artifact["properties"]["templateFile"]).read_text(encoding="utf-8"))
        stacks[name] = _read_stack(name, template, client)
    return stacks


def is_deployed(name: str, client: CloudFormationClient) -> bool:
    """Whether the stack exists and its last deployment succeeded."""
    try:
        stacks = client.describe_stacks(StackName=name)["Stacks"]
    except client.exceptions.ClientError:
        return False
    return bool(stacks) and stacks[0]["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def _read_stack(name: str, template: Template, client: CloudFormationClient) -> DeployedStack:
    if not is_deployed(name, client):
        raise HasivuError(
            "STACK_NOT_DEPLOYED",
            f"The stack {name} is not deployed in the sandbox.",
            next_step="run `hasivu sandbox up`",
            exit_code=ExitCode.SANDBOX,
        )
    described = client.describe_stacks(StackName=name)["Stacks"][0]
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return DeployedStack(
        name=name,
        template=template,
        physical_ids={r["LogicalResourceId"]: r.get("PhysicalResourceId", "") for r in resources},
        outputs={o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])},
    )


class Unresolved(LookupError):
    """An intrinsic that cannot be resolved from what is deployed; says where."""


@dataclass(frozen=True)
class Resolver:
    """Resolves the intrinsics of one stack's template against all deployed stacks."""

    stack: DeployedStack
    stacks: Mapping[str, DeployedStack]
    region: str
    account: str

    def resolve(self, value: Any) -> Any:
        """`value` with every intrinsic replaced; a key whose value is `AWS::NoValue` is dropped."""
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            key, argument = next(iter(value.items()))
            if key == "Ref" or key.startswith("Fn::"):
                return self._intrinsic(key, argument)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _intrinsic(self, key: str, argument: Any) -> Any:
        match key:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self._attribute(name, attribute)
            case "Fn::Join":
                separator, items = argument
                return separator.join(str(item) for item in self.resolve(items))
            case "Fn::Sub":
                return self._substitute(argument)
            case "Fn::Select":
                index, items = argument
                return self.resolve(items)[int(index)]
            case "Fn::Split":
                separator, text = argument
                return str(self.resolve(text)).split(separator)
            case "Fn::GetStackOutput":
                return self._output(self.resolve(argument))
            case _:
                raise Unresolved(f"{self.stack.name}: {key} is not resolved after deploy")

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::Region": self.region,
            "AWS::AccountId": self.account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.stack.name,
            "AWS::NoValue": NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.stack.physical_ids:
            return self.stack.physical_ids[name]
        parameter = self.stack.template.get("Parameters", {}).get(name)
        if parameter is not None and "Default" in parameter:
            return parameter["Default"]
        raise Unresolved(f"{self.stack.name}: {name} is not deployed")

    def _attribute(self, name: str, attribute: str) -> str:
        known = self.stack.attributes.get((name, attribute))
        if known is not None:
            return known
        resource_type = self.stack.template["Resources"].get(name, {}).get("Type", "")
        if attribute == "Arn" and name in self.stack.physical_ids:
            physical_id = self.stack.physical_ids[name]
            if resource_type == "AWS::SQS::Queue":
                queue = physical_id.rpartition("/")[2]
                return f"arn:aws:sqs:{self.region}:{self.account}:{queue}"
            if resource_type in _ARNS:
                return _ARNS[resource_type].format(region=self.region, account=self.account, id=physical_id)
        raise Unresolved(f"{self.stack.name}: {name}.{attribute} is not known after deploy")

    def _output(self, reference: Mapping[str, str]) -> str:
        stack = self.stacks.get(reference["StackName"])
        if stack is None or reference["OutputName"] not in stack.outputs:
            raise Unresolved(
                f"{self.stack.name}: output {reference['OutputName']} of {reference['StackName']}"
            )
        return stack.outputs[reference["OutputName"]]

    def _substitute(self, argument: Any) -> str:
        text, names = argument if isinstance(argument, list) else (argument, {})

        def value_of(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return "${" + name + "}"
            if name in names:
                return str(self.resolve(names[name]))
            logical_id, dot, attribute = name.partition(".")
            return str(self._attribute(logical_id, attribute) if dot else self._ref(name))

        return _PLACEHOLDER.sub(value_of, text)
