"""API keys of back offices: ``hk_{environment}_{key id}_{secret}``, kept as a keyed hash only.

The hash is HMAC-SHA256 under a pepper that is in Secrets Manager, so that the table alone cannot be searched
for a key, and compared in constant time. The secret has 256 bits, so no slow hash is needed.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.platform.auth import Principal, roles_named
from runtime.platform.clock import Clock, from_iso, iso
from runtime.platform.dynamodb import get_item

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

_SHAPE = re.compile(
    r"hk_(?P<environment>[a-z][a-z0-9]{1,15})_(?P<key_id>[A-Z0-9]{16})_(?P<secret>[A-Za-z0-9]{43})"
)
_KEY_ID_CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class ApiKeyInvalid(Exception):
    """The key is not one of ours, revoked, or expired."""


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A new key: the ``text`` that its holder gets once, and the ``record`` to keep."""

    text: str = field(repr=False)
    record: dict[str, object]


@dataclass(frozen=True, slots=True)
class ApiKeyHolder:
    """Who a key belongs to, and the ``usage_plan_key`` of a holder that has a usage plan of its own."""

    principal: Principal
    usage_plan_key: str | None


def new_api_key(
    environment: str,
    pepper: str,
    *,
    roles: list[str],
    school_ids: list[str],
    label: str,
    expires_at: "datetime",
    usage_plan_key: str | None = None,
) -> NewApiKey:
    """A key for a back office. Its roles and schools are what it may do and where.

    ``usage_plan_key`` is the value of an API Gateway key in a usage plan of its own; without it, it counts
    with all other back offices.
    """
    key_id = "".join(secrets.choice(_KEY_ID_CHARACTERS) for _ in range(16))
    secret = "".join(secrets.choice(_CHARACTERS) for _ in range(43))
    text = f"hk_{environment}_{key_id}_{secret}"
    record: dict[str, object] = {
        "key_id": key_id,
        "key_hash": _hash(text, pepper),
        "roles": roles,
        "school_ids": school_ids,
        "label": label,
        "active": True,
        "expires_on": iso(expires_at),
    }
    if usage_plan_key is not None:
        record["usage_plan_key"] = usage_plan_key
    return NewApiKey(text, record)


@dataclass(frozen=True, slots=True)
class ApiKeyVerifier:
    """Verifies keys against the table."""

    client: "DynamoDBClient"
    table: str
    environment: str
    clock: Clock

    def holder(self, text: str, pepper: str) -> ApiKeyHolder:
        """Who the key belongs to. Raises ApiKeyInvalid."""
        shape = _SHAPE.fullmatch(text)
        if shape is None or shape["environment"] != self.environment:
            raise ApiKeyInvalid("not a key of this environment")
        record = get_item(self.client, self.table, {"key_id": shape["key_id"]})
        # The hash is computed and compared whether there is a record or not, so that the time tells nothing.
        expected = str(record["key_hash"]) if record else "0" * 64
        if not hmac.compare_digest(_hash(text, pepper), expected) or record is None:
            raise ApiKeyInvalid("no such key")
        if not record["active"] or from_iso(record["expires_on"]) <= self.clock.now():
            raise ApiKeyInvalid("revoked or expired")
        principal = Principal(
            principal_id=f"key-{shape['key_id']}",
            roles=roles_named(record["roles"]),
            school_ids=frozenset(record["school_ids"]),
        )
        return ApiKeyHolder(principal, record.get("usage_plan_key") or None)


def _hash(text: str, pepper: str) -> str:
    if not pepper:
        raise ValueError("an empty pepper protects nothing")
    return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()
