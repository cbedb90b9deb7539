"""Asking a provider whether it takes a new value, by a call that changes nothing there."""

from collections.abc import Callable

from runtime.gateways.errors import GatewayError, GatewayRejected
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.whatsapp.client import WhatsAppClient
from runtime.rotation.refusals import PROVIDER_REFUSED, PROVIDER_UNREACHABLE, RotationRefused


def razorpay_takes(client: RazorpayClient) -> None:
    """See that the key opens the account: it lists one order. Raises RotationRefused."""
    _asked(lambda: client.list_orders(count=1), "Razorpay")


def whatsapp_takes(client: WhatsAppClient) -> None:
    """See that the token may speak for the telephone number. Raises RotationRefused."""
    _asked(client.see_number, "WhatsApp")


def _asked(call: Callable[[], object], provider: str) -> None:
    try:
        call()
    except GatewayRejected as rejected:
        raise RotationRefused(PROVIDER_REFUSED, f"{provider} answers {rejected.status}.") from None
    except GatewayError as error:
        raise RotationRefused(PROVIDER_UNREACHABLE, f"{provider} did not answer ({error.code}).") from None
