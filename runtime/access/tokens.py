"""Cognito's id tokens: RS256 signatures checked against the pool's published keys.

Source: Amazon Cognito developer guide, "Verifying JSON web tokens": the signature, ``iss``, ``aud`` (the app
client), ``exp`` and ``token_use``. The id token is used and not the access token, because only it carries
custom attributes, and the tenancy (``custom:school_ids``) is one.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import jwt

from runtime.platform.auth import Principal, roles_named

ALGORITHM = "RS256"
USES = frozenset({"id"})
LEEWAY_S = 30
"""Clocks differ a little."""

TOKEN_LENGTH_MAX = 8_192


class TokenInvalid(Exception):
    """The token is not one of ours, not valid, or no longer."""


class KeysUnavailable(Exception):
    """The pool's keys could not be read: nothing can be said about the token."""


class SigningKeys(Protocol):
    """Where the pool's public keys come from."""

    def key_for(self, key_id: str) -> Any:
        """The RSA public key. Raises TokenInvalid for an unknown id and KeysUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies id tokens of one pool and one app client."""

    issuer: str
    client_id: str
    keys: SigningKeys

    def principal(self, token: str) -> Principal:
        """Who the token speaks of. Raises TokenInvalid or KeysUnavailable."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenInvalid("longer than any token of the pool")
        if not token.isascii():
            raise TokenInvalid("not a token")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise TokenInvalid("not a token") from None
        key_id = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
            raise TokenInvalid("signed in a way that the pool does not use")
        try:
            claims = jwt.decode(
                token,
                self.keys.key_for(key_id),
                algorithms=[ALGORITHM],
                audience=self.client_id,
                issuer=self.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "token_use"]},
            )
        except jwt.PyJWTError as error:
            raise TokenInvalid(type(error).__name__) from None
        if claims["token_use"] not in USES:
            raise TokenInvalid("not an id token")
        groups = claims.get("cognito:groups", [])
        return Principal(
            principal_id=str(claims["sub"]),
            roles=roles_named([str(group) for group in groups] if isinstance(groups, list) else []),
            school_ids=frozenset(str(claims.get("custom:school_ids", "")).split()),
        )
