"""Resources and policies of made-up templates, as CloudFormation writes them."""

import re
from typing import Any

from checks.rules.tables import CHANGING

Body = dict[str, Any]
ENVIRONMENT = "prod"
TAGS = [
    {"Key": "environment", "Value": ENVIRONMENT},
    {"Key": "project", "Value": "hasivu"},
    {"Key": "subject", "Value": "sound"},
]
KEPT: Body = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
ROOT = {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":root"]]}
ASSETS = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-ap-south-1"}


def arn(logical_id: str) -> Body:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def ref(logical_id: str) -> Body:
    return {"Ref": logical_id}


def of_our_account(service: str, resource: str) -> Body:
    return {"Fn::Join": ["", [f"arn:aws:{service}:ap-south-1:", {"Ref": "AWS::AccountId"}, f":{resource}"]]}


def resource(kind: str, properties: Body, *, tags: bool = True, **body: Any) -> Body:
    return {"Type": kind, "Properties": properties | ({"Tags": TAGS} if tags else {}), **body}


def policy(*statements: Body) -> Body:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def tls_only(action: str, on: Any) -> Body:
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": action,
        "Resource": on,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def allow(action: Any, on: Any, **rest: Any) -> Body:
    return {"Effect": "Allow", "Action": action, "Resource": on, **rest}


def through(service: str) -> Body:
    """The right to use the key through ``service``."""
    condition = {"StringEquals": {"kms:ViaService": f"{service}.ap-south-1.amazonaws.com"}}
    return allow(["kms:Decrypt", "kms:GenerateDataKey"], arn("Key"), Condition=condition)


def never_changing(*books: Any) -> Body:
    """What a role is denied beside what it may do with append-only tables."""
    return {"Effect": "Deny", "Action": list(CHANGING), "Resource": list(books)}


def role(service: str, *rights: Body) -> dict[str, Body]:
    """``Role`` and ``RolePolicy``, to be put under names of one's own."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if service not in {"lambda.amazonaws.com", "apigateway.amazonaws.com"}:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    return {
        "": resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": policy(trust)}),
        "Policy": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": policy(*rights)}},
    }


def named(name: str, parts: dict[str, Body]) -> dict[str, Body]:
    """A role and its policy as resources ``{name}`` and ``{name}Policy``."""
    parts["Policy"]["Properties"] |= {"PolicyName": f"{name}Policy", "Roles": [ref(name)]}
    return {f"{name}{suffix}": body for suffix, body in parts.items()}


NO_GUARD = "none"
"""Of an alarm that is not yet whole: it says what it waits for once it is."""


def describe(
    text: str = "It is bad.", severity: str = "page", section: str = "docs/runbooks/queues.md#dead-letters"
) -> str:
    return f"{text} Severity: {severity}. Guard: {NO_GUARD}. Runbook: {section}"


def alarm(namespace: str, metric: str, statistic: str, threshold: float, **dimensions: Any) -> Body:
    return resource(
        "AWS::CloudWatch::Alarm",
        {
            "AlarmDescription": describe(),
            "ActionsEnabled": True,
            "AlarmActions": [ref("AlarmTopic")],
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": threshold,
            "Namespace": namespace,
            "MetricName": metric,
            "Statistic": statistic,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Period": 300,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "TreatMissingData": "notBreaching",
        },
    )


def guarded_as_it_is(body: Body) -> None:
    """Let the description of an alarm say for how long, and for how many samples, the alarm waits."""
    said = body["Properties"]
    queries = [item["MetricStat"]["Period"] for item in said.get("Metrics", []) if "MetricStat" in item]
    period_s = [*queries, said.get("Period")][0]
    guard = f"bad in {said['DatapointsToAlarm']} of {said['EvaluationPeriods']} periods of {period_s} s"
    for query in said.get("Metrics", []):
        if samples := re.match(r"IF\(total >= (\d+) OR failures >= (\d+)", query.get("Expression", "")):
            guard = f"at least {samples[1]} in a period, or {samples[2]} gone wrong; {guard}"
    said["AlarmDescription"] = said["AlarmDescription"].replace(f"Guard: {NO_GUARD}", f"Guard: {guard}")
