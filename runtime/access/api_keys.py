"""API keys of back offices: ``hk_{environment}_{key id}_{secret}``, kept as a keyed hash only.

The hash is HMAC-SHA256 under a pepper that is in Secrets Manager, so that the table alone cannot be searched
for a key, and compared in constant time. The secret has 256 bits, so no slow hash is needed. A record says
which version of the pepper hashed its key, so that a rotation of the pepper ends no key.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.access.peppers import API_KEY_LIFETIME_MAX, FIRST, Peppers
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


class PepperUnknown(ApiKeyInvalid):
    """The record names a pepper that is not among those given: it is newer, or was dropped with its keys."""


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
    peppers: Peppers,
    *,
    roles: list[str],
    school_ids: list[str],
    label: str,
    now: "datetime",
    expires_at: "datetime",
    usage_plan_key: str | None = None,
) -> NewApiKey:
    """A key for a back office, hashed under the current pepper. Its roles and schools are what it may do
    and where.

    ``usage_plan_key`` is the value of an API Gateway key in a usage plan of its own; without it, it counts
    with all other back offices. Raises ValueError for a key that would outlive API_KEY_LIFETIME_MAX, and with
    it its pepper.
    """
    if expires_at - now > API_KEY_LIFETIME_MAX:
        raise ValueError(f"a key lives for {API_KEY_LIFETIME_MAX.days} days at most")
    key_id = "".join(secrets.choice(_KEY_ID_CHARACTERS) for _ in range(16))
    secret = "".join(secrets.choice(_CHARACTERS) for _ in range(43))
    text = f"hk_{environment}_{key_id}_{secret}"
    record: dict[str, object] = {
        "key_id": key_id,
        "key_hash": _hash(text, peppers.by_version[peppers.current]),
        "pepper_version": peppers.current,
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

    def holder(self, text: str, peppers: Peppers) -> ApiKeyHolder:
        """Who the key belongs to. Raises ApiKeyInvalid; PepperUnknown where fresher peppers may help."""
        shape = _SHAPE.fullmatch(text)
        if shape is None or shape["environment"] != self.environment:
            raise ApiKeyInvalid("not a key of this environment")
        record = get_item(self.client, self.table, {"key_id": shape["key_id"]})
        # The hash is computed and compared whether there is a record or not, so that the time tells nothing.
        expected = str(record["key_hash"]) if record else "0" * 64
        version = str(record.get("pepper_version", FIRST)) if record else peppers.current
        pepper = peppers.by_version.get(version, peppers.by_version[peppers.current])
        if not hmac.compare_digest(_hash(text, pepper), expected) or record is None:
            if record and version not in peppers.by_version and self._lives(record):
                raise PepperUnknown("hashed under a pepper that is not known here")
            raise ApiKeyInvalid("no such key")
        if not self._lives(record):
            raise ApiKeyInvalid("revoked or expired")
        principal = Principal(
            principal_id=f"key-{shape['key_id']}",
            roles=roles_named(record["roles"]),
            school_ids=frozenset(record["school_ids"]),
        )
        return ApiKeyHolder(principal, record.get("usage_plan_key") or None)

    def _lives(self, record: Mapping[str, Any]) -> bool:
        return bool(record["active"]) and from_iso(record["expires_on"]) > self.clock.now()


def _hash(text: str, pepper: str) -> str:
    return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()
