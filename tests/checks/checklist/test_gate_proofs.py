"""What the gate found as proofs: packs, linters, size, and acknowledgements as the waivers that they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from checks.checklist.applicability import Setting
from checks.checklist.gate_proofs import accepted, acknowledgements, prove
from checks.checklist.model import Status, WaiverState
from checks.rules.acknowledgements import Unsound
from checks.rules.gate import CLOUDFORMATION, HOUSE_RULES, REQUIRED_PACKS, Lint, Verdict
from checks.rules.validation_report import OpenFinding, Suppressed

PROD = Setting("prod", embedded=False, domain="api.hasivu.example")
SANDBOX = Setting("sandbox", embedded=True, domain=None)
REASON = "it is so | evidence=ADR 0010 | owner=security | until=2027-01-31"
CLEAN = Verdict(
    environment="prod",
    on=date(2026, 11, 25),
    packs=dict.fromkeys(REQUIRED_PACKS, "ran"),
    open=(),
    unsound=(),
    lint=(),
    suppressed=(),
    resources={"Data": 12},
    took_s=1.0,
)


def statuses(verdict: Verdict, setting: Setting = PROD) -> dict[str, Status]:
    return {each.proof_id.removeprefix("gate:"): each.status for each in prove(verdict, setting)}


def finding(pack: str, rule: str = "X-1") -> OpenFinding:
    return OpenFinding(pack, rule, "error", "Data/T", "is bad", "", "", "")


def suppressed(
    reason: str = REASON, pack: str = "AwsSolutions", rule: str = "AwsSolutions-IAM5[*]"
) -> Suppressed:
    return Suppressed(pack, rule, "Data/T/Resource", f"{pack}::{rule}", "/Data/T", reason)


def test_a_gate_that_found_nothing_passes() -> None:
    assert set(statuses(CLEAN).values()) == {Status.PASSED}


@pytest.mark.parametrize(
    ("change", "proof", "status"),
    [
        ({"packs": {**CLEAN.packs, "AwsSolutions": "absent"}}, "assembly", Status.ERROR),
        ({"packs": {**CLEAN.packs, "AwsSolutions": "absent"}}, "cdk-nag", Status.ERROR),
        ({"packs": {**CLEAN.packs, CLOUDFORMATION: "crashed"}}, "cloudformation", Status.ERROR),
        ({"unsound": (Unsound("Data/T", "X-1", "expired"),)}, "assembly", Status.FAILED),
        ({"open": (finding("AwsSolutions"),)}, "cdk-nag", Status.FAILED),
        ({"open": (finding(CLOUDFORMATION),)}, "cloudformation", Status.FAILED),
        ({"lint": (Lint("E1", "Data.template.json", "Resources/T", "bad"),)}, "cfn-lint", Status.FAILED),
        ({"resources": {"Data": 451}}, "size", Status.FAILED),
        ({"resources": {"Data": 3, "Empty": 0}}, "size", Status.FAILED),
        ({"resources": {}}, "size", Status.NOT_EVALUATED),
        ({"resources": {}}, "cdk-nag", Status.NOT_EVALUATED),
        ({"suppressed": (suppressed(),)}, "cdk-nag", Status.WAIVED),
    ],
)
def test_what_the_gate_finds_fails_its_proof(change: dict[str, object], proof: str, status: Status) -> None:
    assert statuses(replace(CLEAN, **change))[proof] is status  # type: ignore[arg-type]


def test_what_the_emulator_needs_is_accepted_in_the_sandbox_alone_and_not_for_ever() -> None:
    lint = (Lint("W3660", "Api.template.json", "Resources/Api", "may drift"),)
    found = replace(CLEAN, lint=lint, open=(finding(CLOUDFORMATION, "W3660"),), environment="sandbox")

    assert statuses(found, SANDBOX)["cfn-lint"] is Status.WAIVED
    assert statuses(found, SANDBOX)["cloudformation"] is Status.WAIVED
    assert statuses(found, PROD)["cfn-lint"] is Status.FAILED
    later = replace(found, on=date(2027, 11, 1))
    assert statuses(later, SANDBOX)["cfn-lint"] is Status.FAILED
    assert {(each.waives, each.state) for each in acknowledgements(later, SANDBOX)} == {
        ("gate:cfn-lint", WaiverState.EXPIRED),
        ("gate:cloudformation", WaiverState.EXPIRED),
    }
    assert not acknowledgements(found, PROD)


@pytest.mark.parametrize(
    ("reason", "on", "state"),
    [
        (REASON, date(2027, 1, 31), WaiverState.IN_FORCE),
        (REASON, date(2027, 2, 1), WaiverState.EXPIRED),
        ("just because", date(2026, 11, 25), WaiverState.MALFORMED),
    ],
)
def test_an_acknowledgement_is_a_waiver_until_its_last_day(reason: str, on: date, state: WaiverState) -> None:
    (waiver,) = acknowledgements(replace(CLEAN, suppressed=(suppressed(reason),), on=on), PROD)
    assert waiver.state is state
    assert waiver.waives == "gate:cdk-nag"


def test_findings_that_one_reason_accepts_are_one_waiver() -> None:
    twice = (suppressed(), replace(suppressed(), construct="Data/U/Resource"))
    (waiver,) = acknowledgements(replace(CLEAN, suppressed=twice), PROD)
    assert waiver.reason.startswith("AwsSolutions-IAM5, 2 findings: it is so")
    (one,) = acknowledgements(replace(CLEAN, suppressed=twice[:1]), PROD)
    assert one.fingerprint != waiver.fingerprint


def test_an_acknowledgement_that_is_unsound_accepts_nothing() -> None:
    found = replace(CLEAN, suppressed=(suppressed(),))
    assert statuses(found, PROD)["cdk-nag"] is Status.WAIVED
    late = Unsound("Data/T", suppressed().acknowledged_id, "expired after 2026-01-01")
    assert statuses(replace(found, unsound=(late,)), PROD)["cdk-nag"] is Status.FAILED


def test_an_acknowledgement_waives_the_gate_whose_finding_it_covers() -> None:
    own = suppressed(pack=CLOUDFORMATION, rule="W1234")
    (waiver,) = acknowledgements(replace(CLEAN, suppressed=(own,)), PROD)
    assert waiver.waives == "gate:cloudformation"


def test_only_sound_acknowledgements_of_house_rules_are_accepted() -> None:
    house = suppressed(pack=HOUSE_RULES, rule="HASIVU-S3-1")
    assert accepted(replace(CLEAN, suppressed=(house, suppressed()))) == {
        ("HASIVU-S3-1", "Data/T/Resource"): acknowledgements(replace(CLEAN, suppressed=(house,)), PROD)[
            0
        ].waiver_id
    }
    unsound = Unsound("Data/T", f"{HOUSE_RULES}::HASIVU-S3-1", "expired after 2026-01-01")
    assert accepted(replace(CLEAN, suppressed=(house,), unsound=(unsound,))) == {}
