"""The commands as people type them, without AWS: exit codes, what is said, what is written."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from checks import cli
from checks.checklist.contradictions import Contradiction
from checks.errors import ExitCode, HasivuError
from checks.release import aliases, commands, context, live, report_files
from checks.release import decide as decide_module
from checks.release.aliases import Outcome
from checks.release.documents import write
from checks.release.signing import SshKeygen, signature_over
from checks.release.sshsig import Namespace
from checks.release.throw_away_key import KEY_NAME
from checks.toolchain import REPOSITORY
from tests.checks.release.world import (
    OWNER,
    REPORTED,
    ROLES,
    RUNNER,
    SIGNERS_TEXT,
    A,
    Case,
    checked_out_as_reported,
    criterion,
    item,
    results,
    write_report,
)

RUN = CliRunner()
NOW = REPORTED + timedelta(hours=5)
COMMANDS = ("sign", "signoff", "go-live", "window", "rollback", "verify")


@pytest.fixture(autouse=True)
def at_five(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_now", lambda: NOW)
    for name in ("HASIVU_SIGNING_KEY", "HASIVU_KMS_KEY", "HASIVU_DEPLOYER", "HASIVU_RELEASES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def signers(tmp_path: Path) -> Path:
    path = tmp_path / "allowed_signers"
    path.write_text(SIGNERS_TEXT)
    return path


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write_report(tmp_path / "report", results())


def run(*arguments: object) -> Result:
    return RUN.invoke(cli.app, [str(argument) for argument in arguments])


def refusal(result: Result) -> str:
    assert isinstance(result.exception, HasivuError), result.output
    assert result.exception.next_step
    return result.exception.code


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == ExitCode.OK
    assert "Usage" in result.output


def test_a_whole_report_verifies_with_0_and_an_altered_one_with_1(report: Path, signers: Path) -> None:
    result = run("verify", report, "--allowed-signers", signers)
    assert result.exit_code == ExitCode.OK, result.output
    assert "Every byte is as it was signed" in result.output
    assert "runner@hasivu.example" in result.output
    (report / "report.html").write_text("<p>NO-GO</p>")
    result = run("verify", report, "--allowed-signers", signers)
    assert result.exit_code == ExitCode.CHECK_FAILED
    assert result.output.startswith("altered  report.html")


def test_verifying_what_is_no_folder_is_wrong_usage(tmp_path: Path) -> None:
    assert run("verify", tmp_path / "nothing").exit_code == ExitCode.USAGE


@pytest.mark.parametrize("name", ["file", "nowhere"])
def test_records_that_are_not_there_are_no_chain_that_holds(
    report: Path, signers: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").touch()
    common = ["--allowed-signers", signers, "--records", tmp_path / name]
    assert refusal(run("verify", report, *common)) == "NO_RECORDS"


def test_a_list_of_signers_that_cannot_be_read_is_a_refusal(report: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("nonsense\n")
    assert refusal(run("verify", report, "--allowed-signers", tmp_path / "bad")) == "SIGNERS_REFUSED"
    assert refusal(run("verify", report, "--allowed-signers", tmp_path / "no")) == "DOCUMENT_MISSING"


def test_the_committed_list_lets_nobody_sign_yet(report: Path) -> None:
    result = run("verify", report)
    assert result.exit_code == ExitCode.CHECK_FAILED
    assert "not among the allowed signers" in result.output


def test_verifying_needs_neither_network_nor_aws_nor_openssh(report: Path, signers: Path) -> None:
    """boto3 is not even loaded; the path to programs is empty; a socket is an error."""
    code = (
        "import socket, sys\n"
        "def no(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = no; socket.create_connection = no\n"
        "from typer.testing import CliRunner\n"
        "from checks.cli import app\n"
        f"r = CliRunner().invoke(app, ['verify', {str(report)!r}, '--allowed-signers', {str(signers)!r}])\n"
        "print(r.exit_code, [n for n in ('boto3', 'aws_cdk', 'checks.sandbox.sandbox') if n in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
        env={"PATH": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ended.stdout.strip() == "0 []"


def test_nothing_that_a_file_says_is_markup(tmp_path: Path, signers: Path) -> None:
    report = write_report(tmp_path / "r", results())
    (report / "[red]x").write_text("x")
    (report / "\x1b[2Jgone").write_text("x")
    result = run("verify", report, "--allowed-signers", signers)
    assert "[red]x" in result.output
    assert "\x1b" not in result.output


# --- the sandbox signs for itself ---


def sandbox_report(folder: Path) -> Path:
    found = results(environment="sandbox", emulator=True)
    return write_report(folder, found)


def test_a_sandbox_signs_its_report_by_a_key_that_vouches_for_nobody(tmp_path: Path) -> None:
    report, box = sandbox_report(tmp_path / "report"), tmp_path / "box"
    assert run("sign", report, "--dir", box).exit_code == ExitCode.OK
    result = run("verify", report, "--dir", box)
    assert result.exit_code == ExitCode.OK, result.output
    assert "nobody vouches" in result.output
    another = tmp_path / "another sandbox"
    assert refusal(run("verify", report, "--dir", another)) == "NO_SANDBOX_KEY"
    assert not another.exists(), "verifying makes no key"
    run("sign", sandbox_report(tmp_path / "other report"), "--dir", another)
    other = run("verify", report, "--dir", another)
    assert other.exit_code == ExitCode.CHECK_FAILED
    assert "not among the allowed signers" in other.output


def test_a_sandboxs_key_that_is_none_is_told(tmp_path: Path) -> None:
    report, box = sandbox_report(tmp_path / "report"), tmp_path / "box"
    (tmp_path / "file").touch()
    assert refusal(run("sign", report, "--dir", tmp_path / "file")) == "NO_SANDBOX_KEY"
    run("sign", report, "--dir", box)
    (box / "release" / KEY_NAME).write_bytes(b"spoiled")
    for command in ("sign", "verify"):
        assert refusal(run(command, report, "--dir", box)) == "NO_SANDBOX_KEY"


def test_a_sandboxs_key_decides_for_no_role(tmp_path: Path) -> None:
    report, box = sandbox_report(tmp_path / "report"), tmp_path / "box"
    run("sign", report, "--dir", box)
    arguments = ["--env", "sandbox", "--role", "security-officer", "--decision", "approve", "--ticket", "T"]
    assert refusal(run("signoff", report, "--dir", box, *arguments)) == "NOT_ALLOWED"


def test_elsewhere_somebody_has_to_say_which_key(report: Path) -> None:
    assert refusal(run("sign", report)) == "NO_KEY"


def test_what_is_no_report_is_not_signed(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{}")
    assert refusal(run("sign", tmp_path)) == "DOCUMENT_MALFORMED"


# --- people sign ---


@pytest.fixture
def keys(tmp_path: Path, signers: Path) -> dict[str, Path]:
    """Two people with keys of OpenSSH's, allowed for two roles."""
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("OpenSSH is not installed")
    found = {}
    lines = SIGNERS_TEXT.splitlines()
    for name, roles in (("asha", "security-officer,project-manager"), ("ravi", "quality-assurance")):
        path = tmp_path / name
        subprocess.run([program, "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        line = SshKeygen(path).public_key().line
        lines.append(f'{name}@hasivu.example,{roles} namespaces="hasivu-signoff,hasivu-release" {line}')
        found[name] = path
    signers.write_text("\n".join(lines))
    return found


def decide(report: Path, signers: Path, key: Path, role: str, *more: str, env: str = "prod") -> Result:
    common = ["--env", env, "--role", role, "--key", key, "--allowed-signers", signers]
    given = list(more) if "--decision" in more else ["--decision", "approve", *more]
    ticket = [] if "--ticket" in more else ["--ticket", "OPS-1"]
    return run("signoff", report, *common, *given, *ticket)


def test_a_signature_that_cannot_be_written_is_told(report: Path, keys: dict[str, Path]) -> None:
    (report / "results.json.sig").unlink()
    (report / "results.json.sig").mkdir()
    assert refusal(run("sign", report, "--key", keys["asha"])) == "NOT_WRITTEN"


def test_a_person_signs_what_they_decide(report: Path, signers: Path, keys: dict[str, Path]) -> None:
    result = decide(report, signers, keys["asha"], "security-officer")
    assert result.exit_code == ExitCode.OK, result.output
    kept = json.loads((report / "signoffs" / "security-officer.1.json").read_text())
    assert kept["person"] == "asha@hasivu.example"
    assert kept["results_sha256"] == results().sha256
    result = run("verify", report, "--allowed-signers", signers)
    assert result.exit_code == ExitCode.OK, result.output
    assert "security-officer: approve by asha@hasivu.example" in result.output


def test_openssh_verifies_a_decision_without_us(report: Path, signers: Path, keys: dict[str, Path]) -> None:
    decide(report, signers, keys["asha"], "security-officer")
    path = report / "signoffs" / "security-officer.1.json"
    program = shutil.which("ssh-keygen")
    command = [program, "-Y", "verify", "-f", signers, "-I", "security-officer", "-n", "hasivu-signoff"]
    ended = subprocess.run(
        [*map(str, command), "-s", f"{path}.sig"], input=path.read_bytes(), capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_thinking_again_and_closing_conditions(report: Path, signers: Path, keys: dict[str, Path]) -> None:
    options = ["--decision", "approve-with-conditions", "--condition", "tell support"]
    assert decide(report, signers, keys["asha"], "security-officer", *options).exit_code == ExitCode.OK
    close = ["--decision", "approve-with-conditions", "--close", "1=OPS-5"]
    assert decide(report, signers, keys["asha"], "security-officer", *close).exit_code == ExitCode.OK
    kept = json.loads((report / "signoffs" / "security-officer.2.json").read_text())
    assert kept["conditions"] == [{"closed_by": "OPS-5", "text": "tell support"}]
    assert kept["supersedes"]
    assert run("verify", report, "--allowed-signers", signers).exit_code == ExitCode.OK


@pytest.mark.parametrize(
    "close", ["2=OPS-5", "0=OPS-5", "x=OPS-5", "1=", "1", "-1=OPS", "٢=OPS-5", f"{'9' * 5_000}=OPS-5"]
)
def test_a_condition_that_is_not_there_is_not_closed(
    report: Path, signers: Path, keys: dict[str, Path], close: str
) -> None:
    options = ["--decision", "approve-with-conditions", "--condition", "tell support"]
    decide(report, signers, keys["asha"], "security-officer", *options)
    again = ["--decision", "approve-with-conditions", "--close", close]
    assert refusal(decide(report, signers, keys["asha"], "security-officer", *again)) == "NO_SUCH_CONDITION"


@pytest.mark.parametrize(
    ("role", "more", "code"),
    [
        ("chief-cook", (), "UNKNOWN_ROLE"),
        ("quality-assurance", (), "NOT_ALLOWED"),
        ("security-officer", ("--ticket", " "), "NO_TICKET"),
        ("security-officer", ("--condition", "x"), "CONDITIONS_MISFIT"),
        ("security-officer", ("--decision", "approve-with-conditions"), "CONDITIONS_MISFIT"),
    ],
)
def test_what_is_not_a_decision_is_not_signed(
    report: Path, signers: Path, keys: dict[str, Path], role: str, more: tuple[str, ...], code: str
) -> None:
    assert refusal(decide(report, signers, keys["asha"], role, *more)) == code
    assert not (report / "signoffs").exists()


UNFIT = ["y" * 501, "OPS-1\nOPS-2", "OPS-1\x1b[2J", "paid by 4111 1111 1111 1111", "ask parent@example.com"]


@pytest.mark.parametrize("text", UNFIT)
def test_what_no_report_could_show_is_not_signed(
    report: Path, signers: Path, keys: dict[str, Path], text: str
) -> None:
    key, conditions = keys["asha"], ["--decision", "approve-with-conditions"]
    for more in (["--ticket", text], [*conditions, "--condition", text]):
        assert refusal(decide(report, signers, key, "security-officer", *more)) == "TEXT_UNFIT"
        assert not (report / "signoffs").exists()
    decide(report, signers, key, "security-officer", *conditions, "--condition", "tell support")
    close = [*conditions, "--close", f"1={text}"]
    assert refusal(decide(report, signers, key, "security-officer", *close)) == "TEXT_UNFIT"


def test_a_condition_says_something(report: Path, signers: Path, keys: dict[str, Path]) -> None:
    more = ["--decision", "approve-with-conditions", "--condition", " "]
    assert refusal(decide(report, signers, keys["asha"], "security-officer", *more)) == "CONDITIONS_MISFIT"


@pytest.mark.parametrize("text", UNFIT)
def test_what_no_report_could_show_is_written_into_no_record(
    report: Path, signers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(live, "rollback_plan", lambda *_, **__: Outcome())
    (tmp_path / "releases").mkdir()
    common = ["--env", "prod", "--allowed-signers", signers, "--records", tmp_path / "releases"]
    for command in (
        ["go-live", "--opened", "--ticket", text],
        ["window", "--close", report, "--late-reason", text],
        ["rollback", "--yes", "--reason", text],
    ):
        assert refusal(run(*command, *common)) == "TEXT_UNFIT"
    assert not [*(tmp_path / "releases").iterdir()]


def test_a_rollback_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "rollback_plan", lambda *_, **__: Outcome())
    result = run("rollback", "--env", "sandbox", "--dir", tmp_path / "box", "--yes", "--reason", " ")
    assert result.exit_code == ExitCode.USAGE
    assert "say why with --reason" in result.output


def test_one_person_does_not_sign_for_two_roles(report: Path, signers: Path, keys: dict[str, Path]) -> None:
    decide(report, signers, keys["asha"], "security-officer")
    assert refusal(decide(report, signers, keys["asha"], "project-manager")) == "ONE_SIGNER_TWO_ROLES"
    assert decide(report, signers, keys["ravi"], "quality-assurance").exit_code == ExitCode.OK


def test_a_report_of_another_environment_is_not_decided_on(
    report: Path, signers: Path, keys: dict[str, Path]
) -> None:
    result = decide(report, signers, keys["asha"], "security-officer", env="staging")
    assert refusal(result) == "OTHER_ENVIRONMENT"


def test_a_report_that_is_not_signed_is_not_decided_on(
    report: Path, signers: Path, keys: dict[str, Path]
) -> None:
    (report / "results.json.sig").unlink()
    assert refusal(decide(report, signers, keys["asha"], "security-officer")) == "DOCUMENT_MISSING"


def test_spoiled_decisions_are_not_built_on(report: Path, signers: Path, keys: dict[str, Path]) -> None:
    decide(report, signers, keys["asha"], "security-officer")
    path = report / "signoffs" / "security-officer.1.json"
    path.write_bytes(path.read_bytes().replace(b"OPS-1", b"OPS-2"))
    result = decide(report, signers, keys["asha"], "security-officer")
    assert refusal(result) == "SIGNOFFS_SPOILED"
    assert "The file signoffs/security-officer.1.json is not" in str(result.exception), "its name as it is"


# --- before the deployment ---


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> None:
    checked_out_as_reported(monkeypatch)
    monkeypatch.setattr(live, "authors", lambda commit, since: frozenset({"author@hasivu.example"}))


def gate(report: Path, signers: Path, tmp_path: Path, *more: str) -> Result:
    (tmp_path / "releases").mkdir(exist_ok=True)
    common = ["--env", "prod", "--allowed-signers", signers, "--records", tmp_path / "releases"]
    return run("go-live", report, *common, "--deployer", "deployer@hasivu.example", *more)


@pytest.mark.usefixtures("digests")
def test_no_go_lists_every_reason(report: Path, signers: Path, tmp_path: Path) -> None:
    found = results(items=(item("one", status="fail", reason="it is down"), criterion()))
    write_report(report, found)
    Case(folder=report, found=found).approve_all_but("security-officer")
    result = gate(report, signers, tmp_path)
    assert result.exit_code == ExitCode.CHECK_FAILED, result.output
    for said in (
        "ITEM_OPEN  one: fail: it is down",
        "SIGNOFF  security-officer: missing",
        "DRILL  drill: nobody has rehearsed",
        "NO-GO: 3 reasons",
    ):
        assert said in result.output
    assert not [*(tmp_path / "releases").iterdir()]


@pytest.mark.usefixtures("digests")
def test_a_pass_that_the_proofs_deny_is_no_go_and_signed_by_nobody(
    report: Path, signers: Path, tmp_path: Path
) -> None:
    failing = results(items=(item("one", status="fail"), criterion()))
    found = failing.model_copy(update={"items": results().items})
    write_report(report, found, sign=False)
    arguments = ["--key", tmp_path / "key", "--allowed-signers", signers]
    decision = ["--env", "prod", "--role", "security-officer", "--decision", "approve", "--ticket", "T"]
    assert refusal(run("sign", report, "--key", tmp_path / "key")) == "DOCUMENT_CONTRADICTION"
    assert refusal(run("signoff", report, *arguments, *decision)) == "DOCUMENT_CONTRADICTION"

    write(
        report / "results.json.sig", signature_over(found.canonical(), Namespace.RESULTS, RUNNER).armoured()
    )
    Case(folder=report, found=found).approve(*ROLES)
    result = gate(report, signers, tmp_path)
    assert result.exit_code == ExitCode.CHECK_FAILED, result.output
    assert "CONTRADICTION  one: it is said to be pass, and is fail by its proofs" in result.output
    assert result.output.count("it is said to be pass") == 1
    assert (
        "contradiction  results.json: one: it is said to be pass"
        in run("verify", report, "--allowed-signers", signers).output
    )


def test_nobody_approves_what_this_checkout_denies(
    report: Path, signers: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = (Contradiction("HC-001", "the catalogue does not ask for it"),)
    monkeypatch.setattr(decide_module, "against_checkout", lambda results, report: denied)
    assert decide(report, signers, keys["asha"], "security-officer").exit_code == ExitCode.OK
    monkeypatch.setattr(decide_module, "catalogue_sha256", lambda: A)
    assert refusal(decide(report, signers, keys["asha"], "security-officer")) == "DOCUMENT_CONTRADICTION"


def test_every_refusal_of_a_document_has_a_next_step() -> None:
    codes = set()
    for path in (REPOSITORY / "checks" / "release").glob("*.py"):
        codes |= set(re.findall(r'DocumentRefused\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8")))
    assert codes | {report_files.CONTRADICTION} == set(context.NEXT_STEPS)


@pytest.mark.usefixtures("digests")
def test_every_command_that_writes_waits_for_nobody_and_keeps_others_out(
    report: Path, signers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "releases" / "prod").mkdir(parents=True)
    monkeypatch.setattr(aliases, "snapshot", lambda *_: {})
    monkeypatch.setattr(live, "objections", lambda *_, **__: ())
    monkeypatch.setattr(context.Context, "signer", lambda *_: OWNER)
    monkeypatch.setattr(context.Context, "functions", None)
    monkeypatch.setattr(context.Context, "deadline", None)
    common = ["--env", "prod", "--allowed-signers", signers, "--records", tmp_path / "releases"]
    commands_that_write = (
        ["go-live", report, "--deployer", "deployer@hasivu.example"],
        ["go-live", "--opened", "--ticket", "T"],
        ["window", "--close", report],
        ["rollback", "--yes", "--reason", "T"],
    )
    descriptor = os.open(tmp_path / "releases" / "prod", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    for command in commands_that_write:
        assert refusal(run(*command, *common)) == "RECORDS_BUSY", command
    os.close(descriptor)
    for command in commands_that_write[1:]:
        assert refusal(run(*command, *common)) in {"NOT_PREPARED", "NOTHING_LIVE"}


COMMANDS_OF_RECORDS = (
    ["go-live", "--assembly", "nowhere"],
    ["go-live", "--opened", "--ticket", "T", "--key", "nokey"],
    ["window"],
    ["rollback", "--dry-run"],
)


@pytest.mark.parametrize("command", COMMANDS_OF_RECORDS)
@pytest.mark.usefixtures("digests")
def test_a_folder_of_records_that_is_not_there_begins_no_other_chain(
    report: Path, signers: Path, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "file").touch()
    arguments = [*command, *([report] if command[-1] == "nowhere" else [])]
    for records in (tmp_path / "relaeses", tmp_path / "file"):
        common = ["--env", "prod", "--allowed-signers", signers, "--records", records]
        assert refusal(run(*arguments, *common)) == "NO_RECORDS"
    assert not (tmp_path / "relaeses").exists()


@pytest.mark.parametrize("env", ["prd", "", "../x", "Prod"])
@pytest.mark.parametrize("command", [["window"], ["rollback", "--dry-run"]])
def test_a_slip_in_the_environment_is_no_environment_without_records(
    signers: Path, tmp_path: Path, command: list[str], env: str
) -> None:
    """Whoever rolls back in haste must not be told that nothing is live."""
    common = ["--env", env, "--allowed-signers", signers, "--records", tmp_path]
    assert refusal(run(*command, *common)) == "ENVIRONMENT_UNKNOWN"


@pytest.mark.usefixtures("digests")
def test_a_rehearsal_that_is_not_there_is_named(report: Path, signers: Path, tmp_path: Path) -> None:
    assert refusal(gate(report, signers, tmp_path, "--drill", str(tmp_path / "none"))) == "NO_DRILL"


def test_what_a_check_wrote_is_no_report_yet(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes(results().canonical() + b"\n")
    result = run("sign", tmp_path, "--key", tmp_path / "key")
    assert refusal(result) == "DOCUMENT_NOT_CANONICAL"
    assert "`hasivu report` makes a report" in str(result.exception)


@pytest.mark.usefixtures("digests")
def test_an_altered_report_is_no_go(report: Path, signers: Path, tmp_path: Path) -> None:
    Case(folder=report).approve(*ROLES)
    (report / "report.html").write_text("<p>all is well</p>")
    result = gate(report, signers, tmp_path)
    assert result.exit_code == ExitCode.CHECK_FAILED
    assert "ALTERED  report.html" in result.output


def test_go_live_without_a_report_is_wrong_usage() -> None:
    assert run("go-live", "--env", "prod").exit_code == ExitCode.USAGE


def test_opening_without_a_ticket_is_refused() -> None:
    assert refusal(run("go-live", "--env", "prod", "--opened")) == "NO_TICKET"


def test_a_window_of_nothing_needs_somebody(tmp_path: Path) -> None:
    result = run("window", "--env", "sandbox", "--dir", tmp_path / "box")
    assert result.exit_code == ExitCode.CHECK_FAILED
    assert "No go-live is written down" in result.output


def test_rolling_back_nothing_is_refused(tmp_path: Path) -> None:
    assert refusal(run("rollback", "--env", "sandbox", "--dir", tmp_path / "box")) == "NOTHING_LIVE"


def test_an_altered_report_closes_no_window(report: Path, signers: Path, tmp_path: Path) -> None:
    (report / "report.html").unlink()
    (tmp_path / "releases").mkdir()
    common = ["--allowed-signers", signers, "--records", tmp_path / "releases"]
    assert refusal(run("window", "--env", "prod", "--close", report, *common)) == "REPORT_ALTERED"


@pytest.mark.parametrize("code", ["OTHER_CATALOGUE", "DOCUMENT_CONTRADICTION"])
def test_a_report_that_this_checkout_denies_closes_no_window(
    report: Path, signers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Signed and whole, and yet it may hold a waiver that nobody granted."""
    if code == "DOCUMENT_CONTRADICTION":
        monkeypatch.setattr(live, "catalogue_sha256", lambda: A)
        denied = (Contradiction("W-666", "no such waiver is committed"),)
        monkeypatch.setattr(live, "against_checkout", lambda results, report: denied)
    (tmp_path / "releases").mkdir()
    common = ["--allowed-signers", signers, "--records", tmp_path / "releases"]
    assert refusal(run("window", "--env", "prod", "--close", report, *common)) == code


# --- who wrote it ---


def git(folder: Path, *arguments: str, author: str) -> str:
    command = ["git", "-C", str(folder), "-c", f"user.email={author}", "-c", "user.name=x", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_authors_are_all_who_wrote_since_the_last_go_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REPOSITORY", tmp_path)
    git(tmp_path, "init", "-q", author="x")
    commits = []
    for author, message in (
        ("First@hasivu.example", "one"),
        ("second@hasivu.example", "two\n\nCo-authored-by: Third <third@hasivu.example>"),
        ("fourth@hasivu.example", "three"),
    ):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", message, author=author)
        commits.append(git(tmp_path, "rev-parse", "HEAD", author="x"))
    assert live.authors(commits[0], since=None) == {"first@hasivu.example"}
    assert live.authors(commits[2], since=commits[0]) == {
        "second@hasivu.example",
        "third@hasivu.example",
        "fourth@hasivu.example",
    }
    assert live.authors(f"{commits[2]}+changes", since=commits[2]) == {"fourth@hasivu.example"}


@pytest.mark.parametrize("commit", ["HEAD", "--all", "unknown", "f" * 40, ""])
def test_of_what_git_does_not_know_nobody_is_the_author(commit: str) -> None:
    assert live.authors(commit, since=None) == frozenset()


def test_the_context_of_an_environment_that_is_not_written_down(tmp_path: Path) -> None:
    found = context.Context("nowhere", signers=None, records=None, directory=tmp_path)
    with pytest.raises(HasivuError) as refused:
        _ = found.session
    assert refused.value.code == "ENVIRONMENT_REFUSED"
