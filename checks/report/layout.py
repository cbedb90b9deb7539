"""Text and tables on A4: wrapped, broken over pages, headings repeated. Built on fpdf2's primitives.

Lengths are millimetres, font sizes points. Words are measured once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont
from fpdf.prefs import ViewerPreferences

from checks.escaping import plain

FONTS: Final = Path(__file__).parent / "fonts"
"""Noto Sans and Noto Sans Mono (SIL Open Font License 1.1), reduced to Latin, Greek, currencies, arrows and
relations, without layout tables."""
SANS, MONO = "NotoSans", "NotoSansMono"
MARGIN, FOOT = 15, 18
WIDTH = 210 - 2 * MARGIN
_POINT_MM = 0.352778
_LEADING = 1.32

Colour = tuple[int, int, int]
INK: Final[Colour] = (27, 36, 48)
MUTED: Final[Colour] = (86, 96, 109)
RED: Final[Colour] = (179, 35, 26)
LINE: Final[Colour] = (205, 211, 219)
SHADE: Final[Colour] = (243, 245, 248)


class Document(FPDF):
    """A4 pages with the digest at the foot of each."""

    def __init__(self, *, title: str, subject: str, foot: str, at: datetime) -> None:
        super().__init__(format="A4")
        self._foot = foot
        self._widths: dict[tuple[str, str, int], float] = {}
        self.set_title(title)
        self.set_subject(subject)
        self.set_author("HASIVU payments")
        self.set_creator("hasivu report")
        self.set_producer("fpdf2")
        self.set_lang("en-GB")
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._marked: dict[int, int] = {}
        self.set_creation_date(at.astimezone(UTC))
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(False)
        self.add_font(SANS, "", FONTS / "NotoSans-Regular.ttf")
        self.add_font(SANS, "B", FONTS / "NotoSans-SemiBold.ttf")
        self.add_font(MONO, "", FONTS / "NotoSansMono-Regular.ttf")

    def footer(self) -> None:
        with self._artifact():
            self.set_y(-FOOT + 4)
            self.set_font(MONO, "", 6.5)
            self.set_text_color(*MUTED)
            self.cell(WIDTH - 22, 4, self._foot, new_x=XPos.RIGHT, new_y=YPos.TOP)
            self.set_font(SANS, "", 7.5)
            self.cell(22, 4, f"{self.page_no()} / {{nb}}", align="R")

    @contextmanager
    def _tagged(self, kind: str) -> Iterator[None]:
        """What is drawn within is one element of the structure tree: ``H1``, ``H2``, ``P``.

        fpdf2 keeps the tree flat: cells are paragraphs in reading order, without a table around them.
        Source: ISO 32000-1, 14.7 and 14.8.
        """
        page = self.page
        mark = self._marked.get(page, 0)
        self._marked[page] = mark + 1
        _, self.pages[page].struct_parents = self.struct_builder.add_marked_content(page, f"/{kind}", mark)
        self._out(f"/{kind} <</MCID {mark}>> BDC")
        yield
        self._out("EMC")

    @contextmanager
    def _artifact(self) -> Iterator[None]:
        """What is drawn within is for the eye, and no part of what the document says."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")

    @cached_property
    def _known(self) -> tuple[frozenset[int], frozenset[int]]:
        """The characters that the sans and the monospaced font have."""
        return self._characters(SANS), self._characters(MONO)

    def _characters(self, family: str) -> frozenset[int]:
        font = self.fonts[family.lower()]
        return frozenset(font.cmap) if isinstance(font, TTFFont) else frozenset()

    @property
    def room(self) -> float:
        """What is left of the page."""
        return float(self.h - FOOT - self.y)

    def need(self, height: float) -> bool:
        """Begin a page unless ``height`` is left; whether one was begun."""
        if self.room >= height:
            return False
        self.add_page()
        return True

    def words(self, text: str) -> list[tuple[str, str]]:
        """The words of ``text``, each with the font that has all of its characters; what neither has is
        written out as its code point."""
        sans, mono = self._known
        found = []
        for word in plain(text).split():
            shown = "".join(
                character if ord(character) in sans or ord(character) in mono else f"[U+{ord(character):04X}]"
                for character in word
            )
            found.append((shown, SANS if all(ord(character) in sans for character in shown) else MONO))
        return found

    def _width(self, word: str, family: str, style: str, size: float) -> float:
        key = (word, family + style, int(size * 10))
        if key not in self._widths:
            self.set_font(family, style if family == SANS else "", size)
            self._widths[key] = self.get_string_width(word)
        return self._widths[key]

    def wrapped(
        self, text: str, width: float, *, size: float, style: str = "", family: str = ""
    ) -> list[list[tuple[str, str]]]:
        """Lines of words, none wider than ``width``; a longer word is broken."""
        lines: list[list[tuple[str, str]]] = [[]]
        blank = self._width(" ", family or SANS, style, size)
        used = 0.0
        for word, own in self.words(text):
            face = family or own
            for piece in self._pieces(word, face, style, size, width):
                wide = self._width(piece, face, style, size)
                if lines[-1] and used + blank + wide > width:
                    lines.append([])
                if lines[-1]:
                    used += blank
                else:
                    used = 0.0
                lines[-1].append((piece, face))
                used += wide
        return lines

    def _pieces(self, word: str, face: str, style: str, size: float, width: float) -> Iterable[str]:
        while self._width(word, face, style, size) > width and len(word) > 1:
            end = len(word)
            while end > 1 and self._width(word[:end], face, style, size) > width:
                end -= max(1, end // 12)
            yield word[:end]
            word = word[end:]
        yield word

    def put(
        self,
        lines: list[list[tuple[str, str]]],
        x: float,
        y: float,
        *,
        size: float,
        style: str = "",
        colour: Colour = INK,
        kind: str = "P",
    ) -> float:
        """Draw wrapped lines with their top at ``y``; what they take. ``kind``: what they are for a reader
        who does not see."""
        if not any(lines):
            return len(lines) * leading(size)
        with self._tagged(kind):
            return self._drawn(lines, x, y, size=size, style=style, colour=colour)

    def _drawn(
        self,
        lines: list[list[tuple[str, str]]],
        x: float,
        y: float,
        *,
        size: float,
        style: str,
        colour: Colour,
    ) -> float:
        step = leading(size)
        self.set_text_color(*colour)
        for number, line in enumerate(lines):
            place = x
            base = y + number * step + step * 0.78
            run: list[str] = []
            face = ""
            for word, own in line:
                if own != face and run:
                    place = self._text(place, base, " ".join(run) + " ", face, style, size)
                    run = []
                face = own
                run.append(word)
            if run:
                self._text(place, base, " ".join(run), face, style, size)
        return len(lines) * step

    def _text(self, x: float, y: float, text: str, face: str, style: str, size: float) -> float:
        self.set_font(face, style if face == SANS else "", size)
        self.text(x, y, text)
        return x + float(self.get_string_width(text))

    def paragraph(
        self,
        text: str,
        *,
        size: float = 9.5,
        style: str = "",
        colour: Colour = INK,
        family: str = "",
        after: float = 2,
    ) -> None:
        """Text over the whole width, broken over pages."""
        for line in self.wrapped(text, WIDTH, size=size, style=style, family=family):
            self.need(leading(size))
            self.set_y(self.y + self.put([line], MARGIN, self.y, size=size, style=style, colour=colour))
        self.set_y(self.y + after)

    def bar(self, top: float, colour: Colour) -> None:
        """A thick line at the left of what stands out."""
        with self._artifact():
            self.set_fill_color(*colour)
            self.rect(MARGIN, top, 4, 34, style="F")

    def heading(self, text: str, *, level: int = 0) -> None:
        """A heading that is also in the outline, never alone at a page's end."""
        size = (15, 11)[level]
        self.need(leading(size) + 26)
        self.set_y(self.y + (5, 2.5)[level])
        self.start_section(plain(text)[:80], level=level)
        lines = self.wrapped(text, WIDTH, size=size, style="B")
        kind = ("H1", "H2")[level]
        taken = self.put(lines, MARGIN, self.y, size=size, style="B", kind=kind)
        self.set_y(self.y + taken + (2, 1)[level])

    def rows(
        self,
        titles: Sequence[str],
        widths: Sequence[float],
        body: Iterable[Sequence[Cell]],
        *,
        size: float = 8,
    ) -> None:
        """A table; rows are kept together where they fit on a page, the titles stand on every page."""
        self.need(24)
        self._titles(titles, widths, size)
        for cells in body:
            fitted = [
                [
                    (
                        self.wrapped(
                            part.text, width - 3, size=part.size or size, style=part.style, family=part.family
                        ),
                        part,
                    )
                    for part in cell.parts
                ]
                for cell, width in zip(cells, widths, strict=True)
            ]
            height = (
                max(sum(len(lines) * leading(part.size or size) for lines, part in parts) for parts in fitted)
                + 2.4
            )
            if self.need(min(height, self.h - FOOT - MARGIN - 12)):
                self._titles(titles, widths, size)
            self._row(fitted, widths, size, height)

    def _row(
        self,
        fitted: list[list[tuple[list[list[tuple[str, str]]], Part]]],
        widths: Sequence[float],
        size: float,
        height: float,
    ) -> None:
        top, x = self.y, float(MARGIN)
        for parts, width in zip(fitted, widths, strict=True):
            y = top + 1.2
            for lines, part in parts:
                y += self.put(lines, x + 1.5, y, size=part.size or size, style=part.style, colour=part.colour)
            x += width
        with self._artifact():
            self.set_draw_color(*LINE)
            self.set_line_width(0.15)
            self.line(MARGIN, top + height, MARGIN + sum(widths), top + height)
        self.set_y(top + height)

    def _titles(self, titles: Sequence[str], widths: Sequence[float], size: float) -> None:
        height, x = leading(size) + 2, float(MARGIN)
        with self._artifact():
            self.set_fill_color(*SHADE)
            self.rect(MARGIN, self.y, sum(widths), height, style="F")
        for title, width in zip(titles, widths, strict=True):
            lines = self.wrapped(title, width - 3, size=size - 0.5, style="B")
            self.put(lines[:1], x + 1.5, self.y + 1, size=size - 0.5, style="B", colour=MUTED)
            x += width
        self.set_y(self.y + height)


class Part:
    """Text in one style within a cell."""

    __slots__ = ("colour", "family", "size", "style", "text")

    def __init__(
        self, text: str, *, style: str = "", colour: Colour = INK, family: str = "", size: float | None = None
    ) -> None:
        self.text, self.style, self.colour, self.family, self.size = text, style, colour, family, size


class Cell:
    """Parts below each other; empty ones are left out."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Part | str) -> None:
        made = (part if isinstance(part, Part) else Part(part) for part in parts)
        self.parts = [part for part in made if part.text]


def leading(size: float) -> float:
    """The distance of two lines."""
    return size * _POINT_MM * _LEADING
