"""Keys that sign: what they sign is proof only as long as one role alone can make them sign."""

from __future__ import annotations

from collections.abc import Iterator

from checks.rules.estate import Estate, Resource
from checks.rules.keys import KEY, signs
from checks.rules.permissions import granted, roles_of
from checks.rules.policies import Statement
from checks.rules.rule import Breach, at, rule

SIGN = "kms:Sign"


@rule(
    "HASIVU-KMS-7",
    "PCI DSS 10.3.2",
    "PCI DSS 3.6.1",
    "SOX AT-2",
    remedy="Let one role sign with a signing key, and give no other role the right.",
)
def signing_keys_sign_for_one_role(estate: Estate) -> Iterator[Breach]:
    """A signing key signs for exactly one role; no other key signs at all."""
    signing: dict[Resource, dict[str, Statement]] = {key: {} for key in estate.of(KEY) if signs(key)}
    for key in estate.of(KEY):
        if key not in signing and key.get("KeyUsage") not in (None, "ENCRYPT_DECRYPT"):
            yield at(key, "KeyUsage")
    for statement in granted(estate):
        if not statement.covers(SIGN):
            continue
        keys = [
            target for text in statement.resources for target in estate.targets(text, statement.carrier.stack)
        ]
        if len(keys) != len(statement.resources) or any(key not in signing for key in keys):
            yield statement.breach("Action kms:Sign on what is no signing key of the estate")
        for key in keys:
            if key in signing:
                signing[key] |= {role.name: statement for role in roles_of(estate, statement)}
    for key, by_role in signing.items():
        if not by_role:
            yield at(key, "KeyUsage", shown="nobody may sign with it")
        if len(by_role) > 1:
            for statement in by_role.values():
                yield statement.breach(f"one of {len(by_role)} roles that may sign")
