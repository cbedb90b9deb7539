"""Conditions: what is allowed under one is allowed only where what it asks about is there, and so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.estate import Estate
from checks.rules.permissions import of_services
from checks.rules.policies import statements
from checks.rules.rule import Breach, rule

SOUND_OPERATORS = frozenset({"StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool"})
"""Each fails where the request says nothing of its key. Not so ``...IfExists``, ``ForAllValues:`` and
``Null``; and what is negated lets in all but one."""


@rule(
    "HASIVU-IAM-23",
    "PCI DSS 7.2.5",
    "PCI DSS 1.3.1",
    "GDPR 32(1)(b)",
    remedy="Ask by StringEquals, StringLike, ArnEquals, ArnLike or Bool; write the account out.",
)
def conditions_hold_only_where_their_key_is_there(estate: Estate) -> Iterator[Breach]:
    """What is allowed under a condition is not allowed where the request says nothing of it."""
    for statement in statements(estate):
        if not statement.allows:
            continue
        for operator, tests in statement.conditions.items():
            if operator not in SOUND_OPERATORS:
                yield statement.breach(f"Condition {operator}")
                continue
            for key in tests:
                for _, values in statement.condition(key):
                    if any(_is_of_any_account(value) for value in values):
                        yield statement.breach(f"Condition {key}: of any account")


def _is_of_any_account(value: str) -> bool:
    """Whether an ARN leaves open whose it is; S3's ARNs name no account."""
    parts = value.strip('"').split(":")
    return parts[0] == "arn" and len(parts) > 4 and "*" in parts[4]


PREFIX = re.compile(r'"?[a-z]+/(\*"?)?')


@rule(
    "HASIVU-IAM-24",
    "PCI DSS 7.2.5",
    "GDPR 32(1)(b)",
    remedy="Allow s3:ListBucket where s3:prefix is like the folder that the work is in.",
)
def buckets_are_listed_by_folder(estate: Estate) -> Iterator[Breach]:
    """A role that may list a bucket may list folders of it, named one by one."""
    for statement in of_services(estate):
        if not any(statement.covers(f"s3:{action}") for action in ("ListBucket", "ListBucketVersions")):
            continue
        asked = [values for _, values in statement.condition("s3:prefix")]
        if not asked or not all(values and all(map(PREFIX.fullmatch, values)) for values in asked):
            yield statement.breach("lists more than folders")
