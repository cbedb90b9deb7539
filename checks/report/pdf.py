"""The report as PDF for auditors: real text, an outline, the digest on every page, the same bytes always."""

from __future__ import annotations

from typing import Final

from checks.checklist.model import ControlResult, ItemResult, Level, Status, utc
from checks.report import pdf_appendix as appendix
from checks.report import view, wording
from checks.report.compare import compare
from checks.report.compare_text import summary
from checks.report.layout import INK, MARGIN, MONO, MUTED, RED, WIDTH, Cell, Colour, Document, Part
from checks.report.model import NEEDS_SOMEBODY, Report, SignOff, SignOffState

COLOURS: Final[dict[Status, Colour]] = {
    Status.FAILED: RED,
    Status.ERROR: (138, 31, 122),
    Status.NOT_EVALUATED: (77, 88, 102),
    Status.MANUAL_PENDING: (58, 73, 181),
    Status.WAIVED: (125, 82, 0),
    Status.ATTESTED: (11, 102, 112),
    Status.PASSED: (23, 112, 60),
    Status.NOT_APPLICABLE: (92, 102, 114),
}
SETBACKS_SHOWN_MAX = 60
_GREEN, _RED = COLOURS[Status.PASSED], RED


def pdf(report: Report) -> bytes:
    """The document."""
    results = report.settled
    verdict = wording.verdict(results.go)
    document = Document(
        title=f"Deployment report of {results.environment}: {verdict}",
        subject=f"Results {results.sha256}",
        foot=f"{results.environment}  {utc(results.generated_at)}  results {results.sha256}",
        at=results.generated_at,
    )
    document.add_page()
    _cover(document, report)
    _blockers(document, report)
    _matrix(document, report)
    _changes(document, report)
    _waivers(document, report)
    _people(document, report)
    _release(document, report)
    _items(document, report)
    _controls(document, report)
    appendix.evidence(document, report.settled)
    appendix.honesty(document, report.settled)
    return bytes(document.output())


def _cover(document: Document, report: Report) -> None:
    results = report.settled
    colour = _GREEN if results.go else _RED
    document.set_y(22)
    document.paragraph("HASIVU payments", size=12, style="B", after=0)
    document.paragraph("Deployment report", size=12, colour=MUTED, after=14)
    document.start_section("Verdict")
    top = document.y
    document.bar(top, colour)
    height = document.put(
        document.wrapped(wording.verdict(results.go), WIDTH, size=40, style="B"),
        MARGIN + 10,
        top,
        size=40,
        style="B",
        colour=colour,
        kind="H1",
    )
    satisfied, applying = results.score
    document.put(
        document.wrapped(
            f"{results.environment}: {len(results.blockers)} blocking items are open, {satisfied} of "
            f"{applying} items that apply are satisfied.",
            WIDTH - 12,
            size=12,
        ),
        MARGIN + 10,
        top + height,
        size=12,
    )
    document.set_y(top + 44)
    for against in () if report.release is None else report.release.against:
        document.paragraph(f"{against}.", style="B", colour=_RED)
    if results.emulator:
        document.paragraph("Looked at in the sandbox's emulator, which is not AWS.", style="B", colour=_RED)
    counts = view.counts(item.status for item in results.items)
    document.rows(
        ("Items", "", "What it means"),
        (38, 14, WIDTH - 52),
        [
            (_status(status), Cell(str(count)), Cell(wording.STATUS_MEANING[status]))
            for status, count in counts.items()
        ],
        size=9,
    )
    document.set_y(document.y + 8)
    facts = {
        "Generated": wording.moment(results.generated_at),
        "Commit": results.commit,
        "Assembly": results.assembly_sha256,
        **({"Still live": results.live_assembly_sha256} if results.live_assembly_sha256 else {}),
        "This report": results.sha256,
        "Catalogue": results.catalogue_sha256,
        "Waivers": results.waivers_sha256,
        "Source": results.source_sha256,
        "Audit trail": results.audit_checkpoint or "not sealed",
    }
    document.rows(
        ("Identity", ""),
        (30, WIDTH - 30),
        [
            (Cell(name), Cell(Part(value, family="" if name == "Generated" else MONO, size=8)))
            for name, value in facts.items()
        ],
        size=9,
    )
    document.set_y(document.y + 6)
    document.paragraph(wording.CLAIM, colour=MUTED)


def _status(status: Status) -> Cell:
    return Cell(Part(wording.STATUS[status], style="B", colour=COLOURS[status]))


def _blockers(document: Document, report: Report) -> None:
    document.add_page()
    document.heading(f"What keeps it from going live ({len(report.settled.blockers)})")
    if not report.settled.blockers:
        document.paragraph("Nothing that blocks is open.")
        return
    document.rows(
        ("Item", "Status", "What is asked, why it is open, what to do", "Who acts"),
        (16, 30, WIDTH - 76, 30),
        [
            (
                Cell(item.item_id),
                _status(item.status),
                Cell(Part(item.text, style="B"), item.reason, _next(item)),
                Cell(item.owner),
            )
            for item in report.settled.blockers
        ],
    )


def _next(item: ItemResult) -> Part:
    return Part(f"Next: {item.remedy}" if item.remedy else "", colour=MUTED)


def _matrix(document: Document, report: Report) -> None:
    document.heading("Framework by level of proof")
    document.paragraph(
        "Proven, of those that ask for the level. What was not looked at is never a pass.", colour=MUTED
    )
    share = (WIDTH - 48) / 5
    document.rows(
        ("Framework", *(wording.LEVEL[level] for level in Level), "Satisfied"),
        (48, *[share] * 5),
        [
            (
                Cell(Part(row.framework, style="B")),
                *(_matrix_cell(row.cells[level]) for level in Level),
                Cell(Part(f"{row.satisfied} / {row.applying}", style="B")),
            )
            for row in view.matrix(report.settled)
        ],
    )


def _matrix_cell(cell: view.Cell) -> Cell:
    if not cell.asked:
        return Cell(Part("not asked", colour=MUTED))
    return Cell(
        Part(f"{cell.proven} / {cell.asked}", style="B"),
        Part(f"{cell.broken} wrong" if cell.broken else "", colour=_RED),
        Part(f"{cell.unseen} not seen" if cell.unseen else "", colour=MUTED),
    )


def _changes(document: Document, report: Report) -> None:
    if report.previous is None:
        return
    comparison = compare(report.previous, report.results)
    document.heading(f"What changed since {utc(report.previous.generated_at)}")
    document.paragraph(f"{report.previous.environment}, commit {report.previous.commit}", colour=MUTED)
    document.paragraph(summary(comparison))
    if comparison.setbacks:
        document.rows(
            ("Setback", "What", "Before", "Now"),
            (38, 62, 40, WIDTH - 140),
            [
                (
                    Cell(Part(each.kind.value, style="B")),
                    Cell(each.what, Part(each.title, colour=MUTED)),
                    Cell(each.before),
                    Cell(each.after),
                )
                for each in comparison.setbacks[:SETBACKS_SHOWN_MAX]
            ],
        )
        more = len(comparison.setbacks) - SETBACKS_SHOWN_MAX
        if more > 0:
            document.paragraph(f"and {more} more, which `hasivu report diff` shows", colour=MUTED)


def _waivers(document: Document, report: Report) -> None:
    lines = view.waivers(report.results)
    document.heading(f"Waivers ({len(lines)})")
    if not lines:
        document.paragraph("There are none.")
        return
    document.rows(
        ("Waiver", "Left", "Why, and what instead", "Owner"),
        (36, 26, WIDTH - 96, 34),
        [
            (
                Cell(
                    Part(line.waiver.waiver_id, style="B"),
                    f"waives {line.waiver.waives}",
                    Part(wording.WAIVER[line.waiver.state], colour=MUTED if line.counts else _RED),
                ),
                Cell(
                    Part(
                        "no day" if line.days_left is None else wording.days(line.days_left),
                        style="B",
                        colour=INK if line.counts else _RED,
                    ),
                    line.waiver.expires.isoformat() if line.waiver.expires else "",
                ),
                Cell(line.waiver.reason, Part(f"Instead: {line.waiver.compensating_control}", colour=MUTED)),
                Cell(line.waiver.owner, Part(line.waiver.ticket, colour=MUTED)),
            )
            for line in lines
        ],
    )


def _people(document: Document, report: Report) -> None:
    document.heading("Who must act")
    waiting = view.to_do(report.settled)
    if not waiting:
        document.paragraph("Nothing waits for a person.")
        return
    document.rows(
        ("Role", "Item", "What"),
        (44, 18, WIDTH - 62),
        [
            (
                Cell(Part(owner if index == 0 else "", style="B")),
                Cell(item.item_id),
                Cell(item.text, Part("blocks" if item.blocking else "", colour=MUTED)),
            )
            for owner, items in waiting.items()
            for index, item in enumerate(items)
        ],
    )


def _release(document: Document, report: Report) -> None:
    release = report.release
    if release is None:
        return
    document.heading("Sign-offs")
    document.paragraph(f"As they counted {wording.moment(release.judged_at)}.", colour=MUTED)
    document.rows(
        ("Role", "How it stands", "Why, and on which conditions", "Who and when"),
        (40, 32, WIDTH - 122, 50),
        [_sign_off(sign) for sign in release.sign_offs],
    )
    document.heading("Rollback window", level=1)
    rollback = release.rollback
    if rollback is None:
        document.paragraph(wording.window_clock(release))
        return
    document.paragraph(
        f"{rollback.deployment_id}: {wording.ROLLBACK[rollback.state]}",
        style="B",
        colour=_RED if rollback.state in NEEDS_SOMEBODY else INK,
    )
    by = f" by {rollback.deployer}" if rollback.deployer else ""
    document.paragraph(
        f"Deployed {wording.moment(rollback.deployed_at)}{by}, ticket {rollback.ticket}; watched by "
        f"{rollback.owner}. {wording.window_clock(release)}"
    )
    document.paragraph(rollback.command, family=MONO, size=8.5)
    document.paragraph(f"It takes back {wording.versions(rollback)}.", colour=MUTED)
    document.rows(
        ("Function", "Version before", "Version now"),
        (WIDTH - 60, 30, 30),
        [(Cell(each.function), Cell(each.previous or "new"), Cell(each.next)) for each in rollback.functions],
    )


def _sign_off(sign: SignOff) -> tuple[Cell, ...]:
    good = sign.state is SignOffState.APPROVED
    colour = _GREEN if good else MUTED if sign.state is SignOffState.MISSING else _RED
    return (
        Cell(Part(sign.role, style="B"), Part("required" if sign.required else "", colour=MUTED, size=7)),
        Cell(Part(wording.SIGN_OFF[sign.state], style="B", colour=colour), sign.ticket),
        Cell(*sign.reasons, *(Part(each, colour=MUTED) for each in sign.conditions)),
        Cell(sign.name, Part(wording.moment(sign.signed_at) if sign.signed_at else "", colour=MUTED)),
    )


def _items(document: Document, report: Report) -> None:
    document.add_page()
    document.heading(f"Items ({len(report.settled.items)})")
    for section, items in view.by_section(report.settled).items():
        document.heading(" / ".join(section), level=1)
        document.rows(
            ("Item", "Status", "What is asked, and how it stands", "Proof", "Who acts"),
            (16, 29, WIDTH - 93, 18, 30),
            [
                (
                    Cell(
                        Part(item.item_id, style="B"),
                        Part("blocks" if item.blocking else "", colour=MUTED, size=7),
                    ),
                    _status(item.status),
                    Cell(
                        Part(item.text, style="B"),
                        Part(f"Here: {item.intent}" if item.intent else "", colour=MUTED),
                        item.reason,
                        Part(", ".join(item.proofs), colour=MUTED, size=7),
                    ),
                    _levels(item),
                    Cell(item.owner),
                )
                for item in items
            ],
        )


def _levels(each: ItemResult | ControlResult) -> Cell:
    missing = [level.value for level in each.required if level not in each.proven]
    return Cell(
        Part(f"{' '.join(each.proven)} proven" if each.proven else "", colour=_GREEN),
        Part(f"{' '.join(missing)} open" if missing else "", colour=MUTED),
    )


def _controls(document: Document, report: Report) -> None:
    for framework, controls in view.by_framework(report.settled).items():
        document.heading(f"Controls: {framework} ({len(controls)})")
        document.rows(
            ("Control", "Status", "What it means, and how it stands", "Proof"),
            (26, 29, WIDTH - 77, 22),
            [
                (
                    Cell(Part(control.control_id, style="B")),
                    _status(control.status),
                    Cell(
                        control.meaning,
                        Part(control.reason, colour=MUTED),
                        Part(", ".join(control.proofs), colour=MUTED, size=7),
                    ),
                    _levels(control),
                )
                for control in controls
            ],
        )
