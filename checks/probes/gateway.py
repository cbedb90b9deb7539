"""The API, its firewall and its certificate beside what the templates say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe, Read
from checks.probes.normal import Difference, differences, policy
from checks.probes.read import answer, lines_of, member, physical_id, prop, then, upper
from checks.probes.running import Live

PLAN_KEY = "AWS::ApiGateway::UsagePlanKey"
API, STAGE, PLAN = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage", "AWS::ApiGateway::UsagePlan"
ACL, CERTIFICATE = "AWS::WAFv2::WebACL", "AWS::CertificateManager::Certificate"

EXPIRES_IN_AT_LEAST = timedelta(days=30)
"""AWS renews 60 days before the end; a month is left to find out why it did not."""

SETTINGS = Probe(
    name="api-settings",
    title="The API has the name, addresses and closed doors of its template",
    remedy="Deploy again, and find in the trail who called UpdateRestApi.",
    controls=("PCI DSS 1.3.1", "PCI DSS 2.2.5"),
)
METHODS = Probe(
    name="api-methods",
    title="The API has the routes of its contract, each with its authoriser and validator, and no other",
    remedy="Deploy the API again; a route that is only in what runs was added by hand.",
    controls=("PCI DSS 1.2.5", "PCI DSS 1.3.1", "PCI DSS 7.2.5"),
)
THROTTLING = Probe(
    name="api-stage",
    title="The stage throttles, traces and measures as its template says",
    remedy="Deploy again, and find in the trail who called UpdateStage.",
    controls=("PCI DSS 2.2.6", "GDPR 32(1)(b)"),
)
ACCESS_LOGS = Probe(
    name="api-access-logs",
    title="Every call of the API is logged, in the form of the template",
    remedy="Deploy again; for calls without a log, the functions' own logs are what is left.",
    controls=("PCI DSS 10.2.1",),
)
PLANS = Probe(
    name="usage-plans",
    title="Callers have the limits that the templates give them",
    remedy="Deploy again, and find in the trail who called UpdateUsagePlan.",
    controls=("GDPR 32(1)(b)",),
)
DOMAIN = Probe(
    name="api-domain",
    title="The API answers under its name, with the protocols of its template",
    remedy="Deploy again; see docs/runbooks/certificates.md.",
    controls=("PCI DSS 4.2.1",),
)
CERTIFICATES = Probe(
    name="certificates",
    title=f"Certificates are issued, in use, and last {EXPIRES_IN_AT_LEAST.days} days at least",
    remedy="Put the certificate's proof into the DNS: docs/runbooks/certificates.md.",
    controls=("PCI DSS 4.2.1.1",),
)
FIREWALL = Probe(
    name="firewall-rules",
    title="The firewall has the rules and actions of its template",
    remedy="Deploy the firewall again at once; a rule in count mode stops nobody.",
    controls=("PCI DSS 6.4.2", "PCI DSS 1.2.8"),
)
ASSOCIATION = Probe(
    name="firewall-association",
    title="The firewall stands before the API and the sign-in",
    remedy="Deploy again at once: until then nothing stands before them.",
    controls=("PCI DSS 6.4.2", "PCI DSS 1.4.2"),
)
FIREWALL_LOGS = Probe(
    name="firewall-logs",
    title="The firewall logs what it stops, without credentials",
    remedy="Deploy again, and find in the trail who called DeleteLoggingConfiguration.",
    controls=("PCI DSS 10.2.1",),
)
ADDRESSES = Probe(
    name="firewall-addresses",
    title="The address sets of the firewall are those of the templates",
    remedy="Deploy again; an address that is only in what runs was let in by hand.",
    controls=("PCI DSS 1.2.8",),
)


def _api(path: str) -> Read:
    return answer("apigateway", "get_rest_api", path, restApiId=physical_id)


def _stage(path: str) -> Read:
    return answer("apigateway", "get_stage", path, restApiId=prop("RestApiId"), stageName=prop("StageName"))


def _plan(path: str) -> Read:
    return answer("apigateway", "get_usage_plan", path, usagePlanId=physical_id)


def _settings_by_place(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stage's settings as the template lists them: the key is ``path/method``, slashes as ``~1``."""
    settings = []
    for key, value in found.items():
        path, _, method = key.rpartition("/")
        settings.append(
            {"ResourcePath": "/" + path.replace("~1", "/").lstrip("/"), "HttpMethod": method, **upper(value)}
        )
    return settings


def _methods(account: Account, live: Live) -> str | None:
    """The first way in which the routes differ."""
    items = account.all(
        "apigateway",
        "get_resources",
        "items",
        region=live.region,
        restApiId=live.physical_id,
        embed=["methods"],
    )
    running = {
        (item["path"], method): found or {}
        for item in items
        for method, found in (item.get("resourceMethods") or {}).items()
    }
    body = live.expected("Body")
    wanted = {
        (path, method.upper()): operation
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, Mapping) and "responses" in operation
    }
    for path, method in sorted(wanted.keys() - running.keys()):
        return f"{method} {path} is missing"
    for path, method in sorted(running.keys() - wanted.keys()):
        return f"{method} {path} is only in what runs"
    for (path, method), operation in sorted(wanted.items(), key=lambda item: item[0]):
        said = next(_of_a_method(operation, running[path, method], body), None)
        if said is not None:
            return f"{method} {path}: {said.path} {said.how}"
    return None


def _of_a_method(
    operation: Mapping[str, Any], running: Mapping[str, Any], body: Mapping[str, Any]
) -> Iterator[Difference]:
    names = {name for entry in operation.get("security", ()) for name in entry}
    schemes = body.get("components", {}).get("securitySchemes", {})
    custom = any("x-amazon-apigateway-authorizer" in schemes.get(name, {}) for name in names)
    wanted: dict[str, Any] = {"authorizationType": "CUSTOM" if custom else "NONE"}
    wanted["apiKeyRequired"] = any(_is_a_plans_key(schemes.get(name, {})) for name in names)
    yield from differences(wanted, {**running, "apiKeyRequired": bool(running.get("apiKeyRequired"))})
    if custom and not running.get("authorizerId"):
        yield Difference("authorizerId", "is missing")
    integration = operation.get("x-amazon-apigateway-integration", {})
    asked = {"type": str(integration.get("type", "")).upper()}
    if "uri" in integration:
        asked["uri"] = integration["uri"]
    yield from differences({"methodIntegration": asked}, running)


def _is_a_plans_key(scheme: Mapping[str, Any]) -> bool:
    return scheme.get("type") == "apiKey" and str(scheme.get("name")).lower() == "x-api-key"


def _no_other_stage(account: Account, live: Live) -> str | None:
    """The API answers under the stages of the templates only."""
    wanted = {
        item.expected("StageName")
        for item in live.running.of(STAGE)
        if item.expected("RestApiId") == live.physical_id
    }
    found = account.ask("apigateway", "get_stages", region=live.region, restApiId=live.physical_id)["item"]
    extra = sorted({item["stageName"] for item in found} - wanted)
    return f"has the stage {extra[0]}, which no template gives it" if extra else None


def _no_other_key(account: Account, live: Live) -> str | None:
    """Only keys of the templates count in the plan."""
    wanted = {
        item.expected("KeyId")
        for item in live.running.of(PLAN_KEY)
        if item.expected("UsagePlanId") == live.physical_id
    }
    found = account.all(
        "apigateway", "get_usage_plan_keys", "items", region=live.region, usagePlanId=live.physical_id
    )
    extra = {item["id"] for item in found} - wanted
    return f"counts {len(extra)} keys that no template puts into it" if extra else None


def _authorisers(account: Account, live: Live) -> str | None:
    body = live.expected("Body")
    wanted = [
        {
            "authorizerUri": scheme["x-amazon-apigateway-authorizer"]["authorizerUri"],
            "authorizerResultTtlInSeconds": scheme["x-amazon-apigateway-authorizer"].get(
                "authorizerResultTtlInSeconds", 300
            ),
            "identityValidationExpression": scheme["x-amazon-apigateway-authorizer"].get(
                "identityValidationExpression"
            ),
        }
        for scheme in body.get("components", {}).get("securitySchemes", {}).values()
        if "x-amazon-apigateway-authorizer" in scheme
    ]
    running = account.all(
        "apigateway", "get_authorizers", "items", region=live.region, restApiId=live.physical_id
    )
    found = next(differences(wanted, running, path="authorizers"), None)
    return None if found is None else f"{found.path} {found.how}"


def _acl(path: str) -> Read:
    def part(index: int) -> Any:
        return lambda live: live.physical_id.split("|")[index]

    return answer("wafv2", "get_web_acl", f"WebACL.{path}", Name=part(0), Id=part(1), Scope=part(2))


def _without_defaults(value: Any) -> Any:
    """Rules without what AWS adds (a window of five minutes, bodies looked at as far as they go), and with
    search texts as texts."""
    if isinstance(value, Mapping):
        return {
            key: _without_defaults(inner)
            for key, inner in value.items()
            if (key, inner) not in (("EvaluationWindowSec", 300), ("OversizeHandling", "CONTINUE"))
        }
    if isinstance(value, list):
        return [_without_defaults(inner) for inner in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _networks(value: Any) -> Any:
    """Addresses in one form: AWS writes those of IPv6 out in full."""
    return [str(ip_network(each, strict=False)) for each in value or ()]


def _without_streams(arn: Any) -> Any:
    """A log group's ARN: AWS leaves out that all its streams are meant."""
    return arn.removesuffix(":*") if isinstance(arn, str) else arn


def _access_log(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {**value, "DestinationArn": _without_streams(value.get("DestinationArn"))}


def _address_set(path: str) -> Read:
    def part(index: int) -> Any:
        return lambda live: live.physical_id.split("|")[index]

    return answer("wafv2", "get_ip_set", f"IPSet.{path}", Name=part(0), Id=part(1), Scope=part(2))


def _firewall_log(path: str) -> Read:
    return answer(
        "wafv2",
        "get_logging_configuration",
        f"LoggingConfiguration.{path}",
        ResourceArn=prop("ResourceArn"),
    )


def _certificate(path: str) -> Read:
    return answer("acm", "describe_certificate", f"Certificate.{path}", CertificateArn=physical_id)


def _is_valid(account: Account, live: Live) -> str | None:
    found = _certificate("")(account, live) or {}
    status, until = found.get("Status"), found.get("NotAfter")
    if status != "ISSUED":
        return f"is {status}"
    if until is None or until - live.running.now < EXPIRES_IN_AT_LEAST:
        return "does not say until when it is valid" if until is None else f"expires on {until:%Y-%m-%d}"
    return None if found.get("InUseBy") else "is used by nothing"


LINES = (
    Line(kind=API, path="Name", probe=SETTINGS, read=_api("name")),
    Line(
        kind=API,
        path="DisableExecuteApiEndpoint",
        probe=SETTINGS,
        read=_api("disableExecuteApiEndpoint"),
        unsaid=False,
        normal=bool,
    ),
    Line(
        kind=API,
        path="EndpointConfiguration.Types",
        probe=SETTINGS,
        read=_api("endpointConfiguration.types"),
    ),
    Line(
        kind=API, path="Policy", probe=SETTINGS, read=_api("policy"), normal=policy, unsaid=None, exact=True
    ),
    Line(kind=API, path="SecurityPolicy", probe=DOMAIN, read=_api("securityPolicy")),
    Line(kind=API, path="EndpointAccessMode", probe=DOMAIN, read=_api("endpointAccessMode")),
    Line(
        kind=STAGE,
        path="MethodSettings",
        probe=THROTTLING,
        read=then(_stage("methodSettings"), _settings_by_place),
    ),
    Line(kind=STAGE, path="TracingEnabled", probe=THROTTLING, read=_stage("tracingEnabled"), unsaid=False),
    Line(
        kind=STAGE,
        path="CanarySetting",
        probe=METHODS,
        read=then(_stage("canarySettings"), upper),
        unsaid=None,
    ),
    Line(
        kind=STAGE,
        path="Variables",
        probe=METHODS,
        read=_stage("variables"),
        normal=lambda value: value or {},
        unsaid={},
        exact=True,
    ),
    Line(kind=STAGE, path="DeploymentId", probe=METHODS, read=_stage("deploymentId")),
    Line(
        kind=STAGE,
        path="AccessLogSetting",
        probe=ACCESS_LOGS,
        read=then(_stage("accessLogSettings"), upper),
        normal=_access_log,
    ),
    Line(
        kind="AWS::ApiGateway::Account",
        path="CloudWatchRoleArn",
        probe=ACCESS_LOGS,
        read=answer("apigateway", "get_account", "cloudwatchRoleArn"),
    ),
    Line(kind=PLAN, path="UsagePlanName", probe=PLANS, read=_plan("name")),
    Line(kind=PLAN, path="Throttle", probe=PLANS, read=then(_plan("throttle"), upper)),
    Line(
        kind=PLAN,
        path="Quota",
        probe=PLANS,
        read=then(_plan("quota"), upper),
        unsaid={},
        normal=lambda value: value or {},
        exact=True,
    ),
    Line(
        kind=PLAN,
        path="ApiStages",
        probe=PLANS,
        read=then(_plan("apiStages"), upper),
    ),
    Line(
        kind="AWS::ApiGateway::ApiKey",
        path="Enabled",
        probe=PLANS,
        read=answer("apigateway", "get_api_key", "enabled", apiKey=physical_id),
        unsaid=False,
    ),
    Line(
        kind=PLAN_KEY,
        path="KeyId",
        probe=PLANS,
        read=member(
            "apigateway",
            "get_usage_plan_keys",
            "items",
            "id",
            "id",
            of=prop("KeyId"),
            usagePlanId=prop("UsagePlanId"),
        ),
    ),
    *lines_of(
        "AWS::ApiGateway::DomainName",
        DOMAIN,
        lambda path: answer(
            "apigateway",
            "get_domain_name",
            f"{path[:1].lower()}{path[1:]}",
            domainName=prop("DomainName"),
        ),
        "DomainName",
        "SecurityPolicy",
        "EndpointAccessMode",
        "RegionalCertificateArn",
    ),
    Line(
        kind="AWS::ApiGateway::BasePathMapping",
        path="RestApiId",
        probe=DOMAIN,
        read=member(
            "apigateway",
            "get_base_path_mappings",
            "items",
            "restApiId",
            "restApiId",
            of=prop("RestApiId"),
            domainName=prop("DomainName"),
        ),
    ),
    Line(kind=CERTIFICATE, path="DomainName", probe=CERTIFICATES, read=_certificate("DomainName")),
    *lines_of(
        ACL,
        FIREWALL,
        _acl,
        "DefaultAction",
        "Rules",
        "CustomResponseBodies",
        "AssociationConfig",
        normal=_without_defaults,
        exact=True,
    ),
    *lines_of("AWS::WAFv2::IPSet", ADDRESSES, _address_set, "Addresses", normal=_networks),
    *lines_of("AWS::WAFv2::IPSet", ADDRESSES, _address_set, "IPAddressVersion"),
    Line(
        kind="AWS::WAFv2::WebACLAssociation",
        path="WebACLArn",
        probe=ASSOCIATION,
        read=answer("wafv2", "get_web_acl_for_resource", "WebACL.ARN", ResourceArn=prop("ResourceArn")),
    ),
    Line(
        kind="AWS::WAFv2::LoggingConfiguration",
        path="LogDestinationConfigs",
        probe=FIREWALL_LOGS,
        read=_firewall_log("LogDestinationConfigs"),
        normal=lambda value: [_without_streams(each) for each in value or ()],
    ),
    *lines_of(
        "AWS::WAFv2::LoggingConfiguration",
        FIREWALL_LOGS,
        _firewall_log,
        "RedactedFields",
        "LoggingFilter",
    ),
)
FACTS = (
    Fact(kind=API, name="routes", probe=METHODS, wrong=_methods),
    Fact(kind=API, name="other stages", probe=METHODS, wrong=_no_other_stage),
    Fact(kind=PLAN, name="other keys", probe=PLANS, wrong=_no_other_key),
    Fact(kind=API, name="authorisers", probe=METHODS, wrong=_authorisers),
    Fact(kind=CERTIFICATE, name="validity", probe=CERTIFICATES, wrong=_is_valid),
)
