"""A checked synth is used again only where it is whole, unaltered and of these very sources."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from checks.checklist import checked_assembly
from checks.checklist.checked_assembly import CHECKED, checked
from checks.rules.gate import REQUIRED_PACKS, Lint, Verdict, judge
from checks.rules.validation_report import REPORT
from tests.assemblies import Assemblies
from tests.checks.checklist.conftest import NOW, World

TODAY = NOW.date()
LINT = (Lint("E1", "Data.template.json", "Resources/T", "bad"),)


class Gate:
    """A gate that synthesises nothing: it copies an assembly, and counts how often it is asked."""

    def __init__(self, assembly: Path) -> None:
        self.assembly = assembly
        self.asked = 0

    def __call__(self, environment: str, *, into: Path, today: date) -> Verdict:
        self.asked += 1
        report = {"pluginReports": [_pack(name) for name in REQUIRED_PACKS]}
        bad = {"pluginReports": [_pack(name, {"ruleName": "X-1"}) for name in REQUIRED_PACKS]}
        for name, said in (("assembly", report), ("bad-app", bad)):
            shutil.rmtree(into / name, ignore_errors=True)
            if name == "assembly":
                shutil.copytree(self.assembly, into / name)
            (into / name).mkdir(parents=True, exist_ok=True)
            (into / name / REPORT).write_text(json.dumps(said), encoding="utf-8")
        return judge(environment, into / "assembly", into / "bad-app", lint=LINT, today=today, took_s=1.0)


def _pack(name: str, *violations: object) -> dict[str, object]:
    return {
        "pluginName": name,
        "conclusion": "failure" if violations else "success",
        "violations": list(violations),
        "suppressedViolations": [],
    }


@pytest.fixture
def gate(world: World, assemblies: Assemblies, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The gate of the sandbox."""
    gate = Gate(assemblies("sandbox"))
    monkeypatch.setattr(checked_assembly, "run", gate)
    return gate


def test_it_is_used_again_with_the_same_verdict(world: World, gate: Gate) -> None:
    first = checked("sandbox", today=TODAY, repository=world.repository)
    second = checked("sandbox", today=TODAY, repository=world.repository)
    assert (gate.asked, first.reused, second.reused) == (1, False, True)
    assert second.assembly_sha256 == first.assembly_sha256
    assert second.verdict.lint == first.verdict.lint == LINT
    assert second.verdict.packs == first.verdict.packs == dict.fromkeys(sorted(REQUIRED_PACKS), "ran")


def test_it_is_judged_by_the_day_on_which_it_is_used(world: World, gate: Gate) -> None:
    checked("sandbox", today=TODAY, repository=world.repository)
    later = checked("sandbox", today=date(2027, 5, 1), repository=world.repository)
    assert (later.reused, later.verdict.on) == (True, date(2027, 5, 1))


def _change_sources(repository: Path) -> None:
    (repository / "runtime" / "functions" / "new.py").write_text("", encoding="utf-8")


def _change_bundles(repository: Path) -> None:
    manifest = repository / "build" / "lambda" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}", encoding="utf-8")


def _change(path: str) -> Callable[[Path], None]:
    def change(repository: Path) -> None:
        file = repository / "build/gate/sandbox" / path
        file.write_text(file.read_text(encoding="utf-8").replace('"', '"x', 1), encoding="utf-8")

    return change


def _remove(path: str) -> Callable[[Path], None]:
    return lambda repository: (repository / "build/gate/sandbox" / path).unlink()


@pytest.mark.parametrize(
    "change",
    [
        _change_sources,
        _change_bundles,
        _change("assembly/Storage.template.json"),
        _change(f"assembly/{REPORT}"),
        _change(f"bad-app/{REPORT}"),
        _change(CHECKED),
        _remove("assembly/manifest.json"),
        _remove(f"bad-app/{REPORT}"),
        _remove(CHECKED),
    ],
)
def test_whatever_is_not_as_it_was_is_made_anew(
    world: World, gate: Gate, change: Callable[[Path], None]
) -> None:
    checked("sandbox", today=TODAY, repository=world.repository)
    change(world.repository)
    assert not checked("sandbox", today=TODAY, repository=world.repository).reused
    assert gate.asked == 2
