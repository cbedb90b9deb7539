"""The pool's keys: fetched when needed, kept, fetched again for a new one, and not at a forger's pace."""

import json
from datetime import UTC, datetime

import pytest

from runtime.access.signing_keys import KEYS_MAX, REFETCH_AFTER_S, JwksKeys
from runtime.access.tokens import KeysUnavailable, TokenInvalid
from runtime.platform.clock import FixedClock
from tests.unit.access.pool import jwks, key_pair


class Pool:
    """Publishes keys, or does not answer."""

    def __init__(self, *names: str) -> None:
        self.document = jwks(*names)
        self.answers = True
        self.fetched = 0
        self.clock = FixedClock(datetime(2026, 4, 1, tzinfo=UTC))
        self.keys = JwksKeys(self.fetch, self.clock)

    def fetch(self) -> bytes:
        self.fetched += 1
        if not self.answers:
            raise KeysUnavailable("status 503")
        return self.document


def test_nothing_is_fetched_before_it_is_needed_and_then_once() -> None:
    pool = Pool("k1", "k2")
    assert pool.fetched == 0
    for name in ("k1", "k2", "k1"):
        assert pool.keys.key_for(name).public_numbers() == key_pair(name).public_key().public_numbers()
    assert pool.fetched == 1


def test_a_rotated_key_is_found_and_the_old_one_forgotten() -> None:
    pool = Pool("k1")
    pool.keys.key_for("k1")
    pool.document = jwks("k2")
    pool.clock.advance(seconds=REFETCH_AFTER_S)
    assert pool.keys.key_for("k2")
    with pytest.raises(TokenInvalid):
        pool.keys.key_for("k1")


def test_forged_key_ids_do_not_hammer_the_pool() -> None:
    pool = Pool("k1")
    for number in range(100):
        with pytest.raises(TokenInvalid):
            pool.keys.key_for(f"forged-{number}")
        pool.clock.advance(seconds=1)
    assert pool.fetched == 2
    assert pool.keys.key_for("k1")


def test_known_keys_survive_a_pool_that_does_not_answer() -> None:
    pool = Pool("k1")
    pool.keys.key_for("k1")
    pool.answers = False
    pool.clock.advance(seconds=REFETCH_AFTER_S)
    with pytest.raises(KeysUnavailable):
        pool.keys.key_for("k2")
    assert pool.keys.key_for("k1")


def test_after_a_failed_fetch_the_next_need_fetches_again() -> None:
    pool = Pool("k1")
    pool.answers = False
    with pytest.raises(KeysUnavailable):
        pool.keys.key_for("k1")
    pool.answers = True
    assert pool.keys.key_for("k1")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":[1]}',
        b'{"keys":["k"]}',
        b'{"keys":[{"kty":"RSA"}]}',
        b'{"keys":[{"kty":"RSA","kid":"k1"}]}',
        b'{"keys":[{"kty":"RSA","kid":"k1","n":"!","e":"AQAB"}]}',
        b'{"keys":[{"kty":"RSA","kid":[],"n":"AQAB","e":"AQAB"}]}',
    ],
)
def test_a_malformed_document_is_no_keys_at_all_and_no_crash(document: bytes) -> None:
    pool = Pool()
    pool.document = document
    with pytest.raises(KeysUnavailable):
        pool.keys.key_for("k1")


def test_only_rsa_keys_count() -> None:
    keys = json.loads(jwks("k1"))["keys"]
    symmetric = {"kty": "oct", "kid": "k0", "k": "c2VjcmV0", "alg": "HS256"}
    pool = Pool()
    pool.document = json.dumps({"keys": [symmetric, *keys]}).encode()
    assert pool.keys.key_for("k1")
    with pytest.raises(TokenInvalid):
        pool.keys.key_for("k0")


def test_an_endless_document_is_cut() -> None:
    (key,) = json.loads(jwks("k1"))["keys"]
    pool = Pool()
    pool.document = json.dumps(
        {"keys": [key | {"kid": f"k{number}"} for number in range(KEYS_MAX + 5)]}
    ).encode()
    assert pool.keys.key_for(f"k{KEYS_MAX - 1}")
    with pytest.raises(TokenInvalid):
        pool.keys.key_for(f"k{KEYS_MAX}")
