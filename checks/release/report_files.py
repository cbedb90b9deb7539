"""The files of a report's folder: signed lists of them, and what is not as it was signed.

``manifest.json`` is what the report's writer made: a list of ``{"path", "sha256", "size"}`` over every file
but itself, ``results.json`` among them. It and ``results.json`` are signed; the decisions of the roles come
later and are signed one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from checks.checklist.contradictions import contradictions
from checks.checklist.model import Evidence, Frozen, Results, Sha256
from checks.release.documents import (
    RESULTS_BYTES_MAX,
    SIGNATURE_SUFFIX,
    DocumentRefused,
    digest_and_size,
    read,
    write,
)
from checks.release.signing import signature_over
from checks.release.signoff import FOLDER, verified
from checks.release.sshsig import SIGNATURE_BYTES_MAX, Namespace

if TYPE_CHECKING:
    from checks.release.allowed_signers import AllowedSigners
    from checks.release.signing import Signer

RESULTS: Final = "results.json"
CONTRADICTION: Final = "contradiction"
MANIFEST: Final = "manifest.json"
MANIFEST_BYTES_MAX = 8 * 1024 * 1024
FILES_MAX = 20_000
_OWN: Final = frozenset({MANIFEST, MANIFEST + SIGNATURE_SUFFIX, RESULTS + SIGNATURE_SUFFIX})


class Listed(Frozen):
    """One file of a report."""

    path: str
    sha256: Sha256
    size: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it was signed. ``code`` is stable, ``path`` relative to the report."""

    code: str
    path: str
    message: str


_LIST: Final = TypeAdapter(tuple[Listed, ...])


def read_results(report: Path) -> Results:
    """The report's results in canonical form, not yet held against a signature. Error: DocumentRefused."""
    document = read(report, RESULTS, bytes_max=RESULTS_BYTES_MAX)
    try:
        results = Results.read(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DocumentRefused("malformed", RESULTS, f"{place}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise DocumentRefused("not-canonical", RESULTS, str(error)[:200]) from None
    if results.canonical() != document:
        message = "blanks stand around it: `hasivu report` makes a report of what `hasivu check` wrote"
        raise DocumentRefused("not-canonical", RESULTS, message)
    return results


def agreeing_results(report: Path) -> Results:
    """The report's results, which say what their own proofs give. Error: DocumentRefused."""
    results = read_results(report)
    for first in contradictions(results):
        raise DocumentRefused(CONTRADICTION, RESULTS, f"{first.subject}: {first.message}")
    return results


def sign(report: Path, signer: Signer) -> None:
    """Sign the results, and the list of files where there is one. Error: DocumentRefused."""
    results = agreeing_results(report)
    write(
        report / (RESULTS + SIGNATURE_SUFFIX),
        signature_over(results.canonical(), Namespace.RESULTS, signer).armoured(),
    )
    if (report / MANIFEST).exists():
        document = read(report, MANIFEST, bytes_max=MANIFEST_BYTES_MAX)
        _listed(document)
        signature = signature_over(document, Namespace.RESULTS, signer)
        write(report / (MANIFEST + SIGNATURE_SUFFIX), signature.armoured())


def signer_of(report: Path, results: Results, signers: AllowedSigners) -> str:
    """The person whose signature over the results holds. Error: DocumentRefused."""
    return _signed(report, RESULTS, results.canonical(), results, signers)


def findings(
    report: Path, results: Results, signers: AllowedSigners, repository: Path | None
) -> Iterator[Finding]:
    """Everything in the folder that is not as it was signed. ``repository``: where evidence is, too."""
    listed: dict[str, Listed] | None = None
    try:
        document = read(report, MANIFEST, bytes_max=MANIFEST_BYTES_MAX)
        _signed(report, MANIFEST, document, results, signers)
        listed = {each.path: each for each in _listed(document)}
    except DocumentRefused as error:
        yield Finding(code=error.code, path=error.path, message=error.message)
    else:
        if RESULTS not in listed:
            yield Finding(code="malformed", path=MANIFEST, message=f"it does not list {RESULTS}")
    for each in (listed or {}).values():
        yield from _altered(report, each.path, each.sha256, each.size)
    inside = set()
    for evidence in results.evidence:
        inside.add(evidence.path)
        yield from _evidence(report, repository, evidence)
    if listed is not None:  # without a list nothing is known of any file, and that has been said
        yield from _unlisted(report, {*listed, *inside, *_OWN, RESULTS})


def _listed(document: bytes) -> tuple[Listed, ...]:
    try:
        found = json.loads(document)
        listed = _LIST.validate_json(json.dumps(found.get("files") if isinstance(found, dict) else found))
    except (ValueError, RecursionError):
        raise DocumentRefused("malformed", MANIFEST, "it is no list of path, sha256 and size") from None
    paths = [each.path for each in listed]
    if len(set(paths)) != len(paths):
        raise DocumentRefused("malformed", MANIFEST, "it lists a file twice")
    return listed


def _signed(report: Path, name: str, document: bytes, results: Results, signers: AllowedSigners) -> str:
    signature = read(report, name + SIGNATURE_SUFFIX, bytes_max=SIGNATURE_BYTES_MAX)
    return verified(
        document, signature, name, signers, namespace=Namespace.RESULTS, at=results.generated_at
    ).person


def _altered(folder: Path, path: str, sha256: str, size: int) -> Iterator[Finding]:
    try:
        found = digest_and_size(folder, path)
    except DocumentRefused as error:
        yield Finding(code=error.code, path=path[:200], message=error.message)
        return
    if found != (sha256, size):
        yield Finding(code="altered", path=path, message="it is not as it was signed")


def _evidence(report: Path, repository: Path | None, evidence: Evidence) -> Iterator[Finding]:
    """Evidence is in the report's folder, or else in the repository."""
    here = list(_altered(report, evidence.path, evidence.sha256, evidence.size))
    if here and here[0].code == "missing" and repository is not None:
        here = list(_altered(repository, evidence.path, evidence.sha256, evidence.size))
    yield from here


def _unlisted(report: Path, expected: set[str]) -> Iterator[Finding]:
    """Files that nobody signed for. Those among the sign-offs are judged as such."""
    for count, (name, wrong) in enumerate(_walk(report)):
        if count >= FILES_MAX:
            yield Finding(code="too-large", path=".", message=f"it has more than {FILES_MAX} files")
            return
        if wrong is not None:
            yield Finding(code=wrong, path=name[:200], message="nothing but files and folders is looked into")
        elif name not in expected and not name.startswith(f"{FOLDER}/"):
            yield Finding(code="unexpected", path=name[:200], message="nobody signed for it")


def _walk(report: Path) -> Iterator[tuple[str, str | None]]:
    """Every file below, and what cannot be looked into: ``symlink`` or ``not-a-file``."""
    folders = [report]
    while folders:
        folder = folders.pop()
        try:
            for path in sorted(folder.iterdir()):
                name = path.relative_to(report).as_posix()
                if path.is_symlink():
                    yield name, "symlink"
                elif path.is_dir():
                    folders.append(path)
                else:
                    yield name, None
        except OSError:
            yield folder.relative_to(report).as_posix(), "not-a-file"
