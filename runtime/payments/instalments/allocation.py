"""What every payment towards a plan covers, and where that leaves the plan.

Nothing here is stored. Payments and refunds are facts with a moment; what they cover is worked out from all
of them in the order of those moments. So it does not matter in which order they became known, and a refund
that failed is simply taken out again.

A payment covers the oldest line first, and of every line the interest before the principal. A line that is
overdue stays until it is paid. More than is due pays the coming lines ahead, at their agreed interest; more
than the whole plan is excess. A refund gives back of its own payment what was covered last: the excess
first, then from the latest line to the oldest, principal before interest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import (
    RECEIPTS_MAX,
    Covered,
    GivenBack,
    Instalment,
    Plan,
    Portion,
    Receipt,
)
from runtime.payments.refusal import Refused, require_whole
from runtime.platform.clock import business_date
from runtime.platform.money import AMOUNT_MAX_PAISE


@dataclass(frozen=True, slots=True)
class Allocation:
    """What every payment covered before refunds (by payment id), what every refund gave back (by refund id),
    what every payment covers after them, and what of every line is paid (by line number)."""

    covered: Mapping[str, Covered]
    given_back: Mapping[str, Covered]
    held: Mapping[str, Covered]
    paid: Mapping[int, Portion]

    @property
    def excess_paise(self) -> int:
        """Money received beyond the whole plan and not given back: it is owed to the payer."""
        return sum(held.excess_paise for held in self.held.values())


class LineStatus(StrEnum):
    """Where a line stands on a day."""

    PAID = "paid"
    OVERDUE = "overdue"
    DUE = "due"
    UPCOMING = "upcoming"


@dataclass(frozen=True, slots=True)
class LineStanding:
    """A line, what of it is paid, and what is still asked for (paise)."""

    line: Instalment
    paid: Portion
    status: LineStatus

    @property
    def interest_paise(self) -> int:
        """Interest still to be paid."""
        return self.line.interest_paise - self.paid.interest_paise

    @property
    def principal_paise(self) -> int:
        """Principal still to be paid."""
        return self.line.principal_paise - self.paid.principal_paise

    @property
    def amount_paise(self) -> int:
        """All that is still to be paid of the line."""
        return self.interest_paise + self.principal_paise


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a plan stands: every line in the order in which it is paid, and the excess."""

    lines: tuple[LineStanding, ...]
    excess_paise: int

    @property
    def overdue_paise(self) -> int:
        """What should have been paid before today."""
        return self._sum({LineStatus.OVERDUE})

    @property
    def due_paise(self) -> int:
        """What is to be paid by the end of today: the overdue included."""
        return self._sum({LineStatus.OVERDUE, LineStatus.DUE})

    @property
    def outstanding_paise(self) -> int:
        """What is still to be paid in all, interest agreed for coming months included."""
        return self._sum(set(LineStatus))

    @property
    def is_paid(self) -> bool:
        """Whether nothing is left to be paid."""
        return self.outstanding_paise == 0

    @property
    def next_line(self) -> LineStanding | None:
        """The line that the next payment covers first, or None when the plan is paid."""
        return next((standing for standing in self.lines if standing.amount_paise), None)

    def _sum(self, statuses: set[LineStatus]) -> int:
        return sum(standing.amount_paise for standing in self.lines if standing.status in statuses)


def receive(plan: Plan, receipt: Receipt) -> Plan:
    """``plan`` with a payment; the same plan when it is known already.

    Raises Refused ``instalment-payment-reused`` when the payment is known with another amount or moment,
    ``instalment-amount-invalid`` and ``instalment-payments-too-many``.
    """
    known = _receipt(plan, receipt.payment_id)
    if known is not None:
        if known.model_copy(update={"settled": ()}) != receipt:
            raise Refused(
                InstalmentCode.PAYMENT_REUSED, "The payment is known with another amount or moment."
            )
        return plan
    _check_paise(receipt.amount_paise)
    if len(plan.receipts) >= RECEIPTS_MAX:
        raise Refused(InstalmentCode.TOO_MANY_PAYMENTS, f"A plan takes at most {RECEIPTS_MAX} payments.")
    return plan.model_copy(update={"receipts": tuple(sorted((*plan.receipts, receipt), key=_receipt_order))})


def give_back(plan: Plan, refund: GivenBack) -> Plan:
    """``plan`` with a refund of one of its payments; the same plan when it is known already.

    Raises Refused ``instalment-payment-unknown``, ``instalment-refund-over-payment`` when more would be given
    back than the payment was, ``instalment-refund-reused`` and ``instalment-payments-too-many``.
    """
    known = next((given for given in plan.refunds if given.refund_id == refund.refund_id), None)
    if known is not None:
        if known.model_copy(update={"settled": None}) != refund:
            raise Refused(InstalmentCode.REFUND_REUSED, "The refund is known with another amount or moment.")
        return plan
    _check_paise(refund.amount_paise)
    receipt = _receipt(plan, refund.payment_id)
    if receipt is None:
        raise Refused(InstalmentCode.PAYMENT_UNKNOWN, "The plan knows no such payment.")
    given_paise = sum(given.amount_paise for given in plan.refunds if given.payment_id == refund.payment_id)
    if given_paise + refund.amount_paise > receipt.amount_paise:
        raise Refused(
            InstalmentCode.REFUND_OVER_PAYMENT,
            f"Of the payment, {receipt.amount_paise - given_paise} paise are left to give back.",
        )
    if len(plan.refunds) >= RECEIPTS_MAX:
        raise Refused(InstalmentCode.TOO_MANY_PAYMENTS, f"A plan takes at most {RECEIPTS_MAX} refunds.")
    return plan.model_copy(update={"refunds": tuple(sorted((*plan.refunds, refund), key=_refund_order))})


def take_refund_back(plan: Plan, refund_id: str) -> Plan:
    """``plan`` as if the refund had never been made: what becomes of one that failed.

    Raises Refused ``instalment-refund-unknown``.
    """
    left = tuple(given for given in plan.refunds if given.refund_id != refund_id)
    if len(left) == len(plan.refunds):
        raise Refused(InstalmentCode.REFUND_UNKNOWN, "The plan knows no such refund.")
    return plan.model_copy(update={"refunds": left})


def settle(plan: Plan, allocation: Allocation) -> Plan:
    """``plan`` with what its payments and refunds came to so far kept, for its lines are about to change."""
    return plan.model_copy(
        update={
            "receipts": tuple(
                receipt.model_copy(update={"settled": allocation.held[receipt.payment_id].portions})
                for receipt in plan.receipts
            ),
            "refunds": tuple(
                refund.model_copy(update={"settled": allocation.given_back[refund.refund_id]})
                for refund in plan.refunds
            ),
        }
    )


def allocate_receipts(plan: Plan) -> Allocation:
    """What every payment and every refund of ``plan`` comes to, line by line."""
    ledger = _Ledger(ordered_lines(plan.instalments))
    settled: dict[str, list[Covered]] = {receipt.payment_id: [] for receipt in plan.receipts}
    received_at = {receipt.payment_id: receipt.received_at for receipt in plan.receipts}
    facts: list[tuple[datetime, int, str, Receipt | GivenBack]] = [
        (receipt.received_at, 0, receipt.payment_id, receipt) for receipt in plan.receipts
    ]
    for refund in plan.refunds:
        if refund.settled is not None:
            settled[refund.payment_id].append(refund.settled)
            ledger.given_back[refund.refund_id] = refund.settled
            continue
        # A clock that lags must not put a refund before its payment.
        moment = max(refund.given_at, received_at[refund.payment_id])
        facts.append((moment, 1, refund.refund_id, refund))
    for _, _, _, fact in sorted(facts, key=lambda each: each[:3]):
        if isinstance(fact, Receipt):
            ledger.cover(fact, settled[fact.payment_id])
        else:
            ledger.give_back(fact)
    return Allocation(ledger.covered, ledger.given_back, ledger.held, ledger.paid)


def standing(plan: Plan, at: datetime) -> Standing:
    """Where ``plan`` stands at a moment (timezone-aware); the day is that in India."""
    today = require_business_date(at)
    allocation = allocate_receipts(plan)
    lines = tuple(
        LineStanding(line, paid, _status(line, paid, today))
        for line in ordered_lines(plan.instalments)
        for paid in (allocation.paid[line.number],)
    )
    return Standing(lines, allocation.excess_paise)


def ordered_lines(lines: Iterable[Instalment]) -> tuple[Instalment, ...]:
    """Lines in the order in which they are paid: by due day, then by number."""
    return tuple(sorted(lines, key=lambda line: (line.due_on, line.number)))


def require_business_date(at: datetime) -> date:
    """The day in India. Raises Refused ``instalment-moment-invalid`` for a moment without an offset."""
    if at.tzinfo is None:
        raise Refused(InstalmentCode.MOMENT_INVALID, "A moment needs its offset from UTC.")
    return business_date(at)


def _status(line: Instalment, paid: Portion, today: date) -> LineStatus:
    if paid.amount_paise >= line.amount_paise:
        return LineStatus.PAID
    if line.due_on < today:
        return LineStatus.OVERDUE
    return LineStatus.DUE if line.due_on == today else LineStatus.UPCOMING


def _receipt(plan: Plan, payment_id: str) -> Receipt | None:
    return next((receipt for receipt in plan.receipts if receipt.payment_id == payment_id), None)


def _receipt_order(receipt: Receipt) -> tuple[datetime, str]:
    return (receipt.received_at, receipt.payment_id)


def _refund_order(refund: GivenBack) -> tuple[datetime, str]:
    return (refund.given_at, refund.refund_id)


def _check_paise(amount_paise: int) -> None:
    require_whole(
        amount_paise, 1, AMOUNT_MAX_PAISE, code=InstalmentCode.AMOUNT_INVALID, name="amount in paise"
    )


class _Ledger:
    """The running totals while payments and refunds are gone through."""

    def __init__(self, lines: Sequence[Instalment]) -> None:
        self.covered: dict[str, Covered] = {}
        self.given_back: dict[str, Covered] = {}
        self.held: dict[str, Covered] = {}
        self.paid = {line.number: Portion(line.number) for line in lines}
        self._lines = lines
        self._by_number = {line.number: line for line in lines}
        self._open_from = 0  # all lines before it are paid

    def cover(self, receipt: Receipt, given_before: Sequence[Covered]) -> None:
        """Cover again what was settled, then line by line; ``given_before`` went back already."""
        left_paise = receipt.amount_paise - sum(given.amount_paise for given in given_before)
        portions: dict[int, Portion] = {}
        for kept in receipt.settled:
            if kept.number in self._by_number:
                left_paise -= self._cover_line(
                    portions, kept.number, kept.interest_paise, kept.principal_paise
                )
        self._skip_paid()
        for line in self._lines[self._open_from :]:
            if not left_paise:
                break
            if line.since is None or receipt.received_at >= line.since:
                left_paise -= self._cover_line(portions, line.number, left_paise, left_paise, left_paise)
        held = Covered(_ordered(portions, self._lines), left_paise)
        self.held[receipt.payment_id] = held
        self.covered[receipt.payment_id] = _together([held, *given_before])

    def give_back(self, refund: GivenBack) -> None:
        """Give back the excess, then the latest portions of the payment."""
        held = self.held[refund.payment_id]
        excess_paise = min(refund.amount_paise, held.excess_paise)
        left_paise = refund.amount_paise - excess_paise
        kept: list[Portion] = []
        given: list[Portion] = []
        for portion in reversed(held.portions):
            principal = min(left_paise, portion.principal_paise)
            interest = min(left_paise - principal, portion.interest_paise)
            left_paise -= principal + interest
            if principal or interest:
                given.append(Portion(portion.number, interest, principal))
                self.paid[portion.number] = _moved(self.paid[portion.number], -interest, -principal)
            if principal + interest < portion.amount_paise:
                kept.append(_moved(portion, -interest, -principal))
        self.held[refund.payment_id] = Covered(tuple(reversed(kept)), held.excess_paise - excess_paise)
        self.given_back[refund.refund_id] = Covered(tuple(reversed(given)), excess_paise)
        self._open_from = 0

    def _cover_line(
        self,
        portions: dict[int, Portion],
        number: int,
        interest_paise: int,
        principal_paise: int,
        limit_paise: int = AMOUNT_MAX_PAISE,
    ) -> int:
        """Cover at most so much interest and principal of a line, and in all; gives what was covered."""
        line, paid = self._by_number[number], self.paid[number]
        interest = min(interest_paise, limit_paise, line.interest_paise - paid.interest_paise)
        principal = min(principal_paise, limit_paise - interest, line.principal_paise - paid.principal_paise)
        if interest or principal:
            self.paid[number] = _moved(paid, interest, principal)
            portions[number] = _moved(portions.get(number, Portion(number)), interest, principal)
        return interest + principal

    def _skip_paid(self) -> None:
        while self._open_from < len(self._lines):
            line = self._lines[self._open_from]
            if self.paid[line.number].amount_paise < line.amount_paise:
                return
            self._open_from += 1


def _moved(portion: Portion, interest_paise: int, principal_paise: int) -> Portion:
    return Portion(
        portion.number, portion.interest_paise + interest_paise, portion.principal_paise + principal_paise
    )


def _together(several: Sequence[Covered]) -> Covered:
    """Several parts of one payment as one, line by line."""
    portions: dict[int, Portion] = {}
    for covered in several:
        for each in covered.portions:
            before = portions.get(each.number, Portion(each.number))
            portions[each.number] = _moved(before, each.interest_paise, each.principal_paise)
    return Covered(tuple(portions.values()), sum(covered.excess_paise for covered in several))


def _ordered(portions: Mapping[int, Portion], lines: Sequence[Instalment]) -> tuple[Portion, ...]:
    return tuple(portions[line.number] for line in lines if line.number in portions)
