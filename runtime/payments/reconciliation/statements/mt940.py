"""Bank statements as MT940 (SWIFT, customer statement message).

The grammar of the fields is the library ``mt-940``'s. The message around them is read here, field by field,
because the library gives up a whole file for one bad field, opens files that a text happens to name, and logs
what it cannot read. What it lets pass is held against the standard: an amount of 15 characters with one
comma, and a transaction type behind it.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from mt940.models import Transactions
from mt940.options import Options
from mt940.tags import TAG_BY_ID

from runtime.payments.reconciliation.statements.accounts import is_account
from runtime.payments.reconciliation.statements.dates import DateWindow, within_a_year
from runtime.payments.reconciliation.statements.encoding import decode, text_lines
from runtime.payments.reconciliation.statements.identity import LineDraft, StatementDraft, assemble
from runtime.payments.reconciliation.statements.model import (
    BROKEN_MAX,
    CELL_LENGTH_MAX,
    LINES_MAX,
    STATEMENTS_MAX,
    BankAccount,
    BrokenRow,
    FileFault,
    RowBroken,
    RowFault,
    StatementFile,
    StatementRefused,
)
from runtime.platform.money import AMOUNT_MAX_PAISE

logging.getLogger("mt940").setLevel(logging.CRITICAL)  # it logs the fields that it cannot read, as they are

_FIELD = re.compile(r":(?P<tag>[0-9]{2}[A-Z]?|NS):(?P<value>.*)")
_LINE_WIDTH: Final = 65
"""SWIFT breaks field 86 after 65 characters, in the middle of a word."""
_ENTRY_HEAD = re.compile(
    r"[0-9]{6}(?:[0-9]{4}| {4})?(?:R?[CDcd]|r[cd])[A-Za-z]?[\n ]?"  # days, mark, funds code
    r"(?P<amount>[0-9,]+)[A-Za-z][A-Za-z0-9 ]{3}"  # amount, type of transaction
)
_AMOUNT = re.compile(r"(?=.{1,15}$)[0-9]+(?:,[0-9]*)?")
_BALANCE_HEAD = re.compile(r"[CDcd][0-9]{6}[A-Z]{3}(?P<amount>[0-9,]+)\s*$")
_OPENING: Final = frozenset({"60F", "60M", "60"})
_CLOSING: Final = frozenset({"62F", "62M", "62"})
_OPTIONS: Final = Options.all()


def read_mt940(data: bytes, account: BankAccount, received_on: date) -> StatementFile:
    """The statements of ``account`` in an MT940 file; those of other accounts are listed, not taken.

    ``received_on`` is the day in India. Raises StatementRefused.
    """
    document = _Document(account, DateWindow(received_on))
    for message in _fields(decode(data)):
        document.take(message)
    document.close()
    if not document.messages_seen:
        raise StatementRefused(FileFault.FORMAT, "the file holds no field :20:, it is no MT940")
    if not document.statements:
        raise StatementRefused(FileFault.ACCOUNT, "the statements in the file are of another account")
    return assemble(data, account, document.statements, document.broken)


@dataclass(slots=True)
class _Field:
    """A field of a message: ``:tag:`` and its lines, and the line of the file where it begins."""

    line_no: int
    tag: str
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def _fields(text: str) -> Iterator[_Field]:
    """The fields of all messages in order; what stands between messages is left out."""
    current: _Field | None = None
    for line_no, raw in enumerate(text_lines(text), 1):
        line = raw.strip("\x01\x03\x1a").rstrip()
        match = _FIELD.match(line.rpartition("{4:")[2] if line.startswith("{") else line)
        if match is not None:
            if current is not None:
                yield current
            current = _Field(line_no, match["tag"], [match["value"]])
        elif current is not None and (line.strip() == "-" or line.startswith("-}")):
            yield current
            current = None
        elif current is not None and line:
            current.lines.append(line)
    if current is not None:
        yield current


@dataclass(slots=True)
class _Message:
    """A message that is being read: one statement, or a page of one."""

    line_no: int
    name: list[str] = field(default_factory=list)
    account: str = ""
    drafts: list[LineDraft] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)
    opening_paise: int | None = None
    closing_paise: int | None = None
    entry: _Field | None = None
    details: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Document:
    """What was read so far."""

    account: BankAccount
    window: DateWindow
    statements: list[StatementDraft] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)
    messages_seen: int = 0
    _entries: int = 0
    _now: _Message | None = None

    def take(self, said: _Field) -> None:
        """Read one field."""
        if said.tag == "20":
            self.close()
            self.messages_seen += 1
            if self.messages_seen > STATEMENTS_MAX:
                raise StatementRefused(
                    FileFault.TOO_MANY_LINES, f"a file has at most {STATEMENTS_MAX} statements", said.line_no
                )
            self._now = _Message(said.line_no, [said.text])
        now = self._now
        if now is None:
            return
        if said.tag == "86":
            now.details += said.lines
            return
        if said.tag == "NS":
            return
        self._close_entry(now)
        if said.tag == "25":
            now.account = said.text
        elif said.tag in ("28", "28C"):
            now.name.append(said.text)
        elif said.tag == "61":
            now.entry = said
        elif said.tag in _OPENING | _CLOSING:
            self._balance(now, said)

    def close(self) -> None:
        """End the message that is being read."""
        now, self._now = self._now, None
        if now is None:
            return
        self._close_entry(now)
        if not is_account(now.account, self.account):
            self.broken.append(
                BrokenRow(now.line_no, RowFault.STATEMENT_ACCOUNT, "the statement is of another account")
            )
            return
        self.broken += now.broken
        self.statements.append(
            StatementDraft(
                line_no=now.line_no,
                name="/".join(now.name),
                drafts=tuple(now.drafts),
                broken=len(now.broken),
                opening_paise=now.opening_paise,
                closing_paise=now.closing_paise,
            )
        )

    def _close_entry(self, now: _Message) -> None:
        entry, now.entry = now.entry, None
        details, now.details = now.details, []
        if entry is None:
            return
        self._entries += 1
        if self._entries > LINES_MAX:
            raise StatementRefused(
                FileFault.TOO_MANY_LINES, f"a statement has at most {LINES_MAX} lines", entry.line_no
            )
        try:
            now.drafts.append(self._line(entry, details))
        except RowBroken as broken:
            self._list(now, entry.line_no, broken)

    def _balance(self, now: _Message, said: _Field) -> None:
        try:
            paise = self._signed(said, _BALANCE_HEAD)
        except RowBroken as broken:
            self._list(now, said.line_no, RowBroken(RowFault.BALANCE_MALFORMED, str(broken)))
            return
        if said.tag in _OPENING:
            now.opening_paise = paise if now.opening_paise is None else now.opening_paise
        else:
            now.closing_paise = paise

    def _list(self, now: _Message, line_no: int, broken: RowBroken) -> None:
        now.broken.append(BrokenRow(line_no, broken.fault, str(broken)))
        if len(now.broken) > BROKEN_MAX:
            raise StatementRefused(
                FileFault.TOO_MANY_BROKEN, f"more than {BROKEN_MAX} lines are broken", line_no
            ) from None

    def _line(self, entry: _Field, details: list[str]) -> LineDraft:
        amount_paise = self._signed(entry, _ENTRY_HEAD)
        if amount_paise == 0:
            raise RowBroken(RowFault.AMOUNT_ZERO, "the amount is zero")
        said = _parsed(entry)
        value_on = date.fromordinal(said["date"].toordinal())
        month, day = said.get("entry_month") or "", said.get("entry_day") or ""
        booked_on = within_a_year(value_on, int(month), int(day)) if (month + day).strip() else value_on
        references = (said.get("bank_reference"), said.get("customer_reference"))
        narration = _joined(details) or " ".join((said.get("extra_details") or "").split())
        return LineDraft(
            line_no=entry.line_no,
            booked_on=self.window.booked(booked_on),
            value_on=self.window.value(value_on),
            amount_paise=amount_paise,
            currency=self.account.currency,
            reference_fields=tuple(text.strip() for text in references if text and text.strip()),
            narration=narration,
            raw="\n".join([entry.text, *details]),
        )

    def _signed(self, said: _Field, head: re.Pattern[str]) -> int:
        """The amount of a field in paise: positive for a credit and for a debit taken back."""
        match = head.match(said.text)
        if match is None:
            raise RowBroken(RowFault.FIELD_MALFORMED, f"field {said.tag} is not as MT940 writes it")
        if not _AMOUNT.fullmatch(match["amount"]):
            raise RowBroken(RowFault.AMOUNT_MALFORMED, "the amount is not digits with one comma")
        parsed = _parsed(said)
        balance = next((parsed[name] for name in parsed if name.endswith("_balance")), None)
        amount = parsed["amount"] if balance is None else balance.amount
        if amount.currency is not None and balance is not None and amount.currency != self.account.currency:
            raise RowBroken(RowFault.CURRENCY, "the balance is not in the currency of the account")
        return _paise(amount.amount)


def _parsed(said: _Field) -> dict[str, Any]:
    """What the library reads in a field. Raises RowBroken."""
    if len(said.text) > CELL_LENGTH_MAX or not said.text.isascii():
        raise RowBroken(RowFault.FIELD_MALFORMED, f"field {said.tag} is not as MT940 writes it")
    tag = TAG_BY_ID[said.tag if said.tag in TAG_BY_ID else int(said.tag[:2])]
    collection = Transactions(options=_OPTIONS)
    try:
        return dict(tag(collection, tag.parse(collection, said.text)))
    except (RuntimeError, ValueError, InvalidOperation):
        raise RowBroken(RowFault.FIELD_MALFORMED, f"field {said.tag} is not as MT940 writes it") from None


def _paise(amount: Decimal) -> int:
    """The exact paise of an amount in rupees. Raises RowBroken."""
    scaled = amount.scaleb(2)
    if scaled != scaled.to_integral_value():
        raise RowBroken(RowFault.AMOUNT_TOO_PRECISE, "the amount has a part of a paisa")
    if abs(scaled) > AMOUNT_MAX_PAISE:
        raise RowBroken(RowFault.AMOUNT_OUT_OF_RANGE, "the amount is beyond every limit")
    return int(scaled)


def _joined(lines: list[str]) -> str:
    """The lines of field 86 as one text; a full line runs on into the next."""
    text = ""
    for line in lines:
        text += line if len(line) >= _LINE_WIDTH else f"{line} "
    return " ".join(text.split())[:CELL_LENGTH_MAX]
