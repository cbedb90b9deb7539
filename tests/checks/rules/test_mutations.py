"""At least 95 of 100 weaknesses planted in production's own templates are named by some rule."""

from collections.abc import Callable

import pytest

from checks.rules.catalogue import examine, findings, rules
from checks.rules.estate import Estate
from stacks.environment import ENVIRONMENT_NAMES
from tests.checks.rules.mutations import WEAKNESSES

KILLED_MIN = 0.95
PLANTED_MIN = 120

Deployed = Callable[[str], Estate]


@pytest.mark.parametrize("environment", ENVIRONMENT_NAMES)
def test_nothing_is_found_in_what_is_deployed(environment: str, deployed: Deployed) -> None:
    """What a pack finds may be accepted at its construct; what a house rule finds is put right."""
    found = examine(deployed(environment))

    assert [f"{item.rule_id} {item.stack}/{item.logical_id} {item.evidence}" for item in found] == []


def is_named(weak: Estate, names: frozenset[str], *, by: str, beside: set[tuple[str, str, str]]) -> bool:
    """Whether some rule names one of ``names`` anew. The rule that should is asked first: it mostly does."""
    ordered = sorted(rules(), key=lambda rule: rule.rule_id != by)
    return any(
        finding.logical_id in names and (finding.rule_id, finding.logical_id, finding.path) not in beside
        for rule in ordered
        for finding in findings(rule, weak)
    )


def test_planted_weaknesses_are_named(deployed: Deployed) -> None:
    clean = deployed("prod")
    already = {(item.rule_id, item.logical_id, item.path) for item in examine(clean)}
    planted, survived = 0, []
    for weakness in WEAKNESSES:
        try:
            weak = weakness.plant(clean.templates)
        except (AssertionError, AttributeError, IndexError, KeyError, TypeError):
            continue  # the real resource is shaped so that this cannot be planted
        if weak is None:
            continue
        planted += 1
        templates, names = weak
        if not is_named(clean.with_templates(templates), names, by=weakness.rule_id, beside=already):
            survived.append(str(weakness))

    assert planted >= PLANTED_MIN
    assert len(survived) <= planted * (1 - KILLED_MIN), "\n".join(survived)
