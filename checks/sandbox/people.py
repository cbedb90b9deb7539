"""People to try the sandbox with: one in each role, with made-up addresses that reach nobody."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3

from checks.sandbox.api_client import ApiClient
from checks.sandbox.state import Endpoints
from runtime.access.api_keys import new_api_key
from runtime.access.peppers import Peppers
from runtime.platform.auth import Role
from runtime.platform.dynamodb import to_item

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import AttributeTypeTypeDef

ENVIRONMENT = "sandbox"
SCHOOL_ID, OTHER_SCHOOL_ID = "sunrise-public-school", "green-valley-school"
SCHOOLS = {SCHOOL_ID: "Sunrise Public School", OTHER_SCHOOL_ID: "Green Valley School"}

# No mobile number in India begins with a zero, so these belong to nobody.
_PHONES = {"parent": "+910000000001", "other_parent": "+910000000002"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    role: Role
    email: str
    principal_id: str
    api: ApiClient = field(repr=False)


@dataclass(frozen=True, slots=True)
class People:
    """Everybody, by the name of their part (a role, or `other_parent` of another school)."""

    by_part: dict[str, Person]

    def __getitem__(self, part: str) -> Person:
        return self.by_part[part]


def register_schools(session: boto3.Session) -> None:
    """Write the schools into the register, as HASIVU operations do."""
    client = session.client("dynamodb")
    for school_id, name in SCHOOLS.items():
        item = to_item({"school_id": school_id, "name": name, "active": True})
        client.put_item(TableName=f"hasivu-{ENVIRONMENT}-schools", Item=item)


def gather(session: boto3.Session, endpoints: Endpoints) -> People:
    """Create and sign in one person for each role, and make an API key for a back office."""
    client = session.client("cognito-idp")
    parts = [(role.value, role) for role in Role if role is not Role.SERVICE]
    parts.append(("other_parent", Role.PARENT))
    people = {part: _person(client, endpoints, part, role) for part, role in parts}
    people["service"] = back_office(session, endpoints)
    return People(people)


def _person(client: "CognitoIdentityProviderClient", endpoints: Endpoints, part: str, role: Role) -> Person:
    email = f"{part.replace('_', '-')}@sandbox.example"
    password = "Aa1!" + secrets.token_urlsafe(18)
    school = OTHER_SCHOOL_ID if part == "other_parent" else SCHOOL_ID
    attributes: list[AttributeTypeTypeDef] = [
        {"Name": "email", "Value": email},
        {"Name": "email_verified", "Value": "true"},
        {"Name": "custom:school_ids", "Value": school},
    ]
    if part in _PHONES:
        attributes.append({"Name": "phone_number", "Value": _PHONES[part]})
    pool = endpoints.user_pool_id
    try:
        client.admin_create_user(
            UserPoolId=pool, Username=email, UserAttributes=attributes, MessageAction="SUPPRESS"
        )
    except client.exceptions.UsernameExistsException:
        client.admin_update_user_attributes(UserPoolId=pool, Username=email, UserAttributes=attributes)
    client.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)
    client.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=role.value)
    signed_in = client.initiate_auth(
        ClientId=endpoints.user_pool_client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    token = signed_in["AuthenticationResult"]["IdToken"]
    user = client.admin_get_user(UserPoolId=pool, Username=email)
    sub = next(item["Value"] for item in user["UserAttributes"] if item["Name"] == "sub")
    return Person(role, email, sub, ApiClient(endpoints.api_url, f"Bearer {token}"))


def back_office(session: boto3.Session, endpoints: Endpoints) -> Person:
    """A back office with a new API key, made under the pepper that is current now."""
    client = session.client("secretsmanager")
    secret = client.get_secret_value(SecretId=f"hasivu/{ENVIRONMENT}/api-key-pepper")["SecretString"]
    now = datetime.now(UTC)
    key = new_api_key(
        ENVIRONMENT,
        Peppers.of(json.loads(secret)),
        roles=[Role.SERVICE.value],
        school_ids=[SCHOOL_ID],
        label="sandbox",
        now=now,
        expires_at=now + timedelta(days=1),
    )
    table = f"hasivu-{ENVIRONMENT}-api-keys"
    session.client("dynamodb").put_item(TableName=table, Item=to_item(key.record))
    return Person(
        Role.SERVICE,
        "back-office@sandbox.example",
        f"key-{key.record['key_id']}",
        ApiClient(endpoints.api_url, f"ApiKey {key.text}"),
    )
