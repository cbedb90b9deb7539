"""Why payments fail: the `reason` values that Razorpay publishes, each with the rest of its error object.

The names are Razorpay's (its lists of payment, card and UPI errors). Any of them can be asked for, through an
instrument or a recurring debit, so that a caller's handling of each can be seen.
"""

from dataclasses import dataclass

from checks.sandbox.razorpay.errors import BAD_REQUEST, GATEWAY, SERVER

AUTHENTICATION = "payment_authentication"
AUTHORIZATION = "payment_authorization"
INITIATION = "payment_initiation"
MANDATE_CREATION = "mandate_creation"
DEBIT_REQUEST = "payment_debit_request"
DEBIT_RESPONSE = "payment_debit_response"
RESPONSE = "payment_response"


@dataclass(frozen=True)
class Failure:
    """The error members of a failed payment."""

    reason: str
    code: str
    source: str
    step: str
    description: str


_DOWNTIME = "The payment could not be completed because of a temporary issue at the bank. Try again later."
_DECLINED = "The payment was declined by the customer's bank. Try another payment method."
_MANDATE = "The mandate of the customer does not allow this debit."

_GROUPS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        BAD_REQUEST,
        "customer",
        AUTHENTICATION,
        "Payment processing cancelled or not authenticated by the customer.",
        "authentication_failed incorrect_otp incorrect_cvv incorrect_pin incorrect_mpin invalid_otp"
        " otp_expired otp_attempts_exceeded payment_cancelled payment_session_expired pin_not_set"
        " mpin_not_set_by_customer number_of_pin_tries_exceeded payment_collect_request_expired"
        " payment_timed_out collect_request_pending user_not_eligible",
    ),
    (
        BAD_REQUEST,
        "customer",
        AUTHORIZATION,
        "The payment could not be completed because of insufficient account balance or a limit.",
        "insufficient_funds insufficient_fund credit_limit_exceeded transaction_daily_limit_exceeded"
        " transaction_daily_count_exceeded transaction_limit_exceeded transaction_frequency_limit_exceeded"
        " per_transaction_limit_exceeded limit_exceeded_remitting_bank funds_blocked_by_mandate"
        " adequate_funds_not_available_blocked",
    ),
    (
        BAD_REQUEST,
        "issuer_bank",
        AUTHORIZATION,
        _DECLINED,
        "payment_failed payment_declined card_declined debit_declined already_declined"
        " payment_risk_check_failed suspected_fraud_decline compliance_violation"
        " transaction_not_allowed transaction_not_permitted_cardholder payment_stopped_by_court_order"
        " nature_of_debit_not_allowed international_transaction_not_allowed joint_account_not_allowed",
    ),
    (
        BAD_REQUEST,
        "customer",
        INITIATION,
        "The payment instrument cannot be used. Use another one.",
        "card_expired card_number_invalid card_not_enrolled card_disabled_for_online_payments"
        " card_type_invalid debit_instrument_blocked debit_instrument_inactive bank_account_invalid"
        " beneficiary_account_does_not_exist beneficiary_account_dormant remitter_account_dormant"
        " incorrect_ifsc incorrect_card_details incorrect_card_expiry_date incorrect_cardholder_name"
        " invalid_vpa vpa_resolution_failed no_financial_address_record_found mobile_number_invalid"
        " invalid_mobile_number invalid_email payer_account_has_changed invalid_token",
    ),
    (
        GATEWAY,
        "issuer_bank",
        DEBIT_RESPONSE,
        _DOWNTIME,
        "bank_technical_error issuer_technical_error bank_not_available bank_cutoff_in_progress"
        " banks_hsm_is_down_remitter issuer_dispatch_failed remitter_dispatch_failed",
    ),
    (
        GATEWAY,
        "gateway",
        AUTHORIZATION,
        "The payment did not go through because of a temporary issue. Any debited amount will be refunded.",
        "gateway_technical_error invalid_response_from_gateway request_timed_out"
        " payment_declined_due_to_high_traffic null_ack_processing_failure no_original_request_found"
        " response_not_received_within_tat",
    ),
    (
        GATEWAY,
        "customer_psp",
        DEBIT_REQUEST,
        "The UPI app of the customer is not reachable at this time.",
        "psp_not_available psp_bank_not_available psp_timeout upi_app_technical_error"
        " merchant_error_payee_psp seqnum_mismatch_payer_psp upi_autopay_not_supported_on_psp",
    ),
    (
        GATEWAY,
        "beneficiary_bank",
        "payment_credit_response",
        "The amount could not be credited. Any debited amount will be refunded.",
        "credit_failed credit_to_beneficiary_failed invalid_transaction_beneficiary",
    ),
    (
        GATEWAY,
        "network",
        RESPONSE,
        "The status of the payment is pending. It may still succeed: ask for it before another attempt.",
        "payment_pending deemed_transaction payment_pending_approval",
    ),
    (SERVER, "internal", INITIATION, "The server failed to process the payment.", "server_error"),
    (
        BAD_REQUEST,
        "issuer_bank",
        DEBIT_REQUEST,
        _MANDATE,
        "mandate_not_active mandate_paused mandate_cancelled mandate_expired payment_mandate_not_active"
        " mandate_current_cycle_allowed_debit_exceeds mandate_debit_beyond_psp_amount_cap"
        " amount_does_not_match_mandate_amount execution_day_rule_mismatch",
    ),
    (
        BAD_REQUEST,
        "customer",
        MANDATE_CREATION,
        "The mandate could not be registered.",
        "mandate_creation_failed mandate_creation_declined_by_bank mandate_creation_declined"
        " mandate_creation_expired mandate_creation_timeout mandate_creation_cancelled",
    ),
    (
        BAD_REQUEST,
        "business",
        INITIATION,
        "The request does not allow this payment.",
        "input_validation_failed invalid_request invalid_amount invalid_currency invalid_card_number"
        " order_amount_mismatch order_already_paid duplicate_request live_mode_not_enabled"
        " recurring_payment_not_enabled upi_dummy_payment",
    ),
)

FAILURES: dict[str, Failure] = {
    reason: Failure(reason, code, source, step, description)
    for code, source, step, description, reasons in _GROUPS
    for reason in reasons.split()
}

DESCRIPTIONS = {
    "upi_dummy_payment": "Payment was a dummy payment for one time mandate registration.",
    "mandate_current_cycle_allowed_debit_exceeds": "Mandate is already honoured.",
    "insufficient_funds": "Transaction failed due to insufficient funds.",
    "payment_timed_out": "Payment was not completed on time.",
    "payment_cancelled": "The payment has been cancelled. Try again or complete the payment later.",
    "order_already_paid": (
        "Your payment has been declined as the order is already paid. "
        "Please initiate the payment with a new order."
    ),
}

GATEWAY_CARD_REASONS = frozenset({"authentication_failed"})
"""Published under GATEWAY_ERROR for cards, under BAD_REQUEST_ERROR elsewhere."""


def failure(reason: str, method: str) -> Failure:
    """The error members for `reason`. An unpublished reason is a KeyError: ask for one of `FAILURES`."""
    known = FAILURES[reason]
    code = GATEWAY if method == "card" and reason in GATEWAY_CARD_REASONS else known.code
    source = "bank" if method == "netbanking" and reason == "payment_failed" else known.source
    return Failure(reason, code, source, known.step, DESCRIPTIONS.get(reason, known.description))
