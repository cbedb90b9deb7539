"""Splits as tests take part in them: terms, the events off the outbox, and what everybody has in the end."""

import json
from typing import Any

from runtime.ledger.journal import read_entry
from runtime.ledger.model import trial_balance
from runtime.payments.splits.intake import SplitIntake, take_batch
from runtime.payments.splits.record import SplitRecord
from runtime.payments.splits.sweep import SplitSweep, SplitSweepReport
from runtime.platform.auth import Role
from stacks.messaging import SPLIT_BETWEEN_ACCOUNTS
from tests.events import Answer, Context, caller, failed_messages, sqs_event
from tests.integration.payments.world import World, event_body
from tests.integration.tables import Tables

SCHOOL, CATERER = "acc_School00000001", "acc_Caterer0000001"
FINANCE = caller("usr_finance", Role.FINANCE, schools=["sch_1"])
TERMS: dict[str, Any] = {
    "shares": [{"account_id": CATERER, "basis_points": 7_000}],
    "remainder_to": SCHOOL,
    "fee": {"basis_points": 200},
}
TERMS_PATH = "/v1/schools/{school_id}/split-terms"
PAID = "pay_00000000000001"
"""₹450.00 less 2 % and GST on it: ₹10.62. Of the rest 70 % are the caterer's."""
FEE, OF_CATERER, OF_SCHOOL = 1_062, 30_757, 13_181


def set_terms(world: World, principal: Any = FINANCE, school_id: str = "sch_1", **changes: Any) -> Answer:
    body = TERMS | changes
    return world.call_payments("PUT", TERMS_PATH, principal=principal, body=body, school_id=school_id)


def messages(of: World | Tables) -> list[str]:
    """What EventBridge has delivered to the queue of splits so far, in the order in which it happened."""
    tables = of.tables if isinstance(of, World) else of
    items = sorted(tables.items("outbox"), key=lambda item: item["event_id"])
    return [
        json.dumps({"detail-type": item["detail_type"], "source": item["source"], "detail": item})
        for item in items
        if item["detail_type"] in SPLIT_BETWEEN_ACCOUNTS
    ]


def deliver(world: World, *bodies: str, remaining_ms: int = 20_000) -> list[str]:
    """A batch of the queue; gives the messages that come again."""
    intake = SplitIntake(world.split_opener, world.split_worker)
    context = Context(remaining_ms=remaining_ms)
    return failed_messages(take_batch(intake, world.logger, sqs_event(*bodies), context))


def run(world: World) -> None:
    """Deliver every event once, those too that come of it."""
    told: set[str] = set()
    while fresh := [body for body in messages(world) if body not in told]:
        for body in fresh:
            assert deliver(world, body) == []
        told.update(fresh)


def sweep(world: World) -> SplitSweepReport:
    report = SplitSweep(world.split_worker, world.clock, world.logger).sweep(
        request_id="req", remaining_ms=lambda: 20_000, may_go_on=lambda: True
    )
    return report


def split_of(world: World, payment_id: str, gateway_payment_id: str = PAID) -> SplitRecord:
    found = world.repository.splits.get(payment_id, gateway_payment_id)
    assert found is not None
    return found


def tell_of_transfer(world: World, event_id: str, event: str, transfer: dict[str, Any], at: int) -> Any:
    body = event_body(event, created_at=at, transfer=transfer)
    assert world.deliver(body, event_id=event_id).status == 200
    return world.applier.apply(event_id, request_id="req")


def balances(world: World) -> dict[str, int]:
    """The books of everything, which balance; accounts of nothing left out."""
    books = trial_balance(read_entry(item) for item in world.tables.items("ledger"))
    assert books.balances
    return {name: paise for name, paise in books.balances_paise.items() if paise}


def assert_conserved(world: World, record: SplitRecord) -> None:
    """Nothing is lost and nothing is made, in the split, in the books, and at the gateway."""
    split = record.split
    assert split is not None
    assert split.captured_paise == split.fee.total_paise + sum(part.amount_paise for part in split.parts)
    left, books = split.unreversed_paise(), balances(world)
    for account_id, due_paise in left.items():
        assert due_paise >= 0
        owed = -books.get(f"linked_account_payable:{account_id}", 0)
        assert owed == due_paise - record.live_paise(account_id)
    assert sorted(record.journal) == sorted(
        item["entry_id"] for item in world.tables.items("ledger") if item["entry_id"] in record.journal
    )
    transferred = sum(world.gateway.transfers.come_to(part.account_id) for part in split.parts)
    assert transferred <= split.captured_paise
