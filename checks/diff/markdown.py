"""The comparison as a comment on a pull request: risks first, the rest folded, within GitHub's limit.

Whatever stands in a template was written by the author of the pull request: it is put into code spans only,
or stripped to plain words, where it can neither mention, link nor end the comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.diff.model import EnvironmentDiff, Finding, Report, ResourceChange, Risk
from checks.diff.wording import HEADINGS, AccountMask, in_order, title_of, turn, verdict

MARK = "<!-- hasivu-diff -->"
"""The first line: by it the comment of an earlier run is found and replaced."""

LENGTH_MAX = 65_536
"""GitHub refuses a longer comment."""

_FINDINGS_SHARE = 0.6
_PROPERTIES_MAX = 8
_MARGIN = 400


def markdown(report: Report, *, length_max: int = LENGTH_MAX) -> str:
    """The comment, at most `length_max` characters (≥ 1,000). What does not fit is counted."""
    mask = AccountMask()
    room = length_max - _MARGIN
    lines = [
        MARK,
        "## What this changes in AWS",
        "",
        f"{verdict(report.diffs)} Compared with `{report.base}`, from templates alone.",
        "",
    ]
    used = _length(lines)
    each = max((room - used) // max(len(report.diffs), 1), 0)
    for diff in report.diffs:
        block = _environment(diff, each, mask)
        if used + _length(block) > room:
            block = [f"### {_plain(title_of(diff))}", "", "_Does not fit: run `make diff`._", ""]
        if used + _length(block) > room:
            break
        lines += block
        used += _length(block)
    return "\n".join(lines).rstrip() + "\n"


def _environment(diff: EnvironmentDiff, room: int, mask: AccountMask) -> list[str]:
    lines = [f"### {_plain(title_of(diff))}", ""]
    for risk in Risk:
        findings = diff.of(risk)
        if findings:
            budget = int(room * _FINDINGS_SHARE / 2)
            lines += [f"**{HEADINGS[risk]} ({len(findings)})**", ""]
            lines += [*_within((_finding(finding, mask) for finding in findings), budget, len(findings)), ""]
    rest = room - _length(lines) - _MARGIN
    for stack in in_order(diff):
        changes = [change for change in diff.changes if change.stack == stack]
        summary = f"<details><summary>{_plain(stack)}: {len(changes)} resources</summary>"
        share = max(rest // 2, 0)
        body = _within((_change(change, mask) for change in changes), share, len(changes))
        block = [summary, "", *body, "", "</details>", ""]
        lines += block
        rest -= _length(block)
    if diff.notes:
        lines += ["<details><summary>outside resources</summary>", ""]
        lines += _within((f"- {_code(note, mask)}" for note in diff.notes), max(rest, 0), len(diff.notes))
        lines += ["", "</details>", ""]
    return lines


def _finding(finding: Finding, mask: AccountMask) -> str:
    sign = "🛑" if finding.loses_data else "⚠️"
    where = _code(f"{finding.stack}/{finding.subject}", mask)
    line = f"- {sign} **{finding.kind}** {where}: {_code(finding.what, mask)}"
    if finding.consequence:
        line += f"<br>{_plain(mask(finding.consequence))}"
    if finding.remedy:
        line += f"<br>_Instead:_ {_plain(mask(finding.remedy))}"
    return line


def _change(change: ResourceChange, mask: AccountMask) -> str:
    lines = [f"- **{change.effect}** {_code(change.name, mask)} ({_code(change.resource_type, mask)})"]
    if change.note:
        lines[0] += f" {_code(change.note, mask)}"
    for item in change.properties[:_PROPERTIES_MAX]:
        before, after = turn(item, mask)
        lines.append(f"  - {_code(item.path, mask)}: {_code(before, mask)} → {_code(after, mask)}")
    if len(change.properties) > _PROPERTIES_MAX:
        lines.append(f"  - and {len(change.properties) - _PROPERTIES_MAX} more properties")
    return "\n".join(lines)


def _within(entries: Iterator[str], room: int, total: int) -> list[str]:
    """As many entries as fit, and how many do not."""
    kept: list[str] = []
    for entry in entries:
        if _length(kept) + len(entry) > room:
            break
        kept.append(entry)
    if len(kept) < total:
        kept.append(f"- _and {total - len(kept)} more: run `make diff`_")
    return kept


def _code(text: str, mask: AccountMask) -> str:
    """`text` as a code span that it cannot get out of."""
    line = " ".join(mask(text).split()) or " "
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{edge}{line}{edge}{fence}"


def _plain(text: str) -> str:
    """Words without anything that Markdown, HTML or GitHub's own links would read."""
    return re.sub(r"[^\w ,:;.()/–-]", "?", text.replace("`", "").replace("://", ": "))


def _length(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)
