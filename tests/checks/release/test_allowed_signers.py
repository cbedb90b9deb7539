"""The list of allowed signers: one reading for every line, and none for what could be read in two ways."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.release.allowed_signers import AllowedSigners, NotAllowed, SignersRefused
from checks.release.context import SIGNERS as COMMITTED
from checks.release.sshsig import Namespace
from tests.checks.release.world import OWNER, RUNNER

KEY = RUNNER.public_key().line
AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def signers(options: str, principals: str = "cto@x.example,technical-director") -> AllowedSigners:
    return AllowedSigners.parse(f"# a list\n\n{principals} {options} {KEY} a comment\n")


def allowed(found: AllowedSigners, **asked: object) -> str:
    arguments = {"namespace": "hasivu-signoff", "at": AT, "role": "technical-director"} | asked
    return found.signer(RUNNER.public_key(), **arguments).person  # type: ignore[arg-type]


def test_a_person_speaks_in_their_role() -> None:
    assert allowed(signers('namespaces="hasivu-signoff"')) == "cto@x.example"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"role": "security-officer"}, "may not speak as security-officer"),
        ({"namespace": "hasivu-release"}, "may not sign for hasivu-release"),
        ({"at": datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)}, "does not count at"),
        ({"at": datetime(2026, 12, 31, 0, 0, 1, tzinfo=UTC)}, "does not count at"),
    ],
)
def test_what_a_line_does_not_allow_is_refused(asked: dict[str, object], why: str) -> None:
    found = signers('namespaces="hasivu-signoff",valid-after="20261201Z",valid-before="20261231Z"')
    with pytest.raises(NotAllowed, match=why):
        allowed(found, **asked)


def test_a_key_that_is_not_listed_is_refused() -> None:
    with pytest.raises(NotAllowed, match="not among"):
        signers('namespaces="hasivu-signoff"').signer(OWNER.public_key(), namespace="hasivu-signoff", at=AT)


@pytest.mark.parametrize(
    "line",
    [
        f"cto@x.example {KEY}",
        f'* namespaces="hasivu-signoff" {KEY}',
        f'technical-director namespaces="hasivu-signoff" {KEY}',
        f'cto@x.example namespaces="*" {KEY}',
        f'cto@x.example namespaces="" {KEY}',
        f'cto@x.example cert-authority,namespaces="hasivu-signoff" {KEY}',
        f'cto@x.example namespaces="a",namespaces="b" {KEY}',
        f'cto@x.example valid-after="20261201Z" {KEY}',
        f'cto@x.example namespaces="a",valid-after="20261201" {KEY}',
        f'cto@x.example namespaces="a",valid-after="20261301Z" {KEY}',
        f'cto@x.example namespaces="a",valid-before="tomorrow" {KEY}',
        f'cto@x.example namespaces="a",no-touch-required="yes" {KEY}',
        'cto@x.example namespaces="a" ssh-ed25519 AAAA',
        'cto@x.example namespaces="a" ssh-ed25519 not!base64',
        f'cto@x.example namespaces="a" ssh-rsa {KEY.split()[1]}',
        'cto@x.example namespaces="a"',
        "x" * 100_000,
    ],
)
def test_a_line_with_more_than_one_reading_is_refused(line: str) -> None:
    with pytest.raises(SignersRefused, match="line 1"):
        AllowedSigners.parse(line)


@pytest.mark.parametrize(
    "second",
    [f"b@x.example,c@x.example {{}} {KEY}", f"b@x.example,a@x.example {{}} {OWNER.public_key().line}"],
)
def test_one_key_or_address_is_one_person(second: str) -> None:
    option = 'namespaces="hasivu-signoff"'
    with pytest.raises(SignersRefused, match="two people"):
        AllowedSigners.parse(f"a@x.example {option} {KEY}\n{second.format(option)}\n")


def test_openssh_and_we_agree_on_the_last_second(tmp_path: Path) -> None:
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("OpenSSH is not installed")
    line = f'cto@x.example namespaces="hasivu-signoff",valid-before="20261201120000Z" {KEY}\n'
    (tmp_path / "signers").write_text(line)
    (tmp_path / "sig").write_bytes(RUNNER.sign(b"x", Namespace.SIGNOFF))
    for moment in (AT, AT + timedelta(seconds=1)):
        command = [program, "-Y", "verify", "-f", str(tmp_path / "signers"), "-I", "cto@x.example"]
        command += ["-n", "hasivu-signoff", "-s", str(tmp_path / "sig")]
        theirs = subprocess.run(
            [*command, "-O", f"verify-time={moment:%Y%m%d%H%M%S}Z"],
            input=b"x",
            capture_output=True,
            check=False,
        )
        ours = AllowedSigners.parse(line).signers[0].holds_at(moment)
        assert ours == (theirs.returncode == 0), moment


def test_the_committed_list_can_be_read() -> None:
    AllowedSigners.parse(COMMITTED.read_text(encoding="utf-8"))
