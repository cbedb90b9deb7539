"""The user pool's public keys (JWKS), fetched once and kept."""

import json
from collections.abc import Callable
from typing import Any

import jwt

from runtime.access.tokens import KeysUnavailable, TokenInvalid
from runtime.platform.clock import Clock

REFETCH_AFTER_S = 60.0
"""A key id that is not known may be new: the keys are fetched again, but not more often than this, so that
forged ids cannot make us hammer the pool."""

KEYS_MAX = 20


class JwksKeys:
    """Keys from a JWKS document. ``fetch`` gives the document's bytes and raises KeysUnavailable."""

    def __init__(self, fetch: Callable[[], bytes], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Any] = {}
        self._fetched_at_s: float | None = None

    def key_for(self, key_id: str) -> Any:
        """The public key under ``key_id``. Raises TokenInvalid for one that is not there, and
        KeysUnavailable."""
        if key_id not in self._keys and self._may_fetch():
            self._keys = _read(self._fetch())
            self._fetched_at_s = self._clock.monotonic_s()
        if key_id not in self._keys:
            raise TokenInvalid("signed with a key that is not the pool's")
        return self._keys[key_id]

    def _may_fetch(self) -> bool:
        return self._fetched_at_s is None or self._clock.monotonic_s() - self._fetched_at_s >= REFETCH_AFTER_S


def _read(document: bytes) -> dict[str, Any]:
    try:
        keys = json.loads(document)["keys"][:KEYS_MAX]
        return {key["kid"]: jwt.PyJWK(key).key for key in keys if key.get("kty") == "RSA"}
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
        raise KeysUnavailable("the key document is malformed") from None
