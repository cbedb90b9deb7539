"""What each function imports, to the package: a cold start pays for all of it.

The lists are exact on purpose. A new entry is a decision: it makes every first request slower, so it is made
here and seen in review. Times are noisy; they are compared with what boto3 and pydantic alone cost in the
same process.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from runtime.platform.settings import SETTINGS_BY_FUNCTION, FunctionSettings

REPOSITORY = Path(__file__).parents[2]
NOT_BUILT = sorted(name for name, model in SETTINGS_BY_FUNCTION.items() if model is FunctionSettings)
"""They import no area: there is nothing behind them yet."""

# boto3 and pydantic with what they stand on, and the logger. botocore brings urllib3.
EVERYWHERE = frozenset({"aws_lambda_powertools", "boto3", "pydantic", "runtime"}) | {
    *("annotated_types", "pydantic_core", "typing_extensions", "typing_inspection"),
    *("botocore", "certifi", "dateutil", "jmespath", "s3transfer", "six", "urllib3"),
}
PACKAGES = {
    "api-authorizer": EVERYWHERE | {"cryptography", "jwt"},
    "health-check": EVERYWHERE,
    "payments-advanced": EVERYWHERE,
    "payments-webhook-handler": EVERYWHERE,
    "payments-manage-methods": EVERYWHERE,
    "payments-analytics": EVERYWHERE,
    "payments-retry": EVERYWHERE,
    "payments-reconciliation": EVERYWHERE | {"mt940"},
    "payments-reconciliation-worker": EVERYWHERE | {"mt940"},
    "notification-dispatcher": EVERYWHERE,
    "audit-sealer": EVERYWHERE,
    "secret-rotation": EVERYWHERE,
    **dict.fromkeys(NOT_BUILT, EVERYWHERE),
}
UTILITIES = {
    "api-authorizer": {"parameters"},
    "health-check": {"parameters"},
    "payments-advanced": {"parameters"},
    "payments-manage-methods": {"parameters"},
    "payments-retry": {"parameters", "batch", "data_classes", "parser"},
    "payments-reconciliation": {"parameters"},
    "payments-reconciliation-worker": {"parameters"},
    "payments-webhook-handler": {"parameters", "batch", "data_classes", "parser"},
    "payments-analytics": {"parameters"},
    "notification-dispatcher": {"parameters", "batch", "data_classes", "parser"},
    "audit-sealer": {"parameters"},
    "secret-rotation": {"parameters"},
    **{name: {"parameters"} for name in NOT_BUILT},
}
"""Of Powertools' utilities, those that cost something."""

PAYMENTS = {
    *("gateways", "gateways.razorpay", "ledger"),
    *("payments", "payments.methods", "payments.disputes", "payments.refunds", "payments.returns"),
    *("payments.links", "payments.links.reminders", "payments.instalments", "payments.plans"),
    "payments.splits",
}
AREAS = {
    "api-authorizer": {"access", "gateways"},
    "health-check": {"gateways", "gateways.razorpay"},
    "payments-advanced": PAYMENTS | {"payments.captures", "notifications"},
    "payments-webhook-handler": PAYMENTS | {"payments.debits"},
    "payments-manage-methods": PAYMENTS,
    "payments-analytics": {"payments", "payments.analytics"},
    "payments-retry": PAYMENTS | {"payments.debits", "payments.retry"},
    "payments-reconciliation": {
        *("ledger", "payments", "payments.retry", "payments.instalments"),
        *("payments.disputes", "payments.refunds", "payments.returns"),
        *("payments.reconciliation", "payments.reconciliation.statements"),
    },
    "payments-reconciliation-worker": PAYMENTS
    | {"payments.sweeps", "payments.retry", "payments.reconciliation", "payments.reconciliation.statements"},
    "notification-dispatcher": {
        *("gateways", "gateways.mail", "gateways.whatsapp", "notifications"),
        # Whether a reminder of a payment link still stands.
        *("ledger", "payments", "payments.instalments", "payments.links", "payments.links.reminders"),
    },
    "audit-sealer": {"sealing"},
    "secret-rotation": {"access", "gateways", "gateways.razorpay", "gateways.whatsapp", "rotation"},
    **{name: set() for name in NOT_BUILT},
}
"""The packages of the runtime beside functions and platform."""

NEVER = {
    "gateways.transport": {"payments-webhook-handler"},
    "platform.idempotency": set(PACKAGES)
    - {"payments-advanced", "payments-manage-methods", "payments-retry"}
    - {"payments-reconciliation", "payments-reconciliation-worker"},
}
"""Modules that these functions have no use for: the webhook handler calls nobody, and so on."""

CPU_RATIO_MAX = 4.0

_MEASURE = """
import json, sys, time
at_start = set(sys.modules)  # what the machine's own Python loads, sitecustomize for one
before_s = time.process_time()
import boto3, pydantic
alone_s = time.process_time() - before_s
import {module}
whole_s = time.process_time() - before_s
session = boto3.DEFAULT_SESSION
modules = sorted(set(sys.modules) - at_start)
print(json.dumps({{"modules": modules, "ratio": whole_s / alone_s, "session": session}}))
"""


@cache
def imported(function: str) -> dict[str, Any]:
    """What a fresh interpreter has loaded after it imported the function's module."""
    module = f"runtime.functions.{function.replace('-', '_')}"
    answer = subprocess.run(
        [sys.executable, "-c", _MEASURE.format(module=module)],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def packages(modules: list[str]) -> set[str]:
    """Top-level packages that are not Python's own, without compiled halves and start-up hooks."""
    top = {module.partition(".")[0] for module in modules}
    return {name for name in top - set(sys.stdlib_module_names) if not name.startswith("_")}


def below(prefix: str, modules: list[str]) -> list[str]:
    return [module.removeprefix(prefix) for module in modules if module.startswith(prefix)]


def test_every_function_has_a_budget() -> None:
    for budget in (PACKAGES, UTILITIES, AREAS):
        assert set(budget) == set(SETTINGS_BY_FUNCTION)


@pytest.mark.parametrize("function", PACKAGES)
def test_a_function_imports_its_packages_and_no_others(function: str) -> None:
    # certifi is not in Lambda; botocore takes it where it is.
    assert packages(imported(function)["modules"]) - {"certifi"} == PACKAGES[function] - {"certifi"}


@pytest.mark.parametrize("function", UTILITIES)
def test_a_function_imports_its_utilities_of_powertools_and_no_others(function: str) -> None:
    costly = {
        "batch",
        "data_classes",
        "parameters",
        "idempotency",
        "parser",
        "validation",
        "data_masking",
        "typing",
    }
    found = {
        name.partition(".")[0]
        for name in below("aws_lambda_powertools.utilities.", imported(function)["modules"])
    }
    assert found & costly == UTILITIES[function]
    assert below("aws_lambda_powertools.event_handler", imported(function)["modules"]) == []


@pytest.mark.parametrize("function", AREAS)
def test_a_function_imports_its_areas_and_no_others(function: str) -> None:
    modules = below("runtime.", imported(function)["modules"])
    areas = {name.rpartition(".")[0] or name for name in modules}
    assert areas - {"functions", "platform"} == AREAS[function]
    assert below("functions.", modules) == [function.replace("-", "_")]


@pytest.mark.parametrize(("module", "functions"), NEVER.items())
def test_a_function_does_not_import_what_it_has_no_use_for(module: str, functions: set[str]) -> None:
    for function in functions:
        assert f"runtime.{module}" not in imported(function)["modules"]


@pytest.mark.parametrize("function", PACKAGES)
def test_a_function_costs_little_more_than_what_it_stands_on(function: str) -> None:
    assert imported(function)["ratio"] < CPU_RATIO_MAX


@pytest.mark.parametrize("function", PACKAGES)
def test_no_function_makes_connections_or_reads_settings_when_it_is_imported(function: str) -> None:
    # It was imported without any of its environment variables; a client would have made boto3's session.
    assert imported(function)["session"] is None
