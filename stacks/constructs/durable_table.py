"""A table that keeps what it was given: encrypted, recoverable, protected, and append-only where asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.environment import Environment

CHANGING_ACTIONS = (
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PartiQLDelete",
)
"""What could change or remove an item, or write one without a condition. A transaction is authorised by
the action of each of its parts, so that these cover it as well."""

WRITING_ACTIONS = frozenset({"dynamodb:PutItem", *CHANGING_ACTIONS})


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index over two string attributes (or one), with every attribute projected."""

    name: str
    partition: str
    sort: str | None = None


class DurableTable(dynamodb.Table):
    """A pay-per-request table with string keys and the house's protections.

    ``append_only`` denies every principal of the account to change or remove an item, by the table's own
    policy, and each role that is let in by its own policy as well. TTL is DynamoDB's own doing and stays.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        name: str,
        key: CustomerKey,
        partition: str,
        sort: str | None = None,
        indexes: Sequence[Index] = (),
        expires_at: str | None = None,
        stream: bool = False,
        append_only: bool = False,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            table_name=name,
            partition_key=_string(partition),
            sort_key=None if sort is None else _string(sort),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True,
                recovery_period_in_days=environment.protection.point_in_time_recovery_days,
            ),
            deletion_protection=environment.protection.deletion_protection,
            removal_policy=removal_policy(environment),
            time_to_live_attribute=expires_at,
            stream=dynamodb.StreamViewType.NEW_IMAGE if stream else None,
        )
        for index in indexes:
            self.add_global_secondary_index(
                index_name=index.name,
                partition_key=_string(index.partition),
                sort_key=None if index.sort is None else _string(index.sort),
                projection_type=dynamodb.ProjectionType.ALL,
            )
        self.append_only = append_only
        self._customer_key = key
        self._index_names = frozenset(index.name for index in indexes)
        if append_only:
            self.add_to_resource_policy(
                self._denial([self._arn_by_name(name)], principals=[iam.AnyPrincipal()])
            )

    def allow(self, role: iam.IRole, *actions: str) -> None:
        """Let ``role`` do ``actions`` (``GetItem``, ``PutItem``, …) on the table.

        Raises ValueError for an action that an append-only table denies.
        """
        named = [f"dynamodb:{action}" for action in actions]
        if self.append_only and (denied := set(named) & set(CHANGING_ACTIONS)):
            raise ValueError(f"{self.node.path} is append only: it cannot allow {', '.join(sorted(denied))}")
        self._let_in(role, named, [self.table_arn])

    def allow_query(self, role: iam.IRole, *indexes: str) -> None:
        """Let ``role`` query ``indexes`` of the table. Raises ValueError for an unknown one."""
        if unknown := set(indexes) - self._index_names:
            raise ValueError(f"{self.node.path} has no index {', '.join(sorted(unknown))}")
        self._let_in(role, ["dynamodb:Query"], [f"{self.table_arn}/index/{index}" for index in indexes])

    def _let_in(self, role: iam.IRole, actions: list[str], resources: list[str]) -> None:
        role.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=resources))
        if self.append_only:
            role.add_to_principal_policy(self._denial([self.table_arn]))
        if WRITING_ACTIONS.isdisjoint(actions):
            self._customer_key.allow_reading(role, through="dynamodb")
        else:
            self._customer_key.allow_writing(role, through="dynamodb")

    def _arn_by_name(self, name: str) -> str:
        """The table's ARN without a reference to it: its policy is part of the table."""
        return Stack.of(self).format_arn(service="dynamodb", resource="table", resource_name=name)

    def _denial(
        self, resources: list[str], principals: list[iam.IPrincipal] | None = None
    ) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid=None if principals is None else "AppendOnly",
            effect=iam.Effect.DENY,
            principals=principals,
            actions=list(CHANGING_ACTIONS),
            resources=resources,
        )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
