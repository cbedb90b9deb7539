"""A payer may be asked in another currency; whatever comes, in whichever order, the books are in rupees."""

import json
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from runtime.payments.inbox import EventState
from runtime.payments.model import Payment, PaymentStatus
from runtime.payments.rules import swept_as
from tests.integration.payments.reconciling import (
    FINANCE,
    SETTLED_ON,
    UTR,
    Reconciling,
    recon_row,
)
from tests.integration.payments.splitting import set_terms
from tests.integration.payments.test_refunds import balances, refund, tell
from tests.integration.payments.test_sweeps import LATER_S, swept
from tests.integration.payments.world import ADMIN, World
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAID = "pay_00000000000001"
OWED, HELD, SUSPENSE = "school_payable:sch_1", "refunds_payable:sch_1", "suspense:sch_1"
RECEIVABLE, EXCHANGE = "gateway_receivable:razorpay", "exchange_difference:razorpay"
USD: dict[str, Any] = {"amount_paise": 5_400, "currency": "USD"}
BASE_PAISE = 452_331
BASE = {"base_amount": BASE_PAISE, "base_currency": "INR"}
CARD: dict[str, Any] = {"method": "card", "international": True, "vpa": None}
CHARGE_PAISE = 1_062


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Reconciling:
    return Reconciling(tables, dynamodb, currencies=frozenset({"INR", "USD", "KWD", "JPY"}))


def pay(world: World, payment: Payment, **changes: Any) -> dict[str, Any]:
    return world.gateway.pay(str(payment.order_id), PAID, **CARD | changes)


def captured(world: World, **changes: Any) -> Payment:
    """USD 54.00, captured as ₹4,523.31 with a fee of ₹10.62."""
    payment = world.created(**USD | changes)
    told = pay(world, payment, **BASE)
    assert world.tell("evt_captured", "payment.captured", told, 1_775_025_000) is EventState.APPLIED
    return world.stored(payment.payment_id)


def went_back(world: World, payment: Payment, amount_minor: int, base_paise: int | None, key: str) -> str:
    """A refund that the gateway has processed, for ``base_paise`` of ours where it tells; our identifier."""
    answer = refund(world, payment, amount_minor, key=key)
    assert answer.status == 201, answer.text
    refund_id: str = answer.body["refund_id"]
    made = world.gateway.refunds[refund_id]
    made["status"] = "processed"
    if base_paise is not None:
        made |= {"base_amount": base_paise, "base_currency": "INR"}
    tell(world, "refund.processed", made)
    return refund_id


def details(world: World, detail_type: str) -> list[dict[str, Any]]:
    found = (item for item in world.tables.items("outbox") if item["detail_type"] == detail_type)
    return [json.loads(item["detail"]) for item in found]


class TestAsking:
    def test_a_payer_is_asked_in_the_currency_that_was_named(self, world: Reconciling) -> None:
        answer = world.create(**USD)
        assert (answer.status, answer.body["currency"], answer.body["amount_paise"]) == (201, "USD", 5_400)
        assert (answer.body["checkout"]["currency"], answer.body["base_amount_paise"]) == ("USD", None)
        (order,) = world.gateway.orders
        assert (order["amount"], order["currency"]) == (5_400, "USD")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"currency": "EUR"}, "currency-not-enabled"),
            ({"currency": "XYZ"}, "currency-not-enabled"),
            ({"currency": "KWD", "amount_paise": 1_651}, "amount-step-invalid"),
            ({"currency": "JPY", "amount_paise": 99}, "amount-below-minimum"),
            ({"currency": "USD", "amount_paise": 50_000_001}, "amount-above-maximum"),
            ({"currency": "USD", "plan_id": f"pln_{'0' * 26}"}, "currency-inr-only"),
        ],
    )
    def test_what_cannot_be_asked_for_says_why(
        self, world: Reconciling, changes: dict[str, Any], code: str
    ) -> None:
        answer = world.create(**changes)
        assert (answer.status, answer.body["code"]) == (422, code)
        assert world.gateway.orders == []

    @pytest.mark.parametrize(("code", "amount"), [("KWD", 1_650), ("JPY", 800)])
    def test_amounts_are_in_the_minor_units_of_their_currency(
        self, world: Reconciling, code: str, amount: int
    ) -> None:
        assert world.create(currency=code, amount_paise=amount).status == 201

    def test_a_school_whose_payments_are_split_takes_rupees_only(self, world: Reconciling) -> None:
        set_terms(world)
        assert world.create(**USD).body["code"] == "currency-inr-only"
        assert world.create(key="key-00000002").status == 201

    def test_without_the_setting_only_rupees_are_taken(self, world: Reconciling) -> None:
        answer = replace(world, currencies=frozenset({"INR"})).create(**USD)
        assert (answer.status, answer.body["code"]) == (422, "currency-not-enabled")


class TestCapture:
    def test_is_booked_in_rupees_by_what_the_gateway_says(self, world: Reconciling) -> None:
        payment = captured(world)
        assert payment.status is PaymentStatus.CAPTURED
        found = balances(world)
        assert (found[OWED], found[RECEIVABLE]) == (-BASE_PAISE, BASE_PAISE - CHARGE_PAISE)
        seen = world.get(payment.payment_id).body
        assert (seen["amount_paise"], seen["currency"], seen["base_amount_paise"]) == (
            5_400,
            "USD",
            BASE_PAISE,
        )
        assert seen["refundable_paise"] == 5_400
        (told,) = details(world, "PaymentCaptured")
        assert (told["amount_paise"], told["currency"]) == (5_400, "USD")
        assert told["base_amount_paise"] == BASE_PAISE

    def test_without_its_worth_in_rupees_it_waits_and_nothing_is_booked(self, world: Reconciling) -> None:
        payment = world.created(**USD)
        told = pay(world, payment)
        world.tell("evt_1", "order.paid", told, 1_775_025_000)
        waiting = world.stored(payment.payment_id)
        assert (waiting.status, waiting.journal) == (PaymentStatus.UNKNOWN, ())
        seen = world.get(payment.payment_id).body
        assert (seen["status"], seen["checkout"], seen["base_amount_paise"]) == ("unknown", None, None)
        assert details(world, "PaymentCaptured") == []

    @pytest.mark.parametrize(
        "told",
        [
            {"base_amount": BASE_PAISE},
            {"base_amount": BASE_PAISE, "base_currency": "SGD"},
            {"base_currency": "INR"},
        ],
    )
    def test_a_worth_that_is_not_in_rupees_is_none(self, world: Reconciling, told: dict[str, Any]) -> None:
        payment = world.created(**USD)
        world.tell("evt_1", "payment.captured", pay(world, payment, **told), 1_775_025_000)
        assert world.stored(payment.payment_id).status is PaymentStatus.UNKNOWN

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_ends_in_the_same_books_in_any_order(self, world: Reconciling, order: tuple[int, ...]) -> None:
        payment = world.created(**USD)
        authorised = pay(world, payment, status="authorized")
        taken = pay(world, payment)
        words = [
            ("payment.authorized", authorised),
            ("order.paid", taken),
            ("payment.captured", taken | BASE),
        ]
        for number in order:
            event, told = words[number]
            world.tell(f"evt_{number}", event, told, 1_775_025_000 + number)
        stored = world.stored(payment.payment_id)
        assert (stored.status, len(stored.journal)) == (PaymentStatus.CAPTURED, 2)
        assert balances(world)[OWED] == -BASE_PAISE

    def test_is_healed_by_the_sweep_once_the_gateway_tells(self, world: Reconciling) -> None:
        payment = world.created(**USD)
        told = pay(world, payment)
        world.tell("evt_1", "order.paid", told, 1_775_025_000)
        world.clock.advance(seconds=LATER_S)
        report = swept(world)
        assert (report.looked_at, report.resolved, report.still_open) == (1, 0, 1)
        world.gateway.payments[PAID] |= BASE
        report = swept(world)
        assert (report.looked_at, report.resolved, report.still_open) == (1, 1, 0)
        assert world.stored(payment.payment_id).status is PaymentStatus.CAPTURED
        assert balances(world)[OWED] == -BASE_PAISE
        assert swept(world).looked_at == 0

    def test_of_a_payment_that_failed_is_found_by_the_sweep(self, world: Reconciling) -> None:
        payment = world.created(**USD)
        world.tell("evt_1", "payment.failed", pay(world, payment, status="failed"), 1_775_025_000)
        failed = world.stored(payment.payment_id)
        assert (failed.status, swept_as(failed)) == (PaymentStatus.FAILED, PaymentStatus.FAILED)
        pay(world, payment)  # the bank answered late, and the gateway has not converted it yet
        world.clock.advance(seconds=LATER_S)
        assert swept(world).still_open == 1
        waiting = world.stored(payment.payment_id)
        assert (waiting.status, swept_as(waiting)) == (PaymentStatus.UNKNOWN, PaymentStatus.UNKNOWN)
        world.gateway.payments[PAID] |= BASE
        world.clock.advance(seconds=LATER_S)
        assert swept(world).resolved == 1
        healed = world.stored(payment.payment_id)
        assert (healed.status, swept_as(healed)) == (PaymentStatus.CAPTURED, None)
        assert len(world.gateway.orders) == 1

    def test_in_another_currency_than_was_asked_is_a_conflict_and_waits_for_its_worth(
        self, world: Reconciling
    ) -> None:
        payment = world.created()
        told = pay(world, payment, currency="USD")
        world.tell("evt_1", "payment.captured", told, 1_775_025_000)
        stored = world.stored(payment.payment_id)
        assert (stored.status, stored.journal) == (PaymentStatus.CONFLICTED, ())
        assert swept_as(stored) is PaymentStatus.UNKNOWN
        world.gateway.payments[PAID] |= BASE
        world.clock.advance(seconds=LATER_S)
        assert swept(world).resolved == 1
        assert world.stored(payment.payment_id).status is PaymentStatus.CONFLICTED
        assert balances(world)[SUSPENSE] == -BASE_PAISE
        assert swept(world).looked_at == 0

    def test_of_another_amount_is_a_conflict(self, world: Reconciling) -> None:
        payment = world.created(**USD)
        world.tell("evt_1", "payment.captured", pay(world, payment, amount=5_300, **BASE), 1)
        assert world.stored(payment.payment_id).status is PaymentStatus.CONFLICTED
        assert balances(world)[SUSPENSE] == -BASE_PAISE

    def test_by_a_call_of_ours_is_in_its_own_currency(self, world: Reconciling) -> None:
        payment = world.created(**USD, capture="manual")
        told = pay(world, payment, status="authorized", **BASE)
        world.tell("evt_1", "payment.authorized", told, 1_775_025_000)
        answer = world.call_payments(
            "POST",
            "/v1/payments/{payment_id}/capture",
            principal=ADMIN,
            body={"amount_paise": 5_000},
            key="key-capture-1",
            payment_id=payment.payment_id,
        )
        assert (answer.status, answer.body["kept_paise"], answer.body["currency"]) == (200, 5_000, "USD")
        assert answer.body["refund"]["amount_paise"] == 400
        assert balances(world)[OWED] == -BASE_PAISE + BASE_PAISE * 400 // 5_400


class TestRefund:
    def test_is_asked_for_in_the_currency_that_was_paid(self, world: Reconciling) -> None:
        payment = captured(world)
        answer = refund(world, payment, 1_800)
        assert (answer.status, answer.body["currency"], answer.body["base_amount_paise"]) == (
            201,
            "USD",
            None,
        )
        assert balances(world)[HELD] == -150_777
        more = refund(world, payment, 3_601, key="key-refund-02")
        assert (more.status, more.body["code"], more.body["refundable_paise"]) == (
            422,
            "refund-exceeds-balance",
            3_600,
        )

    def test_the_difference_of_exchange_is_ours_and_nothing_stays_with_the_school(
        self, world: Reconciling
    ) -> None:
        payment = captured(world)
        went_back(world, payment, 1_800, 153_000, "key-refund-01")
        assert (balances(world)[OWED], balances(world)[EXCHANGE]) == (-BASE_PAISE + 150_777, 2_223)
        went_back(world, payment, 3_600, 299_000, "key-refund-02")
        found = balances(world)
        assert OWED not in found
        assert HELD not in found
        assert found[EXCHANGE] == 153_000 + 299_000 - BASE_PAISE
        assert found[RECEIVABLE] == BASE_PAISE - CHARGE_PAISE - 153_000 - 299_000
        seen = world.get(payment.payment_id).body
        assert (seen["refunded_paise"], seen["refundable_paise"]) == (5_400, 0)

    def test_whose_worth_comes_late_is_booked_when_it_comes(self, world: Reconciling) -> None:
        payment = captured(world)
        refund_id = went_back(world, payment, 1_800, None, "key-refund-01")
        assert balances(world)[HELD] == -150_777
        assert EXCHANGE not in balances(world)
        world.clock.advance(seconds=LATER_S)
        assert swept(world).still_open == 1
        made = world.gateway.refunds[refund_id]
        made |= {"base_amount": 151_000, "base_currency": "INR"}
        world.clock.advance(seconds=LATER_S)
        assert swept(world).resolved == 1
        found = balances(world)
        assert (HELD in found, found[EXCHANGE]) == (False, 223)
        entry = world.journal.get(f"refund-exchange:{made['id']}")
        assert entry is not None
        assert entry.reference == PAID
        view = world.call_payments("GET", "/v1/refunds/{refund_id}", refund_id=refund_id)
        assert (view.body["status"], view.body["base_amount_paise"]) == ("processed", 151_000)

    def test_the_events_of_a_whole_refund_add_up_to_the_capture(self, world: Reconciling) -> None:
        payment = captured(world)
        for number, part in enumerate((1_700, 1_700, 2_000)):
            went_back(world, payment, part, 140_000, f"key-refund-0{number}")
        told = details(world, "RefundProcessed")
        assert sorted(each["amount_paise"] for each in told) == [1_700, 1_700, 2_000]
        assert sum(each["base_amount_paise"] for each in told) == BASE_PAISE

    def test_is_told_when_it_is_known_what_it_is_worth(self, world: Reconciling) -> None:
        payment = world.created(**USD)
        taken = pay(world, payment)
        world.tell("evt_1", "order.paid", taken, 1_775_025_000)
        refund_id = went_back(world, world.stored(payment.payment_id), 1_800, 153_000, "key-refund-01")
        assert details(world, "RefundProcessed") == []
        world.gateway.payments[PAID] |= BASE
        world.tell("evt_2", "payment.captured", world.gateway.payments[PAID], 1_775_025_200)
        (told,) = details(world, "RefundProcessed")
        assert (told["refund_id"], told["base_amount_paise"]) == (refund_id, 150_777)
        assert balances(world)[EXCHANGE] == 2_223

    def test_a_step_that_the_currency_has_not_is_refused(self, world: Reconciling) -> None:
        payment = world.created(currency="KWD", amount_paise=1_650)
        told = pay(world, payment, base_amount=45_000, base_currency="INR")
        world.tell("evt_1", "payment.captured", told, 1)
        answer = refund(world, world.stored(payment.payment_id), 1_001)
        assert (answer.status, answer.body["code"]) == (422, "amount-step-invalid")
        assert refund(world, payment, 1_000, key="key-refund-02").status == 201

    def test_a_lost_dispute_takes_its_share_of_the_capture(self, world: Reconciling) -> None:
        captured(world)
        dispute = {
            "id": "disp_00000000000001",
            "entity": "dispute",
            "payment_id": PAID,
            "amount": 5_400,
            "amount_deducted": 5_400,
            "currency": "USD",
            "status": "lost",
            "phase": "chargeback",
            "created_at": 1_775_025_000,
        }
        payment = world.gateway.payments[PAID]
        world.tell_of("evt_2", "payment.dispute.lost", 1_775_025_100, payment=payment, dispute=dispute)
        assert OWED not in balances(world)
        (told,) = details(world, "DisputeLost")
        assert (told["amount_paise"], told["base_amount_paise"]) == (5_400, BASE_PAISE)


def row(entity_id: str, amount_paise: int, **changes: Any) -> dict[str, Any]:
    """A row of the settlement, in rupees."""
    return recon_row(entity_id) | {"amount": amount_paise, **changes}


def payment_row(payment: Payment, **changes: Any) -> dict[str, Any]:
    net = BASE_PAISE - CHARGE_PAISE
    return row(PAID, BASE_PAISE, credit=net, order_id=payment.order_id, **changes)


class TestReconciliation:
    def test_a_payment_is_matched_by_what_it_is_worth(self, world: Reconciling) -> None:
        payment = captured(world)
        world.settle(payment_row(payment), amount=BASE_PAISE - CHARGE_PAISE)
        world.go_to(SETTLED_ON)
        world.upload(f"2026-04-07,4512.69,NEFT RAZORPAY {UTR},{UTR}")
        assert world.run().body["exceptions"] == 0
        (told,) = details(world, "PaymentSettled")
        assert (told["amount_paise"], told["currency"]) == (BASE_PAISE, "INR")

    def test_a_row_in_the_currency_of_the_payer_is_a_mismatch_of_currency(self, world: Reconciling) -> None:
        payment = captured(world)
        told = payment_row(payment) | {"amount": 5_400, "credit": 5_400 - CHARGE_PAISE, "currency": "USD"}
        world.settle(told, amount=BASE_PAISE - CHARGE_PAISE)
        world.go_to(SETTLED_ON)
        world.run()
        found = world.exception(f"exc:{PAID}")
        assert found["statuses"] == ["currency_mismatch"]
        assert "currency-differs" in found["reasons"]
        world.step(f"exc:{PAID}", "assign", owner=FINANCE.principal_id)
        forced = world.step(
            f"exc:{PAID}", "force", difference_paise=found["difference_paise"], reason="It is in dollars."
        )
        assert (forced.status, forced.body["refusal"]) == (409, "exception-force-not-in-rupees")

    def test_what_a_refund_took_is_in_its_row_where_the_refund_does_not_say(self, world: Reconciling) -> None:
        payment = captured(world)
        refund_id = went_back(world, payment, 1_800, None, "key-refund-01")
        made = world.gateway.refunds[refund_id]
        refunded = row(
            made["id"], 153_000, type="refund", debit=153_000, credit=0, fee=0, tax=0, payment_id=PAID
        )
        paid_out = BASE_PAISE - CHARGE_PAISE - 153_000
        world.settle(payment_row(payment), refunded, amount=paid_out)
        world.go_to(SETTLED_ON)
        world.upload(f"2026-04-07,{paid_out // 100}.{paid_out % 100:02},NEFT RAZORPAY {UTR},{UTR}")
        assert world.run().body["exceptions"] == 0
        assert world.run(key="key-another-run").body["exceptions"] == 0
        entry = world.journal.get(f"refund-exchange:{made['id']}")
        assert entry is not None
        assert entry.lines[0].debit_paise == 2_223
