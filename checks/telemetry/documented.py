"""The metrics that AWS documents, as far as this platform looks at them: namespace, name, dimension sets.

Sources, each service's "metrics and dimensions" page: Lambda, API Gateway (REST), SQS, SNS, DynamoDB,
EventBridge, EventBridge Pipes, Certificate Manager, WAF, CloudWatch Logs, AWS Backup. A metric exists only
under exactly one of its dimension sets; an alarm under any other waits for ever.
"""

from __future__ import annotations

DimensionSets = tuple[frozenset[str], ...]


def _sets(*sets: str) -> DimensionSets:
    return tuple(frozenset(names.split()) for names in sets)


_FUNCTION = _sets("FunctionName", "FunctionName Resource", "FunctionName Resource ExecutedVersion", "")
_API = _sets("ApiName Stage", "ApiName", "ApiName Stage Resource Method")

_NAMES_BY_SETS: dict[str, dict[str, DimensionSets]] = {
    "AWS/Lambda": {
        "Invocations Errors Throttles Duration ConcurrentExecutions IteratorAge": _FUNCTION,
        "ClaimedAccountConcurrency": _sets(""),
    },
    "AWS/ApiGateway": {"Count 4XXError 5XXError Latency IntegrationLatency": _API},
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesVisible "
        "ApproximateNumberOfMessagesNotVisible NumberOfMessagesSent NumberOfMessagesReceived "
        "NumberOfMessagesDeleted": _sets("QueueName"),
    },
    "AWS/SNS": {
        "NumberOfMessagesPublished NumberOfNotificationsDelivered NumberOfNotificationsFailed "
        "NumberOfNotificationsRedrivenToDlq NumberOfNotificationsFailedToRedriveToDlq": _sets("TopicName")
    },
    "AWS/DynamoDB": {
        "SystemErrors SuccessfulRequestLatency ThrottledRequests": _sets("TableName Operation"),
        "ReadThrottleEvents WriteThrottleEvents ConsumedReadCapacityUnits ConsumedWriteCapacityUnits": _sets(
            "TableName", "TableName GlobalSecondaryIndexName"
        ),
    },
    "AWS/Events": {
        "Invocations FailedInvocations TriggeredRules "
        "InvocationsSentToDlq InvocationsFailedToBeSentToDlq": _sets("RuleName", "EventBusName RuleName")
    },
    "AWS/EventBridge/Pipes": {
        "Invocations Duration EventCount ExecutionFailed ExecutionPartiallyFailed ExecutionThrottled "
        "ExecutionTimeout TargetStageFailed": _sets("PipeName"),
    },
    "AWS/Logs": {"IncomingLogEvents IncomingBytes": _sets("LogGroupName", "")},
    "AWS/Backup": {
        "NumberOfBackupJobsCompleted NumberOfBackupJobsFailed NumberOfBackupJobsExpired "
        "NumberOfBackupJobsAborted": _sets("BackupVaultName", "ResourceType", "BackupVaultName ResourceType"),
    },
    "AWS/CertificateManager": {"DaysToExpiry": _sets("CertificateArn")},
    "AWS/WAFV2": {"AllowedRequests BlockedRequests CountedRequests": _sets("WebACL Region Rule")},
}

DOCUMENTED: dict[str, dict[str, DimensionSets]] = {
    namespace: {name: sets for names, sets in by_sets.items() for name in names.split()}
    for namespace, by_sets in _NAMES_BY_SETS.items()
}
