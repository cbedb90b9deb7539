"""Whether a deployment may go ahead: pure rules over the report, the decisions, and what ran before it.

Every objection is listed, none is enough to go on: the gate is open only when there is none. It asks again
what the report asked, because time has passed since: waivers and evidence end by the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from checks.checklist.contradictions import Contradiction, contradictions
from checks.checklist.model import ItemResult, Results, Status, WaiverState, utc
from checks.release.approval import CLOCKS_DIFFER, Approval, RoleState
from checks.release.records import Drill
from checks.release.roles import Policy
from checks.release.window import ENDED, Window
from runtime.platform.clock import business_date

SIGNOFF_PROOF: Final = "record:signoff-"
"""``record:signoff-<role>``: the proof of an item that that role's decision settles. A report cannot hold
the decisions about itself, so that these items are open in every report."""

EMBEDDED: Final = "sandbox"
CHANGES: Final = "+changes"
"""How a commit ends whose working tree differs from it. No environment with roles goes live on one."""


@dataclass(frozen=True, kw_only=True)
class Objection:
    """One reason why a deployment may not go ahead. ``code`` is stable."""

    code: str
    subject: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the gate is asked about."""

    environment: str
    results: Results
    assembly_sha256: str
    """Of the assembly that is about to be deployed."""
    catalogue_sha256: str
    """Of the catalogue in this checkout."""
    waivers_sha256: str
    """Of the environment's waivers in this checkout."""
    commit: str
    """Of this checkout, which deploys."""
    source_sha256: str
    """Of the sources in this checkout."""
    departures: tuple[Contradiction, ...]
    """Where the report is not what that catalogue makes of its proofs, and what is committed of waivers."""
    approval: Approval
    before: Window | None
    """Of the deployment that is live."""
    drill: Drill | None


def objections(situation: Situation, *, policy: Policy, now: datetime) -> tuple[Objection, ...]:
    """Everything that speaks against it at ``now``, UTC."""
    return (
        *_of_the_report(situation, policy, now),
        *_of_what_runs(situation),
        *_of_what_it_says(situation),
        *_of_items(situation.results, situation.approval),
        *_of_waivers(situation.results, business_date(now)),
        *_of_evidence(situation.results, business_date(now)),
        *_of_roles(situation.approval),
        *_of_the_window_before(situation.before, now),
        *_of_the_drill(situation, policy, now),
    )


def blockers(results: Results, approval: Approval) -> tuple[ItemResult, ...]:
    """The blocking items that the roles' decisions do not settle, worst first."""
    return tuple(item for item in results.blockers if not _settled(item, approval))


def _settled(item: ItemResult, approval: Approval) -> bool:
    """Whether an item is nothing but decisions of roles, and those roles approve."""
    if item.status is not Status.MANUAL_PENDING or not item.proofs:
        return False
    roles = [
        approval.of(proof.removeprefix(SIGNOFF_PROOF)) if proof.startswith(SIGNOFF_PROOF) else None
        for proof in item.proofs
    ]
    return all(role is not None and role.state is RoleState.APPROVED for role in roles)


def _of_the_report(situation: Situation, policy: Policy, now: datetime) -> Iterator[Objection]:
    results = situation.results

    def objection(code: str, message: str) -> Objection:
        return Objection(code=code, subject="results.json", message=message)

    if results.environment != situation.environment:
        yield objection("OTHER_ENVIRONMENT", f"the report is about {results.environment}")
    if results.emulator and situation.environment != EMBEDDED:
        yield objection("EMULATOR", "the report is about an emulator, which is not AWS")
    if results.assembly_sha256 != situation.assembly_sha256:
        yield objection("OTHER_ASSEMBLY", "the assembly to be deployed is not the one of the report")
    if results.catalogue_sha256 != situation.catalogue_sha256:
        yield objection("OTHER_CATALOGUE", "the catalogue of checks is not the one of the report")
    if results.waivers_sha256 != situation.waivers_sha256:
        yield objection("OTHER_WAIVERS", "what is waived is not what was waived in the report")
    if results.commit.removesuffix(CHANGES) != situation.commit.removesuffix(CHANGES):
        yield objection("OTHER_COMMIT", "the commit to be deployed is not the one of the report")
    if results.source_sha256 != situation.source_sha256:
        yield objection("OTHER_SOURCES", "the sources are not those of the report")
    if results.generated_at > now + CLOCKS_DIFFER:
        yield objection("FUTURE", f"the report is dated in the future: {utc(results.generated_at)}")
    if now > results.generated_at + policy.max_age:
        yield objection("REPORT_OLD", f"the report is older than {policy.max_age_hours} hours")


def _of_what_runs(situation: Situation) -> Iterator[Objection]:
    """Before a deployment what runs is held against the assembly that is live, which the records name."""
    told, before = situation.results.live_assembly_sha256, situation.before
    live = () if before is None else before.assemblies
    if told is not None and told not in live:
        named = f"that is {' or '.join(each[:12] for each in live)}" if live else "none is written down"
        message = f"what runs was held against {told[:12]}, which is not what is live: {named}"
        yield Objection(code="OTHER_LIVE_ASSEMBLY", subject="results.json", message=message)


def _of_what_it_says(situation: Situation) -> Iterator[Objection]:
    """A report that its own proofs or the catalogue deny, whoever has signed it."""
    for found in (*contradictions(situation.results), *situation.departures):
        yield Objection(code="CONTRADICTION", subject=found.subject, message=found.message)


def _of_items(results: Results, approval: Approval) -> Iterator[Objection]:
    if not results.items:
        yield Objection(code="NO_ITEMS", subject="results.json", message="the report has no items")
    for item in blockers(results, approval):
        yield Objection(code="ITEM_OPEN", subject=item.item_id, message=f"{item.status}: {item.reason}")


def _of_waivers(results: Results, today: date) -> Iterator[Objection]:
    """A waiver that is not needed harms nobody; every other one is in force, today."""
    for waiver in results.waivers:
        if waiver.state is WaiverState.UNUSED:
            continue
        if waiver.state is not WaiverState.IN_FORCE:
            yield Objection(code="WAIVER", subject=waiver.waiver_id, message=f"it is {waiver.state}")
        elif waiver.expires is None or waiver.expires < today:
            yield Objection(code="WAIVER", subject=waiver.waiver_id, message=f"it ended {waiver.expires}")


def _of_evidence(results: Results, today: date) -> Iterator[Objection]:
    for evidence in results.evidence:
        if evidence.valid_until is not None and evidence.valid_until < today:
            message = f"it counted until {evidence.valid_until}"
            yield Objection(code="EVIDENCE_OLD", subject=evidence.path, message=message)


def _of_roles(approval: Approval) -> Iterator[Objection]:
    for fault in approval.faults:
        yield Objection(code="SIGNOFF", subject="all roles", message=fault)
    for refused in approval.refused:
        yield Objection(code="SIGNOFF", subject=refused.path, message=f"{refused.code}: {refused.reason}")
    for role in approval.roles:
        wrong = role.state is not RoleState.APPROVED if role.required else role.state is RoleState.REJECTED
        if wrong:
            why = f": {'; '.join(role.reasons)}" if role.reasons else ""
            yield Objection(code="SIGNOFF", subject=role.role, message=f"{role.state}{why}")


def _of_the_window_before(before: Window | None, now: datetime) -> Iterator[Objection]:
    if before is not None and (state := before.state(now)) not in ENDED:
        message = f"its rollback window is {state}: close it or roll it back first"
        yield Objection(code="WINDOW_BEFORE", subject=before.go_live.deployment_id, message=message)


def _of_the_drill(situation: Situation, policy: Policy, now: datetime) -> Iterator[Objection]:
    drill = situation.drill
    if drill is None:
        if policy.of(situation.environment).drill_required:
            message = "nobody has rehearsed the rollback"
            yield Objection(code="DRILL", subject="drill", message=message)
        return

    def objection(message: str) -> Objection:
        return Objection(code="DRILL", subject="drill", message=message)

    if drill.emulator and situation.environment != EMBEDDED:
        yield objection("it was rehearsed on an emulator, which is not AWS")
    if drill.at > now + CLOCKS_DIFFER:
        yield objection(f"it is dated in the future: {utc(drill.at)}")
    if now > drill.at + timedelta(days=policy.drill_max_age_days):
        yield objection(f"it is older than {policy.drill_max_age_days} days")
