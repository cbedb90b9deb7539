"""What an alarm may look at: which metrics exist, by which dimensions, under which statistic, up to where.

A metric that is not here is one that nobody emits, or that nobody looked up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from checks.telemetry.documented import DOCUMENTED
from checks.telemetry.own import RUNTIME_METRICS


@dataclass(frozen=True, slots=True)
class Known:
    """A metric: its ``statistics``, the sets of ``dimensions`` under which it exists, and the highest
    ``threshold`` that still means something."""

    statistics: frozenset[str]
    dimensions: tuple[frozenset[str], ...]
    threshold_max: float


COUNTED = frozenset({"Sum"})
STANDING = frozenset({"Maximum"})
LASTING = frozenset({"p90", "p95", "p99", "Maximum"})

_READ: Mapping[str, Mapping[str, tuple[frozenset[str], float]]] = {
    "AWS/Lambda": {
        "ConcurrentExecutions": (STANDING, 1_000),
        "ClaimedAccountConcurrency": (STANDING, 1_000),
        "Duration": (LASTING, 900_000),
        "IteratorAge": (STANDING, 3_600_000),
    },
    "AWS/SQS": {
        "ApproximateNumberOfMessagesVisible": (STANDING, 1_000),
        "ApproximateNumberOfMessagesNotVisible": (STANDING, 1_000),
        "ApproximateAgeOfOldestMessage": (STANDING, 3_600),
    },
    "AWS/DynamoDB": {"SuccessfulRequestLatency": (LASTING, 1_000)},
    "AWS/ApiGateway": {
        "Latency": (LASTING, 2_000),
        "IntegrationLatency": (LASTING, 2_000),
        "4XXError": (COUNTED, 10_000),
    },
    "AWS/CertificateManager": {"DaysToExpiry": (frozenset({"Minimum"}), 90)},
    "AWS/WAFV2": {"BlockedRequests": (COUNTED, 5_000)},
}
"""Metrics that are not simply counted: the statistics that can be bad, and the highest threshold."""

MUST_SPEAK: Mapping[str, int] = {
    "IncomingLogEvents": 3_600,
    "NumberOfBackupJobsCompleted": 26 * 3_600,
    "SweepRan": 3_600,
    "MatchRan": 24 * 3_600,
    "HistoryCompacted": 48 * 3_600,
}
"""Metrics whose silence is what is bad, and how long an alarm may wait for them, in seconds."""

COUNT_THRESHOLD_MAX = 10.0
OWN_THRESHOLD_MAX = 100.0


def of_aws(namespace: str, name: str) -> Known | None:
    """What is known of a metric of AWS; None if AWS documents no such metric."""
    dimensions = DOCUMENTED.get(namespace, {}).get(name)
    if dimensions is None:
        return None
    # The documentation writes no dimensions as one that has no name.
    sets = tuple(frozenset(names - {""}) for names in dimensions)
    statistics, threshold_max = _READ.get(namespace, {}).get(name, (COUNTED, COUNT_THRESHOLD_MAX))
    return Known(statistics, sets, threshold_max)


def of_the_runtime(name: str) -> Known | None:
    """What is known of a metric of the platform's own; None if no function emits it."""
    for metric in RUNTIME_METRICS:
        if metric.name == name:
            sets = tuple(frozenset(names) for names in metric.dimension_sets)
            return Known(COUNTED | {"SampleCount", "p95", "p99"}, sets, OWN_THRESHOLD_MAX)
    return None


@dataclass(frozen=True, slots=True)
class Limit:
    """Between which thresholds a formula's alarm keeps the service's promise, and on which side it rings."""

    above: bool
    lowest: float
    highest: float = math.inf


FORMULA_LIMITS: Mapping[tuple[str, ...], Limit] = {
    ("100", "PaymentCaptured", "PaymentFailed"): Limit(True, 0.5, 5),
    ("100", "PaymentCaptured", "PaymentConflicted", "PaymentFailed"): Limit(False, 95, 99.9),
    ("100", "PaymentCreated", "PaymentOutcomeUnknown"): Limit(True, 0.5, 5),
    ("100", "NotificationFailedLater", "NotificationSent", "NotificationUndeliverable"): Limit(True, 0.5, 5),
    ("100", "5XXError", "Count"): Limit(True, 0.05, 0.5),
    ("1000", "5XXError", "Count"): Limit(True, 1, 14.4),
    ("100", "Errors", "Invocations", "LoggedFailures"): Limit(True, 0.05, 1),
    ("100", "CallerRefused", "Errors", "Invocations", "LoggedFailures"): Limit(True, 0.05, 1),
    ("100", "Errors", "Invocations", "LoggedFailures", "SecretRotationRefused"): Limit(True, 0.05, 1),
    ("100", "Errors", "Invocations"): Limit(True, 0.05, 1),
    ("100", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"): Limit(True, 50, 80),
    ("", "AllowedRequests", "BlockedRequests", "Count"): Limit(True, 1, 50),
    ("", "Count", "Latency"): Limit(True, 100, 2_000),
    ("", "PaymentCreated", "WebhookReceived"): Limit(True, 1, 50),
    ("", "Invocations", "PaymentCaptured", "PaymentCreated", "PaymentFailed"): Limit(True, 0, 10),
}
"""What is promised of a signal: its factor (per cent, burn rate or none) and its metrics, to its limits."""

SUM = r"FILL\(\w+, 0\)( \+ FILL\(\w+, 0\))*"
"""A plain sum of what must not happen; its limit is that of the metrics themselves."""

FORMS = (
    r"FILL\(\w+, 0\)( [+-] FILL\(\w+, 0\))*",
    r"\w+( \+ FILL\(\w+, 0\))+",
    r"IF\(total >= \d+ OR failures >= \d+, (100|1000) \* failures / total, 0\)",
    r"IF\(total >= \d+ OR failures >= \d+, 100 \* \(total - failures\) / total, 100\)",
    r"IF\(FILL\(\w+, 0\) == 0, (FILL\(\w+, 0\)|\w+), 0\)",
    r"IF\(FILL\(\w+, 0\) >= \d+, \w+, 0\)",
    r"100 \* MAX\(\[FILL\(\w+, 0\) / \d+, FILL\(\w+, 0\) / \d+\]\)",
)
"""The forms that a formula of an alarm may have; each can reach its threshold."""

FAILURES_MAX = 10
"""However few samples there are, so many that went wrong are enough."""

SAMPLES_MAX = 100
"""A guard against few samples asks for no more than this in a period; otherwise it guards against ringing."""
