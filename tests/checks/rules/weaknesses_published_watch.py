"""Planted: what published lists look for in logs, alarms and events."""

from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, each, every, put
from tests.checks.rules.published import STRANGER, beside, lets

GROUP, FILTER, ALARM = "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::CloudWatch::Alarm"
COMPOSITE, DASHBOARD = "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard"
BUDGET, BUS, ARCHIVE = "AWS::Budgets::Budget", "AWS::Events::EventBus", "AWS::Events::Archive"
RULE, SCHEDULE, PIPE = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::Pipes::Pipe"
STREAM = "SourceParameters.DynamoDBStreamParameters"


def simple(properties: Any) -> bool:
    return properties.get("MetricName") == "Throttles" and ":live" not in str(properties)


def errors(properties: Any) -> bool:
    return "FILL" in str(properties.get("Metrics")) and "Errors" in str(properties)


def to_the_topic(properties: Any) -> bool:
    return "hasivu.payments" in str(properties.get("EventPattern"))


LOGS = (
    Weakness("CKV_AWS_158", "in the open", GROUP, drop("KmsKeyId")),
    Weakness("CKV_AWS_66", "for ever", GROUP, drop("RetentionInDays")),
    Weakness("CKV_AWS_338", "for half a year", GROUP, put("RetentionInDays", 180)),
    Weakness("CERT-In", "for a day", GROUP, put("RetentionInDays", 1)),
    Weakness("KICS", "delivered elsewhere", GROUP, put("LogGroupClass", "DELIVERY")),
    Weakness("cfn-nag", "gone with its stack", GROUP, drop("/DeletionPolicy")),
    Weakness(
        "KICS",
        "anybody writes",
        GROUP,
        put(
            "ResourcePolicyDocument", {"Version": "2012-10-17", "Statement": [lets("*", "logs:PutLogEvents")]}
        ),
    ),
    beside("KICS", "AWS::Logs::SubscriptionFilter", DestinationArn=STRANGER, FilterPattern=""),
    beside("KICS", "AWS::Logs::Destination", TargetArn=STRANGER),
    beside(
        "KICS",
        "AWS::Logs::ResourcePolicy",
        PolicyName="p",
        PolicyDocument=(
            '{"Version": "2012-10-17", "Statement": '
            '[{"Effect": "Allow", "Principal": "*", "Action": "logs:*", "Resource": "*"}]}'
        ),
    ),
    Weakness("CIS 4.3", "nothing is counted", FILTER, put("FilterPattern", "")),
    Weakness("CIS 4.3", "counted as nothing", FILTER, put("MetricTransformations.0.MetricValue", "0")),
    Weakness("CIS 4.3", "counted as a thousand", FILTER, put("MetricTransformations.0.MetricValue", "1000")),
    Weakness("CIS 4.3", "counted elsewhere", FILTER, put("MetricTransformations.0.MetricNamespace", "Other")),
    Weakness("CIS 4.3", "by another name", FILTER, put("MetricTransformations.0.MetricName", "Nothing")),
    Weakness(
        "CIS 4.3",
        "not counted",
        FILTER,
        gone=True,
        where=lambda properties: "$.userIdentity" in str(properties),
    ),
)

ALARMS = (
    Weakness("FSBP CloudWatch.15", "silent", ALARM, put("AlarmActions", []), simple),
    Weakness("FSBP CloudWatch.17", "switched off", ALARM, put("ActionsEnabled", False), simple),
    Weakness("KICS", "to a stranger", ALARM, put("AlarmActions", [STRANGER]), simple),
    Weakness(
        "KICS",
        "a machine is stopped",
        ALARM,
        put("AlarmActions", ["arn:aws:automate:ap-south-1:ec2:stop"]),
        simple,
    ),
    Weakness("KICS", "at a billion", ALARM, put("Threshold", 10**9), simple),
    Weakness("KICS", "below nothing", ALARM, put("Threshold", -1), simple),
    Weakness("KICS", "when all is well", ALARM, put("ComparisonOperator", "LessThanThreshold"), simple),
    Weakness("KICS", "silence is missing", ALARM, put("TreatMissingData", "missing"), simple),
    Weakness("KICS", "silence is ignored", ALARM, put("TreatMissingData", "ignore"), simple),
    Weakness(
        "KICS",
        "after a day",
        ALARM,
        every(put("Period", 86_400), put("EvaluationPeriods", 1), put("DatapointsToAlarm", 1)),
        simple,
    ),
    Weakness("KICS", "more than there are", ALARM, put("DatapointsToAlarm", 100), simple),
    Weakness("KICS", "on average", ALARM, put("Statistic", "Average"), simple),
    Weakness("KICS", "at the least", ALARM, put("Statistic", "Minimum"), simple),
    Weakness("KICS", "of nobody", ALARM, put("Dimensions.0.Value", "hasivu-prod-nobody"), simple),
    Weakness("KICS", "of nothing", ALARM, put("MetricName", "Throttlez"), simple),
    Weakness("KICS", "in dollars", ALARM, put("Unit", "Terabytes/Second"), simple),
    Weakness("KICS", "without a runbook", ALARM, put("AlarmDescription", "Bad."), simple),
    Weakness("KICS", "gone", ALARM, gone=True, where=simple, witness="AWS::Lambda::Function"),
    Weakness("KICS", "always nothing", ALARM, each("Metrics", "Expression", "0"), errors),
    Weakness("KICS", "anomalies", ALARM, put("ThresholdMetricId", "ad1"), simple),
    Weakness("KICS", "never", COMPOSITE, put("AlarmRule", "FALSE")),
    Weakness(
        "KICS",
        "suppressed",
        COMPOSITE,
        every(put("ActionsSuppressor", "x"), put("ActionsSuppressorWaitPeriod", 3600)),
    ),
    Weakness("KICS", "drawn by nobody", DASHBOARD, put("DashboardBody", '{"widgets": []}')),
)

EVENTS = (
    Weakness(
        "FSBP EventBridge.3",
        "anybody puts events",
        BUS,
        put("Policy", {"Version": "2012-10-17", "Statement": [lets("*", "events:PutEvents")]}),
    ),
    Weakness("KICS", "a partner's", BUS, put("EventSourceName", "aws.partner/x")),
    Weakness("KICS", "logged by detail", BUS, put("LogConfig", {"IncludeDetail": "FULL", "Level": "TRACE"})),
    Weakness("KICS", "in the open", BUS, drop("KmsKeyIdentifier")),
    Weakness("SOX", "only some are kept", ARCHIVE, put("EventPattern", {"source": ["x"]})),
    Weakness(
        "SOX",
        "of another bus",
        ARCHIVE,
        put("SourceArn", "arn:aws:events:ap-south-1:777788889999:event-bus/default"),
    ),
    Weakness("SOX", "kept for a week", ARCHIVE, put("RetentionDays", 7)),
    Weakness("KICS", "off", RULE, put("State", "DISABLED")),
    Weakness("KICS", "another event", RULE, put("EventPattern.detail-type", ["Nothing"]), to_the_topic),
    Weakness("KICS", "of a stranger's", RULE, put("EventPattern.source", ["elsewhere"]), to_the_topic),
    Weakness(
        "KICS",
        "to a stranger as well",
        RULE,
        add("Targets", {"Id": "spy", "Arn": "arn:aws:events:ap-south-1:999999999999:event-bus/spy"}),
        to_the_topic,
    ),
    Weakness("KICS", "always the same", RULE, put("Targets.0.Input", '{"status": "paid"}'), to_the_topic),
    Weakness("KICS", "a part of it", RULE, put("Targets.0.InputPath", "$.detail.x"), to_the_topic),
    Weakness(
        "KICS",
        "turned round",
        RULE,
        put("Targets.0.InputTransformer", {"InputTemplate": '"paid"'}),
        to_the_topic,
    ),
    Weakness(
        "KICS", "tried never", RULE, put("Targets.0.RetryPolicy", {"MaximumRetryAttempts": 0}), to_the_topic
    ),
    Weakness("KICS", "lost", RULE, drop("Targets.0.DeadLetterConfig"), to_the_topic),
    Weakness("KICS", "under a stranger's role", RULE, put("Targets.0.RoleArn", STRANGER), to_the_topic),
    Weakness("KICS", "off", SCHEDULE, put("State", "DISABLED")),
    Weakness("KICS", "once", SCHEDULE, put("ScheduleExpression", "at(2027-01-01T00:00:00)")),
    Weakness("KICS", "once a year", SCHEDULE, put("ScheduleExpression", "cron(0 0 1 1 ? *)")),
    Weakness("KICS", "ends", SCHEDULE, put("EndDate", "2027-01-01T00:00:00Z")),
    Weakness(
        "KICS",
        "some time",
        SCHEDULE,
        put("FlexibleTimeWindow", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}),
    ),
    Weakness("KICS", "another look", SCHEDULE, put("Target.Input", '{"shallow": true}')),
    Weakness("KICS", "by another zone", SCHEDULE, put("ScheduleExpressionTimezone", "Pacific/Kiritimati")),
    Weakness("KICS", "stopped", PIPE, put("DesiredState", "STOPPED")),
    Weakness("KICS", "looked at on the way", PIPE, put("Enrichment", STRANGER)),
    Weakness("KICS", "from now on", PIPE, put(f"{STREAM}.StartingPosition", "LATEST")),
    Weakness("KICS", "tried once", PIPE, put(f"{STREAM}.MaximumRetryAttempts", 0)),
    Weakness("KICS", "forgotten in a minute", PIPE, put(f"{STREAM}.MaximumRecordAgeInSeconds", 60)),
    Weakness("KICS", "lost", PIPE, drop(f"{STREAM}.DeadLetterConfig")),
    Weakness("KICS", "all or nothing", PIPE, drop(f"{STREAM}.OnPartialBatchItemFailure")),
    Weakness(
        "KICS",
        "only some",
        PIPE,
        put("SourceParameters.FilterCriteria.Filters.0.Pattern", '{"eventName": ["MODIFY"]}'),
    ),
    Weakness("KICS", "elsewhere", PIPE, put("Target", STRANGER)),
    Weakness(
        "GDPR",
        "payloads are logged",
        PIPE,
        put("LogConfiguration", {"Level": "TRACE", "IncludeExecutionData": ["ALL"]}),
    ),
    Weakness(
        "KICS", "as one source", PIPE, put("TargetParameters.EventBridgeEventBusParameters.Source", "other")
    ),
    Weakness(
        "RBI",
        "to another region",
        PIPE,
        put("TargetParameters.EventBridgeEventBusParameters.EndpointId", "abc.veo"),
    ),
    beside("RBI", "AWS::Events::Endpoint", RoutingConfig={}),
    beside("KICS", "AWS::Events::EventBusPolicy", StatementId="all", Statement=lets("*", "events:PutEvents")),
    beside("KICS", "AWS::Events::Connection", AuthorizationType="API_KEY"),
    beside("KICS", "AWS::StepFunctions::StateMachine", RoleArn=STRANGER),
)

WEAKNESSES = (*LOGS, *ALARMS, *EVENTS)
