"""Events as the bus hands them over, of any version; what is none is refused without repeating it."""

import json
from typing import Any

import pytest

from runtime.payments.analytics.news import OF_OTHER_THINGS, EventUnreadable, News, read_event
from runtime.payments.events import ATTEMPT_FAILED, DETAIL_TYPES, attempt_event
from runtime.payments.model import AttemptStatus, PaymentStatus
from runtime.payments.reconciliation.settled import PAYMENT_SETTLED
from runtime.payments.returns.events import DISPUTE_DETAIL_TYPES, REFUND_DETAIL_TYPES
from tests.unit.payments.analytics.samples import NOON, message, told
from tests.unit.payments.samples import attempt, payment

OLD_DETAIL: dict[str, Any] = {
    "payment_id": "pmt_1",
    "school_id": "sch_1",
    "payer_id": "usr_1",
    "amount_paise": 45_000,
    "currency": "INR",
    "description": "Lunches",
    "status": "captured",
    "version": 2,
    "message_key": "PaymentCaptured:pmt_1:pay_A",
    "gateway_payment_id": "pay_A",
    "method": "upi",
    "error_reason": None,
}
"""As version 1 told it."""


def test_every_event_of_a_payments_state_and_of_its_money_is_counted() -> None:
    of_money = {PAYMENT_SETTLED, *REFUND_DETAIL_TYPES.values(), *DISPUTE_DETAIL_TYPES.values()}
    assert {news.value for news in News} == {*DETAIL_TYPES.values(), ATTEMPT_FAILED, *of_money}
    assert {news.value for news in OF_OTHER_THINGS} == of_money


def test_an_event_of_the_present_version_tells_all_that_is_counted() -> None:
    known = attempt(
        AttemptStatus.CAPTURED, method="card", card_network="Visa", card_issuer="HDFC", bank="ICIC"
    )
    paid = payment(
        status=PaymentStatus.CAPTURED,
        version=3,
        attempts={"pay_A": known},
        updated_at="2026-04-01T06:31:00.000Z",
    )
    fact = read_event(told(paid, attempt(AttemptStatus.CAPTURED, fee_paise=None, tax_paise=None)))
    assert fact is not None
    assert (fact.news, fact.version, fact.event_id, fact.occurred_at) == (News.CAPTURED, 3, "evt_1", NOON)
    assert (fact.network, fact.issuer, fact.bank) == ("Visa", "HDFC", "ICIC")
    assert (fact.fee_paise, fact.tax_paise) == (1_062, 162), "what was known before counts as well"
    assert (fact.created_at, fact.captured_at) == (NOON, "2026-04-01T06:31:00.000Z")


def test_nothing_that_leads_to_a_person_is_taken_over() -> None:
    fact = read_event(
        told(payment(status=PaymentStatus.PENDING, version=1, payer_id="usr_ravi", description="For Asha"))
    )
    assert fact is not None
    kept = fact.model_dump_json()
    assert "usr_ravi" not in kept
    assert "Asha" not in kept


def test_an_event_of_the_first_version_is_still_read() -> None:
    fact = read_event(message("PaymentCaptured", OLD_DETAIL))
    assert fact is not None
    assert (fact.method, fact.created_at, fact.fee_paise, fact.failed_before) == ("upi", None, None, False)


def test_what_a_later_version_adds_is_ignored() -> None:
    assert read_event(message("PaymentCaptured", OLD_DETAIL | {"weather": {"rain": True}})) is not None


@pytest.mark.parametrize("detail_type", ["MandateConfirmed", "MethodSaved", "RefundRequested"])
def test_other_events_of_payments_are_passed_over(detail_type: str) -> None:
    assert read_event(message(detail_type, {"mandate_id": "mnd_1"})) is None


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        "null",
        '"text"',
        json.dumps({"detail-type": "PaymentCaptured"}),
        json.dumps({"detail-type": ["PaymentCaptured"], "detail": {}}),
        json.dumps({"detail-type": "PaymentCaptured", "detail": {"event_id": "e", "occurred_at": NOON}}),
        message("PaymentCaptured", "{"),
        message("PaymentCaptured", "[]"),
        message("PaymentCaptured", OLD_DETAIL | {"amount_paise": 450.5}),
        message("PaymentCaptured", OLD_DETAIL | {"amount_paise": "45000"}),
        message("PaymentCaptured", OLD_DETAIL | {"amount_paise": -1}),
        message("PaymentCaptured", OLD_DETAIL | {"amount_paise": True}),
        message("PaymentCaptured", OLD_DETAIL | {"school_id": ""}),
        message("PaymentCaptured", OLD_DETAIL | {"version": 0}),
        message("PaymentCaptured", OLD_DETAIL | {"version": None}),
        message("PaymentSettled", OLD_DETAIL | {"captured_on": "2026-04-01", "settled_on": "2026-04-07"}),
        message(
            "PaymentSettled",
            OLD_DETAIL | {"captured_on": "2026-04-31", "settled_on": "2026-05-07", "net_paise": 1},
        ),
        message("PaymentCaptured", OLD_DETAIL | {"method": "x" * 201}),
        message("PaymentCaptured", OLD_DETAIL | {"created_at": "yesterday"}),
        message("PaymentCaptured", OLD_DETAIL, occurred_at="2026-04-01T12:00:00"),
        message("PaymentCaptured", OLD_DETAIL, event_id=""),
    ],
)
def test_what_is_no_event_is_refused(broken: str) -> None:
    with pytest.raises(EventUnreadable, match="not an event of ours"):
        read_event(broken)


def test_a_refusal_repeats_nothing_of_the_message() -> None:
    with pytest.raises(EventUnreadable) as refused:
        read_event(message("PaymentCaptured", OLD_DETAIL | {"amount_paise": "4111111111111111"}))
    assert str(refused.value) == "not an event of ours: amount_paise"


class TestAttemptsThatFailBesideThePayment:
    """The payment's status says nothing of the second attempt that fails: an event of its own does."""

    FAILED = attempt(AttemptStatus.FAILED, "pay_A")

    def test_are_told_once(self) -> None:
        before = payment(status=PaymentStatus.FAILED, attempts={"pay_A": self.FAILED})
        second = attempt(AttemptStatus.FAILED, "pay_B", error_reason="insufficient_funds", method="card")
        after = before.model_copy(update={"attempts": {"pay_A": self.FAILED, "pay_B": second}})
        event = attempt_event(before, after, second)
        assert event is not None
        assert (event.detail_type, event.detail["error_reason"]) == (ATTEMPT_FAILED, "insufficient_funds")
        assert event.detail["message_key"] == f"{ATTEMPT_FAILED}:{before.payment_id}:pay_B"
        assert attempt_event(after, after, second) is None

    def test_are_not_told_when_they_did_not_fail_after_all(self) -> None:
        captured = attempt(AttemptStatus.CAPTURED)
        paid = payment(status=PaymentStatus.CAPTURED, attempts={"pay_A": captured})
        assert attempt_event(paid, paid, self.FAILED) is None, "the late word changes nothing"

    def test_beside_a_capture_are_no_capture(self) -> None:
        captured = attempt(AttemptStatus.CAPTURED, "pay_B")
        before = payment(status=PaymentStatus.CAPTURED, attempts={"pay_B": captured})
        after = before.model_copy(update={"attempts": {"pay_A": self.FAILED, "pay_B": captured}})
        event = attempt_event(before, after, self.FAILED)
        assert event is not None
        assert event.detail["captured_at"] is None

    def test_that_were_dropped_are_not_told(self) -> None:
        full = payment(status=PaymentStatus.FAILED)
        assert attempt_event(full, full, self.FAILED) is None
