"""Whose queues: the sandbox's, or those of the account that the caller's own credentials belong to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from checks.errors import ExitCode, HasivuError
from checks.sandbox.sandbox import Sandbox
from checks.toolchain import REPOSITORY
from stacks.environment_file import EnvironmentRefused, load_environment

CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=30)


def session_for(
    environment: str,
    *,
    sandbox_directory: Path | None = None,
    repository: Path = REPOSITORY,
    profile: str | None = None,
) -> boto3.Session:
    """A session that leads to `environment` and to nothing else.

    The credentials, those of `profile` where one is named, must belong to the account that the environment
    file names; the sandbox knows no profiles. Errors: `ENVIRONMENT_REFUSED`, `WRONG_ACCOUNT`,
    `NO_CREDENTIALS`, `SANDBOX_DOWN`.
    """
    try:
        settings = load_environment(
            environment, directory=repository / "environments", today=datetime.now(UTC).date()
        )
    except EnvironmentRefused as refused:
        raise HasivuError(
            "ENVIRONMENT_REFUSED", str(refused), next_step="correct it", exit_code=ExitCode.USAGE
        ) from None
    if settings.embedded:
        return Sandbox(sandbox_directory).session()
    try:
        session = boto3.Session(region_name=settings.region, profile_name=profile)
    except ProfileNotFound:
        raise HasivuError(
            "NO_CREDENTIALS",
            f"There is no AWS profile {profile!r} on this machine.",
            next_step="name one of `aws configure list-profiles`",
            exit_code=ExitCode.USAGE,
        ) from None
    _check_account(session, settings.account, environment)
    return session


def _check_account(session: boto3.Session, account: str, environment: str) -> None:
    try:
        found = session.client("sts", config=CONFIG).get_caller_identity()["Account"]
    except (ClientError, BotoCoreError) as error:
        raise HasivuError(
            "NO_CREDENTIALS",
            f"AWS does not say whose credentials these are ({type(error).__name__}).",
            next_step=f"sign in to the account of {environment}, then try again",
            exit_code=ExitCode.USAGE,
        ) from None
    if found != account:
        raise HasivuError(
            "WRONG_ACCOUNT",
            f"These credentials belong to another account than environments/{environment}.toml names.",
            next_step=f"sign in to the account of {environment}, then try again",
            exit_code=ExitCode.USAGE,
        )
