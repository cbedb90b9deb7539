"""A Lambda function of the house: own role, encrypted log group, tracing, and one alias for all callers."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from runtime.platform.settings import SETTINGS_BY_FUNCTION
from stacks.bundles import Bundles
from stacks.constructs.acknowledge import accept_every_resource, accept_inline_policy, acknowledge
from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.dependency_layers import NOT_DEPLOYED, PYTHON, architecture
from stacks.constructs.encrypted_log_group import EncryptedLogGroup
from stacks.environment import Environment

LIVE = "live"
"""The alias that everything invokes; a deployment moves it, a rollback moves it back."""

BATCH_SIZE = 10


class ServiceFunction(Construct):
    """The function ``hasivu-{env}-{name}`` with the code of ``runtime.functions.{name}``.

    ``settings`` are its own environment variables; those that every function has are added. Their names
    must be exactly those of the function's settings model: ValueError otherwise. ``concurrency`` is
    reserved only where the environment reserves any. The role may write its own logs and traces and
    nothing else until something is allowed to ``function.role``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bundles: Bundles,
        name: str,
        description: str,
        layers: Sequence[lambda_.ILayerVersion],
        settings: Mapping[str, str],
        audit_table_name: str,
        log_key: CustomerKey,
        memory_mib: int,
        timeout_s: int,
        concurrency: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.concurrency = concurrency
        self.timeout_s = timeout_s
        variables = {
            "HASIVU_ENV": environment.name,
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_LOG_LEVEL": environment.functions.log_level,
            "AUDIT_TABLE": audit_table_name,
            **settings,
        }
        hold_against_the_model(name, variables)
        self.log_group = EncryptedLogGroup(self, "Logs", environment=environment, key=log_key)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {name} may do",
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
            )
        )
        accept_inline_policy(self.role)
        accept_every_resource(self.role, why="X-Ray knows no resources")
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=f"hasivu-{environment.name}-{name}",
            description=description,
            runtime=PYTHON,
            architecture=architecture(environment),
            code=lambda_.Code.from_asset(bundles.function(name), exclude=NOT_DEPLOYED),
            handler=f"runtime.functions.{name.replace('-', '_')}.handler",
            layers=list(layers),
            environment=variables,
            role=self.role,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            memory_size=memory_mib,
            timeout=Duration.seconds(timeout_s),
            reserved_concurrent_executions=concurrency if environment.functions.reserve_concurrency else None,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        acknowledge(
            self.function,
            "NIST.800.53.R5-LambdaInsideVPC",
            "PCI.DSS.321-LambdaInsideVPC",
            why="IAM and TLS are the border; there is no network of ours to join",
            owner="security",
        )
        if not environment.functions.reserve_concurrency:
            acknowledge(
                self.function,
                "NIST.800.53.R5-LambdaConcurrency",
                why="the account has no quota to reserve from, and nobody's money waits here",
                owner="platform",
            )
        acknowledge(
            self.function,
            "NIST.800.53.R5-LambdaDLQ",
            "Serverless-LambdaDLQ",
            why="nothing calls it asynchronously; queues and schedules have their own dead letters",
            owner="platform",
        )
        self.alias = lambda_.Alias(self, "Live", alias_name=LIVE, version=self.function.current_version)

    def consume(self, queue: sqs.IQueue, *, concurrency_max: int) -> None:
        """Read ``queue`` through the alias, answering for each message of a batch on its own."""
        mapping = lambda_.EventSourceMapping(
            self,
            f"{queue.node.scope.node.id if queue.node.scope else queue.node.id}Source",
            target=self.alias,
            event_source_arn=queue.queue_arn,
            batch_size=BATCH_SIZE,
            max_concurrency=concurrency_max,
            report_batch_item_failures=True,
        )
        acknowledge(
            mapping,
            "Serverless-LambdaEventSourceMappingDestination",
            why="SQS takes no destination; the queue's redrive policy sets failures aside",
            owner="platform",
        )

    def allow(self, *actions: str, on: Sequence[str]) -> None:
        """Let the function do ``actions`` (``service:Action``) on the resources whose ARNs are ``on``."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(on)))


def hold_against_the_model(name: str, variables: Mapping[str, str]) -> None:
    model = SETTINGS_BY_FUNCTION[name]
    required = {field.upper() for field, info in model.model_fields.items() if info.is_required()}
    known = {field.upper() for field in model.model_fields}
    missing, unknown = required - variables.keys(), variables.keys() - known
    if missing or unknown:
        raise ValueError(
            f"{name} and {model.__name__} disagree: missing {sorted(missing) or 'none'}, "
            f"unknown {sorted(unknown) or 'none'}"
        )
