"""Every API that a probe may call, and the permission that it needs. What is not here cannot be called.

The auditor's role (stacks/auditor.py) has these permissions and no other; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_LIKE_THEIR_NAME: Final[Mapping[str, tuple[str, ...]]] = {
    "access-analyzer": ("get_analyzer",),
    "acm": ("describe_certificate",),
    "athena": ("get_named_query", "get_work_group"),
    "backup": (
        "describe_backup_vault",
        "get_backup_plan",
        "get_backup_selection",
        "get_backup_vault_access_policy",
        "list_backup_selections",
    ),
    "cloudformation": ("describe_stacks", "get_template", "list_stack_resources"),
    "cloudtrail": ("get_event_selectors", "get_trail", "get_trail_status"),
    "cloudwatch": ("describe_alarms", "get_dashboard", "get_metric_data"),
    "codedeploy": ("get_application", "get_deployment_group"),
    "cognito-idp": (
        "describe_user_pool",
        "describe_user_pool_client",
        "get_group",
        "get_user_pool_mfa_config",
        "list_groups",
        "list_identity_providers",
        "list_user_pool_clients",
    ),
    "config": (
        "describe_config_rules",
        "describe_configuration_recorder_status",
        "describe_configuration_recorders",
        "describe_delivery_channels",
    ),
    "dynamodb": (
        "describe_continuous_backups",
        "describe_kinesis_streaming_destination",
        "describe_table",
        "describe_time_to_live",
        "get_resource_policy",
        "list_tables",
    ),
    "events": (
        "describe_archive",
        "describe_event_bus",
        "describe_rule",
        "list_rules",
        "list_targets_by_rule",
    ),
    "glue": ("get_database", "get_table"),
    "iam": (
        "get_role",
        "get_role_policy",
        "list_attached_role_policies",
        "list_role_policies",
        "list_roles",
    ),
    "kms": ("describe_key", "get_key_policy", "get_key_rotation_status", "list_aliases", "list_grants"),
    "lambda": (
        "get_function",
        "get_layer_version",
        "get_policy",
        "list_aliases",
        "list_event_source_mappings",
        "list_function_event_invoke_configs",
        "list_function_url_configs",
        "list_functions",
        "list_versions_by_function",
    ),
    "logs": ("describe_log_groups", "describe_metric_filters", "describe_subscription_filters"),
    "pipes": ("describe_pipe",),
    "s3": (
        "get_bucket_policy",
        "get_bucket_policy_status",
        "get_bucket_versioning",
        "get_bucket_ownership_controls",
        "get_bucket_logging",
        "get_bucket_website",
    ),
    "scheduler": ("get_schedule", "list_schedules"),
    "secretsmanager": (
        "describe_secret",
        "get_resource_policy",
        "list_secret_version_ids",
        "list_secrets",
    ),
    "sns": (
        "get_subscription_attributes",
        "get_topic_attributes",
        "list_subscriptions_by_topic",
        "list_topics",
    ),
    "sqs": ("get_queue_attributes", "list_queues"),
    "ssm": ("get_parameter",),
    "wafv2": ("get_ip_set", "get_logging_configuration", "get_web_acl", "get_web_acl_for_resource"),
}
"""Operations whose permission has the operation's own name: ``get_role`` needs ``iam:GetRole``."""

_SPELLED: Final[Mapping[str, str]] = {
    "wafv2:GetIpSet": "wafv2:GetIPSet",
    "wafv2:GetWebAcl": "wafv2:GetWebACL",
    "wafv2:GetWebAclForResource": "wafv2:GetWebACLForResource",
}

_OTHERWISE: Final[Mapping[tuple[str, str], str]] = {
    **{
        ("apigateway", operation): "apigateway:GET"
        for operation in (
            "get_account",
            "get_api_key",
            "get_authorizers",
            "get_base_path_mappings",
            "get_domain_name",
            "get_resources",
            "get_rest_api",
            "get_stage",
            "get_stages",
            "get_usage_plan",
            "get_usage_plan_keys",
        )
    },
    ("budgets", "describe_budget"): "budgets:ViewBudget",
    ("s3", "get_bucket_cors"): "s3:GetBucketCORS",
    ("s3", "get_bucket_encryption"): "s3:GetEncryptionConfiguration",
    ("s3", "get_bucket_lifecycle_configuration"): "s3:GetLifecycleConfiguration",
    ("s3", "get_bucket_notification_configuration"): "s3:GetBucketNotification",
    ("s3", "get_bucket_replication"): "s3:GetReplicationConfiguration",
    ("s3", "list_bucket_inventory_configurations"): "s3:GetInventoryConfiguration",
    ("s3", "list_buckets"): "s3:ListAllMyBuckets",
    ("s3", "get_object_lock_configuration"): "s3:GetBucketObjectLockConfiguration",
    ("s3", "get_public_access_block"): "s3:GetBucketPublicAccessBlock",
    ("sts", "get_caller_identity"): "sts:GetCallerIdentity",
}
"""Permissions that AWS names otherwise than the operation."""

_SDK_NAMES: Final[Mapping[str, str]] = {"access-analyzer": "accessanalyzer"}

NEEDS_NONE: Final = frozenset({"sts:GetCallerIdentity"})
"""What everybody may ask."""


def _permission(prefix: str, operation: str) -> str:
    name = f"{prefix}:{''.join(part.capitalize() for part in operation.split('_'))}"
    return _SPELLED.get(name, name)


PERMISSIONS: Final[Mapping[tuple[str, str], str]] = {
    **{
        (_SDK_NAMES.get(prefix, prefix), operation): _permission(prefix, operation)
        for prefix, operations in _LIKE_THEIR_NAME.items()
        for operation in operations
    },
    **_OTHERWISE,
}
"""Permission by service and operation of the SDK."""
