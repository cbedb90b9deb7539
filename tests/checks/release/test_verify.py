"""Verifying a report years later: whatever is altered, removed or added is found and named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.checklist.model import Results
from checks.release import report_files
from checks.release.allowed_signers import AllowedSigners
from checks.release.documents import DocumentRefused
from checks.release.verify import Verification, verify
from tests.checks.release.test_records import Estate
from tests.checks.release.world import (
    OWNER,
    REPORTED,
    ROLES,
    RUNNER,
    SIGNERS,
    Case,
    decision,
    evidence,
    keep,
    results,
    write_report,
)

UAT = b"# UAT\nIt works.\n"


def whole(folder: Path) -> Results:
    """A report with evidence, one file in a folder of its own, and all nine decisions."""
    found = results(evidence=(evidence("evidence/uat.md", UAT),))
    write_report(folder, found, {"evidence/uat.md": UAT, "assets/badge.svg": b"<svg/>"})
    Case(folder=folder, found=found).approve(*ROLES)
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    whole(folder)
    return folder


@pytest.fixture
def report(tmp_path: Path) -> Path:
    whole(tmp_path / "report")
    return tmp_path / "report"


def codes(found: Verification) -> set[tuple[str, str]]:
    return {(finding.code, finding.path) for finding in found.findings}


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_whole_report_holds(shared: Path) -> None:
    found = verify(shared, SIGNERS)
    assert found.findings == ()
    assert found.holds
    assert found.signed_by == "runner@hasivu.example"
    assert len(found.signoffs) == 9
    assert len(files(shared)) == 5 + 2 + 18


@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_byte_of_any_file_that_changes_is_found(shared: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files(shared)), label="file")
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1), label="at")
    other = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]), label="byte")
    try:
        path.write_bytes(content[:at] + bytes([other]) + content[at + 1 :])
        assert not verify(shared, SIGNERS).holds
    finally:
        path.write_bytes(content)


@given(st.data(), st.binary(min_size=1, max_size=9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_anything_that_is_appended_or_cut_off_is_found(
    shared: Path, data: st.DataObject, more: bytes
) -> None:
    path = data.draw(st.sampled_from(files(shared)), label="file")
    content = path.read_bytes()
    try:
        for altered in (content + more, content[: -len(more)], more + content):
            path.write_bytes(altered)
            assert not verify(shared, SIGNERS).holds
    finally:
        path.write_bytes(content)


def test_any_file_that_is_removed_is_found(shared: Path) -> None:
    """But a decision with its signature: that is missed by the go-live that rests on it, see below."""
    for path in files(shared):
        content = path.read_bytes()
        path.unlink()
        assert not verify(shared, SIGNERS).holds, path.name
        path.write_bytes(content)
    assert verify(shared, SIGNERS).holds


def test_without_a_list_of_files_that_alone_is_told(report: Path) -> None:
    (report / "manifest.json.sig").unlink()
    assert codes(verify(report, SIGNERS)) == {("missing", "manifest.json.sig")}


@pytest.mark.parametrize(
    "name", ["x", ".hidden", "evidence/x", "signoffs/x", "new/folder/x", "results.json.bak"]
)
def test_any_file_that_is_added_is_found(report: Path, name: str) -> None:
    (report / name).parent.mkdir(parents=True, exist_ok=True)
    (report / name).write_bytes(b"x")
    assert ("unexpected", name) in codes(verify(report, SIGNERS))


@pytest.mark.parametrize("target", ["/etc/passwd", "report.html", "nowhere"])
def test_a_link_is_named_and_followed_nowhere(report: Path, target: str) -> None:
    (report / "link").symlink_to(target)
    assert codes(verify(report, SIGNERS)) == {("symlink", "link")}


def test_a_file_that_became_a_link_to_the_same_content_is_found(report: Path, tmp_path: Path) -> None:
    (report / "report.html").rename(tmp_path / "same.html")
    (report / "report.html").symlink_to(tmp_path / "same.html")
    assert ("symlink", "report.html") in codes(verify(report, SIGNERS))


def _relist(report: Path, listed: object) -> None:
    (report / "manifest.json").write_text(json.dumps(listed))
    report_files.sign(report, RUNNER)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "a\\b", "", "."])
def test_a_list_that_leads_out_of_the_folder_is_refused(report: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("x")
    listed = json.loads((report / "manifest.json").read_text())
    _relist(report, [*listed, {"path": path, "sha256": "a" * 64, "size": 1}])
    found = verify(report, SIGNERS)
    assert {code for code, _ in codes(found)} & {"outside", "not-a-file", "missing"}


def test_a_list_of_another_report_does_not_pass(report: Path, tmp_path: Path) -> None:
    other = write_report(tmp_path / "other", results(commit="d" * 40))
    for name in ("manifest.json", "manifest.json.sig"):
        (report / name).write_bytes((other / name).read_bytes())
    assert ("altered", "results.json") in codes(verify(report, SIGNERS))


def test_a_list_without_the_results_does_not_pass(report: Path) -> None:
    listed = json.loads((report / "manifest.json").read_text())
    _relist(report, [each for each in listed if each["path"] != "results.json"])
    assert ("malformed", "manifest.json") in codes(verify(report, SIGNERS))


@pytest.mark.parametrize("listed", [[1], {"files": None}, "x", [{"path": "x"}], None])
def test_what_is_no_list_is_not_signed(report: Path, listed: object) -> None:
    with pytest.raises(DocumentRefused, match="no list"):
        _relist(report, listed)


def test_a_list_with_a_name_around_it_is_taken(report: Path) -> None:
    listed = json.loads((report / "manifest.json").read_text())
    _relist(report, {"files": listed})
    assert verify(report, SIGNERS).holds


def test_evidence_may_be_in_the_repository(tmp_path: Path) -> None:
    found = results(evidence=(evidence("docs/uat.md", UAT),))
    report = write_report(tmp_path / "report", found)
    assert ("missing", "docs/uat.md") in codes(verify(report, SIGNERS))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "uat.md").write_bytes(UAT)
    assert verify(report, SIGNERS, repository=tmp_path).holds
    (tmp_path / "docs" / "uat.md").write_bytes(UAT + b" ")
    assert ("altered", "docs/uat.md") in codes(verify(report, SIGNERS, repository=tmp_path))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "malformed"),
        (b'{"schema":"hasivu.results/1"}', "malformed"),
        (b"[" * 100_000, "malformed"),
        (results().canonical() + b"\n", "not-canonical"),
        (json.dumps(json.loads(results().canonical())).encode(), "not-canonical"),
    ],
)
def test_bad_results_are_named_and_nothing_crashes(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "results.json").write_bytes(content)
    found = verify(tmp_path, SIGNERS)
    assert codes(found) == {(code, "results.json")}
    assert not found.holds


@pytest.mark.parametrize("kind", ["folder", "pipe", "deep"])
@pytest.mark.parametrize(
    "name",
    ["results.json", "results.json.sig", "manifest.json", "report.html", "signoffs/security-officer.1.json"],
)
def test_what_is_no_file_is_named_and_nothing_hangs(report: Path, name: str, kind: str) -> None:
    (report / name).unlink()
    if kind == "pipe":
        os.mkfifo(report / name)
    else:
        made = [report / name]
        for _ in range(1200 if kind == "deep" else 1):
            made[-1].mkdir()
            made.append(made[-1] / "d")
    assert ("not-a-file", name) in codes(verify(report, SIGNERS))
    if kind == "deep":
        for folder in reversed(made[:-1]):
            folder.rmdir()  # deeper than whatever clears up afterwards can go


@pytest.mark.parametrize("path", ["x" * 300, "a/" * 3000 + "b", "a\0b", "report.html/x", "\x1b[2J"])
def test_evidence_with_a_name_that_no_file_can_have_is_a_finding(tmp_path: Path, path: str) -> None:
    report = write_report(tmp_path / "report", results(evidence=(evidence(path, UAT),)))
    found = verify(report, SIGNERS, repository=tmp_path)
    assert {code for code, _ in codes(found)} <= {"not-a-file", "missing", "outside"}
    assert not found.holds


def test_an_empty_folder_is_no_report(tmp_path: Path) -> None:
    assert codes(verify(tmp_path, SIGNERS)) == {("missing", "results.json")}


def test_a_report_that_nobody_may_sign_does_not_pass(report: Path) -> None:
    found = verify(report, AllowedSigners(()))
    assert ("not-allowed", "results.json.sig") in codes(found)
    assert not found.signoffs


def test_a_key_for_releases_does_not_sign_reports(report: Path) -> None:
    report_files.sign(report, OWNER)
    assert ("not-allowed", "results.json.sig") in codes(verify(report, SIGNERS))


def test_a_decision_about_another_report_is_out_of_place(report: Path) -> None:
    keep(report, decision(results(), "security-officer"))
    assert ("other-report", "signoffs/security-officer.1.json") in codes(verify(report, SIGNERS))


def test_a_row_of_decisions_with_a_gap_is_found(report: Path) -> None:
    found = report_files.read_results(report)
    first = decision(found, "security-officer")
    keep(report, decision(found, "security-officer", before=first, ticket="OPS-7"))
    assert verify(report, SIGNERS).holds
    for end in ("", ".sig"):
        (report / "signoffs" / f"security-officer.1.json{end}").unlink()
    assert ("chain", "signoffs/security-officer.2.json") in codes(verify(report, SIGNERS))


# --- with the records of go-lives ---


def test_the_go_live_that_rests_on_it_is_found_and_misses_what_is_taken_away(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    found = results(generated_at=REPORTED)
    write_report(tmp_path / "report", found)
    estate.prepare(found)
    estate.deploy(2)
    live = estate.open()
    records = tmp_path / "releases"
    verification = verify(tmp_path / "report", SIGNERS, records=records)
    assert verification.holds
    assert verification.go_live == live
    assert verification.deployments[0].window is not None
    for end in ("", ".sig"):
        (tmp_path / "report" / "signoffs" / f"security-officer.1.json{end}").unlink()
    assert verify(tmp_path / "report", SIGNERS).holds
    after = verify(tmp_path / "report", SIGNERS, records=records)
    assert codes(after) == {("missing", "signoffs/security-officer")}


def test_an_altered_chain_is_found(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.release(2)
    write_report(tmp_path / "report", results())
    path = tmp_path / "releases" / "prod" / "0001" / "go-live.json"
    path.write_bytes(path.read_bytes().replace(b"OPS-1", b"OPS-2"))
    found = verify(tmp_path / "report", SIGNERS, records=tmp_path / "releases")
    assert {code for code, _ in codes(found)} == {"signature"}


def test_the_manifest_as_a_report_has_it_is_taken(report: Path) -> None:
    """``files`` beside the schema, the environment and the digest of the results."""
    listed = json.loads((report / "manifest.json").read_text())
    about = {"schema": "hasivu.manifest/1", "environment": "prod", "results_sha256": "a" * 64}
    _relist(report, about | {"files": listed})
    assert verify(report, SIGNERS).holds


def ended_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_what_a_crash_left_half_written_goes_when_it_is_written_again(report: Path) -> None:
    """Otherwise nothing would hold with it, however often the command that was cut off is run again."""
    left = report / f".results.json.sig.{ended_process()}"
    left.write_bytes(b"half")
    assert codes(verify(report, SIGNERS)) == {("unexpected", left.name)}
    report_files.sign(report, RUNNER)
    assert verify(report, SIGNERS).holds


@pytest.mark.parametrize("name", [".results.json.sig.1x", ".results.json.sig.0", ".other.sig.1"])
def test_nothing_else_goes_with_it(report: Path, name: str) -> None:
    (report / name).touch()
    running = report / f".results.json.sig.{os.getppid()}"
    running.touch()
    report_files.sign(report, RUNNER)
    assert codes(verify(report, SIGNERS)) == {("unexpected", name), ("unexpected", running.name)}
