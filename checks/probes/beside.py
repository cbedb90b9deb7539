"""What bears the environment's name and is in none of its templates: made by hand, looked at by nobody."""

from __future__ import annotations

from collections.abc import Callable

from checks.probes.account import Account
from checks.probes.model import Fact, Probe
from checks.probes.running import Live

Found = Callable[[Account, Live], dict[str, str]]
"""Every resource of a kind in the account: its name, by the id that CloudFormation gives it."""

BESIDE = Probe(
    name="nothing-beside",
    title="Nothing bears the environment's name that its templates do not make",
    remedy="Find in the trail who made it and what went into it, then remove it or add it to a template.",
    controls=("PCI DSS 2.2.4", "SOX CM-4"),
)


def _functions(account: Account, live: Live) -> dict[str, str]:
    found = account.all("lambda", "list_functions", "Functions", region=live.region)
    return {item["FunctionName"]: item["FunctionName"] for item in found}


def _tables(account: Account, live: Live) -> dict[str, str]:
    return {name: name for name in account.all("dynamodb", "list_tables", "TableNames", region=live.region)}


def _buckets(account: Account, live: Live) -> dict[str, str]:
    found = account.all("s3", "list_buckets", "Buckets", region=live.region)
    return {item["Name"]: item["Name"] for item in found}


def _queues(account: Account, live: Live) -> dict[str, str]:
    found = account.all("sqs", "list_queues", "QueueUrls", region=live.region)
    return {url: url.rpartition("/")[2] for url in found}


def _topics(account: Account, live: Live) -> dict[str, str]:
    found = account.all("sns", "list_topics", "Topics", region=live.region)
    return {item["TopicArn"]: item["TopicArn"].rpartition(":")[2] for item in found}


def _roles(account: Account, live: Live) -> dict[str, str]:
    """The pipeline's own role is older than the first deployment (docs/guides/deploy.md)."""
    found = account.all("iam", "list_roles", "Roles", region=live.region)
    pipeline = f"hasivu-{live.running.estate.environment}-deploy"
    return {item["RoleName"]: item["RoleName"] for item in found if item["RoleName"] != pipeline}


def _secrets(account: Account, live: Live) -> dict[str, str]:
    found = account.all("secretsmanager", "list_secrets", "SecretList", region=live.region)
    return {item["Name"]: item["Name"] for item in found}


def _schedules(account: Account, live: Live) -> dict[str, str]:
    """The one that ends a rollback window is made by a go-live (checks/release/deadline.py)."""
    found = account.all("scheduler", "list_schedules", "Schedules", region=live.region)
    deadline = f"hasivu-{live.running.estate.environment}-rollback-deadline"
    return {item["Name"]: item["Name"] for item in found if not item["Name"].startswith(deadline)}


def _aliases(account: Account, live: Live) -> dict[str, str]:
    found = account.all("kms", "list_aliases", "Aliases", region=live.region)
    return {item["AliasName"]: item["AliasName"].removeprefix("alias/") for item in found}


def _alarms(account: Account, live: Live) -> dict[str, str]:
    found = account.all("cloudwatch", "describe_alarms", "MetricAlarms", region=live.region)
    return {item["AlarmName"]: item["AlarmName"] for item in found}


def _log_groups(account: Account, live: Live) -> dict[str, str]:
    """By the last part of their names: a function that logs by AWS's own rule writes to /aws/lambda/…"""
    found = account.all("logs", "describe_log_groups", "logGroups", region=live.region)
    return {item["logGroupName"]: item["logGroupName"].removeprefix("/aws/lambda/") for item in found}


def bears_the_name(name: str, environment: str) -> bool:
    """Whether a resource says by its name that it is one of the environment."""
    return name.startswith((f"hasivu-{environment}-", f"hasivu/{environment}/")) or (
        name.endswith(f"-{environment}") and name.startswith(("hasivu-", "payment-"))
    )


def _is_the_first(live: Live) -> bool:
    """Each list is looked at once, at the first resource of its kind."""
    same = [item for item in live.running.of(live.resource.kind) if item.region == live.region]
    return bool(same) and same[0].resource == live.resource


def _no_other(found: Found) -> Callable[[Account, Live], str | None]:
    def wrong(account: Account, live: Live) -> str | None:
        same = live.running.of(live.resource.kind)
        known = {name for item in same for name in (item.physical_id, item.expected("Name"))}
        environment = live.running.estate.environment
        extra = sorted(
            name
            for physical_id, name in found(account, live).items()
            if physical_id not in known and bears_the_name(name, environment)
        )
        return f"{extra[0]} is beside it, which no template makes" if extra else None

    return wrong


KINDS: dict[str, Found] = {
    "AWS::CloudWatch::Alarm": _alarms,
    "AWS::DynamoDB::Table": _tables,
    "AWS::IAM::Role": _roles,
    "AWS::KMS::Alias": _aliases,
    "AWS::Lambda::Function": _functions,
    "AWS::Logs::LogGroup": _log_groups,
    "AWS::S3::Bucket": _buckets,
    "AWS::SNS::Topic": _topics,
    "AWS::SQS::Queue": _queues,
    "AWS::Scheduler::Schedule": _schedules,
    "AWS::SecretsManager::Secret": _secrets,
}
FACTS = tuple(
    Fact(kind=kind, name="nothing beside", probe=BESIDE, wrong=_no_other(found), where=_is_the_first)
    for kind, found in KINDS.items()
)
