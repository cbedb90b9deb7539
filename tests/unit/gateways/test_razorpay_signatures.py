"""Signatures: known vectors, and that nothing else passes."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.razorpay.signatures import (
    SECRETS_MAX,
    checkout_signature_is_valid,
    payment_link_signature_is_valid,
    sign,
    subscription_signature_is_valid,
    webhook_signature_is_valid,
)

SECRET = "a-made-up-secret"


def reference(message: str, secret: str = SECRET) -> str:
    """HMAC by its definition in RFC 2104, without the library's own HMAC."""
    key = secret.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message.encode()).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


def test_the_published_vector_holds() -> None:
    """Key ``secret``, message ``test``."""
    signature = sign(b"test", "secret")
    assert len(signature) == 64
    assert signature.startswith("0329a06b")
    assert signature.endswith("c0914")
    assert signature == reference("test", "secret")
    assert webhook_signature_is_valid(b"test", signature, ["secret"])


def test_rfc_4231_case_2_holds() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(b"what do ya want for nothing?", "Jefe") == expected


def test_a_checkout_signs_order_then_payment() -> None:
    signature = reference("order_1|pay_1")
    assert checkout_signature_is_valid(
        order_id="order_1", payment_id="pay_1", signature=signature, key_secret=SECRET
    )
    assert not checkout_signature_is_valid(
        order_id="pay_1", payment_id="order_1", signature=signature, key_secret=SECRET
    )
    assert not checkout_signature_is_valid(
        order_id="order_2", payment_id="pay_1", signature=signature, key_secret=SECRET
    )


def test_a_subscription_signs_payment_then_subscription() -> None:
    signature = reference("pay_1|sub_1")
    assert subscription_signature_is_valid(
        subscription_id="sub_1", payment_id="pay_1", signature=signature, key_secret=SECRET
    )
    assert not subscription_signature_is_valid(
        subscription_id="pay_1", payment_id="sub_1", signature=signature, key_secret=SECRET
    )


@pytest.mark.parametrize("reference_id", ["lnk_1", ""])
def test_a_payment_link_signs_link_reference_status_and_payment(reference_id: str) -> None:
    signature = reference(f"plink_1|{reference_id}|paid|pay_1")

    def valid(status: str) -> bool:
        return payment_link_signature_is_valid(
            payment_link_id="plink_1",
            reference_id=reference_id,
            status=status,
            payment_id="pay_1",
            signature=signature,
            key_secret=SECRET,
        )

    assert valid("paid")
    assert not valid("partially_paid")


@given(st.binary(max_size=200), st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=SECRETS_MAX))
def test_a_webhook_of_any_live_secret_is_valid(body: bytes, secrets: list[str]) -> None:
    for secret in secrets:
        assert webhook_signature_is_valid(body, sign(body, secret), secrets)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_webhook_is_valid_for_its_own_bytes_only(body: bytes, other: bytes) -> None:
    assert webhook_signature_is_valid(other, sign(body, SECRET), [SECRET]) is (other == body)


@given(st.text(max_size=80))
def test_no_other_signature_is_valid(signature: str) -> None:
    expected = sign(b"body", SECRET)
    assert webhook_signature_is_valid(b"body", signature, [SECRET]) is (signature == expected)


@pytest.mark.parametrize("signature", ["", "\udcff", "é" * 64, "0" * 64, "A" * 10_000])
def test_a_strange_signature_is_false_and_no_error(signature: str) -> None:
    assert not webhook_signature_is_valid(b"body", signature, [SECRET])


def test_an_upper_case_or_spaced_signature_is_another_signature() -> None:
    signature = sign(b"body", SECRET)
    assert not webhook_signature_is_valid(b"body", signature.upper(), [SECRET])
    assert not webhook_signature_is_valid(b"body", f" {signature}", [SECRET])


def test_every_secret_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    compare = hmac.compare_digest

    def count(first: bytes, second: bytes) -> bool:
        compared.append(first)
        return compare(first, second)

    monkeypatch.setattr(hmac, "compare_digest", count)
    assert webhook_signature_is_valid(b"body", sign(b"body", "first"), ["first", "second", "third"])
    assert len(compared) == 3


@pytest.mark.parametrize("secrets", [[], [""], ["good", ""], ["s"] * (SECRETS_MAX + 1)])
def test_without_good_secrets_nothing_is_verified(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhook_signature_is_valid(b"body", sign(b"body", "good"), secrets)


def test_without_a_key_secret_no_checkout_is_verified() -> None:
    with pytest.raises(ValueError, match="secret"):
        checkout_signature_is_valid(order_id="o", payment_id="p", signature="", key_secret="")
