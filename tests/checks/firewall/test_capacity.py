"""What the web ACLs cost in capacity units, by AWS's numbers, and that the price includes it."""

from typing import Any

import pytest

from checks.firewall.capacity import GROUPS, INCLUDED_MAX, capacity
from checks.firewall.request import NotEvaluated
from stacks.environment import ENVIRONMENT_NAMES
from tests.checks.firewall.conftest import Deployed

PATH = {"FieldToMatch": {"UriPath": {}}, "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}
PLAIN = PATH | {
    "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}, {"Priority": 1, "Type": "URL_DECODE"}]
}


def units(statement: dict[str, Any]) -> int:
    return capacity({"Rules": [{"Statement": statement}]})


@pytest.mark.parametrize(
    ("statement", "costs"),
    [
        ({"GeoMatchStatement": {"CountryCodes": ["IN"]}}, 1),
        ({"IPSetReferenceStatement": {"Arn": "a"}}, 1),
        ({"SizeConstraintStatement": PATH}, 1),
        ({"RegexMatchStatement": PATH}, 3),
        ({"RegexMatchStatement": PLAIN}, 23),
        ({"ByteMatchStatement": PATH | {"PositionalConstraint": "EXACTLY"}}, 2),
        ({"ByteMatchStatement": PATH | {"PositionalConstraint": "CONTAINS"}}, 10),
        ({"RateBasedStatement": {"Limit": 10}}, 2),
        ({"RateBasedStatement": {"Limit": 10, "ScopeDownStatement": {"RegexMatchStatement": PATH}}}, 5),
        ({"NotStatement": {"Statement": {"GeoMatchStatement": {}}}}, 1),
        ({"AndStatement": {"Statements": [{"GeoMatchStatement": {}}, {"RegexMatchStatement": PATH}]}}, 4),
        ({"ManagedRuleGroupStatement": {"Name": "AWSManagedRulesCommonRuleSet"}}, 700),
    ],
)
def test_a_statement_costs_what_its_page_says(statement: dict[str, Any], costs: int) -> None:
    assert units(statement) == costs


@pytest.mark.parametrize(
    "statement",
    [
        {"XssMatchStatement": PATH},
        {"ManagedRuleGroupStatement": {"Name": "AWSManagedRulesBotControlRuleSet"}},
        {"RegexMatchStatement": PATH | {"FieldToMatch": {"JsonBody": {}}}},
    ],
)
def test_what_has_no_known_price_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(NotEvaluated):
        units(statement)


@pytest.mark.parametrize("environment", ENVIRONMENT_NAMES)
def test_both_web_acls_fit_into_what_the_price_includes(environment: str, deployed: Deployed) -> None:
    before_the_api = capacity(deployed(environment, "ApiAcl").properties)
    at_the_pool = capacity(deployed(environment, "SignInAcl").properties)

    assert sum(GROUPS.values()) < before_the_api <= INCLUDED_MAX
    assert at_the_pool <= INCLUDED_MAX
