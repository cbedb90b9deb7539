"""The `hasivu` command: help that reads well, errors that say what to do, exit codes that mean something."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from checks import cli
from checks.errors import ExitCode, HasivuError
from checks.progress import Silent
from checks.sandbox import logs
from checks.sandbox.layout import Layout
from checks.sandbox.sandbox import Sandbox
from checks.terminal import TerminalReporter, print_error

RUNNER = CliRunner()
COMMANDS = [
    (),
    ("sandbox",),
    ("sandbox", "up"),
    ("sandbox", "down"),
    ("sandbox", "status"),
    ("sandbox", "logs"),
    ("sandbox", "reset"),
    ("build",),
    ("synth",),
    ("diff",),
    ("redrive",),
    ("demo",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = RUNNER.invoke(cli.app, [*command, "--help"])
    assert result.exit_code == ExitCode.OK
    assert "Usage" in result.output


def test_the_help_tells_what_the_exit_codes_mean() -> None:
    shown = " ".join(RUNNER.invoke(cli.app, ["--help"]).output.split())
    for code in ExitCode:
        assert f"{code.value} " in shown


def test_the_help_loads_nothing_that_takes_time() -> None:
    """boto3, aws_cdk and the sandbox are imported only by the command that needs them."""
    slow = ("boto3", "aws_cdk", "grimp", "checks.sandbox.sandbox")
    code = f"import sys; import checks.cli; print([name for name in {slow} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def run_main(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["hasivu", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_an_unknown_option_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_main("sandbox", "up", "--sideways", monkeypatch=monkeypatch) == ExitCode.USAGE


def test_a_failure_is_shown_with_its_code_and_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_main("sandbox", "logs", "health-check", "--dir", str(tmp_path), monkeypatch=monkeypatch)
    assert code == ExitCode.SANDBOX
    shown = capsys.readouterr().err
    assert "SANDBOX_DOWN" in shown
    assert "Next: run `hasivu sandbox up`" in shown


def test_the_status_of_a_sandbox_that_is_down_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main("sandbox", "status", "--dir", str(tmp_path), monkeypatch=monkeypatch) == ExitCode.SANDBOX
    assert "emulator" in capsys.readouterr().out


def test_reset_asks_first_and_takes_no_for_an_answer(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")
    refused = RUNNER.invoke(cli.app, ["sandbox", "reset", "--dir", str(tmp_path)], input="n\n")
    assert refused.exit_code == 1
    assert (tmp_path / "state.json").exists()
    assert RUNNER.invoke(cli.app, ["sandbox", "reset", "--dir", str(tmp_path), "--yes"]).exit_code == 0
    assert not (tmp_path / "state.json").exists()


def test_an_error_with_markup_in_it_is_shown_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=100)
    error = HasivuError(
        "X_FAILED", "it [red]broke[/red]", next_step="mend [it]", exit_code=ExitCode.BUILD, detail="[/]"
    )
    print_error(console, error)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for part in ("X_FAILED", "it [red]broke[/red]", "[/]", "Next: mend [it]"):
        assert part in shown


def test_an_error_as_text_has_code_message_detail_and_next_step() -> None:
    error = HasivuError("X", "message", next_step="step", exit_code=ExitCode.BUILD, detail="detail")
    assert str(error) == "X: message\ndetail\nNext: step"


@pytest.mark.parametrize("terminal", [True, False])
def test_steps_are_reported_with_what_they_took_also_when_they_fail(terminal: bool) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=terminal)
    with TerminalReporter(console) as reporter:
        with reporter.step("the first"):
            reporter.say("by the way")
        with pytest.raises(ValueError, match="broken"), reporter.step("the second"):
            raise ValueError("broken")
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "✓" in shown
    assert "✗" in shown
    for part in ("the first", "the second", "by the way"):
        assert part in shown


def test_a_silent_reporter_keeps_what_it_was_told() -> None:
    reporter = Silent()
    with reporter.step("a step"):
        reporter.say("a word")
    assert reporter.seconds.keys() == {"a step"}
    assert reporter.said == ["a word"]


def test_the_log_of_one_service_is_printed_as_it_is_and_those_of_all_with_their_names(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.create()
    layout.log_of("emulator").write_text("started\n")
    layout.log_of("razorpay").write_text("listening\n")
    sandbox = Sandbox(tmp_path)
    assert list(logs.lines(sandbox, "emulator", follow=False)) == ["started"]
    assert list(logs.lines(sandbox, None, follow=False)) == [" emulator | started", " razorpay | listening"]


def test_a_followed_log_goes_on_with_complete_lines_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    layout.create()
    log = layout.log_of("emulator")
    log.write_text("one\n")
    pending = iter(["two\nhal", "f\n"])

    def write_more(_: float) -> None:
        with log.open("a") as file:
            file.write(next(pending))

    monkeypatch.setattr("checks.sandbox.logs.time.sleep", write_more)
    following = logs.lines(Sandbox(tmp_path), "emulator", follow=True)
    assert [next(following), next(following), next(following)] == ["one", "two", "half"]
