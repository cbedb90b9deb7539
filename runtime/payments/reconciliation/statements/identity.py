"""Who a bank line is, whichever file brings it: what makes an import that comes twice post once.

A line's identity is a digest over the account, the booking day, the amount, its reference and how many equal
lines of the file came before it. Its place in the file is no part of it, so statements that overlap, and the
same statement in another format, meet in the same lines. Two payments that agree in all of this within a day
stay two, as long as one file shows both. The pages of a statement (each opens with what the one before it
closed with) are counted through; statements of one file that do not follow each other are counted each by
itself, for they may overlap.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from runtime.payments.reconciliation.statements.model import (
    BalanceCheck,
    BankAccount,
    BrokenRow,
    FileFault,
    RowFault,
    Statement,
    StatementFile,
    StatementLine,
    StatementRefused,
)
from runtime.payments.reconciliation.statements.references import (
    NOTHING_SAID,
    masked_narration,
    reference_key,
    references_of,
    searched_text,
    sure_references,
)

_DIGEST_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A row that was read, before it has an identity. ``raw`` is the row as received."""

    line_no: int
    booked_on: date
    value_on: date | None
    amount_paise: int
    currency: str
    reference_fields: tuple[str, ...]
    narration: str
    raw: str


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """The rows between two balances; ``name`` is what the bank calls the statement, if it does.

    ``chain_holds`` is False when a running balance beside the rows contradicts them.
    """

    line_no: int
    name: str
    drafts: tuple[LineDraft, ...]
    broken: int = 0
    opening_paise: int | None = None
    closing_paise: int | None = None
    chain_holds: bool = True
    not_booked: int = 0


def digest(*parts: str) -> str:
    """32 hexadecimal digits that stand for ``parts``."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]


def assemble(
    data: bytes, account: BankAccount, statements: Iterable[StatementDraft], broken: Sequence[BrokenRow]
) -> StatementFile:
    """The file that the drafts make: every line with its identity, every statement with its check.

    A statement that stands twice in the file is taken once and listed. Raises StatementRefused for a file
    that holds no statement of the account.
    """
    file_digest = hashlib.sha256(data).hexdigest()[:_DIGEST_LENGTH]
    counted: dict[tuple[str, ...], int] = {}
    closed_at: int | None = None
    taken: dict[str, Statement] = {}
    listed = list(broken)
    for draft in statements:
        fingerprint = _fingerprint(draft)
        if fingerprint in taken:
            listed.append(
                BrokenRow(
                    draft.line_no, RowFault.STATEMENT_REPEATED, "the statement stands twice in the file"
                )
            )
            continue
        if closed_at is None or draft.opening_paise != closed_at:
            counted = {}
        closed_at = draft.closing_paise
        statement_id = digest(file_digest, account.account_id, fingerprint)
        lines = tuple(_line(account, statement_id, line, counted) for line in draft.drafts)
        taken[fingerprint] = _statement(account, statement_id, draft, lines)
    if not taken:
        raise StatementRefused(FileFault.EMPTY, "the file holds no statement of this account")
    return StatementFile(
        file_digest, tuple(taken.values()), tuple(sorted(listed, key=lambda row: row.line_no))
    )


def _line(
    account: BankAccount, statement_id: str, draft: LineDraft, counted: dict[tuple[str, ...], int]
) -> StatementLine:
    known_by = (
        account.account_id,
        draft.booked_on.isoformat(),
        str(draft.amount_paise),
        draft.currency,
        _known_reference(draft),
    )
    occurrence = counted[known_by] = counted.get(known_by, -1) + 1
    references = references_of(draft.reference_fields, draft.narration, draft.booked_on)
    return StatementLine(
        line_id=digest(*known_by, str(occurrence)),
        statement_id=statement_id,
        line_no=draft.line_no,
        booked_on=draft.booked_on,
        value_on=draft.value_on,
        amount_paise=draft.amount_paise,
        currency=draft.currency,
        references=references,
        narration=masked_narration(draft.narration, references),
        raw_digest=digest(draft.raw),
    )


def _known_reference(draft: LineDraft) -> str:
    """What tells the line from others of its day and amount: its sure references, else the bank's reference
    field, else its narration. Blanks, case and signs between the letters do not count."""
    sure = sure_references(searched_text(draft.reference_fields, draft.narration), draft.booked_on)
    if sure:
        return "+".join(sorted(sure))
    given = next((key for key in map(reference_key, draft.reference_fields) if key not in NOTHING_SAID), "")
    return given or "".join(filter(str.isalnum, draft.narration.casefold()))


def _fingerprint(draft: StatementDraft) -> str:
    return digest(
        draft.name, str(draft.opening_paise), str(draft.closing_paise), *(line.raw for line in draft.drafts)
    )


def _statement(
    account: BankAccount, statement_id: str, draft: StatementDraft, lines: tuple[StatementLine, ...]
) -> Statement:
    difference: int | None = None
    check = BalanceCheck.NOT_GIVEN
    if draft.opening_paise is not None and draft.closing_paise is not None:
        difference = draft.closing_paise - draft.opening_paise - sum(line.amount_paise for line in lines)
        check = BalanceCheck.AGREES if difference == 0 else BalanceCheck.DIFFERS
    if not draft.chain_holds:
        check = BalanceCheck.DIFFERS
    if draft.broken and check is not BalanceCheck.NOT_GIVEN:
        check = BalanceCheck.INCOMPLETE
    return Statement(
        statement_id=statement_id,
        account_id=account.account_id,
        currency=account.currency,
        lines=lines,
        balance=check,
        opening_paise=draft.opening_paise,
        closing_paise=draft.closing_paise,
        difference_paise=difference,
        not_booked=draft.not_booked,
    )
