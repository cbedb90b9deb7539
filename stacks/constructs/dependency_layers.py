"""Third-party code of the functions of one stack, as layers from the built bundles."""

from collections.abc import Sequence

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.bundles import Bundles
from stacks.constructs.customer_key import removal_policy
from stacks.environment import Environment

PYTHON = lambda_.Runtime.PYTHON_3_14
NOT_DEPLOYED = ["**/__pycache__", "**/*.pyc"]


class DependencyLayers(Construct):
    """The layers ``names`` (``core``, ``jwt``) for this stack's functions.

    Every stack publishes its own: a layer shared across stacks could not change without all of them.
    Old versions are kept, since published function versions go on using them after a rollback.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bundles: Bundles,
        names: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._layers = {
            name: lambda_.LayerVersion(
                self,
                name.capitalize(),
                code=lambda_.Code.from_asset(bundles.layer(name), exclude=NOT_DEPLOYED),
                compatible_runtimes=[PYTHON],
                compatible_architectures=[architecture(environment)],
                description=f"Third-party packages of the lock file's group layer-{name}",
                removal_policy=removal_policy(environment),
            )
            for name in names
        }

    def __getitem__(self, name: str) -> lambda_.LayerVersion:
        return self._layers[name]


def architecture(environment: Environment) -> lambda_.Architecture:
    """The processor that the environment's bundles were built for."""
    if environment.functions.architecture == "arm64":
        return lambda_.Architecture.ARM_64
    return lambda_.Architecture.X86_64
