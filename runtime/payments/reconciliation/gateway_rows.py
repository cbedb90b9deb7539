"""The gateway's reconciliation rows, read fast and strictly: from its API's objects or from a CSV.

One row is one tuple of plain values; no model is built for it, because a month has a million. What is wrong
with a row is said with its number and a stable code, and the other rows are read.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from runtime.payments.reconciliation.csv_records import records
from runtime.payments.reconciliation.model import GatewayRow
from runtime.payments.reconciliation.statements.amounts import paise_from_plain
from runtime.payments.reconciliation.statements.model import RowBroken
from runtime.platform.money import AMOUNT_MAX_PAISE

_ID_LENGTH_MAX: Final = 64
_UNIX_MAX: Final = 32_503_680_000
_SECONDS_A_DAY: Final = 86_400
_IST_OFFSET_S: Final = 19_800
_EPOCH_ORDINAL: Final = 719_163
"""``date(1970, 1, 1).toordinal()``."""
_FLAGS: Final[Mapping[object, bool]] = {
    **dict.fromkeys((None, False, "", "0", "false", "False", "NA"), False),
    **dict.fromkeys((True, "1", "true", "True"), True),
}
_KINDS: Final = frozenset({"payment", "refund", "transfer", "adjustment", "dispute"})
"""The types that Razorpay documents; others are taken too, for it adds some."""
RECON_FIELDS: Final = frozenset(
    {
        *("entity_id", "type", "amount", "debit", "credit", "fee", "tax", "currency", "created_at"),
        *("settled", "on_hold", "settlement_id", "settlement_utr", "order_id", "payment_id"),
        "dispute_id",
    }
)
"""All of a row that is read; the rest of what the gateway gives, personal data among it, is left there."""
_REVERSAL: Final = "rvrsl_"
"""How the identifiers of reversals begin. Their rows' type is not documented."""
_AMOUNTS: Final = ("amount", "debit", "credit", "fee", "tax")
_SIDES: Final = ("debit", "credit", "fee", "tax")
_NUMBERS: Final = (*_AMOUNTS, "created_at")


class RowCode(StrEnum):
    """Why a gateway row is not taken. The codes are stable."""

    NOT_AN_OBJECT = "gateway-row-not-an-object"
    ENTITY_ID = "gateway-row-entity-id-malformed"
    KIND = "gateway-row-type-malformed"
    AMOUNT = "gateway-row-amount-malformed"
    BOTH_SIDES = "gateway-row-debit-and-credit"
    CURRENCY = "gateway-row-currency-malformed"
    FLAG = "gateway-row-flag-malformed"
    MOMENT = "gateway-row-moment-malformed"
    REFERENCE = "gateway-row-reference-malformed"
    COLUMNS = "gateway-row-columns-missing"
    QUOTES = "gateway-row-quotes-wrong"


class GatewayRowBroken(ValueError):
    """A row that is not taken; the message repeats nothing of it."""

    def __init__(self, code: RowCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class BrokenGatewayRow:
    """A row that was not taken: its number or its line (from 1), the code, and what is wrong."""

    row_no: int
    code: RowCode
    reason: str


def read_rows(raws: Iterable[Mapping[str, Any]], broken: list[BrokenGatewayRow]) -> Iterator[GatewayRow]:
    """The rows of the gateway's API, one by one; what cannot be taken is added to ``broken``."""
    for row_no, raw in enumerate(raws, 1):
        try:
            yield row_from(raw)
        except GatewayRowBroken as fault:
            broken.append(BrokenGatewayRow(row_no, fault.code, str(fault)))


def read_rows_csv(
    lines: Iterable[str],
    broken: list[BrokenGatewayRow],
    *,
    unit: Literal["paise", "rupees"],
) -> Iterator[GatewayRow]:
    """The rows of a CSV whose header has the API's field names; a broken row is listed by its line.

    ``lines`` come without their line breaks. ``unit`` must be said: paise are whole numbers, rupees have a
    point and two digits, and neither is taken for the other. Raises GatewayRowBroken for a header without
    the fields that a row needs.
    """
    source = records(lines)
    header = [name.strip() for name in _cells(next(source, (0, ""))[1])]
    if not {"entity_id", "type", "currency", *_AMOUNTS} <= set(header):
        raise GatewayRowBroken(RowCode.COLUMNS, "the header lacks the fields of a reconciliation row")
    for line_no, record in source:
        if record == "":
            continue
        try:
            cells = _cells(record)
            if len(cells) != len(header):
                raise GatewayRowBroken(RowCode.COLUMNS, "the row has not as many cells as the header")
            raw: dict[str, Any] = dict(zip(header, cells, strict=True))
            for name in _NUMBERS:
                raw[name] = _number(raw.get(name, ""), in_rupees=unit == "rupees" and name in _AMOUNTS)
            yield row_from(raw)
        except GatewayRowBroken as fault:
            broken.append(BrokenGatewayRow(line_no, fault.code, str(fault)))


def _cells(record: str | None) -> list[str]:
    """The cells of a record. Raises GatewayRowBroken for wrong quotes."""
    if record is not None and '"' not in record:
        return record.split(",")
    try:
        if record is not None:
            return next(csv.reader([record], strict=True))
    except csv.Error:
        pass
    raise GatewayRowBroken(RowCode.QUOTES, "the quotes of the row are wrong")


def row_from(raw: Mapping[str, Any]) -> GatewayRow:
    """The row that an object of the API is. Raises GatewayRowBroken."""
    try:
        get = raw.get
    except AttributeError:
        raise GatewayRowBroken(RowCode.NOT_AN_OBJECT, "the row is no object") from None
    entity_id: Any = get("entity_id")
    if not _is_name(entity_id):
        raise GatewayRowBroken(RowCode.ENTITY_ID, "entity_id is no identifier")
    kind: Any = get("type")
    if not (type(kind) is str and kind in _KINDS) and not _is_name(kind):
        raise GatewayRowBroken(RowCode.KIND, "type is no word")
    amount: Any = get("amount")
    debit, credit, fee, tax = (0 if (told := get(name)) is None else told for name in _SIDES)
    for paise in (amount, debit, credit, fee, tax):
        if type(paise) is not int or not 0 <= paise <= AMOUNT_MAX_PAISE:
            raise GatewayRowBroken(RowCode.AMOUNT, "an amount is no whole number of paise within the limit")
    if debit and credit:
        raise GatewayRowBroken(RowCode.BOTH_SIDES, "the row is a debit and a credit")
    if kind == "adjustment" and debit and _is_name(dispute_id := get("dispute_id")):
        entity_id, kind = dispute_id, "dispute"  # the row's own identifier names nothing that we know
    elif kind != "payment" and entity_id.startswith(_REVERSAL):
        kind = "reversal"
    currency: Any = get("currency")
    if currency != "INR" and not _is_currency(currency):
        raise GatewayRowBroken(RowCode.CURRENCY, "currency is no code of three capitals")
    return GatewayRow(
        entity_id,
        kind,
        amount,
        debit,
        credit,
        fee,
        tax,
        currency,
        _day(get("created_at")),
        _flag(get("settled")),
        _flag(get("on_hold")),
        _reference(get("settlement_id")),
        _reference(get("settlement_utr")),
        _reference(get("order_id") if kind == "payment" else get("payment_id")),
    )


def _is_name(value: object) -> bool:
    """Letters, digits and underscores, as all identifiers and words of the gateway are."""
    return type(value) is str and len(value) <= _ID_LENGTH_MAX and value.isascii() and value.isidentifier()


def _is_currency(value: object) -> bool:
    return type(value) is str and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()


def _reference(value: object) -> str:
    if value is None:
        return ""
    if (
        type(value) is not str
        or len(value) > _ID_LENGTH_MAX
        or not value.isascii()
        or not value.isprintable()
    ):
        raise GatewayRowBroken(RowCode.REFERENCE, "a reference is no short text")
    return "" if value == "NA" else value


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    try:
        return _FLAGS[value]
    except (KeyError, TypeError):
        raise GatewayRowBroken(RowCode.FLAG, "a flag is neither true nor false") from None


def _day(moment: object) -> int:
    """The ordinal of the day in India on which unix second ``moment`` falls; 0 for none."""
    if moment is None:
        return 0
    if type(moment) is not int or not 0 < moment < _UNIX_MAX:
        raise GatewayRowBroken(RowCode.MOMENT, "created_at is no unix second")
    return (moment + _IST_OFFSET_S) // _SECONDS_A_DAY + _EPOCH_ORDINAL


def _number(text: str, *, in_rupees: bool) -> int | None:
    if text in ("", "NA"):
        return None
    if in_rupees:
        if text[-3:-2] == ".":
            with suppress(RowBroken):
                return paise_from_plain(text)
    elif text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise GatewayRowBroken(RowCode.AMOUNT, "a number is not written in the unit that was declared")
