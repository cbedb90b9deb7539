"""One environment: everything that may differ between them, typed, frozen, and sound.

It is read from ``environments/{name}.toml`` (stacks/environment_file.py); no stack asks for its name.
A model that exists has passed every rule (stacks/environment_rules.py), so a stack never checks again.
"""

import ipaddress
from datetime import date
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from stacks.environment_rules import POINT_IN_TIME_RECOVERY_DAYS, BrokenRules, broken_rules

EnvironmentName = Literal["sandbox", "dev", "staging", "prod"]
ENVIRONMENT_NAMES: tuple[str, ...] = get_args(EnvironmentName)

ADDRESSES_MAX = 1024
"""The widest range that a provider's webhooks may come from: a /22. Wider is no provider's network."""

Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$", max_length=256)]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[a-z0-9.-]+(:\d{1,5})?$", max_length=256)]
MailAddress = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=254)
]
HostName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$", max_length=253
    ),
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""


def _narrow(text: str) -> str:
    """A range of addresses that is written as its network and is narrow enough to be somebody's."""
    network = ipaddress.ip_network(text)
    if network.num_addresses > ADDRESSES_MAX:
        raise ValueError(f"more than {ADDRESSES_MAX} addresses are nobody's network")
    return text


AddressRange = Annotated[str, StringConstraints(max_length=43), AfterValidator(_narrow)]
LogRetentionDays = Literal[7, 14, 30, 90, 180, 365, 400, 545, 731]
"""Of what CloudWatch Logs accepts, what makes sense here."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Protection(_Section):
    """What keeps data from being lost."""

    deletion_protection: bool
    """Tables and the user pool refuse to be deleted."""
    termination_protection: bool
    """Stacks that hold state refuse to be deleted."""
    retain_data: bool
    """Stateful resources outlive the stack that made them."""
    lock_records: bool
    """Nobody can delete invoices and audit records before their years are over, nor shorten them."""
    point_in_time_recovery_days: Annotated[int, Field(ge=1, le=POINT_IN_TIME_RECOVERY_DAYS)]


class Functions(_Section):
    """How Lambda functions are built and run."""

    bundle_target: Literal["arm64", "host"]
    """Which of the built bundles is deployed."""
    architecture: Literal["arm64", "x86_64"]
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    reserve_concurrency: bool
    """Whether functions get their own share of the account's concurrency; needs a raised account quota."""


class Logs(_Section):
    """How long what was logged is kept."""

    retention_days: LogRetentionDays


class Identity(_Section):
    """How people sign in."""

    mfa: Literal["optional", "required"]
    password_sign_in: bool
    """Whether a client may send the password itself (USER_PASSWORD_AUTH); otherwise SRP only."""
    threat_protection: bool
    """Adaptive authentication and compromised-password checks; needs Cognito's Plus tier."""


RatePerS = Annotated[int, Field(ge=1, le=10_000)]
Burst = Annotated[int, Field(ge=1, le=5_000)]


class Api(_Section):
    """How much the API takes at once: ``rate_per_s`` on average, ``burst`` on top of it in one moment.

    The API's own limits are those of all callers together; the others are parts of them, so that neither
    people nor back offices can take all of it.
    """

    rate_per_s: RatePerS
    burst: Burst
    people_rate_per_s: RatePerS
    """All people who come through the app, together."""
    people_burst: Burst
    back_office_rate_per_s: RatePerS
    """All back offices without a plan of their own, together."""
    back_office_burst: Burst
    back_office_daily_quota: Annotated[int, Field(ge=1, le=100_000_000)]
    """Requests of the same back offices in one day (UTC)."""


class Domain(_Section):
    """The name under which the API is reached, instead of the one that API Gateway makes up."""

    name: HostName
    hosted_zone_id: Annotated[str, StringConstraints(pattern=r"^Z[A-Z0-9]{5,32}$")] | None = None
    """The Route 53 zone of the name, in which the stacks then put the certificate's proof and the address.
    Without it the deployment waits until somebody puts the proof into the DNS."""


class Web(_Section):
    """Where the web applications are that people use."""

    origins: Annotated[tuple[Origin, ...], Field(strict=False, min_length=1, max_length=10)]
    """Whose browsers may call the API and upload: scheme, host and port, without a path."""


class Firewall(_Section):
    """What the web application firewall does with what it recognises. Limits count requests of one address
    within five minutes."""

    mode: Literal["count", "block"]
    requests_max: Annotated[int, Field(ge=100, le=20_000)]
    """Of any kind; a school's network may be one address."""
    payment_requests_max: Annotated[int, Field(ge=10, le=20_000)]
    """Of those that move money."""
    sign_in_requests_max: Annotated[int, Field(ge=10, le=20_000)]
    """Of those that try to sign in, at the user pool."""
    countries: Annotated[tuple[Country, ...], Field(strict=False, min_length=1, max_length=50)]
    """Where callers may be. The providers' webhooks may come from anywhere."""


class Capacity(_Section):
    """How much each table, and each index of it, takes: units a second (DynamoDB's read and write units).

    ``on_demand`` bills by request and takes up to the maxima; ``provisioned`` bills by the hour and scales by
    itself between the minima and the maxima. See docs/adr/0014.
    """

    mode: Literal["on_demand", "provisioned"]
    read_units_max: Annotated[int, Field(ge=1, le=40_000)]
    write_units_max: Annotated[int, Field(ge=1, le=40_000)]
    read_units_min: Annotated[int, Field(ge=1, le=40_000)] | None = None
    write_units_min: Annotated[int, Field(ge=1, le=40_000)] | None = None


class Backup(_Section):
    """What is kept beside the tables' own point-in-time recovery."""

    retention_days: Annotated[int, Field(ge=35, le=3_650)]
    copy_region: str | None = None
    """Where a copy of every backup goes: the other Indian region. Needs the region switched on."""
    monthly_retention_days: Annotated[int, Field(ge=365, le=3_650)] | None = None
    """How long the first backup of each month is kept; without it, no longer than the others."""


class Budget(_Section):
    """What the account may cost."""

    monthly_usd: Annotated[int, Field(ge=1, le=1_000_000)]
    """US dollars, in which AWS bills. Somebody is told at 50, 80 and 100 percent, and when it is foreseen."""


class ResidencyException(_Section):
    """Why an environment may be outside India. Only dev may, and only with made-up data."""

    reason: Annotated[str, StringConstraints(min_length=20, max_length=500)]
    approved_by: Literal["security", "compliance"]
    """The role that answers for it."""
    until: date
    """The last day on which the exception counts."""


class Razorpay(_Section):
    """Where the payment gateway is, and where its webhooks come from."""

    base_url: Url
    webhook_sources: Annotated[tuple[AddressRange, ...], Field(strict=False, min_length=1, max_length=20)]
    """The ranges that Razorpay publishes, in CIDR notation."""
    presentment_currencies: Annotated[tuple[str, ...], Field(strict=False)] = ("INR",)
    """In which a payer may be asked for money (ISO 4217). Another than INR needs international payments
    enabled at the gateway; settlements and books stay in rupees (docs/adr/0027)."""


class WhatsApp(_Section):
    """Where WhatsApp's Cloud API is and who speaks."""

    base_url: Url
    phone_number_id: Annotated[str, StringConstraints(pattern=r"^(\d{5,20}|unset)$")]


class Mail(_Section):
    """Who writes e-mail."""

    sender: MailAddress


class Alarms(_Section):
    """Who hears alarms: an address that several people read, or that a duty roster takes mail at."""

    page: MailAddress
    """Woken at any hour."""
    ticket: MailAddress
    """Read on working days."""


class Environment(_Section):
    """Everything that differs between environments. Frozen; exists only if every rule holds."""

    name: EnvironmentName
    region: str
    account: Account
    """Twelve digits, so that nothing is ever deployed anywhere else."""
    embedded: bool
    """Whether the emulator on this machine stands in for AWS."""
    protection: Protection
    functions: Functions
    logs: Logs
    identity: Identity
    api: Api
    domain: Domain | None = None
    web: Web
    firewall: Firewall
    capacity: Capacity
    backup: Backup
    budget: Budget
    residency_exception: ResidencyException | None = None
    razorpay: Razorpay
    whatsapp: WhatsApp
    mail: Mail
    alarms: Alarms

    @model_validator(mode="after")
    def _keep_the_rules(self) -> Self:
        if broken := broken_rules(self):
            raise BrokenRules(broken)
        return self
