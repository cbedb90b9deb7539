"""Alarms on the firewall: an attack, events that it turns away, and a firewall that sees nothing."""

from collections.abc import Sequence

from constructs import Construct

from stacks.constructs.alarm import Alarm, Comparison, Missing, Sustained
from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.constructs.metric import total
from stacks.firewall_rules import WEBHOOK_SOURCE
from stacks.observability_signals import Signals
from stacks.observability_thresholds import (
    FIREWALL_BLOCKED_MAX,
    FIREWALL_UNSEEN_MAX,
    FIREWALL_WEBHOOKS_MAX,
    FIVE_MINUTES_S,
    MINUTE_S,
)


class FirewallAlarms(Construct):
    """Watches every web ACL of ``firewalls``, and ``before_api`` among them more closely; names as metrics
    have them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topics: AlarmTopics,
        signals: Signals,
        region: str,
        firewalls: Sequence[str],
        before_api: str,
    ) -> None:
        super().__init__(scope, construct_id)
        for name in firewalls:
            words = signals.without_environment(name).removeprefix("hasivu-").title().replace("-", "")
            Alarm(
                self,
                f"Blocked{words}",
                topics=topics,
                severity=Severity.TICKET,
                meaning=f"The firewall {name} turns many requests away: an attack, or a rule that is wrong.",
                runbook="firewall#blocked",
                signal=signals.firewall(name, region, "BlockedRequests"),
                guard=Sustained(2, 3),
                threshold=FIREWALL_BLOCKED_MAX,
                comparison=Comparison.AT_LEAST,
                missing=Missing.FINE,
                period_s=FIVE_MINUTES_S,
            )
        Alarm(
            self,
            "WebhookSource",
            topics=topics,
            severity=Severity.PAGE,
            meaning="Events of Razorpay come from addresses that are not Razorpay's, as far as we know them: "
            "it has new ones and events are being lost, or somebody forges.",
            runbook="firewall#webhook-source",
            # Where the environment only counts, they are not blocked but just as wrong.
            signal=total(
                *(
                    signals.firewall(before_api, region, metric, rule=WEBHOOK_SOURCE)
                    for metric in ("BlockedRequests", "CountedRequests")
                )
            ),
            guard=Sustained(2, 3),
            threshold=FIREWALL_WEBHOOKS_MAX,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "Unseen",
            topics=topics,
            severity=Severity.PAGE,
            meaning="The API is called and its firewall sees nothing: it does not stand before the API.",
            runbook="firewall#unseen",
            signal=signals.firewall_unseen(before_api, region),
            guard=Sustained(2, 2),
            threshold=FIREWALL_UNSEEN_MAX,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=15 * MINUTE_S,
        )
