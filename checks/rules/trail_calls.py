"""Calls as a trail records them: what must wake somebody, and what happens every day and must not.

Shapes are those of CloudTrail's record contents, with the fields that a filter may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Call = Mapping[str, Any]

ADMINISTRATOR = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::123456789012:assumed-role/administrator/somebody",
}
CLOUDFORMATION = "cloudformation.amazonaws.com"
ELSEWHERE = "203.0.113.7"


def _call(
    service: str,
    name: str,
    *,
    who: Mapping[str, Any] = ADMINISTRATOR,
    source: str = ELSEWHERE,
    **rest: Any,
) -> Call:
    return {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "userIdentity": dict(who),
        "sourceIPAddress": source,
        **rest,
    }


def _sign_in(who: str, mfa: str) -> Call:
    return _call(
        "signin",
        "ConsoleLogin",
        who={"type": who},
        eventType="AwsConsoleSignIn",
        additionalEventData={"MFAUsed": mfa},
        responseElements={"ConsoleLogin": "Success"},
    )


def _without_recovery(enabled: bool) -> Call:
    return _call(
        "dynamodb",
        "UpdateContinuousBackups",
        requestParameters={
            "tableName": "hasivu-prod-ledger",
            "pointInTimeRecoverySpecification": {"pointInTimeRecoveryEnabled": enabled},
        },
    )


def _unprotected(protected: bool) -> Call:
    return _call(
        "dynamodb",
        "UpdateTable",
        requestParameters={"tableName": "hasivu-prod-ledger", "deletionProtectionEnabled": protected},
    )


ALWAYS: Mapping[str, tuple[str, ...]] = {
    "cloudtrail": ("StopLogging", "DeleteTrail"),
    "kms": ("DisableKey", "ScheduleKeyDeletion", "DisableKeyRotation"),
    "dynamodb": ("DeleteTable",),
    "backup": (
        "DeleteBackupVault",
        "DeleteRecoveryPoint",
        "UpdateRecoveryPointLifecycle",
        "DeleteBackupPlan",
        "DeleteBackupSelection",
        "DeleteBackupVaultLockConfiguration",
        "DeleteBackupVaultAccessPolicy",
    ),
    "config": ("StopConfigurationRecorder", "DeleteConfigurationRecorder", "DeleteDeliveryChannel"),
}
"""Calls that are heard whoever makes them, and also when they are refused."""

BY_HAND: Mapping[str, tuple[str, ...]] = {
    "cloudtrail": ("UpdateTrail", "PutEventSelectors"),
    "wafv2": (
        "DisassociateWebACL",
        "AssociateWebACL",
        "UpdateWebACL",
        "DeleteWebACL",
        "DeleteLoggingConfiguration",
    ),
    "iam": (
        "PutRolePolicy",
        "DeleteRolePolicy",
        "AttachRolePolicy",
        "DetachRolePolicy",
        "UpdateAssumeRolePolicy",
        "CreatePolicyVersion",
        "CreateUser",
        "AttachUserPolicy",
        "CreateAccessKey",
        "CreateLoginProfile",
        "DeactivateMFADevice",
        "CreateOpenIDConnectProvider",
    ),
    "backup": ("PutBackupVaultLockConfiguration", "PutBackupVaultAccessPolicy", "UpdateBackupPlan"),
    "s3": (
        "PutBucketPolicy",
        "DeleteBucketPolicy",
        "PutBucketPublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
        "DeleteBucketEncryption",
        "PutBucketVersioning",
        "PutBucketLifecycle",
        "DeleteBucket",
    ),
    "monitoring": ("DeleteAlarms", "DisableAlarmActions"),
    "sns": ("Unsubscribe", "DeleteTopic"),
    "logs": ("DeleteMetricFilter", "DeleteLogGroup"),
    "events": ("DisableRule", "DeleteRule", "RemoveTargets", "DeleteArchive"),
}
"""Calls that only a deployment makes: heard from everybody but CloudFormation."""

WAKING: Mapping[str, Call] = {
    "use of the root user": _call("iam", "CreateAccessKey", who={"type": "Root"}, source=CLOUDFORMATION),
    "a sign-in of the root user": _sign_in("Root", "Yes"),
    "a sign-in without a second factor": _sign_in("IAMUser", "No"),
    "a table without its way back": _without_recovery(False),
    "a table without protection": _unprotected(False),
    **{
        f"{name} by CloudFormation": _call(service, name, source=CLOUDFORMATION)
        for service, names in ALWAYS.items()
        for name in names
    },
    **{
        f"a refused {name}": _call(service, name, errorCode="AccessDenied")
        for service, names in ALWAYS.items()
        for name in names
    },
    **{f"{name} by hand": _call(service, name) for service, names in BY_HAND.items() for name in names},
}
"""What must ring, by what it is."""

ORDINARY: Mapping[str, Call] = {
    "a read of a table": _call("dynamodb", "GetItem", who={"type": "AssumedRole"}),
    "a table with its way back": _without_recovery(True),
    "a table with protection": _unprotected(True),
    "a sign-in through the identity provider": _sign_in("AssumedRole", "No"),
    "a sign-in with a second factor": _sign_in("IAMUser", "Yes"),
    "a backup": _call("backup", "StartBackupJob", source="backup.amazonaws.com"),
    "a key that is used": _call("kms", "GenerateDataKey"),
    "AWS's own use of the root user": _call(
        "kms", "Decrypt", who={"type": "Root", "invokedBy": "backup.amazonaws.com"}
    ),
    **{
        f"{name} by CloudFormation": _call(service, name, source=CLOUDFORMATION)
        for service, names in BY_HAND.items()
        for name in names
    },
}
"""What happens every day, or with every deployment."""
