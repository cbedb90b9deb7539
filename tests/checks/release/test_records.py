"""The records of deployments: a chain that shows what is missing, and commands that can be run again."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.model import Results, Status
from checks.errors import HasivuError
from checks.release import opening, rollback
from checks.release.documents import DocumentRefused
from checks.release.gate import Situation
from checks.release.records import GoLive, RollbackBegun, RolledBack
from checks.release.store import Records
from checks.release.window import WindowState
from tests.checks.release.fake_lambda import FakeLambda
from tests.checks.release.test_gate import drill
from tests.checks.release.world import (
    NOW,
    OWNER,
    ROLES,
    RUNNER,
    SIGNERS,
    B,
    Case,
    MadeUpAlarm,
    criterion,
    item,
    results,
    version,
)

HOUR = timedelta(hours=1)
PERSON = "owner@hasivu.example"
NAMES = ("hasivu-prod-a", "hasivu-prod-b")
OPENED = opening.Opened(owner=PERSON, ticket="OPS-1", command="hasivu rollback --env prod")


class Estate:
    """An environment with its records, to deploy into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = Records(folder / "releases", "prod", SIGNERS)
        self.client: Any = FakeLambda()
        self.now = NOW
        self.alarm = MadeUpAlarm()
        for name in NAMES:
            self.client.add(name, versions=9, live=1)

    def prepare(self, found: Results | None = None) -> None:
        case = Case(folder=self.folder / "report", found=found or results())
        case.approve(*ROLES)
        last = self.records.last_live()
        situation = Situation(
            environment="prod",
            results=case.found,
            assembly_sha256=case.found.assembly_sha256,
            catalogue_sha256=case.found.catalogue_sha256,
            waivers_sha256=case.found.waivers_sha256,
            commit=results().commit,
            source_sha256=results().source_sha256,
            departures=(),
            approval=case.decide(),
            before=None if last is None else last.window,
            drill=drill(),
        )
        opening.prepare(
            self.records, situation, self.running(), deployer="deployer@hasivu.example", now=self.now
        )

    def running(self) -> dict[str, Any]:
        return {name: version(int(alias.version)) for name, alias in self.client.aliases.items()}

    def deploy(self, number: int, *functions: str) -> None:
        for name in functions or NAMES:
            self.client.aliases[name].version = str(number)

    def open(self) -> GoLive:
        return opening.open_window(
            self.records,
            self.running(),
            OWNER,
            opened=OPENED,
            deployed_at=self.now,
            alarm=self.alarm,
            now=self.now,
        )

    def release(self, number: int, found: Results | None = None) -> GoLive:
        self.prepare(found)
        self.deploy(number)
        return self.open()

    def close(self, found: Results | None = None, late_reason: str = "") -> None:
        self.now += HOUR
        good = found or results(generated_at=self.now)
        opening.close_window(
            self.records,
            good,
            OWNER,
            by=PERSON,
            late_reason=late_reason,
            alarm=self.alarm,
            now=self.now,
        )

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=700)
        return self.now

    def roll_back(self) -> RolledBack:
        record, _ = rollback.roll_back(
            self.records,
            self.client,
            OWNER,
            by=PERSON,
            reason="OPS-9",
            alarm=self.alarm,
            clock=self.clock,
        )
        return record


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path)


def refused_with(code: str, step: Any) -> HasivuError:
    with pytest.raises(HasivuError) as refused:
        step()
    assert refused.value.code == code
    assert refused.value.next_step
    return refused.value


def test_a_release_that_succeeds(estate: Estate) -> None:
    live = estate.release(2)
    assert live.rollback_deadline == live.deployed_at + timedelta(hours=24)
    assert [(each.previous, each.next) for each in live.functions] == [(version(1), version(2))] * 2
    assert set(live.signoffs) == set(ROLES)
    assert live.drill is not None
    estate.close()
    last = estate.records.last_live()
    assert last is not None
    assert last.window is not None
    assert last.signed_by == PERSON
    assert last.window.state(estate.now) is WindowState.CLOSED


def test_a_release_that_is_rolled_back(estate: Estate) -> None:
    estate.release(2)
    record = estate.roll_back()
    assert estate.running() == {name: version(1) for name in NAMES}
    assert record.moved == NAMES
    assert record.seconds == 2
    again = estate.roll_back()
    assert again == record


def test_the_next_release_after_a_rollback_rests_on_what_ran_before(estate: Estate) -> None:
    estate.release(2)
    estate.close()
    estate.release(3, results(assembly_sha256=B))
    estate.roll_back()
    third = estate.release(4)
    assert third.previous_assembly_sha256 == results().assembly_sha256
    assert third.sequence == 3


def test_a_rollback_that_was_cut_off_goes_on_and_keeps_its_beginning(estate: Estate) -> None:
    estate.release(2)

    def cut_off(name: str, arguments: dict[str, Any]) -> None:
        if name == "update_alias" and arguments["FunctionName"] == NAMES[1]:
            raise KeyboardInterrupt

    estate.client.before = cut_off
    with pytest.raises(KeyboardInterrupt):
        estate.roll_back()
    begun_by = estate.now
    last = estate.records.last_live()
    assert last is not None
    assert last.window is not None
    assert last.window.state(estate.now) is WindowState.ROLLING_BACK
    estate.client.before = lambda name, arguments: None
    estate.now += HOUR
    record = estate.roll_back()
    assert record.begun_at <= begun_by
    assert record.seconds >= 3600
    assert (record.moved, record.already_back) == ((NAMES[1],), (NAMES[0],))


def test_a_rollback_whose_signature_failed_ends_when_it_is_run_again(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.release(2)

    def lost(self: Any, document: bytes, namespace: str) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(OWNER), "sign", lost)
        with pytest.raises(KeyboardInterrupt):
            estate.roll_back()
    assert estate.running() == {name: version(1) for name in NAMES}
    assert estate.roll_back().already_back == NAMES


def test_a_signature_without_its_record_does_not_stop_the_next_run(estate: Estate) -> None:
    live = estate.release(2)
    path = estate.folder / "releases" / "prod" / "0001" / "go-live.json"
    path.unlink()
    with pytest.raises(DocumentRefused, match="only its signature"):
        estate.records.all()
    assert estate.open() == live


def test_an_attempt_that_never_went_live_does_not_change_the_way_back(estate: Estate) -> None:
    estate.prepare()
    estate.deploy(2, NAMES[0])
    estate.prepare()
    estate.deploy(3)
    live = estate.open()
    assert {each.previous for each in live.functions} == {version(1)}


def test_functions_that_come_and_go_are_written_down(estate: Estate) -> None:
    estate.prepare()
    del estate.client.aliases[NAMES[0]]
    estate.client.add("hasivu-prod-new", versions=1, live=1)
    live = estate.open()
    assert live.removed == (NAMES[0],)
    assert estate.roll_back().without_previous == ("hasivu-prod-new",)


def test_nothing_goes_live_that_the_gate_did_not_let_through(estate: Estate) -> None:
    refused_with("NOT_PREPARED", estate.open)


def test_nothing_was_deployed_before_the_gate(estate: Estate) -> None:
    estate.prepare()
    estate.deploy(2)
    estate.now -= HOUR
    refused_with("DEPLOYED_BEFORE_THE_GATE", estate.open)


def test_a_deployment_that_moved_nothing_opens_nothing(estate: Estate) -> None:
    estate.prepare()
    refused_with("NOTHING_CHANGED", estate.open)
    estate.client.aliases.clear()
    refused_with("NOTHING_RUNS", estate.open)


def test_nothing_is_rolled_back_that_is_not_live(estate: Estate) -> None:
    refused_with("NOTHING_LIVE", estate.roll_back)
    estate.prepare()
    refused_with("NOT_OPENED", estate.roll_back)


def test_what_is_closed_stays(estate: Estate) -> None:
    estate.release(2)
    estate.close()
    refused_with("WINDOW_CLOSED", estate.roll_back)
    refused_with("WINDOW_NOT_OPEN", estate.close)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (results(generated_at=NOW - HOUR), "REPORT_NOT_OF_IT"),
        (results(generated_at=NOW + 90 * HOUR), "REPORT_NOT_OF_IT"),
        (results(generated_at=NOW + HOUR, assembly_sha256=B), "REPORT_NOT_OF_IT"),
        (results(generated_at=NOW + HOUR, live_assembly_sha256=B), "REPORT_NOT_OF_IT"),
        (results(generated_at=NOW + HOUR, environment="staging"), "REPORT_NOT_OF_IT"),
        (results(generated_at=NOW + HOUR, items=(item("one"),)), "CRITERIA_NOT_MET"),
        (results(generated_at=NOW + HOUR, items=(criterion(Status.FAILED),)), "CRITERIA_NOT_MET"),
        (results(generated_at=NOW + HOUR, items=(criterion(Status.NOT_EVALUATED),)), "CRITERIA_NOT_MET"),
    ],
)
def test_a_window_is_not_closed_on_less_than_success(estate: Estate, found: Results, code: str) -> None:
    refused_with("NOTHING_LIVE", lambda: estate.close(found))
    estate.release(2)
    refused_with(code, lambda: estate.close(found))


def test_a_late_closing_says_why(estate: Estate) -> None:
    estate.release(2)
    estate.now += timedelta(hours=30)
    refused_with("DEADLINE_PASSED", estate.close)
    estate.close(late_reason="the report came late")


# --- what is altered, removed or added ---


def three_releases(estate: Estate) -> Path:
    for number in (2, 3, 4):
        estate.now += HOUR
        estate.release(number)
        if number == 3:
            estate.roll_back()
        else:
            estate.close()
    return estate.folder / "releases" / "prod"


def test_the_chain_holds(estate: Estate) -> None:
    three_releases(estate)
    assert [each.sequence for each in estate.records.all()] == [1, 2, 3]


def test_each_record_without_which_the_chain_does_not_hold(estate: Estate) -> None:
    """Any one file, taken away: found, but for the end of the last window, which nothing follows yet."""
    folder = three_releases(estate)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 3 * 5 + 1
    for path in files:
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(DocumentRefused):
            estate.records.all()
        path.write_bytes(content)
    estate.records.all()


def test_a_whole_deployment_taken_away_leaves_a_gap(estate: Estate) -> None:
    folder = three_releases(estate)
    (folder / "0002").rename(estate.folder / "elsewhere")
    with pytest.raises(DocumentRefused, match="gap"):
        estate.records.all()
    (folder / "0003").rename(folder / "0002")
    with pytest.raises(DocumentRefused, match="place in the chain"):
        estate.records.all()


def test_the_end_of_a_window_that_is_taken_away_is_missed_by_the_next(estate: Estate) -> None:
    folder = three_releases(estate)
    for end in ("", ".sig"):
        (folder / "0001" / f"closed.json{end}").unlink()
    with pytest.raises(DocumentRefused, match="did not end as it says"):
        estate.records.all()


def test_any_altered_byte_is_found(estate: Estate) -> None:
    folder = three_releases(estate)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for at in range(0, len(content), 97):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            with pytest.raises(DocumentRefused):
                estate.records.all()
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["0001/notes.txt", "notes.txt", "0004/prepared.json"])
def test_what_is_added_is_found(estate: Estate, name: str) -> None:
    folder = three_releases(estate)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    with pytest.raises(DocumentRefused):
        estate.records.all()


def test_a_file_in_the_place_of_a_folder_is_found(estate: Estate) -> None:
    folder = three_releases(estate)
    (folder / "0004").write_text("x")
    with pytest.raises(DocumentRefused, match="no deployment's folder"):
        estate.records.all()


def test_a_link_is_followed_nowhere(estate: Estate) -> None:
    folder = three_releases(estate)
    (folder / "0003").rename(estate.folder / "elsewhere")
    (folder / "0003").symlink_to(estate.folder / "elsewhere")
    with pytest.raises(DocumentRefused):
        estate.records.all()


def test_a_record_by_a_key_that_may_not_is_refused(estate: Estate) -> None:
    estate.prepare()
    estate.deploy(2)
    opening.open_window(
        estate.records,
        estate.running(),
        RUNNER,
        opened=OPENED,
        deployed_at=estate.now,
        alarm=estate.alarm,
        now=estate.now,
    )
    with pytest.raises(DocumentRefused, match="may not sign for hasivu-release"):
        estate.records.all()


def test_an_environments_name_leads_nowhere_else(tmp_path: Path) -> None:
    with pytest.raises(DocumentRefused):
        Records(tmp_path, "../etc", SIGNERS)


def test_a_rollback_record_that_nobody_began_contradicts(estate: Estate) -> None:
    live = estate.release(2)
    estate.roll_back()
    path = estate.folder / "releases" / "prod" / "0001" / "rollback-begun.json"
    other = RollbackBegun(
        deployment_id=live.deployment_id, go_live_sha256=live.sha256, at=NOW + 9 * HOUR, by="x", reason="x"
    )
    path.write_bytes(other.canonical())
    with pytest.raises(DocumentRefused, match="nobody began"):
        estate.records.all()


def test_two_commands_do_not_write_at_once(estate: Estate) -> None:
    with estate.records.held():
        pass  # nothing is there yet
    estate.release(2)
    other = Records(estate.folder / "releases", "prod", SIGNERS)
    with estate.records.held():
        refused_with("RECORDS_BUSY", lambda: other.held().__enter__())
        assert other.last_live() is not None, "reading goes on"
    with other.held():
        pass
