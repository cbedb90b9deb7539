"""What is heard of notices and tries, merged: pure rules. Any order and repetition ends the same."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from runtime.payments.debits.model import Notice, NoticeState, RetryRecord, Try
from runtime.payments.model import Attempt, AttemptStatus
from runtime.platform.clock import from_iso, iso

NEVER_MADE_AFTER = timedelta(hours=1)
"""A request is not under way for so long: what the gateway does not list by then was never made."""

_RANK = {NoticeState.RAISED: 0, NoticeState.DELIVERED: 1, NoticeState.FAILED: 2}
"""Failed counts above delivered: a notice that another one overrides fails after its delivery (Razorpay,
recurring payments, cards, FAQ 23), and in doubt nothing is debited."""


def hear_notice(
    record: RetryRecord,
    order_id: str,
    status: NoticeState,
    *,
    delivered_at: datetime | None,
    debit_at: datetime | None,
) -> RetryRecord:
    """``record`` with what is said of an order's notice; the same object when it is no news. A delivered one
    has its moment ``delivered_at``."""
    notices = tuple(
        _merged(notice, status, delivered_at, debit_at) if notice.order_id == order_id else notice
        for notice in record.notices
    )
    return record if notices == record.notices else record.model_copy(update={"notices": notices})


def _merged(
    notice: Notice, status: NoticeState, delivered_at: datetime | None, debit_at: datetime | None
) -> Notice:
    if _RANK[status] <= _RANK[notice.status]:
        return notice
    delivered = delivered_at if status is NoticeState.DELIVERED else None
    named = iso(debit_at) if notice.debit_at is None and debit_at is not None else notice.debit_at
    return notice.model_copy(
        update={
            "status": status,
            "delivered_at": None if delivered is None else iso(delivered),
            "debit_at": named,
        }
    )


def look_at(
    record: RetryRecord, order_id: str, listed: Iterable[tuple[str, Attempt]], now: datetime
) -> RetryRecord:
    """``record`` after the gateway listed an order's payments: ``(gateway_payment_id, attempt)``, the oldest
    first.

    A payment that no try is known by belongs to the try that has none. A try that the gateway does not list
    an hour after it was asked for was never made.
    """
    found = dict(listed)
    known = {one.gateway_payment_id for one in record.tries}
    strangers = [payment_id for payment_id in found if payment_id not in known]
    tries: list[Try] = []
    for one in record.tries:
        if one.order_id != order_id or one.not_made or one.refused is not None:
            tries.append(one)
            continue
        payment_id = one.gateway_payment_id
        if payment_id is None and strangers:
            payment_id = strangers.pop(0)
        matched = one.model_copy(update={"gateway_payment_id": payment_id})
        tries.append(_asked(matched, found.get(payment_id or ""), now))
    return record.model_copy(update={"tries": tuple(tries)})


def _asked(one: Try, attempt: Attempt | None, now: datetime) -> Try:
    if one.gateway_payment_id is None and now >= from_iso(one.initiated_at) + NEVER_MADE_AFTER:
        return one.model_copy(update={"not_made": True})
    if one.confirmed:
        return one
    failed = attempt is not None and attempt.status is AttemptStatus.FAILED
    return one.model_copy(
        update={"polls": one.polls + 1, "last_polled_at": iso(now), "confirmed": failed or one.confirmed}
    )
