"""The table of everything that is read back, and what of the templates it leaves out."""

from __future__ import annotations

from checks.probes import (
    access,
    beside,
    buckets,
    databases,
    deployed,
    functions,
    gateway,
    governance,
    health,
    messages,
    objectives,
    secret_values,
    transport,
    versions,
    watching,
)
from checks.probes.model import Fact, Line, Probe

_MODULES = (
    access,
    buckets,
    databases,
    functions,
    gateway,
    governance,
    messages,
    watching,
)

LINES: tuple[Line, ...] = tuple(line for module in _MODULES for line in module.LINES)
FACTS: tuple[Fact, ...] = (
    *(fact for module in _MODULES for fact in module.FACTS),
    *beside.FACTS,
    *deployed.FACTS,
    *health.FACTS,
    *secret_values.FACTS,
    *transport.FACTS,
    *versions.FACTS,
)
OF_STACKS = (deployed.STACKS, deployed.TEMPLATES, deployed.RESOURCES)

PROBES: tuple[Probe, ...] = tuple(
    sorted(
        {*(line.probe for line in LINES), *(fact.probe for fact in FACTS), *OF_STACKS, *objectives.PROBES},
        key=lambda probe: probe.name,
    )
)
"""Every probe, by name."""


def covered(kind: str, path: str) -> bool:
    """Whether the table reads the top-level property ``path`` of ``kind``, all or part of it."""
    return (kind, path) in _COVERED


_COVERED = frozenset((line.kind, line.path.partition(".")[0]) for line in LINES) | frozenset(
    {
        ("AWS::Lambda::Function", "Code"),
        ("AWS::Lambda::LayerVersion", "Content"),
        ("AWS::ApiGateway::RestApi", "Body"),
        *(
            ("AWS::Lambda::Permission", name)
            for name in ("Action", "FunctionName", "Principal", "SourceAccount", "SourceArn")
        ),
    }
)
"""Read by a line, or as a whole by a fact (code, routes, permissions)."""
