"""Logs and metrics: structured, correlated, and free of personal data and secrets.

Masking happens in the formatter, the last place before a line leaves the process, so that no caller has to
remember it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from runtime.platform.card_data import in_ascii_digits, mask_card_numbers
from runtime.platform.money import AMOUNT_MAX_PAISE

MASK = "[masked]"
TEXT_MAX = 8_192
_TOKEN_MAX = 512
_DEPTH_MAX = 12

_SENSITIVE_NAMES = re.compile(
    r"authorization|cookie|secret|password|passwd|token|pepper|signature|api[_-]?key|credential|private"
    r"|^(email|mail|contact|phone|mobile|vpa|name|first_?name|last_?name|full_?name|address|account_number|dob|to)$"
    r"|^(customer|payer|parent|student|child)_(email|contact|phone|name)$|phone_?number$|cvv|cvc"
    r"|(^|_)(e_?mail|contact|phone|mobile|whatsapp)_(address|number|no)$|^(given|family)_?name$",
    re.IGNORECASE,
)
_QUANTITY_NAMES = re.compile(r"_(paise|ms|s|at|bytes|count|max|min)$")
"""A whole number under such a name is an amount, a moment or a size, even if it looks like a phone number."""

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]{}\"'=/?&|\\]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63})*")
_PHONE = re.compile(
    r"(?<![0-9A-Za-z_.\-])(?:\+|00)?(?:91[ \-]?|0)?[6-9]"  # an Indian mobile, as people group it
    r"(?:[0-9]{4}[ \-]?[0-9]{5}|[0-9]{3}[ \-][0-9]{3}[ \-][0-9]{3}|[0-9]{2}[ \-][0-9]{3}[ \-][0-9]{4}"
    r"|[0-9][ \-][0-9]{4}[ \-][0-9]{4})(?![0-9A-Za-z_])"
    r"|\+[1-9](?:[ \-]?[0-9]){7,14}(?![0-9])"  # any, in E.164
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|apikey)\s+[A-Za-z0-9._~+/=\-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){0,2}")
_API_KEY = re.compile(r"\bhk_[a-z0-9]{2,16}_[A-Za-z0-9]{8,}_[A-Za-z0-9]{8,}")
_TOLD = re.compile(
    r"(?i)((?:secret|password|passwd|token|pepper|signature|api[_\-]?key|cvv|cvc)[\w\-]{0,32}[\"']?"
    r"(?:\s{0,2}:\s{0,2}(?=[\"'0-9]|[^\s\"',;&}\]]{0,64}[0-9])|\s{0,2}=\s{0,2}))"
    r"(\"[^\"]{3,}\"|'[^']{3,}'|[^\s\"',;&}\]]{3,})"
)
"""A credential told in text: ``name=value``, or a member of a document that was printed."""


def mask_text(text: str) -> str:
    """``text`` without card numbers, e-mail addresses, UPI handles, Indian phone numbers and credentials."""
    if len(text) > TEXT_MAX:  # what the cut leaves of a number or a token could no longer be recognised
        last_blank = text.rfind(" ", TEXT_MAX - _TOKEN_MAX, TEXT_MAX)
        text = text[: max(last_blank, TEXT_MAX - _TOKEN_MAX)].rstrip("0123456789 .-") + " [cut]"
    if not text.isascii():
        text = in_ascii_digits(text.encode("utf-8", "replace").decode("utf-8"))
    masked = _API_KEY.sub(MASK, _JWT.sub(MASK, mask_card_numbers(text)))
    masked = _BEARER.sub(lambda match: f"{match.group(1)} {MASK}", masked)
    masked = _TOLD.sub(lambda match: match.group(1) + MASK, masked)
    return _PHONE.sub(MASK, _EMAIL.sub(MASK, masked))


def mask(value: Any, depth: int = 0) -> Any:
    """``value`` masked at every depth; a member whose name says that it is private is masked whole."""
    if depth > _DEPTH_MAX:
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {
            mask_text(_text(name)): _mask_member(_text(name), member, depth + 1)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(member, depth + 1) for member in value]
    if value is None or isinstance(value, bool):
        return value
    shown = _text(value)
    if isinstance(value, int | float) and shown.lstrip("-")[:1].isdigit():
        return value if mask_text(shown) == shown else MASK
    return mask_text(shown)  # also a number that JSON cannot hold: nan, inf, thousands of digits


def _mask_member(name: str, member: Any, depth: int) -> Any:
    if _SENSITIVE_NAMES.search(name):
        return MASK
    if _QUANTITY_NAMES.search(name) and isinstance(member, int) and abs(member) <= AMOUNT_MAX_PAISE:
        return member
    return mask(member, depth)


def _text(value: object) -> str:
    """``value`` as text. What cannot be written as text must not cost the line it stands in."""
    try:
        return str(value)
    except Exception:
        return f"[a {type(value).__name__}]"


class MaskingFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, masked."""

    _OURS = frozenset(
        {"level", "location", "timestamp", "service", "function_name", "function_arn", "xray_trace_id"}
    )

    def serialize(self, log: Any) -> str:
        masked = {
            name: value if name in self._OURS else _mask_member(name, value, 0) for name, value in log.items()
        }
        return json.dumps(masked, ensure_ascii=False, default=str, separators=(",", ":"))


def new_logger(service: str, level: str = "INFO") -> Logger:
    """The logger of a function."""
    return Logger(
        service=service, level=level, logger_formatter=MaskingFormatter(), log_uncaught_exceptions=False
    )
