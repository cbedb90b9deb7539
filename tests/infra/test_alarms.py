"""The alarm refuses what could never ring; what only some environments have is watched where it exists."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_certificatemanager as acm

from stacks.constructs.alarm import Alarm, Comparison, Missing, OneIsEnough, Sustained
from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.constructs.metric import Formula, Measure, Samples, share, total
from stacks.environment_file import load_environment
from stacks.house_app import ROOT, HouseApp
from stacks.house_stack import HouseStack
from stacks.observability_estate import Estate
from stacks.observability_foundations import InfrastructureAlarms
from stacks.observability_signals import Signals
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, read_assembly
from tests.infra.metric_math import evaluated

WAITING = Measure("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", {"QueueName": "toy"})
FAILED = Measure("HASIVU/dev", "PaymentFailed", "Sum")
CAPTURED = Measure("HASIVU/dev", "PaymentCaptured", "Sum")
RATE = share({"failed": FAILED}, {"captured": CAPTURED}, Samples(minimum=20, or_bad=5))


class Toy:
    """A stack with the topics of alarms."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._app = HouseApp(output=output)
        environment = load_environment("dev", directory=ROOT / "environments", today=TODAY)
        self.stack = HouseStack(
            self._app, "Toy", environment=environment, description="A toy", stateful=False
        )
        self.topics = AlarmTopics(self.stack, "Topics", environment=environment)

    def alarm(self, **changes: Any) -> Alarm:
        """An alarm that is right, but for ``changes``."""
        right: dict[str, Any] = {
            "topics": self.topics,
            "severity": Severity.PAGE,
            "meaning": "Too many wait.",
            "runbook": "queues#depth",
            "signal": WAITING,
            "guard": Sustained(2, 3),
            "threshold": 10,
            "comparison": Comparison.ABOVE,
            "missing": Missing.FINE,
            "period_s": 60,
        }
        return Alarm(self.stack, "Alarm", **(right | changes))

    def assembly(self) -> Assembly:
        self._app.synth()
        return read_assembly("dev", self._output)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"period_s": 90}, "a multiple of 60 seconds, not 90"),
        ({"period_s": 0}, "not 0"),
        ({"period_s": 172_800}, "looks back at most a day"),
        ({"period_s": 300, "guard": Sustained(2, 289)}, "looks back at most a day"),
        ({"period_s": 86_400, "guard": Sustained(2, 8)}, "or seven"),
        ({"guard": Sustained(4, 3)}, "4 of 3 datapoints can never be bad"),
        ({"guard": Sustained(1, 3)}, "one bad period is no guard"),
        ({"guard": Samples(minimum=20, or_bad=5)}, "only a formula counts its samples"),
        ({"runbook": "queues"}, "runbook file#anchor"),
        ({"meaning": "x" * 1100}, "at most 1024"),
    ],
)
def test_an_alarm_that_could_not_ring_or_be_read_is_refused(
    toy: Toy, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        toy.alarm(**changes)


def test_the_alarm_says_everything_that_a_person_needs(toy: Toy) -> None:
    toy.alarm(signal=RATE, guard=Samples(minimum=20, or_bad=5), datapoints=2, of=3)

    alarm = toy.assembly().one("AWS::CloudWatch::Alarm").properties
    assert alarm["AlarmDescription"] == (
        "Too many wait. Severity: page. Guard: at least 20 in a period, or 5 gone wrong; "
        "bad in 2 of 3 periods of 60 s. Runbook: docs/runbooks/queues.md#depth"
    )
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3)


def test_one_is_enough_gives_its_reason(toy: Toy) -> None:
    toy.alarm(guard=OneIsEnough("nobody tries again"))

    alarm = toy.assembly().one("AWS::CloudWatch::Alarm").properties
    assert "Guard: one is enough, nobody tries again." in alarm["AlarmDescription"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Formula({"a": WAITING}),
        lambda: Formula({"a": "1 + 1"}),
        lambda: total(*[WAITING] * 11),
    ],
    ids=["no expression", "no metric", "eleven metrics"],
)
def test_a_formula_that_cloudwatch_would_refuse_is_refused(make: Callable[[], Formula]) -> None:
    with pytest.raises(ValueError, match="formula"):
        make()


@pytest.mark.parametrize(
    ("failed", "captured", "percent"),
    [
        (None, None, 0),
        (0, 100, 0),
        (6, 94, 6),
        (None, 100, 0),
        (4, None, 0),  # four of four, but too few to wake anybody
        (5, None, 100),  # everything fails in a quiet hour
        (1, 18, 0),
        (1, 19, 5),
    ],
)
def test_a_share_counts_from_enough_samples_on_or_when_enough_went_wrong(
    failed: float | None, captured: float | None, percent: float
) -> None:
    assert evaluated(RATE, failed=failed, captured=captured) == percent


@pytest.mark.parametrize(
    ("failed", "conflicted", "captured", "percent"),
    [(None, None, None, 100), (3, 2, 95, 95), (10, None, None, 0), (1, None, 5, 100)],
)
def test_success_is_perfect_where_nothing_can_be_said(
    failed: float | None, conflicted: float | None, captured: float | None, percent: float
) -> None:
    success = Signals("dev", "api", "live").payment_success()

    assert evaluated(success, failed=failed, conflicted=conflicted, captured=captured) == percent


def test_a_budget_burns_at_one_when_one_request_in_a_thousand_fails() -> None:
    burn = Signals("dev", "api", "live").budget_burn()

    assert evaluated(burn, faults=10, among=10_000) == 1
    assert evaluated(burn, faults=144, among=10_000) == pytest.approx(14.4)


def test_refusals_that_are_raised_are_no_errors_of_the_authoriser() -> None:
    signals = Signals("dev", "api", "live")
    errors = signals.function_errors("hasivu-dev-api-authorizer", "api-authorizer")

    assert evaluated(errors, raised=90, logged=None, answered=90, among=100) == 0
    assert evaluated(errors, raised=95, logged=None, answered=90, among=100) == 5


@pytest.mark.parametrize(
    ("reads", "writes", "percent"),
    [(None, None, 0), (240_000, None, 50), (240_000, 216_000, 90), (480_000, 240_000, 100)],
)
def test_a_table_is_as_full_as_the_fuller_of_its_reads_and_writes(
    reads: float | None, writes: float | None, percent: float
) -> None:
    fill = Signals("dev").table_fill("t", read_units_max=8000, write_units_max=4000, period_s=60)

    assert evaluated(fill, reads=reads, writes=writes) == pytest.approx(percent)


def test_one_failure_counts_where_a_canary_has_few_calls_and_not_where_it_has_many() -> None:
    failures = Signals("dev").live_errors("hasivu-dev-payments-advanced", "payments-advanced")

    assert evaluated(failures, raised=None, logged=None, among=None) == 0
    assert evaluated(failures, raised=None, logged=1, among=4) == 25
    assert evaluated(failures, raised=None, logged=1, among=400) == 0.25


def test_silence_rings_only_where_there_was_something_to_hear() -> None:
    signals = Signals("dev", "api", "live")

    assert evaluated(signals.webhooks_missing(), created=12, received=None) == 12
    assert evaluated(signals.webhooks_missing(), created=12, received=1) == 0
    assert evaluated(signals.webhooks_missing(), created=None, received=None) == 0
    quiet = {"created": None, "captured": None, "failed": None}
    assert evaluated(signals.pipe_silence("p"), **quiet, carried=None) == 0
    assert evaluated(signals.pipe_silence("p"), **(quiet | {"captured": 3}), carried=None) == 3
    assert evaluated(signals.pipe_silence("p"), **(quiet | {"captured": 3}), carried=2) == 0


def test_a_certificate_is_watched_at_45_and_15_days(toy: Toy) -> None:
    certificate = acm.CfnCertificate(toy.stack, "Certificate", domain_name="api.hasivu.example")
    InfrastructureAlarms(
        toy.stack,
        "Infrastructure",
        topics=toy.topics,
        signals=Signals("dev", "api", "live"),
        estate=replace(Estate(functions=()), certificate_arns=(certificate.ref,)),
    )

    assembly = toy.assembly()
    found = [
        item.properties
        for item in assembly.resources("AWS::CloudWatch::Alarm")
        if item.properties.get("MetricName") == "DaysToExpiry"
    ]
    shown = {
        (item["Threshold"], next(tag["Value"] for tag in item["Tags"] if tag["Key"] == "severity"))
        for item in found
    }
    assert shown == {(45, "ticket"), (15, "page")}
    for item in found:
        assert item["ComparisonOperator"] == "LessThanThreshold"
        (dimension,) = item["Dimensions"]
        assert assembly.text(dimension["Value"], "Toy") == "<Toy.Certificate>"
