"""AWS Config: how every resource of the account was configured at any time, and whether that is sound."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Stack
from aws_cdk import aws_config as config
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.backup_vault import KEPT_DAYS_MIN
from stacks.constructs.customer_key import CustomerKey
from stacks.environment import Environment

SERVICE_ROLE = "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
"""Config's own role, which AWS keeps to what Config needs; docs/guides/deploy.md makes it."""


@dataclass(frozen=True, slots=True)
class LiveRule:
    """A managed rule of AWS Config that holds the account against what a house rule asks of the templates."""

    identifier: str
    mirrors: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def live_rules(environment: Environment) -> tuple[LiveRule, ...]:
    """What is looked at in the running account.

    Not the rotation of secrets: it is done by hand, in a fixed order (docs/guides/deploy.md), unseen by AWS.
    """
    return (
        LiveRule("S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED", "HASIVU-S3-1"),
        LiveRule("S3_BUCKET_PUBLIC_READ_PROHIBITED", "HASIVU-S3-1"),
        LiveRule("S3_BUCKET_PUBLIC_WRITE_PROHIBITED", "HASIVU-S3-1"),
        LiveRule("S3_BUCKET_SSL_REQUESTS_ONLY", "HASIVU-S3-3"),
        LiveRule("S3_BUCKET_VERSIONING_ENABLED", "HASIVU-S3-4"),
        LiveRule("DYNAMODB_TABLE_ENCRYPTED_KMS", "HASIVU-DDB-1"),
        LiveRule("DYNAMODB_PITR_ENABLED", "HASIVU-DDB-2"),
        LiveRule("DYNAMODB_TABLE_DELETION_PROTECTION_ENABLED", "HASIVU-DDB-3"),
        LiveRule("DYNAMODB_IN_BACKUP_PLAN", "HASIVU-BAK-1"),
        LiveRule("BACKUP_RECOVERY_POINT_ENCRYPTED", "HASIVU-BAK-4"),
        LiveRule("BACKUP_RECOVERY_POINT_MANUAL_DELETION_DISABLED", "HASIVU-BAK-4"),
        LiveRule(
            "BACKUP_RECOVERY_POINT_MINIMUM_RETENTION_CHECK",
            "HASIVU-BAK-2",
            {"requiredRetentionDays": str(KEPT_DAYS_MIN)},
        ),
        LiveRule("MULTI_REGION_CLOUD_TRAIL_ENABLED", "HASIVU-TRL-1"),
        LiveRule("CLOUD_TRAIL_ENCRYPTION_ENABLED", "HASIVU-TRL-1"),
        LiveRule("CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED", "HASIVU-TRL-1"),
        LiveRule("KMS_CMK_NOT_SCHEDULED_FOR_DELETION", "HASIVU-KMS-2"),
        LiveRule("CMK_BACKING_KEY_ROTATION_ENABLED", "HASIVU-KMS-1"),
        LiveRule("LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED", "HASIVU-PUB-4"),
        LiveRule("IAM_ROOT_ACCESS_KEY_CHECK", "HASIVU-IAM-6"),
        LiveRule("ROOT_ACCOUNT_MFA_ENABLED", "HASIVU-IAM-6"),
        LiveRule("MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", "HASIVU-IAM-6"),
        LiveRule("SECRETSMANAGER_USING_CMK", "HASIVU-SEC-6"),
        LiveRule("SNS_ENCRYPTED_KMS", "HASIVU-SNS-1"),
        LiveRule("API_GW_ASSOCIATED_WITH_WAF", "HASIVU-WAF-1"),
        LiveRule("WAFV2_LOGGING_ENABLED", "HASIVU-WAF-7"),
        LiveRule(
            "CW_LOGGROUP_RETENTION_PERIOD_CHECK",
            "HASIVU-LOG-2",
            {"MinRetentionTime": str(environment.logs.retention_days)},
        ),
    )


class RecordedConfiguration(Construct):
    """The recorder, which writes to ``bucket`` under ``key``, and the live rules over what it records.

    An account has one recorder in each region; what is global is recorded here, once.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bucket: s3.IBucket,
        key: CustomerKey,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        recorder = config.CfnConfigurationRecorder(
            self,
            "Recorder",
            name="default",
            role_arn=stack.format_arn(service="iam", region="", resource="role", resource_name=SERVICE_ROLE),
            recording_group=config.CfnConfigurationRecorder.RecordingGroupProperty(
                all_supported=True, include_global_resource_types=True
            ),
            recording_mode=config.CfnConfigurationRecorder.RecordingModeProperty(
                recording_frequency="CONTINUOUS"
            ),
        )
        # Neither waits for the other: CloudFormation starts the recorder as soon as there is a channel.
        config.CfnDeliveryChannel(
            self,
            "Channel",
            name="default",
            s3_bucket_name=bucket.bucket_name,
            s3_kms_key_arn=key.key_arn,
            config_snapshot_delivery_properties=(
                config.CfnDeliveryChannel.ConfigSnapshotDeliveryPropertiesProperty(
                    delivery_frequency="TwentyFour_Hours"
                )
            ),
        )
        for rule in live_rules(environment):
            live = config.CfnConfigRule(
                self,
                "".join(word.capitalize() for word in rule.identifier.split("_")),
                description=f"In the account what {rule.mirrors} asks of the templates",
                source=config.CfnConfigRule.SourceProperty(owner="AWS", source_identifier=rule.identifier),
                input_parameters=dict(rule.parameters) or None,
            )
            live.add_resource_dependency(recorder)
