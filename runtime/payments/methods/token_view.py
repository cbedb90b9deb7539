"""What Razorpay says of a token, in the terms of this project: a pure translation.

Only what may be kept is taken over: of a card its network, issuer, last four digits and last month; of a UPI
handle its first letter; of a bank account the bank alone.
"""

from runtime.gateways.razorpay.models import Card, Token
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.methods.model import Instrument, InstrumentKind, TokenState, TokenStatus
from runtime.payments.rules import mask_vpa
from runtime.platform.telemetry import mask_text

FAILURE_REASON_MAX = 200


def token_state_from(token: Token, *, observed_at: int) -> TokenState:
    """What a gateway's token says. Raises StatusNotKnown for a status that is not documented.

    A saved card without a mandate has no status at all; it can be used, so it counts as confirmed.
    """
    said = token.recurring_details.status
    try:
        status = TokenStatus.CONFIRMED if said in (None, "not_applicable") else TokenStatus(said)
    except ValueError:
        raise StatusNotKnown(f"token status {str(said)[:40]!r}") from None
    reason = token.recurring_details.failure_reason
    return TokenState(
        status=status,
        observed_at=observed_at,
        failure_reason=mask_text(reason)[:FAILURE_REASON_MAX] if reason else None,
        instrument=instrument_from(token),
        max_amount_paise=token.max_amount,
        expires_at=token.expired_at,
    )


def instrument_from(token: Token) -> Instrument | None:
    """What may be kept of the instrument behind a token; None where its kind is not one of ours."""
    try:
        kind = InstrumentKind(token.method or "")
    except ValueError:
        return None
    card = token.card
    return Instrument(
        kind=kind,
        last4=card.last4 if card else None,
        network=card.network if card else None,
        issuer=card.issuer if card else None,
        expires_on=_last_month(card) if card else None,
        vpa_masked=mask_vpa(token.vpa.address) if token.vpa else None,
        bank=token.bank,
        wallet=token.wallet,
    )


def _last_month(card: Card) -> str | None:
    """``2028-03`` from the month and year of a card, which come as numbers or texts; None for nonsense."""
    try:
        month, year = int(card.expiry_month or 0), int(card.expiry_year or 0)
    except ValueError:
        return None
    year += 2000 if 0 < year < 100 else 0
    return f"{year:04d}-{month:02d}" if 1 <= month <= 12 and 2000 <= year <= 9999 else None
