"""What does not match is opened, worked on by people, forced by two of them, and follows new facts."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from runtime.payments.reconciliation.repository import KeptException
from tests.events import Answer
from tests.integration.payments.gateway import Crashed, gateway_payment
from tests.integration.payments.reconciling import (
    ADMIN,
    AUDITOR,
    FINANCE,
    FINANCE_OF_A_SCHOOL,
    NET,
    OPERATOR,
    SECOND,
    SETTLED_ON,
    UTR,
    Reconciling,
    recon_row,
)
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import Interrupted
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OVERDUE_ON = date(2026, 4, 9)
UNDER = f"exc:utr:{UTR}"
SHORT_PAISE = 40_000 - NET
SHORT = f"2026-04-07,400.00,NEFT RAZORPAY {UTR},{UTR}"
REST = f"2026-04-08,39.38,NEFT RAZORPAY {UTR} REST,{UTR}"
REASON = "Razorpay confirmed the deduction in ticket 4711"
DIFFERENCE, RECEIVABLE = "reconciliation_difference:razorpay", "gateway_receivable:razorpay"


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Reconciling:
    return Reconciling(tables, dynamodb)


@pytest.fixture
def short(world: Reconciling) -> Reconciling:
    """The bank credited less than was settled, and two days later it is an exception."""
    world.captured()
    world.settle(recon_row(), amount=NET)
    world.go_to(SETTLED_ON)
    world.upload(SHORT)
    world.go_to(OVERDUE_ON)
    assert world.run().body["exceptions"] >= 1
    return world


def owned(world: Reconciling, exception_id: str = UNDER) -> None:
    assert world.step(exception_id, "assign", owner=FINANCE.principal_id).status == 200


def asked(world: Reconciling) -> None:
    owned(world)
    answer = world.step(UNDER, "force", difference_paise=SHORT_PAISE, reason=REASON)
    assert (answer.status, answer.body["state"]) == (200, "awaiting_approval"), answer.text


def actions(body: dict[str, Any]) -> list[str]:
    return [each["action"] for each in body["trail"]]


def over(world: Reconciling, client: Any) -> Reconciling:
    """The same world seen by another process."""
    other = world.over(client)
    assert isinstance(other, Reconciling)
    return other


def test_money_that_is_short_is_an_exception_with_its_age(short: Reconciling) -> None:
    found = short.exception(UNDER)
    assert (found["statuses"], found["difference_paise"], found["state"]) == (["under"], SHORT_PAISE, "open")
    assert (found["age"], found["turnaround"], found["owner"]) == ("0-1", None, None)
    assert UNDER in short.open_ids()
    assert UNDER in short.exceptions_told()
    short.go_to(date(2026, 4, 15))
    assert short.exception(UNDER)["age_working_days"] > 1


def test_what_came_is_booked_and_the_rest_stays_with_the_gateway(short: Reconciling) -> None:
    balances = short.balances()
    assert (balances["bank:settlements"], balances[RECEIVABLE]) == (40_000, -SHORT_PAISE)
    assert DIFFERENCE not in balances


def test_a_forced_posting_takes_two_people_and_is_booked_with_the_approval(short: Reconciling) -> None:
    asked(short)
    assert DIFFERENCE not in short.balances()
    alone = short.step(UNDER, "approve")
    assert (alone.status, alone.code, alone.body["refusal"]) == (
        403,
        "exception-four-eyes",
        "exception-four-eyes",
    )
    assert DIFFERENCE not in short.balances()
    answer = short.step(UNDER, "approve", principal=SECOND)
    assert (answer.status, answer.body["state"], answer.body["resolution"]) == (
        200,
        "resolved",
        "posted_forced",
    )
    balances = short.balances()
    assert (balances[DIFFERENCE], balances[RECEIVABLE]) == (-SHORT_PAISE, 0)
    assert UNDER not in short.open_ids()
    assert short.run().body["lines_booked"] == 0
    assert short.balances() == balances
    assert short.exception(UNDER)["state"] == "resolved"


def test_an_approval_is_booked_once_however_often_it_is_given(short: Reconciling) -> None:
    asked(short)
    answers = at_once(*[lambda: short.step(UNDER, "approve", principal=SECOND).status] * 5)
    assert Counter(answers) == {200: 1, 409: 4}
    assert short.balances()[DIFFERENCE] == -SHORT_PAISE
    again = short.step(UNDER, "approve", principal=SECOND)
    assert (again.code, again.body["refusal"]) == ("exception-step-refused", "exception-resolved")


def test_an_approval_whose_answer_was_lost_is_done(short: Reconciling) -> None:
    asked(short)
    dying = Interrupted(short.client)

    def die() -> None:
        raise Crashed

    dying.after["transact_write_items"] = [die]
    with pytest.raises(Crashed):
        over(short, dying).step(UNDER, "approve", principal=SECOND)
    assert short.exception(UNDER)["resolution"] == "posted_forced"
    assert short.step(UNDER, "approve", principal=SECOND).status == 409
    assert short.balances()[DIFFERENCE] == -SHORT_PAISE


def test_the_missing_money_that_comes_after_all_turns_the_forced_posting_back(short: Reconciling) -> None:
    asked(short)
    short.step(UNDER, "approve", principal=SECOND)
    assert short.upload(REST).body["kept"] == 1
    short.clock.advance(seconds=60)
    assert short.run().body["exceptions"] == 0
    found = short.exception(UNDER)
    assert (found["state"], found["resolution"]) == ("resolved", "matched")
    balances = short.balances()
    assert (balances["bank:settlements"], balances[RECEIVABLE], balances[DIFFERENCE]) == (NET, 0, 0)
    before = short.tables.items("ledger")
    short.run()
    assert short.tables.items("ledger") == before


def test_other_facts_open_it_again_and_take_the_forced_posting_back(short: Reconciling) -> None:
    asked(short)
    short.step(UNDER, "approve", principal=SECOND)
    short.upload(REST.replace("39.38", "9.38"))
    short.clock.advance(seconds=60)
    short.run()
    found = short.exception(UNDER)
    assert (found["state"], found["difference_paise"], found["owner"]) == ("open", -3_000, None)
    assert actions(found)[-1] == "reopened"
    assert short.balances()[DIFFERENCE] == 0
    assert short.exceptions_told().count(UNDER) == 2
    owned(short)
    short.step(UNDER, "force", difference_paise=-3_000, reason=REASON)
    assert short.step(UNDER, "approve", principal=SECOND).status == 200
    assert short.balances()[DIFFERENCE] == 3_000


def test_a_request_can_be_turned_down_and_made_again(short: Reconciling) -> None:
    asked(short)
    answer = short.step(UNDER, "reject", principal=SECOND, reason="The ticket says something else")
    assert (answer.body["state"], answer.body["force_requested_by"]) == ("assigned", None)
    assert short.step(UNDER, "approve", principal=SECOND).body["refusal"] == "exception-nothing-to-approve"
    assert short.step(UNDER, "force", difference_paise=SHORT_PAISE, reason=REASON).status == 200
    assert DIFFERENCE not in short.balances()


def test_the_amount_that_was_not_understood_is_refused(short: Reconciling) -> None:
    owned(short)
    answer = short.step(UNDER, "force", difference_paise=SHORT_PAISE + 1, reason=REASON)
    assert (answer.status, answer.body["refusal"]) == (409, "exception-force-amount-differs")
    answer = short.step(UNDER, "resolve", resolution="posted_manual", reason=REASON)
    assert answer.body["refusal"] == "exception-difference-needs-force"
    assert short.step(UNDER, "force", difference_paise="39.38", reason=REASON).code == "amount-not-integer"


@pytest.mark.parametrize("resolution", ["void", "explained"])
def test_the_owner_closes_it_with_a_reason_and_the_match_respects_that(
    short: Reconciling, resolution: str
) -> None:
    assert short.step(UNDER, "resolve", resolution=resolution, reason=REASON).status == 409
    owned(short)
    other = short.step(UNDER, "resolve", principal=OPERATOR, resolution=resolution, reason=REASON)
    assert (other.status, other.code) == (403, "exception-not-owner")
    assert short.step(UNDER, "resolve", resolution=resolution, reason="short").status == 409
    answer = short.step(UNDER, "resolve", resolution=resolution, reason=REASON)
    assert (answer.status, answer.body["resolution"]) == (200, resolution)
    short.clock.advance(seconds=60)
    short.run()
    assert short.exception(UNDER)["resolution"] == resolution
    assert short.exceptions_told().count(UNDER) == 1


def test_what_agrees_to_the_paisa_is_posted_by_hand(world: Reconciling) -> None:
    world.captured()
    world.settle(recon_row(settlement_utr="AXISCN9999999999"), amount=NET)
    world.go_to(SETTLED_ON)
    world.upload(SHORT.replace("400.00", "439.38"))
    world.run()
    assert world.exception(UNDER)["reasons"] == ["utr-differs"]
    owned(world)
    assert world.step(UNDER, "resolve", resolution="posted_manual", reason=REASON).status == 200
    world.clock.advance(seconds=60)
    assert world.run().body["exceptions"] == 0
    assert world.balances()[RECEIVABLE] == 0


def test_comments_stay_in_the_trail_without_card_numbers(short: Reconciling) -> None:
    answer = short.step(UNDER, "comment", text="Asked Razorpay, ravi@example.com answers tomorrow")
    assert actions(answer.body) == ["opened", "commented"]
    assert "ravi@example.com" not in answer.text
    assert short.step(UNDER, "comment", text="4111 1111 1111 1111").code == "card-data-refused"
    assert short.step(UNDER, "comment", text="x" * 501).code == "body-invalid"
    assert short.step(UNDER, "comment", text="   ").status == 409


def test_every_step_leaves_an_audit_line(short: Reconciling) -> None:
    asked(short)
    short.step(UNDER, "approve", principal=SECOND)
    lines = [
        (line["actor_id"], line["action"])
        for line in short.tables.items("audit")
        if line["subject"] == UNDER and line["outcome"] == "done"
    ]
    assert sorted(lines) == [
        ("reconciliation", "exceptions.opened"),
        ("usr_finance", "exceptions.assigned"),
        ("usr_finance", "exceptions.force_requested"),
        ("usr_finance_two", "exceptions.force_approved"),
    ]


def test_a_person_and_a_match_at_once_both_count(short: Reconciling) -> None:
    """The person's step comes between the match's reading and its writing."""
    short.upload(REST.replace("39.38", "9.38"))
    short.clock.advance(seconds=60)
    slow = Interrupted(short.client)
    slow.before["transact_write_items"] = [lambda: None, lambda: owned(short)]  # the first queues the run
    assert over(short, slow).run().body["state"] == "done"
    found = short.exception(UNDER)
    assert (found["owner"], found["difference_paise"]) == (FINANCE.principal_id, -3_000)
    assert actions(found) == ["opened", "assigned", "facts_changed"]


def test_two_people_at_once_both_count(short: Reconciling) -> None:
    slow = Interrupted(short.client)
    slow.before["transact_write_items"] = [lambda: owned(short)]
    answer = over(short, slow).step(UNDER, "comment", text="I look at it", principal=OPERATOR)
    assert actions(answer.body) == ["opened", "assigned", "commented"]


def test_what_keeps_changing_is_left_to_the_caller(short: Reconciling) -> None:
    def say() -> None:
        assert short.step(UNDER, "comment", text="again", principal=OPERATOR).status == 200

    restless = Interrupted(short.client)
    restless.before["transact_write_items"] = [say] * 5
    answer: Answer = over(short, restless).step(UNDER, "comment", text="me too")
    assert (answer.status, answer.code) == (409, "concurrent-change")
    short.upload(REST.replace("39.38", "9.38"))
    restless.before["transact_write_items"] = [lambda: None, *[say] * 5]
    assert over(short, restless).run().body["state"] == "queued"
    short.clock.advance(seconds=60)
    assert short.run().body["state"] == "done"


def test_a_condition_on_something_else_is_no_change_of_the_exception(short: Reconciling) -> None:
    """An entry that is in the journal already, under an exception that does not know it, is a fault."""
    asked(short)
    short.tables.put("ledger", {"entry_id": f"reconciliation_difference:utr:{UTR}:1"})
    answer = short.step(UNDER, "approve", principal=SECOND)
    assert (answer.status, answer.code) == (500, "internal")
    assert short.exception(UNDER)["state"] == "awaiting_approval"


def test_who_may_do_what(short: Reconciling) -> None:
    asked(short)
    steps: list[Callable[[], Answer]] = [
        lambda: short.step(UNDER, "comment", principal=AUDITOR, text="hello"),
        lambda: short.step(UNDER, "approve", principal=AUDITOR),
        lambda: short.step(UNDER, "approve", principal=OPERATOR),
    ]
    assert {step().code for step in steps} == {"forbidden"}
    bursar = short.step(UNDER, "approve", principal=FINANCE_OF_A_SCHOOL)
    assert (bursar.status, bursar.code) == (403, "school-forbidden")
    nobody = short.step("exc:nobody", "assign", owner="usr_finance")
    assert (nobody.status, nobody.code) == (404, "exception-not-found")
    assert short.step(UNDER, "approve", principal=ADMIN).status == 200


def test_a_large_difference_needs_an_administrator(world: Reconciling) -> None:
    world.go_to(SETTLED_ON)
    world.upload("2026-04-07,20000.00,NEFT SOMEBODY,AXISCN1153863999")
    world.go_to(date(2026, 4, 13))
    world.run()
    (exception_id,) = world.open_ids()
    owned(world, exception_id)
    assert world.step(exception_id, "force", difference_paise=2_000_000, reason=REASON).status == 200
    answer = world.step(exception_id, "approve", principal=SECOND)
    assert (answer.status, answer.body["refusal"]) == (409, "exception-force-over-limit")
    assert world.step(exception_id, "approve", principal=ADMIN).status == 200


@pytest.mark.parametrize(("method", "owed"), [("upi", 60_000), ("netbanking", None)])
def test_a_debit_that_our_books_do_not_know_shows_what_the_bank_owes(
    world: Reconciling, method: str, owed: int | None
) -> None:
    world.go_to(date(2026, 4, 10))
    world.gateway.recon_rows["2026-04-07"] = [
        recon_row("pay_X", settlement_id=None, settled=False, method=method)  # of 1 April
    ]
    world.gateway.payments["pay_X"] = gateway_payment("pay_X", None, method=method, created_at=1_775_025_000)
    world.run()
    world.go_to(date(2026, 4, 12))
    turnaround = world.exception("exc:pay_X")["turnaround"]
    if owed is None:
        assert turnaround is None
        return
    assert (turnaround["debited_on"], turnaround["due_on"]) == ("2026-04-01", "2026-04-06")
    assert (turnaround["days_late"], turnaround["compensation_paise"]) == (6, owed)
    owned(world, "exc:pay_X")
    world.step("exc:pay_X", "resolve", resolution="explained", reason=REASON)
    assert world.exception("exc:pay_X")["turnaround"] is None


def test_a_line_booked_meanwhile_is_not_booked_again(world: Reconciling) -> None:
    world.captured()
    world.settle(recon_row(), amount=NET)
    world.go_to(SETTLED_ON)
    world.upload(SHORT.replace("400.00", "439.38"))
    slow = Interrupted(world.client)

    def run() -> None:
        assert world.run().body["lines_booked"] == 1

    slow.before["transact_write_items"] = [run]
    assert over(world, slow).run().body["lines_booked"] == 0
    assert world.balances()["bank:settlements"] == NET


def test_an_id_is_found_however_its_colons_come(short: Reconciling) -> None:
    assert short.exception(UNDER.replace(":", "%3A"))["exception_id"] == UNDER


def test_an_exception_reads_as_it_was_written(short: Reconciling) -> None:
    kept = short.exception_recorder.exceptions.get(UNDER)
    assert isinstance(kept, KeptException)
    assert (kept.exception.exception_id, kept.exception.version, kept.debit) == (UNDER, 1, None)
