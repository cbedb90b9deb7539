"""What a command works with: who may sign, who signs, where records are, which account."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.checklist.applicability import ENVIRONMENTS
from checks.errors import ExitCode, HasivuError
from checks.release.allowed_signers import AllowedSigners, NotAllowed, SignersRefused
from checks.release.documents import RESULTS_BYTES_MAX, DocumentRefused, read
from checks.release.gate import EMBEDDED
from checks.release.report_files import RESULTS
from checks.release.signing import Signer, SshKeygen
from checks.release.sshsig import Namespace
from checks.release.store import Records
from checks.release.throw_away_key import ThrowAwayKey
from checks.sandbox.layout import default_directory
from checks.toolchain import REPOSITORY

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_lambda import LambdaClient

    from checks.release.deadline import ScheduledPage

RELEASES: Final = REPOSITORY / "releases"
SIGNERS: Final = RELEASES / "allowed_signers"
_SANDBOX_FOLDER: Final = "release"
_SIGNERS_BYTES_MAX = 1 << 20


_AS_SIGNED: Final = "take it as it was signed from the branch `releases`, or make the report anew and sign it"
_WHAT_IT_IS: Final = "see what it is, and name or put the file itself there"

NEXT_STEPS: Final = {
    "altered": _AS_SIGNED,
    "chain": "take the records as they were signed from the branch `releases`; nothing was written",
    "contradiction": "make the results anew with `hasivu check`, and the report of them",
    "malformed": _AS_SIGNED,
    "missing": "name the folder that has it; a report is signed with `hasivu sign REPORT`",
    "not-a-file": _WHAT_IT_IS,
    "not-allowed": "let somebody sign who may by releases/allowed_signers, or add them by pull request",
    "not-canonical": _AS_SIGNED,
    "outside": "name a file that is inside of the folder",
    "signature": _AS_SIGNED,
    "symlink": _WHAT_IT_IS,
    "too-large": "see what it is: no report, record or list of signers is that large",
    "unexpected": "take away what is not a record, or name the folder of the records",
    "unknown-schema": "use the version of the program that made it",
}
"""What to do about a document that is refused, by :attr:`DocumentRefused.code`."""


class Context:
    """One environment as a command sees it. Error: `NO_RECORDS` where ``records`` is no folder."""

    def __init__(
        self, environment: str, *, signers: Path | None, records: Path | None, directory: Path | None
    ) -> None:
        self.environment = environment
        self._signers_path = signers
        self._records_path = None if records is None else _there(records)
        self._directory = directory

    @property
    def embedded(self) -> bool:
        """Whether it is the sandbox."""
        return self.environment == EMBEDDED

    @cached_property
    def signers(self) -> AllowedSigners:
        """Who may sign."""
        if self._signers_path is None and self.embedded:
            return _signers(_throw_away_key(self._directory).allowed_signers)
        return _signers(self._signers_path or SIGNERS)

    @property
    def folder(self) -> Path:
        """Where the records of all environments are."""
        if self._records_path is not None:
            return self._records_path
        return _sandbox(self._directory) / "releases" if self.embedded else RELEASES

    @property
    def has_records(self) -> bool:
        """Whether anything was written down; what is there in its place is for the records to refuse."""
        return os.path.lexists(self.folder / self.environment)

    @cached_property
    def records(self) -> Records:
        """The environment's records. Error: `ENVIRONMENT_UNKNOWN`: a slip would look like one without any."""
        if self.environment not in ENVIRONMENTS:
            raise HasivuError(
                "ENVIRONMENT_UNKNOWN",
                f"There is no environment {self.environment[:60]!r}.",
                next_step=f"name one of {', '.join(ENVIRONMENTS)}",
                exit_code=ExitCode.USAGE,
            )
        return Records(self.folder, self.environment, self.signers)

    @cached_property
    def session(self) -> boto3.Session:
        """A session that leads to the environment and to nothing else."""
        from checks.redrive.account import session_for  # noqa: PLC0415 - boto3, and only where AWS is asked

        return session_for(self.environment, sandbox_directory=self._directory)

    @property
    def functions(self) -> LambdaClient:
        """A client for Lambda."""
        from checks.redrive.account import CONFIG  # noqa: PLC0415

        return self.session.client("lambda", config=CONFIG)

    @property
    def deadline(self) -> ScheduledPage:
        """The alarm at the deadline of the rollback window."""
        from checks.redrive.account import CONFIG  # noqa: PLC0415
        from checks.release.deadline import ScheduledPage  # noqa: PLC0415
        from stacks.environment_file import load_environment  # noqa: PLC0415

        client = self.session.client("scheduler", config=CONFIG)
        settings = load_environment(
            self.environment, directory=REPOSITORY / "environments", today=datetime.now(UTC).date()
        )
        return ScheduledPage(client, settings)

    def signer(self, key: Path | None, kms_key: str | None) -> Signer:
        """Whoever signs. Error: `NO_KEY`."""
        return signer_for(self.environment, key, kms_key, self._directory)

    def person(self, signer: Signer, *, at: datetime) -> str:
        """Who is behind ``signer``, if they may sign records of releases. Error: NotAllowed."""
        return self.signers.signer(signer.public_key(), namespace=Namespace.RELEASE, at=at).person


def signer_for(environment: str, key: Path | None, kms_key: str | None, directory: Path | None) -> Signer:
    """The signer of the given key; in the sandbox its own, where none is given. Error: `NO_KEY`."""
    if key is not None:
        return SshKeygen(key)
    if kms_key is not None:
        from checks.redrive.account import CONFIG, session_for  # noqa: PLC0415
        from checks.release.kms_key import KmsKey  # noqa: PLC0415

        session = session_for(environment, sandbox_directory=directory)
        return KmsKey(session.client("kms", config=CONFIG), kms_key)
    if environment == EMBEDDED:
        return _throw_away_key(directory)
    raise HasivuError(
        "NO_KEY",
        "Nobody says which key signs.",
        next_step="give your SSH key with --key, or a key in AWS KMS with --kms-key",
        exit_code=ExitCode.USAGE,
    )


def offline_signers(report: Path, signers: Path | None, directory: Path | None) -> AllowedSigners:
    """Who may sign the report in ``report``: those named, the sandbox's own key, or the committed list.

    Verifying makes no key. Error: `NO_SANDBOX_KEY`.
    """
    if signers is None and _environment_of(report) == EMBEDDED:
        key = _throw_away_key(directory)
        if not key.is_there:
            raise HasivuError(
                "NO_SANDBOX_KEY",
                f"The report is a sandbox's, and the one in {_sandbox(directory)} has never signed anything.",
                next_step="name its folder with --dir, or who may sign with --allowed-signers",
                exit_code=ExitCode.CHECK_FAILED,
            )
        return _signers(key.allowed_signers)
    return _signers(signers or SIGNERS)


def records_folder(report: Path, records: Path | None, directory: Path | None) -> Path | None:
    """Where the records of the report's environment are; None where none are kept. Error: `NO_RECORDS`."""
    if records is not None:
        return _there(records)
    environment = _environment_of(report)
    folder = _sandbox(directory) / "releases" if environment == EMBEDDED else RELEASES
    return folder if environment and (folder / environment).is_dir() else None


def _there(records: Path) -> Path:
    """The folder that somebody named. One that is not there is a slip: it would begin another chain."""
    if not records.is_dir():
        raise HasivuError(
            "NO_RECORDS",
            f"{records} is no folder, so that there is no chain of go-lives to read or to go on with.",
            next_step="name the records with --records or HASIVU_RELEASES, or make a folder for the first",
            exit_code=ExitCode.USAGE,
        )
    return records


@contextmanager
def refused_as_error() -> Iterator[None]:
    """What is refused becomes an error that a person can act on."""
    try:
        yield
    except DocumentRefused as error:
        code = f"DOCUMENT_{error.code.upper().replace('-', '_')}"
        raise _error(code, str(error), NEXT_STEPS[error.code]) from None
    except SignersRefused as error:
        raise _error("SIGNERS_REFUSED", str(error), "correct the list of allowed signers") from None
    except NotAllowed as error:
        raise _error("NOT_ALLOWED", str(error), "see releases/allowed_signers") from None


def _error(code: str, message: str, next_step: str) -> HasivuError:
    return HasivuError(code, f"{message}.", next_step=next_step, exit_code=ExitCode.CHECK_FAILED)


def _signers(path: Path) -> AllowedSigners:
    document = read(path.parent, path.name, bytes_max=_SIGNERS_BYTES_MAX)
    try:
        return AllowedSigners.parse(document.decode("utf-8"))
    except UnicodeDecodeError:
        raise SignersRefused("the list is not UTF-8") from None


def _environment_of(report: Path) -> str:
    """What the report says it is about; empty where it cannot be read, which is found out afterwards."""
    try:
        found = json.loads(read(report, RESULTS, bytes_max=RESULTS_BYTES_MAX))
    except (ValueError, RecursionError):
        return ""
    environment = found.get("environment") if isinstance(found, dict) else None
    return environment if isinstance(environment, str) and environment.isalpha() else ""


def _throw_away_key(directory: Path | None) -> ThrowAwayKey:
    return ThrowAwayKey(_sandbox(directory) / _SANDBOX_FOLDER)


def _sandbox(directory: Path | None) -> Path:
    return (directory or default_directory()).resolve()
