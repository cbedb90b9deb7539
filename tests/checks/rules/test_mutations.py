"""At least 95 of 100 weaknesses planted in production's own templates are named by some rule."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.rules.catalogue import examine, findings, rules
from checks.rules.estate import Estate
from stacks.environment import ENVIRONMENT_NAMES
from tests.checks.rules.mutations import WEAKNESSES

KILLED_MIN = 0.95
PLANTED_MIN = 120

Deployed = Callable[[str], Estate]


STILL_TO_BUILD: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "still_to_build.json").read_text(encoding="utf-8")
)
"""What the rules miss because it is not built yet: the firewall, backups, request validation and their like.
The gate is red for as long as an environment has any of it."""


@pytest.mark.parametrize("environment", ENVIRONMENT_NAMES)
def test_nothing_is_found_but_what_is_still_to_be_built(environment: str, deployed: Deployed) -> None:
    """What is acknowledged instead of put right is not found by a house rule; the packs are the gate's.

    The list only shrinks: what is found and not on it is a weakness, what is on it and not found has to go.
    """
    found = examine(deployed(environment))

    assert (
        sorted(f"{item.rule_id} {item.stack}/{item.logical_id}" for item in found)
        == STILL_TO_BUILD[environment]
    )


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
