"""Read-only questions to an AWS account: each asked once, each known by the permission that it needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from checks.probes.apis import PERMISSIONS

CONFIG = Config(
    # Hundreds of questions in a minute: API Gateway takes ten a second of an account, CloudWatch nine.
    retries={"mode": "adaptive", "total_max_attempts": 6},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=16,
)

_DENIED = re.compile(r"AccessDenied|Unauthorized|AuthorizationError|Forbidden|NotAuthorized|^403$")
_GONE = re.compile(r"NotFound|NoSuch|Non[Ee]xistent|DoesNotExist|^404$")
_SAYS_GONE = {"ValidationError": "does not exist", "InvalidRequestException": "is not found"}
"""Services that say it in words only: CloudFormation of stacks, Athena of workgroups."""
_UNKNOWN_THERE = frozenset({"OptInRequired", "InvalidClientTokenId", "UnrecognizedClientException"})
"""What a region says that the account has not enabled: it does not know anybody."""
_FROM_ABOVE = re.compile(r"explicit deny in an? ([\w -]*policy|permissions boundary)")
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
        self,
        session: boto3.Session,
        *,
        region: str,
        secrets_session: boto3.Session | None = None,
        other_secrets: Mapping[str, boto3.Session] | None = None,
    ) -> None:
        self._session: Any = session
        self.region = region
        self.secrets_session = secrets_session
        """Of somebody who may read secrets, where there is one."""
        self.other_secrets: Mapping[str, boto3.Session] = other_secrets or {}
        """The same of other environments, by their names."""
        self._clients: dict[tuple[str, str], Any] = {}
        self._answers: dict[tuple[Any, ...], Any] = {}
        self._making = Lock()
        self._asking: dict[tuple[Any, ...], Lock] = {}
        self.asked: set[tuple[str, str]] = set()
        """Every service and operation that was called."""

    def on_emulator(self) -> bool:
        """Whether what answers is not AWS, by the address at which it answers."""
        return _AWS.match(self.endpoint_url) is None

    @property
    def endpoint_url(self) -> str:
        """Where CloudFormation of the account's region answers."""
        found: str = self._client("cloudformation", self.region).meta.endpoint_url
        return found

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
        try:
            return self.remembered(question, partial(self._answer, question, key, arguments))
        except Gone as gone:
            if gone.code in absent:
                return None
            raise

    def remembered(self, question: tuple[Any, ...], find: Callable[[], Any]) -> Any:
        """What ``find`` gives, asked once for each ``question``; an exception that it gives is raised."""
        with self._making:
            asking = self._asking.setdefault(question, Lock())
        with asking:
            if question not in self._answers:
                self._answers[question] = find()
        answer = self._answers[question]
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


_NEXT = ("NextToken", "nextToken")


def _pages(client: Any, operation: str, key: str, arguments: Mapping[str, Any]) -> list[Any]:
    """Pages of an operation for which the SDK has no paginator."""
    found: list[Any] = []
    given = dict(arguments)
    while True:
        page = getattr(client, operation)(**given)
        found += page.get(key) or ()  # a page may be empty and still not be the last
        token = next((name for name in _NEXT if page.get(name)), None)
        if token is None or given.get(token) == page[token]:
            return found
        given[token] = page[token]


def _failure(service: str, operation: str, permission: str, error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    message = str(error.response.get("Error", {}).get("Message", ""))
    said = f"{service} {operation}: {code}"
    if _DENIED.search(code):
        if (above := _FROM_ABOVE.search(message)) is not None:
            return CouldNotLook(f"{said}; a {above[1]} denies {permission} to everybody", denied=True)
        return CouldNotLook(f"{said}; the auditor needs {permission}", denied=True)
    if _GONE.search(code) or (code in _SAYS_GONE and _SAYS_GONE[code] in message):
        return Gone(service, operation, code)
    if code in _UNKNOWN_THERE:
        return CouldNotLook(f"{said}; is the region enabled for the account?")
    return CouldNotLook(said)
