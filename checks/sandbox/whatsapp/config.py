"""What can be set about the simulated provider. Times in seconds."""

from dataclasses import dataclass, field

DAY_SECONDS = 86_400

BODY_BYTES_MAX = 256 * 1024
MESSAGES_MAX = 50_000
EVENTS_MAX = 200_000
TEMPLATES_MAX = 250
HOLD_MS_MAX = 60_000


@dataclass(frozen=True)
class Limits:
    """Meta's limits: throughput of a number, a pair of sender and recipient, users of a portfolio.

    A pair may have `pair_burst` messages at once and pays each back with `pair_seconds`. `users_per_day`
    counts different people within any 24 hours; None is without limit.
    """

    messages_per_second: int = 80
    pair_seconds: float = 6.0
    pair_burst: int = 45
    users_per_day: int | None = 2_000

    def __post_init__(self) -> None:
        if min(self.messages_per_second, self.pair_burst) < 1 or self.pair_seconds < 0:
            raise ValueError("messages_per_second and pair_burst are at least 1, pair_seconds not negative")
        if self.users_per_day is not None and self.users_per_day < 1:
            raise ValueError("users_per_day is at least 1, or null for no limit")


@dataclass(frozen=True)
class Timings:
    """When statuses follow a message; `read_seconds` None: the person has read receipts off."""

    sent_seconds: float = 0.5
    delivered_seconds: float = 1.5
    read_seconds: float | None = 5.0


@dataclass(frozen=True)
class WebhookPolicy:
    """At least once, for up to seven days; exponential pauses."""

    timeout_seconds: float = 5.0
    first_retry_seconds: float = 60.0
    retry_factor: float = 2.0
    give_up_seconds: float = 7 * DAY_SECONDS


@dataclass(frozen=True)
class SimulatorConfig:
    """One business number. Secrets are given apart and never kept on disk."""

    business_name: str = "HASIVU School Meals"
    account_id: str = "100000000000001"
    display_phone_number: str = "911140000000"
    limits: Limits = field(default_factory=Limits)
    timings: Timings = field(default_factory=Timings)
    webhooks: WebhookPolicy = field(default_factory=WebhookPolicy)
