"""Each rule names the weakness that it is for, and says nothing of a sound estate."""

import pytest

from checks.rules.catalogue import examine, rules
from tests.checks.rules import sound
from tests.checks.rules.mutations import WEAKNESSES
from tests.checks.rules.planting import Weakness

UNPLANTED = {
    "HASIVU-DDB-8": "planted below: the sound estate's books need a role that may reach them",
    "HASIVU-DEL-3": "is of the stack, not of its template",
    "HASIVU-IAM-10": "planted below",
}
"""Rules whose weakness is not one change of one resource."""


def test_a_sound_estate_is_found_sound() -> None:
    assert [f"{f.rule_id} {f.logical_id} {f.evidence}" for f in examine(sound.estate())] == []


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=str)
def test_the_rule_names_what_is_weak(weakness: Weakness) -> None:
    planted = weakness.plant(sound.known().templates)
    assert planted is not None, "the sound estate has nothing to weaken"
    weak, names = planted
    (rule,) = (rule for rule in rules() if rule.rule_id == weakness.rule_id)

    found = list(rule.findings(sound.known().with_templates(weak)))

    assert {finding.logical_id for finding in found} & names


def test_every_rule_has_a_weakness_that_it_names() -> None:
    planted = {weakness.rule_id for weakness in WEAKNESSES} | set(UNPLANTED)

    assert sorted({rule.rule_id for rule in rules()} - planted) == []
