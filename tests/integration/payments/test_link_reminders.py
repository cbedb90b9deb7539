"""Payers are reminded of links: once for an occasion, whatever is late, repeated, at once, or dies."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest

from runtime.functions.payments_reconciliation_worker import sweep_reminders
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.reminders.model import REMINDER_DUE
from runtime.payments.links.reminders.sweep import ReminderReport, ReminderSweep
from runtime.platform.auth import Role
from runtime.platform.clock import IST, iso
from tests.events import Answer, Context, caller
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.gateway_links import link_body
from tests.integration.payments.test_links import (
    CANCEL,
    LINK,
    LINKS,
    PAY_1,
    call,
    create,
    entity,
    get,
    paid,
    part,
    stored,
    tell,
)
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import OTHER_PARENT, PARENT, SCHOOL_ADMIN, Interrupted, World

REMINDERS = LINK + "/reminders"
FINANCE_ELSEWHERE = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])


def go_to(world: World, day: int, clock: str) -> None:
    """Move on to a moment of April 2026 in India."""
    then = datetime.combine(date(2026, 4, day), time.fromisoformat(clock), IST)
    world.clock.advance(seconds=(then - world.clock.now()).total_seconds())


def link_until_30_april(world: World, **changes: Any) -> str:
    answer = create(world, **{"expires_on": "2026-04-30"} | changes)
    assert answer.status == 201, answer.text
    return str(answer.body["link_id"])


def sweep(world: World) -> ReminderReport:
    return world.reminder_sweep.sweep(request_id="req", may_go_on=lambda: True)


def told(world: World, link_id: str) -> list[dict[str, Any]]:
    """The details of all reminders that were told of a link."""
    return [
        json.loads(item["detail"])
        for item in world.tables.items("outbox")
        if item["subject"] == link_id and item["detail_type"] == REMINDER_DUE
    ]


def days_of_reminders(world: World, link_id: str) -> list[str]:
    return [made.on for made in stored(world, link_id).reminders.made]


def remind(world: World, link_id: str, *, key: str | None = "key-remind-01", **more: Any) -> Answer:
    more = {"principal": SCHOOL_ADMIN} | more
    return call(world, "POST", REMINDERS, key=key, link_id=link_id, **more)


def overtaken(world: World, by: Callable[[], object]) -> World:
    """The world as a process sees it right before whose first write something happens."""

    def happens() -> None:
        by()

    client = Interrupted(world.client)
    client.before["transact_write_items"] = [happens]
    return world.over(client)


class TestSchedule:
    def test_by_default_the_days_are_shown_with_the_next_moment(self, world: World) -> None:
        shown = get(world, link_until_30_april(world)).body["reminders"]
        assert shown["days"] == ["2026-04-04", "2026-04-27", "2026-04-30"]
        assert "2026-04-04T03:30" <= shown["next_at"] < "2026-04-04T05:30"  # from 9:00 to 11:00 in India
        assert shown["made"] == []

    def test_whoever_makes_a_link_chooses_the_days_or_none(self, world: World) -> None:
        chosen = link_until_30_april(world, reminders={"before_end_days": [7], "on": ["2026-04-10"]})
        assert get(world, chosen).body["reminders"]["days"] == ["2026-04-10", "2026-04-23"]
        none = link_until_30_april(world, reminders={}, key="key-00000002")
        assert get(world, none).body["reminders"] == {"days": [], "next_at": None, "made": []}

    def test_days_that_cannot_be_are_named_before_the_gateway_is_asked(self, world: World) -> None:
        answer = create(world, expires_on="2026-04-30", reminders={"on": ["2026-05-01"]})
        assert (answer.status, answer.code) == (422, "payment-link-terms-invalid")
        assert [error["pointer"] for error in answer.body["errors"]] == ["/reminders/on/0"]
        assert world.gateway.links.all == []

    @pytest.mark.parametrize(
        "reminders", [{"after_days": [0]}, {"after_days": ["1"]}, {"on": ["soon"]}, {"at": "09:00"}, 7]
    )
    def test_what_is_no_schedule_is_refused(self, world: World, reminders: object) -> None:
        assert create(world, reminders=reminders).code == "body-invalid"

    def test_other_days_can_be_chosen_later(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "12:00")
        sweep(world)
        answer = call(world, "PUT", REMINDERS, body={"before_end_days": [1]}, link_id=link_id)
        assert (answer.status, answer.body["reminders"]["days"]) == (200, ["2026-04-29"])
        assert len(answer.body["reminders"]["made"]) == 1
        version = stored(world, link_id).version
        again = call(world, "PUT", REMINDERS, body={"before_end_days": [1]}, link_id=link_id)
        assert (again.status, stored(world, link_id).version) == (200, version)
        (line,) = [item for item in world.tables.items("audit") if item["action"] == "links.reminders.set"]
        assert (line["actor_id"], line["details"]) == ("usr_parent", {"days": 1})

    def test_none_can_be_chosen_later(self, world: World) -> None:
        link_id = link_until_30_april(world)
        call(world, "PUT", REMINDERS, body={}, link_id=link_id)
        go_to(world, 30, "12:00")
        assert sweep(world).looked_at == 0

    def test_a_change_meanwhile_does_not_lose_the_choice(self, world: World) -> None:
        link_id = link_until_30_april(world)
        racing = overtaken(world, lambda: paid(world, "evt_1", PAY_1, 15_000))
        answer = call(racing, "PUT", REMINDERS, body={}, link_id=link_id)
        assert (answer.status, answer.body["status"]) == (200, "partially_paid")
        assert stored(world, link_id).reminders.days == ()

    def test_of_a_link_that_cannot_be_paid_no_days_are_chosen(self, world: World) -> None:
        link_id = link_until_30_april(world)
        call(world, "POST", CANCEL, link_id=link_id)
        answer = call(world, "PUT", REMINDERS, body={}, link_id=link_id)
        assert (answer.status, answer.code) == (409, "payment-link-not-payable")

    def test_who_may_not_see_a_link_does_not_choose(self, world: World) -> None:
        link_id = link_until_30_april(world)
        for principal in (OTHER_PARENT, FINANCE_ELSEWHERE):
            answer = call(world, "PUT", REMINDERS, body={}, link_id=link_id, principal=principal)
            assert (answer.status, answer.code) == (404, "payment-link-not-found")


class TestSweep:
    def test_april_of_a_link(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "08:59")
        assert sweep(world).looked_at == 0
        go_to(world, 4, "11:00")
        assert sweep(world) == ReminderReport(looked_at=1, reminded=1, finished=True)
        (detail,) = told(world, link_id)
        assert (detail["due_paise"], detail["occasion"], detail["number"]) == (45_000, "planned", 1)
        assert detail["short_url"] == "https://rzp.io/rzp/00000000"
        go_to(world, 27, "12:00")
        paid(world, "evt_1", PAY_1, 15_000)
        sweep(world)
        assert [detail["due_paise"] for detail in told(world, link_id)] == [45_000, 30_000]
        go_to(world, 30, "12:00")
        sweep(world)
        assert days_of_reminders(world, link_id) == ["2026-04-04", "2026-04-27", "2026-04-30"]
        assert get(world, link_id).body["reminders"]["next_at"] is None
        lines = [item for item in world.tables.items("audit") if item["action"] == "links.remind"]
        assert [(line["actor_id"], line["details"]["number"]) for line in lines] == [
            ("link-reminder", number) for number in (1, 2, 3)
        ]

    def test_repeated_and_overlapping_sweeps_remind_once(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "12:00")
        at_once(*[lambda: sweep(world)] * 6)
        sweep(world)
        assert len(told(world, link_id)) == 1

    def test_a_late_sweep_makes_up_for_all_days_with_one_reminder(self, world: World) -> None:
        link_id = link_until_30_april(world, reminders={"after_days": [1, 2, 3, 4]})
        go_to(world, 5, "20:00")
        assert sweep(world).looked_at == 0
        go_to(world, 6, "09:00")
        sweep(world)
        sweep(world)
        assert days_of_reminders(world, link_id) == ["2026-04-06"]

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_sweep_that_dies_at_the_write_reminds_once(self, world: World, moment: str) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "12:00")

        def die() -> None:
            raise Crashed

        dying = Interrupted(world.client)
        getattr(dying, moment)["transact_write_items"] = [die]
        with pytest.raises(Crashed):
            sweep(world.over(dying))
        sweep(world)
        assert len(told(world, link_id)) == len(days_of_reminders(world, link_id)) == 1

    def test_what_happens_between_look_and_write_wins(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "12:00")
        racing = overtaken(world, lambda: call(world, "POST", CANCEL, link_id=link_id))
        assert sweep(racing).reminded == 0
        assert sweep(world).looked_at == 0
        assert told(world, link_id) == []

    @pytest.mark.parametrize("how", ["paid", "cancelled", "expired at the gateway", "unknown"])
    def test_of_a_link_that_cannot_be_paid_nobody_is_reminded(self, world: World, how: str) -> None:
        if how == "unknown":
            world.gateway.plan("create_payment_link", "timeout before")
            world.gateway.plan("find_payment_link", *["timeout before"] * 5)
            link_id = create(world).body["link_id"]
        else:
            link_id = link_until_30_april(world)
        match how:
            case "paid":
                paid(world, "evt_1", PAY_1, 45_000, whole=True)
            case "cancelled":
                call(world, "POST", CANCEL, link_id=link_id)
            case "expired at the gateway":
                tell(world, "evt_1", link_body("payment_link.expired", entity(world, status="expired")))
            case _:
                pass
        go_to(world, 27, "12:00")
        assert sweep(world).looked_at == 0
        assert told(world, link_id) == []

    def test_a_link_that_ended_while_nobody_swept_is_done_with(self, world: World) -> None:
        link_id = link_until_30_april(world, expires_on="2026-04-04")
        go_to(world, 5, "12:00")
        assert sweep(world) == ReminderReport(looked_at=1, finished=True)
        assert sweep(world).looked_at == 0
        assert told(world, link_id) == []
        assert get(world, link_id).body["reminders"]["next_at"] is None

    def test_that_one_link_cannot_be_looked_at_does_not_hold_up_the_others(self, world: World) -> None:
        made = [link_until_30_april(world, key=f"key-many-{number:04d}") for number in range(5)]
        go_to(world, 4, "12:00")
        broken = Interrupted(world.client)

        def fail() -> None:
            raise ConnectionError

        broken.before["get_item"] = [fail]
        report = sweep(world.over(broken))
        assert (report.looked_at, report.reminded, report.failed, report.finished) == (5, 4, 1, True)
        assert sweep(world).reminded == 1
        assert [len(told(world, link_id)) for link_id in made] == [1] * 5

    def test_more_links_than_a_page_holds_are_all_found(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("runtime.payments.links.repository.DUE_PAGE_MAX", 2)
        for number in range(7):
            link_until_30_april(world, key=f"key-many-{number:04d}")
        go_to(world, 4, "12:00")
        assert sweep(world) == ReminderReport(looked_at=7, reminded=7, finished=True)

    def test_it_stops_when_its_time_is_over_and_the_next_one_goes_on(self, world: World) -> None:
        for number in range(3):
            link_until_30_april(world, key=f"key-many-{number:04d}")
        go_to(world, 4, "12:00")
        time_left = iter([True, True, False])
        report = world.reminder_sweep.sweep(request_id="req", may_go_on=lambda: next(time_left))
        assert (report.reminded, report.finished) == (2, False)
        assert sweep(world).reminded == 1


class TestTheGatewayIsAskedFirst:
    def test_who_has_paid_although_the_event_never_came_is_not_reminded(self, world: World) -> None:
        link_id = link_until_30_april(world)
        paid(world, "evt_1", PAY_1, 15_000)
        go_to(world, 4, "12:00")
        link = world.gateway.links.all[0]
        link |= {"status": "paid", "amount_paid": 45_000, "order_id": entity(world)["order_id"]}
        second = "pay_00000000000002"
        world.gateway.payments |= {
            PAY_1: part(world, PAY_1, 15_000),
            second: part(world, second, 30_000),
        }
        assert sweep(world) == ReminderReport(looked_at=1, finished=True)
        assert get(world, link_id).body["status"] == "paid"
        assert (told(world, link_id), world.day_books().balances) == ([], True)

    def test_where_the_gateway_counts_more_than_it_shows_nobody_is_reminded(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "12:00")
        world.gateway.links.all[0]["amount_paid"] = 45_000
        assert sweep(world).reminded == 0
        assert told(world, link_id) == []

    def test_an_undocumented_status_is_left_to_a_person(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "12:00")
        link = world.gateway.links.all[0]
        link |= {"amount_paid": 45_000, "order_id": entity(world)["order_id"]}
        world.gateway.payments[PAY_1] = part(world, PAY_1, 45_000, status="frozen")
        assert sweep(world) == ReminderReport(looked_at=1, finished=True)
        assert told(world, link_id) == []

    def test_a_link_that_was_cancelled_in_the_dashboard_is_learnt(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "12:00")
        world.gateway.links.all[0]["status"] = "cancelled"
        sweep(world)
        assert "links.sweep" in {line["action"] for line in world.tables.items("audit")}
        assert get(world, link_id).body["status"] == "cancelled"
        assert told(world, link_id) == []

    @pytest.mark.parametrize("fault", ["timeout before", "502", "429"])
    def test_a_gateway_that_is_away_is_asked_again_by_the_next_sweep(self, world: World, fault: str) -> None:
        made = [link_until_30_april(world, key=f"key-many-{number:04d}") for number in range(5)]
        go_to(world, 4, "12:00")
        world.gateway.plan("get_payment_link", *[fault] * 50)
        report = sweep(world)
        assert (report.reminded, report.finished) == (0, False)
        assert report.failed == (1 if fault == "429" else 3)
        world.gateway.forget_faults()
        world.clock.advance(seconds=900)
        assert sweep(world).reminded == 5
        assert [len(told(world, link_id)) for link_id in made] == [1] * 5

    def test_a_gateway_that_refuses_to_show_one_link_shows_the_others(self, world: World) -> None:
        for number in range(5):
            link_until_30_april(world, key=f"key-many-{number:04d}")
        go_to(world, 4, "12:00")
        world.gateway.plan("get_payment_link", *["400"] * 4)
        report = sweep(world)
        assert (report.failed, report.reminded, report.finished) == (4, 1, True)

    def test_a_part_that_was_heard_of_before_its_link_was_confirmed_is_no_obstacle(
        self, world: World
    ) -> None:
        world.gateway.plan("create_payment_link", "timeout after")
        world.gateway.plan("find_payment_link", *["timeout before"] * 5)
        link_id = create(world, expires_on="2026-04-30").body["link_id"]
        world.gateway.forget_faults()
        link = stored(world, link_id)
        paid(world, "evt_1", PAY_1, 15_000)
        # As if only its order had been heard of.
        without = stored(world, link_id).model_copy(update={"gateway_link_id": None, "short_url": None})
        line = world.link_service._line(PARENT, "test", link, "req")
        world.recorder.links.put(stored(world, link_id), without, line)
        world.clock.advance(seconds=120)
        go_to(world, 4, "12:00")
        assert sweep(world).reminded == 1
        (detail,) = told(world, link_id)
        assert (detail["short_url"], detail["due_paise"]) == ("https://rzp.io/rzp/00000000", 30_000)


class TestByHand:
    def test_a_person_reminds_and_sees_it_on_the_link(self, world: World) -> None:
        link_id = link_until_30_april(world)
        answer = remind(world, link_id)
        assert answer.status == 202, answer.text
        (made,) = answer.body["reminders"]["made"]
        assert made == {
            "number": 1,
            "occasion": "by_hand",
            "decided_at": iso(world.clock.now()),
            "due_paise": 45_000,
            "outcome": "waiting",
            "channel": None,
            "reason": None,
            "outcome_at": None,
        }
        (detail,) = told(world, link_id)
        assert detail["occasion"] == "by_hand"
        (line,) = [item for item in world.tables.items("audit") if item["action"] == "links.remind"]
        assert (line["actor_id"], line["details"]) == ("usr_admin_of_1", {"number": 1, "due_paise": 45_000})
        (item,) = call(world, "GET", LINKS).body["items"]
        assert item["reminders"]["made"][0]["outcome"] is None

    def test_one_key_reminds_once(self, world: World) -> None:
        link_id = link_until_30_april(world)
        first, again = remind(world, link_id), remind(world, link_id)
        assert (first.status, first.body) == (again.status, again.body)
        go_to(world, 2, "12:00")
        assert remind(world, link_id).body == first.body
        assert len(told(world, link_id)) == 1

    def test_many_calls_at_once_remind_once(self, world: World) -> None:
        link_id = link_until_30_april(world)
        keys = [f"key-at-once-{number}" for number in range(4)] * 2
        answers = at_once(*[lambda key=key: remind(world, link_id, key=key).status for key in keys])
        assert set(answers) <= {202, 409, 429}
        assert 202 in answers
        assert len(told(world, link_id)) == len(days_of_reminders(world, link_id)) == 1

    def test_a_key_is_needed_and_stands_for_one_link(self, world: World) -> None:
        link_id = link_until_30_april(world)
        assert remind(world, link_id, key=None).code == "idempotency-key-missing"
        remind(world, link_id)
        other = link_until_30_april(world, key="key-00000002")
        assert remind(world, other).code == "idempotency-key-reused"

    def test_once_a_day_and_the_answer_says_when_again(self, world: World) -> None:
        link_id = link_until_30_april(world)
        remind(world, link_id)
        answer = remind(world, link_id, key="key-remind-02")
        assert (answer.status, answer.code) == (429, "payment-link-reminded-today")
        assert answer.headers["retry-after"] == str(21 * 3600 + 1)  # from noon to nine
        go_to(world, 2, "09:00")
        assert remind(world, link_id, key="key-remind-02").status == 202

    def test_a_day_of_the_schedule_is_done_with_by_it_and_the_other_way_round(self, world: World) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 4, "09:00")
        remind(world, link_id)
        go_to(world, 4, "12:00")
        assert sweep(world).looked_at == 0
        go_to(world, 27, "12:00")
        sweep(world)
        assert remind(world, link_id, key="key-remind-02").code == "payment-link-reminded-today"

    @pytest.mark.parametrize(
        ("clock", "wait_s"), [("08:59", 61), ("18:30", 14 * 3600 + 1801), ("23:59", 9 * 3600 + 61)]
    )
    def test_not_by_night_and_the_answer_says_until_when(self, world: World, clock: str, wait_s: int) -> None:
        link_id = link_until_30_april(world)
        go_to(world, 2, clock)
        answer = remind(world, link_id)
        assert (answer.status, answer.code) == (409, "reminder-quiet-hours")
        assert answer.headers["retry-after"] == str(wait_s)
        assert told(world, link_id) == []

    def test_not_without_a_contact(self, world: World) -> None:
        link_id = link_until_30_april(world)
        world.contacts.phones.clear()
        assert remind(world, link_id).status == 202  # an e-mail address is enough
        world.contacts.emails.clear()
        go_to(world, 2, "12:00")
        answer = remind(world, link_id, key="key-remind-02")
        assert (answer.status, answer.code) == (422, "contact-missing")
        assert len(told(world, link_id)) == 1

    def test_not_more_often_than_the_policy_allows(self, world: World) -> None:
        link_id = link_until_30_april(world)
        for number in range(8):
            go_to(world, 5 + number, "12:00")
            assert remind(world, link_id, key=f"key-remind-{number:02d}").status == 202
        go_to(world, 20, "12:00")
        answer = remind(world, link_id, key="key-remind-99")
        assert (answer.status, answer.code) == (409, "payment-link-reminders-exhausted")
        go_to(world, 30, "12:00")
        assert sweep(world).looked_at == 0
        assert len(told(world, link_id)) == 8

    @pytest.mark.parametrize("how", ["paid", "cancelled", "over"])
    def test_not_of_a_link_that_cannot_be_paid(self, world: World, how: str) -> None:
        link_id = link_until_30_april(world, reminders={})
        match how:
            case "paid":
                paid(world, "evt_1", PAY_1, 45_000, whole=True)
            case "cancelled":
                call(world, "POST", CANCEL, link_id=link_id)
            case _:
                world.clock.advance(seconds=31 * 86_400)
        assert remind(world, link_id).code == "payment-link-not-payable"
        assert told(world, link_id) == []

    def test_what_is_paid_meanwhile_wins_and_the_key_may_be_used_again(self, world: World) -> None:
        link_id = link_until_30_april(world)
        racing = overtaken(world, lambda: paid(world, "evt_1", PAY_1, 45_000, whole=True))
        assert remind(racing, link_id).code == "payment-link-not-payable"
        assert remind(world, link_id).code == "payment-link-not-payable"
        assert told(world, link_id) == []

    def test_a_part_that_is_paid_meanwhile_is_not_asked_for(self, world: World) -> None:
        link_id = link_until_30_april(world)
        racing = overtaken(world, lambda: paid(world, "evt_1", PAY_1, 15_000))
        answer = remind(racing, link_id)
        assert (answer.status, answer.body["reminders"]["made"][0]["due_paise"]) == (202, 30_000)
        (detail,) = told(world, link_id)
        assert detail["due_paise"] == 30_000

    @pytest.mark.parametrize(("moment", "reminded"), [("before", 0), ("after", 1)])
    def test_a_call_that_dies_is_repeated_without_a_second_reminder(
        self, world: World, moment: str, reminded: int
    ) -> None:
        link_id = link_until_30_april(world)

        def die() -> None:
            raise Crashed

        dying = Interrupted(world.client)
        getattr(dying, moment)["transact_write_items"] = [die]
        with pytest.raises(Crashed):
            remind(world.over(dying), link_id)
        assert len(told(world, link_id)) == reminded
        world.clock.advance(seconds=60)
        assert remind(world, link_id).status == 202
        assert len(told(world, link_id)) == 1

    def test_only_who_may_ask_others_to_pay(self, world: World) -> None:
        link_id = link_until_30_april(world)
        assert remind(world, link_id, principal=PARENT).status == 403
        assert remind(world, link_id, principal=FINANCE_ELSEWHERE).code == "payment-link-not-found"
        assert told(world, link_id) == []


class TestTheSweepOfTheFunction:
    def test_gives_its_report(self, world: World) -> None:
        link_until_30_april(world)
        go_to(world, 4, "12:00")
        report = sweep_reminders(world.reminder_sweep, world.logger, Context())
        assert report == {"looked_at": 1, "reminded": 1, "failed": 0, "finished": True}

    def test_that_nobody_can_be_reminded_does_not_end_it(self, world: World) -> None:
        class Broken(ReminderSweep):
            def sweep(self, **_: Any) -> ReminderReport:
                raise ConnectionError

        broken = Broken(world.recorder, world.razorpay, world.clock, world.logger)
        assert sweep_reminders(broken, world.logger, Context()) == {"failed": True}


def test_links_of_before_have_no_reminders(world: World) -> None:
    """What was stored before there were any is read, and never due."""
    link_id = link_until_30_april(world)
    (item,) = [item for item in world.tables.items("payments") if item["sk"] == "LINK"]
    del item["link"]["reminders"], item["retry_due"], item["due_at"]
    world.tables.put("payments", item)
    found: PaymentLink = stored(world, link_id)
    assert found.reminders.days == ()
    assert get(world, link_id).body["reminders"] == {"days": [], "next_at": None, "made": []}
