"""One text for one content: what is signed or named by its digest is the same bytes everywhere."""

import json
from collections.abc import Mapping
from typing import Any


def canonical(document: Mapping[str, Any]) -> bytes:
    """``document`` by RFC 8785, for which sorted ASCII keys and no spaces are enough where there is no number
    but whole ones. Raises ValueError for a number that is none."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
