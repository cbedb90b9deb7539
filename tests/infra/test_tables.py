"""Tables keep what they were given."""

from typing import Any

import pytest

from tests.infra.assembly import Assembly, Resource

# name pattern: partition, sort, {index: (partition, sort)}, TTL attribute, stream
TABLES: dict[str, tuple[str, str | None, dict[str, tuple[str, str | None]], str | None, str | None]] = {
    "hasivu-{env}-payments": (
        "pk",
        "sk",
        {
            "by_school": ("school_id", "created_key"),
            "by_payer": ("payer_id", "created_key"),
            "by_open_status": ("open_status", "updated_at"),
            "by_due": ("retry_due", "due_at"),
        },
        None,
        None,
    ),
    "hasivu-{env}-ledger": (
        "entry_id",
        None,
        {"by_business_date": ("business_date", "entry_id")},
        None,
        None,
    ),
    "hasivu-{env}-audit": ("day", "audit_id", {"by_subject": ("subject", "audit_id")}, None, None),
    "hasivu-{env}-outbox": ("event_id", None, {}, "expires_at", "NEW_IMAGE"),
    "hasivu-{env}-idempotency": ("idempotency_key", None, {}, "expires_at", None),
    "payment-webhook-idempotency-{env}": ("event_id", None, {}, "expires_at", None),
    "hasivu-{env}-schools": ("school_id", None, {}, None, None),
    "hasivu-{env}-api-keys": ("key_id", None, {}, None, None),
    "hasivu-{env}-payment-methods": ("pk", "sk", {}, "expires_at", None),
    "hasivu-{env}-payment-rollups": ("pk", "sk", {}, "expires_at", None),
    "hasivu-{env}-notifications": (
        "notification_id",
        None,
        {"by_provider_message": ("provider_message_id", None)},
        "expires_at",
        None,
    ),
    "hasivu-{env}-reconciliation": (
        "pk",
        "sk",
        {"by_open_exception": ("open_exception", "opened_key")},
        None,
        None,
    ),
}
APPEND_ONLY = ("hasivu-{env}-ledger", "hasivu-{env}-audit", "hasivu-{env}-outbox")
CHANGES = frozenset(
    f"dynamodb:{action}"
    for action in (
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "PartiQLInsert",
        "PartiQLUpdate",
        "PartiQLDelete",
    )
)


def keys(schema: list[dict[str, str]]) -> tuple[str, str | None]:
    by_type = {item["KeyType"]: item["AttributeName"] for item in schema}
    return by_type["HASH"], by_type.get("RANGE")


def shape(table: Resource) -> tuple[Any, ...]:
    properties = table.properties
    assert {item["AttributeType"] for item in properties["AttributeDefinitions"]} == {"S"}
    indexes = {item["IndexName"]: item for item in properties.get("GlobalSecondaryIndexes", [])}
    assert all(item["Projection"] == {"ProjectionType": "ALL"} for item in indexes.values())
    ttl = properties.get("TimeToLiveSpecification")
    return (
        *keys(properties["KeySchema"]),
        {name: keys(item["KeySchema"]) for name, item in indexes.items()},
        ttl["AttributeName"] if ttl and ttl["Enabled"] else None,
        properties.get("StreamSpecification", {}).get("StreamViewType"),
    )


def test_every_table_has_its_keys_indexes_expiry_and_stream(assembly: Assembly) -> None:
    expected = {name.format(env=assembly.environment): shape for name, shape in TABLES.items()}
    actual = {
        str(table.properties["TableName"]): shape(table)
        for table in assembly.resources("AWS::DynamoDB::Table")
    }

    assert actual == expected


def test_no_table_hides_from_the_scanners_as_a_global_table(assembly: Assembly) -> None:
    assert not list(assembly.resources("AWS::DynamoDB::GlobalTable"))


def test_every_table_can_be_recovered_to_any_second_of_35_days(assembly: Assembly) -> None:
    for table in assembly.resources("AWS::DynamoDB::Table"):
        assert table.properties["PointInTimeRecoverySpecification"] == {
            "PointInTimeRecoveryEnabled": True,
            "RecoveryPeriodInDays": 35,
        }


def test_every_table_is_encrypted_with_the_data_key(assembly: Assembly) -> None:
    key = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/data")
    key_arn = assembly.text(key.properties["TargetKeyId"], key.stack)

    for table in assembly.resources("AWS::DynamoDB::Table"):
        encryption = table.properties["SSESpecification"]
        assert (encryption["SSEEnabled"], encryption["SSEType"]) == (True, "KMS")
        assert assembly.text(encryption["KMSMasterKeyId"], table.stack) == key_arn


def test_tables_are_protected_from_deletion_everywhere_but_in_the_sandbox(assembly: Assembly) -> None:
    protected = assembly.environment != "sandbox"

    for table in assembly.resources("AWS::DynamoDB::Table"):
        assert table.properties["DeletionProtectionEnabled"] is protected
        policy = "Retain" if protected else "Delete"
        assert (table.body["DeletionPolicy"], table.body["UpdateReplacePolicy"]) == (policy, policy)


@pytest.mark.parametrize("pattern", APPEND_ONLY)
def test_an_append_only_table_itself_denies_changes_to_everyone(assembly: Assembly, pattern: str) -> None:
    table = assembly.table(pattern.format(env=assembly.environment))

    (statement,) = assembly.statements(table.properties["ResourcePolicy"]["PolicyDocument"], table.stack)

    assert (statement.effect, statement.principal, statement.actions) == ("Deny", {"AWS": "*"}, CHANGES)
    (arn,) = statement.resources
    assert arn.endswith(f":table/{table.properties['TableName']}")


def test_every_role_that_touches_an_append_only_table_is_denied_to_change_it(assembly: Assembly) -> None:
    tables = [assembly.table(pattern.format(env=assembly.environment)) for pattern in APPEND_ONLY]
    touched = 0

    for _role, statements in assembly.identity_policies():
        allowed = frozenset().union(*(item.resources for item in statements if item.effect == "Allow"))
        denied = frozenset().union(
            *(item.resources for item in statements if item.effect == "Deny" and item.actions >= CHANGES)
        )
        for table in tables:
            if any(arn == table.arn or arn.startswith(f"{table.arn}/index/") for arn in allowed):
                touched += 1
                assert table.arn in denied

    assert touched >= len(tables)
