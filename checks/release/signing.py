"""Making signatures: people's keys by ``ssh-keygen``.

A key in AWS KMS (:mod:`kms_key`) and a sandbox's own (:mod:`throw_away_key`) make the same format, so that
one verifier and one list of allowed signers is enough.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from checks.errors import ExitCode, HasivuError
from checks.release.ssh_keys import PublicKey
from checks.release.sshsig import Namespace, Signature

_KEYGEN_TIMEOUT_S = 300
"""Long enough to type a passphrase and touch a key."""


class Signer(Protocol):
    """Whatever can sign."""

    def public_key(self) -> PublicKey:
        """The public half of its key."""
        ...

    def sign(self, document: bytes, namespace: Namespace) -> bytes:
        """The signature file over ``document``."""
        ...


def signature_over(document: bytes, namespace: Namespace, signer: Signer) -> Signature:
    """The signature of ``signer``, held against ``document`` before anybody sees it."""
    signature = Signature.read(signer.sign(document, namespace))
    signature.verify(document, namespace)
    return signature


class SshKeygen:
    """A key on this machine, in an agent (then ``key`` is its public half) or on a security key."""

    def __init__(self, key: Path) -> None:
        self._key = key

    def public_key(self) -> PublicKey:
        """From the file beside it, if there is one. Errors: `NO_SUCH_KEY`, `NO_SSH_KEYGEN`, `KEY_UNFIT`."""
        self._exists()
        beside = self._key.with_name(f"{self._key.name}.pub")
        for path in (self._key, beside):
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
            if text.startswith(("ssh-", "ecdsa-", "sk-")):
                return _key_of(text)
        return _key_of(self._run("-y", "-f", str(self._key), document=None).decode(errors="replace"))

    def sign(self, document: bytes, namespace: Namespace) -> bytes:
        """May ask for a passphrase or a touch. Errors: `NO_SSH_KEYGEN`, `NO_SUCH_KEY`, `SIGNING_FAILED`."""
        self._exists()
        return self._run("-Y", "sign", "-q", "-n", namespace, "-f", str(self._key), document=document)

    def _exists(self) -> None:
        if not self._key.is_file():
            raise HasivuError(
                "NO_SUCH_KEY",
                f"{self._key.name} is not a file.",
                next_step="give the private key, or its public half where an agent holds it, with --key",
                exit_code=ExitCode.USAGE,
            )

    def _run(self, *arguments: str, document: bytes | None) -> bytes:
        program = shutil.which("ssh-keygen")
        if program is None:
            raise HasivuError(
                "NO_SSH_KEYGEN",
                "Signing with a key of your own is done by OpenSSH's ssh-keygen, which is not installed.",
                next_step="install OpenSSH's client, 8.2 or later, or sign with --kms-key",
                exit_code=ExitCode.TOOLCHAIN,
            )
        try:
            return subprocess.run(
                [program, *arguments],
                input=b"" if document is None else document,
                capture_output=True,
                timeout=_KEYGEN_TIMEOUT_S,
                check=True,
            ).stdout
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = (error.stderr or b"").decode(errors="replace").strip()
            raise HasivuError(
                "SIGNING_FAILED",
                "ssh-keygen did not sign.",
                next_step="see what it says; nothing was written",
                exit_code=ExitCode.CHECK_FAILED,
                detail=said[:500],
            ) from None


def _key_of(text: str) -> PublicKey:
    """The key in the first line of a public key's file."""
    try:
        kind, encoded = text.splitlines()[0].split()[:2]
        return PublicKey.of_line(kind, encoded)
    except (IndexError, ValueError) as error:
        raise HasivuError(
            "KEY_UNFIT",
            f"This key is not taken: {error}.",
            next_step="use Ed25519 or ECDSA P-256, on a security key if you can, or RSA from 3,072 bits",
            exit_code=ExitCode.USAGE,
        ) from None
