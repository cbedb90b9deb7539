"""Runs as callers use them: asked for, and looked at. A run is queued in one write with the answer."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from runtime.payments.reconciliation.contracts import (
    FoundPage,
    FoundView,
    ListExceptions,
    ListReconciliations,
    ReconciliationPage,
    ReconciliationView,
    StartReconciliation,
)
from runtime.payments.reconciliation.leases import LEASE_MARGIN_S
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.run_store import Runs, RunState
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.dynamodb import ConditionFailed, Item, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    RECONCILIATION_DAY_INVALID,
    RECONCILIATION_NOT_FOUND,
    Problem,
)
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids, is_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LOOK_BACK_DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class ReconciliationService:
    """Queues runs, and shows them."""

    client: "DynamoDBClient"
    runs: Runs
    audit: AuditTrail
    idempotency: IdempotencyStore
    clock: Clock
    ids: Ids

    def start(
        self,
        principal: Principal,
        asked: StartReconciliation,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Queue a match of everything as of a day; one run per Idempotency-Key. 202: it is looked at by its
        identifier."""
        of_the_house(principal)
        return self.queue(principal.principal_id, self._day(asked.day), key, request_id, remaining_ms)

    def get(self, principal: Principal, run_id: str) -> ReconciliationView:
        """One run. Raises Problem ``reconciliation-not-found``."""
        of_the_house(principal)
        return _view(self.known(run_id))

    def list(self, principal: Principal, asked: ListReconciliations) -> ReconciliationPage:
        """Runs, newest first."""
        of_the_house(principal)
        items, more = self.runs.work.page(limit=asked.limit, before=asked.cursor)
        views = [_view(item) for item in items]
        return ReconciliationPage(
            items=views, next_cursor=views[-1].reconciliation_id if more and views else None
        )

    def found(self, principal: Principal, run_id: str, asked: ListExceptions) -> FoundPage:
        """What a run found that a person must look at."""
        of_the_house(principal)
        self.known(run_id)
        items, more = self.runs.found(run_id, limit=asked.limit, after=asked.cursor)
        views = [FoundView.model_validate(item, strict=False) for item in items]
        return FoundPage(items=views, next_cursor=views[-1].exception_id if more and views else None)

    def known(self, run_id: str) -> Item:
        """The run as it is stored. Raises Problem ``reconciliation-not-found``."""
        run = self.runs.work.get(run_id) if is_id(run_id, "rec") else None
        if run is None:
            raise Problem(RECONCILIATION_NOT_FOUND, "No reconciliation has that identifier.")
        return run

    def _day(self, text: str) -> date:
        today = business_date(self.clock.now())
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise Problem(RECONCILIATION_DAY_INVALID, "That is no day of the calendar.") from None
        if not 0 <= (today - day).days <= LOOK_BACK_DAYS_MAX:
            raise Problem(
                RECONCILIATION_DAY_INVALID, f"A day is today or at most {LOOK_BACK_DAYS_MAX} days ago."
            )
        return day

    def queue(
        self, actor: str, day: date, key: str | None, request_id: str, remaining_ms: int
    ) -> StoredAnswer:
        """Queue a match as of ``day`` for ``actor``, a person or a schedule; one per ``key``."""
        claim = self.idempotency.claim(
            principal_id=actor,
            key=key,
            request_fingerprint=fingerprint("reconciliations.start", {"day": day.isoformat()}),
            resource_id=self.ids.new("rec"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        run: dict[str, Any] = {
            "reconciliation_id": claim.resource_id,
            "day": day.isoformat(),
            "is_current": day == business_date(self.clock.now()),
            "state": RunState.QUEUED.value,
            "started_by": actor,
            "requested_at": iso(self.clock.now()),
            "completed_at": None,
            "failure": None,
            "exceptions": 0,
            "lines_booked": 0,
            "broken_rows": [],
            "legs": [],
        }
        answer = StoredAnswer(202, _view(run).model_dump(mode="json"))
        transaction = Transaction(self.client)
        self.runs.work.add_in(transaction, run)
        self.audit.append_in(
            transaction, run_line(actor, "reconciliations.start", run, request_id, day=day.isoformat())
        )
        self.idempotency.answer_in(transaction, claim, answer)
        try:
            transaction.commit()
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(CONCURRENT_CHANGE, "Another call queued the same run.", retry_after_s=1) from None
        return answer


def run_line(actor: str, action: str, run: Item, request_id: str, **details: Any) -> AuditLine:
    """The audit line of something that happens to a run."""
    return AuditLine(
        actor_id=actor,
        action=action,
        subject=run["reconciliation_id"],
        outcome=Outcome.DONE,
        request_id=request_id,
        details=details,
    )


def _view(run: Item) -> ReconciliationView:
    return ReconciliationView.model_validate(run, strict=False)
