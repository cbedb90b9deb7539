"""The firewall: what it stands before, in which order it looks, what it writes down, where it is watched."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from checks.firewall.known_requests import World
from checks.firewall.web_acl import WebAcl
from runtime.platform.api import BODY_BYTES_MAX
from stacks import firewall_rules
from stacks.api_contract import Operation, operations
from stacks.data import DataStack
from stacks.environment_file import load_environment
from stacks.firewall import FirewallStack
from stacks.firewall_rules import MONEY_FUNCTIONS, WRITING, money_collections
from stacks.house_app import ROOT
from stacks.identity import IdentityStack
from stacks.recovery import RecoveryStack
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, Resource
from tests.infra.conftest import CONTRACT
from tests.infra.observed import alarms, measured

MOVES_NO_MONEY = {
    "dunning-management": "stopping a campaign asks for nothing",
    "invoice-generator": "an invoice follows a payment",
    "invoice-mailer": "an invoice that was written is sent",
    "invoice-templates": "how invoices look",
    "notification-dispatcher": "WhatsApp's events, limited like every request",
    "payments-analytics": "what was counted is written anew",
    "payments-reconciliation": "compares what was moved",
    "payments-webhook-handler": "Razorpay's events, of its addresses alone, and never limited",
    "subscription-plans": "what may be subscribed to",
}


@pytest.fixture(scope="session")
def contract() -> tuple[Operation, ...]:
    return tuple(operations(json.loads(CONTRACT.read_text(encoding="utf-8"))))


def acl(assembly: Assembly, logical_id: str) -> Resource:
    (found,) = (item for item in assembly.resources("AWS::WAFv2::WebACL") if item.logical_id == logical_id)
    return found


def names(found: Resource) -> list[str]:
    return [
        rule["Name"] for rule in sorted(found.properties["Rules"], key=lambda rule: int(rule["Priority"]))
    ]


def test_the_stage_and_the_user_pool_stand_behind_one_each(assembly: Assembly) -> None:
    stage, pool = assembly.one("AWS::ApiGateway::Stage"), assembly.one("AWS::Cognito::UserPool")
    api = assembly.one("AWS::ApiGateway::RestApi")
    guarded = {
        assembly.text(item.properties["ResourceArn"], item.stack): assembly.text(
            item.properties["WebACLArn"], item.stack
        )
        for item in assembly.resources("AWS::WAFv2::WebACLAssociation")
    }

    assert guarded == {
        f"arn:aws:apigateway:ap-south-1::/restapis/{api.ref}/stages/{stage.ref}": "<Firewall.ApiAcl.Arn>",
        pool.arn: "<Firewall.SignInAcl.Arn>",
    }


def test_requests_meet_the_rules_in_an_order_that_makes_sense(assembly: Assembly) -> None:
    assert names(acl(assembly, "ApiAcl")) == [
        "webhook-source",
        "country",
        "requests",
        "payments",
        "body-size",
        "target-size",
        "header-size",
        "aws-amazon-ip-reputation-list",
        "aws-anonymous-ip-list",
        "aws-known-bad-inputs-rule-set",
        "aws-sqli-rule-set",
        "aws-common-rule-set",
    ]
    assert names(acl(assembly, "SignInAcl")) == [
        "country",
        "requests",
        "sign-in",
        "aws-amazon-ip-reputation-list",
        "aws-known-bad-inputs-rule-set",
    ]


def test_an_environment_blocks_or_counts_as_its_file_says(assembly: Assembly) -> None:
    environment = load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY)
    blocking = environment.firewall.mode == "block"
    for found in assembly.resources("AWS::WAFv2::WebACL"):
        for rule in found.properties["Rules"]:
            own, of_aws = rule.get("Action"), rule.get("OverrideAction")
            assert own is None or set(own) == {"Block" if blocking else "Count"}
            assert of_aws is None or of_aws == ({"None": {}} if blocking else {"Count": {}})
            assert (own is None) is not (of_aws is None)


def test_limits_countries_and_ranges_are_those_of_the_environment(assembly: Assembly) -> None:
    environment = load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY)
    limits = environment.firewall

    def limits_of(logical_id: str) -> dict[str, int]:
        return {
            rule["Name"]: rule["Statement"]["RateBasedStatement"]["Limit"]
            for rule in acl(assembly, logical_id).properties["Rules"]
            if "RateBasedStatement" in rule["Statement"]
        }

    assert limits_of("ApiAcl") == {"requests": limits.requests_max, "payments": limits.payment_requests_max}
    assert limits_of("SignInAcl") == {"requests": limits.requests_max, "sign-in": limits.sign_in_requests_max}
    (addresses,) = assembly.resources("AWS::WAFv2::IPSet")
    assert addresses.properties["Addresses"] == list(environment.razorpay.webhook_sources)
    assert addresses.properties["IPAddressVersion"] == "IPV4"


def test_ranges_of_both_versions_of_ip_are_two_sets_and_either_will_do() -> None:
    environment = load_environment("prod", directory=ROOT / "environments", today=TODAY)
    ranges = ("18.96.225.0/26", "2001:db8::/124")
    both = environment.model_copy(
        update={"razorpay": environment.razorpay.model_copy(update={"webhook_sources": ranges})}
    )
    app = App()
    recovery = RecoveryStack(app, "Recovery", environment=both, copy=None)
    stack = FirewallStack(
        app,
        "Firewall",
        environment=both,
        operations=tuple(operations(json.loads(CONTRACT.read_text(encoding="utf-8")))),
        identity=IdentityStack(app, "Identity", environment=both),
        log_key=DataStack(app, "Data", environment=both, recovery=recovery).log_key,
    )
    found = WebAcl.of_template(Template.from_stack(stack).to_json(), "ApiAcl")
    world = World.of({"firewall": environment.firewall.model_dump(), "razorpay": {"webhook_sources": ranges}})

    assert [found.decide(world.event(source)).rule for source in world.inside()] == [None] * 4
    assert {found.decide(world.event(source)).rule for source in world.outside()} == {"webhook-source"}


def test_what_was_objected_to_is_logged_encrypted_and_without_credentials(assembly: Assembly) -> None:
    logged = {}
    for item in assembly.resources("AWS::WAFv2::LoggingConfiguration"):
        (destination,) = item.properties["LogDestinationConfigs"]
        logged[assembly.text(item.properties["ResourceArn"], item.stack)] = assembly.text(
            destination, item.stack
        )
        assert item.properties["RedactedFields"] == [
            {"SingleHeader": {"Name": "authorization"}},
            {"SingleHeader": {"Name": "cookie"}},
            {"QueryString": {}},
        ]
        kept = item.properties["LoggingFilter"]
        assert kept["DefaultBehavior"] == "DROP"
        (condition,) = kept["Filters"]
        assert condition["Behavior"] == "KEEP"
        assert {entry["ActionCondition"]["Action"] for entry in condition["Conditions"]} == {
            "BLOCK",
            "COUNT",
            "EXCLUDED_AS_COUNT",
        }
    groups = {
        item.properties["LogGroupName"]: item
        for item in assembly.resources("AWS::Logs::LogGroup")
        if item.stack == "Firewall"
    }
    prefix = f"aws-waf-logs-hasivu-{assembly.environment}"
    assert groups.keys() == {f"{prefix}-api", f"{prefix}-sign-in"}, "WAF dictates the beginning"
    assert logged == {
        f"<Firewall.{name}.Arn>": f"arn:aws:logs:ap-south-1:{account(assembly)}:log-group:{groups[group].ref}"
        for name, group in (("ApiAcl", f"{prefix}-api"), ("SignInAcl", f"{prefix}-sign-in"))
    }
    for group in groups.values():
        assert "KmsKeyId" in group.properties
        assert group.properties["RetentionInDays"] > 0


def account(assembly: Assembly) -> str:
    return load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY).account


def test_nothing_is_sampled(assembly: Assembly) -> None:
    """Samples show headers as they came, whatever the log redacts."""
    for found in assembly.resources("AWS::WAFv2::WebACL"):
        for item in (found.properties, *found.properties["Rules"]):
            assert item["VisibilityConfig"]["SampledRequestsEnabled"] is False
            assert item["VisibilityConfig"]["CloudWatchMetricsEnabled"] is True


def test_every_writing_operation_is_limited_or_moves_no_money(contract: tuple[Operation, ...]) -> None:
    """A new operation has to be put on one side."""
    writing = {item.function for item in contract if item.method.upper() in WRITING}

    assert writing == MONEY_FUNCTIONS | MOVES_NO_MONEY.keys()
    assert not MONEY_FUNCTIONS & MOVES_NO_MONEY.keys()


def test_the_limited_collections_hold_every_operation_that_moves_money(
    contract: tuple[Operation, ...],
) -> None:
    collections = money_collections(contract)

    assert collections == [
        *("instalment-plans", "mandates", "payment-links", "payment-methods", "payments", "schools"),
        "subscriptions",
    ]
    for item in writes_of(contract, MONEY_FUNCTIONS):
        assert item.path.startswith(tuple(f"/v1/{name}" for name in collections))


def writes_of(contract: Iterable[Operation], functions: Iterable[str]) -> list[Operation]:
    known = set(functions)
    return [item for item in contract if item.function in known and item.method.upper() in WRITING]


def test_what_is_open_to_every_country_is_what_the_contract_leaves_open(
    contract: tuple[Operation, ...],
) -> None:
    opened = {item.path for item in contract if item.open}

    assert opened == {firewall_rules.HEALTH, firewall_rules.RAZORPAY_WEBHOOK, "/v1/webhooks/whatsapp"}
    assert firewall_rules.WEBHOOKS == "/v1/webhooks/(?:razorpay|whatsapp)"


def test_bodies_are_limited_where_the_runtime_limits_them() -> None:
    assert firewall_rules.BODY_BYTES_MAX == BODY_BYTES_MAX


def test_waf_is_shown_as_much_of_a_body_as_it_can_be(assembly: Assembly) -> None:
    asked: Any = acl(assembly, "ApiAcl").properties["AssociationConfig"]

    assert asked == {"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": "KB_64"}}}


def test_the_firewall_is_watched(assembly: Assembly) -> None:
    found = alarms(assembly)

    for name in ("FirewallBlockedApi", "FirewallBlockedSignIn"):
        assert measured(assembly, found[name]) == {"BlockedRequests"}
        assert "Severity: ticket" in found[name].properties["AlarmDescription"]
    assert measured(assembly, found["FirewallWebhookSource"]) == {"BlockedRequests", "CountedRequests"}
    assert measured(assembly, found["FirewallUnseen"]) == {"AllowedRequests", "BlockedRequests", "Count"}
    for name in ("FirewallWebhookSource", "FirewallUnseen"):
        assert "Severity: page" in found[name].properties["AlarmDescription"]


def test_the_alarm_on_forged_events_counts_the_rule_that_stops_them(assembly: Assembly) -> None:
    text = json.dumps(alarms(assembly)["FirewallWebhookSource"].properties["Metrics"])

    assert '"Value": "webhook-source"' in text
    assert f'"Value": "hasivu-{assembly.environment}-api"' in text
    assert "webhook-source" in names(acl(assembly, "ApiAcl"))
