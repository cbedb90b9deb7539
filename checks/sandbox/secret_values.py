"""The secrets of one sandbox: random, kept in its folder for its owner only, put where they are read."""

from __future__ import annotations

import json
import os
import secrets
import string
from pathlib import Path

from mypy_boto3_secretsmanager import SecretsManagerClient
from pydantic import BaseModel, ConfigDict

_ALPHANUMERIC = string.ascii_letters + string.digits


class SecretValues(BaseModel):
    """What an operator has from the dashboards of Razorpay and Meta. Made up anew for every sandbox.

    The pepper of API keys is none of it: the stack makes it, and its rotation renews it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    razorpay_key_id: str
    razorpay_key_secret: str
    razorpay_webhook_secret: str
    razorpay_older_webhook_secret: str
    whatsapp_access_token: str
    whatsapp_app_secret: str
    whatsapp_verify_token: str

    def __repr__(self) -> str:
        return "SecretValues(…)"

    __str__ = __repr__


def read_or_create(path: Path) -> SecretValues:
    """The secrets in `path` (mode 0600), made up on first use."""
    if path.exists():
        return SecretValues.model_validate_json(path.read_bytes())
    values = SecretValues(
        razorpay_key_id="rzp_test_" + _random(14),
        razorpay_key_secret=_random(24),
        razorpay_webhook_secret=_random(32),
        razorpay_older_webhook_secret=_random(32),
        whatsapp_access_token=_random(64),
        whatsapp_app_secret=secrets.token_hex(16),
        whatsapp_verify_token=_random(32),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(values.model_dump_json(indent=2) + "\n")
    return values


def put(values: SecretValues, client: SecretsManagerClient, *, environment: str = "sandbox") -> None:
    """Write the values into the deployed secrets; those that are already there are not written again."""
    documents: dict[str, dict[str, object]] = {
        "razorpay": {"key_id": values.razorpay_key_id, "key_secret": values.razorpay_key_secret},
        "razorpay-webhook": {
            "secrets": [values.razorpay_webhook_secret, values.razorpay_older_webhook_secret]
        },
        "whatsapp": {
            "access_token": values.whatsapp_access_token,
            "app_secrets": [values.whatsapp_app_secret],
            "verify_token": values.whatsapp_verify_token,
        },
    }
    for name, document in documents.items():
        secret_id = f"hasivu/{environment}/{name}"
        wanted = json.dumps(document)
        if client.get_secret_value(SecretId=secret_id)["SecretString"] != wanted:
            client.put_secret_value(SecretId=secret_id, SecretString=wanted)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))
