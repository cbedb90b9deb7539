"""What the rest of the platform hears of mandates and methods: the events and their details, as contracts."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.events import SOURCE
from runtime.payments.methods.model import Method, TokenRecord, TokenStatus
from runtime.platform.outbox import DomainEvent

MANDATE_DETAIL_TYPES = {
    TokenStatus.INITIATED: "MandateInitiated",
    TokenStatus.CONFIRMED: "MandateConfirmed",
    TokenStatus.PAUSED: "MandatePaused",
    TokenStatus.REJECTED: "MandateRejected",
    TokenStatus.CANCELLED: "MandateCancelled",
}


class MandateEventDetail(BaseModel):
    """The detail of every event about a mandate. No personal data; ``token_id`` opens nothing by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mandate_id: str
    payer_id: str
    token_id: str
    status: TokenStatus
    failure_reason: str | None
    message_key: str


class MethodEventDetail(BaseModel):
    """The detail of the events ``MethodSaved`` and ``MethodRevoked``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method_id: str
    payer_id: str
    kind: str
    message_key: str


def mandate_event(token: TokenRecord) -> DomainEvent | None:
    """The event that tells of a token's present state; None while nothing is known, or not whose it is."""
    if token.state is None or token.mandate_id is None or token.payer_id is None:
        return None
    detail_type = MANDATE_DETAIL_TYPES[token.state.status]
    detail = MandateEventDetail(
        mandate_id=token.mandate_id,
        payer_id=token.payer_id,
        token_id=token.token_id,
        status=token.state.status,
        failure_reason=token.state.failure_reason,
        message_key=f"{detail_type}:{token.token_id}:{token.state.observed_at}",
    )
    return DomainEvent(SOURCE, detail_type, token.mandate_id, detail.model_dump(mode="json"))


def method_event(method: Method) -> DomainEvent:
    """``MethodSaved``, or ``MethodRevoked`` once it is."""
    detail_type = "MethodSaved" if method.revoked_at is None else "MethodRevoked"
    detail = MethodEventDetail(
        method_id=method.method_id,
        payer_id=method.payer_id,
        kind=method.instrument.kind.value,
        message_key=f"{detail_type}:{method.method_id}",
    )
    return DomainEvent(SOURCE, detail_type, method.method_id, detail.model_dump(mode="json"))
