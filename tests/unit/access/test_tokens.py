"""Id tokens of the pool are believed; nothing else is."""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.access.signing_keys import JwksKeys
from runtime.access.tokens import LEEWAY_S, TOKEN_LENGTH_MAX, KeysUnavailable, TokenInvalid, TokenVerifier
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import SystemClock
from tests.unit.access.pool import CLIENT_ID, ISSUER, claims, forged, jwks, key_pair, public_pem, token


def verifier(*keys: str) -> TokenVerifier:
    document = jwks(*(keys or ("k1",)))
    return TokenVerifier(ISSUER, CLIENT_ID, JwksKeys(lambda: document, SystemClock()))


def refused(text: str) -> str:
    with pytest.raises(TokenInvalid) as caught:
        verifier().principal(text)
    return str(caught.value)


def token_saying(changes: dict[str, Any]) -> str:
    return token(**changes)


def test_a_good_token_tells_who_it_is() -> None:
    assert verifier().principal(token()) == Principal(
        "8f14e45f-ceea-467f-a8b0-1c2d3e4f5a6b", frozenset({Role.PARENT}), frozenset({"sch_1", "sch_2"})
    )


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        (["parent", "finance"], {Role.PARENT, Role.FINANCE}),
        (["ap-south-1_abc_Google", "operator"], {Role.OPERATOR}),
        (["Admin", "root", "*"], set()),
        ([], set()),
        (None, set()),
        ("admin", set()),
        ({"admin": True}, set()),
        ([["admin"], 7, None], set()),
    ],
)
def test_roles_are_the_groups_that_are_roles(groups: Any, roles: set[Role]) -> None:
    assert verifier().principal(token_saying({"cognito:groups": groups})).roles == roles


@pytest.mark.parametrize(
    ("schools", "expected"), [(None, set()), ("", set()), ("  sch_1   sch_2 ", {"sch_1", "sch_2"})]
)
def test_schools_are_those_of_the_attribute(schools: str | None, expected: set[str]) -> None:
    assert verifier().principal(token_saying({"custom:school_ids": schools})).school_ids == expected


NOW = int(time.time())
DAY_S = 24 * 3600  # NOW is when the tests were collected; a long run must not overtake it
BAD: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - LEEWAY_S - 5},
    "issued in the future": {"iat": NOW + DAY_S},
    "not yet valid": {"nbf": NOW + DAY_S},
    "another issuer": {"iss": ISSUER + "x"},
    "another pool's issuer": {"iss": ISSUER.replace("abcDEF123", "other")},
    "an issuer by http": {"iss": ISSUER.replace("https", "http")},
    "another audience": {"aud": "another-client"},
    "no audience": {"aud": None},
    "an access token": {"token_use": "access", "aud": None, "client_id": CLIENT_ID},
    "an access token with an audience": {"token_use": "access"},
    "a refresh token": {"token_use": "refresh"},
    "no use": {"token_use": None},
    "no expiry": {"exp": None},
    "no moment of issue": {"iat": None},
    "no issuer": {"iss": None},
    "no subject": {"sub": None},
    "a subject that is no text": {"sub": 7},
    "an expiry that is no number": {"exp": "tomorrow"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_token_that_says_something_else_is_refused(changes: dict[str, Any]) -> None:
    refused(token(**changes))


def test_clocks_may_differ_a_little() -> None:
    verifier().principal(token(exp=int(time.time()) - LEEWAY_S // 2))
    verifier().principal(token(iat=int(time.time()) + LEEWAY_S // 2))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256", "RS384", "PS256", "ES256"])
def test_only_the_pools_algorithm_counts(algorithm: str) -> None:
    assert "does not use" in refused(forged({"alg": algorithm, "kid": "k1"}, claims()))


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    signed = forged({"alg": "HS256", "kid": "k1", "typ": "JWT"}, claims())
    content = signed.rpartition(".")[0]
    signature = hmac.new(public_pem("k1"), content.encode(), hashlib.sha256).digest()
    refused(forged({"alg": "HS256", "kid": "k1", "typ": "JWT"}, claims(), signature))
    refused(forged({"alg": "RS256", "kid": "k1", "typ": "JWT"}, claims(), signature))


def test_a_key_inside_the_token_is_not_used() -> None:
    own_key = json.loads(jwks("stranger"))["keys"][0]
    text = forged(
        {"alg": "RS256", "kid": "k1", "jwk": own_key, "jku": "https://evil.example/jwks"}, claims(), b"x"
    )
    refused(text)


def test_anothers_signature_is_refused() -> None:
    assert refused(token(key="stranger", kid="k1")) == "InvalidSignatureError"


def test_a_key_that_is_not_the_pools_is_refused() -> None:
    assert "not the pool's" in refused(token(key="stranger", kid="stranger"))


@pytest.mark.parametrize("kid", [None, "", "K1", "k1 "])
def test_the_key_must_be_named_exactly(kid: object) -> None:
    refused(token(kid=kid))


@pytest.mark.parametrize("kid", [7, ["k1"], {"a": 1}, None])
def test_a_key_name_that_is_no_text_is_refused(kid: object) -> None:
    refused(forged({"alg": "RS256", "kid": kid}, claims()))


def test_what_was_changed_after_signing_is_refused() -> None:
    header, payload, signature = token().split(".")
    other_payload = token_saying({"cognito:groups": ["admin"]}).split(".")[1]
    refused(f"{header}.{other_payload}.{signature}")
    refused(f"{header}.{payload}.{signature[:-8]}")
    refused(f"{header}.{payload}.")
    refused(f"{header}.{payload}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "..",
        "a.b.c",
        "a.b.c.d",
        " ",
        "\x00",
        "\u0661.\u0661.\u0661",
        "\ud800",
        "é" * 100,
        "e30.e30.e30",
        "W10.W10.W10",
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    refused(text)


@given(st.text(max_size=200) | st.lists(st.text("abcXYZ019_-="), min_size=3, max_size=3).map(".".join))
def test_no_text_does_anything_but_be_refused(text: str) -> None:
    refused(text)


def test_an_endless_token_is_not_even_read() -> None:
    assert "longer" in refused("a" * (TOKEN_LENGTH_MAX + 1))
    assert "longer" in refused(token(filler="x" * TOKEN_LENGTH_MAX))


def test_a_refusal_does_not_repeat_the_token() -> None:
    for text in (token(iss="https://evil.example"), token(exp=1), forged({"alg": "none"}, claims())):
        assert text not in refused(text)
        assert "asha" not in refused(text)


def test_both_keys_are_good_while_the_pool_rotates() -> None:
    both = verifier("k1", "k2")
    assert both.principal(token(key="k1", kid="k1")) == both.principal(token(key="k2", kid="k2"))


def test_that_the_keys_cannot_be_read_is_no_refusal() -> None:
    def fetch() -> bytes:
        raise KeysUnavailable("down")

    with pytest.raises(KeysUnavailable):
        TokenVerifier(ISSUER, CLIENT_ID, JwksKeys(fetch, SystemClock())).principal(token())


def test_the_test_keys_are_real() -> None:
    assert key_pair("k1").key_size == 2048
    assert key_pair("k1") is not key_pair("stranger")
