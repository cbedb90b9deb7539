"""Public keys as OpenSSH writes them, and whether one of them made a signature.

Ed25519 (RFC 8709), ECDSA on P-256 (RFC 5656), RSA with SHA-2 (RFC 8332), and the first two on a security key
(OpenSSH, PROTOCOL.u2f), which say besides that somebody touched it. DSA, SHA-1 and RSA below 3,072 bits are
refused. The library `sshsig` of PyPI knows neither ECDSA nor security keys.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from checks.release.ssh_wire import WireReader, string

ED25519: Final = "ssh-ed25519"
ECDSA_P256: Final = "ecdsa-sha2-nistp256"
RSA: Final = "ssh-rsa"
SECURITY_ED25519: Final = "sk-ssh-ed25519@openssh.com"
SECURITY_ECDSA_P256: Final = "sk-ecdsa-sha2-nistp256@openssh.com"

RSA_BITS_MIN = 3072
_RSA_BITS_MAX = 16384
_RSA_HASHES: Final = {"rsa-sha2-256": hashes.SHA256, "rsa-sha2-512": hashes.SHA512}
_CURVE: Final = "nistp256"
_TOUCHED = 0x01


class NotItsSignature(ValueError):
    """The key did not make this signature over this message."""


@dataclass(frozen=True)
class PublicKey:
    """A public key. ``kind`` is OpenSSH's name of it, ``blob`` its form on the wire, which begins with it."""

    kind: str
    blob: bytes

    @classmethod
    def of_blob(cls, blob: bytes) -> PublicKey:
        """The key in ``blob``. Error: ValueError where it is none, unknown, or too weak."""
        kind = WireReader(blob).text()
        if kind not in _CHECKS:
            raise ValueError(f"keys of the kind {kind[:60]!r} are not taken")
        key = cls(kind, blob)
        _CHECKS[kind](key, None, b"")
        return key

    @classmethod
    def of_line(cls, kind: str, encoded: str) -> PublicKey:
        """The key of the two words that an OpenSSH public key is written as."""
        try:
            key = cls.of_blob(base64.b64decode(encoded, validate=True))
        except binascii.Error:
            raise ValueError("the key is not Base64") from None
        if key.kind != kind:
            raise ValueError(f"it calls itself {kind} and is {key.kind}")
        return key

    @property
    def line(self) -> str:
        """The two words: ``ssh-ed25519 AAAA…``."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` shows it: ``SHA256:…``."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"

    def verify(self, signature: bytes, message: bytes) -> None:
        """Hold SSH's ``signature`` against ``message``. Errors: NotItsSignature; ValueError if malformed."""
        try:
            _CHECKS[self.kind](self, signature, message)
        except InvalidSignature:
            raise NotItsSignature(f"{self.fingerprint} did not sign this") from None


def _named(key: PublicKey) -> WireReader:
    reader = WireReader(key.blob)
    reader.string()
    return reader


def _of_kind(signature: bytes, kind: str) -> WireReader:
    reader = WireReader(signature)
    if reader.text() != kind:
        raise ValueError("the signature is of another kind than the key")
    return reader


def _ed25519(key: PublicKey, signature: bytes | None, message: bytes) -> None:
    reader = _named(key)
    public = ed25519.Ed25519PublicKey.from_public_bytes(reader.string())
    reader.end()
    if signature is not None:
        given = _of_kind(signature, ED25519)
        raw = given.string()
        given.end()
        public.verify(raw, message)


def _p256(reader: WireReader) -> ec.EllipticCurvePublicKey:
    if reader.text() != _CURVE:
        raise ValueError("the curve is not P-256")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), reader.string())


def _verify_p256(public: ec.EllipticCurvePublicKey, numbers: bytes, message: bytes) -> None:
    reader = WireReader(numbers)
    r, s = reader.mpint(), reader.mpint()
    reader.end()
    public.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def _ecdsa(key: PublicKey, signature: bytes | None, message: bytes) -> None:
    reader = _named(key)
    public = _p256(reader)
    reader.end()
    if signature is not None:
        given = _of_kind(signature, ECDSA_P256)
        numbers = given.string()
        given.end()
        _verify_p256(public, numbers, message)


def _rsa(key: PublicKey, signature: bytes | None, message: bytes) -> None:
    reader = _named(key)
    exponent, modulus = reader.mpint(), reader.mpint()
    reader.end()
    if not RSA_BITS_MIN <= modulus.bit_length() <= _RSA_BITS_MAX:
        raise ValueError(f"an RSA key has at least {RSA_BITS_MIN} bits, this has {modulus.bit_length()}")
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if signature is not None:
        given = WireReader(signature)
        algorithm = given.text()
        if algorithm not in _RSA_HASHES:
            raise ValueError("an RSA signature is by SHA-256 or SHA-512")
        raw = given.string()
        given.end()
        public.verify(raw, message, padding.PKCS1v15(), _RSA_HASHES[algorithm]())


def _touched(given: WireReader, application: bytes, message: bytes) -> bytes:
    """What a security key signs (PROTOCOL.u2f): application, that it was touched, counter, message."""
    flags, counter = given.take(1), given.take(4)
    given.end()
    if not flags[0] & _TOUCHED:
        raise NotItsSignature("nobody touched the security key")
    return hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(message).digest()


def _security_ed25519(key: PublicKey, signature: bytes | None, message: bytes) -> None:
    reader = _named(key)
    public = ed25519.Ed25519PublicKey.from_public_bytes(reader.string())
    application = reader.string()
    reader.end()
    if signature is not None:
        given = _of_kind(signature, SECURITY_ED25519)
        raw = given.string()
        public.verify(raw, _touched(given, application, message))


def _security_ecdsa(key: PublicKey, signature: bytes | None, message: bytes) -> None:
    reader = _named(key)
    public = _p256(reader)
    application = reader.string()
    reader.end()
    if signature is not None:
        given = _of_kind(signature, SECURITY_ECDSA_P256)
        numbers = given.string()
        _verify_p256(public, numbers, _touched(given, application, message))


_CHECKS: Final = {
    ED25519: _ed25519,
    ECDSA_P256: _ecdsa,
    RSA: _rsa,
    SECURITY_ED25519: _security_ed25519,
    SECURITY_ECDSA_P256: _security_ecdsa,
}


def ed25519_key(public: ed25519.Ed25519PublicKey) -> PublicKey:
    """A key of `cryptography` as OpenSSH writes it."""
    return PublicKey(ED25519, string(ED25519.encode()) + string(public.public_bytes_raw()))
