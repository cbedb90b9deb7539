"""Facts for tests: single ones with sensible values, months that add up, and small contradictory worlds."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from runtime.payments.reconciliation.gateway_rows import row_from
from runtime.payments.reconciliation.matching import Outcome, reconcile
from runtime.payments.reconciliation.model import (
    Decision,
    Expectation,
    Finding,
    GatewayRow,
    Leg,
    SettlementFact,
    Status,
)
from runtime.payments.reconciliation.statements.model import StatementLine
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.platform.money import round_half_up

WEDNESDAY = date(2026, 4, 1)
"""When everything is captured. Settled on Friday 3 April; 14 April is a holiday in these tests."""
SETTLED = date(2026, 4, 3)
LATER = date(2026, 4, 20)
HOLIDAYS = frozenset({date(2026, 4, 14)})
UTR = "AXISCN1153863727"
UNIX = 1_775_025_000
"""Noon in India on 1 April 2026."""


def working_days() -> WorkingDays:
    return WorkingDays(HOLIDAYS.__contains__)


def expectation(entity_id: str = "pay_A", **changes: Any) -> Expectation:
    """A capture of ₹1,000.00 at 2 % and 18 % GST."""
    values: dict[str, Any] = {
        "entity_id": entity_id,
        "kind": "payment",
        "amount_paise": 100_000,
        "currency": "INR",
        "made_on": WEDNESDAY,
        "fee_paise": 2_360,
        "tax_paise": 360,
        "related_id": "order_A",
    }
    return Expectation(**values | changes)


def raw_row(entity_id: str = "pay_A", **changes: Any) -> dict[str, Any]:
    """The gateway's row for that capture, as its API sends it."""
    values: dict[str, Any] = {
        "entity_id": entity_id,
        "type": "payment",
        "debit": 0,
        "credit": 97_640,
        "amount": 100_000,
        "currency": "INR",
        "fee": 2_360,
        "tax": 360,
        "on_hold": False,
        "settled": True,
        "created_at": UNIX,
        "settled_at": UNIX + 172_800,
        "settlement_id": "setl_A",
        "settlement_utr": UTR,
        "description": None,
        "notes": "[]",
        "payment_id": None,
        "order_id": "order_A",
        "order_receipt": None,
        "method": "upi",
        "dispute_id": None,
    }
    return values | changes


def row(entity_id: str = "pay_A", **changes: Any) -> GatewayRow:
    return row_from(raw_row(entity_id, **changes))


UNSETTLED: Mapping[str, Any] = {"settled": False, "settlement_id": None, "settlement_utr": None}


def settlement(settlement_id: str = "setl_A", **changes: Any) -> SettlementFact:
    values: dict[str, Any] = {
        "settlement_id": settlement_id,
        "amount_paise": 97_640,
        "status": "processed",
        "created_on": SETTLED,
        "utr": UTR,
    }
    return SettlementFact(**values | changes)


def line(line_id: str = "line_A", **changes: Any) -> StatementLine:
    values: dict[str, Any] = {
        "line_id": line_id,
        "statement_id": "statement_A",
        "line_no": 1,
        "booked_on": SETTLED,
        "amount_paise": 97_640,
        "currency": "INR",
        "references": (UTR,),
        "raw_digest": "0",
    }
    return StatementLine(**values | changes)


@dataclass
class World:
    """Facts of every leg, reconciled together."""

    expectations: list[Expectation] = field(default_factory=list)
    rows: list[GatewayRow] = field(default_factory=list)
    settlements: list[SettlementFact] = field(default_factory=list)
    lines: list[StatementLine] = field(default_factory=list)

    def reconcile(self, today: date = LATER, decisions: tuple[Decision, ...] = ()) -> Outcome:
        return reconcile(
            expectations=iter(self.expectations),
            rows=iter(self.rows),
            settlements=iter(self.settlements),
            lines=iter(self.lines),
            today=today,
            days=working_days(),
            decisions=decisions,
        )

    def found(
        self, today: date = LATER, decisions: tuple[Decision, ...] = ()
    ) -> dict[tuple[Leg, str], Finding]:
        findings = list(self.reconcile(today, decisions).findings())
        by_item = {(finding.leg, finding.item_id): finding for finding in findings}
        assert len(by_item) == len(findings)
        return by_item

    def statuses(self, today: date = LATER, decisions: tuple[Decision, ...] = ()) -> dict[str, Status]:
        return {
            f"{leg.value} {item}": found.status for (leg, item), found in self.found(today, decisions).items()
        }

    def with_also(self, other: "World") -> "World":
        return World(
            self.expectations + other.expectations,
            self.rows + other.rows,
            self.settlements + other.settlements,
            self.lines + other.lines,
        )

    def shuffled(self, seed: int) -> "World":
        chance = random.Random(seed)  # noqa: S311
        return World(
            chance.sample(self.expectations, len(self.expectations)),
            chance.sample(self.rows, len(self.rows)),
            chance.sample(self.settlements, len(self.settlements)),
            chance.sample(self.lines, len(self.lines)),
        )


def whole() -> World:
    """One capture, its row, its settlement and its credit, all in agreement."""
    return World([expectation()], [row()], [settlement()], [line()])


def fee_of(amount_paise: int) -> tuple[int, int]:
    """2 % and 18 % GST on it, each rounded half-up: the fee with its tax, and the tax."""
    charge = round_half_up(Fraction(amount_paise * 2, 100))
    tax = round_half_up(Fraction(charge * 18, 100))
    return charge + tax, tax


class Month:
    """A month of a gateway that adds up: captures, refunds, transfers, reversals, adjustments, settled on T+2
    working days, several settlements to a credit and several credits to a settlement."""

    def __init__(self, seed: int, payments: int = 60) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.world = World()
        self._net: dict[tuple[date, int], int] = defaultdict(int)
        self._rows: list[tuple[dict[str, Any], tuple[date, int]]] = []
        for number in range(payments):
            self._payment(number)
        self._settle()

    def _payment(self, number: int) -> None:
        chance = self.chance
        amount = chance.randrange(10_000, 500_000)
        fee, tax = fee_of(amount)
        made = WEDNESDAY + timedelta(days=chance.randrange(28))
        payment, order = f"pay_{number:014d}", f"order_{number:014d}"
        self._fact(payment, "payment", made, amount, fee, tax, credit=amount - fee, order=order)
        if chance.random() < 0.2:
            part = chance.randrange(100, amount)
            self._fact(f"rfnd_{number:014d}", "refund", made, part, 0, 0, debit=part, payment=payment)
        if chance.random() < 0.3:
            share = chance.randrange(100, amount - fee)
            cost = round_half_up(Fraction(share * 25, 10_000))
            cost_tax = round_half_up(Fraction(cost * 18, 100))
            cost += cost_tax
            self._fact(
                f"trf_{number:014d}",
                "transfer",
                made,
                share,
                cost,
                cost_tax,
                debit=share + cost,
                payment=payment,
            )
            if chance.random() < 0.5:
                back = chance.randrange(100, share + 1)
                self._fact(f"rvrsl_{number:014d}", "reversal", made, back, 0, 0, credit=back, payment=payment)
        if chance.random() < 0.1:
            taken = chance.randrange(100, amount)
            self._fact(f"adj_{number:014d}", "adjustment", made, taken, 0, 0, debit=taken, signed=-taken)

    def _fact(
        self,
        entity_id: str,
        kind: str,
        made: date,
        amount: int,
        fee: int,
        tax: int,
        *,
        debit: int = 0,
        credit: int = 0,
        order: str = "",
        payment: str = "",
        signed: int | None = None,
    ) -> None:
        related = order if kind == "payment" else payment
        knows_fee = self.chance.random() < 0.8
        self.world.expectations.append(
            Expectation(
                entity_id,
                kind,
                amount if signed is None else signed,
                "INR",
                made,
                fee if knows_fee else None,
                tax if knows_fee else None,
                related if self.chance.random() < 0.8 else "",
            )
        )
        batch = (working_days().after(made, 2), self.chance.randrange(3))
        self._net[batch] += credit - debit
        raw = raw_row(
            entity_id,
            type=kind,
            debit=debit,
            credit=credit,
            amount=amount,
            fee=fee,
            tax=tax,
            created_at=UNIX + (made - WEDNESDAY).days * 86_400,
            payment_id=payment or None,
            order_id=order or None,
        )
        self._rows.append((raw, batch))

    def _settle(self) -> None:
        by_day: dict[date, list[int]] = defaultdict(list)
        for day, part in self._net:
            by_day[day].append(part)
        for day, parts in by_day.items():
            shared = self.chance.random() < 0.5
            for part in parts:
                self._payout(day, part, group=min(parts) if shared else part)
            for group in {min(parts)} if shared else set(parts):
                self._credits(
                    day, sum(self._net[day, part] for part in (parts if shared else [group])), group
                )
        for raw, (day, part) in self._rows:
            utr = next(fact.utr for fact in self.world.settlements if fact.settlement_id == _name(day, part))
            is_adjustment = raw["type"] == "adjustment"
            told = {"settlement_id": _name(day, part), "settlement_utr": None if is_adjustment else utr}
            self.world.rows.append(row_from(raw | told))

    def _payout(self, day: date, part: int, group: int) -> None:
        self.world.settlements.append(
            SettlementFact(_name(day, part), self._net[day, part], "processed", day, _utr(day, group))
        )

    def _credits(self, day: date, amount: int, group: int) -> None:
        """One credit, or two that add up."""
        parts = [amount]
        if self.chance.random() < 0.3 and abs(amount) > 2:
            first = self.chance.randrange(1, abs(amount)) * (1 if amount > 0 else -1)
            parts = [first, amount - first]
        for number, paise in enumerate(parts):
            if paise:
                self.world.lines.append(
                    line(
                        f"line-{day}-{group}-{number}",
                        amount_paise=paise,
                        booked_on=day,
                        references=(_utr(day, group),),
                    )
                )


def _name(day: date, part: int) -> str:
    return f"setl_{day:%Y%m%d}{part:06d}"


def _utr(day: date, group: int) -> str:
    return f"AXISCN{day:%Y%m%d}{group:02d}"


_AMOUNTS = st.sampled_from([100, 200, 300])
_SETTLEMENTS = st.sampled_from(["", "setl_1", "setl_2", "setl_9"])
_UTRS = st.sampled_from(["", "UTR0000001", "UTR0000002"])
_CURRENCIES = st.sampled_from(["INR", "INR", "INR", "USD"])
_ENTITIES = {
    "pay_A": "payment",
    "pay_B": "payment",
    "rfnd_A": "refund",
    "trf_A": "transfer",
    "rvrsl_A": "reversal",
    "adj_A": "adjustment",
}
_DAYS = st.sampled_from([WEDNESDAY, SETTLED, LATER])


@st.composite
def _expectations(draw: st.DrawFn) -> Expectation:
    entity_id = draw(st.sampled_from(sorted(_ENTITIES)))
    kind = draw(st.sampled_from([_ENTITIES[entity_id]] * 4 + ["refund"]))
    sign = draw(st.sampled_from([1, -1])) if kind == "adjustment" else 1
    return Expectation(
        entity_id=entity_id,
        kind=kind,
        amount_paise=sign * draw(_AMOUNTS),
        currency=draw(_CURRENCIES),
        made_on=draw(_DAYS),
        fee_paise=draw(st.sampled_from([None, 0, 10])),
        tax_paise=draw(st.sampled_from([None, 0, 2])),
        related_id=draw(st.sampled_from(["", "order_1", "order_2"])),
        is_void=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def _rows(draw: st.DrawFn) -> GatewayRow:
    entity_id = draw(st.sampled_from(sorted(_ENTITIES)))
    kind = _ENTITIES[entity_id]
    amount, fee = draw(_AMOUNTS), draw(st.sampled_from([0, 10]))
    is_credit = kind == "payment" or (kind in ("adjustment", "reversal") and draw(st.booleans()))
    paise = amount - fee if is_credit else amount + fee
    paise += draw(st.sampled_from([0, 0, 0, 1]))
    settlement_id = draw(_SETTLEMENTS)
    return GatewayRow(
        entity_id=entity_id,
        kind=kind,
        amount_paise=amount,
        debit_paise=0 if is_credit else paise,
        credit_paise=paise if is_credit else 0,
        fee_paise=fee,
        tax_paise=draw(st.sampled_from([0, 2])),
        currency=draw(_CURRENCIES),
        created_day=draw(_DAYS).toordinal() if draw(st.booleans()) else 0,
        settled=bool(settlement_id),
        on_hold=draw(st.booleans()),
        settlement_id=settlement_id,
        utr=draw(_UTRS) if settlement_id else "",
        related_id=draw(st.sampled_from(["", "order_1", "order_2"])),
    )


@st.composite
def _settlements(draw: st.DrawFn) -> SettlementFact:
    return SettlementFact(
        settlement_id=draw(st.sampled_from(["setl_1", "setl_2", "setl_3"])),
        amount_paise=draw(st.sampled_from([90, 100, 180, -100])),
        status=draw(st.sampled_from(["created", "processed", "processed", "failed", "odd"])),
        created_on=draw(_DAYS),
        utr=draw(_UTRS),
        currency=draw(_CURRENCIES),
    )


@st.composite
def _lines(draw: st.DrawFn) -> StatementLine:
    """A line's id stands for all that it is, as its digest does."""
    amount, currency, booked = draw(st.sampled_from([90, 100, -100])), draw(_CURRENCIES), draw(_DAYS)
    references = tuple(
        draw(st.lists(st.sampled_from(["UTR0000001", "UTR0000002", "X"]), max_size=2, unique=True))
    )
    serial = draw(st.integers(0, 1))
    return line(
        f"{amount}{currency}{booked}{'+'.join(references)}{serial}",
        amount_paise=amount,
        currency=currency,
        booked_on=booked,
        references=references,
    )


def worlds() -> st.SearchStrategy[World]:
    """Small worlds in which anything may contradict anything."""

    def some(facts: Callable[[], st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Any]]:
        return st.lists(facts(), max_size=6)

    return st.builds(World, some(_expectations), some(_rows), some(_settlements), some(_lines))
