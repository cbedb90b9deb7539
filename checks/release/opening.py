"""A deployment's two moments: the gate lets it through, and it is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from checks.checklist.model import Status, utc
from checks.errors import ExitCode, HasivuError
from checks.release.approval import CLOCKS_DIFFER, Approval, RoleState
from checks.release.gate import Situation
from checks.release.records import (
    ROLLBACK_WINDOW,
    AliasVersion,
    Closed,
    Criterion,
    DrillEvidence,
    FunctionVersions,
    GoLive,
    Prepared,
)
from checks.release.store import Records
from checks.release.window import Window, WindowRefused

if TYPE_CHECKING:
    from checks.checklist.model import Results
    from checks.release.deadline import DeadlineAlarm
    from checks.release.signing import Signer

SUCCESS_SECTION = "Success Criteria Validation"
"""The checklist's section whose items close the window."""

_GOOD = frozenset({Status.PASSED, Status.ATTESTED, Status.WAIVED, Status.NOT_APPLICABLE})


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Who opens a window, and by which ticket."""

    owner: str
    ticket: str
    command: str
    """The exact command that takes the deployment back."""


def prepare(
    records: Records,
    situation: Situation,
    running: Mapping[str, AliasVersion],
    *,
    deployer: str,
    now: datetime,
) -> Prepared:
    """Write down what runs before a deployment that the gate lets through.

    An attempt before this one that never went live may have moved a part of the aliases: what it found is
    kept, so that the way back leads to what was live, not to half a deployment.
    """
    results = situation.results
    pending = records.pending()
    sequence = records.next_sequence()
    prepared = Prepared(
        environment=situation.environment,
        deployment_id=f"{situation.environment}-{sequence:04}-{situation.assembly_sha256[:12]}",
        sequence=sequence,
        prepared_at=now,
        commit=results.commit,
        results_sha256=results.sha256,
        assembly_sha256=situation.assembly_sha256,
        waivers_sha256=results.waivers_sha256,
        catalogue_sha256=results.catalogue_sha256,
        signoffs=_counted(situation.approval),
        deployer=deployer,
        previous_assembly_sha256=_running_assembly(situation.before),
        previous=dict(running) if pending is None else pending.previous,
        drill=None
        if situation.drill is None
        else DrillEvidence(
            sha256=situation.drill.sha256,
            environment=situation.drill.environment,
            at=situation.drill.at,
            seconds=situation.drill.seconds,
            functions=len(situation.drill.functions),
        ),
    )
    records.write_prepared(prepared)
    return prepared


def open_window(
    records: Records,
    running: Mapping[str, AliasVersion],
    signer: Signer,
    *,
    opened: Opened,
    deployed_at: datetime,
    alarm: DeadlineAlarm,
    now: datetime,
) -> GoLive:
    """Write down that what the gate let through is live since ``deployed_at``, when the 24 hours began.

    The alarm at its deadline is set first: without one no window opens.
    Errors: `NOT_PREPARED`; `NOTHING_RUNS`; `NOTHING_CHANGED` where no alias has moved since;
    `DEPLOYED_BEFORE_THE_GATE`; `ALARM_NOT_SET`.
    """
    records.sweep()
    prepared = records.pending()
    if prepared is None:
        raise HasivuError(
            "NOT_PREPARED",
            "The gate has let no deployment through that is not open already.",
            next_step="run `hasivu go-live` before the deployment",
            exit_code=ExitCode.CHECK_FAILED,
        )
    if deployed_at < prepared.prepared_at:
        raise HasivuError(
            "DEPLOYED_BEFORE_THE_GATE",
            f"The gate let it through {utc(prepared.prepared_at)}, after it is said to be deployed.",
            next_step="give the moment at which the deployment ended with --deployed-at, in UTC",
            exit_code=ExitCode.USAGE,
        )
    if not running:
        raise HasivuError(
            "NOTHING_RUNS",
            "No function has an alias to go back with.",
            next_step="see that the deployment went through",
            exit_code=ExitCode.CHECK_FAILED,
        )
    if dict(running) == prepared.previous:
        raise HasivuError(
            "NOTHING_CHANGED",
            "Every alias leads where it led before the deployment.",
            next_step="deploy first; where only tables or queues change, no rollback of aliases is needed",
            exit_code=ExitCode.CHECK_FAILED,
        )
    last = records.last_live()
    before = None if last is None else last.window
    outcome = None if before is None else before.outcome
    record = GoLive(
        environment=prepared.environment,
        deployment_id=prepared.deployment_id,
        sequence=prepared.sequence,
        previous_record_sha256=None if before is None else before.go_live.sha256,
        previous_outcome_sha256=None if outcome is None else outcome.sha256,
        prepared_sha256=prepared.sha256,
        commit=prepared.commit,
        results_sha256=prepared.results_sha256,
        assembly_sha256=prepared.assembly_sha256,
        previous_assembly_sha256=prepared.previous_assembly_sha256,
        waivers_sha256=prepared.waivers_sha256,
        catalogue_sha256=prepared.catalogue_sha256,
        signoffs=prepared.signoffs,
        deployed_at=deployed_at,
        rollback_deadline=deployed_at + ROLLBACK_WINDOW,
        functions=tuple(
            FunctionVersions(function=name, previous=prepared.previous.get(name), next=version)
            for name, version in sorted(running.items())
        ),
        removed=tuple(sorted(prepared.previous.keys() - running.keys())),
        rollback_command=opened.command,
        owner=opened.owner,
        deployer=prepared.deployer,
        ticket=opened.ticket,
        drill=prepared.drill,
    )
    alarm.set(record, now=now)
    records.write_go_live(record, signer)
    return record


def close_window(
    records: Records,
    results: Results,
    signer: Signer,
    *,
    by: str,
    late_reason: str,
    alarm: DeadlineAlarm,
    now: datetime,
) -> Closed:
    """Close the window of what is live, on a report that was made since and in which the criteria are met.

    Closed on the same report again, nothing is written, and an alarm that a crash left is taken away.
    Errors: `NOTHING_LIVE`, `CRITERIA_NOT_MET`, `REPORT_NOT_OF_IT`, `ALARM_NOT_SILENCED`, and those of the
    window.
    """
    records.sweep()
    last = records.last_live()
    if last is None or last.window is None:
        raise _cannot("NOTHING_LIVE", "No go-live is written down.")
    window = last.window
    if window.closed is not None and window.closed.results_sha256 == results.sha256:
        alarm.silence()
        return window.closed
    try:
        window.may_close(now, late_reason=late_reason)
    except WindowRefused as error:
        raise _cannot(error.code, str(error)) from None
    _is_about(results, window, now)
    criteria = [item for item in results.items if any(SUCCESS_SECTION in part for part in item.section)]
    unmet = [item.item_id for item in criteria if item.status not in _GOOD]
    if unmet or not criteria:
        raise _cannot("CRITERIA_NOT_MET", f"not met: {', '.join(unmet) or 'the report holds no criteria'}")
    record = Closed(
        deployment_id=window.go_live.deployment_id,
        go_live_sha256=window.go_live.sha256,
        at=now,
        by=by,
        results_sha256=results.sha256,
        criteria=tuple(Criterion(item_id=item.item_id, status=item.status) for item in criteria),
        late_reason=late_reason,
    )
    records.write_closed(last.sequence, record, signer)
    alarm.silence()
    return record


def _is_about(results: Results, window: Window, now: datetime) -> None:
    live = window.go_live
    if (results.environment, results.assembly_sha256) != (live.environment, live.assembly_sha256):
        raise _cannot("REPORT_NOT_OF_IT", "the report is about another environment or assembly")
    if results.live_assembly_sha256 is not None:
        raise _cannot("REPORT_NOT_OF_IT", "what runs was held against another assembly in the report")
    if results.generated_at < live.deployed_at:
        raise _cannot("REPORT_NOT_OF_IT", "the report is older than the deployment")
    if results.generated_at > now + CLOCKS_DIFFER:
        message = f"the report is dated in the future: {utc(results.generated_at)}"
        raise _cannot("REPORT_NOT_OF_IT", message)


def _counted(approval: Approval) -> dict[str, str]:
    return {
        role.role: role.signed.sha256
        for role in approval.roles
        if role.state is RoleState.APPROVED and role.signed is not None
    }


def _running_assembly(before: Window | None) -> str | None:
    if before is None:
        return None
    live = before.go_live
    return live.assembly_sha256 if before.rolled_back is None else live.previous_assembly_sha256


def _cannot(code: str, message: str) -> HasivuError:
    return HasivuError(
        code,
        f"{message[:1].upper()}{message[1:].removesuffix('.')}.",
        next_step="run `hasivu window` to see how it stands; roll back, or make a report that shows success",
        exit_code=ExitCode.CHECK_FAILED,
    )
