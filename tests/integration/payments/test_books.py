"""The same events, shuffled and repeated, end in the same payment and the same books."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.ledger.model import trial_balance
from runtime.payments.inbox import EventState
from runtime.payments.model import Payment
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import business_date
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.world import World, webhook_body
from tests.integration.tables import NOON_IN_INDIA

WITH_THE_EMULATOR = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

_DAY = business_date(NOON_IN_INDIA)
_runs: Iterator[int] = count()


@dataclass(frozen=True)
class Word:
    """An event about the ``number``-th attempt: what it is called, what it says, and when it was said."""

    number: int
    event: str
    status: str
    at: int
    knows_fee: bool = True


OTHER_AMOUNT, OTHER_CURRENCY = 2, 3
"""The numbers of the attempts that pay what was not asked for; 0 and 1 answer to it."""

WORDS = st.builds(
    Word,
    number=st.sampled_from([0, 0, 0, 1, OTHER_AMOUNT, OTHER_CURRENCY]),
    event=st.sampled_from(["payment.authorized", "payment.captured", "payment.failed", "order.paid"]),
    status=st.sampled_from(["created", "failed", "authorized", "captured", "captured", "refunded"]),
    at=st.integers(1_775_025_000, 1_775_025_002),
    knows_fee=st.booleans(),
)


@dataclass(frozen=True)
class Ending:
    """How a payment ended, without what names this run."""

    payment: dict[str, Any]
    balances_paise: dict[str, int]
    entries: list[str]


def told(world: World, words: list[Word]) -> Ending:
    """Tell ``words`` of a new payment at a new school and give how it ended."""
    run = f"{next(_runs):06d}"
    payment = Payment(
        payment_id=f"pmt_{run}",
        school_id=f"sch{run}",
        payer_id="usr_parent",
        amount_paise=45_000,
        currency="INR",
        description="Lunches in April",
        order_id=f"order_{run}",
        created_at="2026-04-01T06:30:00.000Z",
        updated_at="2026-04-01T06:30:00.000Z",
        version=0,
    )
    _record_first(world, payment)
    for number, word in enumerate(words):
        event_id = f"evt_{run}_{number}"
        assert world.deliver(_body(word, run), event_id=event_id).status == 200
        state = world.applier.apply(event_id, request_id="req")
        assert state in (EventState.APPLIED, EventState.NO_CHANGE)
        assert world.applier.apply(event_id, request_id="req") is state
    return _ending(world, payment.payment_id, run)


def _record_first(world: World, payment: Payment) -> None:
    line = AuditLine("usr_parent", "payments.create", payment.payment_id, Outcome.DONE, "req")
    world.recorder.record(None, payment, line)


def _body(word: Word, run: str) -> bytes:
    changes: dict[str, Any] = {"status": word.status}
    if word.status in ("captured", "refunded"):
        # Refunded without a fee is how an authorisation that expired reads.
        changes |= {"fee": 1_062, "tax": 162} if word.knows_fee else {"fee": None, "tax": None}
    if word.number == OTHER_AMOUNT:
        changes["amount"] = 44_000
    if word.number == OTHER_CURRENCY:
        changes["currency"] = "USD"
    payment = gateway_payment(f"pay_{run}x{word.number}", f"order_{run}", **changes)
    return webhook_body(word.event, payment, created_at=word.at)


def _ending(world: World, payment_id: str, run: str) -> Ending:
    after = world.stored(payment_id)
    entries = [entry for entry in world.journal.entries_of(_DAY) if run in entry.entry_id]
    # What the payment says it booked is what stands in the journal, each entry once.
    assert sorted(after.journal) == sorted(entry.entry_id for entry in entries)
    books = trial_balance(entries)
    assert books.balances
    assert books == world.books(after)
    document = after.model_dump(mode="json", exclude={"version", "journal", "updated_at"})
    return Ending(
        payment=json.loads(json.dumps(document).replace(run, "RUN")),
        balances_paise={
            name.replace(run, "RUN"): paise for name, paise in books.balances_paise.items() if paise
        },
        entries=sorted(entry.entry_id.replace(run, "RUN") for entry in entries),
    )


@given(data=st.data())
@WITH_THE_EMULATOR
def test_any_order_with_any_repetition_ends_the_same(world: World, data: st.DataObject) -> None:
    words = data.draw(st.lists(WORDS, min_size=1, max_size=6))
    repeated = words + data.draw(st.lists(st.sampled_from(words), max_size=2))
    assert told(world, data.draw(st.permutations(repeated))) == told(world, words)


NAMED = {
    "failed then captured": [
        Word(0, "payment.failed", "failed", 1),
        Word(0, "payment.captured", "captured", 2),
    ],
    "captured before authorized": [
        Word(0, "payment.captured", "captured", 2),
        Word(0, "payment.authorized", "authorized", 1),
    ],
    "late authorisation": [
        Word(0, "payment.failed", "failed", 1),
        Word(0, "payment.authorized", "authorized", 2),
        Word(0, "payment.captured", "captured", 3),
        Word(0, "order.paid", "captured", 3),
    ],
    "a second try pays": [Word(0, "payment.failed", "failed", 1), Word(1, "payment.captured", "captured", 2)],
    "two captures": [Word(0, "payment.captured", "captured", 1), Word(1, "payment.captured", "captured", 2)],
    "paid twice, once wrongly": [
        Word(OTHER_AMOUNT, "payment.captured", "captured", 1),
        Word(0, "payment.captured", "captured", 2),
    ],
    "the fee is known only later": [
        Word(0, "payment.captured", "captured", 1, knows_fee=False),
        Word(0, "order.paid", "captured", 2),
    ],
    "the fee is forgotten later": [
        Word(0, "payment.captured", "captured", 1),
        Word(0, "payment.captured", "refunded", 2, knows_fee=False),
    ],
    "refunded after expiry": [
        Word(0, "payment.authorized", "authorized", 1),
        Word(0, "payment.failed", "refunded", 2, knows_fee=False),
    ],
}
BALANCES = {
    "failed then captured": (43_938, -45_000, 0),
    "captured before authorized": (43_938, -45_000, 0),
    "late authorisation": (43_938, -45_000, 0),
    "a second try pays": (43_938, -45_000, 0),
    "two captures": (87_876, -45_000, -45_000),
    "paid twice, once wrongly": (86_876, -45_000, -44_000),
    "the fee is known only later": (43_938, -45_000, 0),
    "the fee is forgotten later": (43_938, -45_000, 0),
    "refunded after expiry": (0, 0, 0),
}
"""What the gateway owes us, what we owe the school, and what waits for a person, in paise."""


@pytest.mark.parametrize("name", NAMED)
def test_the_books_of_a_known_story_forwards_and_backwards(world: World, name: str) -> None:
    forwards, backwards = told(world, NAMED[name]), told(world, NAMED[name][::-1])
    assert forwards == backwards
    accounts = ("gateway_receivable:razorpay", "school_payable:schRUN", "suspense:schRUN")
    assert tuple(forwards.balances_paise.get(account, 0) for account in accounts) == BALANCES[name]


def test_the_books_of_a_day_hold_every_payment_and_balance(world: World) -> None:
    for words in NAMED.values():
        told(world, words)
    books = world.day_books()
    assert books.balances
    assert books.entries == len(world.tables.items("ledger"))
    expected = [sum(BALANCES[name][column] for name in NAMED) for column in range(3)]
    owed = sum(paise for name, paise in books.balances_paise.items() if name.startswith("school_payable"))
    waiting = sum(paise for name, paise in books.balances_paise.items() if name.startswith("suspense"))
    assert [books.balances_paise["gateway_receivable:razorpay"], owed, waiting] == expected
