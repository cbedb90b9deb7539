"""The items as CSV for a spreadsheet: UTF-8 with a byte order mark, by which Excel knows it; no formulas."""

from __future__ import annotations

import csv
import io

from checks.checklist.model import Level, Results
from checks.escaping import csv_cell, visible

COLUMNS = (
    "item",
    "number",
    "section",
    "text",
    "status",
    "blocking",
    "required",
    "proven",
    "reason",
    "remedy",
    "owner",
    "waiver",
    "proofs",
    "environment",
    "commit",
    "generated_at",
)


def sheet(results: Results) -> str:
    """A row for each item, in the checklist's order."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in sorted(results.items, key=lambda item: item.number):
        row = (
            item.item_id,
            str(item.number),
            " / ".join(item.section),
            item.text,
            item.status.value,
            "yes" if item.blocking else "no",
            _levels(item.required),
            _levels(item.proven),
            item.reason,
            item.remedy,
            item.owner,
            item.waiver_id or "",
            " ".join(item.proofs),
            results.environment,
            results.commit,
            results.generated_at.isoformat(),
        )
        writer.writerow([csv_cell(visible(cell)) for cell in row])
    return "\ufeff" + output.getvalue()


def _levels(levels: tuple[Level, ...]) -> str:
    return " ".join(level.value for level in levels)
