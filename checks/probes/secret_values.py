"""Whether secrets hold something: judged in memory, by whoever may read them, and never shown.

The auditor may not read a secret, as whoever reads the gateway's key can move money. Somebody who stages
secrets anyway looks with a session of their own; without one nothing is evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from checks.probes.access import SECRET, UNSET, VALUES
from checks.probes.account import CONFIG, Account, CouldNotLook
from checks.probes.model import Fact
from checks.probes.running import Live

CHARACTERS_MIN = 8
"""Shorter is no secret."""

PLACEHOLDERS = frozenset({UNSET, "changeme", "change-me", "placeholder", "todo", "none", "null"})


class NobodyMayRead(Exception):
    """No session was given that may read secrets."""


def judged(document: str, template: Mapping[str, Any]) -> str | None:
    """What is wrong with the value ``document``, without a word of it; None where it looks like a secret.

    ``template`` is the resource's GenerateSecretString: its fields must be there, and be something.
    """
    try:
        value = json.loads(document)
    except ValueError:
        value = document
    if not isinstance(value, Mapping):
        return None if len(str(value)) >= CHARACTERS_MIN else "is empty or too short to be a secret"
    fields = {*json.loads(template.get("SecretStringTemplate") or "{}"), template.get("GenerateStringKey")}
    for name in sorted(name for name in fields if name and name != UNSET):
        found = value.get(name)
        if found is None or found in ("", [], {}):
            return f"has nothing in its field {name}"
        if isinstance(found, str) and found.strip().lower() in PLACEHOLDERS:
            return f"has a placeholder in its field {name}"
    return "is empty" if not value else None


def _is_a_value(account: Account, live: Live) -> str | None:
    session: Any = account.secrets_session
    if session is None:
        raise NobodyMayRead
    try:
        client = session.client("secretsmanager", region_name=live.region, config=CONFIG)
        answered = client.get_secret_value(SecretId=live.physical_id)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "Unknown"))
        if "NotFound" in code:
            return "has no current version"
        raise CouldNotLook(
            f"secretsmanager get_secret_value: {code}; who looks needs secretsmanager:GetSecretValue"
        ) from None
    except BotoCoreError as error:
        raise CouldNotLook(f"secretsmanager get_secret_value: unreachable ({type(error).__name__})") from None
    return judged(str(answered.get("SecretString") or ""), live.resource.get("GenerateSecretString") or {})


FACTS = (Fact(kind=SECRET, name="value", probe=VALUES, wrong=_is_a_value),)
