"""Planted: alarms that cannot ring, logs that are gone, and loose ends of the estate."""

from typing import Any

from tests.checks.rules.planting import (
    Weakness,
    add,
    computing,
    drop,
    every,
    put,
    reading,
)

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
GROUP, FILTER = "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter"
TABLE, FUNCTION, QUEUE = "AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::SQS::Queue"
THROTTLES, LATENCY, ERRORS = reading("Throttles"), reading("Latency"), computing("Errors")
FAULTS = computing("5XXError")
DEPTH = reading("ApproximateNumberOfMessagesVisible")


def heard(properties: Any) -> bool:
    return bool(properties.get("AlarmActions"))


def of_dead_letters(properties: Any) -> bool:
    return DEPTH(properties) and properties.get("Threshold") == 1


def share_of_faults(properties: Any) -> bool:
    return FAULTS(properties) and heard(properties)


def alarm(rule_id: str, title: str, change: Any, where: Any = THROTTLES, **rest: Any) -> Weakness:
    return Weakness(rule_id, title, ALARM, change, where, **rest)


def last_expression(text: str) -> Any:
    def change(body: dict[str, Any]) -> None:
        for query in body["Properties"]["Metrics"]:
            if query.get("ReturnData"):
                query["Expression"] = text

    return change


def looks_elsewhere(name: str, value: Any) -> Any:
    """Change the first metric of a formula."""

    def change(body: dict[str, Any]) -> None:
        for query in body["Properties"]["Metrics"]:
            if "MetricStat" in query:
                query["MetricStat"]["Metric"][name] = value
                return

    return change


def nothing_returned(body: dict[str, Any]) -> None:
    for query in body["Properties"]["Metrics"]:
        query["ReturnData"] = False


def another_statistic(body: dict[str, Any]) -> None:
    for query in body["Properties"]["Metrics"]:
        if "MetricStat" in query:
            query["MetricStat"]["Stat"] = "Minimum"


ALARMS = (
    alarm("HASIVU-ALM-1", "actions are off", put("ActionsEnabled", False)),
    alarm("HASIVU-ALM-1", "nobody is told", put("AlarmActions", []), heard),
    alarm("HASIVU-ALM-1", "a stranger is told", put("AlarmActions", ["arn:aws:sns:ap-south-1:aws:x"]), heard),
    Weakness("HASIVU-ALM-1", "a composite without actions", COMPOSITE, put("ActionsEnabled", False)),
    alarm("HASIVU-ALM-2", "more bad periods than there are", put("DatapointsToAlarm", 50)),
    alarm("HASIVU-ALM-2", "a day of bad periods", put("EvaluationPeriods", 1440)),
    alarm("HASIVU-ALM-2", "a period of a day", put("Period", 86_400)),
    alarm("HASIVU-ALM-2", "a period that CloudWatch does not know", put("Period", 7)),
    alarm("HASIVU-ALM-3", "a metric that nobody emits", put("MetricName", "ThrottlesTotal")),
    alarm("HASIVU-ALM-3", "a namespace that nobody uses", put("Namespace", "AWS/Lambdas")),
    alarm("HASIVU-ALM-11", "under no dimension", put("Dimensions", []), witness=FUNCTION),
    alarm(
        "HASIVU-ALM-3",
        "under a dimension too many",
        add("Dimensions", {"Name": "Environment", "Value": "prod"}),
    ),
    alarm("HASIVU-ALM-3", "a formula over nothing", looks_elsewhere("MetricName", "Failures"), ERRORS),
    alarm("HASIVU-ALM-4", "the least of what is counted", put("Statistic", "Minimum")),
    alarm("HASIVU-ALM-4", "how often it was counted", put("Statistic", "SampleCount")),
    alarm("HASIVU-ALM-4", "the average of what is counted", another_statistic, ERRORS),
    alarm("HASIVU-ALM-4", "the least deep", put("Statistic", "Minimum"), DEPTH),
    alarm(
        "HASIVU-ALM-5",
        "a function that is not there",
        put("Dimensions.0.Value", "hasivu-prod-payments-basic"),
    ),
    alarm("HASIVU-ALM-5", "a queue that is not there", put("Dimensions.0.Value", "hasivu-prod-gone"), DEPTH),
    alarm("HASIVU-ALM-6", "a threshold of a billion", put("Threshold", 10**9)),
    alarm("HASIVU-ALM-6", "a threshold below nothing", put("Threshold", -1)),
    alarm("HASIVU-ALM-6", "bad is good", put("ComparisonOperator", "LessThanThreshold")),
    alarm("HASIVU-ALM-6", "a hundred dead letters", put("Threshold", 100), of_dead_letters),
    alarm("HASIVU-ALM-6", "half of all may fail", put("Threshold", 50), ERRORS),
    alarm("HASIVU-ALM-6", "more than all may fail", put("Threshold", 500), share_of_faults),
    alarm(
        "HASIVU-ALM-6",
        "a share that is bad when small",
        put("ComparisonOperator", "LessThanThreshold"),
        ERRORS,
    ),
    alarm("HASIVU-ALM-6", "nothing is returned", nothing_returned, ERRORS),
    alarm("HASIVU-ALM-7", "a formula of nothing", last_expression("0"), ERRORS),
    alarm(
        "HASIVU-ALM-7",
        "a guard that never lets it ring",
        last_expression("IF(total >= 1000000 OR failures >= 1000000, 100 * failures / total, 0)"),
        ERRORS,
    ),
    alarm(
        "HASIVU-ALM-7",
        "a formula divided to nothing",
        last_expression("IF(total >= 20 OR failures >= 3, 100 * failures / total / 1000, 0)"),
        ERRORS,
    ),
    alarm("HASIVU-ALM-8", "silence is bad", put("TreatMissingData", "ignore")),
    alarm("HASIVU-ALM-8", "nothing said of silence", drop("TreatMissingData")),
    alarm(
        "HASIVU-ALM-8",
        "who must speak may be silent",
        put("TreatMissingData", "notBreaching"),
        lambda properties: properties.get("Statistic") == "SampleCount",
    ),
    alarm("HASIVU-ALM-9", "nobody knows what to do", put("AlarmDescription", "It is bad.")),
    alarm(
        "HASIVU-ALM-9",
        "a runbook that is not there",
        put("AlarmDescription", "Severity: page. Runbook: docs/runbooks/gone.md#depth"),
    ),
    alarm(
        "HASIVU-ALM-9",
        "a heading that is not there",
        put("AlarmDescription", "Severity: page. Runbook: docs/runbooks/queues.md#gone"),
    ),
    Weakness("HASIVU-ALM-10", "a composite that is false", COMPOSITE, put("AlarmRule", "FALSE")),
    Weakness("HASIVU-ALM-10", "a composite that is kept quiet", COMPOSITE, put("ActionsSuppressor", "quiet")),
    Weakness(
        "HASIVU-ALM-10",
        "both and neither",
        COMPOSITE,
        put("AlarmRule", {"Fn::Join": ["", ['ALARM("', {"Ref": "X"}, '") AND FALSE']]}),
    ),
    alarm("HASIVU-ALM-11", "throttles are not watched", None, THROTTLES, gone=True, witness=FUNCTION),
    alarm("HASIVU-ALM-11", "dead letters are not watched", None, of_dead_letters, gone=True, witness=QUEUE),
    alarm(
        "HASIVU-ALM-11",
        "a table is not watched",
        None,
        computing("SystemErrors"),
        gone=True,
        witness=TABLE,
    ),
    alarm(
        "HASIVU-ALM-11",
        "latency is not watched",
        None,
        lambda properties: LATENCY(properties) or computing("Latency")(properties),
        gone=True,
        witness="AWS::ApiGateway::RestApi",
    ),
    Weakness(
        "HASIVU-ALM-12",
        "nobody listens",
        "AWS::SNS::Subscription",
        gone=True,
        where=lambda properties: properties.get("Protocol") == "email",
        witness="AWS::SNS::Topic",
    ),
    Weakness(
        "HASIVU-DSH-1",
        "a dashboard of words",
        "AWS::CloudWatch::Dashboard",
        put("DashboardBody", '{"widgets": [{"type": "text", "properties": {"markdown": "all is well"}}]}'),
    ),
    Weakness(
        "HASIVU-DSH-1",
        "no dashboard at all",
        "AWS::CloudWatch::Dashboard",
        gone=True,
        witness="AWS::CloudWatch::Dashboard",
    ),
)

LOGS = (
    Weakness("HASIVU-LOG-1", "lines in the open", GROUP, drop("KmsKeyId")),
    Weakness("HASIVU-LOG-2", "lines for a day", GROUP, put("RetentionInDays", 1)),
    Weakness("HASIVU-LOG-2", "lines for half of what the law asks", GROUP, put("RetentionInDays", 90)),
    Weakness("HASIVU-LOG-2", "lines for ever", GROUP, drop("RetentionInDays")),
    Weakness("HASIVU-LOG-3", "lines that no filter reads", GROUP, put("LogGroupClass", "INFREQUENT_ACCESS")),
    Weakness(
        "HASIVU-LOG-4",
        "lines to a stranger",
        GROUP,
        beside={
            "Type": "AWS::Logs::SubscriptionFilter",
            "Properties": {
                "DestinationArn": "arn:aws:logs:ap-south-1:aws:destination:x",
                "FilterPattern": "",
            },
        },
    ),
    Weakness(
        "HASIVU-LOG-5",
        "a filter that counts nothing",
        FILTER,
        put("MetricTransformations.0.MetricValue", "0"),
    ),
    Weakness(
        "HASIVU-LOG-5", "a filter of a stranger's lines", FILTER, put("LogGroupName", "/aws/lambda/other")
    ),
    Weakness(
        "HASIVU-LOG-8",
        "a filter under another name",
        FILTER,
        put("MetricTransformations.0.MetricName", "Renamed"),
        witness=GROUP,
        where=lambda properties: "AwsConnectionFailures" in str(properties),
    ),
    Weakness(
        "HASIVU-LOG-8",
        "one function's failures are not counted",
        FILTER,
        gone=True,
        where=lambda properties: "AwsConnectionFailures" in str(properties),
        witness=GROUP,
    ),
    Weakness(
        "HASIVU-LOG-6", "lines are rewritten", beside={"Type": "AWS::Logs::Transformer", "Properties": {}}
    ),
    Weakness("HASIVU-LOG-7", "lines go with their stack", GROUP, put("/DeletionPolicy", "Delete")),
)

ESTATE = (
    Weakness("HASIVU-GOV-1", "a machine", beside={"Type": "AWS::EC2::Instance", "Properties": {}}),
    Weakness("HASIVU-GOV-1", "code at deployment", beside={"Type": "Custom::Anything", "Properties": {}}),
    Weakness("HASIVU-GOV-2", "a table without tags", TABLE, drop("Tags")),
    Weakness(
        "HASIVU-GOV-2",
        "a function of no environment",
        FUNCTION,
        put("Tags", [{"Key": "project", "Value": "hasivu"}]),
    ),
    Weakness(
        "HASIVU-GOV-2",
        "a queue of another environment",
        QUEUE,
        put(
            "Tags",
            [
                {"Key": "environment", "Value": "dev"},
                {"Key": "project", "Value": "hasivu"},
                {"Key": "subject", "Value": "x"},
            ],
        ),
    ),
    Weakness(
        "HASIVU-GOV-3",
        "a stack too large",
        section=every(
            *(
                put(f"/Resources.Filler{number}", {"Type": "AWS::SSM::Parameter", "Properties": {}})
                for number in range(500)
            )
        ),
    ),
    Weakness("HASIVU-GOV-4", "a reference to nothing", FUNCTION, put("Description", {"Ref": "Gone"})),
    Weakness(
        "HASIVU-GOV-4",
        "an output that is not there",
        FUNCTION,
        put("Description", {"Fn::GetStackOutput": {"StackName": "hasivu-prod-gone", "OutputName": "Gone"}}),
    ),
    Weakness("HASIVU-GOV-4", "only under a condition", TABLE, put("/Condition", "Never")),
    Weakness(
        "HASIVU-GOV-5",
        "an export",
        section=put("/Outputs.Exported", {"Value": "x", "Export": {"Name": "hasivu-prod-x"}}),
    ),
    Weakness("HASIVU-GOV-5", "an import", FUNCTION, put("Description", {"Fn::ImportValue": "hasivu-prod-x"})),
    Weakness("HASIVU-GOV-5", "a transform", section=put("/Transform", "AWS::LanguageExtensions")),
    Weakness(
        "HASIVU-GOV-6",
        "a table of another environment",
        FUNCTION,
        put("Environment.Variables.PAYMENTS_TABLE", "hasivu-dev-payments"),
    ),
    Weakness(
        "HASIVU-GOV-7",
        "a scanner is silenced",
        TABLE,
        put("/Metadata.checkov", {"skip": [{"id": "CKV_AWS_28", "comment": "later"}]}),
    ),
    Weakness(
        "HASIVU-GOV-7",
        "cdk-nag is silenced",
        TABLE,
        put("/Metadata.cdk_nag", {"rules_to_suppress": [{"id": "AwsSolutions-DDB3", "reason": "later"}]}),
    ),
    Weakness("HASIVU-GOV-8", "a name without environment", QUEUE, put("QueueName", "notifications")),
)

WEAKNESSES = ALARMS + LOGS + ESTATE
