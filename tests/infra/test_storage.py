"""Buckets: private, encrypted, logged, and kept as long as they must be and no longer."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime.payments.analytics.history import PREFIX
from runtime.payments.analytics.news import PaymentFact
from runtime.payments.analytics.parquet import (
    COMPACTED,
    COMPACTED_PREFIX,
    LINES,
    RECENT,
    SUPERSEDED,
    UP_TO_NOW,
)
from runtime.payments.reconciliation.statement_files import PREFIX as STATEMENTS
from runtime.payments.reconciliation.statement_files import FileTerms, StatementFiles
from runtime.platform.aws import s3_for_links
from runtime.platform.clock import FixedClock
from stacks.constructs.private_bucket import Keeping, PrivateBucket
from stacks.environment_file import load_environment
from stacks.house_app import ROOT, HouseApp
from stacks.house_stack import HouseStack
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, Resource, Statement

# purpose: days until an object ends, until an overwritten one does, {storage class: from day}
KEPT: dict[str, tuple[int | None, int, dict[str, int]]] = {
    "uploads": (None, 90, {"STANDARD_IA": 90}),
    "ml-models": (None, 365, {}),
    "invoice-templates": (None, 2922, {}),
    "invoices": (2922, 2922, {"GLACIER_IR": 365}),
    "analytics": (1096, 30, {"STANDARD_IA": 90, "GLACIER_IR": 365}),
    "audit": (2922, 2922, {"GLACIER_IR": 365}),
    "access-logs": (731, 30, {}),
    "config": (731, 30, {"STANDARD_IA": 90}),
}
NOW = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
LOCKED = {"invoices", "audit"}
ORIGINS = {
    "sandbox": "http://localhost:3000",
    "dev": "https://app.dev.hasivu.example",
    "staging": "https://app.staging.hasivu.example",
    "prod": "https://app.hasivu.example",
}


def buckets(assembly: Assembly) -> dict[str, Resource]:
    """Every bucket by its purpose."""
    beginning = f"hasivu-{assembly.environment}-"
    found = {str(item.properties["BucketName"]): item for item in assembly.resources("AWS::S3::Bucket")}
    assert all(name.startswith(beginning) for name in found)
    return {name.removeprefix(beginning): item for name, item in found.items()}


def test_the_buckets_are_those_that_the_platform_names(assembly: Assembly) -> None:
    assert buckets(assembly).keys() == KEPT.keys()


def test_no_bucket_is_public_or_has_access_control_lists(assembly: Assembly) -> None:
    for bucket in buckets(assembly).values():
        assert bucket.properties["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }
        assert bucket.properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert "AccessControl" not in bucket.properties


def test_buckets_encrypt_with_their_key_and_access_logs_with_the_one_that_s3_delivers_under(
    assembly: Assembly,
) -> None:
    alias = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/storage")
    key_arn = assembly.text(alias.properties["TargetKeyId"], alias.stack)
    for purpose, bucket in buckets(assembly).items():
        (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        if purpose == "access-logs":
            assert default == {"SSEAlgorithm": "AES256"}
        else:
            assert default["SSEAlgorithm"] == "aws:kms"
            assert assembly.text(default["KMSMasterKeyID"], bucket.stack) == key_arn
            assert rule["BucketKeyEnabled"] is True


def test_buckets_refuse_everybody_without_tls_1_2(assembly: Assembly) -> None:
    policies = {
        assembly.text(item.properties["Bucket"], item.stack): item
        for item in assembly.resources("AWS::S3::BucketPolicy")
    }
    for bucket in buckets(assembly).values():
        policy = policies[bucket.ref]
        denials = {
            str(statement.conditions): statement
            for statement in assembly.statements(policy.properties["PolicyDocument"], policy.stack)
            if statement.effect == "Deny"
        }
        assert denials.keys() == {
            str({"Bool": {"aws:SecureTransport": "false"}}),
            str({"NumericLessThan": {"s3:TlsVersion": 1.2}}),
        }
        for statement in denials.values():
            assert statement.principal == {"AWS": "*"}
            assert statement.actions == {"s3:*"}
            assert statement.resources == {bucket.arn, f"{bucket.arn}/*"}


def let_into(assembly: Assembly, purpose: str) -> list[Statement]:
    """What the policy of a bucket allows."""
    bucket = buckets(assembly)[purpose]
    return [
        statement
        for policy in assembly.resources("AWS::S3::BucketPolicy")
        if assembly.text(policy.properties["Bucket"], policy.stack) == bucket.ref
        for statement in assembly.statements(policy.properties["PolicyDocument"], policy.stack)
        if statement.effect == "Allow"
    ]


def test_nobody_is_let_into_a_bucket_but_what_writes_logs_trail_and_configuration(
    assembly: Assembly,
) -> None:
    assert {purpose for purpose in KEPT if let_into(assembly, purpose)} == {"access-logs", "audit", "config"}


def test_the_log_delivery_writes_for_our_buckets_only(assembly: Assembly) -> None:
    allowed = let_into(assembly, "access-logs")

    assert len(allowed) == len(KEPT) - 1
    for statement in allowed:
        assert statement.principal == {"Service": "logging.s3.amazonaws.com"}
        assert statement.actions == {"s3:PutObject"}
        assert {"ArnLike", "StringEquals"} == statement.conditions.keys()
        assert statement.conditions["StringEquals"].keys() == {"aws:SourceAccount"}


def test_our_trail_writes_below_its_prefix_of_the_audit_bucket(assembly: Assembly) -> None:
    checks, writes = let_into(assembly, "audit")
    audit = buckets(assembly)["audit"]

    for statement in (checks, writes):
        assert statement.principal == {"Service": "cloudtrail.amazonaws.com"}
        source = statement.conditions["StringEquals"]["aws:SourceArn"]
        assert assembly.text(source, audit.stack).endswith(f":trail/hasivu-{assembly.environment}")
    assert checks.actions == {"s3:GetBucketAcl"}
    assert checks.resources == {audit.arn}
    assert writes.actions == {"s3:PutObject"}
    (objects,) = writes.resources
    assert re.fullmatch(re.escape(audit.arn) + r"/trail/AWSLogs/\d{12}/\*", objects)


def test_config_of_this_account_writes_its_history(assembly: Assembly) -> None:
    checks, writes = let_into(assembly, "config")
    config = buckets(assembly)["config"]

    for statement in (checks, writes):
        assert statement.principal == {"Service": "config.amazonaws.com"}
        assert re.fullmatch(r"\d{12}", statement.conditions["StringEquals"]["aws:SourceAccount"])
    assert checks.actions == {"s3:GetBucketAcl", "s3:ListBucket"}
    assert checks.resources == {config.arn}
    assert writes.actions == {"s3:PutObject"}
    (objects,) = writes.resources
    assert re.fullmatch(re.escape(config.arn) + r"/AWSLogs/\d{12}/Config/\*", objects)


def test_access_to_every_bucket_is_logged_under_its_purpose(assembly: Assembly) -> None:
    found = buckets(assembly)
    for purpose, bucket in found.items():
        if purpose == "access-logs":
            assert "LoggingConfiguration" not in bucket.properties
        else:
            logging = bucket.properties["LoggingConfiguration"]
            target = assembly.text(logging["DestinationBucketName"], bucket.stack)
            assert (target, logging["LogFilePrefix"]) == (found["access-logs"].ref, f"{purpose}/")


def test_buckets_keep_versions_and_each_as_long_as_it_must(assembly: Assembly) -> None:
    for purpose, bucket in buckets(assembly).items():
        assert bucket.properties["VersioningConfiguration"] == {"Status": "Enabled"}
        (rule, *below) = (
            one for one in bucket.properties["LifecycleConfiguration"]["Rules"] if "TagFilters" not in one
        )
        assert len(below) == (purpose == "uploads")
        expires_days, superseded_days, classes = KEPT[purpose]
        assert rule["Status"] == "Enabled"
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
        assert rule.get("ExpirationInDays") == expires_days
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": superseded_days}
        moved = {item["StorageClass"]: item["TransitionInDays"] for item in rule.get("Transitions", [])}
        assert moved == classes


def test_files_of_bank_statements_end_in_a_month(assembly: Assembly) -> None:
    """They name payers and their accounts; what is kept of them are masked lines."""
    (_, rule) = buckets(assembly)["uploads"].properties["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["Prefix"]) == ("Enabled", f"{STATEMENTS}/")
    assert rule["ExpirationInDays"] == 30
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}


def test_a_browser_may_send_what_a_link_for_a_statement_demands(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "ap-south-1")
    link = StatementFiles(s3_for_links(), "any", FixedClock(NOW)).link(
        "upl_1", FileTerms(1, "00" * 32), until=NOW + timedelta(minutes=15)
    )
    (rule,) = buckets(assembly)["uploads"].properties["CorsConfiguration"]["CorsRules"]
    assert link is not None
    assert link.method in rule["AllowedMethods"]
    assert {name.lower() for name in link.headers} <= set(rule["AllowedHeaders"])


def test_records_are_locked_until_they_end(assembly: Assembly) -> None:
    for purpose, bucket in buckets(assembly).items():
        lock: dict[str, Any] = bucket.properties.get("ObjectLockConfiguration", {})
        assert bucket.properties.get("ObjectLockEnabled", False) is (purpose in LOCKED)
        if purpose in LOCKED:
            years = {"Mode": "COMPLIANCE", "Days": 2922}
            rehearsed = {"Mode": "GOVERNANCE", "Days": 1}
            real = assembly.environment in {"staging", "prod"}
            assert lock["Rule"]["DefaultRetention"] == (years if real else rehearsed)


def test_browsers_of_our_applications_may_upload_and_reach_nothing_else(assembly: Assembly) -> None:
    for purpose, bucket in buckets(assembly).items():
        if purpose != "uploads":
            assert "CorsConfiguration" not in bucket.properties
            continue
        (rule,) = bucket.properties["CorsConfiguration"]["CorsRules"]
        assert rule["AllowedOrigins"] == [ORIGINS[assembly.environment]]
        assert rule["AllowedMethods"] == ["PUT", "GET", "HEAD"]
        assert "*" not in rule["AllowedHeaders"]


def test_buckets_outlive_their_stack_where_data_must_stay(assembly: Assembly) -> None:
    expected = "Delete" if assembly.environment == "sandbox" else "Retain"
    for bucket in buckets(assembly).values():
        assert (bucket.body["DeletionPolicy"], bucket.body["UpdateReplacePolicy"]) == (expected, expected)


def test_what_is_locked_says_for_how_long() -> None:
    environment = load_environment("prod", directory=ROOT / "environments", today=TODAY)
    stack = HouseStack(HouseApp(), "Any", environment=environment, description="Any", stateful=True)

    with pytest.raises(ValueError, match="expires_days"):
        PrivateBucket(
            stack,
            "Locked",
            environment=environment,
            purpose="locked",
            key=None,
            access_logs=None,
            keeping=Keeping(superseded_days=1, locked=True),
        )


def test_the_history_of_payments_has_the_columns_that_are_written(assembly: Assembly) -> None:
    kinds = {"integer": "bigint", "string": "string", "boolean": "boolean"}
    written = PaymentFact.model_json_schema(mode="serialization")
    expected = {}
    for name, member in written["properties"].items():
        options = member.get("anyOf", [written["$defs"]["News"] if "$ref" in member else member])
        (kind,) = (option["type"] for option in options if option["type"] != "null")
        expected[name] = kinds[kind]
    parts = {}
    for table in assembly.resources("AWS::Glue::Table"):
        described = table.properties["TableInput"]
        columns = described["StorageDescriptor"]["Columns"]
        assert {column["Name"]: column["Type"] for column in columns} == expected
        parts[described["Name"]] = [(key["Name"], key["Type"]) for key in described["PartitionKeys"]]
    arrived, dt = ("arrived", "string"), ("dt", "string")
    assert parts == {LINES: [arrived, dt], RECENT: [arrived, dt], COMPACTED: [dt]}


def test_the_history_is_read_where_it_is_written_and_answered_beside_it(assembly: Assembly) -> None:
    bucket = assembly.one("AWS::S3::Bucket", BucketName=f"hasivu-{assembly.environment}-analytics")
    workgroup = assembly.one("AWS::Athena::WorkGroup")
    settings = workgroup.properties["WorkGroupConfiguration"]
    answers = settings["ResultConfiguration"]["OutputLocation"]
    places = {}
    for table in assembly.resources("AWS::Glue::Table"):
        described = table.properties["TableInput"]
        places[described["Name"]] = assembly.text(described["StorageDescriptor"]["Location"], table.stack)
        if described["Name"] != COMPACTED:
            for part in ("arrived", "dt"):
                assert described["Parameters"][f"projection.{part}.range"].endswith(f",{UP_TO_NOW}")
    lines = f"s3://{bucket.ref}/{PREFIX}/"
    assert places == {LINES: lines, RECENT: lines, COMPACTED: f"s3://{bucket.ref}/{COMPACTED_PREFIX}/"}
    assert assembly.text(answers, workgroup.stack) == f"s3://{bucket.ref}/athena/"


def test_the_standard_questions_are_asked_in_the_workgroup(assembly: Assembly) -> None:
    asked = {
        item.properties["Name"]: item.properties for item in assembly.resources("AWS::Athena::NamedQuery")
    }
    assert asked.keys() == {
        *("success-by-method", "success-by-hour", "refunds", "fees", "settlement-lag", "funnel"),
    }
    for properties in asked.values():
        assert properties["Database"] == f"hasivu_{assembly.environment}"
        assert properties["WorkGroup"] == f"hasivu-{assembly.environment}-analytics"
        assert len(properties["Description"]) <= 1024  # Athena's limit
        assert "Parameters:" in properties["Description"]


def test_what_was_replaced_in_the_history_ends_after_a_week(assembly: Assembly) -> None:
    bucket = assembly.one("AWS::S3::Bucket", BucketName=f"hasivu-{assembly.environment}-analytics")
    (rule,) = (one for one in bucket.properties["LifecycleConfiguration"]["Rules"] if "TagFilters" in one)
    assert rule["TagFilters"] == [SUPERSEDED]
    assert rule["ExpirationInDays"] == 7
