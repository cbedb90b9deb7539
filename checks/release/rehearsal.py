"""The rollback, rehearsed: every alias is moved to a version made for it, and the command takes it back.

The versions hold the code that runs already, so that callers notice nothing. Half-way the command is cut
off on purpose and run again, because that is how it will be when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from checks.errors import ExitCode, HasivuError
from checks.release.aliases import LIVE, roll_back, snapshot
from checks.release.records import AliasVersion, Drill, FunctionVersions

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_NOTE = "rehearsal of the rollback from version {version}: {description}"
_NOTED: Final = re.compile(r"rehearsal of the rollback from version (\d+): (.*)", re.DOTALL)
_DESCRIPTION_MAX = 256
_NEVER_IN = "prod"


class _CutOff(Exception):
    """The rehearsal ends the command here."""


class _Interrupted:
    """A client whose ``update_alias`` is cut off before its call number ``at``, from 0."""

    def __init__(self, client: LambdaClient, at: int) -> None:
        self._client, self._left = client, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_alias(self, **arguments: Any) -> Any:
        """The real call, unless its time has come."""
        if self._left == 0:
            raise _CutOff
        self._left -= 1
        return self._client.update_alias(**arguments)


def rehearse(
    client: LambdaClient,
    environment: str,
    *,
    emulator: bool,
    by: str,
    commit: str,
    clock: Callable[[], datetime],
    told: Callable[[str], None] = lambda _: None,
) -> Drill:
    """Rehearse in ``environment``; where it fails, run it again, or `hasivu rollback`, until it is back.

    Errors: `NOT_IN_PROD`, `NOTHING_TO_REHEARSE`, `REHEARSAL_FAILED`, and those of the aliases.
    """
    if environment == _NEVER_IN:
        raise HasivuError(
            "NOT_IN_PROD",
            "The rollback is not rehearsed where parents pay.",
            next_step="rehearse it in staging: prod rests on that",
            exit_code=ExitCode.USAGE,
        )
    _recover(client, environment)
    before = snapshot(client, environment)
    if not before:
        raise HasivuError(
            "NOTHING_TO_REHEARSE",
            f"No function of {environment} has the alias {LIVE}.",
            next_step="deploy the environment first",
            exit_code=ExitCode.CHECK_FAILED,
        )
    functions: list[FunctionVersions] = []
    try:
        for name, previous in before.items():
            functions.append(_moved_on(client, name, previous))
            told(name)
        begun = clock()
        interrupted = _cut_off_half_way(client, functions)
        roll_back(client, functions)
        ended = clock()
    finally:
        # Whatever went wrong: nobody's calls stay on a version of the rehearsal.
        roll_back(client, functions)
        for each in functions:
            _forget(client, each)
    if (after := snapshot(client, environment)) != before:
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        raise HasivuError(
            "REHEARSAL_FAILED",
            f"Not everything is as it was: {', '.join(changed)}.",
            next_step="point these aliases back by hand: docs/guides/deploy.md, «Back again»",
            exit_code=ExitCode.CHECK_FAILED,
        )
    return Drill(
        environment=environment,
        emulator=emulator,
        at=ended,
        by=by,
        commit=commit,
        functions=tuple(before),
        seconds=-((begun - ended) // timedelta(seconds=1)),
        interrupted=interrupted,
    )


def _moved_on(client: LambdaClient, name: str, previous: AliasVersion) -> FunctionVersions:
    """Publish a version that differs by its description only, and move the alias to it.

    Lambda publishes none where nothing differs, so that the function's description changes for a moment. It
    says what it was before and which version is live, so that a rehearsal that was killed can be taken back.
    """
    try:
        description = _description(client, name, "$LATEST")
        note = _NOTE.format(version=previous.version, description=description)[:_DESCRIPTION_MAX]
        client.update_function_configuration(FunctionName=name, Description=note)
        try:
            client.get_waiter("function_updated_v2").wait(FunctionName=name)
            published = client.publish_version(FunctionName=name, Description=note)
        finally:
            client.update_function_configuration(FunctionName=name, Description=description)
        following = AliasVersion(version=published["Version"], code_sha256=published["CodeSha256"])
        client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=following.version)
        client.update_alias(FunctionName=name, Name=LIVE, FunctionVersion=following.version)
    except (ClientError, BotoCoreError) as error:
        raise _failed(f"{name} could not be moved on", error) from None
    return FunctionVersions(function=name, previous=previous, next=following)


def _recover(client: LambdaClient, environment: str) -> None:
    """Take back what a rehearsal left that was killed."""
    try:
        for name, version in snapshot(client, environment).items():
            if noted := _NOTED.fullmatch(_description(client, name, "$LATEST")):
                client.update_function_configuration(FunctionName=name, Description=noted[2])
            if noted := _NOTED.fullmatch(_description(client, name, version.version)):
                client.update_alias(FunctionName=name, Name=LIVE, FunctionVersion=noted[1])
                client.delete_function(FunctionName=name, Qualifier=version.version)
    except (ClientError, BotoCoreError) as error:
        raise _failed("what a rehearsal before this one left could not be taken back", error) from None


def _description(client: LambdaClient, name: str, qualifier: str) -> str:
    return client.get_function_configuration(FunctionName=name, Qualifier=qualifier).get("Description", "")


def _failed(what: str, error: ClientError | BotoCoreError) -> HasivuError:
    return HasivuError(
        "REHEARSAL_FAILED",
        f"{what[:1].upper()}{what[1:]} ({type(error).__name__}).",
        next_step="see that you may publish versions and move aliases, then try again",
        exit_code=ExitCode.CHECK_FAILED,
        detail=str(error)[:500],
    )


def _cut_off_half_way(client: LambdaClient, functions: list[FunctionVersions]) -> bool:
    interrupted: Any = _Interrupted(client, at=len(functions) // 2)
    try:
        roll_back(interrupted, functions)
    except _CutOff:
        return True
    return False


def _forget(client: LambdaClient, each: FunctionVersions) -> None:
    """Take the version of the rehearsal away. One that stays costs nothing and is called by nobody."""
    try:
        client.delete_function(FunctionName=each.function, Qualifier=each.next.version)
    except (ClientError, BotoCoreError):
        return
