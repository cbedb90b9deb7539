"""How a release stands in the report: decisions, window, what speaks against it, from verified files only."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from checks.checklist.model import Level, Status
from checks.checklist.references import ROLLBACK_WINDOW
from checks.errors import HasivuError
from checks.release import opening, rollback, standing
from checks.release.context import Context
from checks.release.documents import DocumentRefused
from checks.release.records import RollbackBegun
from checks.release.signoff import Decision
from checks.release.standing import Question
from checks.report.model import Release, Report, RollbackState, SignOffState
from tests.checks.release.test_records import HOUR, PERSON, Estate
from tests.checks.release.world import (
    NOW,
    OWNER,
    ROLES,
    SIGNERS_TEXT,
    B,
    Case,
    conditions,
    decision,
    item,
    keep,
    results,
    write_report,
)

DAY = timedelta(hours=24)
DECIDED = results()


@pytest.fixture(autouse=True)
def written_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "authors", lambda commit, since: frozenset({"author@hasivu.example"}))


class World(Estate):
    """An environment's records, the report that was decided on beside them, and the command's context."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "allowed_signers").write_text(SIGNERS_TEXT)
        (folder / "releases").mkdir(exist_ok=True)
        self.context = Context(
            "prod", signers=folder / "allowed_signers", records=folder / "releases", directory=None
        )
        self.report = write_report(folder / "report", DECIDED)

    def case(self) -> Case:
        return Case(folder=self.report, found=DECIDED)

    def now_stands(
        self,
        now: datetime = NOW,
        *,
        folder: Path | None = None,
        found: object = DECIDED,
        which: str = "",
        deployer: str = "",
    ) -> Release:
        question = Question(folder=folder or self.report, which=which, deployer=deployer)
        return standing.standing(self.context, found, question, now=now)  # type: ignore[arg-type]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def states(told: Release) -> dict[str, SignOffState]:
    return {sign.role: sign.state for sign in told.sign_offs}


# --- before a go-live: decisions about this report ---


def test_nobody_signed_and_nothing_is_live(world: World) -> None:
    told = world.now_stands()
    assert set(states(told).values()) == {SignOffState.MISSING}
    assert len(told.sign_offs) == 9
    assert told.rollback is None
    assert told.against[-1].startswith("9 sign-offs missing: Development Team Lead, ")
    assert not Report(DECIDED, release=told).settled.go
    assert DECIDED.go


def test_all_nine_approve_and_nothing_speaks_against_it(world: World) -> None:
    world.case().approve(*ROLES)
    told = world.now_stands()
    assert told.against == ()
    assert {(sign.name, sign.ticket, sign.decision) for sign in told.sign_offs} == {
        (f"{role}@hasivu.example", "OPS-1", "approve") for role in ROLES
    }
    assert Report(DECIDED, release=told).settled.go


def test_each_state_is_told_with_its_reason(world: World) -> None:
    case = world.case()
    case.approve_all_but("security-officer", "product-owner", "quality-assurance", "technical-director")
    keep(world.report, decision(DECIDED, "security-officer", decision=Decision.REJECT))
    keep(
        world.report,
        decision(
            DECIDED,
            "product-owner",
            decision=Decision.CONDITIONS,
            conditions=(*conditions("Refunds by two"), *conditions("Old", closed_by="OPS-3")),
        ),
    )
    keep(world.report, decision(DECIDED, "quality-assurance", assembly_sha256=B))
    told = {sign.role: sign for sign in world.now_stands().sign_offs}
    assert told["Security Officer"].state is SignOffState.REJECTED
    assert told["Product Owner"].conditions == ("Refunds by two (open)", "Old (done: OPS-3)")
    assert told["Quality Assurance"].state is SignOffState.VOID
    assert told["Quality Assurance"].reasons == ("the assembly is not the one that was decided on",)
    against = world.now_stands().against
    for state in ("rejected", "conditions open", "void", "missing"):
        assert any(each.startswith(f"1 sign-off {state}: ") for each in against)


def test_a_decision_wears_out(world: World) -> None:
    world.case().approve(*ROLES)
    late = world.now_stands(NOW + timedelta(hours=80))
    assert set(states(late).values()) == {SignOffState.VOID}
    assert late.against


def test_an_altered_decision_is_void_and_told(world: World) -> None:
    world.case().approve(*ROLES)
    path = world.report / "signoffs" / "product-owner.1.json"
    path.write_bytes(path.read_bytes().replace(b"OPS-1", b"OPS-2"))
    told = world.now_stands()
    assert states(told)["Product Owner"] is SignOffState.VOID
    assert any(each.startswith("signoffs/product-owner.1.json: ") for each in told.against)


def test_who_deploys_is_looked_at_once_it_is_known(world: World) -> None:
    world.case().approve(*ROLES)
    told = world.now_stands(deployer="product-owner@hasivu.example")
    assert states(told)["Product Owner"] is SignOffState.VOID
    stranger = world.now_stands(deployer="author@hasivu.example")
    assert stranger.against == ("whoever deploys deploys what they wrote",)


def test_what_is_live_must_have_ended_first_as_the_gate_has_it(world: World) -> None:
    world.release(2)
    following = results(assembly_sha256=B, items=(item("one"),))
    folder = write_report(world.folder / "next", following)
    Case(folder=folder, found=following).approve(*ROLES)
    told = world.now_stands(NOW + HOUR, folder=folder, found=following)
    assert told.against == ("the rollback window of prod-0001-aaaaaaaaaaaa, which is live, is open",)
    assert told.deployment_id == ""
    overdue = world.now_stands(NOW + DAY + HOUR, folder=folder, found=following)
    assert "neither closed nor rolled back" in overdue.against[0]


def test_what_was_let_through_and_never_opened_is_told(world: World) -> None:
    world.prepare()
    world.case().approve(*ROLES)
    assert world.now_stands(NOW + HOUR).against == ()
    (said,) = world.now_stands(NOW + 3 * HOUR).against
    assert said == "prod-0001-aaaaaaaaaaaa was let through and nobody opened its window"


# --- of what is live: the decisions that it went live on ---


def test_the_window_has_its_deadline_versions_command_and_time_left(world: World) -> None:
    world.release(2)
    told = world.now_stands(NOW + 4 * HOUR)
    assert told.deployment_id == "prod-0001-aaaaaaaaaaaa"
    window = told.rollback
    assert window is not None
    assert window.state is RollbackState.OPEN
    assert window.deadline == NOW + DAY
    assert told.left == timedelta(hours=20)
    assert window.command == "hasivu rollback --env prod"
    assert [(each.previous, each.next) for each in window.functions] == [("1", "2"), ("1", "2")]
    assert window.owner == PERSON
    assert window.deployer == ""  # the committed list does not know them
    assert told.against == ()


def test_decisions_that_counted_do_not_wear_out(world: World) -> None:
    world.release(2)
    later = results(generated_at=NOW + 5 * HOUR, items=(item("one"),))
    folder = write_report(world.folder / "later", later)
    (world.folder / "releases" / "reports").mkdir()
    world.report.rename(world.folder / "releases" / "reports" / "prod")
    told = world.now_stands(NOW + 23 * HOUR, folder=folder, found=later)
    assert set(states(told).values()) == {SignOffState.APPROVED}
    assert told.against == ()


def test_decisions_that_are_not_at_hand_are_missed(world: World) -> None:
    world.release(2)
    (world.report / "signoffs" / "product-owner.1.json").unlink()
    told = world.now_stands(NOW + HOUR)
    assert states(told)["Product Owner"] is SignOffState.GONE
    assert told.against == ("1 sign-off gone: Product Owner",)
    proof = {each.proof_id: each for each in told.proofs}["record:signoff-product-owner"]
    assert (proof.status, proof.looked_at) == (Status.NOT_EVALUATED, 0)


def test_a_window_that_neither_closed_nor_was_rolled_back_fails_the_report(world: World) -> None:
    world.release(2)
    at_the_deadline = world.now_stands(NOW + DAY)
    assert at_the_deadline.against == ()
    told = world.now_stands(NOW + DAY + timedelta(seconds=1))
    assert told.rollback is not None
    assert told.rollback.state is RollbackState.OVERDUE
    assert told.against == (
        "the rollback window of prod-0001-aaaaaaaaaaaa ended 2026-12-02 14:00 UTC, and it was neither closed "
        "nor rolled back",
    )
    rollbacks = item("HC-146", proofs=("rule:x", ROLLBACK_WINDOW), required=(Level.TEMPLATE,))
    found = results(items=(rollbacks,))
    settled = Report(found, release=told).settled
    assert settled.items[0].status is Status.FAILED
    assert settled.blockers == settled.items
    assert not settled.go
    assert settled.sha256 == found.sha256


def test_how_it_was_closed_is_told(world: World) -> None:
    world.release(2)
    later = results(generated_at=NOW + HOUR)
    opening.close_window(
        world.records, later, OWNER, by=PERSON, late_reason="", alarm=world.alarm, now=NOW + 2 * HOUR
    )
    told = world.now_stands(NOW + 3 * DAY)
    assert told.rollback is not None
    assert told.rollback.state is RollbackState.CLOSED
    assert told.rollback.ended_at == NOW + 2 * HOUR
    assert told.rollback.ended_by == PERSON
    assert told.rollback.ended_how == "1 success criterion met"
    assert told.left is None
    assert told.against == ()


def test_a_late_closing_keeps_its_reason(world: World) -> None:
    world.release(2)
    later = results(generated_at=NOW + HOUR)
    opening.close_window(
        world.records,
        later,
        OWNER,
        by=PERSON,
        late_reason="the owner was ill",
        alarm=world.alarm,
        now=NOW + DAY + HOUR,
    )
    told = world.now_stands(NOW + 3 * DAY)
    assert told.rollback is not None
    assert told.rollback.ended_how == "1 success criterion met; late: the owner was ill"


def test_what_was_rolled_back_is_no_go(world: World) -> None:
    world.release(2)
    rollback.roll_back(
        world.records,
        world.client,
        OWNER,
        by=PERSON,
        reason="OPS-14",
        alarm=world.alarm,
        clock=lambda: NOW + HOUR,
    )
    told = world.now_stands(NOW + 2 * HOUR)
    assert told.rollback is not None
    assert told.rollback.state is RollbackState.ROLLED_BACK
    assert told.rollback.ended_how == "OPS-14; 2 aliases moved back"
    assert told.against == ("prod-0001-aaaaaaaaaaaa was rolled back",)


def test_a_rollback_that_stopped_needs_somebody(world: World) -> None:
    world.release(2)
    live = world.records.last_live()
    assert live is not None
    assert live.window is not None
    begun = RollbackBegun(
        deployment_id=live.window.go_live.deployment_id,
        go_live_sha256=live.window.go_live.sha256,
        at=NOW + HOUR,
        by=PERSON,
        reason="OPS-14",
    )
    world.records.write_begun(1, begun)
    told = world.now_stands(NOW + 2 * HOUR)
    assert told.rollback is not None
    assert told.rollback.state is RollbackState.ROLLING_BACK
    assert told.rollback.ended_how == "begun 2026-12-01 15:00 UTC: OPS-14"
    assert told.against == ("a rollback of prod-0001-aaaaaaaaaaaa began and has not ended",)


# --- which one, and what is refused ---


def test_the_newest_is_shown_unless_another_is_named(world: World) -> None:
    world.release(2)
    later = results(generated_at=NOW + HOUR)
    opening.close_window(
        world.records, later, OWNER, by=PERSON, late_reason="", alarm=world.alarm, now=NOW + 2 * HOUR
    )
    world.now = NOW + 3 * HOUR
    world.release(3)
    newest = world.now_stands(NOW + 4 * HOUR)
    assert newest.deployment_id == "prod-0002-aaaaaaaaaaaa"
    for which in ("1", "0001", "prod-0001-aaaaaaaaaaaa"):
        told = world.now_stands(NOW + 4 * HOUR, which=which)
        assert told.deployment_id == "prod-0001-aaaaaaaaaaaa"
        assert told.rollback is not None
        assert told.rollback.state is RollbackState.CLOSED
    with pytest.raises(HasivuError) as refused:
        world.now_stands(which="3")
    assert refused.value.code == "RELEASE_UNKNOWN"
    assert "prod-0002-aaaaaaaaaaaa" in refused.value.next_step


def test_records_that_were_altered_are_refused(world: World) -> None:
    world.release(2)
    path = world.folder / "releases" / "prod" / "0001" / "go-live.json"
    path.write_bytes(path.read_bytes().replace(b"OPS-1", b"OPS-2"))
    with pytest.raises(DocumentRefused):
        world.now_stands()


def test_only_people_who_signed_are_named(world: World) -> None:
    world.release(2)
    told = world.now_stands(NOW + HOUR)
    assert set(told.people) == {PERSON, *(f"{role}@hasivu.example" for role in ROLES)}
