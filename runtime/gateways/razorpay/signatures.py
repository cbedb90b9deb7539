"""Razorpay's signatures: HMAC-SHA256 in hexadecimal, compared in constant time.

What is signed with which key, by Razorpay's documentation (payment gateway, "verify payment
signature"; subscriptions; payment links; webhooks, "validate"):

================  ==============================================  ===================
what              message                                         key
================  ==============================================  ===================
checkout payment  ``order_id|payment_id``                         API key secret
subscription      ``payment_id|subscription_id``                  API key secret
payment link      ``plink_id|reference_id|status|payment_id``     API key secret
webhook           the body, byte for byte                         webhook secret
================  ==============================================  ===================
"""

import hashlib
import hmac
from collections.abc import Collection

SECRETS_MAX = 8
"""Secrets that may be live at once. During a rotation there are two; events that Razorpay retries keep
the signature of the secret that was live when they were first sent."""


def sign(message: bytes, secret: str) -> str:
    """The signature of ``message``: 64 lower-case hexadecimal digits. Raises ValueError without a secret."""
    if not secret:
        raise ValueError("an empty secret would let anybody sign; configure one")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def checkout_signature_is_valid(*, order_id: str, payment_id: str, signature: str, key_secret: str) -> bool:
    """Whether the checkout's answer for a payment of an order comes from Razorpay.

    ``order_id`` must be the one kept on our side, never the one that came with the answer: otherwise
    a valid answer for one order would pay for another.
    """
    return _matches(f"{order_id}|{payment_id}".encode(), signature, key_secret)


def subscription_signature_is_valid(
    *, subscription_id: str, payment_id: str, signature: str, key_secret: str
) -> bool:
    """Whether the checkout's answer for a subscription comes from Razorpay; here the payment comes first."""
    return _matches(f"{payment_id}|{subscription_id}".encode(), signature, key_secret)


def payment_link_signature_is_valid(
    *,
    payment_link_id: str,
    reference_id: str,
    status: str,
    payment_id: str,
    signature: str,
    key_secret: str,
) -> bool:
    """Whether the redirect back from a payment link comes from Razorpay. ``reference_id`` may be empty."""
    message = f"{payment_link_id}|{reference_id}|{status}|{payment_id}"
    return _matches(message.encode(), signature, key_secret)


def webhook_signature_is_valid(raw_body: bytes, signature: str, secrets: Collection[str]) -> bool:
    """Whether ``raw_body``, as received, was signed with one of the live ``secrets``.

    All secrets are tried whatever matches, so the time says nothing about which one did. Raises
    ValueError for none, more than ``SECRETS_MAX``, or an empty one.
    """
    if not 1 <= len(secrets) <= SECRETS_MAX:
        raise ValueError(f"between 1 and {SECRETS_MAX} webhook secrets must be live")
    valid = False
    for secret in secrets:
        valid |= _matches(raw_body, signature, secret)
    return valid


def _matches(message: bytes, signature: str, secret: str) -> bool:
    # Bytes, because comparing text that is not ASCII raises instead of answering.
    return hmac.compare_digest(sign(message, secret).encode(), signature.encode("utf-8", "surrogatepass"))
