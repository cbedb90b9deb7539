"""A bank statement is kept line by line, each once, and what cannot be read is told by line."""

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.payments.reconciling import (
    AUDITOR,
    FINANCE_OF_A_SCHOOL,
    OPERATOR,
    SETTLED_ON,
    Reconciling,
)
from tests.integration.payments.test_races import at_once
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ONE = "2026-04-06,439.38,NEFT RAZORPAY AXISCN1153863727,AXISCN1153863727"
TWO = "2026-04-07,100.00,NEFT RAZORPAY AXISCN1153863728,AXISCN1153863728"


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Reconciling:
    made = Reconciling(tables, dynamodb)
    made.go_to(SETTLED_ON)
    return made


def kept(world: Reconciling) -> list[int]:
    return sorted(
        item["line"]["amount_paise"]
        for item in world.tables.items("reconciliation")
        if item["pk"].startswith("LINES#")
    )


def test_a_file_that_comes_twice_is_kept_once(world: Reconciling) -> None:
    first = world.upload(ONE, TWO)
    assert (first.status, first.body["kept"], first.body["known"], first.body["broken"]) == (201, 2, 0, 0)
    again = world.upload(ONE, TWO)
    assert (again.body["kept"], again.body["known"]) == (0, 2)
    assert kept(world) == [10_000, 43_938]


def test_files_that_overlap_meet_in_the_same_lines(world: Reconciling) -> None:
    world.upload(ONE)
    assert world.upload(ONE, TWO).body["kept"] == 1
    assert kept(world) == [10_000, 43_938]


def test_a_file_sent_by_many_at_once_is_kept_once(world: Reconciling) -> None:
    answers = at_once(*[lambda: world.upload(ONE, TWO).body["kept"]] * 5)
    assert sum(int(str(count)) for count in answers) == 2
    assert kept(world) == [10_000, 43_938]


def test_the_same_key_gives_the_same_answer(world: Reconciling) -> None:
    first = world.upload(ONE, key="key-of-one-file")
    assert world.upload(ONE, key="key-of-one-file").body == first.body
    assert world.upload(TWO, key="key-of-one-file").code == "idempotency-key-reused"


def test_good_rows_are_kept_and_broken_ones_told_by_line(world: Reconciling) -> None:
    answer = world.upload(ONE, "2026-04-07,much,NEFT,X", TWO)
    assert (answer.body["kept"], answer.body["broken"]) == (2, 1)
    assert answer.body["broken_rows"] == [
        {"row_no": 3, "code": "row-amount-malformed", "reason": answer.body["broken_rows"][0]["reason"]}
    ]
    assert "much" not in answer.text


def test_lines_whose_balances_contradict_them_are_held_back(world: Reconciling) -> None:
    text = "booked_on,amount,narration,reference,balance\n2026-04-06,1.00,A,,1.00\n2026-04-07,1.00,B,,9.00\n"
    answer = world.upload(content=text.encode())
    assert (answer.body["kept"], answer.body["held_back"]) == (0, 2)
    assert [each["balance"] for each in answer.body["statements"]] == ["differs"]
    assert kept(world) == []


@pytest.mark.parametrize(
    ("changes", "code", "fault"),
    [
        ({"account": "elsewhere"}, "bank-account-unknown", None),
        ({"profile": "no-such-bank"}, "statement-refused", "statement-profile-unknown"),
        ({"profile": None}, "statement-refused", "statement-profile-unknown"),
        ({"content": b"<!DOCTYPE x><Document/>"}, "statement-refused", "statement-xml-doctype"),
        ({"content": b"\x00\x01\x02\x03"}, "statement-refused", None),
        ({"content_base64": "AAAAA"}, "body-invalid", None),
        ({"content_base64": "not base64!"}, "body-invalid", None),
        ({"content_base64": base64.b64encode(b"a" * 46_081).decode()}, "body-invalid", None),
    ],
)
def test_what_is_no_statement_is_refused_whole(
    world: Reconciling, changes: dict[str, Any], code: str, fault: str | None
) -> None:
    answer = world.upload(ONE, **changes)
    assert answer.code == code, answer.text
    assert fault is None or answer.body["fault"] == fault
    assert kept(world) == []


def test_who_may_upload(world: Reconciling) -> None:
    assert world.upload(ONE, principal=AUDITOR).code == "forbidden"
    assert world.upload(ONE, principal=FINANCE_OF_A_SCHOOL).code == "school-forbidden"
    assert kept(world) == []
    assert world.upload(ONE, principal=OPERATOR).status == 201
