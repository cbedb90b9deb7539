"""Debits for tests: a payment by mandate, its record, and what is known of both."""

from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.payments.debits.model import Notice, PlanKind, PlanRecord, RetryRecord, RetryState, Try
from runtime.payments.methods.model import (
    Frequency,
    Instrument,
    InstrumentKind,
    Mandate,
    MandateMethod,
    TokenRecord,
    TokenState,
    TokenStatus,
)
from runtime.payments.model import Attempt, AttemptStatus, DebitTerms, Payment
from runtime.platform.clock import iso

NOW = datetime(2026, 4, 8, 3, 0, tzinfo=UTC)
"""Wednesday 8 April 2026, 08:30 in India."""

ORDER = "order_00000000000001"


def ago(**span: float) -> str:
    return iso(NOW - timedelta(**span))


def payment(**changes: Any) -> Payment:
    values: dict[str, Any] = {
        "payment_id": "pmt_1",
        "school_id": "sch_1",
        "payer_id": "usr_1",
        "amount_paise": 45_000,
        "currency": "INR",
        "description": "Lunches",
        "mandate_id": "mdt_1",
        "debit": DebitTerms(
            mandate_id="mdt_1",
            cycle_start="2026-03-31T18:30:00.000Z",
            cycle_end="2026-04-30T18:30:00.000Z",
        ),
        "order_id": ORDER,
        "created_at": ago(days=5),
        "updated_at": ago(days=5),
        "version": 1,
    }
    return Payment(**values | changes)


def attempt(payment_id: str = "pay_1", status: str = "failed", **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "gateway_payment_id": payment_id,
        "status": AttemptStatus(status),
        "amount_paise": 45_000,
        "currency": "INR",
        "observed_at": int(NOW.timestamp()) - 3_600,
        "method": "upi",
        "error_reason": "insufficient_funds" if status == "failed" else None,
    }
    return Attempt(**values | changes)


def plan(kind: str = "retry", **changes: Any) -> PlanRecord:
    return PlanRecord(**{"kind": PlanKind(kind), "planned_at": ago(days=5)} | changes)


def one_try(number: int = 1, **changes: Any) -> Try:
    values: dict[str, Any] = {"number": number, "order_id": ORDER, "initiated_at": ago(hours=2)}
    return Try(**values | changes)


def notice(**changes: Any) -> Notice:
    values: dict[str, Any] = {"order_id": ORDER, "receipt": "pmt_1-1", "raised_at": ago(days=2)}
    return Notice(**values | changes)


def record(**changes: Any) -> RetryRecord:
    values: dict[str, Any] = {
        "payment_id": "pmt_1",
        "mandate_id": "mdt_1",
        "state": RetryState.PLANNED,
        "plan": plan(),
        "created_at": ago(days=5),
        "updated_at": ago(days=5),
        "version": 1,
    }
    return RetryRecord(**values | changes)


def mandate(**changes: Any) -> Mandate:
    values: dict[str, Any] = {
        "mandate_id": "mdt_1",
        "payer_id": "usr_1",
        "school_id": "sch_1",
        "method": MandateMethod.UPI,
        "max_amount_paise": 500_000,
        "currency": "INR",
        "frequency": Frequency.MONTHLY,
        "ends_at": "2030-03-31T18:29:59.000Z",
        "first_payment_paise": 0,
        "payment_id": "pmt_0",
        "order_id": "order_0",
        "customer_id": "cust_1",
        "tokens": ("token_1",),
        "created_at": ago(days=60),
    }
    return Mandate(**values | changes)


def token(status: str = "confirmed", **instrument: Any) -> TokenRecord:
    described = {"kind": InstrumentKind.UPI, "vpa_masked": "r***@okhdfc"} | instrument
    state = TokenState(status=TokenStatus(status), observed_at=1, instrument=Instrument(**described))
    return TokenRecord(token_id="token_1", state=state, payer_id="usr_1", mandate_id="mdt_1")
