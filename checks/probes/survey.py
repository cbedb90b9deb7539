"""All probes at once: every line and fact of the table, on every resource that it is about."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import boto3

from checks.checklist.model import SHOWN_CHARACTERS_MAX, Level, ProofResult, Status, Subject
from checks.probes import deployed, objectives, transport
from checks.probes.account import Account, CouldNotLook, Gone
from checks.probes.emulator_limits import LIMITS
from checks.probes.model import UNSAID, Line, Look, NothingThere, NotTold, Probe, Seen
from checks.probes.normal import differences
from checks.probes.read import Missing
from checks.probes.running import Live, Running, Stack, read_running
from checks.probes.table import FACTS, LINES, OF_STACKS, PROBES, covered
from checks.probes.watching import ALARM
from checks.sandbox.deployed import Unresolved
from checks.sandbox.emulator_gaps import STATEMENT_GAPS, gap_of

_WORKERS = 8
_NAMED_MAX = 3
"""So many findings are spelled out in one line; of the others, the number."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was looked at, and what came of it."""

    proofs: tuple[ProofResult, ...]
    seen: tuple[Seen, ...]
    resources: int
    """Of the assembly."""
    properties: int
    """Top-level properties of them all."""
    unread: tuple[tuple[str, str, int], ...]
    """Kind, property and number of those that no line of the table reads."""
    unmatched: tuple[Subject, ...]
    """Resources of kinds that no probe looks at."""
    asked: frozenset[tuple[str, str]]
    """Services and operations that were called."""

    @property
    def compared(self) -> int:
        """Facts that were read back and judged."""
        return sum(item.look in (Look.AGREES, Look.DIFFERS) for item in self.seen)

    @property
    def unread_properties(self) -> int:
        return sum(count for _, _, count in self.unread)


def survey(
    environment: str,
    session: boto3.Session,
    assembly: Path,
    now: datetime,
    *,
    secrets_session: boto3.Session | None = None,
    other_secrets: Mapping[str, boto3.Session] | None = None,
    again_after_s: float = 0,
) -> Survey:
    """Hold what runs in ``environment`` against the assembly in the folder ``assembly``.

    ``session`` is the auditor's. ``secrets_session`` may read secrets; without it their values are not looked
    at. ``other_secrets`` may do it in other environments, whose values must be others. What differs is looked
    at once more after ``again_after_s`` seconds, as AWS takes a while to tell of a change; 0 is not again.
    Never raises for what AWS answers: what could not be looked at is an error of its probe. Raises
    FileNotFoundError, KeyError or ValueError where the folder holds no assembly.
    """

    def account() -> Account:
        region = str(session.region_name or "ap-south-1")
        return Account(session, region=region, secrets_session=secrets_session, other_secrets=other_secrets)

    asked = account()
    try:
        running = read_running(asked, assembly, environment, now=now)
        seen = _everything(asked, running)
        doubtful = {_place(item.subject) for item in seen if item.look is Look.DIFFERS}
        if doubtful and again_after_s and not running.on_emulator:
            time.sleep(again_after_s)
            afresh = account()
            once_more = read_running(afresh, assembly, environment, now=now)
            seen = _settled(seen, _everything(afresh, once_more, only=doubtful))
    except CouldNotLook as failure:
        return _nothing(asked, failure)
    unread = Counter(
        (resource.kind, name)
        for resource in running.estate.resources
        for name in resource.properties
        if not covered(resource.kind, name)
    )
    looked_at = {(item.subject.stack, item.subject.logical_id) for item in seen}
    return Survey(
        proofs=tuple(_proof(probe, seen, running) for probe in PROBES),
        seen=tuple(seen),
        resources=len(running.live),
        properties=sum(len(resource.properties) for resource in running.estate.resources),
        unread=tuple((kind, name, count) for (kind, name), count in sorted(unread.items())),
        unmatched=tuple(
            live.subject
            for live in running.live
            if (live.resource.stack, live.resource.logical_id) not in looked_at
        ),
        asked=frozenset(asked.asked),
    )


_Place = tuple[str, str]


def _place(subject: Subject) -> _Place:
    return subject.stack, subject.logical_id


def _everything(account: Account, running: Running, only: Set[_Place] | None = None) -> list[Seen]:
    """Every look at every resource, alarm and stack, or at those at the places ``only``."""

    def wanted(subject: Subject) -> bool:
        return only is None or _place(subject) in only

    seen: list[Seen] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        live = [each for each in running.live if wanted(each.subject)]
        alarms = [each for each in running.of(ALARM) if wanted(each.subject)]
        stacks = [each for each in running.stacks if wanted(_subject_of(each))]
        for batch in pool.map(lambda each: list(_of_resource(account, each)), live):
            seen += batch
        for batch in pool.map(lambda each: list(_of_stack(account, each)), stacks):
            seen += batch
        for batch in pool.map(lambda each: list(_of_alarm(account, each)), alarms):
            seen += batch
    return [*seen, *_of_no_alarm(running)]


def _settled(first: list[Seen], second: list[Seen]) -> list[Seen]:
    """``first``, with what differed as it was seen the second time."""
    again = {(item.probe, _place(item.subject), item.fact): item for item in second}
    return [
        again.get((item.probe, _place(item.subject), item.fact), item) if item.look is Look.DIFFERS else item
        for item in first
    ]


def _of_resource(account: Account, live: Live) -> Iterator[Seen]:
    for line in LINES:
        if line.kind == live.resource.kind and line.where(live):
            yield from _looked(live, line.probe, line.path, partial(_compare, account, live, line))
    for fact in FACTS:
        if fact.kind == live.resource.kind and fact.where(live):
            yield from _looked(live, fact.probe, fact.name, partial(fact.wrong, account, live))


SILENT = "\0"
"""Neither the template nor its silence says anything of it."""


def _compare(account: Account, live: Live, line: Line) -> str | None:
    expected = live.expected(line.path)
    if expected is None:
        if line.unsaid is UNSAID:
            return SILENT
        expected = line.unsaid
    shaped = None if expected is None else line.shape(expected)
    found = line.read(account, live)
    for difference in differences(line.normal(shaped), line.normal(found), exact=line.exact, path=line.path):
        return f"{difference.path} {difference.how}" if line.shown else f"{difference.path} differs"
    return None


def _looked(live: Live, probe: Probe, fact: str, look: Callable[[], str | None]) -> Iterator[Seen]:
    """One look, whatever comes of it."""

    gap = _gap(live, probe, fact)
    how, said = (Look.GAP, gap) if gap is not None else _outcome(live, look)
    if said != SILENT:
        yield Seen(probe=probe, look=how, subject=live.subject, fact=fact, said=said)


def _outcome(live: Live, look: Callable[[], str | None]) -> tuple[Look, str]:
    """How ``look`` ended, and what it said."""
    if not live.deployed:
        return Look.DIFFERS, "is not deployed"
    try:
        said = look()
    except Gone as gone:
        return Look.DIFFERS, f"is gone ({gone.code})"
    except Missing:
        return Look.DIFFERS, "is gone"
    except CouldNotLook as failure:
        return Look.ERROR, failure.text
    except (Unresolved, NotTold) as untold:
        return Look.UNKNOWN, str(untold)
    except NothingThere as nothing:
        return Look.NOTHING, str(nothing)
    except (LookupError, TypeError, ValueError, AttributeError) as unexpected:
        return Look.ERROR, f"the answer has another form than expected ({type(unexpected).__name__})"
    return (Look.AGREES, "") if said is None else (Look.DIFFERS, said)


def _of_alarm(account: Account, live: Live) -> Iterator[Seen]:
    """What the alarm's own metrics say of the objectives. The alarm itself is looked at elsewhere."""
    for probe, objective in objectives.OBJECTIVES:
        if not objective.is_about(live):
            continue
        if live.running.on_emulator and objectives.EMULATOR_LACKS:
            how, said = Look.GAP, objectives.EMULATOR_LACKS
        else:
            how, said = _outcome(live, partial(objectives.missed, account, live, objective))
        yield Seen(probe=probe, look=how, subject=live.subject, fact=objective.fact, said=said)


def _of_no_alarm(running: Running) -> Iterator[Seen]:
    """Objectives that cannot be judged, as the assembly has no alarm for them."""
    for probe, objective, subject in objectives.without_alarm(running):
        said = f"the assembly has no alarm {subject.place}"
        yield Seen(probe=probe, look=Look.ERROR, subject=subject, fact=objective.fact, said=said)


def _gap(live: Live, probe: Probe, fact: str) -> str | None:
    """Why the emulator cannot show this, where it answers and cannot."""
    if not live.running.on_emulator:
        return None
    if (gap := gap_of(live.resource.body)) is not None:
        return f"{live.resource.kind}: {gap.reason}"
    if probe == transport.PLAIN_HTTP or live.body is None:
        return STATEMENT_GAPS[0].reason
    limit = LIMITS.get((live.resource.kind, fact))
    return None if limit is None else f"{live.resource.kind} {fact}: {limit}"


def _subject_of(stack: Stack) -> Subject:
    return Subject(
        stack=stack.construct_id,
        logical_id=stack.construct_id,
        kind="AWS::CloudFormation::Stack",
        place=stack.construct_id,
        physical_id=stack.name,
    )


def _of_stack(account: Account, stack: Stack) -> Iterator[Seen]:
    subject = _subject_of(stack)
    looks: tuple[tuple[Probe, Callable[[], str | None]], ...] = (
        (deployed.STACKS, lambda: deployed.stack_is_wrong(stack)),
        (deployed.TEMPLATES, lambda: deployed.template_is_wrong(account, stack)),
        (deployed.RESOURCES, lambda: deployed.resources_are_wrong(stack)),
    )
    for probe, look in looks:
        try:
            said = look()
            how = Look.AGREES if said is None else Look.DIFFERS
        except Gone:
            how, said = Look.DIFFERS, "is not deployed"
        except CouldNotLook as failure:
            how, said = Look.ERROR, failure.text
        yield Seen(probe=probe, look=how, subject=subject, fact=probe.name, said=said or "")


def _proof(probe: Probe, everything: list[Seen], running: Running) -> ProofResult:
    seen = [item for item in everything if item.probe == probe]
    by_look = {look: [item for item in seen if item.look is look] for look in Look}
    compared = len(by_look[Look.AGREES]) + len(by_look[Look.DIFFERS])
    looked_at = {item.subject for item in seen if item.look in (Look.AGREES, Look.DIFFERS)}
    if by_look[Look.DIFFERS]:
        status = Status.FAILED
    elif by_look[Look.ERROR]:
        status = Status.ERROR
    elif by_look[Look.GAP] or by_look[Look.UNKNOWN] or not looked_at:
        status = Status.NOT_EVALUATED
    else:
        status = Status.PASSED
    against = {item.subject: None for item in by_look[Look.DIFFERS] or by_look[Look.ERROR]}
    return ProofResult(
        proof_id=probe.proof_id,
        level=Level.LIVE,
        title=probe.title,
        status=status,
        expected="as the approved template says"
        if probe not in OF_STACKS
        else "as the approved assembly says",
        observed=_observed(by_look, len(looked_at), compared, running),
        looked_at=len(looked_at),
        against=tuple(sorted(against, key=lambda subject: (subject.stack, subject.logical_id))),
        on_emulator=running.on_emulator,
        remedy=probe.remedy,
        controls=probe.controls,
    )


def _observed(by_look: dict[Look, list[Seen]], resources: int, compared: int, running: Running) -> str:
    parts = []
    if found := by_look[Look.DIFFERS]:
        parts.append(_named([f"{item.subject.logical_id}: {item.said}" for item in found]))
    if found := by_look[Look.ERROR]:
        parts.append(_named(sorted({item.said for item in found})))
    if found := by_look[Look.GAP]:
        where = len({item.subject for item in found})
        reasons = _named(sorted({item.said for item in found}))
        parts.append(f"not to be seen on the emulator at {where}: {reasons}")
    if found := by_look[Look.UNKNOWN]:
        parts.append(f"not known: {_named(sorted({item.said for item in found}))}")
    if (found := by_look[Look.NOTHING]) and not compared:
        parts.append(f"there is nothing to look at: {_named(sorted({item.said for item in found}))}")
    if not parts and not compared:
        parts.append("no resource of the assembly is of this kind")
    parts.append(f"{compared} facts of {resources} resources were compared")
    if running.on_emulator:
        parts.append("on the emulator, which is not AWS")
    return _short("; ".join(parts))


def _named(texts: list[str]) -> str:
    more = len(texts) - _NAMED_MAX
    return ", ".join(texts[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    if len(one_line) <= SHOWN_CHARACTERS_MAX:
        return one_line
    return one_line[: SHOWN_CHARACTERS_MAX - 1] + "…"


def _nothing(account: Account, failure: CouldNotLook) -> Survey:
    """Nobody answered who could say what is deployed: every probe is an error."""
    on_emulator = account.on_emulator()
    proofs = tuple(
        ProofResult(
            proof_id=probe.proof_id,
            level=Level.LIVE,
            title=probe.title,
            status=Status.ERROR,
            expected="an answer",
            observed=_short(failure.text),
            looked_at=0,
            on_emulator=on_emulator,
            remedy=probe.remedy,
            controls=probe.controls,
        )
        for probe in PROBES
    )
    return Survey(
        proofs=proofs,
        seen=(),
        resources=0,
        properties=0,
        unread=(),
        unmatched=(),
        asked=frozenset(account.asked),
    )
