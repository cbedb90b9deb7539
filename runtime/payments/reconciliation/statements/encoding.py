"""From the bytes of an upload to text: what banks send, and nothing that must be unpacked or run."""

import codecs
import re
from typing import Final

from runtime.payments.reconciliation.statements.model import (
    FILE_BYTES_MAX,
    FILE_LINES_MAX,
    LINE_LENGTH_MAX,
    FileFault,
    StatementRefused,
)

_PACKED: Final = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\x00"),
    *(b"\x28\xb5\x2f\xfd", b"Rar!", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x7fELF", b"MZ\x90"),
)
"""How archives, spreadsheets, documents and programs begin."""
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_SAMPLE: Final = 4_096
_HTML: Final = ("<html", "<!doctype html", "<table", "<head")


def check_upload(data: bytes) -> None:
    """Refuse what is no text: an empty, huge, packed or binary file. Raises StatementRefused."""
    if len(data) > FILE_BYTES_MAX:
        raise StatementRefused(FileFault.TOO_LARGE, f"a statement has at most {FILE_BYTES_MAX} bytes")
    if not data.strip(b" \t\r\n\x00"):
        raise StatementRefused(FileFault.EMPTY, "the file is empty")
    if data.startswith(_PACKED):
        raise StatementRefused(
            FileFault.NOT_TEXT, "the file is an archive, a spreadsheet or a document; send the text itself"
        )


def decode(data: bytes) -> str:
    """The text of ``data``: UTF-8 or UTF-16 (with or without a byte order mark), else Windows-1252.

    Raises StatementRefused.
    """
    check_upload(data)
    text = _decoded(data)
    if "\x00" in text:
        raise StatementRefused(FileFault.NUL, "the file holds NUL characters")
    if text.lstrip()[:32].lower().startswith(_HTML):
        raise StatementRefused(
            FileFault.NOT_TEXT, "the file is a web page; download the statement as CSV, CAMT.053 or MT940"
        )
    return text


def text_lines(text: str) -> list[str]:
    """The lines of ``text`` by the line ends of every system and no other sign. Raises StatementRefused."""
    if max(text.count("\n"), text.count("\r")) > FILE_LINES_MAX:
        raise StatementRefused(FileFault.TOO_MANY_LINES, f"a file has at most {FILE_LINES_MAX} lines")
    lines = _LINE_BREAK.split(text)
    for line_no, line in enumerate(lines, 1):
        if len(line) > LINE_LENGTH_MAX:
            raise StatementRefused(
                FileFault.LINE_TOO_LONG, f"a line has at most {LINE_LENGTH_MAX} characters", line_no
            )
    return lines


def _decoded(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    guessed = _utf16_without_mark(data)
    if guessed is not None:
        return _strictly(data, guessed)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _strictly(data, "cp1252")


def _utf16_without_mark(data: bytes) -> str | None:
    """UTF-16 of a Latin text has a zero in nearly every second byte."""
    sample = data[:_SAMPLE]
    half = len(sample) // 2
    if len(data) % 2 == 0 and half:
        if sample[1::2].count(0) * 10 >= half * 9 and 0 not in sample[::2]:
            return "utf-16-le"
        if sample[::2].count(0) * 10 >= half * 9 and 0 not in sample[1::2]:
            return "utf-16-be"
    return None


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise StatementRefused(FileFault.ENCODING, "the file is not UTF-8, UTF-16 or Windows-1252") from None
