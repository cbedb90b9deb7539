"""What is looked at: the signals of this platform, each named once, for alarms and dashboards alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from stacks.constructs.metric import Formula, Measure, Samples, share, share_of, total
from stacks.constructs.service_function import LIVE

ERROR_BUDGET = 0.001
"""What 99.9 % leaves: one request in a thousand."""

TABLE_OPERATIONS = ("GetItem", "PutItem", "UpdateItem", "Query", "TransactWriteItems")
"""What the runtime asks of DynamoDB."""

RAISED_ANSWERS = {"api-authorizer": "CallerRefused", "secret-rotation": "SecretRotationRefused"}
"""Functions that give a proper answer by raising (API Gateway and Secrets Manager want it so), and the metric
that counts it."""

PAYMENT_SAMPLES = Samples(minimum=20, or_bad=10)
FUNCTION_SAMPLES = Samples(minimum=50, or_bad=3)
CANARY_SAMPLES = Samples(minimum=50, or_bad=1)
"""In a minute. A tenth of the calls is few: where there are hardly any, one that fails is already many."""
API_SAMPLES = Samples(minimum=100, or_bad=5)
LATENCY_SAMPLES_MIN = 20
"""A twentieth of fewer requests is less than one."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of ``environment`` (its name); those of the API need its name and its stage too."""

    environment: str
    api_name: str = ""
    stage: str = ""

    def without_environment(self, name: str) -> str:
        """A physical name without the environment in it, for construct ids: they are the same everywhere."""
        return name.replace(f"-{self.environment}", "")

    # What the runtime and the metric filters count

    @property
    def namespace(self) -> str:
        """As ``runtime/platform/metrics.py`` names it."""
        return f"HASIVU/{self.environment}"

    def own(self, name: str, statistic: str = "Sum", **labels: str) -> Measure:
        """A metric of the runtime's own, or of a metric filter."""
        return Measure(self.namespace, name, statistic, labels)

    def payment_failures(self) -> Formula:
        """Payments that failed, of those that were decided, in percent."""
        return share(
            {"failed": self.own("PaymentFailed")}, {"captured": self.own("PaymentCaptured")}, PAYMENT_SAMPLES
        )

    def payment_success(self) -> Formula:
        """Payments that were captured as asked for, of those that were decided, in percent."""
        return share(
            {"failed": self.own("PaymentFailed"), "conflicted": self.own("PaymentConflicted")},
            {"captured": self.own("PaymentCaptured")},
            PAYMENT_SAMPLES,
            of_good=True,
        )

    def gateway_silence(self) -> Formula:
        """Payments whose order the gateway did not confirm, of those made, in percent."""
        return share_of(
            {"unknown": self.own("PaymentOutcomeUnknown")}, self.own("PaymentCreated"), PAYMENT_SAMPLES
        )

    def undeliverable(self) -> Formula:
        """Messages that reached nobody, of those tried, in percent."""
        return share(
            {
                "undeliverable": self.own("NotificationUndeliverable"),
                "later": self.own("NotificationFailedLater"),
            },
            {"sent": self.own("NotificationSent")},
            PAYMENT_SAMPLES,
        )

    def webhooks_missing(self) -> Formula:
        """Payments made while the gateway sent no event at all."""
        return Formula(
            {
                "created": self.own("PaymentCreated"),
                "received": self.own("WebhookReceived"),
                "unheard": "IF(FILL(received, 0) == 0, FILL(created, 0), 0)",
            }
        )

    # What AWS counts

    def function(self, function_name: str, name: str, statistic: str = "Sum") -> Measure:
        return Measure("AWS/Lambda", name, statistic, {"FunctionName": function_name})

    def function_errors(self, function_name: str, service: str) -> Formula:
        """Invocations that ended badly, in percent: those that raised, and what was caught and logged.

        An API function answers 500 and a queue consumer names the failed message; neither is an error to
        Lambda. Their logged exceptions are counted by a metric filter under the logger's ``service``.
        What a function raises as its proper answer is an error to Lambda and is taken off again.
        """
        return self._bad_ends(
            service,
            self.function(function_name, "Errors"),
            self.function(function_name, "Invocations"),
            FUNCTION_SAMPLES,
        )

    def live(
        self, function_name: str, name: str, statistic: str = "Sum", *, version: str | None = None
    ) -> Measure:
        """What came through the function's alias; with ``version``, what that version of it answered."""
        alias = {"FunctionName": function_name, "Resource": f"{function_name}:{LIVE}"}
        executed = {} if version is None else {"ExecutedVersion": version}
        return Measure("AWS/Lambda", name, statistic, alias | executed)

    def live_errors(self, function_name: str, service: str) -> Formula:
        """As ``function_errors``, of what came through the alias, with a canary's guard."""
        return self._bad_ends(
            service,
            self.live(function_name, "Errors"),
            self.live(function_name, "Invocations"),
            CANARY_SAMPLES,
        )

    def _bad_ends(self, service: str, raised: Measure, invocations: Measure, samples: Samples) -> Formula:
        proper = RAISED_ANSWERS.get(service)
        return share_of(
            {"raised": raised, "logged": self.own("LoggedFailures", service=service)},
            invocations,
            samples,
            not_bad={"answered": self.own(proper)} if proper else {},
        )

    def api(self, name: str, statistic: str = "Sum", **operation: str) -> Measure:
        """A metric of the API, or of one ``Resource`` and ``Method`` of it."""
        return Measure(
            "AWS/ApiGateway", name, statistic, {"ApiName": self.api_name, "Stage": self.stage, **operation}
        )

    def api_faults(self) -> Formula:
        """Requests answered with 5xx, in percent."""
        return share_of({"faults": self.api("5XXError")}, self.api("Count"), API_SAMPLES)

    def budget_burn(self) -> Formula:
        """How many times faster than allowed the error budget is spent; 1 uses it up exactly on time."""
        return share_of(
            {"faults": self.api("5XXError")},
            self.api("Count"),
            API_SAMPLES,
            factor=f"{1 / ERROR_BUDGET:.0f}",
        )

    def latency_p95_ms(self) -> Formula:
        return Formula(
            {
                "requests": self.api("Count"),
                "p95": self.api("Latency", "p95"),
                "guarded": f"IF(FILL(requests, 0) >= {LATENCY_SAMPLES_MIN}, p95, 0)",
            }
        )

    def queue(self, queue_name: str, name: str, statistic: str = "Maximum") -> Measure:
        return Measure("AWS/SQS", name, statistic, {"QueueName": queue_name})

    def table(self, table_name: str, name: str, statistic: str = "Sum", **place: str) -> Measure:
        """A metric of a table, or of one ``Operation`` or ``GlobalSecondaryIndexName`` of it."""
        return Measure("AWS/DynamoDB", name, statistic, {"TableName": table_name, **place})

    def table_faults(self, table_name: str) -> Formula:
        """Requests that DynamoDB itself failed; it counts them by operation only."""
        return total(
            *(self.table(table_name, "SystemErrors", Operation=operation) for operation in TABLE_OPERATIONS)
        )

    def table_throttles(self, table_name: str, indexes: Sequence[str]) -> Formula:
        """Reads and writes that were turned away by the table or, which holds up the table, by an index."""
        places: list[dict[str, str]] = [{}, *({"GlobalSecondaryIndexName": index} for index in indexes)]
        return total(
            *(
                self.table(table_name, name, **place)
                for place in places
                for name in ("ReadThrottleEvents", "WriteThrottleEvents")
            )
        )

    def table_fill(
        self, table_name: str, *, read_units_max: int, write_units_max: int, period_s: int
    ) -> Formula:
        """How much of what a table takes at most is used, in percent: of reads or writes, the fuller."""
        return Formula(
            {
                "reads": self.table(table_name, "ConsumedReadCapacityUnits"),
                "writes": self.table(table_name, "ConsumedWriteCapacityUnits"),
                "percent": f"100 * MAX([FILL(reads, 0) / {read_units_max * period_s}, "
                f"FILL(writes, 0) / {write_units_max * period_s}])",
            }
        )

    def pipe(self, pipe_name: str, name: str, statistic: str = "Sum") -> Measure:
        return Measure("AWS/EventBridge/Pipes", name, statistic, {"PipeName": pipe_name})

    def pipe_failures(self, pipe_name: str) -> Formula:
        return total(
            *(
                self.pipe(pipe_name, name)
                for name in (
                    "ExecutionFailed",
                    "ExecutionPartiallyFailed",
                    "ExecutionTimeout",
                    "ExecutionThrottled",
                )
            )
        )

    def pipe_silence(self, pipe_name: str) -> Formula:
        """Payments that were made or decided while the pipe carried nothing."""
        return Formula(
            {
                "created": self.own("PaymentCreated"),
                "captured": self.own("PaymentCaptured"),
                "failed": self.own("PaymentFailed"),
                "carried": self.pipe(pipe_name, "Invocations"),
                "written": "FILL(created, 0) + FILL(captured, 0) + FILL(failed, 0)",
                "stuck": "IF(FILL(carried, 0) == 0, written, 0)",
            }
        )

    def rule(self, bus_name: str | None, rule_name: str, name: str) -> Measure:
        """A metric of a rule; one on a bus of its own is known by both names."""
        bus = {"EventBusName": bus_name} if bus_name else {}
        return Measure("AWS/Events", name, "Sum", {**bus, "RuleName": rule_name})

    def rule_failures(self, bus_name: str | None, rule_name: str) -> Formula:
        """Events that a target did not take, and those of them that not even its dead letters took."""
        return total(
            self.rule(bus_name, rule_name, "FailedInvocations"),
            self.rule(bus_name, rule_name, "InvocationsFailedToBeSentToDlq"),
        )

    def topic(self, topic_name: str, name: str) -> Measure:
        return Measure("AWS/SNS", name, "Sum", {"TopicName": topic_name})

    def topic_failures(self, topic_name: str) -> Formula:
        """Messages that a subscriber did not take, and those of them that not even its dead letters took."""
        return total(
            self.topic(topic_name, "NumberOfNotificationsFailed"),
            self.topic(topic_name, "NumberOfNotificationsFailedToRedriveToDlq"),
        )

    def certificate_days(self, arn: str) -> Measure:
        return Measure("AWS/CertificateManager", "DaysToExpiry", "Minimum", {"CertificateArn": arn})

    def firewall(self, acl: str, region: str, name: str, *, rule: str = "ALL") -> Measure:
        """A metric of a web ACL as a whole, or of one of its rules."""
        return Measure("AWS/WAFV2", name, "Sum", {"WebACL": acl, "Region": region, "Rule": rule})

    def firewall_unseen(self, acl: str, region: str) -> Formula:
        """Requests to the API while the web ACL before it sees none."""
        return Formula(
            {
                "allowed": self.firewall(acl, region, "AllowedRequests"),
                "blocked": self.firewall(acl, region, "BlockedRequests"),
                "requests": self.api("Count"),
                "seen": "FILL(allowed, 0) + FILL(blocked, 0)",
                "unseen": "IF(FILL(seen, 0) == 0, FILL(requests, 0), 0)",
            }
        )

    def account_concurrency(self) -> Measure:
        """What running functions and reservations take of the account's concurrency."""
        return Measure("AWS/Lambda", "ClaimedAccountConcurrency", "Maximum")
