"""Broadening never goes unseen, and a rewritten policy that means the same is none."""

import copy
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.diff.grants import Scope, _includes
from checks.diff.model import Risk
from tests.checks.diff.worlds import POLICY, ROLE, Resources, between, one

ACTIONS = ("s3:GetObject", "s3:PutObject", "sqs:SendMessage")
RESOURCES = ("arn:a", "arn:b")
ACTION_PATTERNS = (*ACTIONS, "s3:*", "*", "s3:?etObject")
RESOURCE_PATTERNS = (*RESOURCES, "arn:*", "*")
REGIONS = (None, "ap-south-1", "ap-south-2")

Statement = dict[str, Any]


def role_with(statements: list[Statement]) -> Resources:
    policy = copy.deepcopy(POLICY)
    policy["Properties"]["PolicyDocument"]["Statement"] = statements
    return {"Role": ROLE, "RolePolicy": policy}


def may(statements: list[Statement], action: str, resource: str, region: str) -> bool:
    """IAM's verdict in a world of three actions, two resources and two regions."""

    def applies(statement: Statement) -> bool:
        about_action = any(_includes(pattern, action) for pattern in statement.get("Action", []))
        if "NotAction" in statement:
            about_action = not any(_includes(pattern, action) for pattern in statement["NotAction"])
        wanted = statement.get("Condition", {}).get("StringEquals", {}).get("aws:RequestedRegion")
        return (
            about_action
            and any(_includes(pattern, resource) for pattern in statement["Resource"])
            and (wanted is None or region in wanted)
        )

    effects = {statement["Effect"] for statement in statements if applies(statement)}
    return effects == {"Allow"}


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    key = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    found: Statement = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        key: draw(st.lists(st.sampled_from(ACTION_PATTERNS), min_size=1, max_size=2, unique=True)),
        "Resource": draw(st.lists(st.sampled_from(RESOURCE_PATTERNS), min_size=1, max_size=2, unique=True)),
    }
    regions = draw(st.lists(st.sampled_from(REGIONS[1:]), max_size=2, unique=True))
    if regions:
        found["Condition"] = {"StringEquals": {"aws:RequestedRegion": regions}}
    return found


POLICIES = st.lists(statements(), max_size=3)


@given(before=POLICIES, after=POLICIES)
def test_whoever_may_something_new_is_found(before: list[Statement], after: list[Statement]) -> None:
    """Sound against IAM's own meaning: whatever becomes possible has a finding."""
    grew = any(
        may(after, *call) and not may(before, *call)
        for call in itertools.product(ACTIONS, RESOURCES, REGIONS[1:])
        if call[2] is not None
    )
    findings = between(role_with(before), role_with(after)).of(Risk.BROADENING)
    assert findings or not grew


@given(policy=POLICIES, seed=st.randoms(use_true_random=False))
def test_a_policy_that_is_reordered_split_and_moved_is_the_same(policy: list[Statement], seed: Any) -> None:
    pieces = []
    for statement in policy:
        key = "Action" if "Action" in statement else None
        pieces += [{**statement, key: [item]} for item in statement[key]] if key else [statement]
    seed.shuffle(pieces)
    after = role_with(pieces[::2])
    second = copy.deepcopy(POLICY)
    second["Properties"]["PolicyDocument"]["Statement"] = pieces[1::2]
    after["SecondPolicy"] = second
    assert between(role_with(policy), after).of(Risk.BROADENING) == ()


@given(policy=POLICIES)
def test_fewer_allowances_are_never_broadening(policy: list[Statement]) -> None:
    kept = [item for index, item in enumerate(policy) if index % 2 or item["Effect"] == "Deny"]
    assert between(role_with(policy), role_with(kept)).of(Risk.BROADENING) == ()


PATTERNS = st.text(alphabet="ab*?:", max_size=5)


@given(wide=PATTERNS, narrow=PATTERNS, text=st.text(alphabet="ab:", max_size=5))
def test_a_pattern_that_includes_another_matches_all_that_it_matches(
    wide: str, narrow: str, text: str
) -> None:
    if _includes(wide, narrow) and _includes(narrow, text):
        assert _includes(wide, text)


def test_a_condition_that_falls_is_named() -> None:
    conditioned = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": "arn:a",
        "Condition": {"StringEquals": {"aws:SourceAccount": "x"}},
    }
    free = {key: value for key, value in conditioned.items() if key != "Condition"}
    finding = one(between(role_with([conditioned]), role_with([free])), "allowed")
    assert "StringEquals aws:SourceAccount" in finding.consequence


def test_a_deny_that_falls_is_named() -> None:
    denial = {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "arn:a"}
    finding = one(between(role_with([denial]), role_with([])), "no-longer-denied")
    assert finding.what == "dynamodb:DeleteItem on arn:a is no longer denied to *"


def queue(*policy: Statement) -> Resources:
    found: Resources = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}
    if policy:
        found["QueuePolicy"] = {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Statement": list(policy)}},
        }
    return found


PLAIN_HTTP_DENIED: Statement = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def test_a_resource_policy_without_its_denial_of_plain_http_is_weaker() -> None:
    diff = between(queue(PLAIN_HTTP_DENIED), queue())
    assert one(diff, "no-longer-denied").subject == "Queue"


def test_a_denial_goes_with_the_resource_that_it_protected() -> None:
    diff = between(queue(PLAIN_HTTP_DENIED), {})
    assert diff.of(Risk.BROADENING) == ()


def test_a_policy_under_another_logical_id_is_the_same_policy() -> None:
    after = queue(PLAIN_HTTP_DENIED)
    after["RenamedPolicy"] = after.pop("QueuePolicy")
    assert between(queue(PLAIN_HTTP_DENIED), after).of(Risk.BROADENING) == ()


@pytest.mark.parametrize(
    "principal",
    ["*", {"AWS": "*"}, {"AWS": "arn:aws:iam::222222222222:root"}, {"Service": "events.amazonaws.com"}],
)
def test_a_new_principal_is_named(principal: Any) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*"}
    old = {**statement, "Principal": {"Service": "sns.amazonaws.com"}}
    finding = one(between(queue(old), queue(statement)), "allowed")
    assert "may sqs:SendMessage" in finding.what


def test_a_trust_that_widens_is_told_apart_from_what_the_role_may() -> None:
    after = copy.deepcopy(ROLE)
    statement = after["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    statement["Principal"] = {"AWS": "*"}
    assert one(between({"Role": ROLE}, {"Role": after}), "allowed").subject == "trust of Role"


def test_a_function_that_more_may_call_is_seen_without_a_policy_document() -> None:
    permission: dict[str, Any] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": "arn:aws:execute-api:::api/prod/GET/health",
        },
    }
    wider = copy.deepcopy(permission)
    del wider["Properties"]["SourceArn"]
    assert one(between({"P": permission}, {"P": wider}), "allowed").risk is Risk.BROADENING
    assert between({"P": wider}, {"P": permission}).findings == ()


@pytest.mark.parametrize("written", ['{"Statement": [', '{"Statement": "<Data.Other>"}'])
def test_a_policy_that_cannot_be_read_counts_as_broader_when_it_changes(written: str) -> None:
    def logs(document: str) -> Resources:
        return {"L": {"Type": "AWS::Logs::ResourcePolicy", "Properties": {"PolicyDocument": document}}}

    assert one(between(logs('{"Statement": []}'), logs(written)), "allowed").risk is Risk.BROADENING
    assert between(logs(written), logs(written)).findings == ()


def test_everything_except_something_includes_what_lies_outside_of_it() -> None:
    scope = Scope(frozenset({"iam:*"}), inverted=True)
    assert scope.covers("s3:GetObject")
    assert not scope.covers("iam:PassRole")
    assert not scope.covers("i*")
    assert not scope.includes(Scope(frozenset({"sts:*"}), inverted=True))
    assert Scope(frozenset({"*"})).includes(scope)


def test_the_statements_of_a_firewall_are_no_permissions() -> None:
    rule = {"Name": "country", "Priority": 0, "Statement": {"GeoMatchStatement": {"CountryCodes": ["AQ"]}}}
    acl = {"Type": "AWS::WAFv2::WebACL", "Properties": {"Scope": "REGIONAL", "Rules": [rule]}}

    assert between({}, {"Acl": acl}).of(Risk.BROADENING) == ()
