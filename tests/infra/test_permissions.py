"""Every role may do exactly what its work needs: by action, on named resources, through the right service."""

import re

from runtime.payments.reconciliation.statement_files import PREFIX
from runtime.platform.settings import SETTINGS_BY_FUNCTION
from tests.infra.assembly import Assembly, Statement
from tests.infra.conftest import NOT_BUILT

TRACING = frozenset({"xray:PutTelemetryRecords", "xray:PutTraceSegments"})
"""X-Ray knows no resources."""

ALARM_STATES = frozenset({"cloudwatch:DescribeAlarms"})
"""As AWS's own policy for CodeDeploy has it."""

GATEWAY_LOGGING = frozenset(
    f"logs:{action}"
    for action in (
        "CreateLogGroup",
        "CreateLogStream",
        "DescribeLogGroups",
        "DescribeLogStreams",
        "FilterLogEvents",
        "GetLogEvents",
        "PutLogEvents",
    )
)
"""API Gateway refuses an account role with less; what it logs is decided by its stages."""


BACKUP_COPYING = {"backup:CopyFromBackupVault"}
"""A recovery point has no name before it is made; the condition names where its copy may go."""


def of_the_auditor(role: str) -> bool:
    """The one role that people take on has tests of its own (test_auditor.py)."""
    return "Auditor" in role


def allowed_on(statements: list[Statement], arn: str) -> frozenset[str]:
    """The actions allowed on exactly ``arn``."""
    return frozenset().union(
        *(item.actions for item in statements if item.effect == "Allow" and arn in item.resources)
    )


def table_rights(assembly: Assembly, function: str) -> dict[str, set[str]]:
    """The function's rights on tables and indexes, by the table's name without environment."""
    statements = assembly.role_of(function)
    rights: dict[str, set[str]] = {}
    for table in assembly.resources("AWS::DynamoDB::Table"):
        actions = {action.removeprefix("dynamodb:") for action in allowed_on(statements, table.arn)}
        for statement in statements:
            for arn in statement.resources:
                if statement.effect == "Allow" and arn.startswith(f"{table.arn}/"):
                    actions |= {
                        f"{action.removeprefix('dynamodb:')} {arn.rpartition('/')[2]}"
                        for action in statement.actions
                    }
        if actions:
            name = str(table.properties["TableName"]).replace(f"-{assembly.environment}", "")
            rights[name] = actions
    return rights


def rights_elsewhere(assembly: Assembly, function: str) -> dict[str, set[str]]:
    """The function's rights on anything but tables, keys, its own logs and traces: service to actions."""
    rights: dict[str, set[str]] = {}
    for statement in assembly.role_of(function):
        for action in statement.actions:
            service, _, name = action.partition(":")
            if service not in {"dynamodb", "kms", "logs", "xray"}:
                rights.setdefault(service, set()).add(name)
    return rights


PAYMENT_TRANSACTION = {
    "hasivu-payments": {"GetItem", "PutItem"},
    "hasivu-ledger": {"PutItem"},
    "hasivu-audit": {"PutItem"},
    "hasivu-outbox": {"PutItem"},
    "hasivu-payment-methods": {"GetItem", "PutItem"},
}
QUEUE_CONSUMER = {"ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"}


def test_payments_advanced_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "payments-advanced") == PAYMENT_TRANSACTION | {
        "hasivu-payments": {"GetItem", "PutItem", "Query", "Query by_school", "Query by_payer"},
        "hasivu-idempotency": {"GetItem", "PutItem", "UpdateItem"},
        "hasivu-notifications": {"BatchGetItem"},
        "hasivu-schools": {"GetItem"},
    }
    assert rights_elsewhere(assembly, "payments-advanced") == {
        "cognito-idp": {"AdminGetUser"},
        "secretsmanager": {"GetSecretValue"},
        "sqs": QUEUE_CONSUMER,
        "ssm": {"GetParameter"},
    }


def test_payments_webhook_handler_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "payments-webhook-handler") == PAYMENT_TRANSACTION | {
        "payment-webhook-idempotency": {"GetItem", "PutItem", "UpdateItem"},
    }
    assert rights_elsewhere(assembly, "payments-webhook-handler") == {
        "secretsmanager": {"GetSecretValue"},
        "sqs": QUEUE_CONSUMER | {"SendMessage"},
    }


def test_payments_manage_methods_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "payments-manage-methods") == PAYMENT_TRANSACTION | {
        "hasivu-payment-methods": {"GetItem", "PutItem", "Query"},
        "hasivu-idempotency": {"GetItem", "PutItem", "UpdateItem"},
        "hasivu-schools": {"GetItem"},
    }
    assert rights_elsewhere(assembly, "payments-manage-methods") == {
        "cognito-idp": {"AdminGetUser"},
        "secretsmanager": {"GetSecretValue"},
        "ssm": {"GetParameter"},
    }


def test_audit_sealer_may_seal_and_no_more(assembly: Assembly) -> None:
    name = f"hasivu-{assembly.environment}-audit"
    assert table_rights(assembly, "audit-sealer") == {"hasivu-audit": {"Query"}}
    assert rights_elsewhere(assembly, "audit-sealer") == {"s3": {"GetObject", "ListBucket", "PutObject"}}
    objects = {
        arn: statement.actions
        for statement in assembly.role_of("audit-sealer")
        if "s3:PutObject" in statement.actions
        for arn in statement.resources
    }
    assert objects == {
        f"arn:aws:s3:::{name}/lines/*": {"s3:PutObject"},
        f"arn:aws:s3:::{name}/seals/*": {"s3:GetObject", "s3:PutObject"},
    }


def test_nobody_but_the_sealer_signs(assembly: Assembly) -> None:
    signing = [
        role.arn
        for role, statements in assembly.identity_policies()
        for statement in statements
        if "kms:Sign" in statement.actions
    ]
    (role,) = signing
    function = assembly.function("audit-sealer")
    assert role == assembly.text(function.properties["Role"], function.stack)


def test_payments_analytics_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "payments-analytics") == {
        "hasivu-payment-rollups": {"GetItem", "PutItem", "UpdateItem", "Query"},
        "hasivu-audit": {"PutItem"},
    }
    multipart = {"AbortMultipartUpload", "ListMultipartUploadParts"}
    assert rights_elsewhere(assembly, "payments-analytics") == {
        "athena": {"GetQueryExecution", "StartQueryExecution", "StopQueryExecution"},
        "glue": {"CreatePartition", "GetDatabase", "GetTable", "UpdatePartition", "UpdateTable"},
        "s3": {
            *("GetObject", "PutObject", "PutObjectTagging", *multipart),
            *("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"),
        },
        "sqs": QUEUE_CONSUMER,
    }


def test_the_history_of_payments_is_kept_below_its_prefixes_only(assembly: Assembly) -> None:
    name = f"hasivu-{assembly.environment}-analytics"
    assert assembly.one("AWS::S3::Bucket", BucketName=name)
    by_action: dict[str, set[str]] = {}
    for statement in assembly.role_of("payments-analytics"):
        for action in statement.actions:
            by_action.setdefault(action, set()).update(statement.resources)
    base = f"arn:aws:s3:::{name}"
    assert by_action["s3:PutObject"] == {f"{base}/{part}/*" for part in ("payments", "compacted", "athena")}
    assert by_action["s3:GetObject"] == {f"{base}/{part}/*" for part in ("payments", "athena")}
    assert by_action["s3:PutObjectTagging"] == {f"{base}/compacted/*"}
    (listed,) = (s for s in assembly.role_of("payments-analytics") if "s3:ListBucket" in s.actions)
    assert listed.conditions == {"StringLike": {"s3:prefix": ["payments/*", "compacted/*", "athena/*"]}}


def test_the_catalogue_is_changed_only_where_the_history_moves(assembly: Assembly) -> None:
    database = f"hasivu_{assembly.environment}"
    changed = {
        action: {resource.rpartition(":")[2] for resource in statement.resources}
        for statement in assembly.role_of("payments-analytics")
        for action in statement.actions
        if action.startswith("glue:") and not action.startswith("glue:Get")
    }
    where = {"catalog", f"database/{database}"}
    compacted = where | {f"table/{database}/payment_events_compacted"}
    assert changed == {
        "glue:CreatePartition": compacted,
        "glue:UpdatePartition": compacted,
        "glue:UpdateTable": where | {f"table/{database}/payment_events_recent"},
    }
    (asked,) = (
        s for s in assembly.role_of("payments-analytics") if "athena:StartQueryExecution" in s.actions
    )
    (group,) = asked.resources
    assert group.endswith(f":workgroup/hasivu-{assembly.environment}-analytics")


def test_payments_retry_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "payments-retry") == PAYMENT_TRANSACTION | {
        "hasivu-payments": {"BatchGetItem", "GetItem", "PutItem", "Query by_due"},
        "hasivu-payment-methods": {"GetItem", "PutItem", "Query"},
        "hasivu-idempotency": {"GetItem", "PutItem", "UpdateItem"},
        "hasivu-schools": {"GetItem"},
    }
    assert rights_elsewhere(assembly, "payments-retry") == {
        "cognito-idp": {"AdminGetUser"},
        "secretsmanager": {"GetSecretValue"},
        "sqs": QUEUE_CONSUMER | {"SendMessage"},
        "ssm": {"GetParameter"},
    }


def test_payments_reconciliation_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "payments-reconciliation") == {
        "hasivu-ledger": {"PutItem"},
        "hasivu-audit": {"PutItem"},
        "hasivu-outbox": {"PutItem"},
        "hasivu-idempotency": {"GetItem", "PutItem", "UpdateItem"},
        "hasivu-reconciliation": {"GetItem", "PutItem", "Query", "Query by_open_exception"},
    }
    assert rights_elsewhere(assembly, "payments-reconciliation") == {"s3": {"PutObject"}}


def test_the_reconciliation_s_worker_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "payments-reconciliation-worker") == PAYMENT_TRANSACTION | {
        "hasivu-payments": {"BatchGetItem", "GetItem", "PutItem", "Query by_open_status", "Query by_due"},
        "hasivu-ledger": {"GetItem", "PutItem", "Query by_business_date"},
        "hasivu-idempotency": {"GetItem", "PutItem", "UpdateItem"},
        "hasivu-reconciliation": {"GetItem", "PutItem", "Query", "Query by_open_exception"},
    }
    assert rights_elsewhere(assembly, "payments-reconciliation-worker") == {
        "s3": {"GetObject", "ListBucket"},
        "secretsmanager": {"GetSecretValue"},
        "ssm": {"GetParameter"},
    }


def test_statements_are_put_by_the_api_s_links_and_read_by_the_worker_alone(assembly: Assembly) -> None:
    name = f"hasivu-{assembly.environment}-uploads"
    bucket = assembly.one("AWS::S3::Bucket", BucketName=name)
    statements = {
        (function, action): statement
        for function in SETTINGS_BY_FUNCTION
        for statement in assembly.role_of(function)
        for action in statement.actions
        if action.startswith("s3:") and any(name in arn or arn == bucket.arn for arn in statement.resources)
    }
    objects = {f"arn:aws:s3:::{name}/{PREFIX}/*"}
    assert {key: statement.resources for key, statement in statements.items()} == {
        ("payments-reconciliation", "s3:PutObject"): objects,
        ("payments-reconciliation-worker", "s3:GetObject"): objects,
        ("payments-reconciliation-worker", "s3:ListBucket"): {bucket.arn},
    }


def test_notification_dispatcher_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "notification-dispatcher") == {
        "hasivu-notifications": {"PutItem", "UpdateItem", "Query by_provider_message"},
        "hasivu-payments": {"GetItem"},
        "hasivu-schools": {"GetItem"},
        "hasivu-audit": {"PutItem"},
    }
    assert rights_elsewhere(assembly, "notification-dispatcher") == {
        "cognito-idp": {"AdminGetUser"},
        "secretsmanager": {"GetSecretValue"},
        "ses": {"SendEmail"},
        "sqs": QUEUE_CONSUMER,
        "ssm": {"GetParameter"},
    }


def test_api_authorizer_may_do_its_work_and_no_more(assembly: Assembly) -> None:
    assert table_rights(assembly, "api-authorizer") == {
        "hasivu-api-keys": {"GetItem"},
        "hasivu-audit": {"PutItem"},
    }
    assert rights_elsewhere(assembly, "api-authorizer") == {"secretsmanager": {"GetSecretValue"}}


def test_health_check_may_look_and_say_whom_it_refused(assembly: Assembly) -> None:
    assert table_rights(assembly, "health-check") == {
        "hasivu-payments": {"GetItem"},
        "hasivu-ledger": {"GetItem"},
        "hasivu-audit": {"PutItem"},
    }
    assert rights_elsewhere(assembly, "health-check") == {
        "sqs": {"GetQueueAttributes"},
        "ssm": {"GetParameter"},
    }


def test_functions_that_are_not_built_may_say_whom_they_refused_and_no_more(assembly: Assembly) -> None:
    for name in NOT_BUILT:
        assert table_rights(assembly, name) == {"hasivu-audit": {"PutItem"}}
        assert rights_elsewhere(assembly, name) == {}


def test_each_function_reads_its_own_secret_only(assembly: Assembly) -> None:
    secrets = {
        f"<{secret.stack}.{secret.logical_id}.Id>": str(secret.properties["Name"]).rpartition("/")[2]
        for secret in assembly.resources("AWS::SecretsManager::Secret")
    }
    expected = {
        "payments-advanced": {"razorpay"},
        "payments-reconciliation": set(),
        "payments-reconciliation-worker": {"razorpay"},
        "payments-webhook-handler": {"razorpay-webhook"},
        "payments-retry": {"razorpay"},
        "notification-dispatcher": {"whatsapp"},
        "api-authorizer": {"api-key-pepper"},
        "health-check": set(),
        "secret-rotation": {"razorpay", "razorpay-webhook", "whatsapp", "api-key-pepper"},
    }

    for function, names in expected.items():
        read = {
            secrets[arn]
            for statement in assembly.role_of(function)
            if "secretsmanager:GetSecretValue" in statement.actions
            for arn in statement.resources
        }
        assert read == names


def test_the_outbox_pipe_reads_the_stream_and_writes_to_the_bus_only(assembly: Assembly) -> None:
    pipe = assembly.one("AWS::Pipes::Pipe")
    role_arn = assembly.text(pipe.properties["RoleArn"], pipe.stack)
    statements = next(said for role, said in assembly.identity_policies() if role.arn == role_arn)
    rights = {
        (action, arn)
        for item in statements
        for action in item.actions
        for arn in item.resources
        if "kms" not in action
    }
    outbox = assembly.table(f"hasivu-{assembly.environment}-outbox")
    stream = f"<{outbox.stack}.{outbox.logical_id}.StreamArn>"
    bus = assembly.one("AWS::Events::EventBus")
    dead_letters = assembly.queue(f"hasivu-{assembly.environment}-outbox-dlq")

    assert rights == {
        *(
            (f"dynamodb:{a}", stream)
            for a in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        ),
        ("events:PutEvents", bus.arn),
        ("sqs:SendMessage", dead_letters.arn),
    }


def test_no_role_has_a_managed_policy(assembly: Assembly) -> None:
    assert not list(assembly.resources("AWS::IAM::ManagedPolicy"))
    for role in assembly.resources("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role.properties


def test_no_role_is_allowed_a_wildcard_action(assembly: Assembly) -> None:
    for _role, statements in assembly.identity_policies():
        for statement in statements:
            assert not [action for action in statement.actions if "*" in action or "?" in action]


_IN_PARTS = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
BELOW_A_PREFIX = (
    {"s3:PutObject"},
    {"s3:GetObject"},
    {"s3:GetObject", "s3:PutObject"},
    {"s3:GetObject", *_IN_PARTS},
    {"s3:PutObjectTagging", *_IN_PARTS},
)
"""What is done to objects that have no name yet."""


def test_no_role_is_allowed_a_wildcard_resource_but_where_aws_knows_none(assembly: Assembly) -> None:
    for role, statements in assembly.identity_policies():
        for statement in statements:
            if not of_the_auditor(role.logical_id) and any("*" in arn for arn in statement.resources):
                assert statement.actions in (
                    TRACING,
                    ALARM_STATES,
                    GATEWAY_LOGGING,
                    {"backup:TagResource"},
                    BACKUP_COPYING,
                    *BELOW_A_PREFIX,
                )
                if statement.actions in BELOW_A_PREFIX:
                    assert all(
                        re.fullmatch(r"arn:aws:s3:::[a-z-]+/[a-z]+/\*", arn) for arn in statement.resources
                    )
                if statement.actions == BACKUP_COPYING:
                    target = statement.conditions["ArnEquals"]["backup:CopyTargets"]
                    assert target.endswith(f":backup-vault:hasivu-{assembly.environment}-copy")


def test_keys_are_used_through_their_service_only(assembly: Assembly) -> None:
    used = 0
    for role, statements in assembly.identity_policies():
        for statement in statements:
            if statement.actions == {"kms:CreateGrant"}:
                assert statement.conditions == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
            elif statement.actions == {"kms:Sign"}:
                (key,) = statement.resources
                assert "AuditSealKey" in key
            elif not of_the_auditor(role.logical_id) and any(
                action.startswith("kms:") for action in statement.actions - {"kms:DescribeKey"}
            ):
                used += 1
                services = statement.conditions["StringEquals"]["kms:ViaService"]
                for service in services if isinstance(services, list) else [services]:
                    assert re.fullmatch(
                        r"(backup|dynamodb|s3|secretsmanager|sns|sqs)\.ap-south-[12]\.amazonaws\.com", service
                    )
    assert used


def test_keys_are_rotated_and_their_policies_name_who_may_use_them(assembly: Assembly) -> None:
    for key in assembly.resources("AWS::KMS::Key"):
        signs = key.properties.get("KeyUsage") == "SIGN_VERIFY"  # KMS rotates none of this kind
        assert signs or key.properties["EnableKeyRotation"] is True
        for statement in assembly.statements(key.properties["KeyPolicy"], key.stack):
            assert isinstance(statement.principal, dict)
            if "Service" in statement.principal:
                assert statement.conditions, "a service uses the key under a condition"
                assert not [action for action in statement.actions if "*" in action]
            else:  # the account, which is how IAM policies come to count at all
                assert assembly.text(statement.principal["AWS"], key.stack).endswith(":root")


def test_a_service_takes_on_a_role_for_this_account_only(assembly: Assembly) -> None:
    """The confused deputy. Lambda and API Gateway check the account themselves and give no such key, nor does
    CloudTrail, which may write one log and nothing else."""
    for role in assembly.resources("AWS::IAM::Role"):
        if of_the_auditor(role.logical_id):
            continue
        (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        service = statement["Principal"]["Service"]
        if service.removesuffix(".amazonaws.com") in {"backup", "codedeploy", "events", "pipes", "scheduler"}:
            conditions = {} if assembly.environment == "sandbox" else {"aws:SourceAccount"}
            assert set(statement.get("Condition", {}).get("StringEquals", {})) == set(conditions)
        else:
            assert service in {
                "apigateway.amazonaws.com",
                "cloudtrail.amazonaws.com",
                "lambda.amazonaws.com",
            }
