"""Files that others may have written: read with a limit, followed nowhere, and refused by name.

Records of this package are canonical JSON (RFC 8785, as :meth:`Results.canonical` has it): one text for one
content, so that whatever is altered is either another content or no record at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from pydantic import ConfigDict, ValidationError

from checks.checklist.model import Frozen
from checks.errors import ExitCode, HasivuError
from runtime.platform.canonical_json import canonical

RECORD_BYTES_MAX = 256 * 1024
RESULTS_BYTES_MAX = 32 * 1024 * 1024
FILE_BYTES_MAX = 512 * 1024 * 1024
SIGNATURE_SUFFIX = ".sig"
_CHUNK_BYTES = 1 << 20


class DocumentRefused(ValueError):
    """A file that is not taken. ``code`` is stable, and one of ``checks.release.context.NEXT_STEPS``."""

    def __init__(self, code: str, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.code = code
        self.path = path
        self.message = message


class Record(Frozen):
    """A record that is a file of its own. Its field ``schema_`` has its schema as the default."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def canonical(self) -> bytes:
        """The record as it is written and signed."""
        return canonical(self.model_dump(mode="json", by_alias=True))

    @property
    def sha256(self) -> str:
        """The digest by which others name it."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @classmethod
    def parse(cls, document: bytes, path: str) -> Self:
        """The record in ``document``; ``path`` is for the message. Error: DocumentRefused."""
        found = parsed(document, path)
        schema = cls.model_fields["schema_"].default
        if found.get("schema") != schema:
            raise DocumentRefused("unknown-schema", path, f"its schema is not {schema}")
        try:
            record = cls.model_validate_json(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the record"
            raise DocumentRefused("malformed", path, f"{place}: {first['msg']}") from None
        if record.canonical() != document:
            raise DocumentRefused("not-canonical", path, "it is not in canonical form: it was altered")
        return record


def parsed(document: bytes, path: str) -> dict[str, Any]:
    """The JSON object in ``document``. Error: DocumentRefused."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        raise DocumentRefused("malformed", path, "it is not JSON") from None
    if not isinstance(found, dict):
        raise DocumentRefused("malformed", path, "it is not a JSON object")
    return found


def read(folder: Path, name: str, *, bytes_max: int = RECORD_BYTES_MAX) -> bytes:
    """The bytes of the file ``name`` (with ``/``) in ``folder``. Error: DocumentRefused."""
    with opened(folder, name, bytes_max=bytes_max) as file:
        return file.read(bytes_max + 1)


def opened(folder: Path, name: str, *, bytes_max: int) -> IO[bytes]:
    """The file ``name`` in ``folder``, open for reading: no way leads out of the folder or over a link.

    Error: DocumentRefused.
    """
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or "\\" in name or "\0" in name or not relative.parts:
        raise DocumentRefused("outside", name, "it is outside of the folder")
    path = folder
    try:
        for part in relative.parts:
            path = path / part
            if path.is_symlink():
                raise DocumentRefused("symlink", name, "a link is followed nowhere")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise DocumentRefused("missing", name, "it is not there") from None
    except OSError as error:
        raise DocumentRefused("not-a-file", name, error.strerror or "it cannot be opened") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > bytes_max:
        os.close(descriptor)
        if stat.S_ISREG(status.st_mode):
            raise DocumentRefused("too-large", name, f"it has more than {bytes_max} bytes")
        raise DocumentRefused("not-a-file", name, "it is not a file")
    return os.fdopen(descriptor, "rb")


def digest_and_size(folder: Path, name: str) -> tuple[str, int]:
    """SHA-256 and size in bytes of a file of any kind. Error: DocumentRefused."""
    digest, size = hashlib.sha256(), 0
    with opened(folder, name, bytes_max=FILE_BYTES_MAX) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def write(path: Path, document: bytes) -> None:
    """Write the file as :func:`put` does. Error: `NOT_WRITTEN`."""
    try:
        put(path, document)
    except OSError as error:
        raise HasivuError(
            "NOT_WRITTEN",
            f"{path} cannot be written: {error.strerror}.",
            next_step="see that its folder can be written to and has room, and run it again",
            exit_code=ExitCode.CHECK_FAILED,
        ) from None


def put(path: Path, document: bytes) -> None:
    """Write all of it or nothing, and leave it on the disk: a crash leaves the file as it was.

    What a crash left beside it is taken away: nobody signed for it, so nothing would hold with it.
    Error: OSError.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in _left_by_a_crash(path):
        left.unlink(missing_ok=True)
    try:
        with beside.open("wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _left_by_a_crash(path: Path) -> list[Path]:
    """Half-written forms of ``path``, each of a process that is no more."""
    begin = f".{path.name}."
    return [
        each
        for each in path.parent.iterdir()
        if each.name.startswith(begin) and _has_ended(each.name.removeprefix(begin))
    ]


def _has_ended(process: str) -> bool:
    if not (process.isascii() and process.isdigit() and int(process) > 0):
        return False
    try:
        os.kill(int(process), 0)  # asks whether it is there, and sends nothing
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False  # it is there, and another's
    return False
