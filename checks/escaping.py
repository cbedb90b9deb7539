"""Text of others made harmless where it is put: names of resources are not ours to trust.

Each function takes any text and gives text for one place only: a Markdown cell, a CSV cell, an XML document.
"""

from __future__ import annotations

import re
import unicodedata

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_FULL_WIDTH = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Spreadsheets read the full-width signs of formulas as the plain ones."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that are not seen: controls, marks of format, halves of pairs, separators."""
_XML_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def visible(text: str) -> str:
    """``text`` with what cannot be seen written out: control characters, and marks that turn the direction
    of writing and so show something else than what is there (CVE-2021-42574)."""
    if text.isprintable():
        return text
    return "".join(
        f"\\u{ord(character):04x}"
        if unicodedata.category(character) in _HIDDEN and character not in "\t\n"
        else character
        for character in text
    )


def csv_cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula, also not behind blanks or in full width."""
    start = text.lstrip(" \u00a0")
    return f"'{text}" if start.startswith(_FORMULA + _FULL_WIDTH) else text


def markdown_cell(text: str) -> str:
    """Text that cannot leave its cell, nor become markup, a link or a mention."""
    line = " ".join(visible(text).split())
    escaped = re.sub(r"([\\|*_~\[\]#!$])", r"\\\1", line.replace("`", "'"))
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?i)\b(https?|ftp|www)(:|\.)", "\\1\u200b\\2", escaped).replace("@", "@\u200b")


def xml_text(text: str) -> str:
    """Text that an XML 1.0 document may hold; what it may not is written out."""
    return _XML_INVALID.sub(lambda match: f"\\u{ord(match.group()):04x}", visible(text))


def plain(text: str) -> str:
    """``text`` in the letters that every PDF font of ours has, compatible forms composed."""
    return unicodedata.normalize("NFC", visible(text))
