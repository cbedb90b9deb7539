"""What we expected beside what the gateway's rows say, one case per entity, packed tight.

A month has a million rows and each must be kept until the settlement and the bank have spoken, for a second
row of the same entity may contradict the first. So a case is a few packed bytes: what both sides say alike
(the head), then what only one side says (its tail). Where the heads are equal the pair agrees. Cases with
more than one word from a side are rare and are kept whole, as sets, so that no order of arrival matters.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from runtime.payments.reconciliation.model import Expectation, GatewayRow

_HEAD: Final = struct.Struct("<qqq20sHH")  # gross, fee, tax, related, currency, kind
_EXPECTED_TAIL: Final = struct.Struct("<HB")  # day, flags
_ROW_TAIL: Final = struct.Struct("<qIHB")  # net, settlement, day, flags
HEAD: Final = _HEAD.size
EXPECTED: Final = HEAD + _EXPECTED_TAIL.size
ROW: Final = HEAD + _ROW_TAIL.size
PAIR: Final = EXPECTED + ROW
_SAME_MOVEMENT: Final = HEAD + 12
"""Head, net and settlement: two rows that agree in them are one movement of money."""
AGREED: Final = struct.Struct(f"<q36xHHHB{HEAD}xqIHB")
"""A pair whose heads are equal: gross, currency, kind; day, flags; net, settlement, day, flags."""
DAY_ZERO: Final = date(2000, 1, 1).toordinal()
_DAY_LAST: Final = DAY_ZERO + 0xFFFF
_RELATED_MAX: Final = 20
_NAMES_MAX: Final = 0xFFFF
UNKNOWN: Final = -1
IS_VOID: Final = 1
IS_SETTLED, IS_ON_HOLD, ADDS_UP = 1, 2, 4
_CREDITS_US: Final = frozenset({"payment"})
_DEBITS_US: Final = frozenset({"refund", "transfer"})


class Expected(NamedTuple):
    """An expectation, unpacked: ``fee`` and ``tax`` are -1 where unknown, ``day`` an ordinal or 0."""

    gross: int
    fee: int
    tax: int
    related: bytes
    currency: int
    kind: int
    day: int
    is_void: bool


class Row(NamedTuple):
    """A gateway row, unpacked: ``gross`` and ``net`` are signed, ``settlement`` is an index or 0."""

    gross: int
    fee: int
    tax: int
    related: bytes
    currency: int
    kind: int
    net: int
    settlement: int
    day: int
    is_settled: bool
    is_on_hold: bool
    adds_up: bool


@dataclass(slots=True)
class Said:
    """All that was said of one entity, where a side said more than one thing."""

    expected: set[bytes] = field(default_factory=set)
    rows: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class RowSum:
    """What the rows of one settlement come to: net paise, how many, under which UTRs, in which currencies."""

    net: int = 0
    count: int = 0
    utrs: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)


class Names:
    """Texts that repeat (currencies, kinds, settlements) as small numbers; 0 is ""."""

    def __init__(self, limit: int = _NAMES_MAX) -> None:
        self.texts = [""]
        self._numbers = {"": 0}
        self._limit = limit

    def number(self, text: str) -> int:
        """The number of ``text``. Raises ValueError when there are more names than a month can have."""
        number = self._numbers.get(text)
        if number is None:
            number = len(self.texts)
            if number > self._limit:
                raise ValueError("there are more different names than a reconciliation can have")
            self._numbers[text] = number
            self.texts.append(text)
        return number


Tally = dict[int, list[int]]
"""Count and paise by currency."""


def count_in(tally: Tally, currency: int, paise: int) -> None:
    """Count one more item of ``paise`` in ``currency``."""
    counted = tally.get(currency)
    if counted is None:
        tally[currency] = [1, paise]
    else:
        counted[0] += 1
        counted[1] += paise


class Pairs:
    """Every entity that an expectation or a row speaks of."""

    def __init__(self) -> None:
        self.cases: dict[str, bytes | Said] = {}
        self.currencies = Names()
        self.kinds = Names()
        self.settlements = Names(0xFFFF_FFFF)
        self.sums: dict[int, RowSum] = {}
        self.expected_in: Tally = {}
        self.expected_again: Tally = {}
        self.rows_in: Tally = {}
        self.rows_again: Tally = {}

    def expect(self, expectations: Iterable[Expectation]) -> None:
        """Take in what we expect."""
        cases = self.cases
        for expectation in expectations:
            packed, currency, gross = self._pack_expected(expectation)
            count_in(self.expected_in, currency, gross)
            entity_id = expectation.entity_id
            known = cases.get(entity_id)
            if known is None:
                cases[entity_id] = packed
            elif isinstance(known, bytes) and len(known) == ROW:
                cases[entity_id] = packed + known
            elif not self._say(entity_id, known, expected=packed):
                count_in(self.expected_again, currency, gross)

    def take(self, rows: Iterable[GatewayRow]) -> None:
        """Take in what the gateway says."""
        cases, pack, rows_in = self.cases, self._pack_row, self.rows_in
        for row in rows:
            packed, currency, net, settlement = pack(row)
            entity_id = row[0]
            try:
                counted = rows_in[currency]
                counted[0] += 1
                counted[1] += net
            except KeyError:
                rows_in[currency] = [1, net]
            known = cases.get(entity_id)
            is_new = True
            if known is None:
                cases[entity_id] = packed
            elif isinstance(known, bytes) and len(known) == EXPECTED:
                cases[entity_id] = known + packed
            else:
                is_new = not _has_movement(known, packed)
                if not self._say(entity_id, known, row=packed):
                    count_in(self.rows_again, currency, net)
            if settlement:
                self._add(settlement, row, net, is_new=is_new)

    def told_rows(self, entity_id: str) -> list[list[object]]:
        """Every row of an entity, so that it can be kept as plain values and recalled (``recall``)."""
        case = self.cases.get(entity_id)
        return [] if case is None else [self._plain(row) for row in rows_of(case)]

    def recall(self, entity_id: str, told: Iterable[Sequence[Any]]) -> None:
        """Take in rows that were kept. What their settlements come to is not counted again."""
        for gross, fee, tax, related, currency, kind, net, settlement, day, flags in told:
            number = self.currencies.number(currency)
            packed = _HEAD.pack(
                gross, fee, tax, bytes.fromhex(related), number, self.kinds.number(kind)
            ) + _ROW_TAIL.pack(net, self.settlements.number(settlement), _day(day), flags)
            count_in(self.rows_in, number, net)
            known = self.cases.get(entity_id)
            if known is None:
                self.cases[entity_id] = packed
            elif isinstance(known, bytes) and len(known) == EXPECTED:
                self.cases[entity_id] = known + packed
            elif not self._say(entity_id, known, row=packed):
                count_in(self.rows_again, number, net)

    def _plain(self, row: Row) -> list[object]:
        flags = row.is_settled * IS_SETTLED | row.is_on_hold * IS_ON_HOLD | row.adds_up * ADDS_UP
        return [
            *(row.gross, row.fee, row.tax, row.related.hex()),
            *(self.currencies.texts[row.currency], self.kinds.texts[row.kind]),
            *(row.net, self.settlements.texts[row.settlement], row.day, flags),
        ]

    def has_row(self, entity_id: str) -> bool:
        """Whether the gateway says something of an entity."""
        case = self.cases.get(entity_id)
        return case is not None and (bool(case.rows) if isinstance(case, Said) else len(case) != EXPECTED)

    def is_expected(self, entity_id: str) -> bool:
        """Whether our books say something of an entity."""
        case = self.cases.get(entity_id)
        return case is not None and (bool(case.expected) if isinstance(case, Said) else len(case) != ROW)

    def _say(self, entity_id: str, known: bytes | Said, *, expected: bytes = b"", row: bytes = b"") -> bool:
        """Add what was said of an entity that is known; False if it was said before."""
        said = known if isinstance(known, Said) else _unfold(known)
        if expected in said.expected or row in said.rows:
            return False
        if expected:
            said.expected.add(expected)
        if row:
            said.rows.add(row)
        self.cases[entity_id] = said
        return True

    def _add(self, settlement: int, row: GatewayRow, net: int, *, is_new: bool) -> None:
        total = self.sums.get(settlement)
        if total is None:
            total = self.sums[settlement] = RowSum()
        if is_new:
            total.net += net
            total.count += 1
        if row.utr and row.utr not in total.utrs:
            total.utrs.add(row.utr)
        if row.currency not in total.currencies:
            total.currencies.add(row.currency)

    def _pack_expected(self, expectation: Expectation) -> tuple[bytes, int, int]:
        _, kind, amount, currency, made_on, fee, tax, related, is_void = expectation
        gross = -amount if kind in _DEBITS_US else amount
        number = self.currencies.number(currency)
        head = _HEAD.pack(
            gross,
            UNKNOWN if fee is None else fee,
            UNKNOWN if tax is None else tax,
            _related(related),
            number,
            self.kinds.number(kind),
        )
        return head + _EXPECTED_TAIL.pack(_day(made_on.toordinal()), is_void), number, gross

    def _pack_row(self, row: GatewayRow) -> tuple[bytes, int, int, int]:
        _, kind, amount, debit, credit, fee, tax, currency, day, settled, on_hold, settlement, _, related = (
            row
        )
        net = credit - debit
        if kind in _CREDITS_US:
            gross, adds_up = amount, net == amount - fee
        elif kind in _DEBITS_US:
            gross = -amount
            adds_up = net == gross - fee or (kind == "refund" and net == gross)
        else:
            gross = amount if net >= 0 else -amount
            adds_up = net in (gross, gross - fee)
        flags = settled | (on_hold << 1) | ((adds_up and tax <= fee) << 2)
        number = self.currencies.number(currency)
        payout = self.settlements.number(settlement)
        packed = _HEAD.pack(
            gross, fee, tax, _related(related), number, self.kinds.number(kind)
        ) + _ROW_TAIL.pack(net, payout, _day(day), flags)
        return packed, number, net, payout


def expected_of(case: bytes | Said) -> list[Expected]:
    """What we expect of an entity: one thing, or things that contradict each other.

    A fee, a tax or a relation that was not known at first and is known later is one thing.
    """
    if isinstance(case, bytes):
        return [] if len(case) == ROW else [_expected(case)]
    every = sorted(map(_expected, case.expected), key=_latest_first)
    merged = _merged(every)
    if merged is not None:
        return [merged]
    return list({said._replace(day=0): said for said in every}.values())


def rows_of(case: bytes | Said) -> list[Row]:
    """What the gateway says of an entity: one thing, or things that contradict each other.

    A row that was shown before its settlement and is shown again with it is one thing.
    """
    if isinstance(case, bytes):
        return [] if len(case) == EXPECTED else [_row(case[-ROW:])]
    movements: dict[tuple[bytes, int], dict[int, Row]] = {}
    for packed in case.rows:
        row = _row(packed)
        by_settlement = movements.setdefault((packed[:HEAD], row.net), {})
        known = by_settlement.get(row.settlement)
        by_settlement[row.settlement] = row if known is None else max(known, row, key=_newness)
    result: list[Row] = []
    for by_settlement in movements.values():
        if len(by_settlement) > 1:
            by_settlement.pop(0, None)
        result += by_settlement.values()
    return sorted(result)


def all_said(case: Said) -> tuple[list[Expected], list[Row]]:
    """Everything that was said of an entity, merged or not."""
    return [_expected(packed) for packed in case.expected], [_row(packed) for packed in case.rows]


def _expected(packed: bytes) -> Expected:
    gross, fee, tax, related, currency, kind = _HEAD.unpack_from(packed)
    day, flags = _EXPECTED_TAIL.unpack_from(packed, HEAD)
    is_void = bool(flags & IS_VOID)
    return Expected(gross, fee, tax, related, currency, kind, day and day + DAY_ZERO, is_void)


def _row(packed: bytes) -> Row:
    gross, fee, tax, related, currency, kind = _HEAD.unpack_from(packed)
    net, settlement, day, flags = _ROW_TAIL.unpack_from(packed, HEAD)
    return Row(
        gross=gross,
        fee=fee,
        tax=tax,
        related=related,
        currency=currency,
        kind=kind,
        net=net,
        settlement=settlement,
        day=day and day + DAY_ZERO,
        is_settled=bool(flags & IS_SETTLED),
        is_on_hold=bool(flags & IS_ON_HOLD),
        adds_up=bool(flags & ADDS_UP),
    )


def _unfold(known: bytes) -> Said:
    said = Said()
    if len(known) != ROW:
        said.expected.add(known[:EXPECTED])
    if len(known) != EXPECTED:
        said.rows.add(known[-ROW:])
    return said


def _has_movement(known: bytes | Said, packed: bytes) -> bool:
    """Whether the money that a row moves was counted already, by another word of the same row."""
    if isinstance(known, bytes):
        return len(known) != EXPECTED and known[-ROW:][:_SAME_MOVEMENT] == packed[:_SAME_MOVEMENT]
    return any(row[:_SAME_MOVEMENT] == packed[:_SAME_MOVEMENT] for row in known.rows)


def _merged(every: list[Expected]) -> Expected | None:
    """The one thing that all of ``every`` say, if they can be one."""
    fees = {expected.fee for expected in every} - {UNKNOWN}
    taxes = {expected.tax for expected in every} - {UNKNOWN}
    related = {expected.related for expected in every} - {bytes(_RELATED_MAX)}
    if len({(said.gross, said.currency, said.kind) for said in every}) != 1:
        return None
    if max(len(fees), len(taxes), len(related)) > 1:
        return None
    return every[0]._replace(
        fee=next(iter(fees), UNKNOWN),
        tax=next(iter(taxes), UNKNOWN),
        related=next(iter(related), bytes(_RELATED_MAX)),
        day=min((said.day for said in every if said.day), default=0),
        is_void=any(said.is_void for said in every),
    )


def _latest_first(expected: Expected) -> int:
    """Of two expectations that differ in their day only, the earlier is kept."""
    return -(expected.day or _DAY_LAST)


def _newness(row: Row) -> tuple[bool, bool, Row]:
    return row.is_settled, not row.is_on_hold, row


def _related(text: str) -> bytes:
    """A related id as it is packed: itself, or a digest of a longer one."""
    plain = text.encode("utf-8", "surrogatepass")
    return plain if len(plain) <= _RELATED_MAX else blake2b(plain, digest_size=_RELATED_MAX).digest()


def _day(ordinal: int) -> int:
    """A day as it is packed: days since 2000, 0 for none or one before."""
    return ordinal - DAY_ZERO if DAY_ZERO <= ordinal <= _DAY_LAST else 0
