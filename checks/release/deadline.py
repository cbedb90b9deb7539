"""The alarm at the deadline of a rollback window: EventBridge pages somebody, whether or not anybody looks.

One schedule for an environment, as only one window is open at a time. It fires once, a minute after the last
moment that counts, and is gone. Opening sets it before the window is written down; whatever ends the window
takes it away after that is written down. So a crash between the two leaves an alarm without need, never a
window without an alarm; opening, closing and rolling back can each be run again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from checks.checklist.model import utc
from checks.errors import ExitCode, HasivuError

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from checks.release.records import GoLive
    from stacks.environment import Environment

NAME: Final = "hasivu-{environment}-rollback-deadline"
"""Of the schedule and of the role under which it pages (stacks/constructs/alarm_topics.py)."""

_AFTER: Final = timedelta(minutes=1)
_SOONEST: Final = timedelta(minutes=2)
_RETRY_S: Final = 86_400
_RETRIES_MAX: Final = 185


class DeadlineAlarm(Protocol):
    """Whatever rings when a window's deadline goes by."""

    def set(self, live: GoLive, *, now: datetime) -> None:
        """Let it ring after the deadline of ``live``. Error: `ALARM_NOT_SET`."""
        ...

    def silence(self) -> None:
        """Take it away; nothing where there is none. Error: `ALARM_NOT_SILENCED`."""
        ...


class ScheduledPage:
    """A one-off schedule of EventBridge whose target is the topic that pages."""

    def __init__(self, client: EventBridgeSchedulerClient, environment: Environment) -> None:
        self._client = client
        self._name = NAME.format(environment=environment.name)
        account, region = environment.account, environment.region
        self.topic = f"arn:aws:sns:{region}:{account}:hasivu-{environment.name}-alarms-page"
        """Where it pages."""
        self._role = f"arn:aws:iam::{account}:role/{self._name}"

    def set(self, live: GoLive, *, now: datetime) -> None:
        """Replaces what was set before. Error: `ALARM_NOT_SET`."""
        at = max(live.rollback_deadline + _AFTER, now + _SOONEST).astimezone(UTC)
        schedule: dict[str, Any] = {
            "Name": self._name,
            "Description": f"{live.deployment_id}: the rollback window was not ended",
            "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "State": "ENABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self.topic,
                "RoleArn": self._role,
                "Input": _page(live),
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": _RETRY_S,
                    "MaximumRetryAttempts": _RETRIES_MAX,
                },
            },
        }
        try:
            try:
                self._client.create_schedule(**schedule)
            except self._client.exceptions.ConflictException:
                self._client.update_schedule(**schedule)
        except (ClientError, BotoCoreError) as error:
            raise HasivuError(
                "ALARM_NOT_SET",
                f"AWS did not set the alarm at the rollback deadline ({_code(error)}).",
                next_step="see that the messaging stack is deployed and that you may use the rights of "
                "docs/guides/release.md, section 5; nothing was written down, run it again",
                exit_code=ExitCode.CHECK_FAILED,
            ) from None

    def silence(self) -> None:
        """Error: `ALARM_NOT_SILENCED`."""
        try:
            self._client.delete_schedule(Name=self._name)
        except self._client.exceptions.ResourceNotFoundException:
            return
        except (ClientError, BotoCoreError) as error:
            raise HasivuError(
                "ALARM_NOT_SILENCED",
                f"The window has ended and is written down, but its alarm is still set ({_code(error)}).",
                next_step="run the same command again, with rights to scheduler:DeleteSchedule",
                exit_code=ExitCode.CHECK_FAILED,
            ) from None


def _page(live: GoLive) -> str:
    """What whoever is paged reads; nobody's name is in it."""
    return (
        f"{live.deployment_id} of {live.environment}: the rollback window ended "
        f"{utc(live.rollback_deadline)}, and was neither closed nor rolled back. Roll back: "
        f"{live.rollback_command}. Or close it late: docs/guides/release.md, section 6."
    )


def _code(error: Exception) -> str:
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "unknown")
    return type(error).__name__
