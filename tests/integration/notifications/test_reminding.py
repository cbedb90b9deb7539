"""From the link to the payer's phone: what was decided is told once, as it stands when it is told, by day."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from runtime.functions.notification_dispatcher import reminder_look
from runtime.notifications.events import News
from runtime.payments.links.reminders.model import REMINDER_DUE
from runtime.payments.links.repository import LinkRepository
from tests.integration.notifications.world import EMAIL, PHONE, Crashed, status
from tests.integration.notifications.world import World as Messages
from tests.integration.payments.test_link_reminders import go_to, link_until_30_april, remind, sweep
from tests.integration.payments.test_links import CANCEL, PAY_1, call, get, paid
from tests.integration.payments.world import World as Payments
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Both(Messages):
    """The dispatcher beside the payments, over the same tables and by the same clock."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.payments = Payments(self.tables, self.client, clock=self.clock)
        self.pool.users["usr_parent"] = {"name": "Ravi", "phone_number": PHONE, "email": EMAIL}
        links = LinkRepository(self.client, self.tables["payments"])
        self.looks[REMINDER_DUE] = reminder_look(links, self.clock)

    def told(self) -> list[str]:
        """What the topic hands to the queue of all reminders."""
        return [
            json.dumps(
                {
                    "detail-type": item["detail_type"],
                    "source": item["source"],
                    "detail": {"event_id": item["event_id"], "detail": item["detail"]},
                }
            )
            for item in self.tables.items("outbox")
            if item["detail_type"] == REMINDER_DUE
        ]

    def reminders(self, link_id: str) -> list[dict[str, Any]]:
        """The reminders as a caller sees them on the link."""
        made: list[dict[str, Any]] = get(self.payments, link_id).body["reminders"]["made"]
        return made


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Both:
    """Payments and messages, with nothing made yet."""
    return Both(tables, dynamodb)


def reminded(world: Both) -> str:
    """A link whose payer is to be reminded, on 4 April at noon."""
    link_id = link_until_30_april(world.payments)
    go_to(world.payments, 4, "12:00")
    sweep(world.payments)
    return link_id


class TestTelling:
    def test_a_payer_reads_what_is_due_until_when_and_where(self, world: Both) -> None:
        link_id = reminded(world)
        assert world.deliver(*world.told()) == []
        (sent,) = world.whatsapp.taken
        assert (sent["to"], sent["template"]["name"]) == (PHONE, "payment_link_reminder")
        name, amount, *others = sent["template"]["components"][0]["parameters"]
        assert name["text"] == "Ravi"
        assert amount["currency"] == {"fallback_value": "₹450.00", "code": "INR", "amount_1000": 450_000}
        assert [other["text"] for other in others] == [
            "Green Valley School",
            "Lunches in April",
            "30 April 2026",
            "https://rzp.io/rzp/00000000",
            link_id,
        ]

    def test_the_link_shows_what_became_of_it(self, world: Both) -> None:
        link_id = reminded(world)
        (waiting,) = world.reminders(link_id)
        assert (waiting["outcome"], waiting["channel"], waiting["outcome_at"]) == ("waiting", None, None)
        world.deliver(*world.told())
        (sent,) = world.reminders(link_id)
        assert (sent["outcome"], sent["channel"], sent["reason"]) == ("sent", "whatsapp", None)
        assert sent["outcome_at"] == "2026-04-04T06:30:00.000Z"
        world.clock.advance(seconds=60)
        world.report(status("read"))
        (read,) = world.reminders(link_id)
        assert (read["outcome"], read["outcome_at"]) == ("read", "2026-04-04T06:31:00.000Z")

    def test_where_whatsapp_cannot_it_is_a_mail(self, world: Both) -> None:
        link_id = reminded(world)
        world.whatsapp.plan("131026")
        world.deliver(*world.told())
        (mail,) = world.ses.sent
        assert mail["Message"]["Subject"]["Data"] == "Payment reminder: Green Valley School"
        assert "<a href='https://rzp.io/rzp/00000000'>" in mail["Message"]["Body"]["Html"]["Data"]
        (shown,) = world.reminders(link_id)
        assert (shown["outcome"], shown["channel"]) == ("sent", "mail")

    def test_who_cannot_be_reached_is_shown_so_and_the_next_is_reached(self, world: Both) -> None:
        first = reminded(world)
        second = link_until_30_april(world.payments, key="key-00000002", reminders={"on": ["2026-04-05"]})
        del world.pool.users["usr_parent"]
        world.deliver(*world.told())
        (shown,) = world.reminders(first)
        assert (shown["outcome"], shown["channel"], shown["reason"]) == (
            "undeliverable",
            "none",
            "no-contact",
        )
        world.pool.users["usr_parent"] = {"phone_number": PHONE}
        go_to(world.payments, 5, "12:00")
        sweep(world.payments)
        world.deliver(*world.told())
        assert [made["outcome"] for made in world.reminders(second)] == ["sent"]
        assert len(world.whatsapp.taken) == 1

    def test_no_contact_is_kept_or_logged(self, world: Both) -> None:
        reminded(world)
        world.deliver(*world.told())
        everything = repr(world.tables.snapshot()) + world.log.getvalue() + world.payments.log.getvalue()
        assert not [part for part in (PHONE[3:], EMAIL, "Ravi") if part in everything]


class TestOnce:
    def test_however_often_and_by_how_many_it_is_delivered(self, world: Both) -> None:
        reminded(world)
        start = threading.Barrier(6)

        def deliver(_: int) -> list[str]:
            start.wait(timeout=30)
            return world.deliver(*world.told(), *world.told())

        with ThreadPoolExecutor(6) as deliveries:
            assert list(deliveries.map(deliver, range(6))) == [[]] * 6
        assert len(world.whatsapp.taken) == 1

    @pytest.mark.parametrize("moment", ["crash before", "crash after"])
    def test_a_dispatcher_that_dies_sends_no_second_one(self, world: Both, moment: str) -> None:
        link_id = reminded(world)
        world.whatsapp.plan(moment)
        with pytest.raises(Crashed):
            world.deliver(*world.told())
        sent = len(world.whatsapp.taken)
        world.deliver(*world.told(), receive_count=2)
        assert len(world.whatsapp.taken) == sent
        assert [made["outcome"] for made in world.reminders(link_id)] == ["waiting"]


class TestWhatHasChangedWins:
    def test_a_part_that_was_paid_is_not_asked_for(self, world: Both) -> None:
        reminded(world)
        paid(world.payments, "evt_1", PAY_1, 15_000)
        world.deliver(*world.told())
        amount = world.whatsapp.taken[0]["template"]["components"][0]["parameters"][1]
        assert amount["currency"]["amount_1000"] == 300_000

    @pytest.mark.parametrize(
        ("how", "reason"),
        [("paid", "link-paid"), ("cancelled", "link-cancelled"), ("gone", "no-such-reminder")],
    )
    def test_who_has_paid_or_need_not_any_more_hears_nothing(
        self, world: Both, how: str, reason: str
    ) -> None:
        link_id = reminded(world)
        told = world.told()
        match how:
            case "paid":
                paid(world.payments, "evt_1", PAY_1, 45_000, whole=True)
            case "cancelled":
                call(world.payments, "POST", CANCEL, link_id=link_id)
            case _:
                told = [message.replace(link_id, "plk_01JQR4ZZZZZZZZZZZZZZZZZZZZ") for message in told]
        assert world.deliver(*told) == []
        assert (world.whatsapp.taken, world.ses.sent) == ([], [])
        kept = world.notification()
        assert (kept["state"], kept["code"]) == ("withheld", reason)
        assert ("notifications.payment_link_reminder", "refused", "none") in world.outcomes()

    @pytest.mark.parametrize(
        ("day", "clock", "reason"), [(4, "19:00", "quiet-hours"), (5, "12:00", "too-late")]
    )
    def test_what_waited_into_the_night_or_the_next_day_does_not_leave(
        self, world: Both, day: int, clock: str, reason: str
    ) -> None:
        link_id = reminded(world)
        go_to(world.payments, day, clock)
        world.deliver(*world.told())
        assert world.whatsapp.taken == []
        (shown,) = world.reminders(link_id)
        assert (shown["outcome"], shown["reason"]) == ("withheld", reason)

    def test_what_whatsapp_throttles_into_the_night_does_not_leave_either(self, world: Both) -> None:
        link_id = reminded(world)
        go_to(world.payments, 4, "18:59")
        world.whatsapp.plan("131056")
        assert world.deliver(*world.told()) == ["message-0"]
        assert [made["outcome"] for made in world.reminders(link_id)] == ["waiting"]
        go_to(world.payments, 4, "19:01")
        assert world.deliver(*world.told(), receive_count=2) == []
        assert [made["reason"] for made in world.reminders(link_id)] == ["quiet-hours"]

    def test_a_table_that_does_not_answer_is_asked_again(self, world: Both) -> None:
        link_id = reminded(world)
        working = world.looks[REMINDER_DUE]

        def broken(news: News) -> News:
            raise ConnectionError(news.subject)

        world.looks[REMINDER_DUE] = broken
        assert world.deliver(*world.told()) == ["message-0"]
        world.looks[REMINDER_DUE] = working
        assert world.deliver(*world.told(), receive_count=2) == []
        assert [made["outcome"] for made in world.reminders(link_id)] == ["sent"]


def test_by_hand_too(world: Both) -> None:
    link_id = link_until_30_april(world.payments)
    assert remind(world.payments, link_id).status == 202
    world.deliver(*world.told())
    assert [(made["occasion"], made["outcome"]) for made in world.reminders(link_id)] == [("by_hand", "sent")]
