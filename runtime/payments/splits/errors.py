"""The codes with which splits and their reversals are refused (``Refused.code``)."""

from enum import StrEnum


class SplitCode(StrEnum):
    """Why a split was refused."""

    AMOUNT_INVALID = "split-amount-invalid"
    SHARES_INVALID = "split-shares-invalid"
    SHARES_EXCEED_WHOLE = "split-shares-exceed-whole"
    FIXED_EXCEEDS_AMOUNT = "split-fixed-exceeds-amount"
    FEE_EXCEEDS_AMOUNT = "split-fee-exceeds-amount"
    CURRENCY_UNSUPPORTED = "split-currency-unsupported"
    TERMS_TOO_MANY = "split-terms-too-many"
    REVERSAL_OVER_CAPTURED = "split-reversal-over-captured"
    REVERSAL_OVER_SHARE = "split-reversal-over-share"
    REVERSAL_REUSED = "split-reversal-reused"
    REVERSAL_UNKNOWN = "split-reversal-unknown"
    ACCOUNT_UNKNOWN = "split-account-unknown"
    MOMENT_INVALID = "split-moment-invalid"
