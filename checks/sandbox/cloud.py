"""The administrator's way into the emulator: clients for tests, the demo and the sandbox itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import boto3
import botocore.session

from checks.sandbox import emulator


def variables(endpoint_url: str) -> dict[str, str]:
    """What an AWS tool needs in its environment to be the administrator of the sandbox and nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": emulator.REGION,
        "AWS_DEFAULT_REGION": emulator.REGION,
        "AWS_ACCESS_KEY_ID": emulator.ADMIN_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": emulator.ADMIN_SECRET_ACCESS_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without any AWS setting of the person at the keyboard: profile, credentials, endpoint."""
    return {name: value for name, value in environment.items() if not name.startswith("AWS_")}


def session(endpoint_url: str, config_file: Path) -> boto3.Session:
    """A session as administrator. Its clients go to `endpoint_url` without being told so one by one.

    The endpoint is in a configuration file of the sandbox, which is also good for any other AWS tool:
    `AWS_CONFIG_FILE=.sandbox/aws-config aws s3 ls`.
    """
    _write_if_changed(
        config_file,
        f"""[default]
region = {emulator.REGION}
endpoint_url = {endpoint_url}
aws_access_key_id = {emulator.ADMIN_ACCESS_KEY_ID}
aws_secret_access_key = {emulator.ADMIN_SECRET_ACCESS_KEY}
retry_mode = standard
max_attempts = 3
s3 =
    addressing_style = path
""",
    )
    core = botocore.session.Session(profile="default")
    core.set_config_variable("config_file", str(config_file))
    core.set_config_variable("credentials_file", os.devnull)
    return boto3.Session(
        aws_access_key_id=emulator.ADMIN_ACCESS_KEY_ID,
        aws_secret_access_key=emulator.ADMIN_SECRET_ACCESS_KEY,
        region_name=emulator.REGION,
        botocore_session=core,
    )


def _write_if_changed(path: Path, content: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        path.write_text(content, encoding="utf-8")
