"""Whether a request matches a rule's statement, each kind as "Using rule statements in AWS WAF" says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from checks.firewall.components import component
from checks.firewall.request import NotEvaluated, WebRequest
from checks.firewall.transformations import transform

WINDOWS_S = frozenset({60, 120, 300, 600})
LIMITS = range(10, 2_000_000_001)
REGEX_CHARACTERS_MAX = 512

UNSUPPORTED = re.compile(r"\((?!\?:)|\(\?[^:]|\\[1-9CRKgk]|[*+?}]\+|\(\*")
"""What WAF refuses in an expression: captures, back references, subroutines, conditions, callouts, atomic
groups, possessive quantifiers. Lookarounds, of which it knows some, are refused here too."""

Sets = Callable[[Any], Sequence[str]]
"""The ranges of the address set that an ``Arn`` refers to."""


@dataclass(frozen=True, slots=True)
class View:
    """What an evaluation needs besides the statement."""

    request: WebRequest
    address_sets: Sets
    body_limit: int


def matches(statement: Mapping[str, Any], view: View) -> bool:
    """Whether ``view.request`` matches ``statement``, which is none of AWS's groups. Raises NotEvaluated."""
    if len(statement) != 1:
        raise NotEvaluated(f"a statement of {len(statement)} kinds")
    ((kind, inner),) = statement.items()
    evaluate = _KINDS.get(kind)
    if evaluate is None:
        raise NotEvaluated(f"statement {kind}")
    return evaluate(inner, view)


def _and(inner: Mapping[str, Any], view: View) -> bool:
    return all(_each(inner, view))


def _or(inner: Mapping[str, Any], view: View) -> bool:
    return any(_each(inner, view))


def _each(inner: Mapping[str, Any], view: View) -> list[bool]:
    """All of them, so that none goes unread; WAF wants two or more."""
    statements = inner["Statements"]
    if len(statements) < 2:
        raise NotEvaluated("AND or OR of fewer than two statements")
    return [matches(item, view) for item in statements]


def _not(inner: Mapping[str, Any], view: View) -> bool:
    return not matches(inner["Statement"], view)


def _regex(inner: Mapping[str, Any], view: View) -> bool:
    """A match anywhere in the component; the expression itself says where it begins and ends."""
    expression = str(inner["RegexString"])
    if len(expression) > REGEX_CHARACTERS_MAX or UNSUPPORTED.search(expression):
        raise NotEvaluated("a regular expression that WAF refuses")
    compiled = re.compile(expression.encode())
    return _some(inner, view, lambda text: compiled.search(text) is not None)


def _bytes(inner: Mapping[str, Any], view: View) -> bool:
    wanted = str(inner["SearchString"]).encode()
    found: Mapping[str, Callable[[bytes], bool]] = {
        "EXACTLY": lambda text: text == wanted,
        "STARTS_WITH": lambda text: text.startswith(wanted),
        "ENDS_WITH": lambda text: text.endswith(wanted),
        "CONTAINS": lambda text: wanted in text,
    }
    constraint = inner["PositionalConstraint"]
    if constraint not in found:
        raise NotEvaluated(f"positional constraint {constraint}")
    return _some(inner, view, found[constraint])


def _size(inner: Mapping[str, Any], view: View) -> bool:
    size = int(inner["Size"])
    compared: Mapping[str, Callable[[int], bool]] = {
        "EQ": lambda length: length == size,
        "NE": lambda length: length != size,
        "LE": lambda length: length <= size,
        "LT": lambda length: length < size,
        "GE": lambda length: length >= size,
        "GT": lambda length: length > size,
    }
    compare = compared[inner["ComparisonOperator"]]
    return _some(inner, view, lambda text: compare(len(text)))


def _some(inner: Mapping[str, Any], view: View, test: Callable[[bytes], bool]) -> bool:
    """Whether ``test`` holds for a text of the component, transformed; or what oversize handling says."""
    found = component(inner["FieldToMatch"], view.request, body_limit=view.body_limit)
    if found.decided is not None:
        return found.decided
    return any(test(transform(text, inner["TextTransformations"])) for text in found.texts)


def _geo(inner: Mapping[str, Any], view: View) -> bool:
    if "ForwardedIPConfig" in inner:
        raise NotEvaluated("a country by a forwarded address")
    return view.request.country in inner["CountryCodes"]


def _addresses(inner: Mapping[str, Any], view: View) -> bool:
    if "IPSetForwardedIPConfig" in inner:
        raise NotEvaluated("an address set against a forwarded address")
    source = ip_address(view.request.source)
    return any(source in ip_network(text) for text in view.address_sets(inner["Arn"]))


def _rate(inner: Mapping[str, Any], view: View) -> bool:
    """More than ``Limit`` requests of the address within the window, this one counted. A statement that
    narrows it narrows both which requests count and which are stopped."""
    if inner["AggregateKeyType"] != "IP" or "CustomKeys" in inner:
        raise NotEvaluated(f"requests counted by {inner['AggregateKeyType']}")
    limit = inner["Limit"]
    # A range is searched from end to end for what is no whole number, and this one is long.
    if (
        inner.get("EvaluationWindowSec", 300) not in WINDOWS_S
        or not isinstance(limit, int)
        or limit not in LIMITS
    ):
        raise NotEvaluated("a limit or a window that WAF refuses")
    narrowed = inner.get("ScopeDownStatement")
    counted = narrowed is None or matches(narrowed, view)
    return counted and view.request.earlier + 1 > limit


_KINDS: Mapping[str, Callable[[Mapping[str, Any], View], bool]] = {
    "AndStatement": _and,
    "OrStatement": _or,
    "NotStatement": _not,
    "RegexMatchStatement": _regex,
    "ByteMatchStatement": _bytes,
    "SizeConstraintStatement": _size,
    "GeoMatchStatement": _geo,
    "IPSetReferenceStatement": _addresses,
    "RateBasedStatement": _rate,
}
