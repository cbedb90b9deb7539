"""A function is told what it needs, or it says what is missing and nothing more."""

import pytest

from runtime.platform.settings import (
    SETTINGS_BY_FUNCTION,
    FunctionSettings,
    PaymentsAdvancedSettings,
    SettingsError,
    load,
)

SECRET_VALUE = "value-that-must-not-be-told"
FUNCTIONS = sorted(SETTINGS_BY_FUNCTION.items())


def complete(model: type[FunctionSettings]) -> dict[str, str]:
    environment = {name.upper(): f"a-{name.replace('_', '-')}" for name in model.model_fields}
    fixed = {
        "HASIVU_ENV": "dev",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "PRESENTMENT_CURRENCIES": "INR",
        "AWS_ENDPOINT_URL": "",
        "ALLOWED_ORIGINS": "https://app.hasivu.example,https://schools.hasivu.example",
    }
    return {name: fixed.get(name, value) for name, value in environment.items()} | {
        "PATH": "/bin",
        "LANG": "C",
    }


def required(model: type[FunctionSettings]) -> list[str]:
    return [name.upper() for name, field in model.model_fields.items() if field.is_required()]


MISSING = [(function, model, name) for function, model in FUNCTIONS for name in required(model)]


@pytest.mark.parametrize(("function", "model"), FUNCTIONS)
def test_a_complete_environment_is_read(function: str, model: type[FunctionSettings]) -> None:
    settings = load(model, complete(model))
    for name in model.model_fields:
        assert getattr(settings, name) == complete(model)[name.upper()]


@pytest.mark.parametrize(("function", "model", "name"), MISSING)
def test_a_missing_variable_is_named(function: str, model: type[FunctionSettings], name: str) -> None:
    environment = {known: value for known, value in complete(model).items() if known != name}
    with pytest.raises(SettingsError) as caught:
        load(model, environment)
    assert str(caught.value) == f"environment variables missing or malformed: {name}"


@pytest.mark.parametrize(("function", "model", "name"), MISSING)
@pytest.mark.parametrize("value", ["", "   ", "x" * 2049])
def test_an_empty_or_endless_variable_is_malformed(
    function: str, model: type[FunctionSettings], name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        load(model, complete(model) | {name: value})


@pytest.mark.parametrize(("function", "model"), FUNCTIONS)
def test_all_that_is_missing_is_named_at_once(function: str, model: type[FunctionSettings]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(model, {})
    assert str(caught.value).partition(": ")[2].split(", ") == sorted(required(model))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HASIVU_ENV", SECRET_VALUE),
        ("HASIVU_ENV", "Dev"),
        ("HASIVU_ENV", "1dev"),
        ("HASIVU_ENV", "dev\n"),
        ("POWERTOOLS_LOG_LEVEL", SECRET_VALUE),
        ("POWERTOOLS_LOG_LEVEL", "info"),
        ("PRESENTMENT_CURRENCIES", SECRET_VALUE),
        ("PRESENTMENT_CURRENCIES", "INR,"),
        ("PRESENTMENT_CURRENCIES", "inr"),
        ("PRESENTMENT_CURRENCIES", "INR, USD"),
        ("PRESENTMENT_CURRENCIES", ""),
    ],
)
def test_a_malformed_variable_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(PaymentsAdvancedSettings, complete(PaymentsAdvancedSettings) | {name: value})
    assert str(caught.value) == f"environment variables missing or malformed: {name}"
    assert SECRET_VALUE not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_variables_are_taken_by_their_exact_names() -> None:
    environment = {name.lower(): value for name, value in complete(PaymentsAdvancedSettings).items()}
    with pytest.raises(SettingsError):
        load(PaymentsAdvancedSettings, environment)


def test_blanks_around_a_value_are_taken_off() -> None:
    environment = complete(PaymentsAdvancedSettings) | {"AUDIT_TABLE": " audit\n"}
    assert load(PaymentsAdvancedSettings, environment).audit_table == "audit"


def test_rupees_are_the_only_currency_until_others_are_enabled() -> None:
    environment = complete(PaymentsAdvancedSettings)
    del environment["PRESENTMENT_CURRENCIES"]
    assert load(PaymentsAdvancedSettings, environment).currencies == {"INR"}
    several = load(PaymentsAdvancedSettings, environment | {"PRESENTMENT_CURRENCIES": "INR,USD"})
    assert several.currencies == {"INR", "USD"}


@pytest.mark.parametrize(("function", "model"), FUNCTIONS)
def test_settings_cannot_be_changed_and_hold_no_secrets(function: str, model: type[FunctionSettings]) -> None:
    settings = load(model, complete(model))
    for name in model.model_fields:
        assert not any(word in name for word in ("password", "token", "key_secret"))
        assert "secret" not in name or name.endswith("_arn")
        with pytest.raises(ValueError, match="frozen"):
            setattr(settings, name, "other")


@pytest.mark.parametrize(
    ("told", "origins"),
    [
        ("", frozenset()),
        ("https://app.hasivu.example", frozenset({"https://app.hasivu.example"})),
        (
            "https://a.example,http://localhost:3000",
            frozenset({"https://a.example", "http://localhost:3000"}),
        ),
    ],
)
def test_origins_are_a_list_of_whole_origins(told: str, origins: frozenset[str]) -> None:
    settings = load(FunctionSettings, complete(FunctionSettings) | {"ALLOWED_ORIGINS": told})
    assert settings.origins == origins


@pytest.mark.parametrize(
    "told",
    ["*", "https://*.example", "https://a.example/", "https://a.example,", "null", "https://a.example, b"],
)
def test_what_is_no_list_of_origins_is_refused(told: str) -> None:
    with pytest.raises(SettingsError, match="ALLOWED_ORIGINS"):
        load(FunctionSettings, complete(FunctionSettings) | {"ALLOWED_ORIGINS": told})
