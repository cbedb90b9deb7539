"""Billing: plans, subscriptions, what is due, and what becomes of those who do not pay."""

from functools import partial

from constructs import Construct

from stacks.bundles import Bundles
from stacks.constructs.dependency_layers import DependencyLayers
from stacks.constructs.service_function import ServiceFunction
from stacks.constructs.unbuilt_function import UnbuiltFunction
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.house_stack import HouseStack

API_TIMEOUT_S = 15
"""Below the 29 seconds after which API Gateway gives up, so that the function answers for itself."""

REPORT_TIMEOUT_S = 25
"""A report reads much; it still ends before API Gateway gives up after 29 seconds."""

BATCH_TIMEOUT_S = 60
"""Nobody waits for a batch; what does not fit into its time comes again."""


class BillingStack(HouseStack):
    """subscription-management, subscription-plans, billing-automation, dunning-management and
    subscription-analytics."""

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
            description="HASIVU payments: subscriptions, billing, dunning",
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
                name="subscription-management",
                description="Creates, pauses, resumes, changes and cancels subscriptions",
                memory_mib=1024,
                timeout_s=API_TIMEOUT_S,
                concurrency=50,
            ),
            unbuilt(
                name="subscription-plans",
                description="Versioned plans with prices, trials, coupons and add-ons",
                memory_mib=512,
                timeout_s=API_TIMEOUT_S,
                concurrency=20,
            ),
            unbuilt(
                name="billing-automation",
                description="Finds what is due, bills it, announces and executes the debit",
                memory_mib=1024,
                timeout_s=BATCH_TIMEOUT_S,
                concurrency=20,
            ),
            unbuilt(
                name="dunning-management",
                description="Reminders, grace, suspension and recovery",
                memory_mib=512,
                timeout_s=API_TIMEOUT_S,
                concurrency=20,
            ),
            unbuilt(
                name="subscription-analytics",
                description="Recurring revenue, churn, cohorts and recovery",
                memory_mib=1024,
                timeout_s=REPORT_TIMEOUT_S,
                concurrency=10,
            ),
        )
