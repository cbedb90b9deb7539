"""The REST API, built from the contract that the runtime generates (``runtime/openapi.json``).

API Gateway holds parameters and bodies against the contract, answers browsers' preflights and counts callers
by usage plan. To a webhook it does nothing of that: it hands the body over as it came, without binary types,
mapping or compression, so that the signature still fits. It takes bodies up to 10 MB, Lambda up to 6 MB; the
runtime refuses far smaller ones itself.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from stacks.api_contract import SCHEME, WEBHOOKS, ContractInvalid, Operation, importable, operations, words
from stacks.api_domain import ENDPOINT_ACCESS_MODE, SECURITY_POLICY, ApiDomain
from stacks.constructs.acknowledge import accept_every_resource, accept_inline_policy, acknowledge
from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.encrypted_log_group import EncryptedLogGroup
from stacks.constructs.service_function import LIVE, ServiceFunction
from stacks.environment import Environment
from stacks.gateway_responses import add_as_resources, as_extension
from stacks.house_stack import HouseStack
from stacks.preflights import preflights
from stacks.usage_plans import UsagePlans

API_KEY_SCHEME = "api_key"
INTEGRATION = "x-amazon-apigateway-integration"
VALIDATOR = "x-amazon-apigateway-request-validator"

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
        app_client_id: str,
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
        self.api = self._rest_api(
            firewall,
            _api_definition(
                contract,
                self.operations,
                authorizer=authorizer,
                functions=functions,
                environment=environment,
            ),
        )
        self._log_what_goes_wrong()
        if environment.embedded:
            add_as_resources(self.api, environment.web.origins)
        for operation in self.operations:
            self._permit(operation, functions[operation.function])
        self._permit_authorizer(authorizer)
        UsagePlans(
            self,
            "UsagePlans",
            environment=environment,
            stage=self.api.deployment_stage,
            app_client_id=app_client_id,
        )
        CfnOutput(self, "ApiUrl", value=self._url(environment))
        CfnOutput(self, "ApiId", value=self.api.rest_api_id)

    def _rest_api(self, firewall: wafv2.CfnWebACL, definition: Mapping[str, Any]) -> apigateway.SpecRestApi:
        environment = self.environment_settings
        api = apigateway.SpecRestApi(
            self,
            "Api",
            rest_api_name=f"hasivu-{environment.name}",
            api_definition=apigateway.ApiDefinition.from_inline(definition),
            disable_execute_api_endpoint=environment.domain is not None,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=False,
            deploy_options=self._stage_options(environment),
        )
        wafv2.CfnWebACLAssociation(
            self,
            "FirewallAssociation",
            resource_arn=api.deployment_stage.stage_arn,
            web_acl_arn=firewall.attr_arn,
        )
        resource = cast(apigateway.CfnRestApi, api.node.default_child)
        resource.security_policy = SECURITY_POLICY
        resource.endpoint_access_mode = ENDPOINT_ACCESS_MODE
        acknowledge(
            resource,
            "AwsSolutions-APIG2",
            why="the rule wants a resource; the contract has the validators, as an import overwrites the API",
            evidence="tests/infra/test_api_edge.py",
            owner="platform",
        )
        acknowledge(
            api.deployment_stage,
            "NIST.800.53.R5-APIGWCacheEnabledAndEncrypted",
            "PCI.DSS.321-APIGWCacheEnabledAndEncrypted",
            why="answers about payments must not be cached",
            owner="payments",
        )
        acknowledge(
            api.deployment_stage,
            "NIST.800.53.R5-APIGWSSLEnabled",
            "PCI.DSS.321-APIGWSSLEnabled",
            why="API Gateway calls functions by IAM; no address asks for a certificate",
            owner="security",
        )
        return api

    def _url(self, environment: Environment) -> str:
        """Where callers find the API: at its domain, where it has one, and then nowhere else."""
        if environment.domain is None:
            return self.api.url
        stage = self.api.deployment_stage
        return ApiDomain(self, "Domain", domain=environment.domain, stage=stage).url

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
            f"May{operation.method.title()}{words(operation.path)}",
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


def _api_definition(
    contract: Mapping[str, Any],
    known: tuple[Operation, ...],
    *,
    authorizer: ServiceFunction,
    functions: Mapping[str, ServiceFunction],
    environment: Environment,
) -> dict[str, Any]:
    """The contract with every operation's integration, the authoriser, and what the gateway does itself."""
    body = importable(contract)
    # An import may name the API after the contract; its metrics are found by this name.
    body["info"]["title"] = f"hasivu-{environment.name}"
    for operation in known:
        declared = body["paths"][operation.path][operation.method]
        declared[INTEGRATION] = _proxy_to(functions[operation.function])
        if operation.path.startswith(WEBHOOKS):
            declared[VALIDATOR] = "nothing"  # a provider's body is checked by its signature, as it came
        if not operation.open and _meters_by_key(environment):
            (requirement,) = declared["security"]
            requirement[API_KEY_SCHEME] = []
    for path, preflight in preflights(body["paths"], environment.web.origins).items():
        body["paths"][path]["options"] = preflight
    body["components"]["securitySchemes"] = _security_schemes(authorizer)
    return body | {
        "x-amazon-apigateway-api-key-source": "AUTHORIZER",
        "x-amazon-apigateway-gateway-responses": as_extension(environment.web.origins),
        f"{VALIDATOR}s": {
            "everything": {"validateRequestBody": True, "validateRequestParameters": True},
            "nothing": {"validateRequestBody": False, "validateRequestParameters": False},
        },
        VALIDATOR: "everything",
    }


def _meters_by_key(environment: Environment) -> bool:
    """Whether operations ask for a usage plan's key. The emulator looks for one in the header x-api-key, even
    where the authoriser says it, so that it would refuse everybody: in the sandbox no plan is enforced."""
    return not environment.embedded


def _proxy_to(function: ServiceFunction) -> dict[str, Any]:
    return {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": _invocation_uri(function),
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": 29_000,
    }


def _security_schemes(authorizer: ServiceFunction) -> dict[str, Any]:
    """The authoriser, and how an import says that a method asks for a usage plan's key."""
    return {
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
        },
        API_KEY_SCHEME: {"type": "apiKey", "name": "x-api-key", "in": "header"},
    }


def _invocation_uri(function: ServiceFunction) -> str:
    stack = Stack.of(function)
    return (
        f"arn:{stack.partition}:apigateway:{stack.region}:lambda:path/2015-03-31/functions/"
        f"{function.alias.function_arn}/invocations"
    )
