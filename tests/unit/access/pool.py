"""A user pool of our own making: keys, their document, and tokens good and bad."""

import base64
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_abcDEF123"
CLIENT_ID = "3n4b5urk1ft4fl3mg5e62d9ado"


@cache
def key_pair(name: str) -> rsa.RSAPrivateKey:
    """The key that goes by ``name``; made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(name: str) -> bytes:
    return (
        key_pair(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def jwks(*names: str) -> bytes:
    """The document that publishes the keys; a key's id is its name."""
    keys = []
    for name in names:
        key: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key_pair(name).public_key()))
        keys.append(key | {"kid": name, "alg": "RS256", "use": "sig"})
    return json.dumps({"keys": keys}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """What a good id token says; a change to None leaves the claim out."""
    now = int(time.time())
    good = {
        "sub": "8f14e45f-ceea-467f-a8b0-1c2d3e4f5a6b",
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "token_use": "id",
        "iat": now - 10,
        "auth_time": now - 10,
        "exp": now + 3600,
        "cognito:groups": ["parent"],
        "cognito:username": "asha",
        "custom:school_ids": "sch_1 sch_2",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(*, key: str = "k1", kid: object = "k1", **changes: Any) -> str:
    """A token signed by ``key``, said to be signed by ``kid``."""
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**changes), key_pair(key), algorithm="RS256", headers=headers)


def forged(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
