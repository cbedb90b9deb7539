"""The report as one HTML file: no request to anywhere, readable without JavaScript, the same bytes each time.

Everything dynamic goes through Jinja's escaping; scripts and styles are allowed by their digests only, so
that markup which got through all the same would still not run.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from checks.checklist.model import ControlResult, ItemResult, Level, Status
from checks.escaping import visible
from checks.report import view, wording
from checks.report.compare import Comparison, Kind, compare, place
from checks.report.model import Report, RollbackState, SignatureState
from checks.report.trend import HEIGHT, WIDTH, satisfied, trend

FOLDER: Final = Path(__file__).parent
BETTER: Final = frozenset({Kind.FIXED, Kind.BETTER, Kind.VERDICT_BETTER, Kind.RESOURCE_FIXED})
BLOCKERS_SHOWN_MAX = 12
"""Blockers with reason and next step at the top; the others are a line each."""
CONTROLS_SHOWN_MAX = 8
"""Controls that an item names, and items that a control does; the rest is counted."""
PROOFS_SHOWN_MAX = 6
"""Proofs that an item names, worst first; the rest is counted, and in the list of proofs."""


def page(report: Report) -> str:
    """The whole document."""
    return _environment().get_template("page.html.j2").render(_facts(report))


def difference(comparison: Comparison) -> str:
    """A page of its own for what changed; it has no script."""
    style = _text("page.css")
    facts = {
        "comparison": comparison,
        "better": BETTER,
        "style": Markup(style),  # noqa: S704 - our own file
        "policy": policy(style),
    }
    return _environment().get_template("difference.html.j2").render(facts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters |= {
        "moment": wording.moment,
        "size": wording.size,
        "days": wording.days,
        "verdict": wording.verdict,
        "place": place,
        "breakable": breakable,
        "prose": prose,
    }
    return environment


def _shown(value: object) -> object:
    """What is put into the page: text with what cannot be seen written out; nothing for None."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def breakable(text: str) -> Markup:
    """A long name that may be broken after its separators."""
    escaped = html.escape(visible(text))
    for separator in ("/", ":", "_"):
        escaped = escaped.replace(separator, f"{separator}<wbr>")
    return Markup(escaped)  # noqa: S704 - escaped above


def prose(text: str) -> Markup:
    """Text in which what stands between backticks is code; everything in it is escaped."""
    escaped = html.escape(visible(text))
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", escaped))  # noqa: S704 - escaped above


def _facts(report: Report) -> dict[str, Any]:
    results = report.results
    style, script = _text("page.css"), _text("page.js")
    proofs = {proof.proof_id: proof for proof in results.proofs}
    anchors = _anchors(report)

    def worst_first(proof_ids: tuple[str, ...]) -> list[str]:
        """Those that are named but are not there, then by status."""
        return sorted(
            proof_ids, key=lambda name: view.ORDER.index(proofs[name].status) if name in proofs else -1
        )

    return {
        "worst_first": worst_first,
        "report": report,
        "results": results,
        "verdict": wording.verdict(results.go),
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "policy": policy(style, script),
        "data": embedded(filters(report)),
        "counts": view.counts(item.status for item in results.items),
        "matrix": view.matrix(results),
        "levels": wording.LEVEL,
        "level_meaning": wording.LEVEL_MEANING,
        "status_names": wording.STATUS,
        "status_meaning": wording.STATUS_MEANING,
        "waiver_names": wording.WAIVER,
        "signature_names": wording.SIGNATURE,
        "rollback_names": wording.ROLLBACK,
        "comparison": compare(report.previous, results) if report.previous else None,
        "better": BETTER,
        "waivers": view.waivers(results),
        "to_do": view.to_do(results),
        "sections": view.by_section(results),
        "frameworks": view.by_framework(results),
        "item_controls": view.controls_of_items(results),
        "blockers_shown": BLOCKERS_SHOWN_MAX,
        "proofs_shown": PROOFS_SHOWN_MAX,
        "controls_shown": CONTROLS_SHOWN_MAX,
        "items_by_proof": _items_by_proof(report),
        "proofs": proofs,
        "proof_anchor": anchors,
        "proofs_by_level": {
            level: tuple(proof for proof in results.proofs if proof.level is level) for level in Level
        },
        "evidence": view.evidence(results),
        "evidence_anchor": {each.path: f"e{index}" for index, each in enumerate(results.evidence, 1)},
        "on_emulator": view.on_emulator(results),
        "trend": trend(report.history),
        "trend_size": (WIDTH, HEIGHT),
        "satisfied": satisfied,
        "release": report.release,
        "rollback_left": _rollback_left(report),
        "rollback_open": RollbackState.OPEN,
        "rollback_overdue": RollbackState.OVERDUE,
        "valid": SignatureState.VALID,
        "missing": SignatureState.MISSING,
        "not_evaluated": Status.NOT_EVALUATED,
        "not_applicable": Status.NOT_APPLICABLE,
        "control_index": {
            (each.framework, each.control_id): index for index, each in enumerate(results.controls)
        },
        "control_items": _items_by_control(report),
        "claim": wording.CLAIM,
    }


def _items_by_proof(report: Report) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in report.results.items:
        for proof_id in item.proofs:
            found.setdefault(proof_id, []).append(item.item_id)
    return found


def _items_by_control(report: Report) -> Mapping[int, list[str]]:
    """The items that share a proof with the control, by the control's index."""
    by_proof = _items_by_proof(report)
    return {
        index: sorted({item_id for proof_id in control.proofs for item_id in by_proof.get(proof_id, ())})
        for index, control in enumerate(report.results.controls)
    }


def _anchors(report: Report) -> dict[str, str]:
    """Where on the page each proof is."""
    names = sorted(proof.proof_id for proof in report.results.proofs)
    return {proof_id: f"p{index}" for index, proof_id in enumerate(names, 1)}


def filters(report: Report) -> bytes:
    """What the script filters by, as JSON: no more than that, as the words are on the page already."""
    anchors = _anchors(report)
    results = report.results

    def row(each: ItemResult | ControlResult) -> dict[str, Any]:
        return {
            "status": each.status.value,
            "levels": sorted({*each.required, *each.proven}),
            "proofs": [anchors[proof_id] for proof_id in each.proofs if proof_id in anchors],
        }

    document = {
        "results_sha256": results.sha256,
        "items": [
            row(item)
            | {"id": item.item_id, "section": item.section[0] if item.section else "", "owner": item.owner}
            | {"blocking": item.blocking}
            for item in results.items
        ],
        "controls": [row(control) | {"framework": control.framework} for control in results.controls],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _rollback_left(report: Report) -> str:
    """What was left of the rollback window when the results were made."""
    if report.release is None or report.release.rollback is None:
        return ""
    left = report.release.rollback.deadline - report.results.generated_at
    seconds = left.days * 86_400 + left.seconds
    return wording.duration(seconds) if seconds >= 0 else "none"


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def policy(style: str, script: str = "") -> str:
    """The content security policy: nothing but this very style and script."""
    scripts = f"'{_source(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; style-src '{_source(style)}'; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def embedded(document: bytes) -> Markup:
    """A JSON document that can stand in a script element: it has no character there that HTML would read."""
    text = document.decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - none of its characters is markup now
