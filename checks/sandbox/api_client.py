"""A caller of the deployed API, as an app or a back office would be one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

TIMEOUT_S = 60.0
_POOL = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False, maxsize=8)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def code(self) -> str | None:
        """The problem's code, or None for no problem."""
        code = self.body.get("code")
        return code if isinstance(code, str) else None


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Calls the API at ``url`` as the holder of ``authorization`` (None: nobody)."""

    url: str
    authorization: str | None = field(default=None, repr=False)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call; ``key`` is the Idempotency-Key, ``body`` an object or raw bytes."""
        sent = {"content-type": "application/json", **(headers or {})}
        if self.authorization is not None:
            sent["authorization"] = self.authorization
        if key is not None:
            sent["idempotency-key"] = key
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        answer = _POOL.request(method, self.url + path, body=raw, headers=sent)
        try:
            document = json.loads(answer.data)
        except ValueError:
            document = {"text": answer.data.decode("utf-8", "replace")[:500]}
        found = document if isinstance(document, dict) else {"value": document}
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, found)
