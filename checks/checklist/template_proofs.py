"""What the synthesised assembly proves: each house rule by what it looked at, each finding by its resource.

A rule that looked at nothing proves nothing, unless it is one that asserts that something is *not* there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from checks.checklist.applicability import Setting, applies_not
from checks.checklist.model import Level, ProofResult, Status, Subject
from checks.checklist.watched_estate import WatchedEstate
from checks.checklist.wording import counted, line, listed
from checks.rules.catalogue import findings, rules
from checks.rules.estate import Estate, Resource
from checks.rules.rule import Finding, Rule

ABSENCE: Final = frozenset(
    {
        "HASIVU-DDB-9",  # global tables
        "HASIVU-GOV-1",  # kinds that the rules do not know
        "HASIVU-GOV-3",  # stacks that are too large
        "HASIVU-IAM-6",  # users, groups, logins
        "HASIVU-LOG-4",  # subscriptions that lead outside
        "HASIVU-LOG-6",  # transformers
        "HASIVU-PUB-5",  # shared layers, addresses of functions
        "HASIVU-RES-2",  # kinds that spread data over regions
        "HASIVU-SEC-8",  # parameters
        "HASIVU-SEC-9",  # outputs that tell secrets
    }
)
"""Rules that hold because something is nowhere: they have looked when the whole estate was there to see."""

NOT_WHERE: Final[Mapping[str, str]] = {"HASIVU-API-18": "without-domain"}
"""Rules about what an environment need not have, with the predicate."""

ABOUT_ALL: Final = 0.8
"""A rule that reads so much of the estate is about everything, and makes no resource one that is matched."""

AGAINST_MAX: Final = 50
_NAMES: Final = (
    *("BucketName", "TableName", "QueueName", "TopicName", "FunctionName", "DashboardName"),
    *("AlarmName", "UserPoolName", "LogGroupName"),
)


@dataclass(frozen=True, slots=True)
class TemplateProofs:
    """What the rules saw, and the resources that none of them is about."""

    proofs: tuple[ProofResult, ...]
    unmatched: tuple[Subject, ...]


@lru_cache(maxsize=1)
def _by_place(estate: Estate) -> tuple[tuple[str, Resource], ...]:
    return tuple((place_of(resource), resource) for resource in estate.resources)


@lru_cache(maxsize=1)
def _by_name(estate: Estate) -> dict[str, list[Resource]]:
    """The resources by each name that they give themselves: asked for one after the other, read once."""
    found: dict[str, list[Resource]] = {}
    for resource in estate.resources:
        for name in dict.fromkeys(resource.get(path) for path in _NAMES):
            if isinstance(name, str):
                found.setdefault(name, []).append(resource)
    return found


def place_of(resource: Resource) -> str:
    """The construct's path, which is the same in every environment; empty where the template has none."""
    metadata = resource.body.get("Metadata")
    path = metadata.get("aws:cdk:path") if isinstance(metadata, Mapping) else None
    return path.removesuffix("/Resource") if isinstance(path, str) else ""


def subject_of(resource: Resource) -> Subject:
    """The resource as reports name it."""
    names = (resource.get(name) for name in _NAMES)
    physical = next((name for name in names if isinstance(name, str)), "")
    return Subject(
        stack=resource.stack,
        logical_id=resource.logical_id,
        kind=resource.kind,
        place=place_of(resource),
        physical_id=physical,
    )


def prove(estate: Estate, setting: Setting, accepted: Mapping[tuple[str, str], str]) -> TemplateProofs:
    """Hold ``estate`` against every house rule.

    ``accepted`` maps a rule and a construct's path to the id of the acknowledgement that covers what the
    rule finds there.
    """
    proofs, matched = [], set[tuple[str, str]]()
    for rule in rules():
        proof, seen = prove_rule(rule, estate, setting, accepted)
        proofs.append(proof)
        if len(seen) < ABOUT_ALL * len(estate.resources):
            matched.update((resource.stack, resource.logical_id) for resource in seen)
    unmatched = [
        subject_of(resource)
        for resource in estate.resources
        if (resource.stack, resource.logical_id) not in matched
    ]
    unmatched.sort(key=lambda subject: (subject.stack, subject.logical_id))
    return TemplateProofs(tuple(proofs), tuple(unmatched))


def prove_rule(
    rule: Rule, estate: Estate, setting: Setting, accepted: Mapping[tuple[str, str], str]
) -> tuple[ProofResult, Sequence[Resource]]:
    """The proof of one rule, and the resources that it looked at."""
    watched = WatchedEstate(estate)
    found = findings(rule, watched) if setting.name in rule.environments else []
    return _proof(rule, estate, setting, found, len(watched.seen), accepted), tuple(watched.seen)


def _proof(
    rule: Rule,
    estate: Estate,
    setting: Setting,
    found: Sequence[Finding],
    looked_at: int,
    accepted: Mapping[tuple[str, str], str],
) -> ProofResult:
    if rule.rule_id in ABSENCE:
        looked_at = len(estate.resources)
    places = {(each.stack, each.logical_id): each for each in estate.resources}
    spoken = [(each, places.get((each.stack, each.logical_id))) for each in found]
    open_ = [
        (each, resource)
        for each, resource in spoken
        if resource is None or (rule.rule_id, path_of(resource)) not in accepted
    ]
    status, observed = _seen(rule, setting, found, [each for each, _ in open_], looked_at)
    subjects = {subject_of(resource): None for _, resource in (open_ or spoken) if resource is not None}
    return ProofResult(
        proof_id=f"rule:{rule.rule_id}",
        level=Level.TEMPLATE,
        title=line(rule.title),
        status=status,
        expected=line(rule.title),
        observed=line(observed),
        looked_at=looked_at,
        against=tuple(subjects)[:AGAINST_MAX],
        remedy=line(rule.remedy),
        controls=rule.controls,
    )


def path_of(resource: Resource) -> str:
    """The construct's path as the validation report writes it."""
    metadata = resource.body.get("Metadata")
    path = metadata.get("aws:cdk:path") if isinstance(metadata, Mapping) else None
    return path if isinstance(path, str) else ""


def _seen(
    rule: Rule, setting: Setting, found: Sequence[Finding], open_: Sequence[Finding], looked_at: int
) -> tuple[Status, str]:
    """The status, and what was seen in words."""
    if setting.name not in rule.environments:
        where = ", ".join(sorted(rule.environments))
        return Status.NOT_APPLICABLE, f"rule-environments: the rule is about {where}"
    if open_:
        unread = any(each.value.startswith("the rule cannot read this") for each in open_)
        status = Status.ERROR if unread else Status.FAILED
        return status, (
            f"{counted(len(open_), 'finding')}: {listed([_finding(each) for each in open_], shown=2)}"
        )
    if found:
        return Status.WAIVED, f"{counted(len(found), 'finding')}, all acknowledged"
    if looked_at == 0:
        predicate = NOT_WHERE.get(rule.rule_id)
        reason = None if predicate is None else applies_not(predicate, setting)
        if reason is not None:
            return Status.NOT_APPLICABLE, reason
        return Status.NOT_EVALUATED, "no resource matched: nothing was looked at"
    return Status.PASSED, f"{counted(looked_at, 'resource')} looked at, nothing against it"


def _finding(finding: Finding) -> str:
    return f"{finding.stack} {finding.logical_id} {finding.evidence}"


def resource_proof(name: str, estate: Estate) -> ProofResult:
    """Whether the template has a resource of that name, or below that construct's path (``*`` for any)."""
    wanted = name.replace("{env}", estate.environment)
    found = list(_named(estate, wanted))
    status = Status.PASSED if found else Status.FAILED
    return ProofResult(
        proof_id=f"resource:{name}",
        level=Level.TEMPLATE,
        title=line(f"The stacks hold {wanted}"),
        status=status,
        expected=line(f"a resource {wanted}"),
        observed=line(
            f"{counted(len(found), 'resource')}: {listed([each.logical_id for each in found], shown=3)}"
            if found
            else f"none of {len(estate.resources)} resources is {wanted}"
        ),
        looked_at=len(estate.resources),
        remedy="" if found else line(f"Add {wanted} to the stacks, or bring its name back."),
    )


def _named(estate: Estate, wanted: str) -> Iterator[Resource]:
    if "/" in wanted:
        for place, resource in _by_place(estate):
            if fnmatchcase(place, wanted):
                yield resource
        return
    yield from _by_name(estate).get(wanted, ())
