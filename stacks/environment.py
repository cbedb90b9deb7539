"""One environment, read from ``environments/{name}.toml`` and refused before synth when it is not sound.

All that differs between environments is in these files; nothing in the stacks asks for a name. A model
that exists has passed every rule, so a stack never checks again.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails

EnvironmentName = Literal["sandbox", "dev", "staging", "prod"]
ENVIRONMENT_NAMES: tuple[str, ...] = get_args(EnvironmentName)

INDIAN_REGIONS = frozenset({"ap-south-1", "ap-south-2"})
"""Mumbai and Hyderabad. Payment data is stored only in India (RBI, Storage of Payment System Data, 2018)."""

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
LogRetentionDays = Literal[7, 14, 30, 90, 180, 365, 400, 545, 731]
"""Of what CloudWatch Logs accepts, what makes sense here."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an environment is not accepted: the ``key`` (dotted), the ``problem`` and the ``remedy``."""

    key: str
    problem: str
    remedy: str


class EnvironmentRefused(ValueError):
    """An environment file that must not be deployed; says the file, each key and each remedy."""

    code = "environment-refused"

    def __init__(self, source: str, refusals: tuple[Refusal, ...]) -> None:
        self.source = source
        self.refusals = refusals
        super().__init__(
            "\n".join(f"{source}: {item.key}: {item.problem} {item.remedy}" for item in refusals)
        )


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


class Api(_Section):
    """How much the API takes at once."""

    rate_per_s: Annotated[int, Field(ge=1, le=10_000)]
    burst: Annotated[int, Field(ge=1, le=5_000)]


class Web(_Section):
    """Where the web applications are that people use."""

    origins: Annotated[tuple[Origin, ...], Field(strict=False, min_length=1, max_length=10)]
    """Whose browsers may upload: scheme, host and port, without a path."""


class Firewall(_Section):
    """What the web application firewall does with what it recognises."""

    mode: Literal["count", "block"]


class Razorpay(_Section):
    """Where the payment gateway is."""

    base_url: Url


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
    account: Account | None = None
    """Twelve digits; without it the stacks deploy to whatever account the caller's credentials belong to."""
    embedded: bool
    """Whether the emulator on this machine stands in for AWS."""
    protection: Protection
    functions: Functions
    logs: Logs
    identity: Identity
    api: Api
    web: Web
    firewall: Firewall
    razorpay: Razorpay
    whatsapp: WhatsApp
    mail: Mail
    alarms: Alarms

    @model_validator(mode="after")
    def _keep_the_rules(self) -> Self:
        broken = (*_residency(self), *_protections(self), *_sandbox_only(self), *_production(self))
        if broken:
            raise _BrokenRules(broken)
        return self


def _residency(environment: Environment) -> tuple[Refusal, ...]:
    if environment.region in INDIAN_REGIONS:
        return ()
    return (
        Refusal(
            "region",
            f"{environment.region!r} is not in India, where payment data must stay.",
            f"Use one of {', '.join(sorted(INDIAN_REGIONS))}.",
        ),
    )


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
    account: str | None = None,
    account_of_credentials: str | None = None,
    sandbox_overrides: Mapping[str, str] | None = None,
) -> Environment:
    """The environment ``name`` from ``directory/{name}.toml``.

    ``account`` (twelve digits) is used where the file gives none, and must agree where it does;
    ``account_of_credentials`` only where neither is given.
    ``sandbox_overrides`` maps dotted keys (``razorpay.base_url``) to values that the running simulators
    dictate; any other environment refuses them. Raises EnvironmentRefused.
    """
    source = directory / f"{name}.toml"
    shown = f"{directory.name}/{source.name}"
    if name not in ENVIRONMENT_NAMES:
        known = ", ".join(ENVIRONMENT_NAMES)
        raise EnvironmentRefused(
            shown, (Refusal("env", f"{name!r} is no environment.", f"Choose one of {known}."),)
        )
    document = _read(source, shown)
    if account is not None and document.setdefault("account", account) != account:
        raise EnvironmentRefused(
            shown,
            (
                Refusal(
                    "account", "differs from the account asked for.", "Use the credentials of this account."
                ),
            ),
        )
    if account_of_credentials:
        document.setdefault("account", account_of_credentials)
    if sandbox_overrides:
        _override(document, shown, name, sandbox_overrides)
    try:
        environment = Environment.model_validate(document)
    except ValidationError as error:
        raise EnvironmentRefused(shown, _explain(error)) from None
    if environment.name != name:
        raise EnvironmentRefused(shown, (Refusal("name", "is not the file's name.", f'Set it to "{name}".'),))
    return environment


def _read(source: Path, shown: str) -> dict[str, object]:
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        refusal = Refusal("env", "the file does not exist.", "Create it, beginning with a copy of dev.toml.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        refusal = Refusal("(file)", f"is not TOML: {error}.", "Correct the line.")
    raise EnvironmentRefused(shown, (refusal,))


def _override(document: dict[str, object], shown: str, name: str, overrides: Mapping[str, str]) -> None:
    for key, value in overrides.items():
        section_name, _, field = key.partition(".")
        section = document.get(section_name)
        if name != "sandbox" or not isinstance(section, dict):
            raise EnvironmentRefused(
                shown,
                (Refusal(key, "can be overridden in the sandbox only.", "Write the value into the file."),),
            )
        section[field] = value


def _explain(error: ValidationError) -> tuple[Refusal, ...]:
    refusals: list[Refusal] = []
    for item in error.errors():
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, _BrokenRules):
            refusals.extend(cause.refusals)
        else:
            refusals.append(_explain_one(item))
    return tuple(refusals)


def _explain_one(item: ErrorDetails) -> Refusal:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(item["loc"][-1]), _known_keys(item["loc"][:-1]), n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Remove it."
        return Refusal(key, "is not a known key.", remedy)
    if item["type"] == "missing":
        return Refusal(key, "is missing.", "Add it.")
    return Refusal(key, f"{item['msg']}.", "Correct the value.")


def _known_keys(section: tuple[int | str, ...]) -> list[str]:
    """The keys that the model knows in ``section``; empty path for the top level."""
    model: type[BaseModel] = Environment
    for part in section:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
