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

from checks.checklist.model import ControlResult, ItemResult, Level, ProofResult, Status
from checks.escaping import visible
from checks.report import view, wording
from checks.report.compare import Comparison, Kind, compare, place
from checks.report.model import Report, RollbackState, SignOffState
from checks.report.trend import HEIGHT, WIDTH, satisfied, trend

FOLDER: Final = Path(__file__).parent
BETTER: Final = frozenset({Kind.FIXED, Kind.BETTER, Kind.VERDICT_BETTER, Kind.RESOURCE_FIXED})
BLOCKERS_SHOWN_MAX = 12
"""Blockers with reason and next step at the top; the others are a line each."""
CONTROLS_SHOWN_MAX = 8
"""Controls that an item names, and items that a control does; the rest is counted."""
SIGN_OFF_COLOUR: Final = {
    SignOffState.APPROVED: Status.PASSED,
    SignOffState.MISSING: Status.MANUAL_PENDING,
    SignOffState.CONDITIONS_OPEN: Status.WAIVED,
    SignOffState.REJECTED: Status.FAILED,
    SignOffState.VOID: Status.FAILED,
    SignOffState.GONE: Status.NOT_EVALUATED,
}
ROLLBACK_COLOUR: Final = {
    RollbackState.OPEN: Status.WAIVED,
    RollbackState.CLOSED: Status.PASSED,
    RollbackState.ROLLED_BACK: Status.NOT_EVALUATED,
    RollbackState.ROLLING_BACK: Status.FAILED,
    RollbackState.OVERDUE: Status.FAILED,
}
PROOFS_SHOWN_MAX = 6
"""Proofs that an item names, worst first; the script shows the rest where somebody looks."""
IN_FULL: Final = frozenset({Status.FAILED, Status.ERROR, Status.WAIVED})
"""Proofs with these are told in full without scripts; of the others the script adds the rest."""


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
    results = report.settled
    style, script = _text("page.css"), _text("page.js")
    proofs = {proof.proof_id: proof for proof in results.proofs}
    anchors = _anchors(report)

    def by_status(proof_ids: list[str]) -> dict[Status | None, list[str]]:
        """They by their status, in their order; None: those that are named but are not there."""
        found: dict[Status | None, list[str]] = {}
        for name in proof_ids:
            found.setdefault(proofs[name].status if name in proofs else None, []).append(name)
        return found

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
        "sign_off_names": wording.SIGN_OFF,
        "sign_off_colour": SIGN_OFF_COLOUR,
        "rollback_names": wording.ROLLBACK,
        "comparison": compare(report.previous, report.results) if report.previous else None,
        "better": BETTER,
        "waivers": view.waivers(results),
        "to_do": view.to_do(results),
        "sections": view.by_section(results),
        "frameworks": view.by_framework(results),
        "blockers_shown": BLOCKERS_SHOWN_MAX,
        "proofs_shown": PROOFS_SHOWN_MAX,
        "controls_shown": CONTROLS_SHOWN_MAX,
        "proofs": proofs,
        "by_status": by_status,
        "in_full": IN_FULL,
        "proof_anchor": anchors,
        "proofs_by_level": {
            level: worst_first(tuple(each.proof_id for each in results.proofs if each.level is level))
            for level in Level
        },
        "evidence": view.evidence(results),
        "evidence_anchor": {each.path: f"e{index}" for index, each in enumerate(results.evidence, 1)},
        "on_emulator": view.on_emulator(results),
        "trend": trend(report.history),
        "trend_size": (WIDTH, HEIGHT),
        "satisfied": satisfied,
        "release": report.release,
        "rollback_colour": ROLLBACK_COLOUR,
        "window_clock": wording.window_clock,
        "versions": wording.versions,
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
    for item in report.settled.items:
        for proof_id in item.proofs:
            found.setdefault(proof_id, []).append(item.item_id)
    return found


def _items_by_control(report: Report) -> Mapping[int, list[str]]:
    """The items that share a proof with the control, by the control's index."""
    by_proof = _items_by_proof(report)
    return {
        index: sorted({item_id for proof_id in control.proofs for item_id in by_proof.get(proof_id, ())})
        for index, control in enumerate(report.settled.controls)
    }


def _anchors(report: Report) -> dict[str, str]:
    """Where on the page each proof is."""
    names = sorted(proof.proof_id for proof in report.settled.proofs)
    return {proof_id: f"p{index}" for index, proof_id in enumerate(names, 1)}


class _Words:
    """Texts, each kept once and named by its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self._numbers.setdefault(visible(text), len(self._numbers))

    @property
    def all(self) -> list[str]:
        """The texts by their numbers."""
        return list(self._numbers)


def _more(proof: ProofResult, words: _Words) -> list[Any]:
    """What the script adds to a proof: expected, next, evidence, controls, as numbers of words."""
    controls = [words(control) for control in proof.controls]
    if proof.status in IN_FULL:
        return [None, None, [], controls]
    return [
        words(proof.expected) if proof.expected != proof.title else None,
        words(proof.remedy) if proof.remedy else None,
        [words(path) for path in proof.evidence],
        controls,
    ]


def filters(report: Report) -> bytes:
    """What the script filters by, and what it adds to proofs that pass when they are looked at, as JSON."""
    anchors = _anchors(report)
    results = report.settled

    def row(each: ItemResult | ControlResult) -> dict[str, Any]:
        return {
            "status": each.status.value,
            "levels": sorted({*each.required, *each.proven}),
            "proofs": [anchors[proof_id] for proof_id in each.proofs if proof_id in anchors],
        }

    words = _Words()
    files = {each.evidence.path: f"e{index}" for index, each in enumerate(view.evidence(results), 1)}
    more = {anchors[proof.proof_id]: _more(proof, words) for proof in results.proofs}
    named = {path for proof in results.proofs if proof.status not in IN_FULL for path in proof.evidence}
    document = {
        "results_sha256": results.sha256,
        "items": [
            row(item)
            | {"id": item.item_id, "section": item.section[0] if item.section else "", "owner": item.owner}
            | {"blocking": item.blocking}
            for item in results.items
        ],
        "controls": [
            row(control) | {"framework": control.framework, "id": visible(control.control_id)}
            for control in results.controls
        ],
        "proofs": {anchor: said for anchor, said in more.items() if any(said)},
        "words": words.all,
        "files": {str(words(path)): files[path] for path in sorted(named & files.keys())},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


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
