"""Where records are kept: ``<folder>/<environment>/<sequence>/``, one folder for one deployment, a chain."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from checks.errors import ExitCode, HasivuError
from checks.release.allowed_signers import AllowedSigners
from checks.release.documents import SIGNATURE_SUFFIX, DocumentRefused, Record, read, write
from checks.release.records import Closed, GoLive, Prepared, RollbackBegun, RolledBack
from checks.release.signing import Signer, signature_over
from checks.release.signoff import verified
from checks.release.sshsig import SIGNATURE_BYTES_MAX, Namespace
from checks.release.window import Window, WindowRefused

PREPARED: Final = "prepared.json"
GO_LIVE: Final = "go-live.json"
CLOSED: Final = "closed.json"
BEGUN: Final = "rollback-begun.json"
ROLLED_BACK: Final = "rolled-back.json"
_SIGNED: Final = (GO_LIVE, CLOSED, ROLLED_BACK)
_FILES: Final = frozenset({PREPARED, BEGUN, *_SIGNED, *(name + SIGNATURE_SUFFIX for name in _SIGNED)})
_FOLDER: Final = re.compile(r"[0-9]{4}")

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One deployment's records. ``window`` is None until it is live."""

    sequence: int
    prepared: Prepared | None
    window: Window | None
    signed_by: str = ""
    """Who signed the go-live."""


class Records:
    """The records of one environment in ``folder``. Reading verifies: signatures, digests, the chain."""

    def __init__(self, folder: Path, environment: str, signers: AllowedSigners) -> None:
        if not re.fullmatch(r"[a-z]+", environment):
            raise DocumentRefused("outside", environment[:60], "it is no environment's name")
        self._folder = folder / environment
        self._environment = environment
        self._signers = signers

    def all(self) -> list[Deployment]:
        """Every deployment, oldest first. Error: DocumentRefused, which names the first bad file."""
        deployments: list[Deployment] = []
        before: Window | None = None
        for sequence, name in enumerate(self._names(), start=1):
            if name != f"{sequence:04}":
                raise DocumentRefused("missing", f"{sequence:04}", "the chain of go-lives has a gap")
            deployment = self._deployment(sequence, name)
            if deployment.window is not None:
                self._follows(deployment.window.go_live, before, f"{name}/{GO_LIVE}", sequence)
                before = deployment.window
            elif sequence != len(self._names()):
                raise DocumentRefused(
                    "missing", f"{name}/{GO_LIVE}", "a later deployment is live, this is not"
                )
            deployments.append(deployment)
        return deployments

    def last_live(self) -> Deployment | None:
        """The deployment that is live. Error: DocumentRefused."""
        return next((each for each in reversed(self.all()) if each.window is not None), None)

    def pending(self) -> Prepared | None:
        """What the gate let through and nobody has opened yet. Error: DocumentRefused."""
        deployments = self.all()
        return deployments[-1].prepared if deployments and deployments[-1].window is None else None

    def next_sequence(self) -> int:
        """The number of the deployment to be prepared or opened next."""
        deployments = self.all()
        return sum(each.window is not None for each in deployments) + 1

    def sweep(self) -> None:
        """Take away a signature whose record a crash kept from being written, so that it can be made anew."""
        for name in self._names()[-1:]:
            for file in _SIGNED:
                signature = self._folder / name / (file + SIGNATURE_SUFFIX)
                if signature.exists() and not (self._folder / name / file).exists():
                    signature.unlink()

    def write_prepared(self, prepared: Prepared) -> Path:
        """Keep what was running before. Replaces an earlier attempt of the same deployment."""
        return self._write(prepared.sequence, PREPARED, prepared)

    def write_begun(self, sequence: int, begun: RollbackBegun) -> Path:
        """Keep that a rollback began."""
        return self._write(sequence, BEGUN, begun)

    def write_go_live(self, record: GoLive, signer: Signer) -> Path:
        """Keep a go-live and its signature."""
        return self._write_signed(record.sequence, GO_LIVE, record, signer)

    def write_closed(self, sequence: int, record: Closed, signer: Signer) -> Path:
        """Keep that the window is closed."""
        return self._write_signed(sequence, CLOSED, record, signer)

    def write_rolled_back(self, sequence: int, record: RolledBack, signer: Signer) -> Path:
        """Keep that everything is back."""
        return self._write_signed(sequence, ROLLED_BACK, record, signer)

    @contextmanager
    def held(self) -> Iterator[None]:
        """While it lasts no other command writes records of this environment. It ends with the process.

        Where there are none yet there is nothing to be held. Error: `RECORDS_BUSY`: another one is at it.
        """
        if not self._folder.is_dir():
            yield
            return
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HasivuError(
                    "RECORDS_BUSY",
                    f"Another command writes down a release of {self._environment}.",
                    next_step="see what it did with `hasivu window` once it has ended, then run this again",
                    exit_code=ExitCode.CHECK_FAILED,
                ) from None
            yield
        finally:
            os.close(descriptor)

    def _names(self) -> list[str]:
        if self._folder.is_symlink():
            raise DocumentRefused("symlink", self._environment, "a link is followed nowhere")
        if not self._folder.is_dir():
            return []
        names = sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))
        for name in names:
            path = self._folder / name
            if not _FOLDER.fullmatch(name) or path.is_symlink() or not path.is_dir():
                raise DocumentRefused("unexpected", name[:100], "it is no deployment's folder")
        return names

    def _deployment(self, sequence: int, name: str) -> Deployment:
        for path in sorted((self._folder / name).iterdir()):
            if path.name not in _FILES and not path.name.startswith("."):
                raise DocumentRefused("unexpected", f"{name}/{path.name}"[:200], "it is no record")
        prepared = self._record(name, PREPARED, Prepared)
        go_live = self._record(name, GO_LIVE, GoLive)
        for file in _SIGNED:
            here = self._folder / name
            if (here / (file + SIGNATURE_SUFFIX)).exists() and not (here / file).exists():
                raise DocumentRefused(
                    "missing", f"{name}/{file}", "only its signature is there: run what was cut off again"
                )
        if go_live is None:
            for other in (CLOSED, BEGUN, ROLLED_BACK):
                if (self._folder / name / other).exists():
                    raise DocumentRefused("missing", f"{name}/{GO_LIVE}", "it is not there")
            if prepared is None:
                raise DocumentRefused("missing", f"{name}/{PREPARED}", "it is not there")
            return Deployment(sequence=sequence, prepared=prepared, window=None)
        signed_by = self._verify(name, GO_LIVE, go_live, go_live.owner)
        if prepared is None or prepared.sha256 != go_live.prepared_sha256:
            raise DocumentRefused("altered", f"{name}/{PREPARED}", "it is not what the go-live rests on")
        closed = self._record(name, CLOSED, Closed)
        rolled_back = self._record(name, ROLLED_BACK, RolledBack)
        begun = self._record(name, BEGUN, RollbackBegun)
        for file, record in ((CLOSED, closed), (ROLLED_BACK, rolled_back)):
            if record is not None:
                self._verify(name, file, record, record.by)
        try:
            window = Window(go_live=go_live, closed=closed, begun=begun, rolled_back=rolled_back)
        except WindowRefused as error:
            raise DocumentRefused("contradiction", name, str(error)) from None
        return Deployment(sequence=sequence, prepared=prepared, window=window, signed_by=signed_by)

    def _follows(self, go_live: GoLive, before: Window | None, path: str, sequence: int) -> None:
        if go_live.environment != self._environment or go_live.sequence != sequence:
            raise DocumentRefused("malformed", path, "it is of another environment or place in the chain")
        if before is None:
            return  # its own rules say that the first one names none
        if go_live.previous_record_sha256 != before.go_live.sha256:
            raise DocumentRefused("chain", path, "it does not follow the go-live before it")
        if before.outcome is None or go_live.previous_outcome_sha256 != before.outcome.sha256:
            raise DocumentRefused("chain", path, "the window before it did not end as it says")
        if go_live.deployed_at < before.outcome.at:
            raise DocumentRefused("chain", path, "it is older than the end of the window before it")

    def _record(self, name: str, file: str, kind: type[_R]) -> _R | None:
        path = f"{name}/{file}"
        try:
            document = read(self._folder, path)
        except DocumentRefused as error:
            if error.code == "missing":
                return None
            raise
        return kind.parse(document, path)

    def _verify(self, name: str, file: str, record: GoLive | Closed | RolledBack, person: str) -> str:
        path = f"{name}/{file}"
        at = record.deployed_at if isinstance(record, GoLive) else record.at
        signature = read(self._folder, path + SIGNATURE_SUFFIX, bytes_max=SIGNATURE_BYTES_MAX)
        found = verified(
            record.canonical(), signature, path, self._signers, namespace=Namespace.RELEASE, at=at
        ).person
        if found != person:
            raise DocumentRefused("not-allowed", path, "the key belongs to another person than it names")
        return found

    def _write(self, sequence: int, file: str, record: Record) -> Path:
        path = self._folder / f"{sequence:04}" / file
        write(path, record.canonical())
        return path

    def _write_signed(self, sequence: int, file: str, record: Record, signer: Signer) -> Path:
        """The signature first: a record without one counts for nothing, a signature alone neither."""
        document = record.canonical()
        signature = signature_over(document, Namespace.RELEASE, signer)
        folder = self._folder / f"{sequence:04}"
        write(folder / (file + SIGNATURE_SUFFIX), signature.armoured())
        return self._write(sequence, file, record)
