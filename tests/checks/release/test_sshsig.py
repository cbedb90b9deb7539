"""Signatures: what OpenSSH makes is taken, what we make OpenSSH takes, and nothing altered is."""

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import HasivuError
from checks.release.signing import SshKeygen, signature_over
from checks.release.ssh_keys import (
    SECURITY_ECDSA_P256,
    SECURITY_ED25519,
    NotItsSignature,
    PublicKey,
)
from checks.release.ssh_wire import WireReader, mpint, string
from checks.release.sshsig import Namespace, Signature, made, signed_bytes
from checks.release.throw_away_key import ThrowAwayKey
from tests.checks.release.world import RUNNER

KEYGEN = shutil.which("ssh-keygen")
needs_openssh = pytest.mark.skipif(KEYGEN is None, reason="OpenSSH is not installed")
DOCUMENT = b'{"a":1}'
KINDS = {"ed25519": [], "ecdsa": ["-b", "256"], "rsa": ["-b", "3072"]}


def keygen(*arguments: str, document: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    assert KEYGEN is not None
    return subprocess.run([KEYGEN, *arguments], input=document, capture_output=True, check=False)


@pytest.fixture(scope="module", params=KINDS)
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if KEYGEN is None:
        pytest.skip("OpenSSH is not installed")
    path = tmp_path_factory.mktemp("keys") / str(request.param)
    kind = ["-t", request.param, *KINDS[request.param]]
    assert keygen("-q", *kind, "-N", "", "-f", str(path)).returncode == 0
    return path


def test_what_openssh_signs_is_taken(key: Path) -> None:
    signer = SshKeygen(key)
    signature = signature_over(DOCUMENT, Namespace.SIGNOFF, signer)
    assert signature.key == signer.public_key()
    shown = keygen("-l", "-f", str(key)).stdout.decode()
    assert signature.key.fingerprint in shown


def test_a_key_without_its_public_half_beside_it_is_asked_for_it(key: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copy(key, alone)
    assert SshKeygen(alone).public_key() == SshKeygen(key).public_key()


def test_openssh_refuses_what_is_refused_here(key: Path, tmp_path: Path) -> None:
    signature = SshKeygen(key).sign(DOCUMENT, Namespace.SIGNOFF)
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "signers").write_text(f'cto@x.example namespaces="hasivu-signoff" {_line(key)}\n')
    common = ["-Y", "verify", "-f", str(tmp_path / "signers"), "-I", "cto@x.example"]
    for document, namespace in [
        (DOCUMENT, "hasivu-signoff"),
        (DOCUMENT + b" ", "hasivu-signoff"),
        (DOCUMENT, "hasivu-results"),
    ]:
        theirs = keygen(*common, "-n", namespace, "-s", str(tmp_path / "sig"), document=document)
        try:
            Signature.read(signature).verify(document, namespace)
            ours = True
        except ValueError:
            ours = False
        assert ours == (theirs.returncode == 0) == ((document, namespace) == (DOCUMENT, "hasivu-signoff"))


def _line(key: Path) -> str:
    return SshKeygen(key).public_key().line


@needs_openssh
def test_openssh_takes_what_the_throw_away_key_signs(tmp_path: Path) -> None:
    throw_away = ThrowAwayKey(tmp_path / "release")
    (tmp_path / "sig").write_bytes(throw_away.sign(DOCUMENT, Namespace.RESULTS))
    arguments = ["-Y", "verify", "-f", str(throw_away.allowed_signers), "-I", "nobody@sandbox.invalid"]
    arguments += ["-n", "hasivu-results", "-s", str(tmp_path / "sig")]
    assert keygen(*arguments, document=DOCUMENT).returncode == 0
    assert (
        tmp_path / "release" / "throw-away-key-that-proves-nothing-about-people"
    ).stat().st_mode & 0o077 == 0


@given(st.data())
def test_no_byte_of_a_signature_changes_unseen(data: st.DataObject) -> None:
    text = RUNNER.sign(DOCUMENT, Namespace.RESULTS)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != text[at]))
    altered = text[:at] + bytes([other]) + text[at + 1 :]
    with pytest.raises(ValueError, match=r"."):
        Signature.read(altered).verify(DOCUMENT, Namespace.RESULTS)


def test_no_byte_of_openssh_s_signatures_changes_unseen(key: Path) -> None:
    """Of every kind of key, and never anything but a ValueError."""
    text = SshKeygen(key).sign(DOCUMENT, Namespace.RESULTS)
    for at in range(len(text)):
        altered = text[:at] + bytes([text[at] ^ (1 << at % 7)]) + text[at + 1 :]
        with pytest.raises(ValueError, match=r"."):
            Signature.read(altered).verify(DOCUMENT, Namespace.RESULTS)


@given(st.binary(max_size=400))
def test_nothing_but_a_signature_is_one(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Signature.read(junk)
    armoured = (
        b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(junk) + b"\n-----END SSH SIGNATURE-----\n"
    )
    with pytest.raises(ValueError, match=r"."):
        Signature.read(armoured)


def _security_signature(flags: int) -> tuple[PublicKey, bytes]:
    """What a security key with Ed25519 would make, after PROTOCOL.u2f."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = PublicKey.of_blob(string(SECURITY_ED25519.encode()) + string(public) + string(b"ssh:"))
    tail = bytes([flags]) + (9).to_bytes(4, "big")
    message = signed_bytes(DOCUMENT, Namespace.SIGNOFF)
    signed = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(message).digest()
    return key, string(SECURITY_ED25519.encode()) + string(private.sign(signed)) + tail


def test_a_security_key_that_was_touched_signs() -> None:
    key, raw = _security_signature(flags=0x01)
    Signature.read(made(key, Namespace.SIGNOFF, raw)).verify(DOCUMENT, Namespace.SIGNOFF)


def test_a_security_key_that_nobody_touched_does_not() -> None:
    key, raw = _security_signature(flags=0x00)
    with pytest.raises(NotItsSignature, match="touched"):
        Signature.read(made(key, Namespace.SIGNOFF, raw)).verify(DOCUMENT, Namespace.SIGNOFF)


def test_a_security_key_on_p256_signs() -> None:
    private = ec.derive_private_key(12345, ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    blob = string(SECURITY_ECDSA_P256.encode()) + string(b"nistp256") + string(point) + string(b"ssh:")
    key = PublicKey.of_blob(blob)
    tail = bytes([1]) + (3).to_bytes(4, "big")
    message = signed_bytes(DOCUMENT, Namespace.SIGNOFF)
    signed = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(message).digest()
    r, s = decode_dss_signature(private.sign(signed, ec.ECDSA(hashes.SHA256())))
    raw = string(SECURITY_ECDSA_P256.encode()) + string(mpint(r) + mpint(s)) + tail
    Signature.read(made(key, Namespace.SIGNOFF, raw)).verify(DOCUMENT, Namespace.SIGNOFF)
    with pytest.raises(NotItsSignature):
        Signature.read(made(key, Namespace.SIGNOFF, raw)).verify(b"other", Namespace.SIGNOFF)


@needs_openssh
@pytest.mark.parametrize(
    ("kind", "why"), [(["rsa", "-b", "2048"], "3072 bits"), (["ecdsa", "-b", "384"], "not taken")]
)
def test_weak_and_unknown_keys_are_refused(kind: list[str], why: str, tmp_path: Path) -> None:
    keygen("-q", "-t", *kind, "-N", "", "-f", str(tmp_path / "key"))
    with pytest.raises(HasivuError, match=why):
        SshKeygen(tmp_path / "key").public_key()


@given(st.integers(0, 2**300))
def test_numbers_on_the_wire_have_one_form(value: int) -> None:
    reader = WireReader(mpint(value))
    assert reader.mpint() == value
    reader.end()
    padded = string(b"\x00" + mpint(value)[4:])
    with pytest.raises(ValueError, match="longer"):
        WireReader(padded).mpint()


def test_without_openssh_signing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "key").write_text("private")
    with pytest.raises(HasivuError) as refused:
        SshKeygen(tmp_path / "key").sign(DOCUMENT, Namespace.SIGNOFF)
    assert refused.value.code == "NO_SSH_KEYGEN"


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HasivuError) as refused:
        SshKeygen(tmp_path / "key").sign(DOCUMENT, Namespace.SIGNOFF)
    assert refused.value.code == "NO_SUCH_KEY"


@needs_openssh
def test_what_is_no_key_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(HasivuError) as refused:
        SshKeygen(tmp_path / "key").sign(DOCUMENT, Namespace.SIGNOFF)
    assert refused.value.code == "SIGNING_FAILED"
