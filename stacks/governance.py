"""Seeing what is done to the account: trail, configuration history, access analysis, budget."""

from collections.abc import Sequence

from aws_cdk import aws_accessanalyzer as accessanalyzer
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.auditor import Auditor
from stacks.constructs.acknowledge import accept_inline_policy
from stacks.constructs.customer_key import removal_policy
from stacks.constructs.durable_table import DurableTable
from stacks.constructs.encrypted_log_group import EncryptedLogGroup
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.governance_alarms import BackupAlarms, TrailAlarms
from stacks.governance_config import RecordedConfiguration
from stacks.governance_findings import Findings
from stacks.house_stack import HouseStack
from stacks.messaging import MessagingStack
from stacks.recovery import RecoveryStack
from stacks.storage import TRAIL_PREFIX, StorageStack, trail_name

Selector = cloudtrail.CfnTrail.AdvancedEventSelectorProperty
Field = cloudtrail.CfnTrail.AdvancedFieldSelectorProperty

BUDGET_ACTUAL_PERCENT = (50, 80, 100)
BUDGET_FORECAST_PERCENT = 100


class GovernanceStack(HouseStack):
    """What one account needs to be watched, and who hears of what is seen.

    Whoever deletes it would not be seen: it is protected as what holds data.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        data: DataStack,
        storage: StorageStack,
        messaging: MessagingStack,
        recovery: RecoveryStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: trail, configuration history, access analysis and budget",
            stateful=True,
        )
        trail_log = EncryptedLogGroup(self, "TrailLog", environment=environment, key=data.log_key)
        self._trail(storage, trail_log, data.tables)
        TrailAlarms(
            self, "Trail", environment=environment, log_group=trail_log, topics=messaging.alarm_topics
        )
        BackupAlarms(self, "Backup", vault_name=recovery.vault.resource.ref, topics=messaging.alarm_topics)
        RecordedConfiguration(
            self, "Recorded", environment=environment, bucket=storage.config, key=storage.key
        )
        accessanalyzer.CfnAnalyzer(
            self, "AccessAnalyzer", type="ACCOUNT", analyzer_name=f"hasivu-{environment.name}"
        )
        Findings(self, "Findings", environment=environment, messaging=messaging)
        Auditor(self, "Auditor", environment=environment)
        self._budget()

    def _trail(self, storage: StorageStack, log: logs.LogGroup, tables: Sequence[DurableTable]) -> None:
        """Everything that is done, in every region, into the locked bucket and into ``log``.

        Who reads and writes the data is recorded where records are locked; of made-up data nobody asks.
        """
        environment = self.environment_settings
        writer = iam.Role(
            self,
            "TrailWriter",
            assumed_by=iam.ServicePrincipal("cloudtrail.amazonaws.com"),
            description="Writes the trail to its log group",
        )
        accept_inline_policy(writer)
        writing = writer.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log.log_group_arn]
            )
        )
        data_events = _data_events(storage, tables) if environment.protection.lock_records else []
        trail = cloudtrail.CfnTrail(
            self,
            "AuditTrail",
            trail_name=trail_name(environment),
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            kms_key_id=storage.key.key_arn,
            s3_bucket_name=storage.audit.bucket_name,
            s3_key_prefix=TRAIL_PREFIX,
            cloud_watch_logs_log_group_arn=log.log_group_arn,
            cloud_watch_logs_role_arn=writer.role_arn,
            advanced_event_selectors=[
                _selector(
                    "What is done to the account", Field(field="eventCategory", equal_to=["Management"])
                ),
                *data_events,
            ],
        )
        trail.apply_removal_policy(removal_policy(environment))
        if writing.policy_dependable is not None:
            trail.node.add_dependency(writing.policy_dependable)

    def _budget(self) -> None:
        """What the account costs in a month, said by mail: AWS bills a day late, which wakes nobody."""
        environment = self.environment_settings
        told = [
            budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=environment.alarms.ticket)
        ]
        expected = [("ACTUAL", percent) for percent in BUDGET_ACTUAL_PERCENT]
        budgets.CfnBudget(
            self,
            "MonthlyBudget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"hasivu-{environment.name}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=environment.budget.monthly_usd, unit="USD"
                ),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=told,
                )
                for kind, percent in (*expected, ("FORECASTED", BUDGET_FORECAST_PERCENT))
            ],
        )


def _data_events(storage: StorageStack, tables: Sequence[DurableTable]) -> list[Selector]:
    """Every read and write of the tables, the invoices and the audit records.

    All but what the trail itself writes: each of its files would make the next one.
    """
    return [
        _selector(
            "Who reads and writes the tables",
            Field(field="eventCategory", equal_to=["Data"]),
            Field(field="resources.type", equal_to=["AWS::DynamoDB::Table"]),
            Field(field="resources.ARN", equal_to=[table.table_arn for table in tables]),
        ),
        _selector(
            "Who reads and writes invoices and audit records",
            Field(field="eventCategory", equal_to=["Data"]),
            Field(field="resources.type", equal_to=["AWS::S3::Object"]),
            Field(
                field="resources.ARN",
                starts_with=[storage.invoices.arn_for_objects(""), storage.audit.arn_for_objects("")],
                not_starts_with=[storage.audit.arn_for_objects(f"{TRAIL_PREFIX}/")],
            ),
        ),
    ]


def _selector(name: str, *fields: Field) -> Selector:
    return Selector(name=name, field_selectors=list(fields))
