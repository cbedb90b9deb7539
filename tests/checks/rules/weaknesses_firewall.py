"""Planted: what gets past the firewall, keeps it from acting, or from being seen to act."""

from collections.abc import Callable
from typing import Any

from tests.checks.rules.planting import Body, Weakness, add, drop, each, every, put

ACL, IP_SET = "AWS::WAFv2::WebACL", "AWS::WAFv2::IPSet"
ASSOCIATION, LOGGING = "AWS::WAFv2::WebACLAssociation", "AWS::WAFv2::LoggingConfiguration"
STAGE, POOL = "AWS::ApiGateway::Stage", "AWS::Cognito::UserPool"
ALLOW_ALL = {
    "Name": "all",
    "Priority": -1,
    "Action": {"Allow": {}},
    "Statement": {"GeoMatchStatement": {"CountryCodes": ["IN"]}},
    "VisibilityConfig": {"CloudWatchMetricsEnabled": True, "SampledRequestsEnabled": False},
}
LABELLED = {"Name": "hasivu:webhook"}


def before_the_api(properties: Any) -> bool:
    return any(rule["Name"] == "webhook-source" for rule in properties["Rules"])


def at_the_pool(properties: Any) -> bool:
    return not before_the_api(properties)


def of_the_stage(properties: Any) -> bool:
    return "/stages/" in str(properties["ResourceArn"])


def of_the_pool(properties: Any) -> bool:
    return not of_the_stage(properties)


def acl(rule_id: str, title: str, change: Any, where: Any = before_the_api) -> Weakness:
    return Weakness(rule_id, title, ACL, change, where)


def sign_in(rule_id: str, title: str, change: Any) -> Weakness:
    return acl(rule_id, title, change, at_the_pool)


def in_rule(name: str, change: Callable[[Body], None]) -> Any:
    """Change the rule ``name``, as if its members were properties."""

    def changed(body: Body) -> None:
        (rule,) = (item for item in body["Properties"]["Rules"] if item["Name"] == name)
        change({"Properties": rule})

    return changed


def group(change: Callable[[Body], None]) -> Any:
    """Change the statement of AWS's first group."""

    def changed(body: Body) -> None:
        rule = next(item for item in body["Properties"]["Rules"] if "OverrideAction" in item)
        change({"Properties": rule["Statement"]["ManagedRuleGroupStatement"]})

    return changed


def without(name: str) -> Any:
    """Take the rule ``name`` away; AWS's are named by their group."""

    def changed(body: Body) -> None:
        kept = [
            item
            for item in body["Properties"]["Rules"]
            if name not in {item["Name"], item["Statement"].get("ManagedRuleGroupStatement", {}).get("Name")}
        ]
        assert len(kept) < len(body["Properties"]["Rules"])
        body["Properties"]["Rules"] = kept

    return changed


def everywhere(change: Callable[[Body], None]) -> Any:
    """Change every statement of ours that looks at a text, as if its members were properties."""

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "TextTransformations" in value:
                change({"Properties": value})
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    return lambda body: walk(body["Properties"]["Rules"])


def own_rules_count(body: Body) -> None:
    for item in body["Properties"]["Rules"]:
        if "Action" in item:
            item["Action"] = {"Count": {}}


def last_first(body: Body) -> None:
    rules = body["Properties"]["Rules"]
    for place, item in enumerate(reversed(rules)):
        item["Priority"] = place


def swapped(one: str, other: str) -> Any:
    def change(body: Body) -> None:
        first, second = (
            next(item for item in body["Properties"]["Rules"] if item["Name"] == name)
            for name in (one, other)
        )
        first["Priority"], second["Priority"] = second["Priority"], first["Priority"]

    return change


def loose(body: Body) -> None:
    """What opens matches anywhere in the path instead of the whole of it."""
    statement = body["Properties"]
    expression = statement.get("RegexString", "")
    if "webhooks/(?:" in expression:
        statement["RegexString"] = "/webhooks/(?:razorpay|whatsapp)"


def inverted(body: Body) -> None:
    statement = body["Properties"]["Statement"]["AndStatement"]["Statements"]
    statement[0] = statement[0]["NotStatement"]["Statement"]


def never(body: Body) -> None:
    body["Properties"]["Statement"]["RateBasedStatement"]["ScopeDownStatement"] = {
        "ByteMatchStatement": {
            "SearchString": "/nowhere",
            "PositionalConstraint": "EXACTLY",
            "FieldToMatch": {"UriPath": {}},
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
        }
    }


def any_source(body: Body) -> None:
    """The rule that keeps forged events out asks for the path alone, of a caller from nowhere."""
    statement = body["Properties"]["Statement"]["AndStatement"]["Statements"]
    statement[1] = {"GeoMatchStatement": {"CountryCodes": ["AQ"]}}


def exactly(body: Body) -> None:
    statement = body["Properties"]["Statement"]["AndStatement"]["Statements"][0]["RegexMatchStatement"]
    statement["RegexString"] = "/webhooks/razorpay$"


def continuing(body: Body) -> None:
    field = body["Properties"].get("FieldToMatch", {})
    for name in ("Body", "Headers"):
        if name in field:
            field[name]["OversizeHandling"] = "CONTINUE"


RATE = "Statement.RateBasedStatement"
FILTER = "LoggingFilter.Filters.0"
SAID = "Action.Block.CustomResponse"

BEFORE_IT = (
    Weakness(
        "HASIVU-WAF-1",
        "no firewall before the API",
        ASSOCIATION,
        gone=True,
        where=of_the_stage,
        witness=STAGE,
    ),
    Weakness(
        "HASIVU-WAF-1",
        "no firewall before the user pool",
        ASSOCIATION,
        gone=True,
        where=of_the_pool,
        witness=POOL,
    ),
    Weakness(
        "HASIVU-WAF-1",
        "somebody else's firewall",
        ASSOCIATION,
        put("WebACLArn", "arn:aws:wafv2:ap-south-1:1:regional/webacl/other/1"),
        witness=STAGE,
    ),
    Weakness(
        "HASIVU-WAF-1",
        "before another stage",
        ASSOCIATION,
        put("ResourceArn", "arn:aws:apigateway:ap-south-1::/restapis/abc/stages/test"),
        where=of_the_stage,
        witness=STAGE,
    ),
    acl("HASIVU-WAF-8", "a firewall elsewhere", put("Scope", "CLOUDFRONT")),
    acl("HASIVU-WAF-8", "nobody is let in", put("DefaultAction", {"Block": {}})),
)

ACTING = (
    acl("HASIVU-WAF-2", "AWS's rules only count", each("Rules", "OverrideAction", {"Count": {}})),
    acl("HASIVU-WAF-2", "our rules only count", own_rules_count),
    sign_in("HASIVU-WAF-2", "at the user pool they only count", own_rules_count),
    acl("HASIVU-WAF-2", "one rule only counts", in_rule("payments", put("Action", {"Count": {}}))),
    acl("HASIVU-WAF-2", "a riddle instead", in_rule("requests", put("Action", {"Challenge": {}}))),
    acl("HASIVU-WAF-3", "a group is missing", without("AWSManagedRulesSQLiRuleSet")),
    sign_in("HASIVU-WAF-3", "no list of addresses", without("AWSManagedRulesAmazonIpReputationList")),
    acl("HASIVU-WAF-3", "a rule is excluded", group(put("ExcludedRules", [{"Name": "SQLi_BODY"}]))),
    acl(
        "HASIVU-WAF-3",
        "a rule of a group only counts",
        group(
            put("RuleActionOverrides", [{"Name": "AWSManagedIPReputationList", "ActionToUse": {"Count": {}}}])
        ),
    ),
    acl(
        "HASIVU-WAF-3",
        "a rule of a group lets past all that are behind it",
        group(put("RuleActionOverrides", [{"Name": "HostingProviderIPList", "ActionToUse": {"Allow": {}}}])),
    ),
    acl("HASIVU-WAF-3", "a group of yesterday", group(put("Version", "Version_1.0"))),
    acl("HASIVU-WAF-3", "somebody else's group", group(put("VendorName", "Other"))),
    acl("HASIVU-WAF-6", "everybody walks past", add("Rules", ALLOW_ALL)),
    acl("HASIVU-WAF-6", "events walk past", in_rule("webhook-source", put("Action", {"Allow": {}}))),
    Weakness(
        "HASIVU-WAF-6", "the whole world is a partner", IP_SET, put("Addresses", ["0.0.0.0/1", "128.0.0.0/1"])
    ),
    Weakness("HASIVU-WAF-6", "a range twice as wide", IP_SET, put("Addresses", ["18.96.224.0/25"])),
    Weakness("HASIVU-WAF-6", "a stranger among them", IP_SET, add("Addresses", "198.51.100.7/32")),
    acl("HASIVU-WAF-7", "two at one place", each("Rules", "Priority", 1)),
    acl(
        "HASIVU-WAF-7",
        "bodies of a gigabyte",
        in_rule("body-size", put("Statement.AndStatement.Statements.0.SizeConstraintStatement.Size", 10**9)),
    ),
    acl("HASIVU-WAF-7", "what is not shown is fine", everywhere(continuing)),
    acl("HASIVU-WAF-7", "not counted", each("Rules", "VisibilityConfig", {"MetricName": "m"})),
    acl("HASIVU-WAF-7", "samples with tokens", put("VisibilityConfig.SampledRequestsEnabled", True)),
)

LIMITS = (
    acl("HASIVU-WAF-4", "a billion requests", in_rule("requests", put(f"{RATE}.Limit", 10**9))),
    acl("HASIVU-WAF-4", "counted together", in_rule("requests", put(f"{RATE}.AggregateKeyType", "CONSTANT"))),
    acl(
        "HASIVU-WAF-4",
        "counted by what the caller says",
        in_rule(
            "payments",
            every(
                put(f"{RATE}.AggregateKeyType", "CUSTOM_KEYS"),
                put(f"{RATE}.CustomKeys", [{"Header": {"Name": "x-client", "TextTransformations": []}}]),
            ),
        ),
    ),
    acl("HASIVU-WAF-4", "within a minute", in_rule("payments", put(f"{RATE}.EvaluationWindowSec", 60))),
    sign_in("HASIVU-WAF-4", "a billion passwords", in_rule("sign-in", put(f"{RATE}.Limit", 10**9))),
    sign_in("HASIVU-WAF-4", "no limit", every(without("requests"), without("sign-in"))),
    acl("HASIVU-WAF-10", "no limit for money", without("payments")),
    acl("HASIVU-WAF-10", "no limit for everything", without("requests")),
    sign_in("HASIVU-WAF-10", "no limit for passwords", without("sign-in")),
    acl("HASIVU-WAF-10", "one payment more", in_rule("payments", put(f"{RATE}.Limit", 301))),
    acl("HASIVU-WAF-10", "one payment less", in_rule("payments", put(f"{RATE}.Limit", 299))),
    acl("HASIVU-WAF-10", "money that moves nowhere", in_rule("payments", never)),
    acl("HASIVU-WAF-10", "a flood from nowhere", in_rule("requests", never)),
    acl("HASIVU-WAF-10", "Razorpay is limited too", in_rule("requests", drop(f"{RATE}.ScopeDownStatement"))),
)

GETTING_PAST = (
    acl("HASIVU-WAF-10", "events from anywhere", without("webhook-source")),
    acl("HASIVU-WAF-10", "events from anywhere but Antarctica", in_rule("webhook-source", any_source)),
    acl("HASIVU-WAF-10", "a slash at the end", in_rule("webhook-source", exactly)),
    acl(
        "HASIVU-WAF-10",
        "spelt with percent signs",
        everywhere(put("TextTransformations", [{"Priority": 0, "Type": "LOWERCASE"}])),
    ),
    acl(
        "HASIVU-WAF-10",
        "spelt in capitals",
        everywhere(
            put(
                "TextTransformations",
                [{"Priority": 0, "Type": "URL_DECODE"}, {"Priority": 1, "Type": "NORMALIZE_PATH"}],
            )
        ),
    ),
    acl(
        "HASIVU-WAF-10",
        "a transformation that nobody knows here",
        everywhere(put("TextTransformations", [{"Priority": 0, "Type": "CMD_LINE"}])),
    ),
    acl("HASIVU-WAF-10", "what opens, opens widely", everywhere(loose)),
    acl("HASIVU-WAF-10", "the whole world but India", in_rule("country", inverted)),
    acl("HASIVU-WAF-10", "large bodies", without("body-size")),
    acl("HASIVU-WAF-10", "long paths and queries", without("target-size")),
    acl("HASIVU-WAF-10", "large headers", without("header-size")),
    acl("HASIVU-WAF-10", "a part of the body is enough", drop("AssociationConfig")),
    acl("HASIVU-WAF-10", "the last is first", last_first),
    acl("HASIVU-WAF-10", "another rule answers for events", swapped("webhook-source", "country")),
    acl("HASIVU-WAF-10", "labels", in_rule("webhook-source", put("RuleLabels", [LABELLED]))),
    acl(
        "HASIVU-WAF-10",
        "a group that sees nobody",
        group(put("ScopeDownStatement", {"GeoMatchStatement": {"CountryCodes": ["AQ"]}})),
    ),
    Weakness(
        "HASIVU-WAF-10", "Razorpay is a stranger", IP_SET, put("Addresses", ["18.96.225.0/27"]), witness=ACL
    ),
    acl("HASIVU-WAF-9", "the rule about countries is gone", without("country")),
    sign_in("HASIVU-WAF-9", "passwords from anywhere", without("country")),
    acl("HASIVU-WAF-9", "the geo rule is inverted", in_rule("country", inverted)),
    sign_in(
        "HASIVU-WAF-9",
        "more countries than are served",
        in_rule(
            "country",
            put("Statement.NotStatement.Statement.GeoMatchStatement.CountryCodes", ["IN", "US"]),
        ),
    ),
    acl(
        "HASIVU-WAF-11",
        "more than the price includes",
        in_rule(
            "requests",
            put(
                f"{RATE}.ScopeDownStatement",
                {
                    "OrStatement": {
                        "Statements": [
                            {
                                "ByteMatchStatement": {
                                    "SearchString": "x",
                                    "PositionalConstraint": "CONTAINS",
                                    "FieldToMatch": {"UriPath": {}},
                                    "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}],
                                }
                            }
                        ]
                        * 30
                    }
                },
            ),
        ),
    ),
)

SEEN = (
    Weakness("HASIVU-WAF-5", "nothing is written down", LOGGING, gone=True, witness=ACL),
    Weakness("HASIVU-WAF-5", "credentials are written down", LOGGING, drop("RedactedFields")),
    Weakness("HASIVU-WAF-5", "cookies are written down", LOGGING, drop("RedactedFields.1")),
    Weakness("HASIVU-WAF-5", "queries are written down", LOGGING, drop("RedactedFields.2")),
    Weakness("HASIVU-WAF-5", "everybody is written down", LOGGING, drop("LoggingFilter")),
    Weakness(
        "HASIVU-WAF-5",
        "blocked ones are left out",
        LOGGING,
        put("LoggingFilter", {"DefaultBehavior": "DROP", "Filters": []}),
    ),
    Weakness("HASIVU-WAF-5", "kept becomes dropped", LOGGING, put(f"{FILTER}.Behavior", "DROP")),
    Weakness(
        "HASIVU-WAF-5",
        "who is blocked and counted at once",
        LOGGING,
        put(f"{FILTER}.Requirement", "MEETS_ALL"),
    ),
    Weakness(
        "HASIVU-WAF-5",
        "somebody else's log",
        LOGGING,
        put("LogDestinationConfigs", ["arn:aws:logs:ap-south-1:1:log-group:aws-waf-logs-other"]),
    ),
    acl(
        "HASIVU-WAF-12",
        "read by every page",
        in_rule(
            "country",
            put(f"{SAID}.ResponseHeaders", [{"Name": "Access-Control-Allow-Origin", "Value": "*"}]),
        ),
    ),
    acl("HASIVU-WAF-12", "sent elsewhere", in_rule("country", put(f"{SAID}.ResponseCode", 302))),
    acl("HASIVU-WAF-12", "as if nothing were", in_rule("country", put(f"{SAID}.ResponseCode", 200))),
    acl(
        "HASIVU-WAF-12",
        "an answer that does not exist",
        in_rule("country", put(f"{SAID}.CustomResponseBodyKey", "x")),
    ),
    acl(
        "HASIVU-WAF-12",
        "a header about us",
        in_rule("country", put(f"{SAID}.ResponseHeaders", [{"Name": "X-Rule", "Value": "country"}])),
    ),
    acl(
        "HASIVU-WAF-12",
        "the inside in an answer",
        put(
            "CustomResponseBodies.told",
            {"ContentType": "APPLICATION_JSON", "Content": '{"rule": "webhook-source of ${acl}"}'},
        ),
    ),
    acl(
        "HASIVU-WAF-12",
        "a page of somebody's",
        put("CustomResponseBodies.page", {"ContentType": "TEXT_HTML", "Content": "<script>x</script>"}),
    ),
)

WEAKNESSES = BEFORE_IT + ACTING + LIMITS + GETTING_PAST + SEEN
