"""What the emulator does not tell, or tells otherwise than AWS: its probes cannot be evaluated there.

Whole resources that it cannot take are in checks/sandbox/emulator_gaps.py. An entry here is a fact of a kind
(a property's path, or the name of a fact beyond the template) with the reason. Nothing here hides a value
that the emulator does keep: tests/e2e/test_live_probes.py takes every entry away and looks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LIMITS: Final[Mapping[tuple[str, str], str]] = {
    ("AWS::ApiGateway::RestApi", "EndpointAccessMode"): "the emulator does not keep it",
    ("AWS::ApiGateway::RestApi", "EndpointConfiguration.Types"): "every API of the emulator is of one type",
    ("AWS::ApiGateway::RestApi", "SecurityPolicy"): "the emulator does not keep it",
    ("AWS::ApiGateway::Stage", "AccessLogSetting"): "the emulator's CloudFormation drops it",
    ("AWS::Backup::BackupVault", "AccessPolicy"): "the emulator's CloudFormation drops it",
    ("AWS::Backup::BackupVault", "LockConfiguration"): "the emulator's CloudFormation drops it",
    (
        "AWS::DynamoDB::Table",
        "PointInTimeRecoverySpecification.RecoveryPeriodInDays",
    ): "the emulator does not keep it",
    (
        "AWS::DynamoDB::Table",
        "ResourcePolicy.PolicyDocument",
    ): "the emulator's CloudFormation drops it",
    ("AWS::Events::EventBus", "KmsKeyIdentifier"): "the emulator's CloudFormation drops it",
    ("AWS::S3::Bucket", "LoggingConfiguration"): "the emulator's CloudFormation drops it",
    ("AWS::Scheduler::Schedule", "ScheduleExpressionTimezone"): "the emulator's CloudFormation drops it",
}
