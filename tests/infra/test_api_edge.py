"""The API's edge: what the gateway checks, answers and counts itself, and the name that it has."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import app
from checks.contracts.gateway_import import complaints
from checks.rules.browsers import origins_of
from runtime.functions.api_authorizer import BACK_OFFICES
from runtime.platform.api import EXPOSED_HEADERS
from stacks import preflights, usage_plans
from stacks.api_contract import operations
from stacks.environment import Environment
from stacks.environment_file import load_environment
from stacks.house_app import ROOT
from stacks.preflights import gateway_answer_headers, origin_template
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly
from tests.infra.conftest import CONTRACT, Synthesise

WEBHOOKS = "/v1/webhooks/"
NEW_TLS = {"SecurityPolicy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09", "EndpointAccessMode": "STRICT"}


def settings_of(assembly: Assembly) -> Environment:
    return load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY)


def body_of(assembly: Assembly) -> dict[str, Any]:
    body: dict[str, Any] = assembly.one("AWS::ApiGateway::RestApi").properties["Body"]
    return body


def preflight_headers(preflight: Mapping[str, Any]) -> dict[str, str]:
    (answer,) = preflight["x-amazon-apigateway-integration"]["responses"].values()
    return {
        name.removeprefix("method.response.header."): value.strip("'")
        for name, value in answer["responseParameters"].items()
    }


# --- what is checked ---


def test_api_gateway_can_import_what_is_deployed(assembly: Assembly) -> None:
    assert [str(complaint) for complaint in complaints(body_of(assembly))] == []


def test_bodies_and_parameters_are_validated_but_a_webhooks_body_is_left_alone(assembly: Assembly) -> None:
    body = body_of(assembly)
    validators = body["x-amazon-apigateway-request-validators"]
    default = body["x-amazon-apigateway-request-validator"]
    for path, item in body["paths"].items():
        for operation in item.values():
            chosen = validators[operation.get("x-amazon-apigateway-request-validator", default)]
            if path.startswith(WEBHOOKS):
                assert chosen == {"validateRequestBody": False, "validateRequestParameters": False}
                assert "requestBody" not in operation
            else:
                assert chosen == {"validateRequestBody": True, "validateRequestParameters": True}


def test_the_body_of_a_payment_is_held_against_its_schema(prod: Assembly) -> None:
    content = body_of(prod)["paths"]["/v1/payments"]["post"]["requestBody"]["content"]
    assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/CreatePayment"}}}


# --- browsers ---


def test_every_path_for_browsers_has_a_preflight_that_names_its_methods(assembly: Assembly) -> None:
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    body = body_of(assembly)
    for path, item in contract["paths"].items():
        preflight = body["paths"][path].get("options")
        if path.startswith(WEBHOOKS):
            assert preflight is None
            continue
        headers = preflight_headers(preflight)
        assert set(headers["Access-Control-Allow-Methods"].split(",")) == {name.upper() for name in item}
        assert headers["Access-Control-Allow-Headers"] == "Authorization,Content-Type,Idempotency-Key"
        assert headers["Vary"] == "Origin"
        assert 0 < int(headers["Access-Control-Max-Age"]) <= 7200, "browsers remember no longer"
        assert "Access-Control-Allow-Credentials" not in headers
        assert preflight["security"] == []
        assert preflight["x-amazon-apigateway-integration"]["type"] == "mock"
        assert json.loads(
            preflight["x-amazon-apigateway-integration"]["requestTemplates"]["application/json"]
        ) == {"statusCode": 204}


def test_the_headers_that_a_page_may_send_are_those_that_the_contract_reads(prod: Assembly) -> None:
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    read = {
        parameter["name"]
        for path, item in contract["paths"].items()
        if not path.startswith(WEBHOOKS)
        for operation in item.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "header"
    }
    assert set(preflights.ALLOWED_HEADERS) == read | {"Authorization", "Content-Type"}


def test_the_allowed_origins_are_the_environments_everywhere(assembly: Assembly) -> None:
    origins = list(settings_of(assembly).web.origins)
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    for item in body_of(assembly)["paths"].values():
        if "options" in item:
            assert origins_of(item["options"]) == origins

    for_browsers = {item.function for item in operations(contract) if not item.path.startswith(WEBHOOKS)}
    for function in assembly.resources("AWS::Lambda::Function"):
        name = str(function.properties["FunctionName"]).removeprefix(f"hasivu-{assembly.environment}-")
        told = function.properties["Environment"]["Variables"].get("ALLOWED_ORIGINS")
        if name in for_browsers:
            assert told == ",".join(origins)
        elif name in {"api-authorizer", "payments-webhook-handler", "notification-dispatcher"}:
            assert told is None


def test_with_one_origin_the_gateways_own_answers_name_it(assembly: Assembly) -> None:
    (origin,) = settings_of(assembly).web.origins
    for answer in body_of(assembly)["x-amazon-apigateway-gateway-responses"].values():
        headers = answer["responseParameters"]
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == f"'{origin}'"
        assert headers["gatewayresponse.header.Vary"] == "'Origin'"


def test_with_several_origins_the_gateways_own_answers_name_none() -> None:
    assert gateway_answer_headers(["https://a.example", "https://b.example"]) == {}


def test_with_several_origins_a_preflight_compares_whole_origins() -> None:
    origins = ["https://a.example", "https://b.example", "https://c.example:8443"]
    template = origin_template(origins)
    assert '$origin == "https://b.example" || $origin == "https://c.example:8443"' in template
    assert template.count("responseOverride") == 1
    assert "matches" not in template, "a dot would stand for any letter"

    preflight = preflights.preflights({"/v1/things": {"get": {}}}, origins)["/v1/things"]
    assert origins_of(preflight) == origins
    assert preflight_headers(preflight)["Access-Control-Allow-Origin"] == "https://a.example"


def test_gateway_and_runtime_say_the_same() -> None:
    """The stacks know nothing of the runtime but its settings."""
    assert ",".join(preflights.EXPOSED_HEADERS) == EXPOSED_HEADERS
    assert usage_plans.BACK_OFFICES == BACK_OFFICES


# --- usage plans ---


def test_people_and_back_offices_have_a_plan_each_on_the_stage(assembly: Assembly) -> None:
    api = settings_of(assembly).api
    stage = assembly.one("AWS::ApiGateway::Stage")
    plans = {
        str(item.properties["UsagePlanName"]): item.properties
        for item in assembly.resources("AWS::ApiGateway::UsagePlan")
    }
    apps = plans.pop(f"hasivu-{assembly.environment}-apps")
    back_offices = plans.pop(f"hasivu-{assembly.environment}-back-offices")
    assert plans == {}

    assert apps["Throttle"] == {"RateLimit": api.people_rate_per_s, "BurstLimit": api.people_burst}
    assert "Quota" not in apps
    assert back_offices["Throttle"] == {
        "RateLimit": api.back_office_rate_per_s,
        "BurstLimit": api.back_office_burst,
    }
    assert back_offices["Quota"] == {"Limit": api.back_office_daily_quota, "Period": "DAY"}
    for plan in (apps, back_offices):
        ((on,),) = ([item["Stage"] for item in plan["ApiStages"]],)
        assert on == {"Ref": stage.logical_id}


def test_the_keys_are_the_app_client_and_nothing_written_down(assembly: Assembly) -> None:
    values = {
        assembly.text(item.properties["Value"], item.stack)
        for item in assembly.resources("AWS::ApiGateway::ApiKey")
    }
    (client,) = {value for value in values if not value.startswith("back-offices-")}
    assert values == {client, f"back-offices-{client}"}
    (authorizer,) = (
        item
        for item in assembly.resources("AWS::Lambda::Function")
        if str(item.properties["FunctionName"]).endswith("-api-authorizer")
    )
    told = authorizer.properties["Environment"]["Variables"]["USER_POOL_CLIENT_ID"]
    assert assembly.text(told, authorizer.stack) == client
    assert all(item.properties["Enabled"] is True for item in assembly.resources("AWS::ApiGateway::ApiKey"))


def test_the_key_comes_from_the_authoriser_and_not_from_a_header(assembly: Assembly) -> None:
    body = body_of(assembly)
    assert body["x-amazon-apigateway-api-key-source"] == "AUTHORIZER"
    assert body["components"]["securitySchemes"]["api_key"] == {
        "type": "apiKey",
        "name": "x-api-key",
        "in": "header",
    }


# --- its name ---


def test_an_api_is_reachable_in_one_way(assembly: Assembly) -> None:
    """By its domain where it has one, otherwise at the address that API Gateway makes up."""
    domain = settings_of(assembly).domain
    names = [item.properties["DomainName"] for item in assembly.resources("AWS::ApiGateway::DomainName")]
    assert names == ([] if domain is None else [domain.name])
    closed = assembly.one("AWS::ApiGateway::RestApi").properties["DisableExecuteApiEndpoint"]
    assert closed is (domain is not None)
    url = assembly.text(assembly.templates["Api"]["Outputs"]["ApiUrl"]["Value"], "Api")
    assert (url == f"https://{names[0]}/") if names else ("execute-api" in url and url.endswith("/"))


def test_with_a_domain_the_api_answers_there_alone(prod: Assembly) -> None:
    domain = prod.one("AWS::ApiGateway::DomainName")
    certificate = prod.one("AWS::CertificateManager::Certificate")
    assert domain.properties["DomainName"] == certificate.properties["DomainName"] == "api.hasivu.example"
    assert domain.properties["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert domain.properties["RegionalCertificateArn"] == {"Ref": certificate.logical_id}
    assert certificate.properties["ValidationMethod"] == "DNS"
    assert "DomainValidationOptions" not in certificate.properties
    assert prod.one("AWS::ApiGateway::BasePathMapping").properties == {
        "DomainName": {"Ref": domain.logical_id},
        "RestApiId": {"Ref": prod.one("AWS::ApiGateway::RestApi").logical_id},
        "Stage": {"Ref": prod.one("AWS::ApiGateway::Stage").logical_id},
    }
    assert prod.one("AWS::ApiGateway::RestApi").properties["DisableExecuteApiEndpoint"] is True
    assert not [*prod.resources("AWS::Route53::RecordSet")]

    outputs = prod.templates["Api"]["Outputs"]
    assert outputs["ApiUrl"]["Value"] == "https://api.hasivu.example/"
    assert outputs["DomainTarget"]["Value"] == {"Fn::GetAtt": [domain.logical_id, "RegionalDomainName"]}


def test_only_new_tls_is_spoken_with_the_api_and_its_name(assembly: Assembly) -> None:
    """The API's own policy is the one that is negotiated; without it that would be TLS 1.0."""
    for kind in ("AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName"):
        for item in assembly.resources(kind):
            assert {name: item.properties[name] for name in NEW_TLS} == NEW_TLS


def test_the_certificates_expiry_is_watched(prod: Assembly) -> None:
    watched = [
        item
        for item in prod.resources("AWS::CloudWatch::Alarm")
        if item.properties.get("Namespace") == "AWS/CertificateManager"
    ]
    certificate = prod.one("AWS::CertificateManager::Certificate")
    assert {item.properties["Threshold"] for item in watched} == {45, 15}
    for item in watched:
        ((arn,),) = ([dimension["Value"] for dimension in item.properties["Dimensions"]],)
        assert prod.text(arn, item.stack) == f"<Api.{certificate.logical_id}>"


@pytest.fixture
def with_a_zone(synthesise: Synthesise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assembly:
    """Production whose DNS is in Route 53."""
    text = (ROOT / "environments" / "prod.toml").read_text(encoding="utf-8")
    changed = re.sub(
        r'(name = "api\.hasivu\.example").*', r'\1\nhosted_zone_id = "Z0123456789ABCDEFGHIJ"', text
    )
    (tmp_path / "prod.toml").write_text(changed, encoding="utf-8")

    def load(name: str, **how: Any) -> Environment:
        return load_environment(name, **how | {"directory": tmp_path})

    monkeypatch.setattr(app, "load_environment", load)
    return synthesise("prod")


def test_where_the_zone_is_known_the_stack_makes_proof_and_address(with_a_zone: Assembly) -> None:
    certificate = with_a_zone.one("AWS::CertificateManager::Certificate").properties
    domain = with_a_zone.one("AWS::ApiGateway::DomainName")
    assert certificate["DomainValidationOptions"] == [
        {"DomainName": "api.hasivu.example", "HostedZoneId": "Z0123456789ABCDEFGHIJ"}
    ]
    assert with_a_zone.one("AWS::Route53::RecordSet").properties == {
        "Name": "api.hasivu.example",
        "Type": "A",
        "HostedZoneId": "Z0123456789ABCDEFGHIJ",
        "AliasTarget": {
            "DNSName": {"Fn::GetAtt": [domain.logical_id, "RegionalDomainName"]},
            "HostedZoneId": {"Fn::GetAtt": [domain.logical_id, "RegionalHostedZoneId"]},
        },
    }
