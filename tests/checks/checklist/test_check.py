"""The check as a whole: 171 items with status and reason, the same bytes again, and no crash."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from checks.checklist import live_proofs
from checks.checklist.commands import FailOn, verdict
from checks.checklist.digests import assembly_sha256
from checks.checklist.live_proofs import LiveProofs
from checks.checklist.model import (
    SATISFIED,
    Level,
    ProofResult,
    Results,
    Status,
    WaiverState,
)
from checks.errors import ExitCode, HasivuError
from checks.evidence.waivers import NOTHING, sha256_of
from checks.rules.validation_report import Suppressed
from tests.assemblies import Assemblies
from tests.checks.checklist.conftest import NOW, World, sound_verdict
from tests.checks.checklist.test_catalogue import document

NOT_BUILT = {f"HC-{number:03}" for number in (*range(35, 61), 117, 119, 120, 150)}
TODAY = NOW.date()


def by_id(results: Results) -> dict[str, Status]:
    return {item.item_id: item.status for item in results.items}


def all_ran(world: World) -> None:
    """Everything that one machine can prove was run, and held."""
    lint = {
        name: {"command": name, "exit_code": 0, "said": ["Success"], "version": "1"}
        for name in ("mypy", "ruff", "import-contracts", "static-security")
    }
    names = [text[6:] for item in world.catalogue.items for text in item.R if text.startswith("bench:")]
    measured = {"benchmarks": [{"name": name, "stats": {"max": 0.01}} for name in names]}
    world.tests_ran()
    world.demo_ran()
    world.ran("lint", ("results.json", json.dumps(lint)))
    world.ran("benchmarks", ("results.json", json.dumps(measured)))


def looking(*statuses: tuple[str, Status]) -> Callable[[Path], LiveProofs]:
    """Probes that see this, and everything else as it should be."""

    return looking_at(*(seen_by(name, status) for name, status in statuses))


def looking_at(*proofs: ProofResult) -> Callable[[Path], LiveProofs]:
    """Probes that give these proofs."""
    return lambda assembly: live_proofs.look(
        "sandbox", boto3.Session, assembly, NOW, run=lambda *_: list(proofs)
    )


def seen_by(name: str, status: Status, *, looked_at: int = 1) -> ProofResult:
    return ProofResult(
        proof_id=f"probe:{name}",
        level=Level.LIVE,
        title=f"The {name} are as the template says",
        status=status,
        expected="as the template says",
        observed=f"seen: {status.value}",
        looked_at=looked_at,
        on_emulator=True,
        remedy="Deploy again.",
    )


def test_every_item_has_a_status_a_reason_and_a_next_step(world: World) -> None:
    results = world.check()
    assert [item.number for item in results.items] == list(range(1, 172))
    for item in results.items:
        assert item.reason
        if item.status not in SATISFIED | {Status.NOT_APPLICABLE}:
            assert item.remedy, item.item_id
    assert len(results.controls) == 121
    assert not results.go


def test_without_any_run_only_templates_are_proved(world: World) -> None:
    results = world.check()
    for item in results.items:
        if item.status in SATISFIED:
            assert item.required == (Level.TEMPLATE,), item.item_id
    assert {proof.level for proof in results.proofs if proof.status is Status.PASSED} == {Level.TEMPLATE}


def test_the_same_facts_are_the_same_bytes_and_tell_of_no_machine(world: World) -> None:
    all_ran(world)
    first, second = world.check(), world.check()
    assert first.canonical() == second.canonical()
    assert Results.read(first.canonical()) == first
    for place in (world.repository, world.assembly, Path.home()):
        assert str(place) not in first.canonical().decode()


def test_functions_that_are_not_built_fail_and_are_named(world: World) -> None:
    all_ran(world)
    results = world.check()
    failed = {item.item_id for item in results.items if item.status is Status.FAILED}
    assert failed == NOT_BUILT
    for item in results.items:
        if item.item_id in NOT_BUILT:
            names = [
                proof.removeprefix("function:") for proof in item.proofs if proof.startswith("function:")
            ]
            assert any(name in item.reason for name in names), item.reason
            assert "501" in item.reason or "takes no events" in item.reason


def test_what_one_machine_can_prove_is_proved_once_it_ran(world: World) -> None:
    all_ran(world)
    before_and_after = by_id(world.check())
    for item_id in ("HC-001", "HC-002", "HC-007", "HC-023", "HC-034", "HC-084", "HC-115", "HC-118", "HC-160"):
        assert before_and_after[item_id] is Status.PASSED, item_id
    assert before_and_after["HC-127"] is Status.MANUAL_PENDING
    assert before_and_after["HC-123"] is Status.NOT_APPLICABLE
    assert before_and_after["HC-021"] is Status.NOT_APPLICABLE


def test_what_does_not_apply_says_by_which_predicate(world: World) -> None:
    for item in world.check().items:
        if item.status is Status.NOT_APPLICABLE:
            assert item.reason.partition(":")[0] in {"embedded", "without-domain"} or (
                "rule-environments: " in item.reason
            ), item.reason


def test_evidence_is_listed_with_its_digest(world: World) -> None:
    all_ran(world)
    results = world.check()
    listed = {each.path for each in results.evidence}
    assert "build/evidence/tests/junit.xml" in listed
    assert {path for proof in results.proofs for path in proof.evidence} == listed


def test_a_weakness_in_the_template_is_named_by_the_items_that_it_concerns(
    world: World, tmp_path: Path
) -> None:
    weak = Path(shutil.copytree(world.assembly, tmp_path / "weak"))
    template = weak / "Storage.template.json"
    content = json.loads(template.read_text(encoding="utf-8"))
    (bucket,) = (
        body
        for body in content["Resources"].values()
        if body.get("Properties", {}).get("BucketName") == "hasivu-sandbox-uploads"
    )
    del bucket["Properties"]["PublicAccessBlockConfiguration"]
    bucket["Properties"]["BucketName"] = "hasivu-sandbox-upload"
    template.write_text(json.dumps(content), encoding="utf-8")
    before = by_id(world.check())

    world.assembly = weak
    results = world.check()

    now_failing = {name for name, status in by_id(results).items() if status is Status.FAILED} - {
        name for name, status in before.items() if status is Status.FAILED
    }
    assert {"HC-010", "HC-061", "HC-066"} <= now_failing
    proof = results.proof("rule:HASIVU-S3-1")
    assert proof is not None
    assert [each.place for each in proof.against] == ["Storage/Uploads"]


PROBES = {
    text.removeprefix("probe:")
    for path in (Path(__file__).resolve().parents[3] / "checks/checklist/items").glob("*.toml")
    for text in path.read_text(encoding="utf-8").split('"')
    if text.startswith("probe:")
}


def test_what_the_probes_see_counts(world: World) -> None:
    world.live = looking(*((name, Status.PASSED) for name in PROBES))
    good = world.check()
    assert by_id(good)["HC-061"] is Status.PASSED
    assert Level.LIVE in next(item for item in good.items if item.item_id == "HC-061").proven

    world.live = looking(
        *((name, Status.PASSED) for name in PROBES - {"stack-resources"}), ("stack-resources", Status.FAILED)
    )
    bad = by_id(world.check())
    assert bad["HC-061"] is Status.FAILED
    world.live = looking(("bucket-lifecycle", Status.FAILED))
    assert by_id(world.check())["HC-067"] is Status.FAILED, "nobody asked for it here, and it is wrong"


def test_a_probe_that_looked_at_nothing_or_that_nobody_knows(world: World) -> None:
    nothing = seen_by("stack-resources", Status.PASSED, looked_at=0)
    unknown = seen_by("coffee", Status.FAILED)
    world.live = looking_at(nothing, unknown)
    results = world.check()
    assert by_id(results)["HC-061"] is Status.NOT_EVALUATED
    missing = results.proof("probe:table-expiry")
    assert missing is not None
    assert (missing.status, missing.observed) == (Status.NOT_EVALUATED, "no probe of that name looked")
    assert results.proof("probe:coffee") == unknown


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketPolicy")


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (DENIED, Status.ERROR),
        (EndpointConnectionError(endpoint_url="https://nowhere"), Status.ERROR),
        (TimeoutError(), Status.ERROR),
        (
            HasivuError("SANDBOX_DOWN", "It is down.", next_step="start it", exit_code=ExitCode.SANDBOX),
            Status.NOT_EVALUATED,
        ),
        (
            HasivuError("WRONG_ACCOUNT", "It is another.", next_step="sign in", exit_code=ExitCode.USAGE),
            Status.ERROR,
        ),
    ],
)
def test_an_environment_that_cannot_be_looked_at_is_no_pass(
    world: World, raised: Exception, status: Status
) -> None:
    def session() -> Any:
        raise raised

    world.live = lambda assembly: live_proofs.look("sandbox", session, assembly, NOW, run=lambda *_: [])
    results = world.check()
    assert by_id(results)["HC-061"] is status
    assert "https://nowhere" not in results.canonical().decode()


def test_before_a_deployment_what_runs_is_held_against_what_is_live(world: World, tmp_path: Path) -> None:
    older = Path(shutil.copytree(world.assembly, tmp_path / "older"))
    template = older / "Storage.template.json"
    content = json.loads(template.read_text(encoding="utf-8"))
    content["Description"] = "as it was"
    template.write_text(json.dumps(content), encoding="utf-8")
    held = []

    def look(assembly: Path) -> LiveProofs:
        held.append(assembly)
        return looking(("stack-resources", Status.PASSED))(assembly)

    world.live, world.live_assembly = look, older
    results = world.check()
    assert held == [older]
    assert results.live_assembly_sha256 == assembly_sha256(older)
    assert results.assembly_sha256 == assembly_sha256(world.assembly)
    assert any("which is live, and not against the one of this report" in note for note in results.notes)
    assert by_id(results)["HC-061"] is Status.PASSED

    world.live_assembly = Path(shutil.copytree(world.assembly, tmp_path / "same"))
    again = world.check()
    assert again.live_assembly_sha256 is None
    assert again.notes == world.check().notes

    world.live_assembly = tmp_path
    with pytest.raises(HasivuError, match="ASSEMBLY_UNREADABLE"):
        world.check()


def test_without_looking_the_report_says_so(world: World) -> None:
    assert any("--no-live" in note for note in world.check().notes)


def waiver(**said: Any) -> dict[str, Any]:
    return {
        "id": "W-1",
        "waives": "HC-001",
        "owner": "Quality Assurance",
        "ticket": "PAY-1",
        "reason": "The tests run elsewhere.",
        "compensating_control": "They run on every pull request.",
        "created": TODAY,
        "expires": TODAY + timedelta(days=10),
        "fingerprint": NOTHING,
    } | said


def waived(world: World, *entries: dict[str, Any]) -> Results:
    path = world.repository / "compliance" / "waivers" / f"{world.environment}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document({"waiver": list(entries)}), encoding="utf-8")
    return world.check()


def test_a_waiver_in_force_takes_an_item_from_what_blocks_but_not_into_the_score(world: World) -> None:
    before = world.check()
    after = waived(world, waiver())
    (item,) = (item for item in after.items if item.item_id == "HC-001")
    assert (item.status, item.waiver_id) == (Status.WAIVED, "W-1")
    assert item.item_id in {each.item_id for each in before.blockers}
    assert item.item_id not in {each.item_id for each in after.blockers}
    assert before.score == after.score
    assert before.waivers_sha256 != after.waivers_sha256
    assert after.waivers_sha256 == sha256_of("sandbox", repository=world.repository), "what the gate asks"


def test_a_waiver_of_a_proof_counts_wherever_the_proof_does(world: World) -> None:
    after = waived(world, waiver(waives="run:coverage"))
    proof = after.proof("run:coverage")
    assert proof is not None
    assert proof.status is Status.WAIVED
    assert "W-1" in proof.observed
    assert by_id(after)["HC-160"] is Status.WAIVED
    assert by_id(after)["HC-001"] is Status.NOT_EVALUATED, "the unit tests are not waived"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"expires": TODAY}, WaiverState.IN_FORCE),
        ({"created": TODAY - timedelta(days=9), "expires": TODAY - timedelta(days=1)}, WaiverState.EXPIRED),
        ({"expires": TODAY + timedelta(days=400)}, WaiverState.MALFORMED),
        ({"created": TODAY + timedelta(days=1)}, WaiverState.MALFORMED),
        ({"created": date.max, "expires": date.max}, WaiverState.MALFORMED),
        ({"expires": "2026-13-45"}, WaiverState.MALFORMED),
        ({"expires": TODAY - timedelta(days=1)}, WaiverState.MALFORMED),
        ({"owner": ""}, WaiverState.MALFORMED),
        ({"reason": 7}, WaiverState.MALFORMED),
        ({"colour": "red"}, WaiverState.MALFORMED),
        ({"waives": "HC-999"}, WaiverState.MALFORMED),
        ({"waives": "framework:pci-dss/T"}, WaiverState.MALFORMED),
        ({"waives": "HC-163"}, WaiverState.MALFORMED),
        ({"waives": "record:signoff-security-officer"}, WaiverState.MALFORMED),
        ({"fingerprint": "0" * 64}, WaiverState.LAPSED),
        ({"waives": "HC-016"}, WaiverState.UNUSED),
    ],
)
def test_the_state_of_a_waiver(world: World, change: dict[str, Any], state: WaiverState) -> None:
    results = waived(world, waiver(**change))
    (found,) = (each for each in results.waivers if each.waiver_id == "W-1")
    assert found.state is state
    waived_items = {item.item_id for item in results.items if item.status is Status.WAIVED}
    assert waived_items == ({"HC-001"} if state is WaiverState.IN_FORCE else set())


def test_a_waivers_days_are_days_in_india(world: World) -> None:
    """Where it is granted: between midnight in India and midnight in UTC it may begin, and it ends."""
    evening = datetime(TODAY.year, TODAY.month, TODAY.day, 19, 0, tzinfo=UTC)
    tomorrow = TODAY + timedelta(days=1)
    world.now = evening
    for change, state in (
        ({"created": tomorrow, "expires": tomorrow}, WaiverState.IN_FORCE),
        ({"expires": TODAY}, WaiverState.EXPIRED),
    ):
        (found,) = (each for each in waived(world, waiver(**change)).waivers if each.waiver_id == "W-1")
        assert found.state is state


def test_a_second_waiver_for_the_same_is_malformed(world: World) -> None:
    results = waived(world, waiver(), waiver(id="W-2"))
    states = {each.waiver_id: each.state for each in results.waivers}
    assert states == {"W-1": WaiverState.IN_FORCE, "W-2": WaiverState.MALFORMED}


def test_a_waiver_lapses_when_its_resource_changes(world: World, tmp_path: Path) -> None:
    weak = Path(shutil.copytree(world.assembly, tmp_path / "weak"))
    world.assembly = weak
    template = weak / "Storage.template.json"

    def write(**changes: Any) -> None:
        content = json.loads(template.read_text(encoding="utf-8"))
        for body in content["Resources"].values():
            if body.get("Properties", {}).get("BucketName") == "hasivu-sandbox-uploads":
                body["Properties"].update(changes)
        template.write_text(json.dumps(content), encoding="utf-8")

    write(PublicAccessBlockConfiguration={"BlockPublicAcls": False})
    lapsed = waived(world, waiver(waives="rule:HASIVU-S3-1"))
    (told,) = (each for each in lapsed.waivers if each.waiver_id == "W-1")
    assert told.state is WaiverState.LAPSED
    fingerprint = told.reason.partition("in the state ")[2][:64]

    in_force = waived(world, waiver(waives="rule:HASIVU-S3-1", fingerprint=fingerprint))
    assert in_force.proof("rule:HASIVU-S3-1").status is Status.WAIVED  # type: ignore[union-attr]

    write(BucketName="hasivu-sandbox-uploads", ObjectLockEnabled=False)
    changed = world.check()
    assert changed.proof("rule:HASIVU-S3-1").status is Status.FAILED  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "content", ["waiver = [", "waiver = 3", "\x00", "waiver = [1]", f"waiver = {'[' * 5_000}"]
)
def test_waivers_that_cannot_be_read_end_the_check(world: World, content: str) -> None:
    path = world.repository / "compliance/waivers/sandbox.toml"
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(HasivuError) as refused:
        world.check()
    assert refused.value.code == "WAIVERS_UNREADABLE"


def test_an_acknowledgement_of_a_house_rule_waives_what_it_finds(world: World, tmp_path: Path) -> None:
    weak = Path(shutil.copytree(world.assembly, tmp_path / "weak"))
    template = weak / "Storage.template.json"
    content = json.loads(template.read_text(encoding="utf-8"))
    for body in content["Resources"].values():
        if body.get("Properties", {}).get("BucketName") == "hasivu-sandbox-uploads":
            del body["Properties"]["PublicAccessBlockConfiguration"]
    template.write_text(json.dumps(content), encoding="utf-8")
    reason = "why | evidence=ADR 0010 | owner=security | until=2027-01-31"
    accepted = Suppressed(
        "HASIVU-House-Rules",
        "HASIVU-S3-1",
        "Storage/Uploads/Resource",
        "HASIVU-House-Rules::HASIVU-S3-1",
        "/Storage/Uploads",
        reason,
    )
    world.assembly = weak
    world.verdict = replace(sound_verdict("sandbox", weak, TODAY), suppressed=(accepted,))
    results = world.check()
    assert by_id(results)["HC-010"] is Status.WAIVED
    (told,) = results.waivers
    assert (told.owner, told.expires, told.waives) == ("security", date(2027, 1, 31), "rule:HASIVU-S3-1")


def test_an_unknown_environment_is_refused(world: World) -> None:
    world.environment = "moon"
    with pytest.raises(HasivuError, match="no environment 'moon'"):
        world.check()


def test_production_asks_for_more(world: World, assemblies: Assemblies) -> None:
    world.environment, world.assembly = "prod", assemblies("prod")
    all_ran(world)
    results = world.check()
    assert by_id(results)["HC-061"] is Status.NOT_EVALUATED, "templates alone do not do"
    assert by_id(results)["HC-114"] is Status.NOT_EVALUATED, "the sandbox's run is none of production"
    assert by_id(results)["HC-021"] is Status.NOT_EVALUATED, "there is a domain"
    assert {item.item_id for item in results.items if not item.blocking} >= {
        f"HC-{n}" for n in range(163, 172)
    }


def test_an_emulator_says_that_it_is_one(world: World) -> None:
    results = world.check()
    assert results.emulator
    assert any("emulator" in note for note in results.notes)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ([FailOn.NO_GO], ExitCode.CHECK_FAILED),
        ([FailOn.FAILED], ExitCode.CHECK_FAILED),
        ([FailOn.OPEN], ExitCode.CHECK_FAILED),
        ([FailOn.NOTHING], ExitCode.OK),
        ([FailOn.NOTHING, FailOn.OPEN], ExitCode.CHECK_FAILED),
    ],
)
def test_the_exit_code_is_what_is_asked_for(world: World, asked: list[FailOn], code: ExitCode) -> None:
    assert verdict(world.check(), asked) is code


def test_go_is_exit_code_0_and_nothing_at_all_is_not(world: World) -> None:
    results = world.check()
    good = results.model_copy(
        update={"items": tuple(item.model_copy(update={"status": Status.PASSED}) for item in results.items)}
    )
    assert verdict(good, [FailOn.NO_GO, FailOn.FAILED, FailOn.OPEN]) is ExitCode.OK
    assert verdict(results.model_copy(update={"items": ()}), [FailOn.FAILED]) is ExitCode.CHECK_FAILED
    assert verdict(results.model_copy(update={"items": ()}), [FailOn.NO_GO]) is ExitCode.CHECK_FAILED
