"""The AWS side of a function: clients made once, secrets and parameters read through a short cache."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import boto3
import botocore
from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sqs import SQSClient

Part = TypeVar("Part")

CACHED_FOR_S = 300
"""A rotated secret is taken up within five minutes, without a call for every request."""

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
    user_agent=f"hasivu Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
    parameter_validation=False,
)
"""Two lost attempts and a third fit into the shortest function's time.

The last two halve the CPU of a call (measured: 1.30 to 0.59 ms). Botocore would put its user agent together
twice for every call. Parameters are held against AWS's models by types and by the tests, whose clients
validate; what slips through all the same, AWS refuses."""


def client(service: str, config: Config = _CONFIG) -> Any:
    """A client of ``service`` with deadlines and bounded retries."""
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # the name is a variable here


def dynamodb() -> "DynamoDBClient":
    """A DynamoDB client."""
    found: DynamoDBClient = client("dynamodb")
    return found


def sqs() -> "SQSClient":
    """An SQS client."""
    found: SQSClient = client("sqs")
    return found


def s3() -> "S3Client":
    """An S3 client."""
    found: S3Client = client("s3")
    return found


def s3_for_links() -> "S3Client":
    """An S3 client for links: signed by SigV4, which covers the headers of what is sent, and to the bucket's
    own region, for a browser follows no redirect from the global endpoint."""
    of_links = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    found: S3Client = client("s3", _CONFIG.merge(of_links))
    return found


def athena() -> "AthenaClient":
    """An Athena client."""
    found: AthenaClient = client("athena")
    return found


def glue() -> "GlueClient":
    """A client of the Glue catalogue."""
    found: GlueClient = client("glue")
    return found


def ses(options: Mapping[str, Any]) -> "SESClient":
    """An SES client; ``options`` of its Config say how often it tries, for a mail must not be sent twice."""
    found: SESClient = client("ses", _CONFIG.merge(Config(**options)))
    return found


def cognito() -> "CognitoIdentityProviderClient":
    """A Cognito client."""
    found: CognitoIdentityProviderClient = client("cognito-idp")
    return found


def secrets_manager() -> "SecretsManagerClient":
    """A Secrets Manager client, for who rotates secrets; who reads them takes ``secret_reader``."""
    found: SecretsManagerClient = client("secretsmanager")
    return found


class SecretReader(Protocol):
    """Reads a secret's JSON object by its ARN, through the cache, or past it where it must be ``fresh``."""

    def __call__(self, arn: str, *, fresh: bool = False) -> dict[str, Any]: ...


def secret_reader() -> SecretReader:
    """A reader with a cache of its own."""
    provider = SecretsProvider(boto3_client=client("secretsmanager"))

    def read(arn: str, *, fresh: bool = False) -> dict[str, Any]:
        value = provider.get(arn, max_age=CACHED_FOR_S, transform="json", force_fetch=fresh)
        if not isinstance(value, dict):
            raise TypeError("a secret is a JSON object")
        return value

    return read


def parameter_reader() -> Callable[[str], str]:
    """Reads a parameter by its name, through the cache."""
    provider = SSMProvider(boto3_client=client("ssm"))

    def read(name: str) -> str:
        return str(provider.get(name, max_age=CACHED_FOR_S))

    return read


class Rotating(Generic[Part]):
    """A part that is built from a secret, and built anew once the secret has been rotated."""

    def __init__(self, read: Callable[[], dict[str, Any]], build: Callable[[dict[str, Any]], Part]) -> None:
        self._read = read
        self._build = build
        self._secret = read()
        self._part = build(self._secret)

    def current(self) -> Part:
        """The part for the secret as it is now."""
        secret = self._read()
        if secret != self._secret:
            self._secret, self._part = secret, self._build(secret)
        return self._part
