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

from runtime.platform.card_data import mask_card_numbers

MASK = "[masked]"
TEXT_MAX = 8_192
_DEPTH_MAX = 12

_SENSITIVE_NAMES = re.compile(
    r"authorization|cookie|secret|password|passwd|token|pepper|signature|api[_-]?key|credential|private"
    r"|^(email|mail|contact|phone|mobile|vpa|name|first_?name|last_?name|full_?name|address|account_number|dob|to)$"
    r"|^(customer|payer|parent|student|child)_(email|contact|phone|name)$|phone_?number$|cvv|cvc",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63})*")
_PHONE = re.compile(
    r"(?<![0-9A-Za-z_.\-])(?:\+|00)?(?:91[ \-]?)?[6-9][0-9]{4}[ \-]?[0-9]{5}(?![0-9A-Za-z_])"  # Indian mobile
    r"|\+[1-9][0-9]{7,14}(?![0-9])"  # any, in E.164
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|apikey)\s+[A-Za-z0-9._~+/=\-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*")


def mask_text(text: str) -> str:
    """``text`` without card numbers, e-mail addresses, UPI handles, Indian phone numbers and credentials."""
    masked = mask_card_numbers(text[:TEXT_MAX])
    masked = _JWT.sub(MASK, _BEARER.sub(lambda match: f"{match.group(1)} {MASK}", masked))
    return _PHONE.sub(MASK, _EMAIL.sub(MASK, masked))


def mask(value: Any, depth: int = 0) -> Any:
    """``value`` masked at every depth; a member whose name says that it is private is masked whole."""
    if depth > _DEPTH_MAX:
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {
            mask_text(str(name)): MASK if _SENSITIVE_NAMES.search(str(name)) else mask(member, depth + 1)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(member, depth + 1) for member in value]
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if mask_text(str(value)) == str(value) else MASK
    return mask_text(str(value))


class MaskingFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, masked."""

    _OURS = frozenset(
        {"level", "location", "timestamp", "service", "function_name", "function_arn", "xray_trace_id"}
    )

    def serialize(self, log: Any) -> str:
        masked = {
            name: value if name in self._OURS else (MASK if _SENSITIVE_NAMES.search(name) else mask(value))
            for name, value in log.items()
        }
        return json.dumps(masked, ensure_ascii=False, default=str, separators=(",", ":"))


def new_logger(service: str, level: str = "INFO") -> Logger:
    """The logger of a function."""
    return Logger(
        service=service, level=level, logger_formatter=MaskingFormatter(), log_uncaught_exceptions=False
    )
