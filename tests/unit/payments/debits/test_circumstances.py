"""The planner is told what is known of a debit, and nothing better than that."""

from datetime import timedelta

import pytest

from runtime.payments.debits.circumstances import situation_of
from runtime.payments.debits.downtimes import KeptDowntime
from runtime.payments.debits.model import NoticeState, Refused, RetryRecord
from runtime.payments.methods.model import InstrumentKind, MandateMethod, TokenStatus
from runtime.payments.model import Attempt, AttemptStatus
from runtime.payments.retry.declines import Category
from runtime.payments.retry.situation import AttemptOutcome, MandateStatus, NoticeStatus, Situation
from runtime.platform.clock import from_iso
from tests.unit.payments.debits.samples import (
    NOW,
    ago,
    attempt,
    mandate,
    notice,
    one_try,
    payment,
    record,
    token,
)


def situation(known: RetryRecord, *attempts: Attempt) -> Situation:
    by_id = {one.gateway_payment_id: one for one in attempts}
    return situation_of(payment(attempts=by_id), known, mandate(), [token()], (), NOW)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (None, AttemptOutcome.UNKNOWN),
        (AttemptStatus.CREATED, AttemptOutcome.UNKNOWN),
        (AttemptStatus.FAILED, AttemptOutcome.FAILED),
        (AttemptStatus.AUTHORIZED, AttemptOutcome.SUCCEEDED),
        (AttemptStatus.CAPTURED, AttemptOutcome.SUCCEEDED),
        (AttemptStatus.REFUNDED, AttemptOutcome.SUCCEEDED),
    ],
)
def test_what_is_not_known_to_have_failed_is_not_told_as_failed(
    status: AttemptStatus | None, outcome: AttemptOutcome
) -> None:
    attempts = [] if status is None else [attempt("pay_1", status.value)]
    told = situation(record(tries=(one_try(gateway_payment_id="pay_1"),)), *attempts)
    assert [one.outcome for one in told.attempts] == [outcome]


def test_a_try_without_a_word_of_the_gateway_is_unknown() -> None:
    told = situation(record(tries=(one_try(polls=2, last_polled_at=ago(minutes=5)),)))
    (one,) = told.attempts
    assert (one.outcome, one.polls) == (AttemptOutcome.UNKNOWN, 2)


def test_a_refusal_at_once_is_a_failure_by_its_own_words() -> None:
    told = situation(record(tries=(one_try(refused=Refused(reason="insufficient_funds")),)))
    (one,) = told.attempts
    assert one.outcome is AttemptOutcome.FAILED
    assert one.decline is not None
    assert one.decline.category is Category.SCHEDULED


def test_a_try_that_was_never_made_does_not_count() -> None:
    assert situation(record(tries=(one_try(not_made=True),))).attempts == ()


def test_money_by_no_try_of_ours_counts_as_success() -> None:
    told = situation(record(), attempt("pay_stranger", "captured"))
    assert [one.outcome for one in told.attempts] == [AttemptOutcome.SUCCEEDED]
    assert situation(record(), attempt("pay_stranger", "failed")).attempts == ()


def test_a_conclusion_never_precedes_its_try_whatever_the_clocks_say() -> None:
    early = attempt("pay_1", observed_at=int((NOW - timedelta(days=1)).timestamp()))
    (one,) = situation(record(tries=(one_try(gateway_payment_id="pay_1"),)), early).attempts
    assert one.concluded_at == one.initiated_at


def test_the_newest_notice_counts() -> None:
    delivered = notice(status=NoticeState.DELIVERED, delivered_at=ago(days=3), raised_at=ago(days=2))
    told = situation(record(notices=(notice(status=NoticeState.FAILED), delivered)))
    assert told.notice is not None
    assert (told.notice.status, told.notice.amount_paise) == (NoticeStatus.DELIVERED, 45_000)
    assert told.notice.delivered_at == from_iso(ago(days=2))  # a clock that was behind
    assert situation(record()).notice is None


@pytest.mark.parametrize("status", TokenStatus)
def test_only_a_confirmed_mandate_is_told_as_confirmed(status: TokenStatus) -> None:
    told = situation_of(payment(), record(), mandate(), [token(status.value)], (), NOW)
    assert (told.mandate.status is MandateStatus.CONFIRMED) is (status is TokenStatus.CONFIRMED)


def test_a_mandate_whose_end_we_asked_for_is_over() -> None:
    ending = mandate(cancel_requested_at=ago(minutes=1))
    told = situation_of(payment(), record(), ending, [token()], (), NOW)
    assert told.mandate.status is MandateStatus.CANCELLED


def test_the_instrument_is_told_as_downtimes_name_it() -> None:
    card = token(kind=InstrumentKind.CARD, vpa_masked=None, network="RuPay", issuer="HDFC")
    told = situation_of(payment(), record(), mandate(method=MandateMethod.CARD), [card], (), NOW)
    assert (told.debit.network, told.debit.issuer, told.debit.app) == ("RuPay", "HDFC", None)
    assert situation(record()).debit.app == "okhdfc"
    nothing = situation_of(payment(), record(), mandate(), [], (), NOW)
    assert (nothing.debit.app, nothing.mandate.status) == (None, MandateStatus.INITIATED)


def test_a_downtime_of_several_instruments_is_told_for_each_and_of_none_for_the_method() -> None:
    def down(*instruments: str) -> KeptDowntime:
        return KeptDowntime(
            downtime_id="down_1",
            method="upi",
            status="started",
            instruments=instruments,
            begins_at=1_775_000_000,
            heard="x",
        )

    told = situation_of(payment(), record(), mandate(), [token()], [down("a", "b"), down()], NOW)
    assert [one.instrument for one in told.downtimes] == ["a", "b", None]
