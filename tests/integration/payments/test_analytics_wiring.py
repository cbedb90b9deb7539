"""payments-analytics as Lambda starts it: batches of its queue, calls of the API, a table and a bucket."""

import gzip
from typing import TYPE_CHECKING

import pytest

from runtime.functions import payments_analytics
from runtime.payments.analytics.news import PaymentFact
from runtime.platform.settings import SettingsError
from tests.events import Answer, Context, failed_messages, rest_event, sqs_event
from tests.integration.payments.counting import OPERATOR, message_of
from tests.integration.tables import Tables
from tests.unit.payments.analytics.samples import fact

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def environment(in_aws: dict[str, str], tables: Tables, unique: str, s3: "S3Client") -> dict[str, str]:
    """The function's environment variables, with everything they name in place."""
    bucket = f"{unique}-analytics"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})
    return {
        "HASIVU_ENV": "test",
        "POWERTOOLS_SERVICE_NAME": unique,
        "AUDIT_TABLE": tables["audit"],
        "PAYMENT_ROLLUPS_TABLE": tables["payment_rollups"],
        "ANALYTICS_BUCKET": bucket,
        "HISTORY_DATABASE": "hasivu_test",
        "HISTORY_WORKGROUP": "hasivu-test-analytics",
        "ALLOWED_ORIGINS": "https://app.hasivu.example",
    }


def test_an_event_from_the_queue_to_the_figures_and_the_history(
    environment: dict[str, str], s3: "S3Client"
) -> None:
    handle = payments_analytics.wire(environment)
    batch = sqs_event(message_of(fact()), "{")
    assert failed_messages(handle(batch, Context())) == ["message-1"]

    query = {"from": "2026-04-01", "to": "2026-04-01"}
    asked = rest_event("GET", "/v1/analytics/payments", principal=OPERATOR, query=query)
    asked["headers"]["Origin"] = "https://app.hasivu.example"
    figures = Answer.of(handle(asked, Context()))
    assert (figures.status, figures.body["total"]["captured_paise"]) == (200, 45_000)
    assert figures.headers["access-control-allow-origin"] == "https://app.hasivu.example"
    asked = rest_event("GET", "/v1/analytics/payments/funnel", principal=OPERATOR, query=query)
    funnel = Answer.of(handle(asked, Context()))
    assert [stage["payments"] for stage in funnel.body["stages"]] == [1, 1, 1, 1, 0]

    (found,) = s3.list_objects_v2(Bucket=environment["ANALYTICS_BUCKET"])["Contents"]
    body = s3.get_object(Bucket=environment["ANALYTICS_BUCKET"], Key=found["Key"])["Body"].read()
    (line,) = gzip.decompress(body).splitlines()
    assert PaymentFact.model_validate_json(line) == fact()


def test_a_missing_setting_is_named(environment: dict[str, str]) -> None:
    del environment["ANALYTICS_BUCKET"]
    with pytest.raises(SettingsError, match="ANALYTICS_BUCKET"):
        payments_analytics.wire(environment)
