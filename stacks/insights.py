"""Insights: what the history of payments tells."""

from functools import partial

from constructs import Construct

from stacks.bundles import Bundles
from stacks.constructs.dependency_layers import DependencyLayers
from stacks.constructs.service_function import ServiceFunction
from stacks.constructs.unbuilt_function import UnbuiltFunction
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.house_stack import HouseStack

REPORT_TIMEOUT_S = 25
"""A report reads much; it still ends before API Gateway gives up after 29 seconds."""


class InsightsStack(HouseStack):
    """ml-payment-insights and advanced-payment-intelligence."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bundles: Bundles,
        data: DataStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: predictions and intelligence",
            stateful=False,
        )
        layers = DependencyLayers(self, "Layers", environment=environment, bundles=bundles, names=("core",))
        unbuilt = partial(
            UnbuiltFunction,
            self,
            environment=environment,
            bundles=bundles,
            data=data,
            layers=layers,
        )
        self.functions: tuple[ServiceFunction, ...] = (
            unbuilt(
                name="ml-payment-insights",
                description="Predictions of failure, churn and revenue, and their models",
                memory_mib=2048,
                timeout_s=REPORT_TIMEOUT_S,
                concurrency=20,
            ),
            unbuilt(
                name="advanced-payment-intelligence",
                description="Anomalies, fraud patterns and intelligence reports",
                memory_mib=1024,
                timeout_s=REPORT_TIMEOUT_S,
                concurrency=20,
            ),
        )
