"""What the sound estate does by the clock."""

import json

from tests.checks.rules.building import Body, allow, arn, named, ref, resource, role, through

SCHEDULED = ("HealthCheck", "PaymentsAnalytics", "PaymentsReconciliationWorker", "PaymentsRetry")


def schedules() -> dict[str, Body]:
    return {
        "HealthSchedule": _schedule("HealthCheck", "rate(5 minutes)"),
        "CompactionSchedule": _schedule("PaymentsAnalytics", "rate(5 minutes)", "compact"),
        "ImportSchedule": _schedule("PaymentsReconciliationWorker", "rate(1 minute)", "import"),
        "MatchingSchedule": _schedule(
            "PaymentsReconciliationWorker", "cron(30 10,18 * * ? *)", "daily", kept=True
        ),
        "RetrySchedule": _schedule("PaymentsRetry", "rate(1 minute)", "sweep"),
        "RunsSchedule": _schedule("PaymentsReconciliationWorker", "rate(1 minute)", "work"),
        "SweepSchedule": _schedule("PaymentsReconciliationWorker", "rate(15 minutes)", "sweep", kept=True),
        **named(
            "ScheduleRole",
            role(
                "scheduler.amazonaws.com",
                allow("lambda:InvokeFunction", [ref(f"{name}Live") for name in SCHEDULED]),
                allow("sqs:SendMessage", arn("DeadLetters")),
                through("sqs"),
            ),
        ),
    }


def _schedule(function: str, expression: str, task: str | None = None, *, kept: bool = False) -> Body:
    return resource(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": ref(f"{function}Live"),
                "RoleArn": arn("ScheduleRole"),
                "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1},
                **({} if task is None else {"Input": json.dumps({"task": task})}),
                **({"DeadLetterConfig": {"Arn": arn("DeadLetters")}} if kept else {}),
            },
        },
        tags=False,
    )
