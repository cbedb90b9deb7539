"""Plans as payments and refunds become known: each taken in once, in the transaction that makes it known."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.payments.instalments.allocation import allocate_receipts
from runtime.payments.instalments.model import Covered, GivenBack
from runtime.payments.instalments.receipts import give_back, take_refund_back
from runtime.payments.instalments.standing import standing
from runtime.payments.model import Payment
from runtime.payments.plans import events
from runtime.payments.plans.model import AgreedPlan
from runtime.payments.plans.repository import LABELS, PlanRepository
from runtime.payments.plans.rules import receipt_of, with_receipt
from runtime.payments.refusal import Refused
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import CONCURRENT_CHANGE, Problem
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

CHANGE_ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class PlanBook:
    """Takes payments and refunds into plans."""

    client: "DynamoDBClient"
    plans: PlanRepository
    audit: AuditTrail
    outbox: Outbox
    clock: Clock

    def receive_in(self, transaction: Transaction, before: Payment | None, after: Payment) -> None:
        """Receive a payment into its plan, in the transaction that books its capture.

        Nothing may keep the capture from being booked: what a plan cannot take in is told by the event
        ``PlanPaymentRefused``. Raises LookupError for a plan that is not there: a payment names one only
        after it was found.
        """
        receipt = receipt_of(after)
        if receipt is None or after.plan_id is None or (before is not None and receipt_of(before)):
            return
        agreed = self._found(after.plan_id)
        now = self.clock.now()
        try:
            plan = with_receipt(agreed.plan, receipt, after.prepayment)
        except Refused as refused:
            self.outbox.add_in(
                transaction,
                events.plan_event(events.PAYMENT_REFUSED, agreed, after.payment_id, now, refused.code),
            )
            return
        if plan is agreed.plan:
            return
        stored = self.plans.put_in(transaction, agreed.model_copy(update={"plan": plan}), now)
        detail_type = events.PAID if standing(plan, now).is_paid else events.PAYMENT_RECEIVED
        self.outbox.add_in(transaction, events.plan_event(detail_type, stored, after.payment_id, now))

    def give_back_in(self, transaction: Transaction, payment: Payment, refund: GivenBack) -> Covered | None:
        """Take a refund of ``payment`` into its plan, in the transaction of the caller, and give what it gave
        back, line by line; None for a payment of no plan. Once per refund: a repetition writes nothing.

        Raises Refused as :func:`~runtime.payments.instalments.receipts.give_back` does. Of the caller's
        commit, ConditionFailed with a label of ``repository.LABELS`` means: read again.
        """
        if payment.plan_id is None:
            return None
        agreed = self._found(payment.plan_id)
        plan = give_back(agreed.plan, refund)
        if plan is not agreed.plan:
            now = self.clock.now()
            stored = self.plans.put_in(transaction, agreed.model_copy(update={"plan": plan}), now)
            event = events.plan_event(events.PAYMENT_GIVEN_BACK, stored, refund.refund_id, now)
            self.outbox.add_in(transaction, event)
        return allocate_receipts(plan).given_back[refund.refund_id]

    def take_refund_back_in(self, transaction: Transaction, payment: Payment, refund_id: str) -> None:
        """Take a refund that failed out of the plan again, as if it had never been made. A repetition, and a
        payment of no plan, write nothing."""
        if payment.plan_id is None:
            return
        agreed = self._found(payment.plan_id)
        if any(refund.refund_id == refund_id for refund in agreed.plan.refunds):
            plan = take_refund_back(agreed.plan, refund_id)
            self.plans.put_in(transaction, agreed.model_copy(update={"plan": plan}), self.clock.now())

    def give_back(self, payment: Payment, refund: GivenBack, line: AuditLine) -> Covered | None:
        """The same as :meth:`give_back_in`, in a transaction of its own with its audit line. Once per refund,
        however often it is called. Raises Refused, and Problem ``concurrent-change``."""
        return self._alone(lambda transaction: self.give_back_in(transaction, payment, refund), line)

    def _alone(self, change: "Callable[[Transaction], Covered | None]", line: AuditLine) -> Covered | None:
        for _ in range(CHANGE_ATTEMPTS_MAX):
            transaction = Transaction(self.client)
            answer = change(transaction)
            if transaction.is_empty:
                return answer
            self.audit.append_in(transaction, line)
            try:
                transaction.commit()
            except ConditionFailed as failed:
                if not LABELS.intersection(failed.labels):
                    raise
                continue
            return answer
        raise Problem(CONCURRENT_CHANGE, "The plan kept changing.", retry_after_s=1)

    def _found(self, plan_id: str) -> AgreedPlan:
        agreed = self.plans.get(plan_id)
        if agreed is None:
            raise LookupError("the plan of a payment does not exist")
        return agreed
