"""Debits planned by hand: what comes next, when, and what the explanation says."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from runtime.payments.retry.law import Constraint, LawUnknown, Method
from runtime.payments.retry.plan import Retry
from runtime.payments.retry.planner import Planner
from runtime.payments.retry.situation import (
    Downtime,
    MandateStatus,
    Notice,
    NoticeStatus,
    Situation,
)
from runtime.platform.clock import IST
from tests.unit.payments.retry.situations import (
    PLANNER,
    at_the_latest,
    codes,
    debit,
    delivered,
    failed,
    ist,
    mandate,
    no_chance,
    planned,
    retried,
    situation,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CARD = debit(Method.CARD, network="Visa", issuer="HDFC")


class TestScheduled:
    def test_without_money_it_is_tried_the_next_morning(self) -> None:
        plan = retried(attempts=(failed(),), notice=delivered())
        assert plan.at.astimezone(IST) == ist(2026, 11, 6, 6, 15)
        assert (plan.attempt_no, plan.cycle_attempt_no, plan.notify_at) == (2, 2, None)
        assert {"backoff", "peak_hours", "best_slot"} <= codes(plan)

    def test_the_first_days_of_a_month_are_worth_waiting_for(self) -> None:
        """Failed on Thursday 28 January: not the next morning but Monday 1 February, within the cycle."""
        terms = mandate(cycle_start=ist(2027, 1, 15), cycle_end=ist(2027, 2, 15))
        at = ist(2027, 1, 28, 8, 15)
        plan = retried(now=at + HOUR, mandate=terms, attempts=(failed(at=at),))
        assert plan.at.astimezone(IST) == ist(2027, 2, 1, 6, 15)
        assert plan.notify_at == plan.at - timedelta(hours=48)

    def test_each_failure_makes_the_house_wait_longer(self) -> None:
        once = retried(attempts=(failed(),))
        again = retried(attempts=(failed(at=ist(2026, 11, 4, 8, 15)), failed()))
        assert again.at - failed().initiated_at >= timedelta(hours=68)
        assert again.at > once.at

    def test_patience_gives_way_when_the_cycle_ends(self) -> None:
        """A third failure would wait until the 8th, but the cycle's last allowed day is the 7th."""
        attempts = tuple(failed(at=ist(2026, 11, day, 8, 15)) for day in (3, 4, 5))
        terms = mandate(cycle_end=ist(2026, 11, 9))
        plan = retried(attempts=attempts, mandate=terms, notice=delivered(ist(2026, 11, 4, 22)))
        assert plan.at.astimezone(IST).date() == ist(2026, 11, 6).date()
        assert "last_day_of_cycle" in codes(plan)

    def test_a_daily_limit_is_waited_for_a_whole_day(self) -> None:
        plan = retried(attempts=(failed("transaction_daily_limit_exceeded"),), notice=delivered())
        assert plan.at >= failed().initiated_at + DAY
        assert "decline_wait" in codes(plan)

    def test_a_first_debit_is_planned_with_its_notice(self) -> None:
        plan = retried()
        assert plan.attempt_no == 1
        assert plan.notify_at is not None
        assert plan.at - plan.notify_at >= timedelta(hours=26)
        assert {"notice_minutes", "notice_lead_minutes"} <= codes(plan)


class TestTechnical:
    @pytest.mark.parametrize(
        ("failures", "backoff"), [(1, timedelta(hours=1)), (2, timedelta(hours=3)), (3, timedelta(hours=6))]
    )
    def test_it_is_tried_soon_and_then_less_soon(self, failures: int, backoff: timedelta) -> None:
        hour = {1: 13, 2: 13, 3: 1}[failures]
        at = ist(2026, 11, 5, hour)
        attempts = tuple(failed("bank_technical_error", at=at, concluded_at=at) for _ in range(failures))
        plan = retried(now=at, attempts=attempts, notice=delivered())
        assert plan.at == at + backoff

    def test_a_peak_hour_moves_it_to_the_end_of_the_peak(self) -> None:
        at = ist(2026, 11, 5, 9, 30)
        plan = retried(now=at, attempts=(failed("server_error", at=at, concluded_at=at),), notice=delivered())
        assert plan.at.astimezone(IST) == ist(2026, 11, 5, 13)
        peak = next(why for why in plan.because if why.code == "peak_hours")
        assert peak.until is not None
        assert peak.until.astimezone(IST) == ist(2026, 11, 5, 13)
        assert "NPCI" in peak.source

    def test_a_downtime_is_waited_for(self) -> None:
        at = ist(2026, 11, 5, 13)
        down = Downtime("upi", at, ist(2026, 11, 5, 15, 30), "hdfc")
        plan = retried(
            now=at,
            debit=debit(issuer="HDFC"),
            attempts=(failed("bank_not_available", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(down,),
        )
        assert plan.at.astimezone(IST) == ist(2026, 11, 5, 15, 30)
        assert "downtime" in codes(plan)

    @pytest.mark.parametrize("other", [{"instrument": "ICIC"}, {"method": "wallet"}, {"method": "card"}])
    def test_another_bank_s_downtime_is_none_of_ours(self, other: dict[str, str]) -> None:
        at = ist(2026, 11, 5, 13)
        values: dict[str, Any] = {"method": "upi", "begins_at": at, "ends_at": at + DAY, "instrument": "HDFC"}
        plan = retried(
            now=at,
            debit=debit(issuer="HDFC"),
            attempts=(failed("bank_not_available", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(Downtime(**values | other),),
        )
        assert plan.at == at + HOUR

    def test_a_downtime_that_ends_before_it_begins_is_none(self) -> None:
        at = ist(2026, 11, 5, 13)
        plan = retried(
            now=at,
            attempts=(failed("server_error", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(Downtime("upi", at + HOUR, at),),
        )
        assert plan.at == at + HOUR

    def test_a_downtime_without_an_end_is_taken_to_last_four_hours(self) -> None:
        at = ist(2026, 11, 5, 1)
        plan = retried(
            now=at,
            attempts=(failed("server_error", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(Downtime("upi", at - HOUR),),
        )
        assert plan.at.astimezone(IST) == ist(2026, 11, 5, 5)


class TestManual:
    def test_the_house_s_patience_is_skipped_and_the_law_is_not(self) -> None:
        attempts = (failed(at=ist(2026, 11, 5, 8, 15)),)
        patient = retried(attempts=attempts, notice=delivered())
        by_hand = retried(attempts=attempts, notice=delivered(), manual=True)
        assert by_hand.at.astimezone(IST) == ist(2026, 11, 5, 13)
        assert by_hand.at < patient.at
        assert "backoff" not in codes(by_hand)
        assert "peak_hours" in codes(by_hand)


class TestChance:
    def test_a_debit_leaves_some_minutes_after_its_slot(self) -> None:
        asked = situation(attempts=(failed(),), notice=delivered())
        moved = PLANNER.plan(asked, at_the_latest)
        still = PLANNER.plan(asked, no_chance)
        assert moved.at - still.at == timedelta(minutes=5)  # type: ignore[union-attr]
        assert "jitter" in codes(moved)
        assert "jitter" not in codes(still)

    @pytest.mark.parametrize("minutes", range(1, 7))
    @pytest.mark.parametrize("what", ["expiry", "cycle", "downtime"])
    def test_however_late_it_leaves_it_is_in_time(self, what: str, minutes: int) -> None:
        """The best slot is at 06:15; something closes within the minutes that chance may add."""
        closes = ist(2026, 11, 6, 6, 15) + timedelta(minutes=minutes)
        by_name: dict[str, dict[str, Any]] = {
            "expiry": {"mandate": mandate(expires_at=closes)},
            "cycle": {"mandate": mandate(cycle_end=closes), "debit": CARD},
            "downtime": {"downtimes": (Downtime("upi", closes, closes + DAY),)},
        }
        asked = situation(
            now=ist(2026, 11, 6, 0, 30),
            attempts=(failed(at=ist(2026, 11, 4, 8, 15)),),
            notice=delivered(ist(2026, 11, 3, 12)),
            **by_name[what],
        )
        plan = PLANNER.plan(asked, at_the_latest)
        assert isinstance(plan, Retry)
        assert plan.at < closes or (what == "downtime" and plan.at >= closes + DAY)
        assert (plan.at == ist(2026, 11, 6, 6, 20)) is (minutes == 6)

    @pytest.mark.parametrize("said", [-1, 6])
    def test_chance_keeps_to_its_range(self, said: int) -> None:
        with pytest.raises(ValueError, match="from 0 to n - 1"):
            PLANNER.plan(situation(), lambda n: said)


class Favourite:
    """A predictor that likes one hour of the day."""

    constraint = Constraint("favourite", "It likes that hour.", "a test")

    def __init__(self, hour: int, scores: int | None = None) -> None:
        self._hour = hour
        self._scores = scores

    def scores(self, situation: Situation, slots: Sequence[int]) -> Sequence[float]:
        found = [1.0 if (slot + 330) % 1440 // 60 == self._hour else 0.0 for slot in slots]
        return found[: self._scores]


class TestPredictor:
    def test_within_the_law_it_decides(self) -> None:
        plan = Planner(predictor=Favourite(15)).plan(situation(), no_chance)
        assert plan.at.astimezone(IST).hour == 15  # type: ignore[union-attr]
        assert "favourite" in codes(plan)

    def test_beyond_the_law_it_does_not(self) -> None:
        """18:45 is among the house's slots, and a peak hour."""
        plan = Planner(predictor=Favourite(18)).plan(situation(), no_chance)
        assert plan.at.astimezone(IST).hour != 18  # type: ignore[union-attr]
        by_card = Planner(predictor=Favourite(18)).plan(situation(debit=CARD), no_chance)
        assert by_card.at.astimezone(IST).hour == 18  # type: ignore[union-attr]

    def test_it_scores_every_slot(self) -> None:
        with pytest.raises(ValueError, match="one score for each slot"):
            Planner(predictor=Favourite(15, scores=3)).plan(situation(), no_chance)


class TestCheck:
    """Right before a debit is sent."""

    MORNING = ist(2026, 11, 6, 6, 15)

    def test_a_lawful_moment_passes(self) -> None:
        asked = situation(now=self.MORNING, attempts=(failed(),), notice=delivered())
        assert PLANNER.check(asked) == ()

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"notice": None}, "notice_missing"),
            ({"notice": Notice(NoticeStatus.RAISED, 45_000, ist(2026, 11, 3))}, "notice_missing"),
            ({"notice": delivered(ist(2026, 11, 5, 6))}, "notice_lead_minutes"),
            ({"notice": delivered(ist(2026, 10, 20))}, "notice_lead_minutes"),
            ({"mandate": mandate(status=MandateStatus.PAUSED)}, "mandate_paused"),
            ({"mandate": mandate(cycle_end=ist(2026, 11, 7))}, "last_day_of_cycle"),
            ({"mandate": mandate(cycle_start=ist(2026, 11, 7))}, "cycle_start"),
            ({"now": ist(2026, 11, 6, 11)}, "peak_hours"),
            ({"debit": CARD}, "reinitiation_minutes"),
            ({"debit": debit(amount_paise=15_000_01)}, "afa_free_ceiling_paise"),
        ],
    )
    def test_what_changed_since_the_plan_is_found(self, changes: dict[str, Any], code: str) -> None:
        values: dict[str, Any] = {"now": self.MORNING, "attempts": (failed(),), "notice": delivered()}
        assert code in {why.code for why in PLANNER.check(situation(**values | changes))}


def test_before_the_first_law_on_record_nothing_is_planned() -> None:
    with pytest.raises(LawUnknown):
        planned(now=ist(2019, 1, 1))


def test_what_is_kept_is_bounded_and_changes_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [situation(now=ist(2026, 11, day)) for day in range(1, 20)]
    plans = [PLANNER.plan(each, no_chance) for each in asked]
    monkeypatch.setattr("runtime.payments.retry.slots.CACHE_MAX", 2)
    monkeypatch.setattr("runtime.payments.retry.ladder.CACHE_MAX", 2)
    forgetful = Planner()
    assert [forgetful.plan(each, no_chance) for each in asked] == plans
