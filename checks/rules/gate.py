"""The gate: one checked synth of an environment, and every reason why it must not be deployed.

Everything that could make the gate pass without having looked is itself a reason: a pack that did not run,
a report that is missing, an acknowledgement that nobody needs any more.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from checks import toolchain
from checks.errors import ExitCode, HasivuError
from checks.rules.acknowledgements import Unsound, unsound
from checks.rules.validation_report import (
    REPORT,
    OpenFinding,
    PackReport,
    Suppressed,
    read_acknowledgements,
    read_report,
    resource_counts,
)

HOUSE_RULES = "HASIVU-House-Rules"
CLOUDFORMATION = "CloudFormation Validate"
REQUIRED_PACKS = ("AwsSolutions", "Serverless", "NIST.800.53.R5", "PCI.DSS.321", HOUSE_RULES, CLOUDFORMATION)
"""Every pack that must report on the deliberately bad app; the last is the CDK's own."""

AS_DEPLOYED = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
"""What the CDK's command line sets. Without it the templates differ from those that are deployed, down to
the logical id of the API's deployment."""

RESOURCES_MAX = 450
_TIMEOUT_S = 300
_SHOWN_LINES = 30


@dataclass(frozen=True, slots=True)
class Lint:
    """One finding of cfn-lint."""

    rule: str
    template: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate saw. It passes only if nothing at all speaks against it."""

    environment: str
    on: date
    packs: Mapping[str, str]
    """Every pack that must run, with ``ran`` or why it counts as not run."""
    open: tuple[OpenFinding, ...]
    unsound: tuple[Unsound, ...]
    lint: tuple[Lint, ...]
    suppressed: tuple[Suppressed, ...]
    resources: Mapping[str, int]
    took_s: float

    @property
    def passed(self) -> bool:
        """Whether the environment may be deployed."""
        return (
            all(state == "ran" for state in self.packs.values())
            and not (self.open or self.unsound or self.lint)
            and all(1 <= count <= RESOURCES_MAX for count in self.resources.values())
            and bool(self.resources)
        )


def run(environment: str, *, into: Path, today: date, context: Mapping[str, str] | None = None) -> Verdict:
    """Synthesise ``environment`` once, checked, into ``into`` (emptied first), and judge it as of ``today``.

    Error: ``SYNTH_FAILED`` where there is nothing to judge.
    """
    began = time.monotonic()
    assembly, bad = into / "assembly", into / "bad-app"
    for folder in (assembly, bad):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        proof = pool.submit(_python, ["-m", "checks.rules.bad_app", str(bad)], {})
        real = pool.submit(_synthesise, environment, assembly, context or {})
        said = real.result()
        if not (assembly / REPORT).is_file():
            raise _not_synthesised(environment, said)
        lint = tuple(found for part in pool.map(_lint, _halves(assembly)) for found in part)
        proof.result()
    try:
        return judge(environment, assembly, bad, lint=lint, today=today, took_s=time.monotonic() - began)
    except (AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise _not_synthesised(environment, f"{said}\n{type(error).__name__}: {error}") from error


def _not_synthesised(environment: str, said: str) -> HasivuError:
    return HasivuError(
        "SYNTH_FAILED",
        f"The environment {environment} could not be synthesised with its checks.",
        detail=said,
        next_step=f"put right what it says, then see it again with `hasivu gate --env {environment}`",
        exit_code=ExitCode.BUILD,
    )


def judge(
    environment: str, assembly: Path, bad: Path, *, lint: Sequence[Lint], today: date, took_s: float
) -> Verdict:
    """The verdict on the checked ``assembly``, given the checked bad app in ``bad``."""
    packs = read_report(assembly)
    counts = resource_counts(assembly)
    acknowledged = read_acknowledgements(assembly)
    return Verdict(
        environment,
        today,
        _states(packs, bad, frozenset(counts)),
        tuple(finding for pack in packs for finding in pack.open),
        tuple(unsound(acknowledged, packs, today=today, stacks=frozenset(counts))),
        tuple(lint),
        tuple(item for pack in packs for item in pack.suppressed),
        counts,
        took_s,
    )


def _states(packs: Sequence[PackReport], bad: Path, stacks: frozenset[str]) -> dict[str, str]:
    """Whether each required pack ran: it must have complained of the bad app, crashed in neither, and
    reported once, of the ``stacks`` of this assembly."""
    try:
        proved = {pack.name: pack for pack in read_report(bad)}
    except (FileNotFoundError, KeyError, ValueError):
        proved = {}
    real: dict[str, list[PackReport]] = {}
    for pack in packs:
        real.setdefault(pack.name, []).append(pack)
    return {
        name: _state(real.get(name, []), proved.get(name), stacks)
        for name in sorted({*REQUIRED_PACKS, *real})
    }


def _state(reports: Sequence[PackReport], proved: PackReport | None, stacks: frozenset[str]) -> str:
    if len(reports) > 1:
        return f"reported {len(reports)} times: one of them may hide another"
    real = reports[0] if reports else None
    for place in () if real is None else real.places():
        if "/" in place and place.strip("/").split("/")[0] not in stacks:
            return f"of another assembly: {place} is in none of the stacks"
    if real is not None and (real.error or (real.conclusion != "success" and not real.open)):
        return f"crashed: {real.error or 'a failure without findings'}"
    if proved is not None and proved.error:
        return f"crashed on the bad app: {proved.error}"
    if proved is None or not proved.open:
        return "absent: it did not complain of the bad app"
    return "ran"


def _synthesise(environment: str, assembly: Path, context: Mapping[str, str]) -> str:
    values = {"env": environment, "checks": "on", **AS_DEPLOYED, **context}
    return _python(["app.py"], {"CDK_CONTEXT_JSON": json.dumps(values), "CDK_OUTDIR": str(assembly)})


def _python(arguments: Sequence[str], variables: Mapping[str, str]) -> str:
    """Run the project's Python; what it said last. That it fails is no failure here: the report decides."""
    environment = toolchain.tool_environment() | dict(variables)
    environment.pop("CDK_VALIDATION", None)
    try:
        result = _run([sys.executable, *arguments], environment)
    except subprocess.TimeoutExpired:
        return f"{' '.join(arguments)} did not end within {_TIMEOUT_S} seconds"
    return "\n".join((result.stdout + result.stderr).strip().splitlines()[-_SHOWN_LINES:])


def _run(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command),
        cwd=toolchain.REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def _halves(assembly: Path) -> tuple[list[Path], list[Path]]:
    """The assembly's templates in two parts of about the same size, for two processes."""
    templates = sorted(assembly.rglob("*.template.json"), key=lambda path: (-path.stat().st_size, path.name))
    return templates[:1], templates[1:]


def _lint(templates: Sequence[Path]) -> tuple[Lint, ...]:
    """What cfn-lint finds in ``templates``, as .cfnlintrc asks. Error: ``LINT_FAILED`` if it cannot say."""
    if not templates:
        return ()
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--format", "json", "--"]
    result = _run([*command, *map(str, templates)])
    try:
        found = json.loads(result.stdout or "null")
    except ValueError:
        found = None
    if not isinstance(found, list) or (result.returncode != 0 and not found):
        raise HasivuError(
            "LINT_FAILED",
            "cfn-lint did not say what it found.",
            detail=result.stderr[-2000:],
            next_step="run `make tools`, which installs it from the committed lock file",
            exit_code=ExitCode.TOOLCHAIN,
        )
    return tuple(
        Lint(
            item["Rule"]["Id"],
            Path(item["Filename"]).name,
            "/".join(str(part) for part in item["Location"].get("Path") or []),
            item["Message"],
        )
        for item in found
    )
