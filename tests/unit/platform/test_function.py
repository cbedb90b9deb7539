"""A function is wired once: by Lambda when it initialises, by others when it is first called."""

from collections.abc import Mapping
from typing import Any

import pytest

from runtime.platform.function import LambdaFunction
from runtime.platform.settings import SettingsError
from tests.events import Context


class Wiring:
    def __init__(self) -> None:
        self.environments: list[Mapping[str, str]] = []

    def __call__(self, environment: Mapping[str, str]) -> Any:
        self.environments.append(environment)
        return lambda event, context: (len(self.environments), event, context.aws_request_id)


def test_elsewhere_nothing_happens_before_the_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    wiring = Wiring()
    function = LambdaFunction(wiring)
    assert wiring.environments == []
    context = Context()
    assert function({"a": 1}, context) == (1, {"a": 1}, context.aws_request_id)
    assert function({"b": 2}, context) == (1, {"b": 2}, context.aws_request_id)


def test_in_lambda_the_parts_are_made_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "hasivu-dev-health-check")
    wiring = Wiring()
    function = LambdaFunction(wiring)
    (environment,) = wiring.environments
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "hasivu-dev-health-check"
    assert function({}, Context())[0] == 1


def test_in_lambda_a_wrong_setting_stops_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "x")

    def wire(_: Mapping[str, str]) -> Any:
        raise SettingsError("missing")

    with pytest.raises(SettingsError):
        LambdaFunction(wire)
