"""Read-only questions to an AWS account: each asked once, each known by the permission that it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from checks.probes.apis import PERMISSIONS

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=16,
)

_DENIED = re.compile(r"AccessDenied|Unauthorized|AuthorizationError|Forbidden|NotAuthorized|^403$")
_GONE = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist|^404$|ResourceNotFoundFault")
_AWS = re.compile(r"^https://[\w.-]+\.(amazonaws\.com|api\.aws)(/|$)")


class CouldNotLook(Exception):
    """An API did not answer. ``text`` names it, and the permission where that is what was missing."""

    def __init__(self, text: str, *, denied: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.denied = denied


class Gone(Exception):
    """AWS says that what was asked for does not exist."""

    def __init__(self, service: str, operation: str, code: str) -> None:
        super().__init__(f"{service} {operation} says {code}")
        self.code = code


class Account:
    """Answers of one account, as ``session`` may see it. Safe to share between threads."""

    def __init__(
        self, session: boto3.Session, *, region: str, secrets_session: boto3.Session | None = None
    ) -> None:
        self._session: Any = session
        self.region = region
        self.secrets_session = secrets_session
        """Of somebody who may read secrets, where there is one."""
        self._clients: dict[tuple[str, str], Any] = {}
        self._answers: dict[tuple[Any, ...], Any] = {}
        self._making = Lock()
        self._asking: dict[tuple[Any, ...], Lock] = {}
        self.asked: set[tuple[str, str]] = set()
        """Every service and operation that was called."""

    def on_emulator(self) -> bool:
        """Whether what answers is not AWS, by the address at which it answers."""
        return _AWS.match(self._client("cloudformation", self.region).meta.endpoint_url) is None

    def ask(
        self,
        service: str,
        operation: str,
        *,
        region: str | None = None,
        absent: tuple[str, ...] = (),
        **arguments: Any,
    ) -> Any:
        """The answer to ``operation``; None where the error's code is one of ``absent``.

        Raises Gone where there is no such resource, CouldNotLook where nobody answered or it was refused.
        """
        return self._once(service, operation, region, absent, None, arguments)

    def all(
        self, service: str, operation: str, key: str, *, region: str | None = None, **arguments: Any
    ) -> list[Any]:
        """The list ``key`` of every page of ``operation``. Raises as ``ask``."""
        found: list[Any] = self._once(service, operation, region, (), key, arguments)
        return found

    def _once(
        self,
        service: str,
        operation: str,
        region: str | None,
        absent: tuple[str, ...],
        key: str | None,
        arguments: Mapping[str, Any],
    ) -> Any:
        question = (service, operation, region or self.region, key, repr(sorted(arguments.items())))
        with self._making:
            asking = self._asking.setdefault(question, Lock())
        with asking:
            if question not in self._answers:
                self._answers[question] = self._answer(question, key, arguments)
        answer = self._answers[question]
        if isinstance(answer, Gone) and answer.code in absent:
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, question: tuple[Any, ...], key: str | None, arguments: Mapping[str, Any]) -> Any:
        service, operation, region = question[:3]
        permission = PERMISSIONS[service, operation]
        self.asked.add((service, operation))
        try:
            client = self._client(service, region)
            if key is None:
                return getattr(client, operation)(**arguments)
            if not client.can_paginate(operation):
                return _pages(client, operation, key, arguments)
            pages = client.get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page.get(key) or ()]
        except ClientError as error:
            return _failure(service, operation, permission, error)
        except BotoCoreError as error:
            return CouldNotLook(f"{service} {operation}: unreachable ({type(error).__name__})")

    def _client(self, service: str, region: str) -> Any:
        with self._making:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._session.client(
                    service, region_name=region, config=CONFIG
                )
            return self._clients[service, region]


_NEXT = ("NextToken", "nextToken", "NextMarker", "position", "nextPageToken")


def _pages(client: Any, operation: str, key: str, arguments: Mapping[str, Any]) -> list[Any]:
    """Pages of an operation for which the SDK has no paginator."""
    found: list[Any] = []
    given = dict(arguments)
    while True:
        page = getattr(client, operation)(**given)
        found += page.get(key) or ()
        token = next((name for name in _NEXT if page.get(name)), None)
        if token is None or not page.get(key):
            return found
        given[token] = page[token]


def _failure(service: str, operation: str, permission: str, error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    if _DENIED.search(code):
        return CouldNotLook(f"{service} {operation}: {code}; the auditor needs {permission}", denied=True)
    message = str(error.response.get("Error", {}).get("Message", ""))
    if _GONE.search(code) or (code == "ValidationError" and "does not exist" in message):
        return Gone(service, operation, code)
    return CouldNotLook(f"{service} {operation}: {code}")
