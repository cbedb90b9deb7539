"""The alias ``live`` of each function: where it leads, and moving it back.

What AWS says is the only truth about how far a rollback is: a run that was cut off is simply run again. Each
move names the revision that was looked at, so that nobody else's move is undone unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from checks.errors import ExitCode, HasivuError
from checks.release.records import AliasVersion, FunctionVersions

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

LIVE: Final = "live"
"""As the stacks name it (stacks/constructs/service_function.py); a test holds the two together."""

_ATTEMPTS = 3
_GONE: Final = "ResourceNotFoundException"
_CHANGED: Final = frozenset({"PreconditionFailedException", "ResourceConflictException"})


@dataclass(frozen=True, kw_only=True)
class Alias:
    """An alias as it is now."""

    version: str
    revision_id: str
    splits: bool
    """Whether a part of the calls goes to another version: a canary is under way, or was cut off."""


@dataclass(kw_only=True)
class Outcome:
    """What a run moved and what it found in its place."""

    moved: list[str] = field(default_factory=list)
    already_back: list[str] = field(default_factory=list)
    without_previous: list[str] = field(default_factory=list)


def snapshot(client: LambdaClient, environment: str) -> dict[str, AliasVersion]:
    """Where the alias of each function of ``environment`` leads, by function.

    Functions without the alias are not ours to move. Errors: `CANARY_UNDER_WAY`, `AWS_REFUSES`.
    """
    found: dict[str, AliasVersion] = {}
    for name in _functions(client, environment):
        alias = _alias(client, name)
        if alias is None:
            continue
        if alias.splits:
            raise HasivuError(
                "CANARY_UNDER_WAY",
                f"A part of the calls of {name} goes to another version.",
                next_step="wait until its deployment has ended, then try again",
                exit_code=ExitCode.CHECK_FAILED,
            )
        code = _code_of(client, name, alias.version)
        if code is None:
            raise _gone(name, alias.version)
        found[name] = AliasVersion(version=alias.version, code_sha256=code)
    return dict(sorted(found.items()))


def roll_back(
    client: LambdaClient,
    functions: Sequence[FunctionVersions],
    *,
    dry_run: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Move each alias to its previous version. Everything is looked at before anything is moved.

    Errors: `VERSION_GONE`, `ALIAS_GONE`, `ALIAS_ELSEWHERE`, `ALIAS_CHANGES`, `AWS_REFUSES`. After an error
    some aliases may have moved: run it again.
    """
    outcome = Outcome()
    to_move: list[FunctionVersions] = []
    for each in functions:
        if each.previous is None:
            outcome.without_previous.append(each.function)
        elif _looked_at(client, each, each.previous) is None:
            outcome.already_back.append(each.function)
        else:
            to_move.append(each)
    for each in to_move:
        if not dry_run:
            _move(client, each)
        told(each.function)
        outcome.moved.append(each.function)
    return outcome


def _move(client: LambdaClient, each: FunctionVersions) -> None:
    assert each.previous is not None  # noqa: S101 - the caller sorted the others out
    for _ in range(_ATTEMPTS):
        revision_id = _looked_at(client, each, each.previous)
        if revision_id is None:
            return
        try:
            client.update_alias(
                FunctionName=each.function,
                Name=LIVE,
                FunctionVersion=each.previous.version,
                RoutingConfig={"AdditionalVersionWeights": {}},
                RevisionId=revision_id,
            )
        except ClientError as error:
            if _code(error) not in _CHANGED:
                raise _refused(error) from None
        except BotoCoreError as error:
            raise _refused(error) from None
    if _looked_at(client, each, each.previous) is not None:
        raise HasivuError(
            "ALIAS_CHANGES",
            f"Somebody else moves the alias of {each.function} at the same time.",
            next_step="stop the deployment under way (`aws deploy stop-deployment`), then run it again",
            exit_code=ExitCode.CHECK_FAILED,
        )


def _looked_at(client: LambdaClient, each: FunctionVersions, previous: AliasVersion) -> str | None:
    """The revision of an alias that has to be moved; None where it leads to the previous version already."""
    alias = _alias(client, each.function)
    if alias is None:
        raise HasivuError(
            "ALIAS_GONE",
            f"{each.function} has no alias {LIVE} any more.",
            next_step="see in docs/guides/deploy.md, «Back again», what to do by hand",
            exit_code=ExitCode.CHECK_FAILED,
        )
    if _code_of(client, each.function, previous.version) != previous.code_sha256:
        raise _gone(each.function, previous.version)
    if alias.version == previous.version:
        return alias.revision_id if alias.splits else None
    if alias.version != each.next.version:
        raise HasivuError(
            "ALIAS_ELSEWHERE",
            f"The alias of {each.function} leads to version {alias.version}, which is neither the version "
            f"before ({previous.version}) nor the one of this deployment ({each.next.version}).",
            next_step="find out who moved it; see docs/guides/deploy.md, «Back again»",
            exit_code=ExitCode.CHECK_FAILED,
        )
    return alias.revision_id


def _functions(client: LambdaClient, environment: str) -> list[str]:
    try:
        pages = client.get_paginator("list_functions").paginate()
        names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    except (ClientError, BotoCoreError) as error:
        raise _refused(error) from None
    return sorted(name for name in names if name.startswith(f"hasivu-{environment}-"))


def _alias(client: LambdaClient, function: str) -> Alias | None:
    try:
        answer = client.get_alias(FunctionName=function, Name=LIVE)
    except ClientError as error:
        if _code(error) == _GONE:
            return None
        raise _refused(error) from None
    except BotoCoreError as error:
        raise _refused(error) from None
    routing = answer.get("RoutingConfig") or {}
    return Alias(
        version=answer["FunctionVersion"],
        revision_id=answer.get("RevisionId", ""),
        splits=bool(routing.get("AdditionalVersionWeights")),
    )


def _code_of(client: LambdaClient, function: str, version: str) -> str | None:
    """The digest of a version's code, as Lambda says it; None where the version does not exist."""
    try:
        return client.get_function_configuration(FunctionName=function, Qualifier=version)["CodeSha256"]
    except ClientError as error:
        if _code(error) == _GONE:
            return None
        raise _refused(error) from None
    except BotoCoreError as error:
        raise _refused(error) from None


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "unknown")


def _gone(function: str, version: str) -> HasivuError:
    return HasivuError(
        "VERSION_GONE",
        f"Version {version} of {function} does not exist any more, or holds other code than was recorded.",
        next_step="nothing was moved on its account; deploy the old commit instead",
        exit_code=ExitCode.CHECK_FAILED,
    )


def _refused(error: ClientError | BotoCoreError) -> HasivuError:
    why = _code(error) if isinstance(error, ClientError) else type(error).__name__
    return HasivuError(
        "AWS_REFUSES",
        f"AWS Lambda did not answer as it should ({why}).",
        next_step="run it again: what has moved stays moved, and is not moved twice",
        exit_code=ExitCode.CHECK_FAILED,
    )
