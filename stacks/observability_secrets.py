"""Alarms on the rotation of secrets. Nothing stops meanwhile: the current values stay."""

from constructs import Construct

from stacks.constructs.alarm import Alarm, Comparison, Missing, OneIsEnough
from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.observability_signals import Signals
from stacks.observability_thresholds import HOUR_S


class SecretAlarms(Construct):
    """Secrets that wait for an operator, and values that were not taken."""

    def __init__(self, scope: Construct, construct_id: str, *, topics: AlarmTopics, signals: Signals) -> None:
        super().__init__(scope, construct_id)
        for name, reason, meaning, runbook, because in (
            (
                "Due",
                "due",
                "A secret is to be renewed, and nobody has staged a new value.",
                "secrets#due",
                "it comes once in ninety days",
            ),
            (
                "Refused",
                "refused",
                "A new value of a secret was not taken: the current one stays.",
                "secrets#refused",
                "an operator waits for that value",
            ),
        ):
            Alarm(
                self,
                name,
                topics=topics,
                severity=Severity.TICKET,
                meaning=meaning,
                runbook=runbook,
                signal=signals.own("SecretRotationRefused", reason=reason),
                guard=OneIsEnough(because),
                threshold=1,
                comparison=Comparison.AT_LEAST,
                missing=Missing.FINE,
                period_s=HOUR_S,
            )
