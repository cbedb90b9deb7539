"""A table that keeps what it was given: encrypted, recoverable, protected, and append-only where asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.environment import Capacity, Environment

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


TARGET_UTILISATION_PERCENT = 70
"""Of what is provisioned. AWS's own default: room for the minutes until more is there."""

SCALE_OUT_PAUSE_S = 60
"""More is added as soon as the last addition is there."""

SCALE_IN_PAUSE_S = 900
"""Less only once it was quiet for a quarter of an hour; DynamoDB counts how often a day it is made less."""


class DurableTable(dynamodb.Table):
    """A table with string keys, the house's protections, and the capacity that the environment says.

    On demand it and each of its indexes take up to the environment's maxima; provisioned they scale between
    minima and maxima by themselves (docs/adr/0014).

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
            billing_mode=_BILLING[environment.capacity.mode],
            **_units(environment.capacity),
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
                **_units(environment.capacity),
            )
        self.append_only = append_only
        self.name = name
        self.index_names = tuple(index.name for index in indexes)
        self.capacity = environment.capacity
        self._customer_key = key
        if environment.capacity.mode == "provisioned":
            self._scale_by_itself()
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
        if unknown := set(indexes) - set(self.index_names):
            raise ValueError(f"{self.node.path} has no index {', '.join(sorted(unknown))}")
        self._let_in(role, ["dynamodb:Query"], [f"{self.table_arn}/index/{index}" for index in indexes])

    def _scale_by_itself(self) -> None:
        """Reads and writes of the table and of each index, each for itself between its own bounds."""
        reads, writes = _bounds(self.capacity)
        dimensions = [self.auto_scale_read_capacity(**reads), self.auto_scale_write_capacity(**writes)]
        for index in self.index_names:
            dimensions += [
                self.auto_scale_global_secondary_index_read_capacity(index, **reads),
                self.auto_scale_global_secondary_index_write_capacity(index, **writes),
            ]
        for dimension in dimensions:
            dimension.scale_on_utilization(
                target_utilization_percent=TARGET_UTILISATION_PERCENT,
                scale_out_cooldown=Duration.seconds(SCALE_OUT_PAUSE_S),
                scale_in_cooldown=Duration.seconds(SCALE_IN_PAUSE_S),
            )

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


_BILLING = {
    "on_demand": dynamodb.BillingMode.PAY_PER_REQUEST,
    "provisioned": dynamodb.BillingMode.PROVISIONED,
}


class _Units(TypedDict, total=False):
    """What a table and an index take, in units a second: at most (on demand), or to begin with."""

    max_read_request_units: int
    max_write_request_units: int
    read_capacity: int
    write_capacity: int


def _units(capacity: Capacity) -> _Units:
    if capacity.mode == "on_demand":
        return {
            "max_read_request_units": capacity.read_units_max,
            "max_write_request_units": capacity.write_units_max,
        }
    reads, writes = _bounds(capacity)
    return {"read_capacity": reads["min_capacity"], "write_capacity": writes["min_capacity"]}


class _Bounds(TypedDict):
    """Between which units a second one dimension scales."""

    min_capacity: int
    max_capacity: int


def _bounds(capacity: Capacity) -> tuple[_Bounds, _Bounds]:
    """Of reads and of writes. A provisioned environment has both minima; one unit is DynamoDB's own least."""
    return (
        {"min_capacity": capacity.read_units_min or 1, "max_capacity": capacity.read_units_max},
        {"min_capacity": capacity.write_units_min or 1, "max_capacity": capacity.write_units_max},
    )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
