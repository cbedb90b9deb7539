"""What must never be lost: the tables and the keys that encrypt them and the logs."""

from aws_cdk import Stack
from constructs import Construct

from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.durable_table import DurableTable, Index
from stacks.constructs.table_backups import TableBackups
from stacks.environment import Environment
from stacks.house_stack import HouseStack
from stacks.recovery import RecoveryStack


class DataStack(HouseStack):
    """Tables and keys. Their construct ids are part of the contract with the data."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, recovery: RecoveryStack
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: tables, and the keys of tables and logs",
            stateful=True,
        )
        env = environment.name
        self.data_key = CustomerKey(
            self, "DataKey", environment=environment, purpose="data", description="Tables of HASIVU payments"
        )
        self.log_key = CustomerKey(
            self, "LogKey", environment=environment, purpose="logs", description="Logs of HASIVU payments"
        )
        _let_cloudwatch_logs_use(self.log_key)

        self.payments = self._table(
            "Payments",
            name=f"hasivu-{env}-payments",
            partition="pk",
            sort="sk",
            indexes=(
                Index("by_school", "school_id", "created_key"),
                Index("by_payer", "payer_id", "created_key"),
                Index("by_open_status", "open_status", "updated_at"),  # sparse: only what is not final
                Index("by_due", "retry_due", "due_at"),  # sparse: debits that are looked at again
            ),
        )
        self.ledger = self._table(
            "Ledger",
            name=f"hasivu-{env}-ledger",
            partition="entry_id",
            indexes=(Index("by_business_date", "business_date", "entry_id"),),
            append_only=True,
        )
        self.audit = self._table(
            "Audit",
            name=f"hasivu-{env}-audit",
            partition="day",
            sort="audit_id",
            indexes=(Index("by_subject", "subject", "audit_id"),),
            append_only=True,
        )
        self.outbox = self._table(
            "Outbox",
            name=f"hasivu-{env}-outbox",
            partition="event_id",
            expires_at="expires_at",
            stream=True,
            append_only=True,
        )
        self.idempotency = self._table(
            "Idempotency",
            name=f"hasivu-{env}-idempotency",
            partition="idempotency_key",
            expires_at="expires_at",
        )
        self.webhook_events = self._table(
            "WebhookEvents",
            name=f"payment-webhook-idempotency-{env}",
            partition="event_id",
            expires_at="expires_at",
        )
        self.schools = self._table("Schools", name=f"hasivu-{env}-schools", partition="school_id")
        self.api_keys = self._table("ApiKeys", name=f"hasivu-{env}-api-keys", partition="key_id")
        self.payment_methods = self._table(
            "PaymentMethods",
            name=f"hasivu-{env}-payment-methods",
            partition="pk",
            sort="sk",
            expires_at="expires_at",  # tokens that turn out to be nobody's
        )
        self.payment_rollups = self._table(
            "PaymentRollups",
            name=f"hasivu-{env}-payment-rollups",
            partition="pk",
            sort="sk",
            expires_at="expires_at",  # the marks of what was counted; the counters stay
        )
        self.notifications = self._table(
            "Notifications",
            name=f"hasivu-{env}-notifications",
            partition="notification_id",
            indexes=(Index("by_provider_message", "provider_message_id"),),
            expires_at="expires_at",
        )
        self.reconciliation = self._table(
            "Reconciliation",
            name=f"hasivu-{env}-reconciliation",
            partition="pk",
            sort="sk",
            indexes=(Index("by_open_exception", "open_exception", "opened_key"),),  # sparse: undecided ones
        )
        TableBackups(
            self,
            "Backups",
            environment=environment,
            recovery=recovery,
            tables=self.tables,
            key=self.data_key,
        )

    @property
    def tables(self) -> list[DurableTable]:
        """Every table of the stack."""
        return [child for child in self.node.children if isinstance(child, DurableTable)]

    def _table(
        self,
        construct_id: str,
        *,
        name: str,
        partition: str,
        sort: str | None = None,
        indexes: tuple[Index, ...] = (),
        expires_at: str | None = None,
        stream: bool = False,
        append_only: bool = False,
    ) -> DurableTable:
        return DurableTable(
            self,
            construct_id,
            environment=self.environment_settings,
            name=name,
            key=self.data_key,
            partition=partition,
            sort=sort,
            indexes=indexes,
            expires_at=expires_at,
            stream=stream,
            append_only=append_only,
        )


def _let_cloudwatch_logs_use(key: CustomerKey) -> None:
    """CloudWatch Logs encrypts with the key itself; the context ties it to log groups of this account."""
    stack = Stack.of(key)
    log_groups = stack.format_arn(service="logs", resource="log-group:*")
    key.allow_service(
        f"logs.{stack.region}.amazonaws.com",
        actions=(
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ),
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
    )
