"""Every reason that the gateway publishes is classified on purpose; every other is handled."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.sandbox.razorpay.reasons import FAILURES
from runtime.payments.retry.declines import (
    REASON_LENGTH_MAX,
    Category,
    DeclineTable,
    Match,
    Remedy,
    declines,
)

SAMPLES = Path(__file__).parents[5] / "shared" / "razorpay" / "webhooks"
"""Razorpay's documented webhooks, beside this repository where they are present."""

NEVER = """card_expired card_number_invalid bank_account_invalid debit_instrument_blocked
debit_instrument_inactive beneficiary_account_does_not_exist beneficiary_account_dormant mandate_not_active
mandate_creation_failed mandate_creation_declined recurring_payment_not_enabled
upi_autopay_not_supported_on_psp incorrect_ifsc joint_account_not_allowed
international_transaction_not_allowed compliance_violation payment_risk_check_failed already_declined
mandate_cancelled mandate_expired"""
SCHEDULED = """insufficient_funds credit_limit_exceeded transaction_daily_limit_exceeded
transaction_daily_count_exceeded transaction_limit_exceeded transaction_frequency_limit_exceeded
funds_blocked_by_mandate"""
SOON = """bank_technical_error gateway_technical_error issuer_technical_error upi_app_technical_error
server_error bank_not_available bank_cutoff_in_progress psp_not_available payment_declined_due_to_high_traffic
request_timed_out invalid_response_from_gateway payment_mandate_not_active"""
POLL = """payment_pending deemed_transaction collect_request_pending payment_timed_out
payment_pending_approval credit_failed mandate_current_cycle_allowed_debit_exceeds mandate_already_executed"""
ASK = """authentication_failed incorrect_otp incorrect_cvv incorrect_pin otp_expired payment_cancelled
payment_session_expired pin_not_set mandate_paused"""
OUR_BUG = """input_validation_failed invalid_amount invalid_currency order_amount_mismatch order_already_paid
duplicate_request live_mode_not_enabled"""
BOUNDED = "payment_failed payment_declined card_declined debit_declined"

EXPECTED = {
    Category.NEVER: NEVER,
    Category.SCHEDULED: SCHEDULED,
    Category.SOON: SOON,
    Category.POLL: POLL,
    Category.ASK_CUSTOMER: ASK,
    Category.OUR_BUG: OUR_BUG,
    Category.BOUNDED: BOUNDED,
    Category.NOT_A_FAILURE: "upi_dummy_payment",
}


@pytest.mark.parametrize(
    ("reason", "category"),
    [(reason, category) for category, reasons in EXPECTED.items() for reason in reasons.split()],
)
def test_what_the_documents_say_of_a_reason_is_its_category(reason: str, category: Category) -> None:
    assert declines().classify(reason).category is category


def test_the_table_lists_more_than_is_simulated() -> None:
    assert declines().reasons > FAILURES.keys()


@pytest.mark.parametrize("reason", sorted(FAILURES))
def test_every_published_reason_is_classified_on_purpose(reason: str) -> None:
    failure = FAILURES[reason]
    found = declines().classify(reason, code=failure.code, source=failure.source, step=failure.step)
    assert found.known
    assert found.reason == reason
    assert found.why
    assert found.source


def failures_in(node: Any) -> Iterator[dict[str, Any]]:
    """The error members of every payment and token in a webhook."""
    if isinstance(node, dict):
        if "error_reason" in node or "failure_reason" in node:
            yield node
        for member in node.values():
            yield from failures_in(member)
    elif isinstance(node, list):
        for member in node:
            yield from failures_in(member)


def test_every_reason_of_the_documented_webhooks_is_classified_on_purpose() -> None:
    if not SAMPLES.is_dir():
        pytest.skip(
            "The documented webhook samples are not beside this repository (../shared/razorpay/webhooks)."
        )
    bodies = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("*.*.json"))]
    assert len(bodies) >= 49
    said = [
        declines().classify(
            failure.get("error_reason") or failure.get("failure_reason"),
            code=failure.get("error_code"),
            source=failure.get("error_source"),
            step=failure.get("error_step"),
            method=failure.get("method"),
        )
        for body in bodies
        for failure in failures_in(body)
    ]
    with_reason = [found for found in said if found.reason]
    assert with_reason
    assert all(found.known for found in with_reason)


def test_a_reason_is_refined_by_the_method_where_the_documents_do() -> None:
    by_emandate = declines().classify("duplicate_request", method="emandate")
    assert (by_emandate.category, by_emandate.wait_minutes) == (Category.SOON, 30)
    assert by_emandate.match is Match.REFINEMENT
    assert declines().classify("duplicate_request", method="card").category is Category.OUR_BUG


def test_a_reason_is_refined_by_who_caused_it() -> None:
    assert declines().classify("credit_failed", source="customer").category is Category.ASK_CUSTOMER
    assert declines().classify("credit_failed", source="beneficiary_bank").category is Category.POLL


def test_a_session_that_ended_after_the_debit_was_asked_for_leaves_the_outcome_open() -> None:
    reason = "payment_collect_request_expired"
    assert declines().classify(reason, step="payment_debit_request").category is Category.POLL
    assert declines().classify(reason, step="payment_authentication").category is Category.ASK_CUSTOMER


def test_a_reason_of_tomorrow_is_tried_a_few_times_and_said_to_be_unknown() -> None:
    found = declines().classify("quantum_decoherence", code="GATEWAY_ERROR", method="upi")
    assert found.category is Category.BOUNDED
    assert not found.known
    assert found.reason == "quantum_decoherence"
    assert "not in the decline table" in found.why


@pytest.mark.parametrize(
    ("reason", "category", "remedy"),
    [
        ("mandate_creation_quantum", Category.NEVER, Remedy.NEW_MANDATE),
        ("incorrect_fingerprint", Category.ASK_CUSTOMER, Remedy.CUSTOMER_ACTION),
        ("invalid_flux", Category.OUR_BUG, Remedy.NONE),
    ],
)
def test_a_family_of_reasons_speaks_for_its_new_members(
    reason: str, category: Category, remedy: Remedy
) -> None:
    found = declines().classify(reason)
    assert (found.category, found.remedy) == (category, remedy)
    assert not found.known


@pytest.mark.parametrize("nothing", [None, "", "  ", "NA", "na", "N/A", "null", "None"])
def test_no_reason_is_no_reason_however_it_is_said(nothing: str | None) -> None:
    found = declines().classify(
        nothing, code="BAD_REQUEST_ERROR", source=nothing, step=nothing, method=nothing
    )
    assert (found.reason, found.category, found.known) == ("", Category.BOUNDED, False)
    assert "no reason" in found.why


@pytest.mark.parametrize("nothing", [None, "NA"])
def test_a_server_error_without_a_reason_may_have_moved_money(nothing: str | None) -> None:
    assert declines().classify(nothing, code="SERVER_ERROR").category is Category.POLL


@pytest.mark.parametrize("said", ["  INSUFFICIENT_FUNDS ", "Insufficient_Funds"])
def test_a_reason_is_known_in_any_case(said: str) -> None:
    assert declines().classify(said).category is Category.SCHEDULED


@given(st.text(max_size=300) | st.sampled_from(sorted(FAILURES)), st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_said_has_an_answer_of_bounded_length(reason: str, code: str, step: str) -> None:
    found = declines().classify(reason, code=code, step=step)
    assert len(found.reason) <= REASON_LENGTH_MAX


def test_whatever_is_not_a_text_says_nothing() -> None:
    odd: Any = {"reason": "insufficient_funds"}
    assert declines().classify(odd).category is Category.BOUNDED


def table(**parts: Any) -> DeclineTable:
    group = {"category": "soon", "why": "Because.", "reasons": ["a_reason"]}
    return DeclineTable.model_validate({"source": "here", "group": [group], **parts})


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"group": [{"category": "soon", "why": "x", "reasons": ["a", "a"]}]}, "listed twice"),
        ({"group": [{"category": "soon", "why": "x", "reasons": ["A_Reason"]}]}, "normal form"),
        ({"group": [{"category": "ask_customer", "why": "x", "reasons": ["a"]}]}, "asked for something"),
        (
            {"refinement": [{"category": "soon", "why": "x", "reasons": ["a_reason"]}]},
            "names a circumstance",
        ),
        (
            {"refinement": [{"category": "soon", "why": "x", "reasons": ["another"], "method": ["upi"]}]},
            "refines a listed reason",
        ),
        ({"prefix": [{"category": "soon", "why": "x", "starts_with": "a"}]}, "at least 4"),
        ({"typo": []}, "Extra inputs"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(parts: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        table(**parts)
