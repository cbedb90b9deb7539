"""A bank statement is taken: read, and every line of it kept once. The one way in, whatever its size.

A line is known by what the bank says of it, a file by its content. A file of which every row was kept is not
written again; any other is, and only what is new in it is kept.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final

from runtime.payments.reconciliation.contracts import (
    BROKEN_SHOWN_MAX,
    STATEMENTS_SHOWN_MAX,
    BrokenRowView,
    StatementPartView,
    StatementView,
)
from runtime.payments.reconciliation.repository import BankLines, KeptLine, TakenFiles
from runtime.payments.reconciliation.statements.model import BalanceCheck, BankAccount, StatementFile
from runtime.payments.reconciliation.statements.profiles import profile_for
from runtime.payments.reconciliation.statements.reader import Format, read_statement
from runtime.platform.dynamodb import Transaction

_AT_ONCE: Final = 8
"""DynamoDB writes a thousand lines of one day in a second; eight at a time keep it busy and no more."""
_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent: ``data`` of ``account`` (our own name), received on a day in India."""

    data: bytes
    account: str
    profile: str | None
    received_on: date
    file_format: Format | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A file that can be taken: its statements, or what was told of it when every row of it was kept.

    ``key`` is what makes it the same file: its content, and how it is read.
    """

    account: str
    key: str
    statements: StatementFile | StatementView


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file, and what has to be written with the end of its taking."""

    view: StatementView
    mark_in: Callable[[Transaction], None]


@dataclass(frozen=True, slots=True)
class StatementTaker:
    """Takes statements into ``lines``."""

    lines: BankLines
    files: TakenFiles

    def read(self, sent: Sent) -> Read:
        """Read a file; nothing is kept yet. Raises StatementRefused for one of which nothing can be taken."""
        read_as = f"{sent.profile or ''}/{sent.file_format or ''}/"
        key = hashlib.sha256(read_as.encode() + sent.data).hexdigest()
        told = self.files.get(sent.account, key)
        if told is not None:
            return Read(sent.account, key, StatementView.model_validate(told))
        profile = profile_for(sent.profile, sent.received_on) if sent.profile else None
        found = read_statement(
            sent.data,
            BankAccount(sent.account),
            received_on=sent.received_on,
            file_format=sent.file_format,
            profile=profile,
        )
        return Read(sent.account, key, found)

    def keep(self, read: Read, *, taken_by: str) -> Taken:
        """Keep what is new of a file. May be repeated: what is there is not kept again, and what the same
        taking (``taken_by``) kept before it died is counted as its own."""
        if isinstance(read.statements, StatementView):
            before = read.statements
            again = before.model_copy(update={"kept": 0, "known": before.kept + before.known})
            return Taken(again, lambda _: None)
        kept, posted = self._keep(
            KeptLine(read.account, line, taken_by=taken_by) for line in read.statements.lines_to_post()
        )
        view = _view(read.account, read.statements, kept, posted)
        return Taken(view, lambda transaction: self._mark_in(transaction, read, view))

    def _keep(self, lines: Iterator[KeptLine]) -> tuple[int, int]:
        """How many of ``lines`` were kept, and how many there are; a few are written at a time."""
        kept = posted = 0
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            while chunk := list(islice(lines, _CHUNK)):
                kept += sum(threads.map(self.lines.keep, chunk))
                posted += len(chunk)
        return kept, posted

    def _mark_in(self, transaction: Transaction, read: Read, view: StatementView) -> None:
        if not view.broken and not view.held_back:
            self.files.mark_in(transaction, read.account, read.key, view.model_dump(mode="json"))


def _view(account: str, read: StatementFile, kept: int, posted: int) -> StatementView:
    lines = {line.line_id for statement in read.statements for line in statement.lines}
    shown = sorted(read.statements, key=lambda statement: statement.balance is not BalanceCheck.DIFFERS)
    return StatementView(
        file_digest=read.file_digest,
        account=account,
        kept=kept,
        known=posted - kept,
        held_back=len(lines) - posted,
        statements=[
            StatementPartView(
                statement_id=statement.statement_id,
                lines=len(statement.lines),
                balance=statement.balance.value,
                difference_paise=statement.difference_paise,
            )
            for statement in shown[:STATEMENTS_SHOWN_MAX]
        ],
        broken=len(read.broken),
        broken_rows=[
            BrokenRowView(row_no=row.line_no, code=row.fault.value, reason=row.reason)
            for row in read.broken[:BROKEN_SHOWN_MAX]
        ],
    )
