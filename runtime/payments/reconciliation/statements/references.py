"""Which references a bank line may stand for, and what of its narration may be kept.

The rails are dated data (``references.toml``). A narration is personal data: payers' names, handles and
account numbers stand in it. What is kept of it are the words of the trade, the references and short numbers.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from importlib import resources
from itertools import islice

from pydantic import Field

from runtime.payments.model import Frozen
from runtime.payments.reconciliation.statements.model import (
    NARRATION_LENGTH_MAX,
    REFERENCES_MAX,
    SEARCHED_LENGTH_MAX,
)

_TOKEN = re.compile(r"[A-Z0-9]+")
_WORD = re.compile(r"[^\W_]+")
_IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")
_LIKE_A_REFERENCE = re.compile(r"(?=.*[0-9])(?=.*[A-Z])[A-Z0-9]{10,35}")
_SHORTEST = 10
"""No reference of a rail is shorter; most words of a narration are, and need not be looked at."""
_FIELDS_MAX = 100
_PHONE = re.compile(r"(?:0|91)?[6-9][0-9]{9}")
NOTHING_SAID = frozenset({"", "NOTPROVIDED", "NONREF", "NOREF", "NULL", "NA", "NONE"})
"""What banks write into a reference field that has none."""
_REFERENCE_MIN, _REFERENCE_MAX = 6, 35


class Rail(Frozen):
    """How a rail's references look: ``pattern`` is a regular expression over upper case letters and digits.

    Where ``context`` is given, one of its words must stand in the same line.
    """

    name: str
    source: str
    valid_from: date
    valid_until: date | None = None
    pattern: str
    context: frozenset[str] = frozenset()

    def holds_on(self, day: date) -> bool:
        """Whether the rule counts for lines of ``day``."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class _Narration(Frozen):
    words: frozenset[str]


class ReferenceRules(Frozen):
    """The rails, and the words that a kept narration may hold."""

    rail: tuple[Rail, ...] = Field(min_length=1)
    narration: _Narration


@lru_cache(maxsize=1)
def reference_rules() -> ReferenceRules:
    """The rules as shipped, read and checked once."""
    file = resources.files(__package__).joinpath("references.toml")
    return ReferenceRules.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))


def reference_key(text: str) -> str:
    """A reference as it is compared: letters and digits only, upper case, without leading zeros if all are
    digits."""
    plain = "".join(_TOKEN.findall(text.upper()))
    return plain.lstrip("0") if plain.isdigit() else plain


def sure_references(text: str, day: date) -> tuple[str, ...]:
    """The references in ``text`` that have the shape of a rail's on ``day``, in the order of the rails."""
    words = _TOKEN.findall(text.upper())
    tokens = [token.removeprefix("UTR") for token in words if len(token) >= _SHORTEST]
    found: dict[str, None] = {}
    for pattern, context in _patterns(day):
        if not tokens or (context and context.isdisjoint(words)):
            continue
        for token in tokens:
            if pattern.fullmatch(token):
                found[reference_key(token)] = None
    return tuple(found)[:REFERENCES_MAX]


def searched_text(fields: Iterable[str], narration: str) -> str:
    """What of a line is searched for references: its reference fields and its narration, within bounds."""
    told = " ".join(islice(fields, _FIELDS_MAX))
    return f"{told[:SEARCHED_LENGTH_MAX]} {narration[:SEARCHED_LENGTH_MAX]}"


def references_of(fields: Iterable[str], narration: str, day: date) -> tuple[str, ...]:
    """Every reference a line may stand for: the sure ones, then its reference fields, then what else in the
    narration looks like one. Card and telephone numbers and bank branches are none."""
    given = [field for field in islice(fields, _FIELDS_MAX) if reference_key(field) not in NOTHING_SAID]
    found = dict.fromkeys(sure_references(searched_text(given, narration), day))
    for field in given:
        found |= dict.fromkeys(filter(_may_be_one, (reference_key(field), *_tokens(field))))
    found |= dict.fromkeys(
        token
        for token in _tokens(narration[:SEARCHED_LENGTH_MAX])
        if _LIKE_A_REFERENCE.fullmatch(token) and _may_be_one(token)
    )
    return tuple(found)[:REFERENCES_MAX]


def masked_narration(narration: str, references: Iterable[str]) -> str:
    """``narration`` as it may be kept: names are ``R***``, long numbers ``…1234``; references stay."""
    kept = frozenset(references)
    plain = " ".join(narration[:SEARCHED_LENGTH_MAX].split())[: 2 * NARRATION_LENGTH_MAX]
    return _WORD.sub(lambda match: _masked_word(match[0], kept), plain)[:NARRATION_LENGTH_MAX]


def _masked_word(word: str, kept: frozenset[str]) -> str:
    upper = word.upper()
    if upper in reference_rules().narration.words or reference_key(word.removeprefix("UTR")) in kept:
        return word
    if word.isdecimal():
        return word if len(word) < _REFERENCE_MIN else f"…{word[-4:]}"
    return word if _IFSC.fullmatch(upper) else f"{word[0]}***"


def _may_be_one(token: str) -> bool:
    return (
        _REFERENCE_MIN <= len(token) <= _REFERENCE_MAX
        and any(character.isdigit() for character in token)
        and not _IFSC.fullmatch(token)
        and not _PHONE.fullmatch(token)
    )


def _tokens(text: str) -> Iterator[str]:
    return map(reference_key, _TOKEN.findall(text.upper()))


@lru_cache(maxsize=512)
def _patterns(day: date) -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    return tuple(
        (re.compile(rail.pattern), rail.context) for rail in reference_rules().rail if rail.holds_on(day)
    )
