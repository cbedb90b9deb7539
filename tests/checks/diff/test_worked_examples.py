"""The changes that reviewers must recognise, each on the smallest template that has it."""

from typing import Any

import pytest

from checks.diff.assembly import Assembly
from checks.diff.model import Effect, Risk
from checks.diff.resource_spec import read_spec
from checks.diff.run import compare
from tests.checks.diff.worlds import TABLE, Resources, assembly, between, kinds, one, stack, world


def test_the_same_templates_differ_in_nothing() -> None:
    assert between(world(), world()).is_empty


def test_more_memory_is_an_update_and_no_risk() -> None:
    after = world()
    after["Function"]["Properties"]["MemorySize"] = 1024
    diff = between(world(), after)
    (change,) = diff.changes
    assert change.effect is Effect.UPDATED
    assert [(item.path, item.before, item.after) for item in change.properties] == [
        ("MemorySize", "512", "1024")
    ]
    assert diff.findings == ()


def test_other_code_is_code_and_a_new_version_not_a_removal() -> None:
    after = world()
    after["Function"]["Properties"]["Code"]["S3Key"] = f"{'b' * 64}.zip"
    after["FunctionCurrentVersion2"] = after.pop("FunctionCurrentVersion1")
    after["Live"]["Properties"]["FunctionVersion"] = {"Fn::GetAtt": ["FunctionCurrentVersion2", "Version"]}
    diff = between(world(), after)
    assert {change.effect for change in diff.changes} == {Effect.CODE, Effect.PUBLISHED}
    assert diff.findings == ()


def test_an_added_grant_broadens_and_says_who_may_what_on_what() -> None:
    after = world()
    after["RolePolicy"]["Properties"]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": {"Fn::GetAtt": ["Payments", "Arn"]}}
    )
    finding = one(between(world(), after), "allowed")
    assert finding.risk is Risk.BROADENING
    assert finding.subject == "Role"
    assert finding.what == "may dynamodb:* on <Data.Payments.Arn>"


def test_a_renamed_table_is_replaced() -> None:
    after = world()
    after["Payments"]["Properties"]["TableName"] = "hasivu-prod-charges"
    diff = between(world(), after)
    finding = one(diff, "replaced")
    assert finding.risk is Risk.DESTRUCTIVE
    assert finding.loses_data
    assert "TableName" in finding.what
    assert "orphaned" in finding.consequence


def test_another_type_of_a_key_attribute_is_seen_though_no_specification_calls_it_a_replacement() -> None:
    after = world()
    after["Payments"]["Properties"]["AttributeDefinitions"][1]["AttributeType"] = "N"
    diff = between(world(), after)
    assert read_spec().replacement("AWS::DynamoDB::Table", ("AttributeDefinitions",)) == "no"
    assert one(diff, "key-type").what == "the key attribute sk: type S → N"
    assert one(diff, "key-type").loses_data


def test_another_key_under_the_same_name_cannot_even_be_deployed() -> None:
    after = world()
    after["Payments"]["Properties"]["KeySchema"][1]["AttributeName"] = "school_id"
    diff = between(world(), after)
    assert one(diff, "key-schema").what.endswith("→ pk HASH, school_id RANGE")
    assert "cannot replace what is named hasivu-prod-payments" in one(diff, "replaced").consequence


def test_another_key_of_an_index_is_seen() -> None:
    after = world()
    after["Payments"]["Properties"]["GlobalSecondaryIndexes"][0]["KeySchema"][0]["AttributeName"] = "sk"
    assert "by_school" in one(between(world(), after), "index").what


def test_two_indexes_at_once_are_refused_by_dynamodb() -> None:
    after = world()
    indexes = after["Payments"]["Properties"]["GlobalSecondaryIndexes"]
    indexes += [dict(indexes[0], IndexName="by_payer"), dict(indexes[0], IndexName="by_status")]
    assert "2 indexes" in one(between(world(), after), "index").what


def test_a_removed_stack_takes_its_resources_with_it() -> None:
    base = assembly(stack("Data", world()), stack("Billing", {"Logs": world()["Logs"]}))
    diff = compare("prod", base, assembly(stack("Data", world())), spec=read_spec())
    assert one(diff, "stack-removed").stack == "Billing"
    assert one(diff, "removed").subject == "Logs"


def test_a_resource_that_moves_to_another_stack_is_one_move_with_its_clash_of_names() -> None:
    base_data, head_data = world(), world()
    moved = head_data.pop("Payments") | {"Metadata": {"aws:cdk:path": "Ledger/Payments/Resource"}}
    base = assembly(stack("Data", base_data), stack("Ledger", {}))
    head = assembly(stack("Data", head_data), stack("Ledger", {"Payments": moved}))
    diff = compare("prod", base, head, spec=read_spec())
    finding = one(diff, "moved")
    assert "Ledger/Payments" in finding.what
    assert "while hasivu-prod-payments exists" in finding.consequence
    assert [change.effect for change in diff.changes if change.logical_id == "Payments"] == [Effect.MOVED]


def test_a_changed_logical_id_is_recognised_by_the_name() -> None:
    after = world()
    after["PaymentsTable"] = after.pop("Payments")
    assert one(between(world(), after), "logical-id").loses_data


def test_another_encryption_key_is_seen() -> None:
    after = world()
    after["OtherKey"] = world()["DataKey"]
    after["Payments"]["Properties"]["SSESpecification"]["KMSMasterKeyId"] = {
        "Fn::GetAtt": ["OtherKey", "Arn"]
    }
    finding = one(between(world(), after), "encryption-key")
    assert "<Data.DataKey.Arn> → <Data.OtherKey.Arn>" in finding.what


def test_a_lower_retention_is_seen_and_a_first_one_too() -> None:
    after = world()
    after["Logs"]["Properties"]["RetentionInDays"] = 30
    assert one(between(world(), after), "retention").what == "RetentionInDays: 731 → 30"
    endless = world()
    del endless["Logs"]["Properties"]["RetentionInDays"]
    assert one(between(endless, world()), "retention").what == "RetentionInDays: none → 731"


def test_a_deleted_alarm_is_a_guard_less() -> None:
    after = world()
    del after["Alarm"]
    diff = between(world(), after)
    assert one(diff, "guard-removed").risk is Risk.BROADENING


def test_a_firewall_that_only_counts_is_named_rule_by_rule() -> None:
    after = world()
    rules = after["Firewall"]["Properties"]["Rules"]
    rules[0]["OverrideAction"] = {"Count": {}}
    rules[1]["Action"] = {"Count": {}}
    found = [item.what for item in between(world(), after).findings if item.kind == "firewall"]
    assert found == [
        "the rule common only says count instead of block",
        "the rule rate only says count instead of block",
    ]


def test_a_higher_rate_and_a_removed_rule_of_the_firewall_are_seen() -> None:
    after = world()
    rules = after["Firewall"]["Properties"]["Rules"]
    rules[1]["Statement"]["RateBasedStatement"]["Limit"] = 1_000_000_000
    del rules[0]
    found = {item.what for item in between(world(), after).findings if item.kind == "firewall"}
    assert found == {
        "the rule common is removed",
        "the rule rate lets 1000000000.0 through instead of 1000.0",
    }


def turned(path: str, value: Any) -> tuple[Resources, Resources]:
    """The world before and after `Resource.path` takes `value`."""
    after = world()
    *parts, last = path.split(".")
    node: Any = after
    for part in parts:
        node = node[part]
    node[last] = value
    return world(), after


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("Payments.DeletionPolicy", "Delete", "deletion-policy"),
        ("Payments.UpdateReplacePolicy", "Delete", "deletion-policy"),
        ("Payments.Properties.DeletionProtectionEnabled", False, "deletion-protection"),
        (
            "Payments.Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
            False,
            "recovery",
        ),
        ("Payments.Properties.PointInTimeRecoverySpecification.RecoveryPeriodInDays", 7, "recovery"),
        ("Payments.Properties.StreamSpecification", {"StreamViewType": "KEYS_ONLY"}, "stream"),
        (
            "Payments.Properties.TimeToLiveSpecification",
            {"AttributeName": "expires_at", "Enabled": True},
            "expiry",
        ),
        ("DataKey.Properties.KeySpec", "RSA_2048", "encryption-key"),
        ("DataKey.Properties.EnableKeyRotation", False, "weakened"),
        ("Function.Properties.TracingConfig", {"Mode": "PassThrough"}, "weakened"),
        ("Alarm.Properties.ActionsEnabled", False, "weakened"),
        ("Alarm.Properties.AlarmActions", [], "weakened"),
        ("Alarm.Properties.Threshold", 50, "weakened"),
        ("Role.Properties.ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"], "allowed"),
    ],
)
def test_a_weakness_or_a_costly_change_has_its_name(path: str, value: Any, kind: str) -> None:
    before, after = turned(path, value)
    assert kind in kinds(between(before, after))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Alarm.Properties.Threshold", 1),
        ("Logs.Properties.RetentionInDays", 3653),
        ("Function.Properties.Description", "Takes payments"),
    ],
)
def test_what_becomes_stronger_is_no_finding(path: str, value: Any) -> None:
    before, after = turned(path, value)
    assert between(before, after).findings == ()


POOL: dict[str, Any] = {
    "Type": "AWS::Cognito::UserPool",
    "Properties": {
        "UsernameAttributes": ["email"],
        "Schema": [{"Name": "school_ids", "AttributeDataType": "String", "Mutable": True}],
        "MfaConfiguration": "ON",
    },
}
SECRET: dict[str, Any] = {
    "Type": "AWS::SecretsManager::Secret",
    "Properties": {"Name": "hasivu/prod/razorpay", "GenerateSecretString": {"GenerateStringKey": "key_id"}},
}


@pytest.mark.parametrize(
    ("resource", "properties", "kind"),
    [
        (POOL, {"Schema": [{"Name": "school_ids", "AttributeDataType": "Number"}]}, "user-pool-schema"),
        (POOL, {"UsernameAttributes": ["phone_number"]}, "user-pool-schema"),
        (POOL, {"MfaConfiguration": "OPTIONAL"}, "weakened"),
        (SECRET, {"GenerateSecretString": {"GenerateStringKey": "other"}}, "secret-value"),
        (TABLE, {"LocalSecondaryIndexes": [{"IndexName": "l", "KeySchema": []}]}, "local-index"),
    ],
)
def test_what_is_fixed_when_it_is_made_is_said_before_it_fails(
    resource: dict[str, Any], properties: dict[str, Any], kind: str
) -> None:
    changed = {**resource, "Properties": resource["Properties"] | properties}
    assert kind in kinds(between({"It": resource}, {"It": changed}))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"name": "hasivu-prod-data2"}, "stack-name"),
        ({"region": "ap-south-2"}, "stack-place"),
        ({"account": "222222222222"}, "stack-place"),
        ({"termination_protection": False}, "deletion-protection"),
    ],
)
def test_what_changes_for_a_whole_stack_is_said(changes: dict[str, Any], kind: str) -> None:
    before: Assembly = assembly(stack("Data", {}, account="111111111111"))
    after = assembly(stack("Data", {}, **{"account": "111111111111", **changes}))
    assert kind in kinds(compare("prod", before, after, spec=read_spec()))


def test_a_reference_across_stacks_is_the_same_however_it_travels() -> None:
    """A strong export, a weak output and another name of either point at the same table."""
    exported = {"T": {"Value": {"Ref": "Payments"}, "Export": {"Name": "Data:T"}}}
    published = {"Table": {"Value": {"Ref": "Payments"}}}
    weak = {"Fn::GetStackOutput": {"StackName": "hasivu-prod-data", "OutputName": "Table"}}

    def side(outputs: dict[str, Any], reference: dict[str, Any]) -> Assembly:
        parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Value": reference}}
        return assembly(stack("Data", world(), outputs=outputs), stack("Api", {"P": parameter}))

    diff = compare(
        "prod", side(exported, {"Fn::ImportValue": "Data:T"}), side(published, weak), spec=read_spec()
    )
    assert diff.changes == ()
    assert diff.findings == ()


def test_a_route_that_needs_no_authorisation_any_more_is_named() -> None:
    def api(security: list[dict[str, list[str]]]) -> Resources:
        body = {"paths": {"/v1/payments": {"post": {"security": security}, "options": {}}}}
        return {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}}}

    diff = between(api([{"hasivu": []}]), api([]))
    assert one(diff, "open-route").what == "POST /v1/payments needs no authorisation"
