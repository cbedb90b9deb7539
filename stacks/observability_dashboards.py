"""The four dashboards: payments for those who answer for money, the rest for those who keep it running."""

from collections.abc import Sequence

from stacks.constructs.dashboard import Graph, Row, percentiles
from stacks.constructs.metric import Signal, per_second
from stacks.observability_estate import Estate, function_name
from stacks.observability_signals import Signals
from stacks.observability_thresholds import (
    API_FAULTS_MAX_PERCENT,
    FUNCTION_ERRORS_MAX_PERCENT,
    LATENCY_P95_MAX_MS,
    PAYMENT_FAILURES_MAX_PERCENT,
    PAYMENT_SUCCESS_MIN_PERCENT,
    QUEUE_AGE_MAX_S,
    QUEUE_DEPTH_MAX,
)

HOUR_S = 3600


def payment_performance(signals: Signals) -> list[Row]:
    """How payments go: what becomes of them, how many a second, how long people and machines wait."""
    create = {"Resource": "/v1/payments", "Method": "POST"}
    verify = {"Resource": "/v1/payments/{payment_id}/verify", "Method": "POST"}
    webhook = {"Resource": "/v1/webhooks/razorpay", "Method": "POST"}
    captured, failed = signals.own("PaymentCaptured"), signals.own("PaymentFailed")
    return [
        Row(
            "What becomes of payments",
            (
                Graph(
                    "Failed",
                    {"% of decided": signals.payment_failures()},
                    "%",
                    PAYMENT_FAILURES_MAX_PERCENT,
                    300,
                ),
                Graph(
                    "Success",
                    {"% of decided": signals.payment_success()},
                    "%",
                    PAYMENT_SUCCESS_MIN_PERCENT,
                    HOUR_S,
                ),
                Graph(
                    "Payments",
                    {
                        "created": signals.own("PaymentCreated"),
                        "captured": captured,
                        "failed": failed,
                        "conflicted": signals.own("PaymentConflicted"),
                        "outcome unknown": signals.own("PaymentOutcomeUnknown"),
                    },
                    "payments",
                ),
            ),
        ),
        Row(
            "Throughput",
            (
                Graph(
                    "Transactions per second",
                    {
                        "created": per_second(signals.own("PaymentCreated")),
                        "captured": per_second(captured),
                        "webhooks": per_second(signals.own("WebhookReceived")),
                    },
                    "TPS",
                ),
                Graph(
                    "Captured, by method",
                    {
                        name: signals.own("PaymentCaptured", method=name)
                        for name in ("upi", "card", "netbanking", "wallet")
                    },
                    "payments",
                ),
                Graph(
                    "Failed, by where",
                    {
                        name: signals.own("PaymentFailed", source=name)
                        for name in ("customer", "bank", "gateway", "business")
                    },
                    "payments",
                ),
            ),
        ),
        Row(
            "Waiting",
            (
                Graph(
                    "Creating a payment",
                    percentiles(signals.api("Latency", **create)),
                    "ms",
                    LATENCY_P95_MAX_MS,
                ),
                Graph(
                    "Verifying a checkout",
                    percentiles(signals.api("Latency", **verify)),
                    "ms",
                    LATENCY_P95_MAX_MS,
                ),
                Graph(
                    "Taking an event in (the gateway waits 5 s)",
                    percentiles(signals.api("Latency", **webhook)),
                    "ms",
                    5_000,
                ),
            ),
        ),
        Row(
            "The gateway's events, and what people hear",
            (
                Graph("From event to payment", percentiles(signals.own("WebhookDelay")), "ms"),
                Graph("From payment to capture", percentiles(signals.own("PaymentTimeToCapture")), "ms"),
                Graph(
                    "Events",
                    {
                        "received": signals.own("WebhookReceived"),
                        "applied": signals.own("WebhookApplied"),
                        "refused": signals.own("WebhookRefused"),
                    },
                    "events",
                ),
                Graph(
                    "Messages",
                    {
                        "sent": signals.own("NotificationSent"),
                        "undeliverable": signals.own("NotificationUndeliverable"),
                        "failed later": signals.own("NotificationFailedLater"),
                        "unknown": signals.own("NotificationOutcomeUnknown"),
                        "withheld": signals.own("NotificationWithheld"),
                        "reminders of links": signals.own("LinkReminded"),
                    },
                    "messages",
                ),
            ),
        ),
    ]


def functions(signals: Signals, estate: Estate) -> list[Row]:
    """Each function: how often, how badly, how long, how many at once."""
    rows = [
        Row(
            "The account",
            (
                Graph("Concurrency", {"claimed": signals.account_concurrency()}, "executions"),
                Graph(
                    "Failures in logs",
                    {
                        "AWS did not answer": signals.own("AwsConnectionFailures"),
                        "audit line not written": signals.own("AuditWriteFailures"),
                    },
                    "lines",
                ),
            ),
        )
    ]
    for function in estate.functions:
        name = function_name(function)
        running: dict[str, Signal] = {
            "at once": signals.function(name, "ConcurrentExecutions", "Maximum"),
            "throttled": signals.function(name, "Throttles"),
        }
        if name in estate.stream_readers:
            running["behind, ms"] = signals.function(name, "IteratorAge", "Maximum")
        rows.append(
            Row(
                function.name,
                (
                    Graph(
                        "Invocations per second",
                        {"TPS": per_second(signals.function(name, "Invocations"))},
                        "TPS",
                    ),
                    Graph(
                        "Errors",
                        {"%": signals.function_errors(name, function.name)},
                        "%",
                        FUNCTION_ERRORS_MAX_PERCENT,
                        300,
                    ),
                    Graph("Duration", percentiles(signals.function(name, "Duration")), "ms"),
                    Graph("Concurrency", running, "executions", function.concurrency),
                ),
            )
        )
    return rows


def api(signals: Signals, estate: Estate, operations: Sequence[tuple[str, str]], region: str) -> list[Row]:
    """The API as a whole, and each of its ``operations`` (method and path)."""
    whole = [
        Row(
            "The API",
            (
                Graph("Requests per second", {"TPS": per_second(signals.api("Count"))}, "TPS"),
                Graph("Answered with 5xx", {"%": signals.api_faults()}, "%", API_FAULTS_MAX_PERCENT, 300),
                Graph("Latency", percentiles(signals.api("Latency")), "ms", LATENCY_P95_MAX_MS),
                Graph(
                    "Error budget of 99.9 %",
                    {"times too fast": signals.budget_burn()},
                    "burn rate",
                    1,
                    HOUR_S,
                ),
            ),
        ),
        Row(
            "Refused",
            (
                Graph(
                    "By the API",
                    {
                        "4xx": signals.api("4XXError"),
                        "throttled": signals.own("ApiThrottled"),
                        "no credential": signals.own("CallerRefused"),
                    },
                    "requests",
                ),
                Graph("In functions", percentiles(signals.api("IntegrationLatency")), "ms"),
                *(
                    Graph(
                        f"By the firewall {acl}",
                        {
                            name: signals.firewall(acl, region, name)
                            for name in ("BlockedRequests", "AllowedRequests", "CountedRequests")
                        },
                        "requests",
                    )
                    for acl in estate.firewalls
                ),
            ),
        ),
    ]
    for method, path in operations:
        named = {"Resource": path, "Method": method.upper()}
        whole.append(
            Row(
                f"{method.upper()} {path}",
                (
                    Graph("Requests per second", {"TPS": per_second(signals.api("Count", **named))}, "TPS"),
                    Graph(
                        "Errors",
                        {"4xx": signals.api("4XXError", **named), "5xx": signals.api("5XXError", **named)},
                        "requests",
                    ),
                    Graph("Latency", percentiles(signals.api("Latency", **named)), "ms", LATENCY_P95_MAX_MS),
                ),
            )
        )
    return whole


def infrastructure(signals: Signals, estate: Estate) -> list[Row]:
    """What everything stands on: health, queues, tables, and the way of the events."""
    return [
        Row(
            "Health",
            (
                Graph(
                    "Scheduled health check",
                    {name: signals.own("HealthChecked", health=name) for name in ("pass", "warn", "fail")},
                    "checks",
                    period_s=300,
                ),
                Graph(
                    "Dead letters",
                    {
                        name: signals.queue(name, "ApproximateNumberOfMessagesVisible")
                        for name in estate.dead_letters
                    },
                    "messages",
                    1,
                ),
            ),
        ),
        Row(
            "Queues",
            (
                Graph(
                    "Waiting",
                    {
                        name: signals.queue(name, "ApproximateNumberOfMessagesVisible")
                        for name in estate.queues
                    },
                    "messages",
                    QUEUE_DEPTH_MAX,
                ),
                Graph(
                    "Oldest message",
                    {name: signals.queue(name, "ApproximateAgeOfOldestMessage") for name in estate.queues},
                    "s",
                    QUEUE_AGE_MAX_S,
                ),
                Graph(
                    "Sent per second",
                    {
                        name: per_second(signals.queue(name, "NumberOfMessagesSent", "Sum"))
                        for name in estate.queues
                    },
                    "TPS",
                ),
            ),
        ),
        Row(
            "Events",
            (
                Graph(
                    "Carried by pipes per second",
                    {name: per_second(signals.pipe(name, "Invocations")) for name in estate.pipes},
                    "TPS",
                ),
                Graph(
                    "Failed in pipes",
                    {name: signals.pipe_failures(name) for name in estate.pipes},
                    "executions",
                ),
                Graph(
                    "Given up",
                    {
                        **{
                            rule.name: signals.rule(rule.bus, rule.name, "FailedInvocations")
                            for rule in estate.rules
                        },
                        **{
                            name: signals.topic(name, "NumberOfNotificationsFailed") for name in estate.topics
                        },
                    },
                    "deliveries",
                ),
            ),
        ),
        *(
            Row(
                table.name,
                (
                    Graph(
                        "Latency of GetItem",
                        percentiles(
                            signals.table(table.name, "SuccessfulRequestLatency", Operation="GetItem")
                        ),
                        "ms",
                    ),
                    Graph(
                        "Requests per second",
                        {
                            operation: per_second(
                                signals.table(
                                    table.name, "SuccessfulRequestLatency", "SampleCount", Operation=operation
                                )
                            )
                            for operation in ("GetItem", "PutItem", "Query")
                        },
                        "TPS",
                    ),
                    Graph(
                        "Not served",
                        {
                            "failed": signals.table_faults(table.name),
                            "throttled": signals.table_throttles(table.name, table.indexes),
                        },
                        "requests",
                    ),
                ),
            )
            for table in estate.tables
        ),
    ]
