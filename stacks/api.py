"""The REST API, built from the contract that the runtime generates (``runtime/openapi.json``).

API Gateway hands the body over as it came: no binary types, no mapping, no compression, so that a
webhook's signature still fits. It takes bodies up to 10 MB, Lambda up to 6 MB; the runtime refuses far
smaller ones itself.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from stacks.constructs.acknowledge import accept_every_resource, accept_inline_policy, acknowledge
from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.encrypted_log_group import EncryptedLogGroup
from stacks.constructs.service_function import LIVE, ServiceFunction
from stacks.environment import Environment
from stacks.gateway_responses import add_as_resources, as_extension
from stacks.house_stack import HouseStack

FUNCTION_KEY = "x-hasivu-function"
SCHEME = "hasivu"
HTTP_METHODS = ("delete", "get", "head", "options", "patch", "post", "put")

IDENTITY_EXPRESSION = r"^(Bearer|ApiKey) [\x21-\x7E]+$"
"""What is not even shaped like a credential never reaches the authoriser."""

AUTHORIZER_CACHE_S = 60
"""How long a revoked credential may still be believed."""

ACCESS_LOG = {
    "request_id": "$context.requestId",
    "trace_id": "$context.xrayTraceId",
    "time_epoch_ms": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "error_type": "$context.error.responseType",
    "authorizer_status": "$context.authorizer.status",
    "integration_status": "$context.integration.status",
    "response_latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integrationLatency",
    "response_bytes": "$context.responseLength",
    "waf_response": "$context.wafResponseCode",
}
"""The route's template, not its path; no address, agent or principal: nothing here leads to a person."""


class ContractInvalid(ValueError):
    """The contract cannot be deployed; says which operation and why."""

    code = "contract-invalid"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: ``path``, lower-case ``method`` and ``function``; ``open`` ones need no authoriser."""

    path: str
    method: str
    function: str
    open: bool


def operations(contract: Mapping[str, Any]) -> Iterator[Operation]:
    """The operations of an OpenAPI 3.0 ``contract``. Raises ContractInvalid for an incomplete one."""
    for path, item in contract["paths"].items():
        for method in HTTP_METHODS:
            if method not in item:
                continue
            operation = item[method]
            function, security = operation.get(FUNCTION_KEY), operation.get("security")
            if not isinstance(function, str):
                raise ContractInvalid(f"{method.upper()} {path} names no {FUNCTION_KEY}")
            if security not in ([], [{SCHEME: []}]):
                raise ContractInvalid(f"{method.upper()} {path} must say security [] or [{{{SCHEME!r}: []}}]")
            yield Operation(path, method, function, open=not security)


class ApiStack(HouseStack):
    """The API, its stage ``live``, its logs, and the permission of each operation to call its function."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        contract: Mapping[str, Any],
        authorizer: ServiceFunction,
        functions: Mapping[str, ServiceFunction],
        log_key: CustomerKey,
        firewall: wafv2.CfnWebACL,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: REST API",
            stateful=False,
        )
        self.operations = tuple(operations(contract))
        if unknown := {operation.function for operation in self.operations} - functions.keys():
            raise ContractInvalid(
                f"the contract names functions that are not deployed: {', '.join(sorted(unknown))}"
            )
        self._log_key = log_key
        self.api = apigateway.SpecRestApi(
            self,
            "Api",
            rest_api_name=f"hasivu-{environment.name}",
            api_definition=apigateway.ApiDefinition.from_inline(
                _with_integrations(
                    contract, self.operations, authorizer, functions, f"hasivu-{environment.name}"
                )
            ),
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=False,
            deploy_options=self._stage_options(environment),
        )
        self._log_what_goes_wrong()
        wafv2.CfnWebACLAssociation(
            self,
            "FirewallAssociation",
            resource_arn=self.api.deployment_stage.stage_arn,
            web_acl_arn=firewall.attr_arn,
        )
        acknowledge(
            self.api.deployment_stage,
            "NIST.800.53.R5-APIGWCacheEnabledAndEncrypted",
            "PCI.DSS.321-APIGWCacheEnabledAndEncrypted",
            why="answers about payments must not be cached",
            owner="payments",
        )
        acknowledge(
            self.api.deployment_stage,
            "NIST.800.53.R5-APIGWSSLEnabled",
            "PCI.DSS.321-APIGWSSLEnabled",
            why="API Gateway calls functions by IAM; no address asks for a certificate",
            owner="security",
        )
        if environment.embedded:
            add_as_resources(self.api)
        for operation in self.operations:
            self._permit(operation, functions[operation.function])
        self._permit_authorizer(authorizer)
        CfnOutput(self, "ApiUrl", value=self.api.url)
        CfnOutput(self, "ApiId", value=self.api.rest_api_id)

    def _stage_options(self, environment: Environment) -> apigateway.StageOptions:
        self.access_logs = EncryptedLogGroup(self, "AccessLogs", environment=environment, key=self._log_key)
        return apigateway.StageOptions(
            stage_name=LIVE,
            tracing_enabled=True,
            metrics_enabled=True,
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,  # would write whole bodies to the log
            throttling_rate_limit=environment.api.rate_per_s,
            throttling_burst_limit=environment.api.burst,
            access_log_destination=apigateway.LogGroupLogDestination(self.access_logs),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
        )

    def _log_what_goes_wrong(self) -> None:
        """Let API Gateway write logs in this account, into an encrypted execution log made before its own."""
        writer = iam.Role(
            self,
            "LogWriter",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="Lets API Gateway write its logs",
        )
        writer.add_to_policy(
            iam.PolicyStatement(
                # API Gateway refuses an account role that lacks any of these on any log group.
                actions=[
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:DescribeLogGroups",
                    "logs:DescribeLogStreams",
                    "logs:FilterLogEvents",
                    "logs:GetLogEvents",
                    "logs:PutLogEvents",
                ],
                resources=["*"],
            )
        )
        accept_inline_policy(writer)
        accept_every_resource(writer, why="API Gateway refuses an account role that may log to less")
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=writer.role_arn)
        account.node.add_dependency(writer)
        execution_logs = EncryptedLogGroup(
            self,
            "ExecutionLogs",
            environment=self.environment_settings,
            key=self._log_key,
            name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{LIVE}",
        )
        self.api.deployment_stage.node.add_dependency(account, execution_logs)

    def _permit(self, operation: Operation, function: ServiceFunction) -> None:
        lambda_.CfnPermission(
            self,
            f"May{operation.method.title()}{_words(operation.path)}",
            action="lambda:InvokeFunction",
            function_name=function.alias.function_arn,
            principal="apigateway.amazonaws.com",
            source_arn=self.api.arn_for_execute_api(
                operation.method.upper(), re.sub(r"\{[^}]+\}", "*", operation.path), LIVE
            ),
        )

    def _permit_authorizer(self, authorizer: ServiceFunction) -> None:
        lambda_.CfnPermission(
            self,
            "MayAuthorize",
            action="lambda:InvokeFunction",
            function_name=authorizer.alias.function_arn,
            principal="apigateway.amazonaws.com",
            # The authoriser's id is made by the import of the contract and cannot be referred to.
            source_arn=self.format_arn(
                service="execute-api", resource=self.api.rest_api_id, resource_name="authorizers/*"
            ),
        )


def _words(path: str) -> str:
    """``/v1/payments/{payment_id}`` as ``V1PaymentsPaymentId``, for a construct id."""
    return "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", path) if word)


def _with_integrations(
    contract: Mapping[str, Any],
    known: tuple[Operation, ...],
    authorizer: ServiceFunction,
    functions: Mapping[str, ServiceFunction],
    name: str,
) -> dict[str, Any]:
    """The contract with the integration of every operation and the authoriser, as API Gateway imports it."""
    body: dict[str, Any] = copy.deepcopy(dict(contract))
    # An import may name the API after the contract; its metrics are found by this name.
    body["info"]["title"] = name
    for operation in known:
        declared = body["paths"][operation.path][operation.method]
        del declared[FUNCTION_KEY]
        declared["x-amazon-apigateway-integration"] = {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": _invocation_uri(functions[operation.function]),
            "passthroughBehavior": "when_no_match",
            "timeoutInMillis": 29_000,
        }
    body["x-amazon-apigateway-gateway-responses"] = as_extension()
    body.setdefault("components", {})["securitySchemes"] = {
        SCHEME: {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
                "type": "token",
                "authorizerUri": _invocation_uri(authorizer),
                "identityValidationExpression": IDENTITY_EXPRESSION,
                "authorizerResultTtlInSeconds": AUTHORIZER_CACHE_S,
            },
        }
    }
    return body


def _invocation_uri(function: ServiceFunction) -> str:
    stack = Stack.of(function)
    return (
        f"arn:{stack.partition}:apigateway:{stack.region}:lambda:path/2015-03-31/functions/"
        f"{function.alias.function_arn}/invocations"
    )
