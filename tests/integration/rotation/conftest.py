"""secret-rotation as Lambda starts it, secrets in the emulator, and providers that can be asked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from checks.sandbox.razorpay import RazorpaySimulator
from checks.sandbox.whatsapp import WhatsAppSimulator
from runtime.functions.secret_rotation import wire
from runtime.platform.function import Handler
from runtime.rotation.steps import CURRENT, PENDING, STAGED, Step
from tests.events import Context
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

NEXT_KEYS = {"key_id": "rzp_test_" + "B" * 14, "key_secret": "t" * 24}
PHONE_NUMBER_ID = "105010501050"
NEXT_TOKEN = "EAA" + "b" * 40
WEBHOOK_SECRET = "o" * 32
AS_THEY_ARE: dict[str, dict[str, Any]] = {
    "razorpay": {"key_id": "rzp_test_" + "A" * 14, "key_secret": "s" * 24},
    "razorpay-webhook": {"secrets": [WEBHOOK_SECRET]},
    "whatsapp": {"access_token": "EAA" + "a" * 40, "app_secrets": ["p" * 32], "verify_token": "v" * 32},
    "api-key-pepper": {"pepper": "f" * 64},
}
VARIABLES = {
    "razorpay": "RAZORPAY_SECRET_ARN",
    "razorpay-webhook": "RAZORPAY_WEBHOOK_SECRET_ARN",
    "whatsapp": "WHATSAPP_SECRET_ARN",
    "api-key-pepper": "API_KEY_PEPPER_SECRET_ARN",
}


@dataclass(frozen=True)
class Rotations:
    """What Secrets Manager does around the function, and what it keeps."""

    client: "SecretsManagerClient"
    environment: dict[str, str]

    @cached_property
    def handler(self) -> Handler:
        """The function, started when it is first called: its logger takes the output of that moment."""
        return wire(self.environment)

    @cached_property
    def arns(self) -> dict[str, str]:
        return {name: self.environment[variable] for name, variable in VARIABLES.items()}

    def begin(self, name: str) -> str:
        """A rotation has begun: its version is pending and empty. The token of it."""
        token = str(uuid4())
        self.client.put_secret_value(
            SecretId=self.arns[name], ClientRequestToken=token, VersionStages=[PENDING]
        )
        return token

    def step(self, step: str, name: str, token: str) -> None:
        event = {"Step": step, "SecretId": self.arns[name], "ClientRequestToken": token}
        self.handler(event, Context())

    def rotate(self, name: str) -> str:
        token = self.begin(name)
        for step in Step:
            self.step(step, name, token)
        return token

    def stage(self, name: str, document: object) -> None:
        self.client.put_secret_value(
            SecretId=self.arns[name], SecretString=json.dumps(document), VersionStages=[STAGED]
        )

    def value(self, name: str, stage: str = CURRENT) -> Any:
        answer = self.client.get_secret_value(SecretId=self.arns[name], VersionStage=stage)
        return json.loads(answer["SecretString"])

    def labels(self, name: str) -> dict[str, list[str]]:
        """The versions, by id, with the labels that they carry."""
        return self.client.describe_secret(SecretId=self.arns[name])["VersionIdsToStages"]

    def has(self, name: str, label: str) -> bool:
        return any(label in labels for labels in self.labels(name).values())


@pytest.fixture
def razorpay() -> Iterator[RazorpaySimulator]:
    """Razorpay, where the next key is the one that opens."""
    keys = NEXT_KEYS
    with RazorpaySimulator(key_id=keys["key_id"], key_secret=keys["key_secret"], seed=7) as running:
        yield running


@pytest.fixture
def whatsapp() -> Iterator[WhatsAppSimulator]:
    """WhatsApp, where the next token is the one that speaks."""
    with WhatsAppSimulator(
        phone_number_id=PHONE_NUMBER_ID,
        token=NEXT_TOKEN,
        app_secret="p" * 32,
        verify_token="v" * 32,
    ) as running:
        yield running


@pytest.fixture
def environment(
    in_aws: dict[str, str],
    tables: Tables,
    unique: str,
    secrets_manager: "SecretsManagerClient",
    ssm: "SSMClient",
    razorpay: RazorpaySimulator,
    whatsapp: WhatsAppSimulator,
) -> dict[str, str]:
    arns = {
        name: secrets_manager.create_secret(Name=f"{unique}/{name}", SecretString=json.dumps(document))["ARN"]
        for name, document in AS_THEY_ARE.items()
    }
    for arn in arns.values():
        secrets_manager.rotate_secret(SecretId=arn, RotationRules={"AutomaticallyAfterDays": 90})
    parameters = {
        "RAZORPAY_BASE_URL_PARAMETER": ("razorpay", razorpay.url),
        "WHATSAPP_BASE_URL_PARAMETER": ("whatsapp", whatsapp.url),
        "WHATSAPP_PHONE_NUMBER_ID_PARAMETER": ("number", PHONE_NUMBER_ID),
    }
    for end, value in parameters.values():
        ssm.put_parameter(Name=f"/{unique}/{end}", Value=value, Type="String")
    return {
        "HASIVU_ENV": "test",
        "POWERTOOLS_SERVICE_NAME": unique,
        "AUDIT_TABLE": tables["audit"],
        **{VARIABLES[name]: arn for name, arn in arns.items()},
        **{variable: f"/{unique}/{end}" for variable, (end, _) in parameters.items()},
    }


@pytest.fixture
def rotations(environment: dict[str, str], secrets_manager: "SecretsManagerClient") -> Rotations:
    return Rotations(secrets_manager, environment)
