"""What can go wrong on the way to a provider: four kinds, and the kind alone says what a caller may do.

=======================  ==============================  =====================================
kind                     what happened at the provider   what the caller may do
=======================  ==============================  =====================================
GatewayRejected          nothing, and it said why        correct the request or give up
GatewayThrottled         nothing, it was too busy        the same again after ``retry_after_s``
GatewayUnavailable       nothing, it was not reached     the same again later
GatewayOutcomeUnknown    perhaps everything              fetch first; never repeat blindly
=======================  ==============================  =====================================

A read changes nothing, so a read whose answer is lost is simply ``GatewayUnavailable``.

No message, attribute or repr holds a secret, a request body, a telephone number or an e-mail address.
"""

import dataclasses
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, NoReturn

TEXT_LENGTH_MAX = 500
"""Characters kept of any text a provider sends in an error."""

METADATA_ENTRIES_MAX = 20
"""Entries kept of the ``metadata`` of a provider's error."""

_E_MAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_PROVIDER_ID = re.compile(r"[a-z]{2,16}_[A-Za-z0-9]{14}")
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s-]?\d){8,}")
_NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What the provider said, field by field; Razorpay's error object has exactly these.

    Absent, null, empty and the literal ``NA`` all mean that the provider said nothing: ``None``.
    """

    code: str | None = None
    description: str | None = None
    field: str | None = None
    source: str | None = None
    step: str | None = None
    reason: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=lambda: _NO_METADATA)

    @classmethod
    def of(cls, raw: object) -> "ErrorDetail":
        """The detail in ``raw``, the value under ``error`` of an answer; any other shape is empty."""
        if not isinstance(raw, Mapping):
            return cls()
        return cls(
            code=said(raw.get("code")),
            description=said(raw.get("description")),
            field=said(raw.get("field")),
            source=said(raw.get("source")),
            step=said(raw.get("step")),
            reason=said(raw.get("reason")),
            metadata=_metadata(raw.get("metadata")),
        )


def said(value: object) -> str | None:
    """``value`` as text without personal data, or None where the provider said nothing.

    An identifier of the provider (``pay_`` and fourteen characters) is no personal data and stays whole.
    """
    if value is None or isinstance(value, (bool, Mapping, list)):
        return None
    text = str(value).strip()
    if _PROVIDER_ID.fullmatch(text):
        return text
    text = without_personal_data(text)
    return None if text in ("", "NA") else text[:TEXT_LENGTH_MAX]


def without_personal_data(text: str) -> str:
    """``text`` with e-mail addresses and numbers of nine or more digits (telephones, cards) replaced."""
    return _LONG_NUMBER.sub("[number]", _E_MAIL.sub("[e-mail]", text))


def _metadata(raw: object) -> Mapping[str, str]:
    if not isinstance(raw, Mapping):
        return _NO_METADATA
    entries = ((str(key)[:TEXT_LENGTH_MAX], said(value)) for key, value in raw.items())
    kept = [(key, value) for key, value in entries if value is not None]
    return MappingProxyType(dict(kept[:METADATA_ENTRIES_MAX]))


class GatewayError(Exception):
    """Any failure of a call to a provider. ``code`` is stable; ``gateway`` and ``operation`` say where."""

    code: ClassVar[str] = "gateway_error"

    def __init__(self, message: str, *, gateway: str, operation: str) -> None:
        super().__init__(f"{gateway}: {operation}: {message}")
        self.gateway = gateway
        self.operation = operation


class GatewayRejected(GatewayError):
    """A definite no: nothing happened. Correct the request or give up; the same again gives the same.

    ``status`` is the HTTP status, or None where the refusal was decided before the call.
    """

    code = "gateway_rejected"

    def __init__(self, *, gateway: str, operation: str, status: int | None, detail: ErrorDetail) -> None:
        said_so = [f"HTTP {status}"] if status is not None else []
        facts = (
            ("code", detail.code),
            ("reason", detail.reason),
            ("field", detail.field),
            ("step", detail.step),
        )
        said_so += [f"{name} {value}" for name, value in facts if value is not None]
        message = f"refused ({', '.join(said_so)}); nothing happened, correct the request before another try"
        super().__init__(message, gateway=gateway, operation=operation)
        self.status = status
        self.detail = detail


class GatewayThrottled(GatewayError):
    """The provider was too busy: nothing happened. Try the same later, not before ``retry_after_s``."""

    code = "gateway_throttled"

    def __init__(
        self,
        *,
        gateway: str,
        operation: str,
        retry_after_s: float | None = None,
        detail: ErrorDetail | None = None,
    ) -> None:
        wait = f"wait {retry_after_s:g} s" if retry_after_s is not None else "back off"
        super().__init__(
            f"throttled; nothing happened, {wait} and try again", gateway=gateway, operation=operation
        )
        self.retry_after_s = retry_after_s
        self.detail = detail or ErrorDetail()


class GatewayUnavailable(GatewayError):
    """The provider did nothing: it was not reached, or a read got no usable answer. Try again later.

    ``circuit_open`` tells that the call was not even tried, because the calls before it failed.
    """

    code = "gateway_unavailable"

    def __init__(self, cause: str, *, gateway: str, operation: str, circuit_open: bool = False) -> None:
        super().__init__(
            f"unavailable ({cause}); nothing happened, try again later", gateway=gateway, operation=operation
        )
        self.cause = cause
        self.circuit_open = circuit_open


class GatewayOutcomeUnknown(GatewayError):
    """The request left and no usable answer came: it may have been carried out.

    Fetch the state before anything else. ``repeat_is_safe`` is true only where the call carried an
    idempotency key that the provider honours: the same call with the same key then has one effect.
    """

    code = "gateway_outcome_unknown"

    def __init__(
        self,
        cause: str,
        *,
        gateway: str,
        operation: str,
        repeat_is_safe: bool = False,
        status: int | None = None,
        detail: ErrorDetail | None = None,
    ) -> None:
        step = (
            "repeat with the same idempotency key" if repeat_is_safe else "fetch its state before any repeat"
        )
        super().__init__(f"outcome unknown ({cause}); {step}", gateway=gateway, operation=operation)
        self.cause = cause
        self.repeat_is_safe = repeat_is_safe
        self.status = status
        self.detail = detail or ErrorDetail()


def raise_without_answer(
    cause: str,
    *,
    gateway: str,
    operation: str,
    changes_state: bool,
    repeat_is_safe: bool = False,
    status: int | None = None,
    detail: ErrorDetail | None = None,
) -> NoReturn:
    """The request left but no usable answer came: unknown for a write, unavailable for a read."""
    if not changes_state:
        raise GatewayUnavailable(cause, gateway=gateway, operation=operation)
    raise GatewayOutcomeUnknown(
        cause,
        gateway=gateway,
        operation=operation,
        repeat_is_safe=repeat_is_safe,
        status=status,
        detail=detail,
    )
