"""What a staged value must be before a provider is even asked, for each secret that a person renews.

Sources: Razorpay, "API keys" (rzp_test_ or rzp_live_ and fourteen characters) and "Validate and test
webhooks" (after a change of the secret, retries of older events keep the old signature for 24 hours); Meta,
"Webhooks: validation requests" (signed with the app secret). Neither lets a merchant renew any of these by
API. PCI DSS 8.6.3: changed periodically, and hard enough to guess for that period.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.rotation.refusals import OVERLAP_MISSING, VALUE_MALFORMED, VALUE_NOT_NEW, RotationRefused

Document = Mapping[str, Any]

SECRET_LENGTH_MIN = 32
"""Of a webhook secret, which we make up ourselves."""

KEY_SECRET_LENGTH_MIN = 16
"""Of Razorpay's key secret and of Meta's app secret and token, which they make."""

VERIFY_TOKEN_LENGTH_MIN = 32
LENGTH_MAX = 1024
LIVE_MAX = 8
"""Secrets under which a webhook may be signed at one time, as the webhooks' verification has it."""

UNSET = "unset"
"""What the stack writes where it waits for an operator."""

FORMER = "former_key_secret"

_KEY_ID = re.compile(r"rzp_(?P<mode>test|live)_[A-Za-z0-9]{14}")


def with_former_key(current: Document, staged: Document) -> dict[str, Any]:
    """``staged`` with the secret of the key before it: a checkout that was opened with the former key is
    signed with the former secret, and is paid after the change."""
    if current.get("key_id") == UNSET:
        return dict(staged)
    return {**staged, FORMER: current.get("key_secret")}


def hold_razorpay(current: Document, staged: Document, *, environment: str) -> None:
    """``{"key_id", "key_secret"}``: of the environment's mode, and both new. Raises RotationRefused.

    ``former_key_secret`` may stand beside them only as ``with_former_key`` puts it there.
    """
    if FORMER in staged and staged[FORMER] != current.get("key_secret"):
        raise RotationRefused(VALUE_MALFORMED, f"{FORMER} is added by the rotation; leave it out.")
    _has_exactly({name: value for name, value in staged.items() if name != FORMER}, "key_id", "key_secret")
    key_id = _text(staged, "key_id", length_min=1)
    found = _KEY_ID.fullmatch(key_id)
    if found is None:
        raise RotationRefused(VALUE_MALFORMED, "key_id is rzp_test_ or rzp_live_ and fourteen characters.")
    mode = "live" if environment == "prod" else "test"
    if found["mode"] != mode:
        raise RotationRefused(VALUE_MALFORMED, f"{environment} takes keys of {mode} mode only.")
    secret = _text(staged, "key_secret", length_min=KEY_SECRET_LENGTH_MIN)
    if key_id == current.get("key_id") or secret == current.get("key_secret"):
        raise RotationRefused(VALUE_NOT_NEW, "The key is the current one.")


def hold_webhook(current: Document, staged: Document) -> None:
    """``{"secrets": [new, current, …]}``. Raises RotationRefused."""
    _has_exactly(staged, "secrets")
    secrets = _texts(staged, "secrets", length_min=SECRET_LENGTH_MIN)
    if not _renewed(_live(current, "secrets"), secrets, what="webhook secret"):
        raise RotationRefused(VALUE_NOT_NEW, "The first webhook secret is the current one.")


def hold_whatsapp(current: Document, staged: Document) -> None:
    """``{"access_token", "app_secrets": [newest, …], "verify_token"}``, of which the token or the newest app
    secret is new. Raises RotationRefused."""
    _has_exactly(staged, "access_token", "app_secrets", "verify_token")
    token = _text(staged, "access_token", length_min=KEY_SECRET_LENGTH_MIN)
    _text(staged, "verify_token", length_min=VERIFY_TOKEN_LENGTH_MIN)
    secrets = _texts(staged, "app_secrets", length_min=KEY_SECRET_LENGTH_MIN)
    renewed = _renewed(_live(current, "app_secrets"), secrets, what="app secret")
    if not renewed and token == current.get("access_token"):
        raise RotationRefused(VALUE_NOT_NEW, "Neither the access token nor the first app secret is new.")


def _renewed(current: Sequence[str], staged: Sequence[str], *, what: str) -> bool:
    """Whether the newest one changed. Raises RotationRefused where the current one would stop to count: what
    is under way was signed with it."""
    if not current:
        return True
    if current[0] not in staged:
        raise RotationRefused(OVERLAP_MISSING, f"The current {what} is missing from the list.")
    if staged[0] != current[0] and staged[0] in current:
        raise RotationRefused(VALUE_NOT_NEW, f"The first {what} was in use before.")
    return staged[0] != current[0]


def _has_exactly(document: Document, *names: str) -> None:
    if set(document) != set(names):
        raise RotationRefused(VALUE_MALFORMED, f"The value has exactly the members {', '.join(names)}.")


def _text(document: Document, name: str, *, length_min: int) -> str:
    value = document[name]
    if not _is_text(value, length_min):
        raise RotationRefused(VALUE_MALFORMED, _told(name, length_min))
    return str(value)


def _texts(document: Document, name: str, *, length_min: int) -> list[str]:
    values = document[name]
    if not isinstance(values, list) or not 1 <= len(values) <= LIVE_MAX:
        raise RotationRefused(VALUE_MALFORMED, f"{name} is a list of 1 to {LIVE_MAX} texts.")
    if not all(_is_text(value, length_min) for value in values) or len(set(values)) < len(values):
        raise RotationRefused(VALUE_MALFORMED, f"{_told(f'each of {name}', length_min)} No two are alike.")
    return values


def _is_text(value: object, length_min: int) -> bool:
    return (
        isinstance(value, str)
        and length_min <= len(value) <= LENGTH_MAX
        and value != UNSET
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _told(name: str, length_min: int) -> str:
    return f"{name} has {length_min} to {LENGTH_MAX} visible ASCII characters, without blanks."


def _live(current: Document, name: str) -> Sequence[str]:
    """The current ones; none where the stack's first value still stands there."""
    values = current.get(name)
    return values if isinstance(values, list) else []
