"""What proves that an answer came from the gateway: HMAC-SHA256 with the key secret, in hex."""

import hashlib
import hmac

from checks.sandbox.razorpay.gateway import Gateway


def _sign(gw: Gateway, message: str) -> str:
    return hmac.new(gw.key_secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def checkout(gw: Gateway, order_id: str, payment_id: str) -> str:
    """`order_id|payment_id`."""
    return _sign(gw, f"{order_id}|{payment_id}")


def payment_link(gw: Gateway, link_id: str, reference_id: str, status: str, payment_id: str) -> str:
    """`plink_id|reference_id|status|payment_id`."""
    return _sign(gw, f"{link_id}|{reference_id}|{status}|{payment_id}")
