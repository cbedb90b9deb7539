"""The file with a new value: read only where nobody else can, and looked through before anything is sent."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from checks.errors import ExitCode, HasivuError
from runtime.rotation import rules
from runtime.rotation.refusals import RotationRefused

SIZE_MAX_BYTES = 65_536
"""Secrets Manager's limit of a secret's value."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
Document = dict[str, Any]

STAGEABLE = ("razorpay", "razorpay-webhook", "whatsapp")
"""The secrets that a person renews; the pepper of API keys renews itself."""


def read(path: Path, name: str, *, environment: str) -> Document:
    """The new value of the secret `name` in `path`, of a shape that a rotation takes.

    Errors: `SECRET_NAME_UNKNOWN`, `FILE_UNREADABLE`, `FILE_EXPOSED`, `VALUE_MALFORMED`. None shows a value.
    """
    hold = _rules(environment).get(name)
    if hold is None:
        raise HasivuError(
            "SECRET_NAME_UNKNOWN",
            f"Nobody stages {name!r}.",
            next_step=f"choose one of {', '.join(STAGEABLE)}; the pepper of API keys renews itself",
            exit_code=ExitCode.USAGE,
        )
    document = _document(_content(path))
    try:
        hold({}, document)
    except RotationRefused as refused:
        raise _malformed(refused.detail) from None
    return document


def _rules(environment: str) -> Mapping[str, Callable[[Document, Document], None]]:
    return {
        "razorpay": partial(rules.hold_razorpay, environment=environment),
        "razorpay-webhook": rules.hold_webhook,
        "whatsapp": rules.hold_whatsapp,
    }


def _content(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise HasivuError(
            "FILE_UNREADABLE",
            f"{path} cannot be read ({error.strerror}).",
            next_step="name a file of your own, no link",
            exit_code=ExitCode.USAGE,
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & _OTHERS:
            raise HasivuError(
                "FILE_EXPOSED",
                f"{path} is not a file of yours alone: others may have read it.",
                next_step="make a new value, and write it after `umask 077` (mode 0600)",
                exit_code=ExitCode.USAGE,
            )
        return os.read(descriptor, SIZE_MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _document(content: bytes) -> Document:
    if len(content) > SIZE_MAX_BYTES:
        raise _malformed(f"It is larger than {SIZE_MAX_BYTES:,} bytes.")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _malformed("It is not one JSON object.")
    return document


def _malformed(detail: str) -> HasivuError:
    return HasivuError(
        "VALUE_MALFORMED",
        f"The file does not hold a value of this secret. {detail}",
        next_step="correct it; docs/guides/deploy.md, section 7, shows each shape",
        exit_code=ExitCode.USAGE,
    )
