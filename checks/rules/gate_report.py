"""What the gate says: JSON for machines, CSV for spreadsheets, Markdown for a pull request."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from checks.escaping import csv_cell, markdown_cell
from checks.rules.acknowledgements import parse
from checks.rules.gate import RESOURCES_MAX, Verdict
from checks.rules.rule import show

RETIRED = (
    "PCI DSS 3.2.1 (the pack PCI.DSS.321) was retired by the PCI Security Standards Council on 31 March "
    "2024; what 4.0.1 asks of templates is held by the house rules. Neither says that anything is compliant."
)
COLUMNS = ("kind", "pack", "rule", "severity", "where", "evidence", "remedy", "controls")
MARKDOWN_ROWS_MAX = 200

Row = tuple[str, str, str, str, str, str, str, str]


def rows(verdict: Verdict) -> Iterator[Row]:
    """Everything that speaks against the environment, a row each."""
    for pack, state in verdict.packs.items():
        if state != "ran":
            yield ("pack", pack, "", "error", "", state, "Make the pack run; see checks/rules/packs.py.", "")
    for found in verdict.open:
        yield (
            "finding",
            found.pack,
            found.rule,
            found.severity,
            found.construct,
            show(found.evidence or found.description),
            show(found.remedy or found.description),
            found.controls,
        )
    for item in verdict.unsound:
        remedy = "Put the finding right, or acknowledge it anew with stacks.constructs.acknowledge."
        yield ("acknowledgement", "", item.rule_id, "error", item.construct, item.problem, remedy, "")
    for lint in verdict.lint:
        yield (
            "lint",
            "cfn-lint",
            lint.rule,
            "error",
            f"{lint.template} {lint.place}",
            show(lint.message),
            "",
            "",
        )
    for stack, count in verdict.resources.items():
        if not 1 <= count <= RESOURCES_MAX:
            yield (
                "size",
                "",
                "",
                "error",
                stack,
                f"{count} resources",
                "Split the stack, or see why it is empty.",
                "",
            )


def as_json(verdict: Verdict) -> str:
    """The verdict, whole."""
    document = dataclasses.asdict(verdict) | {
        "on": verdict.on.isoformat(),
        "passed": verdict.passed,
        "note": RETIRED,
    }
    return json.dumps(document, indent=2, sort_keys=True, default=str) + "\n"


def as_csv(verdict: Verdict) -> str:
    """Everything that speaks against the environment. No cell can start a formula."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(verdict):
        writer.writerow([csv_cell(cell) for cell in row])
    return output.getvalue()


def as_markdown(verdict: Verdict) -> str:
    """The verdict for a pull request: what speaks against it, what is accepted, how big the stacks are."""
    against = list(rows(verdict))
    lines = [
        f"## Gate of {verdict.environment}: {'passed' if verdict.passed else 'FAILED'}",
        "",
        f"{len(verdict.open)} open findings, {len(verdict.unsound)} unsound acknowledgements, "
        f"{len(verdict.lint)} of cfn-lint, {len(verdict.suppressed)} accepted; {verdict.took_s:.1f} s.",
        "",
    ]
    if against:
        lines += _table(COLUMNS[:7], (row[:7] for row in against[:MARKDOWN_ROWS_MAX]))
        if len(against) > MARKDOWN_ROWS_MAX:
            lines += ["", f"… and {len(against) - MARKDOWN_ROWS_MAX} more; the CSV has them all."]
        lines.append("")
    lines += _table(("pack", "state"), verdict.packs.items())
    lines += ["", *_table(("stack", "resources"), ((name, str(n)) for name, n in verdict.resources.items()))]
    lines += ["", *_accepted(verdict), "", RETIRED, ""]
    return "\n".join(lines)


def _accepted(verdict: Verdict) -> list[str]:
    """What is accepted, by reason: how often, on what evidence, by whom, until when; soonest to end first."""
    counted = Counter((item.rule, item.reason) for item in verdict.suppressed)
    lines = []
    for (rule, text), count in counted.items():
        reason = parse(text)
        if reason is not None:
            until = reason.until.isoformat()
            lines.append((until, rule, str(count), reason.why, reason.evidence, reason.owner))
    if not lines:
        return ["Nothing is accepted."]
    return _table(("until", "accepted", "times", "why", "evidence", "owner"), sorted(lines))


def _table(heading: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    titles = list(heading)
    return [
        f"| {' | '.join(titles)} |",
        f"|{'---|' * len(titles)}",
        *(f"| {' | '.join(markdown_cell(cell) for cell in row)} |" for row in body),
    ]


def write(verdict: Verdict, folder: Path) -> list[Path]:
    """Write gate.json, gate.csv and gate.md into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in (
        ("gate.json", as_json(verdict)),
        ("gate.csv", as_csv(verdict)),
        ("gate.md", as_markdown(verdict)),
    ):
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written
