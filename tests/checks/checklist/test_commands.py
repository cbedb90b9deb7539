"""`hasivu check` and `hasivu evidence`, as they are called."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from checks.checklist import summary
from checks.checklist.commands import profiles
from checks.checklist.model import Results, Status, Waiver, WaiverState
from checks.cli import app
from checks.errors import ExitCode, HasivuError
from tests.checks.checklist.conftest import NOW, World


def called(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, HasivuError):
        return result.exception.exit_code, str(result.exception)
    return result.exit_code, result.output


def shown(results: Results, width: int = 100) -> str:
    output = io.StringIO()
    summary.show(Console(file=output, width=width, highlight=False, no_color=True), results)
    return output.getvalue()


@pytest.mark.parametrize(("fail_on", "code"), [("no-go", 1), ("nothing", 0)])
def test_the_check_writes_what_it_found_and_says_it_by_its_exit_code(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_on: str, code: int
) -> None:
    results = world.check()
    monkeypatch.setattr("checks.checklist.survey.survey", lambda *_, **__: results)
    output = tmp_path / "out"

    exit_code, said = called(
        *("check", "--env", "sandbox", "--no-live", "--output", str(output), "--fail-on", fail_on)
    )

    assert exit_code == code
    assert "NO-GO" in said
    assert (output / "results.json").read_bytes() == results.canonical() + b"\n"
    assert Results.read((output / "results.json").read_bytes()) == results


def test_an_assembly_that_is_live_is_one_and_is_looked_for(tmp_path: Path) -> None:
    code, said = called("check", "--env", "prod", "--live-assembly", str(tmp_path))
    assert (code, "ASSEMBLY_UNREADABLE" in said) == (ExitCode.BUILD, True)
    code, said = called("check", "--env", "prod", "--live-assembly", str(tmp_path), "--no-live")
    assert code == ExitCode.USAGE


def test_an_unknown_environment_is_refused_before_anything_is_built() -> None:
    code, said = called("check", "--env", "moon")
    assert code == ExitCode.USAGE
    assert "ENVIRONMENT_UNKNOWN" in said


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        code, said = called("check", "--env", "sandbox", "--no-live", "--output", str(output))
        assert code == ExitCode.USAGE
        assert "NO_FOLDER" in said


def test_the_summary_shows_what_blocks_first_and_counts_by_section(world: World) -> None:
    said = shown(world.check())
    assert "Story 5.3: Automated" in said
    blocking = said.partition("What blocks")[2]
    assert blocking.splitlines()[1].startswith("fail           HC-035")
    assert "Build subscription-management" in blocking
    assert said.rstrip().splitlines()[-1].startswith("NO-GO  sandbox at 2026-11-25 12:00 UTC")


def test_a_narrow_terminal_shows_every_heading(world: World) -> None:
    heading = shown(world.check(), width=80).splitlines()[0]
    assert heading.split() == ["section", *(summary.HEADINGS[status] for status in summary.COLUMNS)]


def test_names_are_text_and_waivers_that_do_not_count_are_always_told(world: World) -> None:
    results = world.check()
    item = results.items[0].model_copy(update={"status": Status.FAILED, "reason": "[red]<script>[/]"})
    waiver = Waiver(
        waiver_id="W-[bold]1",
        waives="HC-002",
        environment="sandbox",
        owner="Quality Assurance",
        ticket="PAY-1",
        reason="It was late.",
        compensating_control="None.",
        created=NOW.date(),
        expires=NOW.date(),
        state=WaiverState.EXPIRED,
    )
    said = shown(results.model_copy(update={"items": (item,), "waivers": (waiver,)}))
    assert "[red]<script>[/]" in said
    assert "waiver expired W-[bold]1" in said


def test_go_is_said_plainly(world: World) -> None:
    results = world.check()
    good = tuple(item.model_copy(update={"status": Status.PASSED}) for item in results.items)
    said = shown(results.model_copy(update={"items": good}))
    assert "What blocks" not in said
    assert "171 of 171 items" in said
    assert "NO-GO" not in said


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where evidence is recorded."""
    monkeypatch.setattr("checks.toolchain.REPOSITORY", tmp_path)
    return tmp_path


def test_a_result_from_elsewhere_is_recorded(repository: Path) -> None:
    file = repository / "load.json"
    file.write_text("{}", encoding="utf-8")
    code, said = called("evidence", "add", "load-stress", str(file), "--env", "staging", "--tool", "k6")
    assert code == 0, said
    assert said == "recorded in build/evidence/load-stress-staging.json\n"
    written = json.loads((repository / "build/evidence/load-stress-staging.json").read_text(encoding="utf-8"))
    assert (written["kind"], written["tool"], len(written["files"])) == ("load-stress", "k6", 1)


def test_what_records_itself_is_not_taken_from_elsewhere(repository: Path) -> None:
    file = repository / "tests.json"
    file.write_text("{}", encoding="utf-8")
    for kind in ("tests", "dependency-audit"):
        code, said = called("evidence", "add", kind, str(file), "--env", "prod")
        assert code == ExitCode.USAGE
        assert "EVIDENCE_UNKNOWN" in said


@pytest.mark.parametrize(
    ("kind", "env"),
    [
        ("load-stress", None),
        ("load-stress", "local"),
        ("load-stress", ""),
        ("load-stress", "PROD"),
        ("load-stress", "../../../outside"),
    ],
)
def test_a_run_of_nowhere_is_refused(repository: Path, kind: str, env: str | None) -> None:
    """It would be kept where the check never looks, or outside of the repository."""
    file = repository / "run.json"
    file.write_text("{}", encoding="utf-8")
    code, said = called("evidence", "add", kind, str(file), *(() if env is None else ("--env", env)))
    assert code == ExitCode.USAGE
    assert "EVIDENCE_OF_NOWHERE" in said
    assert not (repository / "build").exists()


@pytest.mark.parametrize("content", [None, "no json", "\xff", "[" * 100_000])
def test_what_is_no_json_is_refused(repository: Path, content: str | None) -> None:
    file = repository / "audit.json"
    if content is not None:
        file.write_text(content, encoding="latin-1")
    code, said = called("evidence", "add", "load-stress", str(file), "--env", "prod")
    assert code == ExitCode.USAGE
    assert "EVIDENCE_MALFORMED" in said


def test_a_record_can_be_begun() -> None:
    code, said = called("evidence", "template", "uat-payments")
    assert code == 0
    assert 'record = "uat-payments"' in said
    code, said = called("evidence", "template", "tea-party")
    assert code == ExitCode.USAGE
    assert "RECORD_UNKNOWN" in said


def test_no_record_of_a_sign_off_can_be_begun() -> None:
    code, said = called("evidence", "template", "signoff-security-officer")
    assert code == ExitCode.USAGE
    assert "RECORD_SIGNED" in said
    assert "hasivu signoff" in said


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], {}),
        (["readers"], {"prod": "readers"}),
        (["readers", "staging=others"], {"prod": "readers", "staging": "others"}),
        (["prod=readers"], {"prod": "readers"}),
    ],
)
def test_profiles_are_of_the_environment_unless_they_name_another(
    given: list[str], found: dict[str, str]
) -> None:
    assert profiles("prod", given) == found


@pytest.mark.parametrize("given", [["one", "two"], ["prod=one", "two"], [""], ["staging="], ["=one"]])
def test_a_profile_of_nobody_or_two_of_one_environment_are_refused(given: list[str]) -> None:
    with pytest.raises(HasivuError) as refused:
        profiles("prod", given)
    assert refused.value.code == "PROFILE_UNCLEAR"


def test_a_profile_reaches_the_survey_and_is_in_no_result(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def survey(env: str, **options: object) -> Results:
        asked.append(options["secrets_profiles"])
        return world.check()

    monkeypatch.setattr("checks.checklist.survey.survey", survey)
    monkeypatch.setenv("HASIVU_SECRETS_PROFILE", "readers")
    called("check", "--env", "sandbox", "--output", str(tmp_path), "--fail-on", "nothing")
    assert asked == [{"sandbox": "readers"}]
    assert b"readers" not in (tmp_path / "results.json").read_bytes()
