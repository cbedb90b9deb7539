"""What is known of transfers, given all that was heard of them: pure rules, merged as attempts are."""

from collections.abc import Iterable

from runtime.gateways.razorpay.models import Reversal as GatewayReversal
from runtime.gateways.razorpay.models import Transfer as GatewayTransfer
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.splits.record import SplitRecord, Transfer, TransferStatus

_RANK = {status: rank for rank, status in enumerate(TransferStatus)}
"""How far a transfer has come, in the order of the statuses: ``processed`` outranks ``failed``, for money
that may be gone is never paid again by itself."""


def transfer_from(transfer: GatewayTransfer, *, observed_at: int) -> Transfer:
    """The transfer that a gateway transfer is. Raises StatusNotKnown."""
    try:
        status = TransferStatus(transfer.status or "")
    except ValueError:
        raise StatusNotKnown(f"transfer status {(transfer.status or '')[:40]!r}") from None
    failed = status is TransferStatus.FAILED
    return Transfer(
        transfer_id=transfer.id,
        account_id=transfer.recipient or "",
        amount_paise=transfer.amount,
        currency=transfer.currency,
        status=status,
        observed_at=observed_at,
        reversed_paise=transfer.amount_reversed or 0,
        on_hold=bool(transfer.on_hold),
        on_hold_until=transfer.on_hold_until,
        settled=transfer.recipient_settlement_id is not None,
        fee_paise=transfer.fees,
        tax_paise=transfer.tax,
        error_reason=transfer.error.reason if failed else None,
        error_description=transfer.error.description if failed else None,
    )


def with_reversals(transfer: Transfer, told: Iterable[GatewayReversal]) -> Transfer:
    """``transfer`` with what is told of its reversals, of which each is a part of what was reversed."""
    key = (transfer.transfer_id, transfer.currency)
    mine = (each for each in told if (each.transfer_id, each.currency) == key and each.amount)
    return _naming(transfer, transfer.reversals | {each.id: each.amount for each in mine})


def hear_transfer(record: SplitRecord, heard: Transfer) -> SplitRecord:
    """``record`` with a word about a transfer merged; the same object when it was no news."""
    known = record.transfers.get(heard.transfer_id)
    merged = merge_transfer(known, heard)
    if known is not None and merged.model_copy(update={"observed_at": known.observed_at}) == known:
        return record
    transfers = record.transfers | {heard.transfer_id: merged}
    return record.model_copy(update={"transfers": dict(sorted(transfers.items()))})


def merge_transfer(known: Transfer | None, heard: Transfer) -> Transfer:
    """What is known of a transfer after ``heard``: further along wins, then the newer word.

    What was reversed, the reversals, the fee and the settlement are merged by themselves, for they only ever
    grow; the hold is the newest word's. A transfer keeps its account and amount, whatever a word says.
    """
    if known is None:
        return heard
    held, charged = max(known, heard, key=_hold), max(known, heard, key=_charge)
    merged = max(known, heard, key=_order).model_copy(
        update={
            "account_id": known.account_id,
            "amount_paise": known.amount_paise,
            "currency": known.currency,
            "observed_at": held.observed_at,
            "reversed_paise": max(known.reversed_paise, heard.reversed_paise),
            "on_hold": held.on_hold,
            "on_hold_until": held.on_hold_until,
            "settled": known.settled or heard.settled,
            "fee_paise": charged.fee_paise,
            "tax_paise": charged.tax_paise,
        }
    )
    both = known.reversals.keys() | heard.reversals.keys()
    return _naming(
        merged, {name: max(known.reversals.get(name, 0), heard.reversals.get(name, 0)) for name in both}
    )


def newly_failed(before: SplitRecord, after: SplitRecord) -> list[Transfer]:
    """The transfers that have failed between the two."""
    failed = (each for each in after.transfers.values() if each.status is TransferStatus.FAILED)
    return [
        each
        for each in failed
        if (known := before.transfers.get(each.transfer_id)) is None
        or known.status is not TransferStatus.FAILED
    ]


def _naming(transfer: Transfer, reversals: dict[str, int]) -> Transfer:
    reversed_paise = max(transfer.reversed_paise, sum(reversals.values()))
    return transfer.model_copy(
        update={"reversed_paise": reversed_paise, "reversals": dict(sorted(reversals.items()))}
    )


def _order(transfer: Transfer) -> tuple[int, int, str]:
    """Further along, then newer; the canonical text only breaks ties of one moment."""
    return (_RANK[transfer.status], transfer.observed_at, transfer.model_dump_json())


def _hold(transfer: Transfer) -> tuple[int, bool, int]:
    """The newest word; of one moment the one that holds less, for a release follows what it ends."""
    return (transfer.observed_at, not transfer.on_hold, -(transfer.on_hold_until or 0))


def _charge(transfer: Transfer) -> tuple[int, int]:
    return (
        -1 if transfer.fee_paise is None else transfer.fee_paise,
        -1 if transfer.tax_paise is None else transfer.tax_paise,
    )
