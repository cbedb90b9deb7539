"""Receiving and applying events: kept once, acknowledged, applied once, whatever is repeated or dies."""

import json

import pytest

from runtime.functions import payments_webhook_handler
from runtime.gateways.razorpay.webhooks import BODY_SIZE_MAX_BYTES
from runtime.payments.applier import APPLIED_EVENTS
from runtime.payments.inbox import BODY_BYTES_MAX, DOCUMENTED, EventState
from runtime.payments.model import Payment, PaymentStatus
from tests.events import Context, failed_messages, sqs_event
from tests.integration.payments.gateway import Crashed, gateway_payment
from tests.integration.payments.world import WEBHOOK_SECRETS, Interrupted, World, webhook_body

PAID = "pay_00000000000001"
EVENT = "evt_00000000000001"


def captured(payment: Payment) -> bytes:
    return webhook_body("payment.captured", gateway_payment(PAID, payment.order_id))


def message(event_id: str) -> str:
    return json.dumps({"event_id": event_id})


class TestReceiving:
    def test_keeps_the_event_and_queues_its_id(self, world: World) -> None:
        answer = world.deliver(captured(world.created()))
        assert (answer.status, answer.body) == (200, {"event_id": EVENT, "duplicate": False})
        (kept,) = world.tables.items("webhook_events")
        assert (kept["event_id"], kept["event"], kept["state"]) == (EVENT, "payment.captured", "received")
        assert [json.loads(body) for body in world.queue.sent] == [{"event_id": EVENT}]

    def test_changes_no_payment_and_writes_no_audit_line_yet(self, world: World) -> None:
        payment = world.created()
        before = world.tables.items("audit")
        world.deliver(captured(payment))
        assert world.stored(payment.payment_id) == payment
        assert world.tables.items("audit") == before

    def test_keeps_it_for_longer_than_razorpay_repeats_it(self, world: World) -> None:
        world.deliver(captured(world.created()))
        (kept,) = world.tables.items("webhook_events")
        days = (kept["expires_at"] - world.clock.now().timestamp()) / 86_400
        assert 15 < days <= 35

    @pytest.mark.parametrize("secret", WEBHOOK_SECRETS)
    def test_takes_every_live_secret(self, world: World, secret: str) -> None:
        assert world.deliver(captured(world.created()), secret=secret).status == 200

    def test_takes_no_secret_that_was_retired(self, world: World) -> None:
        world.secrets = WEBHOOK_SECRETS[:1]
        assert world.deliver(captured(world.created()), secret=WEBHOOK_SECRETS[1]).code == "signature-invalid"

    def test_takes_a_body_in_base64(self, world: World) -> None:
        assert world.deliver(captured(world.created()), base64_encoded=True).status == 200

    @pytest.mark.parametrize("event_id", [None, "", "x" * 101, "evt_ü", "evt\n1"], ids=repr)
    def test_without_a_usable_event_id_the_body_stands_for_itself(
        self, world: World, event_id: str | None
    ) -> None:
        body = captured(world.created())
        first = world.deliver(body, event_id=event_id)
        again = world.deliver(body, event_id=event_id)
        assert first.body["event_id"].startswith("sha256:")
        assert (first.body["duplicate"], again.body["duplicate"]) == (False, True)
        assert len(world.tables.items("webhook_events")) == 1

    def test_a_second_delivery_is_a_duplicate_and_queued_until_applied(self, world: World) -> None:
        """A crash between keeping and queueing heals itself with the next delivery."""
        body = captured(world.created())
        world.deliver(body)
        world.queue.sent.clear()
        assert world.deliver(body).body == {"event_id": EVENT, "duplicate": True}
        assert len(world.queue.sent) == 1
        world.applier.apply(EVENT, request_id="req")
        world.queue.sent.clear()
        assert world.deliver(body).body["duplicate"] is True
        assert world.queue.sent == []

    def test_a_crash_between_keeping_and_queueing_loses_nothing(self, world: World) -> None:
        payment = world.created()
        dying = Interrupted(world.client)

        def die() -> None:
            raise Crashed

        dying.after["put_item"] = [die]
        with pytest.raises(Crashed):
            world.over(dying).deliver(captured(payment))
        assert world.queue.sent == []
        assert world.deliver(captured(payment)).body["duplicate"] is True
        assert len(world.queue.sent) == 1

    def test_every_event_that_is_applied_is_documented(self) -> None:
        assert APPLIED_EVENTS <= DOCUMENTED

    def test_what_is_kept_can_be_read_again(self) -> None:
        assert BODY_BYTES_MAX <= BODY_SIZE_MAX_BYTES


class TestApplying:
    def test_books_a_capture_and_says_where_it_came_from(self, world: World) -> None:
        payment = world.created()
        body = captured(payment)
        world.deliver(body)
        assert world.applier.apply(EVENT, request_id="req-7") is EventState.APPLIED
        after = world.stored(payment.payment_id)
        assert (after.status, after.version) == (PaymentStatus.CAPTURED, 2)
        assert world.books(after).balances
        (line,) = [line for line in world.tables.items("audit") if line["action"] == "payment.captured"]
        assert (line["actor_id"], line["subject"], line["request_id"]) == (
            "razorpay",
            payment.payment_id,
            "req-7",
        )
        assert line["details"]["event_id"] == EVENT
        (kept,) = world.tables.items("webhook_events")
        assert (kept["state"], kept["finished_at"]) == ("applied", "2026-04-01T06:30:00.000Z")

    def test_once_however_often_it_is_asked(self, world: World) -> None:
        payment = world.created()
        world.deliver(captured(payment))
        for _ in range(3):
            assert world.applier.apply(EVENT, request_id="req") is EventState.APPLIED
        assert world.stored(payment.payment_id).version == 2
        assert world.day_books().entries == 2

    def test_the_same_news_under_another_id_changes_nothing(self, world: World) -> None:
        payment = world.created()
        paid = gateway_payment(PAID, payment.order_id)
        assert world.tell("evt_1", "payment.captured", paid, 7) is EventState.APPLIED
        assert world.tell("evt_2", "payment.captured", paid, 7) is EventState.NO_CHANGE
        assert world.tell("evt_3", "payment.failed", paid | {"status": "failed"}, 8) is EventState.NO_CHANGE
        assert world.stored(payment.payment_id).version == 2

    def test_the_order_paid_event_is_as_good_as_the_capture(self, world: World) -> None:
        payment = world.created()
        world.tell("evt_1", "order.paid", gateway_payment(PAID, payment.order_id), 7)
        assert world.stored(payment.payment_id).status is PaymentStatus.CAPTURED

    def test_an_order_of_somebody_else_is_recorded_as_not_ours(self, world: World) -> None:
        before = world.tables.items("payments")
        assert (
            world.tell("evt_1", "payment.captured", gateway_payment(PAID, "order_X"), 7)
            is EventState.NOT_OURS
        )
        assert world.tell("evt_2", "payment.captured", gateway_payment(PAID, None), 7) is EventState.NOT_OURS
        assert world.tables.items("payments") == before

    def test_an_event_of_ours_that_no_rule_acts_on_waits_for_one(self, world: World) -> None:
        payment = world.created()
        paid = gateway_payment(PAID, payment.order_id)
        assert world.tell("evt_1", "refund.created", paid, 7) is EventState.NOT_HANDLED
        assert world.tell("evt_2", "refund.created", paid | {"order_id": "order_X"}, 7) is EventState.NOT_OURS
        assert world.stored(payment.payment_id) == payment

    def test_an_event_about_our_order_alone_is_ours(self, world: World) -> None:
        payment = world.created()
        order = {"id": payment.order_id, "amount": 45_000, "currency": "INR", "status": "paid"}
        body = {"entity": "event", "event": "order.paid", "payload": {"order": {"entity": order}}}
        world.deliver(json.dumps(body).encode())
        assert world.applier.apply(EVENT, request_id="req") is EventState.NOT_HANDLED

    def test_a_status_that_nobody_knows_waits_for_a_person(self, world: World) -> None:
        payment = world.created()
        odd = gateway_payment(PAID, payment.order_id, status="on_the_moon")
        assert world.tell("evt_1", "payment.captured", odd, 7) is EventState.NOT_HANDLED
        assert world.stored(payment.payment_id) == payment

    def test_an_event_that_was_never_kept_is_an_error(self, world: World) -> None:
        with pytest.raises(LookupError):
            world.applier.apply("evt_of_nobody", request_id="req")

    @pytest.mark.parametrize(("created_at", "observed_at"), [(7, 7), (None, 1_775_025_000)])
    def test_the_moment_of_the_word_is_the_events_or_else_the_payments(
        self, world: World, created_at: int | None, observed_at: int
    ) -> None:
        payment = world.created()
        body = json.loads(captured(payment))
        body["created_at"] = created_at
        world.deliver(json.dumps(body).encode())
        world.applier.apply(EVENT, request_id="req")
        assert world.stored(payment.payment_id).attempts[PAID].observed_at == observed_at

    def test_a_crash_before_the_write_leaves_it_to_be_applied_again(self, world: World) -> None:
        payment = world.created()
        world.deliver(captured(payment))
        dying = Interrupted(world.client)

        def die() -> None:
            raise Crashed

        dying.before["transact_write_items"] = [die]
        with pytest.raises(Crashed):
            world.over(dying).applier.apply(EVENT, request_id="req")
        assert world.stored(payment.payment_id) == payment
        assert world.applier.apply(EVENT, request_id="req") is EventState.APPLIED
        assert world.day_books().entries == 2


class TestBatch:
    def handle(self, world: World, *bodies: str) -> list[str]:
        event = sqs_event(*bodies)
        return failed_messages(
            payments_webhook_handler.apply_batch(world.applier, world.logger, event, Context())
        )

    def test_applies_every_event_and_gives_none_back(self, world: World) -> None:
        first, second = world.created(), world.created()
        for number, payment in enumerate((first, second)):
            paid = gateway_payment(f"pay_0000000000000{number}", payment.order_id)
            world.deliver(webhook_body("payment.captured", paid), event_id=f"evt_{number}")
        assert self.handle(world, message("evt_0"), message("evt_1"), message("evt_0")) == []
        assert {world.stored(payment.payment_id).status for payment in (first, second)} == {
            PaymentStatus.CAPTURED
        }

    @pytest.mark.parametrize(
        "poison", [message("evt_of_nobody"), "{", "{}", "[]", '{"event_id": 7}', ""], ids=repr
    )
    def test_only_the_message_that_cannot_be_applied_comes_again(self, world: World, poison: str) -> None:
        payment = world.created()
        world.deliver(captured(payment))
        assert self.handle(world, poison, message(EVENT), poison) == ["message-0", "message-2"]
        assert world.stored(payment.payment_id).status is PaymentStatus.CAPTURED

    def test_a_batch_of_nothing_but_poison_fails_message_by_message(self, world: World) -> None:
        assert self.handle(world, "{", "{") == ["message-0", "message-1"]

    def test_what_was_applied_is_in_the_log(self, world: World) -> None:
        world.deliver(captured(world.created()))
        self.handle(world, message(EVENT))
        assert '"state":"applied"' in world.log.getvalue()
