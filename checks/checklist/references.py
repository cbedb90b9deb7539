"""How an item names what proves it: ``kind:name``, and which level of proof each kind is."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from checks.checklist.model import Level


class Reference(NamedTuple):
    """One proof by its kind and name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


LEVELS: Final = {
    "rule": Level.TEMPLATE,  # a house rule by its id
    "rules": Level.TEMPLATE,  # every house rule of a subject: HASIVU-STO
    "gate": Level.TEMPLATE,  # what the gate finds beside the house rules
    "resource": Level.TEMPLATE,  # that a resource is there, by its name or its construct's path
    "probe": Level.LIVE,
    "run": Level.RUN,  # a whole run: a suite, a scan, a measurement
    "test": Level.RUN,  # one test, in all its cases
    "demo": Level.RUN,  # one step of the demonstration
    "bench": Level.RUN,  # one measured operation
    "function": Level.RUN,  # a function is deployed and built
    "record": Level.PERSON,
}
FRAMEWORK: Final = "framework"
"""All controls of a framework at one level: ``framework:pci-dss/T``."""

GATES: Final = ("assembly", "cdk-nag", "cfn-lint", "cloudformation", "size")
RUNS: Final = (
    "benchmarks",
    "coverage",
    "dependency-audit",
    "end-to-end-tests",
    "import-contracts",
    "infrastructure-tests",
    "integration-tests",
    "load-concurrent-users",
    "load-endurance",
    "load-expected",
    "load-spike",
    "load-stress",
    "mypy",
    "rollback-window",
    "ruff",
    "smoke",
    "static-security",
    "unit-tests",
)

ROLLBACK_WINDOW: Final = "run:rollback-window"
"""How the window of the last release stands: only the records of releases say it, and no check."""

_SHAPES: Final = {
    "rule": r"HASIVU-[A-Z0-9]{2,4}-\d{1,2}",
    "rules": r"HASIVU-[A-Z0-9]{2,4}",
    "gate": "|".join(GATES),
    "resource": r"[\w{}*/-]+",
    "probe": r"[a-z0-9]+(-[a-z0-9]+)*",
    "run": "|".join(RUNS),
    "test": r"tests/[\w/]+/test_\w+\.py(::Test\w+)?::test_\w+",
    "demo": r"[a-z0-9]+(-[a-z0-9]+)*",
    "bench": r"test_\w+",
    "function": r"[a-z]+(-[a-z]+)*",
    "record": r"[a-z0-9]+(-[a-z0-9]+)*",
    FRAMEWORK: r"[a-z0-9]+(-[a-z0-9]+)*/[TLRP]",
}


def parse(text: str) -> Reference:
    """The reference that ``text`` writes down. Raises ValueError, which says what is wrong with it."""
    kind, colon, name = text.partition(":")
    if not colon or kind not in _SHAPES:
        raise ValueError(f"{text!r} is of no known kind of proof ({', '.join(sorted(_SHAPES))})")
    if re.fullmatch(_SHAPES[kind], name) is None:
        raise ValueError(f"{text!r} does not name a {kind}")
    return Reference(kind, name)


def level_of(reference: Reference) -> Level:
    """The level of proof that ``reference`` can give."""
    if reference.kind == FRAMEWORK:
        return Level(reference.name[-1])
    return LEVELS[reference.kind]
