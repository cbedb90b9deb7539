"""A report keeps what runs left for it: moved to another machine, it still holds."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from checks import cli
from checks.checklist.model import Evidence, Results
from checks.errors import ExitCode
from checks.release import report_files
from checks.release.verify import verify
from checks.report import evidence_files
from checks.report.write import MANIFEST
from tests.checks.release.world import REPORTED, RUNNER, SIGNERS, item
from tests.checks.release.world import results as of_release

JUNIT = "build/evidence/tests/junit.xml"
RECORD = "compliance/records/prod/uat.toml"


def evidence(path: str, content: bytes) -> Evidence:
    return Evidence(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        kind="tests",
        collected_at=REPORTED,
        tool="pytest",
    )


def results(**files: bytes) -> Results:
    """Results that rest on the tests' report and on a person's record, or on ``files``."""
    found = {JUNIT: b"<testsuites/>", RECORD: b"who"} | files
    return of_release(items=(item("one"),), evidence=tuple(evidence(*each) for each in sorted(found.items())))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs left their files."""
    folder = tmp_path / "repository"
    for name, content in ((JUNIT, b"<testsuites/>"), (RECORD, b"who")):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(content)
    monkeypatch.setattr("checks.toolchain.REPOSITORY", folder)
    return folder


def put(folder: Path, found: Results) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(found.canonical())
    return folder


def report(source: Path, output: Path, *more: str) -> Result:
    arguments = ["report", str(source), "--output", str(output), "--release", "none", "--format", "badge"]
    result = CliRunner().invoke(cli.app, [*arguments, *more])
    assert result.exit_code == ExitCode.OK, result.output
    return result


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_report_that_is_moved_still_holds(tmp_path: Path, repository: Path) -> None:
    source = put(tmp_path / "in", results())
    said = report(source, tmp_path / "out").output
    assert "not at hand" not in said
    report_files.sign(tmp_path / "out", RUNNER)
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "out", moved)
    (repository / JUNIT).unlink()
    assert verify(moved, SIGNERS, repository=repository).findings == ()
    (moved / JUNIT).write_bytes(b"<testsuites />")
    found = verify(moved, SIGNERS, repository=repository).findings
    assert {(each.code, each.path) for each in found} == {("altered", JUNIT)}


def test_what_is_committed_stays_where_its_commit_keeps_it(tmp_path: Path, repository: Path) -> None:
    """A person's record says who it was, which no report shows."""
    report(put(tmp_path / "in", results()), tmp_path / "out")
    assert files(tmp_path / "out") == {"badge.svg", "results.json", MANIFEST, JUNIT}


def test_a_report_of_a_report_takes_the_evidence_along(tmp_path: Path, repository: Path) -> None:
    report(put(tmp_path / "in", results()), tmp_path / "out")
    (repository / JUNIT).write_bytes(b"<another run/>")
    again = report(tmp_path / "out", tmp_path / "again")
    assert "not at hand" not in again.output
    assert (tmp_path / "again" / JUNIT).read_bytes() == b"<testsuites/>"
    report(tmp_path / "out", tmp_path / "out")
    assert (tmp_path / "out" / JUNIT).read_bytes() == b"<testsuites/>"


@pytest.mark.parametrize("change", ["altered", "missing", "link", "folder"])
def test_what_is_not_as_it_was_is_told_and_not_taken(tmp_path: Path, repository: Path, change: str) -> None:
    path = repository / JUNIT
    path.unlink()
    match change:
        case "altered":
            path.write_bytes(b"<testsuites></testsuites>")
        case "link":
            (repository / "real").write_bytes(b"<testsuites/>")
            path.symlink_to(repository / "real")
        case "folder":
            path.mkdir()
    said = report(put(tmp_path / "in", results()), tmp_path / "out").output
    assert f"not at hand as it was, so that `hasivu verify` will miss it: {JUNIT}" in said
    assert JUNIT not in files(tmp_path / "out")


@pytest.mark.parametrize("path", ["build/../../secret", "/etc/hostname", "build/../secret", "../secret"])
def test_no_path_leads_out_of_the_places(tmp_path: Path, repository: Path, path: str) -> None:
    for secret in (tmp_path / "secret", repository / "secret"):
        secret.write_bytes(b"secret")
    found = results(**{path: b"secret"})
    report(put(tmp_path / "in", found), tmp_path / "out")
    assert not any(each.read_bytes() == b"secret" for each in (tmp_path / "out").rglob("*") if each.is_file())


def test_evidence_of_an_earlier_report_does_not_stay(tmp_path: Path, repository: Path) -> None:
    report(put(tmp_path / "in", results()), tmp_path / "out")
    less = of_release(items=(item("one"),))
    report(put(tmp_path / "later", less), tmp_path / "out")
    report_files.sign(tmp_path / "out", RUNNER)
    assert verify(tmp_path / "out", SIGNERS).findings == ()


@pytest.mark.parametrize(
    "listed",
    [
        b"{}",
        b"no",
        b"[" * 100_000,
        json.dumps({"files": [{"path": 7}]}).encode(),
        json.dumps({"files": [{"path": "build/../../kept"}, {"path": "kept"}, {"path": "/kept"}]}).encode(),
    ],
)
def test_what_an_earlier_manifest_says_takes_nothing_else_away(
    tmp_path: Path, repository: Path, listed: bytes
) -> None:
    (tmp_path / "kept").write_text("kept")
    output = tmp_path / "out"
    output.mkdir()
    (output / "kept").write_text("kept")
    (output / MANIFEST).write_bytes(listed)
    report(put(tmp_path / "in", results()), output)
    assert (tmp_path / "kept").exists()
    assert (output / "kept").exists()


def test_there_is_a_limit_to_all_of_them_together(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_files, "BYTES_MAX", 20)
    more: dict[str, Any] = {"build/evidence/b": b"x" * 9}
    (repository / "build/evidence/b").write_bytes(b"x" * 9)
    gathered = evidence_files.gather(results(**more), [repository])
    assert gathered.absent == (JUNIT,)
    assert sum(map(len, gathered.contents.values())) <= 20
