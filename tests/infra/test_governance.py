"""What is done to the account is recorded, kept, held against rules, and heard."""

import json
from typing import Any

import pytest

from checks.rules.log_patterns import matcher
from checks.rules.trail_calls import ORDINARY, WAKING
from stacks.environment_file import load_environment
from stacks.governance_alarms import WATCHES
from stacks.governance_findings import FINDINGS
from stacks.house_app import ROOT
from stacks.trail_patterns import PATTERN_CHARACTERS_MAX
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, Resource
from tests.infra.observed import alarms

RECORDED = {"staging", "prod"}
"""Environments whose data is read and written by real people."""


def selectors(assembly: Assembly) -> dict[str, list[dict[str, Any]]]:
    """What the trail selects, by the kind of resource; management events under ``Management``."""
    trail = assembly.one("AWS::CloudTrail::Trail")
    found = {}
    for item in trail.properties["AdvancedEventSelectors"]:
        fields = {field["Field"]: field for field in item["FieldSelectors"]}
        (category,) = fields["eventCategory"]["Equals"]
        kind = fields["resources.type"]["Equals"][0] if category == "Data" else category
        found[kind] = item["FieldSelectors"]
    return found


def test_the_trail_sees_every_region_and_is_kept_in_the_locked_bucket(assembly: Assembly) -> None:
    trail = assembly.one("AWS::CloudTrail::Trail")
    audit = assembly.one("AWS::S3::Bucket", BucketName=f"hasivu-{assembly.environment}-audit")
    switches = (
        "IsLogging",
        "IsMultiRegionTrail",
        "IncludeGlobalServiceEvents",
        "EnableLogFileValidation",
    )

    assert all(trail.properties[switch] is True for switch in switches)
    assert assembly.text(trail.properties["S3BucketName"], trail.stack) == audit.ref
    assert audit.properties["ObjectLockEnabled"] is True
    assert (trail.properties["TrailName"], trail.properties["S3KeyPrefix"]) == (
        f"hasivu-{assembly.environment}",
        "trail",
    )


def test_the_trail_and_its_bucket_have_one_key_which_lets_the_trail_in(assembly: Assembly) -> None:
    trail = assembly.one("AWS::CloudTrail::Trail")
    alias = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/storage")
    key_arn = assembly.text(alias.properties["TargetKeyId"], alias.stack)
    (key,) = [item for item in assembly.resources("AWS::KMS::Key") if item.arn == key_arn]
    (statement,) = [
        item
        for item in assembly.statements(key.properties["KeyPolicy"], key.stack)
        if item.principal == {"Service": "cloudtrail.amazonaws.com"}
    ]

    assert assembly.text(trail.properties["KMSKeyId"], trail.stack) == key_arn
    assert statement.actions == {"kms:DescribeKey", "kms:GenerateDataKey"}
    source = assembly.text(statement.conditions["StringEquals"]["aws:SourceArn"], key.stack)
    assert source.endswith(f":trail/hasivu-{assembly.environment}")


def test_every_management_event_is_recorded(assembly: Assembly) -> None:
    assert selectors(assembly)["Management"] == [{"Field": "eventCategory", "Equals": ["Management"]}]


def test_who_reads_and_writes_data_is_recorded_where_it_is_real(assembly: Assembly) -> None:
    found = selectors(assembly)
    if assembly.environment not in RECORDED:
        assert found.keys() == {"Management"}
        return
    tables = {field["Field"]: field for field in found["AWS::DynamoDB::Table"]}
    objects = {field["Field"]: field for field in found["AWS::S3::Object"]}
    records = {
        purpose: assembly.one("AWS::S3::Bucket", BucketName=f"hasivu-{assembly.environment}-{purpose}").arn
        for purpose in ("invoices", "audit")
    }

    assert assembly.texts(tables["resources.ARN"]["Equals"], "Governance") == {
        table.arn for table in assembly.resources("AWS::DynamoDB::Table")
    }
    assert assembly.texts(objects["resources.ARN"]["StartsWith"], "Governance") == {
        f"{arn}/" for arn in records.values()
    }
    assert assembly.texts(objects["resources.ARN"]["NotStartsWith"], "Governance") == {
        f"{records['audit']}/trail/"
    }


def test_the_trails_role_writes_its_log_and_nothing_else(assembly: Assembly) -> None:
    trail = assembly.one("AWS::CloudTrail::Trail")
    role_arn = assembly.text(trail.properties["CloudWatchLogsRoleArn"], trail.stack)
    group = assembly.text(trail.properties["CloudWatchLogsLogGroupArn"], trail.stack)
    (statement,) = next(said for role, said in assembly.identity_policies() if role.arn == role_arn)

    assert statement.actions == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert statement.resources == {group}
    assert any(f"<{item.stack}.{item.logical_id}.Arn>" == group for item in log_groups(assembly))


def log_groups(assembly: Assembly) -> list[Resource]:
    return list(assembly.resources("AWS::Logs::LogGroup"))


@pytest.mark.parametrize("call", WAKING.values(), ids=WAKING.keys())
def test_what_must_wake_somebody_matches_a_pattern(call: dict[str, Any]) -> None:
    assert [watch.metric for watch in WATCHES if matcher(watch.pattern)(call)]


@pytest.mark.parametrize("call", ORDINARY.values(), ids=ORDINARY.keys())
def test_what_is_ordinary_matches_none(call: dict[str, Any]) -> None:
    assert [watch.metric for watch in WATCHES if matcher(watch.pattern)(call)] == []


def test_patterns_are_as_long_as_cloudwatch_takes_them() -> None:
    assert max(len(watch.pattern) for watch in WATCHES) <= PATTERN_CHARACTERS_MAX


def test_each_pattern_is_counted_in_the_trails_log_and_rings_at_the_first(assembly: Assembly) -> None:
    trail = assembly.one("AWS::CloudTrail::Trail")
    group = assembly.text(trail.properties["CloudWatchLogsLogGroupArn"], trail.stack)
    counted = {
        item.properties["FilterPattern"]: item.properties["MetricTransformations"][0]["MetricName"]
        for item in assembly.resources("AWS::Logs::MetricFilter")
        if f"{assembly.text(item.properties['LogGroupName'], item.stack)[:-1]}.Arn>" == group
    }

    assert counted == {watch.pattern: watch.metric for watch in WATCHES}
    for watch in WATCHES:
        alarm = alarms(assembly)[f"Trail{watch.metric}"].properties
        assert (alarm["MetricName"], alarm["Threshold"], alarm["DatapointsToAlarm"]) == (watch.metric, 1, 1)
        assert f"Severity: {watch.severity}." in alarm["AlarmDescription"]


def test_silence_of_the_trail_and_of_backups_is_heard(assembly: Assembly) -> None:
    for name, hours in (("TrailSilent", 1), ("BackupMissing", 26)):
        alarm = alarms(assembly)[name].properties
        assert alarm["TreatMissingData"] == "breaching"
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
        assert alarm["Period"] * alarm["EvaluationPeriods"] == hours * 3600


def test_config_records_everything_once_and_delivers_it_unlocked(assembly: Assembly) -> None:
    recorder = assembly.one("AWS::Config::ConfigurationRecorder")
    channel = assembly.one("AWS::Config::DeliveryChannel")
    bucket = assembly.one("AWS::S3::Bucket", BucketName=f"hasivu-{assembly.environment}-config")

    assert recorder.properties["RecordingGroup"] == {"AllSupported": True, "IncludeGlobalResourceTypes": True}
    assert assembly.text(recorder.properties["RoleARN"], recorder.stack).endswith(
        ":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    )
    assert assembly.text(channel.properties["S3BucketName"], channel.stack) == bucket.ref
    assert "ObjectLockConfiguration" not in bucket.properties, "AWS Config refuses a default retention"


def test_live_rules_wait_for_the_recorder_and_look_at_everything(assembly: Assembly) -> None:
    recorder = assembly.one("AWS::Config::ConfigurationRecorder")
    live = list(assembly.resources("AWS::Config::ConfigRule"))

    assert len({item.properties["Source"]["SourceIdentifier"] for item in live}) == len(live) >= 20
    for item in live:
        assert recorder.logical_id in item.body["DependsOn"]
        assert item.properties["Source"]["Owner"] == "AWS"
        assert "Scope" not in item.properties


def test_logs_are_held_to_the_retention_of_their_environment(assembly: Assembly) -> None:
    (rule,) = [
        item
        for item in assembly.resources("AWS::Config::ConfigRule")
        if item.properties["Source"]["SourceIdentifier"] == "CW_LOGGROUP_RETENTION_PERIOD_CHECK"
    ]
    days = {item.properties["RetentionInDays"] for item in log_groups(assembly)}

    assert rule.properties["InputParameters"] == {"MinRetentionTime": str(min(days))}


def test_what_aws_finds_is_told_to_whoever_reads_tickets(assembly: Assembly) -> None:
    tickets = assembly.one("AWS::SNS::Topic", TopicName=f"hasivu-{assembly.environment}-alarms-ticket")
    undelivered = assembly.queue(f"hasivu-{assembly.environment}-undelivered-dlq")
    for finding in FINDINGS:
        rule = assembly.one("AWS::Events::Rule", Name=f"hasivu-{assembly.environment}-{finding.name}")
        (target,) = rule.properties["Targets"]
        assert "EventBusName" not in rule.properties, "AWS speaks on the account's own bus"
        assert rule.properties["EventPattern"] == finding.pattern
        assert assembly.text(target["Arn"], rule.stack) == tickets.ref
        assert assembly.text(target["DeadLetterConfig"]["Arn"], rule.stack) == undelivered.arn


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_a_finding_reads_as_a_sentence(finding: Any) -> None:
    text = finding.text
    for name in finding.shown:
        assert f"<{name}>" in text
        text = text.replace(f"<{name}>", name)
    assert "<" not in text
    assert json.loads(f'"{text}"') == text, "EventBridge wants a JSON string"


def test_what_may_be_undelivered_is_let_into_its_queue_by_the_rule_that_sends_it(assembly: Assembly) -> None:
    undelivered = assembly.queue(f"hasivu-{assembly.environment}-undelivered-dlq")
    sources = {
        assembly.text(statement.conditions["ArnEquals"]["aws:SourceArn"], policy.stack).rpartition(":rule/")[
            2
        ]
        for policy in assembly.resources("AWS::SQS::QueuePolicy")
        for statement in assembly.statements(policy.properties["PolicyDocument"], policy.stack)
        if undelivered.arn in statement.resources
        and statement.principal == {"Service": "events.amazonaws.com"}
    }
    env = assembly.environment

    assert sources == {
        *(
            f"hasivu-{env}-events/hasivu-{env}-{rule}"
            for rule in ("payment-events", "payment-analytics", "payment-splits")
        ),
        *(f"hasivu-{env}-{finding.name}" for finding in FINDINGS),
    }


def test_the_budget_is_the_environments_and_told_at_four_points(assembly: Assembly) -> None:
    environment = load_environment(assembly.environment, directory=ROOT / "environments", today=TODAY)
    budget = assembly.one("AWS::Budgets::Budget").properties
    told = [
        (item["Notification"]["NotificationType"], item["Notification"]["Threshold"])
        for item in budget["NotificationsWithSubscribers"]
    ]

    assert budget["Budget"]["BudgetLimit"] == {"Amount": environment.budget.monthly_usd, "Unit": "USD"}
    assert told == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    for item in budget["NotificationsWithSubscribers"]:
        assert item["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": environment.alarms.ticket}]


def test_access_from_outside_is_analysed(assembly: Assembly) -> None:
    analyzer = assembly.one("AWS::AccessAnalyzer::Analyzer").properties

    assert analyzer["Type"] == "ACCOUNT"
    assert "ArchiveRules" not in analyzer
