"""Every webhook sample that Razorpay documents: verified, kept once, applied or recorded as not ours."""

import json
from pathlib import Path

import pytest

from runtime.functions.payments_webhook_handler import apply_batch
from runtime.payments.applier import APPLIED_EVENTS
from runtime.payments.debits.hearing import DOWNTIME_EVENTS
from runtime.payments.inbox import DOCUMENTED, EventState
from runtime.payments.model import Payment, PaymentStatus
from runtime.payments.returns.applier import REFUND_EVENTS
from tests.events import Context, failed_messages, sqs_event
from tests.integration.payments.world import World

SAMPLES = Path(__file__).parents[4] / "shared" / "razorpay" / "webhooks"


def samples() -> list[Path]:
    found = sorted(path for path in SAMPLES.glob("*.json") if path.name != "index.json")
    if not found:
        pytest.skip(f"the documented webhook samples are not beside the repository ({SAMPLES.name})")
    return found


def test_each_is_kept_once_and_finished_and_its_repetition_is_a_duplicate(world: World) -> None:
    found = samples()
    before = world.tables.snapshot()
    for path in found:
        body = path.read_bytes()
        first = world.deliver(body, event_id=path.stem)
        again = world.deliver(body, event_id=path.stem)
        assert (path.name, first.status, first.body["duplicate"]) == (path.name, 200, False)
        assert (path.name, again.status, again.body["duplicate"]) == (path.name, 200, True)
        state = world.applier.apply(path.stem, request_id="req")
        # A downtime is everybody's, whosever payments it concerns. "started" and "updated" are of one moment.
        downtime = json.loads(body)["event"] in DOWNTIME_EVENTS
        expected = {EventState.APPLIED, EventState.NO_CHANGE} if downtime else {EventState.NOT_OURS}
        assert (path.name, state in expected) == (path.name, True)
    after = world.tables.snapshot()
    assert len(after["webhook_events"]) == len(found)
    assert {name: after[name] for name in ("payments", "ledger", "outbox", "audit")} == {
        name: before[name] for name in ("payments", "ledger", "outbox", "audit")
    }


def test_none_of_them_fails_in_a_batch(world: World) -> None:
    for path in samples():
        world.deliver(path.read_bytes(), event_id=path.stem)
    event = sqs_event(*world.queue.sent)
    assert failed_messages(apply_batch(world.applier, world.logger, event, Context())) == []


def test_each_is_a_documented_event() -> None:
    assert {json.loads(path.read_bytes())["event"] for path in samples()} <= DOCUMENTED


def test_each_about_a_payment_is_applied_when_the_order_is_ours(world: World) -> None:
    """The samples with their order's id replaced by one of ours, and nothing else."""
    applied = set()
    ours: dict[str, Payment] = {}
    for path in samples():
        document = json.loads(path.read_bytes())
        heard = document["payload"].get("payment", {}).get("entity", {})
        if not heard.get("order_id"):
            continue
        theirs = heard["order_id"]
        if theirs not in ours:
            ours[theirs] = world.created(amount_paise=heard["amount"])
        payment = ours[theirs]
        heard["order_id"] = payment.order_id
        world.deliver(json.dumps(document).encode(), event_id=path.stem)
        state = world.applier.apply(path.stem, request_id="req")
        assert state in (EventState.APPLIED, EventState.NO_CHANGE, EventState.NOT_HANDLED), path.name
        if state is not EventState.NOT_HANDLED:
            applied.add(document["event"])
    # The other samples of disputes are about payments without an order.
    assert applied == APPLIED_EVENTS | REFUND_EVENTS | {"payment.dispute.action_required"}
    statuses = {order: world.stored(payment.payment_id).status for order, payment in ours.items()}
    assert statuses["order_DESlLckIVRkHWj"] is PaymentStatus.CAPTURED
    assert statuses["order_DEATVTRRctwEGb"] is PaymentStatus.FAILED
    books = world.day_books()
    assert books.balances
    # Captures less their fees, less the gateway's own totals of what went back: the samples of payments, of
    # disputes, and two payments of the samples of refunds.
    expected_paise = (100 - 2) + (5_297_600 - 700_000) + 2 * (500_000 - 11_800 - 190_000)
    assert books.balances_paise["gateway_receivable:razorpay"] == expected_paise
