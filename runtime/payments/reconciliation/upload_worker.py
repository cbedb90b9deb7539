"""Uploads of bank statements as the clock imports them.

Nothing tells of a file that was put: the clock looks. An event could come late, twice or never; whoever looks
every minute misses none. An import whose process died is taken again and repeated: lines are kept once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from runtime.payments.reconciliation.contracts import StatementRefusalView
from runtime.payments.reconciliation.leases import LEASE_MARGIN_S, LeasedWork
from runtime.payments.reconciliation.statement_files import StatementFiles
from runtime.payments.reconciliation.statement_uploads import terms_of, upload_line
from runtime.payments.reconciliation.statements.model import StatementRefused
from runtime.payments.reconciliation.taking import Sent, StatementTaker, Taken
from runtime.payments.reconciliation.upload_store import UploadState
from runtime.platform.audit import AuditTrail
from runtime.platform.clock import Clock, business_date, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Item, Transaction

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SENT_WITHIN = timedelta(minutes=15)
"""A file whose sending began while its link held arrives within this time, or never."""
GIVEN_UP_AFTER = timedelta(hours=6)
"""So long an import is begun again where it ended badly."""


@dataclass(frozen=True, slots=True)
class UploadWorker:
    """Imports the files that were uploaded, and ends the uploads for which none came."""

    client: "DynamoDBClient"
    uploads: LeasedWork
    files: StatementFiles
    taker: StatementTaker
    audit: AuditTrail
    clock: Clock
    logger: Logger

    def work(self, *, request_id: str, remaining_ms: Callable[[], int], may_go_on: Callable[[], bool]) -> int:
        """Import what is there, the oldest first, as long as ``may_go_on`` says so; how many ended."""
        ended = 0
        for upload in self.uploads.waiting(self.clock.now()):
            if not may_go_on():
                break
            ended += self._look_at(upload, request_id, remaining_ms)
        return ended

    def _look_at(self, waiting: Item, request_id: str, remaining_ms: Callable[[], int]) -> bool:
        """Import an upload, or end it; whether it ended by this."""
        now = self.clock.now()
        is_there = self.files.is_there(waiting["upload_id"])
        if not is_there and now <= from_iso(waiting["expires_at"]) + SENT_WITHIN:
            return False
        lease_until = now + timedelta(seconds=remaining_ms() // 1000 + LEASE_MARGIN_S)
        upload = self.uploads.take(waiting, now=now, lease_until=lease_until)
        if upload is None:
            return False
        if not is_there:
            return self._end(upload, request_id, lease_until, UploadState.EXPIRED)
        if now - from_iso(upload["requested_at"]) > GIVEN_UP_AFTER:
            return self._end(upload, request_id, lease_until, UploadState.FAILED)
        try:
            taken = self._take(upload)
        except StatementRefused as refused:
            return self._end(upload, request_id, lease_until, UploadState.REFUSED, refused=refused)
        return self._end(upload, request_id, lease_until, UploadState.DONE, taken=taken)

    def _take(self, upload: Item) -> Taken:
        data = self.files.read(upload["upload_id"], terms_of(upload))
        # The day on which it was asked for: a repetition reads the same file in the same way.
        received_on = business_date(from_iso(upload["requested_at"]))
        read = self.taker.read(
            Sent(data, upload["account"], upload["profile"], received_on, upload["format"])
        )
        return self.taker.keep(read, taken_by=upload["upload_id"])

    def _end(
        self,
        upload: Item,
        request_id: str,
        lease_until: datetime,
        state: UploadState,
        *,
        taken: Taken | None = None,
        refused: StatementRefused | None = None,
    ) -> bool:
        """Write how an upload ended; whether it was this worker's to end."""
        told: dict[str, Any] = {"state": state.value, "completed_at": iso(self.clock.now())}
        details: dict[str, str | int] = {"state": state.value, "account": upload["account"]}
        transaction = Transaction(self.client)
        if taken is not None:
            told["result"] = taken.view.model_dump(mode="json")
            details |= {"kept": taken.view.kept, "broken": taken.view.broken}
            taken.mark_in(transaction)
        if refused is not None:
            refusal = StatementRefusalView(
                fault=refused.fault.value, line_no=refused.line_no, reason=refused.message
            )
            told["refusal"] = refusal.model_dump(mode="json")
            details["fault"] = refused.fault.value
        self.uploads.end_in(transaction, {**upload, **told}, lease_until=lease_until)
        self.audit.append_in(transaction, upload_line(upload, "statements.upload.end", request_id, **details))
        try:
            transaction.commit()
        except ConditionFailed:  # it took so long that another process holds it now
            self.logger.warning("an upload went on elsewhere", upload_id=upload["upload_id"])
            return False
        self.logger.info("an upload ended", upload_id=upload["upload_id"], ended=details)
        return True
