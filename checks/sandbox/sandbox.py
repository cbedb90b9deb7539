"""The embedded environment as a whole: `Sandbox(directory).up()`, and what one may ask of it then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

import boto3

from checks.bundles.build import build
from checks.errors import ExitCode, HasivuError
from checks.progress import Reporter, Silent
from checks.sandbox import cloud, emulator, installation, pipe_simulator, process, secret_values, simulators
from checks.sandbox.layout import Layout, default_directory
from checks.sandbox.lock import exclusive
from checks.sandbox.secret_values import SecretValues
from checks.sandbox.state import Endpoints, SandboxState, ServiceRecord
from checks.toolchain import REPOSITORY

SERVICES = (emulator.NAME, "razorpay", "whatsapp", pipe_simulator.NAME)
"""What runs in a sandbox, in the order of starting."""

_GRACE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One line of `hasivu sandbox status`."""

    name: str
    url: str | None
    pid: int | None
    health: str


class Sandbox:
    """One sandbox in one folder. Nothing happens before `up`."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        repository: Path = REPOSITORY,
        reporter: Reporter | None = None,
    ) -> None:
        self.layout = Layout((directory or default_directory()).resolve())
        self._repository = repository
        self._reporter: Reporter = reporter if reporter is not None else Silent()

    # --- what it does ---

    @property
    def reporter(self) -> Reporter:
        """Who is told what happens."""
        return self._reporter

    def up(self) -> Endpoints:
        """Bring everything up that is not, and return where it is. Up already: nothing is done twice."""
        self.layout.create()
        with exclusive(self.layout.lock):
            values = secret_values.read_or_create(self.layout.secrets)
            step = "build the Lambda bundles and start the emulator and the simulators"
            with self._reporter.step(step), ThreadPoolExecutor() as pool:
                building = pool.submit(build, repository=self._repository, targets=("host",))
                self._start_services(values)
                building.result()
            return installation.install(
                self.layout, values, repository=self._repository, reporter=self._reporter
            )

    def down(self) -> list[str]:
        """End every child and what it started; the names of those that were running. Data stays."""
        with exclusive(self.layout.lock):
            return self._stop_all()

    def reset(self) -> None:
        """End every child and forget everything: data, secrets, ports, logs."""
        if not self.layout.directory.exists():
            return
        with exclusive(self.layout.lock):
            self._stop_all()
            for entry in self.layout.directory.iterdir():
                if entry == self.layout.lock:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def status(self) -> list[ServiceStatus]:
        """Every service, running or not."""
        state = SandboxState.read(self.layout.state)
        return [_status_of(name, state.services.get(name)) for name in SERVICES]

    # --- what one may ask of it ---

    @property
    def endpoints(self) -> Endpoints:
        """Where everything is. Error: `SANDBOX_DOWN` before the first `up`."""
        endpoints = SandboxState.read(self.layout.state).endpoints
        if endpoints is None:
            raise _down(self.layout.directory)
        return endpoints

    @property
    def secrets(self) -> SecretValues:
        """The secrets of this sandbox. Error: `SANDBOX_DOWN` before the first `up`."""
        if not self.layout.secrets.exists():
            raise _down(self.layout.directory)
        return secret_values.read_or_create(self.layout.secrets)

    def session(self) -> boto3.Session:
        """A session as administrator whose clients go to this sandbox and to nowhere else.

        Error: `SANDBOX_DOWN` where it is stopped, too: nothing would answer, after many attempts.
        """
        if not any(each.name == emulator.NAME and each.health == "healthy" for each in self.status()):
            raise _down(self.layout.directory)
        return cloud.session(self.endpoints.aws_endpoint_url, self.layout.aws_config)

    # --- how ---

    def _start_services(self, values: SecretValues) -> None:
        state = SandboxState.read(self.layout.state)
        phone_number_id = installation.phone_number_id(self._repository)
        starters: dict[str, Callable[..., tuple[ServiceRecord, int]]] = {
            emulator.NAME: partial(emulator.start, self.layout)
        }
        for simulator in simulators.simulators(values, phone_number_id=phone_number_id):
            starters[simulator.name] = partial(simulators.start, simulator, self.layout)
        missing = [name for name in starters if not _runs(state.services.get(name))]
        for name in missing:
            if name in state.services:
                self._reporter.say(f"{name} has crashed and is started again")
                process.stop(state.services[name], grace_s=_GRACE_S)
                state = self._after_crash(name, state)
        state.write(self.layout.state)
        guard = Lock()

        def start(name: str) -> None:
            """Remembered at once, whatever becomes of the others or of this command: `down` must find it."""
            record, port = starters[name](preferred_port=state.ports.get(name))
            with guard:
                now = SandboxState.read(self.layout.state)
                now.with_service(name, record).with_port(name, port).write(self.layout.state)

        with ThreadPoolExecutor() as pool:
            for started in [pool.submit(start, name) for name in missing]:
                started.result()
        if not missing:
            self._reporter.say("the emulator and the simulators are running already")

    def _after_crash(self, name: str, state: SandboxState) -> SandboxState:
        """The emulator saves its state only when it is stopped: what a crash left is of no use."""
        if name != emulator.NAME:
            return state
        self._reporter.say("what was in the emulator is lost; everything is deployed anew")
        shutil.rmtree(self.layout.data_of(emulator.NAME), ignore_errors=True)
        return state.model_copy(update={"deployed_from": None, "applied": ()})

    def _stop_all(self) -> list[str]:
        state = SandboxState.read(self.layout.state)
        stopped = []
        for name in reversed(SERVICES):
            record = state.services.get(name)
            if record is None:
                continue
            if process.is_running(record):
                stopped.append(name)
            process.stop(record, grace_s=_GRACE_S)
            services = {other: kept for other, kept in state.services.items() if other != name}
            state = state.model_copy(update={"services": services})
            state.write(self.layout.state)
        return stopped


def _runs(record: ServiceRecord | None) -> bool:
    return record is not None and process.is_running(record)


def _status_of(name: str, record: ServiceRecord | None) -> ServiceStatus:
    if record is None:
        return ServiceStatus(name=name, url=None, pid=None, health="down")
    if not process.is_running(record):
        return ServiceStatus(name=name, url=record.url, pid=None, health="crashed")
    answers = record.url is None or simulators.is_listening(record.url)
    return ServiceStatus(
        name=name, url=record.url, pid=record.pid, health="healthy" if answers else "not answering"
    )


def _down(directory: Path) -> HasivuError:
    return HasivuError(
        "SANDBOX_DOWN",
        "No sandbox runs here.",
        detail=f"looked for in {directory}",
        next_step="run `hasivu sandbox up`",
        exit_code=ExitCode.SANDBOX,
    )
