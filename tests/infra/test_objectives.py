"""What production has kept to, by the metrics of its own alarms: by their limits, never without data."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.checklist.model import ProofResult, Status
from checks.probes import objectives, survey
from checks.probes.account import Account
from checks.probes.objectives import OBJECTIVES, PROBES, Objective
from checks.probes.running import read_running
from checks.probes.watching import ALARM
from stacks.observability_signals import ERROR_BUDGET
from stacks.observability_thresholds import (
    FUNCTION_ERRORS_MAX_PERCENT,
    LATENCY_P95_MAX_MS,
    PAYMENT_SUCCESS_MIN_PERCENT,
)
from tests.infra.assembly import Assembly
from tests.infra.shaped_aws import MOMENT, Answer, ShapedAws, failure

Values = Mapping[str, float]
"""By the metric's name, or by name and one dimension: ``Errors/hasivu-prod-pdf-generator``."""

SOUND = {
    "Count": 10_000.0,
    "5XXError": 0.0,
    "Latency": 300.0,
    "Invocations": 1_000.0,
    "PaymentCaptured": 100.0,
    "HealthChecked": 12.0,
}
"""In every hour: all is well."""


def metrics(values: Values, *, hours: int = 24 * 30, pages: int = 1) -> Answer:
    """The same ``values`` in each of the last ``hours``; a metric that is not named is silent."""

    def answer(arguments: dict[str, Any]) -> Any:
        begin, end = arguments["StartTime"], arguments["EndTime"]
        assert begin.minute == end.minute == 0
        found = []
        for query in arguments["MetricDataQueries"]:
            stat = query["MetricStat"]
            assert stat["Period"] == 3600
            value = _of(values, stat["Metric"])
            moments = [end - timedelta(hours=hour + 1) for hour in range(hours)] if value is not None else []
            moments = [moment for moment in moments if moment >= begin]
            found.append((query["Id"], moments, [value] * len(moments)))
        return {"MetricDataResults": list(_in_parts(found, pages))}

    return answer


def _of(values: Values, metric: Mapping[str, Any]) -> float | None:
    name = metric["MetricName"]
    for dimension in metric.get("Dimensions", ()):
        special = values.get(f"{name}/{dimension['Value']}")
        if special is not None:
            return special
    labelled = {each["Name"] for each in metric.get("Dimensions", ())} & {"health"}
    return None if labelled else values.get(name)


def _in_parts(
    found: list[tuple[str, list[datetime], list[float | None]]], pages: int
) -> Iterator[dict[str, Any]]:
    """As CloudWatch answers on several pages: a metric's values in parts, complete with the last."""
    for page in range(pages):
        for name, moments, values in found:
            yield {
                "Id": name,
                "Timestamps": moments[page::pages],
                "Values": values[page::pages],
                "StatusCode": "Complete" if page == pages - 1 else "PartialData",
            }


Found = Mapping[str, ProofResult]
"""Each objective's proof, by the probe's name."""

NAMES = [probe.name for probe in PROBES]


def look(assembly: Assembly, answer: Answer) -> Found:
    """The objectives of the survey, and nothing else of it: everything takes seconds."""
    aws: Any = ShapedAws(assembly.folder, {("cloudwatch", "get_metric_data"): answer})
    account = Account(aws, region="ap-south-1")
    now = MOMENT + timedelta(minutes=25)
    running = read_running(account, assembly.folder, assembly.environment, now=now)
    seen = [item for live in running.of(ALARM) for item in survey._of_alarm(account, live)]
    seen += survey._of_no_alarm(running)
    return {probe.name: survey._proof(probe, seen, running) for probe in PROBES}


def test_all_that_is_well_passes(prod: Assembly) -> None:
    found = look(prod, metrics(SOUND))
    assert {name: found[name].status for name in NAMES} == dict.fromkeys(NAMES, Status.PASSED)
    functions = list(prod.resources("AWS::Lambda::Function"))
    assert found["error-rate"].looked_at == len(functions)
    assert found["availability"].looked_at == 2


def test_no_data_is_never_a_pass(prod: Assembly) -> None:
    found = look(prod, metrics({}))
    for name in NAMES:
        assert found[name].status is Status.NOT_EVALUATED
        assert "too few to tell" in found[name].observed


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("latency", {"Latency": 2_001.0}),
        ("error-rate", {"Errors/hasivu-prod-pdf-generator": 11.0}),
        ("error-rate", {"LoggedFailures/pdf-generator": 11.0}),
        ("payment-success", {"PaymentFailed": 6.0}),
        ("payment-success", {"PaymentConflicted": 6.0}),
        ("availability", {"5XXError": 11.0}),
        ("availability", {"HealthChecked": 11.0}),
        ("availability", {"HealthChecked/fail": 1.0}),
    ],
)
def test_what_is_missed_fails_and_nothing_else_does(
    prod: Assembly, name: str, changed: dict[str, float]
) -> None:
    found = look(prod, metrics({**SOUND, **changed}))
    assert found[name].status is Status.FAILED
    assert len(found[name].against) == 1
    others = {found[other].status for other in NAMES if other != name}
    assert others == {Status.PASSED}


@pytest.mark.parametrize(
    "changed",
    [
        {"Latency": 2_000.0},
        {"Errors/hasivu-prod-pdf-generator": 10.0},
        {"PaymentFailed": 5.0},
        {"5XXError": 10.0},
        {"Errors/hasivu-prod-api-authorizer": 500.0, "CallerRefused": 500.0},
    ],
)
def test_what_is_just_kept_passes(prod: Assembly, changed: dict[str, float]) -> None:
    found = look(prod, metrics({**SOUND, **changed}))
    assert {found[name].status for name in NAMES} == {Status.PASSED}


def test_answers_on_several_pages_are_one(prod: Assembly) -> None:
    whole, parts = look(prod, metrics(SOUND)), look(prod, metrics(SOUND, pages=3))
    assert [whole[name] for name in NAMES] == [parts[name] for name in NAMES]


def test_an_answer_that_is_not_whole_is_an_error(prod: Assembly) -> None:
    def partly(arguments: dict[str, Any]) -> Any:
        answered = metrics(SOUND)(arguments)
        answered["MetricDataResults"][0]["StatusCode"] = "InternalError"
        return answered

    found = look(prod, partly)
    assert {found[name].status for name in NAMES} == {Status.ERROR}
    found = look(prod, failure("AccessDenied"))
    assert {found[name].status for name in NAMES} == {Status.ERROR}
    assert "cloudwatch:GetMetricData" in found["latency"].observed


def test_a_function_that_nobody_called_leaves_the_errors_open(prod: Assembly) -> None:
    silent = {**SOUND, "Invocations/hasivu-prod-pdf-generator": 0.0}
    found = look(prod, metrics(silent))["error-rate"]
    assert found.status is Status.NOT_EVALUATED
    assert "0 in 30 days" in found.observed


@pytest.mark.parametrize(
    ("failed", "status"), [(0, Status.PASSED), (1, Status.NOT_EVALUATED), (3, Status.FAILED)]
)
def test_few_calls_tell_only_when_none_or_many_went_wrong(
    prod: Assembly, failed: int, status: Status
) -> None:
    few = {
        **SOUND,
        "Invocations/hasivu-prod-pdf-generator": 20.0,
        "Errors/hasivu-prod-pdf-generator": float(failed),
    }
    once = metrics(few, hours=1)
    rest = metrics(SOUND)

    def answer(arguments: dict[str, Any]) -> Any:
        asked = str(arguments["MetricDataQueries"])
        return (once if "hasivu-prod-pdf-generator" in asked else rest)(arguments)

    assert look(prod, answer)["error-rate"].status is status


def test_a_day_of_health_checks_is_enough_and_an_hour_is_not(prod: Assembly) -> None:
    day, hour = look(prod, metrics(SOUND, hours=25)), look(prod, metrics(SOUND, hours=1))
    assert day["availability"].status is Status.PASSED
    assert hour["availability"].status is Status.NOT_EVALUATED


def test_silence_after_the_first_look_counts(prod: Assembly) -> None:
    def answer(arguments: dict[str, Any]) -> Any:
        answered = metrics(SOUND)(arguments)
        for each in answered["MetricDataResults"]:
            each["Timestamps"], each["Values"] = each["Timestamps"][2:], each["Values"][2:]
        return answered

    found = look(prod, answer)["availability"]
    assert found.status is Status.FAILED
    assert "24 did not take place" in found.observed


@given(
    slow=st.integers(0, 24 * 7),
    requests=st.integers(20, 10_000),
)
def test_one_slow_hour_in_twenty_is_kept_and_more_are_not(slow: int, requests: int) -> None:
    objective = next(each for probe, each in OBJECTIVES if probe is objectives.LATENCY)
    hours = [MOMENT - timedelta(hours=hour) for hour in range(24 * 7)]
    values = {
        "requests": dict.fromkeys(hours, float(requests)),
        "p95": {hour: 2_500.0 if index < slow else 400.0 for index, hour in enumerate(hours)},
    }
    said = objectives._of_hours(_alarm(), values, objective)
    assert (said is None) is (Decimal(slow) / (24 * 7) <= Decimal("0.05"))


def _alarm() -> Any:
    expression = "IF(FILL(requests, 0) >= 20, p95, 0)"
    found = {"Threshold": LATENCY_P95_MAX_MS, "Metrics": [{"Id": "guarded", "Expression": expression}]}
    return SimpleNamespace(resource=found)


def test_hours_with_hardly_any_request_do_not_count() -> None:
    objective = next(each for probe, each in OBJECTIVES if probe is objectives.LATENCY)
    hours = [MOMENT - timedelta(hours=hour) for hour in range(48)]
    values = {
        "requests": {hour: 19.0 if index % 2 else 500.0 for index, hour in enumerate(hours)},
        "p95": {hour: 9_000.0 if index % 2 else 100.0 for index, hour in enumerate(hours)},
    }
    assert objectives._of_hours(_alarm(), values, objective) is None


def test_every_objective_has_its_alarms_in_every_environment(assembly: Assembly) -> None:
    found = look(assembly, metrics(SOUND))
    assert {each.status for each in found.values()} == {Status.PASSED}


def test_an_alarm_that_is_not_there_is_an_error(prod: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Objective(probe="latency", alarm="Observability/Nowhere", how="percentile", days=7, samples_min=1)
    monkeypatch.setattr(objectives, "OBJECTIVES", ((objectives.LATENCY, lost),))
    found = look(prod, metrics(SOUND))["latency"]
    assert found.status is Status.ERROR
    assert "no alarm Observability/Nowhere" in found.observed


def test_the_limits_are_what_the_checklist_asks(prod: Assembly) -> None:
    """HC-151 to HC-154: 2 s, 1 %, 95 %, 99.9 %; thresholds come from the alarms, so that both are one."""
    limits: dict[str, set[float]] = {}
    for item in prod.resources("AWS::CloudWatch::Alarm"):
        place = item.body["Metadata"]["aws:cdk:path"].removesuffix("/Resource")
        for probe, objective in OBJECTIVES:
            live: Any = _at(place)
            if objective.is_about(live):
                limits.setdefault(probe.name, set()).add(item.properties["Threshold"])
    assert limits["latency"] == {LATENCY_P95_MAX_MS} == {2_000}
    assert limits["error-rate"] == {FUNCTION_ERRORS_MAX_PERCENT} == {1}
    assert limits["payment-success"] == {PAYMENT_SUCCESS_MIN_PERCENT} == {95}
    assert limits["availability"] == {1}, "a rate of 1, and a look in each period"
    (scheduled,) = (each for _, each in OBJECTIVES if each.how == "scheduled")
    assert Decimal(str(scheduled.beyond_max_percent)) == 100 * Decimal(str(ERROR_BUDGET))
    (latency,) = (each for probe, each in OBJECTIVES if probe is objectives.LATENCY)
    assert latency.beyond_max_percent == 100 - 95, "the alarm looks at p95"


def _at(place: str) -> Any:
    return SimpleNamespace(subject=SimpleNamespace(place=place))


def test_the_emulators_figures_are_none_of_awss(sandbox: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "on_emulator", lambda self: True)
    found = look(sandbox, failure("AccessDenied"))
    for each in found.values():
        assert each.status is Status.NOT_EVALUATED
        assert "the emulator counts no request" in each.observed
