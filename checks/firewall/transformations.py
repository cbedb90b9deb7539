"""WAF's text transformations, those that we use ("Using text transformations in AWS WAF")."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from checks.firewall.request import NotEvaluated

_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


def url_decode(text: bytes) -> bytes:
    """URL_DECODE: ``%2f`` is ``/``, ``+`` a space. Once: ``%252f`` becomes ``%2f``. A lone ``%`` stays."""
    return _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), text.replace(b"+", b" "))


def normalize_path(text: bytes) -> bytes:
    """NORMALIZE_PATH: without multiple slashes, ``.``, and ``..`` that is not at the beginning."""
    rooted, closed = text.startswith(b"/"), text.endswith((b"/", b"/.", b"/.."))
    kept: list[bytes] = []
    for segment in text.split(b"/"):
        if segment in {b"", b"."}:
            continue
        if segment == b".." and kept and kept[-1] != b"..":
            kept.pop()
        else:
            kept.append(segment)
    whole = b"/".join(kept)
    return (b"/" if rooted else b"") + whole + (b"/" if closed and whole else b"")


def lowercase(text: bytes) -> bytes:
    """LOWERCASE: A-Z as a-z; other letters stay."""
    return text.lower()


KNOWN: Mapping[str, Callable[[bytes], bytes]] = {
    "NONE": lambda text: text,
    "URL_DECODE": url_decode,
    "NORMALIZE_PATH": normalize_path,
    "LOWERCASE": lowercase,
}


def transform(text: bytes, transformations: Iterable[Mapping[str, Any]]) -> bytes:
    """``text`` after a statement's ``TextTransformations``, lowest priority first.

    Raises NotEvaluated for one that is not known here.
    """
    for item in sorted(transformations, key=lambda item: int(item["Priority"])):
        if item["Type"] not in KNOWN:
            raise NotEvaluated(f"text transformation {item['Type']}")
        text = KNOWN[item["Type"]](text)
    return text
