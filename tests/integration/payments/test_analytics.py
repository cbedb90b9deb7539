"""Each event counts once: told twice, out of order, at once, with crashes between; and who may read it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.payments.analytics.model import Dimension, school_scope
from runtime.payments.analytics.news import News, PaymentFact
from runtime.payments.analytics.repository import PLATFORM_SHARDS
from runtime.payments.analytics.rules import fold
from runtime.payments.model import AttemptStatus
from runtime.platform.auth import Role
from runtime.platform.dynamodb import from_item
from tests.events import caller
from tests.integration.payments.counting import Counting, message_of
from tests.integration.payments.gateway import Crashed, gateway_payment
from tests.integration.payments.world import Interrupted, World
from tests.integration.tables import Tables
from tests.unit.payments.analytics.samples import fact, histories, message, repeated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY = date(2026, 4, 1)
SCHOOL_ADMIN = caller("usr_admin_of_1", Role.SCHOOL_ADMIN, schools=["sch_1"])


@pytest.fixture
def counting(tables: Tables, dynamodb: "DynamoDBClient") -> Counting:
    return Counting(tables, dynamodb)


def crash() -> None:
    raise Crashed


def counted_meanwhile(counting: Counting, event_id: str) -> Callable[[], None]:
    """What another process does with another event of the same payment."""

    def count() -> None:
        assert counting.counter.count(fact(News.AUTHORIZED, event_id=event_id))

    return count


class TestEachEventCountsOnce:
    def test_told_twice_in_one_batch_and_again_later(self, counting: Counting) -> None:
        paid = fact()
        assert counting.tell(paid, paid) == []
        assert counting.tell(paid) == []
        total = counting.ask().body["total"]
        assert (total["captured"], total["captured_paise"]) == (1, 45_000)
        assert counting.log.getvalue().count("event counted before") == 2

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_when_the_process_dies_around_the_write(self, counting: Counting, moment: str) -> None:
        broken = Interrupted(counting.client)
        getattr(broken, moment)["transact_write_items"] = [crash]
        with pytest.raises(Crashed):
            counting.over(broken).tell(fact())
        assert counting.ask().body["total"]["captured"] == (1 if moment == "after" else 0)
        assert counting.tell(fact()) == []
        assert counting.ask().body["total"]["captured"] == 1

    def test_told_by_many_at_once(self, counting: Counting) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: counting.tell(fact()), range(8)))
        for failed in answers:  # who did not get through is told again by the queue
            if failed:
                assert counting.tell(fact()) == []
        assert counting.ask().body["total"]["captured"] == 1
        assert counting.ask(school_id="sch_1").body["total"]["captured"] == 1

    def test_of_one_payment_at_once_none_is_lost(self, counting: Counting) -> None:
        facts = [fact(News.ATTEMPT_FAILED, event_id=f"evt_{n}") for n in range(6)]
        with ThreadPoolExecutor(6) as pool:
            answers = dict(zip(facts, pool.map(counting.tell, facts), strict=True))
        for one, failed in answers.items():
            if failed:
                assert counting.tell(one) == []
        assert counting.ask().body["total"]["failed"] == 6
        (funnel,) = counting.table.rows(school_scope("sch_1"), Dimension.FUNNEL, DAY, DAY).values()
        assert funnel == {"created": 1, "pending": 1}

    def test_of_many_payments_at_once_none_is_lost(self, counting: Counting) -> None:
        """They all touch the platform's rows, and transactions that meet there cancel each other."""
        _ = counting.tables["payment_rollups"]
        facts = [fact(event_id=f"evt_{n}", payment_id=f"pmt_{n}", school_id=f"sch_{n}") for n in range(24)]
        with ThreadPoolExecutor(12) as pool:
            answers = dict(zip(facts, pool.map(counting.tell, facts), strict=True))
        for one, failed in answers.items():
            if failed:
                assert counting.tell(one) == []
        total = counting.ask().body["total"]
        assert (total["captured"], total["captured_paise"]) == (24, 24 * 45_000)

    def test_a_mark_that_changes_between_reading_and_writing_is_read_again(self, counting: Counting) -> None:
        broken = Interrupted(counting.client)
        broken.before["transact_write_items"] = [counted_meanwhile(counting, "evt_other")]
        assert counting.over(broken).tell(fact()) == []
        total = counting.ask().body["total"]
        assert (total["authorized"], total["captured"]) == (1, 1)

    def test_a_mark_that_never_rests_sends_the_message_back(self, counting: Counting) -> None:
        broken = Interrupted(counting.client)
        broken.before["transact_write_items"] = [
            counted_meanwhile(counting, f"evt_other_{n}") for n in range(5)
        ]
        assert counting.over(broken).tell(fact()) == ["message-0"]
        assert counting.ask().body["total"]["captured"] == 0


class TestBatches:
    def test_only_what_failed_comes_again(self, counting: Counting) -> None:
        mandate = message("MandateConfirmed", {"mandate_id": "mnd_1"})
        assert counting.deliver("{", message_of(fact()), mandate) == ["message-0"]
        assert counting.ask().body["total"]["captured"] == 1
        assert "a message is no event" in counting.log.getvalue()

    def test_nothing_is_counted_that_is_not_in_the_history(self, counting: Counting) -> None:
        counting.bucket.failures = 1
        with pytest.raises(ConnectionError):
            counting.tell(fact())
        assert counting.tables.items("payment_rollups") == []
        assert counting.tell(fact()) == []
        assert list(counting.bucket.facts()) == [fact()]

    def test_a_batch_told_again_overwrites_its_object(self, counting: Counting) -> None:
        first, second = fact(), fact(event_id="evt_2", payment_id="pmt_2")
        counting.tell(first, second)
        kept = dict(counting.bucket.objects)
        counting.tell(second, first, first)
        assert counting.bucket.objects == kept
        (name,) = kept
        assert name.startswith("payments/arrived=2026-04-01/dt=2026-04-01/")
        assert name.endswith(".jsonl.gz")

    def test_a_batch_across_midnight_in_india_is_kept_by_day(self, counting: Counting) -> None:
        counting.tell(
            fact(occurred_at="2026-04-01T18:29:59.000Z"),
            fact(event_id="evt_2", occurred_at="2026-04-01T18:30:00.000Z"),
        )
        days = sorted(name.split("/")[2] for name in counting.bucket.objects)
        assert days == ["dt=2026-04-01", "dt=2026-04-02"]

    def test_a_batch_of_other_events_keeps_nothing(self, counting: Counting) -> None:
        assert counting.deliver(message("MethodSaved", {"method_id": "pm_1"})) == []
        assert counting.bucket.puts == 0


class TestRows:
    def test_the_platforms_rows_are_spread(self, counting: Counting) -> None:
        counting.tell(*(fact(event_id=f"evt_{n}", payment_id=f"pmt_{n}") for n in range(40)))
        hours = [
            item["pk"]
            for item in counting.tables.items("payment_rollups")
            if item["sk"].startswith("hour#") and item["pk"].startswith("platform#")
        ]
        assert len(hours) == PLATFORM_SHARDS
        assert counting.ask().body["total"]["captured"] == 40

    def test_marks_expire_and_counters_stay(self, counting: Counting) -> None:
        counting.tell(fact())
        expiring = {item["pk"] for item in counting.tables.items("payment_rollups") if "expires_at" in item}
        assert expiring == {"payment#pmt_1"}

    def test_a_word_of_the_gateway_cannot_leave_its_row(self, counting: Counting) -> None:
        hostile = "card#2026-05-01#upi$~\x00"
        assert counting.tell(fact(method=hostile)) == []
        groups = counting.ask(group_by="method").body["groups"]
        assert [group["value"] for group in groups] == [hostile]
        for elsewhere in ("2026-03-31", "2026-05-01"):
            asked = {"from": elsewhere, "to": elsewhere}
            assert counting.ask(group_by="method", **asked).body["groups"] == []

    def test_a_range_ends_with_its_last_day(self, counting: Counting) -> None:
        counting.tell(
            *(
                fact(event_id=f"evt_{day}", payment_id=f"pmt_{day}", occurred_at=f"{day}T06:30:00.000Z")
                for day in ("2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01")
            )
        )
        asked = {"from": "2026-03-01", "to": "2026-03-31"}
        body = counting.ask(**asked).body
        assert (body["total"]["captured"], len(body["groups"])) == (2, 31)
        assert [g["value"] for g in body["groups"] if g["figures"]["captured"]] == [
            "2026-03-01",
            "2026-03-31",
        ]


class TestWhoMayRead:
    @pytest.fixture(autouse=True)
    def two_schools(self, counting: Counting) -> None:
        counting.tell(fact(), fact(event_id="evt_2", payment_id="pmt_2", school_id="sch_2"))

    @pytest.mark.parametrize("path", ["", "/funnel"])
    def test_a_school_reads_itself_and_no_other(self, counting: Counting, path: str) -> None:
        own = counting.ask(path, SCHOOL_ADMIN)
        assert (own.status, own.body["school_id"]) == (200, "sch_1")
        assert counting.ask(path, SCHOOL_ADMIN, school_id="sch_1").body == own.body
        assert counting.ask(path, SCHOOL_ADMIN, school_id="sch_2").code == "school-forbidden"

    def test_figures_of_a_school_are_its_own(self, counting: Counting) -> None:
        assert counting.ask("", SCHOOL_ADMIN).body["total"]["captured"] == 1
        assert counting.ask().body["total"]["captured"] == 2
        assert counting.ask().body["school_id"] is None

    @pytest.mark.parametrize("schools", [[], ["sch_1", "sch_2"]])
    def test_who_has_not_one_school_names_one(self, counting: Counting, schools: list[str]) -> None:
        finance = caller("usr_finance", Role.FINANCE, schools=schools)
        assert counting.ask("", finance).code == "query-invalid"

    @pytest.mark.parametrize("role", [Role.PARENT, Role.SERVICE])
    def test_others_may_not(self, counting: Counting, role: Role) -> None:
        assert counting.ask("", caller("usr_x", role, schools=["sch_1"])).code == "forbidden"

    @pytest.mark.parametrize("path", ["", "/funnel"])
    @pytest.mark.parametrize(
        "query",
        [
            {"to": "2026-03-31"},
            {"to": "2026-07-02"},
            {"from": "yesterday"},
            {"from": "0001-01-01", "to": "0001-01-02"},
            {"from": "9999-12-31", "to": "9999-12-31"},
            {"school_id": "sch#1"},
            {"school_id": ""},
            {"colour": "red"},
        ],
    )
    def test_what_cannot_be_answered_is_refused(
        self, counting: Counting, path: str, query: dict[str, str]
    ) -> None:
        answer = counting.ask(path, **query)
        assert (answer.status, answer.code) == (400, "query-invalid")
        assert answer.body["errors"]

    def test_a_quarter_is_answered(self, counting: Counting) -> None:
        answer = counting.ask(to="2026-07-01")
        assert (answer.status, len(answer.body["groups"])) == (200, 92)

    def test_an_unknown_group_is_refused(self, counting: Counting) -> None:
        assert counting.ask(group_by="payer_id").code == "query-invalid"


class TestFromPaymentsToFigures:
    """The outbox of real payments, carried as the pipe and the bus carry it."""

    def test_a_morning_of_payments(self, counting: Counting, world: World) -> None:
        paid, dropped, _ = (world.created() for _ in range(3))
        assert paid.order_id
        assert dropped.order_id
        at = int(world.clock.now().timestamp())
        reason = {"error_code": "BAD_REQUEST_ERROR", "error_reason": "payment_cancelled"}

        def failed(name: str, order_id: str) -> dict[str, Any]:
            return gateway_payment(name, order_id, status=AttemptStatus.FAILED, method="card", **reason)

        world.tell("evt_00000000000001", "payment.failed", failed("pay_A", paid.order_id), at)
        world.tell("evt_00000000000002", "payment.failed", failed("pay_B", paid.order_id), at)
        world.clock.advance(seconds=40)
        world.tell("evt_00000000000003", "payment.captured", gateway_payment("pay_C", paid.order_id), at + 40)
        world.tell("evt_00000000000004", "payment.failed", failed("pay_D", dropped.order_id), at + 40)

        sent = [
            message(
                item["detail_type"],
                item["detail"],
                event_id=item["event_id"],
                occurred_at=item["occurred_at"],
            )
            for item in world.tables.items("outbox")
        ]
        assert counting.deliver(*sent, *sent) == []

        total = counting.ask().body["total"]
        assert (total["created"], total["attempts"], total["captured"], total["failed"]) == (3, 4, 1, 3)
        assert (total["captured_paise"], total["success_rate_bps"]) == (45_000, 2_500)
        assert (total["time_to_capture_ms"], total["attempts_per_minute_max"]) == (40_000, 4)
        assert (total["fee_known"], total["fee_paise"] > total["tax_paise"] > 0) == (1, True)
        reasons = counting.ask(group_by="reason").body["groups"]
        assert [(group["value"], group["figures"]["failed"]) for group in reasons] == [
            ("payment_cancelled", 3)
        ]
        stages = counting.ask("/funnel").body["stages"]
        assert Counter({stage["stage"]: stage["payments"] for stage in stages}) == Counter(
            created=3, pending=3, authorized=1, captured=1, settled=0
        )


class TestWhatBecameOfTheMoney:
    @pytest.fixture(autouse=True)
    def a_week(self, counting: Counting) -> None:
        later: dict[str, Any] = {"version": None, "created_at": None}
        days = {"captured_on": "2026-04-01", "settled_on": "2026-04-07"}
        paid_out: dict[str, Any] = {"fee_paise": 1_062, "tax_paise": 162, "net_paise": 43_938, **days}
        told = (
            fact(),
            fact(News.SETTLED, event_id="evt_2", version=None, **paid_out),
            fact(News.REFUND_PROCESSED, event_id="evt_3", amount_paise=5_000, **later),
            fact(News.DISPUTE_OPENED, event_id="evt_4", first_heard=True, **later),
            fact(News.DISPUTE_LOST, event_id="evt_5", **later),
        )
        assert counting.tell(*told, *told) == []

    def test_refunds_and_disputes_stand_beside_the_revenue(self, counting: Counting) -> None:
        total = counting.ask().body["total"]
        assert (total["captured_paise"], total["refunded"], total["refunded_paise"]) == (45_000, 1, 5_000)
        assert (total["disputed"], total["dispute_lost_paise"], total["attempts"]) == (1, 45_000, 1)
        (upi,) = counting.ask(group_by="method").body["groups"]
        assert upi["figures"]["refunded_paise"] == 5_000

    def test_a_payout_is_told_by_its_day_with_its_lag(self, counting: Counting) -> None:
        assert counting.ask("/settlements").body["total"]["settled"] == 0, "not of the day of the capture"
        body = counting.ask("/settlements", SCHOOL_ADMIN, to="2026-04-07").body
        total = body["total"]
        assert (total["settled_paise"], total["fee_paise"], total["tax_paise"], total["net_paise"]) == (
            *(45_000, 1_062, 162, 43_938),
        )
        assert (total["lag_days_median"], total["lag_days_p90"], total["lag_histogram"]) == (6, 6, {"6": 1})
        assert [group["value"] for group in body["groups"]] == ["2026-04-07"]
        stages = counting.ask("/funnel").body["stages"]
        assert [stage["payments"] for stage in stages] == [1] * 5

    def test_the_peak_of_a_day_is_for_who_sees_every_school(self, counting: Counting) -> None:
        body = counting.ask("/throughput", day="2026-04-01").body
        assert body == {
            "day": "2026-04-01",
            "attempts": 1,
            "busiest_minute": {"at": "12:00", "attempts": 1},
            "busiest_second": {"at": "12:00:00", "attempts": 1},
        }
        assert counting.ask("/throughput", SCHOOL_ADMIN, day="2026-04-01").code == "school-forbidden"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_rebuilding_from_the_history_gives_the_same_numbers_as_live(
    data: st.DataObject, tables: Tables, dynamodb: "DynamoDBClient"
) -> None:
    """Whatever the order, the repetitions and the batches; and the history has nothing that was not told."""
    facts: list[PaymentFact] = data.draw(histories(8))
    tables.drop()
    counting = Counting(tables, dynamodb)
    _ = counting.tables["payment_rollups"]
    told = data.draw(repeated(facts))
    cut = data.draw(st.integers(0, len(told)))
    for batch in (told[:cut], told[cut:]):
        assert counting.tell(*batch) == []

    live = counting.rows(date(2026, 4, 1), date(2026, 5, 31), "sch_0", "sch_1")
    assert fold(counting.bucket.facts()) == live == fold(facts)
    kept = {one.event_id: one for one in counting.bucket.facts()}
    assert kept == {one.event_id: one for one in facts}
    for item in dynamodb.scan(TableName=tables["payment_rollups"])["Items"]:
        assert set(from_item(item)) >= {"pk", "sk"}
