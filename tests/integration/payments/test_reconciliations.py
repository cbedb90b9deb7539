"""Gateway, ledger and bank are matched: what agrees is booked once, what does not is opened once."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from runtime.functions.payments_reconciliation_worker import daily
from runtime.ledger.accounts import gateway_receivable, school_payable
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.payments.reconciliation.expectations import expectations_of
from runtime.platform.metrics import Metrics
from tests.events import Context
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.reconciling import (
    AUDITOR,
    FINANCE_OF_A_SCHOOL,
    NET,
    OPERATOR,
    SETTLED_ON,
    UTR,
    Reconciling,
    recon_row,
)
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import PARENT, Interrupted
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CREDIT = f"2026-04-07,439.38,NEFT RAZORPAY {UTR},{UTR}"
PAID = "pay_00000000000001"


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Reconciling:
    return Reconciling(tables, dynamodb)


def settled(world: Reconciling) -> None:
    """A capture of 1 April that the gateway settled and the bank credited on the 7th."""
    world.captured()
    world.settle(recon_row(), amount=NET)
    world.go_to(SETTLED_ON)
    assert world.upload(CREDIT).status == 201


def statuses(body: dict[str, Any]) -> dict[str, dict[str, tuple[int, int]]]:
    return {
        leg["leg"]: {each["status"]: (each["count"], each["paise"]) for each in leg["statuses"]}
        for leg in body["legs"]
    }


def test_what_agrees_on_all_four_legs_is_posted_and_the_bank_line_booked(world: Reconciling) -> None:
    settled(world)
    answer = world.run()
    assert (answer.status, answer.body["state"]) == (200, "done"), answer.text
    assert statuses(answer.body) == {
        "expectation": {"posted_auto": (1, 45_000)},
        "gateway": {"posted_auto": (1, NET)},
        "settlement": {"posted_auto": (1, NET)},
        "bank": {"posted_auto": (1, NET)},
    }
    assert (answer.body["exceptions"], answer.body["lines_booked"], answer.body["is_current"]) == (0, 1, True)
    assert world.open_ids() == []
    balances = world.balances()
    assert (balances["bank:settlements"], balances["gateway_receivable:razorpay"]) == (NET, 0)
    assert world.day_books(SETTLED_ON).balances


def test_a_run_tells_that_it_is_complete_and_can_be_looked_at(world: Reconciling) -> None:
    settled(world)
    run = world.run().body
    run_id = run["reconciliation_id"]
    (event,) = [
        item for item in world.tables.items("outbox") if item["detail_type"] == "ReconciliationCompleted"
    ]
    assert (event["source"], event["subject"]) == ("hasivu.payments", run_id)
    assert json.loads(event["detail"])["day"] == "2026-04-07"
    path = "/v1/reconciliations/{reconciliation_id}"
    assert world.ask("GET", path, principal=AUDITOR, reconciliation_id=run_id).body == run
    found = world.ask("GET", path + "/exceptions", reconciliation_id=run_id).body
    assert found == {"items": [], "next_cursor": None}
    assert world.ask("GET", path, reconciliation_id="rec_nobody").code == "reconciliation-not-found"
    assert world.ask("GET", path + "/exceptions", reconciliation_id="rec_1").status == 404


def test_runs_are_listed_newest_first_page_by_page(world: Reconciling) -> None:
    made = []
    for _ in range(3):
        made.append(world.run().body["reconciliation_id"])
        world.clock.advance(seconds=1)
    first = world.ask("GET", "/v1/reconciliations", query={"limit": "2"}).body
    assert [each["reconciliation_id"] for each in first["items"]] == [made[2], made[1]]
    second = world.ask(
        "GET", "/v1/reconciliations", query={"limit": "2", "cursor": first["next_cursor"]}
    ).body
    assert [each["reconciliation_id"] for each in second["items"]] == [made[0]]
    assert second["next_cursor"] is None


def test_running_again_books_and_opens_nothing_again(world: Reconciling) -> None:
    settled(world)
    world.captured("pay_00000000000002")
    world.gateway.recon_rows["2026-04-07"].append(recon_row("pay_X", settlement_id=None, settled=False))
    world.run()
    before = world.tables.items("ledger"), world.exceptions_told()
    assert before[1] == ["exc:pay_X"]
    world.clock.advance(seconds=60)
    assert world.run().body["lines_booked"] == 0
    assert (world.tables.items("ledger"), world.exceptions_told()) == before


def test_one_key_is_one_run(world: Reconciling) -> None:
    settled(world)
    first = world.run(key="key-of-one-run")
    calls = len(world.gateway.calls)
    again = world.asked(key="key-of-one-run")
    assert (again.status, again.body["reconciliation_id"]) == (202, first.body["reconciliation_id"])
    again = world.run(key="key-of-one-run")
    assert (again.status, again.body) == (first.status, first.body)
    assert len(world.gateway.calls) == calls
    assert world.run(date(2026, 4, 6), key="key-of-one-run").code == "idempotency-key-reused"
    assert world.ask("POST", "/v1/reconciliations", {"day": "2026-04-07"}).code == "idempotency-key-missing"


def test_runs_at_once_book_a_line_once_and_open_a_matter_once(world: Reconciling) -> None:
    settled(world)
    world.gateway.recon_rows["2026-04-07"].append(recon_row("pay_X", settlement_id=None, settled=False))
    answers = at_once(*[lambda: world.run().status] * 4)
    assert answers == [200] * 4
    assert world.balances()["bank:settlements"] == NET
    assert world.exceptions_told() == ["exc:pay_X"]


@pytest.mark.parametrize("writes", range(1, 5))
def test_a_run_that_dies_is_finished_by_the_next_call_with_its_key(world: Reconciling, writes: int) -> None:
    settled(world)
    world.gateway.recon_rows["2026-04-07"].append(recon_row("pay_X", settlement_id=None, settled=False))
    dying = Interrupted(world.client)

    def die() -> None:
        raise Crashed

    other = world.over(dying)
    assert isinstance(other, Reconciling)
    dying.after["transact_write_items"] = [*[lambda: None] * (writes - 1), die]
    with pytest.raises(Crashed):
        other.run(key="key-of-one-run")
    world.clock.advance(seconds=902)  # what held the run is surely dead
    answer = world.run(key="key-of-one-run")
    assert (answer.status, answer.body["state"]) == (200, "done")
    assert world.balances()["bank:settlements"] == NET
    assert world.exceptions_told() == ["exc:pay_X"]
    assert len(world.ask("GET", "/v1/reconciliations").body["items"]) == 1


def test_a_gateway_that_is_away_stops_the_run_before_anything_is_done(world: Reconciling) -> None:
    settled(world)
    before = world.tables.items("ledger")
    world.gateway.plan("list_recon", *["500"] * 9)
    answer = world.run(key="key-of-one-run")
    assert (answer.status, answer.body["state"]) == (200, "queued")
    assert world.tables.items("ledger") == before
    world.gateway.forget_faults()
    world.clock.advance(seconds=60)
    assert world.run(key="key-of-one-run").body["state"] == "done"


@pytest.mark.parametrize("day", ["2026-04-08", "2025-04-01", "2026-02-30"])
def test_a_day_that_cannot_be_matched_is_refused(world: Reconciling, day: str) -> None:
    world.go_to(SETTLED_ON)
    answer = world.ask("POST", "/v1/reconciliations", {"day": day}, key="key-of-a-day")
    assert (answer.status, answer.code) == (422, "reconciliation-day-invalid")


def test_a_look_back_reports_and_changes_nothing(world: Reconciling) -> None:
    world.captured()
    world.gateway.recon_rows["2026-04-06"] = [recon_row("pay_X", settlement_id=None, settled=False)]
    world.go_to(SETTLED_ON)
    before = world.tables.items("ledger")
    answer = world.run(SETTLED_ON - timedelta(days=1))
    assert (answer.body["is_current"], answer.body["exceptions"]) == (False, 1)
    assert (world.open_ids(), world.exceptions_told(), world.tables.items("ledger")) == ([], [], before)
    found = world.ask(
        "GET",
        "/v1/reconciliations/{reconciliation_id}/exceptions",
        reconciliation_id=answer.body["reconciliation_id"],
    ).body["items"]
    assert [each["exception_id"] for each in found] == ["exc:pay_X"]


def test_what_a_run_found_is_listed_page_by_page(world: Reconciling) -> None:
    world.go_to(SETTLED_ON)
    names = [f"pay_X{number}" for number in range(3)]
    world.gateway.recon_rows["2026-04-07"] = [
        recon_row(name, settlement_id=None, settled=False) for name in names
    ]
    run_id = world.run().body["reconciliation_id"]
    seen, query = [], {"limit": "2"}
    while True:
        page = world.ask(
            "GET", "/v1/reconciliations/{reconciliation_id}/exceptions", query=query, reconciliation_id=run_id
        ).body
        seen += [each["exception_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query = {"limit": "2", "cursor": page["next_cursor"]}
    assert seen == [f"exc:{name}" for name in names]
    assert world.open_ids() == seen
    first = world.ask("GET", "/v1/reconciliation-exceptions", query={"limit": "2"}).body
    rest = world.ask("GET", "/v1/reconciliation-exceptions", query={"cursor": first["next_cursor"]}).body
    assert [each["exception_id"] for each in first["items"] + rest["items"]] == seen
    wrong = world.ask("GET", "/v1/reconciliation-exceptions", query={"cursor": "exc:nobody"})
    assert wrong.code == "cursor-invalid"


def test_a_broken_row_is_listed_and_the_others_are_matched(world: Reconciling) -> None:
    settled(world)
    world.gateway.recon_rows["2026-04-07"].append(recon_row("no identifier!", settlement_id=None))
    body = world.run().body
    assert [row["code"] for row in body["broken_rows"]] == ["gateway-row-entity-id-malformed"]
    assert statuses(body)["gateway"] == {"posted_auto": (1, NET)}


def test_what_was_captured_before_the_window_is_no_surprise_in_it(world: Reconciling) -> None:
    world.captured()  # 1 April
    world.settle(recon_row(), amount=NET, on=date(2026, 4, 13))
    world.go_to(date(2026, 4, 13))
    world.upload(CREDIT.replace("2026-04-07", "2026-04-13"))
    body = world.run().body
    assert (body["exceptions"], statuses(body)["gateway"]) == (0, {"posted_auto": (1, NET)})
    world.go_to(date(2026, 4, 22))  # the window begins with the settlement, and the capture is in its margin
    assert world.run().body["exceptions"] == 0


def test_a_settlement_before_the_window_explains_a_line_in_it(world: Reconciling) -> None:
    world.captured()
    world.settle(recon_row(), amount=NET)
    world.go_to(date(2026, 4, 17))
    world.upload(CREDIT.replace("2026-04-07", "2026-04-08"))
    body = world.run().body
    assert "over" not in statuses(body)["bank"]


def test_the_schedule_runs_as_of_today_and_once_per_invocation(world: Reconciling) -> None:
    settled(world)
    context = Context(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")
    done = daily(world.runs, world.logger, context)
    assert (done["day"], done["state"], done["exceptions"]) == ("2026-04-07", "done", 0)
    assert daily(world.runs, world.logger, context) == done
    assert len(world.ask("GET", "/v1/reconciliations").body["items"]) == 1
    world.gateway.plan("list_settlements", *["500"] * 9)
    later = daily(world.runs, world.logger, Context(aws_request_id="another-request"))
    assert later["state"] == "queued", "it waits for the gateway"
    world.gateway.forget_faults()
    world.clock.advance(seconds=60)
    assert world.work() == 1


def test_who_may_look_and_who_may_run(world: Reconciling) -> None:
    assert world.run(principal=AUDITOR).code == "forbidden"
    assert world.run(principal=PARENT).code == "forbidden"
    assert world.run(principal=OPERATOR).status == 200
    assert world.run(principal=FINANCE_OF_A_SCHOOL).code == "school-forbidden"
    for path in ("/v1/reconciliations", "/v1/reconciliation-exceptions"):
        assert world.ask("GET", path, principal=FINANCE_OF_A_SCHOOL).code == "school-forbidden"
        assert world.ask("GET", path, principal=AUDITOR).status == 200
        assert world.ask("GET", path, principal=None).status == 401


def test_more_rows_than_a_page_are_all_read(world: Reconciling) -> None:
    world.go_to(SETTLED_ON)
    world.gateway.recon_rows["2026-04-07"] = [
        recon_row(
            f"pay_X{number}", settlement_id=None, settled=False, type="adjustment", credit=45_000, fee=0
        )
        for number in range(1_001)
    ]
    world.gateway.settlements = [
        {
            "id": f"setl_{number:014d}",
            "entity": "settlement",
            "amount": 100,
            "status": "created",
            "utr": None,
            "created_at": int(world.clock.now().timestamp()) - 60,
        }
        for number in range(101)
    ]
    facts = world.runs.match.facts.until(SETTLED_ON)
    settlements = [count for count, _ in facts.payouts.settlements_in.values()]
    assert ([count for count, _ in facts.pairs.rows_in.values()], settlements) == ([1_001], [101])


def test_refunds_transfers_and_lost_disputes_of_the_books_are_expected_and_the_rest_is_not() -> None:
    day = date(2026, 4, 1)
    receivable, school = gateway_receivable("razorpay"), school_payable("sch_1")
    entries = [
        JournalEntry(entry_id, day, "", "INR", (debit(school, 500), credit(receivable, 500)))
        for entry_id in ("refund-processed:rfnd_1", "transfer:trf_1", "dispute-lost:disp_1", "fee:pay_1")
    ]
    found = {
        each.entity_id: (each.kind, each.amount_paise, each.fee_paise) for each in expectations_of(entries)
    }
    assert found == {
        "rfnd_1": ("refund", 500, None),
        "trf_1": ("transfer", 500, None),
        "disp_1": ("dispute", -500, None),
    }


def test_a_match_of_today_that_came_to_its_end_is_told(world: Reconciling) -> None:
    lines: list[str] = []
    runs = replace(world.runs, metrics=Metrics("test", world.clock, lines.append))
    daily(runs, world.logger, Context())
    assert [json.loads(line)["MatchRan"] for line in lines] == [1]
