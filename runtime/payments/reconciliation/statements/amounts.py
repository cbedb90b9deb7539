"""Amounts as banks write them, in exact paise: no float, and nothing is guessed.

Indian grouping (``1,23,456.78``) and western grouping (``123,456.78``) are both known and both checked: a
comma at any other place is a typing error and not a number.
"""

import re
from typing import Final, Literal

from runtime.payments.reconciliation.statements.model import RowBroken, RowFault
from runtime.platform.money import AMOUNT_MAX_PAISE

DecimalMark = Literal[".", ","]

_TEXT_MAX: Final = 48
_BLANKS = re.compile(r"\s+")
_BLANK_IN_NUMBER = re.compile(r"(?<=[0-9])\s(?=[0-9])")
_SHAPE = re.compile(
    r"(?P<open>\()?(?P<sign>[+\-\u2212])?(?:₹|INR|RS\.?)?(?P<inner>[+\-\u2212])?"
    r"(?P<number>[.,]?[0-9][0-9.,']*)(?P<after>[+\-\u2212])?(?P<close>\))?(?:INR)?(?P<mark>CR|DR|C|D)?\.?"
)
_WESTERN = re.compile(r"[0-9]{1,3}(?:G[0-9]{3})+")
_INDIAN = re.compile(r"[0-9]{1,2}(?:G[0-9]{2})*G[0-9]{3}")
_GROUPING: Final[dict[DecimalMark, str]] = {".": ",'", ",": ".'"}


def paise_from_text(text: str, decimal_mark: DecimalMark = ".") -> int:
    """The amount that ``text`` writes, in paise, with its sign.

    A minus before or after it, brackets, and a closing ``Dr`` all say negative; they must not contradict each
    other. Zero comes back as 0, whatever its sign. Raises RowBroken.
    """
    plain = _BLANKS.sub("", _BLANK_IN_NUMBER.sub("'", text[: _TEXT_MAX + 1])).upper()
    if not plain:
        raise RowBroken(RowFault.AMOUNT_MISSING, "there is no amount")
    match = _SHAPE.fullmatch(plain) if len(plain) <= _TEXT_MAX else None
    if match is None or bool(match["open"]) != bool(match["close"]):
        raise RowBroken(RowFault.AMOUNT_MALFORMED, "the amount is not a number")
    magnitude = _magnitude(match["number"], decimal_mark)
    return -magnitude if _is_negative(match) else magnitude


def paise_from_plain(text: str) -> int:
    """The amount that ``text`` writes as digits with at most one point (ISO 20022, DecimalNumber), in paise.

    No sign, no grouping, no exponent. Raises RowBroken.
    """
    plain = text.strip()
    if not re.fullmatch(r"[0-9]{1,18}(?:\.[0-9]{0,5})?", plain):
        raise RowBroken(RowFault.AMOUNT_MALFORMED, "the amount is not a number")
    whole, _, fraction = plain.partition(".")
    return _scaled(whole, fraction)


def _magnitude(number: str, decimal_mark: DecimalMark) -> int:
    whole, mark, fraction = number.partition(decimal_mark)
    if mark and not (fraction.isascii() and fraction.isdigit()):
        raise RowBroken(RowFault.AMOUNT_MALFORMED, "the decimals of the amount are not digits")
    used = {character for character in whole if not character.isdigit()}
    if used:
        separator = used.pop()
        pattern = whole.replace(separator, "G")
        grouped = not used and separator in _GROUPING[decimal_mark]
        if not grouped or not (_WESTERN.fullmatch(pattern) or _INDIAN.fullmatch(pattern)):
            raise RowBroken(RowFault.AMOUNT_MALFORMED, "the amount is grouped as no number is")
        whole = whole.replace(separator, "")
    return _scaled(whole or "0", fraction)


def _scaled(whole: str, fraction: str) -> int:
    if fraction[2:].strip("0"):
        raise RowBroken(RowFault.AMOUNT_TOO_PRECISE, "the amount has a part of a paisa")
    paise = int(whole) * 100 + int(fraction[:2].ljust(2, "0"))
    if paise > AMOUNT_MAX_PAISE:
        raise RowBroken(RowFault.AMOUNT_OUT_OF_RANGE, "the amount is beyond every limit")
    return paise


def _is_negative(match: re.Match[str]) -> bool:
    signs = [sign for sign in (match["sign"], match["inner"], match["after"]) if sign]
    mark = match["mark"]
    if len(signs) > 1 or (signs and (match["open"] or mark)) or (match["open"] and mark):
        raise RowBroken(RowFault.AMOUNT_SIGN, "the amount says its sign twice")
    return bool(match["open"]) or (mark or "").startswith("D") or (bool(signs) and signs[0] != "+")
