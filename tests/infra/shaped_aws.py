"""An AWS that answers every question in the SDK's own shape.

Arguments are held against the SDK's model, so that a question that AWS would refuse is refused here; an
answer has every member that the model knows, so that whoever reads another one reads nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.validate import ParamValidator

CORE = botocore.session.get_session()
MOMENT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
PLACE = "placeholder"

Answer = Callable[[dict[str, Any]], Any]


def shaped(shape: Any, depth: int = 0) -> Any:  # noqa: PLR0911  (one for each kind of shape)
    """A value of ``shape`` with every member; where a shape holds itself, it ends."""
    if depth > 7:
        return None
    match shape.type_name:
        case "structure":
            return {name: shaped(inner, depth + 1) for name, inner in shape.members.items()}
        case "list":
            return [shaped(shape.member, depth + 1)]
        case "map":
            return Everything({PLACE: shaped(shape.value, depth + 1)})
        case "boolean":
            return False
        case "integer" | "long":
            return 987_654
        case "float" | "double":
            return 987_654.5
        case "timestamp":
            return MOMENT
        case "blob":
            return b""
        case _:
            return PLACE


class Everything(dict[str, Any]):
    """A map that has every key."""

    def get(self, key: str, default: Any = None) -> Any:
        return self[PLACE]


def failure(code: str) -> Answer:
    def fail(arguments: dict[str, Any]) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": code}}, "asked")

    return fail


def unreachable(arguments: dict[str, Any]) -> Any:
    raise EndpointConnectionError(endpoint_url="https://aws.example")


class ShapedClient:
    """A client of one service. Lists come on one page."""

    def __init__(self, session: ShapedAws, service: str) -> None:
        self._session = session
        self._service = service
        self._model = CORE.get_service_model(service)
        self._names = {xform_name(name): name for name in self._model.operation_names}
        self.meta = SimpleNamespace(endpoint_url=f"https://{service}.ap-south-1.amazonaws.com")

    def can_paginate(self, operation: str) -> bool:
        return True

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **arguments: [getattr(self, operation)(**arguments)])

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        model = self._model.operation_model(self._names[operation])

        def call(**arguments: Any) -> Any:
            if model.input_shape is not None:
                report = ParamValidator().validate(arguments, model.input_shape)
                assert not report.has_errors(), f"{self._service} {operation}: {report.generate_report()}"
            answers = self._session.answers
            given = answers.get((self._service, operation)) or answers.get(("*", "*"))
            if given is not None:
                return given(arguments)
            return shaped(model.output_shape) if model.output_shape is not None else {}

        return call


class ShapedAws:
    """Stands in for a boto3 session: ``answers`` by service and operation, ``("*", "*")`` for all others."""

    region_name = "ap-south-1"

    def __init__(self, folder: Path, answers: Mapping[tuple[str, str], Answer] | None = None) -> None:
        self.answers: dict[tuple[str, str], Answer] = {
            ("cloudformation", "describe_stacks"): lambda arguments: self._stack(arguments["StackName"]),
            ("cloudformation", "list_stack_resources"): lambda arguments: self._resources(
                arguments["StackName"]
            ),
            ("sts", "get_caller_identity"): lambda arguments: {"Account": "777788889999"},
            **(answers or {}),
        }
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._templates = {
            artifact["properties"]["stackName"]: json.loads(
                (folder / artifact["properties"]["templateFile"]).read_text(encoding="utf-8")
            )
            for artifact in manifest["artifacts"].values()
            if artifact["type"] == "aws:cloudformation:stack"
        }

    def client(self, service: str, **_: Any) -> ShapedClient:
        return ShapedClient(self, service)

    def _stack(self, name: str) -> Any:
        outputs = [
            {"OutputKey": key, "OutputValue": self._output(name, key, output.get("Value"))}
            for key, output in self._templates[name].get("Outputs", {}).items()
        ]
        return {
            "Stacks": [
                {
                    "StackStatus": "UPDATE_COMPLETE",
                    "EnableTerminationProtection": True,
                    "Outputs": outputs,
                }
            ]
        }

    def _output(self, name: str, key: str, value: Any) -> str:
        """What refers to a resource, or to its id, leads to that; of other attributes nobody asks."""
        resources = self._templates[name]["Resources"]
        match value:
            case {"Ref": logical_id} if logical_id in resources:
                return physical_id(logical_id, resources[logical_id])
            case {"Fn::GetAtt": [logical_id, "Id"]}:
                return physical_id(logical_id, resources[logical_id])
        return f"arn:aws:x:ap-south-1:777788889999:{key}"

    def _resources(self, name: str) -> Any:
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": logical_id, "PhysicalResourceId": physical_id(logical_id, body)}
                for logical_id, body in self._templates[name]["Resources"].items()
            ]
        }


def physical_id(logical_id: str, body: Mapping[str, Any]) -> str:
    """A name in the form that AWS gives to resources of this kind."""
    forms = {
        "AWS::WAFv2::WebACL": f"{logical_id}|12345678-1234-1234-1234-123456789012|REGIONAL",
        "AWS::WAFv2::IPSet": f"{logical_id}|12345678-1234-1234-1234-123456789012|REGIONAL",
        "AWS::Lambda::Alias": f"arn:aws:lambda:ap-south-1:777788889999:function:{logical_id}:live",
        "AWS::Lambda::Version": f"arn:aws:lambda:ap-south-1:777788889999:function:{logical_id}:1",
        "AWS::Lambda::LayerVersion": f"arn:aws:lambda:ap-south-1:777788889999:layer:{logical_id}:1",
        "AWS::SNS::Topic": f"arn:aws:sns:ap-south-1:777788889999:{logical_id}",
        "AWS::SNS::Subscription": f"arn:aws:sns:ap-south-1:777788889999:topic:{logical_id}",
        "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:ap-south-1:777788889999:secret:{logical_id}",
        "AWS::CertificateManager::Certificate": f"arn:aws:acm:x:777788889999:certificate/{logical_id}",
        "AWS::Cognito::UserPool": "ap-south-1_Abcdef123",
    }
    return forms.get(body["Type"], logical_id)
