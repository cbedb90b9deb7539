"""Which secret is due, and what waits for somebody; no value is read for it."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from mypy_boto3_secretsmanager import SecretsManagerClient
from rich.console import Console

from checks.rotation.status import SECRETS, look, print_statuses
from runtime.rotation.steps import CURRENT, PENDING, STAGED

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Secrets:
    """Secrets Manager, where each secret has these ``versions`` (labels, age in days)."""

    def __init__(self, *versions: tuple[list[str], int], enabled: bool = True) -> None:
        self._versions = versions
        self._enabled = enabled

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        return {"RotationEnabled": self._enabled, "NextRotationDate": NOW + timedelta(days=10)}

    def list_secret_version_ids(self, *, SecretId: str) -> dict[str, Any]:
        return {
            "Versions": [
                {"VersionStages": labels, "CreatedDate": NOW - timedelta(days=days)}
                for labels, days in self._versions
            ]
        }


BEFORE = (["AWSPREVIOUS"], 100)


@pytest.mark.parametrize(
    ("secrets", "wrong"),
    [
        (Secrets(([CURRENT], 80), BEFORE), []),
        (Secrets(([CURRENT, PENDING], 80), BEFORE), []),
        (Secrets(([CURRENT], 91), BEFORE), ["due"]),
        (Secrets(([CURRENT], 1), BEFORE, enabled=False), ["not scheduled"]),
        (Secrets(([CURRENT], 1), BEFORE, ([PENDING], 0)), ["a rotation did not end"]),
        (Secrets(([CURRENT], 1), BEFORE, ([STAGED], 0)), ["a value is staged and was not taken"]),
        (Secrets(([CURRENT], 1)), ["not set: the stack's first value opens nothing"]),
    ],
)
def test_what_is_wrong_with_a_secret_is_said(secrets: Secrets, wrong: list[str]) -> None:
    first, *_ = look(cast(SecretsManagerClient, secrets), "dev", now=NOW)
    assert list(first.wrong) == wrong


def test_the_pepper_is_good_from_the_start() -> None:
    statuses = look(cast(SecretsManagerClient, Secrets(([CURRENT], 1))), "dev", now=NOW)
    assert [status.name for status in statuses if not status.wrong] == ["api-key-pepper"]


def test_every_secret_has_its_line() -> None:
    console = Console(record=True, width=120)
    print_statuses(
        console, look(cast(SecretsManagerClient, Secrets(([CURRENT], 91), BEFORE)), "dev", now=NOW)
    )
    said = console.export_text()
    assert [name for name in SECRETS if f"{name} " in said] == list(SECRETS)
    assert "91 d" in said
    assert "2026-12-05" in said
