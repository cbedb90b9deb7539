"""What callers of the payment link API send and get."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from runtime.payments.contracts import (
    AMOUNT_MAX_PAISE,
    AMOUNT_MIN_PAISE,
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    Line,
    PrincipalId,
    SchoolId,
)
from runtime.payments.links.model import LinkStatus, PaymentLink
from runtime.payments.links.reminders.contracts import (
    Day,
    ReminderOutcome,
    ReminderSchedule,
    RemindersView,
    ReminderView,
)
from runtime.payments.links.reminders.model import Outcome
from runtime.payments.links.reminders.rules import PAYABLE, next_due
from runtime.payments.links.rules import link_status_at
from runtime.platform.api import Contract
from runtime.platform.clock import iso

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_\-.]{1,64}$")]
CallbackUrl = Annotated[str, StringConstraints(max_length=512, pattern=r"^https?://[!-~]+$")]


class CreatePaymentLink(Contract):
    """Ask for an amount by a link that can be sent to whoever is to pay. Rupees only."""

    school_id: SchoolId = Field(description="The school whose meals are paid for.")
    amount_paise: int = Field(
        description="What is due: a whole number of paise, at least 100 and at most 50000000.",
        json_schema_extra={"minimum": AMOUNT_MIN_PAISE, "maximum": AMOUNT_MAX_PAISE},
    )
    accept_partial: bool = Field(default=False, description="Whether it may be paid in parts.")
    first_min_partial_paise: int | None = Field(
        default=None,
        description="The least that a first part may be, from 100 to the whole. With accept_partial.",
        json_schema_extra={"minimum": AMOUNT_MIN_PAISE},
    )
    expires_on: Day | None = Field(
        default=None,
        description="The last day on which it can be paid, in India; at most, and by default, 180 days.",
    )
    description: Line = Field(description="What the payer reads: 'Lunches in April'. No personal data.")
    payer_id: PrincipalId | None = Field(
        default=None, description="Who owes it. A parent always asks for itself and leaves it out."
    )
    reference: Reference | None = Field(
        default=None, description="The caller's own reference, an invoice number for example."
    )
    callback_url: CallbackUrl | None = Field(
        default=None,
        description="The page of ours to which the payer comes back, with values to be verified.",
    )
    reminders: ReminderSchedule | None = Field(
        default=None,
        description="When the payer is reminded. By default after three days, three days before the last "
        "day, and on it; an empty object: never.",
    )


class VerifyPaymentLink(Contract):
    """What the payer came back with from the gateway's page, exactly as it stood in the address."""

    razorpay_payment_id: Annotated[str, StringConstraints(pattern=r"^pay_[A-Za-z0-9]{8,32}$")]
    razorpay_payment_link_id: Annotated[str, StringConstraints(pattern=r"^plink_[A-Za-z0-9]{8,32}$")]
    razorpay_payment_link_reference_id: Annotated[str, StringConstraints(max_length=40)]
    razorpay_payment_link_status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]
    razorpay_signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ListPaymentLinks(Contract):
    """Which payment links to list, newest first."""

    school_id: SchoolId | None = Field(
        default=None, description="Links of this school. Parents leave it out."
    )
    limit: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT
    cursor: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        default=None, description="`next_cursor` of the page before."
    )


class PaymentLinkView(Contract):
    """A payment link. `paid_paise` and `due_paise` sum to what was asked for; `surplus_paise` came beyond it.
    `short_url` is there while it can be paid. `payment_ids` are its payments, at most 200 of them."""

    link_id: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    accept_partial: bool
    first_min_partial_paise: int | None
    status: LinkStatus
    paid_paise: int
    due_paise: int
    surplus_paise: int
    refunded_paise: int
    payment_ids: list[str]
    expires_at: str | None
    description: str
    reference: str | None
    short_url: str | None
    reminders: RemindersView
    created_at: str
    updated_at: str


class PaymentLinkPage(Contract):
    """A page of payment links; `next_cursor` is null on the last one."""

    items: list[PaymentLinkView]
    next_cursor: str | None


def link_view(
    link: PaymentLink, at: datetime, outcomes: Mapping[int, Outcome] | None = None
) -> PaymentLinkView:
    """A link as callers see it at a moment, with what became of its reminders where that was asked for."""
    status = link_status_at(link, at)
    return PaymentLinkView(
        link_id=link.link_id,
        school_id=link.school_id,
        payer_id=link.payer_id,
        amount_paise=link.amount_paise,
        currency=link.currency,
        accept_partial=link.accept_partial,
        first_min_partial_paise=link.first_min_partial_paise,
        status=status,
        paid_paise=link.paid_paise,
        due_paise=link.due_paise,
        surplus_paise=link.surplus_paise,
        refunded_paise=link.refunded_paise,
        payment_ids=list(link.payment_ids),
        expires_at=link.expires_at,
        description=link.description,
        reference=link.reference,
        short_url=link.short_url if status in PAYABLE else None,
        reminders=_reminders_view(link, at, outcomes),
        created_at=link.created_at,
        updated_at=link.updated_at,
    )


def _reminders_view(link: PaymentLink, at: datetime, outcomes: Mapping[int, Outcome] | None) -> RemindersView:
    due = next_due(link) if link_status_at(link, at) in PAYABLE else None
    made = []
    for reminder in link.reminders.made:
        outcome = (outcomes or {}).get(reminder.number)
        waiting = None if outcomes is None else ReminderOutcome.WAITING
        made.append(
            ReminderView(
                number=reminder.number,
                occasion=reminder.occasion,
                decided_at=reminder.decided_at,
                due_paise=reminder.due_paise,
                outcome=ReminderOutcome(outcome.state) if outcome else waiting,
                channel=outcome.channel if outcome else None,
                reason=outcome.code if outcome else None,
                outcome_at=outcome.at if outcome else None,
            )
        )
    return RemindersView(days=list(link.reminders.days), next_at=iso(due) if due else None, made=made)
