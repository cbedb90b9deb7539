"""Becoming the auditor: from somebody's own session to one that may read settings and nothing else."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from checks.errors import ExitCode, HasivuError
from checks.probes.account import CONFIG

_LASTS_S = 3600


def role_name(environment: str) -> str:
    """The auditor's role of an environment, as stacks/auditor.py names it."""
    return f"hasivu-{environment}-auditor"


def auditor_session(session: boto3.Session, environment: str) -> boto3.Session:
    """A session as the auditor of ``environment`` in the account of ``session``, for an hour; where that
    leads, so does it. Error: ``AUDITOR_REFUSED``."""
    client: Any = session.client("sts", config=CONFIG)
    try:
        account = client.get_caller_identity()["Account"]
        granted = client.assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/{role_name(environment)}",
            RoleSessionName="probes",
            DurationSeconds=_LASTS_S,
        )["Credentials"]
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise HasivuError(
            "AUDITOR_REFUSED",
            f"The role {role_name(environment)} cannot be taken on ({code}).",
            next_step="sign in with a second factor, or as the pipeline: docs/guides/deploy.md",
            exit_code=ExitCode.USAGE,
        ) from None
    own: Any = session._session  # boto3 has no other way to ask where a session leads
    core = botocore.session.Session(profile=own.profile)
    for name in ("config_file", "credentials_file"):
        core.set_config_variable(name, own.get_config_variable(name))
    return boto3.Session(
        aws_access_key_id=granted["AccessKeyId"],
        aws_secret_access_key=granted["SecretAccessKey"],
        aws_session_token=granted["SessionToken"],
        region_name=session.region_name,
        botocore_session=core,
    )
