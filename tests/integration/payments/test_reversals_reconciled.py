"""Reversals of transfers in the match: those of our splits are expected, those nobody knows are found."""

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from checks.sandbox.razorpay import RazorpaySimulator, settlements, transfers
from runtime.payments.reconciliation.model import Leg, Status
from runtime.payments.splits.worker import NAMED_MAX
from tests.integration.payments.reconciling import (
    FEE,
    SETTLED_ON,
    TAX,
    UTR,
    Reconciling,
    recon_row,
)
from tests.integration.payments.splitting import (
    CATERER,
    OF_CATERER,
    PAID,
    TERMS_PATH,
    assert_conserved,
    run,
    set_terms,
    split_of,
    sweep,
    tell_of_transfer,
)
from tests.integration.payments.splitting import FINANCE as OFFICE
from tests.integration.payments.test_against_the_simulator import UPI, simulator, tell_all, there
from tests.integration.payments.test_refunds import refund
from tests.integration.payments.test_splits_at_the_simulator import later, split_there
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["simulator", "there"]

REFUND_PAISE = 10_000
LATE = date(2026, 4, 20)


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Reconciling:
    return Reconciling(tables, dynamodb)


def shared(world: Reconciling) -> str:
    """A payment that was captured today, and shared."""
    set_terms(world)
    payment_id = world.captured().payment_id
    run(world)
    return payment_id


def given_back(world: Reconciling) -> str:
    """A shared payment of which a part was refunded, so that both shares were reversed in part."""
    payment_id = shared(world)
    assert refund(world, world.stored(payment_id), REFUND_PAISE).status == 201
    run(world)
    return payment_id


def row_of(entity: dict[str, Any], kind: str, *, credit: int = 0, debit: int = 0, **changes: Any) -> Any:
    return recon_row(entity["id"]) | {
        "type": kind,
        "amount": entity["amount"],
        "debit": debit,
        "credit": credit,
        "fee": entity.get("fees", 0),
        "tax": entity.get("tax", 0),
        "payment_id": PAID,
        **changes,
    }


def reversal_rows(world: Reconciling, **changes: Any) -> list[dict[str, Any]]:
    told = world.gateway.transfers.reversals
    return [row_of(each, "reversal", credit=each["amount"], **changes) for each in told]


def pay_out(world: Reconciling, reversals: list[dict[str, Any]], on: date = SETTLED_ON) -> None:
    """The gateway settles everything, with these rows of reversals, and the bank tells so."""
    made = world.gateway.transfers.made.values()
    rows = [
        recon_row(fee=FEE, tax=TAX),
        *(row_of(each, "transfer", debit=each["amount"] + each["fees"]) for each in made),
        *(row_of(each, "refund", debit=each["amount"]) for each in world.gateway.refunds.values()),
        *reversals,
    ]
    net = sum(row["credit"] - row["debit"] for row in rows)
    world.settle(*rows, amount=net, on=on)
    world.go_to(on)
    world.upload(
        f"{on.isoformat()},{'-' if net < 0 else ''}{abs(net) // 100}.{abs(net) % 100:02d},NEFT {UTR},{UTR}"
    )


def process_refunds(world: Reconciling) -> None:
    """The gateway tells that what it was asked to refund was paid."""
    for number, told in enumerate(world.gateway.refunds.values()):
        told["status"] = "processed"
        world.tell_of(
            f"evt_r{number}",
            "refund.processed",
            1_775_025_100,
            refund=told,
            payment=world.gateway.payments[PAID],
        )


def gateway_leg(body: dict[str, Any]) -> dict[str, int]:
    """Paise by status of the gateway's rows, of which every paisa is in one."""
    (leg,) = [each for each in body["legs"] if each["leg"] == Leg.GATEWAY]
    found = {each["status"]: each["paise"] for each in leg["statuses"] if each["count"]}
    assert sum(found.values()) + leg["repeated"]["paise"] == leg["inputs"]["paise"]
    return found


def open_reversals(world: Reconciling) -> list[dict[str, Any]]:
    opened = [each for each in world.open_ids() if "rvrsl_" in each]
    return [world.exception(each) for each in opened]


class TestOfOurs:
    def test_are_matched_one_to_one_with_no_exception(self, world: Reconciling) -> None:
        payment_id = given_back(world)
        process_refunds(world)
        reversals = reversal_rows(world)
        assert sum(row["credit"] for row in reversals) == REFUND_PAISE
        pay_out(world, reversals)
        body = world.run().body
        assert (body["exceptions"], world.open_ids()) == (0, [])
        assert set(gateway_leg(body)) == {Status.POSTED_AUTO}
        record = split_of(world, payment_id)
        assert {name for each in record.transfers.values() for name in each.reversals} == {
            row["entity_id"] for row in reversals
        }
        assert world.gateway.calls.count("list_reversals") == 0, "the answers have named them"
        assert_conserved(world, record)

    def test_are_awaited_and_then_missing(self, world: Reconciling) -> None:
        given_back(world)
        process_refunds(world)
        assert world.run().body["exceptions"] == 0
        pay_out(world, [])
        world.go_to(date(2026, 4, 8))
        world.run()
        missing = open_reversals(world)
        assert [each["reasons"] for each in missing] == [["row-overdue"]] * 2
        assert sum(each["difference_paise"] for each in missing) == -REFUND_PAISE

    def test_come_late_and_close_their_exceptions(self, world: Reconciling) -> None:
        given_back(world)
        process_refunds(world)
        world.go_to(date(2026, 4, 10))
        world.run()
        opened = [each["exception_id"] for each in open_reversals(world)]
        assert len(opened) == 2
        pay_out(world, reversal_rows(world), on=date(2026, 6, 15))
        world.run()
        assert {world.exception(each)["resolution"] for each in opened} == {"matched"}

    def test_of_another_amount_are_named(self, world: Reconciling) -> None:
        given_back(world)
        process_refunds(world)
        first, second = reversal_rows(world)
        less = first | {"amount": first["amount"] - 1, "credit": first["credit"] - 1}
        pay_out(world, [less, second])
        world.run()
        (found,) = open_reversals(world)
        assert (found["group_id"], found["reasons"], found["difference_paise"]) == (
            first["entity_id"],
            ["amount-under"],
            -1,
        )

    def test_are_found_under_whatever_type_their_rows_have(self, world: Reconciling) -> None:
        given_back(world)
        process_refunds(world)
        pay_out(world, reversal_rows(world, type="adjustment", payment_id=None))
        assert world.run().body["exceptions"] == 0

    def test_that_nobody_confirmed_are_matched_once_they_have_their_names(self, world: Reconciling) -> None:
        payment_id = shared(world)
        world.gateway.plan("create_reversal", "timeout after")
        refund(world, world.stored(payment_id), REFUND_PAISE)
        run(world)
        world.clock.advance(seconds=900)
        assert sweep(world).done == 1
        process_refunds(world)
        pay_out(world, reversal_rows(world))
        assert world.run().body["exceptions"] == 0
        assert_conserved(world, split_of(world, payment_id))


class TestOfOthers:
    def by_hand(self, world: Reconciling, amount: int = 1_000) -> dict[str, Any]:
        """Somebody takes a part of the caterer's share back in the dashboard; the transfer as it is then."""
        (transfer,) = world.gateway.transfers.of(CATERER)
        return world.gateway.transfers.take_back(transfer["id"], amount)

    def test_are_over_while_nobody_knows_them(self, world: Reconciling) -> None:
        shared(world)
        self.by_hand(world)
        pay_out(world, reversal_rows(world))
        body = world.run().body
        (found,) = open_reversals(world)
        assert (found["reasons"], found["difference_paise"]) == (["row-not-expected"], 1_000)
        assert gateway_leg(body)[Status.OVER] == 1_000

    def test_are_matched_once_the_split_has_heard_of_them(self, world: Reconciling) -> None:
        payment_id = shared(world)
        told = self.by_hand(world)
        pay_out(world, reversal_rows(world))
        world.run()
        (found,) = open_reversals(world)
        tell_of_transfer(world, "evt_t", "transfer.processed", told, 1_775_030_000)
        assert_conserved(world, split_of(world, payment_id))
        run(world)
        record = split_of(world, payment_id)
        assert [each.unnamed_paise for each in record.transfers.values()] == [0, 0, 0]
        assert_conserved(world, record)
        world.run()
        assert world.exception(found["exception_id"])["resolution"] == "matched"

    def test_that_are_many_get_their_names_in_several_looks(self, world: Reconciling) -> None:
        payment_id = shared(world)
        for _ in range(NAMED_MAX + 5):
            told = self.by_hand(world, 100)
        tell_of_transfer(world, "evt_t", "transfer.processed", told, 1_775_030_000)
        run(world)
        for unnamed_paise in (500, 0):
            record = split_of(world, payment_id)
            assert sum(each.unnamed_paise for each in record.transfers.values()) == unnamed_paise
            assert_conserved(world, record)
            world.clock.advance(seconds=900)
            sweep(world)

    def test_a_gateway_that_does_not_name_them_is_asked_less_and_less_often(self, world: Reconciling) -> None:
        payment_id = shared(world)
        told = self.by_hand(world)
        world.gateway.plan("list_reversals", *["500"] * 30)
        tell_of_transfer(world, "evt_t", "transfer.processed", told, 1_775_030_000)
        run(world)
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER, "it is transferred all the same"
        assert split_of(world, payment_id).quiet_until is not None
        assert_conserved(world, split_of(world, payment_id))
        world.gateway.forget_faults()
        world.clock.advance(seconds=900)
        assert sweep(world).done == 1
        assert split_of(world, payment_id).due_at is None
        assert_conserved(world, split_of(world, payment_id))


class TestAtTheSimulator:
    def test_a_refund_of_a_shared_payment_leaves_no_exception(
        self, there: Reconciling, simulator: RazorpaySimulator
    ) -> None:
        payment = split_there(there, simulator)
        there.call_payments("DELETE", TERMS_PATH, principal=OFFICE, school_id="sch_1")
        later(there, simulator)
        assert refund(there, payment, REFUND_PAISE).status == 201
        run(there)
        later(there, simulator)
        other = there.created()
        simulator.control.checkout(str(other.order_id), UPI)
        tell_all(there, simulator)
        (transfer, _) = simulator.gw.each("transfers")
        transfers.reverse(simulator.gw, transfer["id"], {"amount": 500})
        self._settled(there, simulator)
        body = there.run().body
        (by_hand,) = [each for each in simulator.gw.each("reversals") if each["amount"] == 500]
        assert there.open_ids() == [f"exc:{by_hand['id']}"]
        assert gateway_leg(body)[Status.OVER] == 500

    def _settled(self, there: Reconciling, simulator: RazorpaySimulator) -> None:
        """The gateway pays all of it out, and the bank tells so."""
        there.go_to(SETTLED_ON)
        simulator.control.advance(int(there.clock.now().timestamp()) - simulator.gw.now())
        simulator.control.settle(force=True)
        for told in settlements.bank_statement(simulator.gw):
            rupees, paise = divmod(told["amount_paise"], 100)
            row = f"{told['value_date']},{rupees}.{paise:02d},NEFT {told['utr']},{told['utr']}"
            assert there.upload(row).status == 201
