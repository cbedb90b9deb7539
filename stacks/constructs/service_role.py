"""A role that an AWS service takes on to do one thing for this account."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledge import accept_inline_policy
from stacks.environment import Environment


class ServiceRole(iam.Role):
    """A role for ``service`` (``pipes.amazonaws.com``), which may take it on for this account only.

    Without the condition another account could make the service use this role (the confused deputy). The
    emulator's services cannot say for whom they work, so the embedded environment goes without. ``name`` is
    for a role that somebody outside the templates has to name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        service: str,
        description: str,
        name: str | None = None,
    ) -> None:
        account = Stack.of(scope).account
        super().__init__(
            scope,
            construct_id,
            role_name=name,
            assumed_by=iam.ServicePrincipal(
                service,
                conditions=None if environment.embedded else {"StringEquals": {"aws:SourceAccount": account}},
            ),
            description=description,
        )
        accept_inline_policy(self)

    def may(self, *actions: str, on: str) -> None:
        """Let the role do ``actions`` (``service:Action``) on the resource whose ARN is ``on``."""
        self.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[on]))
