"""What must be stopped is stopped, by the rule that is for it and with its answer; guests come in."""

import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from checks.firewall.known_requests import Known, World, facing_the_api, facing_the_user_pool
from checks.firewall.web_acl import Decision, WebAcl
from runtime.payments.inbox import BODY_BYTES_MAX as EVENT_BYTES_MAX
from tests.checks.firewall.conftest import Deployed, world_of

SAMPLES = Path(__file__).parents[4] / "shared" / "razorpay" / "webhooks"
BLOCKING, COUNTING = ("staging", "prod"), ("sandbox", "dev")

STATUS = {
    "webhook-source": (403, "firewall-refused"),
    "country": (403, "country-refused"),
    "requests": (429, "throttled"),
    "payments": (429, "throttled"),
    "body-size": (413, "body-too-large"),
    "target-size": (414, "target-too-long"),
    "header-size": (400, "headers-too-large"),
}


@pytest.mark.parametrize("case", facing_the_api(world_of("prod")), ids=str)
def test_production_decides_on_what_comes_to_the_api(case: Known, api_acl: WebAcl) -> None:
    decision = api_acl.decide(case.request)

    assert (decision.action, decision.rule) == ("Allow" if case.rule is None else "Block", case.rule)
    if case.rule is None:
        assert frozenset(decision.left_to_aws) == case.groups
    else:
        assert (decision.status, decision.answer) == STATUS[case.rule]


@pytest.mark.parametrize("case", facing_the_user_pool(world_of("prod")), ids=str)
def test_production_decides_on_what_comes_to_the_user_pool(case: Known, deployed: Deployed) -> None:
    decision = deployed("prod", "SignInAcl").decide(case.request)

    assert decision.rule == case.rule
    if case.rule is None:
        assert frozenset(decision.left_to_aws) == case.groups
    else:
        assert (decision.status, decision.answer) == (403, None), "Cognito answers for itself"


@pytest.mark.parametrize("environment", BLOCKING + COUNTING)
def test_every_environment_objects_to_the_same(environment: str, deployed: Deployed) -> None:
    world = world_of(environment)
    for logical_id, cases in (("ApiAcl", facing_the_api(world)), ("SignInAcl", facing_the_user_pool(world))):
        acl = deployed(environment, logical_id)
        for case in cases:
            decision = acl.decide(case.request)
            assert decision.objected == case.rule, case
            stopped = case.rule is not None and environment in BLOCKING
            assert decision.action == ("Block" if stopped else "Allow"), case


def test_where_the_environment_only_counts_aws_groups_count_too(deployed: Deployed) -> None:
    for environment in COUNTING:
        rules = deployed(environment, "ApiAcl").properties["Rules"]
        assert {json.dumps(rule.get("OverrideAction") or rule["Action"]) for rule in rules} == {
            '{"Count": {}}'
        }


def test_no_rule_allows(deployed: Deployed) -> None:
    for environment in BLOCKING + COUNTING:
        for logical_id in ("ApiAcl", "SignInAcl"):
            properties = deployed(environment, logical_id).properties
            assert properties["DefaultAction"] == {"Allow": {}}
            assert not [rule for rule in properties["Rules"] if "Allow" in rule.get("Action", {})]


@pytest.mark.parametrize("size", [2, 1_437, 8_192, 16_385, 65_536, 65_537, EVENT_BYTES_MAX])
def test_events_of_every_size_that_the_runtime_takes_come_through(
    size: int, api_acl: WebAcl, world: World
) -> None:
    """The largest documented event has some eight kilobytes."""
    for source in world.inside():
        request = replace(world.event(source), body=b"x" * size)
        assert api_acl.decide(request).rule is None


@pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the official webhook samples lie beside the repository only"
)
def test_every_official_sample_of_an_event_comes_through(api_acl: WebAcl, world: World) -> None:
    bodies = [path.read_bytes() for path in sorted(SAMPLES.glob("*.json")) if path.name != "index.json"]
    assert len(bodies) >= 49
    for body in bodies:
        for source in world.inside():
            assert api_acl.decide(replace(world.event(source), body=body)) == Decision("Allow")


def test_what_parents_write_is_nobodys_attack(api_acl: WebAcl, world: World) -> None:
    for text in ("ललिता का दोपहर का भोजन", "O'Brien – lunch; 2 × ₹450", "😀" * 1_000):
        body = json.dumps({"description": text, "amount_paise": 45_000}, ensure_ascii=False).encode()
        request = world.parent("POST", "/v1/payments", body=body, query="note=%E0%A4%B2")
        assert api_acl.decide(request).rule is None


def test_a_school_behind_one_address_pays_up_to_the_limit_and_not_beyond(
    api_acl: WebAcl, world: World
) -> None:
    pays = world.parent("POST", "/v1/payments", body=b"{}")
    stopped = [
        number
        for number in range(1, world.payment_requests_max + 3)
        if api_acl.decide(replace(pays, earlier=number - 1)).rule
    ]

    assert stopped == [world.payment_requests_max + 1, world.payment_requests_max + 2]


def test_an_answer_of_the_firewall_is_a_problem_document_under_its_own_code(api_acl: WebAcl) -> None:
    bodies = api_acl.properties["CustomResponseBodies"]
    assert {code for _, code in STATUS.values()} == bodies.keys()

    for code, body in bodies.items():
        document = json.loads(body["Content"])
        assert document["code"] == code
        assert document["type"] == f"urn:hasivu:problem:{code}"
        assert "$" not in body["Content"]
    for rule in api_acl.properties["Rules"]:
        if "Action" in rule:
            said = rule["Action"]["Block"]["CustomResponse"]
            document = json.loads(bodies[said["CustomResponseBodyKey"]]["Content"])
            assert document["status"] == said["ResponseCode"]
            headers = {item["Name"]: item["Value"] for item in said["ResponseHeaders"]}
            assert headers.pop("Cache-Control") == "no-store"
            assert headers.pop("Access-Control-Allow-Origin") == "https://app.hasivu.example"
            del headers["Access-Control-Expose-Headers"], headers["Vary"]
            assert headers == ({"Retry-After": "60"} if said["ResponseCode"] == 429 else {})


def test_a_back_office_at_a_hosting_provider_is_counted_not_blocked(api_acl: WebAcl) -> None:
    overrides = {
        rule["Statement"]["ManagedRuleGroupStatement"]["Name"]: [
            (item["Name"], item["ActionToUse"])
            for item in rule["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
        ]
        for rule in api_acl.properties["Rules"]
        if "RuleActionOverrides" in rule["Statement"].get("ManagedRuleGroupStatement", {})
    }

    assert overrides == {
        "AWSManagedRulesAnonymousIpList": [("HostingProviderIPList", {"Count": {}})],
        "AWSManagedRulesCommonRuleSet": [("SizeRestrictions_BODY", {"Count": {}})],
    }


def test_razorpays_addresses_are_nobody_special_elsewhere(api_acl: WebAcl, world: World) -> None:
    source = next(world.inside())
    request = replace(world.parent("GET", "/v1/payments", earlier=world.requests_max), source=source)

    assert api_acl.decide(request).rule == "requests"
    assert api_acl.decide(replace(request, earlier=0, country=world.abroad)).rule == "country"


def test_an_ipv6_caller_is_held_against_the_same_ranges(api_acl: WebAcl, world: World) -> None:
    mapped = ip_address("::ffff:18.96.225.1")

    assert api_acl.decide(world.event(mapped)).rule == "webhook-source"
