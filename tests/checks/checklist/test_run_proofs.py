"""Proofs from runs: what ran, over these sources, whole, unaltered; each way in which it is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.model import Status
from checks.checklist.run_evidence import cases
from tests.checks.checklist.conftest import World, junit

UNIT = "run:unit-tests"
NAMED = "test:tests/unit/platform/test_settings.py::test_all_that_is_missing_is_named_at_once"


def seen(world: World, proof_id: str) -> tuple[Status, str]:
    proof = world.proof(proof_id)
    assert (proof.remedy == "") is (proof.status is Status.PASSED)
    return proof.status, proof.observed


def test_without_a_run_nothing_is_proved(world: World) -> None:
    for proof_id in (UNIT, NAMED, "run:coverage"):
        assert seen(world, proof_id) == (Status.NOT_EVALUATED, "no run of tests is recorded")
    assert seen(world, "demo:payment") == (Status.NOT_EVALUATED, "no run of demo in sandbox is recorded")
    assert seen(world, "run:mypy")[0] is Status.NOT_EVALUATED
    assert seen(world, "run:benchmarks")[0] is Status.NOT_EVALUATED
    assert seen(world, "run:dependency-audit")[0] is Status.NOT_EVALUATED


def test_the_rollback_window_is_open_until_a_report_puts_it_in(world: World) -> None:
    status, observed = seen(world, "run:rollback-window")
    assert status is Status.NOT_EVALUATED
    assert "the report takes it" in observed


def test_a_run_of_all_tests_proves_suites_named_tests_and_coverage(world: World) -> None:
    world.tests_ran()
    for suite in ("unit", "integration", "infrastructure", "end-to-end"):
        assert seen(world, f"run:{suite}-tests")[0] is Status.PASSED
    assert seen(world, NAMED) == (Status.PASSED, "2 cases passed")
    assert seen(world, "run:coverage") == (Status.PASSED, "99.0 % of 100 lines and branches")


def test_one_failing_case_fails_its_test_and_its_suite_and_no_other(world: World) -> None:
    world.tests_ran(failing=[NAMED.removeprefix("test:")])
    assert seen(world, NAMED)[0] is Status.FAILED
    status, observed = seen(world, UNIT)
    assert status is Status.FAILED
    assert "test_settings.py::test_all_that_is_missing_is_named_at_once" in observed
    assert seen(world, "run:integration-tests")[0] is Status.PASSED


def test_a_skipped_test_proves_nothing_although_its_suite_passes(world: World) -> None:
    world.tests_ran(skipped=[NAMED.removeprefix("test:")])
    assert seen(world, NAMED) == (Status.NOT_EVALUATED, "it was skipped")
    assert seen(world, UNIT)[0] is Status.PASSED


def test_a_test_that_did_not_run_is_not_evaluated(world: World) -> None:
    world.ran("tests", ("junit.xml", junit(["tests/unit/test_a.py::test_b"])))
    assert seen(world, NAMED) == (Status.NOT_EVALUATED, "the recorded run did not run it")
    assert seen(world, "run:coverage")[0] is Status.NOT_EVALUATED
    assert seen(world, "run:integration-tests")[0] is Status.NOT_EVALUATED


def test_a_selection_of_tests_is_no_suite(world: World) -> None:
    world.tests_ran(whole=False)
    assert seen(world, UNIT)[0] is Status.NOT_EVALUATED
    assert seen(world, "run:coverage")[0] is Status.NOT_EVALUATED
    assert seen(world, NAMED)[0] is Status.PASSED


@pytest.mark.parametrize(("covered", "status"), [(95, Status.PASSED), (94, Status.FAILED)])
def test_coverage_has_a_least(world: World, covered: int, status: Status) -> None:
    totals = {"num_statements": 100, "covered_lines": covered, "num_branches": 0, "covered_branches": 0}
    world.tests_ran(coverage=totals)
    assert seen(world, "run:coverage")[0] is status


def test_coverage_of_nothing_is_none(world: World) -> None:
    world.tests_ran(
        coverage={"num_statements": 0, "covered_lines": 0, "num_branches": 0, "covered_branches": 0}
    )
    assert seen(world, "run:coverage")[0] is not Status.PASSED


def _other_sources(world: World, _: Path) -> None:
    (world.repository / "runtime" / "functions" / "new.py").write_text("changed = True\n", encoding="utf-8")


def _altered(world: World, record: Path) -> None:
    path = world.repository / "build/evidence/tests/junit.xml"
    path.write_text(path.read_text(encoding="utf-8").replace("<failure/>", ""), encoding="utf-8")


def _missing(world: World, record: Path) -> None:
    (world.repository / "build/evidence/tests/coverage.json").unlink()


def _stale(world: World, record: Path) -> None:
    world.now += timedelta(days=31)


def _early(world: World, record: Path) -> None:
    world.now -= timedelta(days=1)


def _torn(world: World, record: Path) -> None:
    record.write_text(record.read_text(encoding="utf-8")[:100], encoding="utf-8")


def _outside(world: World, record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace("build/evidence/tests/junit.xml", "../../outside.xml"), encoding="utf-8")


def _of_another_kind(world: World, record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace('"kind": "tests"', '"kind": "lint"'), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        (_other_sources, Status.NOT_EVALUATED, "was of other sources"),
        (_altered, Status.ERROR, "junit.xml was altered after the run of"),
        (_missing, Status.ERROR, "coverage.json of the run of"),
        (_stale, Status.NOT_EVALUATED, "is older than 30 days"),
        (_early, Status.ERROR, "in the future"),
        (_torn, Status.ERROR, "cannot be read"),
        (_outside, Status.ERROR, "outside the repository"),
        (_of_another_kind, Status.ERROR, "is one of lint"),
    ],
)
def test_a_record_that_does_not_count_says_why(
    world: World, change: Callable[[World, Path], None], status: Status, said: str
) -> None:
    record = world.tests_ran(failing=["tests/unit/test_a.py::test_x"])
    change(world, record)
    found, observed = seen(world, UNIT)
    assert found is status
    assert said in observed
    assert str(world.repository) not in observed


def test_other_sources_are_named_with_both_digests(world: World) -> None:
    before = world.sources
    _other_sources(world, world.tests_ran())
    _, observed = seen(world, UNIT)
    assert before[:12] in observed
    assert world.sources[:12] in observed


@pytest.mark.parametrize("document", [b"", b"<testsuites/>", b"{}", b"<testsuite><testcase/></testsuite>"])
def test_what_is_no_report_of_cases_is_an_error(world: World, document: bytes) -> None:
    world.ran("tests", ("junit.xml", document.decode()))
    status, observed = seen(world, UNIT)
    assert status is Status.ERROR
    assert "cannot be read" in observed


def test_cases_have_the_ids_of_pytest() -> None:
    document = junit(["tests/unit/a/test_x.py::TestIt::test_y", "tests/unit/a/test_x.py::test_z"])
    assert {case.test_id for case in cases(document.encode())} == {
        "tests/unit/a/test_x.py::TestIt::test_y",
        "tests/unit/a/test_x.py::test_z",
    }


def test_a_demonstration_proves_its_steps_and_functions(world: World) -> None:
    world.demo_ran(failing=["refunds"])
    assert seen(world, "demo:payment") == (Status.PASSED, "it held")
    assert seen(world, "demo:refunds") == (Status.FAILED, "it failed: no money")
    assert seen(world, "run:smoke") == (Status.FAILED, "failed: refunds")
    assert seen(world, "function:payments-advanced")[0] is Status.PASSED
    assert world.proof("demo:payment").on_emulator


def test_a_step_that_was_not_reached_is_not_evaluated(world: World) -> None:
    world.ran("demo", ("d.json", json.dumps({"steps": []})), environment="sandbox")
    assert seen(world, "demo:payment")[0] is Status.NOT_EVALUATED
    assert seen(world, "run:smoke")[0] is Status.NOT_EVALUATED


@pytest.mark.parametrize("document", ["{}", "[]", '{"steps": [1]}', '{"steps": null}', "no json"])
def test_what_is_no_demonstration_is_an_error(world: World, document: str) -> None:
    world.ran("demo", ("d.json", document), environment="sandbox")
    assert seen(world, "demo:payment")[0] is Status.ERROR


def test_a_function_that_is_not_built_fails_by_its_name(world: World) -> None:
    world.demo_ran()
    assert seen(world, "function:pdf-generator") == (Status.FAILED, "not built, it takes no events")
    assert seen(world, "function:invoice-generator") == (
        Status.FAILED,
        "not built, it answers 501 to 3 operations",
    )
    assert "invoice-generator" in world.item("HC-045").reason


def test_a_function_that_could_not_be_deployed_fails(world: World) -> None:
    world.demo_ran(failing=["sandbox"])
    assert seen(world, "function:payments-advanced")[0] is Status.FAILED


def test_a_function_whose_module_is_gone_is_an_error(world: World) -> None:
    (world.repository / "runtime/functions/payments_advanced.py").unlink()
    world.demo_ran()
    assert seen(world, "function:payments-advanced")[0] is Status.ERROR


LINT: dict[str, Any] = {
    name: {"command": name, "exit_code": 0, "said": ["Success"], "version": "1"}
    for name in ("mypy", "ruff", "import-contracts", "static-security")
}


@pytest.mark.parametrize("name", LINT)
def test_a_lint_that_complains_fails(world: World, name: str) -> None:
    world.ran("lint", ("results.json", json.dumps(LINT)))
    assert seen(world, f"run:{name}") == (Status.PASSED, "Success")
    bad = LINT | {name: LINT[name] | {"exit_code": 1, "said": ["Found 3 errors."]}}
    world.ran("lint", ("results.json", json.dumps(bad)), passed=False)
    assert seen(world, f"run:{name}") == (Status.FAILED, "Found 3 errors.")


def test_a_lint_that_is_left_out_is_an_error(world: World) -> None:
    world.ran("lint", ("results.json", "{}"))
    assert seen(world, "run:mypy")[0] is Status.ERROR


CREATED = "bench:test_money_is_moved_in_time"


@pytest.mark.parametrize(("slowest_s", "status"), [(1.9, Status.PASSED), (2.0, Status.FAILED)])
def test_a_measured_operation_has_two_seconds(world: World, slowest_s: float, status: Status) -> None:
    measured = {"benchmarks": [{"name": "test_money_is_moved_in_time[x]", "stats": {"max": slowest_s}}]}
    world.ran("benchmarks", ("results.json", json.dumps(measured)))
    assert seen(world, CREATED)[0] is status
    assert seen(world, "run:benchmarks")[0] is Status.PASSED


def test_measurements_that_broke_their_limit_or_are_none_prove_nothing(world: World) -> None:
    measured = {"benchmarks": [{"name": "test_other", "stats": {"max": 0.1}}]}
    world.ran("benchmarks", ("results.json", json.dumps(measured)), passed=False)
    assert seen(world, "run:benchmarks")[0] is Status.FAILED
    assert seen(world, CREATED) == (Status.NOT_EVALUATED, "it was not measured")
    world.ran("benchmarks", ("results.json", json.dumps({"benchmarks": []})))
    assert seen(world, "run:benchmarks")[0] is Status.NOT_EVALUATED


def part(locked: int = 2, looked_up: int = 2, *found: str) -> dict[str, Any]:
    return {"locked": locked, "looked_up": looked_up, "found": list(found), "noted": []}


@pytest.mark.parametrize(
    ("python", "node", "status"),
    [
        (part(), part(), Status.PASSED),
        (part(looked_up=1), part(), Status.NOT_EVALUATED),
        (part(looked_up=9), part(looked_up=1), Status.NOT_EVALUATED),
        (part(0, 0), part(), Status.NOT_EVALUATED),
        (part(2, 2, "old 1: CVE-1"), part(), Status.FAILED),
        (part(2, 1, "old 1: CVE-1"), part(), Status.FAILED),
        (part(), part(2, 2, "old: high"), Status.FAILED),
        (part(), {"locked": "2"}, Status.ERROR),
    ],
)
def test_an_audit_that_could_not_look_at_all_that_is_locked_is_no_pass(
    world: World, python: dict[str, Any], node: dict[str, Any], status: Status
) -> None:
    world.ran("dependency-audit", ("results.json", json.dumps({"python": python, "node": node})))
    assert seen(world, "run:dependency-audit")[0] is status


def test_an_audit_of_one_language_is_no_audit(world: World) -> None:
    world.ran("dependency-audit", ("results.json", json.dumps({"python": part()})))
    assert seen(world, "run:dependency-audit")[0] is Status.ERROR


LOAD = {"concurrent_users": 1_000, "seconds": 90_000, "requests": 100_000, "failed": 10, "p99_ms": 900}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, Status.PASSED),
        ({"concurrent_users": 100}, Status.FAILED),
        ({"seconds": 30}, Status.FAILED),
        ({"p99_ms": 2_000}, Status.FAILED),
        ({"failed": 1_001}, Status.FAILED),
        ({"requests": 0, "failed": 0}, Status.NOT_EVALUATED),
        ({"p99_ms": 0.9}, Status.ERROR),
        ({"p99_ms": True}, Status.ERROR),
    ],
)
@pytest.mark.parametrize("name", ["load-concurrent-users", "load-spike", "load-endurance"])
def test_a_load_test_must_reach_what_it_is_for(
    world: World, name: str, change: dict[str, Any], status: Status
) -> None:
    world.ran(name, ("sandbox.json", json.dumps(LOAD | change)), environment="sandbox")
    assert seen(world, f"run:{name}")[0] is status


def test_a_load_on_another_environment_is_none_on_this(world: World) -> None:
    world.ran("load-stress", ("staging.json", json.dumps(LOAD)), environment="staging")
    assert seen(world, "run:load-stress")[0] is Status.NOT_EVALUATED
