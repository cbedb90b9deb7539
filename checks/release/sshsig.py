"""Detached signatures as ``ssh-keygen -Y sign`` writes and ``ssh-keygen -Y verify`` reads them.

The format is OpenSSH's PROTOCOL.sshsig. What is signed is a digest of the document together with a
*namespace*, so that a signature made for one purpose is worth nothing for another. Reading is strict: there
is exactly one text for a signature, so that no byte of a signature file can change unseen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from checks.release.ssh_keys import PublicKey
from checks.release.ssh_wire import WireReader, string

SIGNATURE_BYTES_MAX = 16 * 1024

_MAGIC: Final = b"SSHSIG"
_VERSION = 1
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
_END: Final = "-----END SSH SIGNATURE-----"
_COLUMNS = 70
_HASH: Final = "sha512"
_HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}


class Namespace(StrEnum):
    """What a signature is for."""

    RESULTS = "hasivu-results"
    """Results and the list of a report's files, by whoever ran the report."""
    SIGNOFF = "hasivu-signoff"
    """A decision of one role."""
    RELEASE = "hasivu-release"
    """The records of a go-live and of its rollback window."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature, not yet held against anything."""

    key: PublicKey
    namespace: str
    hash_name: str
    raw: bytes
    """In SSH's form: the algorithm's name and what it made."""

    @classmethod
    def read(cls, text: bytes) -> Signature:
        """The signature in ``text``. Error: ValueError where it is not one, or written in another form."""
        try:
            signature = cls._of_blob(_unarmoured(text))
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("it is not an SSH signature") from None
        if signature.armoured() != text:
            raise ValueError("it is not written as ssh-keygen writes it: it was altered")
        return signature

    @classmethod
    def _of_blob(cls, blob: bytes) -> Signature:
        reader = WireReader(blob)
        if reader.take(len(_MAGIC)) != _MAGIC or reader.uint32() != _VERSION:
            raise ValueError("it is not an SSH signature of version 1")
        key = PublicKey.of_blob(reader.string())
        namespace = reader.text()
        if reader.string():
            raise ValueError("its reserved field is not empty")
        hash_name = reader.text()
        if hash_name not in _HASHES:
            raise ValueError("it uses an unknown digest")
        raw = reader.string()
        reader.end()
        return cls(key=key, namespace=namespace, hash_name=hash_name, raw=raw)

    def armoured(self) -> bytes:
        """The text of a signature file."""
        blob = (
            _MAGIC
            + _VERSION.to_bytes(4, "big")
            + string(self.key.blob)
            + string(self.namespace.encode())
            + string(b"")
            + string(self.hash_name.encode())
            + string(self.raw)
        )
        encoded = base64.b64encode(blob).decode()
        lines = [encoded[at : at + _COLUMNS] for at in range(0, len(encoded), _COLUMNS)]
        return "\n".join([_BEGIN, *lines, _END, ""]).encode()

    def verify(self, document: bytes, namespace: str) -> None:
        """Whether it was made over ``document`` for ``namespace``. Says nothing of who may sign.

        Errors: NotItsSignature; ValueError where it is for something else, or malformed.
        """
        if self.namespace != namespace:
            raise ValueError(f"it was made for {self.namespace[:60]!r}, not for {namespace!r}")
        self.key.verify(self.raw, signed_bytes(document, namespace, self.hash_name))


def signed_bytes(document: bytes, namespace: str, hash_name: str = _HASH) -> bytes:
    """What the key signs, a hundred bytes or so, whatever the document's size."""
    return (
        _MAGIC
        + string(namespace.encode())
        + string(b"")
        + string(hash_name.encode())
        + string(_HASHES[hash_name](document).digest())
    )


def made(key: PublicKey, namespace: str, raw: bytes) -> bytes:
    """The text of a signature file over :func:`signed_bytes`, for a signer that is not ``ssh-keygen``."""
    return Signature(key=key, namespace=namespace, hash_name=_HASH, raw=raw).armoured()


def _unarmoured(text: bytes) -> bytes:
    if len(text) > SIGNATURE_BYTES_MAX:
        raise ValueError("it is too long for a signature")
    lines = text.decode("ascii").split("\n")
    if lines[0] != _BEGIN or lines[-2:] != [_END, ""]:
        raise ValueError("it is not an SSH signature")
    return base64.b64decode("".join(lines[1:-2]), validate=True)
