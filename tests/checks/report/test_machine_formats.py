"""What machines read is valid by the schemas of those who made the formats, and says no more than is true."""

import csv
import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as Xml

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from oscal_bindings.v1 import AssessmentResultsDocument

from checks.checklist.model import Results, Status, WaiverState
from checks.report.badge import badge
from checks.report.junit import junit
from checks.report.model import Report
from checks.report.ocsf import VERSION, ocsf
from checks.report.oscal import oscal, token
from checks.report.page import page
from checks.report.pdf import pdf
from checks.report.sarif import sarif
from checks.report.sheet import COLUMNS, sheet
from checks.report.summary import markdown
from tests.checks.report.factory import HOSTILE, earlier, results, sound
from tests.checks.report.test_page import with_name

SARIF_SCHEMA = Path(__file__).parent / "sarif-schema-2.1.0.json"
"""Of the OASIS standard, as SchemaStore publishes it (2.1.0-rtm.5), whitespace left out."""

EMPTY: dict[str, Any] = {
    "items": (),
    "controls": (),
    "proofs": (),
    "evidence": (),
    "waivers": (),
    "unmatched": (),
    "notes": (),
    "tools": {},
}
WORLDS = [
    pytest.param(results(), id="whole"),
    pytest.param(sound(), id="sound"),
    pytest.param(results(**EMPTY), id="empty"),
    pytest.param(results(environment="sandbox"), id="emulator"),
    *(pytest.param(with_name(name), id=f"hostile {place}") for place, name in enumerate(HOSTILE)),
]


@cache
def sarif_validator() -> Any:
    return jsonschema.Draft4Validator(json.loads(SARIF_SCHEMA.read_text(encoding="utf-8")))


@cache
def ocsf_validator() -> Any:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION)).get_class_schema("compliance_finding")
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("found", WORLDS)
def test_sarif_is_valid(found: Results) -> None:
    log = json.loads(sarif(found))
    assert [error.message for error in sarif_validator().iter_errors(log)] == []
    assert sarif(found) == sarif(found)


def test_the_schema_of_sarif_refuses_what_is_wrong() -> None:
    log = json.loads(sarif(results()))
    log["runs"][0]["results"][0]["kind"] = "fine"
    assert list(sarif_validator().iter_errors(log))


def test_sarif_names_each_resource_and_keeps_what_was_not_looked_at() -> None:
    found = results()
    run = json.loads(sarif(found))["runs"][0]
    failing = [
        proof for proof in found.proofs if proof.status in (Status.FAILED, Status.ERROR, Status.WAIVED)
    ]
    told = [each for each in run["results"] if each["kind"] == "fail"]
    assert len(told) == sum(len(proof.against) for proof in failing)
    kinds = {each["kind"]: each["level"] for each in run["results"] if each["kind"] != "fail"}
    assert kinds == {"open": "none", "review": "none"}
    assert {each["level"] for each in told} == {"error", "warning"}
    for each in run["results"]:
        assert run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"]
    waived = [each for each in run["results"] if "suppressions" in each]
    assert {each["ruleId"] for each in waived} == {proof.proof_id for proof in failing} & {
        proof_id for item in found.items if item.status is Status.WAIVED for proof_id in item.proofs
    }


def test_sarif_names_the_waiver_of_a_proof() -> None:
    found = results()
    proof = next(each for each in found.proofs if each.status is Status.FAILED)
    own = next(each for each in found.waivers if each.state is WaiverState.IN_FORCE)
    waived = found.model_copy(
        update={
            "proofs": (proof.model_copy(update={"status": Status.WAIVED}),),
            "waivers": (own.model_copy(update={"waives": proof.proof_id}),),
            "items": (),
        }
    )
    told = json.loads(sarif(waived))["runs"][0]["results"]
    assert len(told) == len(proof.against)
    assert all(own.ticket in each["suppressions"][0]["justification"] for each in told)


def test_the_fingerprint_of_a_finding_is_the_same_in_every_run_and_environment() -> None:
    def prints(found: Results) -> set[str]:
        return {
            each["partialFingerprints"]["hasivuIdentity/v1"]
            for each in json.loads(sarif(found))["runs"][0]["results"]
        }

    assert prints(results()) == prints(results(environment="staging"))
    assert len(prints(results())) == len(json.loads(sarif(results()))["runs"][0]["results"])
    assert prints(results()) != prints(earlier())


@pytest.mark.parametrize("found", WORLDS)
def test_ocsf_is_valid(found: Results) -> None:
    for event in json.loads(ocsf(found)):
        assert [error.message for error in ocsf_validator().iter_errors(event)] == []


def test_ocsf_has_a_finding_for_each_item_and_control_and_passes_nothing_else() -> None:
    found = results()
    events = json.loads(ocsf(found))
    assert len(events) == 171 + 119
    assert {event["class_uid"] for event in events} == {2003}
    passing = [event for event in events if event["compliance"]["status_id"] == 1]
    assert {event["unmapped"]["status"] for event in passing} == {"pass", "attested"}
    uids = [event["finding_info"]["uid"] for event in events]
    assert len(set(uids)) == len(uids)
    again = [event["finding_info"]["uid"] for event in json.loads(ocsf(earlier()))]
    assert again == uids


def test_ocsf_makes_the_digest_of_the_results_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each event took a second for a report, and minutes for a large one."""
    made: list[bytes] = []
    canonical = Results.canonical

    def counted(found: Results) -> bytes:
        made.append(canonical(found))
        return made[-1]

    monkeypatch.setattr(Results, "canonical", counted)
    events = json.loads(ocsf(results()))
    assert len(made) == 1
    assert {event["metadata"]["uid"] for event in events} == {
        f"{results().sha256}/{event['finding_info']['uid']}" for event in events
    }


@pytest.mark.parametrize("found", WORLDS)
def test_oscal_is_valid(found: Results) -> None:
    document = AssessmentResultsDocument.model_validate_json(oscal(Report(found)))
    assert len(document.assessment_results.results) == 1


def test_the_models_of_oscal_refuse_what_is_wrong() -> None:
    document = json.loads(oscal(Report(results())))
    document["assessment-results"]["results"][0]["findings"][0]["target"]["status"]["state"] = "mostly"
    with pytest.raises(ValueError, match="state"):
        AssessmentResultsDocument.model_validate(document)


def test_oscal_refers_only_to_what_is_in_it_and_its_ids_follow_from_the_results() -> None:
    text = oscal(Report(results()))
    document = json.loads(text)["assessment-results"]
    uuids = re.findall(r'"uuid": "([^"]+)"', text)
    assert len(set(uuids)) == len(uuids)
    assert {UUID(uuid).version for uuid in uuids} == {5}
    result = document["results"][0]
    observed = {each["uuid"] for each in result["observations"]}
    for finding in result["findings"]:
        assert {each["observation-uuid"] for each in finding.get("related-observations", [])} <= observed
    resources = {f"#{each['uuid']}" for each in document["back-matter"]["resources"]}
    for each in result["observations"]:
        assert {one["href"] for one in each.get("relevant-evidence", [])} <= resources
    assert oscal(Report(results())) == text
    assert not set(uuids) & set(re.findall(r'"uuid": "([^"]+)"', oscal(Report(earlier()))))


def test_oscal_calls_satisfied_only_what_is() -> None:
    found = results()
    findings = json.loads(oscal(Report(found)))["assessment-results"]["results"][0]["findings"]
    satisfied = {
        each["target"]["target-id"] for each in findings if each["target"]["status"]["state"] == "satisfied"
    }
    assert {name for name in satisfied if name.startswith("HC-")} == {
        item.item_id for item in found.items if item.status in (Status.PASSED, Status.ATTESTED)
    }


def test_tokens_of_different_controls_differ() -> None:
    names = [f"{control.framework} {control.control_id}" for control in results().controls]
    made = [token(name) for name in names]
    assert len(set(made)) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9.\-_]*", name) for name in made)


@pytest.mark.parametrize("found", WORLDS)
def test_csv_has_a_row_for_each_item_and_no_formula(found: Results) -> None:
    text = sheet(found)
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert rows[0] == list(COLUMNS)
    assert len(rows) == len(found.items) + 1
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("found", WORLDS)
def test_junit_can_be_read_and_counts_what_is_in_it(found: Results) -> None:
    root = Xml.fromstring(junit(found))  # noqa: S314 - our own
    cases = root.findall(".//testcase")
    assert len(cases) == len(found.items) == int(root.attrib["tests"])
    for name, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.attrib[name]) == len(root.findall(f".//{outcome}"))


def test_in_junit_nothing_that_blocks_looks_harmless() -> None:
    found = results()
    root = Xml.fromstring(junit(found))  # noqa: S314 - our own
    by_id = {case.attrib["name"].split()[0]: case for case in root.findall(".//testcase")}
    for item in found.blockers:
        case = by_id[item.item_id]
        assert case.find("failure") is not None or case.find("error") is not None
    for item in found.items:
        green = len(by_id[item.item_id]) == 0
        assert green == (item.status in (Status.PASSED, Status.ATTESTED))


@pytest.mark.parametrize("found", WORLDS)
def test_the_badge_can_be_read_and_says_the_verdict(found: Results) -> None:
    root = Xml.fromstring(badge(found))  # noqa: S314 - our own
    assert root.attrib["role"] == "img"
    assert ("NO-GO" in badge(found)) is not found.go
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {
        "svg",
        "title",
        "clipPath",
        "rect",
        "g",
        "text",
    }


def test_every_report_says_what_what_runs_was_held_against() -> None:
    live = "7" * 64
    held, own = Report(results(live_assembly_sha256=live)), Report(results())
    for make in (page, markdown, oscal):
        assert live[:16] in make(held)
        assert live[:16] not in make(own)
    assert pdf(held) != pdf(own)
