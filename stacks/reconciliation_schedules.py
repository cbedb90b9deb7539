"""When payments-reconciliation runs by itself: the sweep every quarter of an hour, the match twice a day."""

import json

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.constructs.queue_with_dlq import allow_sending
from stacks.constructs.service_function import ServiceFunction
from stacks.constructs.service_role import ServiceRole
from stacks.environment import Environment
from stacks.messaging import MessagingStack

BUSINESS_TIME = "Asia/Kolkata"
SWEEP_RETRY_AGE_MAX_S = 600
"""The next sweep comes in a quarter of an hour and goes on where this one would have begun."""
DAILY_RETRY_AGE_MAX_S = 3600


class ReconciliationSchedules(Construct):
    """The schedules of ``function``, under a role that may start it and set aside what it cannot start."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        function: ServiceFunction,
        messaging: MessagingStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self._function = function
        self._messaging = messaging
        self._role = ServiceRole(
            self,
            "Role",
            environment=environment,
            service="scheduler.amazonaws.com",
            description="Starts sweeps and reconciliations",
        )
        self._role.may("lambda:InvokeFunction", on=function.alias.function_arn)
        allow_sending(self._role, messaging.undelivered, messaging.key)
        self._schedule(
            "Sweep",
            task="sweep",
            description="Asks the gateway about open payments",
            expression="rate(15 minutes)",
            retry_age_max_s=SWEEP_RETRY_AGE_MAX_S,
        )
        # Banks credit the settlements of a day in the morning and in the afternoon.
        self._schedule(
            "Daily",
            task="daily",
            description="Matches gateway, ledger and bank",
            expression="cron(30 10,18 * * ? *)",
            retry_age_max_s=DAILY_RETRY_AGE_MAX_S,
        )

    def _schedule(
        self, construct_id: str, *, task: str, description: str, expression: str, retry_age_max_s: int
    ) -> None:
        schedule = scheduler.CfnSchedule(
            self,
            construct_id,
            description=description,
            schedule_expression=expression,
            schedule_expression_timezone=BUSINESS_TIME,
            state="ENABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._function.alias.function_arn,
                role_arn=self._role.role_arn,
                input=json.dumps({"task": task}),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=retry_age_max_s, maximum_retry_attempts=3
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=self._messaging.undelivered.queue_arn
                ),
            ),
        )
        schedule.node.add_dependency(self._role)
