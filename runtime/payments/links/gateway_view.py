"""What Razorpay says of a payment link, in the terms of this project: a pure translation."""

from runtime.gateways.razorpay.models import PaymentLink as GatewayLink
from runtime.payments.links.model import LinkEnd, LinkState

_ENDS = {end.value: end for end in LinkEnd}


def link_state_from(link: GatewayLink) -> LinkState:
    """The state that a gateway link is in. ``created``, ``partially_paid`` and ``paid`` say nothing that its
    payments do not say better."""
    return LinkState(
        gateway_link_id=link.id,
        order_id=link.order_id,
        short_url=link.short_url,
        ended=_ENDS.get(link.status),
    )
