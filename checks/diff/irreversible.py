"""What it costs to notice too late: changes that lose data, strand it, or fail half-way through a deployment.

Most of these are no replacement in CloudFormation's specification, so that neither it nor `cdk diff` says
a word. Each rule is a function from a resource before and after to what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from checks.diff.assembly import PLACEHOLDER_ACCOUNT, Assembly
from checks.diff.compare import differences, shown
from checks.diff.model import Finding, Risk
from checks.diff.switches import lower, shorter
from checks.diff.table_costs import MIGRATE, Properties, Told, at, deletion_protection, show, table

Rule = Callable[[Properties, Properties], Iterator[Told]]

_KEY_PROPERTY = re.compile(r"(?i)(kms_?(master|data)?_?key|encryption_?key|kms_?key)_?(id|arn|identifier)?$")
_RETAINED = {
    # type → (path of a time to keep something, whether no value means for ever)
    "AWS::Logs::LogGroup": (("RetentionInDays",), True),
    "AWS::Events::Archive": (("RetentionDays",), True),
    "AWS::SQS::Queue": (("MessageRetentionPeriod",), False),
}


def costly(base: Assembly, head: Assembly) -> list[Finding]:
    """Every such change of resources that both sides have, and of whole stacks."""
    findings = [_told(*item) for item in _stacks(base, head)]
    for stack_id, before in base.items():
        after = head.get(stack_id)
        if after is None:
            continue
        for logical_id, old in before.resources.items():
            new = after.resources.get(logical_id)
            if new is None or new.get("Type") != old.get("Type"):
                continue
            subject = after.path_of(logical_id)
            findings += [_told(stack_id, subject, told) for told in _resource(old, new)]
    return findings


def _resource(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Told]:
    resource_type = old["Type"]
    before, after = old.get("Properties", {}), new.get("Properties", {})
    for rule in (*_RULES.get(resource_type, ()), _encryption_keys):
        yield from rule(before, after)
    yield from _policies(old, new)
    if resource_type in _RETAINED:
        path, for_ever = _RETAINED[resource_type]
        was, becomes = at(before, *path), at(after, *path)
        if (shorter if for_ever else lower)(was, becomes):
            yield (
                "retention",
                f"{path[-1]}: {show(was)} → {show(becomes)}",
                "What is older is deleted soon after the deployment.",
                "Export what must be kept before.",
            )


def _policies(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Told]:
    """Retain given up: the next removal or replacement deletes."""
    for key in ("DeletionPolicy", "UpdateReplacePolicy"):
        was, becomes = old.get(key, "Delete"), new.get(key, "Delete")
        if was != becomes and becomes not in ("Retain", "RetainExceptOnCreate"):
            yield (
                "deletion-policy",
                f"{key}: {was} → {becomes}",
                "The next removal or replacement deletes it with what it holds.",
                "Keep Retain.",
            )


def _encryption_keys(before: Properties, after: Properties) -> Iterator[Told]:
    for path, was, becomes in differences(before, after):
        named = [part for part in path if isinstance(part, str)]
        if not named or not _KEY_PROPERTY.search(named[-1]):
            continue
        if isinstance(was, str):
            where = ".".join(map(str, path))
            yield (
                "encryption-key",
                f"{where}: {shown(was)} → {shown(becomes) or 'none'}",
                "What is already stored stays under the old key, and is lost if that key is deleted.",
                "Keep the old key and its grants for as long as anything is encrypted with it.",
            )


def _user_pool(before: Properties, after: Properties) -> Iterator[Told]:
    old, new = (
        {attribute.get("Name"): attribute for attribute in side.get("Schema", ())} for side in (before, after)
    )
    for name, attribute in old.items():
        if attribute != new.get(name):
            yield (
                "user-pool-schema",
                f"the attribute {name}: {show(attribute)} → {show(new.get(name))}",
                "Cognito changes and removes no attribute: the deployment fails; a new pool has no users.",
                "Add an attribute with another name.",
            )
    for name in sorted(map(str, new.keys() - old.keys())):
        yield (
            "user-pool-schema",
            f"the attribute {name} is added",
            "It can never be changed or removed again.",
            "Be sure of its name, type and mutability.",
        )
    for name in ("UsernameAttributes", "AliasAttributes", "UsernameConfiguration"):
        if before.get(name) != after.get(name):
            yield (
                "user-pool-schema",
                f"{name}: {show(before.get(name))} → {show(after.get(name))}",
                "It is fixed when a pool is made: users would have to move to a new pool, without passwords.",
                MIGRATE,
            )
    yield from deletion_protection(before, after)


def _secret(before: Properties, after: Properties) -> Iterator[Told]:
    for name in ("GenerateSecretString", "SecretString"):
        if before.get(name) != after.get(name):
            yield (
                "secret-value",
                f"{name} changes",
                "CloudFormation writes a value of its own over the one that an operator has put in.",
                "Leave it, or have the real value ready to put in again at once.",
            )


def _key(before: Properties, after: Properties) -> Iterator[Told]:
    for name in ("KeySpec", "KeyUsage", "MultiRegion", "Origin"):
        if before.get(name) != after.get(name):
            yield (
                "encryption-key",
                f"{name}: {show(before.get(name))} → {show(after.get(name))}",
                "KMS fixes it when a key is made: the deployment fails.",
                "Make a second key.",
            )
    if after.get("Enabled") in (False, "false") and before.get("Enabled") not in (False, "false"):
        yield ("encryption-key", "the key is disabled", "Nothing under it can be read or written.", "")


def _bucket(before: Properties, after: Properties) -> Iterator[Told]:
    lock = ("ObjectLockConfiguration", "Rule", "DefaultRetention")
    was, becomes = at(before, *lock), at(after, *lock)
    if was and (_days(becomes) < _days(was) or _mode(becomes) < _mode(was)):
        yield (
            "object-lock",
            f"the default retention: {show(was)} → {show(becomes)}",
            "What is written from now on may be deleted sooner than the law asks.",
            "",
        )
    old, new = (
        {
            rule.get("Id", index): rule
            for index, rule in enumerate(at(side, "LifecycleConfiguration", "Rules") or ())
        }
        for side in (before, after)
    )
    for name, rule in new.items():
        for limit in ("ExpirationInDays", "NoncurrentVersionExpiration"):
            was, becomes = _limit(old.get(name, {}), limit), _limit(rule, limit)
            if rule.get("Status") == "Enabled" and becomes is not None and (was is None or becomes < was):
                yield (
                    "lifecycle",
                    f"the rule {name}: {limit} {show(was)} → {show(becomes)} days",
                    "Objects that are older are deleted within a day.",
                    "",
                )


_RULES: dict[str, tuple[Rule, ...]] = {
    "AWS::DynamoDB::Table": (table,),
    "AWS::Cognito::UserPool": (_user_pool,),
    "AWS::SecretsManager::Secret": (_secret,),
    "AWS::KMS::Key": (_key,),
    "AWS::S3::Bucket": (_bucket,),
}


def _stacks(base: Assembly, head: Assembly) -> Iterator[tuple[str, str, Told]]:
    for stack_id, before in base.items():
        after = head.get(stack_id)
        if after is None:
            told: Told = (
                "stack-removed",
                f"the stack {before.name} is in the app no more",
                "It goes on running and nobody maintains it; destroying it deletes what is not retained.",
                "Move what holds state first, then destroy it by name.",
            )
            yield stack_id, "(stack)", told
            continue
        if before.name != after.name:
            what = f"the stack's name: {before.name} → {after.name}"
            yield (
                stack_id,
                "(stack)",
                ("stack-name", what, "A second stack is deployed beside the first.", ""),
            )
        for what, was, becomes in (
            ("region", before.region, after.region),
            ("account", before.account, after.account),
        ):
            if was != becomes and not {was, becomes} & {None, PLACEHOLDER_ACCOUNT}:
                moved = f"the {what}: {was} → {becomes}" if what == "region" else "another account"
                yield (
                    stack_id,
                    "(stack)",
                    (
                        "stack-place",
                        moved,
                        "Everything is made anew and empty there; the old stack stays.",
                        "",
                    ),
                )
        if before.termination_protection and not after.termination_protection:
            what = "termination protection is turned off"
            yield stack_id, "(stack)", ("deletion-protection", what, "One call deletes the stack.", "")


def _told(stack: str, subject: str, told: Told) -> Finding:
    kind, what, consequence, remedy = told
    return Finding(
        risk=Risk.DESTRUCTIVE,
        kind=kind,
        stack=stack,
        subject=subject,
        what=what,
        consequence=consequence,
        remedy=remedy,
        loses_data=True,
    )


def _days(retention: Any) -> int:
    if not isinstance(retention, dict):
        return 0
    return int(retention.get("Days") or 0) + 365 * int(retention.get("Years") or 0)


def _mode(retention: Any) -> int:
    mode = retention.get("Mode") if isinstance(retention, dict) else None
    return {"COMPLIANCE": 2, "GOVERNANCE": 1}.get(str(mode), 0)


def _limit(rule: Mapping[str, Any], name: str) -> float | None:
    value = rule.get(name)
    if isinstance(value, dict):
        value = value.get("NoncurrentDays")
    return None if value is None else float(value)
