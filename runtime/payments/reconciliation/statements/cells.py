"""A cell of a CSV statement: what is text in it, and what a spreadsheet would run."""

import re
import unicodedata

from runtime.payments.reconciliation.statements.model import CELL_LENGTH_MAX, RowBroken, RowFault

_FORCED_TEXT = re.compile(r'="([^"=]*)"')
"""How banks keep spreadsheets from eating leading zeros: ="000123"."""
_RUNS = re.compile(r"[=@]|[+\-][^0-9].*[|!(]|[+\-][0-9].*[|!]")
"""A formula, a macro call or a DDE command (OWASP, CSV injection). A signed amount is none."""


def plain_cell(cell: str) -> str:
    """The text of ``cell`` without blanks around it. Raises RowBroken for a formula, a control character or
    too long a cell."""
    if len(cell) > CELL_LENGTH_MAX:
        raise RowBroken(RowFault.CELL_TOO_LONG, f"a cell has at most {CELL_LENGTH_MAX} characters")
    text = cell.strip().removeprefix("'")
    forced = _FORCED_TEXT.fullmatch(text)
    if forced is not None:
        text = forced[1].strip()
    if _RUNS.match(text):
        raise RowBroken(RowFault.FORMULA, "a cell holds a formula")
    if not text.isprintable():
        return _printable(text)
    return text


def _printable(text: str) -> str:
    """``text`` with line breaks, tabs and invisible signs as blanks. Raises RowBroken for other control
    characters."""
    for character in text:
        if unicodedata.category(character) == "Cc" and character not in "\t\r\n":
            raise RowBroken(RowFault.CONTROL_CHARACTER, "a cell holds a control character")
    return "".join(character if character.isprintable() else " " for character in text).strip()
