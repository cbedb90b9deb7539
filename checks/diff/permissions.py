"""Which permissions broaden: an Allow that nothing allowed before, a Deny that nothing keeps up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from checks.diff.assembly import Assembly
from checks.diff.grants import Grant, Scope, grants_of
from checks.diff.model import Finding, Risk

_LISTED_MAX = 12


def broadened(base: Assembly, head: Assembly) -> list[Finding]:
    """Every widening from `base` to `head`, both comparable.

    Statements count by whom they are for, not where they stand: one that is reordered, split, merged or
    moved to another policy of the same role is none.
    """
    before, after = _by_subject(grants_of(base)), _by_subject(grants_of(head))
    existing = {f"<{stack.id}.{logical_id}>" for stack in head.values() for logical_id in stack.resources}
    findings: list[Finding] = []
    for subject in sorted(after):
        findings += _more_allowed(before.get(subject, []), after[subject], head)
    for subject in sorted(before):
        if _resource_of(subject) in existing or not subject.endswith(">"):
            findings += _less_denied(before[subject], after.get(subject, []), head)
    return findings


def _more_allowed(before: list[Grant], after: list[Grant], head: Assembly) -> Iterator[Finding]:
    allowed = [grant for grant in before if grant.allows]
    for grant in after:
        if not grant.allows or any(old.includes(grant) or old == grant for old in allowed):
            continue
        actions, resources, principals = _uncovered(grant, allowed)
        if not actions:
            continue
        yield _finding(
            grant,
            "allowed",
            _allowance(grant, actions, resources, principals),
            _lost_conditions(grant, allowed),
            head,
        )


def _uncovered(grant: Grant, allowed: list[Grant]) -> tuple[set[str], set[str], set[str]]:
    """What of `grant` follows from nothing in `allowed`: actions, resources and principals that take part."""
    actions: set[str] = set()
    resources: set[str] = set()
    principals: set[str] = set()
    for principal in _parts(grant.principals):
        for resource in _parts(grant.resources):
            relevant = [
                old
                for old in allowed
                if old.readable
                and grant.readable
                and old.principals.includes(principal)
                and old.resources.includes(resource)
                and old.holds_whenever(grant)
            ]
            for action in _parts(grant.actions):
                if not any(old.actions.includes(action) for old in relevant):
                    actions.add(str(action))
                    resources.add(str(resource))
                    principals.add(str(principal))
    return actions, resources, principals


def _parts(scope: Scope) -> list[Scope]:
    if scope.inverted:
        return [scope]
    return [Scope(frozenset({pattern})) for pattern in sorted(scope.patterns)]


def _allowance(grant: Grant, actions: set[str], resources: set[str], principals: set[str]) -> str:
    if not grant.readable:
        return f"has a statement that cannot be read here: {_some(actions)}"
    who = "" if principals == {"*"} and not _is_resource_policy(grant) else f"{_some(principals)} "
    limits = f", with {_conditions(grant)}" if grant.conditions else ""
    return f"{who}may {_some(actions)} on {_some(resources)}{limits}"


def _is_resource_policy(grant: Grant) -> bool:
    return grant.subject.startswith("trust") or grant.resources.patterns in (
        frozenset({grant.subject}),
        frozenset({"*"}),
    )


def _lost_conditions(grant: Grant, allowed: list[Grant]) -> str:
    """Under which conditions the same was allowed before, where there were any."""
    for old in allowed:
        alike = (
            old.principals.includes(grant.principals)
            and old.actions.includes(grant.actions)
            and old.resources.includes(grant.resources)
        )
        if alike:
            return f"Before, the same was allowed only with {_conditions(old, besides=grant)}."
    return ""


def _conditions(grant: Grant, *, besides: Grant | None = None) -> str:
    """The conditions of a grant in words, without those that another has as well."""
    known = besides.conditions if besides is not None else frozenset()
    return ", ".join(
        f"{operator} {key} {_some(values)}".strip()
        for operator, key, values in sorted(grant.conditions - known, key=lambda item: item[:2])
    )


def _less_denied(before: list[Grant], after: list[Grant], head: Assembly) -> Iterator[Finding]:
    denied = [grant for grant in after if not grant.allows]
    for grant in before:
        if grant.allows:
            continue
        actions, resources, principals = _uncovered(grant, denied)
        if not actions:
            continue
        yield _finding(
            grant,
            "no longer denied",
            f"{_some(actions)} on {_some(resources)} is no longer denied to {_some(principals)}",
            "",
            head,
        )


def _finding(grant: Grant, kind: str, what: str, consequence: str, head: Assembly) -> Finding:
    stack, subject = _named(grant, head)
    return Finding(
        risk=Risk.BROADENING,
        kind=kind.replace(" ", "-"),
        stack=stack,
        subject=subject,
        what=what,
        consequence=consequence,
    )


def _named(grant: Grant, head: Assembly) -> tuple[str, str]:
    """The stack and the construct path of whom a grant is for: `<Payments.RoleABC>` in words."""
    prefix = "trust of " if grant.subject.startswith("trust of ") else ""
    stack_id, _, logical_id = _resource_of(grant.subject).strip("<>").partition(".")
    if stack_id in head:
        return stack_id, f"{prefix}{head[stack_id].path_of(logical_id)}"
    return grant.stack, grant.subject


def _resource_of(subject: str) -> str:
    return subject.removeprefix("trust of ")


def _some(items: Iterable[str]) -> str:
    listed = sorted(items)
    more = f" and {len(listed) - _LISTED_MAX} more" if len(listed) > _LISTED_MAX else ""
    return ", ".join(listed[:_LISTED_MAX]) + more


def _by_subject(grants: Iterable[Grant]) -> dict[str, list[Grant]]:
    found: dict[str, list[Grant]] = defaultdict(list)
    for grant in grants:
        found[grant.subject].append(grant)
    return found
