"""What the gateway does by itself when its time has come."""

from checks.sandbox.razorpay import (
    notifications,
    payment_links,
    payments,
    postings,
    recurring,
    refunds,
    settlements,
    tokens,
    transfers,
    webhooks,
)
from checks.sandbox.razorpay.conductor import JobHandler
from checks.sandbox.razorpay.gateway import Gateway


def _run_settlements(gw: Gateway) -> None:
    settlements.run(gw)


HANDLERS: dict[str, JobHandler] = {
    payments.TIMEOUT_JOB: payments.bank_silent,
    payments.AUTO_REFUND_JOB: refunds.refund_uncaptured,
    refunds.PROCESS_JOB: refunds.process_scheduled,
    refunds.REFERENCE_JOB: refunds.give_reference,
    transfers.PROCESS_JOB: transfers.process,
    tokens.CONFIRM_JOB: tokens.confirm_scheduled,
    tokens.CANCEL_JOB: tokens.cancel_scheduled,
    notifications.DELIVER_JOB: notifications.deliver_scheduled,
    recurring.DEBIT_JOB: recurring.try_debit,
    recurring.APPROVAL_OVER_JOB: recurring.approval_over,
    payment_links.EXPIRE_JOB: payment_links.expire,
    payment_links.REMIND_JOB: payment_links.remind,
    postings.SETTLE_JOB: lambda gw, args: _run_settlements(gw),
    webhooks.GIVE_UP_JOB: webhooks.give_up,
}
