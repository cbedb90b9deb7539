"""What is counted in logs: metrics that the runtime's and the API's JSON lines become."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.service_function import ServiceFunction

CONNECTION_ERRORS = (
    "ConnectionClosedError",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "ReadTimeoutError",
    "SSLError",
)
"""What the AWS SDK raises when it gets no answer (botocore.exceptions), after its own retries."""

LOGGED_FAILURE = '{ $.exception_name = "*" }'
"""A line with an exception: a request that ended in 500, or a message that will come again."""

CONNECTION_FAILURE = (
    "{ "
    + " || ".join(
        f'$.{field} = "{name}"' for field in ("exception_name", "error") for name in CONNECTION_ERRORS
    )
    + " }"
)
AUDIT_FAILURE = '{ $.message = "the audit line of a refusal could not be written" }'
TOO_MANY_REQUESTS = '{ $.status = "429" }'


class FunctionFilters(Construct):
    """Counts in the log of ``function``: ``LoggedFailures`` by service, ``AwsConnectionFailures`` and
    ``AuditWriteFailures``."""

    def __init__(
        self, scope: Construct, construct_id: str, *, namespace: str, function: ServiceFunction
    ) -> None:
        super().__init__(scope, construct_id)
        group = function.log_group.log_group_name
        count(self, "Failures", group, LOGGED_FAILURE, namespace, "LoggedFailures", label="service")
        count(self, "Connections", group, CONNECTION_FAILURE, namespace, "AwsConnectionFailures")
        count(self, "Audit", group, AUDIT_FAILURE, namespace, "AuditWriteFailures")


def count(
    scope: Construct,
    construct_id: str,
    log_group_name: str,
    pattern: str,
    namespace: str,
    name: str,
    *,
    label: str | None = None,
) -> None:
    """Count the lines of a log group that match ``pattern`` as ``name``, by the field ``label`` if given."""
    logs.CfnMetricFilter(
        scope,
        construct_id,
        log_group_name=log_group_name,
        filter_pattern=pattern,
        metric_transformations=[
            logs.CfnMetricFilter.MetricTransformationProperty(
                metric_namespace=namespace,
                metric_name=name,
                metric_value="1",
                unit="Count",
                # CloudWatch allows a default value only where there are no dimensions.
                default_value=None if label else 0,
                dimensions=[logs.CfnMetricFilter.DimensionProperty(key=label, value=f"$.{label}")]
                if label
                else None,
            )
        ],
    )
