"""A function that is deployed under its name before it is built, with the right to record whom it refuses."""

from constructs import Construct

from stacks.bundles import Bundles
from stacks.constructs.dependency_layers import DependencyLayers
from stacks.constructs.service_function import ServiceFunction
from stacks.data import DataStack
from stacks.environment import Environment


class UnbuiltFunction(ServiceFunction):
    """The function ``hasivu-{env}-{name}``, whose module is made by ``runtime.platform.not_built``.

    Its memory, time and concurrency are those that its later work will need, so that what the account has
    to bear is known now. It has no trigger but the API's operations.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        environment: Environment,
        bundles: Bundles,
        data: DataStack,
        layers: DependencyLayers,
        name: str,
        description: str,
        memory_mib: int,
        timeout_s: int,
        concurrency: int,
    ) -> None:
        super().__init__(
            scope,
            "".join(word.capitalize() for word in name.split("-")),
            environment=environment,
            bundles=bundles,
            name=name,
            description=description,
            layers=[layers["core"]],
            settings={"ALLOWED_ORIGINS": ",".join(environment.web.origins)},
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=memory_mib,
            timeout_s=timeout_s,
            concurrency=concurrency,
        )
        data.audit.allow(self.role, "PutItem")
