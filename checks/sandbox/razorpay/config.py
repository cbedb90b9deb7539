"""What can be set about the simulated gateway. Times in seconds, money in paise."""

from dataclasses import dataclass, field
from datetime import date, time

from checks.sandbox.razorpay import exchange
from checks.sandbox.razorpay.fees import FeeSchedule

DAY_SECONDS = 86_400

QUIRKS = {
    "uniform_envelope": "every event has created_at at the top, also those that the samples print without",
    "captured_as_string": 'captured payments say "1" instead of true in webhooks',
    "empty_error_code": 'error_code is "" instead of null in webhooks',
    "authorized_says_captured": "payment.authorized carries captured: true",
    "captured_before_authorized": "payment.captured is sent before payment.authorized",
    "notes_null": "empty notes are null instead of []",
    "customer_created_at_space": 'the customer answer names the member "created_at " with a trailing space',
}


@dataclass(frozen=True)
class Timings:
    """How long the gateway and the banks take."""

    capture_window_seconds: int = 3 * DAY_SECONDS
    bank_answer_seconds: int = 600
    refund_processing_seconds: int = 2
    refund_reference_seconds: int = 3 * DAY_SECONDS
    transfer_processing_seconds: int = 2
    mandate_confirmation_seconds: int = DAY_SECONDS
    notification_delivery_seconds: int = 60
    upi_debit_lead_seconds: int = 25 * 3600
    other_debit_lead_seconds: int = 36 * 3600
    debit_retry_seconds: int = DAY_SECONDS
    customer_approval_seconds: int = 3 * DAY_SECONDS
    refundable_age_seconds: int = 183 * DAY_SECONDS
    dispute_response_seconds: int = 7 * DAY_SECONDS
    link_life_seconds: int = 183 * DAY_SECONDS
    link_reminder_seconds: int = DAY_SECONDS


@dataclass(frozen=True)
class WebhookPolicy:
    """At-least-once delivery: exponential retries for 24 hours, then the webhook is disabled."""

    timeout_seconds: float = 5.0
    first_retry_seconds: int = 60
    retry_factor: int = 2
    give_up_seconds: int = DAY_SECONDS


@dataclass(frozen=True)
class Limits:
    """Nothing grows without a bound."""

    body_bytes: int = 1024 * 1024
    entities_per_kind: int = 50_000
    events: int = 20_000
    requests: int = 1_000
    idempotency_keys: int = 20_000
    page: int = 100
    recon_page: int = 1_000
    hold_ms: int = 60_000
    amount_paise: int = 500_000_00
    debit_without_approval_paise: int = 15_000_00
    mandate_paise: int = 99_999_00
    mandate_years: int = 30


@dataclass(frozen=True)
class SimulatorConfig:
    """One merchant account. Secrets are given apart and never kept on disk."""

    account_id: str = "acc_SandboxHasivu0"
    business_name: str = "HASIVU School Meals"
    auto_capture: bool = False
    enforce_balance: bool = False
    currencies: frozenset[str] = field(default_factory=exchange.supported)
    settlement_working_days: int = 2
    settlement_time: time = time(9, 0)
    holidays: frozenset[date] = frozenset()
    debit_retries: int = 3
    fees: FeeSchedule = field(default_factory=FeeSchedule)
    timings: Timings = field(default_factory=Timings)
    webhooks: WebhookPolicy = field(default_factory=WebhookPolicy)
    limits: Limits = field(default_factory=Limits)
    quirks: frozenset[str] = frozenset()
