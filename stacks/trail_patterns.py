"""CloudWatch's filter patterns for what the trail must not say unheard.

``sourceIPAddress`` is ``cloudformation.amazonaws.com`` where CloudFormation calls, which nobody can pretend
from outside. Calls that no deployment makes on purpose are heard whoever makes them, and also if refused.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

PATTERN_CHARACTERS_MAX = 1024
"""CloudWatch's limit."""


def _either(*terms: str) -> str:
    return "(" + " || ".join(terms) + ")"


def _calls(*names: str) -> str:
    return _either(*(f'($.eventName = "{name}")' for name in names))


def _both(one: str, other: str) -> str:
    return f"({one} && {other})"


def _of(service: str) -> str:
    return f'($.eventSource = "{service}.amazonaws.com")'


def _pattern(*terms: str) -> str:
    pattern = "{ " + " && ".join(terms) + " }"
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise ValueError(f"a filter pattern has at most {PATTERN_CHARACTERS_MAX} characters: {pattern}")
    return pattern


BY_HAND = '($.sourceIPAddress != "cloudformation.amazonaws.com")'

ROOT_USED = _pattern(
    '($.userIdentity.type = "Root")',
    "($.userIdentity.invokedBy NOT EXISTS)",
    '($.eventType != "AwsServiceEvent")',
)
"""CIS AWS Foundations Benchmark: use of the root account."""

SIGNED_IN_WITHOUT_MFA = _pattern(
    '($.eventName = "ConsoleLogin")',
    '($.userIdentity.type = "IAMUser")',
    '($.additionalEventData.MFAUsed != "Yes")',
    '($.responseElements.ConsoleLogin = "Success")',
)
"""Of IAM users. Whoever comes through the identity provider showed the second factor there."""

TRAIL_TOUCHED = _pattern(
    _of("cloudtrail"),
    _either(_calls("StopLogging", "DeleteTrail"), _both(_calls("UpdateTrail", "PutEventSelectors"), BY_HAND)),
)
KEY_ENDANGERED = _pattern(
    _of("kms"),
    _calls("DisableKey", "ScheduleKeyDeletion", "DisableKeyRotation", "DeleteImportedKeyMaterial"),
)
TABLE_ENDANGERED = _pattern(
    _of("dynamodb"),
    _either(
        _calls("DeleteTable"),
        _both(
            _calls("UpdateContinuousBackups"),
            "($.requestParameters.pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled IS FALSE)",
        ),
        _both(_calls("UpdateTable"), "($.requestParameters.deletionProtectionEnabled IS FALSE)"),
    ),
)
FIREWALL_CHANGED = _pattern(
    _of("wafv2"),
    _calls(
        "AssociateWebACL",
        "DisassociateWebACL",
        "UpdateWebACL",
        "DeleteWebACL",
        "UpdateIPSet",
        "PutLoggingConfiguration",
        "DeleteLoggingConfiguration",
    ),
    BY_HAND,
)
RIGHTS_CHANGED = _pattern(
    _of("iam"),
    _calls(
        "PutRolePolicy",
        "DeleteRolePolicy",
        "AttachRolePolicy",
        "DetachRolePolicy",
        "UpdateAssumeRolePolicy",
        "CreatePolicyVersion",
        "SetDefaultPolicyVersion",
        "CreateUser",
        "PutUserPolicy",
        "AttachUserPolicy",
        "CreateAccessKey",
        "CreateLoginProfile",
        "DeactivateMFADevice",
        "CreateOpenIDConnectProvider",
        "CreateSAMLProvider",
        "UpdateSAMLProvider",
    ),
    BY_HAND,
)
BACKUP_ENDANGERED = _pattern(
    _of("backup"),
    _either(
        _calls(
            "DeleteBackupVault",
            "DeleteRecoveryPoint",
            "DisassociateRecoveryPoint",
            "UpdateRecoveryPointLifecycle",
            "DeleteBackupPlan",
            "DeleteBackupSelection",
            "DeleteBackupVaultLockConfiguration",
            "DeleteBackupVaultAccessPolicy",
            "UpdateRegionSettings",
        ),
        _both(
            _calls("UpdateBackupPlan", "PutBackupVaultLockConfiguration", "PutBackupVaultAccessPolicy"),
            BY_HAND,
        ),
    ),
)
BUCKET_OPENED = _pattern(
    _of("s3"),
    _calls(
        "PutBucketPolicy",
        "DeleteBucketPolicy",
        "PutBucketAcl",
        "PutBucketPublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
        "PutAccountPublicAccessBlock",
        "DeleteAccountPublicAccessBlock",
        "DeleteBucketEncryption",
        "PutBucketEncryption",
        "PutBucketVersioning",
        "PutBucketLifecycle",
        "PutBucketObjectLockConfiguration",
        "DeleteBucket",
    ),
    BY_HAND,
)
ALARMS_SILENCED = _pattern(
    _calls(
        "DeleteAlarms",
        "DisableAlarmActions",
        "Unsubscribe",
        "DeleteTopic",
        "DeleteMetricFilter",
        "DeleteLogGroup",
        "DisableRule",
        "DeleteRule",
        "RemoveTargets",
        "DeleteArchive",
        "DeleteAnalyzer",
    ),
    BY_HAND,
)
RECORDER_STOPPED = _pattern(
    _of("config"),
    _either(
        _calls("StopConfigurationRecorder", "DeleteConfigurationRecorder", "DeleteDeliveryChannel"),
        _both(_calls("DeleteConfigRule"), BY_HAND),
    ),
)
