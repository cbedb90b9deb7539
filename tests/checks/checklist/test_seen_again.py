"""What results say of templates and of runs is held against the assembly and the evidence themselves."""

from __future__ import annotations

import shutil
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta

from checks.checklist.applicability import setting_of
from checks.checklist.contradictions import Contradiction
from checks.checklist.model import Level, Results, Status
from checks.checklist.seen_again import not_acknowledged, not_recorded, not_shown
from checks.rules.assembly import read_estate
from checks.rules.estate import Estate
from checks.rules.validation_report import Acknowledged, Suppressed
from tests.checks.checklist.conftest import World, sound_verdict
from tests.checks.checklist.test_check import all_ran
from tests.checks.report import factory


def unrecorded(world: World, found: Results) -> list[Contradiction]:
    """What the evidence of the world's repository says against ``found``."""
    estate = read_estate(world.assembly, environment=found.environment)
    return list(not_recorded(found, world.repository, estate, runtime=world.repository / "runtime"))


def test_what_the_assembly_does_not_show_is_found(world: World) -> None:
    """The gate has the assembly that is deployed, and reads the house rules and the resources off it anew."""
    found, setting = world.check(), setting_of("sandbox")
    whole = read_estate(world.assembly, environment="sandbox")
    bucket = next(each for each in whole.resources if each.kind == "AWS::S3::Bucket")
    templates = deepcopy(whole.templates)
    templates[bucket.stack]["Resources"][bucket.logical_id]["Properties"] = {}
    weak = Estate(templates, environment="sandbox")
    assert list(not_shown(found, whole, setting)) == []
    said = {each.subject: each.message for each in not_shown(found, weak, setting)}
    assert "it is pass, and fail by the assembly" in said.values(), said
    assert {each.partition(":")[0] for each in said} <= {"rule", "resource"}
    invented = found.proofs[0].model_copy(update={"proof_id": "rule:HASIVU-STO-99", "status": Status.PASSED})
    more = found.model_copy(update={"proofs": (invented,)})
    assert [each.message for each in not_shown(more, whole, setting)] == [
        "it is pass, and unknown by the assembly"
    ]


def test_runs_are_judged_anew_by_what_they_left(world: World) -> None:
    all_ran(world)
    found = world.check()
    good = [
        each
        for each in found.proofs
        if each.level is Level.RUN and each.status is Status.PASSED and "framework" not in each.proof_id
    ]
    assert {each.proof_id.partition(":")[0] for each in good} >= {"run", "test", "demo", "bench", "function"}
    assert unrecorded(world, found) == []
    without = not_recorded(found, world.repository, None, runtime=world.repository / "runtime")
    assert list(without) == [], "nobody knows which functions are deployed, and the rest is judged"

    failing = next(each.proof_id for each in good if each.proof_id.startswith("test:"))
    world.tests_ran(failing=[failing.removeprefix("test:")])
    said = {each.subject: each.message for each in unrecorded(world, found)}
    assert said[failing] == "it is pass, and fail by its evidence"
    assert "run:ruff" not in said, "another run, which is as it was"

    shutil.rmtree(world.repository / "build")
    assert {each.subject for each in unrecorded(world, found)} == {each.proof_id for each in good}


def test_a_run_of_other_sources_shows_nothing(world: World) -> None:
    all_ran(world)
    found = world.check()
    other = found.model_copy(update={"source_sha256": "0" * 64})
    assert len(unrecorded(world, other)) > 20
    later = found.model_copy(update={"generated_at": found.generated_at + timedelta(days=31)})
    assert len(unrecorded(world, later)) > 20


REASON = "it is so | evidence=ADR 0010 | owner=security | until=2027-01-31"


def test_acknowledgements_are_those_of_the_assembly(world: World) -> None:
    rule = "AwsSolutions-IAM5[Resource::*]"
    own = Suppressed("AwsSolutions", rule, "Data/T/Resource", f"AwsSolutions::{rule}", "/Data/T", REASON)
    world.verdict = replace(sound_verdict("sandbox", world.assembly, world.now.date()), suppressed=(own,))
    found = world.check()
    (told,) = found.waivers
    held = [Acknowledged("Data/T", f"AwsSolutions::{rule}", REASON)]
    assert list(not_acknowledged(found, held)) == []
    for other in (
        [],
        [Acknowledged("Data/T", "AwsSolutions::AwsSolutions-S1", REASON)],
        [Acknowledged("Data/T", f"AwsSolutions::{rule}", REASON.replace("it is", "it was"))],
    ):
        assert [each.subject for each in not_acknowledged(found, other)] == [told.waiver_id]
    for change in ({"owner": "platform"}, {"ticket": "ADR 0001"}, {"expires": date(2028, 1, 1)}):
        longer = found.model_copy(update={"waivers": (told.model_copy(update=change),)})
        assert [each.subject for each in not_acknowledged(longer, held)] == [told.waiver_id]


def test_what_the_emulator_needs_is_no_reason_in_aws(world: World) -> None:
    found = world.check()
    excused = factory.results().waivers[0].model_copy(update={"waiver_id": "emulator-w3660-cfn-lint"})
    sandbox = found.model_copy(update={"waivers": (excused,)})
    assert list(not_acknowledged(sandbox, [])) == []
    (said,) = not_acknowledged(sandbox.model_copy(update={"emulator": False}), [])
    assert said.subject == "emulator-w3660-cfn-lint"
