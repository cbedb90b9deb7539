"""Why an item does not apply in an environment: named predicates over the environment's own file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from checks.errors import ExitCode, HasivuError
from checks.toolchain import REPOSITORY

ENVIRONMENTS: Final = ("sandbox", "dev", "staging", "prod")


@dataclass(frozen=True, slots=True)
class Setting:
    """What the predicates and the report must know of an environment."""

    name: str
    embedded: bool
    """Whether it is the sandbox on one machine."""
    domain: str | None
    """The API's own name, where it has one."""


REASONS: Final[Mapping[str, str]] = {
    "embedded": "The sandbox is one machine with an emulator: what it would show says nothing of AWS.",
    "without-domain": "The environment has no domain of its own: it is reached under the name of AWS.",
}


def applies_not(predicate: str, setting: Setting) -> str | None:
    """Why ``predicate`` takes an item out in this environment; None where the item applies after all."""
    holds = {"embedded": setting.embedded, "without-domain": setting.domain is None}[predicate]
    return f"{predicate}: {REASONS[predicate]}" if holds else None


def setting_of(environment: str, *, repository: Path = REPOSITORY) -> Setting:
    """The environment as its file describes it. Error: ``ENVIRONMENT_UNKNOWN``."""
    path = repository / "environments" / f"{environment}.toml"
    if environment not in ENVIRONMENTS or not path.is_file():
        raise HasivuError(
            "ENVIRONMENT_UNKNOWN",
            f"There is no environment {environment!r}.",
            next_step=f"name one of {', '.join(ENVIRONMENTS)}",
            exit_code=ExitCode.USAGE,
        )
    document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    domain = document.get("domain") or {}
    return Setting(environment, bool(document.get("embedded")), domain.get("name"))
