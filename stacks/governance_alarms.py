"""What must wake somebody although the platform works: what the trail says, and backups that do not come."""

from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.alarm import Alarm, Comparison, Missing, OneIsEnough, Sustained
from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.constructs.metric import Measure, total
from stacks.environment import Environment
from stacks.observability_filters import count
from stacks.observability_thresholds import FIVE_MINUTES_S, MINUTE_S
from stacks.trail_patterns import (
    ALARMS_SILENCED,
    BACKUP_ENDANGERED,
    BUCKET_OPENED,
    FIREWALL_CHANGED,
    KEY_ENDANGERED,
    RECORDER_STOPPED,
    RIGHTS_CHANGED,
    ROOT_USED,
    SIGNED_IN_WITHOUT_MFA,
    TABLE_ENDANGERED,
    TRAIL_TOUCHED,
)


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind of call that is counted in the trail as ``metric``, and what it means."""

    metric: str
    pattern: str
    meaning: str
    anchor: str
    severity: Severity = Severity.PAGE


WATCHES = (
    Watch("RootUsed", ROOT_USED, "The root user did something. Nobody should need it.", "root-used"),
    Watch(
        "SignedInWithoutMfa",
        SIGNED_IN_WITHOUT_MFA,
        "Somebody signed in to the console without a second factor.",
        "signed-in-without-mfa",
    ),
    Watch(
        "TrailTouched",
        TRAIL_TOUCHED,
        "Somebody stopped, changed or deleted a trail: from here on we may be blind.",
        "trail-touched",
    ),
    Watch(
        "KeyEndangered",
        KEY_ENDANGERED,
        "A key was disabled, or is about to be deleted: what it encrypts cannot be read.",
        "key-endangered",
    ),
    Watch(
        "TableEndangered",
        TABLE_ENDANGERED,
        "A table was deleted, or lost its protection or its way back in time.",
        "table-endangered",
    ),
    Watch(
        "FirewallChanged",
        FIREWALL_CHANGED,
        "Somebody changed the firewall, or took it away from the API, outside a deployment.",
        "firewall-changed",
    ),
    Watch(
        "RightsChanged",
        RIGHTS_CHANGED,
        "Somebody changed who may do what, outside a deployment.",
        "rights-changed",
    ),
    Watch(
        "BackupEndangered",
        BACKUP_ENDANGERED,
        "Somebody tried to delete backups, their vault or their plan.",
        "backup-endangered",
    ),
    Watch(
        "BucketOpened",
        BUCKET_OPENED,
        "Somebody changed who reaches a bucket, or how it keeps what it holds, outside a deployment.",
        "bucket-opened",
    ),
    Watch(
        "AlarmsSilenced",
        ALARMS_SILENCED,
        "Somebody took an alarm, its topic, its filter or a rule away, outside a deployment.",
        "alarms-silenced",
    ),
    Watch(
        "RecorderStopped",
        RECORDER_STOPPED,
        "AWS Config was stopped: nobody sees any more how resources are configured.",
        "recorder-stopped",
        Severity.TICKET,
    ),
)


class TrailAlarms(Construct):
    """Counts WATCHES in ``log_group``, rings at the first of each, and rings when the trail says nothing."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        log_group: logs.ILogGroup,
        topics: AlarmTopics,
    ) -> None:
        super().__init__(scope, construct_id)
        namespace = f"HASIVU/{environment.name}"
        for watch in WATCHES:
            count(
                self,
                f"{watch.metric}Filter",
                log_group.log_group_name,
                watch.pattern,
                namespace,
                watch.metric,
            )
            Alarm(
                self,
                watch.metric,
                topics=topics,
                severity=watch.severity,
                meaning=watch.meaning,
                runbook=f"security#{watch.anchor}",
                signal=Measure(namespace, watch.metric, "Sum"),
                guard=OneIsEnough("whoever does this once needs no second time"),
                threshold=1,
                comparison=Comparison.AT_LEAST,
                missing=Missing.FINE,
                period_s=FIVE_MINUTES_S,
            )
        Alarm(
            self,
            "Silent",
            topics=topics,
            severity=Severity.PAGE,
            meaning="The trail said nothing for an hour, although the platform calls AWS all the time.",
            runbook="security#trail-silent",
            signal=Measure(
                "AWS/Logs", "IncomingLogEvents", "Sum", {"LogGroupName": log_group.log_group_name}
            ),
            guard=Sustained(2, 2),
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
            period_s=30 * MINUTE_S,
        )


HALF_OF_26_HOURS_S = 13 * 60 * MINUTE_S


class BackupAlarms(Construct):
    """Rings when backups into the vault ``vault_name`` fail, and when none came for 26 hours."""

    def __init__(self, scope: Construct, construct_id: str, *, vault_name: str, topics: AlarmTopics) -> None:
        super().__init__(scope, construct_id)
        in_vault = {"BackupVaultName": vault_name}
        Alarm(
            self,
            "Failed",
            topics=topics,
            severity=Severity.TICKET,
            meaning="A backup of a table failed, or was not begun or ended in time.",
            runbook="backups#failed",
            signal=total(
                *(
                    Measure("AWS/Backup", f"NumberOfBackupJobs{state}", "Sum", in_vault)
                    for state in ("Failed", "Expired", "Aborted")
                )
            ),
            guard=OneIsEnough("the next try is a day away"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "Missing",
            topics=topics,
            severity=Severity.PAGE,
            meaning="No backup of any table was completed for 26 hours.",
            runbook="backups#missing",
            signal=Measure("AWS/Backup", "NumberOfBackupJobsCompleted", "Sum", in_vault),
            guard=Sustained(2, 2),
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
            period_s=HALF_OF_26_HOURS_S,
        )
