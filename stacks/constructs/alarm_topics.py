"""Where alarms are heard: one encrypted topic for each severity, and somebody who reads it."""

from enum import StrEnum

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.service_role import ServiceRole
from stacks.environment import Environment


class Severity(StrEnum):
    """How soon a person must look."""

    PAGE = "page"
    """Now, at any hour: parents cannot pay, money is at risk, or we no longer see."""
    TICKET = "ticket"
    """On the next working day."""


class AlarmTopics(Construct):
    """The topics ``hasivu-{env}-alarms-{severity}``, each with the address that the environment names.

    CloudWatch may publish, for alarms of this account and region, and to page the schedule that a go-live
    makes at its rollback deadline.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        alarms_of_ours = {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": stack.format_arn(service="cloudwatch", resource="alarm:*")},
        }
        self.key = CustomerKey(
            self,
            "Key",
            environment=environment,
            purpose="alarms",
            description="What the alarms of HASIVU payments say",
        )
        self.key.allow_service(
            "cloudwatch.amazonaws.com",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        )
        addresses = {Severity.PAGE: environment.alarms.page, Severity.TICKET: environment.alarms.ticket}
        self._topics = {
            severity: self._topic(severity, environment, address, alarms_of_ours)
            for severity, address in addresses.items()
        }
        self._page_at_the_rollback_deadline(environment)

    def __getitem__(self, severity: Severity) -> sns.Topic:
        return self._topics[severity]

    def _page_at_the_rollback_deadline(self, environment: Environment) -> None:
        """The role under which a go-live's schedule pages (checks/release/deadline.py, which names it)."""
        role = ServiceRole(
            self,
            "RollbackDeadlineRole",
            environment=environment,
            service="scheduler.amazonaws.com",
            description="Pages when a rollback window was neither closed nor rolled back",
            name=f"hasivu-{environment.name}-rollback-deadline",
        )
        role.may("sns:Publish", on=self[Severity.PAGE].topic_arn)
        self.key.allow_writing(role, through="sns")

    def _topic(
        self,
        severity: Severity,
        environment: Environment,
        address: str,
        conditions: dict[str, dict[str, str]],
    ) -> sns.Topic:
        topic = sns.Topic(
            self,
            severity.value.title(),
            topic_name=f"hasivu-{environment.name}-alarms-{severity}",
            master_key=self.key,
            enforce_ssl=True,
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=conditions,
            )
        )
        reader = sns.Subscription(
            self,
            f"{severity.value.title()}Reader",
            topic=topic,
            endpoint=address,
            protocol=sns.SubscriptionProtocol.EMAIL,
        )
        acknowledge(
            reader,
            "Serverless-SNSRedrivePolicy",
            why="what e-mail refuses nobody would read in a queue",
            owner="platform",
        )
        return topic
