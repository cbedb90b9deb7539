"""What is dated in reconciliation: within how many days, and up to which amounts (``terms.toml``)."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from runtime.payments.model import Frozen
from runtime.platform.money import AMOUNT_MAX_PAISE

Days = Annotated[int, Field(ge=0, le=60)]
Limit = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_MAX_PAISE)]


class Dated(Frozen):
    """A rule with its source, for the days from ``valid_from`` to ``valid_until``."""

    source: str
    valid_from: date
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the rule counts for ``day``."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class Terms(Dated):
    """Within how many working days: a gateway row (with its settlement) after a payment and its kin,
    the bank's credit after a settlement, and a settlement that explains a bank line."""

    weekend: frozenset[Annotated[int, Field(ge=0, le=6)]]
    row_within: Mapping[str, Days]
    row_within_otherwise: Days
    credit_within: Days
    line_explained_within: Days


class ForceLimits(Dated):
    """Up to which difference a forced posting may be approved, in paise: by finance, by an administrator."""

    finance_max_paise: Limit
    admin_max_paise: Limit

    @model_validator(mode="after")
    def _administrators_may_more(self) -> Self:
        if self.admin_max_paise < self.finance_max_paise:
            raise ValueError("an administrator may approve at least what finance may")
        return self


class ReconciliationTerms(Frozen):
    """All dated rules of reconciliation."""

    terms: tuple[Terms, ...] = Field(min_length=1)
    force: tuple[ForceLimits, ...] = Field(min_length=1)


_Rule = TypeVar("_Rule", bound=Dated)


def holding_on(rules: Sequence[_Rule], day: date) -> _Rule:
    """The rule for ``day``, the newest where several hold; before the first one, the first one."""
    holding = [rule for rule in rules if rule.holds_on(day)]
    return max(holding, key=lambda rule: rule.valid_from) if holding else rules[0]


@lru_cache(maxsize=1)
def shipped_terms() -> ReconciliationTerms:
    """The rules as shipped, read and checked once."""
    file = resources.files(__package__).joinpath("terms.toml")
    return ReconciliationTerms.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
