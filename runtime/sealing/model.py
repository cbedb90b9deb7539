"""What a seal says, and the form in which it is signed and kept."""

import base64
import hashlib
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from runtime.platform.canonical_json import canonical
from runtime.sealing.merkle import Frontier

SCHEMA: Final = "hasivu.audit-checkpoint/1"
ALGORITHM: Final = "ECDSA_SHA_256"
SEALS, LINES = "seals", "lines"
"""Where in the audit bucket seals and the lines that they seal are."""

_SEALS_IN_A_FOLDER = 1_000

Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sealed(_Frozen):
    """The lines that a checkpoint adds: an object of canonical lines of JSON, named by its digest."""

    sha256: Hex
    count: Annotated[int, Field(ge=1)]

    @property
    def key(self) -> str:
        """The object's name in the audit bucket."""
        return f"{LINES}/{self.sha256}.jsonl"


class Checkpoint(_Frozen):
    """The audit trail as it stood: how many lines, the root over them all, and the checkpoint before.

    ``until`` is the last line sealed of each day that may still get lines, ``sealed_at`` in UTC. ``previous``
    is the digest of the checkpoint before, None for the first.
    """

    schema_: Literal["hasivu.audit-checkpoint/1"] = Field(default=SCHEMA, alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    log: str
    sequence: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    root: Hex
    frontier: tuple[Hex, ...]
    previous: Hex | None
    sealed_at: str
    until: dict[Day, str]
    lines: Sealed | None

    @property
    def tree(self) -> Frontier:
        """The tree as it can be grown further. Raises ValueError where it contradicts itself."""
        tree = Frontier(self.size, tuple(bytes.fromhex(root) for root in self.frontier))
        if tree.root.hex() != self.root:
            raise ValueError("the root is not that of the frontier")
        return tree

    def canonical(self) -> bytes:
        """The checkpoint as it is signed."""
        return canonical(self.model_dump(mode="json", by_alias=True))

    @property
    def digest(self) -> str:
        """What the next checkpoint, reports and sign-offs name."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @property
    def key(self) -> str:
        """The object's name in the audit bucket: whoever makes it first, nobody makes it again."""
        return seal_key(self.sequence)


class Seal(_Frozen):
    """A checkpoint with its signature: DER, in base64, over the canonical bytes, by ``key_id``."""

    checkpoint: Checkpoint
    algorithm: Literal["ECDSA_SHA_256"] = ALGORITHM
    key_id: str
    signature: str

    def document(self) -> bytes:
        """The seal as it is kept."""
        return canonical(self.model_dump(mode="json", by_alias=True)) + b"\n"

    @property
    def signature_bytes(self) -> bytes:
        """The signature. Raises ValueError where it is not base64."""
        return base64.b64decode(self.signature, validate=True)


def seal_key(sequence: int) -> str:
    """``seals/000000012/345.json`` for checkpoint 12345: few folders, and few objects in each."""
    folder, number = divmod(sequence, _SEALS_IN_A_FOLDER)
    return f"{SEALS}/{folder:09d}/{number:03d}.json"
