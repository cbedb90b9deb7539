"""An environment to check: a small repository, a real assembly, and what its runs would leave."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checks.checklist import live_proofs
from checks.checklist.applicability import Setting
from checks.checklist.catalogue import Catalogue, load
from checks.checklist.check import Inputs, check
from checks.checklist.checked_assembly import Checked
from checks.checklist.digests import assembly_sha256, source_sha256
from checks.checklist.live_proofs import LiveProofs
from checks.checklist.model import ItemResult, ProofResult, Results
from checks.checklist.references import parse
from checks.checklist.run_evidence import RunEvidence
from checks.checklist.run_proofs import RunProofs
from checks.checklist.template_proofs import TemplateProofs, prove
from checks.evidence.run_record import record
from checks.rules.assembly import read_estate
from checks.rules.estate import Estate
from checks.rules.gate import REQUIRED_PACKS, Verdict
from checks.rules.validation_report import resource_counts
from stacks.house_app import ROOT
from tests.assemblies import Assemblies, assemblies, placeholder_bundles, shared_root

__all__ = ["assemblies", "placeholder_bundles", "shared_root"]

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The catalogue as it is committed."""
    return load()


_KNOWN: dict[Hashable, TemplateProofs] = {}
"""What the rules say of an assembly, by its digest: they are asked once."""


@dataclass
class World:
    """A repository in which runs may be recorded, and the check of it."""

    repository: Path
    catalogue: Catalogue
    assembly: Path
    environment: str = "sandbox"
    now: datetime = NOW
    live: Callable[[Path], LiveProofs] = field(default=lambda _: live_proofs.off("sandbox"))
    verdict: Verdict | None = None
    live_assembly: Path | None = None

    def check(self) -> Results:
        """How everything stands."""
        verdict = self.verdict or sound_verdict(self.environment, self.assembly, self.now.date())
        digest = assembly_sha256(self.assembly)
        checked = Checked(self.assembly, digest, verdict, reused=False)

        def rules(
            estate: Estate, setting: Setting, accepted: Mapping[tuple[str, str], str]
        ) -> TemplateProofs:
            key = (digest, setting, *sorted(accepted))
            if key not in _KNOWN:
                _KNOWN[key] = prove(estate, setting, accepted)
            return _KNOWN[key]

        return check(
            Inputs(
                environment=self.environment,
                checked=checked,
                live=self.live,
                live_assembly=self.live_assembly,
                now=self.now,
                catalogue=self.catalogue,
                repository=self.repository,
                rules=rules,
            )
        )

    def item(self, item_id: str) -> ItemResult:
        """How one item stands."""
        return next(item for item in self.check().items if item.item_id == item_id)

    def proof(self, proof_id: str) -> ProofResult:
        """What one proof of a run is."""
        runs = RunEvidence(self.environment, self.sources, self.now, self.repository)
        estate = _estate(self.assembly, self.environment)
        proving = RunProofs(runs, estate, runtime=self.repository / "runtime")
        return proving.prove(parse(proof_id))

    @property
    def sources(self) -> str:
        """The digest of this repository's sources."""
        return source_sha256(self.repository)

    def ran(self, kind: str, *files: tuple[str, str], environment: str = "local", **said: Any) -> Path:
        """Record a run that left these files (name and content)."""
        folder = self.repository / "build" / "evidence" / kind
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for name, content in files:
            path = folder / name
            path.write_text(content, encoding="utf-8")
            paths.append(path)
        facts: dict[str, Any] = {
            "source_sha256": self.sources,
            "began_at": self.now,
            "ended_at": self.now,
            "tool": "a tool",
            "tool_version": "1",
            "passed": True,
            "whole": True,
        }
        return record(
            kind, environment=environment, files=paths, repository=self.repository, **(facts | said)
        )

    def tests_ran(self, *, failing: Iterable[str] = (), skipped: Iterable[str] = (), **said: Any) -> Path:
        """Record a run of every test that the catalogue names, and one of each suite."""
        named = {
            text.removeprefix("test:")
            for item in (*self.catalogue.items, *self._controls())
            for text in item.R
            if text.startswith("test:")
        }
        named |= {f"tests/{suite}/test_a.py::test_b" for suite in ("unit", "integration", "infra", "e2e")}
        coverage = {"num_statements": 90, "covered_lines": 90, "num_branches": 10, "covered_branches": 9}
        files = (
            ("junit.xml", junit(named, failing=failing, skipped=skipped)),
            ("coverage.json", json.dumps({"totals": said.pop("coverage", coverage)})),
        )
        return self.ran("tests", *files, **said)

    def demo_ran(self, *, failing: Iterable[str] = (), environment: str = "sandbox", **said: Any) -> Path:
        """Record a demonstration of every step that the catalogue names."""
        named = {
            text.removeprefix("demo:")
            for item in (*self.catalogue.items, *self._controls())
            for text in item.R
            if text.startswith("demo:")
        }
        steps = [
            {"name": name, "ok": name not in failing, "evidence": {"error": "Disproved: no money"}}
            for name in sorted(named)
        ]
        document = (f"{environment}.json", json.dumps({"steps": steps}))
        return self.ran("demo", document, environment=environment, **said)

    def _controls(self) -> Iterable[Any]:
        return (control for framework in self.catalogue.frameworks for control in framework.control)


@cache
def _estate(assembly: Path, environment: str) -> Estate:
    return read_estate(assembly, environment=environment)


def junit(tests: Iterable[str], *, failing: Iterable[str] = (), skipped: Iterable[str] = ()) -> str:
    """A JUnit report of these tests, each with two cases."""
    cases = []
    for test in sorted({*tests, *failing, *skipped}):
        path, *rest = test.split("::")
        classname = ".".join([path.removesuffix(".py").replace("/", "."), *rest[:-1]])
        said = "<failure/>" if test in failing else "<skipped/>" if test in skipped else ""
        cases += [
            f'<testcase classname="{classname}" name="{rest[-1]}[{case}]">{said}</testcase>' for case in "ab"
        ]
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


def sound_verdict(environment: str, assembly: Path, on: date) -> Verdict:
    """A gate that found nothing."""
    return Verdict(
        environment=environment,
        on=on,
        packs=dict.fromkeys(REQUIRED_PACKS, "ran"),
        open=(),
        unsound=(),
        lint=(),
        suppressed=(),
        resources=resource_counts(assembly),
        took_s=1.0,
    )


@pytest.fixture
def world(tmp_path: Path, catalogue: Catalogue, assemblies: Assemblies) -> World:
    """The sandbox, of which nothing was run yet."""
    repository = tmp_path / "repository"
    for folder in ("environments", "runtime/functions"):
        shutil.copytree(ROOT / folder, repository / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return World(repository, catalogue, assemblies("sandbox"))
