"""The grammar of policies: what is written down says something, and denies no more than it means to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, is_intrinsic
from checks.rules.policies import PolicyKind, Statement, documents, statements
from checks.rules.rule import Breach, at, rule
from checks.rules.storage import OLD_TLS
from checks.rules.tables import CHANGING

VERSION = "2012-10-17"
"""The older language takes policy variables for plain text."""

NEEDED: Mapping[PolicyKind, tuple[tuple[str, ...], ...]] = {
    "identity": (("Action", "NotAction"), ("Resource", "NotResource")),
    "trust": (("Action", "NotAction"), ("Principal", "NotPrincipal")),
    "resource": (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")),
    "key": (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")),
}
"""What a statement must say: one of each group."""


KEPT_BACKUPS = frozenset(
    {
        "backup:deleterecoverypoint",
        "backup:disassociaterecoverypoint",
        "backup:updaterecoverypointlifecycle",
    }
)
DENIED_TO_EVERYONE = frozenset(action.lower() for action in CHANGING) | KEPT_BACKUPS
"""What nobody at all may do, and what a role may be denied: changing the books, taking backups out."""


@rule(
    "HASIVU-IAM-15",
    "PCI DSS 7.2.5",
    "SOX AC-2",
    remedy=f"In the language of {VERSION}, say effect, actions, resources, principals; leave nothing empty.",
)
def policies_say_something(estate: Estate) -> Iterator[Breach]:
    """A policy is in the language of 2012, and each statement says what it allows or denies, and where."""
    for carrier in estate.resources:
        if carrier.kind == "AWS::IAM::Policy" and not isinstance(carrier.get("PolicyDocument"), Mapping):
            yield at(carrier, "PolicyDocument")
        for path, kind, document in documents(carrier):
            said = document.get("Statement") if isinstance(document, Mapping) else None
            if not isinstance(said, list) or not said:
                yield at(carrier, f"{path}.Statement", shown="says nothing")
                continue
            if document.get("Version") != VERSION:
                yield at(carrier, f"{path}.Version", shown=document.get("Version"))
            for index, item in enumerate(said):
                if _says_nothing(kind, item):
                    yield at(carrier, f"{path}.Statement.{index}", shown="a statement that says too little")


def _says_nothing(kind: PolicyKind, item: Any) -> bool:
    if not isinstance(item, Mapping) or item.get("Effect") not in {"Allow", "Deny"}:
        return True
    said = [[name for name in group if _is_filled(item.get(name))] for group in NEEDED[kind]]
    # An empty condition is none at all, where somebody meant one.
    return any(len(names) != 1 for names in said) or (
        "Condition" in item and not _is_filled(item["Condition"])
    )


def _is_filled(value: Any) -> bool:
    """Whether ``value`` says something, all the way down."""
    if is_intrinsic(value):
        return True
    if isinstance(value, Mapping):
        return bool(value) and all(_is_filled(inner) for inner in value.values())
    if isinstance(value, list):
        return bool(value) and all(_is_filled(inner) for inner in value)
    return value not in (None, "")


@rule(
    "HASIVU-PUB-6",
    "SOX OP-1",
    "PCI DSS 7.2.5",
    remedy="Deny plain HTTP, old TLS, or the actions of DENIED_TO_EVERYONE by name; else do not allow.",
)
def denials_stop_nobody_else(estate: Estate) -> Iterator[Breach]:
    """A denial stops what it is for, and not the platform itself."""
    for statement in statements(estate):
        if not statement.denies or _is_for_transport(statement):
            continue
        narrow = set(statement.actions) <= DENIED_TO_EVERYONE and not statement.not_actions
        if not narrow or statement.conditions or statement.not_resources or statement.not_principals:
            yield statement.breach(f"denies {', '.join(statement.actions or statement.not_actions)}")


def _is_for_transport(statement: Statement) -> bool:
    """Whether it denies what comes without TLS or with an old one, and nothing else."""
    tests = [(operator, key) for operator, asked in statement.conditions.items() for key in asked]
    if len(tests) != 1:
        return False
    if statement.condition("aws:SecureTransport") == [("Bool", ["false"])]:
        return True
    asked = statement.condition("s3:TlsVersion")
    return len(asked) == 1 and asked[0][0] == "NumericLessThan" and set(asked[0][1]) <= OLD_TLS
