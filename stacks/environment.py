"""One environment, read from ``environments/{name}.toml`` and refused before synth when it is not sound.

All that differs between environments is in these files; nothing in the stacks asks for a name. A model
that exists has passed every rule, so a stack never checks again.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

EnvironmentName = Literal["sandbox", "dev", "staging", "prod"]
ENVIRONMENT_NAMES: tuple[str, ...] = get_args(EnvironmentName)

INDIAN_REGIONS = frozenset({"ap-south-1", "ap-south-2"})
"""Mumbai and Hyderabad. Payment data is stored only in India (RBI, Storage of Payment System Data, 2018)."""

HOME_COUNTRY = "IN"

ADDRESSES_MAX = 1024
"""The widest range that a provider's webhooks may come from: a /22. Wider is no provider's network."""

POINT_IN_TIME_RECOVERY_DAYS = 35
"""The longest that DynamoDB offers."""

LOG_RETENTION_FLOOR_DAYS = 365
"""PCI DSS 10.5.1: audit trail history is kept for at least twelve months."""

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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an environment is not accepted: the ``key`` (dotted), the ``problem`` and the ``remedy``."""

    key: str
    problem: str
    remedy: str


class EnvironmentRefused(ValueError):
    """An environment file that must not be deployed; says the file, each line, key and remedy.

    ``text`` is what stands in the file; a key that is not in it is shown without a line.
    """

    code = "environment-refused"

    def __init__(self, source: str, refusals: Sequence[Refusal], *, text: str = "") -> None:
        self.source = source
        self.refusals = tuple(refusals)
        lines = line_numbers(text)
        super().__init__(
            "\n".join(
                f"{source}{_place(lines, item.key)}: {item.key}: {item.problem} {item.remedy}"
                for item in self.refusals
            )
        )


_TABLE = re.compile(r"\s*\[([A-Za-z0-9_.-]+)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


def line_numbers(text: str) -> dict[str, int]:
    """Each dotted key and each table of a TOML ``text`` with its line, from 1."""
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _TABLE.match(line):
            table = f"{found[1]}."
            lines.setdefault(found[1], number)
        elif found := _KEY.match(line):
            lines.setdefault(table + found[1], number)
    return lines


def _place(lines: Mapping[str, int], key: str) -> str:
    """``:12`` for the line of ``key``, or of the nearest thing around it that is in the file."""
    while key:
        if key in lines:
            return f":{lines[key]}"
        key = key.rpartition(".")[0]
    return ""


class _BrokenRules(ValueError):
    """Carries the broken cross-field rules through pydantic."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        self.refusals = refusals
        super().__init__("; ".join(f"{item.key}: {item.problem}" for item in refusals))


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
        broken = (
            *_residency(self),
            *_protections(self),
            *_sandbox_only(self),
            *_usage_plans(self),
            *_backup(self),
            *_capacity(self),
            *_firewall(self),
            *_production(self),
        )
        if broken:
            raise _BrokenRules(broken)
        return self


def _residency(environment: Environment) -> tuple[Refusal, ...]:
    """Payment data stays in India; dev, which holds none, may be elsewhere if somebody answers for it."""
    broken: list[Refusal] = []
    if environment.region not in INDIAN_REGIONS and environment.residency_exception is None:
        broken.append(
            Refusal(
                "region",
                f"{environment.region!r} is not in India, where payment data must stay.",
                f"Use one of {', '.join(sorted(INDIAN_REGIONS))}"
                + (", or say why not in [residency_exception]." if environment.name == "dev" else "."),
            )
        )
    if environment.residency_exception is not None and (
        environment.name != "dev" or environment.region in INDIAN_REGIONS
    ):
        broken.append(
            Refusal(
                "residency_exception",
                "is for a dev environment outside India alone.",
                "Remove it.",
            )
        )
    elsewhere = sorted(INDIAN_REGIONS - {environment.region})
    if environment.backup.copy_region is not None and environment.backup.copy_region not in elsewhere:
        broken.append(
            Refusal(
                "backup.copy_region",
                f"{environment.backup.copy_region!r} is no second Indian region.",
                f"Use {' or '.join(elsewhere)}, or remove it.",
            )
        )
    return tuple(broken)


def _backup(environment: Environment) -> tuple[Refusal, ...]:
    """What is kept of a month is kept for longer than what is kept of a day."""
    daily, monthly = environment.backup.retention_days, environment.backup.monthly_retention_days
    if monthly is None or monthly > daily:
        return ()
    return (
        Refusal(
            "backup.monthly_retention_days",
            f"every backup is kept for {daily} days anyway.",
            "Raise it, or remove it.",
        ),
    )


def _capacity(environment: Environment) -> tuple[Refusal, ...]:
    """Minima belong to provisioned tables, and lie below the maxima."""
    capacity = environment.capacity
    broken: list[Refusal] = []
    for kind, least, most in (
        ("read", capacity.read_units_min, capacity.read_units_max),
        ("write", capacity.write_units_min, capacity.write_units_max),
    ):
        key = f"capacity.{kind}_units_min"
        if capacity.mode == "on_demand" and least is not None:
            broken.append(
                Refusal(key, "means nothing on demand.", 'Remove it, or set mode to "provisioned".')
            )
        elif capacity.mode == "provisioned" and least is None:
            broken.append(Refusal(key, "is missing.", "Say what a provisioned table has at least."))
        elif least is not None and least > most:
            broken.append(Refusal(key, f"{least} is more than the maximum of {most}.", "Lower it."))
    return tuple(broken)


def _firewall(environment: Environment) -> tuple[Refusal, ...]:
    """India is never kept out, and what is narrower has the lower limit."""
    firewall = environment.firewall
    broken: list[Refusal] = []
    if HOME_COUNTRY not in firewall.countries:
        broken.append(
            Refusal("firewall.countries", "keeps every parent out.", f'Put "{HOME_COUNTRY}" into the list.')
        )
    for key, limit in (
        ("payment_requests_max", firewall.payment_requests_max),
        ("sign_in_requests_max", firewall.sign_in_requests_max),
    ):
        if limit > firewall.requests_max:
            broken.append(
                Refusal(
                    f"firewall.{key}",
                    f"{limit} is never reached: {firewall.requests_max} requests of any kind are the most.",
                    "Lower it.",
                )
            )
    return tuple(broken)


def _protections(environment: Environment) -> tuple[Refusal, ...]:
    """What every environment that is not embedded owes to the data it holds."""
    if environment.embedded:
        return ()
    protection = environment.protection
    required = {
        "protection.deletion_protection": protection.deletion_protection,
        "protection.retain_data": protection.retain_data,
    }
    broken = [
        Refusal(key, f"must be on in {environment.name}.", "Set it to true.")
        for key, on in required.items()
        if not on
    ]
    if protection.point_in_time_recovery_days != POINT_IN_TIME_RECOVERY_DAYS:
        broken.append(
            Refusal(
                "protection.point_in_time_recovery_days",
                f"{protection.point_in_time_recovery_days} days are too few in {environment.name}.",
                f"Set it to {POINT_IN_TIME_RECOVERY_DAYS}.",
            )
        )
    return tuple(broken)


def _sandbox_only(environment: Environment) -> tuple[Refusal, ...]:
    """What only the embedded environment may do."""
    if environment.embedded == (environment.name == "sandbox"):
        broken: list[Refusal] = []
    else:
        broken = [
            Refusal(
                "embedded",
                "only the sandbox is embedded, and always.",
                "Set it to true there, false elsewhere.",
            )
        ]
    if environment.embedded:
        return tuple(broken)
    if environment.functions.bundle_target != "arm64" or environment.functions.architecture != "arm64":
        broken.append(
            Refusal(
                "functions.bundle_target",
                "AWS runs the arm64 bundles on the arm64 architecture.",
                'Set bundle_target and architecture to "arm64".',
            )
        )
    if environment.identity.password_sign_in:
        broken.append(
            Refusal(
                "identity.password_sign_in",
                "a password may not travel to AWS.",
                "Set it to false; SRP stays.",
            )
        )
    for key, url in (
        ("razorpay.base_url", environment.razorpay.base_url),
        ("whatsapp.base_url", environment.whatsapp.base_url),
        *(("web.origins", origin) for origin in environment.web.origins),
    ):
        if not url.startswith("https://"):
            broken.append(Refusal(key, "plain HTTP is for the sandbox alone.", "Use an https:// address."))
    return tuple(broken)


def _usage_plans(environment: Environment) -> tuple[Refusal, ...]:
    """A plan cannot give more than the API has."""
    api = environment.api
    return tuple(
        Refusal(f"api.{key}", f"is more than the API takes: {whole}.", f"Set it to {whole} or less.")
        for key, part, whole in (
            ("people_rate_per_s", api.people_rate_per_s, api.rate_per_s),
            ("people_burst", api.people_burst, api.burst),
            ("back_office_rate_per_s", api.back_office_rate_per_s, api.rate_per_s),
            ("back_office_burst", api.back_office_burst, api.burst),
        )
        if part > whole
    )


def _production(environment: Environment) -> tuple[Refusal, ...]:
    """What production may not do without."""
    if environment.name != "prod":
        return ()
    required: dict[str, tuple[bool, str]] = {
        "protection.termination_protection": (
            environment.protection.termination_protection,
            "Set it to true.",
        ),
        "protection.lock_records": (environment.protection.lock_records, "Set it to true."),
        "backup.copy_region": (
            environment.backup.copy_region is not None,
            "Name the second Indian region, to which every backup is copied.",
        ),
        "firewall.mode": (environment.firewall.mode == "block", 'Set it to "block"; counting stops nobody.'),
        "identity.mfa": (environment.identity.mfa == "required", 'Set it to "required".'),
        "identity.threat_protection": (environment.identity.threat_protection, "Set it to true."),
        "functions.reserve_concurrency": (environment.functions.reserve_concurrency, "Set it to true."),
        "functions.log_level": (environment.functions.log_level != "DEBUG", 'Set it to "INFO" or less.'),
        "logs.retention_days": (
            environment.logs.retention_days >= LOG_RETENTION_FLOOR_DAYS,
            f"Set it to {LOG_RETENTION_FLOOR_DAYS} or more.",
        ),
    }
    return tuple(
        Refusal(key, "is too weak for production.", remedy)
        for key, (kept, remedy) in required.items()
        if not kept
    )


def load_environment(
    name: str,
    *,
    directory: Path,
    today: date,
    account: str | None = None,
    sandbox_overrides: Mapping[str, str] | None = None,
) -> Environment:
    """The environment ``name`` from ``directory/{name}.toml``, as it counts on the day ``today``.

    ``account`` (twelve digits), where it is given, must be the file's. ``sandbox_overrides`` maps dotted keys
    (``razorpay.base_url``) to values that the running simulators dictate; any other environment refuses
    them. Raises EnvironmentRefused.
    """
    source = directory / f"{name}.toml"
    shown = f"{directory.name}/{source.name}"
    if name not in ENVIRONMENT_NAMES:
        known = ", ".join(ENVIRONMENT_NAMES)
        raise EnvironmentRefused(
            shown, [Refusal("env", f"{name!r} is no environment.", f"Choose one of {known}.")]
        )
    text, document = _read(source, shown)
    refusals: list[Refusal] = []
    if account is not None and document.get("account", account) != account:
        refusals.append(
            Refusal(
                "account",
                f"is not the account asked for, {account}.",
                "Ask for this one, or write the other into the file.",
            )
        )
    refusals += _override(document, name, sandbox_overrides or {})
    if refusals:
        raise EnvironmentRefused(shown, refusals, text=text)
    try:
        environment = Environment.model_validate(document)
    except ValidationError as error:
        raise EnvironmentRefused(shown, _explain(error), text=text) from None
    if environment.name != name:
        refusals.append(Refusal("name", "is not the file's name.", f'Set it to "{name}".'))
    exception = environment.residency_exception
    if exception is not None and today > exception.until:
        refusals.append(
            Refusal(
                "residency_exception.until",
                f"the exception ended on {exception.until.isoformat()}.",
                "Move the environment to India, or have the exception approved anew.",
            )
        )
    if refusals:
        raise EnvironmentRefused(shown, refusals, text=text)
    return environment


def _read(source: Path, shown: str) -> tuple[str, dict[str, object]]:
    try:
        text = source.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        refusal = Refusal("env", "the file does not exist.", "Create it, beginning with a copy of dev.toml.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        refusal = Refusal("(file)", f"is not TOML: {error}.", "Correct the line.")
    raise EnvironmentRefused(shown, [refusal])


def _override(document: dict[str, object], name: str, overrides: Mapping[str, str]) -> list[Refusal]:
    """Put ``overrides`` into ``document``; what stands against it."""
    refusals: list[Refusal] = []
    for key, value in overrides.items():
        section_name, _, field = key.partition(".")
        section = document.get(section_name)
        if name != "sandbox" or not isinstance(section, dict):
            refusals.append(
                Refusal(key, "can be overridden in the sandbox only.", "Write the value into the file.")
            )
        else:
            section[field] = value
    return refusals


def _explain(error: ValidationError) -> list[Refusal]:
    refusals: list[Refusal] = []
    for item in error.errors():
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, _BrokenRules):
            refusals.extend(cause.refusals)
        else:
            refusals.append(_explain_one(item))
    return refusals


REMEDIES = {"account": 'Add account = "…", the twelve digits of the account that it belongs to.'}
"""How to add what is missing, where that is not plain."""


def _explain_one(item: ErrorDetails) -> Refusal:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(item["loc"][-1]), _known_keys(item["loc"][:-1]), n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Remove it."
        return Refusal(key, "is not a known key.", remedy)
    if item["type"] == "missing":
        return Refusal(key, "is missing.", REMEDIES.get(key, "Add it."))
    return Refusal(key, f"{item['msg']}.", "Correct the value.")


def _known_keys(section: tuple[int | str, ...]) -> list[str]:
    """The keys that the model knows in ``section``; empty path for the top level."""
    model: type[BaseModel] = Environment
    for part in section:
        annotation = model.model_fields[str(part)].annotation
        annotation = next((kind for kind in get_args(annotation) if kind is not type(None)), annotation)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
