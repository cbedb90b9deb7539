"""How what moves money, and what lets callers in, is deployed: to a tenth of the calls first, watched."""

from collections.abc import Sequence

from aws_cdk import aws_codedeploy as codedeploy
from constructs import Construct

from stacks.constructs.alarm import Alarm, Comparison, Missing, OneIsEnough, Sustained
from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.constructs.canary import Canary, IgnoredAlarms
from stacks.constructs.service_function import ServiceFunction
from stacks.environment import Environment
from stacks.observability_estate import function_name
from stacks.observability_signals import CANARY_SAMPLES, PAYMENT_SAMPLES, RAISED_ANSWERS, Signals
from stacks.observability_thresholds import (
    CANARY_DURATION_MAX_SHARE,
    FUNCTION_ERRORS_MAX_PERCENT,
    MINUTE_S,
    PAYMENT_FAILURES_MAX_PERCENT,
)

RUNBOOK = "functions#canary"


class Canaries(Construct):
    """The CodeDeploy application of a stack.

    Its alarms are tickets: the deployment is taken back by itself, and whoever deploys sees it fail. They
    are in the stack of the function, which could otherwise not be deployed before what watches it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        topics: AlarmTopics,
        ignored: IgnoredAlarms | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self._topics = topics
        self._ignored = ignored
        self._signals = Signals(environment.name)
        self._application = codedeploy.CfnApplication(self, "Application", compute_platform="Lambda")

    def payments_failing(self) -> Alarm:
        """Payments that fail while a tenth of the calls is answered by a new version."""
        return Alarm(
            self,
            "PaymentsFailing",
            topics=self._topics,
            severity=Severity.TICKET,
            meaning="More than 5 % of a minute's payments failed: a deployment under way is taken back.",
            runbook=RUNBOOK,
            signal=self._signals.payment_failures(),
            guard=PAYMENT_SAMPLES,
            threshold=PAYMENT_FAILURES_MAX_PERCENT,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=MINUTE_S,
            datapoints=2,
            of=3,
        )

    def deploy(self, function: ServiceFunction, *further: Alarm) -> None:
        """Deploy ``function`` by canary, watched by its own alarms and by ``further`` ones."""
        Canary(
            function,
            "Canary",
            environment=self._environment,
            application=self._application,
            function=function,
            alarms=[*self._alarms(function), *further],
            ignored=self._ignored,
        )

    def _alarms(self, function: ServiceFunction) -> Sequence[Alarm]:
        """What a new version does wrong, and what only shows in everything that comes through the alias.

        AWS counts by version what Lambda itself sees. What a function catches and logs, and what it raises
        as its proper answer, is not known by version.
        """
        watch = CanaryAlarms(function, "CanaryAlarms", topics=self._topics, signals=self._signals)
        alarms = [watch.failures(), watch.throttles(), watch.duration()]
        return alarms if function.name in RAISED_ANSWERS else [*alarms, watch.crashes()]


class CanaryAlarms(Construct):
    """The alarms that take back a deployment of ``function``."""

    def __init__(
        self, function: ServiceFunction, construct_id: str, *, topics: AlarmTopics, signals: Signals
    ) -> None:
        super().__init__(function, construct_id)
        self._function = function
        self._topics = topics
        self._signals = signals
        self._name = function_name(function)
        self._version = function.function.current_version.version

    def failures(self) -> Alarm:
        """Calls through the alias that end badly, caught or not."""
        return Alarm(
            self,
            "Failures",
            topics=self._topics,
            severity=Severity.TICKET,
            meaning=f"More than 1 % of a minute's calls of {self._function.name} end badly.",
            runbook=RUNBOOK,
            signal=self._signals.live_errors(self._name, self._function.name),
            guard=CANARY_SAMPLES,
            threshold=FUNCTION_ERRORS_MAX_PERCENT,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=MINUTE_S,
            datapoints=2,
            of=3,
        )

    def throttles(self) -> Alarm:
        """Calls through the alias that are turned away."""
        return Alarm(
            self,
            "Throttles",
            topics=self._topics,
            severity=Severity.TICKET,
            meaning=f"Calls of {self._function.name} are turned away minute after minute.",
            runbook=RUNBOOK,
            signal=self._signals.live(self._name, "Throttles"),
            guard=Sustained(2, 3),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )

    def duration(self) -> Alarm:
        """A new version that comes near its timeout."""
        limit_ms = CANARY_DURATION_MAX_SHARE * self._function.timeout_s * 1000
        return Alarm(
            self,
            "Duration",
            topics=self._topics,
            severity=Severity.TICKET,
            meaning=f"The new version of {self._function.name} needs more than 80 % of its timeout.",
            runbook=RUNBOOK,
            signal=self._signals.live(self._name, "Duration", "p99", version=self._version),
            guard=Sustained(2, 3),
            threshold=limit_ms,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )

    def crashes(self) -> Alarm:
        """A new version that raises, runs out of time or memory, or does not start."""
        return Alarm(
            self,
            "Crashes",
            topics=self._topics,
            severity=Severity.TICKET,
            meaning=f"The new version of {self._function.name} crashed.",
            runbook=RUNBOOK,
            signal=self._signals.live(self._name, "Errors", version=self._version),
            guard=OneIsEnough("it never raises on purpose, and to take a deployment back costs nothing"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )
