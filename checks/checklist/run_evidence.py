"""What runs left behind, read once: test cases, coverage, steps of the demonstration, measurements."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from checks.checklist.model import Evidence, Status
from checks.evidence.run_record import RunRecord, Seen, look
from checks.toolchain import REPOSITORY

UNREADABLE = (
    AttributeError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    UnicodeDecodeError,
    ValueError,
    ET.ParseError,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a test: its test's id, and how it ended (``passed``, ``failed``, ``skipped``)."""

    test_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Read:
    """A run's record with what its files say, or why there is nothing to read."""

    seen: Seen
    document: Any = None

    @property
    def record(self) -> RunRecord | None:
        """The record, where it counts."""
        return self.seen.record


@dataclass
class RunEvidence:
    """All recorded runs that count for these sources at ``now``. Nothing is read twice."""

    environment: str
    source_sha256: str
    now: datetime
    repository: Path = REPOSITORY
    used: dict[str, Evidence] = field(default_factory=dict)
    """Every file that a proof rests on, by its path."""

    def of(self, kind: str, environment: str = "local") -> Read:
        """The record of ``kind`` with its JSON file as the document."""
        seen = self._look(kind, environment)
        if seen.record is None:
            return Read(seen)
        path = next((file.path for file in seen.record.files if file.path.endswith(".json")), None)
        try:
            if path is None:
                raise ValueError("no JSON file in it")
            document = json.loads((self.repository / path).read_text(encoding="utf-8"))
        except UNREADABLE as error:
            return Read(Seen(None, Status.ERROR, f"what {kind} left cannot be read: {type(error).__name__}"))
        return Read(seen, document)

    def _look(self, kind: str, environment: str) -> Seen:
        seen = look(
            kind,
            environment=environment,
            source_sha256=self.source_sha256,
            now=self.now,
            repository=self.repository,
        )
        for evidence in seen.evidence:
            self.used[evidence.path] = evidence
        return seen

    @cached_property
    def tests(self) -> Read:
        """The last run of the tests; its document is what each case's outcome was."""
        seen = self._look("tests", "local")
        if seen.record is None:
            return Read(seen)
        path = next((file.path for file in seen.record.files if file.path.endswith(".xml")), None)
        try:
            if path is None:
                raise ValueError("no report of cases in it")
            return Read(seen, cases((self.repository / path).read_bytes()))
        except UNREADABLE as error:
            reason = f"what the tests left cannot be read: {type(error).__name__}"
            return Read(Seen(None, Status.ERROR, reason))

    @cached_property
    def coverage(self) -> Mapping[str, int] | None:
        """The totals of the coverage that the tests' run measured."""
        record = self.tests.record
        for file in record.files if record else ():
            if file.path.endswith(".json"):
                try:
                    totals = json.loads((self.repository / file.path).read_text(encoding="utf-8"))["totals"]
                    return {key: int(value) for key, value in totals.items() if isinstance(value, int)}
                except UNREADABLE:
                    return None
        return None

    @cached_property
    def demo(self) -> Read:
        """The last demonstration in this environment, or else the sandbox's."""
        own = self.of("demo", self.environment)
        return own if own.record is not None or self.environment == "sandbox" else self.of("demo", "sandbox")

    @cached_property
    def own_demo(self) -> Read:
        """The last run through this very environment."""
        return self.of("demo", self.environment)

    @cached_property
    def lint(self) -> Read:
        """The last checks of the code itself."""
        return self.of("lint")

    @cached_property
    def benchmarks(self) -> Read:
        """The last measurements."""
        return self.of("benchmarks")


def cases(document: bytes) -> tuple[Case, ...]:
    """Every case of a JUnit report, by the id under which pytest knows its test.

    Raises ValueError and ParseError where it is none.
    """
    root = ET.fromstring(document)  # noqa: S314  (the report of our own run, held against its digest)
    found = []
    for case in root.iter("testcase"):
        *package, last = case.attrib["classname"].split(".")
        holder = [last]
        if last[:1].isupper():
            holder = [package.pop(), last]
        path = "/".join((*package, f"{holder[0]}.py"))
        name = case.attrib["name"].partition("[")[0]
        outcomes = {child.tag for child in case}
        outcome = (
            "failed" if outcomes & {"failure", "error"} else "skipped" if "skipped" in outcomes else "passed"
        )
        found.append(Case("::".join((path, *holder[1:], name)), outcome))
    if not found:
        raise ValueError("no case in it")
    return tuple(found)
