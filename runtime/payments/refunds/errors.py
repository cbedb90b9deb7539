"""The codes with which refunds are refused (``Refused.code``)."""

from enum import StrEnum


class RefundCode(StrEnum):
    """Why a refund, or a word about one, was refused."""

    AMOUNT_INVALID = "refund-amount-invalid"
    NO_STEP = "refund-amount-no-step"
    BELOW_MINIMUM = "refund-below-minimum"
    OVER_BALANCE = "refund-over-balance"
    ID_REUSED = "refund-id-reused"
    UNKNOWN = "refund-unknown"
    CURRENCY_DIFFERS = "refund-currency-differs"
    CONTRADICTED = "refund-contradicted"
    TOO_MANY = "refunds-too-many"
