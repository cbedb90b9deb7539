"""What becomes of one entity: its expectation and its row held against each other, pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from runtime.payments.reconciliation.model import Reason, Status
from runtime.payments.reconciliation.pairs import UNKNOWN, Expected, Row

_NO_RELATION: Final = bytes(20)

Verdict = tuple[Status, tuple[Reason, ...]]


class Payout(IntEnum):
    """How far the settlement of a row has come."""

    NOT_KNOWN = 0
    OPEN = 1
    POSTED = 2


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges entities as of one day.

    ``is_overdue`` says of a kind (by number) and a day (by ordinal) whether its row and settlement are past
    their time, and ``payout_of`` how far a settlement (by number) has come.
    """

    is_overdue: Callable[[int, int], bool]
    payout_of: Callable[[int], Payout]

    def case(self, expected: list[Expected], rows: list[Row]) -> Verdict:
        """The verdict on everything that is known of an entity."""
        if len(expected) > 1 or len(rows) > 1:
            reasons = [Reason.EXPECTATIONS_CONTRADICT] if len(expected) > 1 else []
            reasons += [Reason.ROWS_CONTRADICT] if len(rows) > 1 else []
            return Status.DATA_MISMATCH, tuple(reasons)
        if not rows:
            return self._without_row(expected[0])
        row = rows[0]
        if not expected:
            adds_up = () if row.adds_up else (Reason.ROW_DOES_NOT_ADD_UP,)
            return Status.OVER, (Reason.ROW_NOT_EXPECTED, *adds_up)
        status, reasons_found = differences(expected[0], row)
        return (status, reasons_found) if reasons_found else self.agreed(expected[0].day or row.day, row)

    def _without_row(self, expected: Expected) -> Verdict:
        if expected.is_void:
            return Status.VOID, (Reason.EXPECTATION_VOID,)
        if self.is_overdue(expected.kind, expected.day):
            return Status.MISSING, (Reason.ROW_OVERDUE,)
        return Status.EXPECTED, (Reason.ROW_AWAITED,)

    def agreed(self, day: int, row: Row) -> Verdict:
        """The verdict on a pair that agrees: it follows its settlement. ``day`` is when it was made."""
        if row.settlement:
            payout = self.payout_of(row.settlement)
            if payout is Payout.POSTED:
                return Status.POSTED_AUTO, ()
            if payout is Payout.OPEN:
                return Status.PARTIALLY_RECONCILED, (Reason.SETTLEMENT_OPEN,)
            waits_for = Reason.SETTLEMENT_NOT_KNOWN
        elif row.is_on_hold:
            return Status.PARTIALLY_RECONCILED, (Reason.ON_HOLD,)
        else:
            waits_for = Reason.SETTLEMENT_AWAITED
        if self.is_overdue(row.kind, day):
            return Status.MISSING, (Reason.SETTLEMENT_OVERDUE,)
        return Status.PARTIALLY_RECONCILED, (waits_for,)


def differences(expected: Expected, row: Row) -> Verdict:
    """In what a row differs from what was expected; no reasons where it does not.

    The gravest decides the status: the currency, then the data, then the amount, then the split into fee,
    tax and net. Razorpay's algebra: a payment credits amount less fee, a refund debits its amount (and its
    fee), a transfer debits amount and fee, and the fee includes its tax.
    """
    by_status: dict[Status, list[Reason]] = {
        Status.CURRENCY_MISMATCH: [Reason.CURRENCY_DIFFERS] if row.currency != expected.currency else [],
        Status.DATA_MISMATCH: _contradictions(expected, row),
        **_amount(expected, row),
        Status.SPLIT_MISMATCH: _split(expected, row),
    }
    found = {status: reasons for status, reasons in by_status.items() if reasons}
    gravest = next(iter(found), Status.POSTED_AUTO)
    return gravest, tuple(reason for reasons in found.values() for reason in reasons)


def _contradictions(expected: Expected, row: Row) -> list[Reason]:
    reasons = [Reason.VOID_BUT_MOVED] if expected.is_void else []
    if row.kind != expected.kind:
        reasons.append(Reason.KIND_DIFFERS)
    if row.related != expected.related and _NO_RELATION not in (row.related, expected.related):
        reasons.append(Reason.RELATED_DIFFERS)
    if row.gross * expected.gross < 0:
        reasons.append(Reason.DIRECTION_DIFFERS)
    return reasons


def _amount(expected: Expected, row: Row) -> dict[Status, list[Reason]]:
    if abs(row.gross) > abs(expected.gross):
        return {Status.OVER: [Reason.AMOUNT_OVER]}
    if abs(row.gross) < abs(expected.gross):
        return {Status.UNDER: [Reason.AMOUNT_UNDER]}
    return {}


def _split(expected: Expected, row: Row) -> list[Reason]:
    reasons = [] if row.adds_up else [Reason.ROW_DOES_NOT_ADD_UP]
    if row.gross == expected.gross:  # the fee of another amount is another fee
        if expected.fee not in (UNKNOWN, row.fee):
            reasons.append(Reason.FEE_DIFFERS)
        if expected.tax not in (UNKNOWN, row.tax):
            reasons.append(Reason.TAX_DIFFERS)
    return reasons


def difference_paise(expected: list[Expected], rows: list[Row]) -> int:
    """What the gateway's rows move for us less what we expected them to, in paise after fees.

    Where we do not know the fee, the gateway's is taken, if it says one.
    """
    moved = sum(row.net for row in rows)
    known_fee = rows[0].gross - rows[0].net if len(rows) == 1 else 0
    awaited = sum(
        said.gross - (known_fee if said.fee == UNKNOWN else said.fee) for said in expected if not said.is_void
    )
    return moved - awaited
