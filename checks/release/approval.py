"""Whether the decisions of the roles hold together: pure rules, time and people given.

A decision counts when it is about exactly this, made by somebody who neither wrote nor deploys it, after the
report, not in the future, and not too long ago. One that does not count is void with all its reasons. A
rejection counts however old it is, until the role that made it thinks again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from checks.checklist.model import Results, utc
from checks.release.roles import Policy
from checks.release.signoff import Decision, Refused, Signed

CLOCKS_DIFFER = timedelta(minutes=2)
"""How far ahead another machine's clock may be before a decision counts as made in the future."""


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What is decided on, and who has a part in it already."""

    results: Results
    results_sha256: str
    authors: frozenset[str]
    """Who wrote what is new in this release, by their addresses in lower case."""
    deployer: str | None
    """None: nobody knows yet, and it is not asked. Empty: whoever deploys does not say, which is a fault."""


class RoleState(StrEnum):
    """How a role stands."""

    APPROVED = "approved"
    MISSING = "missing"
    REJECTED = "rejected"
    CONDITIONS_OPEN = "conditions-open"
    VOID = "void"
    GONE = "gone"
    """What is live rests on it, and its file is not at hand."""
    IGNORED = "ignored"
    """It is no role of the checklist."""


@dataclass(frozen=True, kw_only=True)
class RoleVerdict:
    """How one role stands, by whom, and why."""

    role: str
    title: str
    required: bool
    state: RoleState
    reasons: tuple[str, ...] = ()
    signed: Signed | None = None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """How all roles stand."""

    roles: tuple[RoleVerdict, ...]
    refused: tuple[Refused, ...]
    faults: tuple[str, ...]
    """What speaks against the approval as a whole."""

    @property
    def holds(self) -> bool:
        """Whether every required role approves, nobody rejects, and nothing speaks against the whole."""
        return not self.faults and all(
            role.state is RoleState.APPROVED if role.required else role.state is not RoleState.REJECTED
            for role in self.roles
        )

    def of(self, role: str) -> RoleVerdict | None:
        """How ``role`` stands."""
        return next((each for each in self.roles if each.role == role), None)


def decide(
    signed: Sequence[Signed], refused: Sequence[Refused], *, basis: Basis, policy: Policy, now: datetime
) -> Approval:
    """How the roles stand at ``now``, UTC."""
    asked = policy.of(basis.results.environment)
    known = list(policy.roles)
    by_role: dict[str, list[Signed]] = {}
    for each in signed:
        by_role.setdefault(each.signoff.role, []).append(each)
    spoiled = {each.role for each in refused if each.role is not None}
    shared = _shared({role: by_role[role] for role in known if role in by_role})
    verdicts = [
        _verdict(
            role,
            by_role.get(role, []),
            title=policy.roles[role],
            required=role in asked.required,
            reasons=[
                *_of_files(by_role.get(role, []), spoiled=role in spoiled),
                *shared.get(role, ()),
            ],
            basis=basis,
            policy=policy,
            now=now,
        )
        for role in known
    ]
    strangers = [
        RoleVerdict(
            role=role,
            title=role,
            required=False,
            state=RoleState.IGNORED,
            reasons=("it is no role of the checklist",),
            signed=decisions[-1],
        )
        for role, decisions in sorted(by_role.items())
        if role not in policy.roles
    ]
    faults = list(_faults(basis)) if asked.required else []
    return Approval(roles=(*verdicts, *strangers), refused=tuple(refused), faults=tuple(faults))


def _faults(basis: Basis) -> Iterator[str]:
    if not basis.authors:
        yield "nobody knows who wrote this release"
    if basis.deployer is None:
        pass
    elif not basis.deployer:
        yield "nobody knows who deploys this release"
    elif basis.deployer.lower() in basis.authors:
        yield f"{basis.deployer} deploys what they wrote"
    if basis.results.commit.endswith("+changes"):
        yield "the report is about changes that are in no commit"


def _of_files(decisions: Sequence[Signed], *, spoiled: bool) -> Iterator[str]:
    """What is wrong with a role's files as a row."""
    if spoiled:
        yield "a file of this role is refused"
    for position, each in enumerate(decisions, start=1):
        before = decisions[position - 2].sha256 if position > 1 else None
        if each.signoff.number != position or each.signoff.supersedes != before:
            yield f"{each.signoff.file_name} does not follow the decision before it"
            return


def _shared(by_role: dict[str, list[Signed]]) -> dict[str, list[str]]:
    """Roles that one key or one person speaks for, though each is another person's."""
    keys = Counter(key for each in by_role.values() for key in {signed.fingerprint for signed in each})
    people = Counter(who for each in by_role.values() for who in {signed.person for signed in each})
    return {
        role: [
            *(
                f"{key} signs for {keys[key]} roles"
                for key in sorted({signed.fingerprint for signed in decisions})
                if keys[key] > 1
            ),
            *(
                f"{who} signs for {people[who]} roles"
                for who in sorted({signed.person for signed in decisions})
                if people[who] > 1
            ),
        ]
        for role, decisions in by_role.items()
    }


def _verdict(
    role: str,
    decisions: Sequence[Signed],
    *,
    title: str,
    required: bool,
    reasons: Sequence[str],
    basis: Basis,
    policy: Policy,
    now: datetime,
) -> RoleVerdict:
    last = decisions[-1] if decisions else None

    def verdict(state: RoleState, *why: str) -> RoleVerdict:
        return RoleVerdict(role=role, title=title, required=required, state=state, reasons=why, signed=last)

    if last is None:
        return verdict(RoleState.VOID, *reasons) if reasons else verdict(RoleState.MISSING)
    signoff = last.signoff
    about = list(_about_something_else(last, basis))
    if rejections := list(_rejections(decisions, basis)):
        return verdict(RoleState.REJECTED, *rejections)
    void = [
        *reasons,
        *about,
        *_by_the_wrong_person(last, basis),
        *_at_the_wrong_time(last, basis, policy, now),
    ]
    if void:
        return verdict(RoleState.VOID, *void)
    open_ = [condition.text for condition in signoff.conditions if not condition.closed_by]
    if open_:
        return verdict(RoleState.CONDITIONS_OPEN, *open_)
    return verdict(RoleState.APPROVED)


def _rejections(decisions: Sequence[Signed], basis: Basis) -> Iterator[str]:
    """Who rejects. Nobody but the person who rejected takes it back."""
    last_words = {each.person: each for each in decisions}
    for person, each in last_words.items():
        if each.signoff.decision is Decision.REJECT and not list(_about_something_else(each, basis)):
            yield f"{person} rejects: {each.signoff.ticket}"


def _about_something_else(signed: Signed, basis: Basis) -> Iterator[str]:
    signoff, results = signed.signoff, basis.results
    pairs = {
        "the environment": (signoff.environment, results.environment),
        "the assembly": (signoff.assembly_sha256, results.assembly_sha256),
        "the waivers": (signoff.waivers_sha256, results.waivers_sha256),
        "the catalogue of checks": (signoff.catalogue_sha256, results.catalogue_sha256),
        "the commit": (signoff.commit, results.commit),
        "the audit trail's checkpoint": (signoff.audit_checkpoint, results.audit_checkpoint),
        "the report": (signoff.results_sha256, basis.results_sha256),
    }
    for what, (then, now) in pairs.items():
        if then != now:
            yield f"{what} is not the one that was decided on"


def _by_the_wrong_person(signed: Signed, basis: Basis) -> Iterator[str]:
    if signed.addresses & basis.authors:
        yield f"{signed.person} wrote a part of it"
    if basis.deployer is not None and basis.deployer.lower() in signed.addresses:
        yield f"{signed.person} deploys it"


def _at_the_wrong_time(signed: Signed, basis: Basis, policy: Policy, now: datetime) -> Iterator[str]:
    signoff = signed.signoff
    if signoff.at < basis.results.generated_at:
        yield f"it was decided before the report was made, {utc(basis.results.generated_at)}"
    if signoff.at > now + CLOCKS_DIFFER:
        yield f"it is dated in the future: {utc(signoff.at)}"
    if signed.key_until is not None and now > signed.key_until:
        yield f"the key counts no more since {utc(signed.key_until)}"
    if now > signoff.at + policy.max_age:
        yield f"it is older than {policy.max_age_hours} hours"
    elif now > signoff.valid_until:
        yield f"it ended {utc(signoff.valid_until)}"
