"""The law is asked by the day, and a day without law is an error."""

import tomllib
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from runtime.payments.retry.law import LawBook, LawFile, LawUnknown, Method, law_book, minute_of_day
from tests.unit.payments.retry.lawful import DATA

LAW = tomllib.loads((DATA / "law.toml").read_text(encoding="utf-8"))


def ceiling(day: date, method: Method = Method.UPI) -> int | None:
    found = law_book().on(day.toordinal(), method).afa_free_ceiling
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("day", "paise"),
    [
        (date(2020, 12, 31), 2_000_00),
        (date(2021, 1, 1), 5_000_00),
        (date(2022, 6, 15), 5_000_00),
        (date(2022, 6, 16), 15_000_00),
        (date(2026, 11, 25), 15_000_00),
    ],
)
@pytest.mark.parametrize("method", [Method.UPI, Method.CARD])
def test_the_ceiling_without_authentication_is_that_of_the_day(day: date, paise: int, method: Method) -> None:
    assert ceiling(day, method) == paise


@pytest.mark.parametrize("method", [Method.EMANDATE, Method.NACH])
def test_bank_mandates_have_no_ceiling_of_the_reserve_bank(method: Method) -> None:
    assert ceiling(date(2026, 11, 25), method) is None


def test_peak_hours_begin_on_the_first_of_august_2025() -> None:
    day = date(2025, 8, 1)
    assert law_book().on((day - timedelta(days=1)).toordinal(), Method.UPI).peak_hours is None
    peak = law_book().on(day.toordinal(), Method.UPI).peak_hours
    assert peak is not None
    assert peak.minutes == ((10 * 60, 13 * 60), (17 * 60, 21 * 60 + 31))


@pytest.mark.parametrize("network", ["RuPay", "RUPAY", " rupay "])
def test_rupay_has_rules_of_its_own_however_it_is_written(network: str) -> None:
    law = law_book().on(date(2026, 11, 25).toordinal(), Method.CARD, network)
    assert law.network_ceiling is not None
    assert law.network_ceiling.value == 15_000_00
    assert law.notice_not_overridden is not None


@pytest.mark.parametrize("network", ["Visa", None, "", "no such network"])
def test_a_network_that_no_rule_names_has_the_general_law(network: str | None) -> None:
    day = date(2026, 11, 25).toordinal()
    assert law_book().on(day, Method.CARD, network) is law_book().on(day, Method.CARD)
    assert law_book().on(day, Method.CARD).network_ceiling is None


def test_before_the_first_known_day_the_law_is_unknown() -> None:
    with pytest.raises(LawUnknown, match="before 2020-01-10"):
        law_book().on(date(2020, 1, 9).toordinal(), Method.UPI)


def test_every_rule_names_its_source() -> None:
    assert all(len(rule["source"]) > 8 and rule["sentence"].endswith(".") for rule in LAW["rule"])


def with_rule(**rule: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "code": "attempts_per_cycle",
        "methods": ["upi"],
        "valid_from": date(2030, 1, 1),
        "value": 3,
        "sentence": "Another.",
        "source": "a later circular",
    }
    return LAW | {"rule": [*LAW["rule"], values | rule]}


def test_two_rules_that_hold_at_once_are_refused() -> None:
    with pytest.raises(ValidationError, match="two rules attempts_per_cycle hold at once"):
        LawFile.model_validate(with_rule())


def test_a_later_rule_of_a_network_replaces_the_general_one_for_it_alone() -> None:
    changed = with_rule(methods=["card"], networks=["rupay"], value=2)
    book = LawBook(LawFile.model_validate(changed))
    before, after = date(2029, 12, 31).toordinal(), date(2030, 1, 1).toordinal()
    assert book.on(after, Method.CARD, "RuPay").attempts_per_cycle.value == 2
    assert book.on(before, Method.CARD, "RuPay").attempts_per_cycle.value == 4
    assert book.on(after, Method.CARD, "Visa").attempts_per_cycle.value == 4


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"valid_until": date(2029, 12, 31)}, "ends after it begins"),
        (
            {"code": "peak_hours", "methods": ["nach"], "windows": [["13:00", "10:00"]]},
            "ends after it starts",
        ),
        ({"code": "peak_hours", "methods": ["nach"], "windows": [["25:00", "26:00"]]}, "string_pattern"),
        (
            {
                "code": "peak_hours",
                "methods": ["card"],
                "networks": ["visa"],
                "windows": [["01:00", "02:00"]],
            },
            "for every network",
        ),
        ({"code": "no_such_code"}, "code"),
        ({"value": -1}, "greater_than_equal"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        LawFile.model_validate(with_rule(**rule))


def without(code: str) -> dict[str, Any]:
    return LAW | {"rule": [rule for rule in LAW["rule"] if rule["code"] != code]}


def test_a_method_without_a_rule_that_it_needs_is_an_error_not_a_freedom() -> None:
    book = LawBook(LawFile.model_validate(without("notice_minutes")))
    with pytest.raises(LawUnknown, match="no rule notice_minutes"):
        book.on(date(2026, 11, 25).toordinal(), Method.UPI)


def test_the_lead_is_never_shorter_than_the_notice() -> None:
    rules = [rule | ({"value": 60} if rule["code"] == "notice_lead_minutes" else {}) for rule in LAW["rule"]]
    book = LawBook(LawFile.model_validate(LAW | {"rule": rules}))
    with pytest.raises(ValueError, match="lead must not be shorter"):
        book.on(date(2026, 11, 25).toordinal(), Method.UPI)


def test_two_turnarounds_of_one_kind_are_refused() -> None:
    twice = LAW | {"turnaround": [*LAW["turnaround"], LAW["turnaround"][0]]}
    with pytest.raises(ValidationError, match="two turnarounds of card_not_present"):
        LawFile.model_validate(twice)


def test_a_clock_is_minutes_of_the_day() -> None:
    assert [minute_of_day(clock) for clock in ("00:00", "13:15", "23:59")] == [0, 795, 1439]
