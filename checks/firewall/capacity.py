"""What a web ACL costs in capacity units (WCU), by AWS's own numbers.

Each statement's page under "Using rule statements in AWS WAF" says its base; a text transformation is 10 on
top; a rate limit is 2 beside what narrows it; AND, OR and NOT are free. The numbers of AWS's groups are those
of "AWS Managed Rules rule groups list". This is the most that AWS asks for: the same transformation of the
same component in a second rule is said to be free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.firewall.request import NotEvaluated

INCLUDED_MAX = 1_500
"""What the price of a web ACL includes; up to 5,000 cost more."""

GROUPS = {
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
}
BASE = {
    "RegexMatchStatement": 3,
    "SizeConstraintStatement": 1,
    "GeoMatchStatement": 1,
    "IPSetReferenceStatement": 1,
    "RateBasedStatement": 2,
}
BY_POSITION = {"EXACTLY": 2, "STARTS_WITH": 2, "ENDS_WITH": 2, "CONTAINS": 10, "CONTAINS_WORD": 10}
TRANSFORMATION = 10


def capacity(properties: Mapping[str, Any]) -> int:
    """The units of a web ACL by its properties. Raises NotEvaluated for a statement without a known price."""
    return sum(
        _base(kind, inner) + TRANSFORMATION * sum(item["Type"] != "NONE" for item in _transformations(inner))
        for rule in properties["Rules"]
        for kind, inner in _statements(rule["Statement"])
    )


def _transformations(inner: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = inner.get("TextTransformations", ())
    return found


def _statements(statement: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement in ``statement``, itself included, but those that only join others."""
    for kind, inner in statement.items():
        if kind in {"AndStatement", "OrStatement"}:
            for item in inner["Statements"]:
                yield from _statements(item)
        elif kind == "NotStatement":
            yield from _statements(inner["Statement"])
        else:
            yield kind, inner
            yield from _statements(inner.get("ScopeDownStatement") or {})


def _base(kind: str, inner: Mapping[str, Any]) -> int:
    if kind == "ManagedRuleGroupStatement" and inner.get("Name") in GROUPS:
        return GROUPS[str(inner["Name"])]
    if kind == "ByteMatchStatement":
        return BY_POSITION[str(inner["PositionalConstraint"])]
    if kind not in BASE or {"JsonBody", "AllQueryArguments"} & set(inner.get("FieldToMatch", ())):
        raise NotEvaluated(f"the capacity of {kind}")
    return BASE[kind]
