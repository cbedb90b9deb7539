"""Card data is refused at the door: card numbers by the Luhn check, security codes by their names.

Source: PCI DSS 4.0.1, 3.3.1 (no sensitive authentication data) and 3.5.1; RBI's card-on-file rules in
force since 1 October 2022 (nobody but the issuer and the network may keep a card number).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

WITHHELD = "[withheld]"

_LENGTH_MIN, _LENGTH_MAX = 13, 19
_DIGIT_GROUPS = re.compile(r"[0-9]+(?:[\s\-.]{1,3}[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_DIGEST = re.compile(r"(?=.*[a-f])[0-9a-f]{32,128}")
"""A hexadecimal digest or signature: the digits in it are chance and one in a thousand would pass the
check."""
_UUID = re.compile(r"(?=.*[a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""The same for a UUID: no card number is written in its groups, with letters between."""
_SECURITY_CODE = re.compile(
    r"(card)?(cvv|cvc|cvn|csc|cav)[12]?(code|number|no|value)?|cid|(card)?securitycode|cardverification(code|value)"
    r"|(atm|card|upi|m)?pin|pinblock|track[12]?(data)?|magstripe|magneticstripe"
)
_SECURITY_CODE_IN_TEXT = re.compile(
    r"(?i)(?<![a-z])(?:cvv|cvc|cvn)2?(?:[\s:=#\"'\-]|is|code|no|number)*[0-9]{3,4}(?![0-9])"
)
_CARD_NUMBER_NAME = re.compile(r"pan|(credit|debit)?card(number|no|num)|cc(number|no|num)")
_BANK_REFERENCE = re.compile(r"(^|_)(id|rrn|utr|arn|auth_code)$")
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")

# Issuer identification ranges with their lengths: a leading prefix between low and high, inclusive.
_RANGES: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),  # Mastercard
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),  # American Express
    ("36", "36", frozenset({14, 16, 19})),  # Diners Club
    ("38", "39", frozenset({14, 16, 19})),  # Diners Club
    ("300", "305", frozenset({14, 16, 19})),  # Diners Club
    ("3528", "3589", frozenset({16, 17, 18, 19})),  # JCB, and RuPay co-branded in 353 and 356
    ("60", "60", frozenset({16})),  # RuPay and Discover
    ("6011", "6011", frozenset({16, 17, 18, 19})),  # Discover
    ("62", "62", frozenset({16, 17, 18, 19})),  # UnionPay
    ("64", "65", frozenset({16, 17, 18, 19})),  # Discover, RuPay
    ("81", "82", frozenset({16})),  # RuPay
    ("50", "50", frozenset({13, 14, 15, 16, 17, 18, 19})),  # Maestro; RuPay in 508
    ("56", "58", frozenset({13, 14, 15, 16, 17, 18, 19})),  # Maestro
    ("63", "63", frozenset({13, 14, 15, 16, 17, 18, 19})),  # Maestro
    ("67", "67", frozenset({13, 14, 15, 16, 17, 18, 19})),  # Maestro
)
_RANGES_BY_FIRST_DIGIT = {
    digit: tuple(row for row in _RANGES if row[0][0] == digit) for digit in {low[0] for low, _, _ in _RANGES}
}
_DOUBLED = {digit: sum(divmod(2 * int(digit), 10)) for digit in "0123456789"}


def passes_luhn(digits: str) -> bool:
    """Whether ``digits`` (0-9 only) end in the right check digit (ISO/IEC 7812-1, annex B)."""
    backwards = digits[::-1]
    return (sum(map(int, backwards[::2])) + sum(map(_DOUBLED.__getitem__, backwards[1::2]))) % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether ``digits`` lie in a range that card networks issue, with its length and check digit."""
    return len(digits) in _lengths_issued(digits) and passes_luhn(digits)


def _lengths_issued(digits: str) -> frozenset[int]:
    """The lengths of the card numbers that begin as ``digits`` do."""
    return frozenset().union(
        *(
            lengths
            for low, high, lengths in _RANGES_BY_FIRST_DIGIT.get(digits[:1], ())
            if low <= digits[: len(low)] <= high
        )
    )


def contains_card_number(text: str) -> bool:
    """Whether a card number stands in ``text``: alone, between other words or digits, grouped or not."""
    return next(_card_number_spans(text), None) is not None


def mask_card_numbers(text: str) -> str:
    """``text`` with every card number in it reduced to its last four digits (PCI DSS 3.4.1)."""
    parts: list[str] = []
    end_of_last = 0
    for start, end in _merged(_card_number_spans(text)):
        parts += [text[end_of_last:start], f"[card ending {text[end - 4 : end]}]"]
        end_of_last = end
    return "".join([*parts, text[end_of_last:]])


def without_card_numbers(document: Any) -> Any:
    """``document`` with the card numbers in it masked and the security codes withheld, at every depth.

    Bank references (``rrn``, ``utr``, ``arn`` and identifiers) stay whole: they are long numbers of which one
    in ten passes the check by chance, and without them money cannot be found again.
    """
    if isinstance(document, dict):
        return {
            mask_card_numbers(str(name)): _member_without_card_data(str(name), value)
            for name, value in document.items()
        }
    if isinstance(document, list):
        return [without_card_numbers(value) for value in document]
    if isinstance(document, str):
        return mask_card_numbers(document)
    if _is_number(document) and contains_card_number(str(document)):
        return mask_card_numbers(str(document))
    return document


def card_data_pointers(document: object) -> list[str]:
    """JSON pointers (RFC 6901) of every place in ``document`` that holds card data; empty is good.

    A place counts when its text or number is a card number, or when its name says that it is a
    security code, a PIN or a track and something is there.
    """
    return sorted(_pointers(document, ""))


def _pointers(node: object, pointer: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            child = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
            if contains_card_number(str(name)):
                yield f"{pointer}/(name withheld)"
            elif _names_a_secret(str(name)) and _holds_digits(value):
                yield child
            else:
                yield from _pointers(value, child)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _pointers(value, f"{pointer}/{index}")
    elif isinstance(node, str):
        if contains_card_number(node) or _SECURITY_CODE_IN_TEXT.search(in_ascii_digits(node)):
            yield pointer
    elif _is_number(node) and contains_card_number(str(node)):
        yield pointer


def _member_without_card_data(name: str, value: Any) -> Any:
    if _names_a_secret(name) and _holds_digits(value):
        return WITHHELD
    if _BANK_REFERENCE.search(name) and not isinstance(value, dict | list):
        return value
    return without_card_numbers(value)


def _names_a_secret(name: str) -> bool:
    plain_name = _NOT_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", name).lower())
    return bool(_SECURITY_CODE.fullmatch(plain_name) or _CARD_NUMBER_NAME.fullmatch(plain_name))


def _holds_digits(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_digits(member) for member in value.values())
    if isinstance(value, list):
        return any(_holds_digits(member) for member in value)
    if isinstance(value, str):
        return any(character.isdigit() for character in value)
    return _is_number(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def in_ascii_digits(text: str) -> str:
    """``text`` with the digits, blanks and dashes of every script as ASCII's, character by character."""
    return text if text.isascii() else "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(character)
    return (
        "-" if category == "Pd" or character == "\u2212" else " " if category in ("Zs", "Cf") else character
    )


def _card_number_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand: every run of neighbouring digit groups that together make one."""
    if len(text) < _LENGTH_MIN or _DIGEST.fullmatch(text) or _UUID.fullmatch(text):
        return
    plain = in_ascii_digits(text)
    for sequence in _DIGIT_GROUPS.finditer(plain):
        if sequence.end() - sequence.start() < _LENGTH_MIN:
            continue
        groups = [match.span() for match in _GROUP.finditer(plain, *sequence.span())]
        for first, (start, _) in enumerate(groups):
            if plain[start] not in _RANGES_BY_FIRST_DIGIT:
                continue
            digits, lengths = "", None
            for group_start, end in groups[first : first + _LENGTH_MAX]:
                digits += plain[group_start:end]
                if len(digits) > _LENGTH_MAX:
                    break
                if len(digits) >= _LENGTH_MIN:
                    lengths = _lengths_issued(digits) if lengths is None else lengths
                    if len(digits) in lengths and passes_luhn(digits):
                        yield start, end


def _merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """``spans``, ordered by where they start, with those that overlap made one."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
