"""Names that somebody chose to do harm are text wherever they are put, and nothing but text."""

import csv
import io
import unicodedata
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.escaping import csv_cell, markdown_cell, plain, visible, xml_text
from tests.checks.report.factory import HOSTILE

ANY = st.one_of(st.text(max_size=80), st.sampled_from(HOSTILE))


@given(ANY)
def test_nothing_invisible_and_no_turn_of_direction_stays(text: str) -> None:
    shown = visible(text)
    assert not set("\u202e\u2066\u200b\x1b\x00\ufeff") & set(shown)
    if text.isprintable() and text.isascii():
        assert shown == text


@given(ANY)
def test_a_cell_never_starts_a_formula(text: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([csv_cell(text)])
    (row,) = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert row[0].removeprefix("'") == text.removeprefix("'") or row[0] == text
    assert not row[0].lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff20"))


@given(ANY)
def test_a_markdown_cell_holds_no_markup_and_mentions_nobody(text: str) -> None:
    cell = markdown_cell(text)
    assert "\n" not in cell
    assert "<" not in cell
    assert ">" not in cell
    assert "`" not in cell
    assert "@" not in cell.replace("@\u200b", "")
    for sign in "|*[]!":
        assert sign not in cell.replace(f"\\{sign}", "")


@pytest.mark.parametrize("link", ["http://evil.example", "https://evil.example", "www.evil.example"])
def test_an_address_does_not_become_a_link(link: str) -> None:
    assert link not in markdown_cell(f"see {link} now")


@given(ANY)
def test_every_text_can_stand_in_xml(text: str) -> None:
    element = Xml.Element("a", {"b": xml_text(text)})
    element.text = xml_text(text)
    read = Xml.fromstring(Xml.tostring(element))  # noqa: S314 - our own
    assert read.text == xml_text(text) or (not text and read.text is None)


@given(ANY)
def test_text_of_the_pdf_has_no_control_characters(text: str) -> None:
    assert not {
        unicodedata.category(character) for character in plain(text).replace("\t", "").replace("\n", "")
    } & {
        "Cc",
        "Cf",
        "Cs",
    }
