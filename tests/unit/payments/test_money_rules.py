"""Limits of law and network hold from a day on, and never two at once."""

from datetime import date

import pytest
from pydantic import ValidationError

from runtime.payments.money_rules import NOT_IN_FORCE, MoneyRule, read_rules, value_on
from runtime.payments.refusal import Refused

RULE = """
[[rules]]
name = "refund_min_paise"
value = {value}
valid_from = {valid_from}
{until}
source = "a document that exists"
"""


def rule(value: int, valid_from: str, until: str = "") -> str:
    return RULE.format(value=value, valid_from=valid_from, until=f"valid_until = {until}" if until else "")


@pytest.mark.parametrize("money_rule", MoneyRule)
def test_every_rule_is_known_today_and_unknown_long_ago(money_rule: MoneyRule) -> None:
    assert value_on(money_rule, date(2026, 4, 1)) > 0
    with pytest.raises(Refused) as refused:
        value_on(money_rule, date(2010, 1, 1))
    assert refused.value.code == NOT_IN_FORCE


def test_gst_begins_on_its_first_day() -> None:
    assert value_on(MoneyRule.GST_ON_FEES_BPS, date(2017, 7, 1)) == 1_800
    with pytest.raises(Refused):
        value_on(MoneyRule.GST_ON_FEES_BPS, date(2017, 6, 30))


def test_a_rule_follows_another_the_day_after_its_last() -> None:
    first, second = read_rules(rule(100, "2020-01-01", "2026-03-31") + rule(200, "2026-04-01"))
    assert first.in_force(date(2026, 3, 31))
    assert not first.in_force(date(2026, 4, 1))
    assert second.in_force(date(2026, 4, 1))


@pytest.mark.parametrize(
    "text",
    [
        rule(100, "2020-01-01") + rule(200, "2026-04-01"),
        rule(200, "2026-04-01") + rule(100, "2020-01-01", "2026-04-01"),
        rule(-1, "2020-01-01"),
        rule(100, '"2020-01-01"'),
        rule(100, "2020-01-01").replace("refund_min_paise", "refund_max_paise"),
        rule(100, "2020-01-01") + "note = 'what is not known is refused'",
        rule(100, "2020-01-01").replace("a document that exists", "none"),
    ],
)
def test_a_malformed_or_ambiguous_file_is_not_read(text: str) -> None:
    with pytest.raises((ValueError, ValidationError)):
        read_rules(text)
