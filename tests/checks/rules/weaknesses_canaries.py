"""Planted: deployments that go to everybody at once, are not watched, or may do too much."""

from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, put

ALIAS, GROUP = "AWS::Lambda::Alias", "AWS::CodeDeploy::DeploymentGroup"
POLICY, TRUST = "AWS::IAM::Policy", "AWS::IAM::Role"
UPDATE = "/UpdatePolicy.CodeDeployLambdaAliasUpdate"
ALARMS = "AlarmConfiguration.Alarms"
ROLLBACKS = "AutoRollbackConfiguration"


def of_the_money(properties: Any) -> bool:
    return "PaymentsAdvanced" in str(properties.get("FunctionName"))


def of_the_authoriser(properties: Any) -> bool:
    return "ApiAuthorizer" in str(properties.get("FunctionName"))


def moving_an_alias(properties: Any) -> bool:
    return "lambda:UpdateAlias" in str(properties.get("PolicyDocument"))


def for_deployments(properties: Any) -> bool:
    return "codedeploy.amazonaws.com" in str(properties.get("AssumeRolePolicyDocument"))


def looking_at(metric: str) -> Any:
    """An alarm on an alias's ``metric``, alone."""

    def where(properties: Any) -> bool:
        return properties.get("MetricName") == metric and ":live" in str(properties.get("Dimensions"))

    return where


def alias(title: str, change: Any, where: Any = of_the_money) -> Weakness:
    return Weakness("HASIVU-FN-14", title, ALIAS, change, where)


def group(rule_id: str, title: str, change: Any) -> Weakness:
    return Weakness(rule_id, title, GROUP, change)


def watch(title: str, metric: str, change: Any) -> Weakness:
    return Weakness("HASIVU-CD-1", title, "AWS::CloudWatch::Alarm", change, looking_at(metric), witness=GROUP)


def right(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-CD-2", title, POLICY, change, moving_an_alias)


STATEMENT = "PolicyDocument.Statement.0"
OTHER = {
    "FunctionName": "hasivu-prod-health-check",
    "Resource": "hasivu-prod-health-check:live",
}

WEAKNESSES = (
    alias("everything at once", drop("/UpdatePolicy")),
    alias("the authoriser at once", drop("/UpdatePolicy"), of_the_authoriser),
    alias("another's deployments", put(f"{UPDATE}.ApplicationName", "somebody-elses")),
    alias("a group that is none of ours", put(f"{UPDATE}.DeploymentGroupName", "somebody-elses")),
    group(
        "HASIVU-FN-14",
        "everything at once, by name",
        put("DeploymentConfigName", "CodeDeployDefault.LambdaAllAtOnce"),
    ),
    group("HASIVU-FN-15", "no way back", put(f"{ROLLBACKS}.Enabled", False)),
    group("HASIVU-FN-15", "nothing said of the way back", drop(ROLLBACKS)),
    group("HASIVU-FN-15", "back only when it fails", put(f"{ROLLBACKS}.Events", ["DEPLOYMENT_FAILURE"])),
    group("HASIVU-FN-15", "alarms are ignored", put("AlarmConfiguration.Enabled", False)),
    group("HASIVU-FN-15", "no alarm is asked", put(ALARMS, [])),
    group("HASIVU-FN-15", "on in the dark", put("AlarmConfiguration.IgnorePollAlarmFailure", True)),
    group("HASIVU-FN-15", "somebody else's alarm", add(ALARMS, {"Name": "somebody-elses"})),
    watch(
        "another function is watched",
        "Throttles",
        put("Dimensions", [{"Name": name, "Value": value} for name, value in OTHER.items()]),
    ),
    watch(
        "the version before is watched",
        "Errors",
        put(
            "Dimensions",
            [
                {"Name": "FunctionName", "Value": "hasivu-prod-payments-advanced"},
                {"Name": "Resource", "Value": "hasivu-prod-payments-advanced:live"},
                {"Name": "ExecutedVersion", "Value": "1"},
            ],
        ),
    ),
    watch("calls are counted, not failures", "Throttles", put("MetricName", "Invocations")),
    group("HASIVU-CD-1", "one alarm is enough", drop(f"{ALARMS}.2")),
    group("HASIVU-CD-2", "under no role of ours", put("ServiceRoleArn", "arn:aws:iam::aws:role/x")),
    right("any function's alias", put(f"{STATEMENT}.Resource", "*")),
    right("every action on functions", put(f"{STATEMENT}.Action", "lambda:*")),
    right("code is replaced on the way", add(f"{STATEMENT}.Action", "lambda:UpdateFunctionCode")),
    right("all but a little", put(f"{STATEMENT}.NotAction", ["iam:CreateUser"])),
    Weakness(
        "HASIVU-CD-2",
        "AWS's own policy beside",
        TRUST,
        put(
            "ManagedPolicyArns",
            ["arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"],
        ),
        for_deployments,
    ),
)
