"""Planted: what is well-formed and means something else than it says, or than its neighbours mean."""

import json
from typing import Any

from tests.checks.rules.planting import (
    Body,
    Change,
    Weakness,
    computing,
    put,
    reading,
)

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
FILTER, RULE, QUEUE = "AWS::Logs::MetricFilter", "AWS::Events::Rule", "AWS::SQS::Queue"
TABLE, GROUP, QUESTION = "AWS::Glue::Table", "AWS::Athena::WorkGroup", "AWS::Athena::NamedQuery"
POLICY, ALIAS, FUNCTION = "AWS::IAM::Policy", "AWS::KMS::Alias", "AWS::Lambda::Function"
MAPPING, BOARD = "AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Dashboard"
SEAL = {"Fn::GetAtt": ["SealKey", "Arn"]}
LOCATION = "TableInput.StorageDescriptor.Location"
ANSWERS = "WorkGroupConfiguration.ResultConfiguration.OutputLocation"


def burns(properties: Any) -> bool:
    return "1000 * failures" in str(properties.get("Metrics"))


def burns_slowly(properties: Any) -> bool:
    return burns(properties) and "'Period': 3600" in str(properties["Metrics"])


def is_sustained(properties: Any) -> bool:
    return "bad in 2 of 3 periods" in str(properties.get("AlarmDescription"))


def counts_connections(properties: Any) -> bool:
    return "AwsConnectionFailures" in str(properties["MetricTransformations"])


def uses_a_key(properties: Any) -> bool:
    return "'kms:ViaService'" in str(properties["PolicyDocument"]) and "dynamodb:" in str(properties)


def elsewhere(path: str, prefix: str) -> Any:
    """The address at ``path`` with another prefix of its bucket."""

    def change(body: Body) -> None:
        found = body["Properties"]
        *steps, last = path.split(".")
        for step in steps:
            found = found[step]
        found[last] = {"Fn::Join": ["", ["s3://", _bucket(found[last]), f"/{prefix}/"]]}

    return change


def _bucket(address: Any) -> Any:
    return address["Fn::Join"][1][1]


def through(*services: str) -> Any:
    """Every right on a key through ``services`` only."""

    def change(body: Body) -> None:
        for statement in body["Properties"]["PolicyDocument"]["Statement"]:
            if "kms:ViaService" in str(statement.get("Condition")):
                statement["Condition"] = {"StringEquals": {"kms:ViaService": list(services)}}

    return change


def without_the_key(body: Body) -> None:
    document = body["Properties"]["PolicyDocument"]
    document["Statement"] = [item for item in document["Statement"] if "kms:" not in str(item.get("Action"))]


def a_second_metric_by_the_minute(body: Body) -> None:
    body["Properties"]["Metrics"][0]["MetricStat"]["Period"] = 60


def with_a_higher_guard(body: Body) -> None:
    last = body["Properties"]["Metrics"][-1]
    last["Expression"] = "IF(total >= 199 OR failures >= 199, 100 * failures / total, 0)"


def with_windows_of(seconds: int) -> Any:
    def change(body: Body) -> None:
        for query in body["Properties"]["Metrics"]:
            if "MetricStat" in query:
                query["MetricStat"]["Period"] = seconds

    return change


def pages_after_an_hour(body: Body) -> None:
    said = body["Properties"]["AlarmDescription"].replace("2 of 3", "10 of 10")
    body["Properties"] |= {"EvaluationPeriods": 10, "DatapointsToAlarm": 10, "AlarmDescription": said}


def fails_by_hundreds(body: Body) -> None:
    last = body["Properties"]["Metrics"][-1]
    last["Expression"] = last["Expression"].replace("failures >= 10", "failures >= 100")


def joins_windows(properties: Any) -> bool:
    return "Burn" in str(properties["AlarmRule"])


def may_only(action: str) -> Change:
    """Every right on a key is the one to ``action``."""

    def change(body: Body) -> None:
        for statement in body["Properties"]["PolicyDocument"]["Statement"]:
            if "kms:ViaService" in str(statement.get("Condition")):
                statement["Action"] = action

    return change


def sends(properties: Any) -> bool:
    return "sqs:SendMessage" in str(properties["PolicyDocument"])


def without_queues(template: Body) -> None:
    for item in template["Resources"].values():
        if item["Type"] == BOARD:
            written = json.dumps(item["Properties"]["DashboardBody"])
            shown = written.replace("ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent")
            item["Properties"]["DashboardBody"] = json.loads(shown)


def one_alias_for_two_keys(template: Body) -> None:
    aliases = [item for item in template["Resources"].values() if item["Type"] == ALIAS]
    other = {**aliases[0]["Properties"], "AliasName": "alias/hasivu/prod/other"}
    template["Resources"]["Planted"] = {"Type": ALIAS, "Properties": other}


WEAKNESSES = (
    Weakness("HASIVU-ALM-14", "waits longer than it says", ALARM, put("EvaluationPeriods", 9), is_sustained),
    Weakness("HASIVU-ALM-14", "rings on every noise", ALARM, put("DatapointsToAlarm", 1), is_sustained),
    Weakness("HASIVU-ALM-14", "looks by the hour", ALARM, put("Period", 3600), reading("Throttles")),
    Weakness(
        "HASIVU-ALM-14",
        "divides a minute by five",
        ALARM,
        a_second_metric_by_the_minute,
        computing("PaymentFailed"),
    ),
    Weakness("HASIVU-ALM-14", "wants more samples", ALARM, with_a_higher_guard, computing("PaymentFailed")),
    Weakness(
        "HASIVU-ALM-14",
        "names no guard",
        ALARM,
        put("AlarmDescription", "It is bad. Severity: page. Runbook: docs/runbooks/queues.md#dead-letters"),
        is_sustained,
    ),
    Weakness(
        "HASIVU-ALM-15",
        "a fast burn over a day",
        ALARM,
        with_windows_of(86_400),
        burns_slowly,
        witness=ALARM,
    ),
    Weakness("HASIVU-ALM-15", "two burn rates", ALARM, put("Threshold", 9), burns, witness=ALARM),
    Weakness(
        "HASIVU-ALM-15", "one long window gone", ALARM, where=burns_slowly, gone=True, witness=COMPOSITE
    ),
    Weakness("HASIVU-ALM-6", "a certificate's last day", ALARM, put("Threshold", 1), reading("DaysToExpiry")),
    Weakness(
        "HASIVU-EVT-14",
        "splits hear nothing",
        QUEUE,
        beside={"Type": QUEUE, "Properties": {"QueueName": "hasivu-prod-payment-splits"}},
        witness=QUEUE,
    ),
    Weakness(
        "HASIVU-EVT-14",
        "analytics hear nothing",
        QUEUE,
        beside={"Type": QUEUE, "Properties": {"QueueName": "hasivu-prod-payment-analytics"}},
        witness=QUEUE,
    ),
    Weakness(
        "HASIVU-LOG-9",
        "one function's lines by another word",
        FILTER,
        put("FilterPattern", '{ $.error = "NobodyRaisesThis" }'),
        counts_connections,
    ),
    Weakness(
        "HASIVU-LOG-10",
        "a retry's end is not counted",
        FILTER,
        put("FilterPattern", '{ $.error = "ReadTimeoutError" }'),
        counts_connections,
    ),
    Weakness("HASIVU-LOG-10", "everything is counted", FILTER, put("FilterPattern", '{ $.level = "*" }')),
    Weakness("HASIVU-ALM-14", "a page after an hour", ALARM, pages_after_an_hour, is_sustained),
    Weakness("HASIVU-ALM-7", "a hundred must fail", ALARM, fails_by_hundreds, computing("PaymentFailed")),
    Weakness(
        "HASIVU-ALM-15", "nothing joins the windows", COMPOSITE, where=joins_windows, gone=True, witness=ALARM
    ),
    Weakness(
        "HASIVU-IAM-26", "a key that may only be described", POLICY, may_only("kms:DescribeKey"), uses_a_key
    ),
    Weakness("HASIVU-IAM-26", "no new data key", POLICY, may_only("kms:Decrypt"), sends),
    Weakness("HASIVU-KMS-9", "a key that signs", QUEUE, put("KmsMasterKeyId", SEAL)),
    Weakness("HASIVU-ATH-6", "lines read as Parquet", TABLE, elsewhere(LOCATION, "compacted"), witness=TABLE),
    Weakness("HASIVU-ATH-4", "a question less", QUESTION, gone=True, witness=GROUP),
    Weakness("HASIVU-FN-12", "one by one", MAPPING, put("ScalingConfig.MaximumConcurrency", 2)),
    Weakness("HASIVU-DSH-1", "dead letters are nowhere", BOARD, section=without_queues, witness=BOARD),
    Weakness("HASIVU-KMS-6", "an alias of another's key", ALIAS, section=one_alias_for_two_keys),
    Weakness(
        "HASIVU-IAM-25", "through machines", POLICY, through("ec2.ap-south-1.amazonaws.com"), uses_a_key
    ),
    Weakness("HASIVU-IAM-25", "from afar", POLICY, through("dynamodb.us-east-1.amazonaws.com"), uses_a_key),
    Weakness("HASIVU-IAM-26", "a table without its key", POLICY, without_the_key, uses_a_key),
    Weakness(
        "HASIVU-IAM-26", "a key for files alone", POLICY, through("s3.ap-south-1.amazonaws.com"), uses_a_key
    ),
    Weakness("HASIVU-ATH-6", "reads what nobody writes", TABLE, elsewhere(LOCATION, "payment")),
    Weakness("HASIVU-ATH-6", "answers among the lines", GROUP, elsewhere(ANSWERS, "payments")),
    Weakness("HASIVU-ATH-6", "answers where nobody may write", GROUP, elsewhere(ANSWERS, "elsewhere")),
    Weakness("HASIVU-ATH-4", "another question", QUESTION, put("QueryString", "SELECT 1")),
    Weakness("HASIVU-ATH-4", "under another's name", QUESTION, put("Name", "nobody-reviewed-it")),
    Weakness(
        "HASIVU-FN-2",
        "a bundle that was built for another",
        FUNCTION,
        put("/Metadata", {"aws:asset:path": f"asset.{'1' * 64}"}),
    ),
)
