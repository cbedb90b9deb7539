"""Secrets and parameters are read through a cache that is fresh enough and never asks for every request."""

import json
from typing import TYPE_CHECKING

import pytest

from runtime.platform import aws

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient


def test_a_secret_is_read_once_and_kept(
    in_aws: dict[str, str], secrets_manager: "SecretsManagerClient", unique: str
) -> None:
    arn = secrets_manager.create_secret(Name=unique, SecretString='{"pepper":"a"}')["ARN"]
    read = aws.secret_reader()
    assert read(arn) == {"pepper": "a"}
    secrets_manager.put_secret_value(SecretId=arn, SecretString='{"pepper":"b"}')
    assert read(arn) == {"pepper": "a"}
    assert aws.secret_reader()(arn) == {"pepper": "b"}


@pytest.mark.parametrize("text", ['["a"]', '"a"', "1", "null"])
def test_a_secret_is_an_object(
    in_aws: dict[str, str], secrets_manager: "SecretsManagerClient", unique: str, text: str
) -> None:
    arn = secrets_manager.create_secret(Name=unique, SecretString=text)["ARN"]
    with pytest.raises(TypeError, match="JSON object"):
        aws.secret_reader()(arn)


def test_a_parameter_is_read_by_its_name_and_kept(
    in_aws: dict[str, str], ssm: "SSMClient", unique: str
) -> None:
    ssm.put_parameter(Name=f"/{unique}/url", Value="https://one.example", Type="String")
    read = aws.parameter_reader()
    assert read(f"/{unique}/url") == "https://one.example"
    ssm.put_parameter(Name=f"/{unique}/url", Value="https://two.example", Type="String", Overwrite=True)
    assert read(f"/{unique}/url") == "https://one.example"
    assert aws.parameter_reader()(f"/{unique}/url") == "https://two.example"


def test_a_rotated_secret_is_taken_up_when_the_cache_ends(
    in_aws: dict[str, str],
    secrets_manager: "SecretsManagerClient",
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aws, "CACHED_FOR_S", 0)
    arn = secrets_manager.create_secret(Name=unique, SecretString=json.dumps({"key_id": "old"}))["ARN"]
    read = aws.secret_reader()
    rotating = aws.Rotating(lambda: read(arn), lambda secret: str(secret["key_id"]))
    assert rotating.current() == "old"
    secrets_manager.put_secret_value(SecretId=arn, SecretString=json.dumps({"key_id": "new"}))
    assert rotating.current() == "new"
