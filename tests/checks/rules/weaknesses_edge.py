"""Planted: what the API does before any function runs: its name, its browsers, its checks, its counting."""

from typing import Any

from tests.checks.rules.planting import Change, Weakness, drop, having, put

API, DOMAIN = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName"
MAPPING = "AWS::ApiGateway::BasePathMapping"
CERTIFICATE = "AWS::CertificateManager::Certificate"
KEY, PLAN, MEMBER = (f"AWS::ApiGateway::{kind}" for kind in ("ApiKey", "UsagePlan", "UsagePlanKey"))
FUNCTION = "AWS::Lambda::Function"
OPTIONS = "Body.paths./v1/payments.options"
INTEGRATION = "x-amazon-apigateway-integration"
VALIDATOR = "x-amazon-apigateway-request-validator"
ANSWER = f"{OPTIONS}.{INTEGRATION}.responses.default"
REFLECTED = (
    '#set($origin = $input.params().header.get("Origin"))\n'
    "#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)"
)


def api(rule_id: str, title: str, change: Change) -> Weakness:
    return Weakness(rule_id, title, API, change)


def said(header: str, value: str) -> Change:
    """Let the preflight of payments give ``header``. A header's name may hold what a path may not."""

    def change(body: dict[str, Any]) -> None:
        answer = body["Properties"]["Body"]["paths"]["/v1/payments"]["options"][INTEGRATION]["responses"]
        answer["default"]["responseParameters"][f"method.response.header.{header}"] = value

    return change


def answered(header: str, value: str) -> Change:
    """Let the gateway's own answers give ``header``."""

    def change(body: dict[str, Any]) -> None:
        answers = body["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
        first = next(iter(answers.values()))
        first.setdefault("responseParameters", {})[f"gatewayresponse.header.{header}"] = value

    return change


def to_a_function(body: dict[str, Any]) -> None:
    """Let the preflight of payments run what payments run."""
    item = body["Properties"]["Body"]["paths"]["/v1/payments"]
    item["options"][INTEGRATION] = item["post"][INTEGRATION]


def preflight_of_a_webhook(body: dict[str, Any]) -> None:
    paths = body["Properties"]["Body"]["paths"]
    paths["/v1/webhooks/razorpay"]["options"] = paths["/v1/payments"]["options"]


def uncounted(body: dict[str, Any]) -> None:
    body["Properties"]["Body"]["paths"]["/v1/payments"]["post"]["security"] = [{"hasivu": []}]


def one_or_the_other(body: dict[str, Any]) -> None:
    body["Properties"]["Body"]["paths"]["/v1/payments"]["post"]["security"] = [
        {"hasivu": []},
        {"api_key": []},
    ]


def first_schema(word: str, value: Any) -> Change:
    """Say ``word`` in the first schema of the contract."""

    def change(body: dict[str, Any]) -> None:
        next(iter(body["Properties"]["Body"]["components"]["schemas"].values()))[word] = value

    return change


DOMAINS = (
    Weakness("HASIVU-API-10", "TLS of yesterday", DOMAIN, put("SecurityPolicy", "TLS_1_0")),
    Weakness("HASIVU-API-10", "TLS of whatever is the default", DOMAIN, drop("SecurityPolicy")),
    Weakness("HASIVU-API-10", "any name in the handshake", DOMAIN, put("EndpointAccessMode", "BASIC")),
    Weakness(
        "HASIVU-API-10",
        "a certificate from elsewhere",
        DOMAIN,
        put("RegionalCertificateArn", "arn:aws:acm:ap-south-1:210987654321:certificate/x"),
    ),
    api("HASIVU-API-10", "the API's own TLS is yesterday's", drop("SecurityPolicy")),
    Weakness(
        "HASIVU-API-10",
        "a second way in",
        API,
        put("DisableExecuteApiEndpoint", False),
        having("DisableExecuteApiEndpoint"),
    ),
    Weakness("HASIVU-API-18", "mapped to another stage", MAPPING, put("Stage", "test")),
    Weakness("HASIVU-API-18", "mapped to another API", MAPPING, put("RestApiId", "abcdef1234")),
    Weakness("HASIVU-API-18", "below a path", MAPPING, put("BasePath", "v0")),
    Weakness("HASIVU-API-18", "mapped to nothing", MAPPING, gone=True, witness=DOMAIN),
    Weakness("HASIVU-API-18", "over the world", DOMAIN, put("EndpointConfiguration.Types", ["EDGE"])),
    Weakness(
        "HASIVU-API-18", "proved by a letter to somebody", CERTIFICATE, put("ValidationMethod", "EMAIL")
    ),
    Weakness(
        "HASIVU-API-18", "another name's certificate", CERTIFICATE, put("DomainName", "www.hasivu.example")
    ),
    Weakness(
        "HASIVU-API-18",
        "an address that leads elsewhere",
        beside={
            "Type": "AWS::Route53::RecordSet",
            "Properties": {"Type": "A", "Name": "api.hasivu.example", "ResourceRecords": ["203.0.113.7"]},
        },
    ),
)

BROWSERS = (
    api("HASIVU-API-11", "every origin", answered("Access-Control-Allow-Origin", "'*'")),
    api("HASIVU-API-11", "every origin in a preflight", said("Access-Control-Allow-Origin", "'*'")),
    api(
        "HASIVU-API-11",
        "an origin without TLS",
        said("Access-Control-Allow-Origin", "'http://app.hasivu.example'"),
    ),
    api("HASIVU-API-11", "no page's origin", said("Access-Control-Allow-Origin", "'null'")),
    api(
        "HASIVU-API-11",
        "whoever asks",
        said("Access-Control-Allow-Origin", "method.request.header.Origin"),
    ),
    api(
        "HASIVU-API-11",
        "whoever asks, by a template",
        put(f"{ANSWER}.responseTemplates", {"application/json": REFLECTED}),
    ),
    api(
        "HASIVU-API-11",
        "another list on one path",
        said("Access-Control-Allow-Origin", "'https://elsewhere.example'"),
    ),
    api("HASIVU-API-11", "with cookies", said("Access-Control-Allow-Credentials", "'true'")),
    api(
        "HASIVU-API-11",
        "whoever asks, in the gateway's answers",
        answered("Access-Control-Allow-Origin", "method.request.header.Origin"),
    ),
    Weakness(
        "HASIVU-API-11",
        "a function with a list of its own",
        FUNCTION,
        put("Environment.Variables.ALLOWED_ORIGINS", "https://elsewhere.example"),
    ),
    api("HASIVU-API-20", "a preflight that reaches a function", to_a_function),
    api("HASIVU-API-20", "a preflight of a webhook", preflight_of_a_webhook),
    api("HASIVU-API-20", "a path without preflight", drop(OPTIONS)),
    api(
        "HASIVU-API-20", "more methods than there are", said("Access-Control-Allow-Methods", "'POST,DELETE'")
    ),
)

VALIDATION = (
    api("HASIVU-API-13", "nothing is validated", drop(f"Body.{VALIDATOR}")),
    api("HASIVU-API-13", "nothing is validated by default", put(f"Body.{VALIDATOR}", "nothing")),
    api(
        "HASIVU-API-13",
        "parameters only",
        put(f"Body.{VALIDATOR}", "parameters"),
    ),
    api(
        "HASIVU-API-13",
        "one operation goes without",
        put(f"Body.paths./v1/payments.post.{VALIDATOR}", "nothing"),
    ),
    api(
        "HASIVU-API-13",
        "a webhook's body is held against a schema",
        drop(f"Body.paths./v1/webhooks/razorpay.post.{VALIDATOR}"),
    ),
    api("HASIVU-API-17", "a word of OpenAPI alone", first_schema("nullable", True)),
    api("HASIVU-API-17", "a word of a later draft", first_schema("exclusiveMinimum", 1)),
    api("HASIVU-API-17", "two types at once", first_schema("type", ["object", "null"])),
    api("HASIVU-API-17", "a later OpenAPI", put("Body.openapi", "3.1.0")),
    api("HASIVU-API-17", "security for all at once", put("Body.security", [{"hasivu": []}])),
    api("HASIVU-API-17", "a model with a name of its own", put("Body.components.schemas.New_model", {})),
)

COUNTING = (
    Weakness("HASIVU-API-14", "a key written down", KEY, put("Value", "x" * 30)),
    Weakness(
        "HASIVU-API-14",
        "a key after a reference",
        KEY,
        put("Value", {"Fn::Join": ["", [{"Ref": "Client"}, "-x7Qp2mK9vL4tR8wZ1nB6"]]}),
    ),
    Weakness("HASIVU-API-14", "a key that is switched off", KEY, put("Enabled", False)),
    Weakness("HASIVU-API-14", "a plan without limits", PLAN, drop("Throttle")),
    Weakness("HASIVU-API-14", "a plan that allows everything", PLAN, put("Throttle.RateLimit", 10**9)),
    Weakness("HASIVU-API-14", "a plan of no stage", PLAN, drop("ApiStages")),
    Weakness("HASIVU-API-14", "a plan of another stage", PLAN, put("ApiStages.0.Stage", "test")),
    Weakness(
        "HASIVU-API-14", "a quota beyond counting", PLAN, put("Quota", {"Limit": 10**9, "Period": "DAY"})
    ),
    Weakness("HASIVU-API-14", "a key in no plan", MEMBER, gone=True, witness=KEY),
    api("HASIVU-API-19", "an operation that counts nobody", uncounted),
    api("HASIVU-API-19", "the key instead of the authoriser", one_or_the_other),
    api(
        "HASIVU-API-19",
        "the caller says who it is",
        put("Body.x-amazon-apigateway-api-key-source", "HEADER"),
    ),
    api("HASIVU-API-19", "the caller says it, beside the contract", put("ApiKeySourceType", "HEADER")),
)

WEAKNESSES = DOMAINS + BROWSERS + VALIDATION + COUNTING
