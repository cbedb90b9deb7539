"""The web application firewall: in front of the API and the user pool, blocking, logging, with rules that can
match."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, SHIELDED, Breach, at, rule

ACL, IP_SET = "AWS::WAFv2::WebACL", "AWS::WAFv2::IPSet"
STAGE, USER_POOL = "AWS::ApiGateway::Stage", "AWS::Cognito::UserPool"
ENVIRONMENTS = Path(__file__).resolve().parents[2] / "environments"

MANAGED_GROUPS = frozenset(
    {
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesAnonymousIpList",
    }
)
AT_THE_USER_POOL = frozenset(
    {"AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesAmazonIpReputationList"}
)
"""Cognito shows WAF nothing that the other groups could look at."""

ACCEPTED_OVERRIDES = frozenset({"SizeRestrictions_BODY", "HostingProviderIPList"})
"""Rules of AWS's groups that stand in the way of what the platform is for: back offices call from hosting
providers, and bodies are larger than 8 KB; a rule of our own draws that line."""

RATE = range(10, 20_001)
"""Requests of one address in the window; below it nobody could pay, above it nobody is stopped."""

RATE_WINDOW_S = 300
"""What the environments' limits count in."""

COUNTRIES_MAX = 50
ADDRESSES_MAX = 1024
"""The widest range of an address set: a /22. Wider is not a partner's network, it is a part of the world."""

TEXT_FORMS = frozenset({"NONE", "LOWERCASE", "URL_DECODE", "URL_DECODE_UNI", "NORMALIZE_PATH"})

LOG_GROUP_PREFIX = "aws-waf-logs-"
REDACTED = frozenset({"header authorization", "header cookie", "query"})
"""Credentials; the query has WhatsApp's verify token."""


def environment_document(environment: str) -> Mapping[str, Any]:
    """The environment's file, as it was written."""
    return tomllib.loads((ENVIRONMENTS / f"{environment}.toml").read_text(encoding="utf-8"))


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


def associations(estate: Estate) -> Iterator[tuple[Resource, Resource]]:
    """Each web ACL of the estate with each stage or user pool that it stands before."""
    for item in estate.of("AWS::WAFv2::WebACLAssociation"):
        acl = estate.target(item.get("WebACLArn"), item.stack)
        if acl is None or acl.kind != ACL:
            continue
        text = estate.text(item.get("ResourceArn"), item.stack)
        named = estate.targets(text, item.stack)
        for found in estate.of(STAGE):
            api = estate.target(found.get("RestApiId"), found.stack)
            if found in named or (api in named and text.endswith(f"/stages/{found.get('StageName')}")):
                yield acl, found
        yield from ((acl, found) for found in named if found.kind == USER_POOL)


def addresses_of(estate: Estate, acl: Resource, value: Any) -> Sequence[str]:
    """The ranges of the address set that ``value`` of ``acl`` refers to. LookupError if it is not ours."""
    found = estate.target(value, acl.stack)
    if found is None or found.kind != IP_SET:
        raise LookupError("an address set of somebody else")
    return [str(text) for text in found.items("Addresses")]


@rule(
    "HASIVU-WAF-1",
    "PCI DSS 6.4.2",
    "PCI DSS 1.4.1/1.4.2",
    environments=DEPLOYED,
    remedy="Associate a web ACL of the estate with the stage, and one with the user pool.",
)
def all_that_is_open_stands_behind_a_firewall(estate: Estate) -> Iterator[Breach]:
    """Every stage of the API and every user pool stands behind a web ACL of the estate."""
    for item in estate.of("AWS::WAFv2::WebACLAssociation"):
        if not estate.ours(item, "WebACLArn", ACL):
            yield at(item, "WebACLArn")
    guarded = {found for _, found in associations(estate)}
    for found in estate.of(STAGE, USER_POOL):
        if found not in guarded:
            yield at(found, "", shown="no web ACL")


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
    remedy="Keep AWS's groups whole and current: no version, no excluded rules, no overrides but to block.",
)
def managed_groups_are_all_there_and_whole(estate: Estate) -> Iterator[Breach]:
    """AWS's managed groups are all there, and nothing of them is left out."""
    at_the_user_pool = {acl for acl, found in associations(estate) if found.kind == USER_POOL}
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
            for name in ("ExcludedRules", "Version", "ManagedRuleGroupConfigs"):
                if group.get(name):
                    yield at(acl, f"{base}.{name}")
            for override in group.get("RuleActionOverrides") or []:
                action, name = set(override.get("ActionToUse", {})), override.get("Name")
                if action != {"Block"} and not (action == {"Count"} and name in ACCEPTED_OVERRIDES):
                    yield at(acl, f"{base}.RuleActionOverrides", shown=str(name))
        needed = AT_THE_USER_POOL if acl in at_the_user_pool else MANAGED_GROUPS
        for name in sorted(needed - present):
            yield at(acl, "Rules", shown=f"{name} is missing")


@rule(
    "HASIVU-WAF-4",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Count by the address itself, within five minutes, and stop at a number that a flood reaches.",
)
def rate_limits_are_reached_by_a_flood(estate: Estate) -> Iterator[Breach]:
    """A web ACL has rate limits, and each is one that a flood from one address reaches."""
    for acl in estate.of(ACL):
        limited = False
        for index, item in rules_of(acl):
            limit = item.get("Statement", {}).get("RateBasedStatement")
            if not isinstance(limit, Mapping):
                continue
            limited = True
            base = f"Rules.{index}.Statement.RateBasedStatement"
            if limit.get("Limit") not in RATE:
                yield at(acl, f"{base}.Limit")
            if limit.get("EvaluationWindowSec", RATE_WINDOW_S) != RATE_WINDOW_S:
                yield at(acl, f"{base}.EvaluationWindowSec")
            if limit.get("AggregateKeyType") != "IP" or limit.get("CustomKeys"):
                yield at(acl, f"{base}.AggregateKeyType")
        if not limited:
            yield at(acl, "Rules", shown="no rate limit")


@rule(
    "HASIVU-WAF-5",
    "PCI DSS 6.4.2",
    "PCI DSS 10.2.1",
    "GDPR 5(1)(c)",
    environments=DEPLOYED,
    remedy="Log into an encrypted log group of the estate; redact Authorization, Cookie and query.",
)
def the_firewall_logs(estate: Estate) -> Iterator[Breach]:
    """All that the firewall objects to is logged, and neither credentials nor whoever merely passes."""
    logged: set[Resource | None] = set()
    for item in estate.of("AWS::WAFv2::LoggingConfiguration"):
        logged.add(estate.target(item.get("ResourceArn"), item.stack))
        destinations = item.items("LogDestinationConfigs")
        for index, destination in enumerate(destinations):
            group = estate.target(destination, item.stack)
            if (
                group is None
                or group.kind != "AWS::Logs::LogGroup"
                or not str(group.get("LogGroupName")).startswith(LOG_GROUP_PREFIX)
                or group.get("KmsKeyId") is None
            ):
                yield at(item, f"LogDestinationConfigs.{index}")
        if not destinations:
            yield at(item, "LogDestinationConfigs")
        if missing := REDACTED - {_redacted(field) for field in item.items("RedactedFields")}:
            yield at(item, "RedactedFields", shown=f"{', '.join(sorted(missing))} is not redacted")
        if not _keeps_objections(item):
            yield at(item, "LoggingFilter")
    for acl in estate.of(ACL):
        if acl not in logged:
            yield at(acl, "", shown="no logging configuration")


def _redacted(field: Mapping[str, Any]) -> str:
    header = field.get("SingleHeader")
    if isinstance(header, Mapping):
        return f"header {str(header.get('Name')).lower()}"
    return "query" if "QueryString" in field else ""


def _keeps_objections(item: Resource) -> bool:
    """Whether the filter keeps what was blocked or counted, whichever rule it was, and drops the rest."""
    kept = {
        condition.get("ActionCondition", {}).get("Action")
        for entry in item.items("LoggingFilter.Filters")
        if entry.get("Behavior") == "KEEP" and entry.get("Requirement") == "MEETS_ANY"
        for condition in entry.get("Conditions") or []
    }
    dropping = [entry for entry in item.items("LoggingFilter.Filters") if entry.get("Behavior") != "KEEP"]
    return (
        item.get("LoggingFilter.DefaultBehavior") == "DROP"
        and {"BLOCK", "COUNT"} <= kept <= OBJECTIONS
        and not dropping
    )


OBJECTIONS = frozenset({"BLOCK", "CAPTCHA", "CHALLENGE", "COUNT", "EXCLUDED_AS_COUNT"})
"""What a firewall does to a request that it does not simply let pass, as its log names it."""


@rule(
    "HASIVU-WAF-6",
    "PCI DSS 6.4.2",
    "PCI DSS 1.3.1",
    environments=DEPLOYED,
    remedy="Let no rule allow; keep the address sets to what the environment's file says.",
)
def nothing_walks_past_the_firewall(estate: Estate) -> Iterator[Breach]:
    """No rule allows, for what it allows no later rule sees, and address sets hold known addresses only."""
    for acl in estate.of(ACL):
        for index, item in rules_of(acl):
            if "Allow" in item.get("Action", {}):
                yield at(acl, f"Rules.{index}.Action")
    document = environment_document(estate.environment)
    known = [ip_network(text) for text in document["razorpay"]["webhook_sources"]]
    for addresses in estate.of(IP_SET):
        for index, text in enumerate(addresses.items("Addresses")):
            if not _is_known(str(text), known):
                yield at(addresses, f"Addresses.{index}")


def _is_known(text: str, known: Sequence[Any]) -> bool:
    try:
        found = ip_network(text)
    except ValueError:
        return False
    return found.num_addresses <= ADDRESSES_MAX and any(
        found.version == other.version and found.subnet_of(other) for other in known
    )


@rule(
    "HASIVU-WAF-7",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Give every rule its own priority, a statement that can match, and metrics; take no samples.",
)
def firewall_rules_can_match(estate: Estate) -> Iterator[Breach]:
    """Every rule can match something, stands at a place of its own, and is counted but never sampled."""
    for acl in estate.of(ACL):
        taken: set[Any] = set()
        yield from _visibility(acl, "VisibilityConfig")
        for index, item in rules_of(acl):
            if item.get("Priority") in taken:
                yield at(acl, f"Rules.{index}.Priority")
            taken.add(item.get("Priority"))
            yield from _visibility(acl, f"Rules.{index}.VisibilityConfig")
            for kind, statement in statements_in(item.get("Statement")):
                if not _can_match(kind, statement):
                    yield at(acl, f"Rules.{index}.Statement", shown=f"{kind} never matches, or always")


def _visibility(acl: Resource, path: str) -> Iterator[Breach]:
    if acl.get(f"{path}.CloudWatchMetricsEnabled") is not True:
        yield at(acl, f"{path}.CloudWatchMetricsEnabled")
    # Samples show headers and queries as they came: what the log redacts, they do not.
    if acl.get(f"{path}.SampledRequestsEnabled") is not False:
        yield at(acl, f"{path}.SampledRequestsEnabled")


def _can_match(kind: str, statement: Mapping[str, Any]) -> bool:
    if "FieldToMatch" in statement:
        # Whoever matches text must say in which form: without, another spelling walks past.
        forms = statement.get("TextTransformations") or []
        if not forms or any(form.get("Type") not in TEXT_FORMS for form in forms):
            return False
    if kind == "RegexMatchStatement" and not statement.get("RegexString"):
        return False
    if kind == "SizeConstraintStatement":
        size = statement.get("Size")
        field = statement.get("FieldToMatch") or {}
        cut = [inner for name, inner in field.items() if name in {"Body", "JsonBody", "Headers", "Cookies"}]
        return (
            statement.get("ComparisonOperator") in {"GT", "GE"}
            and isinstance(size, int)
            and 1024 <= size <= 65_536
            and all(inner.get("OversizeHandling") == "MATCH" for inner in cut)
        )
    if kind == "GeoMatchStatement":
        codes = statement.get("CountryCodes") or []
        return 0 < len(codes) <= COUNTRIES_MAX
    if kind == "ByteMatchStatement":
        return bool(statement.get("SearchString") or statement.get("SearchStringBase64"))
    return True


@rule(
    "HASIVU-WAF-8",
    "PCI DSS 6.4.2",
    "RBI 2018-04-06",
    remedy="Use a regional web ACL whose default action is to allow what no rule blocked.",
)
def the_firewall_is_regional(estate: Estate) -> Iterator[Breach]:
    """The web ACL is regional, and lets in whom no rule keeps out."""
    for item in estate.of(ACL, IP_SET):
        if item.get("Scope") != "REGIONAL":
            yield at(item, "Scope")
    for acl in estate.of(ACL):
        if acl.get("DefaultAction") != {"Allow": {}}:
            yield at(acl, "DefaultAction")


@rule(
    "HASIVU-WAF-9",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Let one rule block every country but those of the environment's file (Not GeoMatch).",
)
def the_geo_rule_keeps_india(estate: Estate) -> Iterator[Breach]:
    """A rule keeps out every country but those that are served, and India is served."""
    served = sorted(environment_document(estate.environment)["firewall"]["countries"])
    for acl in estate.of(ACL):
        found = [
            (index, sorted(statement.get("CountryCodes") or []))
            for index, item in rules_of(acl)
            for kind, statement in statements_in(item.get("Statement"))
            if kind == "GeoMatchStatement"
        ]
        for index, codes in found:
            if codes != served or "IN" not in codes or not _negated(acl.get(f"Rules.{index}.Statement")):
                yield at(acl, f"Rules.{index}.Statement", shown=", ".join(map(str, codes)))
        if not found:
            yield at(acl, "Rules", shown="no rule about countries")


def _negated(statement: Any) -> bool:
    """Whether the country is asked for inside of a NOT that has nothing else in it."""
    return any(
        kind == "NotStatement" and set(inner.get("Statement", {})) == {"GeoMatchStatement"}
        for kind, inner in statements_in(statement)
    )
