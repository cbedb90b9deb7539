"""One checked synth of an environment: the last one where it is of these very sources, else a new one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from checks.bundles.build import output_of
from checks.checklist.digests import assembly_sha256, source_sha256
from checks.rules.gate import Lint, Verdict, judge, run
from checks.rules.gate_report import write
from checks.rules.validation_report import REPORT
from checks.toolchain import REPOSITORY

CHECKED: Final = "checked.json"


@dataclass(frozen=True, slots=True)
class Checked:
    """An assembly, its digest, the gate's verdict on it, and whether it was there already."""

    folder: Path
    assembly_sha256: str
    verdict: Verdict
    reused: bool


def checked(environment: str, *, today: date, repository: Path = REPOSITORY) -> Checked:
    """The checked assembly of ``environment`` as of ``today``, in build/gate. The bundles must be built.

    Errors: ``SYNTH_FAILED``, ``LINT_FAILED``.
    """
    into = repository / "build" / "gate" / environment
    key = _key(repository)
    reused = _reused(environment, into, key, today)
    if reused is not None:
        return reused
    (into / CHECKED).unlink(missing_ok=True)
    verdict = run(environment, into=into, today=today)
    write(verdict, into)
    digest = assembly_sha256(into / "assembly")
    said = {
        "key": key,
        "assembly_sha256": digest,
        "reports_sha256": _reports_sha256(into),
        "lint": [dataclasses.asdict(each) for each in verdict.lint],
    }
    (into / CHECKED).write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return Checked(into / "assembly", digest, verdict, reused=False)


def _reused(environment: str, into: Path, key: str, today: date) -> Checked | None:
    """The last checked synth, judged anew for ``today``; None unless it is whole and of these sources."""
    try:
        said: dict[str, Any] = json.loads((into / CHECKED).read_text(encoding="utf-8"))
        if said["key"] != key:
            return None
        digest = assembly_sha256(into / "assembly")
        if (said["assembly_sha256"], said["reports_sha256"]) != (digest, _reports_sha256(into)):
            return None
        lint = [Lint(**each) for each in said["lint"]]
        verdict = judge(environment, into / "assembly", into / "bad-app", lint=lint, today=today, took_s=0.0)
    except Exception:
        return None
    return Checked(into / "assembly", digest, verdict, reused=True)


def _key(repository: Path) -> str:
    """The sources, and the bundles that were built of them."""
    manifest = output_of(repository) / "manifest.json"
    bundles = manifest.read_bytes() if manifest.is_file() else b""
    return hashlib.sha256(source_sha256(repository).encode() + bundles).hexdigest()


def _reports_sha256(into: Path) -> str:
    """The packs' reports on the assembly and on the bad app, and the acknowledgements beside the first."""
    digest = hashlib.sha256()
    for path in (
        into / "assembly" / REPORT,
        into / "bad-app" / REPORT,
        into / "assembly" / "manifest.json",
        *sorted((into / "assembly").glob("*.metadata.json")),
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()
