"""How an item stands, what proves it, and the one document that every report is made from.

Statuses fail closed: what nobody looked at is not evaluated, what could not be looked at is an error, and
neither counts as a pass. Nothing here is a float, so that the same facts are the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from runtime.platform.canonical_json import canonical

SCHEMA: Final = "hasivu.results/1"
SHOWN_CHARACTERS_MAX = 500

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[str, StringConstraints(max_length=SHOWN_CHARACTERS_MAX)]
"""Text of one line for people; never a secret, a card number or personal data."""

_YEARS: Final = range(2000, 3000)
"""Far from both ends of what a calendar holds, so that every clock on earth can show it."""


def _in_utc(moment: datetime) -> datetime:
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no clock shows it") from None
    if found.year not in _YEARS:
        raise ValueError(f"its year is not one of {_YEARS[0]} to {_YEARS[-1]}")
    return found


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in UTC, whatever offset it was written with."""


class Level(StrEnum):
    """What kind of proof it is. A lower one never stands for a higher one."""

    TEMPLATE = "T"
    """Read off the synthesised assembly."""
    LIVE = "L"
    """Read back from the running environment."""
    RUN = "R"
    """Seen in a run: tests, the demonstration, a measurement, a scan."""
    PERSON = "P"
    """Vouched for by a person: a record or an attestation."""


class Status(StrEnum):
    """How an item, a control or a proof stands."""

    PASSED = "pass"
    FAILED = "fail"
    NOT_EVALUATED = "not-evaluated"
    """Nothing was looked at: no run, no resource, no answer. Never a pass."""
    NOT_APPLICABLE = "not-applicable"
    """A named predicate says that it does not apply here, with its reason."""
    MANUAL_PENDING = "manual-pending"
    """A person has to act, and has not."""
    ATTESTED = "attested"
    """A person vouches for it, until a day that is written down."""
    WAIVED = "waived"
    """It fails or was not looked at, and somebody owns that until a day that is written down."""
    ERROR = "error"
    """It could not be looked at: unreachable, denied, unreadable, altered."""


WORST_FIRST = (
    Status.FAILED,
    Status.ERROR,
    Status.NOT_EVALUATED,
    Status.MANUAL_PENDING,
    Status.WAIVED,
    Status.ATTESTED,
    Status.PASSED,
)
SATISFIED = frozenset({Status.PASSED, Status.ATTESTED})
WAIVABLE = frozenset({Status.FAILED, Status.NOT_EVALUATED, Status.MANUAL_PENDING})
"""What could not be looked at is not accepted: nobody knows what it would be."""


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; what does not apply is left out unless nothing else is there, and nothing at all
    is not evaluated."""
    found = set(statuses)
    for status in WORST_FIRST:
        if status in found:
            return status
    return Status.NOT_APPLICABLE if found else Status.NOT_EVALUATED


class Frozen(BaseModel):
    """A part of the results: complete, unknown fields refused, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(Frozen):
    """A resource that a proof speaks of. ``place`` is the same in every environment (the construct's path
    without its stage), so that two environments can be compared."""

    stack: str
    logical_id: str
    kind: str
    place: str = ""
    physical_id: str = ""


class Evidence(Frozen):
    """A file that a proof rests on."""

    path: str
    """Relative to the report's folder or to the repository; never a path of one machine."""
    sha256: Sha256
    size: int
    kind: str
    collected_at: Moment
    tool: str
    tool_version: str = ""
    proves: Line = ""
    valid_until: date | None = None
    """The last day on which it counts; None: as long as it is of this commit."""


class ProofResult(Frozen):
    """What one check saw.

    ``proof_id`` is ``kind:name``: ``rule:HASIVU-STO-1``, ``probe:bucket-encryption``, ``run:unit-tests``,
    ``demo:payment``, ``function:invoice-generator``, ``record:uat-payments``.
    """

    proof_id: str
    level: Level
    title: Line
    status: Status
    expected: Line
    observed: Line
    looked_at: int
    """How many things it looked at. Zero is never a pass."""
    against: tuple[Subject, ...] = ()
    """The resources that speak against it."""
    on_emulator: bool = False
    """Whether what was looked at is the sandbox's emulator, which is not AWS."""
    evidence: tuple[str, ...] = ()
    """Paths in :attr:`Results.evidence`."""
    remedy: Line = ""
    controls: tuple[str, ...] = ()
    """``framework control``, as house rules name them: ``PCI DSS 10.4.1``."""


class WaiverState(StrEnum):
    """Whether a waiver counts."""

    IN_FORCE = "in-force"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    """The resource is not as it was when it was waived."""
    UNUSED = "unused"
    """What it waives is no longer wrong."""
    MALFORMED = "malformed"
    """Counts as expired."""


class Waiver(Frozen):
    """Why something that is not satisfied is accepted, by whom, instead of what, and until when."""

    waiver_id: str
    waives: str
    """An item's or a proof's id."""
    environment: str
    owner: str
    ticket: str
    reason: Line
    compensating_control: Line
    created: date | None
    expires: date | None
    """The last day on which it counts; None only where it is malformed."""
    fingerprint: str = ""
    """Of the resources as they were when it was granted."""
    state: WaiverState


class ItemResult(Frozen):
    """How one of the checklist's items stands in this environment."""

    item_id: str
    number: int
    section: tuple[str, ...] = Field(min_length=1)
    text: str
    """The checklist's own words."""
    intent: str = ""
    """What proves its intent here, where its words speak of another toolchain."""
    owner: str
    """The role that has to act."""
    blocking: bool
    """Whether this environment must not go live without it."""
    required: tuple[Level, ...]
    proven: tuple[Level, ...]
    status: Status
    reason: Line
    remedy: Line
    proofs: tuple[str, ...]
    waiver_id: str | None = None


class ControlResult(Frozen):
    """How one control of a framework stands: technical evidence for it, never compliance with it."""

    framework: str
    control_id: str
    meaning: str
    required: tuple[Level, ...]
    proven: tuple[Level, ...]
    status: Status
    reason: Line
    proofs: tuple[str, ...]


class Results(Frozen):
    """Everything that was found, from which every report is made.

    Same facts, same bytes: lists are ordered by id, and there is no duration, no host name and no path of a
    machine in it.
    """

    schema_: Literal["hasivu.results/1"] = Field(default=SCHEMA, alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    environment: str
    emulator: bool
    generated_at: Moment
    commit: str
    """The commit, with ``+changes`` where the working tree differs from it."""
    source_sha256: Sha256
    assembly_sha256: Sha256
    live_assembly_sha256: Sha256 | None = None
    """Of the assembly that is live and that what runs was held against; None where it is the same one."""
    catalogue_sha256: Sha256
    """Of items, frameworks and rules: what was asked."""
    waivers_sha256: Sha256
    audit_checkpoint: str | None = None
    """The last checkpoint of the audit trail; None where the trail is not sealed."""
    tools: dict[str, str] = {}
    items: tuple[ItemResult, ...]
    controls: tuple[ControlResult, ...] = ()
    proofs: tuple[ProofResult, ...]
    evidence: tuple[Evidence, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    unmatched: tuple[Subject, ...] = ()
    """Resources that no check looks at."""
    notes: tuple[str, ...] = ()
    """What a reader must know to judge this honestly: what an emulator cannot show, what was skipped."""

    def proof(self, proof_id: str) -> ProofResult | None:
        """The proof of that id."""
        return next((each for each in self.proofs if each.proof_id == proof_id), None)

    @property
    def blockers(self) -> tuple[ItemResult, ...]:
        """The blocking items that keep this environment from going live, worst first."""
        open_ = [
            item
            for item in self.items
            if item.blocking and item.status not in SATISFIED | {Status.WAIVED, Status.NOT_APPLICABLE}
        ]
        return tuple(sorted(open_, key=lambda item: (WORST_FIRST.index(item.status), item.number)))

    @property
    def go(self) -> bool:
        """Whether nothing that blocks is open. No items at all is no go."""
        return bool(self.items) and not self.blockers

    @property
    def score(self) -> tuple[int, int]:
        """How many items are satisfied, of all that apply: waived and unseen ones count as not satisfied."""
        applying = [item for item in self.items if item.status is not Status.NOT_APPLICABLE]
        return sum(item.status in SATISFIED for item in applying), len(applying)

    def canonical(self) -> bytes:
        """The document as it is signed."""
        return canonical(self.model_dump(mode="json", by_alias=True))

    @property
    def sha256(self) -> str:
        """The digest that sign-offs name."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @classmethod
    def read(cls, document: bytes) -> Results:
        """The results in ``document``. Error: ValueError where it is not one, or not in canonical form."""
        results = cls.model_validate_json(document)
        if results.canonical() != document.strip():
            raise ValueError("the results are not in canonical form: they were altered")
        return results


def utc(moment: datetime) -> str:
    """A moment as reports show it: ``2026-11-26 10:05 UTC``."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")
