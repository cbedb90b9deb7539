"""Telling that captured payments were paid out: once for each, when gateway, ledger and bank agree.

A mark in the table says that a payment's settlement was told; marks and events are written in one
transaction. So a run may tell again what another told, and a run that ends early leaves the rest to the next.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict

from runtime.payments.events import SOURCE
from runtime.payments.model import Payment
from runtime.payments.reconciliation.exception_model import MATCHER
from runtime.payments.reconciliation.facts import Facts
from runtime.payments.reconciliation.pairs import expected_of, rows_of
from runtime.payments.reconciliation.repository import SettledMarks
from runtime.payments.repository import PaymentRepository
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.outbox import DomainEvent, Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAYMENT_SETTLED: Final = "PaymentSettled"
TOLD_AT_ONCE_MAX: Final = 49
"""A transaction holds a hundred writes: a mark and an event for each payment, and one audit line."""
CHANGE_ATTEMPTS_MAX: Final = 5


class PaymentSettledDetail(BaseModel):
    """The detail of ``PaymentSettled``: the gateway paid a captured payment out, and our bank has it.

    Paise; ``net_paise`` is what came of ``amount_paise`` after the fee, which includes ``tax_paise`` (GST).
    ``captured_on`` is the day in India on which the capture was booked, ``settled_on`` that of the
    gateway's payout. No personal data. ``message_key`` is the same however often it is told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment_id: str
    school_id: str
    gateway_payment_id: str
    settlement_id: str
    amount_paise: int
    fee_paise: int
    tax_paise: int
    net_paise: int
    currency: str
    method: str | None
    created_at: str
    captured_on: str
    settled_on: str
    message_key: str


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A gateway payment that was paid out: its money in paise, and the days in India of its capture and its
    payout."""

    gateway_payment_id: str
    order_id: str
    settlement_id: str
    amount_paise: int
    fee_paise: int
    tax_paise: int
    net_paise: int
    currency: str
    captured_on: date
    settled_on: date


def paid_out(facts: Facts, posted: Collection[str]) -> Iterator[PaidOut]:
    """The payments among ``posted`` (entities whose money is here) that a known settlement paid out."""
    pairs = facts.pairs
    for entity_id in sorted(posted):
        case = pairs.cases[entity_id]
        expected, rows = expected_of(case), rows_of(case)
        if len(expected) != 1 or len(rows) != 1 or pairs.kinds.texts[rows[0].kind] != "payment":
            continue
        (row,) = rows
        settlement_id = pairs.settlements.texts[row.settlement]
        settlements = facts.payouts.told_of(settlement_id)
        if not (settlements and expected[0].day):
            continue
        yield PaidOut(
            gateway_payment_id=entity_id,
            order_id=row.related.rstrip(b"\0").decode("ascii", "replace"),
            settlement_id=settlement_id,
            amount_paise=row.gross,
            fee_paise=max(row.fee, 0),
            tax_paise=max(row.tax, 0),
            net_paise=row.net,
            currency=pairs.currencies.texts[row.currency],
            captured_on=date.fromordinal(expected[0].day),
            settled_on=min(settlement.created_on for settlement in settlements),
        )


def settled_event(payment: Payment, paid: PaidOut) -> DomainEvent:
    """The event that a gateway payment of ``payment`` was paid out."""
    attempt = payment.attempts.get(paid.gateway_payment_id)
    detail = PaymentSettledDetail(
        payment_id=payment.payment_id,
        school_id=payment.school_id,
        gateway_payment_id=paid.gateway_payment_id,
        settlement_id=paid.settlement_id,
        amount_paise=paid.amount_paise,
        fee_paise=paid.fee_paise,
        tax_paise=paid.tax_paise,
        net_paise=paid.net_paise,
        currency=paid.currency,
        method=attempt.method if attempt else None,
        created_at=payment.created_at,
        captured_on=paid.captured_on.isoformat(),
        settled_on=paid.settled_on.isoformat(),
        message_key=f"{PAYMENT_SETTLED}:{paid.gateway_payment_id}",
    )
    return DomainEvent(SOURCE, PAYMENT_SETTLED, payment.payment_id, detail.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class SettledNews:
    """Tells of settlements, by the books of one run."""

    client: "DynamoDBClient"
    marks: SettledMarks
    payments: PaymentRepository
    audit: AuditTrail
    outbox: Outbox
    clock: Clock
    logger: Logger

    def tell(self, facts: Facts, posted: Collection[str], *, request_id: str, until: datetime) -> int:
        """Tell of every payment that was paid out and not told of, as long as there is time (``until``, a
        moment in UTC); how many were told."""
        by_settlement: dict[str, list[PaidOut]] = {}
        for paid in paid_out(facts, posted):
            by_settlement.setdefault(paid.settlement_id, []).append(paid)
        count = 0
        for settlement_id, all_paid in sorted(by_settlement.items()):
            told = self.marks.of(settlement_id)
            untold = [paid for paid in all_paid if paid.gateway_payment_id not in told]
            for first in range(0, len(untold), TOLD_AT_ONCE_MAX):
                if self.clock.now() >= until:
                    self.logger.warning("no time to tell of every settlement; the next run goes on")
                    return count
                some = untold[first : first + TOLD_AT_ONCE_MAX]
                count += self._tell(settlement_id, some, request_id)
        return count

    def _tell(self, settlement_id: str, some: Sequence[PaidOut], request_id: str) -> int:
        orders = [(paid.order_id, paid.gateway_payment_id) for paid in some if paid.order_id]
        payments = self.payments.get_all_by_order(orders)  # what is not ours is an exception of the run
        known = [(paid, payments[name]) for paid in some if (name := paid.gateway_payment_id) in payments]
        for _ in range(CHANGE_ATTEMPTS_MAX):
            if not known:
                return 0
            transaction = Transaction(self.client)
            for paid, payment in known:
                self.marks.put_in(transaction, settlement_id, paid.gateway_payment_id)
                self.outbox.add_in(transaction, settled_event(payment, paid))
            self.audit.append_in(transaction, _line(settlement_id, len(known), request_id))
            try:
                transaction.commit()
            except ConditionFailed:  # a run beside this one told of some of them
                told = self.marks.of(settlement_id)
                known = [each for each in known if each[0].gateway_payment_id not in told]
                continue
            return len(known)
        return 0


def _line(settlement_id: str, payments: int, request_id: str) -> AuditLine:
    return AuditLine(
        actor_id=MATCHER,
        action="reconciliations.settled",
        subject=settlement_id,
        outcome=Outcome.DONE,
        request_id=request_id,
        details={"payments": payments},
    )
