"""Alarms on what parents and schools see: payments, messages, the API and its error budget."""

from constructs import Construct

from stacks.constructs.alarm import Alarm, BothAlarms, Comparison, Missing, OneIsEnough, Sustained
from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.observability_signals import API_SAMPLES, PAYMENT_SAMPLES, Signals
from stacks.observability_thresholds import (
    API_FAULTS_MAX_PERCENT,
    BURN_WINDOWS,
    FIVE_MINUTES_S,
    HOUR_S,
    LATENCY_P95_MAX_MS,
    MINUTE_S,
    PAYMENT_FAILURES_MAX_PERCENT,
    PAYMENT_SUCCESS_MIN_PERCENT,
    BurnWindow,
)


class PaymentAlarms(Construct):
    """Payments, the gateway's events, and messages to people."""

    def __init__(self, scope: Construct, construct_id: str, *, topics: AlarmTopics, signals: Signals) -> None:
        super().__init__(scope, construct_id)
        Alarm(
            self,
            "FailureRate",
            topics=topics,
            severity=Severity.PAGE,
            meaning="More than 5 % of the payments that were decided failed: parents try to pay and cannot.",
            runbook="payments#failure-rate",
            signal=signals.payment_failures(),
            guard=PAYMENT_SAMPLES,
            threshold=PAYMENT_FAILURES_MAX_PERCENT,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
            datapoints=2,
            of=3,
        )
        Alarm(
            self,
            "SuccessRate",
            topics=topics,
            severity=Severity.TICKET,
            meaning="Less than 95 % of an hour's payments were captured as asked for.",
            runbook="payments#success-rate",
            signal=signals.payment_success(),
            guard=PAYMENT_SAMPLES,
            threshold=PAYMENT_SUCCESS_MIN_PERCENT,
            comparison=Comparison.BELOW,
            missing=Missing.FINE,
            period_s=HOUR_S,
        )
        Alarm(
            self,
            "Conflicted",
            topics=topics,
            severity=Severity.TICKET,
            meaning="Money came that was not asked for so: a wrong amount, or twice. A person must decide.",
            runbook="payments#conflicted",
            signal=signals.own("PaymentConflicted"),
            guard=OneIsEnough("each is somebody's money"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "DisputeOpened",
            topics=topics,
            severity=Severity.TICKET,
            meaning="A payer's bank contests a payment: evidence has to be given before its deadline.",
            runbook="payments#dispute-opened",
            signal=signals.own("DisputeOpened"),
            guard=OneIsEnough("each has a deadline, and is lost without an answer"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "RefundFailed",
            topics=topics,
            severity=Severity.TICKET,
            meaning="A refund did not reach the payer, whose money we owe again.",
            runbook="payments#refund-failed",
            signal=signals.own("RefundFailed"),
            guard=OneIsEnough("each is somebody's money"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "SplitStopped",
            topics=topics,
            severity=Severity.TICKET,
            meaning="A school or caterer does not get its share of a payment before a person has decided.",
            runbook="payments#split-stopped",
            signal=signals.own("SplitStopped"),
            guard=OneIsEnough("each is a partner's money"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "OpenTooLong",
            topics=topics,
            severity=Severity.TICKET,
            meaning="Sweeps find payments open for longer than the gateway takes to find out about them.",
            runbook="payments#open-too-long",
            signal=signals.own("SweptTooLong"),
            guard=Sustained(2, 2),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=30 * MINUTE_S,
        )
        Alarm(
            self,
            "SweepStopped",
            topics=topics,
            severity=Severity.PAGE,
            meaning="No sweep came to its end for 45 minutes: events that never came are not found.",
            runbook="payments#sweep-stopped",
            signal=signals.own("SweepRan"),
            guard=Sustained(3, 3),
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
            period_s=15 * MINUTE_S,
        )
        Alarm(
            self,
            "MatchStopped",
            topics=topics,
            severity=Severity.TICKET,
            meaning="Gateway, ledger and bank were not matched for a day.",
            runbook="payments#match-stopped",
            signal=signals.own("MatchRan"),
            guard=Sustained(4, 4),
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
            period_s=6 * 60 * MINUTE_S,
        )
        Alarm(
            self,
            "HistoryNotCompacted",
            topics=topics,
            severity=Severity.TICKET,
            meaning="Days of the history of payments could not be written as Parquet.",
            runbook="payments#history",
            signal=signals.own("HistoryCompactionFailed"),
            guard=OneIsEnough("a run tries each day three times before it says so"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=5 * MINUTE_S,
        )
        Alarm(
            self,
            "HistorySilence",
            topics=topics,
            severity=Severity.TICKET,
            meaning="The history of payments was not compacted for two nights.",
            runbook="payments#history",
            signal=signals.own("HistoryCompacted"),
            guard=Sustained(8, 8),
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
            period_s=6 * 60 * MINUTE_S,
        )
        Alarm(
            self,
            "GatewaySilence",
            topics=topics,
            severity=Severity.PAGE,
            meaning="The gateway does not confirm orders of more than 5 % of the new payments.",
            runbook="payments#gateway-silence",
            signal=signals.gateway_silence(),
            guard=PAYMENT_SAMPLES,
            threshold=PAYMENT_FAILURES_MAX_PERCENT,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
            datapoints=2,
            of=3,
        )
        Alarm(
            self,
            "WebhooksMissing",
            topics=topics,
            severity=Severity.PAGE,
            meaning="Payments are made, but the gateway sends no events: captures are not heard of.",
            runbook="webhooks#missing",
            signal=signals.webhooks_missing(),
            guard=Sustained(2, 2),
            threshold=10,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=15 * MINUTE_S,
        )
        Alarm(
            self,
            "WebhooksRefused",
            topics=topics,
            severity=Severity.TICKET,
            meaning="The webhook gets wrong signatures: a secret was rotated, or somebody forges.",
            runbook="webhooks#refused",
            signal=signals.own("WebhookRefused", reason="signature-invalid"),
            guard=Sustained(2, 3),
            threshold=5,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "Undeliverable",
            topics=topics,
            severity=Severity.TICKET,
            meaning="More than 5 % of the messages to people reached nobody.",
            runbook="notifications#undeliverable",
            signal=signals.undeliverable(),
            guard=PAYMENT_SAMPLES,
            threshold=5,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=HOUR_S,
        )


class ApiAlarms(Construct):
    """The API as its callers see it, and the error budget of 99.9 %."""

    def __init__(self, scope: Construct, construct_id: str, *, topics: AlarmTopics, signals: Signals) -> None:
        super().__init__(scope, construct_id)
        Alarm(
            self,
            "ServerErrors",
            topics=topics,
            severity=Severity.PAGE,
            meaning="More than 0.5 % of the API's answers are 5xx.",
            runbook="api#server-errors",
            signal=signals.api_faults(),
            guard=API_SAMPLES,
            threshold=API_FAULTS_MAX_PERCENT,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
            datapoints=2,
            of=3,
        )
        Alarm(
            self,
            "Latency",
            topics=topics,
            severity=Severity.PAGE,
            meaning="One request in twenty takes longer than two seconds.",
            runbook="api#latency",
            signal=signals.latency_p95_ms(),
            guard=Sustained(3, 3),
            threshold=LATENCY_P95_MAX_MS,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "CallersRefused",
            topics=topics,
            severity=Severity.TICKET,
            meaning="Many callers have no valid credential: a client is broken, or somebody tries keys.",
            runbook="api#refused-callers",
            signal=signals.own("CallerRefused"),
            guard=Sustained(2, 3),
            threshold=100,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "Throttled",
            topics=topics,
            severity=Severity.TICKET,
            meaning="The API turns requests away with 429.",
            runbook="api#throttled",
            signal=signals.own("ApiThrottled"),
            guard=Sustained(2, 3),
            threshold=10,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        for window in BURN_WINDOWS:
            self._burn(window, topics, signals)

    def _burn(self, window: BurnWindow, topics: AlarmTopics, signals: Signals) -> None:
        parts = [
            Alarm(
                self,
                f"Burn{window.name}{part}",
                topics=topics,
                # A part on its own is a note for the working day; only both together may wake somebody.
                severity=Severity.TICKET,
                meaning=f"The error budget burns {window.rate} times too fast in the {part.lower()} window.",
                runbook="availability#error-budget",
                signal=signals.budget_burn(),
                guard=API_SAMPLES,
                threshold=window.rate,
                comparison=Comparison.ABOVE,
                missing=Missing.FINE,
                period_s=period_s,
                datapoints=periods,
                of=periods,
            )
            for part, period_s, periods in (
                ("Long", window.long_s, window.long_periods),
                ("Short", window.short_s, 1),
            )
        ]
        BothAlarms(
            self,
            f"Burn{window.name}",
            topics=topics,
            severity=window.severity,
            meaning=f"The error budget of 99.9 % burns {window.rate} times too fast, and still does.",
            runbook="availability#error-budget",
            guard=f"a long and a short window, each with {API_SAMPLES}",
            alarms=parts,
        )
