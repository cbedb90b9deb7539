"""`hasivu diff`: both sides synthesised, compared, and alike environments told once."""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from checks.diff import sides
from checks.diff.assembly import Assembly, comparable
from checks.diff.compare import resource_changes, same
from checks.diff.irreversible import costly
from checks.diff.model import Effect, EnvironmentDiff, Report, ResourceChange
from checks.diff.pairing import moves, publications
from checks.diff.permissions import broadened
from checks.diff.resource_spec import ResourceSpec, read_spec
from checks.diff.switches import weakened
from checks.errors import ExitCode, HasivuError
from checks.progress import Reporter, Silent
from checks.toolchain import REPOSITORY


def diff(
    base: str,
    *,
    environments: Sequence[str] = (),
    repository: Path = REPOSITORY,
    reporter: Reporter | None = None,
) -> Report:
    """What the working tree of `repository` would change since it left `base`, per environment.

    `environments` are names of files in environments/; none means all but the sandbox. Errors:
    `REVISION_UNKNOWN`, `ENVIRONMENT_UNKNOWN`, `SYNTH_FAILED`, `TOOL_MISSING`.
    """
    say: Reporter = reporter if reporter is not None else Silent()
    spec = read_spec()
    commit = sides.merge_base(base, repository=repository)
    with tempfile.TemporaryDirectory(prefix="hasivu-diff-") as folder:
        root = Path(folder)
        with say.step(f"take the merge base {commit[:12]} apart"):
            sides.extract(commit, root / "base", repository=repository)
            before = sides.prepare(f"the base {commit[:12]}", root / "base", root / "base-bundles")
            after = sides.prepare("this checkout", repository, root / "head-bundles")
        known = sorted({*sides.environments(before), *sides.environments(after)})
        found = []
        for name in environments or known:
            if name not in known and name != "sandbox":
                raise _unknown(name, known)
            with say.step(f"synthesise both sides of {name}"):
                old, new = _both(before, after, name, root / "assemblies")
            found.append(compare(name, old, new, spec=spec))
    return Report(base=commit[:12], head="the working tree", diffs=tuple(together(found)))


def compare(environment: str, base: Assembly, head: Assembly, *, spec: ResourceSpec) -> EnvironmentDiff:
    """Everything that differs between two assemblies of one environment."""
    renames = publications(base, head)
    before, after = comparable(base), comparable(head, renames)
    moved = moves(before, after, spec)
    changes, findings = resource_changes(
        before,
        after,
        moved=moved,
        published=frozenset(f"{stack}/{old}" for (stack, _), old in renames.items()),
        spec=spec,
    )
    findings += costly(before, after)
    findings += broadened(before, after)
    findings += weakened(before, after, moved=frozenset(move.source for move in moved))
    return EnvironmentDiff(
        environments=(environment,),
        changes=tuple(changes),
        findings=tuple(dict.fromkeys(findings)),
        notes=tuple(_notes(before, after)),
    )


def _both(before: sides.Side, after: sides.Side, name: str, folder: Path) -> tuple[Assembly, Assembly]:
    """Both sides at once: each is a process of its own."""
    with ThreadPoolExecutor(2) as pool:
        old = pool.submit(sides.synthesised, before, name, folder / f"base-{name}")
        new = pool.submit(sides.synthesised, after, name, folder / f"head-{name}")
        return old.result(), new.result()


def together(diffs: Sequence[EnvironmentDiff]) -> list[EnvironmentDiff]:
    """One diff for environments that differ in nothing but their names."""
    alike: dict[str, list[EnvironmentDiff]] = defaultdict(list)
    for diff_of_one in diffs:
        (name,) = diff_of_one.environments
        written = json.dumps(asdict(replace(diff_of_one, environments=(), changes=_nameless(diff_of_one))))
        alike[re.sub(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", "{env}", written)].append(diff_of_one)
    return [
        replace(group[0], environments=tuple(name for item in group for name in item.environments))
        for group in alike.values()
    ]


def _nameless(diff: EnvironmentDiff) -> tuple[ResourceChange, ...]:
    """Its changes without the logical ids of snapshots, which are hashes of what an environment has."""
    return tuple(
        replace(change, logical_id="") if change.effect is Effect.PUBLISHED else change
        for change in diff.changes
    )


def _notes(base: Assembly, head: Assembly) -> list[str]:
    notes = [f"the stack {head[stack].name} is new" for stack in sorted(head.keys() - base.keys())]
    for stack_id in sorted(base.keys() & head.keys()):
        before, after = base[stack_id], head[stack_id]
        for section in sorted({*before.template, *after.template} - {"Resources", "Metadata"}):
            old, new = before.template.get(section, {}), after.template.get(section, {})
            if not isinstance(old, dict) or not isinstance(new, dict):
                if not same(old, new):
                    notes.append(f"{stack_id}: {section} changes")
                continue
            notes += [
                f"{stack_id}: {section} {name} is {'removed' if name not in new else 'added'}"
                for name in sorted(old.keys() ^ new.keys())
            ]
            notes += [
                f"{stack_id}: {section} {name} changes"
                for name in sorted(old.keys() & new.keys())
                if not same(old[name], new[name])
            ]
    return notes


def _unknown(name: str, known: Sequence[str]) -> HasivuError:
    return HasivuError(
        "ENVIRONMENT_UNKNOWN",
        f"There is no environments/{name}.toml on either side.",
        next_step=f"choose from {', '.join(known)}",
        exit_code=ExitCode.USAGE,
    )
