"""From when on something is bad: the service's objectives as numbers."""

from dataclasses import dataclass

from stacks.constructs.alarm_topics import Severity

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
FIVE_MINUTES_S = 5 * MINUTE_S

PAYMENT_FAILURES_MAX_PERCENT = 5
PAYMENT_SUCCESS_MIN_PERCENT = 95
FUNCTION_ERRORS_MAX_PERCENT = 1
API_FAULTS_MAX_PERCENT = 0.5
LATENCY_P95_MAX_MS = 2_000
CERTIFICATE_TICKET_DAYS, CERTIFICATE_PAGE_DAYS = 45, 15
QUEUE_DEPTH_MAX = 1_000
QUEUE_AGE_MAX_S = 900
"""Longer than five receives take at a visibility of 150 s: then nobody reads it, or not fast enough."""
FIREWALL_BLOCKED_MAX = 500
"""In five minutes; scanners alone stay far below."""
FIREWALL_WEBHOOKS_MAX = 3
"""In five minutes; a scanner knocks once, Razorpay comes again and with more."""
FIREWALL_UNSEEN_MAX = 10
CONCURRENCY_MAX_SHARE = 0.8
ACCOUNT_CONCURRENCY = 1_000
"""Lambda's quota for an account. Where it was raised, the alarm comes early, never late."""
CANARY_DURATION_MAX_SHARE = 0.8
"""Of the timeout. A new version that needs so long will soon need all of it."""
TABLE_FILL_MAX_PERCENT = 80
"""Of what a table takes at most. There is time yet to raise the maximum before anybody is turned away."""
ITERATOR_AGE_MAX_MS = 15 * MINUTE_S * 1000


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """One rate of burning the error budget: in the long window it matters, in the short one it still does."""

    name: str
    rate: float
    long_s: int
    short_s: int
    severity: Severity
    long_periods: int = 1


BURN_WINDOWS = (
    BurnWindow("Hour", 14.4, HOUR_S, FIVE_MINUTES_S, Severity.PAGE),
    BurnWindow("SixHours", 6, 6 * HOUR_S, 30 * MINUTE_S, Severity.PAGE),
    BurnWindow("Day", 3, DAY_S, 2 * HOUR_S, Severity.TICKET),
    BurnWindow("ThreeDays", 1, DAY_S, 6 * HOUR_S, Severity.TICKET, long_periods=3),
)
"""2 % of thirty days' budget in an hour, 5 % in six, 10 % in a day or in three (Google, "The Site Reliability
Workbook", chapter 5, multiwindow multi-burn-rate alerts). CloudWatch averages over a day at most, so the
longest window is three bad days in a row."""
