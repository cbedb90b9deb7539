"""The Merkle tree of RFC 6962, section 2.1, grown at its right edge: pure arithmetic over SHA-256.

Of a tree only its frontier is kept: the roots of the perfect subtrees of which it is made, largest first. For
``size`` leaves these are as many as ``size`` has ones in binary.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(record: bytes) -> bytes:
    """The hash of a leaf. Its prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(_LEAF + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return hashlib.sha256(_NODE + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree of ``size`` leaves. Raises ValueError where the two do not fit together."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.roots) != self.size.bit_count():
            raise ValueError("a frontier has a root for each one in the binary form of its size")

    def append(self, records: Iterable[bytes]) -> "Frontier":
        """The frontier with ``records`` as further leaves, in their order."""
        size, roots = self.size, list(self.roots)
        for record in records:
            root, carried = leaf_hash(record), size
            while carried & 1:
                root = node_hash(roots.pop(), root)
                carried >>= 1
            roots.append(root)
            size += 1
        return Frontier(size, tuple(roots))

    @property
    def root(self) -> bytes:
        """The root of the whole tree; of none, the hash of nothing."""
        if not self.roots:
            return hashlib.sha256(b"").digest()
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root
