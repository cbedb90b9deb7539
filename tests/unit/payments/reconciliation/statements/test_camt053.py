"""CAMT.053 in its versions, and what a hostile document comes to."""

import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.statements.camt053 import read_camt053
from runtime.payments.reconciliation.statements.model import (
    BalanceCheck,
    BankAccount,
    FileFault,
    RowFault,
    StatementFile,
    StatementRefused,
)
from tests.unit.payments.reconciliation.statements.samples import (
    ACCOUNT,
    RECEIVED_ON,
    camt,
    camt_balance,
    camt_entry,
    camt_statement,
)

OPENING, CLOSING = camt_balance("OPBD", "1000.00"), camt_balance("CLBD", "1100.00")
CREDIT = camt_entry("150.00", narration="NEFT CR RAZORPAY AXISCN1153863727", reference="7")
DEBIT = camt_entry("50.00", "DBIT", day="2026-04-02", end_to_end="RENT-2026-04")
STATEMENT = camt_statement(OPENING, CREDIT, DEBIT, CLOSING)


def read(data: bytes, account: BankAccount = ACCOUNT) -> StatementFile:
    return read_camt053(data, account, RECEIVED_ON)


def refused(data: bytes) -> FileFault:
    with pytest.raises(StatementRefused) as caught:
        read(data)
    return caught.value.fault


@pytest.mark.parametrize("version", ["02", "04", "06", "08", "13"])
def test_every_version_gives_the_same_lines(version: str) -> None:
    statement = STATEMENT
    if version >= "08":
        statement = statement.replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>")
    (read_statement,) = read(camt(statement, version=version)).statements
    assert [line.amount_paise for line in read_statement.lines] == [15_000, -5_000]
    assert [line.booked_on.day for line in read_statement.lines] == [1, 2]
    assert read_statement.lines[0].references == ("AXISCN1153863727",)
    assert "RENT202604" in read_statement.lines[1].references
    assert (read_statement.balance, read_statement.opening_paise) == (BalanceCheck.AGREES, 100_000)


def test_a_prefix_is_a_matter_of_taste() -> None:
    text = camt(STATEMENT).decode()
    prefixed = text.replace("<", "<n:").replace("<n:/", "</n:").replace("<n:?", "<?")
    prefixed = prefixed.replace("xmlns=", "xmlns:n=")
    assert [line.line_id for line in read(prefixed.encode()).statements[0].lines] == [
        line.line_id for line in read(camt(STATEMENT)).statements[0].lines
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_the_declared_encoding_counts(encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = camt(STATEMENT).decode().replace('encoding="UTF-8"', f'encoding="{declared}"')
    assert len(read(text.encode(encoding)).statements[0].lines) == 2


def test_a_batch_entry_is_one_line_with_the_references_of_all_its_transactions() -> None:
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>AXISCN115386372{serial}</EndToEndId></Refs></TxDtls>"
        for serial in range(3)
    )
    entry = camt_entry("300.00").replace("</NtryDtls>", f"{details}</NtryDtls>")
    (line,) = read(camt(camt_statement(entry))).statements[0].lines
    assert line.amount_paise == 30_000
    assert set(line.references) == {f"AXISCN115386372{serial}" for serial in range(3)}


def test_what_is_pending_is_counted_and_not_booked() -> None:
    pending = camt_entry("9.00", status="PDNG")
    (statement,) = read(camt(camt_statement(OPENING, CREDIT, DEBIT, pending, CLOSING))).statements
    assert (len(statement.lines), statement.not_booked, statement.balance) == (2, 1, BalanceCheck.AGREES)


def test_a_reversal_is_already_turned() -> None:
    reversed_credit = camt_entry("5.00", "DBIT").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    assert read(camt(camt_statement(reversed_credit))).statements[0].lines[0].amount_paise == -500


def test_balances_that_do_not_add_up_hold_the_statement_back() -> None:
    file = read(camt(camt_statement(OPENING, CREDIT, CLOSING)))
    assert (file.statements[0].balance, file.statements[0].difference_paise) == (BalanceCheck.DIFFERS, -5_000)
    assert list(file.lines_to_post()) == []


@pytest.mark.parametrize(
    ("balances", "expected"),
    [
        ([("PRCD", "10.00"), ("CLBD", "11.00")], BalanceCheck.AGREES),
        ([("ITBD", "10.00"), ("ITBD", "11.00")], BalanceCheck.AGREES),
        ([("ITBD", "10.00"), ("CLBD", "11.00")], BalanceCheck.AGREES),
        ([("OPBD", "10.00"), ("ITBD", "11.00")], BalanceCheck.AGREES),
        ([("OPBD", "10.00"), ("CLAV", "99.00"), ("CLBD", "11.00")], BalanceCheck.AGREES),
        ([("OPBD", "10.00")], BalanceCheck.NOT_GIVEN),
        ([], BalanceCheck.NOT_GIVEN),
    ],
)
def test_which_balances_count(balances: list[tuple[str, str]], expected: BalanceCheck) -> None:
    parts = [camt_balance(code, amount) for code, amount in balances]
    assert read(camt(camt_statement(*parts, camt_entry("1.00")))).statements[0].balance is expected


def test_an_overdrawn_account_has_a_negative_balance() -> None:
    parts = (camt_balance("OPBD", "1.00", "DBIT"), camt_entry("1.50"), camt_balance("CLBD", "0.50"))
    assert read(camt(camt_statement(*parts))).statements[0].balance is BalanceCheck.AGREES


def test_broken_entries_are_listed_by_line_and_the_good_ones_post() -> None:
    entries = [
        camt_entry("1.00"),
        camt_entry("-1.00"),
        camt_entry("0.00"),
        camt_entry("1.001"),
        camt_entry("1.00", "UP"),
        camt_entry("1.00", currency="USD"),
        camt_entry("1.00", day="2026-02-30"),
        camt_entry("1.00", day="2030-01-01"),
        camt_entry("1.00", day=""),
        camt_entry("2.00"),
    ]
    file = read(camt(camt_statement(OPENING, *(f"\n{entry}" for entry in entries), CLOSING)))
    assert [line.amount_paise for line in file.lines_to_post()] == [100, 200]
    assert [row.fault for row in file.broken] == [
        RowFault.AMOUNT_MALFORMED,
        RowFault.AMOUNT_ZERO,
        RowFault.AMOUNT_TOO_PRECISE,
        RowFault.AMOUNT_SIGN,
        RowFault.CURRENCY,
        RowFault.DATE_MALFORMED,
        RowFault.DATE_OUT_OF_RANGE,
        RowFault.DATE_MALFORMED,
    ]
    assert [row.line_no for row in file.broken] == [9, 15, 21, 27, 33, 39, 45, 51]  # an entry every six lines
    assert file.statements[0].balance is BalanceCheck.INCOMPLETE


def test_statements_of_other_accounts_are_listed_and_not_taken() -> None:
    other = camt_statement(camt_entry("9.00"), number="99999999999999", name="T")
    file = read(camt(STATEMENT, other))
    assert len(file.statements) == 1
    assert [row.fault for row in file.broken] == [RowFault.STATEMENT_ACCOUNT]
    assert refused(camt(other)) is FileFault.ACCOUNT


@pytest.mark.parametrize(
    "number", ["XXXXXXXXXX5678", "IN00HDFC50200012345678", "0050200012345678", "", "5678"]
)
def test_banks_print_our_number_in_their_way(number: str) -> None:
    assert len(read(camt(camt_statement(CREDIT, number=number))).statements) == 1


def test_an_account_we_have_no_number_of_is_taken_at_its_word() -> None:
    assert len(read(camt(STATEMENT), BankAccount("bank_main")).statements) == 1


LAUGHS = (
    "<!DOCTYPE lolz [<!ENTITY lol 'lol'>"
    + "".join(f"<!ENTITY lol{n} '{f'&lol{n - 1 or str()};' * 10}'>" for n in range(1, 10))
    + "]>"
)
EXTERNAL = '<!DOCTYPE Document SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"<a>", FileFault.FORMAT),
        (b"<Document>", FileFault.FORMAT),
        (camt(STATEMENT)[:-20], FileFault.XML_MALFORMED),
        (camt(STATEMENT) + b"<x/>", FileFault.XML_MALFORMED),
        (camt(STATEMENT).replace(b"UTF-8", b"UTF-7"), FileFault.XML_MALFORMED),
        (camt(STATEMENT).replace(b"UTF-8", b"GBK"), FileFault.XML_MALFORMED),
        (camt(STATEMENT).replace(b"<Stmt>", b"<Stmt>\x00"), FileFault.XML_MALFORMED),
        (camt(STATEMENT).replace(b"<Id>S", b"<Id>&lol;S"), FileFault.XML_MALFORMED),
        (camt(STATEMENT).replace(b"<Document", LAUGHS.encode() + b"<Document"), FileFault.XML_DOCTYPE),
        (camt(STATEMENT).replace(b"<Document", EXTERNAL.encode() + b"<Document"), FileFault.XML_DOCTYPE),
        (camt(STATEMENT, version="01"), FileFault.VERSION),
        (camt(STATEMENT).replace(b"camt.053", b"camt.052"), FileFault.VERSION),
        (camt(STATEMENT).replace(b"camt.053", b"pain.001"), FileFault.VERSION),
        (camt(), FileFault.EMPTY),
        (camt("<a>" * 100 + "</a>" * 100), FileFault.XML_LIMIT),
        (camt(camt_statement(camt_entry(narration="x" * 5_000))), FileFault.XML_LIMIT),
        (camt(camt_statement(f"<Ntry a='{'x' * 5_000}'/>")), FileFault.XML_LIMIT),
        (b"", FileFault.EMPTY),
        (b"PK\x03\x04", FileFault.NOT_TEXT),
    ],
)
def test_a_hostile_document_is_refused_with_its_code(data: bytes, fault: FileFault) -> None:
    assert refused(data) is fault


def test_blanks_between_elements_are_no_text() -> None:
    assert len(read(camt(camt_statement(CREDIT, " " * 20_000))).statements[0].lines) == 1


def test_a_batch_of_thousands_keeps_its_amount_and_some_of_its_references() -> None:
    one = "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls>"
    details = "".join(one.format(f"AXISCN{serial:010d}") for serial in range(5_000))
    entry = camt_entry("5000.00").replace("</NtryDtls>", f"{details}</NtryDtls>")
    (line,) = read(camt(camt_statement(entry))).statements[0].lines
    assert (line.amount_paise, len(line.references)) == (500_000, 40)


def test_too_many_broken_entries_or_lines_refuse_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(camt(camt_statement(camt_entry("x") * 1_001))) is FileFault.TOO_MANY_BROKEN
    assert refused(camt("<Stmt/>" * 2_001)) is FileFault.TOO_MANY_LINES
    monkeypatch.setattr("runtime.payments.reconciliation.statements.camt_xml.ELEMENTS_MAX", 20)
    assert refused(camt("<a/>" * 20)) is FileFault.XML_LIMIT
    monkeypatch.undo()
    monkeypatch.setattr("runtime.payments.reconciliation.statements.camt053.LINES_MAX", 2)
    assert refused(camt(camt_statement(camt_entry() * 3))) is FileFault.TOO_MANY_LINES


def test_memory_does_not_grow_with_what_is_not_kept() -> None:
    ignored = "<RltdPties><Nm>someone</Nm></RltdPties>" * 200_000
    data = camt(camt_statement(CREDIT.replace("</Ntry>", f"{ignored}</Ntry>")))
    tracemalloc.start()
    read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(data) // 2 + 2_000_000


@given(st.binary(max_size=200), st.integers(0, 900))
def test_a_document_with_any_bytes_in_it_is_read_or_refused(noise: bytes, place: int) -> None:
    data = camt(STATEMENT)
    with suppress(StatementRefused):
        read(data[:place] + noise + data[place + len(noise) :])
