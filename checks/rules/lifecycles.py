"""Lifecycles: objects end when their time is over, and can be read at once until then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.rule import Breach, at, rule
from checks.rules.storage import BUCKET, purpose

KEPT_DAYS_MAX = {
    "access-logs": 3 * 366,
    "config": 3 * 366,
    "analytics": 3 * 366,
    "invoices": 10 * 366,
    "audit": 10 * 366,
}
"""Until when objects end, by the bucket's purpose: the law's period and a little more, never for ever."""

ASKED_FOR_DAYS = {"uploads": {"statements/": range(30, 91)}}
"""How long what lies under a prefix stays, by the bucket's purpose: a file of a bank names payers and their
accounts, and what is kept of it are its lines."""

OLD_VERSIONS_DAYS = range(7, 10 * 366)
READ_AT_ONCE = frozenset({"STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"})
"""Storage classes that answer in milliseconds, from more than one zone: books are asked for, not ordered."""

COLD_AFTER_DAYS_MIN = 30
ABANDONED_DAYS = range(1, 31)


@rule(
    "HASIVU-S3-13",
    "PCI DSS 3.2.1",
    "GDPR 5(1)(e)",
    remedy="Let objects end within KEPT_DAYS_MAX of checks/rules/lifecycles.py, and old versions as well.",
)
def objects_end(estate: Estate) -> Iterator[Breach]:
    """Objects end when their time is over, old versions too, and no lifecycle rule is switched off."""
    for bucket in estate.of(BUCKET):
        rules = list(_rules(bucket))
        most = KEPT_DAYS_MAX.get(purpose(estate, bucket))
        for path, item in rules:
            if item.get("Status") != "Enabled":
                yield at(bucket, f"{path}.Status")
            old = (item.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays")
            if old not in OLD_VERSIONS_DAYS:
                yield at(bucket, f"{path}.NoncurrentVersionExpiration")
            ends = item.get("ExpirationInDays")
            if most is not None and not (isinstance(ends, int) and ends <= most):
                yield at(bucket, f"{path}.ExpirationInDays")
            abandoned = (item.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation")
            # S3 takes no rule for abandoned uploads that looks at tags: they have none yet.
            if abandoned not in ABANDONED_DAYS and not item.get("TagFilters"):
                yield at(bucket, f"{path}.AbortIncompleteMultipartUpload")


@rule(
    "HASIVU-S3-15",
    "SOX OP-2",
    "GDPR 32(1)(c)",
    remedy=f"Move objects after {COLD_AFTER_DAYS_MIN} days or more, to a class of READ_AT_ONCE.",
)
def objects_can_be_read_at_once(estate: Estate) -> Iterator[Breach]:
    """Objects move only to storage that answers at once and outlives the loss of a zone."""
    for bucket in estate.of(BUCKET):
        for path, item in _rules(bucket):
            for index, move in enumerate(item.get("Transitions") or []):
                if move.get("StorageClass") not in READ_AT_ONCE:
                    yield at(bucket, f"{path}.Transitions.{index}.StorageClass")
                days = move.get("TransitionInDays")
                if not (isinstance(days, int) and days >= COLD_AFTER_DAYS_MIN):
                    yield at(bucket, f"{path}.Transitions.{index}.TransitionInDays")


@rule(
    "HASIVU-S3-16",
    "PCI DSS 3.2.1",
    "GDPR 5(1)(e)",
    remedy="Let what lies under the prefix end within ASKED_FOR_DAYS of checks/rules/lifecycles.py.",
)
def statements_end_soon(estate: Estate) -> Iterator[Breach]:
    """Files of bank statements stay as long as somebody may ask what stood in them, and no longer."""
    for bucket in estate.of(BUCKET):
        for prefix, days in ASKED_FOR_DAYS.get(purpose(estate, bucket), {}).items():
            ends = [
                item.get("ExpirationInDays")
                for _, item in _rules(bucket)
                if item.get("Prefix") == prefix and item.get("Status") == "Enabled"
            ]
            if not any(end in days for end in ends):
                yield at(bucket, "LifecycleConfiguration", shown=f"{prefix} does not end in time")


def _rules(bucket: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, item in enumerate(bucket.items("LifecycleConfiguration.Rules")):
        yield f"LifecycleConfiguration.Rules.{index}", item
