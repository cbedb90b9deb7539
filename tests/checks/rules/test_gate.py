"""The gate passes only if everything was looked at and nothing speaks against it."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from checks.errors import HasivuError
from checks.rules import gate, gate_report
from checks.rules.bad_app import build as build_bad_app
from checks.rules.gate import REQUIRED_PACKS, Lint, Verdict, judge
from checks.rules.validation_report import read_report

TODAY = date(2027, 1, 15)
REASON = "w | evidence=ADR 0010 | owner=security | until=2027-12-31"
Json = dict[str, Any]
Judge = Callable[..., Verdict]


def violation(rule: str, *, severity: str = "error", construct: str = "Data/T", **rest: Any) -> Json:
    return {
        "ruleName": rule,
        "severity": severity,
        "description": "is bad",
        "violatingConstructs": [{"constructPath": construct}],
        **rest,
    }


def pack(name: str, *open_: Json, suppressed: tuple[Json, ...] = (), conclusion: str | None = None) -> Json:
    said = conclusion or ("failure" if open_ else "success")
    return {
        "pluginName": name,
        "conclusion": said,
        "violations": list(open_),
        "suppressedViolations": list(suppressed),
    }


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """The verdict on an assembly with one stack, given what its packs and the bad app's packs said."""

    def judged(
        *packs: Json,
        bad: tuple[Json, ...] | None = None,
        acknowledged: dict[str, str] | None = None,
        lint: tuple[Lint, ...] = (),
        resources: int = 1,
    ) -> Verdict:
        real, proof = tmp_path / "real", tmp_path / "bad"
        real.mkdir()
        proof.mkdir()
        said = bad if bad is not None else tuple(pack(name, violation("X-1")) for name in REQUIRED_PACKS)
        (proof / "validation-report.json").write_text(json.dumps({"pluginReports": said}))
        (real / "validation-report.json").write_text(json.dumps({"pluginReports": packs}))
        template: dict[str, Any] = {"Resources": {f"R{number}": {} for number in range(resources)}}
        (real / "Data.template.json").write_text(json.dumps(template))
        metadata = (
            {"/Data/T": [{"type": "aws:cdk:acknowledged-rules", "data": acknowledged}]}
            if acknowledged
            else {}
        )
        (real / "Data.metadata.json").write_text(json.dumps(metadata))
        artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Data.template.json"}}
        (real / "manifest.json").write_text(json.dumps({"artifacts": {"Data": artifact}}))
        return judge("prod", real, proof, lint=lint, today=TODAY, took_s=1.0)

    return judged


def test_it_passes_where_every_pack_ran_and_nothing_was_found(judged: Judge) -> None:
    """A pack that finds nothing is not in the report at all; that it ran is proved by the bad app."""
    verdict = judged()

    assert verdict.passed
    assert set(verdict.packs.values()) == {"ran"}


@pytest.mark.parametrize("severity", ["error", "warning", "unheard-of"])
def test_an_open_finding_of_any_severity_fails_it(judged: Judge, severity: str) -> None:
    verdict = judged(
        pack("AwsSolutions", violation("AwsSolutions-S1", severity=severity), conclusion="success")
    )

    assert not verdict.passed
    assert [item.rule for item in verdict.open] == ["AwsSolutions-S1"]


def test_a_pack_that_crashed_fails_it(judged: Judge) -> None:
    crashed = pack("Serverless", conclusion="failure") | {"metadata": {"error": "boom"}}

    verdict = judged(crashed)

    assert not verdict.passed
    assert verdict.packs["Serverless"] == "crashed: boom"


def test_a_failure_without_findings_fails_it(judged: Judge) -> None:
    assert not judged(pack("Serverless", conclusion="failure")).passed


@pytest.mark.parametrize("missing", REQUIRED_PACKS)
def test_a_pack_that_does_not_complain_of_the_bad_app_fails_it(judged: Judge, missing: str) -> None:
    bad = tuple(pack(name, violation("X-1")) for name in REQUIRED_PACKS if name != missing)

    verdict = judged(bad=bad)

    assert not verdict.passed
    assert verdict.packs[missing].startswith("absent")


def test_a_needed_acknowledgement_is_accepted_and_shown(judged: Judge) -> None:
    rule_id = "AwsSolutions::AwsSolutions-S1"
    covered = violation("AwsSolutions-S1", acknowledgedId=rule_id, acknowledgedAt="Data/T", reason=REASON)

    verdict = judged(pack("AwsSolutions", suppressed=(covered,)), acknowledged={rule_id: REASON})

    assert verdict.passed
    assert "| 2027-12-31 | AwsSolutions-S1 | 1 | w | ADR 0010 | security |" in gate_report.as_markdown(
        verdict
    )


def test_an_acknowledgement_that_covers_nothing_fails_it(judged: Judge) -> None:
    verdict = judged(acknowledged={"AwsSolutions::AwsSolutions-S1": REASON})

    assert not verdict.passed
    assert "stale" in gate_report.as_markdown(verdict)


def test_an_acknowledgement_for_longer_than_anybody_looks_fails_it(judged: Judge) -> None:
    rule_id, reason = "AwsSolutions::AwsSolutions-S1", REASON.replace("2027", "2099")
    covered = violation("AwsSolutions-S1", acknowledgedId=rule_id, acknowledgedAt="Data/T", reason=reason)

    verdict = judged(pack("AwsSolutions", suppressed=(covered,)), acknowledged={rule_id: reason})

    assert not verdict.passed
    assert "as good as for ever" in gate_report.as_markdown(verdict)


@pytest.mark.parametrize(
    "evidence", ["ADR 9999", "docs/nowhere.md", "tests/checks/rules/test_gate.py::test_nothing"]
)
def test_an_acknowledgement_on_evidence_that_does_not_exist_fails_it(judged: Judge, evidence: str) -> None:
    rule_id, reason = "AwsSolutions::AwsSolutions-S1", REASON.replace("ADR 0010", evidence)
    covered = violation("AwsSolutions-S1", acknowledgedId=rule_id, acknowledgedAt="Data/T", reason=reason)

    verdict = judged(pack("AwsSolutions", suppressed=(covered,)), acknowledged={rule_id: reason})

    assert [item.problem for item in verdict.unsound] == [f"its evidence {evidence} does not exist"]
    assert not verdict.passed


def test_what_is_accepted_in_the_report_alone_fails_it(judged: Judge) -> None:
    """Accepted where this assembly accepts nothing: the report is edited, or another's."""
    covered = violation(
        "AwsSolutions-S1",
        acknowledgedId="AwsSolutions::AwsSolutions-S1",
        acknowledgedAt="Data/T",
        reason=REASON,
    )

    verdict = judged(pack("AwsSolutions", suppressed=(covered,)))

    assert not verdict.passed
    assert "does not acknowledge it" in gate_report.as_markdown(verdict)


@pytest.mark.parametrize("accepted", [False, True])
def test_a_report_of_another_assembly_fails_it(judged: Judge, accepted: bool) -> None:
    elsewhere = violation("AwsSolutions-S1", construct="Elsewhere/T")
    said = pack("AwsSolutions", suppressed=(elsewhere,)) if accepted else pack("AwsSolutions", elsewhere)

    verdict = judged(said)

    assert not verdict.passed
    assert verdict.packs["AwsSolutions"].startswith("of another assembly")


def test_a_crash_is_not_hidden_by_a_second_report_of_the_same_pack(judged: Judge) -> None:
    crashed = pack("Serverless", conclusion="failure") | {"metadata": {"error": "boom"}}

    verdict = judged(crashed, pack("Serverless"))

    assert not verdict.passed
    assert verdict.packs["Serverless"].startswith("reported 2 times")


def test_a_stack_of_nothing_does_not_pass(judged: Judge) -> None:
    verdict = judged(resources=0)

    assert not verdict.passed
    assert "0 resources" in gate_report.as_csv(verdict)


def test_a_pack_that_nobody_asked_for_and_that_crashed_fails_it(judged: Judge) -> None:
    crashed = pack("Somebody's", conclusion="failure") | {"metadata": {"error": "boom"}}

    assert not judged(crashed).passed


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", '{"pluginReports": 1}', '{"pluginReports": [{}]}', '{"pluginReports": [null]}'],
)
def test_a_report_that_cannot_be_read_is_an_error_and_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    def synthesised(arguments: list[str], variables: dict[str, str]) -> str:
        folder = Path(variables.get("CDK_OUTDIR", tmp_path))
        (folder / "validation-report.json").write_text(document)
        return "said"

    monkeypatch.setattr(gate, "_python", synthesised)

    with pytest.raises(HasivuError) as refused:
        gate.run("prod", into=tmp_path, today=TODAY)
    assert refused.value.code == "SYNTH_FAILED"


def test_a_synth_that_does_not_end_is_an_error_and_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("app.py", 300)

    monkeypatch.setattr(subprocess, "run", never)

    with pytest.raises(HasivuError) as refused:
        gate.run("prod", into=tmp_path, today=TODAY)
    assert refused.value.code == "SYNTH_FAILED"


def test_a_linter_that_fails_without_a_finding_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 32, "[]", "boom")

    monkeypatch.setattr(subprocess, "run", failed)

    with pytest.raises(HasivuError) as refused:
        gate._lint([tmp_path / "Data.template.json"])
    assert refused.value.code == "LINT_FAILED"


def test_cfn_lint_fails_it(judged: Judge) -> None:
    assert not judged(lint=(Lint("E3001", "Data.template.json", "Resources/R0", "is bad"),)).passed


def test_a_stack_that_is_too_large_fails_it(judged: Judge) -> None:
    verdict = judged(resources=451)

    assert not verdict.passed
    assert "451 resources" in gate_report.as_csv(verdict)


def test_an_assembly_without_stacks_does_not_pass(judged: Judge) -> None:
    verdict = judged()

    assert not Verdict(
        verdict.environment, verdict.on, verdict.packs, (), (), (), (), {}, verdict.took_s
    ).passed


def test_names_of_resources_are_no_markup_and_no_formula(judged: Judge) -> None:
    hostile = violation("AwsSolutions-S1", construct="=cmd|' /C calc'!A0<script>|`x`@everyone")

    verdict = judged(pack("AwsSolutions", hostile))

    row = next(line for line in gate_report.as_markdown(verdict).splitlines() if "calc" in line)
    assert "<script>" not in row
    assert "@everyone" not in row
    (cells,) = (line for line in csv.reader(io.StringIO(gate_report.as_csv(verdict))) if line[0] == "finding")
    assert cells[4].startswith("'=")


def test_the_reports_say_that_pci_3_2_1_is_retired(judged: Judge, tmp_path: Path) -> None:
    verdict = judged()

    written = gate_report.write(verdict, tmp_path / "reports")

    assert [path.name for path in written] == ["gate.json", "gate.csv", "gate.md"]
    assert "retired" in json.loads(written[0].read_text())["note"]
    assert "retired" in written[2].read_text()


def test_every_pack_complains_of_the_bad_app(tmp_path: Path) -> None:
    """CloudFormation's own checks are off in tests; the gate runs them, and asks for them the same way."""
    app = build_bad_app(tmp_path)
    with pytest.raises(RuntimeError, match="alidation"):
        app.synth()

    packs = {pack.name: pack for pack in read_report(tmp_path)}
    for name in REQUIRED_PACKS:
        if name != "CloudFormation Validate":
            assert packs[name].open, name
            assert not packs[name].error
