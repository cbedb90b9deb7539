"""What a report is made from, refused with a next step where it is not what it should be."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from checks.checklist.contradictions import contradictions
from checks.checklist.model import Results
from checks.errors import ExitCode, HasivuError

BYTES_MAX = 64 * 1024 * 1024
_RESULTS = "results.json"


def results(path: Path) -> Results:
    """The results in ``path``, or in the report's folder ``path``.

    Errors: `RESULTS_UNREADABLE`; `RESULTS_CONTRADICTORY` where they deny themselves.
    """
    file = path / _RESULTS if path.is_dir() else path
    try:
        found = Results.read(_bytes(file))
    except (ValidationError, ValueError, RecursionError) as error:
        raise _refused("RESULTS_UNREADABLE", file, _why(error), "make them with `hasivu check`") from None
    for first in contradictions(found):
        why = f"{first.subject}: {first.message}"
        raise _refused("RESULTS_CONTRADICTORY", file, why, "make them anew with `hasivu check`")
    return found


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ValueError("it is not a file")
        if path.stat().st_size > BYTES_MAX:
            raise ValueError(f"it is larger than {BYTES_MAX} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(error.strerror or "it cannot be read") from None


def _why(error: Exception) -> str:
    """The reason without what the document says: that may be what must not be shown."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'the document'}: {first['msg']}"
    return str(error)


def _refused(code: str, path: Path, why: str, next_step: str) -> HasivuError:
    return HasivuError(code, f"{path}: {why}.", next_step=next_step, exit_code=ExitCode.USAGE)
