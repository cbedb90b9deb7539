"""Who gets what of a captured payment, and who gives what of a refund: pure rules, exact to the paisa.

The fee is deducted first, then the fixed sums, and the rest is shared by basis points. Shares are rounded by
the largest remainder; where remainders tie the earlier share gets the paisa, the receiver of the remainder
comes last. So fee, transfers and retained parts always sum to what was captured.
"""

from collections.abc import Mapping
from datetime import date, datetime, time

from runtime.payments.money_rules import MoneyRule, value_on
from runtime.payments.refusal import Refused, require_whole
from runtime.payments.splits.errors import SplitCode
from runtime.payments.splits.model import (
    RECEIVERS_MAX,
    REVERSALS_MAX,
    Fee,
    FeeTerms,
    Hold,
    Part,
    Reversal,
    Split,
    SplitTerms,
    Taken,
)
from runtime.platform.clock import IST
from runtime.platform.money import AMOUNT_MAX_PAISE, allocate, percentage_paise

WHOLE_BPS = 10_000


def split_payment(captured_paise: int, terms: SplitTerms, on: date) -> Split:
    """The split of ``captured_paise`` (>= 1) by ``terms``, by the rules in force on a day in India.

    A part below the gateway's smallest transfer is retained and still owed. Raises Refused
    ``split-amount-invalid``, ``split-shares-invalid``, ``split-shares-exceed-whole`` (more than 100 %),
    ``split-fee-exceeds-amount`` and ``split-fixed-exceeds-amount`` (the payment is too small for its terms:
    it stays with the platform until a person decides).
    """
    _check_paise(captured_paise, 1)
    check_terms(terms)
    fee = Fee() if terms.fee is None else fee_with_gst(captured_paise, terms.fee, on)
    if fee.total_paise > captured_paise:
        raise Refused(SplitCode.FEE_EXCEEDS_AMOUNT, "The platform's fee is more than was captured.")
    fixed = [share.fixed_paise for share in terms.shares]
    shared_paise = captured_paise - fee.total_paise - sum(fixed)
    if shared_paise < 0:
        raise Refused(SplitCode.FIXED_EXCEEDS_AMOUNT, "The fixed shares are more than is left after the fee.")
    weights = [share.basis_points for share in terms.shares]
    weights.append(WHOLE_BPS - sum(weights))
    amounts = dict.fromkeys([*(share.account_id for share in terms.shares), terms.remainder_to], 0)
    receivers = [*(share.account_id for share in terms.shares), terms.remainder_to]
    for account_id, amount_paise in zip(receivers, allocate(shared_paise, weights), strict=True):
        amounts[account_id] += amount_paise
    for share in terms.shares:
        amounts[share.account_id] += share.fixed_paise
    holds = {share.account_id: share.hold for share in terms.shares}
    transfer_min_paise = value_on(MoneyRule.TRANSFER_MIN_PAISE, on)
    parts = tuple(
        Part(
            account_id=account_id,
            amount_paise=amount_paise,
            retained=amount_paise < transfer_min_paise,
            hold=holds.get(account_id),
        )
        for account_id, amount_paise in amounts.items()
        if amount_paise
    )
    return Split(captured_paise=captured_paise, fee=fee, parts=parts)


def fee_with_gst(amount_paise: int, terms: FeeTerms, on: date) -> Fee:
    """The fee on ``amount_paise`` and the GST on it: each rounded half-up to the paisa.

    ₹1,000.00 at 2 % is a fee of ₹20.00 with ₹3.60 of GST: 2360 paise are deducted.
    """
    charge_paise = percentage_paise(amount_paise, terms.basis_points) + terms.fixed_paise
    gst_bps = value_on(MoneyRule.GST_ON_FEES_BPS, on)
    return Fee(charge_paise=charge_paise, gst_paise=percentage_paise(charge_paise, gst_bps))


def check_terms(terms: SplitTerms) -> None:
    """Raise Refused ``split-shares-invalid`` or ``split-shares-exceed-whole`` for terms that no payment can
    be split by."""
    accounts = [share.account_id for share in terms.shares]
    if len(accounts) > RECEIVERS_MAX or len(set(accounts)) != len(accounts):
        raise Refused(
            SplitCode.SHARES_INVALID, f"Name at most {RECEIVERS_MAX} linked accounts, each of them once."
        )
    for each in (*terms.shares, *(() if terms.fee is None else (terms.fee,))):
        require_whole(
            each.basis_points, 0, WHOLE_BPS, code=SplitCode.SHARES_INVALID, name="number of basis points"
        )
        require_whole(
            each.fixed_paise, 0, AMOUNT_MAX_PAISE, code=SplitCode.SHARES_INVALID, name="fixed sum in paise"
        )
    if sum(share.basis_points for share in terms.shares) > WHOLE_BPS:
        raise Refused(SplitCode.SHARES_EXCEED_WHOLE, "The shares are more than 100 %.")


def reverse(split: Split, refund_id: str, refund_paise: int, named: Mapping[str, int] | None = None) -> Split:
    """``split`` with what a refund of ``refund_paise`` takes back; the same split when it is known already.

    ``named`` fixes the paise of some accounts. The rest is taken from the others in proportion to what has
    not been taken back of them, by the largest remainder, the earlier part first where remainders tie; never
    more than that. What no account is left to give, the platform bears: it refunds its fee last. Raises
    Refused ``split-reversal-over-captured``, ``split-reversal-over-share``, ``split-reversal-reused``,
    ``split-account-unknown`` and ``split-amount-invalid``.
    """
    named = dict(named or {})
    known = next((each for each in split.reversals if each.refund_id == refund_id), None)
    if known is not None:
        taken = {each.account_id: each.amount_paise for each in known.taken}
        same = known.refund_paise == refund_paise and all(
            taken.get(account_id, 0) == amount for account_id, amount in named.items()
        )
        if not same:
            raise Refused(SplitCode.REVERSAL_REUSED, "The refund is known with other amounts.")
        return split
    _check_paise(refund_paise, 1)
    if split.reversed_paise + refund_paise > split.captured_paise or len(split.reversals) >= REVERSALS_MAX:
        raise Refused(
            SplitCode.REVERSAL_OVER_CAPTURED,
            f"Of the payment, {split.captured_paise - split.reversed_paise} paise are left to refund.",
        )
    taken = _taken(split.unreversed_paise(), refund_paise, named)
    reversal = Reversal(
        refund_id=refund_id,
        taken=tuple(
            Taken(account_id=account_id, amount_paise=amount)
            for account_id, amount in taken.items()
            if amount
        ),
        borne_paise=refund_paise - sum(taken.values()),
    )
    return split.model_copy(update={"reversals": (*split.reversals, reversal)})


def restore(split: Split, refund_id: str) -> Split:
    """``split`` as if the refund had never been made: what becomes of one that failed.

    Raises Refused ``split-reversal-unknown``.
    """
    left = tuple(reversal for reversal in split.reversals if reversal.refund_id != refund_id)
    if len(left) == len(split.reversals):
        raise Refused(SplitCode.REVERSAL_UNKNOWN, "The split knows no such refund.")
    return split.model_copy(update={"reversals": left})


def on_hold_until(day: date) -> int:
    """The moment at which a day in India begins, in unix seconds: Razorpay's ``on_hold_until``."""
    return int(datetime.combine(day, time.min, tzinfo=IST).timestamp())


def is_held(hold: Hold | None, at: datetime) -> bool:
    """Whether a hold keeps a transfer back at a moment (timezone-aware).

    Raises Refused ``split-moment-invalid``.
    """
    if at.tzinfo is None:
        raise Refused(SplitCode.MOMENT_INVALID, "A moment needs its offset from UTC.")
    if hold is None:
        return False
    return hold.until is None or at.timestamp() < on_hold_until(hold.until)


def _taken(left: Mapping[str, int], refund_paise: int, named: Mapping[str, int]) -> dict[str, int]:
    for account_id, amount_paise in named.items():
        if account_id not in left:
            raise Refused(SplitCode.ACCOUNT_UNKNOWN, "A named account has no part in the payment.")
        _check_paise(amount_paise, 0)
        if amount_paise > left[account_id]:
            raise Refused(SplitCode.REVERSAL_OVER_SHARE, "More is named than is left of an account's part.")
    unnamed_paise = refund_paise - sum(named.values())
    if unnamed_paise < 0:
        raise Refused(SplitCode.REVERSAL_OVER_SHARE, "The named shares are more than the refund.")
    others = {account_id: paise for account_id, paise in left.items() if account_id not in named}
    available_paise = sum(others.values())
    taken = dict.fromkeys(left, 0) | dict(named)
    if available_paise:
        shares = allocate(min(unnamed_paise, available_paise), list(others.values()))
        taken |= dict(zip(others, shares, strict=True))
    return taken


def _check_paise(amount_paise: int, least: int) -> None:
    require_whole(
        amount_paise, least, AMOUNT_MAX_PAISE, code=SplitCode.AMOUNT_INVALID, name="amount in paise"
    )
