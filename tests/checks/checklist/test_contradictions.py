"""Results that deny themselves, or the catalogue that they name, are found, whoever has signed them."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checks.checklist import engine, live_proofs, stand
from checks.checklist.applicability import ENVIRONMENTS, setting_of
from checks.checklist.catalogue import Catalogue
from checks.checklist.committed import uncommitted
from checks.checklist.contradictions import contradictions
from checks.checklist.departures import departures
from checks.checklist.model import (
    ControlResult,
    ItemResult,
    Level,
    ProofResult,
    Results,
    Status,
    Waiver,
    WaiverState,
)
from checks.checklist.references import LEVELS, Reference, level_of
from checks.checklist.seen_again import not_acknowledged
from checks.rules.assembly import read_estate
from checks.rules.validation_report import read_acknowledgements
from tests.assemblies import Assemblies
from tests.checks.checklist.conftest import World
from tests.checks.checklist.test_check import TODAY, all_ran, looking, waived, waiver
from tests.checks.checklist.test_seen_again import unrecorded
from tests.checks.report import factory


def against(world: World, found: Results) -> list[str]:
    """What is said against ``found``, by the document and by the catalogue."""
    setting = setting_of(found.environment, repository=world.repository)
    return [
        f"{each.subject}: {each.message}"
        for each in (
            *contradictions(found),
            *departures(found, world.catalogue, setting),
            *uncommitted(
                found,
                world.catalogue,
                estate=read_estate(world.assembly, environment=found.environment),
                repository=world.repository,
            ),
            *unrecorded(world, found),
            *not_acknowledged(found, read_acknowledgements(world.assembly)),
        )
    ]


def test_what_a_check_gives_agrees_with_itself_and_with_the_catalogue(
    world: World, assemblies: Assemblies
) -> None:
    assert against(world, world.check()) == []
    all_ran(world)
    world.live = looking(("bucket-lifecycle", Status.FAILED), ("stack-resources", Status.PASSED))
    assert against(world, world.check()) == []
    both = waived(world, waiver(waives="HC-035"), waiver(id="W-2", waives="probe:bucket-lifecycle"))
    assert {each.state for each in both.waivers} == {WaiverState.IN_FORCE}
    assert against(world, both) == []
    world.environment, world.assembly = "prod", assemblies("prod")
    assert against(world, world.check()) != [], "the probes looked at an emulator"
    world.live = lambda _: live_proofs.off("prod")
    assert against(world, world.check()) == []


@pytest.fixture(scope="module")
def shown() -> Results:
    """Results with every status."""
    return factory.results()


def test_every_status_is_among_those_that_agree(shown: Results) -> None:
    assert contradictions(shown) == ()
    assert {item.status for item in shown.items} == set(Status)


def with_item(found: Results, at: int, **changed: Any) -> Results:
    items = list(found.items)
    items[at] = items[at].model_copy(update=changed)
    return found.model_copy(update={"items": tuple(items)})


@given(at=st.integers(0, 170), status=st.sampled_from(Status))
def test_an_item_of_another_status_than_its_proofs_give_is_found(at: int, status: Status) -> None:
    found = factory.results()
    item = found.items[at]
    if status not in {item.status, Status.NOT_APPLICABLE} and item.status is not Status.NOT_APPLICABLE:
        said = contradictions(with_item(found, at, status=status))
        assert item.item_id in {each.subject for each in said}


def the(found: Results, status: Status) -> tuple[int, ItemResult]:
    return next((at, item) for at, item in enumerate(found.items) if item.status is status)


def proof_of(found: Results, item: ItemResult) -> ProofResult:
    proof = found.proof(item.proofs[-1])
    assert proof is not None
    return proof


def with_proof(found: Results, old: ProofResult, **changed: Any) -> Results:
    proofs = [old.model_copy(update=changed) if each == old else each for each in found.proofs]
    return found.model_copy(update={"proofs": tuple(proofs)})


def subjects(found: Results) -> set[str]:
    return {each.subject for each in contradictions(found)}


@pytest.mark.parametrize("status", [Status.FAILED, Status.ERROR, Status.NOT_EVALUATED, Status.MANUAL_PENDING])
def test_a_pass_that_the_proofs_deny_is_found(shown: Results, status: Status) -> None:
    at, item = the(shown, status)
    passing = with_item(shown, at, status=Status.PASSED, proven=item.required, remedy="")
    assert subjects(passing) == {item.item_id}


@pytest.mark.parametrize(
    "changed",
    [
        {"looked_at": 0},
        {"level": Level.PERSON},
        {"proof_id": "omen:item-001"},
        {"proof_id": "framework:pci-dss"},
        {"evidence": ("evidence/nowhere.json",)},
        {"status": Status.WAIVED},
        {"status": Status.ATTESTED},
        {"against": (factory.subject(1),)},
    ],
)
def test_a_proof_that_cannot_be_is_found(shown: Results, changed: dict[str, Any]) -> None:
    proof = next(each for each in shown.proofs if each.status is Status.PASSED and each.level is Level.RUN)
    name = changed.get("proof_id", proof.proof_id)
    assert name in subjects(with_proof(shown, proof, **changed))


def test_what_an_emulator_showed_is_nothing_about_aws(shown: Results) -> None:
    proof = next(each for each in shown.proofs if each.level is Level.LIVE)
    seen = with_proof(shown, proof, on_emulator=True)
    assert subjects(seen) == {proof.proof_id}
    assert subjects(seen.model_copy(update={"emulator": True})) == set()


def test_what_is_left_out_or_there_twice_is_found(shown: Results) -> None:
    at, item = the(shown, Status.PASSED)
    proof = proof_of(shown, item)
    rest = tuple(each for each in shown.proofs if each != proof)
    assert item.item_id in subjects(shown.model_copy(update={"proofs": rest}))
    assert proof.proof_id in subjects(shown.model_copy(update={"proofs": (*shown.proofs, proof)}))
    assert item.item_id in subjects(shown.model_copy(update={"items": (*shown.items, shown.items[at])}))
    control = shown.controls[0]
    twice = subjects(shown.model_copy(update={"controls": (*shown.controls, control)}))
    assert twice == {f"{control.framework} {control.control_id}"}


def test_a_control_that_its_proofs_deny_is_found(shown: Results) -> None:
    control = next(each for each in shown.controls if each.status is Status.FAILED)
    name = f"{control.framework} {control.control_id}"

    def changed(**change: Any) -> Results:
        controls = [each.model_copy(update=change) if each == control else each for each in shown.controls]
        return shown.model_copy(update={"controls": tuple(controls)})

    assert subjects(changed(status=Status.PASSED)) == {name}
    assert subjects(changed(proven=tuple(Level))) == {name}
    assert subjects(changed(proofs=("run:nowhere",))) == {name}


@pytest.mark.parametrize("state", [each for each in WaiverState if each is not WaiverState.IN_FORCE])
def test_a_waiver_that_is_not_in_force_waives_nothing(shown: Results, state: WaiverState) -> None:
    _, item = the(shown, Status.WAIVED)
    waivers = [
        each.model_copy(update={"state": state}) if each.waiver_id == item.waiver_id else each
        for each in shown.waivers
    ]
    assert subjects(shown.model_copy(update={"waivers": tuple(waivers)})) == {item.item_id}


def test_a_waiver_is_for_what_it_names_and_for_nothing_that_could_not_be_looked_at(shown: Results) -> None:
    at, item = the(shown, Status.WAIVED)
    assert subjects(with_item(shown, at, waiver_id="W-999")) == {item.item_id}
    assert subjects(with_item(shown, at, waiver_id=None)) == {item.item_id}
    at_fail, failing = the(shown, Status.FAILED)
    borrowed = with_item(shown, at_fail, status=Status.WAIVED, waiver_id=item.waiver_id)
    assert subjects(borrowed) == {failing.item_id}
    unreachable = with_proof(shown, proof_of(shown, item), status=Status.ERROR)
    assert item.item_id in subjects(unreachable)
    assert subjects(with_item(shown, at, proven=tuple(Level))) == {item.item_id}


def test_what_does_not_apply_is_not_proven(shown: Results) -> None:
    at, item = the(shown, Status.NOT_APPLICABLE)
    assert subjects(with_item(shown, at, proven=item.required)) == {item.item_id}


def test_a_name_that_may_be_private_is_not_repeated(shown: Results) -> None:
    for name in ("parent@school.example", "+91 98765 43210", "card 4111111111111111", "<b>", "x" * 500):
        at, _ = the(shown, Status.FAILED)
        said = contradictions(with_item(shown, at, item_id=name, status=Status.PASSED))
        assert said
        assert not any(name in f"{each.subject} {each.message}" for each in said)


# --- held against the catalogue ---

ITEM_CHANGES: dict[str, Any] = {
    "blocking": False,
    "intent": "something else",
    "number": 999,
    "owner": "The cook",
    "proofs": (),
    "reason": "It is well.",
    "remedy": "Do nothing.",
    "required": (Level.PERSON,),
    "section": ("Elsewhere",),
    "text": "It tastes good",
}


@pytest.mark.parametrize("field", ITEM_CHANGES)
def test_an_item_that_is_put_otherwise_than_in_the_catalogue_is_found(world: World, field: str) -> None:
    found = world.check()
    at, item = next((at, each) for at, each in enumerate(found.items) if each.blocking and each.intent)
    said = against(world, with_item(found, at, **{field: ITEM_CHANGES[field]}))
    assert any(each.startswith(f"{item.item_id}: ") and field in each for each in said), said


def test_every_field_of_an_item_is_held_against_the_catalogue() -> None:
    by_the_document = {"item_id", "status", "proven", "waiver_id"}
    assert set(ItemResult.model_fields) == set(ITEM_CHANGES) | by_the_document


def test_items_controls_and_proofs_that_are_left_out_are_found(world: World) -> None:
    found = world.check()
    without = found.model_copy(
        update={"items": found.items[1:], "controls": found.controls[1:], "proofs": found.proofs}
    )
    control: ControlResult = found.controls[0]
    assert against(world, without) == [
        f"{found.items[0].item_id}: the catalogue asks for it, and it is not there",
        f"{control.framework} {control.control_id}: the catalogue asks for it, and it is not there",
    ]
    item = next(each for each in found.items if each.proofs)
    rest = tuple(each for each in found.proofs if each.proof_id != item.proofs[0])
    assert f"{item.proofs[0]}: the catalogue asks for it, and it is not there" in against(
        world, found.model_copy(update={"proofs": rest})
    )


def test_an_item_that_nobody_asks_for_is_found(world: World) -> None:
    found = world.check()
    more = found.items[0].model_copy(update={"item_id": "HC-172"})
    said = against(world, found.model_copy(update={"items": (*found.items, more)}))
    assert said == ["HC-172: the catalogue does not ask for it"]


def test_what_is_said_not_to_apply_and_does_is_found(world: World) -> None:
    found = world.check()
    at, item = next((at, each) for at, each in enumerate(found.items) if each.status is Status.FAILED)
    excused = with_item(found, at, status=Status.NOT_APPLICABLE, proven=(), reason="embedded: so", remedy="")
    assert contradictions(excused) == ()
    assert [each.partition(":")[0] for each in against(world, excused)] == [item.item_id]


def test_a_framework_that_its_controls_deny_is_found(world: World) -> None:
    found = world.check()
    proof = next(
        each
        for each in found.proofs
        if each.proof_id.startswith("framework:") and each.status is not Status.PASSED
    )
    good = with_proof(found, proof, status=Status.PASSED, looked_at=1, remedy="", observed="all of them")
    assert any(each.startswith(f"{proof.proof_id}: ") for each in against(world, good))


def test_a_waiver_of_other_days_than_in_the_file_is_found(world: World) -> None:
    found = waived(world, waiver())
    later = [each.model_copy(update={"expires": date.max - timedelta(days=9)}) for each in found.waivers]
    assert against(world, found.model_copy(update={"waivers": tuple(later)})) == [
        "HC-001: not what its proofs give: reason",
        "W-1: the waiver is committed, and not told as it is",
        "W-1: no such waiver is committed",
    ]


def granted(found: Results, at: int, waiver_id: str) -> Results:
    """The results with a waiver of one item that is nowhere else, and the item as it makes it stand."""
    item = found.items[at]
    invented = Waiver(
        **{key: value for key, value in waiver().items() if key != "id"}
        | {"waiver_id": waiver_id, "waives": item.item_id, "created": None},
        environment=found.environment,
        state=WaiverState.IN_FORCE,
    )
    excused = stand.waived(item, invented)
    facts = {"status": excused.status, "waiver_id": waiver_id, "reason": excused.reason}
    return with_item(found, at, **facts).model_copy(update={"waivers": (*found.waivers, invented)})


@pytest.mark.parametrize("waiver_id", ["W-666", "ack-01ab23cd45", "emulator-w3660-cfn-lint"])
def test_a_waiver_that_nobody_granted_is_found(world: World, waiver_id: str) -> None:
    """The digest of the file of waivers stays as it is: the waiver is in the results alone."""
    found = world.check()
    at, _ = the(found, Status.FAILED)
    excused = granted(found, at, waiver_id)
    assert contradictions(excused) == ()
    assert f"{waiver_id}: no such waiver is committed" in against(world, excused)


def test_a_waiver_that_is_left_out_is_found(world: World) -> None:
    expired = waived(world, waiver(expires=TODAY - timedelta(days=1), created=TODAY - timedelta(days=9)))
    assert expired.waivers[0].state is WaiverState.EXPIRED
    assert against(world, expired) == []
    assert against(world, expired.model_copy(update={"waivers": ()})) == [
        "W-1: the waiver is committed, and not told as it is"
    ]


def test_a_waiver_that_lapsed_and_is_told_to_be_in_force_is_found(world: World) -> None:
    lapsed = waived(world, waiver(fingerprint="0" * 64))
    (said,) = lapsed.waivers
    assert said.state is WaiverState.LAPSED
    assert against(world, lapsed) == []
    kept = said.model_copy(update={"state": WaiverState.IN_FORCE, "reason": waiver()["reason"]})
    at, item = next((at, each) for at, each in enumerate(lapsed.items) if each.item_id == "HC-001")
    excused = stand.waived(item, kept)
    forged = with_item(lapsed, at, status=excused.status, waiver_id="W-1", reason=excused.reason)
    assert against(world, forged.model_copy(update={"waivers": (kept,)})) == [
        "W-1: the resources are not as they were when it was granted"
    ]


@pytest.mark.parametrize("kind", ["record:signoff-", "record:"])
def test_a_record_that_nobody_has_written_is_found(world: World, kind: str) -> None:
    """A report cannot hold the decisions about itself, and people's records are committed."""
    found = world.check()
    proof = next(each for each in found.proofs if each.proof_id.startswith(kind))
    assert proof.status is Status.MANUAL_PENDING
    vouched = with_proof(found, proof, status=Status.ATTESTED, looked_at=1, remedy="")
    expected = f"{proof.proof_id}: it is attested, and manual-pending by what is committed"
    assert expected in against(world, vouched)


def test_how_a_release_stands_is_not_in_the_results(world: World) -> None:
    found = world.check()
    proof = found.proof("run:rollback-window")
    assert proof is not None
    good = with_proof(found, proof, status=Status.PASSED, looked_at=1, remedy="")
    assert "run:rollback-window: only the records of releases say how it stands" in against(world, good)


def test_an_emulator_that_is_told_to_be_aws_is_found(world: World) -> None:
    found = world.check()
    assert against(world, found.model_copy(update={"emulator": False})) == [
        "results.json: an emulator is the sandbox, and nothing else is"
    ]


@pytest.mark.parametrize("name", ["rule:no-rule", "run:\u0435nd-to-end-tests", "framework:nowhere/T"])
def test_a_proof_that_the_catalogue_cannot_know_is_found(world: World, name: str) -> None:
    found = world.check()
    proof = next(each for each in found.proofs if each.proof_id.startswith(f"{name.partition(':')[0]}:"))
    strange = proof.model_copy(update={"proof_id": name, "level": Level(proof.level)})
    said = departures(
        found.model_copy(update={"proofs": (*found.proofs, strange)}), world.catalogue, setting_of("sandbox")
    )
    assert [each.message for each in said] == ["the catalogue knows no such proof"]


# --- no false refusal ---

SEEN: Final = (
    *(Status.PASSED, Status.FAILED, Status.ERROR),
    *(Status.NOT_EVALUATED, Status.NOT_APPLICABLE, Status.MANUAL_PENDING),
)


@settings(max_examples=40, deadline=None)
@given(
    environment=st.sampled_from(ENVIRONMENTS),
    odds=st.lists(st.integers(0, 9), min_size=len(SEEN), max_size=len(SEEN)).filter(any),
    seed=st.integers(0, 2**32),
)
@example(environment="sandbox", odds=[1, 0, 0, 0, 9, 0], seed=0)
def test_whatever_the_proofs_say_what_is_judged_by_them_is_not_refused(
    catalogue: Catalogue, environment: str, odds: list[int], seed: int
) -> None:
    drawn = Random(seed)  # noqa: S311  (an example, drawn again from its seed)
    made: dict[str, ProofResult] = {}
    proofs = engine.Proofs(
        {
            **dict.fromkeys(LEVELS, lambda reference: seen(reference, drawn.choices(SEEN, odds)[0])),
            "framework": lambda reference: engine.framework_proof(catalogue, reference, proofs),
        },
        made,
    )
    setting = setting_of(environment)
    items = engine.judge_items(catalogue, setting, proofs)
    controls = engine.judge_controls(catalogue, proofs)
    found = factory.results().model_copy(
        update={
            "environment": environment,
            "emulator": setting.embedded,
            "items": items,
            "controls": controls,
            "proofs": tuple(made[name] for name in sorted(made)),
            "waivers": (),
        }
    )
    assert contradictions(found) == ()
    assert departures(found, catalogue, setting) == ()


def seen(reference: Reference, status: Status) -> ProofResult:
    """A proof as a check makes it."""
    if str(reference) == "run:rollback-window":
        status = Status.NOT_EVALUATED
    return ProofResult(
        proof_id=str(reference),
        level=level_of(reference),
        title=f"The title of {reference}"[:500],
        status=status,
        expected="it is so",
        observed="it was seen",
        looked_at=int(status is Status.PASSED),
    )
