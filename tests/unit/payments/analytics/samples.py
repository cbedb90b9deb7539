"""Facts of payments for tests, the messages that carry them, and sequences of them for property tests."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from runtime.payments.analytics.news import OF_OTHER_THINGS, News, PaymentFact
from runtime.payments.events import status_event
from runtime.payments.model import Attempt, Payment
from runtime.platform.clock import iso

NOON = "2026-04-01T06:30:00.000Z"
"""Twelve o'clock in India, on 1 April 2026."""


def fact(news: News = News.CAPTURED, **changes: Any) -> PaymentFact:
    """A fact of a payment of ₹450.00 by UPI, told at noon."""
    values: dict[str, Any] = {
        "event_id": "evt_1",
        "occurred_at": NOON,
        "news": news,
        "payment_id": "pmt_1",
        "school_id": "sch_1",
        "version": 2,
        "amount_paise": 45_000,
        "currency": "INR",
        "method": "upi",
        "created_at": NOON,
    }
    return PaymentFact.model_validate(values | changes)


def message(detail_type: str, detail: object, *, event_id: str = "evt_1", occurred_at: str = NOON) -> str:
    """An event as the bus hands it to the queue: the outbox item is the envelope's detail."""
    item = {
        "event_id": event_id,
        "occurred_at": occurred_at,
        "subject": "pmt_1",
        "detail": detail if isinstance(detail, str) else json.dumps(detail),
    }
    return json.dumps({"source": "hasivu.payments", "detail-type": detail_type, "detail": item})


def told(payment: Payment, attempt: Attempt | None = None, **envelope: str) -> str:
    """The message in which a payment's present status is told."""
    event = status_event(payment, attempt)
    return message(event.detail_type, dict(event.detail), **envelope)


_AROUND_MIDNIGHT = datetime(2026, 4, 30, 18, 0, tzinfo=UTC)
"""Half past eleven at night in India, on the last day of April."""


_MONEY = st.builds(
    lambda amount, told: {"amount_paise": amount} | told,
    st.sampled_from([100, 45_000]),
    st.sampled_from(
        [
            {"currency": "INR"},
            {"currency": "INR"},
            {"currency": "USD", "base_amount_paise": 8_377},
            {"currency": "USD"},
        ]
    ),
)
"""Amounts as events tell them; of those in dollars the worth in rupees is not always known."""


@st.composite
def histories(draw: st.DrawFn, size_max: int = 12) -> list[PaymentFact]:
    """Different events of a few payments of two schools, around the end of a day and month in India."""
    facts = []
    for number in range(draw(st.integers(1, size_max))):
        payment = draw(st.integers(0, 3))
        created = _AROUND_MIDNIGHT + timedelta(minutes=11 * payment)
        moment = _AROUND_MIDNIGHT + timedelta(seconds=draw(st.integers(0, 7200)))
        news = draw(st.sampled_from(News))
        fee = draw(st.sampled_from([None, 1_062])) if news is News.CAPTURED else None
        if news in OF_OTHER_THINGS:
            facts.append(draw(_later(news, f"evt_{number}", payment, iso(moment), iso(created))))
            continue
        facts.append(
            fact(
                news,
                event_id=f"evt_{number}",
                occurred_at=iso(moment),
                payment_id=f"pmt_{payment}",
                school_id=f"sch_{payment % 2}",
                version=draw(st.integers(1, 3)),
                **draw(_MONEY),
                method=draw(st.sampled_from(["upi", "card", None])),
                network=draw(st.sampled_from(["Visa", None])),
                issuer=draw(st.sampled_from(["HDFC", None])),
                bank=draw(st.sampled_from(["ICIC", None])),
                error_reason=draw(st.sampled_from(["payment_cancelled", "NA", "", None])),
                fee_paise=fee,
                tax_paise=162 if fee else None,
                created_at=draw(st.sampled_from([iso(created), iso(created), None])),
                captured_at=iso(moment) if news is News.CAPTURED else None,
                failed_before=draw(st.booleans()),
            )
        )
    return facts


@st.composite
def _later(
    draw: st.DrawFn, news: News, event_id: str, payment: int, occurred_at: str, created_at: str
) -> PaymentFact:
    """What happened to a payment's money after its capture."""
    about: dict[str, Any] = {"created_at": None}
    if news is News.SETTLED:
        lag = draw(st.integers(0, 9))
        about = {
            "created_at": created_at,
            "captured_on": "2026-04-28",
            "settled_on": (date(2026, 4, 28) + timedelta(days=lag)).isoformat(),
            "fee_paise": 1_062,
            "tax_paise": 162,
            "net_paise": 43_938,
        }
    return fact(
        news,
        event_id=event_id,
        occurred_at=occurred_at,
        payment_id=f"pmt_{payment}",
        school_id=f"sch_{payment % 2}",
        version=None,
        **draw(_MONEY),
        method=draw(st.sampled_from(["upi", "card", None])),
        first_heard=news.value.startswith("Dispute") and draw(st.booleans()),
        **about,
    )


def repeated(facts: list[PaymentFact]) -> st.SearchStrategy[list[PaymentFact]]:
    """``facts`` in any order, any of them told again."""
    again = st.lists(st.sampled_from(facts), max_size=6)
    return again.flatmap(lambda more: st.permutations([*facts, *more]))
