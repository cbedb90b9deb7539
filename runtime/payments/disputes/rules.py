"""Where a dispute stands, given all that was heard of it: pure rules, merged as attempts are."""

from collections.abc import Iterable
from datetime import datetime

from runtime.payments.disputes.model import UNDECIDED, Dispute, DisputeStatus
from runtime.payments.refusal import Refused

CONTRADICTED = "dispute-contradicted"

_RANK = {
    DisputeStatus.OPEN: 0,
    DisputeStatus.UNDER_REVIEW: 1,
    DisputeStatus.CLOSED: 2,
    DisputeStatus.WON: 3,
    DisputeStatus.LOST: 4,
}
"""How far a dispute has come. ``lost`` ranks highest: money that is gone is never forgotten."""

_JOINED = {"amount_deducted_paise"}


def merge_dispute(known: Dispute | None, heard: Dispute) -> Dispute:
    """What is known of a dispute after ``heard``: further along wins, then the newer word.

    Raises Refused ``dispute-contradicted`` when the two differ in what a dispute is: its payment, amount or
    currency.
    """
    if known is None:
        return heard
    if _identity(known) != _identity(heard):
        raise Refused(CONTRADICTED, "Two words about one dispute differ in payment, amount or currency.")
    deducted_paise = max(known.amount_deducted_paise, heard.amount_deducted_paise)
    return max(known, heard, key=_order).model_copy(update={"amount_deducted_paise": deducted_paise})


def disputed_paise(disputes: Iterable[Dispute]) -> int:
    """What of a payment is contested or lost; it must not be refunded as well."""
    return sum(
        dispute.amount_paise
        for dispute in disputes
        if dispute.status in UNDECIDED or dispute.status is DisputeStatus.LOST
    )


def seconds_to_respond(dispute: Dispute, at: datetime) -> int | None:
    """How long evidence can still be given, in seconds (negative when it is too late); None when nothing is
    to be answered. ``at`` is timezone-aware."""
    if dispute.status is not DisputeStatus.OPEN or dispute.respond_by is None:
        return None
    return dispute.respond_by - int(at.timestamp())


def _identity(dispute: Dispute) -> tuple[str, str, int, str]:
    return (dispute.dispute_id, dispute.gateway_payment_id, dispute.amount_paise, dispute.currency)


def _order(dispute: Dispute) -> tuple[int, int, str]:
    """The total order of words about a dispute; the canonical text only breaks ties of one moment."""
    return (_RANK[dispute.status], dispute.observed_at, dispute.model_dump_json(exclude=_JOINED))
