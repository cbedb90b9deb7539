"""What moves money, one call each: what has to stand before it, and the call.

For the tests that count what a move asks of others, and those that time it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runtime.payments.debits.worker import Worked
from runtime.payments.inbox import EventState
from runtime.payments.model import Payment
from tests.integration.payments.debits import Desk
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.gateway_links import link_body
from tests.integration.payments.splitting import PAID, deliver, messages, set_terms
from tests.integration.payments.test_captures import authorised, capture
from tests.integration.payments.test_links import create as create_link
from tests.integration.payments.test_links import entity, part
from tests.integration.payments.test_mandates import register
from tests.integration.payments.test_methods import paid_with_token, save
from tests.integration.payments.test_plans import agree, agreed
from tests.integration.payments.test_refunds import at_gateway, refund
from tests.integration.payments.world import World, event_body, webhook_body

EVENT = "evt_of_the_move"


@dataclass(frozen=True, slots=True)
class Move:
    """``prepared`` brings a world to where the move can be made, and gives what the move needs to know;
    ``made`` makes it, and holds that it was made."""

    name: str
    prepared: Callable[[World], Any]
    made: Callable[[World, Any], None]

    def __str__(self) -> str:
        return self.name


def _created(world: World, _: Any) -> None:
    assert world.create().status == 201


def _payable(world: World) -> Payment:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    return payment


def _verified(world: World, payment: Payment) -> None:
    answer = world.verify(payment, PAID)
    assert (answer.status, answer.body["status"]) == (200, "captured")


def _captured(world: World, payment: Payment) -> None:
    assert capture(world, payment).status == 200


def _captured_in_part(world: World, payment: Payment) -> None:
    assert capture(world, payment, 30_000).body["refund"]["amount_paise"] == 15_000


def _refunded(world: World, payment: Payment) -> None:
    assert refund(world, payment).status == 201


def _link_made(world: World, _: Any) -> None:
    assert create_link(world).status == 201


def _plan_agreed(world: World, _: Any) -> None:
    assert agree(world).status == 201


def _mandate_registered(world: World, _: Any) -> None:
    assert register(world).status == 201


def _method_saved(world: World, payment_id: str) -> None:
    assert save(world, payment_id).status == 201


def _mandated(world: World) -> str:
    """A mandate that can be debited."""
    return Desk(world).mandated()


def _debit_planned(world: World, mandate_id: str) -> None:
    assert Desk(world).debit(mandate_id).status == 201


def _announceable(world: World) -> str:
    """A debit that is to be announced now."""
    desk = Desk(world)
    payment_id = desk.debited()
    desk.go_to(desk.record(payment_id).due_at)
    return payment_id


def _debitable(world: World) -> str:
    """A debit that was announced, and is to be made now."""
    desk = Desk(world)
    payment_id = desk.debited()
    desk.announced(payment_id)
    desk.go_to(desk.record(payment_id).due_at)
    return payment_id


def _worked(world: World, payment_id: str) -> None:
    assert Desk(world).work(payment_id) is Worked.DONE


def _splittable(world: World) -> str:
    """The event of a captured payment whose school has split terms."""
    assert set_terms(world).status == 200
    world.paid()
    (captured,) = (body for body in messages(world) if "PaymentCaptured" in body)
    return captured


def _transferable(world: World) -> str:
    """The event of a split whose shares are to be transferred."""
    deliver(world, _splittable(world))
    (opened,) = (body for body in messages(world) if "PaymentSplitDue" in body)
    return opened


def _taken_in(world: World, body: str) -> None:
    assert deliver(world, body) == []


def _heard(world: World, body: bytes) -> None:
    """An event came in, and is not applied yet."""
    assert world.deliver(body, event_id=EVENT).status == 200


def _applied(world: World, _: Any) -> None:
    assert world.applier.apply(EVENT, request_id="req") is EventState.APPLIED


def _capture_heard(world: World) -> None:
    payment = world.created()
    _heard(world, webhook_body("payment.captured", gateway_payment(PAID, payment.order_id)))


def _failure_heard(world: World) -> None:
    payment = world.created()
    failed = gateway_payment(PAID, payment.order_id, status="failed", error_reason="payment_failed")
    _heard(world, webhook_body("payment.failed", failed))


def _refund_heard(world: World) -> None:
    payment = world.paid()
    done = at_gateway(world, refund(world, payment).body["refund_id"], status="processed")
    told = event_body(
        "refund.processed", created_at=1_775_025_100, payment=world.gateway.payments[PAID], refund=done
    )
    _heard(world, told)


def _link_payment_heard(world: World) -> None:
    assert create_link(world).status == 201
    paid = link_body("payment_link.paid", entity(world, status="paid"), part(world, PAID, 45_000))
    _heard(world, paid)


def _instalment_heard(world: World) -> None:
    payment = world.created(plan_id=agreed(world), amount_paise=30_000)
    _heard(world, webhook_body("payment.captured", world.gateway.pay(str(payment.order_id), PAID)))


def _nothing(_: World) -> None:
    return None


REQUESTS = (
    Move("a payment is created", _nothing, _created),
    Move("a payment is verified", _payable, _verified),
    Move("a payment is captured", authorised, _captured),
    Move("a payment is captured in part", authorised, _captured_in_part),
    Move("a payment is refunded", World.paid, _refunded),
    Move("a link is made", _nothing, _link_made),
    Move("a plan is agreed", _nothing, _plan_agreed),
    Move("a mandate is registered", _nothing, _mandate_registered),
    Move("a method is saved", paid_with_token, _method_saved),
    Move("a debit is planned", _mandated, _debit_planned),
)
WORK = (
    Move("a debit is announced", _announceable, _worked),
    Move("a debit is made", _debitable, _worked),
    Move("a payment is split", _splittable, _taken_in),
    Move("its shares are transferred", _transferable, _taken_in),
)
EVENTS = (
    Move("a capture is heard of", _capture_heard, _applied),
    Move("a failure is heard of", _failure_heard, _applied),
    Move("a refund is heard of", _refund_heard, _applied),
    Move("a paid link is heard of", _link_payment_heard, _applied),
    Move("an instalment is heard of", _instalment_heard, _applied),
)
MOVES = (*REQUESTS, *WORK, *EVENTS)
