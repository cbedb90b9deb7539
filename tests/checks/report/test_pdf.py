"""The PDF: sound, real text, the digest on every page, the same bytes whenever it is made."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.report.layout import WIDTH, Document
from checks.report.model import Report
from checks.report.pdf import pdf
from tests.checks.report.factory import AT, HOSTILE, earlier, history, release, results, sound


@pytest.fixture(scope="module")
def document() -> bytes:
    found = results()
    return pdf(Report(found, earlier(), release(), history(found)))


def tool(name: str, *arguments: str, package: str) -> str:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} ({package}) is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def test_the_same_facts_are_the_same_bytes(document: bytes) -> None:
    time.sleep(1.1)  # a moment of its own would show in the seconds
    found = results()
    assert pdf(Report(found, earlier(), release(), history(found))) == document


def test_it_is_sound_and_every_font_is_in_it(document: bytes, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(document)
    assert "No syntax or stream encoding errors" in tool("qpdf", "--check", str(path), package="qpdf")
    fonts = tool("pdffonts", str(path), package="poppler-utils").splitlines()[2:]
    assert len(fonts) == 3
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)


def test_it_has_text_a_title_and_the_digest_on_every_page(document: bytes, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(document)
    found = results()
    pages = tool("pdftotext", "-layout", str(path), "-", package="poppler-utils").split("\f")[:-1]
    assert len(pages) > 10
    assert all(found.sha256 in page for page in pages)
    assert "NO-GO" in pages[0]
    text = " ".join(" ".join(pages).split())
    for item in found.items:
        assert item.item_id in text
    assert "₹50,000" in text
    assert "<script>alert(1)</script>" in text
    told = tool("pdfinfo", str(path), package="poppler-utils")
    assert "Deployment report of prod: NO-GO" in told
    assert b"/Lang (en-GB)" in document


def test_who_does_not_see_it_hears_headings_and_text_in_order_and_no_ornament(
    document: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(document)
    assert "Tagged:          yes" in tool("pdfinfo", str(path), package="poppler-utils")
    assert b"/DisplayDocTitle true" in document
    structure = tool("pdfinfo", "-struct-text", str(path), package="poppler-utils")
    found = results()
    headings = re.findall(r'H1 \(block\)\n\s+"([^"]+)"', structure)
    assert headings[:3] == ["NO-GO", "What keeps it from going live (22)", "Framework by level of proof"]
    assert "Sign-offs" in headings
    assert re.search(r'H2 \(block\)\n\s+"Rollback window"', structure)
    told = [structure.index(f'"{item.item_id}"', structure.index('"Items (171)"')) for item in found.items]
    assert told == sorted(told)
    text = "".join(structure.split())
    assert "".join(found.items[0].text.split()) in text
    # once as the report's identity, once in the command that verifies it: the foot of a page says nothing
    assert text.replace('""', "").count(found.sha256) == 2


def test_a_sound_environment_is_go(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf(Report(sound())))
    text = tool("pdftotext", "-l", "1", str(path), "-", package="poppler-utils")
    assert "GO" in text
    assert "NO-GO" not in text


def test_results_with_nothing_in_them_make_a_document() -> None:
    empty = results(items=(), controls=(), proofs=(), evidence=(), waivers=(), unmatched=(), notes=())
    assert pdf(Report(empty)).startswith(b"%PDF")


@pytest.fixture(scope="module")
def layout() -> Iterator[Document]:
    document = Document(title="t", subject="s", foot="f", at=AT)
    yield document
    document.output()  # closes the fonts


@settings(max_examples=80)
@given(text=st.one_of(st.text(max_size=200), st.sampled_from(HOSTILE)), width=st.integers(8, WIDTH))
def test_no_line_is_wider_than_its_column_and_no_character_is_lost(
    layout: Document, text: str, width: int
) -> None:
    lines = layout.wrapped(text, width, size=8)
    blank = layout._width(" ", "NotoSans", "", 8)
    for line in lines:
        wide = sum(layout._width(word, face, "", 8) for word, face in line) + blank * (len(line) - 1)
        assert wide <= width + 0.01 or len(line[0][0]) == 1
    shown = "".join(word for line in lines for word, _ in line)
    assert shown == "".join(word for word, _ in layout.words(text))
