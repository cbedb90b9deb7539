"""A deployment that goes to a tenth of the calls first, and is taken back when an alarm says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from aws_cdk import CfnCodeDeployLambdaAliasUpdate, CfnUpdatePolicy
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.acknowledge import accept_every_resource, acknowledge
from stacks.constructs.alarm import Alarm
from stacks.constructs.service_function import LIVE, ServiceFunction
from stacks.constructs.service_role import ServiceRole
from stacks.environment import Environment

A_TENTH_FOR_FIVE_MINUTES = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
ROLLBACKS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM")
ALARMS_MAX = 10
"""CodeDeploy's limit for one deployment group."""
REASON_CHARACTERS_MIN = 20


class IgnoringRefused(ValueError):
    """Somebody wants a deployment to ignore its alarms without saying why."""

    code = "ignoring-refused"


@dataclass(frozen=True, slots=True)
class IgnoredAlarms:
    """Why deployments go on although their alarms ring (``reason``), and the last day on which that counts.

    For the fix of a fault that itself keeps the alarms ringing: docs/runbooks/functions.md, "Canary".
    """

    reason: str
    until: date

    @classmethod
    def because(cls, reason: str, *, today: date) -> "IgnoredAlarms":
        """The exception of ``today``; it ends tomorrow. Raises IgnoringRefused where nothing is said."""
        if len(reason.strip()) < REASON_CHARACTERS_MIN or "|" in reason or "\n" in reason:
            raise IgnoringRefused(
                f"ignore_canary_alarms: {reason!r} is no reason. Say in one line of at least "
                f"{REASON_CHARACTERS_MIN} characters which alarm rings and why this deployment ends it."
            )
        return cls(reason.strip(), today + timedelta(days=1))


class Canary(Construct):
    """The deployment group of ``function``, under a role that may move its alias and nothing else.

    A tenth of the calls goes to the new version for five minutes, then all. One of ``alarms`` (1 to 10) that
    rings, a failure or a stop takes it back. With ``ignored`` the alarms stay listed and are not asked; the
    house rule that forbids it is acknowledged with the reason. ValueError for too few or too many alarms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        application: codedeploy.CfnApplication,
        function: ServiceFunction,
        alarms: Sequence[Alarm],
        ignored: IgnoredAlarms | None,
    ) -> None:
        super().__init__(scope, construct_id)
        if not 0 < len(alarms) <= ALARMS_MAX:
            raise ValueError(f"a deployment is watched by 1 to {ALARMS_MAX} alarms, not {len(alarms)}")
        role = self._role(environment, function)
        group = codedeploy.CfnDeploymentGroup(
            self,
            "Group",
            application_name=application.ref,
            service_role_arn=role.role_arn,
            deployment_config_name=A_TENTH_FOR_FIVE_MINUTES,
            deployment_style=codedeploy.CfnDeploymentGroup.DeploymentStyleProperty(
                deployment_type="BLUE_GREEN", deployment_option="WITH_TRAFFIC_CONTROL"
            ),
            auto_rollback_configuration=codedeploy.CfnDeploymentGroup.AutoRollbackConfigurationProperty(
                enabled=True, events=list(ROLLBACKS)
            ),
            alarm_configuration=codedeploy.CfnDeploymentGroup.AlarmConfigurationProperty(
                enabled=ignored is None,
                ignore_poll_alarm_failure=False,
                alarms=[
                    codedeploy.CfnDeploymentGroup.AlarmProperty(name=alarm.resource.ref) for alarm in alarms
                ],
            ),
        )
        group.node.add_dependency(role)
        if ignored is not None:
            acknowledge(
                group,
                "HASIVU-FN-15",
                why=ignored.reason,
                evidence="docs/runbooks/functions.md",
                owner="payments",
                until=ignored.until,
            )
        alias = cast(lambda_.CfnAlias, function.alias.node.default_child)
        alias.cfn_options.update_policy = CfnUpdatePolicy(
            code_deploy_lambda_alias_update=CfnCodeDeployLambdaAliasUpdate(
                application_name=application.ref, deployment_group_name=group.ref
            )
        )

    def _role(self, environment: Environment, function: ServiceFunction) -> ServiceRole:
        """What CodeDeploy does for a function without hooks: AWSCodeDeployRoleForLambdaLimited, on one
        function instead of all, and without the files and hooks that we do not have."""
        role = ServiceRole(
            self,
            "Role",
            environment=environment,
            service="codedeploy.amazonaws.com",
            description=f"Moves the alias of {function.name} to its next version",
        )
        arn = function.function.function_arn
        role.may("lambda:GetAlias", "lambda:UpdateAlias", on=arn)
        # By name: the alias is deployed by the group that has this role.
        role.may("lambda:GetProvisionedConcurrencyConfig", on=f"{arn}:{LIVE}")
        role.may("cloudwatch:DescribeAlarms", on="*")
        accept_every_resource(
            role, why="CodeDeploy asks for the states of alarms as AWS's own policy lets it"
        )
        return role
