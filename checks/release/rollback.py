"""Taking a deployment back: every alias to its version before, written down, as often as it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from checks.errors import ExitCode, HasivuError
from checks.release.aliases import Outcome
from checks.release.aliases import roll_back as move_back
from checks.release.records import RollbackBegun, RolledBack
from checks.release.store import Deployment, Records
from checks.release.window import Window, WindowRefused, WindowState

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from checks.release.deadline import DeadlineAlarm
    from checks.release.signing import Signer


def target(records: Records, now: datetime) -> tuple[Deployment, Window]:
    """The deployment that would be taken back at ``now``.

    Errors: `NOT_OPENED`, `NOTHING_LIVE`, `WINDOW_CLOSED`.
    """
    if records.pending() is not None:
        raise HasivuError(
            "NOT_OPENED",
            "The last deployment was let through by the gate and has not been written down as live.",
            next_step="run `hasivu go-live --opened`, which takes a moment, then roll it back",
            exit_code=ExitCode.CHECK_FAILED,
        )
    deployment = records.last_live()
    if deployment is None or deployment.window is None:
        raise HasivuError(
            "NOTHING_LIVE",
            "No go-live is written down, so that nobody knows the versions before.",
            next_step="see docs/guides/deploy.md, «Back again», for what to do by hand",
            exit_code=ExitCode.CHECK_FAILED,
        )
    try:
        deployment.window.may_roll_back(now)
    except WindowRefused as error:
        raise HasivuError(
            error.code,
            str(error).capitalize() + ".",
            next_step="revert the commit and deploy; for one function: docs/guides/deploy.md, «Back again»",
            exit_code=ExitCode.CHECK_FAILED,
        ) from None
    return deployment, deployment.window


def roll_back(
    records: Records,
    client: LambdaClient,
    signer: Signer,
    *,
    by: str,
    reason: str,
    alarm: DeadlineAlarm,
    clock: Callable[[], datetime],
    told: Callable[[str], None] = lambda _: None,
) -> tuple[RolledBack, Outcome]:
    """Take back what is live. Run again after a crash it goes on; run once more it changes nothing.

    ``by`` is the person behind ``signer``. Errors: those of :func:`target` and of the aliases;
    `ALARM_NOT_SILENCED`.
    """
    records.sweep()
    deployment, window = target(records, clock())
    begun = window.begun
    if begun is None:
        begun = RollbackBegun(
            deployment_id=window.go_live.deployment_id,
            go_live_sha256=window.go_live.sha256,
            at=clock(),
            by=by,
            reason=reason,
        )
        records.write_begun(deployment.sequence, begun)
    outcome = move_back(client, window.go_live.functions, told=told)
    if window.state(clock()) is WindowState.ROLLED_BACK and window.rolled_back is not None:
        alarm.silence()
        return window.rolled_back, outcome
    at = clock()
    record = RolledBack(
        deployment_id=window.go_live.deployment_id,
        go_live_sha256=window.go_live.sha256,
        begun_sha256=begun.sha256,
        begun_at=begun.at,
        at=at,
        seconds=-((begun.at - at) // timedelta(seconds=1)),
        by=by,
        reason=begun.reason,
        moved=tuple(outcome.moved),
        already_back=tuple(outcome.already_back),
        without_previous=tuple(outcome.without_previous),
    )
    records.write_rolled_back(deployment.sequence, record, signer)
    alarm.silence()
    return record, outcome
