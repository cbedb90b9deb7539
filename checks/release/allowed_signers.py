"""Who may sign what, and when: OpenSSH's ``allowed_signers``, with one reading where OpenSSH leaves several.

A line names whom a key belongs to and in which roles they may speak::

    security-officer,so@hasivu.example namespaces="hasivu-signoff",valid-after="20261101Z" ssh-ed25519 AAAA…

Its principals are addresses of one person (the first names them, the others are theirs too, as commits or
GitHub have them) and roles, which have no ``@``. ``namespaces`` must be
there, wildcards and certificate authorities are refused, and a moment ends in ``Z`` for UTC, so that the file
says the same on every machine. ``ssh-keygen -Y verify -f`` reads the same file and judges it alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from checks.release.ssh_keys import PublicKey

_LINE: Final = re.compile(
    r"(?P<principals>\S+) +(?P<options>[a-z-]+=\"[^\"]*\"(?:,[a-z-]+=\"[^\"]*\")*) +(?P<key>\S+ +\S+.*)"
)
_OPTION: Final = re.compile(r"([a-z-]+)=\"([^\"]*)\"")
_PRINCIPAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(@[A-Za-z0-9.-]+)?")
_MOMENTS: Final = {
    len("YYYYMMDD"): "%Y%m%d",
    len("YYYYMMDDHHMM"): "%Y%m%d%H%M",
    len("YYYYMMDDHHMMSS"): "%Y%m%d%H%M%S",
}
_OPTIONS: Final = frozenset({"namespaces", "valid-after", "valid-before"})
_MALFORMED = 'a line is: principals, namespaces="…" and other options with a value, key; separated by spaces'


class SignersRefused(ValueError):
    """The file says something that could be read in two ways, or nothing at all. Names the line."""


class NotAllowed(ValueError):
    """This key may not sign this, or not at this moment."""


@dataclass(frozen=True, kw_only=True)
class AllowedSigner:
    """One line of the file."""

    person: str
    addresses: tuple[str, ...]
    """All by which this person is known, in lower case; ``person`` is the first."""
    roles: tuple[str, ...]
    namespaces: tuple[str, ...]
    valid_after: datetime | None
    """The first moment at which a signature counts."""
    valid_before: datetime | None
    """The last one, as OpenSSH has it."""
    key: PublicKey

    def holds_at(self, moment: datetime) -> bool:
        """Whether a signature made at ``moment`` counts."""
        return (self.valid_after is None or moment >= self.valid_after) and (
            self.valid_before is None or moment <= self.valid_before
        )


@dataclass(frozen=True)
class AllowedSigners:
    """All who may sign. Nobody, where the file has no lines."""

    signers: tuple[AllowedSigner, ...]

    @classmethod
    def parse(cls, text: str) -> AllowedSigners:
        """The signers in the ``text`` of the file. Error: SignersRefused."""
        signers = tuple(_signers(text))
        persons: dict[str, str] = {}
        for signer in signers:
            for known_by in (signer.key.fingerprint, *signer.addresses):
                if persons.setdefault(known_by, signer.person) != signer.person:
                    raise SignersRefused(f"{known_by} belongs to two people")
        return cls(signers)

    def signer(
        self, key: PublicKey, *, namespace: str, at: datetime, role: str | None = None
    ) -> AllowedSigner:
        """Whose ``key`` it is, if it may sign in ``namespace`` (and speak as ``role``) at ``at``, UTC.

        Error: NotAllowed, which says what is missing.
        """
        found = [signer for signer in self.signers if signer.key == key]
        if not found:
            raise NotAllowed(f"{key.fingerprint} is not among the allowed signers")
        found = [signer for signer in found if namespace in signer.namespaces]
        if not found:
            raise NotAllowed(f"{key.fingerprint} may not sign for {namespace}")
        if role is not None:
            found = [signer for signer in found if role in signer.roles]
            if not found:
                raise NotAllowed(f"{key.fingerprint} may not speak as {role}")
        for signer in found:
            if signer.holds_at(at):
                return signer
        raise NotAllowed(f"{key.fingerprint} does not count at {at:%Y-%m-%d %H:%M} UTC")


def _signers(text: str) -> Iterator[AllowedSigner]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield _signer(line.rstrip())
        except ValueError as error:
            raise SignersRefused(f"line {number}: {error}") from None


def _signer(line: str) -> AllowedSigner:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise ValueError(_MALFORMED)
    principals = parts["principals"].split(",")
    if not all(_PRINCIPAL.fullmatch(principal) for principal in principals):
        raise ValueError("a principal is a role or an address, without wildcards")
    addresses = tuple(principal.lower() for principal in principals if "@" in principal)
    if not addresses:
        raise ValueError("none of the principals is a person, with an @")
    options = _options(parts["options"])
    namespaces = tuple(options.get("namespaces", "").split(","))
    if not all(re.fullmatch(r"[a-z-]+", namespace) for namespace in namespaces):
        raise ValueError("namespaces are listed, without wildcards")
    kind, encoded = parts["key"].split()[:2]
    return AllowedSigner(
        person=addresses[0],
        addresses=addresses,
        roles=tuple(principal for principal in principals if "@" not in principal),
        namespaces=namespaces,
        valid_after=_moment(options.get("valid-after")),
        valid_before=_moment(options.get("valid-before")),
        key=PublicKey.of_line(kind, encoded),
    )


def _options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in _OPTION.findall(text):
        if name not in _OPTIONS:
            raise ValueError(f"the option {name} is not taken")
        if name in options:
            raise ValueError(f"{name} stands there twice")
        options[name] = value
    return options


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    digits = text.removesuffix("Z")
    form = _MOMENTS.get(len(digits))
    if form is None or digits == text or not digits.isascii() or not digits.isdecimal():
        raise ValueError("a moment is YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, and a Z for UTC")
    return datetime.strptime(digits, form).replace(tzinfo=UTC)
