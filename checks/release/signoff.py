"""What one role decides about one report, and how such decisions are kept beside it.

``signoffs/<role>.<number>.json`` and its signature ``….json.sig``. A role that thinks again signs the next
number, which names the digest of the one before; the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from checks.checklist.model import Frozen, Line, Moment, Results, Sha256
from checks.release.allowed_signers import AllowedSigner, AllowedSigners, NotAllowed
from checks.release.documents import SIGNATURE_SUFFIX, DocumentRefused, Record, read
from checks.release.sshsig import SIGNATURE_BYTES_MAX, Namespace, Signature

FOLDER: Final = "signoffs"
SCHEMA: Final = "hasivu.signoff/1"
FILES_MAX = 400
STATEMENT: Final = (
    "I have read the report with this digest. I decide as stated, in my role, for this assembly, these "
    "waivers and this catalogue, and for no other."
)
_NAME: Final = re.compile(r"(?P<role>[a-z][a-z-]{0,60})\.(?P<number>[1-9][0-9]{0,3})\.json")


class Decision(StrEnum):
    """What a role says."""

    APPROVE = "approve"
    REJECT = "reject"
    CONDITIONS = "approve-with-conditions"


class Condition(Frozen):
    """What has to be done before an approval counts."""

    text: Line
    closed_by: Line = ""
    """The ticket that shows that it is done; empty while it is open."""


class SignOff(Record):
    """One decision of one role: over the digests of what was decided on."""

    schema_: Literal["hasivu.signoff/1"] = Field(default=SCHEMA, alias="schema")
    environment: str
    role: str
    number: int = Field(ge=1)
    supersedes: Sha256 | None
    """The digest of this role's decision before, if it is not the first."""
    person: str
    """As the allowed signers name them."""
    decision: Decision
    conditions: tuple[Condition, ...]
    at: Moment
    valid_until: Moment
    commit: str
    assembly_sha256: Sha256
    results_sha256: Sha256
    waivers_sha256: Sha256
    catalogue_sha256: Sha256
    audit_checkpoint: str | None
    ticket: Line
    statement: Line

    @model_validator(mode="after")
    def _is_whole(self) -> SignOff:
        if (self.decision is Decision.CONDITIONS) != bool(self.conditions):
            raise ValueError("conditions belong to an approval with conditions, and only there")
        if (self.number == 1) != (self.supersedes is None):
            raise ValueError("the first decision supersedes none, every other one the one before")
        if self.valid_until <= self.at:
            raise ValueError("it ends before it begins")
        return self

    @property
    def file_name(self) -> str:
        """Where it is kept, relative to the report's folder."""
        return f"{FOLDER}/{self.role}.{self.number}.json"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A decision whose signature holds: the key is allowed to speak as this role."""

    signoff: SignOff
    sha256: str
    fingerprint: str
    person: str
    """Whose key it is."""
    addresses: frozenset[str]
    """All by which this person is known, ``person`` among them."""
    key_until: datetime | None
    """The last moment at which the key counts, if it ends."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A file among the sign-offs that is none."""

    path: str
    role: str | None
    """Whose it says it is, by its name."""
    code: str
    reason: str


def draft(
    results: Results,
    *,
    role: str,
    person: str,
    decision: Decision,
    conditions: Sequence[Condition],
    ticket: str,
    at: datetime,
    valid_for: timedelta,
    before: SignOff | None,
) -> SignOff:
    """The decision to be signed, over what ``results`` name. ``before``: the role's last decision."""
    return SignOff(
        environment=results.environment,
        role=role,
        number=1 if before is None else before.number + 1,
        supersedes=None if before is None else before.sha256,
        person=person,
        decision=decision,
        conditions=tuple(conditions),
        at=at,
        valid_until=at + valid_for,
        commit=results.commit,
        assembly_sha256=results.assembly_sha256,
        results_sha256=results.sha256,
        waivers_sha256=results.waivers_sha256,
        catalogue_sha256=results.catalogue_sha256,
        audit_checkpoint=results.audit_checkpoint,
        ticket=ticket,
        statement=STATEMENT,
    )


def read_all(report: Path, signers: AllowedSigners) -> tuple[list[Signed], list[Refused]]:
    """Every decision beside a report whose signature holds, by role and number; every file that is none."""
    signed: list[Signed] = []
    refused: list[Refused] = []
    for name in _names(report, refused):
        path = f"{FOLDER}/{name}"
        role = found["role"] if (found := _NAME.fullmatch(name)) else None
        try:
            signed.append(_read(report, path, signers))
        except DocumentRefused as error:
            refused.append(Refused(path=path, role=role, code=error.code, reason=error.message))
    signed.sort(key=lambda each: (each.signoff.role, each.signoff.number))
    return signed, refused


def verified(
    document: bytes,
    signature: bytes,
    path: str,
    signers: AllowedSigners,
    *,
    namespace: Namespace,
    at: datetime,
    role: str | None = None,
) -> AllowedSigner:
    """Who is behind a signature that holds. Error: DocumentRefused."""
    try:
        found = Signature.read(signature)
        found.verify(document, namespace)
    except ValueError as error:
        raise DocumentRefused("signature", path + SIGNATURE_SUFFIX, str(error)) from None
    try:
        return signers.signer(found.key, namespace=namespace, at=at, role=role)
    except NotAllowed as error:
        raise DocumentRefused("not-allowed", path + SIGNATURE_SUFFIX, str(error)) from None


def _names(report: Path, refused: list[Refused]) -> Iterator[str]:
    folder = report / FOLDER
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        refused.append(Refused(path=FOLDER, role=None, code="symlink", reason="it is not a folder"))
        return
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if len(names) > FILES_MAX:
        refused.append(
            Refused(path=FOLDER, role=None, code="too-large", reason=f"it has more than {FILES_MAX} files")
        )
        return
    documents = {name for name in names if _NAME.fullmatch(name)}
    signatures = {name + SIGNATURE_SUFFIX for name in documents}
    for name in names:
        if name not in documents | signatures:
            reason = "it is neither a sign-off nor the signature of one"
            refused.append(Refused(path=f"{FOLDER}/{name}", role=None, code="unexpected", reason=reason))
    yield from sorted(documents)


def _read(report: Path, path: str, signers: AllowedSigners) -> Signed:
    document = read(report, path)
    signoff = SignOff.parse(document, path)
    if signoff.file_name != path:
        raise DocumentRefused("malformed", path, f"it says that it is {signoff.file_name}")
    signature = read(report, path + SIGNATURE_SUFFIX, bytes_max=SIGNATURE_BYTES_MAX)
    signer = verified(
        document,
        signature,
        path,
        signers,
        namespace=Namespace.SIGNOFF,
        at=signoff.at,
        role=signoff.role,
    )
    if signer.person != signoff.person:
        raise DocumentRefused("not-allowed", path, "the key belongs to another person than it names")
    return Signed(
        signoff=signoff,
        sha256=signoff.sha256,
        fingerprint=signer.key.fingerprint,
        person=signer.person,
        addresses=frozenset(signer.addresses),
        key_until=signer.valid_before,
    )
