"""A captured payment is split between the school and its caterer, once, and all get what they are to."""

from datetime import date, timedelta
from typing import Any

import pytest

from runtime.payments import money_rules
from runtime.payments.inbox import EventState
from runtime.payments.money_rules import MoneyRule
from runtime.payments.splits.record import TransferStatus
from runtime.platform.auth import Role
from tests.events import caller
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.splitting import (
    CATERER,
    FEE,
    FINANCE,
    OF_CATERER,
    OF_SCHOOL,
    PAID,
    SCHOOL,
    TERMS_PATH,
    assert_conserved,
    balances,
    deliver,
    messages,
    run,
    set_terms,
    split_of,
    sweep,
    tell_of_transfer,
)
from tests.integration.payments.test_refunds import refund
from tests.integration.payments.world import ADMIN, OTHER_PARENT, PARENT, SCHOOL_ADMIN, Interrupted, World

RELEASE, RETRY, SPLIT = (f"/v1/payments/{{payment_id}}/split{step}" for step in ("/release", "/retry", ""))


def paid_and_split(world: World, **changes: Any) -> str:
    assert set_terms(world, **changes).status == 200
    payment = world.paid()
    run(world)
    return payment.payment_id


def seen(world: World, payment_id: str, principal: Any = FINANCE) -> Any:
    return world.call_payments("GET", SPLIT, principal=principal, payment_id=payment_id)


def asked(world: World, path: str, payment_id: str, key: str = "key-00000001", **body: Any) -> Any:
    return world.call_payments(
        "POST", path, principal=FINANCE, key=key, body=body or None, payment_id=payment_id
    )


class TestTerms:
    def test_are_set_read_changed_and_ended(self, world: World) -> None:
        first = set_terms(world)
        assert first.status == 200
        assert (first.body["in_force"]["number"], first.body["in_force"]["effective_from"]) == (
            1,
            "2026-04-01",
        )
        assert set_terms(world).body == first.body, "the same again changes nothing"
        later = set_terms(world, effective_from="2026-04-05", fee=None)
        assert later.body["in_force"]["number"] == 1
        assert [each["number"] for each in later.body["versions"]] == [1, 2]
        ended = world.call_payments("DELETE", TERMS_PATH, principal=FINANCE, school_id="sch_1")
        assert ended.body["in_force"] is None
        assert ended.body["versions"][-1]["ends"]
        for principal in (SCHOOL_ADMIN, ADMIN, FINANCE):
            read = world.call_payments("GET", TERMS_PATH, principal=principal, school_id="sch_1")
            assert read.body == ended.body
        assert len(world.events("sch_1")) == 3
        lines = [line for line in world.tables.items("audit") if line["action"].startswith("splits.terms")]
        assert len(lines) == 3

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"remainder_to": "acc_1"}, "body-invalid"),
            ({"shares": [{"account_id": "pay_School00000001", "basis_points": 1}]}, "body-invalid"),
            ({"shares": [{"account_id": CATERER, "basis_points": 10_001}]}, "split-shares-invalid"),
            ({"shares": [{"account_id": CATERER, "basis_points": -1}]}, "split-shares-invalid"),
            ({"shares": [{"account_id": CATERER}]}, "split-shares-invalid"),
            ({"shares": [{"account_id": CATERER, "basis_points": 1}] * 2}, "split-shares-invalid"),
            (
                {
                    "shares": [
                        {"account_id": CATERER, "basis_points": 7_000},
                        {"account_id": SCHOOL, "basis_points": 3_001},
                    ]
                },
                "split-shares-exceed-whole",
            ),
            ({"shares": [{"account_id": CATERER, "fixed_paise": 1.5}]}, "amount-not-integer"),
            (
                {"shares": [{"account_id": CATERER, "basis_points": 1, "hold": {"until": "2026-02-30"}}]},
                "body-invalid",
            ),
            ({"effective_from": "2026-03-31"}, "split-day-invalid"),
            ({"effective_from": "2028-01-01"}, "split-day-invalid"),
            ({"effective_from": "2026-13-01"}, "split-day-invalid"),
        ],
    )
    def test_that_are_wrong_are_refused_by_a_code(self, world: World, changes: Any, code: str) -> None:
        answer = set_terms(world, **changes)
        assert (answer.status >= 400, answer.body["code"]) == (True, code)
        assert world.repository.splits.terms("sch_1") is None

    def test_are_for_finance_and_for_its_own_school(self, world: World) -> None:
        assert set_terms(world, principal=SCHOOL_ADMIN).body["code"] == "forbidden"
        assert set_terms(world, principal=PARENT).body["code"] == "forbidden"
        world.school("sch_2", "Blue Hill School")
        assert set_terms(world, school_id="sch_2").body["code"] == "school-forbidden"
        assert set_terms(world, principal=ADMIN, school_id="sch_9").body["code"] == "school-unknown"
        missing = world.call_payments("GET", TERMS_PATH, principal=FINANCE, school_id="sch_1")
        assert (missing.status, missing.body["code"]) == (404, "split-terms-not-found")
        nothing = world.call_payments("DELETE", TERMS_PATH, principal=FINANCE, school_id="sch_1")
        assert nothing.body["code"] == "split-terms-not-found"

    def test_of_the_day_of_the_capture_count(self, world: World) -> None:
        set_terms(world)
        set_terms(world, effective_from="2026-04-02", shares=[], fee=None)
        payment = world.paid()
        late = messages(world)
        world.clock.advance(seconds=timedelta(days=3).total_seconds())
        assert deliver(world, *late) == []
        assert split_of(world, payment.payment_id).terms_number == 1

    def test_that_end_or_change_after_a_capture_leave_its_split_as_it_was(self, world: World) -> None:
        """However long its event was under way, and though it all is one day."""
        set_terms(world)
        payment = world.paid()
        late = messages(world)
        world.clock.advance(seconds=1)
        set_terms(world, shares=[], fee=None)
        world.clock.advance(seconds=1)
        world.call_payments("DELETE", TERMS_PATH, principal=FINANCE, school_id="sch_1")
        assert deliver(world, *late) == []
        assert split_of(world, payment.payment_id).terms_number == 1

    def test_that_begin_after_a_capture_of_the_same_day_do_not_split_it(self, world: World) -> None:
        payment = world.paid()
        late = messages(world)
        world.clock.advance(seconds=1)
        set_terms(world)
        assert deliver(world, *late) == []
        assert seen(world, payment.payment_id).body["code"] == "split-not-found"
        assert asked(world, RETRY, payment.payment_id).status == 200, (
            "by hand it is split by what is in force"
        )
        assert split_of(world, payment.payment_id).terms_number == 1

    def test_the_law_of_the_day_of_the_capture_counts(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """GST on the fee changes at midnight, between the capture and the handling of its event."""
        gst = [each for each in money_rules._rules() if each.name is MoneyRule.GST_ON_FEES_BPS]
        changed = (
            *(each for each in money_rules._rules() if each not in gst),
            gst[0].model_copy(update={"valid_until": date(2026, 4, 1)}),
            gst[0].model_copy(update={"valid_from": date(2026, 4, 2), "value": 1_200}),
        )
        monkeypatch.setattr(money_rules, "_rules", lambda: changed)
        set_terms(world)
        of_the_first = world.paid()
        late = messages(world)
        world.clock.advance(seconds=timedelta(days=1).total_seconds())
        assert deliver(world, *late) == []
        assert seen(world, of_the_first.payment_id).body["fee_gst_paise"] == 162

    def test_that_ended_split_nothing(self, world: World) -> None:
        set_terms(world)
        world.call_payments("DELETE", TERMS_PATH, principal=FINANCE, school_id="sch_1")
        payment = world.paid()
        run(world)
        assert seen(world, payment.payment_id).body["code"] == "split-not-found"
        assert world.gateway.transfers.made == {}


class TestSplit:
    def test_a_capture_is_split_transferred_and_booked(self, world: World) -> None:
        payment_id = paid_and_split(world)
        view = seen(world, payment_id).body
        assert (view["captured_paise"], view["fee_paise"], view["fee_gst_paise"]) == (45_000, 900, 162)
        parts = {part["account_id"]: part for part in view["parts"]}
        assert {name: part["amount_paise"] for name, part in parts.items()} == {
            CATERER: OF_CATERER,
            SCHOOL: OF_SCHOOL,
        }
        assert OF_CATERER + OF_SCHOOL + FEE == 45_000
        assert [part["outstanding_paise"] for part in view["parts"]] == [0, 0]
        assert view["next_look_at"] is None
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER
        books = balances(world)
        assert "school_payable:sch_1" not in books
        assert (books["platform_fees"], books["output_gst"]) == (-900, -162)
        assert_conserved(world, split_of(world, payment_id))
        assert world.stored(payment_id).splits == (PAID,)

    def test_events_may_come_again_late_and_at_once(self, world: World) -> None:
        payment_id = paid_and_split(world)
        before = world.tables.snapshot()
        for _ in range(3):
            assert deliver(world, *reversed(messages(world))) == []
        assert world.tables.snapshot() == before
        assert len(world.gateway.transfers.made) == 2
        assert_conserved(world, split_of(world, payment_id))

    def test_a_school_without_terms_is_left_alone(self, world: World) -> None:
        payment = world.paid()
        before = world.tables.snapshot()
        assert deliver(world, *messages(world)) == []
        assert world.tables.snapshot() == before
        assert world.stored(payment.payment_id).splits == ()

    def test_a_conflict_beside_the_right_capture_leaves_it_split(self, world: World) -> None:
        set_terms(world)
        payment = world.created()
        wrong = world.gateway.pay(str(payment.order_id), "pay_00000000000009") | {"amount": 44_000}
        right = world.gateway.pay(str(payment.order_id), PAID)
        world.tell("evt_1", "payment.captured", wrong, 1)
        world.tell("evt_2", "payment.captured", right, 2)
        run(world)
        assert split_of(world, payment.payment_id).split is not None
        assert world.repository.splits.get(payment.payment_id, "pay_00000000000009") is None
        assert balances(world)["suspense:sch_1"] == -44_000

    def test_a_payment_too_small_for_its_terms_waits_for_a_person(self, world: World) -> None:
        payment_id = paid_and_split(world, fee={"fixed_paise": 50_000})
        view = seen(world, payment_id).body
        assert (view["unsplit_code"], view["parts"]) == ("split-fee-exceeds-amount", [])
        assert balances(world)["school_payable:sch_1"] == -45_000
        assert "PaymentSplitRefused" in world.events(payment_id)
        again = asked(world, RETRY, payment_id)
        assert (again.status, again.body["unsplit_code"]) == (200, "split-fee-exceeds-amount")
        set_terms(world)
        done = asked(world, RETRY, payment_id, key="key-00000002")
        assert (done.status, done.body["unsplit_code"], len(done.body["parts"])) == (200, None, 2)
        assert_conserved(world, split_of(world, payment_id))

    def test_another_currency_is_not_split(self, world: World) -> None:
        world.currencies = frozenset({"INR", "USD"})
        payment = world.created(currency="USD")
        set_terms(world)
        told = world.gateway.pay(str(payment.order_id), PAID, base_amount=3_750_000, base_currency="INR")
        world.tell("evt_1", "payment.captured", told, 1)
        run(world)
        assert split_of(world, payment.payment_id).unsplit == "split-currency-unsupported"

    def test_a_part_too_small_to_transfer_is_kept_and_owed(self, world: World) -> None:
        payment_id = paid_and_split(world, shares=[{"account_id": CATERER, "fixed_paise": 99}], fee=None)
        (small,) = [p for p in seen(world, payment_id).body["parts"] if p["account_id"] == CATERER]
        assert (small["live_paise"], small["outstanding_paise"], small["needs_person"]) == (0, 99, False)
        assert balances(world)[f"linked_account_payable:{CATERER}"] == -99
        assert_conserved(world, split_of(world, payment_id))

    def test_the_split_of_a_payment_is_the_schools_own(self, world: World) -> None:
        payment_id = paid_and_split(world)
        assert seen(world, payment_id, SCHOOL_ADMIN).status == 200
        assert seen(world, payment_id, ADMIN).status == 200
        assert seen(world, payment_id, PARENT).body["code"] == "forbidden"
        assert seen(world, payment_id, OTHER_PARENT).body["code"] == "forbidden"
        elsewhere = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])
        assert seen(world, payment_id, elsewhere).body["code"] == "payment-not-found"
        unsplit = world.created()
        assert seen(world, unsplit.payment_id).body["code"] == "split-not-found"

    def test_a_message_that_is_no_event_comes_again(self, world: World) -> None:
        assert deliver(world, "{}") == ["0"] or deliver(world, "{}")
        assert deliver(world, "no json")


class TestBrokenGateway:
    @pytest.mark.parametrize(
        "fault", ["timeout after", "500 after", "502 after", "timeout before", "429", "refused"]
    )
    def test_a_silence_pays_nobody_twice_and_is_swept(self, world: World, fault: str) -> None:
        set_terms(world)
        payment = world.paid()
        world.gateway.plan("create_payment_transfer", *[fault] * (9 if fault in ("429", "refused") else 1))
        run(world)
        record = split_of(world, payment.payment_id)
        assert record.quiet_until is not None
        assert sweep(world).looked_at == 0, "it is left alone until what was under way has ended"
        world.gateway.forget_faults()
        world.clock.advance(seconds=15 * 60)
        assert sweep(world).done == 1
        assert (world.gateway.transfers.come_to(CATERER), len(world.gateway.transfers.made)) == (
            OF_CATERER,
            2,
        )
        assert_conserved(world, split_of(world, payment.payment_id))
        assert sweep(world).looked_at == 0

    def test_a_gateway_that_cannot_list_is_asked_for_nothing(self, world: World) -> None:
        set_terms(world)
        world.paid()
        world.gateway.plan("list_payment_transfers", *["500"] * 9)
        run(world)
        assert "create_payment_transfer" not in world.gateway.calls

    @pytest.mark.parametrize("operation", ["create_payment_transfer", "list_payment_transfers"])
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_worker_that_dies_is_followed_by_another(
        self, world: World, operation: str, moment: str
    ) -> None:
        set_terms(world)
        payment = world.paid()
        deliver(world, *messages(world))
        world.gateway.plan(operation, f"crash {moment}")
        with pytest.raises(Crashed):
            deliver(world, messages(world)[-1])
        assert sweep(world).looked_at == 1
        assert sweep(world).done == 0, "the lease of the dead one is not over"
        world.clock.advance(seconds=60)
        assert sweep(world).done == 1
        assert len(world.gateway.transfers.made) == 2
        assert_conserved(world, split_of(world, payment.payment_id))

    def test_a_crash_after_the_split_was_written_splits_once(self, world: World) -> None:
        set_terms(world)
        payment = world.paid()
        dying = Interrupted(world.client)

        def die() -> None:
            raise Crashed

        dying.after["transact_write_items"] = [die]
        with pytest.raises(Crashed):
            deliver(world.over(dying), *messages(world))
        run(world)
        assert_conserved(world, split_of(world, payment.payment_id))

    def test_a_refused_account_keeps_nobody_else_waiting(self, world: World) -> None:
        world.gateway.transfers.instead[CATERER] = "input is an invalid account_code."
        payment_id = paid_and_split(world)
        parts = {part["account_id"]: part for part in seen(world, payment_id).body["parts"]}
        assert parts[SCHOOL]["outstanding_paise"] == 0
        assert parts[CATERER]["needs_person"]
        assert parts[CATERER]["refusals"][0]["code"] == "gateway-rejected"
        assert "TransferRefused" in world.events(payment_id)
        world.clock.advance(seconds=86_400)
        calls = len(world.gateway.calls)
        sweep(world)
        assert len(world.gateway.calls) == calls, "nobody tries before a person has decided"
        world.gateway.transfers.instead.clear()
        assert asked(world, RETRY, payment_id).status == 200
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER

    def test_a_low_balance_passes_by_itself(self, world: World) -> None:
        world.gateway.transfers.instead[CATERER] = "Transfer cannot be made due to insufficient balance"
        payment_id = paid_and_split(world)
        (part,) = [p for p in seen(world, payment_id).body["parts"] if p["account_id"] == CATERER]
        assert (part["needs_person"], part["refusals"][0]["code"]) == (False, "gateway-balance-low")
        world.gateway.transfers.instead.clear()
        world.clock.advance(seconds=3_600)
        assert sweep(world).done == 1
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER
        assert seen(world, payment_id).body["parts"][0]["refusals"] == []


class TestTransfers:
    def test_words_about_transfers_come_in_any_order_and_twice(self, world: World) -> None:
        world.gateway.transfers.status = "pending"
        payment_id = paid_and_split(world)
        (transfer,) = world.gateway.transfers.of(CATERER)
        old = dict(transfer)
        new = dict(world.gateway.transfers.process(transfer["id"]))
        assert tell_of_transfer(world, "evt_t1", "transfer.processed", new, 20) is EventState.APPLIED
        assert tell_of_transfer(world, "evt_t1", "transfer.processed", new, 20) is EventState.APPLIED
        assert tell_of_transfer(world, "evt_t2", "transfer.processed", new, 21) is EventState.NO_CHANGE
        assert tell_of_transfer(world, "evt_t3", "transfer.failed", old, 10) is EventState.NO_CHANGE
        stored = split_of(world, payment_id).transfers[transfer["id"]]
        assert (stored.status, stored.fee_paise) == (TransferStatus.PROCESSED, new["fees"])
        assert_conserved(world, split_of(world, payment_id))

    def test_a_word_that_comes_before_the_answer_counts_once(self, world: World) -> None:
        set_terms(world)
        payment = world.paid()
        world.gateway.plan("create_payment_transfer", "timeout after")
        run(world)
        (made,) = world.gateway.transfers.made.values()
        assert tell_of_transfer(world, "evt_t1", "transfer.processed", made, 20) is EventState.APPLIED
        assert sweep(world).looked_at == 0, "a word does not end the silence"
        world.clock.advance(seconds=15 * 60)
        sweep(world)
        assert len(world.gateway.transfers.made) == 2
        assert_conserved(world, split_of(world, payment.payment_id))

    def test_transfers_of_others_are_not_ours(self, world: World) -> None:
        paid_and_split(world)
        (transfer,) = world.gateway.transfers.of(CATERER)
        for number, source in enumerate(("pay_00000000000999", "order_00000000000001", "acc_X", None)):
            told = transfer | {"source": source}
            state = tell_of_transfer(world, f"evt_{number}", "transfer.processed", told, 20)
            assert state is EventState.NOT_OURS

    def test_a_status_that_nobody_documents_is_left_to_a_person(self, world: World) -> None:
        paid_and_split(world)
        (transfer,) = world.gateway.transfers.of(CATERER)
        told = transfer | {"status": "teleported"}
        assert tell_of_transfer(world, "evt_1", "transfer.processed", told, 2) is EventState.NOT_HANDLED
        told = transfer | {"currency": "USD"}
        assert tell_of_transfer(world, "evt_2", "transfer.processed", told, 2) is EventState.NOT_HANDLED

    def test_what_is_on_its_way_for_long_is_fetched(self, world: World) -> None:
        world.gateway.transfers.status = "pending"
        payment_id = paid_and_split(world)
        for transfer_id in world.gateway.transfers.made:
            world.gateway.transfers.process(transfer_id)
        world.clock.advance(seconds=15 * 60)
        assert sweep(world).done == 1
        assert split_of(world, payment_id).due_at is None

    def test_a_failed_transfer_is_seen_and_tried_again_by_finance(self, world: World) -> None:
        world.gateway.transfers.status = "pending"
        payment_id = paid_and_split(world)
        (transfer,) = world.gateway.transfers.of(CATERER)
        told = world.gateway.transfers.fail(transfer["id"])
        assert tell_of_transfer(world, "evt_1", "transfer.failed", told, 20) is EventState.APPLIED
        (part,) = [p for p in seen(world, payment_id).body["parts"] if p["account_id"] == CATERER]
        assert (part["needs_person"], part["outstanding_paise"]) == (True, OF_CATERER)
        assert part["transfers"][0]["error_reason"] == "transfer_failed"
        assert "TransferFailed" in world.events(payment_id)
        assert_conserved(world, split_of(world, payment_id))
        run(world)
        world.clock.advance(seconds=86_400)
        sweep(world)
        assert len(world.gateway.transfers.of(CATERER)) == 1
        world.gateway.transfers.status = "processed"
        first = asked(world, RETRY, payment_id)
        assert first.status in (200, 202)
        assert asked(world, RETRY, payment_id).body == first.body, "once for a key"
        assert [each["status"] for each in world.gateway.transfers.of(CATERER)] == ["failed", "processed"]
        assert_conserved(world, split_of(world, payment_id))
        nothing = asked(world, RETRY, payment_id, key="key-00000002")
        assert (nothing.status, nothing.body["code"]) == (409, "split-nothing-to-retry")

    def test_a_captured_payment_of_before_is_split_when_finance_asks(self, world: World) -> None:
        payment = world.paid()
        run(world)
        missing = asked(world, RETRY, payment.payment_id)
        assert missing.body["code"] == "split-not-found"
        set_terms(world)
        assert asked(world, RETRY, payment.payment_id, key="key-00000002").status == 200
        assert_conserved(world, split_of(world, payment.payment_id))


HELD: Any = {"shares": [{"account_id": CATERER, "basis_points": 7_000, "hold": {}}]}


class TestHolds:
    def test_a_hold_ends_when_finance_releases_it(self, world: World) -> None:
        payment_id = paid_and_split(world, **HELD)
        (transfer,) = world.gateway.transfers.of(CATERER)
        assert (transfer["on_hold"], transfer["on_hold_until"]) == (True, None)
        assert seen(world, payment_id).body["parts"][0]["held"]
        answer = asked(world, RELEASE, payment_id, account_id=CATERER)
        assert (answer.status, answer.body["parts"][0]["held"]) == (200, False)
        assert not world.gateway.transfers.of(CATERER)[0]["on_hold"]
        assert asked(world, RELEASE, payment_id, account_id=CATERER).body == answer.body
        again = asked(world, RELEASE, payment_id, key="key-00000002", account_id=CATERER)
        assert (again.status, again.body["code"]) == (409, "split-nothing-held")
        other = asked(world, RELEASE, payment_id, key="key-00000003", account_id="acc_Other000000001")
        assert (other.status, other.body["code"]) == (422, "split-account-unknown")

    def test_a_release_that_is_not_confirmed_follows_by_itself(self, world: World) -> None:
        payment_id = paid_and_split(world, **HELD)
        world.gateway.plan("release_transfer", "timeout before")
        answer = asked(world, RELEASE, payment_id, account_id=CATERER)
        assert (answer.status, answer.body["parts"][0]["held"]) == (202, True)
        world.clock.advance(seconds=15 * 60)
        assert sweep(world).done == 1
        assert not seen(world, payment_id).body["parts"][0]["held"]

    def test_a_hold_until_a_day_is_told_to_the_gateway(self, world: World) -> None:
        share = {"account_id": CATERER, "basis_points": 7_000, "hold": {"until": "2026-04-05"}}
        paid_and_split(world, shares=[share])
        (transfer,) = world.gateway.transfers.of(CATERER)
        assert (transfer["on_hold"], transfer["on_hold_until"]) == (True, 1_775_327_400)

    def test_a_hold_that_is_over_holds_nothing(self, world: World) -> None:
        share = {"account_id": CATERER, "basis_points": 7_000, "hold": {"until": "2026-04-01"}}
        paid_and_split(world, shares=[share])
        assert not world.gateway.transfers.of(CATERER)[0]["on_hold"]

    def test_a_hold_may_be_released_before_the_transfer_is_made(self, world: World) -> None:
        set_terms(world, **HELD)
        payment = world.paid()
        deliver(world, *messages(world))
        answer = asked(world, RELEASE, payment.payment_id, account_id=CATERER)
        assert answer.status == 200
        assert not world.gateway.transfers.of(CATERER)[0]["on_hold"]


class TestRefunds:
    def told(self, world: World, event: str, status: str, number: int) -> None:
        for told in world.gateway.refunds.values():
            told["status"] = status
            world.tell_of(
                f"evt_r{number}_{told['id']}",
                event,
                1_775_025_000 + number,
                refund=told,
                payment=world.gateway.payments[PAID],
            )

    def test_a_refund_takes_the_shares_back(self, world: World) -> None:
        payment_id = paid_and_split(world)
        assert refund(world, world.stored(payment_id)).status == 201
        run(world)
        record = split_of(world, payment_id)
        assert record.split is not None
        assert record.split.reversed_paise == 10_000
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER - 7_000
        assert world.gateway.transfers.come_to(SCHOOL) == OF_SCHOOL - 3_000
        assert "school_payable:sch_1" not in balances(world)
        assert_conserved(world, record)
        self.told(world, "refund.processed", "processed", 1)
        run(world)
        assert "school_payable:sch_1" not in balances(world)
        assert_conserved(world, split_of(world, payment_id))

    def test_a_refund_that_fails_gives_them_back(self, world: World) -> None:
        payment_id = paid_and_split(world)
        refund(world, world.stored(payment_id))
        run(world)
        world.gateway.payments[PAID]["amount_refunded"] = 0
        self.told(world, "refund.failed", "failed", 1)
        run(world)
        record = split_of(world, payment_id)
        assert record.split is not None
        assert record.split.reversals == ()
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER
        assert len(world.gateway.transfers.of(CATERER)) == 2
        assert_conserved(world, record)
        assert "school_payable:sch_1" not in balances(world)

    def test_a_refund_of_everything_leaves_the_receivers_nothing(self, world: World) -> None:
        payment_id = paid_and_split(world)
        assert refund(world, world.stored(payment_id), amount_paise=45_000).status == 201
        run(world)
        assert world.gateway.transfers.come_to(CATERER) == world.gateway.transfers.come_to(SCHOOL) == 0
        record = split_of(world, payment_id)
        assert_conserved(world, record)
        assert seen(world, payment_id).body["borne_paise"] == FEE

    def test_a_refund_before_the_split_is_taken_into_it(self, world: World) -> None:
        set_terms(world)
        payment = world.paid()
        refund(world, payment)
        run(world)
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER - 7_000
        assert world.gateway.transfers.reversals == [], "what was never paid is not taken back"
        assert_conserved(world, split_of(world, payment.payment_id))

    def test_a_reversal_that_is_not_confirmed_is_not_made_twice(self, world: World) -> None:
        payment_id = paid_and_split(world)
        world.gateway.plan("create_reversal", "timeout after")
        refund(world, world.stored(payment_id))
        run(world)
        world.clock.advance(seconds=15 * 60)
        assert sweep(world).done == 1
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER - 7_000
        assert len(world.gateway.transfers.reversals) == 2
        assert_conserved(world, split_of(world, payment_id))

    def test_a_transfer_on_its_way_is_reversed_once_it_has_arrived(self, world: World) -> None:
        world.gateway.transfers.status = "pending"
        payment_id = paid_and_split(world)
        refund(world, world.stored(payment_id))
        run(world)
        assert world.gateway.transfers.reversals == []
        for number, transfer_id in enumerate(list(world.gateway.transfers.made)):
            told = world.gateway.transfers.process(transfer_id)
            tell_of_transfer(world, f"evt_t{number}", "transfer.processed", told, 1_775_030_000)
        run(world)
        assert world.gateway.transfers.come_to(CATERER) == OF_CATERER - 7_000
        assert_conserved(world, split_of(world, payment_id))

    def test_a_lost_dispute_takes_the_shares_back(self, world: World) -> None:
        payment_id = paid_and_split(world)
        told = {
            "id": "disp_00000000000001",
            "entity": "dispute",
            "payment_id": PAID,
            "amount": 45_000,
            "currency": "INR",
            "amount_deducted": 45_000,
            "status": "lost",
            "phase": "chargeback",
            "created_at": 1_775_025_000,
        }
        payment = world.gateway.payments[PAID]
        world.tell_of("evt_d", "payment.dispute.lost", 1_775_025_001, dispute=told, payment=payment)
        run(world)
        assert world.gateway.transfers.come_to(CATERER) == 0
        assert_conserved(world, split_of(world, payment_id))
