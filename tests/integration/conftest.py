"""The emulator as a child of the test session, and the tables of the contract in it.

One emulator per pytest process (so one per xdist worker). Every test gets tables of its own, made when they
are first named, so that a test can hold that *nothing else* was written anywhere.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from checks.sandbox import emulator, process
from checks.sandbox.layout import Layout
from tests.integration.tables import Tables
from tests.tracing import sdk_untraced

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient


@pytest.fixture(scope="session", autouse=True)
def _untraced() -> Iterator[None]:
    with sdk_untraced():
        yield


@pytest.fixture(scope="session")
def aws_endpoint_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the emulator answers. It is started for the session and stopped with it."""
    layout = Layout(tmp_path_factory.mktemp("emulator"))
    record, port = emulator.start(layout, preferred_port=None)
    yield emulator.url_of(port)
    process.stop(record, grace_s=5)


@pytest.fixture(scope="session")
def aws_environment(aws_endpoint_url: str) -> dict[str, str]:
    """The variables that lead AWS's SDK to the emulator and nowhere else."""
    return {
        "AWS_ENDPOINT_URL": aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": emulator.ADMIN_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": emulator.ADMIN_SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": emulator.REGION,
        "AWS_REGION": emulator.REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


@pytest.fixture
def in_aws(aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The process environment leads to the emulator: for what makes its own clients (``wire``)."""
    for name, value in aws_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    # boto3 keeps its default session, and with it what the environment said when it was first used.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return aws_environment


def _client(service: str, endpoint_url: str) -> Any:
    session: Any = boto3.Session(
        aws_access_key_id=emulator.ADMIN_ACCESS_KEY_ID,
        aws_secret_access_key=emulator.ADMIN_SECRET_ACCESS_KEY,
        region_name=emulator.REGION,
    )
    # Fifty threads at once each want a connection; a refused attempt is a finding, not to be retried away.
    config = Config(max_pool_connections=64, retries={"mode": "standard", "total_max_attempts": 1})
    return session.client(service, endpoint_url=endpoint_url, config=config)


@pytest.fixture(scope="session")
def dynamodb(aws_endpoint_url: str) -> "DynamoDBClient":
    """A DynamoDB client; clients may be shared by threads."""
    found: DynamoDBClient = _client("dynamodb", aws_endpoint_url)
    return found


@pytest.fixture(scope="session")
def sqs(aws_endpoint_url: str) -> "SQSClient":
    """An SQS client."""
    found: SQSClient = _client("sqs", aws_endpoint_url)
    return found


@pytest.fixture(scope="session")
def s3(aws_endpoint_url: str) -> "S3Client":
    """An S3 client."""
    found: S3Client = _client("s3", aws_endpoint_url)
    return found


@pytest.fixture(scope="session")
def ses(aws_endpoint_url: str) -> "SESClient":
    """An SES client."""
    found: SESClient = _client("ses", aws_endpoint_url)
    return found


@pytest.fixture(scope="session")
def cognito(aws_endpoint_url: str) -> "CognitoIdentityProviderClient":
    """A Cognito client."""
    found: CognitoIdentityProviderClient = _client("cognito-idp", aws_endpoint_url)
    return found


@pytest.fixture(scope="session")
def secrets_manager(aws_endpoint_url: str) -> "SecretsManagerClient":
    """A Secrets Manager client."""
    found: SecretsManagerClient = _client("secretsmanager", aws_endpoint_url)
    return found


@pytest.fixture(scope="session")
def ssm(aws_endpoint_url: str) -> "SSMClient":
    """A Systems Manager client, for parameters."""
    found: SSMClient = _client("ssm", aws_endpoint_url)
    return found


_prefixes = iter(range(1_000_000))


@pytest.fixture
def unique() -> str:
    """A name that no other test of this session uses: for tables, queues, secrets and parameters."""
    return f"test-{next(_prefixes):06d}"


@pytest.fixture
def tables(dynamodb: "DynamoDBClient", unique: str) -> Tables:
    """The tables of this test, empty, made when first named. They go with the emulator: to delete them took a
    tenth of a test's time, and thousands of them slow nothing down."""
    return Tables(dynamodb, unique)


@pytest.fixture
def queue_url(sqs: "SQSClient", unique: str) -> Iterator[str]:
    """A queue of this test."""
    url = sqs.create_queue(QueueName=f"{unique}-queue")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)
