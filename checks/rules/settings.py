"""Settings of functions: each leads to the one resource of this estate that bears its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.rules.estate import Estate, Resource
from checks.rules.functions import FUNCTION
from checks.rules.rule import Breach, at, rule

NAMED: Mapping[str, tuple[str, str]] = {
    "HISTORY_DATABASE": ("AWS::Glue::Database", "DatabaseInput.Name"),
    "HISTORY_WORKGROUP": ("AWS::Athena::WorkGroup", "Name"),
}
"""Settings that hold a name, for what is asked by it cannot be referred to; with where the name stands."""

BEARERS: tuple[tuple[str, str, str, str], ...] = (
    ("_TABLE", "AWS::DynamoDB::Table", "TableName", "hasivu-{env}-{name}"),
    ("_BUCKET", "AWS::S3::Bucket", "BucketName", "hasivu-{env}-{name}"),
    ("_DLQ_URL", "AWS::SQS::Queue", "QueueName", "hasivu-{env}-{name}-dlq"),
    ("_QUEUE_URL", "AWS::SQS::Queue", "QueueName", "hasivu-{env}-{name}"),
    ("_SECRET_ARN", "AWS::SecretsManager::Secret", "Name", "hasivu/{env}/{name}"),
)
"""By the end of a setting's name: what it leads to, and how that is called after the rest of the name."""

OTHERWISE = {
    "WEBHOOK_EVENTS_TABLE": "payment-webhook-idempotency-{env}",
    "WEBHOOK_QUEUE_URL": "hasivu-{env}-webhooks",
    "WEBHOOK_DLQ_URL": "hasivu-{env}-webhooks-dlq",
    "RETRY_QUEUE_URL": "payment-retry-queue-{env}",
}
"""What is called otherwise."""


@rule(
    "HASIVU-FN-19",
    "PCI DSS 6.5.3",
    "SOX CM-6",
    remedy="Let the setting lead to the resource of its own name; the runtime takes its word for it.",
)
def settings_lead_where_their_names_say(estate: Estate) -> Iterator[Breach]:
    """A setting leads to the table, bucket, queue, secret, database or workgroup that bears its name."""
    for function in estate.of(FUNCTION):
        for setting, value in (function.get("Environment.Variables") or {}).items():
            path = f"Environment.Variables.{setting}"
            if setting in NAMED:
                kind, where = NAMED[setting]
                names = {estate.text(item.get(where), item.stack) for item in estate.of(kind)}
                if estate.text(value, function.stack) not in names:
                    yield at(function, path)
                continue
            bearer = _bearer(estate, setting)
            if bearer is not None and estate.target(value, function.stack) != bearer:
                yield at(function, path, shown=f"leads elsewhere than to {bearer.logical_id}")


def _bearer(estate: Estate, setting: str) -> Resource | None:
    """The resource of the estate that is called after ``setting``; FN-17 asks whether there is any at all."""
    for end, kind, where, called in BEARERS:
        if setting.endswith(end):
            name = setting.removesuffix(end).lower().replace("_", "-")
            return estate.named(kind, where, OTHERWISE.get(setting, called).replace("{name}", name))
    return None
