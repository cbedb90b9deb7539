"""Every function is deployed alike: own logs, traces, one alias, and exactly the settings that it reads."""

import copy
import json
import re

import pytest

from checks.rules.catalogue import examine
from checks.rules.estate import Estate
from runtime.platform.settings import OPERATIONAL_FUNCTIONS, SETTINGS_BY_FUNCTION, load
from stacks.api_contract import operations
from stacks.constructs.service_function import hold_against_the_model
from tests.infra.assembly import Assembly
from tests.infra.conftest import CONTRACT
from tests.infra.test_api_edge import settings_of


def test_every_function_with_settings_is_deployed_under_its_name(assembly: Assembly) -> None:
    names = {function.properties["FunctionName"] for function in assembly.resources("AWS::Lambda::Function")}

    assert names == {f"hasivu-{assembly.environment}-{name}" for name in SETTINGS_BY_FUNCTION}


def test_the_product_has_21_functions_and_the_others_only_work_by_the_clock() -> None:
    assert len(SETTINGS_BY_FUNCTION.keys() - OPERATIONAL_FUNCTIONS) == 21
    by_the_clock = {"audit-sealer", "payments-reconciliation-worker", "secret-rotation"}
    assert by_the_clock == OPERATIONAL_FUNCTIONS
    assert SETTINGS_BY_FUNCTION.keys() > OPERATIONAL_FUNCTIONS


def test_an_operational_function_serves_no_caller() -> None:
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    assert OPERATIONAL_FUNCTIONS.isdisjoint(operation.function for operation in operations(contract))


@pytest.mark.parametrize("name", SETTINGS_BY_FUNCTION)
def test_the_environment_of_a_function_satisfies_its_settings_model(assembly: Assembly, name: str) -> None:
    model = SETTINGS_BY_FUNCTION[name]
    function = assembly.function(name)
    variables = {
        key: assembly.text(value, function.stack)
        for key, value in function.properties["Environment"]["Variables"].items()
    }

    settings = load(model, variables)

    assert variables.keys() <= {field.upper() for field in model.model_fields}, "a variable that nobody reads"
    assert (settings.hasivu_env, settings.powertools_service_name) == (assembly.environment, name)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"AUDIT_TABLE": "a"}, "missing ['HASIVU_ENV'"),
        ({"TABLE_OF_AUDIT": "a"}, "unknown ['TABLE_OF_AUDIT']"),
    ],
)
def test_a_function_that_disagrees_with_its_model_is_not_synthesised(
    variables: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        hold_against_the_model("health-check", variables)


def test_only_who_asks_for_payments_is_told_in_which_currencies(assembly: Assembly) -> None:
    asked_in = {
        str(function.properties["FunctionName"]): variables["PRESENTMENT_CURRENCIES"]
        for function in assembly.resources("AWS::Lambda::Function")
        if "PRESENTMENT_CURRENCIES" in (variables := function.properties["Environment"]["Variables"])
    }
    decided = ",".join(settings_of(assembly).razorpay.presentment_currencies)
    assert asked_in == {f"hasivu-{assembly.environment}-payments-advanced": decided}


def test_functions_run_python_3_14_from_their_own_module(assembly: Assembly) -> None:
    architecture = "x86_64" if assembly.environment == "sandbox" else "arm64"
    for name in SETTINGS_BY_FUNCTION:
        properties = assembly.function(name).properties
        assert properties["Runtime"] == "python3.14"
        assert properties["Architectures"] == [architecture]
        assert properties["Handler"] == f"runtime.functions.{name.replace('-', '_')}.handler"


def test_functions_are_traced_and_bounded(assembly: Assembly) -> None:
    for function in assembly.resources("AWS::Lambda::Function"):
        properties = function.properties
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert 128 <= properties["MemorySize"] <= 2048
        works_long = properties["FunctionName"].endswith("-payments-reconciliation-worker")  # docs/adr/0026
        assert properties["Timeout"] <= (900 if works_long else 60)
        assert ("ReservedConcurrentExecutions" in properties) is (assembly.environment == "prod")


def test_functions_behind_the_api_answer_before_it_gives_up(assembly: Assembly) -> None:
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    for name in {operation.function for operation in operations(contract)}:
        assert assembly.function(name).properties["Timeout"] < 29, name


def test_the_concurrency_of_all_functions_leaves_the_account_its_unreserved_part(prod: Assembly) -> None:
    reserved = sum(
        function.properties["ReservedConcurrentExecutions"]
        for function in prod.resources("AWS::Lambda::Function")
    )

    assert reserved <= 1000 - 100


def test_the_authoriser_answers_before_api_gateway_stops_waiting(assembly: Assembly) -> None:
    assert assembly.function("api-authorizer").properties["Timeout"] <= 10


def test_every_function_writes_to_its_own_log_group(assembly: Assembly) -> None:
    groups = [
        assembly.text(function.properties["LoggingConfig"]["LogGroup"], function.stack)
        for function in assembly.resources("AWS::Lambda::Function")
    ]

    assert len(set(groups)) == len(groups)


def test_every_log_group_is_encrypted_and_kept_as_long_as_the_environment_says(assembly: Assembly) -> None:
    key = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/logs")
    key_arn = assembly.text(key.properties["TargetKeyId"], key.stack)
    days = {"sandbox": 7, "dev": 30, "staging": 365, "prod": 731}[assembly.environment]

    for group in assembly.resources("AWS::Logs::LogGroup"):
        assert assembly.text(group.properties["KmsKeyId"], group.stack) == key_arn
        assert group.properties["RetentionInDays"] == days


def test_every_function_has_the_alias_live_on_a_version_that_outlives_the_next(assembly: Assembly) -> None:
    assert sorted(assembly.alias_refs().values()) == sorted(SETTINGS_BY_FUNCTION)
    assert {alias.properties["Name"] for alias in assembly.resources("AWS::Lambda::Alias")} == {"live"}
    for version in assembly.resources("AWS::Lambda::Version"):
        assert version.body["DeletionPolicy"] == "Retain"


def test_nothing_invokes_a_bare_function(assembly: Assembly) -> None:
    aliases = assembly.alias_refs()

    for permission in assembly.resources("AWS::Lambda::Permission"):
        assert assembly.text(permission.properties["FunctionName"], permission.stack) in aliases
    for schedule in assembly.resources("AWS::Scheduler::Schedule"):
        assert assembly.text(schedule.properties["Target"]["Arn"], schedule.stack) in aliases
    for mapping in assembly.resources("AWS::Lambda::EventSourceMapping"):
        named = assembly.text(mapping.properties["FunctionName"], mapping.stack)
        assert any(named == f"{alias}[:6]:live" for alias in aliases), named
    for _role, statements in assembly.identity_policies():
        for statement in statements:
            if "lambda:InvokeFunction" in statement.actions:
                assert statement.resources <= aliases.keys()


def test_queue_consumers_answer_for_each_message_of_a_batch(assembly: Assembly) -> None:
    consumed = {}
    for mapping in assembly.resources("AWS::Lambda::EventSourceMapping"):
        assert mapping.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= mapping.properties["ScalingConfig"]["MaximumConcurrency"] <= 1000
        consumed[assembly.text(mapping.properties["EventSourceArn"], mapping.stack)] = mapping.stack

    env = assembly.environment
    assert consumed.keys() == {
        assembly.queue(name).arn
        for name in (
            *(
                f"hasivu-{env}-{name}"
                for name in ("webhooks", "notifications", "payment-analytics", "payment-splits")
            ),
            f"payment-retry-queue-{env}",
        )
    }


def scheduled(assembly: Assembly) -> dict[str, set[tuple[str, str | None]]]:
    """When which function runs by itself, and what it is told then."""
    found: dict[str, set[tuple[str, str | None]]] = {}
    for schedule in assembly.resources("AWS::Scheduler::Schedule"):
        assert schedule.properties["State"] == "ENABLED"
        target = schedule.properties["Target"]
        function = assembly.alias_refs()[assembly.text(target["Arn"], schedule.stack)]
        found.setdefault(function, set()).add(
            (schedule.properties["ScheduleExpression"], target.get("Input"))
        )
    return found


def test_health_is_looked_at_every_five_minutes(assembly: Assembly) -> None:
    assert scheduled(assembly)["health-check"] == {("rate(5 minutes)", None)}


def test_the_history_is_compacted_by_the_clock(assembly: Assembly) -> None:
    assert scheduled(assembly)["payments-analytics"] == {("rate(5 minutes)", '{"task": "compact"}')}


def test_due_debits_are_queued_every_minute(assembly: Assembly) -> None:
    assert scheduled(assembly)["payments-retry"] == {("rate(1 minute)", '{"task": "sweep"}')}


@pytest.mark.parametrize(("task", "schedule"), [("daily", "MatchingSchedule"), ("sweep", "SweepSchedule")])
def test_a_task_that_nothing_starts_is_found(prod: Assembly, task: str, schedule: str) -> None:
    templates = copy.deepcopy(prod.templates)
    del templates["Payments"]["Resources"][schedule]

    found = examine(Estate(templates, environment="prod", stack_names=prod.stack_names))

    assert [item.value for item in found if item.rule_id == "HASIVU-EVT-11"] == [
        f"no schedule for its task {task}"
    ]


def test_open_payments_are_swept_every_quarter_of_an_hour_and_all_is_matched_twice_a_day(
    assembly: Assembly,
) -> None:
    assert scheduled(assembly)["payments-reconciliation-worker"] == {
        ("rate(15 minutes)", '{"task": "sweep"}'),
        ("rate(1 minute)", '{"task": "work"}'),
        ("rate(1 minute)", '{"task": "import"}'),
        ("cron(30 10,18 * * ? *)", '{"task": "daily"}'),
    }


def test_no_variable_holds_a_secret(assembly: Assembly) -> None:
    for function in assembly.resources("AWS::Lambda::Function"):
        for name, value in function.properties["Environment"]["Variables"].items():
            text = assembly.text(value, function.stack)
            assert "resolve:" not in text
            if re.search(r"SECRET|PEPPER|TOKEN|PASSWORD", name):
                assert name.endswith("_SECRET_ARN")


def test_layers_belong_to_the_stack_that_uses_them(assembly: Assembly) -> None:
    """A layer version of another stack could not be replaced while anything still names it."""
    for function in assembly.resources("AWS::Lambda::Function"):
        for layer in function.properties["Layers"]:
            assert layer.keys() == {"Ref"}
