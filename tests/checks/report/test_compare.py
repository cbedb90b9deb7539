"""What changed between two results: named by what it is, in every environment the same, setbacks first."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.checklist.model import SATISFIED, Results, Status, WaiverState
from checks.report.compare import SETBACKS, Change, Kind, compare
from checks.report.compare_text import markdown, text
from tests.checks.report.factory import AT, HOSTILE, digest, earlier, results, subject


def with_status(status: Status, found: Results | None = None, **changes: Any) -> Results:
    """The results with their first item, alone, as it is named."""
    found = found or results()
    item = found.items[0].model_copy(update={"status": status, **changes})
    return found.model_copy(update={"items": (item, *found.items[1:]), "controls": (), "proofs": ()})


def changes(before: Results, after: Results) -> list[Change]:
    return [change for change in compare(before, after).changes if not change.kind.value.endswith("go")]


def kinds(before: Results, after: Results) -> list[Kind]:
    return [change.kind for change in changes(before, after)]


def test_nothing_changes_between_the_same_results() -> None:
    assert compare(results(), results()).changes == ()
    assert compare(results(), results(environment="staging")).changes == ()
    assert text(compare(results(), results())).endswith("Nothing changed.\n")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (Status.PASSED, Status.FAILED, Kind.NEW_FAIL),
        (Status.PASSED, Status.ERROR, Kind.NEW_FAIL),
        (Status.WAIVED, Status.FAILED, Kind.NEW_FAIL),
        (Status.NOT_APPLICABLE, Status.FAILED, Kind.NEW_FAIL),
        (Status.FAILED, Status.PASSED, Kind.FIXED),
        (Status.NOT_EVALUATED, Status.ATTESTED, Kind.FIXED),
        (Status.PASSED, Status.NOT_EVALUATED, Kind.WORSE),
        (Status.ATTESTED, Status.MANUAL_PENDING, Kind.WORSE),
        (Status.PASSED, Status.WAIVED, Kind.WORSE),
        (Status.FAILED, Status.WAIVED, Kind.BETTER),
        (Status.ERROR, Status.NOT_EVALUATED, Kind.BETTER),
        (Status.PASSED, Status.ATTESTED, Kind.VOUCHED),
        (Status.FAILED, Status.NOT_APPLICABLE, Kind.CATALOGUE),
        (Status.PASSED, Status.NOT_APPLICABLE, Kind.CATALOGUE),
    ],
)
def test_how_an_item_moved_has_a_name(before: Status, after: Status, kind: Kind) -> None:
    assert kinds(with_status(before), with_status(after)) == [kind]


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_a_setback_there_is_no_setback_back(before: Status, after: Status) -> None:
    one, other = (
        kinds(with_status(before), with_status(after)),
        kinds(with_status(after), with_status(before)),
    )
    assert bool(one) == bool(other) == (before is not after)
    if one:
        assert not (one[0] in SETBACKS and other[0] in SETBACKS) or {before, after} == {
            Status.FAILED,
            Status.ERROR,
        }
        if after in SATISFIED:
            assert one[0] not in SETBACKS


def test_the_verdict_comes_first() -> None:
    found = results(items=results().items[:1])
    before, after = (
        with_status(Status.PASSED, found, blocking=True),
        with_status(Status.FAILED, found, blocking=True),
    )
    assert (before.go, after.go) == (True, False)
    assert compare(before, after).changes[0].kind is Kind.VERDICT_WORSE
    assert Kind.VERDICT_BETTER in compare(after, before).by_kind()


def test_a_resource_more_is_a_setback_and_one_less_is_not() -> None:
    found = results()
    proof = next(proof for proof in found.proofs if proof.status is Status.FAILED)

    def against(*names: int, environment: str = "prod") -> Results:
        own = proof.model_copy(update={"against": tuple(subject(name, environment) for name in names)})
        return found.model_copy(update={"proofs": (own,), "environment": environment})

    more = changes(against(1), against(1, 2, environment="staging"))
    assert [(change.kind, change.after) for change in more] == [
        (Kind.NEW_RESOURCE, "Data/Payments/Payments2Table")
    ]
    assert kinds(against(1, 2), against(1)) == [Kind.RESOURCE_FIXED]


def test_a_proof_that_is_gone_is_a_setback_if_it_passed() -> None:
    found = results(controls=())
    gone = found.model_copy(update={"proofs": found.proofs[1:]})
    assert found.proofs[0].status is Status.PASSED
    assert kinds(found, gone) == [Kind.WORSE]
    assert kinds(gone, found) == []


def test_a_waiver_is_added_ends_is_prolonged_and_is_withdrawn() -> None:
    found = results()
    waiver = found.waivers[0]

    def having(*waivers: Any) -> Results:
        return found.model_copy(update={"waivers": waivers})

    expired = waiver.model_copy(update={"state": WaiverState.EXPIRED})
    longer = waiver.model_copy(update={"expires": waiver.expires + timedelta(days=9)})  # type: ignore[operator]
    assert kinds(having(), having(waiver)) == [Kind.WAIVER_ADDED]
    assert kinds(having(waiver), having(expired)) == [Kind.WAIVER_ENDED]
    assert kinds(having(), having(expired)) == [Kind.WAIVER_ENDED]
    assert kinds(having(waiver), having(longer)) == [Kind.WAIVER_ADDED]
    assert kinds(having(waiver), having()) == [Kind.WAIVER_GONE]


def test_evidence_goes_stale_by_the_day_in_india_and_is_told_once() -> None:
    found = results()
    attestation = next(each for each in found.evidence if each.valid_until is not None)
    last = attestation.model_copy(
        update={"valid_until": AT.date()}
    )  # 26 November; in India it is the 27th at 20:05 UTC

    def at(hours: int) -> Results:
        return found.model_copy(update={"evidence": (last,), "generated_at": AT + timedelta(hours=hours)})

    assert kinds(at(-3), at(-2)) == []
    assert kinds(at(-3), at(0)) == [Kind.EVIDENCE_STALE]
    assert kinds(at(0), at(24)) == []
    assert kinds(at(0), found.model_copy(update={"evidence": ()})) == [Kind.EVIDENCE_GONE]


def test_what_is_asked_differently_is_told() -> None:
    found = results()
    easier = with_status(found.items[0].status, found, blocking=not found.items[0].blocking)
    assert kinds(with_status(found.items[0].status), easier) == [Kind.CATALOGUE]
    assert kinds(found, found.model_copy(update={"catalogue_sha256": digest("other")})) == [Kind.CATALOGUE]
    fewer = found.model_copy(update={"items": found.items[1:]})
    assert Kind.CATALOGUE in kinds(found, fewer)
    assert Kind.CATALOGUE in kinds(fewer, found)


def test_setbacks_come_before_what_is_better() -> None:
    found = compare(earlier(), results()).changes
    order = [list(Kind).index(change.kind) for change in found]
    assert order == sorted(order)
    assert {change.kind for change in found} >= {Kind.NEW_FAIL, Kind.FIXED, Kind.WORSE, Kind.CATALOGUE}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_words_in_text_and_markdown(name: str) -> None:
    found = results()
    renamed = with_status(Status.FAILED, found, text=name)
    comparison = compare(with_status(Status.PASSED, found), renamed)
    shown = markdown(comparison)
    assert "<" not in shown
    assert "@everyone" not in shown
    assert "](" not in re.sub(r"\\.", "", shown)
    assert "\u202e" not in text(comparison)
    assert "\x1b" not in text(comparison)
