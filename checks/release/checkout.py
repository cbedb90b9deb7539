"""Whether a report says what this checkout says: by its catalogue, waivers and records."""

from __future__ import annotations

from pathlib import Path

from checks.checklist.applicability import setting_of
from checks.checklist.contradictions import Contradiction
from checks.checklist.digests import assembly_sha256
from checks.checklist.model import Results
from checks.toolchain import REPOSITORY


def against_checkout(
    results: Results, report: Path, assembly: Path | None = None
) -> tuple[Contradiction, ...]:
    """Where the results are not what this checkout, its catalogue, waivers and records, makes of their
    proofs, and those of runs not what the evidence in the ``report``'s folder shows. Where ``assembly`` is
    that of the results, what they say of the template is read anew off it."""
    from checks.checklist.catalogue import load  # noqa: PLC0415 - boto3, and only where the gate asks
    from checks.checklist.committed import uncommitted  # noqa: PLC0415
    from checks.checklist.departures import departures  # noqa: PLC0415
    from checks.checklist.seen_again import not_acknowledged, not_recorded, not_shown  # noqa: PLC0415
    from checks.rules.assembly import read_estate  # noqa: PLC0415
    from checks.rules.validation_report import read_acknowledgements  # noqa: PLC0415

    catalogue, setting = load(), setting_of(results.environment)
    if assembly is not None and assembly_sha256(assembly) != results.assembly_sha256:
        assembly = None
    estate = None if assembly is None else read_estate(assembly, environment=results.environment)
    return (
        *departures(results, catalogue, setting),
        *uncommitted(results, catalogue, estate=estate, repository=REPOSITORY),
        *not_recorded(results, report, estate, runtime=REPOSITORY / "runtime"),
        *(() if estate is None else not_shown(results, estate, setting)),
        *(() if assembly is None else not_acknowledged(results, read_acknowledgements(assembly))),
    )
