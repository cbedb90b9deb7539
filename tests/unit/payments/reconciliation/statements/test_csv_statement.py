"""A CSV statement: the good rows post, the broken ones are listed by line, hostile files are refused."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.payments.reconciliation.statements.csv_statement import read_csv
from runtime.payments.reconciliation.statements.model import (
    FILE_BYTES_MAX,
    BalanceCheck,
    FileFault,
    RowFault,
    StatementFile,
    StatementRefused,
)
from runtime.payments.reconciliation.statements.profiles import (
    Columns,
    CsvProfile,
    profile_for,
    shipped_profiles,
)
from tests.unit.payments.reconciliation.statements.samples import (
    ACCOUNT,
    HDFC,
    HDFC_HEADER,
    RECEIVED_ON,
    hdfc,
    signed,
)


def amounts(file: StatementFile) -> list[int]:
    return [line.amount_paise for statement in file.statements for line in statement.lines]


def test_a_bank_statement_is_read_between_its_preamble_and_its_small_print() -> None:
    file = hdfc()
    (statement,) = file.statements
    assert amounts(file) == [12_345_678, 45_000, -5_000_000]
    assert [line.line_no for line in statement.lines] == [5, 6, 7]
    assert [line.booked_on.day for line in statement.lines] == [1, 2, 3]
    assert statement.lines[0].references == ("AXISCN1153863727",)
    assert (statement.opening_paise, statement.closing_paise) == (10_000_000, 17_390_678)
    assert (statement.balance, statement.difference_paise) == (BalanceCheck.AGREES, 0)
    assert file.broken == ()


def test_nothing_of_a_payer_is_kept() -> None:
    kept = hdfc().statements[0].lines[1].model_dump_json()
    assert not any(word in kept.lower() for word in ("ravi", "kumar", "okhdfc"))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
def test_every_encoding_of_banks_gives_the_same_lines(encoding: str) -> None:
    text = HDFC.replace("CHQ PAID", "CHQ é PAID")
    file = read_csv(text.encode(encoding), ACCOUNT, profile_for("hdfc", RECEIVED_ON), RECEIVED_ON)
    assert [line.line_id for line in file.statements[0].lines] == [
        line.line_id for line in hdfc(text).statements[0].lines
    ]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_separator_is_found_from_the_header(delimiter: str) -> None:
    text = HDFC.replace('"1,23,456.78"', "123456.78").replace('"2,23,456.78"', "223456.78")
    text = text.replace('"50,000.00"', "50000.00").replace('"2,23,906.78"', "223906.78")
    text = text.replace('"1,73,906.78"', "173906.78").replace(",", delimiter)
    assert amounts(hdfc(text)) == amounts(hdfc())


def test_line_ends_of_every_system_are_line_ends() -> None:
    for end in ("\r\n", "\r"):
        assert amounts(hdfc(HDFC.replace("\n", end))) == amounts(hdfc())


def test_a_statement_from_new_to_old_has_the_same_balances() -> None:
    head, rows, tail = HDFC.splitlines()[:4], HDFC.splitlines()[4:7], HDFC.splitlines()[7:]
    statement = hdfc("\n".join([*head, *reversed(rows), *tail])).statements[0]
    assert (statement.opening_paise, statement.closing_paise) == (10_000_000, 17_390_678)
    assert statement.balance is BalanceCheck.AGREES


def test_a_running_balance_that_a_row_contradicts_holds_the_statement_back() -> None:
    file = hdfc(HDFC.replace("450.00,", "451.00,"))
    assert file.statements[0].balance is BalanceCheck.DIFFERS
    assert list(file.lines_to_post()) == []


def test_a_removed_row_is_noticed() -> None:
    without = "\n".join(line for line in HDFC.splitlines() if "RAVI" not in line)
    assert hdfc(without).statements[0].balance is BalanceCheck.DIFFERS


def test_broken_rows_are_listed_by_line_and_the_good_ones_post() -> None:
    file = signed(
        "2026-04-01,,100.00,NEFT AXISCN1153863727,,",
        "2026-02-30,,100.00,no such day,,",
        "2026-04-01,,abc,no amount,,",
        "2026-04-01,,0.00,nothing,,",
        "2026-04-01,,-0.00,less than nothing,,",
        "2026-04-01,,,missing,,",
        "2099-01-01,,1.00,too late,,",
        "1999-01-01,,1.00,too early,,",
        "2026-04-01,,0.001,too fine,,",
        "2026-04-01,,99999999999.00,too much,,",
        "2026-04-01",
        '2026-04-01,,1.00,"=HYPERLINK(""http://x"")",,',
        "2026-04-01,,1.00,@SUM(1),,",
        "2026-04-01,,1.00,+cmd|' /C calc'!A0,,",
        "2026-04-01,,=1+1,formula,,",
        "2026-04-01,,1.00,bell\x07,,",
        f"2026-04-01,,1.00,{'x' * 5_000},,",
        "2026-04-01,,1.00,balance,,zero",
        '2026-04-01,,1.00,"never closed,,',
        "2026-04-02,,200.00,NEFT AXISCN1153863728,,",
    )
    assert amounts(file) == [10_000, 20_000]
    assert [(row.line_no, row.fault) for row in file.broken] == [
        (3, RowFault.DATE_MALFORMED),
        (4, RowFault.AMOUNT_MALFORMED),
        (5, RowFault.AMOUNT_ZERO),
        (6, RowFault.AMOUNT_ZERO),
        (7, RowFault.AMOUNT_MISSING),
        (8, RowFault.DATE_OUT_OF_RANGE),
        (9, RowFault.DATE_OUT_OF_RANGE),
        (10, RowFault.AMOUNT_TOO_PRECISE),
        (11, RowFault.AMOUNT_OUT_OF_RANGE),
        (12, RowFault.COLUMNS),
        (13, RowFault.FORMULA),
        (14, RowFault.FORMULA),
        (15, RowFault.FORMULA),
        (16, RowFault.FORMULA),
        (17, RowFault.CONTROL_CHARACTER),
        (18, RowFault.CELL_TOO_LONG),
        (19, RowFault.BALANCE_MALFORMED),
        (20, RowFault.QUOTES),
    ]
    assert len(list(file.lines_to_post())) == 2


def test_a_broken_row_says_what_is_wrong_and_repeats_nothing() -> None:
    (broken,) = signed("2026-04-01,,RAVI,x,,").broken
    assert broken.reason == "the amount is not a number"


def test_debit_and_credit_columns_must_not_contradict_each_other() -> None:
    rows = [
        '01/04/26,x,,01/04/26,1.00,1.00,"1.00"',
        "01/04/26,x,,01/04/26,-1.00,,1.00",
        "01/04/26,x,,01/04/26,0.00,0.00,1.00",
        "01/04/26,x,,01/04/26,,,1.00",
        "01/04/26,x,,01/04/26,0.00,5.00,1.00",
    ]
    file = hdfc("\n".join([HDFC_HEADER, *rows]))
    faults = [RowFault.AMOUNT_SIGN, RowFault.AMOUNT_SIGN, RowFault.AMOUNT_ZERO, RowFault.AMOUNT_MISSING]
    assert [row.fault for row in file.broken] == faults
    assert amounts(file) == [500]
    assert file.statements[0].balance is BalanceCheck.INCOMPLETE


def test_rows_that_only_tell_a_balance_and_repeated_headers_are_no_rows() -> None:
    rows = [
        "01/04/26,OPENING BALANCE,,,,,1000.00",
        "01/04/26,x,,01/04/26,,5.00,1005.00",
        HDFC_HEADER,
        ",,,,,,",
        "",
        "02/04/26,y,,02/04/26,5.00,,1000.00",
        "02/04/26,B/F,,,,,1000.00",
    ]
    file = hdfc("\n".join([HDFC_HEADER, *rows]))
    assert amounts(file) == [500, -500]
    assert file.broken == ()


@pytest.mark.parametrize(("mark", "paise"), [("Cr", 100), ("DR.", -100), ("credit", 100), ("D", -100)])
def test_a_column_may_say_debit_or_credit(mark: str, paise: int) -> None:
    header = "Transaction Date,Value Date,Description,Chq / Ref No.,Amount,Dr / Cr,Balance"
    text = f"{header}\n01/04/2026,01/04/2026,x,,1.00,{mark},1.00\n"
    profile = profile_for("kotak", RECEIVED_ON)
    assert amounts(read_csv(text.encode(), ACCOUNT, profile, RECEIVED_ON)) == [paise]


@pytest.mark.parametrize(("amount", "mark"), [("1.00", "?"), ("-1.00", "Dr"), ("1.00", "")])
def test_a_mark_that_says_nothing_or_says_it_twice_is_broken(amount: str, mark: str) -> None:
    header = "Transaction Date,Value Date,Description,Chq / Ref No.,Amount,Dr / Cr,Balance"
    text = f"{header}\n01/04/2026,01/04/2026,x,,{amount},{mark},1.00\n"
    file = read_csv(text.encode(), ACCOUNT, profile_for("kotak", RECEIVED_ON), RECEIVED_ON)
    assert [row.fault for row in file.broken] == [RowFault.AMOUNT_SIGN]


def test_a_decimal_comma_and_a_currency_column_are_declared() -> None:
    profile = CsvProfile(
        name="comma",
        source="a test",
        valid_from=date(2026, 1, 1),
        columns=Columns(booked_on="Datum", amount="Betrag", narration=("Text",), currency="Ccy"),
        date_formats=("DD.MM.YYYY",),
        decimal_mark=",",
        delimiter=";",
    )
    text = "Datum;Betrag;Text;Ccy\n01.04.2026;1.234,56;x;INR\n01.04.2026;1,00;x;USD\n"
    file = read_csv(text.encode(), ACCOUNT, profile, RECEIVED_ON)
    assert amounts(file) == [123_456]
    assert [row.fault for row in file.broken] == [RowFault.CURRENCY]


def test_a_quoted_cell_may_run_over_lines() -> None:
    file = signed('2026-04-01,,1.00,"NEFT', 'AXISCN1153863727",,', "2026-04-01,,2.00,x,,")
    assert amounts(file) == [100, 200]
    assert file.statements[0].lines[0].references == ("AXISCN1153863727",)
    assert [line.line_no for line in file.statements[0].lines] == [2, 4]


def test_text_that_a_bank_forces_on_a_spreadsheet_is_text() -> None:
    file = signed('2026-04-01,,1.00,x,"=""0000409912345678""",', "2026-04-01,,1.00,'UPI 409912345679,,")
    assert [line.references for line in file.statements[0].lines] == [("409912345678",), ("409912345679",)]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", FileFault.EMPTY),
        (b" \r\n\x00", FileFault.EMPTY),
        (b"x" * (FILE_BYTES_MAX + 1), FileFault.TOO_LARGE),
        (b"PK\x03\x04rest", FileFault.NOT_TEXT),
        (b"\x1f\x8b\x08rest", FileFault.NOT_TEXT),
        (b"%PDF-1.7", FileFault.NOT_TEXT),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", FileFault.NOT_TEXT),
        (b"<html><table><tr><td>1</td></tr></table>", FileFault.NOT_TEXT),
        (b"a\x00b,c\n", FileFault.NUL),
        (b"caf\x81,\x8d", FileFault.ENCODING),
        (b"\xff\xfea", FileFault.ENCODING),
        (b"date,amount\n1,2\n", FileFault.HEADER),
        (b"\n" * 500, FileFault.EMPTY),
        (b"x\n" * 1_000_001, FileFault.TOO_MANY_LINES),
    ],
)
def test_a_file_that_is_no_statement_is_refused_with_its_code(data: bytes, fault: FileFault) -> None:
    with pytest.raises(StatementRefused) as refused:
        read_csv(data, ACCOUNT, profile_for("hdfc", RECEIVED_ON), RECEIVED_ON)
    assert refused.value.fault is fault


@pytest.mark.parametrize("again", ["amount", " Amount ", "booked_on"])
def test_a_column_that_is_there_twice_is_not_chosen_between(again: str) -> None:
    data = f"booked_on,amount,narration,reference,{again}\n2026-04-01,1.00,x,y,2.00\n".encode()
    with pytest.raises(StatementRefused) as refused:
        read_csv(data, ACCOUNT, profile_for("signed", RECEIVED_ON), RECEIVED_ON)
    assert refused.value.fault is FileFault.COLUMN_TWICE


def test_wrong_quotes_cost_their_row_only() -> None:
    file = signed('2026-04-01,,1.00,"NEFT" X"",,', "2026-04-01,,2.00,x,,")
    assert [row.fault for row in file.broken] == [RowFault.QUOTES]
    assert amounts(file) == [200]
    assert amounts(hdfc('"Account" of "us"""\n' + HDFC)) == amounts(hdfc())


def test_too_many_broken_rows_refuse_the_file() -> None:
    with pytest.raises(StatementRefused) as refused:
        signed(*["x,,1.00,,,"] * 1_001)
    assert (refused.value.fault, refused.value.line_no) == (FileFault.TOO_MANY_BROKEN, 1_002)


def test_too_many_lines_refuse_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.payments.reconciliation.statements.csv_statement.LINES_MAX", 2)
    with pytest.raises(StatementRefused) as refused:
        signed(*["2026-04-01,,1.00,x,,"] * 3)
    assert refused.value.fault is FileFault.TOO_MANY_LINES


def test_a_row_that_is_too_wide_or_too_long_is_broken() -> None:
    file = signed("2026-04-01,,1.00,x" + "," * 200, f"2026-04-01,,1.00,{'x' * 70_000},,")
    assert [row.fault for row in file.broken] == [RowFault.COLUMNS, RowFault.CELL_TOO_LONG]


def test_a_profile_is_known_for_its_days_only() -> None:
    for name, day in (("nobody", RECEIVED_ON), ("hdfc", date(2014, 12, 31))):
        with pytest.raises(StatementRefused) as refused:
            profile_for(name, day)
        assert refused.value.fault is FileFault.PROFILE
    assert all(profile.source for profile in shipped_profiles())


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"amount": "a", "debit": "d", "credit": "c"},
        {"debit": "d"},
        {"credit": "c"},
        {"debit": "d", "credit": "c", "mark": "m"},
    ],
)
def test_a_profile_says_the_amount_in_one_way(columns: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either an amount column or a debit and a credit column"):
        Columns.model_validate({"booked_on": "d", "narration": ["n"], **columns})


@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda text: (HDFC + text).encode("utf-8", "ignore"))
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(StatementRefused):
        read_csv(data, ACCOUNT, profile_for("hdfc", RECEIVED_ON), RECEIVED_ON)
