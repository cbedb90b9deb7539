"""Bank statements as CSV, by a declared profile; broken rows are listed, good ones are kept."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from runtime.payments.reconciliation.csv_records import records
from runtime.payments.reconciliation.statements.amounts import paise_from_text
from runtime.payments.reconciliation.statements.cells import plain_cell
from runtime.payments.reconciliation.statements.dates import DateWindow, date_by_formats
from runtime.payments.reconciliation.statements.encoding import decode, text_lines
from runtime.payments.reconciliation.statements.identity import LineDraft, StatementDraft, assemble
from runtime.payments.reconciliation.statements.model import (
    BROKEN_MAX,
    LINES_MAX,
    BankAccount,
    BrokenRow,
    FileFault,
    RowBroken,
    RowFault,
    StatementFile,
    StatementRefused,
)
from runtime.payments.reconciliation.statements.profiles import CsvProfile, header_key

_DELIMITERS: Final = (",", ";", "\t", "|")
_PREAMBLE_LINES_MAX: Final = 60
_COLUMNS_MAX: Final = 100
_RECORD_LENGTH_MAX: Final = 65_536


def read_csv(data: bytes, account: BankAccount, profile: CsvProfile, received_on: date) -> StatementFile:
    """The statement that a CSV file holds, read by ``profile``.

    ``received_on`` is the day in India. A balance column, where there is one, is held against every row.
    Raises StatementRefused for a file that is not what the profile says.
    """
    lines = text_lines(decode(data))
    header = _header(lines, profile)
    table = _Table(account, profile, DateWindow(received_on), header)
    for line_no, record in records(lines[header.line_no :], first_line_no=header.line_no + 1):
        if not table.take(line_no, record):
            break
    return assemble(data, account, [table.draft()], table.broken)


@dataclass(frozen=True, slots=True)
class _Header:
    """Where the table begins, and which column holds what."""

    line_no: int
    delimiter: str
    columns: Mapping[str, int]


@dataclass(slots=True)
class _Table:
    """The rows of the table, as they are read."""

    account: BankAccount
    profile: CsvProfile
    window: DateWindow
    header: _Header
    drafts: list[LineDraft] = field(default_factory=list)
    balances: list[int | None] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)

    def take(self, line_no: int, record: str | None) -> bool:
        """Read one record (None where its quotes never close); False once the table has ended."""
        try:
            if record is None:
                raise RowBroken(RowFault.QUOTES, "a quoted cell is never closed")
            cells = _cells(record, self.header.delimiter)
            said = [text for cell in cells if (text := cell.strip().casefold())]
            if said and said[0].startswith(self.profile.ends_with):
                return False
            if not said or self._moves_nothing(cells, said):
                return True
            draft, balance = self._row(line_no, record, cells)
        except RowBroken as broken:
            self.broken.append(BrokenRow(line_no, broken.fault, str(broken)))
            if len(self.broken) > BROKEN_MAX:
                raise StatementRefused(
                    FileFault.TOO_MANY_BROKEN, f"more than {BROKEN_MAX} rows are broken", line_no
                ) from None
            return True
        self.drafts.append(draft)
        self.balances.append(balance)
        if len(self.drafts) > LINES_MAX:
            raise StatementRefused(
                FileFault.TOO_MANY_LINES, f"a statement has at most {LINES_MAX} lines", line_no
            )
        return True

    def _moves_nothing(self, cells: list[str], said: list[str]) -> bool:
        """Whether a record is the header again, or tells a balance and no movement."""
        columns = self.header.columns
        date_at = columns["booked_on"]
        if date_at < len(cells) and header_key(cells[date_at]) == header_key(self.profile.columns.booked_on):
            return True
        amounts = [columns[name] for name in ("amount", "debit", "credit") if name in columns]
        return not any(cells[index].strip(" -") for index in amounts if index < len(cells)) and any(
            text.startswith(self.profile.balance_rows) for text in said
        )

    def _row(self, line_no: int, record: str, cells: list[str]) -> tuple[LineDraft, int | None]:
        columns = self.header.columns
        if len(cells) <= max(columns.values()):
            raise RowBroken(RowFault.COLUMNS, "the row has too few columns")
        named = {name: plain_cell(cells[index]) for name, index in columns.items()}
        formats = self.profile.date_formats
        booked_on = self.window.booked(date_by_formats(named["booked_on"], formats))
        value = named.get("value_on")
        currency = named.get("currency") or self.account.currency
        if currency.upper() != self.account.currency:
            raise RowBroken(RowFault.CURRENCY, "the row is not in the currency of the account")
        draft = LineDraft(
            line_no=line_no,
            booked_on=booked_on,
            value_on=self.window.value(date_by_formats(value, formats)) if value else None,
            amount_paise=self._amount(named),
            currency=self.account.currency,
            reference_fields=tuple(named[name] for name in named if name.startswith("references.")),
            narration=" ".join(named[name] for name in named if name.startswith("narration.")),
            raw=record,
        )
        return draft, self._balance(named)

    def _amount(self, named: Mapping[str, str]) -> int:
        """The signed amount of a row. Raises RowBroken."""
        mark = self.profile.decimal_mark
        if "amount" in named:
            amount = paise_from_text(named["amount"], mark)
            if "mark" in named:
                amount = _marked(amount, named["mark"])
        else:
            taken, given = (
                paise_from_text(text, mark) if (text := named[side]).strip(" -") else 0
                for side in ("debit", "credit")
            )
            if taken and given:
                raise RowBroken(RowFault.AMOUNT_SIGN, "the row is a debit and a credit")
            if not (named["debit"].strip(" -") or named["credit"].strip(" -")):
                raise RowBroken(RowFault.AMOUNT_MISSING, "there is no amount")
            if taken < 0 or given < 0:
                raise RowBroken(RowFault.AMOUNT_SIGN, "a debit or credit column holds a negative amount")
            amount = given - taken
        if amount == 0:
            raise RowBroken(RowFault.AMOUNT_ZERO, "the amount is zero")
        return amount

    def _balance(self, named: Mapping[str, str]) -> int | None:
        text = named.get("balance", "")
        if not text:
            return None
        try:
            return paise_from_text(text, self.profile.decimal_mark)
        except RowBroken:
            raise RowBroken(RowFault.BALANCE_MALFORMED, "the balance is not a number") from None

    def draft(self) -> StatementDraft:
        """The rows with the balances before the first and after the last of them, oldest first or last."""
        opening, closing, holds = _chain([line.amount_paise for line in self.drafts], self.balances)
        return StatementDraft(
            line_no=self.header.line_no,
            name="",
            drafts=tuple(self.drafts),
            broken=len(self.broken),
            opening_paise=opening,
            closing_paise=closing,
            chain_holds=holds,
        )


def _header(lines: list[str], profile: CsvProfile) -> _Header:
    """The header row: the first one that names all columns of the profile. Raises StatementRefused."""
    wanted = {name: header_key(header) for name, header in profile.columns.names().items()}
    optional = {name for name in wanted if name.partition(".")[0] in profile.columns.optional}
    for line_no, line in enumerate(lines[:_PREAMBLE_LINES_MAX], 1):
        for delimiter in (profile.delimiter,) if profile.delimiter else _DELIMITERS:
            try:
                keys = [header_key(cell) for cell in _cells(line, delimiter)]
            except RowBroken:
                continue
            found = {name: keys.index(key) for name, key in wanted.items() if key in keys}
            if found.keys() | optional >= wanted.keys():
                for index in found.values():
                    if keys.count(keys[index]) > 1:
                        raise StatementRefused(
                            FileFault.COLUMN_TWICE,
                            f"line {line_no} names column {index + 1} again: which counts?",
                        )
                return _Header(line_no, delimiter, found)
    raise StatementRefused(
        FileFault.HEADER,
        f"none of the first {_PREAMBLE_LINES_MAX} lines names the columns of profile {profile.name}",
    )


def _cells(record: str, delimiter: str) -> list[str]:
    if len(record) > _RECORD_LENGTH_MAX:
        raise RowBroken(RowFault.CELL_TOO_LONG, f"a row has at most {_RECORD_LENGTH_MAX} characters")
    try:
        cells = next(csv.reader([record], delimiter=delimiter, strict=True), [])
    except csv.Error:
        raise RowBroken(RowFault.QUOTES, "the quotes of the row are wrong") from None
    if len(cells) > _COLUMNS_MAX:
        raise RowBroken(RowFault.COLUMNS, f"a row has at most {_COLUMNS_MAX} columns")
    return cells


def _marked(amount_paise: int, mark: str) -> int:
    """The amount with the sign that a Dr / Cr column gives it. Raises RowBroken."""
    sign = {"CR": 1, "C": 1, "CREDIT": 1, "DR": -1, "D": -1, "DEBIT": -1}.get(mark.strip(" .").upper())
    if sign is None:
        raise RowBroken(RowFault.AMOUNT_SIGN, "the row does not say whether it is a debit or a credit")
    if amount_paise < 0:
        raise RowBroken(RowFault.AMOUNT_SIGN, "the amount says its sign twice")
    return sign * amount_paise


def _chain(amounts: list[int], balances: list[int | None]) -> tuple[int | None, int | None, bool]:
    """Opening and closing balance from a running balance, and whether every row agrees with it.

    Statements run from old to new or from new to old; the direction in which the rows agree is taken.
    """
    known = [balance for balance in balances if balance is not None]
    if not amounts or len(known) != len(amounts):
        return None, None, True
    oldest_first = all(known[index] == known[index - 1] + amounts[index] for index in range(1, len(amounts)))
    newest_first = all(
        known[index - 1] == known[index] + amounts[index - 1] for index in range(1, len(amounts))
    )
    if newest_first and not oldest_first:
        return known[-1] - amounts[-1], known[0], True
    return known[0] - amounts[0], known[-1], oldest_first
