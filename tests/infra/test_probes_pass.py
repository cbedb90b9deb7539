"""What the sandbox cannot show passes where AWS answers as the templates say."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from checks.checklist.model import Status
from checks.probes.account import Account
from checks.probes.normal import policy
from checks.probes.running import Live, Running, read_running
from checks.probes.survey import Survey, survey
from tests.infra.assembly import Assembly
from tests.infra.shaped_aws import MOMENT, ShapedAws

SOUND = (
    "access-analysis",
    "alarm-data",
    "alarms",
    "backup-selections",
    "backup-vaults",
    "bucket-logging",
    "bucket-policy",
    "budget",
    "certificates",
    "computed-alarms",
    "configuration-history",
    "deployment-groups",
    "event-bus",
    "firewall-addresses",
    "firewall-association",
    "firewall-logs",
    "firewall-rules",
    "key-rotation",
    "pipes",
    "plain-http",
    "queue-policy",
    "schedules",
    "secret-rotation",
    "table-policy",
    "table-recovery",
    "table-recovery-window",
    "topic-policy",
    "trail",
)


def lowered(value: Any) -> Any:
    """Keys as APIs of this spelling have them: ``AlarmConfiguration`` → ``alarmConfiguration``."""
    if isinstance(value, Mapping):
        return {f"{key[:1].lower()}{key[1:]}": lowered(inner) for key, inner in value.items()}
    return [lowered(inner) for inner in value] if isinstance(value, list) else value


class Sound:
    """Answers as they are where everything runs as its template says."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def one(self, kind: str, path: str, value: Any) -> Any:
        """The properties of the resource whose ``path`` (or physical id) is ``value``."""
        for live in self._running.of(kind):
            if value in (live.physical_id, live.expected(path) if path else None):
                return self.properties(live)
        raise AssertionError(f"no {kind} has {path} {value}")

    def properties(self, live: Live) -> Any:
        return {name: live.expected(name) for name in live.resource.properties}

    def every(self, kind: str) -> list[Any]:
        return [self.properties(live) | {"physical_id": live.physical_id} for live in self._running.of(kind)]

    def document(self, kind: str, path: str, value: Any) -> str:
        """The policy of whatever ``path`` names, as AWS keeps it."""
        for item in self.every(kind):
            if value in (item[path] if isinstance(item[path], list) else [item[path]]):
                return json.dumps(item["PolicyDocument"])
        return ""

    def answers(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        return {**self._watching(), **self._gateway(), **self._governance(), **self._data()}

    def _watching(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        def alarms(arguments: dict[str, Any]) -> Any:
            return {
                kind: [
                    item | {"AlarmName": item["physical_id"], "StateValue": "OK"}
                    for item in self.every(f"AWS::CloudWatch::{name}")
                ]
                for kind, name in (("MetricAlarms", "Alarm"), ("CompositeAlarms", "CompositeAlarm"))
            }

        return {("cloudwatch", "describe_alarms"): alarms}

    def _gateway(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        def acl(arguments: dict[str, Any]) -> Any:
            found = next(
                live
                for live in self._running.of("AWS::WAFv2::WebACL")
                if live.physical_id.startswith(arguments["Name"] + "|")
            )
            return {"WebACL": self.properties(found)}

        def addresses(arguments: dict[str, Any]) -> Any:
            (found,) = self.every("AWS::WAFv2::IPSet")
            return {"IPSet": found}

        def before(arguments: dict[str, Any]) -> Any:
            found = self.one("AWS::WAFv2::WebACLAssociation", "ResourceArn", arguments["ResourceArn"])
            return {"WebACL": {"ARN": found["WebACLArn"]}}

        def logged(arguments: dict[str, Any]) -> Any:
            found = self.one("AWS::WAFv2::LoggingConfiguration", "ResourceArn", arguments["ResourceArn"])
            return {"LoggingConfiguration": found}

        certificate = {
            "DomainName": "api.hasivu.example",
            "Status": "ISSUED",
            "NotAfter": MOMENT + timedelta(days=200),
            "InUseBy": ["arn:aws:apigateway:x"],
        }
        return {
            ("wafv2", "get_web_acl"): acl,
            ("wafv2", "get_ip_set"): addresses,
            ("wafv2", "get_web_acl_for_resource"): before,
            ("wafv2", "get_logging_configuration"): logged,
            ("acm", "describe_certificate"): lambda arguments: {"Certificate": certificate},
        }

    def _governance(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        (trail,) = self.every("AWS::CloudTrail::Trail")
        (recorder,) = self.every("AWS::Config::ConfigurationRecorder")
        (channel,) = self.every("AWS::Config::DeliveryChannel")
        (selection,) = self.every("AWS::Backup::BackupSelection")
        (budget,) = self.every("AWS::Budgets::Budget")
        shown = trail | {
            "KmsKeyId": trail["KMSKeyId"],
            "LogFileValidationEnabled": trail["EnableLogFileValidation"],
        }
        rules = [
            item | {"ConfigRuleName": item["physical_id"]} for item in self.every("AWS::Config::ConfigRule")
        ]
        recording = lowered({key: recorder[key] for key in ("Name", "RecordingGroup")})
        delivered = {
            "name": channel["Name"],
            "s3BucketName": channel["S3BucketName"],
            "s3KmsKeyArn": channel["S3KmsKeyArn"],
        }

        def vault(arguments: dict[str, Any]) -> Any:
            found = self.one("AWS::Backup::BackupVault", "BackupVaultName", arguments["BackupVaultName"])
            return found | {"Locked": True} | found["LockConfiguration"]

        def kept(arguments: dict[str, Any]) -> Any:
            found = self.one("AWS::Backup::BackupVault", "BackupVaultName", arguments["BackupVaultName"])
            return {"Policy": json.dumps(found["AccessPolicy"])}

        def group(arguments: dict[str, Any]) -> Any:
            found = self.one("AWS::CodeDeploy::DeploymentGroup", "", arguments["deploymentGroupName"])
            return {"deploymentGroupInfo": lowered(found)}

        def secret(arguments: dict[str, Any]) -> Any:
            wanted = arguments["SecretId"]
            found = self.one("AWS::SecretsManager::RotationSchedule", "SecretId", wanted)
            return found | {"LastRotatedDate": MOMENT - timedelta(days=30), "CreatedDate": MOMENT}

        listed = {"SelectionId": "s", "SelectionName": selection["BackupSelection"]["SelectionName"]}
        return {
            ("cloudtrail", "get_trail"): lambda arguments: {"Trail": shown},
            ("cloudtrail", "get_trail_status"): lambda arguments: {"IsLogging": True},
            ("cloudtrail", "get_event_selectors"): lambda arguments: trail,
            ("config", "describe_configuration_recorders"): lambda arguments: {
                "ConfigurationRecorders": [recording | {"roleARN": recorder["RoleARN"]}]
            },
            ("config", "describe_configuration_recorder_status"): lambda arguments: {
                "ConfigurationRecordersStatus": [{"name": recorder["Name"], "recording": True}]
            },
            ("config", "describe_delivery_channels"): lambda arguments: {"DeliveryChannels": [delivered]},
            ("config", "describe_config_rules"): lambda arguments: {"ConfigRules": rules},
            ("backup", "describe_backup_vault"): vault,
            ("backup", "get_backup_vault_access_policy"): kept,
            ("backup", "list_backup_selections"): lambda arguments: {"BackupSelectionsList": [listed]},
            ("backup", "get_backup_selection"): lambda arguments: selection,
            ("budgets", "describe_budget"): lambda arguments: budget,
            ("accessanalyzer", "get_analyzer"): lambda arguments: {"analyzer": {"type": "ACCOUNT"}},
            ("codedeploy", "get_deployment_group"): group,
            ("codedeploy", "get_application"): lambda arguments: {
                "application": {"computePlatform": "Lambda"}
            },
            ("secretsmanager", "describe_secret"): secret,
        }

    def _data(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        (pipe,) = self.every("AWS::Pipes::Pipe")
        (archive,) = self.every("AWS::Events::Archive")
        (bus,) = self.every("AWS::Events::EventBus")

        def policy_of_table(arguments: dict[str, Any]) -> Any:
            found = self.one("AWS::DynamoDB::Table", "", arguments["ResourceArn"].rpartition("/")[2])
            said = found.get("ResourcePolicy")
            return {"Policy": json.dumps(said["PolicyDocument"]) if said else None}

        def recovery(arguments: dict[str, Any]) -> Any:
            found = self.one("AWS::DynamoDB::Table", "", arguments["TableName"])
            days = found["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"]
            described = {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": days}
            return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": described}}

        def logs(arguments: dict[str, Any]) -> Any:
            said = self.one("AWS::S3::Bucket", "", arguments["Bucket"]).get("LoggingConfiguration")
            if said is None:
                return {}
            target = said.get("DestinationBucketName")
            return {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": said["LogFilePrefix"]}}

        def bucket(arguments: dict[str, Any]) -> Any:
            return {"Policy": self.document("AWS::S3::BucketPolicy", "Bucket", arguments["Bucket"])}

        def queue(arguments: dict[str, Any]) -> Any:
            said = self.document("AWS::SQS::QueuePolicy", "Queues", arguments["QueueUrl"])
            return {"Attributes": {"Policy": said}}

        def topic(arguments: dict[str, Any]) -> Any:
            said = self.document("AWS::SNS::TopicPolicy", "Topics", arguments["TopicArn"])
            return {"Attributes": {"Policy": said}}

        return {
            ("pipes", "describe_pipe"): lambda arguments: pipe | {"CurrentState": "RUNNING"},
            ("events", "describe_archive"): lambda arguments: (
                archive | {"EventSourceArn": archive["SourceArn"]}
            ),
            ("events", "describe_event_bus"): lambda arguments: bus,
            ("scheduler", "get_schedule"): lambda arguments: self.one(
                "AWS::Scheduler::Schedule", "", arguments["Name"]
            ),
            ("dynamodb", "get_resource_policy"): policy_of_table,
            ("dynamodb", "describe_continuous_backups"): recovery,
            ("s3", "get_bucket_logging"): logs,
            ("s3", "get_bucket_policy"): bucket,
            ("sqs", "get_queue_attributes"): queue,
            ("sns", "get_topic_attributes"): topic,
            ("kms", "get_key_rotation_status"): lambda arguments: {"KeyRotationEnabled": True},
        }


@pytest.fixture(scope="module")
def sound(prod: Assembly) -> Survey:
    aws: Any = ShapedAws(prod.folder)
    running = read_running(Account(aws, region="ap-south-1"), prod.folder, "prod", now=MOMENT)
    answering: Any = ShapedAws(prod.folder, Sound(running).answers())
    return survey("prod", answering, prod.folder, MOMENT)


@pytest.mark.parametrize("name", SOUND)
def test_it_passes_where_what_runs_is_what_the_template_says(sound: Survey, name: str) -> None:
    (found,) = (item for item in sound.proofs if item.proof_id == f"probe:{name}")
    assert found.status is Status.PASSED, found.observed
    assert found.looked_at > 0
    assert found.against == ()


def test_the_answers_are_policies_as_aws_keeps_them() -> None:
    assert policy("") == []
