"""What is stored of a debit, in the planner's terms: a pure translation."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from runtime.payments.debits.downtimes import KeptDowntime
from runtime.payments.debits.model import Because, Notice, NoticeState, PlanKind, PlanRecord, RetryRecord, Try
from runtime.payments.methods.model import Instrument, Mandate, MandateStatus, TokenRecord
from runtime.payments.methods.rules import current_token, mandate_status
from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.retry import situation as planner
from runtime.payments.retry.declines import declines
from runtime.payments.retry.law import Constraint, Method
from runtime.payments.retry.plan import AskCustomer, Plan, Poll, Retry
from runtime.platform.clock import from_iso, iso

_MANDATE_STATUS = {
    MandateStatus.CREATED: planner.MandateStatus.INITIATED,
    MandateStatus.INITIATED: planner.MandateStatus.INITIATED,
    MandateStatus.ACTIVE: planner.MandateStatus.CONFIRMED,
    MandateStatus.PAUSED: planner.MandateStatus.PAUSED,
    MandateStatus.CANCELLING: planner.MandateStatus.CANCELLED,
    MandateStatus.CANCELLED: planner.MandateStatus.CANCELLED,
    MandateStatus.REJECTED: planner.MandateStatus.REJECTED,
    MandateStatus.EXPIRED: planner.MandateStatus.EXPIRED,
}
"""A mandate whose end we asked for is not debited any more, whatever the bank still has to confirm."""

_WITH_MONEY = frozenset({AttemptStatus.AUTHORIZED, AttemptStatus.CAPTURED, AttemptStatus.REFUNDED})


def situation_of(
    payment: Payment,
    record: RetryRecord,
    mandate: Mandate,
    tokens: Sequence[TokenRecord],
    downtimes: Iterable[KeptDowntime],
    now: datetime,
) -> planner.Situation:
    """Everything that the planner is told. Raises SituationInvalid for what cannot be meant."""
    token = current_token(tokens)
    instrument = token.state.instrument if token is not None and token.state is not None else None
    attempts = [_attempt(one, payment) for one in record.made] + _strangers_with_money(payment, record, now)
    notice = record.notices[-1] if record.notices else None
    return planner.Situation(
        debit=_debit(payment, mandate, instrument),
        mandate=_mandate(payment, mandate, tokens, now),
        now=now,
        attempts=tuple(sorted(attempts, key=lambda attempt: attempt.initiated_at)),
        notice=None if notice is None else _notice(notice, payment.amount_paise),
        downtimes=tuple(told for one in downtimes for told in _downtimes(one))[: planner.DOWNTIMES_MAX],
        manual=record.manual,
    )


def plan_record(plan: Plan, now: datetime) -> PlanRecord:
    """A plan as it is stored."""
    because = tuple(because_of(why) for why in plan.because)
    if isinstance(plan, Retry):
        return PlanRecord(
            kind=PlanKind.RETRY,
            at=iso(plan.at),
            notify_at=None if plan.notify_at is None else iso(plan.notify_at),
            attempt_no=plan.attempt_no,
            cycle_attempt_no=plan.cycle_attempt_no,
            because=because,
            planned_at=iso(now),
        )
    if isinstance(plan, Poll):
        return PlanRecord(
            kind=PlanKind.POLL,
            at=iso(plan.at),
            reason=plan.reason.value,
            subject=plan.subject.value,
            because=because,
            planned_at=iso(now),
        )
    asks = isinstance(plan, AskCustomer)
    return PlanRecord(
        kind=PlanKind.ASK_CUSTOMER if asks else PlanKind.STOP,
        reason=plan.reason.value,
        remedy=plan.remedy.value if isinstance(plan, AskCustomer) else None,
        because=because,
        planned_at=iso(now),
    )


def because_of(why: Constraint) -> Because:
    """A constraint as it is stored."""
    return Because(
        code=why.code,
        sentence=why.sentence,
        source=why.source,
        until=None if why.until is None else iso(why.until),
    )


def _debit(payment: Payment, mandate: Mandate, instrument: Instrument | None) -> planner.Debit:
    handle = instrument.vpa_masked.rpartition("@")[2] if instrument and instrument.vpa_masked else None
    return planner.Debit(
        amount_paise=payment.amount_paise,
        currency=payment.currency,
        method=Method(mandate.method.value),
        network=instrument.network if instrument else None,
        issuer=(instrument.issuer or instrument.bank) if instrument else None,
        app=handle,
    )


def _mandate(
    payment: Payment, mandate: Mandate, tokens: Sequence[TokenRecord], now: datetime
) -> planner.Mandate:
    terms = payment.debit
    start = from_iso(terms.cycle_start) if terms and terms.cycle_start else None
    end = from_iso(terms.cycle_end) if terms and terms.cycle_end else None
    return planner.Mandate(
        status=_MANDATE_STATUS[mandate_status(mandate, tokens, now)],
        frequency=mandate.frequency.value,
        max_amount_paise=mandate.max_amount_paise,
        cycle_start=start,
        cycle_end=end,
        expires_at=from_iso(mandate.ends_at),
    )


def _attempt(one: Try, payment: Payment) -> planner.Attempt:
    """A try with what became of it. Without a word of the gateway its outcome is unknown."""
    initiated_at = from_iso(one.initiated_at)
    polled_at = from_iso(one.last_polled_at) if one.last_polled_at else None
    if one.refused is not None:
        said = one.refused
        decline = declines().classify(said.reason, code=said.code, source=said.source, step=said.step)
        return planner.Attempt(initiated_at, planner.AttemptOutcome.FAILED, decline, confirmed=True)
    heard = payment.attempts.get(one.gateway_payment_id or "")
    if heard is None or heard.status is AttemptStatus.CREATED:
        return planner.Attempt(
            initiated_at, planner.AttemptOutcome.UNKNOWN, polls=one.polls, last_polled_at=polled_at
        )
    concluded_at = max(initiated_at, datetime.fromtimestamp(heard.observed_at, UTC))
    if heard.status in _WITH_MONEY:
        return planner.Attempt(
            initiated_at,
            planner.AttemptOutcome.SUCCEEDED,
            concluded_at=concluded_at,
            polls=one.polls,
            last_polled_at=polled_at,
        )
    return planner.Attempt(
        initiated_at,
        planner.AttemptOutcome.FAILED,
        decline=declines().classify(
            heard.error_reason,
            code=heard.error_code,
            source=heard.error_source,
            step=heard.error_step,
            method=heard.method,
        ),
        concluded_at=concluded_at,
        confirmed=one.confirmed,
        polls=one.polls,
        last_polled_at=polled_at,
    )


def _strangers_with_money(payment: Payment, record: RetryRecord, now: datetime) -> list[planner.Attempt]:
    """Money that came for this payment by no try of ours ends the debit all the same."""
    known = {one.gateway_payment_id for one in record.tries}
    return [
        planner.Attempt(_before(now, heard), planner.AttemptOutcome.SUCCEEDED)
        for payment_id, heard in payment.attempts.items()
        if payment_id not in known and (heard.was_captured or heard.status in _WITH_MONEY)
    ]


def _before(now: datetime, heard: Attempt) -> datetime:
    return min(now, datetime.fromtimestamp(heard.observed_at, UTC))


def _notice(notice: Notice, amount_paise: int) -> planner.Notice:
    delivered = notice.status is NoticeState.DELIVERED and notice.delivered_at is not None
    raised_at = from_iso(notice.raised_at)
    return planner.Notice(
        status=planner.NoticeStatus(notice.status.value),
        amount_paise=amount_paise,
        raised_at=raised_at,
        # The gateway's clock may be a little behind ours.
        delivered_at=max(raised_at, from_iso(notice.delivered_at))
        if delivered and notice.delivered_at
        else None,
        debit_at=from_iso(notice.debit_at) if notice.debit_at else None,
    )


def _downtimes(kept: KeptDowntime) -> list[planner.Downtime]:
    """One for each instrument: what is down for one of a debit's marks counts for the debit."""
    begins_at = datetime.fromtimestamp(kept.begins_at, UTC)
    ends_at = None if kept.ends_at is None else datetime.fromtimestamp(kept.ends_at, UTC)
    instruments: tuple[str | None, ...] = kept.instruments or (None,)
    return [planner.Downtime(kept.method, begins_at, ends_at, instrument) for instrument in instruments]
