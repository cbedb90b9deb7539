"""Runs record themselves: the tests by a plugin, the checks of the code by their runner."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.checklist.digests import source_sha256
from checks.errors import HasivuError
from checks.evidence import lint, pytest_plugin
from checks.evidence.run_record import RunRecord, commit_of, look, place_of, record
from checks.toolchain import REPOSITORY

pytest_plugins = ["pytester"]

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SUITE = "def test_good(): pass\ndef test_other(): pass\n"


@pytest.fixture
def recorded(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite whose runs are recorded into its own folder."""
    monkeypatch.setattr(pytest_plugin, "REPOSITORY", pytester.path)
    pytester.makeini("[pytest]\ntestpaths = test_suite.py\n")
    pytester.makepyfile(test_suite=SUITE)
    return pytester


def ran(pytester: pytest.Pytester, *arguments: str) -> RunRecord:
    pytester.inline_run(
        *("-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist", "-p", "checks.evidence.pytest_plugin"),
        *("--junitxml", "left/junit.xml", "--evidence", "tests", "--evidence-file", "left/junit.xml"),
        *arguments,
    )
    place = place_of("tests", "local", repository=pytester.path)
    return RunRecord.model_validate_json(place.read_bytes())


def test_a_run_of_everything_is_recorded_whole(recorded: pytest.Pytester) -> None:
    found = ran(recorded)
    assert (found.outcome, found.whole, found.tool) == ("passed", True, "pytest")
    assert [file.path for file in found.files] == ["left/junit.xml"]
    assert b"test_good" in (recorded.path / "left/junit.xml").read_bytes()


@pytest.mark.parametrize(
    "selection", [("-k", "good"), ("test_suite.py::test_good",), ("--deselect", "test_suite.py::test_good")]
)
def test_a_selection_is_recorded_as_one(recorded: pytest.Pytester, selection: tuple[str, ...]) -> None:
    found = ran(recorded, *selection)
    assert (found.outcome, found.whole) == ("passed", False)


def test_a_failure_is_recorded_as_one(recorded: pytest.Pytester) -> None:
    recorded.makepyfile(test_suite="def test_bad(): assert False\n")
    assert ran(recorded).outcome == "failed"


def test_sources_that_change_while_it_runs_make_it_a_failure(
    recorded: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = iter(("a" * 64, "b" * 64))
    monkeypatch.setattr(pytest_plugin, "source_sha256", lambda: next(digests))
    found = ran(recorded)
    assert (found.outcome, found.source_sha256) == ("failed", "a" * 64)


def test_without_being_asked_nothing_is_recorded(recorded: pytest.Pytester) -> None:
    recorded.inline_run("-p", "no:cacheprovider", "-p", "no:cov", "-p", "checks.evidence.pytest_plugin")
    assert not place_of("tests", "local", repository=recorded.path).exists()


def python(code: str) -> tuple[str, ...]:
    return (Path(sys.executable).name, "-c", code)


@pytest.mark.parametrize(("exit_code", "passed"), [(0, True), (3, False)])
def test_every_check_of_the_code_runs_to_its_end_and_is_recorded(
    tmp_path: Path, exit_code: int, passed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = {
        "mypy": python(f"print('looked'); raise SystemExit({exit_code})"),
        "ruff": python("print('too')"),
    }
    assert lint.run(commands, repository=tmp_path) is passed
    assert capsys.readouterr().out == "looked\ntoo\n"
    said = json.loads((tmp_path / "build/evidence/lint/results.json").read_text(encoding="utf-8"))
    assert {name: result["exit_code"] for name, result in said.items()} == {"mypy": exit_code, "ruff": 0}
    seen = look("lint", source_sha256=source_sha256(tmp_path), now=datetime.now(UTC), repository=tmp_path)
    assert seen.record is not None
    assert seen.record.outcome == ("passed" if passed else "failed")


def test_the_makefile_records_what_the_checklist_reads() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for words in ("--evidence tests", "--evidence benchmarks", "-m checks.evidence.lint"):
        assert words in makefile


def test_a_run_that_left_nothing_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(HasivuError) as refused:
        record(
            "tests",
            source_sha256="a" * 64,
            began_at=NOW,
            ended_at=NOW,
            tool="t",
            tool_version="1",
            passed=True,
            files=[tmp_path / "none.xml"],
            repository=tmp_path,
        )
    assert refused.value.code == "EVIDENCE_MISSING"


def test_a_commit_says_whether_the_tree_differs_from_it(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == "unknown"

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@hasivu.example")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)  # noqa: S607

    git("init", "--quiet")
    (tmp_path / "file").write_text("one", encoding="utf-8")
    git("add", "file")
    git("commit", "--quiet", "-m", "one")
    clean = commit_of(tmp_path)
    assert len(clean) == 40
    (tmp_path / "file").write_text("two", encoding="utf-8")
    assert commit_of(tmp_path) == f"{clean}+changes"


def test_no_git_is_an_unknown_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", _no_git)
    assert commit_of(tmp_path) == "unknown"


def _no_git(*_: object, **__: object) -> None:
    raise FileNotFoundError("git")
