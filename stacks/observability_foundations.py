"""Alarms on what everything stands on: functions, queues, tables, the way of the events, certificates."""

from collections.abc import Sequence

from constructs import Construct

from stacks.constructs.alarm import Alarm, Comparison, Missing, OneIsEnough, Sustained
from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.constructs.service_function import ServiceFunction
from stacks.observability_estate import Estate, WatchedRule, WatchedTable, function_name
from stacks.observability_signals import FUNCTION_SAMPLES, Signals
from stacks.observability_thresholds import (
    ACCOUNT_CONCURRENCY,
    CERTIFICATE_PAGE_DAYS,
    CERTIFICATE_TICKET_DAYS,
    CONCURRENCY_MAX_SHARE,
    DAY_S,
    FIVE_MINUTES_S,
    FUNCTION_ERRORS_MAX_PERCENT,
    ITERATOR_AGE_MAX_MS,
    MINUTE_S,
    QUEUE_AGE_MAX_S,
    QUEUE_DEPTH_MAX,
    TABLE_FILL_MAX_PERCENT,
)


class FunctionAlarms(Construct):
    """Errors, throttles and concurrency of one function."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topics: AlarmTopics,
        signals: Signals,
        function: ServiceFunction,
        reads_a_stream: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        name = function_name(function)
        Alarm(
            self,
            "Errors",
            topics=topics,
            severity=Severity.PAGE,
            meaning=f"More than 1 % of the invocations of {function.name} end badly.",
            runbook="functions#errors",
            signal=signals.function_errors(name, function.name),
            guard=FUNCTION_SAMPLES,
            threshold=FUNCTION_ERRORS_MAX_PERCENT,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
            datapoints=2,
            of=3,
        )
        Alarm(
            self,
            "Throttles",
            topics=topics,
            severity=Severity.TICKET,
            meaning=f"Invocations of {function.name} are turned away: all its concurrency is taken.",
            runbook="functions#throttles",
            signal=signals.function(name, "Throttles"),
            guard=Sustained(2, 3),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "Concurrency",
            topics=topics,
            severity=Severity.TICKET,
            meaning=f"{function.name} uses more than 80 % of the concurrency that it is meant to have.",
            runbook="functions#concurrency",
            signal=signals.function(name, "ConcurrentExecutions", "Maximum"),
            guard=Sustained(3, 3),
            threshold=CONCURRENCY_MAX_SHARE * function.concurrency,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )
        if reads_a_stream:
            Alarm(
                self,
                "IteratorAge",
                topics=topics,
                severity=Severity.PAGE,
                meaning=f"{function.name} is more than a quarter of an hour behind the stream that it reads.",
                runbook="functions#iterator-age",
                signal=signals.function(name, "IteratorAge", "Maximum"),
                guard=Sustained(3, 3),
                threshold=ITERATOR_AGE_MAX_MS,
                comparison=Comparison.ABOVE,
                missing=Missing.FINE,
                period_s=MINUTE_S,
            )


class QueueAlarms(Construct):
    """Depth and age of the oldest message of one queue."""

    def __init__(
        self, scope: Construct, construct_id: str, *, topics: AlarmTopics, signals: Signals, queue: str
    ) -> None:
        super().__init__(scope, construct_id)
        Alarm(
            self,
            "Depth",
            topics=topics,
            severity=Severity.TICKET,
            meaning=f"More than 1,000 messages wait in {queue}.",
            runbook="queues#depth",
            signal=signals.queue(queue, "ApproximateNumberOfMessagesVisible"),
            guard=Sustained(3, 3),
            threshold=QUEUE_DEPTH_MAX,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "Age",
            topics=topics,
            severity=Severity.PAGE,
            meaning=f"A message has waited in {queue} for more than a quarter of an hour.",
            runbook="queues#age",
            signal=signals.queue(queue, "ApproximateAgeOfOldestMessage"),
            guard=Sustained(2, 3),
            threshold=QUEUE_AGE_MAX_S,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )


class InfrastructureAlarms(Construct):
    """Dead letters, tables, the way of the events, certificates, the account, and the health check."""

    def __init__(
        self, scope: Construct, construct_id: str, *, topics: AlarmTopics, signals: Signals, estate: Estate
    ) -> None:
        super().__init__(scope, construct_id)
        self._topics, self._signals = topics, signals
        for queue in estate.dead_letters:
            self._dead_letters(queue)
        for table in estate.tables:
            self._table(table)
        for pipe in estate.pipes:
            self._pipe(pipe)
        for rule in estate.rules:
            self._rule(rule)
        for topic in estate.topics:
            self._topic(topic)
        self._certificates(estate.certificate_arns)
        self._whole_platform()

    def _id(self, kind: str, name: str) -> str:
        return f"{kind}-{self._signals.without_environment(name)}"

    def _dead_letters(self, queue: str) -> None:
        Alarm(
            self,
            self._id("DeadLetters", queue),
            topics=self._topics,
            severity=Severity.PAGE,
            meaning=f"{queue} holds a message that could not be handled.",
            runbook="queues#dead-letters",
            signal=self._signals.queue(queue, "ApproximateNumberOfMessagesVisible"),
            guard=OneIsEnough("it has been tried five times and nobody will try again"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )

    def _table(self, table: WatchedTable) -> None:
        Alarm(
            self,
            self._id("Faults", table.name),
            topics=self._topics,
            severity=Severity.PAGE,
            meaning=f"DynamoDB fails requests to {table.name}.",
            runbook="database#unreachable",
            signal=self._signals.table_faults(table.name),
            guard=Sustained(2, 3),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )
        Alarm(
            self,
            self._id("Throttles", table.name),
            topics=self._topics,
            severity=Severity.TICKET,
            meaning=f"DynamoDB throttles {table.name} or an index of it.",
            runbook="database#throttles",
            signal=self._signals.table_throttles(table.name, table.indexes),
            guard=Sustained(2, 3),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            self._id("Fill", table.name),
            topics=self._topics,
            severity=Severity.TICKET,
            meaning=f"{table.name} uses more than 80 % of the reads or writes that it takes at most.",
            runbook="database#capacity",
            signal=self._signals.table_fill(
                table.name,
                read_units_max=table.read_units_max,
                write_units_max=table.write_units_max,
                period_s=MINUTE_S,
            ),
            guard=Sustained(3, 5),
            threshold=TABLE_FILL_MAX_PERCENT,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )

    def _pipe(self, pipe: str) -> None:
        Alarm(
            self,
            self._id("Failures", pipe),
            topics=self._topics,
            severity=Severity.PAGE,
            meaning=f"The pipe {pipe} cannot carry events from the outbox to the bus.",
            runbook="events#pipe-failures",
            signal=self._signals.pipe_failures(pipe),
            guard=Sustained(2, 3),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            self._id("Silence", pipe),
            topics=self._topics,
            severity=Severity.PAGE,
            meaning=f"Payments change, but the pipe {pipe} carries nothing: it was stopped, or stands still.",
            runbook="events#pipe-silent",
            signal=self._signals.pipe_silence(pipe),
            guard=Sustained(2, 2),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=15 * MINUTE_S,
        )

    def _rule(self, rule: WatchedRule) -> None:
        Alarm(
            self,
            self._id("Rule", rule.construct),
            topics=self._topics,
            severity=Severity.PAGE,
            meaning="An event rule could not hand an event to its target.",
            runbook="events#rule-failures",
            signal=self._signals.rule_failures(rule.bus, rule.name),
            guard=OneIsEnough("EventBridge has given up on that event"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )

    def _topic(self, topic: str) -> None:
        Alarm(
            self,
            self._id("Topic", topic),
            topics=self._topics,
            severity=Severity.PAGE,
            meaning=f"{topic} could not deliver a message to a subscriber.",
            runbook="events#topic-failures",
            signal=self._signals.topic_failures(topic),
            guard=OneIsEnough("SNS has given up on that message"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )

    def _certificates(self, arns: Sequence[str]) -> None:
        for number, arn in enumerate(arns):
            for severity, days in (
                (Severity.TICKET, CERTIFICATE_TICKET_DAYS),
                (Severity.PAGE, CERTIFICATE_PAGE_DAYS),
            ):
                Alarm(
                    self,
                    f"Certificate{number or ''}{severity.value.title()}",
                    topics=self._topics,
                    severity=severity,
                    meaning=f"A certificate expires in less than {days} days and has not renewed itself.",
                    runbook="certificates#expiry",
                    signal=self._signals.certificate_days(arn),
                    guard=OneIsEnough("a certificate's days are not a matter of chance"),
                    threshold=days,
                    comparison=Comparison.BELOW,
                    missing=Missing.UNKNOWN,
                    period_s=DAY_S,
                )

    def _whole_platform(self) -> None:
        signals = self._signals
        Alarm(
            self,
            "Connections",
            topics=self._topics,
            severity=Severity.PAGE,
            meaning="Functions get no answer from the database or another AWS service.",
            runbook="database#unreachable",
            signal=signals.own("AwsConnectionFailures"),
            guard=Sustained(2, 3),
            threshold=3,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )
        Alarm(
            self,
            "AuditWrites",
            topics=self._topics,
            severity=Severity.PAGE,
            meaning="Refusals are not written to the audit trail.",
            runbook="database#audit-trail",
            signal=signals.own("AuditWriteFailures"),
            guard=OneIsEnough("the trail has a gap"),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "AuditSeal",
            topics=self._topics,
            severity=Severity.PAGE,
            meaning="The audit trail is not being sealed.",
            runbook="database#audit-seal",
            signal=signals.own("AuditSealed", "SampleCount"),
            guard=Sustained(3, 3),
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "AccountConcurrency",
            topics=self._topics,
            severity=Severity.PAGE,
            meaning="More than 80 % of the account's Lambda concurrency is taken.",
            runbook="functions#account-concurrency",
            signal=signals.account_concurrency(),
            guard=Sustained(3, 3),
            threshold=CONCURRENCY_MAX_SHARE * ACCOUNT_CONCURRENCY,
            comparison=Comparison.ABOVE,
            missing=Missing.FINE,
            period_s=MINUTE_S,
        )
        Alarm(
            self,
            "HealthFailing",
            topics=self._topics,
            severity=Severity.PAGE,
            meaning="The scheduled health check says that payments cannot be taken.",
            runbook="health#failing",
            signal=signals.own("HealthChecked", health="fail"),
            guard=Sustained(2, 3),
            threshold=1,
            comparison=Comparison.AT_LEAST,
            missing=Missing.FINE,
            period_s=FIVE_MINUTES_S,
        )
        Alarm(
            self,
            "HealthSilent",
            topics=self._topics,
            severity=Severity.PAGE,
            meaning="The scheduled health check does not run: nobody knows how the platform is.",
            runbook="health#silent",
            signal=signals.own("HealthChecked", "SampleCount"),
            guard=Sustained(3, 3),
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
            period_s=FIVE_MINUTES_S,
        )
