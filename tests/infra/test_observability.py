"""Every alarm can ring, says what to do, and is heard."""

import re

import pytest

from checks.telemetry.own import by_filter
from checks.telemetry.watched import nobody_says
from stacks.house_app import ROOT
from tests.infra.assembly import Assembly, Resource
from tests.infra.observed import alarms, existing, measured, names_of, own_metrics, result, watched_by_alarms

RUNBOOK = re.compile(r"Runbook: (?P<file>docs/runbooks/[\w-]+\.md)#(?P<anchor>[\w-]+)$")


# What must ring


REQUIRED = {
    # alarm: comparison, threshold, what it measures
    "PaymentFailureRate": ("GreaterThanThreshold", 5, {"PaymentFailed", "PaymentCaptured"}),
    "PaymentSuccessRate": (
        "LessThanThreshold",
        95,
        {"PaymentFailed", "PaymentConflicted", "PaymentCaptured"},
    ),
    "ApiServerErrors": ("GreaterThanThreshold", 0.5, {"5XXError", "Count"}),
    "ApiLatency": ("GreaterThanThreshold", 2000, {"Latency", "Count"}),
    "InfrastructureConnections": ("GreaterThanOrEqualToThreshold", 3, {"AwsConnectionFailures"}),
    "InfrastructureHealthFailing": ("GreaterThanOrEqualToThreshold", 1, {"HealthChecked"}),
    "InfrastructureAuditSeal": ("LessThanThreshold", 1, {"AuditSealed"}),
    "InfrastructureHealthSilent": ("LessThanThreshold", 1, {"HealthChecked"}),
    "InfrastructureAccountConcurrency": ("GreaterThanThreshold", 800, {"ClaimedAccountConcurrency"}),
}


@pytest.mark.parametrize("name", REQUIRED)
def test_what_the_service_promises_is_watched_at_its_threshold(assembly: Assembly, name: str) -> None:
    comparison, threshold, metrics = REQUIRED[name]
    alarm = alarms(assembly)[name]

    assert (alarm.properties["ComparisonOperator"], alarm.properties["Threshold"]) == (comparison, threshold)
    assert measured(assembly, alarm) == metrics


def test_every_function_is_watched_for_errors_throttles_and_concurrency(assembly: Assembly) -> None:
    found: dict[str, dict[str, float]] = {}
    for name, watched in watched_by_alarms(assembly):
        if function := watched.dimensions.get("FunctionName"):
            threshold = alarms(assembly)[name].properties["Threshold"]
            found.setdefault(function, {})[watched.name] = threshold

    assert found.keys() == names_of(assembly, "AWS::Lambda::Function", "FunctionName")
    for watched_metrics in found.values():
        assert watched_metrics["Errors"] == 1, "percent"
        assert watched_metrics["Throttles"] == 1
        assert watched_metrics["ConcurrentExecutions"] > 0


def test_the_concurrency_alarm_of_a_function_comes_before_its_reservation_is_used_up(prod: Assembly) -> None:
    limits = {
        watched.dimensions["FunctionName"]: alarms(prod)[name].properties["Threshold"]
        for name, watched in watched_by_alarms(prod)
        if watched.name == "ConcurrentExecutions"
    }
    for function in prod.resources("AWS::Lambda::Function"):
        reserved = function.properties["ReservedConcurrentExecutions"]
        assert limits[function.properties["FunctionName"]] == pytest.approx(0.8 * reserved)


def test_errors_count_what_is_raised_and_what_is_caught_and_logged(assembly: Assembly) -> None:
    for name, alarm in alarms(assembly).items():
        if "Errors" in measured(assembly, alarm) and "Invocations" in measured(assembly, alarm):
            assert "LoggedFailures" in measured(assembly, alarm), name
            assert ("CallerRefused" in measured(assembly, alarm)) is name.startswith("ApiAuthorizer")


def test_every_queue_is_watched_for_depth_and_age_and_every_dead_letter_for_its_first(
    assembly: Assembly,
) -> None:
    by_queue: dict[str, dict[str, Resource]] = {}
    for name, watched in watched_by_alarms(assembly):
        if queue := watched.dimensions.get("QueueName"):
            by_queue.setdefault(queue, {})[watched.name] = alarms(assembly)[name]

    for item in assembly.resources("AWS::SQS::Queue"):
        found = by_queue[item.properties["QueueName"]]
        depth = found["ApproximateNumberOfMessagesVisible"].properties
        if "RedrivePolicy" in item.properties:
            assert (depth["Threshold"], depth["Statistic"]) == (1000, "Maximum")
            assert found["ApproximateAgeOfOldestMessage"].properties["Threshold"] == 900
        else:
            assert (depth["ComparisonOperator"], depth["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
            assert (depth["DatapointsToAlarm"], depth["Period"]) == (1, 60)
            assert {"Key": "severity", "Value": "page"} in depth["Tags"]


def test_every_table_is_watched_for_faults_throttles_and_fill(assembly: Assembly) -> None:
    found: dict[str, set[str]] = {}
    for _, watched in watched_by_alarms(assembly):
        if table := watched.dimensions.get("TableName"):
            found.setdefault(table, set()).add(watched.name)

    assert found == {
        name: {
            "SystemErrors",
            *("ReadThrottleEvents", "WriteThrottleEvents"),
            *("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"),
        }
        for name in names_of(assembly, "AWS::DynamoDB::Table", "TableName")
    }


def test_every_pipe_rule_and_topic_of_the_events_is_watched(assembly: Assembly) -> None:
    watched = {
        (item.name, value) for _, item in watched_by_alarms(assembly) for value in item.dimensions.values()
    }

    for pipe in names_of(assembly, "AWS::Pipes::Pipe", "Name"):
        assert {("ExecutionFailed", pipe), ("Invocations", pipe)} <= watched
    for rule in assembly.resources("AWS::Events::Rule"):
        name = rule.properties.get("Name") or rule.ref
        assert ("FailedInvocations", name) in watched
    assert ("NumberOfNotificationsFailed", f"payment-notifications-{assembly.environment}") in watched


def test_whoever_reads_a_stream_is_watched_for_falling_behind(assembly: Assembly) -> None:
    behind = {
        item.dimensions["FunctionName"]
        for _, item in watched_by_alarms(assembly)
        if item.name == "IteratorAge"
    }
    readers = {
        assembly.text(mapping.properties["FunctionName"], mapping.stack)
        for mapping in assembly.resources("AWS::Lambda::EventSourceMapping")
        if "StartingPosition" in mapping.properties
    }

    assert len(behind) == len(readers)


def test_the_error_budget_of_three_nines_is_watched_over_several_windows(assembly: Assembly) -> None:
    found = alarms(assembly)
    burns = {}
    for name in ("Hour", "SixHours", "Day", "ThreeDays"):
        long, short, both = (found[f"ApiBurn{name}{part}"] for part in ("Long", "Short", ""))
        for part in (long, short):
            assert "1000 * failures / total" in result(part), "one in a thousand is the budget"
        rule = assembly.text(both.properties["AlarmRule"], both.stack)
        assert rule == f'ALARM("{long.ref}") AND ALARM("{short.ref}")'
        seconds = [
            part.properties["EvaluationPeriods"] * part.properties["Metrics"][0]["MetricStat"]["Period"]
            for part in (long, short)
        ]
        severity = next(tag["Value"] for tag in both.properties["Tags"] if tag["Key"] == "severity")
        assert long.properties["Threshold"] == short.properties["Threshold"]
        burns[name] = (long.properties["Threshold"], *seconds, severity)

    assert burns == {
        "Hour": (14.4, 3600, 300, "page"),
        "SixHours": (6, 21_600, 1800, "page"),
        "Day": (3, 86_400, 7200, "ticket"),
        "ThreeDays": (1, 259_200, 21_600, "ticket"),
    }


def test_certificates_are_watched_wherever_there_are_any(assembly: Assembly) -> None:
    certificates = list(assembly.resources("AWS::CertificateManager::Certificate"))
    thresholds = sorted(
        alarms(assembly)[name].properties["Threshold"]
        for name, watched in watched_by_alarms(assembly)
        if watched.name == "DaysToExpiry"
    )

    assert thresholds == sorted([15, 45] * len(certificates))


# That it can ring, and is heard


def test_every_metric_of_an_alarm_has_somebody_who_emits_it(assembly: Assembly) -> None:
    own, deployed = own_metrics(assembly), existing(assembly)
    silent = [
        f"{name}: {why}"
        for name, watched in watched_by_alarms(assembly)
        if (why := nobody_says(watched, own, deployed))
    ]

    assert silent == []


def test_an_alarm_goes_to_the_topic_of_its_severity_when_it_begins_and_when_it_ends(
    assembly: Assembly,
) -> None:
    topics = {
        severity: assembly.one(
            "AWS::SNS::Topic", TopicName=f"hasivu-{assembly.environment}-alarms-{severity}"
        )
        for severity in ("page", "ticket")
    }
    for name, alarm in alarms(assembly).items():
        (severity,) = [tag["Value"] for tag in alarm.properties["Tags"] if tag["Key"] == "severity"]
        assert f"Severity: {severity}." in alarm.properties["AlarmDescription"]
        for action in ("AlarmActions", "OKActions"):
            assert assembly.texts(alarm.properties[action], alarm.stack) == {topics[severity].ref}, name
        assert alarm.properties["ActionsEnabled"] is True
        assert "AlarmName" not in alarm.properties


def test_somebody_reads_each_topic_of_alarms(assembly: Assembly) -> None:
    read = {
        assembly.text(item.properties["TopicArn"], item.stack)
        for item in assembly.resources("AWS::SNS::Subscription")
        if item.properties["Protocol"] == "email"
    }
    for severity in ("page", "ticket"):
        name = f"hasivu-{assembly.environment}-alarms-{severity}"
        assert assembly.one("AWS::SNS::Topic", TopicName=name).ref in read


def test_alarms_travel_encrypted_and_only_cloudwatch_of_this_account_sends_them(assembly: Assembly) -> None:
    for severity in ("page", "ticket"):
        topic = assembly.one("AWS::SNS::Topic", TopicName=f"hasivu-{assembly.environment}-alarms-{severity}")
        (policy,) = [
            item
            for item in assembly.resources("AWS::SNS::TopicPolicy")
            if topic.ref in assembly.texts(item.properties["Topics"], item.stack)
        ]
        allowed = [
            item
            for item in assembly.statements(policy.properties["PolicyDocument"], policy.stack)
            if item.effect == "Allow"
        ]
        assert [(sorted(item.actions), item.principal) for item in allowed] == [
            (["sns:Publish"], {"Service": "cloudwatch.amazonaws.com"})
        ]
        assert "aws:SourceAccount" in allowed[0].conditions["StringEquals"]
        key_id = assembly.text(topic.properties["KmsMasterKeyId"], topic.stack)
        (key,) = [item for item in assembly.resources("AWS::KMS::Key") if item.arn == key_id]
        may = assembly.statements(key.properties["KeyPolicy"], key.stack)
        assert any(
            item.principal == {"Service": "cloudwatch.amazonaws.com"}
            and {"kms:Decrypt", "kms:GenerateDataKey"} <= item.actions
            for item in may
        )


def test_every_alarm_names_a_section_of_a_runbook_that_exists(assembly: Assembly) -> None:
    for name, alarm in alarms(assembly).items():
        found = RUNBOOK.search(alarm.properties["AlarmDescription"])
        assert found, name
        runbook = ROOT / found["file"]
        assert runbook.is_file(), f"{name}: {found['file']}"
        headings = re.findall(r"^## (.+)$", runbook.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
        assert found["anchor"] in anchors, f"{name}: {found['file']} has {sorted(anchors)}"


def test_one_bad_sample_wakes_nobody_unless_the_alarm_says_why(assembly: Assembly) -> None:
    for name, alarm in alarms(assembly).items():
        description = alarm.properties["AlarmDescription"]
        assert "Guard: " in description, name
        if alarm.kind == "AWS::CloudWatch::CompositeAlarm":
            continue
        sustained = alarm.properties["DatapointsToAlarm"] >= 2
        counted = "Metrics" in alarm.properties and re.match(r"IF\(.*total >= \d{2,}", result(alarm))
        one_is_enough = "Guard: one is enough, " in description
        assert sustained or counted or one_is_enough, name
        if " in a period, or " in description:
            assert counted, name


def test_every_alarm_says_what_silence_means_and_can_be_evaluated(assembly: Assembly) -> None:
    for name, alarm in alarms(assembly).items():
        if alarm.kind == "AWS::CloudWatch::CompositeAlarm":
            continue
        properties = alarm.properties
        assert properties["TreatMissingData"] in {"notBreaching", "breaching", "missing"}, name
        stats = [query["MetricStat"] for query in properties.get("Metrics", []) if "MetricStat" in query]
        periods = {stat["Period"] for stat in stats} or {properties["Period"]}
        assert len(periods) == 1, f"{name}: all metrics of an alarm have one period"
        (period,) = periods
        looks_back = period * properties["EvaluationPeriods"]
        assert looks_back <= (604_800 if period >= 3600 else 86_400), name
        assert 1 <= properties["DatapointsToAlarm"] <= properties["EvaluationPeriods"]
        assert len(stats) <= 10, f"{name}: CloudWatch takes ten metrics in the formula of an alarm"


def test_formulas_use_only_what_they_define_before(assembly: Assembly) -> None:
    functions = {"IF", "FILL", "MAX", "OR", "AND"}
    for name, alarm in alarms(assembly).items():
        known: set[str] = set()
        for query in alarm.properties.get("Metrics", []):
            used = set(re.findall(r"[A-Za-z_]\w*", query.get("Expression", "")))
            assert used <= known | functions, name
            assert re.fullmatch(r"[a-z]\w*", query["Id"]), "CloudWatch wants ids in lower case"
            known.add(query["Id"])


# What is counted in logs


def test_every_function_has_its_failures_counted_in_its_own_log(assembly: Assembly) -> None:
    counted: dict[str, set[str]] = {}
    for item in assembly.resources("AWS::Logs::MetricFilter"):
        group = assembly.text(item.properties["LogGroupName"], item.stack)
        counted.setdefault(group, set()).update(emitted.name for emitted in by_filter(item.properties))

    for function in assembly.resources("AWS::Lambda::Function"):
        group = assembly.text(function.properties["LoggingConfig"]["LogGroup"], function.stack)
        assert counted[group] == {"LoggedFailures", "AwsConnectionFailures", "AuditWriteFailures"}


def test_the_api_is_known_to_cloudwatch_by_one_name(assembly: Assembly) -> None:
    api = assembly.one("AWS::ApiGateway::RestApi")

    assert (
        api.properties["Name"] == api.properties["Body"]["info"]["title"] == f"hasivu-{assembly.environment}"
    )
