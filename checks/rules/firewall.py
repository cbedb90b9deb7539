"""The web application firewall: in front of the API, blocking, logging, and with rules that can match."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, SHIELDED, Breach, at, rule

ACL = "AWS::WAFv2::WebACL"
STAGE = "AWS::ApiGateway::Stage"

MANAGED_GROUPS = frozenset(
    {
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesAnonymousIpList",
    }
)
RATE = range(10, 20_001)
"""Requests of one address in an evaluation window; below it nobody could pay, above it nobody is stopped."""

RATE_WINDOW_S = frozenset({60, 120, 300, 600})
CAPACITY_MAX = 5000
ADDRESSES_MAX = 1024
"""The widest range of an address set: a /22. Wider is not a partner's network, it is a part of the world."""

COUNTRIES_BLOCKED_MAX = 100


def rules_of(acl: Resource) -> list[tuple[int, Mapping[str, Any]]]:
    """The web ACL's rules with their index."""
    return [(index, item) for index, item in enumerate(acl.items("Rules")) if isinstance(item, Mapping)]


def statements_in(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement inside a rule's statement, nested ones included, with its kind."""
    if isinstance(value, Mapping):
        for kind, inner in value.items():
            if kind.endswith("Statement") and isinstance(inner, Mapping):
                yield kind, inner
            yield from statements_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statements_in(inner)


@rule(
    "HASIVU-WAF-1",
    "PCI DSS 6.4.2",
    "PCI DSS 1.4.1/1.4.2",
    environments=DEPLOYED,
    remedy="Associate a web ACL of the estate with the stage.",
)
def the_api_stands_behind_a_firewall(estate: Estate) -> Iterator[Breach]:
    """Every stage of the API stands behind a web ACL of the estate."""
    guarded: set[Resource] = set()
    for item in estate.of("AWS::WAFv2::WebACLAssociation"):
        if not estate.ours(item, "WebACLArn", ACL):
            yield at(item, "WebACLArn")
        else:
            guarded |= _stages(estate, item)
    for stage in estate.of(STAGE):
        if stage not in guarded:
            yield at(stage, "", shown="no web ACL")


def _stages(estate: Estate, association: Resource) -> set[Resource]:
    text = estate.text(association.get("ResourceArn"), association.stack)
    named = {item for item in estate.targets(text, association.stack) if item.kind == STAGE}
    for stage in estate.of(STAGE):
        api = estate.target(stage.get("RestApiId"), stage.stack)
        if api in estate.targets(text, association.stack) and text.endswith(
            f"/stages/{stage.get('StageName')}"
        ):
            named.add(stage)
    return named


@rule(
    "HASIVU-WAF-2",
    "PCI DSS 6.4.2",
    environments=SHIELDED,
    remedy="Let managed groups act (OverrideAction None) and own rules block; counting stops nobody.",
)
def the_firewall_blocks(estate: Estate) -> Iterator[Breach]:
    """The firewall blocks what it recognises, rather than counting it."""
    for acl in estate.of(ACL):
        for index, item in rules_of(acl):
            if "OverrideAction" in item and set(item["OverrideAction"]) != {"None"}:
                yield at(acl, f"Rules.{index}.OverrideAction")
            if "Action" in item and set(item["Action"]) & {"Count", "Captcha", "Challenge"}:
                yield at(acl, f"Rules.{index}.Action")
            if "Action" not in item and "OverrideAction" not in item:
                yield at(acl, f"Rules.{index}")


@rule(
    "HASIVU-WAF-3",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Keep AWS's groups whole: no excluded rules, no overrides but to block, no scope-down.",
)
def managed_groups_are_all_there_and_whole(estate: Estate) -> Iterator[Breach]:
    """AWS's managed groups are all there, and nothing of them is left out."""
    for acl in estate.of(ACL):
        present = set()
        for index, item in rules_of(acl):
            group = item.get("Statement", {}).get("ManagedRuleGroupStatement")
            if not isinstance(group, Mapping):
                continue
            base = f"Rules.{index}.Statement.ManagedRuleGroupStatement"
            present.add(group.get("Name"))
            if group.get("VendorName") != "AWS":
                yield at(acl, f"{base}.VendorName")
            if group.get("ExcludedRules"):
                yield at(acl, f"{base}.ExcludedRules")
            if group.get("ScopeDownStatement") is not None:
                yield at(acl, f"{base}.ScopeDownStatement")
            for override in group.get("RuleActionOverrides") or []:
                weaker = set(override.get("ActionToUse", {})) & {"Allow", "Count"}
                if weaker and override.get("Name") not in ACCEPTED_OVERRIDES:
                    yield at(acl, f"{base}.RuleActionOverrides", shown=str(override.get("Name")))
        for name in sorted(MANAGED_GROUPS - present):
            yield at(acl, "Rules", shown=f"{name} is missing")


ACCEPTED_OVERRIDES = frozenset({"SizeRestrictions_BODY", "HostingProviderIPList", "NoUserAgent_HEADER"})
"""Rules of AWS's groups that stand in the way of what the platform is for: machines call from hosting
providers, and uploads are larger than 8 KB; rules of our own take their place."""


@rule(
    "HASIVU-WAF-4",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Count by address (or forwarded address), within minutes, and block at a number a flood reaches.",
)
def rate_limits_are_reached_by_a_flood(estate: Estate) -> Iterator[Breach]:
    """There is a rate limit for everything, and each limit is one that a flood reaches."""
    for acl in estate.of(ACL):
        for_everything = False
        for index, item in rules_of(acl):
            limit = item.get("Statement", {}).get("RateBasedStatement")
            if not isinstance(limit, Mapping):
                continue
            base = f"Rules.{index}.Statement.RateBasedStatement"
            if limit.get("Limit") not in RATE:
                yield at(acl, f"{base}.Limit")
            if limit.get("EvaluationWindowSec", 300) not in RATE_WINDOW_S:
                yield at(acl, f"{base}.EvaluationWindowSec")
            if limit.get("AggregateKeyType") not in {"IP", "FORWARDED_IP"}:
                yield at(acl, f"{base}.AggregateKeyType")
            if "Allow" in item.get("Action", {}):
                yield at(acl, f"Rules.{index}.Action")
            for_everything |= limit.get("ScopeDownStatement") is None
        if not for_everything:
            yield at(acl, "Rules", shown="no rate limit for every request")


@rule(
    "HASIVU-WAF-5",
    "PCI DSS 6.4.2",
    "PCI DSS 10.2.1",
    environments=DEPLOYED,
    remedy="Log the web ACL into a log group of the estate, without the header Authorization.",
)
def the_firewall_logs(estate: Estate) -> Iterator[Breach]:
    """What the firewall sees is logged, without credentials, and nothing that it blocks is left out."""
    logged: set[Resource | None] = set()
    for item in estate.of("AWS::WAFv2::LoggingConfiguration"):
        logged.add(estate.target(item.get("ResourceArn"), item.stack))
        if not estate.ours(item, "LogDestinationConfigs", "AWS::Logs::LogGroup", "AWS::S3::Bucket"):
            first = item.get("LogDestinationConfigs.0")
            if estate.target(first, item.stack) is None:
                yield at(item, "LogDestinationConfigs")
        names = {
            str(field.get("SingleHeader", {}).get("Name", "")).lower()
            for field in item.items("RedactedFields")
        }
        if "authorization" not in names:
            yield at(item, "RedactedFields")
        if item.get("LoggingFilter.DefaultBehavior") == "DROP":
            kept = str(item.get("LoggingFilter.Filters"))
            if "BLOCK" not in kept or "KEEP" not in kept:
                yield at(item, "LoggingFilter")
        for index, entry in enumerate(item.items("LoggingFilter.Filters")):
            if entry.get("Behavior") == "DROP" and "BLOCK" in str(entry.get("Conditions")):
                yield at(item, f"LoggingFilter.Filters.{index}")
    for acl in estate.of(ACL):
        if acl not in logged:
            yield at(acl, "", shown="no logging configuration")


@rule(
    "HASIVU-WAF-6",
    "PCI DSS 6.4.2",
    "PCI DSS 1.3.1",
    environments=DEPLOYED,
    remedy="Let no rule allow more than a partner's published addresses on the one path they call.",
)
def nothing_walks_past_the_firewall(estate: Estate) -> Iterator[Breach]:
    """A rule that allows does so for known addresses only, and narrows it to a path."""
    for acl in estate.of(ACL):
        for index, item in rules_of(acl):
            if "Allow" not in item.get("Action", {}):
                continue
            kinds = {kind for kind, _ in statements_in(item.get("Statement"))}
            narrow = "IPSetReferenceStatement" in kinds and kinds & {
                "ByteMatchStatement",
                "RegexMatchStatement",
            }
            if not narrow or "OrStatement" in kinds:
                yield at(acl, f"Rules.{index}.Action")
    for addresses in estate.of("AWS::WAFv2::IPSet"):
        for index, text in enumerate(addresses.items("Addresses")):
            try:
                wide = ipaddress.ip_network(str(text)).num_addresses > ADDRESSES_MAX
            except ValueError:
                wide = True
            if wide:
                yield at(addresses, f"Addresses.{index}")


@rule(
    "HASIVU-WAF-7",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Give every rule its own priority, a statement that can match, and metrics.",
)
def firewall_rules_can_match(estate: Estate) -> Iterator[Breach]:
    """Every rule can match something, is measured, and stands at a place of its own."""
    for acl in estate.of(ACL):
        taken: set[Any] = set()
        for index, item in rules_of(acl):
            if item.get("Priority") in taken:
                yield at(acl, f"Rules.{index}.Priority")
            taken.add(item.get("Priority"))
            if item.get("VisibilityConfig", {}).get("CloudWatchMetricsEnabled") is not True:
                yield at(acl, f"Rules.{index}.VisibilityConfig.CloudWatchMetricsEnabled")
            for kind, statement in statements_in(item.get("Statement")):
                if not _can_match(kind, statement):
                    yield at(acl, f"Rules.{index}.Statement", shown=f"{kind} never matches, or always")
        if acl.get("VisibilityConfig.CloudWatchMetricsEnabled") is not True:
            yield at(acl, "VisibilityConfig.CloudWatchMetricsEnabled")


def _can_match(kind: str, statement: Mapping[str, Any]) -> bool:
    if kind == "SizeConstraintStatement":
        size = statement.get("Size")
        return (
            statement.get("ComparisonOperator") in {"GT", "GE"}
            and isinstance(size, int)
            and 1024 <= size <= 65_536
        )
    if kind == "GeoMatchStatement":
        codes = statement.get("CountryCodes") or []
        return 0 < len(codes) <= COUNTRIES_BLOCKED_MAX
    if kind == "ByteMatchStatement":
        return bool(statement.get("SearchString") or statement.get("SearchStringBase64"))
    return True


@rule(
    "HASIVU-WAF-8",
    "PCI DSS 6.4.2",
    "RBI 2018-04-06",
    remedy="Use a regional web ACL; its default action is to allow what no rule blocked, or to block.",
)
def the_firewall_is_regional(estate: Estate) -> Iterator[Breach]:
    """The web ACL is regional, and lets the platform's own guests in by default."""
    for acl in estate.of(ACL, "AWS::WAFv2::IPSet"):
        if acl.get("Scope") != "REGIONAL":
            yield at(acl, "Scope")
    for acl in estate.of(ACL):
        for name in acl.get("CustomResponseBodies") or {}:
            if "$" in str(acl.get(f"CustomResponseBodies.{name}.Content")):
                yield at(acl, f"CustomResponseBodies.{name}")


@rule(
    "HASIVU-WAF-9",
    "PCI DSS 6.4.2",
    environments=SHIELDED,
    remedy="Let the geo rule block every country but India (Not GeoMatch IN).",
)
def the_geo_rule_keeps_india(estate: Estate) -> Iterator[Breach]:
    """India is never blocked, and a rule about countries names India."""
    for acl in estate.of(ACL):
        for index, item in rules_of(acl):
            found = [s for kind, s in statements_in(item.get("Statement")) if kind == "GeoMatchStatement"]
            negated = any(kind == "NotStatement" for kind, _ in statements_in(item.get("Statement")))
            for statement in found:
                if ("IN" in (statement.get("CountryCodes") or [])) is not negated and "Block" in item.get(
                    "Action", {}
                ):
                    yield at(acl, f"Rules.{index}.Statement")
