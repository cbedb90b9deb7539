"""Debits and retries as callers ask for them: what is refused, what is said, and who sees what."""

import json
from typing import Any

import pytest

from runtime.payments.inbox import EventState
from runtime.platform.auth import Principal, Role
from tests.events import Answer, caller
from tests.integration.payments.debits import RETRIES, Desk
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.test_mandates import active
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import ADMIN, OTHER_PARENT, PARENT, SCHOOL_ADMIN

ELSEWHERE = caller("key_elsewhere", Role.SERVICE, schools=["sch_2"])
FINANCE_ELSEWHERE = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])


def ready(desk: Desk, **terms: Any) -> str:
    """An active mandate."""
    mandate_id = str(active(desk.world, **terms)["mandate_id"])
    desk.world.clock.advance(seconds=300)
    return mandate_id


class TestAskingForADebit:
    def test_one_key_is_one_debit_and_one_answer(self, desk: Desk) -> None:
        mandate_id = ready(desk)
        first, again = desk.debit(mandate_id), desk.debit(mandate_id)
        assert (first.status, again.status) == (201, 201)
        assert first.body == again.body
        assert desk.debit(mandate_id, amount_paise=46_000).code == "idempotency-key-reused"

    def test_fifty_calls_with_one_key_plan_one_debit(self, desk: Desk) -> None:
        mandate_id = ready(desk)
        answers = at_once(*[lambda: desk.debit(mandate_id)] * 50)
        made = {
            answer.body["payment_id"]
            for answer in answers
            if isinstance(answer, Answer) and answer.status == 201
        }
        assert len(made) == 1
        records = [item for item in desk.world.tables.items("payments") if item["sk"] == "RETRY"]
        assert len(records) == 1

    def test_twenty_keys_at_once_plan_one_debit_for_the_cycle(self, desk: Desk) -> None:
        mandate_id = ready(desk)

        def ask(number: int) -> int:
            return desk.debit(mandate_id, key=f"key-debit-{number:04d}").status

        statuses = at_once(*[lambda number=number: ask(number) for number in range(20)])
        assert statuses.count(201) == 1
        assert set(statuses) <= {201, 409}

    def test_a_cycle_has_one_debit_and_the_next_cycle_another(self, desk: Desk) -> None:
        mandate_id = ready(desk)
        first = desk.debit(mandate_id).body["payment_id"]
        second = desk.debit(mandate_id, key="key-debit-0002")
        assert (second.status, second.code, second.body["payment_id"]) == (409, "debit-cycle-taken", first)
        later = desk.debit(mandate_id, key="key-debit-0003", cycle_on="2026-05-02")
        assert (later.status, later.body["cycle_start"]) == (201, "2026-04-30T18:30:00.000Z")
        assert later.body["plan"]["at"] > later.body["cycle_start"]

    def test_one_given_up_before_its_first_try_makes_room(self, desk: Desk) -> None:
        payment_id = desk.debited()
        mandate_id = desk.record(payment_id).mandate_id
        assert desk.call("DELETE", RETRIES, payment_id=payment_id).status == 200
        again = desk.debit(mandate_id, key="key-debit-0002")
        assert again.status == 201
        # The one that was given up does not come back beside it.
        refused = desk.call("POST", RETRIES, key="key-again-0001", payment_id=payment_id)
        assert (refused.status, refused.code) == (409, "retry-forbidden")

    def test_one_that_was_tried_keeps_its_cycle(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id, "insufficient_funds")
        desk.tell_of_payment(desk.world.gateway.debits[0])
        assert desk.call("DELETE", RETRIES, payment_id=payment_id).status == 200
        again = desk.debit(desk.record(payment_id).mandate_id, key="key-debit-0002")
        assert again.code == "debit-cycle-taken"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"amount_paise": 99}, "amount-below-minimum"),
            ({"amount_paise": 450.5}, "amount-not-integer"),
            ({"payer_id": None}, "body-invalid"),
            ({"payer_id": "usr_other"}, "mandate-not-found"),
            ({"cycle_on": "2026-02-30"}, "body-invalid"),
            ({"cycle_on": "2099-01-01"}, "body-invalid"),
            ({"description": "card 4111 1111 1111 1111"}, "card-data-refused"),
            ({"key": None}, "idempotency-key-missing"),
            ({"key": "short"}, "idempotency-key-missing"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_and_nothing_is_kept(
        self, desk: Desk, changes: dict[str, Any], code: str
    ) -> None:
        mandate_id = ready(desk)
        before = desk.world.tables.items("payments")
        assert desk.debit(mandate_id, **changes).code == code
        assert desk.world.tables.items("payments") == before

    @pytest.mark.parametrize(
        ("terms", "changes", "reason", "rule"),
        [
            ({}, {"amount_paise": 500_001}, "above_mandate", "mandate_cap"),
            (
                {"max_amount_paise": 2_000_000},
                {"amount_paise": 1_500_001},
                "authentication_required",
                "afa_free_ceiling_paise",
            ),
            ({}, {"cycle_on": "2026-03-15"}, "no_slot", "cycle_end"),
        ],
    )
    def test_a_rule_that_forbids_the_debit_is_named_with_its_source(
        self, desk: Desk, terms: dict[str, Any], changes: dict[str, Any], reason: str, rule: str
    ) -> None:
        mandate_id = ready(desk, **terms)
        before = desk.world.tables.items("payments")
        first, again = desk.debit(mandate_id, **changes), desk.debit(mandate_id, **changes)
        assert (first.status, first.code, first.body["reason"]) == (409, "debit-forbidden", reason)
        assert any(error["reason"].startswith(f"{rule}: ") for error in first.body["errors"])
        assert first.body == again.body
        assert desk.world.tables.items("payments") == before

    def test_a_payer_without_an_address_is_not_debited(self, desk: Desk) -> None:
        mandate_id = ready(desk)
        desk.world.contacts.emails.clear()
        assert desk.debit(mandate_id).code == "contact-missing"

    def test_what_was_answered_stays_the_answer_when_the_school_closes(self, desk: Desk) -> None:
        mandate_id = ready(desk)
        first = desk.debit(mandate_id)
        desk.world.school("sch_1", "Green Valley School", active=False)
        assert desk.debit(mandate_id).body == first.body
        assert desk.debit(mandate_id, key="key-debit-0002").code == "school-inactive"

    @pytest.mark.parametrize(
        ("principal", "code"),
        [(PARENT, "forbidden"), (ELSEWHERE, "mandate-not-found"), (FINANCE_ELSEWHERE, "mandate-not-found")],
    )
    def test_others_do_not_debit(self, desk: Desk, principal: Principal, code: str) -> None:
        assert desk.debit(ready(desk), principal=principal).code == code

    @pytest.mark.parametrize("mandate_id", ["mdt_00000000000000000000000000", "../..", "pmt_1", "x" * 500])
    def test_a_mandate_that_is_none_is_not_found(self, desk: Desk, mandate_id: str) -> None:
        assert desk.debit(mandate_id).code == "mandate-not-found"


class TestRetryingByHand:
    def failed(self, desk: Desk, reason: str = "insufficient_funds") -> str:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id, reason)
        desk.tell_of_payment(desk.world.gateway.debits[0])
        desk.work(payment_id)
        return payment_id

    def test_it_skips_patience_and_no_rule(self, desk: Desk) -> None:
        payment_id = self.failed(desk)
        before = desk.record(payment_id).plan
        answer = desk.call("POST", RETRIES, key="key-retry-0001", payment_id=payment_id)
        assert (answer.status, answer.body["plan"]["kind"]) == (202, "retry")
        codes = {why["code"] for why in answer.body["plan"]["because"]}
        assert "backoff" not in codes
        assert answer.body["plan"]["at"] <= str(before.at)
        desk.tried(payment_id)
        desk.next(payment_id)
        assert desk.shown(payment_id)["state"] == "paid"
        assert not desk.record(payment_id).manual

    def test_one_key_is_one_plan(self, desk: Desk) -> None:
        payment_id = self.failed(desk)
        first = desk.call("POST", RETRIES, key="key-retry-0001", payment_id=payment_id)
        version = desk.record(payment_id).version
        again = desk.call("POST", RETRIES, key="key-retry-0001", payment_id=payment_id)
        assert (first.body, desk.record(payment_id).version) == (again.body, version)

    @pytest.mark.parametrize(
        ("reason", "said"), [("mandate_not_active", "hard_decline"), ("compliance_violation", "hard_decline")]
    )
    def test_what_is_forbidden_is_refused_with_its_reasons(self, desk: Desk, reason: str, said: str) -> None:
        payment_id = self.failed(desk, reason)
        before = desk.record(payment_id)
        answer = desk.call("POST", RETRIES, key="key-retry-0001", payment_id=payment_id)
        assert (answer.status, answer.code, answer.body["reason"]) == (409, "retry-forbidden", said)
        assert answer.body["errors"]
        assert desk.record(payment_id) == before

    def test_an_unknown_outcome_is_never_retried_by_hand(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id, "created")
        answer = desk.call("POST", RETRIES, key="key-retry-0001", payment_id=payment_id)
        assert (answer.code, answer.body["reason"]) == ("retry-forbidden", "outcome_unknown")

    def test_while_the_debit_is_being_worked_on_the_caller_is_told_to_wait(self, desk: Desk) -> None:
        payment_id = self.failed(desk)
        record = desk.record(payment_id)
        desk.put_back(record.model_copy(update={"lease_until": "2026-12-31T00:00:00.000Z"}))
        answer = desk.call("POST", RETRIES, key="key-retry-0001", payment_id=payment_id)
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (409, "concurrent-change", "1")
        assert desk.call("DELETE", RETRIES, payment_id=payment_id).code == "concurrent-change"
        desk.put_back(record)
        assert desk.call("POST", RETRIES, key="key-retry-0001", payment_id=payment_id).status == 202


class TestGivingUp:
    def test_nothing_more_is_debited_and_a_repetition_finds_it_so(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        for _ in range(2):
            answer = desk.call("DELETE", RETRIES, payment_id=payment_id)
            assert (answer.status, answer.body["state"]) == (200, "cancelled")
        desk.world.clock.advance(seconds=20 * 86_400)
        desk.work(payment_id)
        assert desk.world.gateway.debits == []
        assert desk.record(payment_id).due_at is None

    def test_what_is_under_way_is_followed_to_its_end(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id)
        answer = desk.call("DELETE", RETRIES, payment_id=payment_id)
        assert (answer.status, answer.body["plan"]["kind"]) == (200, "poll")
        desk.next(payment_id)
        assert desk.shown(payment_id)["state"] == "paid"

    def test_a_failure_after_it_starts_nothing(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id, "insufficient_funds")
        desk.call("DELETE", RETRIES, payment_id=payment_id)
        desk.tell_of_payment(desk.world.gateway.debits[0])
        desk.work(payment_id)
        record = desk.record(payment_id)
        assert (record.state.value, record.due_at) == ("cancelled", None)

    def test_there_is_nothing_to_cancel_where_nothing_is_planned(self, desk: Desk) -> None:
        payment = desk.world.created()
        assert desk.call("DELETE", RETRIES, payment_id=payment.payment_id).code == "retry-not-planned"
        paid = desk.debited()
        desk.announced(paid)
        desk.tried(paid)
        desk.next(paid)
        assert desk.call("DELETE", RETRIES, payment_id=paid).code == "retry-not-planned"


class TestWithoutAMandate:
    def fails(self, desk: Desk, reason: str) -> str:
        payment = desk.world.created()
        failed = gateway_payment("pay_00000000000001", payment.order_id, status="failed", error_reason=reason)
        desk.world.tell("evt_failed", "payment.failed", failed, 1_775_025_000)
        return payment.payment_id

    @pytest.mark.parametrize(
        ("reason", "said", "remedy"),
        [
            ("payment_cancelled", "customer_decline", "customer_action"),
            ("card_expired", "hard_decline", "new_method"),
            ("insufficient_funds", "customer_decline", "customer_action"),
        ],
    )
    def test_the_customer_is_asked_to_pay_again_on_the_same_order(
        self, desk: Desk, reason: str, said: str, remedy: str
    ) -> None:
        payment_id = self.fails(desk, reason)
        for method, key, status in (("GET", None, 200), ("POST", "key-retry-0001", 200)):
            answer = desk.call(method, RETRIES, principal=PARENT, key=key, payment_id=payment_id)
            plan = answer.body["plan"]
            assert (answer.status, plan["kind"], plan["reason"], plan["remedy"]) == (
                status,
                "ask_customer",
                said,
                remedy,
            )
            assert answer.body["checkout"]["order_id"] == desk.world.stored(payment_id).order_id
            assert plan["because"][0]["sentence"]

    def test_one_that_was_not_tried_yet_has_its_checkout_and_no_plan(self, desk: Desk) -> None:
        payment = desk.world.created()
        shown = desk.shown(payment.payment_id, PARENT)
        assert (shown["plan"], shown["state"]) == (None, None)
        assert shown["checkout"]["order_id"] == payment.order_id

    def test_a_paid_one_is_not_paid_again(self, desk: Desk) -> None:
        payment = desk.world.created()
        paid = gateway_payment("pay_00000000000001", payment.order_id)
        desk.world.tell("evt_paid", "payment.captured", paid, 1_775_025_000)
        answer = desk.call(
            "POST", RETRIES, principal=PARENT, key="key-retry-0001", payment_id=payment.payment_id
        )
        assert (answer.status, answer.code) == (409, "retry-forbidden")
        shown = desk.shown(payment.payment_id, PARENT)
        assert (shown["plan"], shown["checkout"]) == (None, None)


class TestSeeing:
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    @pytest.mark.parametrize("principal", [OTHER_PARENT, FINANCE_ELSEWHERE])
    def test_payments_of_others_do_not_exist(self, desk: Desk, method: str, principal: Principal) -> None:
        payment_id = desk.debited()
        key = "key-retry-0001" if method == "POST" else None
        answer = desk.call(method, RETRIES, principal=principal, key=key, payment_id=payment_id)
        assert (answer.status, answer.code) == (404, "payment-not-found")
        assert desk.record(payment_id).cancelled_at is None

    @pytest.mark.parametrize("principal", [PARENT, SCHOOL_ADMIN, ADMIN])
    def test_payer_school_and_operator_see_why(self, desk: Desk, principal: Principal) -> None:
        assert desk.shown(desk.debited(), principal)["plan"]["because"]

    @pytest.mark.parametrize("payment_id", ["pmt_00000000000000000000000000", "nonsense", "'; --"])
    def test_what_is_no_payment_is_not_found(self, desk: Desk, payment_id: str) -> None:
        assert desk.call("GET", RETRIES, principal=ADMIN, payment_id=payment_id).status == 404

    def test_no_answer_holds_personal_data(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id)
        text = json.dumps(desk.shown(payment_id)) + desk.world.log.getvalue()
        text += json.dumps(desk.world.tables.items("outbox")) + json.dumps(desk.world.tables.items("audit"))
        for private in ("ravi@example.com", "9000090000", "ravi.kumar"):
            assert private not in text


class TestDowntimes:
    def downtime(self, **changes: Any) -> dict[str, Any]:
        return {
            "id": "down_00000000000001",
            "entity": "payment.downtime",
            "method": "upi",
            "begin": 1_775_000_000,
            "end": None,
            "status": "started",
            "scheduled": False,
            "severity": "high",
            "instrument": {"vpa_handle": "okhdfc"},
            "created_at": 1_775_000_000,
            "updated_at": 1_775_000_000,
        } | changes

    def tell(self, desk: Desk, event_id: str, **changes: Any) -> EventState:
        downtime = self.downtime(**changes)
        event = f"payment.downtime.{downtime['status']}"
        return desk.tell(event, {"payment.downtime": downtime}, event_id)

    def test_they_keep_a_debit_away_and_let_it_go_on(self, desk: Desk) -> None:
        payment_id = desk.debited()
        at = desk.record(payment_id).plan.at
        lasting = {"status": "started", "end": 1_775_025_000 + 6 * 86_400}
        assert self.tell(desk, "evt_down_1", **lasting) is EventState.APPLIED
        desk.put_back(desk.record(payment_id).model_copy(update={"woken": True}))
        desk.go_to(desk.record(payment_id).due_at)
        desk.work(payment_id)
        plan = desk.record(payment_id).plan
        assert str(plan.at) > str(at)
        assert "downtime" in {why.code for why in plan.because}

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_a_late_start_does_not_open_what_is_over(self, desk: Desk, newest_first: bool) -> None:
        started: dict[str, Any] = {"status": "started"}
        resolved: dict[str, Any] = {"status": "resolved", "end": 1_775_000_600, "updated_at": 1_775_000_600}
        words = [started, resolved]
        for number, word in enumerate(reversed(words) if newest_first else words):
            self.tell(desk, f"evt_down_{number}", **word)
        assert desk.planning.downtimes.current() == ()
        (kept,) = [item for item in desk.world.tables.items("payment_methods") if item["pk"] == "DOWNTIME"]
        assert (kept["status"], kept["expires_at"] > 1_775_025_000) == ("resolved", True)

    def test_a_repetition_is_no_news(self, desk: Desk) -> None:
        assert self.tell(desk, "evt_down_1") is EventState.APPLIED
        assert [known.ends_at for known in desk.planning.downtimes.current()] == [None]
        assert self.tell(desk, "evt_down_2") is EventState.NO_CHANGE

    def test_moments_that_are_not_meant_do_no_harm(self, desk: Desk) -> None:
        self.tell(desk, "evt_down_1", begin=99_999_999_999, end=999_999_999_999)
        assert desk.debited()


class TestTheSweep:
    def test_what_is_due_is_queued_and_nothing_else(self, desk: Desk) -> None:
        payment_id = desk.debited()
        due_at = desk.record(payment_id).due_at
        desk.world.clock.at = desk.world.clock.at.replace(year=2025)
        assert desk.sweep.send() == 0
        desk.world.clock.at = desk.world.clock.at.replace(year=2026)
        desk.go_to(due_at)
        assert desk.sweep.send() == 1
        assert [json.loads(body) for body in desk.queue.sent] == [{"payment_id": payment_id}]
