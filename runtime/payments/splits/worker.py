"""The gateway's side of a split: transfers made, reversed and released until everybody has what they are to.

Payment transfers and reversals have no idempotency key at the gateway. So one worker at a time is at a split
(its lease), it fetches the payment's transfers before it does anything, and after a silence nobody does
anything until whatever was under way has ended.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from aws_lambda_powertools import Logger

from runtime.gateways.errors import (
    ErrorDetail,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
)
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Reversal as GatewayReversal
from runtime.gateways.razorpay.models import Transfer as GatewayTransfer
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.metrics import SPLIT_STOPPED
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.splits.book import SplitChanged
from runtime.payments.splits.record import Refusal, SplitRecord, Transfer
from runtime.payments.splits.rules import on_hold_until
from runtime.payments.splits.targets import Pay, Release, Step, TakeBack, name_of, pause, steps
from runtime.payments.splits.transfers import (
    hear_transfer,
    newly_failed,
    transfer_from,
    with_reversals,
)
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import Clock, from_iso, iso
from runtime.platform.errors import CONCURRENT_CHANGE, GATEWAY_BALANCE_LOW, GATEWAY_REJECTED, Problem
from runtime.platform.metrics import UNHEARD, Metrics

ACTOR = "splits"
CHANGE_ATTEMPTS_MAX = 10
LEASE_MARGIN = timedelta(seconds=1)
NAMED_MAX = 20
"""So many reversals get their names in one look: each is an entry of the transaction that keeps them."""
_BALANCE_LOW = "insufficient balance"
_TOO_MUCH = "greater than the captured amount"
"""Razorpay's words (Route, Create Transfers, errors); it gives no codes of its own. The first passes with the
next captures, the second once we have heard of the refund that it already knows."""


class Worked(StrEnum):
    """What became of a look at a split."""

    NOTHING_DUE = "nothing_due"
    TAKEN = "taken"
    DONE = "done"
    WAITING = "waiting"
    """Something is still to be done, or on its way."""


@dataclass(slots=True)
class _Round:
    """What a look came to: what was heard, what was refused, and whether the gateway was silent."""

    heard: list[Transfer] = field(default_factory=list)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    silent: bool = False
    named: int = 0


@dataclass(frozen=True, slots=True)
class SplitWorker:
    """Brings the gateway's transfers to what a split calls for."""

    recorder: PaymentRecorder
    gateway: RazorpayClient
    clock: Clock
    logger: Logger
    metrics: Metrics = UNHEARD

    def work(
        self,
        payment_id: str,
        gateway_payment_id: str,
        *,
        request_id: str,
        remaining_ms: int,
        may_go_on: Callable[[], bool],
    ) -> Worked:
        """Do what is due for a split. ``remaining_ms``: so long this process still lives at most;
        ``may_go_on`` is asked before each step at the gateway."""
        leased = self._take(payment_id, gateway_payment_id, remaining_ms)
        if isinstance(leased, Worked):
            return leased
        done = _Round()
        try:
            self._look(leased, done, may_go_on)
        except GatewayError as error:
            done.silent = True
            self.logger.warning(
                "the transfers of a payment could not be completed",
                payment_id=payment_id,
                gateway_error=error.code,
                operation=error.operation,
            )
        return self._finish(leased, done, request_id)

    def _take(self, payment_id: str, gateway_payment_id: str, remaining_ms: int) -> SplitRecord | Worked:
        """Take the lease; or why there is nothing to do."""
        record = self.recorder.repository.splits.get(payment_id, gateway_payment_id)
        now = self.clock.now()
        if record is None or record.due_at is None or from_iso(record.due_at) > now:
            return Worked.NOTHING_DUE
        if record.lease_until is not None and from_iso(record.lease_until) > now:
            return Worked.TAKEN
        until = iso(now + timedelta(milliseconds=remaining_ms) + LEASE_MARGIN)
        try:
            return self.recorder.splits.put(record, record.model_copy(update={"lease_until": until}), None)
        except SplitChanged:
            return Worked.TAKEN

    def _look(self, record: SplitRecord, done: _Round, may_go_on: Callable[[], bool]) -> None:
        """Fetch, then do what is to be done. Raises GatewayError where the gateway leaves it open."""
        for found in self.gateway.list_payment_transfers(record.gateway_payment_id):
            record = self._heard(record, found, done=done)
        for step in steps(record, self.clock.now()):
            if not may_go_on():
                return
            done.asked.add(name_of(step))
            try:
                record = self._heard(record, *self._taken(record, step), done=done)
            except GatewayRejected as no:
                done.refusals[name_of(step)] = self._refusal(no.detail)
                self.logger.warning(
                    "the gateway refused a step of a split",
                    payment_id=record.payment_id,
                    operation=no.operation,
                    reason=no.detail.reason,
                    status=no.status,
                )
        self._name(record, done, may_go_on)

    def _name(self, record: SplitRecord, done: _Round, may_go_on: Callable[[], bool]) -> None:
        """Ask for the reversals that only a total tells of: those that nobody confirmed, or made by hand."""
        for transfer in record.transfers.values():
            if not transfer.unnamed_paise or done.named >= NAMED_MAX or not may_go_on():
                continue
            told = self.gateway.list_reversals(transfer.transfer_id)
            fresh = [each for each in told if each.id not in transfer.reversals][: NAMED_MAX - done.named]
            done.heard.append(with_reversals(transfer, fresh))
            done.named += len(fresh)

    def _heard(
        self,
        record: SplitRecord,
        found: GatewayTransfer,
        reversals: Iterable[GatewayReversal] = (),
        *,
        done: _Round,
    ) -> SplitRecord:
        try:
            told = transfer_from(found, observed_at=int(self.clock.now().timestamp()))
        except StatusNotKnown as unknown:
            # Whether it is money or not nobody can tell here: nothing more is done until a person looked.
            raise GatewayOutcomeUnknown(str(unknown), gateway="razorpay", operation="read_transfer") from None
        heard = with_reversals(told, reversals)
        done.heard.append(heard)
        return hear_transfer(record, heard)

    def _taken(self, record: SplitRecord, step: Step) -> tuple[GatewayTransfer, tuple[GatewayReversal, ...]]:
        """The transfer after a step, and the reversal that was the step."""
        match step:
            case Pay():
                until = step.hold.until if step.hold is not None else None
                made = self.gateway.create_payment_transfer(
                    record.gateway_payment_id,
                    account_id=step.account_id,
                    amount_paise=step.amount_paise,
                    currency=record.currency,
                    notes={"payment_id": record.payment_id},
                    on_hold=step.hold is not None,
                    on_hold_until=None if until is None else on_hold_until(until),
                )
                return made, ()
            case TakeBack():
                reversal = self.gateway.create_reversal(
                    step.transfer_id,
                    amount_paise=step.amount_paise,
                    notes={"payment_id": record.payment_id},
                )
                return self._fetched(step.transfer_id), (reversal,)
            case Release():
                return self.gateway.release_transfer(step.transfer_id), ()

    def _fetched(self, transfer_id: str) -> GatewayTransfer:
        """A transfer after its reversal. Where it cannot be fetched, how much was reversed is left open."""
        try:
            return self.gateway.get_transfer(transfer_id)
        except GatewayError as error:
            raise GatewayOutcomeUnknown(
                "a reversed transfer could not be fetched", gateway="razorpay", operation=error.operation
            ) from None

    def _refusal(self, detail: ErrorDetail) -> Refusal:
        said = (detail.description or "").lower()
        low = _BALANCE_LOW in said
        return Refusal(
            code=(GATEWAY_BALANCE_LOW if low else GATEWAY_REJECTED).code,
            description=detail.description,
            passes=low or _TOO_MUCH in said,
            refused_at=iso(self.clock.now()),
        )

    def _finish(self, leased: SplitRecord, done: _Round, request_id: str) -> Worked:
        """Keep what was heard and let go of the split, whoever changed it meanwhile."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            before = self.recorder.repository.splits.get(leased.payment_id, leased.gateway_payment_id)
            if before is None:
                raise LookupError("a split is never removed")
            after = self._after(before, leased, done)
            news = (before.transfers, before.refusals) != (after.transfers, after.refusals)
            line = AuditLine(
                actor_id=ACTOR,
                action="splits.transfer",
                subject=before.payment_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=before.school_id,
                details={"gateway_payment_id": before.gateway_payment_id},
            )
            try:
                stored = self.recorder.splits.put(before, after, line if news else None)
            except SplitChanged:
                continue
            self._count(before, stored)
            return Worked.DONE if stored.due_at is None else Worked.WAITING
        raise Problem(CONCURRENT_CHANGE, "The split kept changing.", retry_after_s=1)

    def _after(self, before: SplitRecord, leased: SplitRecord, done: _Round) -> SplitRecord:
        after = before
        for heard in done.heard:
            after = hear_transfer(after, heard)
        refusals = {name: kept for name, kept in after.refusals.items() if name not in done.asked}
        refusals |= done.refusals
        held_back = done.silent or any(refusal.passes for refusal in done.refusals.values())
        progress = after.transfers != before.transfers
        looks = 0 if progress else before.looks + 1
        quiet_until = iso(self.clock.now() + pause(looks)) if held_back else None
        mine = before.lease_until == leased.lease_until
        return after.model_copy(
            update={
                "refusals": dict(sorted(refusals.items())),
                "looks": looks,
                "quiet_until": quiet_until,
                "lease_until": None if mine else before.lease_until,
            }
        )

    def _count(self, before: SplitRecord, stored: SplitRecord) -> None:
        for _ in newly_failed(before, stored):
            self.metrics.count(SPLIT_STOPPED)
        for name, refusal in stored.refusals.items():
            if not refusal.passes and before.refusals.get(name) != refusal:
                self.metrics.count(SPLIT_STOPPED)
