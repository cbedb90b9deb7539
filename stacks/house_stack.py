"""What all stacks have in common: name, region, tags, and how they reach the account."""

from aws_cdk import CliCredentialsStackSynthesizer, Stack, Tags
from aws_cdk import Environment as Destination
from constructs import Construct

from stacks.environment import Environment


class HouseStack(Stack):
    """The stack ``hasivu-{env}-{construct id in lower case}``.

    Construct ids never contain the environment, so that logical ids are the same everywhere.
    ``stateful`` stacks hold what must not be lost and are protected from deletion as the environment says.
    ``region`` is for what is elsewhere on purpose; otherwise it is the environment's. A template that is not
    ``indented`` is half as long.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        description: str,
        stateful: bool,
        region: str | None = None,
        indented: bool = True,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"hasivu-{environment.name}-{construct_id.lower()}",
            description=description,
            env=Destination(account=environment.account, region=region or environment.region),
            termination_protection=stateful and environment.protection.termination_protection,
            suppress_template_indentation=not indented,
            # The emulator's bootstrap roles would need permissions of their own under its IAM enforcement.
            synthesizer=CliCredentialsStackSynthesizer() if environment.embedded else None,
        )
        self.environment_settings = environment
        Tags.of(self).add("project", "hasivu")
        Tags.of(self).add("environment", environment.name)
        Tags.of(self).add("subject", construct_id.lower())
