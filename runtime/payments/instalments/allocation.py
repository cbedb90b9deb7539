"""What every payment towards a plan covers, and what every refund gives back.

Payments and refunds are facts with a moment; what they cover is worked out from all of them in the order of
those moments. So it does not matter in which order they became known, and a refund that failed is simply
taken out again. Only where a plan is made anew (prepayment.py) is it kept what they came to until then.

A payment covers the oldest line first, and of every line the interest before the principal. A line that is
overdue stays until it is paid. More than is due pays the coming lines ahead, at their agreed interest; more
than the whole plan is excess. A refund gives back of its own payment what was covered last: the excess
first, then from the latest line to the oldest, principal before interest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runtime.payments.instalments.model import Covered, GivenBack, Instalment, Plan, Portion, Receipt
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


def settle(plan: Plan, allocation: Allocation) -> Plan:
    """``plan`` with what its payments and refunds came to so far kept, for its lines are about to change."""
    return plan.model_copy(
        update={
            "receipts": tuple(
                receipt.model_copy(update={"settled": allocation.held[receipt.payment_id]})
                for receipt in plan.receipts
            ),
            "refunds": tuple(
                refund.model_copy(update={"settled": allocation.given_back[refund.refund_id]})
                for refund in plan.refunds
            ),
        }
    )


def ordered_lines(lines: Iterable[Instalment]) -> tuple[Instalment, ...]:
    """Lines in the order in which they are paid: by due day, then by number."""
    return tuple(sorted(lines, key=lambda line: (line.due_on, line.number)))


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
        settled = receipt.settled or Covered()
        gone_paise = sum(given.amount_paise for given in given_before)
        left_paise = receipt.amount_paise - gone_paise - settled.excess_paise
        portions: dict[int, Portion] = {}
        for kept in settled.portions:
            left_paise -= self._cover_line(portions, kept.number, kept.interest_paise, kept.principal_paise)
        self._skip_paid()
        for line in self._lines[self._open_from :]:
            if not left_paise:
                break
            if line.since is None or receipt.received_at >= line.since:
                left_paise -= self._cover_line(portions, line.number, left_paise, left_paise, left_paise)
        held = Covered(_ordered(portions, self._lines), settled.excess_paise + left_paise)
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
