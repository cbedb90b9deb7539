"""What a token, a mandate and a default are, given all that was heard: pure rules.

As with payments (ADR 0002), what is heard of a token is merged and a mandate's status is derived, so that
any order and any repetition of the same events ends in the same mandate.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from runtime.payments.methods.model import (
    Instrument,
    Mandate,
    MandateStatus,
    Method,
    TokenRecord,
    TokenState,
    TokenStatus,
)
from runtime.platform.clock import business_date, from_iso

FINAL = frozenset({TokenStatus.REJECTED, TokenStatus.CANCELLED})
"""Nothing comes after these: a mandate that ended is registered anew, under another token."""

_RANK = {
    TokenStatus.INITIATED: 0,
    TokenStatus.CONFIRMED: 1,
    TokenStatus.PAUSED: 2,
    TokenStatus.REJECTED: 3,
    TokenStatus.CANCELLED: 4,
}
"""Of two words of the same second the later in the life of a mandate counts."""

_STATUS = {
    TokenStatus.INITIATED: MandateStatus.INITIATED,
    TokenStatus.CONFIRMED: MandateStatus.ACTIVE,
    TokenStatus.PAUSED: MandateStatus.PAUSED,
    TokenStatus.REJECTED: MandateStatus.REJECTED,
    TokenStatus.CANCELLED: MandateStatus.CANCELLED,
}
ENDED = frozenset({MandateStatus.REJECTED, MandateStatus.CANCELLED, MandateStatus.EXPIRED})


def merge_token(known: TokenState | None, heard: TokenState) -> TokenState:
    """What is known after ``heard``: an end wins, then the newer word.

    A customer may pause and resume, so a mandate goes back and forth and the moment decides; after its end
    nothing does. The instrument is merged by itself: a word that omits it takes nothing away. Commutative,
    associative and idempotent.
    """
    if known is None:
        return heard
    described = [state.instrument for state in (known, heard) if state.instrument is not None]
    return max(known, heard, key=_order).model_copy(
        update={"instrument": max(described, key=_description, default=None)}
    )


def mandate_status(mandate: Mandate, tokens: Iterable[TokenRecord], now: datetime) -> MandateStatus:
    """The status that follows from the terms and from what was heard of the mandate's tokens."""
    token = current_token(tokens)
    heard = _STATUS[token.state.status] if token is not None and token.state is not None else None
    if heard in ENDED:
        return MandateStatus(heard)
    if mandate.cancel_requested_at is not None:
        return MandateStatus.CANCELLING if token is not None else MandateStatus.CANCELLED
    if now >= from_iso(mandate.ends_at):
        return MandateStatus.EXPIRED
    if heard is not None:
        return heard
    return MandateStatus.CREATED if token is None else MandateStatus.INITIATED


def current_token(tokens: Iterable[TokenRecord]) -> TokenRecord | None:
    """The token that counts, of all that came of one registration: one that lives before one that ended,
    the further along, the newer, and the identifier last so that there is always one answer."""

    def order(token: TokenRecord) -> tuple[bool, int, int, str]:
        state = token.state
        if state is None:
            return (True, -1, 0, token.token_id)
        return (state.status not in FINAL, _RANK[state.status], state.observed_at, token.token_id)

    return max(tokens, key=order, default=None)


def choose_method(
    methods: Iterable[Method], *, subscription_default: str | None, customer_default: str | None
) -> Method | None:
    """The method to debit: the subscription's own, else the customer's default, else none.

    A default that was revoked is passed over. None is an answer: nothing is debited by guessing.
    """
    live: Mapping[str, Method] = {method.method_id: method for method in methods if method.revoked_at is None}
    for wanted in (subscription_default, customer_default):
        if wanted is not None and wanted in live:
            return live[wanted]
    return None


def card_has_expired(method: Method, now: datetime) -> bool:
    """Whether a card's last month is over, in India; what has no such month does not expire."""
    last_month = method.instrument.expires_on
    return last_month is not None and business_date(now).strftime("%Y-%m") > last_month


def _order(state: TokenState) -> tuple[bool, int, int, str]:
    """The total order that decides which of two words about a token is kept."""
    return (
        state.status in FINAL,
        state.observed_at,
        _RANK[state.status],
        state.model_dump_json(exclude={"instrument"}),
    )


def _description(instrument: Instrument) -> tuple[int, str]:
    """The order of descriptions: the one that says more, and the text only so that none are tied."""
    text = instrument.model_dump_json(exclude_none=True)
    return (len(instrument.model_dump(exclude_none=True)), text)
