"""The evaluation keeps to AWS's documentation, and refuses to guess where it does not know it."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from checks.firewall.request import NotEvaluated, WebRequest
from checks.firewall.transformations import transform
from checks.firewall.web_acl import Decision, WebAcl

Body = dict[str, Any]
REQUEST = WebRequest("POST", "/a/b", ip_address("192.0.2.1"), "IN", query="q=1", body=b"body")
NONE = [{"Priority": 0, "Type": "NONE"}]
ANY: Body = {"GeoMatchStatement": {"CountryCodes": ["IN"]}}


def rule(statement: Body, action: str = "Block", *, name: str = "r", place: int = 0, **more: Any) -> Body:
    return {"Name": name, "Priority": place, "Statement": statement, "Action": {action: {}}, **more}


def acl(*rules: Body, default: str = "Allow", **settings: Any) -> WebAcl:
    properties = {"Rules": list(rules), "DefaultAction": {default: {}}, **settings}
    return WebAcl(properties, lambda arn: ["192.0.2.0/31", "2001:db8::/127"])


def decided(statement: Body, request: WebRequest = REQUEST, **settings: Any) -> bool:
    return acl(rule(statement), **settings).decide(request).rule == "r"


def byte_match(text: str, where: str, field: Body, *kinds: str) -> Body:
    transformations = [{"Priority": number, "Type": kind} for number, kind in enumerate(kinds)] or NONE
    return {
        "ByteMatchStatement": {
            "SearchString": text,
            "PositionalConstraint": where,
            "FieldToMatch": field,
            "TextTransformations": transformations,
        }
    }


def size(field: Body, comparison: str, limit: int) -> Body:
    return {
        "SizeConstraintStatement": {
            "FieldToMatch": field,
            "ComparisonOperator": comparison,
            "Size": limit,
            "TextTransformations": NONE,
        }
    }


def regex(expression: str) -> Body:
    return {
        "RegexMatchStatement": {
            "RegexString": expression,
            "FieldToMatch": {"UriPath": {}},
            "TextTransformations": NONE,
        }
    }


@pytest.mark.parametrize(
    ("kind", "text", "becomes"),
    [
        ("NONE", "/A%20", "/A%20"),
        ("LOWERCASE", "/AbÇ", "/abÇ"),
        ("URL_DECODE", "%2Fa%2fb+c%zz%", "/a/b c%zz%"),
        ("URL_DECODE", "%252f", "%2f"),
        ("NORMALIZE_PATH", "//a///b/./c/../d", "/a/b/d"),
        ("NORMALIZE_PATH", "/../a", "/../a"),
        ("NORMALIZE_PATH", "a/..", ""),
        ("NORMALIZE_PATH", "/a/b/", "/a/b/"),
        ("NORMALIZE_PATH", "/a/b/.", "/a/b/"),
        ("NORMALIZE_PATH", "/", "/"),
        ("NORMALIZE_PATH", "", ""),
    ],
)
def test_text_is_transformed_as_documented(kind: str, text: str, becomes: str) -> None:
    assert transform(text.encode(), [{"Priority": 0, "Type": kind}]) == becomes.encode()


def test_transformations_go_by_priority_not_by_their_place_in_the_list() -> None:
    listed = [{"Priority": 9, "Type": "NORMALIZE_PATH"}, {"Priority": 1, "Type": "URL_DECODE"}]

    assert transform(b"/a%2f%2e%2e%2fb", listed) == b"/b"


@pytest.mark.parametrize(
    ("where", "text", "matches"),
    [
        ("EXACTLY", "/a/b", True),
        ("EXACTLY", "/a", False),
        ("STARTS_WITH", "/a", True),
        ("STARTS_WITH", "/b", False),
        ("ENDS_WITH", "/b", True),
        ("ENDS_WITH", "/a", False),
        ("CONTAINS", "a/", True),
        ("CONTAINS", "c", False),
    ],
)
def test_a_text_stands_where_the_constraint_says(where: str, text: str, matches: bool) -> None:
    assert decided(byte_match(text, where, {"UriPath": {}})) is matches


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ({"UriPath": {}}, "/a/b"),
        ({"QueryString": {}}, "q=1"),
        ({"Method": {}}, "POST"),
        ({"Body": {"OversizeHandling": "MATCH"}}, "body"),
        ({"SingleHeader": {"Name": "X-Kind"}}, "k"),
    ],
)
def test_each_component_is_what_it_is_called(field: Body, text: str) -> None:
    request = replace(REQUEST, headers={"x-kind": "k"})

    assert decided(byte_match(text, "EXACTLY", field), request)


def test_a_header_that_is_missing_matches_nothing_not_even_the_opposite() -> None:
    statement = size({"SingleHeader": {"Name": "x"}}, "LT", 10)

    assert not decided(statement)
    assert decided({"NotStatement": {"Statement": statement}})


@pytest.mark.parametrize(
    ("comparison", "limit", "matches"),
    [
        *(("GT", 3, True), ("GT", 4, False), ("GE", 4, True), ("LT", 4, False), ("LE", 4, True)),
        *(("EQ", 4, True), ("EQ", 5, False), ("NE", 5, True)),
    ],
)
def test_sizes_are_compared_in_bytes(comparison: str, limit: int, matches: bool) -> None:
    field = {"Body": {"OversizeHandling": "MATCH"}}

    assert decided(size(field, comparison, limit), replace(REQUEST, body="₹x".encode())) is matches


@pytest.mark.parametrize(("handling", "matches"), [("MATCH", True), ("NO_MATCH", False), ("CONTINUE", False)])
def test_a_body_over_the_limit_of_inspection_is_handled_as_asked(handling: str, matches: bool) -> None:
    """16 KB unless the web ACL asks for more; CONTINUE looks at what is shown, whose size is no more."""
    statement = size({"Body": {"OversizeHandling": handling}}, "GT", 16_384)

    assert decided(statement, replace(REQUEST, body=b"x" * 16_385)) is matches
    assert not decided(statement, replace(REQUEST, body=b"x" * 16_384))


def test_a_web_acl_may_ask_for_more_of_the_body() -> None:
    statement = size({"Body": {"OversizeHandling": "NO_MATCH"}}, "GT", 16_384)
    asked = {"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": "KB_64"}}}

    assert decided(statement, replace(REQUEST, body=b"x" * 65_536), AssociationConfig=asked)
    assert not decided(statement, replace(REQUEST, body=b"x" * 65_537), AssociationConfig=asked)


@pytest.mark.parametrize(
    ("headers", "oversize"),
    [
        ({"cookie": "x" * 8_186}, False),
        ({"cookie": "x" * 8_187}, True),
        ({f"{number:03}": "" for number in range(200)}, False),
        ({f"{number:03}": "" for number in range(201)}, True),
    ],
)
def test_headers_are_shown_up_to_8_kb_or_200(headers: dict[str, str], oversize: bool) -> None:
    field = {"Headers": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "OversizeHandling": "MATCH"}}

    assert decided(size(field, "GT", 8_192), replace(REQUEST, headers=headers)) is oversize


def test_expressions_match_anywhere_unless_they_say_where() -> None:
    assert decided(regex("/b"))
    assert not decided(regex("^/b"))
    assert decided(regex("^(?:/x)?/a/[a-c]$"))


def test_statements_are_joined() -> None:
    yes, no = regex("/a"), regex("/z")
    assert decided({"AndStatement": {"Statements": [yes, yes]}})
    assert not decided({"AndStatement": {"Statements": [yes, no]}})
    assert decided({"OrStatement": {"Statements": [no, yes]}})
    assert not decided({"OrStatement": {"Statements": [no, no]}})
    assert decided({"NotStatement": {"Statement": no}})


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("192.0.2.0", True),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("2001:db8::1", True),
        ("2001:db8::2", False),
    ],
)
def test_addresses_are_held_against_the_set_by_version(source: str, known: bool) -> None:
    statement = {"IPSetReferenceStatement": {"Arn": "arn"}}

    assert decided(statement, replace(REQUEST, source=ip_address(source))) is known


def test_a_limit_lets_so_many_through_and_stops_the_next() -> None:
    statement: Body = {"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP"}}

    assert not decided(statement, replace(REQUEST, earlier=9))
    assert decided(statement, replace(REQUEST, earlier=10))


def test_a_narrowed_limit_neither_counts_nor_stops_what_it_is_not_about() -> None:
    narrowed: Body = {
        "RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP", "ScopeDownStatement": regex("^/z")}
    }

    assert not decided(narrowed, replace(REQUEST, earlier=1_000))
    assert decided(narrowed, replace(REQUEST, earlier=1_000, path="/z"))


def test_the_first_by_priority_that_ends_it_decides_and_counting_does_not_end_it() -> None:
    found = acl(
        rule(ANY, "Block", name="third", place=3),
        rule(ANY, "Count", name="first", place=1),
        rule(ANY, "Allow", name="second", place=2),
    ).decide(REQUEST)

    assert found == Decision("Allow", "second", ("first",), ())
    assert found.objected == "first"


def test_without_a_rule_that_ends_it_the_default_action_decides() -> None:
    assert acl(rule(regex("/z"))).decide(REQUEST) == Decision("Allow")
    assert acl(rule(regex("/z")), default="Block").decide(REQUEST) == Decision("Block")


def test_aws_groups_are_named_where_they_get_to_see_the_request_and_not_evaluated() -> None:
    group = {"Name": "G", "VendorName": "AWS"}
    seen = {"Name": "a", "Priority": 0, "Statement": {"ManagedRuleGroupStatement": group}}
    not_seen = {
        "Name": "b",
        "Priority": 1,
        "Statement": {"ManagedRuleGroupStatement": group | {"Name": "H", "ScopeDownStatement": regex("/z")}},
    }

    assert acl(seen, not_seen).decide(REQUEST).left_to_aws == ("G",)
    assert acl(rule(ANY, place=-1), seen).decide(REQUEST).left_to_aws == ()


@pytest.mark.parametrize(
    "statement",
    [
        {"XssMatchStatement": {}},
        {"LabelMatchStatement": {"Key": "k", "Scope": "LABEL"}},
        {"RegexPatternSetReferenceStatement": {}},
        {"GeoMatchStatement": {"CountryCodes": ["IN"], "ForwardedIPConfig": {}}},
        {"IPSetReferenceStatement": {"Arn": "arn", "IPSetForwardedIPConfig": {}}},
        {"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "CONSTANT"}},
        {"RateBasedStatement": {"Limit": "ten", "AggregateKeyType": "IP"}},
        {"RateBasedStatement": {"Limit": {"Ref": "Limit"}, "AggregateKeyType": "IP"}},
        {"RateBasedStatement": {"Limit": 9, "AggregateKeyType": "IP"}},
        {"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP", "EvaluationWindowSec": 90}},
        {"AndStatement": {"Statements": [ANY]}},
        byte_match("x", "CONTAINS_WORD", {"UriPath": {}}),
        byte_match("x", "EXACTLY", {"Cookies": {}}),
        byte_match("x", "EXACTLY", {"Body": {}}),
        byte_match("x", "EXACTLY", {"Body": {"OversizeHandling": "PERHAPS"}}),
        byte_match("x", "EXACTLY", {"UriPath": {}}, "CMD_LINE"),
        regex("(a)"),
        regex("(?=a)a"),
        regex(r"(?:a)\1"),
        regex("a++"),
        regex("a" * 513),
    ],
)
def test_what_is_not_known_is_refused_rather_than_guessed(statement: Body) -> None:
    request = replace(REQUEST, body=b"x" * 20_000)
    with pytest.raises(NotEvaluated):
        acl(rule(statement)).decide(request)


@pytest.mark.parametrize(
    "broken",
    [
        (rule(ANY, "Captcha"),),
        (rule(ANY, RuleLabels=[{"Name": "l"}]),),
        (rule(ANY, name="a"), rule(ANY, name="b")),
    ],
)
def test_rules_that_are_not_known_are_refused(broken: tuple[Body, ...]) -> None:
    with pytest.raises(NotEvaluated):
        acl(*broken).decide(REQUEST)


def test_an_address_set_of_another_template_is_refused() -> None:
    body = {
        "Rules": [rule({"IPSetReferenceStatement": {"Arn": {"Ref": "x"}}})],
        "DefaultAction": {"Allow": {}},
    }
    found = WebAcl.of_template({"Resources": {"Acl": {"Properties": body}}}, "Acl")

    with pytest.raises(NotEvaluated):
        found.decide(REQUEST)
