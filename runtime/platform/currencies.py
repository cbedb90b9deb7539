"""The currencies in which a payer may be asked for money, as data (currencies.toml).

The books are in rupees whatever the payer sees (docs/adr/0027).
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

BOOKS_CURRENCY: Final = "INR"
"""The currency of the journal, of settlements, and of every amount that is called paise without another."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Currency(BaseModel):
    """A currency: its ISO 4217 ``code``, its decimal places (``exponent``), and the ``step`` in minor units
    that every amount is a multiple of."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    code: Code
    exponent: Annotated[int, Field(ge=0, le=3)]
    step: Annotated[int, Field(ge=1, le=1000)]

    def takes(self, amount_minor: int) -> bool:
        """Whether ``amount_minor`` (minor units) is an amount that can be asked for."""
        return amount_minor % self.step == 0


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    exponent: int
    step: int
    codes: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


def read_currencies(text: str) -> Mapping[str, Currency]:
    """The currencies of a file by their codes. Raises ValueError for one that is malformed or there twice."""
    found: dict[str, Currency] = {}
    for group in (_Group.model_validate(each) for each in tomllib.loads(text)["currencies"]):
        for code in group.codes:
            if code in found:
                raise ValueError(f"the currency {code} is there twice")
            found[code] = Currency(code=code, exponent=group.exponent, step=group.step)
    return MappingProxyType(found)


@cache
def currencies() -> Mapping[str, Currency]:
    """Every currency that is known, by its code."""
    resource = files("runtime.platform").joinpath("currencies.toml")
    return read_currencies(resource.read_text(encoding="utf-8"))


def currency(code: str) -> Currency:
    """The currency of a code. Raises ValueError for one that is not known."""
    found = currencies().get(code)
    if found is None:
        raise ValueError(f"unknown currency {code[:8]!r}")
    return found
