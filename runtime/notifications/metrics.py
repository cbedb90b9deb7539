"""What is counted of messages to people. The stacks' alarms and dashboards read these."""

from runtime.platform.metrics import Metric, Unit

_CHANNELS = frozenset({"whatsapp", "mail"})

SENT = Metric("NotificationSent", Unit.COUNT, "channel", _CHANNELS)
UNDELIVERABLE = Metric("NotificationUndeliverable")
"""No channel led to the person; nothing was sent."""
WITHHELD = Metric("NotificationWithheld")
"""It was no longer to be told when it could have been sent."""
OUTCOME_UNKNOWN = Metric("NotificationOutcomeUnknown", Unit.COUNT, "channel", _CHANNELS)
"""It may have been sent. It is not sent again."""
FAILED_LATER = Metric("NotificationFailedLater")
"""WhatsApp took the message and said afterwards that it did not arrive."""

METRICS = (SENT, UNDELIVERABLE, WITHHELD, OUTCOME_UNKNOWN, FAILED_LATER)
