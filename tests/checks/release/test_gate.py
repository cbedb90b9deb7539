"""The gate before a deployment: open only when nothing speaks against it, and each thing that does."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.contradictions import Contradiction
from checks.checklist.model import Results, Status, Waiver, WaiverState
from checks.release import proofs
from checks.release.gate import Objection, Situation, blockers, objections
from checks.release.records import Drill
from checks.release.roles import policy
from checks.release.window import Window
from tests.checks.release.test_window import begun, closed, rolled_back
from tests.checks.release.world import (
    NOW,
    REPORTED,
    ROLES,
    A,
    B,
    Case,
    decision,
    evidence,
    go_live,
    item,
    keep,
    results,
)

TODAY = NOW.date()


def drill(**changed: Any) -> Drill:
    facts: dict[str, Any] = {
        "environment": "staging",
        "emulator": False,
        "at": NOW - timedelta(days=2),
        "by": "owner@hasivu.example",
        "commit": "c" * 40,
        "functions": ("hasivu-staging-one",),
        "seconds": 4,
        "interrupted": True,
    }
    return Drill(**facts | changed)


def waiver(**changed: Any) -> Waiver:
    facts: dict[str, Any] = {
        "waiver_id": "W-1",
        "waives": "one",
        "environment": "prod",
        "owner": "security-officer",
        "ticket": "OPS-3",
        "reason": "later",
        "compensating_control": "an alarm",
        "created": TODAY,
        "expires": TODAY,
        "state": WaiverState.IN_FORCE,
    }
    return Waiver(**facts | changed)


def against(
    folder: Path, found: Results | None = None, now: datetime = NOW, **changed: Any
) -> list[Objection]:
    case = Case(folder=folder, found=found or results())
    case.approve(*ROLES)
    facts: dict[str, Any] = {
        "environment": "prod",
        "results": case.found,
        "assembly_sha256": A,
        "catalogue_sha256": A,
        "waivers_sha256": A,
        "commit": "c" * 40,
        "source_sha256": A,
        "departures": (),
        "approval": case.decide(now),
        "before": None,
        "drill": drill(),
    }
    return list(objections(Situation(**facts | changed), policy=policy(), now=now))


def test_nothing_speaks_against_a_whole_release(tmp_path: Path) -> None:
    assert against(tmp_path) == []


def test_a_waiver_of_today_and_one_that_nobody_needs_do_no_harm(tmp_path: Path) -> None:
    unused = waiver(waiver_id="W-2", state=WaiverState.UNUSED, expires=date(2020, 1, 1))
    assert against(tmp_path, results(waivers=(waiver(), unused))) == []


def test_waivers_and_evidence_end_with_the_day_in_india(tmp_path: Path) -> None:
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 18, 29, 59, tzinfo=UTC)
    ended = evidence("protocol.txt", b"x", valid_until=TODAY)
    for found, code in (
        (results(waivers=(waiver(),)), "WAIVER"),
        (results(evidence=(ended,)), "EVIDENCE_OLD"),
    ):
        assert code not in {each.code for each in against(tmp_path / code, found, at)}
        assert code in {each.code for each in against(tmp_path / code, found, at + timedelta(seconds=1))}


def test_a_window_that_has_ended_does_no_harm(tmp_path: Path) -> None:
    before = Window(go_live=go_live(), closed=closed(NOW))
    assert against(tmp_path, before=before) == []


C, D = "c" * 64, "d" * 64
LIVE = go_live(assembly_sha256=B, previous_assembly_sha256=D)
BEFORE = Window(go_live=LIVE, closed=closed(NOW, go_live_sha256=LIVE.sha256))
TAKEN_BACK = Window(go_live=LIVE, begun=begun(NOW, LIVE), rolled_back=rolled_back(NOW, NOW, LIVE))


@pytest.mark.parametrize(("before", "live"), [(BEFORE, B), (TAKEN_BACK, B), (TAKEN_BACK, D)])
def test_before_a_deployment_what_runs_is_held_against_what_is_live(
    tmp_path: Path, before: Window, live: str
) -> None:
    assert against(tmp_path, results(live_assembly_sha256=live), before=before) == []


YESTERDAY = TODAY - timedelta(days=1)
PLANTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("OTHER_ENVIRONMENT", {"environment": "staging"}, {}),
    ("EMULATOR", {"emulator": True}, {}),
    ("OTHER_ASSEMBLY", {}, {"assembly_sha256": B}),
    ("OTHER_CATALOGUE", {}, {"catalogue_sha256": B}),
    ("OTHER_WAIVERS", {}, {"waivers_sha256": B}),
    ("OTHER_COMMIT", {}, {"commit": "d" * 40}),
    ("OTHER_COMMIT", {}, {"commit": "unknown"}),
    ("OTHER_SOURCES", {}, {"source_sha256": B}),
    ("CONTRADICTION", {}, {"departures": (Contradiction("one", "it is another one"),)}),
    ("CONTRADICTION", {"proofs": ()}, {}),
    ("OTHER_LIVE_ASSEMBLY", {"live_assembly_sha256": B}, {}),
    ("OTHER_LIVE_ASSEMBLY", {"live_assembly_sha256": C}, {"before": BEFORE}),
    ("OTHER_LIVE_ASSEMBLY", {"live_assembly_sha256": C}, {"before": TAKEN_BACK}),
    ("FUTURE", {}, {"now": REPORTED - timedelta(hours=1)}),
    ("REPORT_OLD", {}, {"now": REPORTED + timedelta(hours=72, seconds=1)}),
    ("NO_ITEMS", {"items": ()}, {}),
    *[
        ("ITEM_OPEN", {"items": (item("one", status=status),)}, {})
        for status in (Status.FAILED, Status.ERROR, Status.NOT_EVALUATED, Status.MANUAL_PENDING)
    ],
    ("WAIVER", {"waivers": (waiver(expires=YESTERDAY),)}, {}),
    ("WAIVER", {"waivers": (waiver(state=WaiverState.EXPIRED),)}, {}),
    ("WAIVER", {"waivers": (waiver(state=WaiverState.LAPSED),)}, {}),
    ("WAIVER", {"waivers": (waiver(state=WaiverState.MALFORMED, expires=None),)}, {}),
    ("WAIVER", {"waivers": (waiver(expires=None),)}, {}),
    ("EVIDENCE_OLD", {"evidence": (evidence("uat.md", b"x", valid_until=YESTERDAY),)}, {}),
    ("WINDOW_BEFORE", {}, {"before": Window(go_live=go_live())}),
    ("WINDOW_BEFORE", {}, {"before": Window(go_live=go_live(), begun=begun(NOW))}),
    ("DRILL", {}, {"drill": None}),
    ("DRILL", {}, {"drill": drill(emulator=True)}),
    ("DRILL", {}, {"drill": drill(at=NOW + timedelta(hours=1))}),
    ("DRILL", {}, {"drill": drill(at=NOW - timedelta(days=90, seconds=1))}),
]


@pytest.mark.parametrize(("code", "of_results", "of_situation"), PLANTED)
def test_each_weakness_is_named(
    tmp_path: Path, code: str, of_results: dict[str, Any], of_situation: dict[str, Any]
) -> None:
    found = against(tmp_path, results(**of_results), **of_situation)
    assert code in {objection.code for objection in found}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_is_missing_is_named(tmp_path: Path, role: str) -> None:
    case = Case(folder=tmp_path / "case")
    case.approve_all_but(role)
    found = against(tmp_path / "other", approval=case.decide())
    assert [(each.code, each.subject) for each in found] == [("SIGNOFF", role)]


def test_a_file_that_is_no_decision_is_named(tmp_path: Path) -> None:
    case = Case(folder=tmp_path / "case")
    case.approve(*ROLES)
    (tmp_path / "case" / "signoffs" / "x").write_text("x")
    found = against(tmp_path / "other", approval=case.decide())
    assert [(each.code, each.subject) for each in found] == [("SIGNOFF", "signoffs/x")]


def signoff_item(role: str, **changed: Any) -> Any:
    facts: dict[str, Any] = {"status": Status.MANUAL_PENDING, "proofs": (f"record:signoff-{role}",)}
    return item(f"signoff-{role}", **facts | changed)


def test_items_that_are_decisions_are_settled_by_the_decisions(tmp_path: Path) -> None:
    found = results(items=(item("one"), *(signoff_item(role) for role in ROLES)))
    assert not found.go
    assert against(tmp_path, found) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"status": Status.FAILED},
        {"proofs": ()},
        {"proofs": ("record:signoff-security-officer", "record:uat")},
        {"proofs": ("record:signoff-chief-cook",)},
    ],
)
def test_nothing_else_is_settled_by_a_decision(tmp_path: Path, changed: dict[str, Any]) -> None:
    found = results(items=(item("one"), signoff_item("security-officer", **changed)))
    codes = {each.code for each in against(tmp_path, found)}
    assert "ITEM_OPEN" in codes
    assert codes <= {"ITEM_OPEN", "CONTRADICTION"}


def test_an_item_of_a_role_that_did_not_decide_stays_open(tmp_path: Path) -> None:
    found = results(items=(item("one"), signoff_item("security-officer")))
    case = Case(folder=tmp_path, found=found)
    case.approve_all_but("security-officer")
    assert [each.item_id for each in blockers(found, case.decide())] == ["signoff-security-officer"]


def test_the_sandbox_may_be_an_emulator_and_rests_on_its_own_rehearsal(tmp_path: Path) -> None:
    found = results(environment="sandbox", emulator=True)
    own = drill(environment="sandbox", emulator=True)
    assert against(tmp_path, found, environment="sandbox", drill=own) == []


def test_each_role_is_a_proof_of_its_own(tmp_path: Path) -> None:
    case = Case(folder=tmp_path)
    case.approve_all_but("security-officer", "product-owner")
    keep(tmp_path, decision(case.found, "product-owner", decision="reject"))
    shown = {
        proof.proof_id: (proof.status, proof.looked_at)
        for proof in proofs.role_decisions(case.decide().roles)
    }
    assert len(shown) == 9
    assert shown["record:signoff-security-officer"] == (Status.MANUAL_PENDING, 0)
    assert shown["record:signoff-product-owner"] == (Status.FAILED, 1)
    assert shown["record:signoff-quality-assurance"] == (Status.ATTESTED, 1)
