"""Telling people: at most once for a message and a person, by the first channel that takes it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runtime.payments.model import PaymentStatus
from tests.integration.notifications.world import EMAIL, PHONE, Crashed, World, news, status
from tests.integration.payments.world import Interrupted


class TestSending:
    def test_a_parent_gets_the_template_on_whatsapp(self, world: World) -> None:
        assert world.deliver(news()) == []
        (sent,) = world.whatsapp.taken
        assert (sent["to"], sent["template"]["name"]) == (PHONE, "payment_received")
        (body,) = sent["template"]["components"]
        name, amount, *others = body["parameters"]
        assert name["text"] == "Asha"
        assert amount["currency"] == {"fallback_value": "₹450.00", "code": "INR", "amount_1000": 450_000}
        assert [other["text"] for other in others] == [
            "Green Valley School",
            "Lunches in April",
            "pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ",
        ]
        assert world.ses.sent == []

    def test_what_was_sent_is_kept_with_its_reference_and_audited(self, world: World) -> None:
        world.deliver(news())
        kept = world.notification()
        assert (kept["state"], kept["channel"], kept["provider_message_id"]) == (
            "sent",
            "whatsapp",
            "wamid.0001",
        )
        assert world.whatsapp.taken[0]["biz_opaque_callback_data"] == kept["notification_id"]
        assert world.outcomes() == [("notifications.payment_received", "done", "whatsapp")]

    def test_no_telephone_number_and_no_address_is_kept_or_logged(self, world: World) -> None:
        world.whatsapp.plan("131026")
        world.deliver(news())
        everything = repr(world.tables.snapshot()["notifications"]) + repr(world.tables.items("audit"))
        everything += world.log.getvalue()
        assert not [part for part in (PHONE[3:], EMAIL, "Asha", "the-access-token") if part in everything]

    @pytest.mark.parametrize(
        ("paid", "template"),
        [
            (PaymentStatus.CAPTURED, "payment_received"),
            (PaymentStatus.FAILED, "payment_failed"),
            (PaymentStatus.CONFLICTED, "payment_under_review"),
        ],
    )
    def test_each_news_has_its_template(self, world: World, paid: PaymentStatus, template: str) -> None:
        world.deliver(news(paid))
        assert world.whatsapp.taken[0]["template"]["name"] == template

    @pytest.mark.parametrize("paid", [PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, PaymentStatus.UNKNOWN])
    def test_what_nobody_waits_for_is_not_sent_and_not_kept(self, world: World, paid: PaymentStatus) -> None:
        assert world.deliver(news(paid)) == []
        assert (world.whatsapp.taken, world.tables.items("notifications")) == ([], [])

    def test_an_unknown_school_does_not_keep_a_parent_waiting(self, world: World) -> None:
        world.deliver(news(school_id="sch_9"))
        assert world.whatsapp.taken[0]["template"]["components"][0]["parameters"][2]["text"] == "your school"


class TestOnce:
    def test_the_same_news_again_is_not_sent_again(self, world: World) -> None:
        for _ in range(3):
            assert world.deliver(news(), news()) == []
        assert len(world.whatsapp.taken) == 1
        assert len(world.tables.items("audit")) == 1

    def test_the_same_news_at_once_is_sent_once(self, world: World) -> None:
        start = threading.Barrier(10)

        def deliver(_: int) -> list[str]:
            start.wait(timeout=30)
            return world.deliver(news())

        with ThreadPoolExecutor(10) as deliveries:
            assert list(deliveries.map(deliver, range(10))) == [[]] * 10
        assert len(world.whatsapp.taken) == 1

    def test_other_news_and_other_people_get_their_own(self, world: World) -> None:
        world.pool.users["usr_2"] = {"phone_number": "+919000090001"}
        world.deliver(news(), news(message_key="PaymentCaptured:pmt_1:pay_B"), news(payer_id="usr_2"))
        assert len(world.whatsapp.taken) == 3

    @pytest.mark.parametrize("moment", ["crash before", "crash after"])
    def test_a_crash_after_the_claim_never_sends_twice(self, world: World, moment: str) -> None:
        world.whatsapp.plan(moment)
        with pytest.raises(Crashed):
            world.deliver(news())
        sent = len(world.whatsapp.taken)
        assert world.deliver(news(), receive_count=2) == []
        assert len(world.whatsapp.taken) == sent
        assert world.notification()["state"] == "claimed"

    def test_a_crash_before_the_outcome_was_kept_is_resolved_by_whatsapp(self, world: World) -> None:
        world.whatsapp.plan("crash after")
        with pytest.raises(Crashed):
            world.deliver(news())
        reference = world.whatsapp.taken[0]["biz_opaque_callback_data"]
        world.report(status("delivered", biz_opaque_callback_data=reference))
        assert world.notification()["state"] == "delivered"
        assert world.notification()["provider_message_id"] == "wamid.0001"

    def test_an_outcome_that_could_not_be_kept_does_not_send_again(self, world: World) -> None:
        failing = Interrupted(world.client)

        def fail() -> None:
            raise ConnectionError

        failing.before["update_item"] = [fail]
        assert world.deliver(news(), client=failing) == ["message-0"]
        assert world.deliver(news(), receive_count=2) == []
        assert len(world.whatsapp.taken) == 1

    def test_a_claim_that_the_sdk_repeats_is_still_the_same_claim(self, world: World) -> None:
        """The put arrived, its answer was lost, and the SDK sent it again."""
        repeating = _Repeating(world.client)
        assert world.deliver(news(), client=repeating) == []
        assert (repeating.repeated, len(world.whatsapp.taken)) == (1, 1)


class _Repeating:
    """A DynamoDB client that sends its first put twice, as the SDK does after a lost answer."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.repeated = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **call: Any) -> Any:
        if not self.repeated:
            self.repeated += 1
            self._client.put_item(**call)
        return self._client.put_item(**call)


class TestOtherChannels:
    @pytest.mark.parametrize("code", ["131026", "132000", "132001", "190"])
    def test_what_whatsapp_refuses_goes_by_mail(self, world: World, code: str) -> None:
        world.whatsapp.plan(code)
        assert world.deliver(news()) == []
        (mail,) = world.ses.sent
        assert mail["Destination"] == {"ToAddresses": [EMAIL]}
        assert mail["Message"]["Subject"]["Data"] == "Payment received: Green Valley School"
        assert "₹450.00" in mail["Message"]["Body"]["Text"]["Data"]
        kept = world.notification()
        assert (kept["state"], kept["channel"], kept["provider_message_id"]) == ("sent", "mail", "ses-0001")

    def test_who_has_no_telephone_gets_a_mail(self, world: World) -> None:
        world.pool.users["usr_1"] = {"email": EMAIL}
        world.deliver(news())
        assert (len(world.whatsapp.taken), len(world.ses.sent)) == (0, 1)
        assert "Dear parent," in world.ses.sent[0]["Message"]["Body"]["Text"]["Data"]

    def test_markup_in_a_name_is_shown_as_text(self, world: World) -> None:
        world.pool.users["usr_1"] = {"email": EMAIL, "name": "<b>Asha</b>"}
        world.deliver(news(description="<script>"))
        html = world.ses.sent[0]["Message"]["Body"]["Html"]["Data"]
        assert "&lt;b&gt;Asha&lt;/b&gt;" in html
        assert "<script>" not in html

    def test_a_school_with_a_long_name_gets_its_mails_too(self, world: World) -> None:
        world.tables.put("schools", {"school_id": "sch_1", "name": "x" * 300, "active": True})
        world.pool.users["usr_1"] = {"email": EMAIL}
        assert world.deliver(news(PaymentStatus.CONFLICTED)) == []
        assert len(world.ses.sent) == 1

    @pytest.mark.parametrize("contact", [{}, {"name": "Asha"}, {"phone_number": "", "email": ""}], ids=repr)
    def test_who_cannot_be_reached_is_kept_as_such(self, world: World, contact: dict[str, str]) -> None:
        world.pool.users["usr_1"] = contact
        assert world.deliver(news()) == []
        kept = world.notification()
        assert (kept["state"], kept["channel"], kept["code"]) == ("undeliverable", "none", "no-contact")
        assert world.outcomes() == [("notifications.payment_received", "refused", "none")]

    def test_who_does_not_exist_or_is_disabled_is_not_written_to(self, world: World) -> None:
        world.pool.disabled.add("usr_1")
        assert world.deliver(news(), news(payer_id="usr_9")) == []
        assert {item["state"] for item in world.tables.items("notifications")} == {"undeliverable"}
        assert (world.whatsapp.taken, world.ses.sent) == ([], [])

    def test_what_every_channel_refuses_is_undeliverable_for_the_last_reason(self, world: World) -> None:
        world.whatsapp.plan("131026")
        world.ses.plan("MessageRejected")
        assert world.deliver(news()) == []
        kept = world.notification()
        assert (kept["state"], kept["code"]) == ("undeliverable", "MessageRejected")

    def test_a_malformed_number_leads_to_the_mail(self, world: World) -> None:
        world.pool.users["usr_1"] = {"phone_number": "9000090000", "email": EMAIL}
        assert world.deliver(news()) == []
        assert (len(world.whatsapp.taken), len(world.ses.sent)) == (0, 1)

    def test_malformed_addresses_alone_are_undeliverable_not_poison(self, world: World) -> None:
        world.pool.users["usr_1"] = {"phone_number": "9000090000", "email": "asha@example.com\r\nBcc: x@y.z"}
        assert world.deliver(news()) == []
        assert (world.notification()["state"], world.notification()["code"]) == ("undeliverable", "malformed")
        assert world.ses.sent == []


class TestTryingAgain:
    @pytest.mark.parametrize("fault", ["130429", "131056", "refused connection"])
    def test_what_was_certainly_not_sent_is_tried_again(self, world: World, fault: str) -> None:
        world.whatsapp.plan(fault)
        assert world.deliver(news()) == ["message-0"]
        assert world.notification()["state"] == "released"
        assert world.deliver(news(), receive_count=2) == []
        assert len(world.whatsapp.taken) == 1
        assert world.notification()["state"] == "sent"
        assert world.ses.sent == []

    def test_a_mail_that_was_throttled_is_tried_again(self, world: World) -> None:
        world.pool.users["usr_1"] = {"email": EMAIL}
        world.ses.plan("Throttling")
        assert world.deliver(news()) == ["message-0"]
        assert world.deliver(news(), receive_count=2) == []
        assert len(world.ses.sent) == 1

    def test_a_person_who_could_not_be_looked_up_is_tried_again(self, world: World) -> None:
        world.pool.broken = 1
        assert world.deliver(news()) == ["message-0"]
        assert world.deliver(news(), receive_count=2) == []
        assert len(world.whatsapp.taken) == 1

    @pytest.mark.parametrize("fault", ["timeout after", "html after", "131000"])
    def test_what_may_have_been_sent_is_not_sent_again(self, world: World, fault: str) -> None:
        world.whatsapp.plan(fault)
        assert world.deliver(news()) == []
        kept = world.notification()
        assert (kept["state"], kept["channel"]) == ("unknown", "whatsapp")
        assert world.outcomes() == [("notifications.payment_received", "refused", "whatsapp")]
        sent = len(world.whatsapp.taken)
        assert world.deliver(news(), receive_count=2) == []
        assert (len(world.whatsapp.taken), world.ses.sent) == (sent, [])

    def test_a_mail_that_may_have_been_sent_is_not_sent_again(self, world: World) -> None:
        world.pool.users["usr_1"] = {"email": EMAIL}
        world.ses.plan("timeout after")
        assert world.deliver(news()) == []
        assert world.deliver(news(), receive_count=2) == []
        assert (len(world.ses.sent), world.notification()["state"]) == (1, "unknown")

    def test_an_unknown_outcome_is_resolved_by_whatsapps_own_word(self, world: World) -> None:
        world.whatsapp.plan("timeout after")
        world.deliver(news())
        reference = world.notification()["notification_id"]
        assert world.report(status("sent", biz_opaque_callback_data=reference)).body == {"kept": 1}
        assert (world.notification()["state"], world.notification()["provider_message_id"]) == (
            "sent",
            "wamid.0001",
        )


class TestPoison:
    @pytest.mark.parametrize(
        "poison", ["", "{", "[]", "{}", news(currency="XXX"), news(amount_paise=10**13)], ids=lambda _: ""
    )
    def test_fails_alone(self, world: World, poison: str) -> None:
        assert world.deliver(news(), poison, news(payer_id="usr_9")) == ["message-1"]
        assert len(world.whatsapp.taken) == 1
        assert len(world.tables.items("notifications")) == 2

    def test_shows_nothing_of_itself_in_the_log(self, world: World) -> None:
        world.deliver('{"detail": "asha@example.com +919000090000"}')
        assert "example.com" not in world.log.getvalue()
        assert "9000090000" not in world.log.getvalue()
