"""Bank statements as people send them: read, and every line kept once."""

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.payments.reconciliation.contracts import (
    BrokenRowView,
    StatementPartView,
    StatementView,
    UploadStatement,
)
from runtime.payments.reconciliation.match import BROKEN_SHOWN_MAX
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.repository import BankLines, KeptLine
from runtime.payments.reconciliation.runs import LEASE_MARGIN_S
from runtime.payments.reconciliation.statements.model import BankAccount, StatementFile, StatementRefused
from runtime.payments.reconciliation.statements.profiles import profile_for
from runtime.payments.reconciliation.statements.reader import read_statement
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
    lines: BankLines
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
        read = self._read(asked)
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=fingerprint("statements.take", asked.model_dump(mode="json")),
            resource_id=self.ids.new("stm"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        posted = [KeptLine(asked.account, line) for line in read.lines_to_post()]
        kept = sum(self.lines.keep(line) for line in posted)
        answer = StoredAnswer(201, _view(asked.account, read, kept, len(posted)).model_dump(mode="json"))
        line = AuditLine(
            actor_id=principal.principal_id,
            action="statements.take",
            subject=read.file_digest,
            outcome=Outcome.DONE,
            request_id=request_id,
            details={"account": asked.account, "kept": kept, "broken": len(read.broken)},
        )
        transaction = Transaction(self.client)
        self.audit.append_in(transaction, line)
        self.idempotency.answer_in(transaction, claim, answer)
        transaction.commit()
        return answer

    def _read(self, asked: UploadStatement) -> StatementFile:
        if asked.account not in self.accounts:
            raise Problem(BANK_ACCOUNT_UNKNOWN, "No account of ours has that name.")
        try:
            data = base64.b64decode(asked.content_base64, validate=True)
        except binascii.Error:
            raise Problem(
                BODY_INVALID,
                "The content is no base64.",
                errors=[FieldError("/content_base64", "it does not decode")],
            ) from None
        today = business_date(self.clock.now())
        try:
            profile = profile_for(asked.profile, today) if asked.profile else None
            return read_statement(data, BankAccount(asked.account), received_on=today, profile=profile)
        except StatementRefused as refused:
            raise Problem(
                STATEMENT_REFUSED,
                f"Nothing of the file was taken: {refused.message}.",
                extensions={"fault": refused.fault.value, "line_no": refused.line_no},
            ) from None


def _view(account: str, read: StatementFile, kept: int, posted: int) -> StatementView:
    lines = {line.line_id for statement in read.statements for line in statement.lines}
    return StatementView(
        file_digest=read.file_digest,
        account=account,
        kept=kept,
        known=posted - kept,
        held_back=len(lines) - posted,
        statements=[
            StatementPartView(
                statement_id=statement.statement_id,
                lines=len(statement.lines),
                balance=statement.balance.value,
                difference_paise=statement.difference_paise,
            )
            for statement in read.statements
        ],
        broken=len(read.broken),
        broken_rows=[
            BrokenRowView(row_no=row.line_no, code=row.fault.value, reason=row.reason)
            for row in read.broken[:BROKEN_SHOWN_MAX]
        ],
    )
