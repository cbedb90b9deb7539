"""The facts that are reconciled, and what becomes of every paisa of them."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple


class Leg(StrEnum):
    """Who says it: we, the gateway line by line, the gateway in sum, or the bank."""

    EXPECTATION = "expectation"
    GATEWAY = "gateway"
    SETTLEMENT = "settlement"
    BANK = "bank"


class Status(StrEnum):
    """Where a paisa stands. Each is in exactly one, on each leg.

    ``mismatch``: of data, the facts contradict each other; of split, the whole agrees and its parts do not.
    """

    EXPECTED = "expected"
    POSTED_AUTO = "posted_auto"
    POSTED_MANUAL = "posted_manual"
    POSTED_FORCED = "posted_forced"
    OVER = "over"
    UNDER = "under"
    DATA_MISMATCH = "data_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    SPLIT_MISMATCH = "split_mismatch"
    PARTIALLY_RECONCILED = "partially_reconciled"
    MISSING = "missing"
    VOID = "void"
    ARCHIVED = "archived"


WAITING: Final = frozenset({Status.EXPECTED, Status.PARTIALLY_RECONCILED})
"""Time and the next facts will tell."""

POSTED: Final = frozenset({Status.POSTED_AUTO, Status.POSTED_MANUAL, Status.POSTED_FORCED})

CLOSED: Final = POSTED | {Status.VOID, Status.ARCHIVED}

EXCEPTIONS: Final = frozenset(Status) - WAITING - CLOSED
"""A person must look."""


class Reason(StrEnum):
    """Why a status is what it is. The codes are stable."""

    EXPECTATIONS_CONTRADICT = "expectations-contradict"
    ROWS_CONTRADICT = "rows-contradict"
    ROW_NOT_EXPECTED = "row-not-expected"
    ROW_AWAITED = "row-awaited"
    ROW_OVERDUE = "row-overdue"
    EXPECTATION_VOID = "expectation-void"
    VOID_BUT_MOVED = "void-but-moved"
    CURRENCY_DIFFERS = "currency-differs"
    KIND_DIFFERS = "kind-differs"
    RELATED_DIFFERS = "related-differs"
    DIRECTION_DIFFERS = "direction-differs"
    AMOUNT_OVER = "amount-over"
    AMOUNT_UNDER = "amount-under"
    ROW_DOES_NOT_ADD_UP = "row-does-not-add-up"
    FEE_DIFFERS = "fee-differs"
    TAX_DIFFERS = "tax-differs"
    ON_HOLD = "on-hold"
    SETTLEMENT_AWAITED = "settlement-awaited"
    SETTLEMENT_OVERDUE = "settlement-overdue"
    SETTLEMENT_NOT_KNOWN = "settlement-not-known"
    SETTLEMENT_OPEN = "settlement-open"
    SETTLEMENTS_CONTRADICT = "settlements-contradict"
    SETTLEMENT_FAILED = "settlement-failed"
    FAILED_BUT_PAID = "failed-but-paid"
    ROWS_AWAITED = "rows-awaited"
    ROWS_OVERDUE = "rows-overdue"
    ROWS_DO_NOT_ADD_UP = "rows-do-not-add-up"
    UTR_DIFFERS = "utr-differs"
    UTR_NOT_KNOWN = "utr-not-known"
    CREDIT_AWAITED = "credit-awaited"
    CREDIT_OVERDUE = "credit-overdue"
    CREDIT_PARTIAL = "credit-partial"
    CREDIT_RETURNED = "credit-returned"
    LINE_NOT_EXPECTED = "line-not-expected"
    DECISION_OUTDATED = "decision-outdated"
    """Somebody decided it, and then a fact came that the decision did not know."""


class Expectation(NamedTuple):
    """What we know that the gateway must show: a capture, a refund, a transfer, its reversal, or an
    adjustment.

    ``amount_paise`` is the gross amount: positive, but for an adjustment that takes money from us.
    ``fee_paise`` includes ``tax_paise``; None where we do not know them. ``made_on`` is the day in India.
    ``related_id`` is the order of a payment and the payment of a refund, transfer or reversal, "" where we
    do not know it. ``is_void``: it was called off.
    """

    entity_id: str
    kind: str
    amount_paise: int
    currency: str
    made_on: date
    fee_paise: int | None = None
    tax_paise: int | None = None
    related_id: str = ""
    is_void: bool = False


class GatewayRow(NamedTuple):
    """A line of the gateway's settlement reconciliation (Razorpay, ``settlements/recon/combined``).

    Amounts are paise, not negative; ``fee_paise`` includes ``tax_paise``. ``created_day`` is the ordinal of
    the day in India, 0 where it is not told. ``settlement_id``, ``utr`` and ``related_id`` are "" where they
    are not told.
    """

    entity_id: str
    kind: str
    amount_paise: int
    debit_paise: int
    credit_paise: int
    fee_paise: int
    tax_paise: int
    currency: str
    created_day: int
    settled: bool
    on_hold: bool
    settlement_id: str
    utr: str
    related_id: str


class SettlementFact(NamedTuple):
    """A payout of the gateway to our bank: ``status`` is ``created``, ``processed`` or ``failed``.

    ``amount_paise`` may be negative; ``utr`` is "" until it is known.
    """

    settlement_id: str
    amount_paise: int
    status: str
    created_on: date
    utr: str = ""
    currency: str = "INR"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a group of items that belong together.

    It stands as long as the facts are those it was made on: ``facts`` is the finding's digest of that time.
    ``outcome`` is posted (manual or forced), void or archived.
    """

    group_id: str
    facts: str
    outcome: Status
    reason: str

    def __post_init__(self) -> None:
        if self.outcome not in CLOSED - {Status.POSTED_AUTO}:
            raise ValueError("a decision posts by hand or by force, voids or archives")


@dataclass(frozen=True, slots=True)
class Finding:
    """One item and its status.

    ``amount_paise`` is signed: what the item adds to our money. ``group_id`` joins the items that are one
    matter; ``difference_paise`` is of the matter: what came less what should have come (0 for what is posted
    by itself). ``facts`` stands for all that was known of the matter.
    """

    leg: Leg
    item_id: str
    group_id: str
    status: Status
    amount_paise: int
    currency: str
    reasons: tuple[Reason, ...] = ()
    difference_paise: int = 0
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """How many items, and what they add up to in paise."""

    count: int = 0
    paise: int = 0


@dataclass(frozen=True, slots=True)
class LegTotals:
    """A leg at a glance. ``inputs`` is all that came in, ``repeated`` what said again what was known: the
    statuses and the repetitions add up to the inputs."""

    leg: Leg
    currency: str
    inputs: Total
    repeated: Total
    statuses: dict[Status, Total] = field(default_factory=dict)

    @property
    def conserves(self) -> bool:
        """Whether no paisa was lost and none was made."""
        totals = [self.repeated, *self.statuses.values()]
        return self.inputs == Total(
            sum(total.count for total in totals), sum(total.paise for total in totals)
        )
