"""What AWS itself finds wrong while the account runs, told to whoever reads tickets."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_events as events
from constructs import Construct

from stacks.constructs.alarm_topics import Severity
from stacks.constructs.service_role import ServiceRole
from stacks.environment import Environment
from stacks.messaging import MessagingStack


@dataclass(frozen=True, slots=True)
class Finding:
    """Events of AWS that somebody must read, and how: ``shown`` names parts of the event by their path."""

    name: str
    pattern: dict[str, Any]
    shown: dict[str, str]
    text: str


FINDINGS = (
    Finding(
        name="config-findings",
        pattern={
            "source": ["aws.config"],
            "detail-type": ["Config Rules Compliance Change"],
            "detail": {"newEvaluationResult": {"complianceType": ["NON_COMPLIANT"]}},
        },
        shown={
            "rule": "$.detail.configRuleName",
            "type": "$.detail.resourceType",
            "id": "$.detail.resourceId",
        },
        text="AWS Config: <rule> does not hold for <type> <id>. docs/runbooks/security.md#findings",
    ),
    Finding(
        name="access-findings",
        pattern={
            "source": ["aws.access-analyzer"],
            "detail-type": ["Access Analyzer Finding"],
            "detail": {"status": ["ACTIVE"]},
        },
        shown={"type": "$.detail.resourceType", "id": "$.detail.resource"},
        text="Access Analyzer: <type> <id> is open to others. docs/runbooks/security.md#findings",
    ),
    Finding(
        name="copy-failures",
        pattern={
            "source": ["aws.backup"],
            "detail-type": ["Copy Job State Change"],
            "detail": {"state": ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"]},
        },
        shown={"vault": "$.detail.destinationBackupVaultArn", "state": "$.detail.state"},
        text="AWS Backup: a copy to <vault> is <state>. docs/runbooks/backups.md#copies",
    ),
)


class Findings(Construct):
    """Rules ``hasivu-{env}-{finding}``, from the account's own bus, where AWS speaks, to the tickets."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, messaging: MessagingStack
    ) -> None:
        super().__init__(scope, construct_id)
        topic = messaging.alarm_topics[Severity.TICKET]
        publisher = ServiceRole(
            self,
            "Publisher",
            environment=environment,
            service="events.amazonaws.com",
            description="Publishes what AWS finds to the topic of tickets",
        )
        publisher.may("sns:Publish", on=topic.topic_arn)
        messaging.alarm_topics.key.allow_writing(publisher, through="sns")
        for finding in FINDINGS:
            name = f"hasivu-{environment.name}-{finding.name}"
            messaging.set_aside_what_is_undelivered(name)
            rule = events.CfnRule(
                self,
                "".join(word.capitalize() for word in finding.name.split("-")),
                name=name,  # by which its metrics are found, and its dead letters let in
                description=f"What AWS finds: {finding.name}",
                event_pattern=finding.pattern,
                state="ENABLED",
                targets=[
                    events.CfnRule.TargetProperty(
                        id="tickets",
                        arn=topic.topic_arn,
                        role_arn=publisher.role_arn,
                        input_transformer=events.CfnRule.InputTransformerProperty(
                            input_paths_map=finding.shown, input_template=f'"{finding.text}"'
                        ),
                        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                            arn=messaging.undelivered.queue_arn
                        ),
                    )
                ],
            )
            rule.node.add_dependency(publisher)
