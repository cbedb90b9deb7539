"""Whether a sealed audit trail is whole and unchanged: arithmetic over files, no network.

A trail is a folder: ``seals/`` and ``lines/`` as in the audit bucket, and the public half of the signing key.
What this cannot see is that the newest seals are missing, unless a later digest is known from elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from runtime.platform.canonical_json import canonical
from runtime.sealing.merkle import Frontier
from runtime.sealing.model import LINES, SEALS, Checkpoint, Seal, seal_key

PUBLIC_KEY = "public-key.pem"
SEAL_BYTES_MAX, LINES_BYTES_MAX = 64 * 1024, 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a trail: a stable code, where, and why."""

    code: str
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: how far the trail reaches, the digests of its checkpoints, and the first faults."""

    checkpoints: int
    lines: int
    last: Checkpoint | None
    digests: tuple[str, ...]
    faults: tuple[Fault, ...]

    @property
    def whole(self) -> bool:
        """Whether there is a trail and nothing speaks against it."""
        return self.last is not None and not self.faults


class _Broken(Exception):
    """The trail is not followed further."""

    def __init__(self, code: str, where: str, why: str) -> None:
        super().__init__(why)
        self.fault = Fault(code, where, why)


def verify(trail: Path, *, log: str, anchors: Iterable[str] = ()) -> Verified:
    """Follow the trail of ``log`` in the folder ``trail`` from its first checkpoint to its last.

    ``anchors`` are digests of checkpoints that were seen before, in reports and sign-offs: each must
    be in it. The first break ends the walk, for what comes after it says nothing.
    """
    faults: list[Fault] = []
    digests: list[str] = []
    last: Checkpoint | None = None
    lines = 0
    try:
        key = _public_key(trail)
        for checkpoint in _walk(trail, log, key):
            last = checkpoint
            digests.append(checkpoint.digest)
            lines = checkpoint.size
        if last is None:
            raise _Broken("trail-empty", SEALS, "there is no seal")
        _nothing_else(trail, len(digests))
    except _Broken as broken:
        faults.append(broken.fault)
    faults += [
        Fault("anchor-missing", anchor, "a checkpoint that was seen before is not in the trail")
        for anchor in sorted(set(anchors) - set(digests))
    ]
    return Verified(len(digests), lines, last, tuple(digests), tuple(faults))


def _walk(trail: Path, log: str, key: ec.EllipticCurvePublicKey) -> Iterator[Checkpoint]:
    previous: Checkpoint | None = None
    tree = Frontier()
    sequence = 0
    while (path := trail / seal_key(sequence)).is_file():
        where = seal_key(sequence)
        checkpoint = _signed(path, where, key)
        expected = None if previous is None else previous.digest
        if (checkpoint.log, checkpoint.sequence) != (log, sequence):
            raise _Broken("seal-misplaced", where, "it is the seal of something else")
        if checkpoint.previous != expected:
            raise _Broken("chain-broken", where, "it does not follow the checkpoint before it")
        if previous is not None and checkpoint.sealed_at < previous.sealed_at:
            raise _Broken("clock-backwards", where, "it was sealed before the one before it")
        tree = tree.append(_lines(trail, checkpoint, where))
        if (checkpoint.size, checkpoint.root) != (tree.size, tree.root.hex()):
            raise _Broken("root-wrong", where, "its root is not that of the lines")
        if checkpoint.frontier != tuple(root.hex() for root in tree.roots):
            raise _Broken("frontier-wrong", where, "its frontier is not that of the lines")
        yield checkpoint
        previous = checkpoint
        sequence += 1


def _signed(path: Path, where: str, key: ec.EllipticCurvePublicKey) -> Checkpoint:
    document = _bytes(path, where, SEAL_BYTES_MAX)
    try:
        seal = Seal.model_validate_json(document)
        signature = seal.signature_bytes
    except ValueError:
        raise _Broken("seal-malformed", where, "it is no seal") from None
    if seal.document() != document:
        raise _Broken("seal-altered", where, "it is not in canonical form")
    try:
        key.verify(signature, seal.checkpoint.canonical(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise _Broken("signature-wrong", where, "the key did not sign this") from None
    return seal.checkpoint


def _lines(trail: Path, checkpoint: Checkpoint, where: str) -> list[bytes]:
    if checkpoint.lines is None:
        return []
    kept = _bytes(trail / checkpoint.lines.key, checkpoint.lines.key, LINES_BYTES_MAX)
    if hashlib.sha256(kept).hexdigest() != checkpoint.lines.sha256:
        raise _Broken("lines-altered", checkpoint.lines.key, "they are not what was sealed")
    records = kept.removesuffix(b"\n").split(b"\n")
    if len(records) != checkpoint.lines.count:
        raise _Broken("lines-miscounted", where, f"{len(records)} lines are there")
    for record in records:
        if canonical(json.loads(record)) != record:
            raise _Broken("lines-malformed", checkpoint.lines.key, "a line is not in canonical form")
    return records


def _nothing_else(trail: Path, checkpoints: int) -> None:
    """A seal behind a gap is part of a trail of which something was taken away."""
    seals = {path.relative_to(trail).as_posix() for path in (trail / SEALS).rglob("*") if path.is_file()}
    known = {seal_key(sequence) for sequence in range(checkpoints)}
    for extra in sorted(seals - known):
        raise _Broken("seal-missing", extra, f"there are only {checkpoints} seals without a gap before it")


def _bytes(path: Path, where: str, at_most: int) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise _Broken("file-missing", where, "it is not there")
    if path.stat().st_size > at_most:
        raise _Broken("file-too-large", where, f"it has more than {at_most} bytes")
    return path.read_bytes()


def _public_key(trail: Path) -> ec.EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(_bytes(trail / PUBLIC_KEY, PUBLIC_KEY, SEAL_BYTES_MAX))
    except ValueError:
        raise _Broken("key-malformed", PUBLIC_KEY, "it is no public key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _Broken("key-malformed", PUBLIC_KEY, "it is of another kind")
    return key


def lines_of(trail: Path) -> Iterator[dict[str, object]]:
    """Every line of a trail that was verified, in the order of sealing."""
    sequence = 0
    while (path := trail / seal_key(sequence)).is_file():
        sealed = Seal.model_validate_json(path.read_bytes()).checkpoint.lines
        if sealed is not None:
            for record in (trail / LINES / f"{sealed.sha256}.jsonl").read_bytes().splitlines():
                yield json.loads(record)
        sequence += 1
