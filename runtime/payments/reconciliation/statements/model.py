"""A bank statement as it is kept: its lines, its balances, and what could not be read of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from runtime.payments.model import Frozen
from runtime.platform.money import AMOUNT_MAX_PAISE

FILE_BYTES_MAX: Final = 20 * 1024 * 1024
FILE_LINES_MAX: Final = 1_000_000
LINE_LENGTH_MAX: Final = 1_048_576
"""In characters. No bank writes such a line of text; XML has no lines and other limits."""
LINES_MAX: Final = 200_000
STATEMENTS_MAX: Final = 2_000
BROKEN_MAX: Final = 1_000
"""A file with more broken rows is not what it was said to be; it is refused as a whole."""
CELL_LENGTH_MAX: Final = 4_096
NARRATION_LENGTH_MAX: Final = 240
SEARCHED_LENGTH_MAX: Final = 1_024
"""So much of a narration, and of the reference fields, is searched for references; banks write less."""
REFERENCES_MAX: Final = 40


class FileFault(StrEnum):
    """Why a whole file is refused. The codes are stable."""

    EMPTY = "statement-empty"
    TOO_LARGE = "statement-too-large"
    NOT_TEXT = "statement-not-text"
    NUL = "statement-has-nul"
    ENCODING = "statement-encoding-unknown"
    FORMAT = "statement-format-unknown"
    VERSION = "statement-version-unknown"
    HEADER = "statement-header-not-found"
    COLUMN_TWICE = "statement-column-twice"
    PROFILE = "statement-profile-unknown"
    XML_MALFORMED = "statement-xml-malformed"
    XML_DOCTYPE = "statement-xml-doctype"
    XML_LIMIT = "statement-xml-limit"
    TOO_MANY_LINES = "statement-too-many-lines"
    TOO_MANY_BROKEN = "statement-too-many-broken-rows"
    ACCOUNT = "statement-account-differs"
    SIZE = "statement-size-differs"
    DIGEST = "statement-digest-differs"
    LINE_TOO_LONG = "statement-line-too-long"


class RowFault(StrEnum):
    """Why one row is not posted while the others are. The codes are stable."""

    COLUMNS = "row-columns-missing"
    QUOTES = "row-quote-unclosed"
    CELL_TOO_LONG = "row-cell-too-long"
    FORMULA = "row-formula"
    CONTROL_CHARACTER = "row-control-character"
    DATE_MALFORMED = "row-date-malformed"
    DATE_OUT_OF_RANGE = "row-date-out-of-range"
    AMOUNT_MISSING = "row-amount-missing"
    AMOUNT_MALFORMED = "row-amount-malformed"
    AMOUNT_TOO_PRECISE = "row-amount-too-precise"
    AMOUNT_OUT_OF_RANGE = "row-amount-out-of-range"
    AMOUNT_ZERO = "row-amount-zero"
    AMOUNT_SIGN = "row-amount-sign-contradicts"
    CURRENCY = "row-currency-differs"
    FIELD_MALFORMED = "row-field-malformed"
    BALANCE_MALFORMED = "row-balance-malformed"
    STATEMENT_REPEATED = "statement-repeated"
    STATEMENT_ACCOUNT = "statement-of-another-account"


class StatementRefused(ValueError):
    """A file of which nothing is taken: ``fault`` is the code, ``line_no`` (from 1, or 0) where it shows.

    The message repeats nothing of the file.
    """

    def __init__(self, fault: FileFault, message: str, line_no: int = 0) -> None:
        super().__init__(f"{fault.value}: {message}")
        self.fault = fault
        self.message = message
        self.line_no = line_no


class RowBroken(ValueError):
    """A row that cannot be taken: ``fault`` is the code; the message repeats nothing of the row."""

    def __init__(self, fault: RowFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that was not taken: the line of the file (from 1), the code, and what is wrong with it."""

    line_no: int
    fault: RowFault
    reason: str


@dataclass(frozen=True, slots=True)
class BankAccount:
    """The account that a statement must be of.

    ``account_id`` is our own name for it (no account number) and ``number`` the bank's, against which the
    file's is held; banks mask all but the last digits. ``number`` may be "" where it is not known.
    """

    account_id: str
    currency: str = "INR"
    number: str = ""


class StatementLine(Frozen):
    """One movement on our bank account.

    ``amount_paise`` is positive for a credit and negative for a debit, never 0. ``line_id`` is the same
    whichever file brings the movement, so that it is posted once. ``references`` are the UTRs and other
    references that the line may stand for, upper case, the surest first. ``narration`` is masked.
    ``raw_digest`` names the row as it was received.
    """

    line_id: str
    statement_id: str
    line_no: int
    booked_on: date
    value_on: date | None = None
    amount_paise: Annotated[int, Field(strict=True, ge=-AMOUNT_MAX_PAISE, le=AMOUNT_MAX_PAISE)]
    currency: str
    references: tuple[str, ...] = ()
    narration: str = ""
    raw_digest: str


class BalanceCheck(StrEnum):
    """What the opening and closing balance say of the lines between them."""

    AGREES = "agrees"
    NOT_GIVEN = "not_given"
    INCOMPLETE = "incomplete"
    """Rows are missing from the sum because they are broken; they are listed."""
    DIFFERS = "differs"
    """Every row was read and the balances say something else: rows are missing or were altered."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines between two balances, in paise, and whether they add up.

    ``difference_paise`` is closing less opening less the lines; None where a balance is not given.
    ``not_booked`` counts entries that the bank itself calls pending or informative.
    """

    statement_id: str
    account_id: str
    currency: str
    lines: tuple[StatementLine, ...]
    balance: BalanceCheck
    opening_paise: int | None = None
    closing_paise: int | None = None
    difference_paise: int | None = None
    not_booked: int = 0


@dataclass(frozen=True, slots=True)
class StatementFile:
    """What a file held: its statements, and its broken rows by line."""

    file_digest: str
    statements: tuple[Statement, ...]
    broken: tuple[BrokenRow, ...] = ()

    def lines_to_post(self) -> Iterator[StatementLine]:
        """The lines of every statement whose balances do not contradict them, each once; the others wait for
        a person."""
        seen: set[str] = set()
        for statement in self.statements:
            if statement.balance is not BalanceCheck.DIFFERS:
                for line in statement.lines:
                    if line.line_id not in seen:
                        seen.add(line.line_id)
                        yield line
