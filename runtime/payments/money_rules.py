"""What the law and the networks fix about money out, as dated data (money_rules.toml).

A rule in code asks for the day it needs, so that a refund or a split of an earlier day is worked out by what
was in force then.
"""

import tomllib
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydantic import ConfigDict, Field

from runtime.payments.model import Frozen
from runtime.payments.refusal import Refused

NOT_IN_FORCE = "money-rule-not-in-force"


class MoneyRule(StrEnum):
    """The rules; the unit is the last word of the name (``bps`` is hundredths of a per cent)."""

    TRANSFER_MIN_PAISE = "transfer_min_paise"
    REFUND_MIN_PAISE = "refund_min_paise"
    REFUND_WINDOW_MONTHS = "refund_window_months"
    GST_ON_FEES_BPS = "gst_on_fees_bps"


class DatedValue(Frozen):
    """A rule's value from its first day to its last, both included; ``source`` is the document."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: MoneyRule = Field(strict=False)
    value: int = Field(ge=0)
    valid_from: date
    valid_until: date | None = None
    source: str = Field(min_length=10)

    def in_force(self, day: date) -> bool:
        """Whether the rule holds on ``day``."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


def value_on(rule: MoneyRule, day: date) -> int:
    """The value of ``rule`` on a day in India. Raises Refused ``money-rule-not-in-force``."""
    for dated in _rules():
        if dated.name is rule and dated.in_force(day):
            return dated.value
    raise Refused(NOT_IN_FORCE, f"No value of {rule.value} is known for that day.")


def read_rules(text: str) -> tuple[DatedValue, ...]:
    """The rules of a file. Raises ValueError for one that is malformed, or two that hold on the same day."""
    rules = tuple(DatedValue.model_validate(each) for each in tomllib.loads(text)["rules"])
    for position, rule in enumerate(rules):
        for other in rules[position + 1 :]:
            if rule.name is other.name and (
                rule.in_force(other.valid_from) or other.in_force(rule.valid_from)
            ):
                raise ValueError(f"two values of {rule.name.value} hold on the same day")
    return rules


@cache
def _rules() -> tuple[DatedValue, ...]:
    resource = files("runtime.payments").joinpath("money_rules.toml")
    return read_rules(resource.read_text(encoding="utf-8"))
