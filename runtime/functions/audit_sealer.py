"""audit-sealer: every five minutes, what is new in the audit trail is sealed and locked away.

It speaks also when nothing is new, so that its silence is heard.
"""

from collections.abc import Mapping

from aws_lambda_powertools import Logger

from runtime.platform import aws
from runtime.platform.clock import SystemClock
from runtime.platform.function import Handler, LambdaFunction
from runtime.platform.metrics import Metric, Metrics
from runtime.platform.settings import AuditSealerSettings, load
from runtime.platform.telemetry import new_logger
from runtime.sealing.service import SealedMeanwhile, Sealer

FUNCTION = "audit-sealer"

AUDIT_SEALED = Metric("AuditSealed")
"""A checkpoint was made. One is due every five minutes."""
METRICS = (AUDIT_SEALED,)


def seal(*, sealer: Sealer, logger: Logger, metrics: Metrics) -> None:
    """Make the next checkpoint."""
    try:
        checkpoint = sealer.seal()
    except SealedMeanwhile as taken:
        logger.info("another sealer was faster", checkpoint=str(taken))
        return
    logger.info(
        "the audit trail is sealed",
        sequence=checkpoint.sequence,
        size=checkpoint.size,
        lines=checkpoint.lines.count if checkpoint.lines else 0,
        digest=checkpoint.digest,
    )
    metrics.count(AUDIT_SEALED)


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(AuditSealerSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    sealer = Sealer(
        dynamodb=aws.dynamodb(),
        s3=aws.s3(),
        kms=aws.client("kms"),
        table=settings.audit_table,
        bucket=settings.audit_bucket,
        key_id=settings.audit_seal_key_arn,
        clock=clock,
    )
    metrics = Metrics(settings.hasivu_env, clock)
    return lambda event, context: seal(sealer=sealer, logger=logger, metrics=metrics)


handler = LambdaFunction(wire)
