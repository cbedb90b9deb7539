"""The XML of an ISO 20022 message, read as a stream and without trust.

A document type declaration is refused, so there are no entities to expand and nothing to fetch; depth,
elements and text are bounded. Nothing is built but the leaves that the reader asked for.
Source: OWASP, XML External Entity Prevention.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from runtime.payments.reconciliation.statements.model import FileFault, StatementRefused

DEPTH_MAX: Final = 40
TEXT_LENGTH_MAX: Final = 4_096
LEAVES_MAX: Final = 2_000
"""A batch entry may list thousands of transactions; what names it beyond this many texts is not kept."""
ELEMENTS_MAX: Final = 2_000_000
_CHUNK: Final = 1_048_576
"""The parser looks at a text that is cut by a chunk's end once more, so chunks are large."""
_NAMESPACE_SEPARATOR: Final = "\n"


@dataclass(slots=True)
class Branch:
    """An element of interest: where it begins, and the texts of its leaves by path (``Amt``, ``Amt@Ccy``)."""

    line_no: int
    leaves: dict[str, list[str]] = field(default_factory=dict)
    size: int = 0

    def first(self, *paths: str) -> str:
        """The first text at the first of ``paths`` that has one, or "" ."""
        return next((texts[0] for path in paths if (texts := self.leaves.get(path))), "")

    def every(self, *paths: str) -> list[str]:
        """All texts at ``paths``, in that order."""
        return [text for path in paths for text in self.leaves.get(path, ())]


@dataclass(slots=True)
class XmlReader:
    """Calls ``begin`` with the path of each element, and ``end`` with each branch once it is whole.

    ``branches`` are the paths from the root of the elements to gather; one inside another is gathered by
    itself. ``leaves`` are the paths within a branch that are kept.
    """

    branches: Collection[str]
    leaves: Collection[str]
    begin: Callable[[str, str, int], None]
    end: Callable[[str, Branch], None]
    _path: list[str] = field(default_factory=list)
    _open: list[tuple[int, Branch]] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _text_length: int = 0
    _elements: int = 0
    _line_no: Callable[[], int] = field(default=int)

    def read(self, data: bytes) -> None:
        """Read the whole document. Raises StatementRefused for one that is malformed or breaks a limit."""
        parser = expat.ParserCreate(namespace_separator=_NAMESPACE_SEPARATOR)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._characters
        self._line_no = lambda: parser.CurrentLineNumber
        try:
            for offset in range(0, len(data), _CHUNK):
                parser.Parse(data[offset : offset + _CHUNK], False)
            parser.Parse(b"", True)
        except StatementRefused:
            raise
        except (expat.ExpatError, LookupError, ValueError):  # the last two for encodings that expat lacks
            raise StatementRefused(
                FileFault.XML_MALFORMED, "the XML is not well formed", parser.ErrorLineNumber
            ) from None

    def _doctype(self, *_: object) -> None:
        raise StatementRefused(
            FileFault.XML_DOCTYPE, "a statement has no document type declaration", self._line_no()
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(_NAMESPACE_SEPARATOR)
        self._path.append(local)
        self._elements += 1
        if len(self._path) > DEPTH_MAX or self._elements > ELEMENTS_MAX:
            raise StatementRefused(
                FileFault.XML_LIMIT, "the XML is nested too deeply or too large", self._line_no()
            )
        path = "/".join(self._path)
        self.begin(path, namespace, self._line_no())
        if path in self.branches:
            self._open.append((len(self._path), Branch(self._line_no())))
        self._text.clear()
        self._text_length = 0
        for attribute, value in attributes.items():
            if len(value) > TEXT_LENGTH_MAX:
                raise StatementRefused(FileFault.XML_LIMIT, "a text of the XML is too long", self._line_no())
            self._keep(f"@{attribute}", value)

    def _characters(self, text: str) -> None:
        self._text_length += len(text)
        if self._text_length > TEXT_LENGTH_MAX:
            if text.isspace():
                return
            raise StatementRefused(FileFault.XML_LIMIT, "a text of the XML is too long", self._line_no())
        self._text.append(text)

    def _finish(self, _: str) -> None:
        text = "".join(self._text).strip()
        if text:
            self._keep("", text)
        self._text.clear()
        self._text_length = 0
        if self._open and self._open[-1][0] == len(self._path):
            branch = self._open.pop()[1]
            self.end("/".join(self._path), branch)
        self._path.pop()

    def _keep(self, suffix: str, text: str) -> None:
        """Keep a text of the innermost open branch, if it is one that was asked for."""
        if not self._open:
            return
        depth, branch = self._open[-1]
        path = "/".join(self._path[depth:]) + suffix
        if path in self.leaves and branch.size < LEAVES_MAX:
            branch.size += 1
            branch.leaves.setdefault(path, []).append(text)
