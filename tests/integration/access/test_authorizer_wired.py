"""The authoriser with its real parts: a Cognito pool, the key table, the pepper's secret."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from runtime.access.api_keys import new_api_key
from runtime.access.peppers import FIRST, Peppers
from runtime.functions.api_authorizer import Unauthorized, wire
from runtime.platform.function import Handler
from runtime.platform.settings import SettingsError
from tests.events import Context
from tests.integration.tables import Tables
from tests.unit.access.pool import key_pair

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:execute-api:ap-south-1:123456789012:abc123/live/GET/v1/payments"
PASSWORD = "Correct-Horse-1-Battery"
PEPPERS = Peppers({FIRST: "pepper-of-the-tests"}, FIRST)


class Pool:
    """A pool like the one that the stacks deploy: groups are roles, the tenancy is an attribute."""

    def __init__(self, client: "CognitoIdentityProviderClient", name: str) -> None:
        self.client = client
        self.id = client.create_user_pool(
            PoolName=name, Schema=[{"Name": "school_ids", "AttributeDataType": "String", "Mutable": True}]
        )["UserPool"]["Id"]
        self.client_id = self.new_client("web")

    def new_client(self, name: str) -> str:
        made = self.client.create_user_pool_client(
            UserPoolId=self.id,
            ClientName=name,
            ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        return made["UserPoolClient"]["ClientId"]

    def sign_in(self, name: str, *groups: str, schools: str = "", client_id: str = "") -> dict[str, str]:
        """The tokens of a new user."""
        self.client.admin_create_user(
            UserPoolId=self.id,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "custom:school_ids", "Value": schools}],
        )
        self.client.admin_set_user_password(
            UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True
        )
        for group in groups:
            self.client.create_group(UserPoolId=self.id, GroupName=group)
            self.client.admin_add_user_to_group(UserPoolId=self.id, Username=name, GroupName=group)
        answer: Any = self.client.admin_initiate_auth(
            UserPoolId=self.id,
            ClientId=client_id or self.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )
        return dict(answer["AuthenticationResult"])


@pytest.fixture
def pool(cognito: "CognitoIdentityProviderClient", unique: str) -> Pool:
    return Pool(cognito, unique)


@pytest.fixture
def environment(
    in_aws: dict[str, str], pool: Pool, tables: Tables, secrets_manager: "SecretsManagerClient", unique: str
) -> dict[str, str]:
    secret = secrets_manager.create_secret(
        Name=unique, SecretString=json.dumps({"pepper": PEPPERS.by_version[FIRST]})
    )
    return {
        **in_aws,
        "HASIVU_ENV": "test",
        "POWERTOOLS_SERVICE_NAME": f"api-authorizer-{unique}",
        "AUDIT_TABLE": tables["audit"],
        "API_KEYS_TABLE": tables["api_keys"],
        "API_KEY_PEPPER_SECRET_ARN": secret["ARN"],
        "USER_POOL_ID": pool.id,
        "USER_POOL_CLIENT_ID": pool.client_id,
    }


@pytest.fixture
def authoriser(environment: dict[str, str]) -> Handler:
    return wire(environment)


def ask(authoriser: Handler, header: str) -> dict[str, Any]:
    answer: dict[str, Any] = authoriser({"authorizationToken": header, "methodArn": ARN}, Context())
    return answer


def test_whoever_signed_in_is_known_by_the_id_token(authoriser: Handler, pool: Pool, tables: Tables) -> None:
    tokens = pool.sign_in("asha", "parent", "finance", schools="sch_1 sch_2")
    answer = ask(authoriser, f"Bearer {tokens['IdToken']}")
    assert answer["context"]["roles"] == "finance parent"
    assert answer["context"]["school_ids"] == "sch_1 sch_2"
    said = jwt.decode(tokens["IdToken"], options={"verify_signature": False})
    assert answer["principalId"] == answer["context"]["principal_id"] == said["sub"]
    assert answer["usageIdentifierKey"] == pool.client_id
    assert tables.items("audit") == []


def refused(authoriser: Handler, tables: Tables, header: str) -> None:
    with pytest.raises(Unauthorized):
        ask(authoriser, header)
    (line,) = tables.items("audit")
    assert (line["action"], line["outcome"], line["code"]) == (
        "access.authorise",
        "refused",
        "unauthenticated",
    )


def test_an_access_token_is_not_an_id_token(authoriser: Handler, pool: Pool, tables: Tables) -> None:
    refused(authoriser, tables, f"Bearer {pool.sign_in('asha', 'parent')['AccessToken']}")


def test_a_user_without_a_role_stays_outside(authoriser: Handler, pool: Pool, tables: Tables) -> None:
    refused(authoriser, tables, f"Bearer {pool.sign_in('asha', 'visitors')['IdToken']}")


def test_a_token_for_another_client_is_refused(authoriser: Handler, pool: Pool, tables: Tables) -> None:
    tokens = pool.sign_in("asha", "parent", client_id=pool.new_client("other"))
    refused(authoriser, tables, f"Bearer {tokens['IdToken']}")


def test_a_token_of_another_pool_is_refused(
    authoriser: Handler, cognito: "CognitoIdentityProviderClient", unique: str, tables: Tables
) -> None:
    stranger = Pool(cognito, f"{unique}-other")
    refused(authoriser, tables, f"Bearer {stranger.sign_in('asha', 'admin')['IdToken']}")


def test_a_token_that_somebody_signed_himself_is_refused(
    authoriser: Handler, pool: Pool, tables: Tables
) -> None:
    real = pool.sign_in("asha", "parent")["IdToken"]
    claims = jwt.decode(real, options={"verify_signature": False}) | {"cognito:groups": ["admin"]}
    kid = jwt.get_unverified_header(real)["kid"]
    refused(
        authoriser,
        tables,
        "Bearer " + jwt.encode(claims, key_pair("stranger"), "RS256", headers={"kid": kid}),
    )


def issue(
    tables: Tables,
    *,
    environment: str = "test",
    peppers: Peppers = PEPPERS,
    changes: Mapping[str, object] | None = None,
) -> str:
    key = new_api_key(
        environment,
        peppers,
        roles=["service"],
        school_ids=["sch_1"],
        label="Back office",
        now=datetime.now(UTC),
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    tables.put("api_keys", {**key.record, **(changes or {})})
    return key.text


def test_a_back_office_is_known_by_its_key(authoriser: Handler, tables: Tables, pool: Pool) -> None:
    text = issue(tables)
    answer = ask(authoriser, f"ApiKey {text}")
    assert answer["principalId"] == f"key-{text.split('_')[2]}"
    assert answer["context"]["roles"] == "service"
    assert answer["context"]["school_ids"] == "sch_1"
    assert answer["usageIdentifierKey"] == f"back-offices-{pool.client_id}"


def test_a_back_office_may_have_a_usage_plan_of_its_own(authoriser: Handler, tables: Tables) -> None:
    text = issue(tables, changes={"usage_plan_key": "back-office-of-sunrise-school"})
    assert ask(authoriser, f"ApiKey {text}")["usageIdentifierKey"] == "back-office-of-sunrise-school"


def test_a_rotation_of_the_pepper_ends_no_key_and_a_new_key_counts_at_once(
    environment: dict[str, str],
    authoriser: Handler,
    tables: Tables,
    secrets_manager: "SecretsManagerClient",
) -> None:
    before = issue(tables)
    assert ask(authoriser, f"ApiKey {before}")
    rotated = PEPPERS.superseded_by("a-pepper-that-chance-made-for-the-tests", now=datetime.now(UTC))
    secrets_manager.put_secret_value(
        SecretId=environment["API_KEY_PEPPER_SECRET_ARN"], SecretString=json.dumps(rotated.document())
    )
    after = issue(tables, peppers=rotated)
    assert ask(authoriser, f"ApiKey {after}"), "the cache still holds the peppers of before"
    assert ask(authoriser, f"ApiKey {before}")
    assert ask(wire(environment), f"ApiKey {before}"), "a function that never saw the pepper of before alone"


@pytest.mark.parametrize(
    "changes", [{"active": False}, {"expires_on": "2020-01-01T00:00:00.000Z"}, {"roles": []}]
)
def test_a_key_without_force_is_refused(
    authoriser: Handler, tables: Tables, changes: dict[str, object]
) -> None:
    refused(authoriser, tables, f"ApiKey {issue(tables, changes=changes)}")


def test_a_key_of_another_environment_or_with_another_secret_is_refused(
    authoriser: Handler, tables: Tables
) -> None:
    with pytest.raises(Unauthorized):
        ask(authoriser, f"ApiKey {issue(tables, environment='prod')}")
    with pytest.raises(Unauthorized):
        ask(authoriser, f"ApiKey {issue(tables)[:-1]}!")
    assert len(tables.items("audit")) == 2


def test_without_its_settings_it_does_not_start(environment: dict[str, str]) -> None:
    del environment["USER_POOL_ID"]
    with pytest.raises(SettingsError, match="USER_POOL_ID"):
        wire(environment)
