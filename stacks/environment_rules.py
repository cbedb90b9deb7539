"""What must hold across the sections of an environment: each rule gives what it refuses, with the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.platform.settings import presentment_faults

if TYPE_CHECKING:
    from stacks.environment import Environment

INDIAN_REGIONS = frozenset({"ap-south-1", "ap-south-2"})
"""Mumbai and Hyderabad. Payment data is stored only in India (RBI, Storage of Payment System Data, 2018)."""

HOME_COUNTRY = "IN"

POINT_IN_TIME_RECOVERY_DAYS = 35
"""The longest that DynamoDB offers."""

LOG_RETENTION_FLOOR_DAYS = 365
"""PCI DSS 10.5.1: audit trail history is kept for at least twelve months."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an environment is not accepted: the ``key`` (dotted), the ``problem`` and the ``remedy``."""

    key: str
    problem: str
    remedy: str


class BrokenRules(ValueError):
    """Carries the broken cross-field rules through pydantic."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        self.refusals = refusals
        super().__init__("; ".join(f"{item.key}: {item.problem}" for item in refusals))


def broken_rules(environment: Environment) -> tuple[Refusal, ...]:
    """Everything that speaks against ``environment``; empty for one that may be deployed."""
    return tuple(refusal for rule in RULES for refusal in rule(environment))


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


def _currencies(environment: Environment) -> tuple[Refusal, ...]:
    """A payer is asked in currencies that the gateway takes, and always may pay in rupees."""
    return tuple(
        Refusal(
            "razorpay.presentment_currencies",
            fault,
            'List codes of ISO 4217, each once, "INR" among them; known are those of currencies.toml.',
        )
        for fault in presentment_faults(environment.razorpay.presentment_currencies)
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


RULES = (
    _residency,
    _backup,
    _capacity,
    _firewall,
    _currencies,
    _protections,
    _sandbox_only,
    _usage_plans,
    _production,
)
