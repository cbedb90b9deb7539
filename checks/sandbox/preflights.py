"""The answers to preflights, which the emulator's import of a contract drops: set from the template.

The emulator answers a mock's fixed headers only and runs no mapping template. With the sandbox's one origin
the template is empty anyway; that several origins work is shown where the template is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mypy_boto3_apigateway import APIGatewayClient

from checks.sandbox.deployed import DeployedStack

_INTEGRATION = "x-amazon-apigateway-integration"


def answer(stacks: Mapping[str, DeployedStack], client: APIGatewayClient) -> None:
    """Let every preflight of every API answer as its template says."""
    for stack in stacks.values():
        for logical_id, resource in stack.template.get("Resources", {}).items():
            if resource.get("Type") == "AWS::ApiGateway::RestApi" and logical_id in stack.physical_ids:
                _answer(stack.physical_ids[logical_id], resource["Properties"]["Body"], client)


def _answer(api_id: str, body: Mapping[str, Any], client: APIGatewayClient) -> None:
    pages = client.get_paginator("get_resources").paginate(restApiId=api_id)
    resource_ids = {item["path"]: item["id"] for page in pages for item in page["items"]}
    for path, response in _responses(body):
        client.put_integration_response(
            restApiId=api_id,
            resourceId=resource_ids[path],
            httpMethod="OPTIONS",
            statusCode=response["statusCode"],
            responseParameters=response["responseParameters"],
        )


def _responses(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and answer of every preflight of a contract."""
    for path, item in body["paths"].items():
        for response in item.get("options", {}).get(_INTEGRATION, {}).get("responses", {}).values():
            yield path, response
