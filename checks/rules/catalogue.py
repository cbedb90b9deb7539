"""All house rules, and what they find in an estate."""

from __future__ import annotations

import importlib
import re
from functools import cache

from checks.rules.estate import Estate
from checks.rules.rule import Finding, Rule, registered

SUBJECTS = (
    "alarms",
    "answers",
    "api",
    "auditor",
    "backups",
    "browsers",
    "budgets",
    "callers",
    "canaries",
    "capacity",
    "conditions",
    "configuration",
    "consumers",
    "dashboards",
    "decided",
    "deliveries",
    "deployments",
    "domain",
    "eventing",
    "exposure",
    "extensions",
    "firewall",
    "firewall_decisions",
    "functions",
    "governance",
    "grammar",
    "guards",
    "history",
    "identity",
    "key_uses",
    "keys",
    "lifecycles",
    "logs",
    "messaging",
    "permissions",
    "properties",
    "recovery",
    "residency",
    "rights",
    "roles",
    "rotation",
    "schedules",
    "secrets",
    "settings",
    "severities",
    "signals",
    "signing",
    "stage",
    "storage",
    "tables",
    "takers",
    "trail",
    "usage",
)
"""The modules of this package that hold rules."""


UNREADABLE = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError),
    re.error,  # a pattern of the firewall that is none
)
"""What a rule raises where something stands that it did not expect."""


def rules() -> tuple[Rule, ...]:
    """Every house rule, by id."""
    _import_all()
    return registered()


@cache
def _import_all() -> None:
    for subject in SUBJECTS:
        importlib.import_module(f"checks.rules.{subject}")


def examine(estate: Estate) -> list[Finding]:
    """What the house rules find in ``estate``, each finding once, in the order of rule, stack and resource.

    A rule that cannot read a resource reports that as a finding: what cannot be checked is not sound.
    """
    found: dict[tuple[str, str, str, str], Finding] = {}
    for rule in rules():
        for finding in findings(rule, estate):
            found.setdefault((finding.rule_id, finding.stack, finding.logical_id, finding.path), finding)
    return [found[key] for key in sorted(found)]


def findings(rule: Rule, estate: Estate) -> list[Finding]:
    """What ``rule`` finds in ``estate``, and as the last finding that it could not read something."""
    found: list[Finding] = []
    try:
        found.extend(rule.findings(estate))
    except UNREADABLE as error:
        place = estate.looked_at
        stack = next(iter(estate.templates), "") if place is None else place.stack
        found.append(
            Finding(
                rule.rule_id,
                rule.severity,
                rule.title,
                stack,
                stack if place is None else place.logical_id,
                "",
                f"the rule cannot read this: {type(error).__name__}",
                rule.remedy,
                rule.controls,
            )
        )
    return found
