"""A synthesised assembly, read so that a test can ask what is in it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one stack's template."""

    stack: str
    logical_id: str
    kind: str
    body: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.body.get("Properties", {})
        return properties

    @property
    def arn(self) -> str:
        """The resource's ARN as :meth:`Assembly.text` writes it."""
        return f"<{self.stack}.{self.logical_id}.Arn>"

    @property
    def ref(self) -> str:
        """The resource's Ref as :meth:`Assembly.text` writes it."""
        return f"<{self.stack}.{self.logical_id}>"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, with everything as text."""

    effect: str
    actions: frozenset[str]
    resources: frozenset[str]
    conditions: dict[str, Any]
    principal: dict[str, Any] | str | None


class Assembly:
    """The templates of one environment by stack (construct id)."""

    def __init__(
        self,
        environment: str,
        templates: dict[str, dict[str, Any]],
        stack_names: dict[str, str],
        folder: Path = Path(),
    ) -> None:
        self.environment = environment
        self.folder = folder
        """Where it was synthesised to."""
        self.templates = templates
        self._stack_of_name = {name: stack for stack, name in stack_names.items()}
        self.stack_names = stack_names

    def resources(self, kind: str) -> Iterator[Resource]:
        """Every resource of the CloudFormation type ``kind``."""
        for resource in self.every_resource():
            if resource.kind == kind:
                yield resource

    def every_resource(self) -> Iterator[Resource]:
        for stack, template in self.templates.items():
            for logical_id, body in template["Resources"].items():
                yield Resource(stack, logical_id, body["Type"], body)

    def one(self, kind: str, **properties: str) -> Resource:
        """The only resource of ``kind`` whose properties have these values."""
        found = [
            resource
            for resource in self.resources(kind)
            if all(resource.properties.get(name) == value for name, value in properties.items())
        ]
        assert len(found) == 1, f"{kind} {properties}: {len(found)} found"
        return found[0]

    def text(self, value: Any, stack: str) -> str:
        """``value`` of a template of ``stack`` as text: references as ``<Stack.LogicalId.Attribute>``."""
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return f"<{name}>" if name.startswith("AWS::") else f"<{stack}.{name}>"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"<{stack}.{name}.{attribute}>"
            case {"Fn::Join": [str(between), list(parts)]}:
                return between.join(self.text(part, stack) for part in parts)
            case {"Fn::GetStackOutput": {"StackName": str(name), "OutputName": str(output)}}:
                producer = self._stack_of_name[name]
                return self.text(self.templates[producer]["Outputs"][output]["Value"], producer)
            case {"Fn::Select": [int(index), {"Fn::Split": [str(between), inner]}]}:
                return f"{self.text(inner, stack)}[{between}{index}]"
            case {"Fn::Sub": str(template)}:
                return template
        raise AssertionError(f"a test cannot read {value!r}")

    def texts(self, value: Any, stack: str) -> frozenset[str]:
        """One value or a list of them as texts."""
        values = value if isinstance(value, list) else [value]
        return frozenset(self.text(item, stack) for item in values)

    def statements(self, document: dict[str, Any], stack: str) -> list[Statement]:
        """The statements of a policy document."""
        return [
            Statement(
                item["Effect"],
                self.texts(item["Action"], stack),
                self.texts(item.get("Resource", []), stack),
                item.get("Condition", {}),
                item.get("Principal"),
            )
            for item in document["Statement"]
        ]

    def identity_policies(self) -> Iterator[tuple[Resource, list[Statement]]]:
        """Each role with what its policies say."""
        roles = {resource.ref: resource for resource in self.resources("AWS::IAM::Role")}
        said: dict[str, list[Statement]] = {ref: [] for ref in roles}
        for policy in self.resources("AWS::IAM::Policy"):
            for role in policy.properties["Roles"]:
                said[self.text(role, policy.stack)] += self.statements(
                    policy.properties["PolicyDocument"], policy.stack
                )
        return ((roles[ref], statements) for ref, statements in said.items())

    def role_of(self, function_name: str) -> list[Statement]:
        """What the role of the function ``hasivu-{env}-{function_name}`` may and may not do."""
        function = self.function(function_name)
        role_arn = self.text(function.properties["Role"], function.stack)
        return next(statements for role, statements in self.identity_policies() if role.arn == role_arn)

    def function(self, name: str) -> Resource:
        return self.one("AWS::Lambda::Function", FunctionName=f"hasivu-{self.environment}-{name}")

    def table(self, name: str) -> Resource:
        return self.one("AWS::DynamoDB::Table", TableName=name)

    def queue(self, name: str) -> Resource:
        return self.one("AWS::SQS::Queue", QueueName=name)

    def alias_refs(self) -> dict[str, str]:
        """The Ref (an ARN) of every alias, with the name of its function."""
        names = {
            function.ref: str(function.properties["FunctionName"])
            for function in self.resources("AWS::Lambda::Function")
        }
        return {
            alias.ref: names[self.text(alias.properties["FunctionName"], alias.stack)].removeprefix(
                f"hasivu-{self.environment}-"
            )
            for alias in self.resources("AWS::Lambda::Alias")
        }


def read_assembly(environment: str, folder: Path) -> Assembly:
    """The assembly in ``folder``."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    stacks = {
        stack: artifact["properties"]
        for stack, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    return Assembly(
        environment,
        {
            stack: json.loads((folder / properties["templateFile"]).read_text(encoding="utf-8"))
            for stack, properties in stacks.items()
        },
        {stack: properties["stackName"] for stack, properties in stacks.items()},
        folder,
    )
