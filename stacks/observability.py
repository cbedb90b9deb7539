"""Seeing what happens: metrics out of logs, alarms with their runbooks, and four dashboards."""

from collections.abc import Sequence

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from stacks import observability_dashboards as dashboards
from stacks.constructs.alarm_topics import AlarmTopics
from stacks.constructs.dashboard import Dashboard
from stacks.constructs.service_function import LIVE
from stacks.environment import Environment
from stacks.house_stack import HouseStack
from stacks.observability_alarms import ApiAlarms, PaymentAlarms
from stacks.observability_estate import Estate, api_name, firewall_name, function_name
from stacks.observability_filters import TOO_MANY_REQUESTS, FunctionFilters, count
from stacks.observability_firewall import FirewallAlarms
from stacks.observability_foundations import FunctionAlarms, InfrastructureAlarms, QueueAlarms
from stacks.observability_secrets import SecretAlarms
from stacks.observability_signals import Signals


class ObservabilityStack(HouseStack):
    """Looks at everything in ``estate``, and at the API through its ``access_logs``, its ``operations``
    (method and path) and the ``firewall`` before it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        estate: Estate,
        api: apigateway.IRestApi,
        access_logs: logs.ILogGroup,
        operations: Sequence[tuple[str, str]],
        firewall: wafv2.CfnWebACL,
        topics: AlarmTopics,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: metrics, alarms and dashboards",
            stateful=False,
            indented=False,  # half of the template would be spaces, and CloudFormation takes a million bytes
        )
        signals = Signals(environment.name, api_name(api), LIVE)
        count(
            self,
            "ApiThrottled",
            access_logs.log_group_name,
            TOO_MANY_REQUESTS,
            signals.namespace,
            "ApiThrottled",
        )
        PaymentAlarms(self, "Payment", topics=topics, signals=signals)
        ApiAlarms(self, "Api", topics=topics, signals=signals)
        FirewallAlarms(
            self,
            "Firewall",
            topics=topics,
            signals=signals,
            region=self.region,
            firewalls=estate.firewalls,
            before_api=firewall_name(firewall),
        )
        for function in estate.functions:
            words = "".join(word.capitalize() for word in function.name.split("-"))
            FunctionFilters(self, f"{words}Log", namespace=signals.namespace, function=function)
            FunctionAlarms(
                self,
                words,
                topics=topics,
                signals=signals,
                function=function,
                reads_a_stream=function_name(function) in estate.stream_readers,
            )
        for queue in estate.queues:
            QueueAlarms(self, signals.without_environment(queue), topics=topics, signals=signals, queue=queue)
        InfrastructureAlarms(self, "Infrastructure", topics=topics, signals=signals, estate=estate)
        SecretAlarms(self, "Secret", topics=topics, signals=signals)
        Dashboard(self, "PaymentPerformance", rows=dashboards.payment_performance(signals))
        Dashboard(self, "Functions", rows=dashboards.functions(signals, estate))
        Dashboard(self, "ApiGateway", rows=dashboards.api(signals, estate, operations, self.region))
        Dashboard(self, "InfrastructureHealth", rows=dashboards.infrastructure(signals, estate))
