"""Payments and attempts for tests, and what may be heard of an attempt, for property tests."""

from typing import Any

from hypothesis import strategies as st

from runtime.payments.model import Attempt, AttemptStatus, Payment

AMOUNT_PAISE = 45_000
CREATED_AT = "2026-04-01T06:30:00.000Z"


def payment(**changes: Any) -> Payment:
    """A payment of ₹450.00 with an order at the gateway and no attempt yet."""
    values: dict[str, Any] = {
        "payment_id": "pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ",
        "school_id": "sch_1",
        "payer_id": "usr_1",
        "amount_paise": AMOUNT_PAISE,
        "currency": "INR",
        "description": "Lunches in April",
        "order_id": "order_Example0000001",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
    }
    return Payment(**values | changes)


def attempt(status: AttemptStatus, gateway_payment_id: str = "pay_A", **changes: Any) -> Attempt:
    """An attempt for what was asked. Captured ones have the fee that the gateway charges on capture."""
    captured = status in (AttemptStatus.CAPTURED, AttemptStatus.REFUNDED)
    values: dict[str, Any] = {
        "gateway_payment_id": gateway_payment_id,
        "status": status,
        "amount_paise": AMOUNT_PAISE,
        "currency": "INR",
        "observed_at": 1_775_025_000,
        "was_captured": captured,
        "fee_paise": 1_062 if captured else None,
        "tax_paise": 162 if captured else None,
    }
    return Attempt(**values | changes)


@st.composite
def words(draw: st.DrawFn, gateway_payment_ids: tuple[str, ...] = ("pay_A",)) -> Attempt:
    """Anything that a gateway may say of an attempt: every status, with or without a fee, at any moment.

    What an attempt is (its amount, its currency) does not change from word to word.
    """
    name = draw(st.sampled_from(gateway_payment_ids))
    status = draw(st.sampled_from(AttemptStatus))
    fee = draw(st.sampled_from([None, 0, 1_062]))
    captured = status is AttemptStatus.CAPTURED or (status is AttemptStatus.REFUNDED and fee is not None)
    return Attempt(
        gateway_payment_id=name,
        status=status,
        amount_paise=AMOUNT_PAISE - (100 if name == "pay_other_amount" else 0),
        currency="USD" if name == "pay_other_currency" else "INR",
        observed_at=draw(st.integers(1_775_025_000, 1_775_025_003)),
        was_captured=captured,
        amount_refunded_paise=draw(st.sampled_from([0, 100, AMOUNT_PAISE])),
        fee_paise=fee,
        tax_paise=draw(st.sampled_from([None, 0, 162])) if fee else None,
        method=draw(st.sampled_from(["upi", "card"])),
        error_reason=draw(st.sampled_from([None, "payment_cancelled"])),
    )


ALL_KINDS = ("pay_A", "pay_B", "pay_other_amount", "pay_other_currency")
