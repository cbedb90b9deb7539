"""Problem documents: RFC 9457, and codes on which clients may branch for ever."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.errors import CATALOGUE, INTERNAL, FieldError, Problem, ProblemCatalogue, ProblemType

PROMISED = Path(__file__).with_name("problem_codes.json")
"""Every code that was ever given out, with its status. A line may be added; none may change or go."""

kinds = st.sampled_from(sorted(CATALOGUE.kinds.values(), key=lambda kind: kind.code))


def test_codes_and_statuses_are_those_that_were_promised() -> None:
    promised = json.loads(PROMISED.read_text(encoding="utf-8"))
    assert {code: kind.status for code, kind in CATALOGUE.kinds.items()} == promised


@given(kinds, st.text(min_size=1), st.text(min_size=1, max_size=40))
def test_a_document_has_the_members_of_the_rfc_and_ours(
    kind: ProblemType, detail: str, instance: str
) -> None:
    assert Problem(kind, detail).document(instance) == {
        "type": f"urn:hasivu:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": kind.code,
        "next_step": kind.next_step,
        "instance": f"urn:request:{instance}",
    }


@given(kinds)
def test_every_kind_can_be_acted_on(kind: ProblemType) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert kind.status == 200 or 400 <= kind.status <= 599
    assert kind.title[0].isupper()
    assert not kind.title.endswith(".")
    assert kind.next_step.endswith(".")


def test_no_two_kinds_have_the_same_title() -> None:
    titles = Counter(kind.title for kind in CATALOGUE.kinds.values())
    assert titles.most_common(1)[0][1] == 1


def test_fields_and_further_members_are_told() -> None:
    problem = Problem(
        INTERNAL, "x", errors=[FieldError("/a", "b")], extensions={"payment_id": "p"}, retry_after_s=3
    )
    document = problem.document("r")
    assert document["errors"] == [{"pointer": "/a", "reason": "b"}]
    assert document["payment_id"] == "p"
    assert problem.retry_after_s == 3
    assert str(problem) == "internal: x"


def test_a_code_can_be_declared_only_once() -> None:
    catalogue = ProblemCatalogue()
    catalogue.declare("a-code", 400, "A", "B.")
    with pytest.raises(ValueError, match="twice"):
        catalogue.declare("a-code", 401, "C", "D.")
