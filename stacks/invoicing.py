"""Invoicing: statutory documents, their form, their archive and their delivery."""

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

RENDERING_TIMEOUT_S = 60
"""Nobody waits for a document: it is drawn after an event."""


class InvoicingStack(HouseStack):
    """invoice-generator, pdf-generator, invoice-templates, invoice-mailer and invoice-analytics."""

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
            description="HASIVU payments: invoices and their delivery",
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
                name="invoice-generator",
                description="The right statutory document, numbered without gaps",
                memory_mib=1024,
                timeout_s=API_TIMEOUT_S,
                concurrency=50,
            ),
            unbuilt(
                name="pdf-generator",
                description="Documents as PDF/A, archived immutably",
                memory_mib=2048,
                timeout_s=RENDERING_TIMEOUT_S,
                concurrency=30,
            ),
            unbuilt(
                name="invoice-templates",
                description="Declarative, versioned themes of documents",
                memory_mib=512,
                timeout_s=API_TIMEOUT_S,
                concurrency=10,
            ),
            unbuilt(
                name="invoice-mailer",
                description="Delivers invoices, follows bounces, falls back",
                memory_mib=512,
                timeout_s=API_TIMEOUT_S,
                concurrency=20,
            ),
            unbuilt(
                name="invoice-analytics",
                description="Ageing, collection and delivery of invoices",
                memory_mib=1024,
                timeout_s=REPORT_TIMEOUT_S,
                concurrency=10,
            ),
        )
