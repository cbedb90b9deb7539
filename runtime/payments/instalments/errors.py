"""The codes with which plans of instalments are refused (``Refused.code``). They never change meaning."""

from enum import StrEnum


class InstalmentCode(StrEnum):
    """Why a plan, a payment of it or a refund was refused."""

    AMOUNT_INVALID = "instalment-amount-invalid"
    RATE_INVALID = "instalment-rate-invalid"
    COUNT_INVALID = "instalment-count-invalid"
    DUE_DATE_INVALID = "instalment-due-date-invalid"
    DO_NOT_SUM = "instalments-do-not-sum"
    DO_NOT_AMORTISE = "instalments-do-not-amortise"
    TOO_SMALL = "instalment-too-small"
    MOMENT_INVALID = "instalment-moment-invalid"
    PAYMENT_REUSED = "instalment-payment-reused"
    PAYMENT_UNKNOWN = "instalment-payment-unknown"
    REFUND_REUSED = "instalment-refund-reused"
    REFUND_UNKNOWN = "instalment-refund-unknown"
    REFUND_OVER_PAYMENT = "instalment-refund-over-payment"
    TOO_MANY_PAYMENTS = "instalment-payments-too-many"
    NOTHING_TO_PREPAY = "instalment-nothing-to-prepay"
    FORECLOSURE_SHORT = "instalment-foreclosure-short"
