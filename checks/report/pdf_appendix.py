"""The end of the PDF: the files that proofs rest on, what is not shown, and how to verify it."""

from __future__ import annotations

from checks.checklist.model import Results, utc
from checks.report import view, wording
from checks.report.layout import INK, MONO, MUTED, RED, WIDTH, Cell, Document, Part, leading


def evidence(document: Document, results: Results) -> None:
    """Every file with its digest, stale ones first."""
    lines = view.evidence(results)
    document.heading(f"Evidence ({len(lines)})")
    if not lines:
        document.paragraph("No proof rests on a file.")
        return
    document.rows(
        ("File", "SHA-256", "Collected", "Counts until"),
        (54, 60, 36, WIDTH - 150),
        [
            (
                Cell(
                    line.evidence.path,
                    Part(f"{line.evidence.kind}, {wording.size(line.evidence.size)}", colour=MUTED),
                ),
                Cell(Part(line.evidence.sha256, family=MONO, size=6.5)),
                Cell(
                    utc(line.evidence.collected_at),
                    Part(f"{line.evidence.tool} {line.evidence.tool_version}", colour=MUTED),
                ),
                Cell(
                    Part(
                        line.evidence.valid_until.isoformat() if line.evidence.valid_until else "this commit",
                        colour=RED if line.stale else INK,
                    ),
                    Part("ended" if line.stale else "", style="B", colour=RED),
                ),
            )
            for line in lines
        ],
        size=7.5,
    )


def honesty(document: Document, results: Results) -> None:
    """What the report does not show, and the commands that verify it."""
    document.heading("What this does not show")
    told = [
        wording.CLAIM,
        f"{view.on_emulator(results)} of {len(results.proofs)} proofs looked at the emulator, not at AWS.",
        *results.notes,
    ]
    for line in told:
        document.paragraph(f"• {line}", after=1)
    document.heading(f"Resources that no check looks at ({len(results.unmatched)})", level=1)
    if results.unmatched:
        document.rows(
            ("Resource", "Type", "Stack"),
            (86, 50, WIDTH - 136),
            [
                (Cell(each.logical_id, Part(each.place, colour=MUTED)), Cell(each.kind), Cell(each.stack))
                for each in results.unmatched
            ],
        )
    document.heading("Verify it, without a network", level=1)
    for command in (
        f"sha256sum results.json   # {results.sha256}",
        "ssh-keygen -Y verify -n hasivu-results -f allowed_signers -I SIGNER "
        "-s results.json.sig < results.json",
        "hasivu verify .",
    ):
        document.need(leading(7.5) + 2)
        document.paragraph(command, family=MONO, size=7.5, after=1)
