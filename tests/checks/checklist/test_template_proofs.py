"""Proofs from templates: each by what it looked at, and nothing looked at is never a pass."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.applicability import Setting
from checks.checklist.model import Status
from checks.checklist.template_proofs import ABSENCE, NOT_WHERE, prove, prove_rule, resource_proof
from checks.checklist.watched_estate import WatchedEstate
from checks.rules.assembly import read_estate
from checks.rules.catalogue import rules
from checks.rules.estate import Estate
from checks.rules.rule import Breach, Rule, at
from tests.assemblies import Assemblies
from tests.checks.rules import sound
from tests.checks.rules.mutations import WEAKNESSES
from tests.checks.rules.planting import Weakness
from tests.checks.rules.test_rules import UNPLANTED

PROD = Setting("prod", embedded=False, domain="api.hasivu.example")
SANDBOX = Setting("sandbox", embedded=True, domain=None)
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "hasivu-prod-uploads"}}
NAMED = {"Metadata": {"aws:cdk:path": "Storage/Uploads/Resource"}}


def estate(**resources: dict[str, Any]) -> Estate:
    return Estate({"Storage": {"Resources": resources}}, environment="prod")


def rule(rule_id: str) -> Rule:
    return next(each for each in rules() if each.rule_id == rule_id)


def test_what_a_rule_reads_is_seen_and_what_it_passes_by_is_not() -> None:
    watched = WatchedEstate(estate(A=BUCKET, B=BUCKET, C={"Type": "AWS::SNS::Topic"}))

    assert [each.kind for each in watched.resources].count("AWS::S3::Bucket") == 2
    assert not watched.seen
    watched.resources[1].get("BucketName")
    assert [each.logical_id for each in watched.seen] == ["B"]
    next(watched.of("AWS::S3::Bucket"))
    assert {each.logical_id for each in watched.seen} == {"A", "B"}


@pytest.mark.parametrize(("environment", "setting"), [("sandbox", SANDBOX), ("prod", PROD)])
def test_every_rule_looks_at_something_and_finds_nothing_in_what_is_deployed(
    environment: str, setting: Setting, assemblies: Assemblies
) -> None:
    found = prove(read_estate(assemblies(environment), environment=environment), setting, {})

    assert {each.status for each in found.proofs} <= {Status.PASSED, Status.NOT_APPLICABLE}
    assert all(each.looked_at > 0 for each in found.proofs if each.status is Status.PASSED)
    assert len(found.proofs) == len(rules())
    assert found.unmatched
    assert all(each.place for each in found.unmatched)


def test_only_rules_of_absence_may_look_at_no_resource(assemblies: Assemblies) -> None:
    estates = [
        (read_estate(assemblies("sandbox"), environment="sandbox"), SANDBOX),
        (read_estate(assemblies("prod"), environment="prod"), PROD),
    ]
    blind = {
        each.rule_id
        for built, setting in estates
        for each in rules()
        if setting.name in each.environments and not prove_rule(each, built, setting, {})[1]
    }
    assert blind - set(NOT_WHERE) == ABSENCE


def test_nothing_there_proves_nothing() -> None:
    found = prove(Estate({}, environment="prod"), PROD, {})
    assert not [each.proof_id for each in found.proofs if each.status is Status.PASSED]


def test_a_rule_that_is_not_for_this_environment_says_so() -> None:
    only_prod = next(each for each in rules() if each.environments == {"prod"})
    proof, seen = prove_rule(only_prod, estate(A=BUCKET), SANDBOX, {})
    assert (proof.status, proof.observed) == (
        Status.NOT_APPLICABLE,
        "rule-environments: the rule is about prod",
    )
    assert not seen


def test_a_rule_about_a_domain_is_not_for_an_environment_without_one() -> None:
    nothing = Estate({"Storage": {"Resources": {"A": BUCKET}}}, environment="prod")
    without, _ = prove_rule(rule("HASIVU-API-18"), nothing, Setting("prod", False, None), {})
    with_, _ = prove_rule(rule("HASIVU-API-18"), nothing, PROD, {})
    assert without.status is Status.NOT_APPLICABLE
    assert without.observed.startswith("without-domain: ")
    assert with_.status is not Status.PASSED


ONE_EACH: dict[str, Weakness] = {}
for _weakness in WEAKNESSES:
    ONE_EACH.setdefault(_weakness.rule_id, _weakness)


@pytest.mark.parametrize("weakness", ONE_EACH.values(), ids=str)
def test_a_planted_weakness_fails_the_proof_of_its_rule(weakness: Weakness) -> None:
    weak = weakness.plant(sound.known().templates)
    assert weak is not None
    templates, _ = weak
    proof, _ = prove_rule(rule(weakness.rule_id), sound.known().with_templates(templates), PROD, {})

    assert proof.status in {Status.FAILED, Status.ERROR}
    assert "finding" in proof.observed
    assert proof.remedy


def test_every_rule_has_a_weakness_that_fails_it() -> None:
    assert set(ONE_EACH) | set(UNPLANTED) == {each.rule_id for each in rules()}


def test_what_is_acknowledged_is_waived_at_its_construct_alone() -> None:
    weak = estate(A=BUCKET | NAMED)
    public = rule("HASIVU-S3-1")
    elsewhere, _ = prove_rule(public, weak, PROD, {("HASIVU-S3-1", "Storage/Other/Resource"): "ack-1"})
    other_rule, _ = prove_rule(public, weak, PROD, {("HASIVU-S3-2", "Storage/Uploads/Resource"): "ack-1"})
    there, _ = prove_rule(public, weak, PROD, {("HASIVU-S3-1", "Storage/Uploads/Resource"): "ack-1"})

    assert [elsewhere.status, other_rule.status, there.status] == [
        Status.FAILED,
        Status.FAILED,
        Status.WAIVED,
    ]
    (subject,) = there.against
    assert (subject.place, subject.physical_id) == ("Storage/Uploads", "hasivu-prod-uploads")


def test_one_acknowledged_finding_does_not_hide_another() -> None:
    weak = estate(A=BUCKET | NAMED, B=BUCKET)
    accepted = {("HASIVU-S3-1", "Storage/Uploads/Resource"): "ack-1"}
    proof, _ = prove_rule(rule("HASIVU-S3-1"), weak, PROD, accepted)
    assert proof.status is Status.FAILED
    assert [each.logical_id for each in proof.against] == ["B"]


def test_what_a_rule_cannot_read_is_an_error() -> None:
    def broken(built: Estate) -> Iterator[Breach]:
        for bucket in built.of("AWS::S3::Bucket"):
            yield at(bucket, "BucketName")
            raise TypeError("a list where a mapping should be")

    unreadable = Rule(
        "HASIVU-X-1", "It is so", "Put it right.", (), rules()[0].severity, rules()[0].environments, broken
    )
    proof, _ = prove_rule(unreadable, estate(A=BUCKET), PROD, {})
    assert proof.status is Status.ERROR
    assert "cannot read" in proof.observed


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("hasivu-{env}-uploads", Status.PASSED),
        ("hasivu-{env}-invoices", Status.FAILED),
        ("hasivu-staging-uploads", Status.FAILED),
        ("Storage/Uploads", Status.PASSED),
        ("Storage/*", Status.PASSED),
        ("Other/*", Status.FAILED),
        ("Storage/uploads", Status.FAILED),
    ],
)
def test_a_resource_is_there_by_its_name_or_place(name: str, status: Status) -> None:
    proof = resource_proof(name, estate(A=BUCKET | NAMED))
    assert proof.status is status
    assert (proof.remedy == "") is (status is Status.PASSED)


def test_a_resource_that_is_named_by_no_text_is_none_of_that_name() -> None:
    odd = copy.deepcopy(BUCKET) | {"Metadata": "none"}
    odd["Properties"] = {"BucketName": {"Fn::Sub": "hasivu-prod-uploads"}}
    assert resource_proof("hasivu-{env}-uploads", estate(A=odd)).status is Status.FAILED


def test_hostile_names_stay_text() -> None:
    hostile = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "<script>alert(1)</script>"}}
    proof, _ = prove_rule(rule("HASIVU-S3-1"), estate(A=hostile), PROD, {})
    assert proof.against[0].physical_id == "<script>alert(1)</script>"


def test_long_evidence_is_cut() -> None:
    many = {f"B{number}": BUCKET for number in range(200)}
    proof, _ = prove_rule(rule("HASIVU-S3-1"), estate(**many), PROD, {})
    assert len(proof.observed) <= 500
    assert len(proof.against) == 50
    assert proof.looked_at == 200


def test_the_assembly_is_read_from_its_folder(assemblies: Assemblies) -> None:
    folder: Path = assemblies("prod")
    assert read_estate(folder, environment="prod").resources
