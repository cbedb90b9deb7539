"""What moves money, and what lets callers in, goes to a tenth of the calls first and can be taken back."""

from datetime import date
from pathlib import Path

import pytest

from app import build
from checks.rules.acknowledgements import parse
from checks.rules.validation_report import read_acknowledgements
from checks.telemetry.watched import Watched, by_alarm
from stacks.constructs.canary import IgnoredAlarms, IgnoringRefused
from stacks.house_app import HouseApp
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, Resource, read_assembly
from tests.infra.conftest import Synthesise
from tests.infra.observed import reader

ALIASES = {
    # function: the logical id of its alias, which CodeDeploy and all callers know
    "payments-advanced": "PaymentsAdvancedLive6A26AB11",
    "payments-manage-methods": "PaymentsManageMethodsLive406AFCC3",
    "payments-reconciliation": "PaymentsReconciliationLive373BC39C",
    "payments-reconciliation-worker": "PaymentsReconciliationWorkerLiveAED6F1AA",
    "payments-retry": "PaymentsRetryLive20844CFB",
    "payments-webhook-handler": "PaymentsWebhookHandlerLive4B330D69",
    "api-authorizer": "ApiAuthorizerLiveB93BC552",
}
REASON = "payments fail since 10:40, this reverts the parser"


def aliases(assembly: Assembly) -> dict[str, Resource]:
    """The alias of each function, by the function's name."""
    names = assembly.alias_refs()
    return {names[alias.ref]: alias for alias in assembly.resources("AWS::Lambda::Alias")}


def group_of(assembly: Assembly, function: str) -> Resource:
    """The deployment group that moves the alias of ``function``."""
    alias = aliases(assembly)[function]
    update = alias.body["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    named = assembly.text(update["DeploymentGroupName"], alias.stack)
    (group,) = [item for item in assembly.resources("AWS::CodeDeploy::DeploymentGroup") if item.ref == named]
    assert update["ApplicationName"] == group.properties["ApplicationName"]
    return group


def alarms_of(assembly: Assembly, function: str) -> list[Resource]:
    """The alarms that take a deployment of ``function`` back; each has to be in the group's own template."""
    group = group_of(assembly, function)
    resources = assembly.templates[group.stack]["Resources"]
    ids = [alarm["Name"]["Ref"] for alarm in group.properties["AlarmConfiguration"]["Alarms"]]
    assert all(resources[logical_id]["Type"] == "AWS::CloudWatch::Alarm" for logical_id in ids)
    return [
        Resource(group.stack, logical_id, "AWS::CloudWatch::Alarm", resources[logical_id])
        for logical_id in ids
    ]


def of_lambda(assembly: Assembly, function: str) -> list[Watched]:
    return [
        watched
        for alarm in alarms_of(assembly, function)
        for watched in by_alarm(alarm.properties, reader(assembly, alarm.stack))
        if watched.namespace == "AWS/Lambda"
    ]


def test_what_moves_money_and_what_lets_callers_in_is_deployed_by_canary(assembly: Assembly) -> None:
    moved = {name for name, alias in aliases(assembly).items() if "UpdatePolicy" in alias.body}

    assert moved == set(ALIASES)


@pytest.mark.parametrize("function", ALIASES)
def test_the_alias_keeps_its_logical_id(assembly: Assembly, function: str) -> None:
    """With another one CloudFormation would make a second alias and delete the one that everything calls."""
    assert aliases(assembly)[function].logical_id == ALIASES[function]


@pytest.mark.parametrize("function", ALIASES)
def test_a_tenth_goes_first_and_everything_that_may_go_wrong_takes_it_back(
    assembly: Assembly, function: str
) -> None:
    properties = group_of(assembly, function).properties

    assert properties["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert properties["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"],
    }
    assert properties["AlarmConfiguration"]["Enabled"] is True
    assert properties["AlarmConfiguration"]["IgnorePollAlarmFailure"] is False
    assert properties["DeploymentStyle"] == {
        "DeploymentType": "BLUE_GREEN",
        "DeploymentOption": "WITH_TRAFFIC_CONTROL",
    }


@pytest.mark.parametrize("function", ALIASES)
def test_the_alarms_of_a_deployment_look_at_the_alias_that_it_moves(
    assembly: Assembly, function: str
) -> None:
    name = f"hasivu-{assembly.environment}-{function}"
    alias = aliases(assembly)[function]
    next_version = assembly.text(alias.properties["FunctionVersion"], alias.stack)

    for watched in of_lambda(assembly, function):
        dimensions = dict(watched.dimensions)
        assert dimensions.pop("ExecutedVersion", next_version) == next_version
        assert dimensions == {"FunctionName": name, "Resource": f"{name}:live"}
    assert {"Errors", "Throttles", "Duration"} <= {watched.name for watched in of_lambda(assembly, function)}


@pytest.mark.parametrize("function", ALIASES)
def test_an_alarm_of_a_deployment_can_ring_while_the_canary_lasts(assembly: Assembly, function: str) -> None:
    for alarm in alarms_of(assembly, function):
        properties = alarm.properties
        stats = [
            query["MetricStat"]["Period"] for query in properties.get("Metrics", []) if "MetricStat" in query
        ]
        (period_s,) = set(stats) or {properties["Period"]}

        assert period_s * properties["EvaluationPeriods"] < 5 * 60
        assert properties["TreatMissingData"] == "notBreaching", "no calls are no reason to go back"


def test_a_new_version_is_asked_for_its_own_crashes_but_the_authoriser(assembly: Assembly) -> None:
    """The authoriser raises for every caller whom it refuses: its failures are asked for by their share."""
    for function in ALIASES:
        by_version = {
            item.name for item in of_lambda(assembly, function) if "ExecutedVersion" in item.dimensions
        }
        expected = {"Duration"} if function == "api-authorizer" else {"Duration", "Errors"}
        assert by_version == expected, function


def test_a_duration_near_the_timeout_takes_a_deployment_back(assembly: Assembly) -> None:
    for function in ALIASES:
        (alarm,) = [
            item for item in alarms_of(assembly, function) if item.properties.get("MetricName") == "Duration"
        ]
        timeout_s = assembly.function(function).properties["Timeout"]
        assert (alarm.properties["ExtendedStatistic"], alarm.properties["Threshold"]) == (
            "p99",
            timeout_s * 800,
        )


def test_payments_that_fail_take_any_deployment_of_the_payments_stack_back(assembly: Assembly) -> None:
    for function in ALIASES:
        seen = {
            watched.name
            for alarm in alarms_of(assembly, function)
            for watched in by_alarm(alarm.properties, reader(assembly, alarm.stack))
        }
        assert ("PaymentFailed" in seen) is (function != "api-authorizer")


@pytest.mark.parametrize("function", ALIASES)
def test_a_deployment_may_move_its_own_alias_and_nothing_else(assembly: Assembly, function: str) -> None:
    group = group_of(assembly, function)
    arn = assembly.text(group.properties["ServiceRoleArn"], group.stack)
    ((role, statements),) = [found for found in assembly.identity_policies() if found[0].arn == arn]
    moved = assembly.function(function).arn

    assert {
        (action, resource) for item in statements for action in item.actions for resource in item.resources
    } == {
        ("lambda:GetAlias", moved),
        ("lambda:UpdateAlias", moved),
        ("lambda:GetProvisionedConcurrencyConfig", f"{moved}:live"),
        ("cloudwatch:DescribeAlarms", "*"),
    }
    assert "ManagedPolicyArns" not in role.properties
    (trust,) = assembly.statements(role.properties["AssumeRolePolicyDocument"], role.stack)
    assert trust.principal == {"Service": "codedeploy.amazonaws.com"}
    assert ("aws:SourceAccount" in str(trust.conditions)) is (assembly.environment != "sandbox")


def test_no_two_functions_share_a_deployment_group(assembly: Assembly) -> None:
    groups = [group_of(assembly, function).ref for function in ALIASES]

    assert len(set(groups)) == len(groups)


# Going on although an alarm rings


def accepted_in(folder: Path) -> dict[str, str]:
    """The constructs at which the rule that no alarm is ignored is accepted, each with the reason."""
    return {
        item.construct: item.reason
        for item in read_acknowledgements(folder)
        if item.rule_id == "HASIVU-House-Rules::HASIVU-FN-15"
    }


def test_ignored_alarms_stay_listed_and_the_reason_is_on_record(
    placeholder_bundles: Path, tmp_path: Path
) -> None:
    context = {"env": "prod", "bundles": str(placeholder_bundles), "ignore_canary_alarms": REASON}
    app = HouseApp(context=context, output=tmp_path)
    build(app, today=TODAY)
    app.synth()
    assembly = read_assembly("prod", tmp_path)

    for function in ALIASES:
        group = group_of(assembly, function)
        assert group.properties["AlarmConfiguration"]["Enabled"] is False
        assert alarms_of(assembly, function)
    accepted = accepted_in(tmp_path)
    assert len(accepted) == len(ALIASES)
    assert set(accepted.values()) == {
        f"{REASON} | evidence=docs/runbooks/functions.md | owner=payments | until=2026-11-26"
    }
    assert all(parse(reason) is not None for reason in accepted.values())


def test_alarms_are_asked_unless_somebody_says_why_not(assembly: Assembly) -> None:
    for group in assembly.resources("AWS::CodeDeploy::DeploymentGroup"):
        assert group.properties["AlarmConfiguration"]["Enabled"] is True


@pytest.mark.parametrize(
    "said", ["", "true", "because", "x" * 19, "a reason | until=2099-12-31", "two\nlines of a reason"]
)
@pytest.mark.parametrize("environment", ["sandbox", "prod"])
def test_alarms_are_not_ignored_without_a_reason(synthesise: Synthesise, environment: str, said: str) -> None:
    with pytest.raises(IgnoringRefused, match="Say in one line of at least 20 characters"):
        synthesise(environment, ignore_canary_alarms=said)


def test_the_exception_ends_the_day_after() -> None:
    ignored = IgnoredAlarms.because(f"  {REASON} ", today=TODAY)

    assert (ignored.reason, ignored.until) == (REASON, date(2026, 11, 26))
