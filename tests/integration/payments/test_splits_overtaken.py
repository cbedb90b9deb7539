"""Somebody is faster, between the reading and the writing of every step: nothing is lost or done twice."""

from collections.abc import Callable
from typing import Any

import pytest

from runtime.payments.inbox import EventState
from runtime.payments.returns.rules import no_returns
from runtime.payments.splits.opening import to_split
from runtime.payments.splits.record import TransferStatus
from runtime.platform.dynamodb import Transaction
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.splitting import (
    CATERER,
    FINANCE,
    OF_CATERER,
    PAID,
    TERMS_PATH,
    assert_conserved,
    deliver,
    messages,
    run,
    set_terms,
    split_of,
    sweep,
    tell_of_transfer,
)
from tests.integration.payments.test_refunds import refund
from tests.integration.payments.test_splits import HELD, RELEASE, asked, paid_and_split
from tests.integration.payments.world import Interrupted, World, event_body


def overtaken(world: World, *happens: Callable[[], Any]) -> World:
    """The world seen by a process that is overtaken before each of its writes."""
    slow = Interrupted(world.client)
    slow.before["transact_write_items"] = [_without_answer(happen) for happen in happens]
    return world.over(slow)


def _without_answer(happen: Callable[[], Any]) -> Callable[[], None]:
    def happens() -> None:
        happen()

    return happens


def nothing() -> None:
    """Nobody is faster at this write."""


def split_and_due(world: World, **changes: Any) -> str:
    """A payment that is split, of which nothing is transferred yet."""
    set_terms(world, **changes)
    payment = world.paid()
    deliver(world, *messages(world))
    return payment.payment_id


def test_a_refund_while_a_payment_is_split_is_taken_into_the_split(world: World) -> None:
    set_terms(world)
    payment = world.paid()
    slow = overtaken(world, lambda: refund(world, payment))
    assert deliver(slow, *messages(world)) == []
    run(world)
    record = split_of(world, payment.payment_id)
    assert record.split is not None
    assert record.split.reversed_paise == 10_000
    assert_conserved(world, record)


def test_two_that_split_at_once_split_once(world: World) -> None:
    set_terms(world)
    payment = world.paid()
    bodies = messages(world)
    assert deliver(overtaken(world, lambda: deliver(world, *bodies)), *bodies) == []
    run(world)
    assert_conserved(world, split_of(world, payment.payment_id))


def test_a_payment_that_keeps_changing_is_split_by_the_next_delivery(world: World) -> None:
    set_terms(world)
    payment = world.paid()
    bodies = messages(world)

    def again(number: int) -> Callable[[], Any]:
        attempt = gateway_payment(f"pay_X{number}", payment.order_id, status="failed")
        return lambda: world.tell(f"evt_x{number}", "payment.failed", attempt, number)

    slow = overtaken(world, *(again(number) for number in range(5)))
    assert len(deliver(slow, *bodies)) == 1
    assert deliver(world, *bodies) == []
    assert split_of(world, payment.payment_id).split is not None


def test_two_workers_at_once_are_one(world: World) -> None:
    payment_id = split_and_due(world)
    due = messages(world)[-1]
    assert deliver(overtaken(world, lambda: deliver(world, due)), due) == []
    assert len(world.gateway.transfers.made) == 2
    assert_conserved(world, split_of(world, payment_id))


def test_a_refund_while_transfers_are_made_is_taken_back_afterwards(world: World) -> None:
    payment_id = split_and_due(world)
    due = messages(world)[-1]
    slow = overtaken(world, nothing, lambda: refund(world, world.stored(payment_id)))
    assert deliver(slow, due) == []
    world.clock.advance(seconds=60)
    run(world)
    sweep(world)
    assert world.gateway.transfers.come_to(CATERER) == OF_CATERER - 7_000
    assert_conserved(world, split_of(world, payment_id))


def test_a_word_about_a_transfer_before_its_maker_has_written_it(world: World) -> None:
    world.gateway.transfers.status = "pending"
    payment_id = split_and_due(world)
    due = messages(world)[-1]

    def told() -> Any:
        (transfer,) = world.gateway.transfers.of(CATERER)
        processed = world.gateway.transfers.process(transfer["id"])
        return tell_of_transfer(world, "evt_t", "transfer.processed", processed, 1_775_040_000)

    assert deliver(overtaken(world, nothing, told), due) == []
    record = split_of(world, payment_id)
    (transfer,) = record.transfers_to(CATERER)
    assert transfer.status is TransferStatus.PROCESSED
    assert_conserved(world, record)


def test_a_split_that_keeps_changing_comes_again(world: World) -> None:
    world.gateway.transfers.status = "pending"
    payment_id = split_and_due(world)
    due = messages(world)[-1]

    def told(number: int) -> Callable[[], Any]:
        def tell() -> Any:
            (transfer,) = world.gateway.transfers.of(CATERER)
            word = transfer | {"on_hold": bool(number % 2)}
            return tell_of_transfer(
                world, f"evt_{number}", "transfer.processed", word, 1_775_040_000 + number
            )

        return tell

    assert len(deliver(overtaken(world, nothing, *(told(number) for number in range(11))), due)) == 1
    world.clock.advance(seconds=900)
    for transfer_id in world.gateway.transfers.made:
        world.gateway.transfers.process(transfer_id)
    sweep(world)
    assert_conserved(world, split_of(world, payment_id))


def test_two_words_about_transfers_at_once_both_count(world: World) -> None:
    world.gateway.transfers.status = "pending"
    payment_id = paid_and_split(world)
    first, second = (world.gateway.transfers.process(name) for name in list(world.gateway.transfers.made))
    body = event_body("transfer.processed", created_at=1_775_040_000, transfer=first)
    world.deliver(body, event_id="evt_1")
    slow = overtaken(
        world, lambda: tell_of_transfer(world, "evt_2", "transfer.processed", second, 1_775_040_000)
    )
    assert slow.applier.apply("evt_1", request_id="req") is EventState.APPLIED
    statuses = {each.status for each in split_of(world, payment_id).transfers.values()}
    assert statuses == {TransferStatus.PROCESSED}
    assert_conserved(world, split_of(world, payment_id))


def test_a_release_that_is_overtaken_is_asked_for_again_under_its_key(world: World) -> None:
    world.gateway.transfers.status = "pending"
    payment_id = paid_and_split(world, **HELD)
    (transfer,) = world.gateway.transfers.of(CATERER)
    told = world.gateway.transfers.process(transfer["id"])
    slow = overtaken(
        world, lambda: tell_of_transfer(world, "evt_1", "transfer.processed", told, 1_775_040_000)
    )
    refused = asked(slow, RELEASE, payment_id, account_id=CATERER)
    assert (refused.status, refused.body["code"]) == (409, "concurrent-change")
    world.clock.advance(seconds=900)
    assert asked(world, RELEASE, payment_id, account_id=CATERER).status in (200, 202)


def test_terms_that_two_people_set_at_once_are_set_once(world: World) -> None:
    set_terms(world)
    slow = overtaken(world, lambda: set_terms(world, fee=None))
    refused = set_terms(slow, shares=[])
    assert (refused.status, refused.body["code"]) == (409, "concurrent-change")
    read = world.call_payments("GET", TERMS_PATH, principal=FINANCE, school_id="sch_1")
    assert [each["number"] for each in read.body["versions"]] == [1, 2]


def test_a_transfer_in_a_state_that_nobody_documents_stops_the_worker(world: World) -> None:
    payment_id = split_and_due(world)
    world.gateway.transfers.status = "teleported"
    deliver(world, messages(world)[-1])
    assert len(world.gateway.transfers.made) == 1
    world.clock.advance(seconds=900)
    assert sweep(world).waiting == 1
    assert len(world.gateway.transfers.made) == 1, "nobody knows whether it is money"
    for transfer in world.gateway.transfers.made.values():
        transfer["status"] = "processed"
    world.gateway.transfers.status = "processed"
    world.clock.advance(seconds=3_600)
    assert sweep(world).done == 1
    assert_conserved(world, split_of(world, payment_id))


def test_a_reversal_of_which_the_transfer_cannot_be_fetched_is_not_repeated(world: World) -> None:
    payment_id = paid_and_split(world)
    world.gateway.plan("get_transfer", *["500"] * 9)
    refund(world, world.stored(payment_id))
    run(world)
    world.gateway.forget_faults()
    world.clock.advance(seconds=900)
    assert sweep(world).done == 1
    assert world.gateway.transfers.come_to(CATERER) == OF_CATERER - 7_000
    assert_conserved(world, split_of(world, payment_id))


def test_the_token_payment_of_a_mandate_is_nobodys_meal(world: World) -> None:
    paid = world.paid()
    assert to_split(paid) is not None
    assert to_split(paid.model_copy(update={"mandate_id": "mdt_1"})) is None
    assert to_split(paid.model_copy(update={"journal": ()})) is None


def test_a_payment_names_only_a_split_that_there_is(world: World) -> None:
    payment = world.paid()
    returns = no_returns(payment, payment.attempts[PAID])
    with pytest.raises(LookupError, match="split of a payment"):
        world.recorder.splits.follow_in(Transaction(world.client), returns)
