"""Canaries: what moves money is deployed to a tenth of its calls first, watched, and taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.rules.estate import Estate, Resource
from checks.rules.functions import FUNCTION, short_name
from checks.rules.invocations import LIVE
from checks.rules.permissions import roles_of
from checks.rules.policies import rights_of, statements
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.signals import ALARM, Look, looks

ALIAS = "AWS::Lambda::Alias"
GROUP = "AWS::CodeDeploy::DeploymentGroup"

MONEY_PATHS = frozenset(
    {
        "api-authorizer",  # when it fails, everything does
        "payments-advanced",
        "payments-manage-methods",
        "payments-reconciliation",
        "payments-reconciliation-worker",
        "payments-retry",
        "payments-webhook-handler",
    }
)
"""Functions that are deployed by canary; whatever else may write the journal is one of them too."""

JOURNAL = "hasivu-{env}-ledger"
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
ROLLBACKS = frozenset({"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"})
STYLE = {
    "DeploymentStyle.DeploymentOption": "WITH_TRAFFIC_CONTROL",
    "DeploymentStyle.DeploymentType": "BLUE_GREEN",
}
"""Without them CodeDeploy moves all calls at once."""

UPDATE = "/UpdatePolicy.CodeDeployLambdaAliasUpdate"
WATCHED = ("Errors", "Throttles", "Duration")
"""What a new version may do wrong, as Lambda counts it."""

ALIAS_ACTIONS = frozenset({"lambda:getalias", "lambda:updatealias", "lambda:getprovisionedconcurrencyconfig"})
ALARM_ACTIONS = frozenset({"cloudwatch:describealarms"})


def groups_by_function(estate: Estate) -> Mapping[Resource, Resource]:
    """Each function whose alias a deployment group moves, with the group."""
    found: dict[Resource, Resource] = {}
    for alias in estate.of(ALIAS):
        function = estate.target(alias.get("FunctionName"), alias.stack)
        group = estate.target(alias.get(f"{UPDATE}.DeploymentGroupName"), alias.stack)
        if function is not None and group is not None and group.kind == GROUP:
            found[function] = group
    return found


def _moves_money(estate: Estate, function: Resource) -> bool:
    if short_name(estate, function) in MONEY_PATHS:
        return True
    journal = estate.named("AWS::DynamoDB::Table", "TableName", JOURNAL)
    role = estate.target(function.get("Role"), function.stack)
    return journal is not None and any(
        statement.covers("dynamodb:PutItem")
        and any(journal in estate.targets(text, statement.carrier.stack) for text in statement.resources)
        for statement in ([] if role is None else rights_of(estate, role))
    )


@rule(
    "HASIVU-FN-14",
    "PCI DSS 6.5.1",
    "SOX CM-7",
    environments=DEPLOYED,
    remedy="Deploy it by CodeDeploy (stacks/canaries.py): a tenth for five minutes, with rollback on alarms.",
)
def money_paths_are_deployed_by_canary(estate: Estate) -> Iterator[Breach]:
    """What moves money or lets callers in is deployed to a tenth of its calls first."""
    owners: dict[Resource, Resource] = {}
    for alias in estate.of(ALIAS):
        function = estate.target(alias.get("FunctionName"), alias.stack)
        if function is None or function.kind != FUNCTION or not _moves_money(estate, function):
            continue
        group = estate.target(alias.get(f"{UPDATE}.DeploymentGroupName"), alias.stack)
        if group is None or group.kind != GROUP:
            yield at(alias, f"{UPDATE}.DeploymentGroupName")
            continue
        if group.get("DeploymentConfigName") != CANARY:
            yield at(group, "DeploymentConfigName")
        if owners.setdefault(group, alias) != alias:
            yield at(alias, UPDATE, shown=f"shares the group of {owners[group].logical_id}")
        applications = [
            estate.target(value, alias.stack)
            for value in (alias.get(f"{UPDATE}.ApplicationName"), group.get("ApplicationName"))
        ]
        if None in applications or applications[0] != applications[1]:
            yield at(alias, f"{UPDATE}.ApplicationName")


@rule(
    "HASIVU-FN-15",
    "SOX CM-7",
    environments=DEPLOYED,
    remedy="Roll back on failure, on stop and on alarms of the estate; ignore no alarm.",
)
def deployments_are_taken_back(estate: Estate) -> Iterator[Breach]:
    """A deployment is taken back when it fails, is stopped, or an alarm of the estate fires."""
    for group in estate.of(GROUP):
        for path, value in STYLE.items():
            if group.get(path) != value:
                yield at(group, path)
        if group.get("AutoRollbackConfiguration.Enabled") is not True:
            yield at(group, "AutoRollbackConfiguration.Enabled")
        if not set(group.items("AutoRollbackConfiguration.Events")) >= ROLLBACKS:
            yield at(group, "AutoRollbackConfiguration.Events")
        alarms = group.items("AlarmConfiguration.Alarms")
        if group.get("AlarmConfiguration.Enabled") is not True or not alarms:
            yield at(group, "AlarmConfiguration")
        if group.get("AlarmConfiguration.IgnorePollAlarmFailure"):
            yield at(group, "AlarmConfiguration.IgnorePollAlarmFailure")
        for index, alarm in enumerate(alarms):
            found = estate.target(alarm.get("Name"), group.stack)
            if found is None or not found.kind.startswith("AWS::CloudWatch::"):
                yield at(group, f"AlarmConfiguration.Alarms.{index}")


@rule(
    "HASIVU-CD-1",
    "SOX CM-7",
    "PCI DSS 6.5.1",
    environments=DEPLOYED,
    remedy="Watch the errors, throttles and duration of the function's alias live, or of its new version.",
)
def deployments_are_watched_where_they_go(estate: Estate) -> Iterator[Breach]:
    """A deployment is watched for errors, throttles and duration of its own function's alias."""
    for function, group in groups_by_function(estate).items():
        name = str(function.get("FunctionName"))
        seen: set[str] = set()
        for index, listed in enumerate(group.items("AlarmConfiguration.Alarms")):
            alarm = estate.target(listed.get("Name"), group.stack)
            of_lambda = [] if alarm is None or alarm.kind != ALARM else _of_lambda(estate, alarm)
            path = f"AlarmConfiguration.Alarms.{index}"
            for look in of_lambda:
                if _is_of(estate, look, function):
                    seen.add(look.name)
                else:
                    shown = " ".join(look.dimensions.values())
                    yield at(group, path, shown=f"{look.name} of {shown}, not of {name}:{LIVE}")
        for metric in WATCHED:
            if metric not in seen:
                yield at(group, "AlarmConfiguration.Alarms", shown=f"none on {metric} of {name}:{LIVE}")


def _of_lambda(estate: Estate, alarm: Resource) -> list[Look]:
    return [look for look in looks(estate, alarm) if look.namespace == "AWS/Lambda"]


def _is_of(estate: Estate, look: Look, function: Resource) -> bool:
    """Whether ``look`` is at what came through the function's alias, of all versions or of the next one."""
    name = str(function.get("FunctionName"))
    dimensions = dict(look.dimensions)
    version = dimensions.pop("ExecutedVersion", None)
    if dimensions != {"FunctionName": name, "Resource": f"{name}:{LIVE}"}:
        return False
    return version is None or any(
        estate.text(alias.get("FunctionVersion"), alias.stack) == version
        for alias in estate.of(ALIAS)
        if estate.target(alias.get("FunctionName"), alias.stack) == function
    )


@rule(
    "HASIVU-CD-2",
    "PCI DSS 7.2.5",
    "SOX AC-2",
    environments=DEPLOYED,
    remedy="Let the group's role read and move the alias of its own function, and read the states of alarms.",
)
def deployments_may_move_their_alias_and_nothing_else(estate: Estate) -> Iterator[Breach]:
    """A deployment's role is its own, and may move the alias of its function and nothing else."""
    owners: dict[Resource, Resource] = {}
    for function, group in groups_by_function(estate).items():
        role = estate.target(group.get("ServiceRoleArn"), group.stack)
        if role is None or role.kind != "AWS::IAM::Role" or owners.setdefault(role, group) != group:
            yield at(group, "ServiceRoleArn")
            continue
        for index, arn in enumerate(role.items("ManagedPolicyArns")):
            yield at(role, f"ManagedPolicyArns.{index}", shown=estate.text(arn, role.stack))
        for statement in statements(estate, "identity"):
            if not statement.allows or role not in roles_of(estate, statement):
                continue
            actions = set(statement.actions)
            if actions <= ALARM_ACTIONS and not statement.not_actions:
                continue
            arn = f"<{function.stack}.{function.logical_id}.Arn>"
            if not actions <= ALIAS_ACTIONS or statement.not_actions:
                yield statement.breach(f"Action {', '.join(sorted(actions - ALIAS_ACTIONS))}")
            if statement.not_resources or not set(statement.resources) <= {arn, f"{arn}:{LIVE}"}:
                yield statement.breach(f"Resource {', '.join(statement.resources)}")


RAISES_ITS_ANSWER = frozenset({"api-authorizer"})
"""It refuses by raising: an error of a version of it is no crash."""

NO_PAYMENTS = frozenset({"api-authorizer"})
"""Canaries behind which no payment fails that another one would not tell."""


@rule(
    "HASIVU-CD-3",
    "SOX CM-7",
    "PCI DSS 6.5.1",
    environments=DEPLOYED,
    remedy="Watch what stacks/canaries.py watches: failures that are caught, crashes, payments that fail.",
)
def deployments_are_watched_for_what_is_caught(estate: Estate) -> Iterator[Breach]:
    """A deployment is taken back for failures that are caught too, for crashes, and for failing payments."""
    for function, group in groups_by_function(estate).items():
        name = short_name(estate, function)
        seen = [
            look
            for listed in group.items("AlarmConfiguration.Alarms")
            if (alarm := estate.target(listed.get("Name"), group.stack)) is not None and alarm.kind == ALARM
            for look in looks(estate, alarm)
        ]
        found = {
            "failures that are caught": any(
                look.name == "LoggedFailures" and look.dimensions.get("service") == name for look in seen
            ),
            "crashes of the new version": name in RAISES_ITS_ANSWER
            or any(look.name == "Errors" and "ExecutedVersion" in look.dimensions for look in seen),
            "payments that fail": name in NO_PAYMENTS or any(look.name == "PaymentFailed" for look in seen),
        }
        for what, is_watched in found.items():
            if not is_watched:
                yield at(group, "AlarmConfiguration.Alarms", shown=f"none on {what}")
