"""Children, ports, locks and the state of a sandbox."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checks.errors import ExitCode, HasivuError
from checks.sandbox import ports, process
from checks.sandbox.layout import DIRECTORY_VARIABLE, Layout, default_directory
from checks.sandbox.lock import exclusive
from checks.sandbox.sandbox import SERVICES, Sandbox
from checks.sandbox.secret_values import SecretValues, read_or_create
from checks.sandbox.simulators import simulators
from checks.sandbox.state import SandboxState, ServiceRecord

SLEEP = "import time; time.sleep(600)  # hasivu-test"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); " + SLEEP
)
WITH_CHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]]); " + SLEEP

Start = Callable[..., ServiceRecord]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[ServiceRecord] = []

    def start(code: str, *arguments: str) -> ServiceRecord:
        record = process.start(
            [sys.executable, "-c", code, *arguments],
            environment={},
            log=tmp_path / "log",
            marker="hasivu-test",
        )
        started.append(record)
        return record

    yield start
    for record in started:
        process.stop(record, grace_s=0.2)


def eventually(condition: Callable[[], bool], patience_s: float = 60) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_started_child_runs_in_a_group_of_its_own(start: Start) -> None:
    record = start(SLEEP)
    assert process.is_running(record)
    assert os.getpgid(record.pid) == record.pid


def test_a_child_runs_from_the_moment_it_was_started(start: Start) -> None:
    """Before it has a command line it is alive already; taken for dead, it would be left behind."""
    for _ in range(30):
        assert process.is_running(start(SLEEP))


def test_a_stopped_child_is_gone(start: Start) -> None:
    record = start(SLEEP)
    process.stop(record, grace_s=5)
    assert not process.is_running(record)


def test_a_child_that_ignores_the_request_is_killed(start: Start, tmp_path: Path) -> None:
    record = start(STUBBORN)
    assert eventually(lambda: "on" in (tmp_path / "log").read_text())
    process.stop(record, grace_s=0.3)
    assert not process.is_running(record)


def test_what_a_child_started_ends_with_it(start: Start) -> None:
    record = start(WITH_CHILD, SLEEP)
    assert eventually(lambda: len(process._group_members(record.pid)) == 2)
    process.stop(record, grace_s=2)
    assert process._group_members(record.pid) == []


def test_what_a_crashed_child_left_behind_is_ended_too(start: Start) -> None:
    record = start(WITH_CHILD, SLEEP)
    assert eventually(lambda: len(process._group_members(record.pid)) == 2)
    os.kill(record.pid, signal.SIGKILL)
    assert eventually(lambda: not process.is_running(record))
    process.stop(record, grace_s=2)
    assert process._group_members(record.pid) == []


@pytest.mark.parametrize("stale", [{"started_ticks": 1}, {"marker": "another program"}])
def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(start: Start, stale: dict[str, object]) -> None:
    record = start(SLEEP)
    old = record.model_copy(update=stale)
    # Until the child has its command line, it counts as running whatever it is called.
    assert eventually(lambda: not process.is_running(old))
    process.stop(old, grace_s=0.2)
    assert process.is_running(record)


def test_a_port_in_use_is_not_free_and_another_is_picked() -> None:
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, 0))
        listener.listen()
        taken = listener.getsockname()[1]
        assert not ports.is_free(taken)
        assert ports.free_port(taken) != taken


def test_the_port_of_last_time_is_kept_when_it_is_free() -> None:
    port = ports.free_port()
    assert ports.free_port(port) == port


def test_two_commands_on_one_sandbox_exclude_each_other(tmp_path: Path) -> None:
    lock = tmp_path / "sandbox.lock"
    with exclusive(lock), pytest.raises(HasivuError) as refused, exclusive(lock):
        pass
    assert refused.value.code == "SANDBOX_BUSY"
    assert str(os.getpid()) in refused.value.message
    with exclusive(lock):
        pass  # and it is free again


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "sandbox.lock"
    code = (
        "import os; from pathlib import Path; from checks.sandbox.lock import exclusive\n"
        f"with exclusive(Path({str(lock)!r})): os._exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1
    with exclusive(lock):
        pass


def test_the_state_reads_back_as_it_was_written(tmp_path: Path) -> None:
    record = ServiceRecord(pid=1, started_ticks=2, marker="m", url="http://127.0.0.1:1")
    state = SandboxState().with_service("emulator", record).with_port("emulator", 1)
    state.write(tmp_path / "state.json")
    assert SandboxState.read(tmp_path / "state.json") == state
    assert SandboxState.read(tmp_path / "absent.json") == SandboxState()


def test_an_unreadable_state_says_how_to_start_afresh(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"services": 3}')
    with pytest.raises(HasivuError) as failure:
        SandboxState.read(tmp_path / "state.json")
    assert failure.value.code == "STATE_UNREADABLE"
    assert "reset" in failure.value.next_step
    assert failure.value.exit_code == ExitCode.SANDBOX


def test_secrets_are_made_once_for_their_owner_only_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    values = read_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_or_create(path) == values
    assert read_or_create(tmp_path / "other.json") != values
    assert values.razorpay_key_secret not in f"{values} {values!r}"


def test_no_secret_is_on_a_simulators_command_line(tmp_path: Path) -> None:
    values = read_or_create(tmp_path / "secrets.json")
    secrets = SecretValues.model_validate(values).model_dump(exclude={"razorpay_key_id"}).values()
    for simulator in simulators(values, phone_number_id="1"):
        assert not [secret for secret in secrets if secret in simulator.arguments]
        assert simulator.secrets


def test_a_sandbox_is_in_the_folder_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "mine"))
    assert default_directory() == tmp_path / "mine"
    monkeypatch.delenv(DIRECTORY_VARIABLE)
    assert default_directory().name == ".sandbox"


def test_a_sandbox_that_never_was_up_says_so(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    for ask in (lambda: sandbox.endpoints, lambda: sandbox.secrets, sandbox.session):
        with pytest.raises(HasivuError) as failure:
            ask()
        assert failure.value.code == "SANDBOX_DOWN"
    assert {status.name: status.health for status in sandbox.status()} == dict.fromkeys(SERVICES, "down")


def test_down_ends_what_runs_and_leaves_the_data(start: Start, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "box")
    layout.create()
    layout.data_of("razorpay").mkdir()
    record = start(SLEEP)
    SandboxState().with_service("razorpay", record).write(layout.state)
    sandbox = Sandbox(layout.directory)
    assert sandbox.down() == ["razorpay"]
    assert not process.is_running(record)
    assert layout.data_of("razorpay").is_dir()
    assert sandbox.down() == []


def test_a_crashed_child_shows_in_the_status(start: Start, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "box")
    layout.create()
    record = start("pass  # hasivu-test")
    SandboxState().with_service("whatsapp", record).write(layout.state)
    assert eventually(lambda: not process.is_running(record))
    health = {status.name: status.health for status in Sandbox(layout.directory).status()}
    assert health["whatsapp"] == "crashed"


def test_reset_leaves_nothing_but_the_lock(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "box")
    layout.create()
    SandboxState().write(layout.state)
    read_or_create(layout.secrets)
    Sandbox(layout.directory).reset()
    assert [path.name for path in layout.directory.iterdir()] == ["sandbox.lock"]
