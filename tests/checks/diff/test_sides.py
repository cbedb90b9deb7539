"""From a revision to a report, on a repository small enough to need neither the CDK nor a minute."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from checks import cli
from checks.diff import run, sides
from checks.errors import ExitCode, HasivuError

APP = '''
"""Writes an assembly by hand: the table and the function of environments/<env>.toml."""
import hashlib, json, os, pathlib, tomllib
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
seen = sorted(name for name in os.environ if name.startswith("AWS_"))
assert not seen, seen
settings = tomllib.loads(pathlib.Path(f"environments/{context['env']}.toml").read_text())
account = context.get("account") or settings["account"]
bundle = pathlib.Path(context["bundles"], "functions/pay/runtime")
code = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(bundle.iterdir()))).hexdigest()
name = "Data"
template = {"Resources": {
    "Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": {
        "TableName": f"{settings['table']}-{context['env']}",
        "Tags": [{"Key": "owner", "Value": f"arn:aws:iam::{account}:root"}],
    }},
    "Pay": {"Type": "AWS::Lambda::Function", "Properties": {
        "Code": {"S3Key": code + ".zip"}, "MemorySize": settings["memory"],
    }},
}}
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir(parents=True)
(out / "Data.template.json").write_text(json.dumps(template))
(out / "manifest.json").write_text(json.dumps({"artifacts": {"Data": {
    "type": "aws:cloudformation:stack",
    "environment": f"aws://{account}/ap-south-1",
    "properties": {"templateFile": "Data.template.json", "stackName": f"x-{context['env']}-data"},
}}}))
'''


def git(repository: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    subprocess.run(
        ["git", *identity, *arguments],  # noqa: S607  (the git on PATH)
        cwd=repository,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with two environments and one function, and a branch `released` at its first commit."""
    root = tmp_path / "checkout"
    for folder in ("environments", "runtime/functions"):
        (root / folder).mkdir(parents=True)
    (root / "app.py").write_text(APP)
    (root / "pyproject.toml").write_text('[project]\nname = "x"\n')
    for name in ("dev", "prod"):
        (root / "environments" / f"{name}.toml").write_text('table = "payments"\nmemory = 512\n')
    for package in ("runtime", "runtime/functions"):
        (root / package / "__init__.py").write_text("")
    (root / "runtime" / "functions" / "pay.py").write_text("from runtime import money\n")
    (root / "runtime" / "money.py").write_text("PAISE = 100\n")
    git(root, "init", "--initial-branch", "released")
    git(root, "add", ".")
    git(root, "commit", "--message", "first")
    git(root, "checkout", "-b", "work")
    return root


def write(
    repository: Path, environment: str, *, table: str = "payments", memory: int = 512, more: str = ""
) -> None:
    text = f'table = "{table}"\nmemory = {memory}\n{more}'
    (repository / "environments" / f"{environment}.toml").write_text(text)


def test_an_untouched_checkout_changes_nothing_in_any_environment(repository: Path) -> None:
    report = run.diff("released", repository=repository)
    assert not report.has_changes
    assert [diff.environments for diff in report.diffs] == [("dev", "prod")]


def test_a_changed_import_of_a_function_is_a_change_of_its_code(repository: Path) -> None:
    (repository / "runtime" / "money.py").write_text("PAISE = 1_00\n")
    (diff,) = run.diff("released", repository=repository).diffs
    assert diff.environments == ("dev", "prod")
    assert [(change.logical_id, change.effect) for change in diff.changes] == [("Pay", "code")]


def test_what_no_function_imports_changes_nothing(repository: Path) -> None:
    (repository / "runtime" / "unused.py").write_text("X = 1\n")
    assert not run.diff("released", repository=repository).has_changes


def test_environments_that_differ_unlike_are_told_apart(repository: Path) -> None:
    write(repository, "prod", table="charges")
    dev, prod = run.diff("released", repository=repository).diffs
    assert (dev.environments, dev.is_empty) == (("dev",), True)
    assert {finding.kind for finding in prod.findings} == {"replaced"}


def test_an_account_that_is_written_down_at_last_is_no_change(repository: Path) -> None:
    write(repository, "prod", more='account = "123456789012"\n')
    assert not run.diff("released", repository=repository).has_changes


def test_a_new_environment_is_all_new(repository: Path) -> None:
    write(repository, "staging")
    found = {diff.environments: diff for diff in run.diff("released", repository=repository).diffs}
    assert {change.effect for change in found[("staging",)].changes} == {"added"}


def test_what_the_base_has_since_got_is_not_ours(repository: Path) -> None:
    """The merge base counts, not the tip: another's merged change is not shown as our removal."""
    git(repository, "checkout", "released")
    write(repository, "dev", memory=2048)
    git(repository, "commit", "--all", "--message", "another's")
    git(repository, "checkout", "work")
    assert not run.diff("released", repository=repository).has_changes


def test_the_repository_is_left_as_it_was(repository: Path) -> None:
    def state() -> tuple[str, list[str]]:
        status = subprocess.run(
            ["git", "status", "--porcelain", "--ignored"],  # noqa: S607  (the git on PATH)
            cwd=repository,
            capture_output=True,
            text=True,
            check=True,
        )
        return status.stdout, sorted(str(path) for path in (repository / ".git").glob("worktrees/*"))

    before = state()
    run.diff("released", repository=repository)
    assert state() == before


def test_credentials_of_the_person_at_the_keyboard_do_not_get_in(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "999999999999")
    assert not run.diff("released", repository=repository).has_changes


@pytest.mark.parametrize("revision", ["nowhere", "--output=/tmp/x", "-x"])
def test_an_unknown_revision_says_what_to_do(repository: Path, revision: str) -> None:
    with pytest.raises(HasivuError) as refused:
        run.diff(revision, repository=repository)
    assert refused.value.code == "REVISION_UNKNOWN"
    assert refused.value.exit_code == ExitCode.USAGE


def test_an_unknown_environment_says_which_there_are(repository: Path) -> None:
    with pytest.raises(HasivuError) as refused:
        run.diff("released", environments=["live"], repository=repository)
    assert refused.value.code == "ENVIRONMENT_UNKNOWN"
    assert "dev, prod" in refused.value.next_step


@pytest.mark.parametrize(("broken", "side"), [("head", "this checkout"), ("base", "the base")])
def test_a_side_that_does_not_synthesise_is_named_with_what_it_said(
    repository: Path, broken: str, side: str
) -> None:
    (repository / "app.py").write_text('raise SystemExit("dev.toml: memory: is missing")\n')
    if broken == "base":
        git(repository, "commit", "--all", "--message", "broken")
        git(repository, "branch", "--force", "released")
        (repository / "app.py").write_text(APP)
    with pytest.raises(HasivuError) as refused:
        run.diff("released", repository=repository)
    assert refused.value.code == "SYNTH_FAILED"
    assert side in refused.value.message
    assert "memory: is missing" in refused.value.detail


def test_a_base_from_before_there_was_an_app_is_empty(repository: Path) -> None:
    git(repository, "checkout", "released")
    (repository / "app.py").unlink()
    git(repository, "commit", "--all", "--message", "no app yet", "--amend")
    git(repository, "checkout", "-B", "work")
    (repository / "app.py").write_text(APP)
    (diff,) = run.diff("released", repository=repository).diffs
    assert {change.effect for change in diff.changes} == {"added"}


def invoke(repository: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    compared = run.diff

    def here(base: str, **options: Any) -> Any:
        return compared(base, **(options | {"repository": repository}))

    monkeypatch.setattr(run, "diff", here)
    return CliRunner().invoke(cli.app, ["diff", "--base", "released", "--env", "prod", *arguments])


@pytest.mark.parametrize(
    ("change", "arguments", "code"),
    [
        ({}, (), ExitCode.OK),
        ({}, ("--fail-on", "any-change"), ExitCode.OK),
        ({"memory": 1024}, (), ExitCode.OK),
        ({"memory": 1024}, ("--fail-on", "any-change"), ExitCode.CHANGES),
        ({"table": "charges"}, (), ExitCode.DESTRUCTIVE),
        ({"table": "charges"}, ("--fail-on", "broadening"), ExitCode.OK),
        ({"table": "charges"}, ("--fail-on", "nothing"), ExitCode.OK),
    ],
)
def test_the_exit_code_says_what_was_found_and_asked_for(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    arguments: tuple[str, ...],
    code: ExitCode,
) -> None:
    write(repository, "prod", **change)
    assert invoke(repository, monkeypatch, *arguments).exit_code == code


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_the_report_goes_to_a_file_where_one_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str
) -> None:
    write(repository, "prod", memory=1024)
    output = tmp_path / "diff.md"
    result = invoke(repository, monkeypatch, "--format", form, "--output", str(output))
    assert result.exit_code == ExitCode.OK
    assert "MemorySize" in output.read_text(encoding="utf-8")


def test_fingerprints_need_nothing_but_the_sources(repository: Path, tmp_path: Path) -> None:
    side = sides.prepare("a side", repository, tmp_path / "bundles")
    files = [path.relative_to(side.bundles).as_posix() for path in side.bundles.rglob("*") if path.is_file()]
    assert files == ["functions/pay/runtime/fingerprint"]
    assert json.loads(json.dumps(sides.environments(side))) == ["dev", "prod"]
    assert sys.path[0] != str(repository)
