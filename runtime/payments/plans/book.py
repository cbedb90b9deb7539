"""Plans as payments and refunds become known: each taken in once, in the transaction that makes it known."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from runtime.payments.instalments.model import Plan
from runtime.payments.instalments.standing import standing
from runtime.payments.model import Payment
from runtime.payments.plans import events
from runtime.payments.plans.model import AgreedPlan
from runtime.payments.plans.repository import PlanRepository
from runtime.payments.plans.rules import receipt_of, with_receipt, with_refunds
from runtime.payments.refunds.model import RefundBook
from runtime.payments.refusal import Refused
from runtime.platform.audit import AuditTrail
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import Transaction
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class PlanBook:
    """Takes payments and their refunds into plans."""

    client: "DynamoDBClient"
    plans: PlanRepository
    audit: AuditTrail
    outbox: Outbox
    clock: Clock

    def take_in(
        self, transaction: Transaction, before: Payment | None, after: Payment, refunds: RefundBook | None
    ) -> None:
        """Take what a payment brought into its plan, and what ``refunds`` took back of it, in the transaction
        that books both.

        Nothing may keep money from being booked: what a plan cannot take in is told by the event
        ``PlanPaymentRefused``. Raises LookupError for a plan that is not there: a payment names one only
        after it was found.
        """
        receipt = receipt_of(after)
        is_new = before is None or receipt_of(before) is None
        if after.plan_id is None or receipt is None or not (is_new or refunds):
            return
        agreed, now = self._found(after.plan_id), self.clock.now()
        plan = agreed.plan
        try:
            plan = with_receipt(plan, receipt, after.prepayment) if is_new else plan
            plan = with_refunds(plan, after, refunds) if refunds is not None else plan
        except Refused as refused:
            event = events.plan_event(events.PAYMENT_REFUSED, agreed, after.payment_id, now, refused.code)
            self.outbox.add_in(transaction, event)
            return
        if plan is agreed.plan:
            return
        stored = self.plans.put_in(transaction, agreed.model_copy(update={"plan": plan}), now)
        event = events.plan_event(_told(agreed.plan, plan, now), stored, after.payment_id, now)
        self.outbox.add_in(transaction, event)

    def _found(self, plan_id: str) -> AgreedPlan:
        agreed = self.plans.get(plan_id)
        if agreed is None:
            raise LookupError("the plan of a payment does not exist")
        return agreed


def _told(before: Plan, after: Plan, at: datetime) -> str:
    """What the change of a plan is called."""
    if len(after.receipts) == len(before.receipts):
        return events.REFUNDS_CHANGED
    return events.PAID if standing(after, at).is_paid else events.PAYMENT_RECEIVED
