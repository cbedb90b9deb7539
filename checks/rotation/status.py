"""How old each secret is, when it is renewed next, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mypy_boto3_secretsmanager import SecretsManagerClient
from rich.console import Console
from rich.table import Table

from runtime.rotation.steps import CURRENT, PENDING, STAGED

SECRETS = ("razorpay", "razorpay-webhook", "whatsapp", "api-key-pepper")
AGE_MAX = timedelta(days=90)
_PREVIOUS = "AWSPREVIOUS"


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """One secret: the ``age`` of its current value, the ``following`` rotation where AWS tells it, and what
    is ``wrong`` with it, most urgent first."""

    name: str
    age: timedelta
    following: datetime | None
    wrong: tuple[str, ...]


def look(client: SecretsManagerClient, environment: str, *, now: datetime) -> list[SecretStatus]:
    """Every secret of `environment`. Reads no value."""
    return [_status(client, environment, name, now) for name in SECRETS]


def _status(client: SecretsManagerClient, environment: str, name: str, now: datetime) -> SecretStatus:
    secret_id = f"hasivu/{environment}/{name}"
    described = client.describe_secret(SecretId=secret_id)
    versions = client.list_secret_version_ids(SecretId=secret_id)["Versions"]
    made = next(item["CreatedDate"] for item in versions if CURRENT in item.get("VersionStages", []))
    labels = [set(item.get("VersionStages", [])) for item in versions]
    wrong = []
    if name != "api-key-pepper" and not any(_PREVIOUS in stages for stages in labels):
        wrong.append("not set: the stack's first value opens nothing")
    if now - made > AGE_MAX:
        wrong.append("due")
    if not described.get("RotationEnabled"):
        wrong.append("not scheduled")
    if any(PENDING in stages and CURRENT not in stages for stages in labels):
        wrong.append("a rotation did not end")
    if any(STAGED in stages for stages in labels):
        wrong.append("a value is staged and was not taken")
    return SecretStatus(name, now - made, described.get("NextRotationDate"), tuple(wrong))


def print_statuses(console: Console, statuses: list[SecretStatus]) -> None:
    """A line for each secret."""
    table = Table(box=None, pad_edge=False)
    for heading in ("secret", "age", "next rotation", "state"):
        table.add_column(heading, overflow="fold")
    for status in statuses:
        state = f"[red]{'; '.join(status.wrong)}[/]" if status.wrong else "[green]fine[/]"
        following = f"{status.following:%Y-%m-%d}" if status.following else "–"
        table.add_row(status.name, f"{status.age.days} d", following, state)
    console.print(table)
