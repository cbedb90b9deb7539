"""What the rest of the platform hears of splits: the events and their details, as contracts."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.events import SOURCE
from runtime.payments.splits.record import SplitRecord, Transfer
from runtime.platform.outbox import DomainEvent

SPLIT, SPLIT_REFUSED = "PaymentSplit", "PaymentSplitRefused"
SPLIT_DUE = "PaymentSplitDue"
"""Something is to be done at the gateway now. Heard by whoever does it; a sweep finds what was not heard."""
TRANSFER_FAILED, TRANSFER_REFUSED = "TransferFailed", "TransferRefused"
TERMS_CHANGED = "SplitTermsChanged"


class SplitEventDetail(BaseModel):
    """The detail of every event about a split; amounts are paise. No personal data.

    ``code`` says why a payment could not be split, or what the gateway said of a transfer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment_id: str
    gateway_payment_id: str
    school_id: str
    currency: str
    terms_number: int
    message_key: str
    captured_paise: int | None = None
    account_id: str | None = None
    transfer_id: str | None = None
    amount_paise: int | None = None
    code: str | None = None


class TermsEventDetail(BaseModel):
    """The detail of ``SplitTermsChanged``; ``effective_from`` is a day in India."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    school_id: str
    terms_number: int
    effective_from: str
    ends: bool
    message_key: str


def split_event(detail_type: str, record: SplitRecord) -> DomainEvent:
    """The event that tells of a split as a whole."""
    return _event(
        detail_type,
        record,
        f"{record.gateway_payment_id}:{record.version + 1}",
        captured_paise=record.split.captured_paise if record.split else None,
        code=record.unsplit,
    )


def transfer_failed(record: SplitRecord, transfer: Transfer) -> DomainEvent:
    """The event that a transfer did not reach its account."""
    return _event(
        TRANSFER_FAILED,
        record,
        transfer.transfer_id,
        account_id=transfer.account_id,
        transfer_id=transfer.transfer_id,
        amount_paise=transfer.amount_paise,
        code=transfer.error_reason,
    )


def transfer_refused(record: SplitRecord, name: str, code: str) -> DomainEvent:
    """The event that the gateway refused what was to be done for an account, or with a transfer."""
    transfer = record.transfers.get(name)
    return _event(
        TRANSFER_REFUSED,
        record,
        f"{record.gateway_payment_id}:{name}:{record.version + 1}",
        account_id=transfer.account_id if transfer else name,
        transfer_id=transfer.transfer_id if transfer else None,
        code=code,
    )


def terms_event(school_id: str, number: int, effective_from: str, *, ends: bool) -> DomainEvent:
    """The event that a school's terms were set or ended."""
    detail = TermsEventDetail(
        school_id=school_id,
        terms_number=number,
        effective_from=effective_from,
        ends=ends,
        message_key=f"{TERMS_CHANGED}:{school_id}:{number}",
    )
    return DomainEvent(SOURCE, TERMS_CHANGED, school_id, detail.model_dump(mode="json"))


def _event(detail_type: str, record: SplitRecord, key: str, **more: str | int | None) -> DomainEvent:
    detail = SplitEventDetail.model_validate(
        {
            "payment_id": record.payment_id,
            "gateway_payment_id": record.gateway_payment_id,
            "school_id": record.school_id,
            "currency": record.currency,
            "terms_number": record.terms_number,
            "message_key": f"{detail_type}:{key}",
            **more,
        }
    )
    return DomainEvent(SOURCE, detail_type, record.payment_id, detail.model_dump(mode="json"))
