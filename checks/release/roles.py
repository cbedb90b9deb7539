"""Which roles have to sign off in which environment, as data (roles.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import Field, model_validator

from checks.checklist.model import Frozen

PATH: Final = Path(__file__).with_name("roles.toml")


class Asked(Frozen):
    """What one environment asks for before it goes live."""

    required: tuple[str, ...]
    drill_required: bool


class Policy(Frozen):
    """The roles, what each environment asks, and how long things count."""

    max_age_hours: int = Field(ge=1, le=72)
    drill_max_age_days: int = Field(ge=1)
    roles: Mapping[str, str]
    """Each role's id with the checklist's own words for it."""
    environments: Mapping[str, Asked]

    @model_validator(mode="after")
    def _names_known_roles(self) -> Policy:
        for name, asked in self.environments.items():
            if unknown := set(asked.required) - set(self.roles):
                raise ValueError(f"{name} asks for {sorted(unknown)}, which is no role")
        return self

    @property
    def max_age(self) -> timedelta:
        """How long a sign-off counts at most."""
        return timedelta(hours=self.max_age_hours)

    def of(self, environment: str) -> Asked:
        """What ``environment`` asks for. One that is not listed asks for everything."""
        return self.environments.get(environment) or Asked(required=tuple(self.roles), drill_required=True)


def policy(path: Path = PATH) -> Policy:
    """The policy as committed."""
    return Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
