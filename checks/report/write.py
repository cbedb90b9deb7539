"""A report's folder: every form of it, and the list of files that is signed.

A folder is complete when its manifest is there: the old one is removed first, the new one is written last,
and each file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from checks.errors import ExitCode, HasivuError
from checks.release.documents import SIGNATURE_SUFFIX, put
from checks.report.badge import badge
from checks.report.evidence_files import LEFT_BY_RUNS
from checks.report.form import Form
from checks.report.junit import junit
from checks.report.model import Report
from checks.report.ocsf import ocsf
from checks.report.oscal import oscal
from checks.report.page import page
from checks.report.pdf import pdf
from checks.report.redaction import refuse_private_data
from checks.report.sarif import sarif
from checks.report.sheet import sheet
from checks.report.summary import markdown
from runtime.platform.canonical_json import canonical

RESULTS: Final = "results.json"
RELEASE: Final = "release.json"
MANIFEST: Final = "manifest.json"
SCHEMA: Final = "hasivu.manifest/1"
NO_EVIDENCE: Final[Mapping[str, bytes]] = MappingProxyType({})

FILES: Final[dict[Form, tuple[str, Callable[[Report], bytes]]]] = {
    Form.HTML: ("report.html", lambda report: page(report).encode()),
    Form.PDF: ("report.pdf", pdf),
    Form.MARKDOWN: ("summary.md", lambda report: markdown(report).encode()),
    Form.CSV: ("results.csv", lambda report: sheet(report.settled).encode()),
    Form.JUNIT: ("junit.xml", lambda report: junit(report.settled)),
    Form.SARIF: ("findings.sarif", lambda report: sarif(report.settled).encode()),
    Form.OCSF: ("ocsf.json", lambda report: ocsf(report.settled).encode()),
    Form.OSCAL: ("oscal-ar.json", lambda report: oscal(report).encode()),
    Form.BADGE: ("badge.svg", lambda report: badge(report.settled).encode()),
}


def render(
    report: Report,
    forms: Collection[Form] = tuple(Form),
    evidence: Mapping[str, bytes] = NO_EVIDENCE,
) -> dict[str, bytes]:
    """The files of a report by name, ``results.json``, the ``evidence`` and the manifest among them.

    Error: HasivuError REPORT_PRIVATE_DATA.
    """
    refuse_private_data(results=report.results, previous=report.previous)
    files = {RESULTS: report.results.canonical(), **evidence}
    if report.release is not None:
        refuse_private_data(signers=report.release.people, release=report.release)
        files[RELEASE] = canonical(report.release.model_dump(mode="json", by_alias=True))
    for form in Form:
        if form in forms:
            name, make = FILES[form]
            files[name] = make(report)
    return files | {MANIFEST: manifest(report, files)}


def manifest(report: Report, files: dict[str, bytes]) -> bytes:
    """The list of files with size and digest, by which a change of any byte is found."""
    document = {
        "schema": SCHEMA,
        "environment": report.results.environment,
        "results_sha256": report.results.sha256,
        "files": [
            {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in sorted(files.items())
        ],
    }
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def write(
    report: Report,
    folder: Path,
    forms: Collection[Form] = tuple(Form),
    evidence: Mapping[str, bytes] = NO_EVIDENCE,
) -> list[Path]:
    """Write the report with the ``evidence`` that it rests on into ``folder``; the paths, the manifest last.

    Forms and evidence of an earlier report that are not written now are removed: they would tell of other
    results. Error: HasivuError REPORT_PRIVATE_DATA, REPORT_NOT_WRITTEN.
    """
    files = render(report, forms, evidence)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _evidence_before(folder) - files.keys():
            (folder / name).unlink(missing_ok=True)
        for name in (RESULTS, MANIFEST):
            _drop_signature(folder, name, files[name])
        for name in (MANIFEST, *({RELEASE, *(name for name, _ in FILES.values())} - files.keys())):
            (folder / name).unlink(missing_ok=True)
        for name, content in files.items():
            put(folder / name, content)
    except OSError as error:
        raise HasivuError(
            "REPORT_NOT_WRITTEN",
            f"The report cannot be written to {folder}: {error.strerror}.",
            next_step="name a folder that can be written to with --output",
            exit_code=ExitCode.USAGE,
        ) from error
    return [folder / name for name in files]


def _drop_signature(folder: Path, name: str, content: bytes) -> None:
    """A signature of another document is none of this one."""
    signature = folder / f"{name}{SIGNATURE_SUFFIX}"
    try:
        same = (folder / name).read_bytes() == content
    except FileNotFoundError:
        same = False
    if not same:
        signature.unlink(missing_ok=True)


def _evidence_before(folder: Path) -> set[str]:
    """The evidence of the report that is in ``folder`` already, by its manifest."""
    try:
        listed = json.loads((folder / MANIFEST).read_bytes())["files"]
        paths = [PurePosixPath(each["path"]) for each in listed]
        return {str(path) for path in paths if path.parts[:1] == (LEFT_BY_RUNS,) and ".." not in path.parts}
    except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError):
        return set()
