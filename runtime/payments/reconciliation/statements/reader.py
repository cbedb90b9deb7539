"""A bank statement in whichever format it comes."""

import re
from datetime import date
from typing import Final, Literal

from runtime.payments.reconciliation.statements.camt053 import read_camt053
from runtime.payments.reconciliation.statements.csv_statement import read_csv
from runtime.payments.reconciliation.statements.encoding import check_upload
from runtime.payments.reconciliation.statements.model import (
    BankAccount,
    FileFault,
    StatementFile,
    StatementRefused,
)
from runtime.payments.reconciliation.statements.mt940 import read_mt940
from runtime.payments.reconciliation.statements.profiles import CsvProfile

Format = Literal["csv", "camt.053", "mt940"]

_HEAD: Final = 4_096
_MT940_HEAD = re.compile(rb"(?m)^(?:\{4:\s*)?:20:")


def format_of(data: bytes) -> Format:
    """The format that the beginning of a file shows."""
    head = data[:_HEAD].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if head.startswith(b"<"):
        return "camt.053"
    return "mt940" if _MT940_HEAD.search(head.replace(b"\r", b"\n")) else "csv"


def read_statement(
    data: bytes,
    account: BankAccount,
    *,
    received_on: date,
    file_format: Format | None = None,
    profile: CsvProfile | None = None,
) -> StatementFile:
    """The statements of ``account`` that ``data`` holds; ``received_on`` is the day in India.

    ``file_format`` is found from the content where it is not given. A CSV needs a ``profile``. Raises
    StatementRefused for a file of which nothing can be taken.
    """
    check_upload(data)
    file_format = file_format or format_of(data)
    if file_format == "camt.053":
        return read_camt053(data, account, received_on)
    if file_format == "mt940":
        return read_mt940(data, account, received_on)
    if profile is None:
        raise StatementRefused(FileFault.PROFILE, "a CSV statement needs the profile of its bank")
    return read_csv(data, account, profile, received_on)
