"""How a person can be reached. Cognito is the only place that holds telephone numbers and e-mail
addresses."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


@dataclass(frozen=True, slots=True)
class Contact:
    """A person's ways to be reached; none of it is shown in a repr."""

    name: str | None = field(default=None, repr=False)
    phone_e164: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


class Contacts:
    """Looks people up in the user pool."""

    def __init__(self, client: "CognitoIdentityProviderClient", user_pool_id: str) -> None:
        self._client = client
        self._user_pool_id = user_pool_id

    def find(self, principal_id: str) -> Contact:
        """The person's contact; an empty one when there is no such person, or they are disabled."""
        try:
            user = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=principal_id)
        except self._client.exceptions.UserNotFoundException:
            return Contact()
        if not user.get("Enabled", False):
            return Contact()
        attributes = {
            attribute["Name"]: attribute.get("Value", "") for attribute in user.get("UserAttributes", [])
        }
        return Contact(
            name=attributes.get("name") or None,
            phone_e164=attributes.get("phone_number") or None,
            email=attributes.get("email") or None,
        )
