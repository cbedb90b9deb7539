"""Severities: which alarms wake somebody was decided, by the section of the runbooks that each names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from checks.rules.alarms import COMPOSITE, RUNBOOK
from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.signals import ALARM

PAGES: Mapping[str, tuple[str, ...]] = {
    "api": ("latency", "server-errors"),
    "availability": ("error-budget",),
    "backups": ("missing",),
    "certificates": ("expiry",),
    "database": ("audit-seal", "audit-trail", "unreachable"),
    "events": ("pipe-failures", "pipe-silent", "rule-failures", "topic-failures"),
    "firewall": ("unseen", "webhook-source"),
    "functions": ("account-concurrency", "errors"),
    "health": ("failing", "silent"),
    "payments": ("failure-rate", "gateway-silence", "sweep-stopped"),
    "queues": ("age", "dead-letters"),
    "security": (
        *("alarms-silenced", "backup-endangered", "bucket-opened", "firewall-changed", "key-endangered"),
        *("rights-changed", "root-used", "signed-in-without-mfa", "table-endangered"),
        *("trail-silent", "trail-touched"),
    ),
    "webhooks": ("missing",),
}
"""Sections of the runbooks whose alarms page, by their file."""

TICKETS: Mapping[str, tuple[str, ...]] = {
    "api": ("refused-callers", "throttled"),
    "availability": ("error-budget",),
    "backups": ("failed",),
    "certificates": ("expiry",),
    "database": ("capacity", "throttles"),
    "firewall": ("blocked",),
    "functions": ("canary", "concurrency", "throttles"),
    "notifications": ("undeliverable",),
    "payments": (
        *("conflicted", "dispute-opened", "history", "match-stopped", "open-too-long"),
        *("refund-failed", "split-stopped", "success-rate"),
    ),
    "queues": ("depth",),
    "secrets": ("due", "refused"),
    "security": ("recorder-stopped",),
    "webhooks": ("refused",),
}
"""Those whose alarms wait for the next working day. What is in both rings early and late."""

ERROR_BUDGET = "docs/runbooks/availability.md#error-budget"
BURNS = {"page": 2, "ticket": 2}
"""How many pairs of windows watch the error budget at least: an hour and six page, a day and three wait."""

WHERE_THERE_IS = {"docs/runbooks/certificates.md#expiry": "AWS::CertificateManager::Certificate"}
"""Sections about what an environment need not have."""


def decided() -> dict[str, set[str]]:
    """The severities of each section, as alarms name it."""
    found: dict[str, set[str]] = {}
    for severity, files in (("page", PAGES), ("ticket", TICKETS)):
        for file, sections in files.items():
            for section in sections:
                found.setdefault(f"docs/runbooks/{file}.md#{section}", set()).add(severity)
    return found


@rule(
    "HASIVU-ALM-13",
    "SOX OP-3",
    "PCI DSS 12.10.1/.5/.7",
    remedy="Leave the severity as decided in checks/rules/severities.py, or decide it there.",
)
def severities_are_decided(estate: Estate) -> Iterator[Breach]:
    """An alarm is as severe as was decided for the section of the runbooks that it names."""
    sections = decided()
    for alarm, section, severity in _told(estate):
        if severity not in sections.get(section, set()):
            yield at(alarm, "AlarmDescription", shown=f"a {severity} of {section}")


@rule(
    "HASIVU-ALM-16",
    "SOX OP-3",
    "PCI DSS 10.7.2",
    environments=DEPLOYED,
    remedy="Add the alarm again, or take its section out of the runbooks and checks/rules/severities.py.",
)
def what_the_runbooks_know_is_watched(estate: Estate) -> Iterator[Breach]:
    """Every section of the runbooks has an alarm of each of its severities; four windows watch the budget."""
    told = list(_told(estate))
    there = {(section, severity) for _, section, severity in told}
    for section, severities in decided().items():
        if section in WHERE_THERE_IS and not list(estate.of(WHERE_THERE_IS[section])):
            continue
        for severity in sorted(severities):
            if (section, severity) not in there:
                yield _missing(estate, told, section, f"no {severity}")
    burns = Counter(
        severity for alarm, section, severity in told if alarm.kind == COMPOSITE and section == ERROR_BUDGET
    )
    for severity, least in BURNS.items():
        if burns[severity] < least:
            windows = [item for item in told if item[0].kind == COMPOSITE]
            shown = f"{burns[severity]} of {least} {severity}s on windows"
            yield _missing(estate, windows or told, f"{ERROR_BUDGET} {severity}", shown)


def _missing(estate: Estate, beside: list[tuple[Resource, str, str]], path: str, shown: str) -> Breach:
    """That an alarm is not there, told of the first one that is."""
    stack = next(iter(estate.templates))
    alarm = beside[0][0] if beside else Resource(stack, stack, ALARM, {})
    return Breach(alarm.stack, alarm.logical_id, path, shown)


def _told(estate: Estate) -> Iterator[tuple[Resource, str, str]]:
    """Each alarm that is heard, with its section and its severity, as far as it tells them."""
    for alarm in estate.of(ALARM, COMPOSITE):
        text = str(alarm.get("AlarmDescription") or "")
        severity = re.search(r"Severity: (page|ticket)", text)
        section = RUNBOOK.search(text)
        if alarm.items("AlarmActions") and severity is not None and section is not None:
            yield alarm, f"{section[1]}#{section[2]}", severity[1]
