"""A function that runs by the clock: through its alias, under a role of its own, retried within a limit."""

import json

from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.queue_with_dlq import allow_sending
from stacks.constructs.service_function import ServiceFunction
from stacks.constructs.service_role import ServiceRole
from stacks.environment import Environment

BUSINESS_TIME = "Asia/Kolkata"


class FunctionSchedule(Construct):
    """Starts ``function`` by ``expression`` (``rate(…)``, or ``cron(…)`` in the time of India).

    ``task`` is told to the function as ``{"task": …}``. A start that fails is tried again for
    ``retry_age_max_s`` seconds; what then did not start goes to ``undelivered``, which its key encrypts.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        function: ServiceFunction,
        description: str,
        expression: str,
        retry_age_max_s: int,
        retries_max: int = 1,
        task: str | None = None,
        undelivered: sqs.IQueue | None = None,
        undelivered_key: CustomerKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        role = ServiceRole(
            self,
            "Role",
            environment=environment,
            service="scheduler.amazonaws.com",
            description=f"Starts {function.name} by the clock",
        )
        role.may("lambda:InvokeFunction", on=function.alias.function_arn)
        letters = None
        if undelivered is not None and undelivered_key is not None:
            allow_sending(role, undelivered, undelivered_key)
            letters = scheduler.CfnSchedule.DeadLetterConfigProperty(arn=undelivered.queue_arn)
        schedule = scheduler.CfnSchedule(
            self,
            "Default",
            description=description,
            schedule_expression=expression,
            schedule_expression_timezone=BUSINESS_TIME,
            state="ENABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.alias.function_arn,
                role_arn=role.role_arn,
                input=None if task is None else json.dumps({"task": task}),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=retry_age_max_s, maximum_retry_attempts=retries_max
                ),
                dead_letter_config=letters,
            ),
        )
        schedule.node.add_dependency(role)
