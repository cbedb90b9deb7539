"""How something stands: fail-closed, a lower level never for a higher one, in any order of proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.checklist.catalogue import Catalogue, Control, Framework
from checks.checklist.engine import Proofs, judge_controls
from checks.checklist.model import SATISFIED, WORST_FIRST, Level, ProofResult, Status
from checks.checklist.stand import ALWAYS_COUNTS, stand

STATUSES = st.sampled_from(list(Status))
LEVELS = st.lists(st.sampled_from(list(Level)), min_size=1, unique=True)


def proof(level: Level, status: Status, name: str = "it") -> ProofResult:
    return ProofResult(
        proof_id=f"test:{name}",
        level=level,
        title="It works",
        status=status,
        expected="it works",
        observed=f"it is {status.value}",
        looked_at=1,
        remedy="" if status in SATISFIED else "Mend it.",
    )


def proofs(**found: Sequence[Status]) -> dict[Level, list[ProofResult]]:
    return {
        Level(letter): [proof(Level(letter), status, f"{letter}{n}") for n, status in enumerate(statuses)]
        for letter, statuses in found.items()
    }


FOUND = st.dictionaries(st.sampled_from("TLRP"), st.lists(STATUSES, min_size=1, max_size=4)).map(
    lambda found: proofs(**found)
)


@given(LEVELS, FOUND)
def test_satisfied_means_that_every_level_that_is_asked_for_is(
    required: list[Level], found: Mapping[Level, Sequence[ProofResult]]
) -> None:
    verdict = stand(required, found)
    if verdict.status in SATISFIED:
        for level in required:
            statuses = {each.status for each in found.get(level, ())}
            assert statuses <= SATISFIED | {Status.NOT_APPLICABLE}
        assert any(each.status in SATISFIED for level in required for each in found.get(level, ()))


@given(LEVELS, FOUND)
def test_what_is_wrong_anywhere_is_never_satisfied(
    required: list[Level], found: Mapping[Level, Sequence[ProofResult]]
) -> None:
    wrong = {each.status for proofs in found.values() for each in proofs} & ALWAYS_COUNTS
    if wrong:
        assert stand(required, found).status == min(wrong, key=WORST_FIRST.index)


@given(LEVELS, FOUND)
def test_one_more_bad_proof_never_makes_it_better(
    required: list[Level], found: Mapping[Level, Sequence[ProofResult]]
) -> None:
    before = stand(required, found).status
    level = required[0]
    after = stand(required, {**found, level: [*found.get(level, ()), proof(level, Status.NOT_EVALUATED)]})
    order = [*WORST_FIRST, Status.NOT_APPLICABLE]
    assert order.index(after.status) <= order.index(before)


@given(LEVELS, FOUND)
def test_there_is_always_a_reason_and_a_next_step_where_something_is_open(
    required: list[Level], found: Mapping[Level, Sequence[ProofResult]]
) -> None:
    verdict = stand(required, found)
    assert verdict.reason
    if verdict.status not in SATISFIED | {Status.NOT_APPLICABLE}:
        assert verdict.remedy


@pytest.mark.parametrize(
    ("required", "found", "status"),
    [
        ("T", {"T": [Status.PASSED]}, Status.PASSED),
        ("TL", {"T": [Status.PASSED]}, Status.NOT_EVALUATED),
        ("L", {"T": [Status.PASSED]}, Status.NOT_EVALUATED),
        ("T", {"T": [Status.PASSED], "L": [Status.NOT_EVALUATED]}, Status.PASSED),
        ("T", {"T": [Status.PASSED], "L": [Status.FAILED]}, Status.FAILED),
        ("T", {"T": [Status.PASSED], "L": [Status.ERROR]}, Status.ERROR),
        ("T", {"T": [Status.PASSED, Status.FAILED]}, Status.FAILED),
        ("T", {"T": [Status.PASSED, Status.NOT_APPLICABLE]}, Status.PASSED),
        ("T", {"T": [Status.NOT_APPLICABLE]}, Status.NOT_APPLICABLE),
        ("TP", {"T": [Status.PASSED], "P": [Status.ATTESTED]}, Status.ATTESTED),
        ("TP", {"T": [Status.PASSED], "P": [Status.MANUAL_PENDING]}, Status.MANUAL_PENDING),
        ("T", {"T": [Status.WAIVED, Status.PASSED]}, Status.WAIVED),
        ("T", {}, Status.NOT_EVALUATED),
    ],
)
def test_worked_examples(required: str, found: dict[str, list[Status]], status: Status) -> None:
    levels = [Level(letter) for letter in required]
    assert stand(levels, proofs(**found)).status is status


def test_the_reason_names_the_first_proof_that_decides_and_how_many_do() -> None:
    found = proofs(T=[Status.PASSED, Status.FAILED, Status.FAILED], P=[Status.MANUAL_PENDING])
    verdict = stand([Level.TEMPLATE, Level.PERSON], found)
    assert verdict.reason == "It works: it is fail (2 of 3 proofs, first test:T1)."
    assert verdict.remedy == "Mend it."


def test_proven_are_the_levels_that_are_satisfied_whether_asked_for_or_not() -> None:
    found = proofs(T=[Status.PASSED], L=[Status.FAILED], P=[Status.ATTESTED])
    assert stand([Level.LIVE], found).proven == (Level.TEMPLATE, Level.PERSON)


@pytest.mark.parametrize("status", [Status.ATTESTED, Status.MANUAL_PENDING])
def test_where_no_machine_proves_a_control_a_persons_record_does_and_the_report_says_why(
    status: Status,
) -> None:
    control = Control(
        id="1", meaning="It is so", levels="R", P=("record:uat",), people={"R": "It is done by hand."}
    )
    house = Framework(slug="house", name="House", prefix="HOUSE", source="the house", control=(control,))
    catalogue = Catalogue((), (house,), {})
    (result,) = judge_controls(catalogue, Proofs({"record": lambda _: proof(Level.PERSON, status)}))
    assert result.required == (Level.PERSON,)
    assert result.status is status
    assert result.reason.endswith("It is done by hand.")


@pytest.mark.parametrize("status", [Status.PASSED, Status.FAILED, Status.NOT_EVALUATED])
def test_a_probe_that_names_a_control_decides_it(status: Status) -> None:
    control = Control(id="AC-2", meaning="Few may do everything", levels="L")
    house = Framework(slug="sox", name="SOX", prefix="SOX", source="the house", control=(control,))
    made = Proofs(
        {
            "rule": lambda reference: proof(Level.TEMPLATE, Status.PASSED, reference.name),
            "probe": lambda reference: proof(Level.LIVE, status, reference.name),
        }
    )
    (result,) = judge_controls(Catalogue((), (house,), {}), made)
    assert [name for name in made.made if name.startswith("probe:")] == ["probe:roles"]
    assert result.status is status
