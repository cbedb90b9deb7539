"""Which payment links a caller may see: its own, and those of its schools."""

from runtime.payments.links.model import PaymentLink
from runtime.payments.links.repository import LinkRepository
from runtime.payments.visibility import may_see
from runtime.platform.auth import Principal
from runtime.platform.errors import LINK_NOT_FOUND, Problem
from runtime.platform.ids import is_id


def visible_link(links: LinkRepository, principal: Principal, link_id: str) -> PaymentLink:
    """The link if the caller may see it. What it may not see does not exist for it: both raise Problem
    ``payment-link-not-found``."""
    link = links.get(link_id) if is_id(link_id, "plk") else None
    if link is None or not may_see(principal, payer_id=link.payer_id, school_id=link.school_id):
        raise Problem(LINK_NOT_FOUND, "No payment link of yours has that identifier.")
    return link
