"""Bank statements that are too large for a call: asked for, uploaded to a bucket, imported by the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runtime.payments.reconciliation.contracts import AskStatementUpload, StatementUploadView
from runtime.payments.reconciliation.leases import LEASE_MARGIN_S, LeasedWork
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.statement_files import FileTerms, StatementFiles
from runtime.payments.reconciliation.statements.model import FileFault, StatementRefused
from runtime.payments.reconciliation.statements.profiles import profile_for
from runtime.payments.reconciliation.upload_store import UploadState
from runtime.payments.reconciliation.uploads import as_problem, known_account
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Item, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    STATEMENT_UPLOAD_NOT_FOUND,
    STATEMENT_UPLOADS_OPEN,
    Problem,
)
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids, is_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LINK_FOR = timedelta(minutes=15)
"""So long a file may be sent: time for 20 MB over a slow line, and no more."""
OPEN_MAX = 20
"""So many uploads may be open at once; the clock looks at each of them every minute."""


@dataclass(frozen=True, slots=True)
class StatementUploadService:
    """Uploads of statements of ``accounts`` (our own names), as callers use them."""

    client: "DynamoDBClient"
    uploads: LeasedWork
    files: StatementFiles
    audit: AuditTrail
    idempotency: IdempotencyStore
    accounts: frozenset[str]
    clock: Clock
    ids: Ids

    def ask(
        self,
        principal: Principal,
        asked: AskStatementUpload,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Ask for an upload; one per Idempotency-Key. The same call again gives the same upload, with a link
        as long as the file may be sent: a link is made for each answer and never stored.

        Raises Problem ``bank-account-unknown``, ``statement-refused`` for a profile that is none, and
        ``statement-uploads-open``.
        """
        of_the_house(principal)
        known_account(asked.account, self.accounts)
        self._known_profile(asked)
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=fingerprint("statements.upload", asked.model_dump(mode="json")),
            resource_id=self.ids.new("upl"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return self._linked(claim)
        now = self.clock.now()
        if self.uploads.unended(now) >= OPEN_MAX:
            self.idempotency.release(claim)
            raise Problem(STATEMENT_UPLOADS_OPEN, f"At most {OPEN_MAX} are open at once.", retry_after_s=60)
        upload: dict[str, Any] = {
            "upload_id": claim.resource_id,
            "state": UploadState.AWAITING.value,
            **asked.model_dump(mode="json"),
            "requested_by": principal.principal_id,
            "requested_at": iso(now),
            "expires_at": iso(now + LINK_FOR),
            "completed_at": None,
            "link": None,
            "refusal": None,
            "result": None,
        }
        answer = StoredAnswer(201, _view(upload).model_dump(mode="json"))
        transaction = Transaction(self.client)
        self.uploads.add_in(transaction, upload)
        self.audit.append_in(
            transaction,
            upload_line(
                upload,
                "statements.upload",
                request_id,
                account=asked.account,
                size_bytes=asked.size_bytes,
                sha256=asked.sha256,
            ),
        )
        self.idempotency.answer_in(transaction, claim, answer)
        try:
            transaction.commit()
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(CONCURRENT_CHANGE, "Another call asked for the same.", retry_after_s=1) from None
        return self._linked(answer)

    def get(self, principal: Principal, upload_id: str) -> StatementUploadView:
        """One upload. Raises Problem ``statement-upload-not-found``."""
        of_the_house(principal)
        upload = self.uploads.get(upload_id) if is_id(upload_id, "upl") else None
        if upload is None:
            raise Problem(STATEMENT_UPLOAD_NOT_FOUND, "No upload has that identifier.")
        return _view(upload)

    def _known_profile(self, asked: AskStatementUpload) -> None:
        try:
            if asked.profile is not None:
                profile_for(asked.profile, business_date(self.clock.now()))
            elif asked.format == "csv":
                raise StatementRefused(FileFault.PROFILE, "a CSV statement needs the profile of its bank")
        except StatementRefused as refused:
            raise as_problem(refused) from None

    def _linked(self, answer: StoredAnswer) -> StoredAnswer:
        upload = answer.body
        link = self.files.link(upload["upload_id"], terms_of(upload), until=from_iso(upload["expires_at"]))
        told = None if link is None else link.model_dump(mode="json")
        return StoredAnswer(answer.status, {**upload, "link": told})


def terms_of(upload: Mapping[str, Any]) -> FileTerms:
    """What the file of an upload has to be."""
    return FileTerms(upload["size_bytes"], upload["sha256"])


def upload_line(upload: Item, action: str, request_id: str, **details: str | int) -> AuditLine:
    """The audit line of something that happens to an upload, in the name of who asked for it."""
    return AuditLine(
        actor_id=upload["requested_by"],
        action=action,
        subject=upload["upload_id"],
        outcome=Outcome.DONE,
        request_id=request_id,
        details=details,
    )


def _view(upload: Item) -> StatementUploadView:
    return StatementUploadView.model_validate(upload, strict=False)
