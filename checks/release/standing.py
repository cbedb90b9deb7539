"""How a release stands, for the report: who decided what, how its rollback window is, what speaks against it.

Everything comes from verified files: decisions beside a report, and the environment's chain of go-lives. A
report about what is live shows the decisions that it went live on; any other one those about itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.checklist.model import Results, utc
from checks.checklist.wording import counted, line, listed
from checks.errors import ExitCode, HasivuError
from checks.release import proofs
from checks.release.approval import Basis, RoleState, RoleVerdict, decide
from checks.release.documents import DocumentRefused
from checks.release.live import authors, forgotten_at
from checks.release.records import Closed
from checks.release.report_files import read_results
from checks.release.roles import policy
from checks.release.signoff import FOLDER, Signed, read_all
from checks.release.window import ENDED, Window, WindowState
from checks.report.model import Moved, Release, Rollback, RollbackState, SignOff, SignOffState

if TYPE_CHECKING:
    from checks.release.context import Context
    from checks.release.store import Deployment

REPORTS: Final = "reports"
"""Where the records have the report that is decided on: ``reports/ENVIRONMENT``."""

_STATES: Final = {
    RoleState.APPROVED: SignOffState.APPROVED,
    RoleState.MISSING: SignOffState.MISSING,
    RoleState.REJECTED: SignOffState.REJECTED,
    RoleState.CONDITIONS_OPEN: SignOffState.CONDITIONS_OPEN,
    RoleState.VOID: SignOffState.VOID,
    RoleState.GONE: SignOffState.GONE,
}
"""One that is no role of the checklist is not shown."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which release a report is to show."""

    folder: Path | None
    """The folder of the results: decisions about them are beside them."""
    which: str
    """A deployment's id or number; empty for the newest."""
    deployer: str
    """Who is going to deploy; empty where nobody knows yet."""


def standing(context: Context, results: Results, question: Question, *, now: datetime) -> Release:
    """How the release that ``results`` are about stands at ``now``, UTC.

    Errors: `RELEASE_UNKNOWN`; DocumentRefused and SignersRefused where records are not as they were signed.
    """
    deployments = context.records.all() if context.has_records else []
    chosen = _chosen(deployments, question.which)
    known = [each for each in deployments if chosen is not None and each.sequence <= chosen.sequence]
    window = next((each.window for each in reversed(known) if each.window is not None), None)
    live = None if chosen is None else chosen.window
    if live is not None and live.go_live.assembly_sha256 == results.assembly_sha256:
        roles, against = _counted(context, live, question.folder), list(_of_what_is_live(live, now))
    else:
        live = None
        since = None if window is None else window.go_live.commit
        roles, against = _decided(context, results, question, since=since, now=now)
        against += _before(window, now)
    pending = None if chosen is None or chosen.window is not None else chosen.prepared
    if pending is not None and now > forgotten_at(pending):
        against.append(f"{pending.deployment_id} was let through and nobody opened its window")
    against += _of_roles(roles)
    told = Release(
        judged_at=now,
        deployment_id="" if live is None else live.go_live.deployment_id,
        sign_offs=tuple(_sign_off(each) for each in roles if each.state in _STATES),
        rollback=None if window is None else _rollback(window, context, now),
        against=tuple(line(each) for each in against),
        proofs=(*proofs.role_decisions(roles), proofs.rollback_window(window, now)),
    )
    return _with_people(told, context)


def _chosen(deployments: Sequence[Deployment], which: str) -> Deployment | None:
    if not which:
        return deployments[-1] if deployments else None
    for each in deployments:
        if which in {_id(each), str(each.sequence), f"{each.sequence:04}"}:
            return each
    known = listed([_id(each) for each in reversed(deployments)]) or "none"
    raise HasivuError(
        "RELEASE_UNKNOWN",
        f"There is no release {which[:60]}.",
        next_step=f"name one of its records ({known}), or `none` to leave releases out",
        exit_code=ExitCode.USAGE,
    )


def _id(deployment: Deployment) -> str:
    if deployment.window is not None:
        return deployment.window.go_live.deployment_id
    return f"{deployment.sequence:04}" if deployment.prepared is None else deployment.prepared.deployment_id


def _decided(
    context: Context, results: Results, question: Question, *, since: str | None, now: datetime
) -> tuple[tuple[RoleVerdict, ...], list[str]]:
    """The decisions beside ``results`` as they count at ``now``, and what speaks against all of them."""
    folder = question.folder
    there = folder is not None and (folder / FOLDER).exists()
    signed, refused = read_all(folder, context.signers) if folder is not None and there else ([], [])
    basis = Basis(
        results=results,
        results_sha256=results.sha256,
        authors=authors(results.commit, since=since),
        deployer=question.deployer or None,
    )
    approval = decide(signed, refused, basis=basis, policy=policy(), now=now)
    against = [*approval.faults, *(f"{each.path}: {each.reason}" for each in approval.refused)]
    if question.deployer:
        who = _person(context, question.deployer) or "whoever deploys"
        against = [each.replace(question.deployer, who) for each in against]
    return approval.roles, against


def _counted(context: Context, window: Window, folder: Path | None) -> tuple[RoleVerdict, ...]:
    """The decisions that the go-live rests on. Time does not wear them out: they counted when it mattered."""
    live = window.go_live
    found: dict[str, Signed] = {}
    places = (folder, context.folder / REPORTS / context.environment)
    for place in places:
        if place is not None and _is_about(place, live.results_sha256):
            signed, _ = read_all(place, context.signers)
            found |= {each.sha256: each for each in signed}
    rules = policy()
    required = rules.of(context.environment).required
    return tuple(
        _counted_role(
            RoleVerdict(role=role, title=title, required=role in required, state=RoleState.MISSING),
            live.signoffs.get(role),
            found,
            live.deployment_id,
        )
        for role, title in rules.roles.items()
    )


def _counted_role(
    role: RoleVerdict, sha256: str | None, found: dict[str, Signed], deployment_id: str
) -> RoleVerdict:
    if sha256 is None:
        return role
    if sha256 not in found:
        why = f"{deployment_id} rests on the decision {sha256[:16]}, which is not at hand"
        return replace(role, state=RoleState.GONE, reasons=(why,))
    return replace(role, state=RoleState.APPROVED, signed=found[sha256])


def _is_about(folder: Path, results_sha256: str) -> bool:
    try:
        return read_results(folder).sha256 == results_sha256
    except DocumentRefused:
        return False


def _of_roles(roles: Sequence[RoleVerdict]) -> Iterator[str]:
    """Roles that the environment asks and that do not approve, by how they stand; and every rejection."""
    for state in RoleState:
        wrong = [
            each.title
            for each in roles
            if each.state is state
            and (each.required if state is not RoleState.REJECTED else True)
            and state not in {RoleState.APPROVED, RoleState.IGNORED}
        ]
        if wrong:
            yield f"{counted(len(wrong), 'sign-off')} {state.value.replace('-', ' ')}: {', '.join(wrong)}"


def _of_what_is_live(window: Window, now: datetime) -> Iterator[str]:
    live, state = window.go_live, window.state(now)
    if state is WindowState.OVERDUE:
        yield (
            f"the rollback window of {live.deployment_id} ended {utc(live.rollback_deadline)}, "
            "and it was neither closed nor rolled back"
        )
    elif state is WindowState.ROLLING_BACK:
        yield f"a rollback of {live.deployment_id} began and has not ended"
    elif state is WindowState.ROLLED_BACK:
        yield f"{live.deployment_id} was rolled back"


def _before(window: Window | None, now: datetime) -> Iterator[str]:
    """As the gate has it: nothing goes before the window of what is live has ended."""
    if window is None or window.state(now) in ENDED:
        return
    if window.state(now) is WindowState.OPEN:
        yield f"the rollback window of {window.go_live.deployment_id}, which is live, is open"
    yield from _of_what_is_live(window, now)


def _sign_off(verdict: RoleVerdict) -> SignOff:
    signed = verdict.signed
    told = SignOff(
        role=verdict.title,
        required=verdict.required,
        state=_STATES[verdict.state],
        reasons=tuple(line(each) for each in verdict.reasons),
    )
    if signed is None:
        return told
    signoff = signed.signoff
    return told.model_copy(
        update={
            "decision": signoff.decision.value,
            "name": signed.person,
            "signed_at": signoff.at,
            "valid_until": signoff.valid_until,
            "ticket": signoff.ticket,
            "conditions": tuple(
                line(f"{each.text} (done: {each.closed_by})" if each.closed_by else f"{each.text} (open)")
                for each in signoff.conditions
            ),
        }
    )


def _rollback(window: Window, context: Context, now: datetime) -> Rollback:
    live, outcome = window.go_live, window.outcome
    if outcome is None:
        how = "" if window.begun is None else f"begun {utc(window.begun.at)}: {window.begun.reason}"
    elif isinstance(outcome, Closed):
        met = counted(len(outcome.criteria), "success criterion", "success criteria")
        how = f"{met} met" + (f"; late: {outcome.late_reason}" if outcome.late_reason else "")
    else:
        how = f"{outcome.reason}; {counted(len(outcome.moved), 'alias', 'aliases')} moved back"
    return Rollback(
        deployment_id=live.deployment_id,
        assembly_sha256=live.assembly_sha256,
        previous_assembly_sha256=live.previous_assembly_sha256,
        deployed_at=live.deployed_at,
        deadline=live.rollback_deadline,
        state=RollbackState(window.state(now).value),
        command=live.rollback_command,
        functions=tuple(
            Moved(
                function=each.function,
                previous=None if each.previous is None else each.previous.version,
                next=each.next.version,
            )
            for each in live.functions
        ),
        removed=live.removed,
        owner=live.owner,
        deployer=_person(context, live.deployer),
        ticket=live.ticket,
        ended_at=None if outcome is None else outcome.at,
        ended_by="" if outcome is None else outcome.by,
        ended_how=line(how),
    )


def _person(context: Context, address: str) -> str:
    """Who it is by the committed list of signers; anybody else is nobody to show."""
    known = context.signers.signers
    return next((each.person for each in known if address.lower() in each.addresses), "")


def _with_people(release: Release, context: Context) -> Release:
    """``release`` with the signers whom it names anywhere."""
    text = release.model_dump_json()
    if "@" not in text:
        return release  # nobody signed anything: there may be no list yet
    people = {each.person for each in context.signers.signers if each.person in text}
    return release.model_copy(update={"people": tuple(sorted(people))})
