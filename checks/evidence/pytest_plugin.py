"""A run of the tests records itself: `pytest -p checks.evidence.pytest_plugin --evidence KIND`.

The record is written when everything else is, and only by the process that leads the run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.checklist.digests import source_sha256
from checks.evidence.run_record import record
from checks.toolchain import REPOSITORY


def pytest_addoption(parser: pytest.Parser) -> None:
    """Ask for a record."""
    group = parser.getgroup("evidence")
    group.addoption(
        "--evidence", metavar="KIND", help="Record this run for `hasivu check`: tests or benchmarks."
    )
    group.addoption(
        "--evidence-file", action="append", default=[], metavar="PATH", help="A file that the run leaves."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin the record of a run that asks for one."""
    kind = config.getoption("--evidence")
    if kind is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config, kind), "hasivu-evidence")


class Recorder:
    """One run under way. Sources that change while it runs make it a failed one."""

    def __init__(self, config: pytest.Config, kind: str) -> None:
        self._kind = kind
        self._files = [Path(path) for path in config.getoption("--evidence-file")]
        self._began_at = datetime.now(UTC)
        self._sources = source_sha256()
        self._passed = False
        selecting = ("keyword", "markexpr", "lf", "failedfirst", "stepwise")
        self._whole = not any(getattr(config.option, name, None) for name in selecting)
        for path in self._files:
            path.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)

    def pytest_deselected(self) -> None:
        """A run that leaves something out is not whole."""
        self._whole = False

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        """How it ended."""
        self._passed = int(exitstatus) == int(pytest.ExitCode.OK)
        asked = {Path(argument).as_posix() for argument in session.config.args}
        if asked - {*session.config.getini("testpaths"), "tests/benchmarks"}:
            self._whole = False

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Write it down, now that every file is."""
        record(
            self._kind,
            source_sha256=self._sources,
            began_at=self._began_at,
            ended_at=datetime.now(UTC),
            tool="pytest",
            tool_version=pytest.__version__,
            passed=self._passed and source_sha256() == self._sources,
            whole=self._whole,
            files=[path for path in self._files if path.is_file()],
            repository=REPOSITORY,
        )
