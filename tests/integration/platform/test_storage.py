"""What the platform writes: transactions, the audit trail, the outbox, the journal, schools."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from runtime.ledger.accounts import gateway_receivable, school_payable
from runtime.ledger.journal import Journal
from runtime.ledger.model import JournalEntry, credit, debit, trial_balance
from runtime.platform.audit import SUBJECT_MAX, AuditLine, AuditTrail, Outcome
from runtime.platform.clock import FixedClock
from runtime.platform.dynamodb import ConditionFailed, Transaction, get_item, put_item_if, update_item_if
from runtime.platform.errors import CONCURRENT_CHANGE, Problem
from runtime.platform.ids import UlidIds, is_id
from runtime.platform.outbox import DETAIL_BYTES_MAX, DomainEvent, Outbox
from runtime.platform.schools import School, SchoolRegister
from tests.integration.tables import NOON_IN_INDIA, Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEW = "attribute_not_exists(school_id)"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON_IN_INDIA)


@pytest.fixture
def ids(clock: FixedClock) -> UlidIds:
    numbers = count(1)
    return UlidIds(clock, lambda _: next(numbers))


# Transactions and conditional writes


def test_all_is_written_or_nothing(tables: Tables, dynamodb: "DynamoDBClient") -> None:
    tables.put("schools", {"school_id": "there"})
    tables.make_all()
    before = tables.snapshot()
    transaction = Transaction(dynamodb)
    transaction.put("new", tables["schools"], {"school_id": "new"}, condition=NEW)
    transaction.put("old", tables["schools"], {"school_id": "there"}, condition=NEW)
    transaction.put("event", tables["outbox"], {"event_id": "e"}, condition="attribute_not_exists(event_id)")
    with pytest.raises(ConditionFailed) as caught:
        transaction.commit()
    assert caught.value.labels == ("old",)
    assert tables.snapshot() == before


def test_every_kind_of_value_comes_back_from_storage(tables: Tables, dynamodb: "DynamoDBClient") -> None:
    item: dict[str, Any] = {
        "school_id": "s",
        "big": 10**37,
        "negative": -1,
        "true": True,
        "text": "₹ \U0001f600",
        "empty": "",
        "list": [1, None, {"a": False}],
        "map": {},
    }
    put_item_if(dynamodb, tables["schools"], item, condition=NEW)
    assert get_item(dynamodb, tables["schools"], {"school_id": "s"}) == item
    assert get_item(dynamodb, tables["schools"], {"school_id": "other"}) is None


def test_a_failed_condition_shows_what_is_there(tables: Tables, dynamodb: "DynamoDBClient") -> None:
    tables.put("schools", {"school_id": "s", "version": 3})
    with pytest.raises(ConditionFailed) as caught:
        put_item_if(
            dynamodb,
            tables["schools"],
            {"school_id": "s", "version": 2},
            condition="#v = :one",
            values={":one": 1},
            names={"#v": "version"},
        )
    assert caught.value.existing == {"school_id": "s", "version": 3}
    with pytest.raises(ConditionFailed) as caught:
        update_item_if(
            dynamodb,
            tables["schools"],
            {"school_id": "x"},
            expression="SET v = :v",
            condition="v = :v",
            values={":v": 1},
        )
    assert caught.value.existing is None


def test_of_many_updates_at_one_version_one_wins(tables: Tables, dynamodb: "DynamoDBClient") -> None:
    tables.put("schools", {"school_id": "s", "version": 1})

    def change(number: int) -> object:
        transaction = Transaction(dynamodb, sleep=lambda _: None)
        transaction.put(
            "state",
            tables["schools"],
            {"school_id": "s", "version": 2, "by": number},
            condition="version = :old",
            values={":old": 1},
        )
        transaction.put(
            "event", tables["outbox"], {"event_id": f"e{number}"}, condition="attribute_not_exists(event_id)"
        )
        try:
            transaction.commit()
        except ConditionFailed as refused:
            return refused.labels
        except Problem as problem:
            return problem.kind
        return "done"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(change, range(20)))
    assert outcomes.count("done") == 1
    assert all(outcome in ("done", ("state",), CONCURRENT_CHANGE) for outcome in outcomes)
    won = outcomes.index("done")
    assert tables.items("schools")[0]["by"] == won
    assert [item["event_id"] for item in tables.items("outbox")] == [f"e{won}"]


# The audit trail


def test_a_line_says_who_did_what_to_what_and_when(tables: Tables, clock: FixedClock, ids: UlidIds) -> None:
    AuditTrail(tables.client, tables["audit"], clock, ids).append(
        AuditLine(
            "usr-1", "payments.create", "pmt_1", Outcome.REFUSED, "req-1", "sch_1", "forbidden", {"n": 1}
        )
    )
    (line,) = tables.items("audit")
    assert is_id(line.pop("audit_id"), "aud")
    assert line == {
        "day": "2026-04-01",
        "at": "2026-04-01T06:30:00.000Z",
        "actor_id": "usr-1",
        "action": "payments.create",
        "subject": "pmt_1",
        "outcome": "refused",
        "request_id": "req-1",
        "school_id": "sch_1",
        "code": "forbidden",
        "details": {"n": 1},
    }


def test_a_day_begins_in_india(tables: Tables) -> None:
    clock = FixedClock(datetime(2026, 3, 31, 18, 30, tzinfo=UTC))
    AuditTrail(tables.client, tables["audit"], clock, UlidIds(clock)).append(
        AuditLine("a", "b", "c", Outcome.DONE, "r")
    )
    assert tables.items("audit")[0]["day"] == "2026-04-01"


def test_no_card_number_and_no_personal_datum_reaches_the_trail(
    tables: Tables, clock: FixedClock, ids: UlidIds
) -> None:
    trail = AuditTrail(tables.client, tables["audit"], clock, ids)
    for subject in ("4111111111111111", "asha@example.com", "x" * 1000):
        details = {"note": "4111 1111 1111 1111", "email": "asha@example.com", "said": "call 9876543210"}
        trail.append(AuditLine("usr-1", "payments.get", subject, Outcome.REFUSED, "r", details=details))
    text = json.dumps(tables.items("audit"))
    for secret in ("4111111111111111", "4111 1111", "asha", "98765"):
        assert secret not in text
    assert all(len(line["subject"]) <= SUBJECT_MAX for line in tables.items("audit"))


def test_a_line_is_never_written_over(tables: Tables, clock: FixedClock) -> None:
    always_the_same = UlidIds(clock, lambda _: 0)
    trail = AuditTrail(tables.client, tables["audit"], clock, always_the_same)
    trail.append(AuditLine("first", "a", "b", Outcome.DONE, "r"))
    with pytest.raises(ConditionFailed):
        trail.append(AuditLine("second", "a", "b", Outcome.DONE, "r"))
    transaction = Transaction(tables.client)
    trail.append_in(transaction, AuditLine("third", "a", "b", Outcome.DONE, "r"))
    with pytest.raises(ConditionFailed) as caught:
        transaction.commit()
    assert caught.value.labels == ("audit",)
    assert [line["actor_id"] for line in tables.items("audit")] == ["first"]


# The outbox


def test_an_event_is_kept_as_the_pipe_expects_it(tables: Tables, clock: FixedClock, ids: UlidIds) -> None:
    transaction = Transaction(tables.client)
    event = DomainEvent("hasivu.payments", "PaymentCaptured", "pmt_1", {"b": "₹", "a": 45000})
    event_id = Outbox(tables["outbox"], clock, ids).add_in(transaction, event)
    transaction.commit()
    assert tables.items("outbox") == [
        {
            "event_id": event_id,
            "source": "hasivu.payments",
            "detail_type": "PaymentCaptured",
            "subject": "pmt_1",
            "occurred_at": "2026-04-01T06:30:00.000Z",
            "detail": '{"a":45000,"b":"₹"}',
            "expires_at": int(datetime(2026, 4, 8, 6, 30, tzinfo=UTC).timestamp()),
        }
    ]


def test_an_event_larger_than_the_bus_takes_is_refused_before_it_is_written(
    tables: Tables, clock: FixedClock, ids: UlidIds
) -> None:
    outbox = Outbox(tables["outbox"], clock, ids)
    empty = len(json.dumps({"x": ""}, separators=(",", ":")))
    transaction = Transaction(tables.client)
    outbox.add_in(transaction, DomainEvent("s", "T", "x", {"x": "₹" * ((DETAIL_BYTES_MAX - empty) // 3)}))
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        outbox.add_in(transaction, DomainEvent("s", "T", "x", {"x": "₹" * (DETAIL_BYTES_MAX // 3)}))


# The journal


def entry(number: int, day: date) -> JournalEntry:
    amount = 100 + number
    lines = (debit(gateway_receivable("razorpay"), amount), credit(school_payable("sch_1"), amount))
    return JournalEntry(f"capture:pay_{number:04d}", day, f"Capture {number}", "INR", lines)


def post(tables: Tables, *entries: JournalEntry) -> None:
    transaction = Transaction(tables.client)
    for one in entries:
        Journal(tables.client, tables["ledger"], FixedClock(NOON_IN_INDIA)).post_in(transaction, one)
    transaction.commit()


def test_an_entry_comes_back_as_it_was_booked(tables: Tables, clock: FixedClock) -> None:
    journal = Journal(tables.client, tables["ledger"], clock)
    post(tables, entry(1, date(2026, 4, 1)))
    assert journal.get("capture:pay_0001") == entry(1, date(2026, 4, 1))
    assert journal.get("capture:pay_0002") is None
    (item,) = tables.items("ledger")
    assert item["posted_at"] == "2026-04-01T06:30:00.000Z"


def test_the_same_fact_is_booked_once_and_drags_its_transaction_down(
    tables: Tables, clock: FixedClock
) -> None:
    day = date(2026, 4, 1)
    post(tables, entry(1, day))
    with pytest.raises(ConditionFailed) as caught:
        post(tables, entry(2, day), entry(1, day))
    assert caught.value.labels == ("journal:capture:pay_0001",)
    assert Journal(tables.client, tables["ledger"], clock).get("capture:pay_0002") is None


def test_the_entries_of_a_day_are_all_of_them_page_by_page_and_no_others(
    tables: Tables, clock: FixedClock
) -> None:
    day, next_day = date(2026, 4, 1), date(2026, 4, 2)
    padding = "x" * 12_000  # so that a day does not fit on one page of a megabyte
    entries = [JournalEntry(f"e:{n:03d}", day, padding, "INR", entry(n, day).lines) for n in range(100)]
    for start in range(0, 100, 50):
        post(tables, *entries[start : start + 50])
    post(tables, entry(9, next_day))
    journal = Journal(tables.client, tables["ledger"], clock)
    assert list(journal.entries_of(day)) == entries
    assert list(journal.entries_of(next_day)) == [entry(9, next_day)]
    assert list(journal.entries_of(date(2026, 4, 3))) == []
    assert trial_balance(journal.entries_of(day)).balances


# Schools


def test_a_school_is_found_by_its_identifier(tables: Tables) -> None:
    tables.put("schools", {"school_id": "sch_1", "name": "Delhi Public School", "active": False, "more": 1})
    register = SchoolRegister(tables.client, tables["schools"])
    assert register.get("sch_1") == School("sch_1", "Delhi Public School", active=False)
    assert register.get("sch_2") is None
