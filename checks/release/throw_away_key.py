"""The key with which a sandbox signs its own reports and records. It proves nothing about people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from checks.errors import ExitCode, HasivuError
from checks.release.ssh_keys import ED25519, PublicKey, ed25519_key
from checks.release.ssh_wire import string
from checks.release.sshsig import Namespace, made, signed_bytes

KEY_NAME: Final = "throw-away-key-that-proves-nothing-about-people"
SIGNERS_NAME: Final = "allowed_signers"
PERSON: Final = "nobody@sandbox.invalid"


class ThrowAwayKey:
    """A sandbox's own key, made when it is first asked for. It shows that bytes are as they were written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / KEY_NAME
        self._signers = folder / SIGNERS_NAME

    @property
    def is_there(self) -> bool:
        """Whether it has been made."""
        return self._path.exists()

    @property
    def allowed_signers(self) -> Path:
        """Who may sign in this sandbox: this key, for reports and records, never for a person's decision."""
        self._private()
        return self._signers

    def public_key(self) -> PublicKey:
        """Its public half."""
        return ed25519_key(self._private().public_key())

    def sign(self, document: bytes, namespace: Namespace) -> bytes:
        """Needs no OpenSSH."""
        private = self._private()
        raw = private.sign(signed_bytes(document, namespace))
        return made(ed25519_key(private.public_key()), namespace, string(ED25519.encode()) + string(raw))

    def _private(self) -> ed25519.Ed25519PrivateKey:
        try:
            if not self.is_there:
                self._make()
            key = serialization.load_ssh_private_key(self._path.read_bytes(), password=None)
        except (OSError, UnsupportedAlgorithm, ValueError) as error:
            raise _unfit(self._path, error) from None
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise _unfit(self._path, TypeError("it is of another kind"))
        return key

    def _make(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ed25519.Ed25519PrivateKey.generate()
        line = ed25519_key(key.public_key()).line
        namespaces = f"{Namespace.RESULTS},{Namespace.RELEASE}"
        self._signers.write_text(
            f"# A sandbox signs for itself: this says nothing about people.\n{PERSON} "
            f'namespaces="{namespaces}" {line}\n',
            encoding="utf-8",
        )
        document = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)


def _unfit(path: Path, error: Exception) -> HasivuError:
    why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return HasivuError(
        "NO_SANDBOX_KEY",
        f"The sandbox's key {path} can be neither read nor made: {why}.",
        next_step="name the sandbox's folder with --dir; a key that was spoiled may be taken away",
        exit_code=ExitCode.SANDBOX,
    )
