"""Bank statements as CAMT.053 (ISO 20022, BankToCustomerStatement, versions 2 to 13).

The entry, not the transaction within it, is what moves the balance, so an entry is a line: a batch entry
brings the references of all its transactions. The direction is the entry's own ``CdtDbtInd``; ``RvslInd``
only says that something was taken back, the direction is already turned (ISO 20022, message definition).
Parsers that exist on PyPI were weighed and left: ``camt053`` installs a server and 68 MB, the others build
the whole document in memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from runtime.payments.reconciliation.statements.accounts import is_account
from runtime.payments.reconciliation.statements.amounts import paise_from_plain
from runtime.payments.reconciliation.statements.camt_xml import Branch, XmlReader
from runtime.payments.reconciliation.statements.dates import DateWindow, date_from_iso
from runtime.payments.reconciliation.statements.encoding import check_upload
from runtime.payments.reconciliation.statements.identity import LineDraft, StatementDraft, assemble
from runtime.payments.reconciliation.statements.model import (
    BROKEN_MAX,
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

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-3])")
_ROOT: Final = "Document"
_STATEMENT: Final = "Document/BkToCstmrStmt/Stmt"
_BALANCE: Final = f"{_STATEMENT}/Bal"
_ENTRY: Final = f"{_STATEMENT}/Ntry"
_HEADER_LEAVES: Final = ("Id", "ElctrncSeqNb", "LglSeqNb", "Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Ccy")
_BALANCE_LEAVES: Final = ("Tp/CdOrPrtry/Cd", "Amt", "Amt@Ccy", "CdtDbtInd")
_DETAILS: Final = "NtryDtls/TxDtls"
_REFERENCE_LEAVES: Final = (
    f"{_DETAILS}/Refs/ClrSysRef",
    f"{_DETAILS}/Refs/TxId",
    f"{_DETAILS}/Refs/EndToEndId",
    f"{_DETAILS}/Refs/InstrId",
    f"{_DETAILS}/Refs/UETR",
    f"{_DETAILS}/Refs/AcctSvcrRef",
    f"{_DETAILS}/Refs/ChqNb",
    f"{_DETAILS}/RmtInf/Strd/CdtrRefInf/Ref",
    "AcctSvcrRef",
    "NtryRef",
)
_NARRATION_LEAVES: Final = ("AddtlNtryInf", f"{_DETAILS}/RmtInf/Ustrd", f"{_DETAILS}/AddtlTxInf")
_ENTRY_LEAVES: Final = (
    *("Amt", "Amt@Ccy", "CdtDbtInd", "Sts", "Sts/Cd"),
    *("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm"),
)
_LEAVES: Final = frozenset(
    {*_HEADER_LEAVES, *_BALANCE_LEAVES, *_ENTRY_LEAVES, *_REFERENCE_LEAVES, *_NARRATION_LEAVES}
)
_SIGNS: Final = {"CRDT": 1, "DBIT": -1}


def read_camt053(data: bytes, account: BankAccount, received_on: date) -> StatementFile:
    """The statements of ``account`` in a CAMT.053 document; those of other accounts are listed, not taken.

    ``received_on`` is the day in India. Raises StatementRefused.
    """
    check_upload(data)
    document = _Document(account, DateWindow(received_on))
    reader = XmlReader(
        branches=frozenset({_STATEMENT, _BALANCE, _ENTRY}),
        leaves=_LEAVES,
        begin=document.begin,
        end=document.end,
    )
    reader.read(data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n"))
    if document.statements_seen and not document.statements:
        raise StatementRefused(FileFault.ACCOUNT, "the statements in the file are of another account")
    return assemble(data, account, document.statements, document.broken)


@dataclass(slots=True)
class _Open:
    """A statement that is being read."""

    drafts: list[LineDraft] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)
    balances: list[tuple[str, int]] = field(default_factory=list)
    not_booked: int = 0


@dataclass(slots=True)
class _Document:
    """What was read so far."""

    account: BankAccount
    window: DateWindow
    statements: list[StatementDraft] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)
    statements_seen: int = 0
    _entries: int = 0
    _now: _Open = field(default_factory=_Open)

    def begin(self, path: str, namespace: str, line_no: int) -> None:
        if "/" not in path and (path != _ROOT or not namespace.startswith("urn:iso:std:iso:20022:")):
            raise StatementRefused(FileFault.FORMAT, "the XML is no ISO 20022 document", line_no)
        if path == _ROOT and not _NAMESPACE.fullmatch(namespace):
            raise StatementRefused(
                FileFault.VERSION, "the document is not camt.053.001.02 to camt.053.001.13", line_no
            )
        if path == _STATEMENT:
            self._now = _Open()
            self.statements_seen += 1
            if self.statements_seen > STATEMENTS_MAX:
                raise StatementRefused(
                    FileFault.TOO_MANY_LINES, f"a file has at most {STATEMENTS_MAX} statements", line_no
                )

    def end(self, path: str, branch: Branch) -> None:
        try:
            if path == _ENTRY:
                self._entry(branch)
            elif path == _BALANCE:
                self._balance(branch)
            else:
                self._statement(branch)
        except RowBroken as broken:
            self._now.broken.append(BrokenRow(branch.line_no, broken.fault, str(broken)))
            if len(self._now.broken) > BROKEN_MAX:
                raise StatementRefused(
                    FileFault.TOO_MANY_BROKEN, f"more than {BROKEN_MAX} entries are broken", branch.line_no
                ) from None

    def _entry(self, branch: Branch) -> None:
        self._entries += 1
        if self._entries > LINES_MAX:
            raise StatementRefused(
                FileFault.TOO_MANY_LINES, f"a statement has at most {LINES_MAX} lines", branch.line_no
            )
        status = branch.first("Sts/Cd", "Sts") or "BOOK"
        if status != "BOOK":
            self._now.not_booked += 1
            return
        amount_paise = self._signed(branch)
        if amount_paise == 0:
            raise RowBroken(RowFault.AMOUNT_ZERO, "the amount is zero")
        value = branch.first("ValDt/Dt", "ValDt/DtTm")
        booked = branch.first("BookgDt/Dt", "BookgDt/DtTm") or value
        self._now.drafts.append(
            LineDraft(
                line_no=branch.line_no,
                booked_on=self.window.booked(date_from_iso(booked)),
                value_on=self.window.value(date_from_iso(value)) if value else None,
                amount_paise=amount_paise,
                currency=self.account.currency,
                reference_fields=tuple(dict.fromkeys(branch.every(*_REFERENCE_LEAVES))),
                narration=" ".join(branch.every(*_NARRATION_LEAVES)),
                raw="\x1e".join(f"{path}={text}" for path, text in _texts(branch)),
            )
        )

    def _balance(self, branch: Branch) -> None:
        code = branch.first("Tp/CdOrPrtry/Cd")
        if code in ("OPBD", "PRCD", "ITBD", "CLBD"):
            self._now.balances.append((code, self._signed(branch)))

    def _signed(self, branch: Branch) -> int:
        """The amount of an entry or a balance with its direction. Raises RowBroken."""
        sign = _SIGNS.get(branch.first("CdtDbtInd"))
        if sign is None:
            raise RowBroken(RowFault.AMOUNT_SIGN, "the entry is neither a credit nor a debit")
        if branch.first("Amt@Ccy") != self.account.currency:
            raise RowBroken(RowFault.CURRENCY, "the entry is not in the currency of the account")
        return sign * paise_from_plain(branch.first("Amt"))

    def _statement(self, branch: Branch) -> None:
        currency = branch.first("Acct/Ccy")
        number = branch.first("Acct/Id/IBAN", "Acct/Id/Othr/Id")
        if not is_account(number, self.account) or currency not in ("", self.account.currency):
            self.broken.append(
                BrokenRow(branch.line_no, RowFault.STATEMENT_ACCOUNT, "the statement is of another account")
            )
            return
        opening, closing = _opening_and_closing(self._now.balances)
        self.broken += self._now.broken
        self.statements.append(
            StatementDraft(
                line_no=branch.line_no,
                name="/".join(branch.every("Id", "ElctrncSeqNb", "LglSeqNb")),
                drafts=tuple(self._now.drafts),
                broken=len(self._now.broken),
                opening_paise=opening,
                closing_paise=closing,
                not_booked=self._now.not_booked,
            )
        )


def _texts(branch: Branch) -> Iterator[tuple[str, str]]:
    return ((path, text) for path in sorted(branch.leaves) for text in branch.leaves[path])


def _opening_and_closing(balances: list[tuple[str, int]]) -> tuple[int | None, int | None]:
    """The balances before the first and after the last entry: ``OPBD`` (or the previous day's closing,
    ``PRCD``) and ``CLBD``; on a page of a statement, its interim balances ``ITBD``."""
    final = dict(reversed(balances))
    interim = [amount for code, amount in balances if code == "ITBD"]
    opening = final.get("OPBD", final.get("PRCD"))
    if opening is None and interim:
        opening = interim.pop(0)
    closing = final.get("CLBD")
    if closing is None and interim:
        closing = interim[-1]
    return opening, closing
