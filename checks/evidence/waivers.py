"""Waivers: what is not satisfied and accepted all the same, by whom, instead of what, and until when.

They are committed in ``compliance/waivers/ENV.toml``. Each names the state of the resources that it was
granted for, and lapses when they change. One that is late, lapsed or malformed is told in every report.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from checks.checklist.model import WAIVABLE, ItemResult, ProofResult, Subject, Waiver, WaiverState
from checks.checklist.wording import line
from checks.errors import ExitCode, HasivuError
from checks.rules.estate import Estate
from checks.toolchain import REPOSITORY

FOLDER: Final = Path("compliance") / "waivers"
LONGEST: Final = timedelta(days=183)
"""What is accepted for longer is decided anew, by an ADR or in the code."""

_TEXTS: Final = ("id", "waives", "owner", "ticket", "reason", "compensating_control", "fingerprint")
_ANY_STATE: Final = frozenset({WaiverState.EXPIRED, WaiverState.MALFORMED})


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of an environment, as their file has them, and the digest of that file."""

    written: tuple[Waiver, ...]
    sha256: str

    def applied(
        self, results: Iterable[ProofResult | ItemResult], fingerprints: Mapping[str, str]
    ) -> tuple[dict[str, Waiver], tuple[Waiver, ...]]:
        """The waivers in force by what they waive, and the state of each that is about ``results``.

        ``fingerprints`` maps the id of each result that is against some resource to their present state.
        """
        by_id = {_id(each): each for each in results}
        in_force: dict[str, Waiver] = {}
        states = []
        for waiver in self.written:
            if waiver.waives not in by_id:
                continue
            settled = _settled(waiver, by_id[waiver.waives], fingerprints.get(waiver.waives, NOTHING))
            if settled.state is WaiverState.IN_FORCE:
                in_force[settled.waives] = settled
            states.append(settled)
        return in_force, tuple(states)


def _id(result: ProofResult | ItemResult) -> str:
    return result.proof_id if isinstance(result, ProofResult) else result.item_id


def _settled(waiver: Waiver, result: ProofResult | ItemResult, fingerprint: str) -> Waiver:
    if waiver.state in _ANY_STATE:
        return waiver
    if result.status not in WAIVABLE:
        return waiver.model_copy(update={"state": WaiverState.UNUSED})
    if waiver.fingerprint != fingerprint:
        reason = line(f"The resources are now in the state {fingerprint}. {waiver.reason}")
        return waiver.model_copy(update={"state": WaiverState.LAPSED, "reason": reason})
    return waiver


def sha256_of(environment: str, *, repository: Path = REPOSITORY) -> str:
    """The digest of the waivers of ``environment`` as they are written."""
    _, content = _file(environment, repository)
    return hashlib.sha256(content).hexdigest()


def _file(environment: str, repository: Path) -> tuple[Path, bytes]:
    path = repository / FOLDER / f"{environment}.toml"
    return path, path.read_bytes() if path.is_file() else b""


def read(environment: str, known: frozenset[str], *, today: date, repository: Path = REPOSITORY) -> Waivers:
    """The waivers of ``environment``; ``known`` are the ids of items and proofs that can be waived.

    Error: ``WAIVERS_UNREADABLE`` where the file is no TOML: then nobody knows what is accepted.
    """
    path, content = _file(environment, repository)
    try:
        document = tomllib.loads(content.decode("utf-8"))
        entries = document.get("waiver", [])
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise ValueError("waiver is no list of tables")
    except (ValueError, RecursionError) as error:
        raise HasivuError(
            "WAIVERS_UNREADABLE",
            f"{path.name} cannot be read, so that nobody knows what is accepted.",
            detail=str(error),
            next_step="correct it; docs/guides/checklist.md says how a waiver is written",
            exit_code=ExitCode.USAGE,
        ) from None
    written = [_waiver(each, number, environment, known, today) for number, each in enumerate(entries, 1)]
    return Waivers(tuple(_once(written)), hashlib.sha256(content).hexdigest())


def _waiver(
    entry: Mapping[str, Any], number: int, environment: str, known: frozenset[str], today: date
) -> Waiver:
    texts = {key: entry[key] if isinstance(entry.get(key), str) else "" for key in _TEXTS}
    created, expires = _day(entry.get("created")), _day(entry.get("expires"))
    problem = _problem(entry, texts, known) or _wrong_days(created, expires, today)
    waiver_id = texts.pop("id") or f"waiver-{number}"
    if problem is not None:
        state = WaiverState.MALFORMED
        texts["reason"] = f"Malformed: {problem}. {texts['reason']}"
    else:
        state = WaiverState.IN_FORCE if expires and today <= expires else WaiverState.EXPIRED
    return Waiver(
        waiver_id=line(waiver_id),
        waives=texts["waives"],
        environment=environment,
        owner=texts["owner"] or "nobody",
        ticket=texts["ticket"] or "none",
        reason=line(texts["reason"]),
        compensating_control=line(texts["compensating_control"]),
        created=created,
        expires=expires,
        fingerprint=texts["fingerprint"],
        state=state,
    )


def _day(value: Any) -> date | None:
    """A day of TOML; a moment is none."""
    return value if type(value) is date else None


def _wrong_days(created: date | None, expires: date | None, today: date) -> str | None:
    if created is None or expires is None:
        return "it does not say its days"
    if not timedelta() <= expires - created <= LONGEST:
        return f"it may count for {LONGEST.days} days"
    return "it is granted in the future" if created > today else None


def _problem(entry: Mapping[str, Any], texts: Mapping[str, str], known: frozenset[str]) -> str | None:
    empty = sorted(key for key, text in texts.items() if not text.strip())
    if empty:
        return f"it does not say its {', '.join(empty)}"
    unknown = sorted(set(entry) - {*_TEXTS, "created", "expires"})
    if unknown:
        return f"nobody knows its {', '.join(unknown)}"
    if texts["waives"] not in known:
        return f"there is no {texts['waives']!r}"
    return None


def _once(waivers: Iterable[Waiver]) -> Iterable[Waiver]:
    """Of two waivers with one id, or for one thing, the second is malformed."""
    ids, waived = set[str](), set[str]()
    for waiver in waivers:
        if waiver.waiver_id in ids or waiver.waives in waived:
            reason = line(f"Malformed: there is one like it. {waiver.reason}")
            yield waiver.model_copy(update={"state": WaiverState.MALFORMED, "reason": reason})
            continue
        ids.add(waiver.waiver_id)
        waived.add(waiver.waives)
        yield waiver


def fingerprint_of(subjects: Iterable[Subject], estate: Estate) -> str:
    """The state of these resources: another one when any of them changes, goes, or when one joins them."""
    bodies = {(each.stack, each.logical_id): each.body for each in estate.resources}
    listed = sorted(
        {
            (each.stack, each.place or each.logical_id, _text(bodies.get((each.stack, each.logical_id))))
            for each in subjects
        }
    )
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def _text(body: Mapping[str, Any] | None) -> str:
    return json.dumps(body, sort_keys=True, default=str)


NOTHING: Final = hashlib.sha256(b"[]").hexdigest()
"""The fingerprint of what is against no resource: of a test that fails, of a record that is missing."""
