"""A debit that is due: announced, debited, asked about or planned anew, by one worker at a time.

A message that a debit is due comes once, fifty times, or late. Who takes the record's lease works; all others
find it taken. A try is written before the gateway is asked, and the gateway is asked what it has before it is
asked for more; so whatever breaks in between, the next look finds what became of it.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError, GatewayRejected
from runtime.payments.debits.desk import PlanningDesk, Surroundings
from runtime.payments.debits.model import PlanKind, PlanRecord, RetryRecord
from runtime.payments.debits.recorder import DebitRecorder
from runtime.payments.debits.standing import with_plan
from runtime.payments.debits.teller import ContactMissing, DebitTeller
from runtime.payments.model import Payment
from runtime.payments.recorder import PaymentChanged
from runtime.payments.retry.plan import PollSubject
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import Clock, from_iso, iso

ACTOR = "payments-retry"
POSTPONED_BY = timedelta(minutes=2)
"""How soon a silent gateway is asked again."""

ANNOUNCED_UNTIL = timedelta(minutes=5)
"""A notice that is to go out within so long goes out at once; the sweep comes every minute."""

NEEDED_MS = 12_000
"""The time that a debit with a slow gateway takes; with less it is not begun."""

LEASE_MARGIN = timedelta(seconds=1)
CHANGE_ATTEMPTS_MAX = 5


class Worked(StrEnum):
    """What became of a message."""

    NOTHING_DUE = "nothing_due"
    NO_TIME = "no_time"
    """It stays due, and the next sweep sends it again."""
    TAKEN = "taken"
    DONE = "done"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class DebitWorker:
    """Works on debits that are due."""

    recorder: DebitRecorder
    desk: PlanningDesk
    teller: DebitTeller
    clock: Clock
    logger: Logger

    def work(self, payment_id: str, *, request_id: str, remaining_ms: int) -> Worked:
        """Do what is due for a debit. ``remaining_ms``: so long this process still lives at most."""
        if remaining_ms < NEEDED_MS:
            return Worked.NO_TIME
        record = self.recorder.retries.get(payment_id)
        if record is None:
            return Worked.NOTHING_DUE
        leased = self._leased(record, remaining_ms)
        if isinstance(leased, Worked):
            return leased
        try:
            self._advance(leased, woken=record.woken, request_id=request_id)
        except GatewayError as error:
            self.logger.warning("a debit was postponed", payment_id=payment_id, gateway_error=error.code)
            self._postpone(payment_id)
            return Worked.POSTPONED
        except PaymentChanged:
            self._postpone(payment_id)
            return Worked.POSTPONED
        except ContactMissing:
            self._stop(*self.recorder.load(payment_id), self.teller.contact_missing(), request_id)
        return Worked.DONE

    def _leased(self, record: RetryRecord, remaining_ms: int) -> RetryRecord | Worked:
        """Take the lease, and give the record with it; or why there is nothing to do."""
        now = self.clock.now()
        if record.due_at is None or from_iso(record.due_at) > now:
            return Worked.NOTHING_DUE
        if record.lease_until is not None and from_iso(record.lease_until) > now:
            return Worked.TAKEN
        until = now + timedelta(milliseconds=remaining_ms) + LEASE_MARGIN
        try:
            return self.recorder.put(record.model_copy(update={"lease_until": iso(until), "woken": False}))
        except PaymentChanged:
            return Worked.TAKEN

    def _advance(self, record: RetryRecord, *, woken: bool, request_id: str) -> None:
        payment_id = record.payment_id
        payment = self.recorder.payments.repository.get(payment_id)
        if payment is None:
            raise LookupError(f"no payment {payment_id}")
        plan, now, around = record.plan, self.clock.now(), None
        if plan.kind is PlanKind.POLL and not woken:
            if plan.subject == PollSubject.MANDATE.value:
                self.teller.ask_of_mandate(payment, request_id)
            else:
                self.teller.look(payment, record, request_id)
        elif plan.kind is PlanKind.RETRY and not woken and record.cancelled_at is None:
            if plan.notify_at is not None:
                if self._announced(payment, record, request_id):
                    return
            elif plan.at is not None and from_iso(plan.at) <= now:
                around = self._debit(payment, record, request_id)
        self._plan(payment_id, request_id, around)

    def _announced(self, payment: Payment, record: RetryRecord, request_id: str) -> bool:
        """Raise the notice, if the debit is still to be made; whether there is nothing else to do.

        The notice names the moment of the debit, so that the plan that is announced is the one that counts.
        """
        around = self.desk.around(payment)
        plan = self.desk.plan(payment, record, around)
        now = self.clock.now()
        if plan.notify_at is None or from_iso(plan.notify_at) > now + ANNOUNCED_UNTIL:
            return False
        try:
            self.teller.announce(payment, record, plan, around.token, request_id)
        except GatewayRejected as refused:
            self.logger.error("the gateway refused a notice", reason=refused.detail.reason)
            self._stop(payment, record, self.teller.order_refused(refused), request_id)
        return True

    def _debit(self, payment: Payment, record: RetryRecord, request_id: str) -> Surroundings:
        """Ask the gateway what it has, then for the debit, if nothing forbids it at this moment; gives what
        it depended on."""
        payment, record = self.teller.look(payment, record, request_id)
        payment, record = self.teller.ask_of_notice(payment, record)
        around = self.desk.around(payment)
        forbidden = self.desk.forbids(payment, record, around)
        if forbidden:
            self.logger.info("a debit is not made now", codes=[why.code for why in forbidden])
        else:
            self.teller.debit(payment, record, around, request_id)
        return around

    def _plan(self, payment_id: str, request_id: str, around: Surroundings | None) -> None:
        """Plan anew, by what is ``around`` the debit if that was just read, and let go of the record. News
        that came meanwhile keeps it due."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            payment, record = self.recorder.load(payment_id)
            after = with_plan(record, self.desk.plan(payment, record, around), self.clock.now())
            try:
                self.recorder.save(payment, record, after, self._line(payment, request_id), was=payment)
            except PaymentChanged:
                continue
            return
        raise PaymentChanged(payment_id)

    def _stop(self, payment: Payment, record: RetryRecord, plan: PlanRecord, request_id: str) -> None:
        after = with_plan(record, plan, self.clock.now())
        self.recorder.save(payment, record, after, self._line(payment, request_id), was=payment)

    def _postpone(self, payment_id: str) -> None:
        """Let go of the record, and look again soon. If somebody changes it meanwhile, the lease runs out."""
        record = self.recorder.retries.get(payment_id)
        if record is None:
            return
        later = iso(self.clock.now() + POSTPONED_BY)
        try:
            self.recorder.put(record.model_copy(update={"lease_until": None, "due_at": later}))
        except PaymentChanged:
            self.logger.info("the lease of a debit is left to run out", payment_id=payment_id)

    def _line(self, payment: Payment, request_id: str) -> AuditLine:
        return AuditLine(
            actor_id=ACTOR,
            action="retries.plan",
            subject=payment.payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
        )
