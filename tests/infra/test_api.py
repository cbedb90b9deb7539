"""The API is the contract: every operation, its function, its authoriser, and answers without internals."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runtime.platform.errors import CATALOGUE, TYPE_PREFIX
from stacks.api_contract import ContractInvalid, operations
from stacks.gateway_responses import ANSWERS
from tests.infra.assembly import Assembly
from tests.infra.conftest import CONTRACT, NOT_BUILT, Synthesise

SAID_BY_THE_GATEWAY_ALONE = {
    "firewall-refused",
    "request-refused",
    "parameter-missing",
    "throttled",
    "quota-exceeded",
    "media-type-unsupported",
    "platform-unavailable",
}


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
    return document


def body_of(assembly: Assembly) -> dict[str, Any]:
    body: dict[str, Any] = assembly.one("AWS::ApiGateway::RestApi").properties["Body"]
    return body


def invoked(assembly: Assembly, uri: Any) -> str:
    """The function behind an integration's URI, which must name an alias."""
    text = assembly.text(uri, "Api")
    match = re.fullmatch(
        r"arn:aws:apigateway:ap-south-1:lambda:path/2015-03-31/functions/(<.+>)/invocations", text
    )
    assert match, text
    return assembly.alias_refs()[match[1]]


def test_every_operation_of_the_contract_calls_the_function_that_it_names(
    assembly: Assembly, contract: dict[str, Any]
) -> None:
    body = body_of(assembly)
    assert body["paths"].keys() == contract["paths"].keys()

    for operation in operations(contract):
        integration = body["paths"][operation.path][operation.method]["x-amazon-apigateway-integration"]
        assert integration["type"] == "aws_proxy", "the body is passed on as it came"
        assert integration["httpMethod"] == "POST"
        assert invoked(assembly, integration["uri"]) == operation.function


def test_the_contract_has_the_operations_of_the_platform(contract: dict[str, Any]) -> None:
    found = {
        (item.method.upper(), item.path, item.function, item.open)
        for item in operations(contract)
        if item.function not in NOT_BUILT
    }

    assert found == {
        ("GET", "/health", "health-check", True),
        ("GET", "/health/deep", "health-check", False),
        ("POST", "/v1/payments", "payments-advanced", False),
        ("GET", "/v1/payments", "payments-advanced", False),
        ("GET", "/v1/payments/{payment_id}", "payments-advanced", False),
        ("POST", "/v1/payments/{payment_id}/verify", "payments-advanced", False),
        ("POST", "/v1/payments/{payment_id}/capture", "payments-advanced", False),
        ("POST", "/v1/payments/{payment_id}/refunds", "payments-advanced", False),
        ("GET", "/v1/payments/{payment_id}/refunds", "payments-advanced", False),
        ("GET", "/v1/refunds/{refund_id}", "payments-advanced", False),
        ("GET", "/v1/disputes", "payments-advanced", False),
        *(
            (method, path, "payments-advanced", False)
            for method, path in (
                ("POST", "/v1/payment-links"),
                ("GET", "/v1/payment-links"),
                ("GET", "/v1/payment-links/{link_id}"),
                ("POST", "/v1/payment-links/{link_id}/verify"),
                ("POST", "/v1/payment-links/{link_id}/cancel"),
                ("POST", "/v1/payment-links/{link_id}/reminders"),
                ("PUT", "/v1/payment-links/{link_id}/reminders"),
                ("POST", "/v1/instalment-plans/preview"),
                ("POST", "/v1/instalment-plans"),
                ("GET", "/v1/instalment-plans"),
                ("GET", "/v1/instalment-plans/{plan_id}"),
                ("GET", "/v1/instalment-plans/{plan_id}/prepayment"),
                ("GET", "/v1/schools/{school_id}/split-terms"),
                ("PUT", "/v1/schools/{school_id}/split-terms"),
                ("DELETE", "/v1/schools/{school_id}/split-terms"),
                ("GET", "/v1/payments/{payment_id}/split"),
                ("POST", "/v1/payments/{payment_id}/split/release"),
                ("POST", "/v1/payments/{payment_id}/split/retry"),
            )
        ),
        *(
            (method, path, "payments-manage-methods", False)
            for method, path in (
                ("GET", "/v1/payment-methods"),
                ("POST", "/v1/payment-methods"),
                ("PUT", "/v1/payment-methods/customer"),
                ("PATCH", "/v1/payment-methods/{method_id}"),
                ("DELETE", "/v1/payment-methods/{method_id}"),
                ("PUT", "/v1/payment-methods/{method_id}/default"),
                ("POST", "/v1/mandates"),
                ("GET", "/v1/mandates"),
                ("GET", "/v1/mandates/{mandate_id}"),
                ("DELETE", "/v1/mandates/{mandate_id}"),
            )
        ),
        ("GET", "/v1/analytics/payments", "payments-analytics", False),
        ("GET", "/v1/analytics/payments/funnel", "payments-analytics", False),
        ("GET", "/v1/analytics/payments/settlements", "payments-analytics", False),
        ("GET", "/v1/analytics/payments/throughput", "payments-analytics", False),
        ("GET", "/v1/analytics/payments/compactions", "payments-analytics", False),
        ("POST", "/v1/analytics/payments/compactions", "payments-analytics", False),
        *(
            (method, path, "payments-retry", False)
            for method, path in (
                ("POST", "/v1/mandates/{mandate_id}/debits"),
                ("GET", "/v1/payments/{payment_id}/retries"),
                ("POST", "/v1/payments/{payment_id}/retries"),
                ("DELETE", "/v1/payments/{payment_id}/retries"),
            )
        ),
        *(
            (method, path, "payments-reconciliation", False)
            for method, path in (
                ("GET", "/v1/reconciliations"),
                ("POST", "/v1/reconciliations"),
                ("GET", "/v1/reconciliations/{reconciliation_id}"),
                ("GET", "/v1/reconciliations/{reconciliation_id}/exceptions"),
                ("POST", "/v1/bank-statements"),
                ("POST", "/v1/bank-statement-uploads"),
                ("GET", "/v1/bank-statement-uploads/{upload_id}"),
                ("GET", "/v1/reconciliation-exceptions"),
                ("GET", "/v1/reconciliation-exceptions/{exception_id}"),
                *(
                    ("POST", f"/v1/reconciliation-exceptions/{{exception_id}}/{step}")
                    for step in ("assign", "comment", "resolve", "force", "approve", "reject")
                ),
            )
        ),
        ("POST", "/v1/webhooks/razorpay", "payments-webhook-handler", True),
        ("GET", "/v1/webhooks/whatsapp", "notification-dispatcher", True),
        ("POST", "/v1/webhooks/whatsapp", "notification-dispatcher", True),
    }


def test_no_operation_that_is_not_built_is_open(contract: dict[str, Any]) -> None:
    planned = [item for item in operations(contract) if item.function in NOT_BUILT]

    assert {item.function for item in planned} == NOT_BUILT - {"billing-automation", "pdf-generator"}
    assert not [item for item in planned if item.open]


def test_every_operation_but_the_open_ones_asks_the_authoriser(
    assembly: Assembly, contract: dict[str, Any]
) -> None:
    body = body_of(assembly)
    for operation in operations(contract):
        security = body["paths"][operation.path][operation.method]["security"]
        counted: dict[str, list[str]] = {} if assembly.environment == "sandbox" else {"api_key": []}
        assert security == ([] if operation.open else [{"hasivu": [], **counted}])


def test_the_authoriser_takes_a_token_shaped_header_and_is_believed_for_a_minute(assembly: Assembly) -> None:
    scheme = body_of(assembly)["components"]["securitySchemes"]["hasivu"]
    authorizer = scheme["x-amazon-apigateway-authorizer"]

    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")
    assert scheme["x-amazon-apigateway-authtype"] == "custom"
    assert authorizer["type"] == "token"
    assert authorizer["authorizerResultTtlInSeconds"] == 60
    assert invoked(assembly, authorizer["authorizerUri"]) == "api-authorizer"


@pytest.mark.parametrize(
    ("header", "passes"),
    [
        ("Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", True),
        ("ApiKey hk_prod_01ARZ3NDEK_c2VjcmV0", True),
        ("Basic dXNlcjpwYXNz", False),
        ("Bearer ", False),
        ("Bearer two words", False),
        ("Bearer tab\there", False),
        ("bearer lower", False),
        ("", False),
    ],
)
def test_what_is_not_shaped_like_a_credential_never_reaches_the_authoriser(
    prod: Assembly, header: str, passes: bool
) -> None:
    scheme = body_of(prod)["components"]["securitySchemes"]["hasivu"]
    expression = scheme["x-amazon-apigateway-authorizer"]["identityValidationExpression"]

    assert bool(re.fullmatch(expression, header)) is passes


def test_api_gateway_may_call_each_function_for_its_own_operations_only(
    assembly: Assembly, contract: dict[str, Any]
) -> None:
    aliases = assembly.alias_refs()
    permitted = set()
    for permission in assembly.resources("AWS::Lambda::Permission"):
        properties = permission.properties
        function = aliases[assembly.text(properties["FunctionName"], permission.stack)]
        if function == "secret-rotation":
            continue  # test_rotation.py says who may call it
        assert properties["Principal"] == "apigateway.amazonaws.com"
        source = assembly.text(properties["SourceArn"], permission.stack).rpartition(">")[2]
        permitted.add((function, source))

    assert permitted == {
        (item.function, f"/live/{item.method.upper()}{re.sub('{[^}]+}', '*', item.path)}")
        for item in operations(contract)
    } | {("api-authorizer", "/authorizers/*")}


def test_bodies_are_neither_decoded_nor_compressed_on_the_way(assembly: Assembly) -> None:
    properties = assembly.one("AWS::ApiGateway::RestApi").properties

    assert not {"BinaryMediaTypes", "MinimumCompressionSize"} & properties.keys()
    assert "x-amazon-apigateway-binary-media-types" not in properties["Body"]


def test_the_contract_is_deployed_without_our_own_extensions(assembly: Assembly) -> None:
    assert "x-hasivu-" not in json.dumps(body_of(assembly))


def test_schemas_have_names_that_api_gateway_accepts(contract: dict[str, Any]) -> None:
    for name in contract.get("components", {}).get("schemas", {}):
        assert re.fullmatch(r"[A-Za-z0-9]+", name)


def test_the_stage_live_is_traced_throttled_and_never_logs_bodies(assembly: Assembly) -> None:
    stage = assembly.one("AWS::ApiGateway::Stage").properties
    (settings,) = stage["MethodSettings"]

    assert stage["StageName"] == "live"
    assert stage["TracingEnabled"] is True
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["DataTraceEnabled"] is False
    assert settings["LoggingLevel"] == "ERROR"
    assert 0 < settings["ThrottlingBurstLimit"] <= settings["ThrottlingRateLimit"] <= 10_000


def test_the_access_log_is_json_and_leads_to_no_person(assembly: Assembly) -> None:
    line = json.loads(assembly.one("AWS::ApiGateway::Stage").properties["AccessLogSetting"]["Format"])

    assert line["request_id"] == "$context.requestId"
    personal = ("identity", "sourceIp", "userAgent", "principalId", "claims", "authorizer.school", ".path")
    assert not [value for value in line.values() if any(word in value for word in personal)]


def test_every_answer_of_the_gateway_is_a_problem_document_without_internals(assembly: Assembly) -> None:
    """In the contract itself: a changed contract overwrites whatever stands beside it."""
    answers = body_of(assembly)["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED"} <= answers.keys()

    for answer in answers.values():
        template = answer["responseTemplates"]["application/json"]
        document = json.loads(template)
        assert document["status"] == int(answer["statusCode"])
        assert document["type"] == TYPE_PREFIX + document["code"]
        assert set(re.findall(r"\$[A-Za-z.]+", template)) == {"$context.requestId"}
        headers = answer["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert (answer["statusCode"] == "429") == ("gatewayresponse.header.Retry-After" in headers)


def test_only_the_sandbox_repeats_the_answers_as_resources(assembly: Assembly) -> None:
    """Its emulator passes over those of the contract."""
    repeated = {
        item.properties["ResponseType"]: {
            "statusCode": item.properties["StatusCode"],
            "responseParameters": item.properties["ResponseParameters"],
            "responseTemplates": item.properties["ResponseTemplates"],
        }
        for item in assembly.resources("AWS::ApiGateway::GatewayResponse")
    }

    answers = body_of(assembly)["x-amazon-apigateway-gateway-responses"]
    assert repeated == (answers if assembly.environment == "sandbox" else {})


def test_the_gateway_says_the_same_as_the_runtime_under_the_same_code() -> None:
    for answer in ANSWERS.values():
        kind = CATALOGUE.kinds.get(answer.code)
        if kind is not None:
            said = (answer.status, answer.title, answer.next_step)
            assert said == (kind.status, kind.title, kind.next_step)

    assert {answer.code for answer in ANSWERS.values()} - CATALOGUE.kinds.keys() == SAID_BY_THE_GATEWAY_ALONE


def test_a_changed_contract_is_deployed(
    prod: Assembly, contract: dict[str, Any], synthesise: Synthesise, tmp_path: Path
) -> None:
    changed = tmp_path / "openapi.json"
    changed.write_text(
        json.dumps(contract | {"info": contract["info"] | {"version": "9.9.9"}}), encoding="utf-8"
    )

    deployments = [
        assembly.one("AWS::ApiGateway::Deployment").logical_id
        for assembly in (prod, synthesise("prod", contract_file=changed), synthesise("prod"))
    ]

    assert deployments[0] != deployments[1]
    assert deployments[0] == deployments[2]


@pytest.mark.parametrize(
    ("operation", "complaint"),
    [
        ({"security": []}, "GET /x names no x-hasivu-function"),
        ({"x-hasivu-function": "health-check"}, "GET /x must say security"),
        ({"x-hasivu-function": "health-check", "security": [{"other": []}]}, "GET /x must say security"),
    ],
)
def test_an_operation_without_function_or_security_is_refused(
    operation: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ContractInvalid, match=complaint):
        list(operations({"paths": {"/x": {"get": operation}}}))


def test_a_contract_for_a_function_that_is_not_deployed_is_refused(
    synthesise: Synthesise, tmp_path: Path
) -> None:
    contract = tmp_path / "openapi.json"
    operation = {"x-hasivu-function": "time-machine", "security": [], "responses": {}}
    contract.write_text(
        json.dumps({"openapi": "3.0.3", "paths": {"/x": {"get": operation}}}), encoding="utf-8"
    )

    with pytest.raises(ContractInvalid, match="time-machine"):
        synthesise("dev", contract_file=contract)
