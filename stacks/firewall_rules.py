"""The rules of the two web ACLs, in the order in which a request meets them.

No rule allows: what one would let through, the rules behind it would never see. A request passes when none of
them blocks it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_wafv2 as wafv2

from stacks.api_contract import Operation
from stacks.environment import Firewall
from stacks.firewall_answers import (
    ADDRESS_THROTTLED,
    COUNTRY_REFUSED,
    HEADERS_TOO_LARGE,
    TARGET_TOO_LONG,
    custom_response,
)
from stacks.firewall_statements import (
    Acl,
    Statement,
    all_of,
    any_of,
    header,
    larger_body,
    larger_headers,
    longer_path,
    longer_query,
    managed,
    method,
    more_than,
    not_,
    path_as_sent,
    plain_path,
    sent_from,
    within,
)
from stacks.gateway_responses import BODY_TOO_LARGE, FIREWALL_REFUSED, GatewayAnswer

WINDOW_S = 300
"""The environment's limits count requests within five minutes."""

BODY_BYTES_MAX = 65_536
"""What the runtime takes (``runtime/platform/api.py``), and all that WAF can be shown of a body."""

PATH_BYTES_MAX, QUERY_BYTES_MAX = 1_024, 2_048
"""Where AWS's common group draws the line too; ours says why, and also where that group does not look."""

RAZORPAY_WEBHOOK = "/v1/webhooks/razorpay"
WEBHOOKS = "/v1/webhooks/(?:razorpay|whatsapp)"
HEALTH = "/health"

MONEY_FUNCTIONS = frozenset(
    {"payments-advanced", "payments-manage-methods", "payments-retry", "subscription-management"}
)
"""The functions whose writing operations move money, or say how and from where it will move."""

WRITING = ("POST", "PUT", "PATCH", "DELETE")

GUESSES = (
    "initiateauth|respondtoauthchallenge|(?:confirm)?(?:forgotpassword|signup)|resendconfirmationcode"
    "|changepassword|verif(?:ysoftwaretoken|yuserattribute)"
)
"""Cognito's public operations with which a password or a code is tried, set or sent; in lower case."""

WEBHOOK_SOURCE = "webhook-source"
"""The rule that keeps forged events out. An alarm counts what it blocks."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of ours, with its answer, or one of AWS's groups, which has none of its own.

    ``answer`` is None for a rule of ours where nobody hears it: at the user pool.
    """

    name: str
    statement: Statement
    answer: GatewayAnswer | None = None
    of_aws: bool = False


def money_collections(operations: Iterable[Operation]) -> list[str]:
    """The collections (``payments``) below ``/v1/`` under which writing moves money, sorted."""
    return sorted(
        {
            operation.path.split("/")[2]
            for operation in operations
            if operation.function in MONEY_FUNCTIONS and operation.method.upper() in WRITING
        }
    )


def api_rules(
    limits: Firewall, *, razorpay: Sequence[wafv2.CfnIPSet], collections: Sequence[str]
) -> list[Rule]:
    """What the API's callers meet. Money moves by writing to one of ``collections``.

    1. Events of Razorpay from elsewhere: first, so that no other rule answers for one, and each is counted.
       The match is wide: API Gateway also takes the path with a slash at its end or a letter as ``%72``.
    2. Other countries: the address alone decides, and most noise ends here. The providers call from
       anywhere, and so do those who watch whether we are up.
    3. Limits, before anything that looks inside, so that an address pays for what a later rule blocks too.
       Razorpay's own events are not limited: some addresses send those of every school, and Razorpay
       switches a webhook off that does not answer for a day. WhatsApp's addresses are not known, and it
       sends again for seven days: its events are limited like everybody's.
    4. Sizes, before AWS's groups, so that none of them is shown a part only.
    5. AWS's lists of addresses, then its groups, cheap ones first. Those that look inside do not see the
       providers' events: what a parent writes (into a name, a message) must not make an event one that is
       blocked, sent again for a day, and takes the webhook with it. Their signature is checked instead.
    """
    event_of_razorpay = all_of(path_as_sent(RAZORPAY_WEBHOOK), sent_from(razorpay))
    event = path_as_sent(WEBHOOKS)
    return [
        Rule(
            WEBHOOK_SOURCE,
            all_of(plain_path("/webhooks/razorpay"), not_(sent_from(razorpay))),
            FIREWALL_REFUSED,
        ),
        Rule(
            "country",
            all_of(
                not_(within(limits.countries)),
                not_(any_of(event, all_of(method("GET"), path_as_sent(HEALTH)))),
            ),
            COUNTRY_REFUSED,
        ),
        Rule(
            "requests",
            more_than(limits.requests_max, window_s=WINDOW_S, only=not_(event_of_razorpay)),
            ADDRESS_THROTTLED,
        ),
        Rule(
            "payments",
            more_than(
                limits.payment_requests_max,
                window_s=WINDOW_S,
                only=all_of(method(*WRITING), plain_path(f"/v1/(?:{'|'.join(collections)})(?:/|$)")),
            ),
            ADDRESS_THROTTLED,
        ),
        Rule("body-size", all_of(larger_body(BODY_BYTES_MAX), not_(event)), BODY_TOO_LARGE),
        Rule(
            "target-size",
            any_of(longer_path(PATH_BYTES_MAX), longer_query(QUERY_BYTES_MAX)),
            TARGET_TOO_LONG,
        ),
        Rule("header-size", larger_headers(), HEADERS_TOO_LARGE),
        _group("AmazonIpReputationList", only=not_(event_of_razorpay)),
        # Back offices and Razorpay itself call from hosting providers.
        _group("AnonymousIpList", counted=("HostingProviderIPList",), only=not_(event_of_razorpay)),
        _group("KnownBadInputsRuleSet", only=not_(event)),
        _group("SQLiRuleSet", only=not_(event)),
        # It draws the line at 8 KB; the rule body-size draws it where the runtime does.
        _group("CommonRuleSet", counted=("SizeRestrictions_BODY",), only=not_(event)),
    ]


def sign_in_rules(limits: Firewall) -> list[Rule]:
    """What those meet who sign in at the user pool, in the same order and for the same reasons.

    Cognito shows WAF the address, the headers (with the operation in ``x-amz-target``) and a body without
    anything personal: neither user names nor passwords can be counted by. It answers its clients with
    ``ForbiddenException`` whatever a rule says ("Associate an AWS WAF web ACL with a user pool").
    Operations that are signed with IAM credentials do not come by here.
    """
    return [
        Rule("country", not_(within(limits.countries))),
        Rule("requests", more_than(limits.requests_max, window_s=WINDOW_S)),
        Rule(
            "sign-in",
            more_than(
                limits.sign_in_requests_max,
                window_s=WINDOW_S,
                only=header("x-amz-target", rf"\.(?:{GUESSES})$"),
            ),
        ),
        _group("AmazonIpReputationList"),
        _group("KnownBadInputsRuleSet"),
    ]


def as_rules(rules: Sequence[Rule], *, mode: str, origins: Sequence[str]) -> list[Acl.RuleProperty]:
    """``rules`` in their order, each blocking, or only counting where ``mode`` is ``count``.

    Pages of ``origins`` can read what a blocked request is answered.
    """
    return [
        Acl.RuleProperty(
            name=rule.name,
            priority=place,
            statement=rule.statement,
            visibility_config=seen_as(rule.name),
            **_action(rule, mode, origins),
        )
        for place, rule in enumerate(rules)
    ]


def seen_as(metric_name: str) -> Acl.VisibilityConfigProperty:
    """Counted under ``metric_name``, never sampled: samples show headers and queries as they came."""
    return Acl.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric_name, sampled_requests_enabled=False
    )


def _action(rule: Rule, mode: str, origins: Sequence[str]) -> Mapping[str, Any]:
    if rule.of_aws:
        return {
            "override_action": Acl.OverrideActionProperty(count={})
            if mode == "count"
            else Acl.OverrideActionProperty(none={})
        }
    if mode == "count":
        return {"action": Acl.RuleActionProperty(count={})}
    said = None if rule.answer is None else custom_response(rule.answer, origins)
    return {"action": Acl.RuleActionProperty(block=Acl.BlockActionProperty(custom_response=said))}


def _group(name: str, *, counted: Sequence[str] = (), only: Statement | None = None) -> Rule:
    """AWS's managed group ``AWSManagedRules{name}`` under a name of its own."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return Rule(
        f"aws{words.replace('-s-q-li', '-sqli')}",
        managed(f"AWSManagedRules{name}", counted=counted, only=only),
        of_aws=True,
    )
