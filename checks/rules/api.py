"""The API: what is reachable, by whom, how much of it, and what is written down about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.contracts import gateway_import
from checks.rules.estate import Estate, Resource, strings_in
from checks.rules.invocations import INTEGRATION, invoked_function
from checks.rules.rule import DEPLOYED, Breach, at, rule
from stacks.api_contract import importable

API = "AWS::ApiGateway::RestApi"
STAGE = "AWS::ApiGateway::Stage"
METHODS = ("delete", "get", "head", "options", "patch", "post", "put")

OPEN_OPERATIONS = frozenset(
    {
        ("get", "/health"),
        ("post", "/v1/webhooks/razorpay"),
        ("get", "/v1/webhooks/whatsapp"),
        ("post", "/v1/webhooks/whatsapp"),
    }
)
"""Operations without an authoriser: a shallow look, and webhooks, whose signature is their credential."""

LEAKING = (
    "$context.integrationErrorMessage",
    "$context.error.message",
    "$context.authorizer.",
    "$context.integration.error",
)
AUTHORIZER_CACHE_S_MAX = 60
API_KEY_HEADER = "x-api-key"
WEBHOOKS = "/v1/webhooks/"
VALIDATOR = "x-amazon-apigateway-request-validator"
CREDENTIAL = re.compile(r"^\^.*(Bearer|ApiKey).*\$$")


def key_schemes(api: Resource) -> set[str]:
    """The names under which the API's contract asks for a usage plan's key."""
    schemes = api.get("Body.components.securitySchemes") or {}
    return {name for name, scheme in schemes.items() if str(scheme.get("name")).lower() == API_KEY_HEADER}


def operations(api: Resource) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each operation of the API's contract: path, method in lower case, declaration."""
    for path, item in (api.get("Body.paths") or {}).items():
        for method, declared in item.items():
            if method in METHODS or method.startswith("x-amazon-apigateway-any"):
                yield path, method, declared


@rule(
    "HASIVU-API-1",
    "PCI DSS 7.3.1-7.3.3",
    "PCI DSS 1.2.5",
    remedy="Put the operation behind the authoriser; only OPEN_OPERATIONS of checks/rules/api.py go without.",
)
def operations_need_an_authoriser(estate: Estate) -> Iterator[Breach]:
    """Every operation needs the authoriser, but the few that are open on purpose."""
    for api in estate.of(API):
        schemes = api.get("Body.components.securitySchemes") or {}
        guarded = {
            name for name, scheme in schemes.items() if scheme.get("x-amazon-apigateway-authtype") == "custom"
        }
        for path, method, declared in operations(api):
            named = {name for item in declared.get("security") or [] for name in item} - key_schemes(api)
            preflight = method == "options" and declared.get(INTEGRATION, {}).get("type") == "mock"
            if not preflight and (method, path) not in OPEN_OPERATIONS and not (named and named <= guarded):
                yield at(api, f"Body.paths.{path}.{method}.security", shown="open")
    for item in estate.of("AWS::ApiGateway::Method"):
        if item.get("HttpMethod") == "OPTIONS" and item.get("Integration.Type") == "MOCK":
            continue
        if item.get("AuthorizationType") in {None, "NONE"}:
            yield at(item, "AuthorizationType")


@rule(
    "HASIVU-API-2",
    "PCI DSS 2.2.4",
    "PCI DSS 1.3.1",
    remedy="Declare each method; ANY and greedy paths open what nobody thought of.",
)
def methods_are_named(estate: Estate) -> Iterator[Breach]:
    """No operation is ANY, no path is greedy."""
    for api in estate.of(API):
        for path, method, _declared in operations(api):
            if method not in METHODS or "+}" in path:
                yield at(api, f"Body.paths.{path}.{method}", shown="open to any method or path")
    for item in estate.of("AWS::ApiGateway::Method"):
        if item.get("HttpMethod") == "ANY":
            yield at(item, "HttpMethod")
    for resource in estate.of("AWS::ApiGateway::Resource"):
        if "+}" in str(resource.get("PathPart")):
            yield at(resource, "PathPart")


@rule(
    "HASIVU-API-3",
    "PCI DSS 6.2.4",
    "SOX CM-4",
    remedy="Deploy the committed contract, in the words that API Gateway takes: `hasivu synth` puts it in.",
)
def the_contract_is_deployed_as_committed(estate: Estate) -> Iterator[Breach]:
    """The API is the committed contract: the same operations, parameters, bodies, schemas and security."""
    expected = importable(estate.contract)
    for api in estate.of(API):
        deployed = {(path, method): said for path, method, said in operations(api)}
        wanted = {
            (path, method): said
            for path, item in expected.get("paths", {}).items()
            for method, said in item.items()
            if method in METHODS
        }
        for path, method in sorted(wanted.keys() ^ deployed.keys()):
            if method != "options":
                yield at(api, f"Body.paths.{path}.{method}", shown="in one of the two only")
        for path, method in sorted(wanted.keys() & deployed.keys()):
            for part in ("parameters", "requestBody"):
                if deployed[path, method].get(part) != wanted[path, method].get(part):
                    yield at(api, f"Body.paths.{path}.{method}.{part}", shown="differs from the contract")
            if _callers(api, deployed[path, method]) != wanted[path, method]["security"]:
                yield at(api, f"Body.paths.{path}.{method}.security", shown="differs from the contract")
        schemas = api.get("Body.components.schemas") or {}
        for name, schema in expected["components"]["schemas"].items():
            if schemas.get(name) != schema:
                yield at(api, f"Body.components.schemas.{name}", shown="differs from the contract")


def _callers(api: Resource, declared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who may call, as the contract says it: a usage plan's key counts a caller, it lets nobody in."""
    keys = key_schemes(api)
    return [
        {name: scopes for name, scopes in requirement.items() if name not in keys}
        for requirement in declared.get("security") or []
    ]


@rule(
    "HASIVU-API-4",
    "PCI DSS 7.3.1-7.3.3",
    remedy="Use the authoriser function's alias, refuse what is not shaped like a credential, cache briefly.",
)
def the_authoriser_is_sound(estate: Estate) -> Iterator[Breach]:
    """The authoriser is a function of the estate, sees only credentials, and is asked often."""
    for api in estate.of(API):
        schemes = api.get("Body.components.securitySchemes") or {}
        if not schemes:
            yield at(api, "Body.components.securitySchemes")
        for name, scheme in schemes.items():
            if name in key_schemes(api):
                if (scheme.get("type"), scheme.get("in")) != ("apiKey", "header"):
                    yield at(api, f"Body.components.securitySchemes.{name}", shown="not a key in a header")
                continue
            path = f"Body.components.securitySchemes.{name}"
            said = scheme.get("x-amazon-apigateway-authorizer") or {}
            function = invoked_function(estate, said.get("authorizerUri"), api.stack)
            if function is None or not str(function.get("FunctionName")).endswith("-api-authorizer"):
                yield at(api, f"{path}.authorizerUri", shown="not the authoriser")
            if not CREDENTIAL.match(str(said.get("identityValidationExpression"))):
                yield at(
                    api,
                    f"{path}.identityValidationExpression",
                    shown=said.get("identityValidationExpression"),
                )
            if not 0 <= int(said.get("authorizerResultTtlInSeconds", 300)) <= AUTHORIZER_CACHE_S_MAX:
                yield at(api, f"{path}.authorizerResultTtlInSeconds", shown="cached for too long")
            if said.get("type") != "token":
                yield at(api, f"{path}.type", shown="not an authoriser of tokens")
            if scheme.get("in") != "header" or scheme.get("name") != "Authorization":
                yield at(api, f"{path}.name", shown="the credential is not in the header Authorization")


@rule(
    "HASIVU-API-5",
    "PCI DSS 1.3.2",
    "PCI DSS 2.2.4",
    remedy="Integrate every operation with the alias of its function, by AWS_PROXY.",
)
def operations_reach_our_functions_only(estate: Estate) -> Iterator[Breach]:
    """Every operation reaches the function that the contract names, and nothing outside the estate."""
    for api in estate.of(API):
        for path, method, declared in operations(api):
            where = f"Body.paths.{path}.{method}.integration"
            integration = declared.get(INTEGRATION) or {}
            if method == "options" and integration.get("type") == "mock":
                continue
            function = invoked_function(estate, integration.get("uri"), api.stack)
            if integration.get("type") != "aws_proxy" or function is None:
                yield at(api, where, shown=str(integration.get("type")))
                continue
            named = estate.contract.get("paths", {}).get(path, {}).get(method, {}).get("x-hasivu-function")
            if named and not str(function.get("FunctionName")).endswith(f"-{named}"):
                yield at(api, where, shown=f"reaches {function.get('FunctionName')} instead of {named}")
    for item in estate.of("AWS::ApiGateway::Method"):
        if item.get("Integration.Type") not in {"AWS_PROXY", "MOCK"}:
            yield at(item, "Integration.Type")


@rule(
    "HASIVU-API-12",
    "PCI DSS 1.4.5",
    remedy="Answer with the fixed problem document; say nothing of what is inside.",
)
def faults_tell_nothing_of_the_inside(estate: Estate) -> Iterator[Breach]:
    """What API Gateway answers itself quotes no message, address or credential of the inside."""
    for resource in estate.of(API, "AWS::ApiGateway::GatewayResponse"):
        for path, text in strings_in(resource.properties, ""):
            if "responses" in path.lower() and any(word in text for word in LEAKING):
                yield at(resource, path, shown="quotes the inside")
    for api in estate.of(API):
        if not api.get("Body.x-amazon-apigateway-gateway-responses") and not list(
            estate.of("AWS::ApiGateway::GatewayResponse")
        ):
            yield at(api, "Body.x-amazon-apigateway-gateway-responses")


@rule(
    "HASIVU-API-13",
    "PCI DSS 6.2.4",
    environments=DEPLOYED,
    remedy="Validate bodies and parameters of every operation by default, but no body of a webhook.",
)
def requests_are_validated(estate: Estate) -> Iterator[Breach]:
    """API Gateway holds bodies and parameters against the contract, and leaves webhooks' bodies alone."""
    for api in estate.of(API):
        validators = api.get(f"Body.{VALIDATOR}s") or {}
        chosen = validators.get(api.get(f"Body.{VALIDATOR}"), {})
        if (
            chosen.get("validateRequestBody") is not True
            or chosen.get("validateRequestParameters") is not True
        ):
            yield at(api, f"Body.{VALIDATOR}")
        for path, method, declared in operations(api):
            own = declared.get(VALIDATOR, api.get(f"Body.{VALIDATOR}"))
            checked = validators.get(own) or {}
            if path.startswith(WEBHOOKS):
                wrong = checked.get("validateRequestBody") is not False or "requestBody" in declared
            else:
                wrong = not (checked.get("validateRequestBody") and checked.get("validateRequestParameters"))
            if wrong:
                yield at(api, f"Body.paths.{path}.{method}.request-validator", shown=str(own))


@rule(
    "HASIVU-API-15",
    "RBI 2018-04-06",
    "PCI DSS 1.3.1",
    remedy="Use a regional endpoint; hand bodies over as they came; keep variables out of the stage.",
)
def the_api_hands_bodies_over_as_they_came(estate: Estate) -> Iterator[Breach]:
    """The API is regional, changes no body, and its stage has neither open cache, canary nor variables."""
    for api in estate.of(API):
        if api.items("EndpointConfiguration.Types") != ["REGIONAL"]:
            yield at(api, "EndpointConfiguration.Types")
        for path in (
            "BinaryMediaTypes",
            "MinimumCompressionSize",
            "Body.x-amazon-apigateway-binary-media-types",
        ):
            if api.get(path) is not None:
                yield at(api, path)
        if api.get("FailOnWarnings") is False:
            yield at(api, "FailOnWarnings")
    for stage in estate.of(STAGE):
        for path in ("Variables", "CanarySetting"):
            if stage.get(path):
                yield at(stage, path, shown="present")
        caching = stage.get("CacheClusterEnabled") or any(
            item.get("CachingEnabled") for item in stage.items("MethodSettings")
        )
        if caching and not all(item.get("CacheDataEncrypted") for item in stage.items("MethodSettings")):
            yield at(stage, "CacheClusterEnabled")


@rule(
    "HASIVU-API-17",
    "SOX CM-4",
    "PCI DSS 6.2.4",
    remedy="Say it in the words of checks/contracts/gateway_import.py; stacks/api_contract.py translates.",
)
def api_gateway_can_import_the_contract(estate: Estate) -> Iterator[Breach]:
    """The deployed contract holds only what API Gateway takes, so that no import fails or drops a limit."""
    for api in estate.of(API):
        for complaint in gateway_import.complaints(api.get("Body") or {}):
            yield at(api, f"Body.{complaint.path}", shown=complaint.why)
