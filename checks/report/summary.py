"""The report as a comment on a pull request: verdict and blockers first, all of it within GitHub's limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.checklist.model import ItemResult, Level, Status, utc
from checks.escaping import markdown_cell
from checks.report import view, wording
from checks.report.compare import Comparison, compare
from checks.report.compare_text import heading, summary
from checks.report.model import Release, Report, SignOffState

MARK = "<!-- hasivu-report -->"
"""The first line: by it the comment of an earlier run is found and replaced."""

LENGTH_MAX = 65_536
"""GitHub refuses a longer comment."""

_ICON = {
    Status.FAILED: "❌",
    Status.ERROR: "⚠️",
    Status.NOT_EVALUATED: "❔",
    Status.MANUAL_PENDING: "✋",
    Status.WAIVED: "🟡",
    Status.ATTESTED: "✍️",
    Status.PASSED: "✅",
    Status.NOT_APPLICABLE: "⚪",
}
_SIGN_ICON = {SignOffState.APPROVED: "✅", SignOffState.MISSING: "✋"}
_BLOCKERS_MAX, _CHANGES_MAX, _WAIVERS_MAX = 40, 30, 30


def markdown(report: Report, *, length_max: int = LENGTH_MAX) -> str:
    """The comment, at most ``length_max`` characters (≥ 2,000). What does not fit is counted."""
    lines: list[str] = []
    for block in _blocks(report):
        if _length([*lines, *block]) > length_max - 200:
            lines += ["", "_The rest does not fit: see report.html._"]
            break
        lines += block
    return "\n".join(lines).rstrip() + "\n"


def _blocks(report: Report) -> Iterator[list[str]]:
    results = report.settled
    satisfied, applying = results.score
    environment = markdown_cell(results.environment)
    yield [
        MARK,
        f"## {'✅' if results.go else '⛔'} {wording.verdict(results.go)}: {environment}",
        "",
        f"**{satisfied} of {applying}** items that apply are satisfied, **{len(results.blockers)}** blocking "
        f"ones are open. {_counted(results.items)}",
        "",
        f"Commit {_code(results.commit)}, assembly {_code(results.assembly_sha256[:16])}, "
        f"report {_code(results.sha256[:16])}, {wording.moment(results.generated_at)}.",
        "",
    ]
    if results.live_assembly_sha256 is not None:
        live = _code(results.live_assembly_sha256[:16])
        yield [f"> What runs was held against the assembly {live}, which is still live.", ""]
    if results.emulator:
        yield ["> Looked at in the sandbox's emulator, which is not AWS.", ""]
    if report.release is not None:
        yield _release(report.release)
    yield _blockers(results.blockers)
    if report.previous is not None:
        yield _changes(compare(report.previous, report.results))
    yield _matrix(report)
    yield _waivers(report)
    yield [f"_{wording.CLAIM}_", ""]


def _counted(items: Iterable[ItemResult]) -> str:
    found = view.counts(item.status for item in items)
    return " · ".join(
        f"{_ICON[status]} {count} {wording.STATUS[status].lower()}" for status, count in found.items()
    )


def _release(release: Release) -> list[str]:
    """What speaks against the release, its rollback window, and the roles."""
    lines = [f"> {markdown_cell(each)}" for each in release.against]
    lines += [""] if lines else []
    rollback = release.rollback
    if rollback is not None:
        lines += [
            f"### Rollback window: {wording.ROLLBACK[rollback.state]}",
            "",
            f"{markdown_cell(rollback.deployment_id)}, deployed {wording.moment(rollback.deployed_at)}. "
            f"{markdown_cell(wording.window_clock(release))}",
            "",
            f"{_code(rollback.command)} takes it back: {markdown_cell(wording.versions(rollback))}.",
            "",
        ]
    rows = [
        (
            f"{_SIGN_ICON.get(sign.state, '❌')} {sign.role}",
            wording.SIGN_OFF[sign.state],
            sign.name,
            utc(sign.signed_at) if sign.signed_at else "",
            "; ".join((*sign.reasons, *sign.conditions)),
        )
        for sign in release.sign_offs
    ]
    return [*lines, "### Sign-offs", "", *_table(("role", "", "who", "when", "why"), rows), ""]


def _blockers(blockers: tuple[ItemResult, ...]) -> list[str]:
    if not blockers:
        return ["Nothing that blocks is open.", ""]
    rows = [
        (
            item.item_id,
            f"{_ICON[item.status]} {wording.STATUS[item.status]}",
            item.text,
            item.reason,
            item.owner,
        )
        for item in blockers[:_BLOCKERS_MAX]
    ]
    lines = ["### What keeps it from going live", "", *_table(("", "", "item", "why", "who"), rows)]
    if len(blockers) > _BLOCKERS_MAX:
        lines += ["", f"… and {len(blockers) - _BLOCKERS_MAX} more."]
    return [*lines, ""]


def _changes(comparison: Comparison) -> list[str]:
    lines = [
        f"### Since {markdown_cell(heading(comparison).partition(' → ')[0])}",
        "",
        summary(comparison),
        "",
    ]
    shown = comparison.setbacks[:_CHANGES_MAX]
    if shown:
        lines += _table(
            ("", "what", "before", "after"),
            ((each.kind.value, each.what, each.before, each.after) for each in shown),
        )
        if len(comparison.setbacks) > len(shown):
            lines += ["", f"… and {len(comparison.setbacks) - len(shown)} more."]
    return [*lines, ""]


def _matrix(report: Report) -> list[str]:
    rows = [
        (
            row.framework,
            *(f"{cell.proven}/{cell.asked}" if (cell := row.cells[level]).asked else "–" for level in Level),
            f"{row.satisfied}/{row.applying}",
        )
        for row in view.matrix(report.settled)
    ]
    titles = ("proven of asked", *(wording.LEVEL[level] for level in Level), "satisfied")
    return ["### Proof by framework", "", *_table(titles, rows), ""]


def _waivers(report: Report) -> list[str]:
    lines = view.waivers(report.results)
    if not lines:
        return []
    rows = [
        (
            line.waiver.waiver_id,
            line.waiver.waives,
            wording.WAIVER[line.waiver.state],
            "no day" if line.days_left is None else wording.days(line.days_left),
            line.waiver.owner,
        )
        for line in lines[:_WAIVERS_MAX]
    ]
    more = [f"… and {len(lines) - _WAIVERS_MAX} more."] if len(lines) > _WAIVERS_MAX else []
    return ["### Waivers", "", *_table(("", "waives", "state", "left", "owner"), rows), *more, ""]


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    heads = list(titles)
    return [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(markdown_cell(cell) for cell in row)} |" for row in rows),
    ]


def _code(text: str) -> str:
    return f"`{markdown_cell(text)}`"


def _length(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)
