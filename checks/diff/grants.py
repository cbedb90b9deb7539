"""Who may do what, read from the templates of an assembly: every policy document, wherever it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from checks.diff.assembly import Assembly

POLICY_TARGETS = {
    "AWS::Events::EventBusPolicy": "EventBusName",
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
    "AWS::SecretsManager::ResourcePolicy": "SecretId",
}
"""Policies that stand beside what they protect, with the property that says what that is."""

_NESTING_MAX = 32


@dataclass(frozen=True)
class Scope:
    """What a statement is about: patterns, or everything but them."""

    patterns: frozenset[str]
    inverted: bool = False

    def covers(self, pattern: str) -> bool:
        """Whether everything that `pattern` matches lies inside."""
        if self.inverted:
            return not any(_may_meet(excluded, pattern) for excluded in self.patterns)
        return any(_includes(wide, pattern) for wide in self.patterns)

    def includes(self, other: Scope) -> bool:
        """Whether all of `other` lies inside."""
        if not other.inverted:
            return all(self.covers(pattern) for pattern in other.patterns)
        if not self.inverted:
            return "*" in self.patterns
        return all(any(_includes(kept, out) for kept in other.patterns) for out in self.patterns)

    def __str__(self) -> str:
        listed = ", ".join(sorted(self.patterns))
        return f"everything except {listed}" if self.inverted else listed


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One statement, for one subject: a role, or the resource that a policy protects."""

    subject: str
    stack: str
    allows: bool
    principals: Scope
    actions: Scope
    resources: Scope
    conditions: frozenset[tuple[str, str, frozenset[str]]]
    readable: bool = True

    def includes(self, other: Grant) -> bool:
        """Whether whatever `other` says follows from this one alone."""
        return (
            self.readable
            and other.readable
            and self.principals.includes(other.principals)
            and self.actions.includes(other.actions)
            and self.resources.includes(other.resources)
            and self.holds_whenever(other)
        )

    def holds_whenever(self, other: Grant) -> bool:
        """Whether each condition of this one is at least as strict in `other`."""
        theirs = {(operator, key): values for operator, key, values in other.conditions}
        for operator, key, values in self.conditions:
            found = theirs.get((operator, key))
            if found is None:
                return False
            narrower = found >= values if "Not" in operator else found <= values
            comparable = operator.removeprefix("ForAnyValue:").startswith(
                ("String", "Arn", "IpAddress", "NotIp")
            )
            if not (narrower if comparable else found == values):
                return False
        return True


SPEAK_OF_REQUESTS = frozenset({"AWS::WAFv2::WebACL", "AWS::WAFv2::RuleGroup"})
"""Their statements are conditions on requests and allow nobody anything; switches.py compares them."""


def grants_of(assembly: Assembly) -> Iterator[Grant]:
    """Every statement of every policy of a comparable assembly, for each of its subjects."""
    for stack in assembly.values():
        for logical_id, body in stack.resources.items():
            properties = body.get("Properties", {})
            kind = body.get("Type", "")
            own = f"<{stack.id}.{logical_id}>"
            if kind == "AWS::Lambda::Permission":
                yield _permission(properties, stack.id)
                continue
            if kind == "AWS::IAM::Role":
                yield from _managed(properties, own, stack.id)
            if kind in SPEAK_OF_REQUESTS:
                continue
            subjects = list(_subjects(kind, properties, own))
            for path, document in _documents(properties):
                about = [f"trust of {own}"] if path[:1] == ("AssumeRolePolicyDocument",) else subjects
                for subject in about:
                    yield from _statements(document, subject, stack.id)


def _subjects(kind: str, properties: Mapping[str, Any], own: str) -> Iterator[str]:
    """Whom a policy is for. One that stands alone is for itself."""
    if kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        attached = [name for key in ("Roles", "Users", "Groups") for name in properties.get(key, ())]
        yield from (_plain(name) for name in attached) if attached else [own]
    elif kind in POLICY_TARGETS:
        yield from (_bare(_plain(target)) for target in _listed(properties.get(POLICY_TARGETS[kind], own)))
    else:
        yield own


def _documents(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every policy document in `value`, also one that is written as text."""
    if len(path) > _NESTING_MAX:
        return
    if isinstance(value, str) and '"Statement"' in value:
        try:
            yield path, json.loads(value)
        except ValueError:
            yield path, {"Statement": [value]}
    elif isinstance(value, dict) and "Statement" in value:
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _documents(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _documents(item, path)


def _statements(document: Any, subject: str, stack: str) -> Iterator[Grant]:
    for statement in _listed(document["Statement"] if isinstance(document, dict) else document):
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            yield _unreadable(statement, subject, stack)
            continue
        yield Grant(
            subject=subject,
            stack=stack,
            allows=statement["Effect"] == "Allow",
            principals=_scope(statement, "Principal"),
            actions=_scope(statement, "Action"),
            resources=_scope(statement, "Resource"),
            conditions=frozenset(_conditions(statement.get("Condition", {}))),
        )


def _unreadable(statement: Any, subject: str, stack: str) -> Grant:
    """What cannot be understood is equal to itself only: any change of it counts as broadening."""
    text = Scope(frozenset({_plain(statement)}))
    return Grant(
        subject=subject,
        stack=stack,
        allows=True,
        principals=text,
        actions=text,
        resources=text,
        conditions=frozenset(),
        readable=False,
    )


def _permission(properties: Mapping[str, Any], stack: str) -> Grant:
    function = _bare(_plain(properties.get("FunctionName", "")))
    limits = ("EventSourceToken", "FunctionUrlAuthType", "PrincipalOrgID", "SourceAccount", "SourceArn")
    return Grant(
        subject=function,
        stack=stack,
        allows=True,
        principals=Scope(frozenset({_plain(properties.get("Principal", "*"))})),
        actions=Scope(frozenset({_plain(properties.get("Action", "*"))})),
        resources=Scope(frozenset({function})),
        conditions=frozenset(
            ("ArnLike", key, frozenset({_plain(properties[key])})) for key in limits if key in properties
        ),
    )


def _managed(properties: Mapping[str, Any], role: str, stack: str) -> Iterator[Grant]:
    for arn in _listed(properties.get("ManagedPolicyArns", [])):
        yield Grant(
            subject=role,
            stack=stack,
            allows=True,
            principals=Scope(frozenset({"*"})),
            actions=Scope(frozenset({f"whatever {_plain(arn)} allows"})),
            resources=Scope(frozenset({"*"})),
            conditions=frozenset(),
        )


def _scope(statement: Mapping[str, Any], key: str) -> Scope:
    if f"Not{key}" in statement:
        return Scope(frozenset(_patterns(statement[f"Not{key}"])), inverted=True)
    return Scope(frozenset(_patterns(statement.get(key, "*"))))


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for kind, items in value.items():
            for item in _listed(items):
                text = _plain(item)
                yield "*" if (kind, text) == ("AWS", "*") else f"{kind} {text}"
    else:
        yield from (_plain(item) for item in _listed(value))


def _conditions(condition: Any) -> Iterator[tuple[str, str, frozenset[str]]]:
    if not isinstance(condition, dict):
        yield "?", _plain(condition), frozenset()
        return
    for operator, keys in condition.items():
        for key, values in (keys if isinstance(keys, dict) else {"?": keys}).items():
            yield operator, key, frozenset(_plain(value) for value in _listed(values))


def _bare(reference: str) -> str:
    """The resource that a reference to one of its attributes is about: `<S.Queue.Arn>` → `<S.Queue>`."""
    if reference.startswith("<") and reference.endswith(">") and reference.count(".") > 1:
        return ".".join(reference[:-1].split(".")[:2]) + ">"
    return reference


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


@cache
def _includes(wide: str, narrow: str) -> bool:
    """Whether the pattern `wide` matches everything that `narrow` matches. IAM's wildcards: * and ?.

    A wildcard of `narrow` is matched by a `*` only. The case counts: at worst a change of it is shown.
    """
    return wide in ("*", narrow) or _expression(wide).fullmatch(narrow) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(wildcards.get(letter) or re.escape(letter) for letter in pattern), re.DOTALL)


def _may_meet(one: str, other: str) -> bool:
    """Whether something may match both patterns; sure only of its no."""
    if "*" in other or "?" in other:
        head = other.partition("*")[0].partition("?")[0].lower()
        fixed = one.partition("*")[0].partition("?")[0].lower()
        return head.startswith(fixed) or fixed.startswith(head)
    return _includes(one.lower(), other.lower())
