"""`hasivu report`: a folder that its manifest closes, the same twice; refusals that say what to do."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from checks import cli
from checks.checklist.model import Results
from checks.errors import ExitCode, HasivuError
from checks.report import commands
from checks.report.form import Form
from checks.report.model import Report
from checks.report.write import FILES, MANIFEST, render
from checks.report.write import write as written
from runtime.platform.canonical_json import canonical
from tests.checks.report.factory import AT, earlier, history, release, results, sound

RUNNER = CliRunner()


def put(path: Path, found: Results) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(found.canonical())
    return path


def run(*arguments: object) -> Any:
    result = RUNNER.invoke(cli.app, ["report", *map(str, arguments)], catch_exceptions=True)
    if isinstance(result.exception, HasivuError):
        raise result.exception
    return result


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_it_writes_every_form_and_the_manifest_names_every_file(tmp_path: Path) -> None:
    found = put(tmp_path / "in" / "results.json", results())
    before = put(tmp_path / "before" / "results.json", earlier())
    answer = run(found, "--output", tmp_path / "out", "--since", before.parent)
    assert answer.exit_code == ExitCode.OK
    assert "NO-GO prod: 22 blocking items open, 129 of 164 satisfied" in answer.output
    files = contents(tmp_path / "out")
    assert set(files) == {"results.json", "release.json", MANIFEST, *(name for name, _ in FILES.values())}
    assert files["results.json"] == results().canonical()
    manifest = json.loads(files.pop(MANIFEST))
    assert manifest["results_sha256"] == results().sha256
    assert manifest["files"] == [
        {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in sorted(files.items())
    ]
    assert "What changed" in files["report.html"].decode()
    assert "Rollback window" in files["report.html"].decode()
    assert len((tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_twice_is_the_same_and_later_runs_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_now", lambda: AT)
    found = put(tmp_path / "a" / "results.json", earlier())
    later = put(tmp_path / "b" / "results.json", results())
    run(found, "--output", tmp_path / "out" / "one")
    first = contents(tmp_path / "out" / "one")
    run(later, "--output", tmp_path / "out" / "two")
    run(found, "--output", tmp_path / "out" / "one")
    assert contents(tmp_path / "out" / "one") == first
    assert len((tmp_path / "out" / "history.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert "2 runs" in (tmp_path / "out" / "two" / "report.html").read_text(encoding="utf-8")


def test_another_process_and_another_seed_of_hashes_give_the_same_bytes(tmp_path: Path) -> None:
    found = results()
    here = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in render(Report(found, earlier(), release(), history(found))).items()
    }
    code = (
        "import hashlib, json; from checks.report.model import Report;"
        "from checks.report.write import render;"
        "from tests.checks.report.factory import *; found = results();"
        "print(json.dumps({name: hashlib.sha256(content).hexdigest() for name, content in"
        " render(Report(found, earlier(), release(), history(found))).items()}))"
    )
    root = Path(__file__).resolve().parents[3]
    for seed, zone in (("1", "Asia/Kolkata"), ("2", "America/New_York")):
        variables = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(root)}
        there = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=variables,
            cwd=tmp_path,
        )
        assert json.loads(there.stdout) == here


def test_only_the_forms_asked_for_are_written_and_older_ones_do_not_stay(tmp_path: Path) -> None:
    found = put(tmp_path / "results.json", sound())
    run(found, "--output", tmp_path / "out")
    run("--format", "badge", "--format", "markdown", found, "--output", tmp_path / "out", "--release", "none")
    assert set(contents(tmp_path / "out")) == {"results.json", MANIFEST, "badge.svg", "summary.md"}


def test_a_folder_is_taken_for_the_results_in_it(tmp_path: Path) -> None:
    put(tmp_path / "results.json", sound())
    only = ("--output", tmp_path / "out", "--format", "badge", "--release", "none")
    assert run(tmp_path, *only).output.startswith("GO prod")


def generated(at: str) -> bytes:
    return canonical(json.loads(sound().canonical()) | {"generated_at": at})


def without_a_section() -> bytes:
    found = json.loads(results().canonical())
    found["items"][0]["section"] = []
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "Invalid JSON"),
        (b"{}", "Field required"),
        (json.dumps(json.loads(sound().canonical()), indent=1).encode(), "canonical"),
        (sound().canonical().replace(b'"pass"', b'"fine"', 1), "status"),
        (b"[" * 100_000, "JSON"),
        (b"\xff\xfe", "JSON"),
        (generated("9999-12-31T23:59:59Z"), "generated_at: Value error, its year is not one of 2000 to 2999"),
        (generated("0001-01-01T00:00:00+23:00"), "generated_at: Value error, no clock shows it"),
        (generated("2026-11-26T10:00:00+05:30"), "canonical"),
        (without_a_section(), "items.0.section: Tuple should have at least 1 item"),
    ],
)
def test_what_are_no_results_is_refused(tmp_path: Path, document: bytes, why: str) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(document)
    with pytest.raises(HasivuError) as refused:
        run(path, "--output", tmp_path / "out")
    assert refused.value.code == "RESULTS_UNREADABLE"
    assert refused.value.exit_code == ExitCode.USAGE
    assert why in refused.value.message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["write", "diff"])
def test_what_never_ends_is_not_read(tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "results.json")
    with pytest.raises(HasivuError, match="not a file"):
        run(command, tmp_path, *([tmp_path] if command == "diff" else []))


@pytest.mark.parametrize("name", ["folder", "file/history.jsonl", "pipe"])
def test_a_history_that_cannot_be_kept_is_told(tmp_path: Path, name: str) -> None:
    found = put(tmp_path / "results.json", sound())
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HasivuError) as refused:
        run(found, "--output", tmp_path / "out", "--format", "csv", "--history", tmp_path / name)
    assert refused.value.code == "HISTORY_UNFIT"


@pytest.mark.parametrize("name", ["", "nowhere/diff.txt"])
def test_a_comparison_that_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    found = put(tmp_path / "results.json", sound())
    with pytest.raises(HasivuError) as refused:
        run("diff", found, found, "--output", tmp_path / name)
    assert refused.value.code == "COMPARISON_NOT_WRITTEN"


def test_results_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HasivuError, match="No such file"):
        run(tmp_path / "nothing.json")


def test_a_release_that_nobody_wrote_down_is_refused(tmp_path: Path) -> None:
    found = put(tmp_path / "results.json", sound())
    with pytest.raises(HasivuError) as refused:
        run(found, "--output", tmp_path / "out", "--release", "prod-0009", "--records", tmp_path)
    assert refused.value.code == "RELEASE_UNKNOWN"
    assert not (tmp_path / "out").exists()


def test_a_signature_of_another_list_of_files_does_not_stay(tmp_path: Path) -> None:
    """The results' signature stays as long as they are the same, whatever is shown beside them."""
    found, folder = put(tmp_path / "results.json", sound()), tmp_path / "out"
    run(found, "--output", folder, "--release", "none", "--format", "badge")
    for name in ("results.json.sig", "manifest.json.sig"):
        (folder / name).write_text("signed", encoding="utf-8")
    run(found, "--output", folder, "--release", "none", "--format", "badge")
    assert (folder / "manifest.json.sig").exists()
    run(found, "--output", folder, "--release", "none", "--format", "csv")
    assert (folder / "results.json.sig").exists()
    assert not (folder / "manifest.json.sig").exists()
    other = put(tmp_path / "other" / "results.json", results())
    run(other, "--output", folder, "--release", "none", "--format", "csv")
    assert not (folder / "results.json.sig").exists()


def test_private_data_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    found = put(tmp_path / "results.json", sound(notes=("asha@hasivu.example told",)))
    with pytest.raises(HasivuError) as refused:
        run(found, "--output", tmp_path / "out")
    assert refused.value.code == "REPORT_PRIVATE_DATA"
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "history.jsonl").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    found = put(tmp_path / "results.json", sound())
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(HasivuError) as refused:
        run(found, "--output", tmp_path / "out", "--history", tmp_path / "history.jsonl")
    assert refused.value.code == "REPORT_NOT_WRITTEN"


def test_a_crash_between_two_files_leaves_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    written(Report(sound()), folder, [Form.BADGE, Form.CSV])
    real, count = os.fsync, iter(range(10))

    def crash(number: int) -> None:
        if next(count) == 1:
            raise KeyboardInterrupt
        real(number)

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        written(Report(results()), folder, [Form.BADGE, Form.CSV])
    assert not (folder / MANIFEST).exists()
    monkeypatch.undo()
    written(Report(results()), folder, [Form.BADGE, Form.CSV])
    assert json.loads((folder / MANIFEST).read_bytes())["results_sha256"] == results().sha256


@pytest.mark.parametrize(
    ("form", "start"), [("text", "prod "), ("markdown", "## What changed"), ("html", "<!doctype html>")]
)
def test_what_changed_is_shown_in_three_forms(tmp_path: Path, form: str, start: str) -> None:
    before, after = put(tmp_path / "a.json", earlier()), put(tmp_path / "b.json", results())
    answer = run("diff", before, after, "--format", form)
    assert answer.exit_code == ExitCode.OK
    assert answer.output.startswith(start)
    assert "new fail" in answer.output.lower()
    target = tmp_path / "told"
    run("diff", before, after, "--format", form, "--output", target)
    assert target.read_text(encoding="utf-8") == answer.output


def test_a_build_can_fail_on_what_is_worse(tmp_path: Path) -> None:
    good, bad = put(tmp_path / "a.json", sound()), put(tmp_path / "b.json", results())
    assert run("diff", good, bad, "--fail-on-setback").exit_code == ExitCode.CHECK_FAILED
    assert run("diff", good, good, "--fail-on-setback").exit_code == ExitCode.OK


@pytest.mark.parametrize("command", [(), ("diff",), ("write",)], ids=["report", "diff", "write"])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    answer = RUNNER.invoke(cli.app, ["report", *command, "--help"])
    assert answer.exit_code == ExitCode.OK
    assert "Usage" in answer.output


def test_the_help_loads_neither_the_page_nor_the_pdf() -> None:
    slow = ("jinja2", "fpdf", "checks.report.page", "checks.checklist.model", "pydantic")
    code = f"import sys; import checks.cli; print([name for name in {slow} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
