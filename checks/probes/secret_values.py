"""Whether secrets hold something: judged in memory, by whoever may read them, and never shown.

The auditor may not read a secret, as whoever reads the gateway's key can move money. Somebody who stages
secrets anyway looks with a session of their own; without one nothing is evaluated. What leaves this module is
a sentence about a value, never a word of it; values are compared by marks that mean nothing outside the run.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from checks.probes.access import SECRET, UNSET, VALUES
from checks.probes.account import CONFIG, Account, CouldNotLook
from checks.probes.model import Fact, NotTold
from checks.probes.running import Live

CHARACTERS_MIN = 8
"""Shorter is no secret."""

PLACEHOLDERS = frozenset({UNSET, "changeme", "change-me", "placeholder", "todo", "none", "null"})

LIVE_KEY: Final = "rzp_live_"
"""How Razorpay's keys begin that move money; those of its test mode begin otherwise (rzp_test_)."""

_KEY: Final = secrets.token_bytes(32)


@dataclass(frozen=True)
class Judged:
    """What a secret's value is like. ``marks`` are equal where values are, in this run only."""

    wrong: str | None
    marks: frozenset[bytes] = field(default=frozenset(), repr=False)


def judged(document: str, template: Mapping[str, Any], *, environment: str) -> Judged:
    """What is wrong with the value ``document``, without a word of it, and its marks.

    ``template`` is the resource's GenerateSecretString: its fields must be there, and be something.
    """
    try:
        value = json.loads(document)
    except ValueError:
        value = document
    marks = frozenset(
        hashlib.blake2b(text.encode(), key=_KEY).digest()
        for text in _texts(value)
        if len(text) >= CHARACTERS_MIN
    )
    if not isinstance(value, Mapping):
        short = len(str(value)) < CHARACTERS_MIN
        return Judged("is empty or too short to be a secret" if short else None, marks)
    return Judged(_of_fields(value, template) or _of_mode(value, environment), marks)


def _of_fields(value: Mapping[str, Any], template: Mapping[str, Any]) -> str | None:
    fields = {*json.loads(template.get("SecretStringTemplate") or "{}"), template.get("GenerateStringKey")}
    for name in sorted(name for name in fields if name and name != UNSET):
        found = value.get(name)
        if found is None or found in ("", [], {}):
            return f"has nothing in its field {name}"
        for text in _texts(found):
            if text.strip().lower() in PLACEHOLDERS or not text.strip():
                return f"has a placeholder in its field {name}"
    return "is empty" if not value else None


def _of_mode(value: Mapping[str, Any], environment: str) -> str | None:
    """Money moves in production, and nowhere else."""
    key_id = value.get("key_id")
    if not isinstance(key_id, str) or key_id.startswith(LIVE_KEY) == (environment == "prod"):
        return None
    return "is of the gateway's test mode" if environment == "prod" else "is of the gateway's live mode"


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _is_a_value(account: Account, live: Live) -> str | None:
    own = _own(account, live)
    if own.wrong is not None:
        return own.wrong
    for other in live.running.of(SECRET):
        if other != live and other.deployed and own.marks & _own(account, other).marks:
            return f"shares a value with {other.resource.logical_id}"
    name, here = str(live.resource.get("Name")), live.running.estate.environment
    for environment, session in account.other_secrets.items():
        elsewhere = name.replace(f"hasivu/{here}/", f"hasivu/{environment}/", 1)
        if own.marks & _read(account, session, live, elsewhere, environment).marks:
            return f"has a value of {environment}'s"
    return None


def _own(account: Account, live: Live) -> Judged:
    if account.secrets_session is None:
        raise NotTold("nobody looked who may read secrets, and the auditor may not: --secrets-profile")
    environment = live.running.estate.environment
    return _read(account, account.secrets_session, live, live.physical_id, environment)


def _read(account: Account, session: Any, live: Live, secret_id: str, environment: str) -> Judged:
    """The secret of that id, read once. Raises CouldNotLook."""
    found: Judged = account.remembered(
        ("secret", environment, secret_id), partial(_ask, session, live, secret_id, environment)
    )
    return found


def _ask(session: Any, live: Live, secret_id: str, environment: str) -> Judged | Exception:
    try:
        client = session.client("secretsmanager", region_name=live.region, config=CONFIG)
        answered = client.get_secret_value(SecretId=secret_id)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "Unknown"))
        if "NotFound" in code:
            return Judged("has no current version")
        return CouldNotLook(
            f"secretsmanager get_secret_value: {code}; who looks needs secretsmanager:GetSecretValue"
        )
    except BotoCoreError as error:
        return CouldNotLook(f"secretsmanager get_secret_value: unreachable ({type(error).__name__})")
    template = live.resource.get("GenerateSecretString") or {}
    return judged(str(answered.get("SecretString") or ""), template, environment=environment)


FACTS = (Fact(kind=SECRET, name="value", probe=VALUES, wrong=_is_a_value),)
