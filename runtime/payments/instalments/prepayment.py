"""Paying earlier than agreed: a part of the principal, or all of it.

A payment first covers what is due. What is left is principal brought forward: it becomes a line of its own,
paid at once, and the coming lines are made anew over the principal that remains. Interest that had accrued on
that principal up to the day comes with the next instalment. Nothing is charged for paying early: RBI forbids
it for loans to individuals at floating rates (RBI (Pre-payment Charges on Loans) Directions, 2025), and we
charge it nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from runtime.payments.instalments.allocation import allocate_receipts, settle
from runtime.payments.instalments.amortisation import Bound, Row, amortise, emi_paise, month_interest
from runtime.payments.instalments.day_count import accrued_fraction
from runtime.payments.instalments.effect import Effect
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import (
    PREPAYMENTS_MAX,
    Instalment,
    LineKind,
    Plan,
    Portion,
    Receipt,
)
from runtime.payments.instalments.receipts import receive
from runtime.payments.instalments.standing import require_business_date, standing
from runtime.payments.refusal import Refused
from runtime.platform.money import allocate, round_half_up


@dataclass(frozen=True, slots=True)
class Foreclosure:
    """What closes a plan on a day, in paise.

    ``due_paise`` was to be paid by that day; ``principal_paise`` was not due yet; ``interest_paise`` has
    accrued on it up to the day and is not paid yet.
    """

    on: date
    due_paise: int
    principal_paise: int
    interest_paise: int

    @property
    def amount_paise(self) -> int:
        """All of it."""
        return self.due_paise + self.principal_paise + self.interest_paise


def prepay(plan: Plan, receipt: Receipt, effect: Effect) -> Plan:
    """``plan`` after a payment whose surplus over what is due brings principal forward.

    A payment that is known already changes nothing; one that is enough to close the plan closes it, and what
    is over is excess. Raises Refused ``instalment-nothing-to-prepay`` when the payment does not exceed what
    is due, or nothing is left to bring forward, and as :func:`receive` does.
    """
    if receive(plan, receipt) is plan:
        return plan
    if receipt.amount_paise >= foreclosure(plan, receipt.received_at).amount_paise:
        return foreclose(plan, receipt)
    today = require_business_date(receipt.received_at)
    surplus_paise = receipt.amount_paise - standing(plan, receipt.received_at).due_paise
    tail = _Tail.of(plan, today)
    prepaid_paise = min(surplus_paise, tail.free_paise)
    if prepaid_paise <= 0:
        raise Refused(
            InstalmentCode.NOTHING_TO_PREPAY,
            "The payment does not exceed what is due; nothing comes forward.",
        )
    instalment_paise = plan.instalment_paise
    if instalment_paise is None:
        coming = _interest_free(tail, prepaid_paise, effect)
    else:
        if effect is Effect.REDUCE_INSTALMENT:
            balance_paise = tail.principal_paise - prepaid_paise
            instalment_paise = emi_paise(balance_paise, plan.annual_rate_bps, len(tail.lines))
        coming = _reducing(tail, plan, prepaid_paise, instalment_paise)
    brought_forward = _prepayment_line(plan, today, receipt.received_at, prepaid_paise)
    return _remade(plan, receipt, tail, (*coming, brought_forward), instalment_paise)


def foreclosure(plan: Plan, at: datetime) -> Foreclosure:
    """What would close ``plan`` at a moment (timezone-aware); the day is that in India.

    Interest of coming months that has neither accrued nor been paid is not asked for.
    """
    today = require_business_date(at)
    tail = _Tail.of(plan, today)
    return Foreclosure(
        on=today,
        due_paise=standing(plan, at).due_paise,
        principal_paise=tail.free_paise,
        interest_paise=sum(_accrued_unpaid(tail, plan)),
    )


def foreclose(plan: Plan, receipt: Receipt) -> Plan:
    """``plan``, closed by a payment of at least what :func:`foreclosure` asks; more is excess.

    Every coming line keeps what was paid of it; the principal that was not paid, with the interest accrued,
    becomes one line that this payment covers. Raises Refused ``instalment-foreclosure-short`` and as
    :func:`receive` does.
    """
    if receive(plan, receipt) is plan:
        return plan
    asked = foreclosure(plan, receipt.received_at)
    if receipt.amount_paise < asked.amount_paise:
        raise Refused(InstalmentCode.FORECLOSURE_SHORT, f"The plan is closed by {asked.amount_paise} paise.")
    tail = _Tail.of(plan, asked.on)
    kept = _with_rows(tail.lines, [_row(part) for part in tail.paid])
    if not asked.principal_paise and not asked.interest_paise:
        return _remade(plan, receipt, tail, kept, plan.instalment_paise)
    closing = _prepayment_line(plan, asked.on, receipt.received_at, asked.principal_paise)
    closing = closing.model_copy(update={"interest_paise": asked.interest_paise})
    return _remade(plan, receipt, tail, (*kept, closing), plan.instalment_paise)


@dataclass(frozen=True, slots=True)
class _Tail:
    """The instalments that are not due yet, in order; and of each: what was paid of it ahead of its day,
    and the fraction of its month that has gone by."""

    lines: tuple[Instalment, ...]
    paid: tuple[Portion, ...]
    elapsed: tuple[Fraction, ...]

    @classmethod
    def of(cls, plan: Plan, today: date) -> "_Tail":
        paid = allocate_receipts(plan).paid
        lines = tuple(
            line for line in plan.instalments if line.kind is LineKind.INSTALMENT and line.due_on > today
        )
        return cls(
            lines,
            tuple(paid[line.number] for line in lines),
            tuple(
                accrued_fraction(line.accrues_from, line.accrues_to, today, plan.day_count) for line in lines
            ),
        )

    @property
    def principal_paise(self) -> int:
        """All principal of the lines, paid or not."""
        return sum(line.principal_paise for line in self.lines)

    @property
    def free_paise(self) -> int:
        """The principal that is neither due nor paid ahead."""
        return self.principal_paise - sum(part.principal_paise for part in self.paid)


def _accrued_unpaid(tail: _Tail, plan: Plan) -> list[int]:
    """By line, the interest that has accrued on what is owed and was not paid ahead; never more than was
    agreed for the line."""
    unpaid: list[int] = []
    balance_paise = tail.principal_paise
    for line, part, elapsed in zip(tail.lines, tail.paid, tail.elapsed, strict=True):
        gone_by = month_interest(balance_paise, plan.annual_rate_bps) * elapsed
        accrued = round_half_up(gone_by) + line.accrued_paise
        unpaid.append(max(0, min(accrued, line.interest_paise) - part.interest_paise))
        balance_paise -= line.principal_paise
    return unpaid


def _reducing(tail: _Tail, plan: Plan, prepaid_paise: int, instalment_paise: int) -> tuple[Instalment, ...]:
    """The coming lines over what remains, at the given instalment."""
    bounds: dict[int, Bound] = {}
    for line, part, elapsed in zip(tail.lines, tail.paid, tail.elapsed, strict=True):
        gone_by = month_interest(prepaid_paise, plan.annual_rate_bps) * elapsed
        accrued_paise = round_half_up(gone_by) + line.accrued_paise
        touched = bool(accrued_paise or part.amount_paise)
        bounds[line.number] = Bound(_row(part), accrued_paise, line.interest_paise if touched else None)
    balance_paise = tail.principal_paise - prepaid_paise
    rows = amortise(balance_paise, plan.annual_rate_bps, instalment_paise, list(bounds.values()))
    return tuple(
        line.model_copy(update={"accrued_paise": min(bounds[line.number].accrued_paise, line.interest_paise)})
        for line in _with_rows(tail.lines, rows)
    )


def _interest_free(tail: _Tail, prepaid_paise: int, effect: Effect) -> tuple[Instalment, ...]:
    """The coming parts without the prepaid principal: taken from the last ones, or from all in proportion to
    what is unpaid of them. What was paid ahead stays."""
    unpaid = [
        line.principal_paise - part.principal_paise for line, part in zip(tail.lines, tail.paid, strict=True)
    ]
    if effect is Effect.REDUCE_INSTALMENT:
        left = list(allocate(sum(unpaid) - prepaid_paise, unpaid))
    else:
        left = list(unpaid)
        for position in reversed(range(len(left))):
            taken = min(prepaid_paise, left[position])
            left[position] -= taken
            prepaid_paise -= taken
    rows = [
        Row(principal_paise=part.principal_paise + rest) for part, rest in zip(tail.paid, left, strict=True)
    ]
    return _with_rows(tail.lines, rows)


def _prepayment_line(plan: Plan, today: date, since: datetime, principal_paise: int) -> Instalment:
    if sum(line.kind is LineKind.PREPAYMENT for line in plan.instalments) >= PREPAYMENTS_MAX:
        raise Refused(
            InstalmentCode.TOO_MANY_PAYMENTS, f"A plan takes at most {PREPAYMENTS_MAX} prepayments."
        )
    return Instalment(
        number=1 + max(line.number for line in plan.instalments),
        kind=LineKind.PREPAYMENT,
        due_on=today,
        accrues_from=today,
        accrues_to=today,
        principal_paise=principal_paise,
        since=since,
    )


def _with_rows(lines: Sequence[Instalment], rows: Sequence[Row]) -> tuple[Instalment, ...]:
    """The lines with new amounts; those that ask for nothing are gone."""
    return tuple(
        line.model_copy(update={"principal_paise": row.principal_paise, "interest_paise": row.interest_paise})
        for line, row in zip(lines, rows, strict=False)
        if row != Row()
    )


def _row(part: Portion) -> Row:
    return Row(principal_paise=part.principal_paise, interest_paise=part.interest_paise)


def _remade(
    plan: Plan, receipt: Receipt, tail: _Tail, lines: tuple[Instalment, ...], instalment_paise: int | None
) -> Plan:
    """The plan with the coming lines replaced and the payment received, validated anew."""
    replaced = {line.number for line in tail.lines}
    kept = tuple(line for line in plan.instalments if line.number not in replaced)
    numbered = tuple(sorted((*kept, *lines), key=lambda line: line.number))
    settled = settle(plan, allocate_receipts(plan))
    values = dict(settled) | {"instalments": numbered, "instalment_paise": instalment_paise}
    return receive(Plan.model_validate(values), receipt)
