"""A report is read by many and kept for years: with a card number, a secret or an address in it, it is not
written at all. Masking it instead would hide from its readers that something upstream leaks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from pydantic import BaseModel

from checks.errors import ExitCode, HasivuError
from runtime.platform.card_data import contains_card_number, in_ascii_digits

_SHOWN_MAX = 10
_DIGEST = re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*[a-f])[0-9a-f]{32,128}(?![0-9A-Za-z])")
"""The digits in a digest are chance: one in some thousands would pass for a card number."""

PATTERNS: Final = {
    "a Razorpay key": re.compile(r"\brzp_(?:live|test)_[A-Za-z0-9]{10,}"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b"),
    "a WhatsApp token": re.compile(r"\bEAA[A-Za-z0-9]{40,}"),
    "an API key of the platform": re.compile(r"\bhk_[a-z0-9]{2,16}_[A-Za-z0-9]{8,}_[A-Za-z0-9]{8,}"),
    "a token of a code host": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a bearer token": re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/\-]{16,}"),
    "a password or secret": re.compile(
        r"(?i)\b(?:password|passwd|secret|aws_secret_access_key|pepper|api[_-]?key)[\"']?\s{0,2}=\s{0,2}"
        r"[\"']?(?!\[?masked|\*|<|\$)[^\s\"',;&}\]]{6,}"
    ),
    "an e-mail address": re.compile(
        r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@(?:[A-Za-z0-9\-]{1,63}\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])"
    ),
    "a phone number": re.compile(r"(?<![0-9A-Za-z])\+91[ \-]?[6-9][0-9]{4}[ \-]?[0-9]{5}(?![0-9])"),
}


def findings(document: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """What ``document`` (plain values) holds that must not be told: its place as a JSON pointer, its kind.

    Never the value itself. Names of members are looked at like values.
    """
    if isinstance(document, str):
        for kind in _kinds(document):
            yield pointer, kind
    elif isinstance(document, dict):
        for name, member in document.items():
            for kind in _kinds(str(name)):
                yield f"{pointer}/(a name)", kind
                break
            else:
                yield from findings(member, f"{pointer}/{name}")
    elif isinstance(document, list | tuple):
        for index, member in enumerate(document):
            yield from findings(member, f"{pointer}/{index}")


def _without(document: Any, names: Collection[str]) -> Any:
    """``document`` without ``names``, each where it stands as a whole."""
    if not names:
        return document
    pattern = re.compile(r"(?<![\w.%+@-])(?:" + "|".join(map(re.escape, sorted(names))) + r")(?![\w@-]|\.\w)")

    def within(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub("", value)
        if isinstance(value, dict):
            return {name: within(member) for name, member in value.items()}
        return [within(member) for member in value] if isinstance(value, list | tuple) else value

    return within(document)


def _kinds(text: str) -> Iterator[str]:
    plain = text if text.isascii() else in_ascii_digits(text)
    if contains_card_number(_DIGEST.sub(" ", plain)):
        yield "a card number"
    for kind, pattern in PATTERNS.items():
        if pattern.search(plain):
            yield kind


def refuse_private_data(*, signers: Collection[str] = frozenset(), **documents: BaseModel | None) -> None:
    """Error: HasivuError REPORT_PRIVATE_DATA, if one of the named ``documents`` must not be shown.

    ``signers`` are people who signed, whose names are committed: nothing else is known of them.
    """
    found = [
        (f"{name}{pointer}", kind)
        for name, document in documents.items()
        if document is not None
        for pointer, kind in findings(_without(document.model_dump(mode="python", by_alias=True), signers))
    ]
    if not found:
        return
    shown = [f"{place}: {kind}" for place, kind in found[:_SHOWN_MAX]]
    if len(found) > _SHOWN_MAX:
        shown.append(f"and {len(found) - _SHOWN_MAX} more")
    raise HasivuError(
        "REPORT_PRIVATE_DATA",
        "Nothing was written: the report would show what it must not.",
        next_step="find where the check takes this up and have it told without the value; then check again",
        exit_code=ExitCode.CHECK_FAILED,
        detail="\n".join(shown),
    )
