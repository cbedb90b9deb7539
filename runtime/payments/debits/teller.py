"""What passes between a debit and the gateway: the notice, the look, the debit itself. One step each, and
each found again after a crash: the notice by its receipt, the debit by the payments of its order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from aws_lambda_powertools import Logger

from runtime.gateways.errors import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Order
from runtime.gateways.razorpay.requests import CaptureOptions, NoticeTerms
from runtime.payments.debits.desk import PlanningDesk, Surroundings
from runtime.payments.debits.model import (
    Because,
    Notice,
    NoticeState,
    PlanKind,
    PlanRecord,
    Refused,
    RetryRecord,
    Try,
)
from runtime.payments.debits.recorder import DebitRecorder
from runtime.payments.debits.rules import hear_notice, look_at
from runtime.payments.debits.standing import with_plan
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.methods.model import TokenRecord
from runtime.payments.methods.rules import current_token
from runtime.payments.methods.token_view import token_state_from
from runtime.payments.methods.tokens import TokenChanged
from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.recorder import PaymentChanged
from runtime.payments.retry.declines import Remedy
from runtime.payments.retry.plan import Reason
from runtime.payments.rules import derive_status, hear
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import Clock, from_iso, iso
from runtime.platform.contacts import Contacts

ACTOR = "payments-retry"
CAPTURE = CaptureOptions(capture="automatic", automatic_expiry_minutes=3 * 24 * 60)
CHANGE_ATTEMPTS_MAX = 5
_HEARD = {"delivered": NoticeState.DELIVERED, "failed": NoticeState.FAILED}

_CONTACT_MISSING = Because(
    code="contact_missing",
    sentence="The payer's account has no telephone number or no e-mail address; the gateway asks for both.",
    source="Razorpay, recurring payments, create a subsequent payment",
)

ChangeOfTry = Callable[[Try], Try]


class ContactMissing(LookupError):
    """The payer has no telephone number or no e-mail address any more; the gateway asks for both."""


@dataclass(frozen=True, slots=True)
class DebitTeller:
    """Talks to the gateway about debits."""

    recorder: DebitRecorder
    desk: PlanningDesk
    gateway: RazorpayClient
    contacts: Contacts
    clock: Clock
    logger: Logger

    def announce(
        self,
        payment: Payment,
        record: RetryRecord,
        plan: PlanRecord,
        token: TokenRecord | None,
        request_id: str,
    ) -> None:
        """Make the order that announces the debit at ``plan.at`` by ``token``, and keep that plan.

        Its receipt counts the notices of the debit: a repetition finds the order instead of making another.
        Raises GatewayError, and PaymentChanged.
        """
        if plan.at is None or token is None:
            raise ValueError("only a planned debit of a token is announced")
        receipt = f"{payment.payment_id}-{len(record.notices) + 1}"
        order = self.gateway.create_order_once(
            amount_paise=payment.amount_paise,
            currency=payment.currency,
            receipt=receipt,
            capture=CAPTURE,
            notice=NoticeTerms(token.token_id, from_iso(plan.at)),
        )
        now = self.clock.now()
        notice = _notice(order, receipt, plan.at, now)
        announced = plan.model_copy(update={"notify_at": None, "at": notice.debit_at or plan.at})
        noticed = record.model_copy(update={"notices": (*record.notices, notice)})
        ordered = payment.model_copy(update={"order_id": order.id})
        ordered = ordered.model_copy(update={"status": derive_status(ordered)})
        pointing = [
            lambda transaction: self.recorder.payments.repository.point_in(
                transaction, order.id, payment.payment_id
            )
        ]
        self.recorder.save(
            ordered,
            record,
            with_plan(noticed, announced, now),
            self._line(payment, "debits.announce", request_id, order.id),
            was=payment,
            also=pointing if payment.order_id is not None else (),  # the first one is pointed from anyway
        )

    def look(self, payment: Payment, record: RetryRecord, request_id: str) -> tuple[Payment, RetryRecord]:
        """Hear what the gateway has for a debit's orders, and count the question; gives the debit as it is
        then. Raises GatewayError, and PaymentChanged."""
        orders = dict.fromkeys(one.order_id for one in record.made)
        if record.notices:
            orders.setdefault(record.notices[-1].order_id)
        for order_id in orders:
            heard = self._listed(payment, order_id)
            for _, attempt in heard:
                payment = self._hear(payment, attempt, request_id)
            looked = partial(look_at, order_id=order_id, listed=heard, now=self.clock.now())
            payment, record = self._update(payment, record, looked)
        return payment, record

    def ask_of_notice(self, payment: Payment, record: RetryRecord) -> tuple[Payment, RetryRecord]:
        """Fetch the notice of the newest order, if its delivery was not heard of; gives the debit as it is
        then. Raises GatewayError, and PaymentChanged."""
        if not record.notices or record.notices[-1].status is not NoticeState.RAISED:
            return payment, record
        order_id = record.notices[-1].order_id
        found = self.gateway.get_order(order_id).notification
        status = _HEARD.get(found.status or "") if found is not None else None
        if found is None or status is None:
            return payment, record
        delivered_at = _moment(found.delivered_at) or self.clock.now()
        debit_at = _moment(found.payment_after)
        return self._update(
            payment,
            record,
            lambda known: hear_notice(known, order_id, status, delivered_at=delivered_at, debit_at=debit_at),
        )

    def ask_of_mandate(self, payment: Payment, request_id: str) -> None:
        """Fetch the token of a mandate that the bank has not confirmed yet. Raises GatewayError."""
        mandate = self.desk.mandate_of(payment)
        token = current_token(self.desk.tokens_of(mandate))
        if token is None:
            return
        found = self.gateway.get_token(mandate.customer_id, token.token_id)
        try:
            self.desk.tokens.hear(
                token.token_id,
                token_state_from(found, observed_at=int(self.clock.now().timestamp())),
                event_id=f"poll:{request_id}",
                event="mandates.poll",
                request_id=request_id,
                also=lambda _: None,
            )
        except (StatusNotKnown, TokenChanged) as unheard:
            self.logger.warning("what the gateway says of a token was not heard", cause=str(unheard))

    def debit(self, payment: Payment, record: RetryRecord, around: Surroundings, request_id: str) -> None:
        """Write the try, then ask for the debit, then write what was answered.

        Raises PaymentChanged, and GatewayThrottled or GatewayUnavailable when nothing left the house: then
        there was no try, and the plan stands.
        """
        mandate, token = around.mandate, around.token
        contact = self.contacts.find(payment.payer_id)
        if contact.email is None or contact.phone_e164 is None or token is None:
            raise ContactMissing(payment.payment_id)
        one = Try(
            number=len(record.tries) + 1,
            order_id=record.notices[-1].order_id,
            initiated_at=iso(self.clock.now()),
        )
        payment, tried = self._reserve(payment, record, around, one, request_id)
        try:
            receipt = self.gateway.create_recurring_payment(
                email=contact.email,
                contact=contact.phone_e164,
                amount_paise=payment.amount_paise,
                currency=payment.currency,
                order_id=one.order_id,
                customer_id=mandate.customer_id,
                token_id=token.token_id,
                description=payment.description,
            )
        except GatewayRejected as refused:
            said = refused.detail
            why = Refused(code=said.code, reason=said.reason, source=said.source, step=said.step)
            self._update(
                payment,
                tried,
                lambda known: _with_try(known, one.number, lambda it: it.model_copy(update={"refused": why})),
            )
        except (GatewayThrottled, GatewayUnavailable):
            self._take_back(payment, tried, one, record)
            raise
        except GatewayOutcomeUnknown:
            self.logger.warning("the outcome of a debit is unknown", payment_id=payment.payment_id)
        else:
            self._receive(payment, tried, one, receipt.razorpay_payment_id, mandate.method, request_id)

    def order_refused(self, refused: GatewayRejected) -> PlanRecord:
        """What is planned when the gateway refuses a notice: a person must look."""
        said = refused.detail.reason or refused.detail.code or "no reason given"
        why = Because(
            code="order_refused",
            sentence="The gateway refused the order that announces the debit.",
            source=f"Razorpay, orders: {said}",
        )
        return PlanRecord(
            kind=PlanKind.STOP,
            reason=Reason.OUR_BUG.value,
            because=(why,),
            planned_at=iso(self.clock.now()),
        )

    def contact_missing(self) -> PlanRecord:
        """What is planned when the payer cannot be named to the gateway."""
        return PlanRecord(
            kind=PlanKind.ASK_CUSTOMER,
            reason=Reason.CUSTOMER_DECLINE.value,
            remedy=Remedy.CUSTOMER_ACTION.value,
            because=(_CONTACT_MISSING,),
            planned_at=iso(self.clock.now()),
        )

    def _reserve(
        self, payment: Payment, record: RetryRecord, around: Surroundings, one: Try, request_id: str
    ) -> tuple[Payment, RetryRecord]:
        tried = record.model_copy(update={"tries": (*record.tries, one), "manual": False})
        now = self.clock.now()
        # If nothing is heard of it any more, the next look is the one after an outcome that is unknown.
        after = with_plan(tried, self.desk.plan(payment, tried, around), now).model_copy(
            update={"lease_until": record.lease_until}
        )
        line = self._line(payment, "debits.try", request_id, one.order_id)
        return self.recorder.save(payment, record, after, line, was=payment)

    def _receive(
        self,
        payment: Payment,
        record: RetryRecord,
        one: Try,
        gateway_payment_id: str,
        method: str,
        request_id: str,
    ) -> None:
        """The gateway has taken the debit on: it is an attempt from now on, its result comes later."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            attempt = Attempt(
                gateway_payment_id=gateway_payment_id,
                status=AttemptStatus.CREATED,
                amount_paise=payment.amount_paise,
                currency=payment.currency,
                observed_at=int(from_iso(one.initiated_at).timestamp()),
                method=method,
            )
            known = _with_try(
                record,
                one.number,
                lambda found: found.model_copy(update={"gateway_payment_id": gateway_payment_id}),
            )
            after = hear(payment, attempt)
            line = self._line(payment, "debits.tried", request_id, one.order_id)
            try:
                self.recorder.save(after, record, known, line, was=payment, attempt=attempt)
            except PaymentChanged:
                payment, record = self.recorder.load(payment.payment_id)
                continue
            return
        self.logger.warning("a debit is left for the next look to find", payment_id=payment.payment_id)

    def _take_back(self, payment: Payment, record: RetryRecord, one: Try, before: RetryRecord) -> None:
        """Forget a try that did not leave the house, and let the plan stand that it was made by."""
        self._update(
            payment,
            record,
            lambda known: known.model_copy(
                update={
                    "tries": tuple(each for each in known.tries if each.number != one.number),
                    "plan": before.plan,
                    "state": before.state,
                    "manual": before.manual,
                }
            ),
        )

    def _update(
        self, payment: Payment, record: RetryRecord, change: Callable[[RetryRecord], RetryRecord]
    ) -> tuple[Payment, RetryRecord]:
        """Change the record; gives the debit as it is then. What is given counts as long as nobody was
        faster, which the write finds out."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            after = change(record)
            if after == record:
                return payment, record
            try:
                return self.recorder.save(
                    payment, record, after, self._line(payment, "retries.look", ""), was=payment
                )
            except PaymentChanged:
                payment, record = self.recorder.load(payment.payment_id)
        raise PaymentChanged(payment.payment_id)

    def _listed(self, payment: Payment, order_id: str) -> list[tuple[str, Attempt]]:
        """The payments of an order as attempts, the oldest first. What is known already keeps the moment at
        which it was heard, so that a look alone moves nothing."""
        known = payment.attempts
        now_s = int(self.clock.now().timestamp())
        listed: list[tuple[str, Attempt]] = []
        for found in sorted(
            self.gateway.list_order_payments(order_id), key=lambda found: (found.created_at or 0, found.id)
        ):
            before = known.get(found.id)
            same = before is not None and before.status.value == found.status
            observed_at = before.observed_at if before is not None and same else now_s
            try:
                listed.append((found.id, attempt_from(found, observed_at=observed_at)))
            except StatusNotKnown as unknown:
                self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
        return listed

    def _hear(self, payment: Payment, attempt: Attempt, request_id: str) -> Payment:
        before = payment
        for _ in range(CHANGE_ATTEMPTS_MAX):
            after = hear(before, attempt)
            if after is before:
                return before
            line = self._line(before, "debits.fetch", request_id)
            try:
                return self.recorder.payments.record(before, after, line, attempt=attempt)
            except PaymentChanged:
                before, _ = self.recorder.load(payment.payment_id)
        raise PaymentChanged(payment.payment_id)

    def _line(self, payment: Payment, action: str, request_id: str, order_id: str | None = None) -> AuditLine:
        return AuditLine(
            actor_id=ACTOR,
            action=action,
            subject=payment.payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
            details={} if order_id is None else {"order_id": order_id},
        )


def _notice(order: Order, receipt: str, planned_at: str, now: datetime) -> Notice:
    """The notice of an order, as the gateway has it: one that was found again names its own moment."""
    told = order.notification
    debit_at = _moment(told.payment_after) if told is not None else None
    raised_at = min(now, _moment(order.created_at) or now)
    return Notice(
        order_id=order.id,
        receipt=receipt,
        raised_at=iso(raised_at),
        debit_at=planned_at if debit_at is None else iso(debit_at),
    )


def _with_try(record: RetryRecord, number: int, change: ChangeOfTry) -> RetryRecord:
    tries = tuple(change(one) if one.number == number else one for one in record.tries)
    return record.model_copy(update={"tries": tries})


def _moment(unix_s: int | None) -> datetime | None:
    return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC)
