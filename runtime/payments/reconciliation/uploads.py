"""Bank statements as people send them within a call."""

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.payments.reconciliation.contracts import UploadStatement
from runtime.payments.reconciliation.leases import LEASE_MARGIN_S
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.statements.model import StatementRefused
from runtime.payments.reconciliation.taking import Sent, StatementTaker
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date
from runtime.platform.dynamodb import Transaction
from runtime.platform.errors import BANK_ACCOUNT_UNKNOWN, BODY_INVALID, STATEMENT_REFUSED, FieldError, Problem
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class StatementService:
    """Takes statements of ``accounts`` (our own names)."""

    client: "DynamoDBClient"
    taker: StatementTaker
    audit: AuditTrail
    idempotency: IdempotencyStore
    accounts: frozenset[str]
    clock: Clock
    ids: Ids

    def take(
        self,
        principal: Principal,
        asked: UploadStatement,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Read a file and keep its lines. A line that is there already, by this file or another, is not kept
        again; a file that dies half-way is simply sent again.

        Raises Problem ``bank-account-unknown``, and ``statement-refused`` for a file of which nothing can be
        taken, with the fault and the line where it shows.
        """
        of_the_house(principal)
        known_account(asked.account, self.accounts)
        today = business_date(self.clock.now())
        try:
            read = self.taker.read(Sent(_content(asked), asked.account, asked.profile, today))
        except StatementRefused as refused:
            raise as_problem(refused) from None
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=fingerprint("statements.take", asked.model_dump(mode="json")),
            resource_id=self.ids.new("stm"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        taken = self.taker.keep(read, taken_by=claim.resource_id)
        answer = StoredAnswer(201, taken.view.model_dump(mode="json"))
        line = AuditLine(
            actor_id=principal.principal_id,
            action="statements.take",
            subject=taken.view.file_digest,
            outcome=Outcome.DONE,
            request_id=request_id,
            details={"account": asked.account, "kept": taken.view.kept, "broken": taken.view.broken},
        )
        transaction = Transaction(self.client)
        taken.mark_in(transaction)
        self.audit.append_in(transaction, line)
        self.idempotency.answer_in(transaction, claim, answer)
        transaction.commit()
        return answer


def known_account(account: str, accounts: frozenset[str]) -> None:
    """Raises Problem ``bank-account-unknown`` for an account that is none of ``accounts``."""
    if account not in accounts:
        raise Problem(BANK_ACCOUNT_UNKNOWN, "No account of ours has that name.")


def as_problem(refused: StatementRefused) -> Problem:
    """The problem ``statement-refused`` with the fault and the line where it shows."""
    return Problem(
        STATEMENT_REFUSED,
        f"Nothing of the file was taken: {refused.message}.",
        extensions={"fault": refused.fault.value, "line_no": refused.line_no},
    )


def _content(asked: UploadStatement) -> bytes:
    try:
        return base64.b64decode(asked.content_base64, validate=True)
    except binascii.Error:
        raise Problem(
            BODY_INVALID,
            "The content is no base64.",
            errors=[FieldError("/content_base64", "it does not decode")],
        ) from None
