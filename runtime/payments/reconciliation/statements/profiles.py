"""How a bank lays out its CSV: dated data (``profiles.toml``), or a profile made for one account."""

import re
import tomllib
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from runtime.payments.model import Frozen
from runtime.payments.reconciliation.statements.dates import FORMAT_SHAPE
from runtime.payments.reconciliation.statements.model import FileFault, StatementRefused

Header = Annotated[str, StringConstraints(min_length=1, max_length=80)]
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


class Columns(Frozen):
    """Which column holds what. Either ``amount`` (signed, or with a ``mark`` column that says Dr or Cr), or
    ``debit`` and ``credit``. ``optional`` names fields whose column may be absent."""

    booked_on: Header
    value_on: Header | None = None
    amount: Header | None = None
    mark: Header | None = None
    debit: Header | None = None
    credit: Header | None = None
    narration: tuple[Header, ...] = Field(min_length=1, max_length=5)
    references: tuple[Header, ...] = Field(default=(), max_length=5)
    balance: Header | None = None
    currency: Header | None = None
    optional: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _one_way_to_say_an_amount(self) -> Self:
        both = self.debit is not None and self.credit is not None
        either = self.debit is not None or self.credit is not None
        if (self.amount is None) == (not either) or either != both or (self.mark and not self.amount):
            raise ValueError("a profile has either an amount column or a debit and a credit column")
        return self

    def names(self) -> dict[str, str]:
        """The columns that a header row must have, by what they hold; lists are numbered."""
        plain = {
            field: header
            for field in ("booked_on", "value_on", "amount", "mark", "debit", "credit", "balance", "currency")
            if (header := getattr(self, field)) is not None
        }
        plain |= {f"narration.{index}": header for index, header in enumerate(self.narration)}
        return plain | {f"references.{index}": header for index, header in enumerate(self.references)}


class CsvProfile(Frozen):
    """A bank's CSV layout.

    ``delimiter`` is found from the header row where it is not given. Rows from the first one whose first cell
    begins with one of ``ends_with`` are the bank's small print and no rows. A row without an amount in which
    a cell begins with one of ``balance_rows`` only tells a balance.
    """

    name: str = Field(min_length=1, max_length=40)
    source: str
    valid_from: date
    valid_until: date | None = None
    columns: Columns
    date_formats: tuple[Annotated[str, StringConstraints(pattern=f"^{FORMAT_SHAPE}$")], ...] = Field(
        min_length=1, max_length=8
    )
    decimal_mark: Literal[".", ","] = "."
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    ends_with: tuple[str, ...] = ()
    balance_rows: tuple[str, ...] = ("opening balance", "closing balance", "b/f", "brought forward", "c/f")

    def holds_on(self, day: date) -> bool:
        """Whether the profile counts for a statement received on ``day``."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class _Profiles(Frozen):
    profile: tuple[CsvProfile, ...] = Field(min_length=1)


@lru_cache(maxsize=1)
def shipped_profiles() -> tuple[CsvProfile, ...]:
    """The profiles as shipped, read and checked once."""
    file = resources.files(__package__).joinpath("profiles.toml")
    return _Profiles.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).profile


def profile_for(name: str, received_on: date) -> CsvProfile:
    """The shipped profile of that name for a statement received on that day. Raises StatementRefused."""
    for profile in shipped_profiles():
        if profile.name == name and profile.holds_on(received_on):
            return profile
    raise StatementRefused(FileFault.PROFILE, "there is no such profile for the day of receipt")


def header_key(header: str) -> str:
    """A column's name as it is compared: letters and digits only, without case."""
    return _NOT_ALPHANUMERIC.sub("", header).casefold()
