"""MT940: fields by the library's grammar, held against the standard; one bad field costs one line."""

import logging
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.statements.model import (
    BalanceCheck,
    FileFault,
    RowFault,
    StatementFile,
    StatementRefused,
)
from runtime.payments.reconciliation.statements.mt940 import read_mt940
from tests.unit.payments.reconciliation.statements.samples import ACCOUNT, RECEIVED_ON, mt940

OPENING, CLOSING = ":60F:C260331INR1000,00", ":62F:C260402INR1100,00"
CREDIT = (":61:2604010401C150,00NTRFNONREF//AXISCN1153863727", ":86:NEFT CR RAZORPAY SOFTWARE")
DEBIT = (":61:260402D50,NCHK000123", ":86:CHEQUE PAID")
MESSAGE = mt940(OPENING, *CREDIT, *DEBIT, CLOSING)


def read(*messages: str) -> StatementFile:
    return read_mt940("\n".join(messages).encode(), ACCOUNT, RECEIVED_ON)


def amounts(file: StatementFile) -> list[int]:
    return [line.amount_paise for statement in file.statements for line in statement.lines]


def test_a_message_is_read_with_its_balances() -> None:
    (statement,) = read(MESSAGE).statements
    assert [line.amount_paise for line in statement.lines] == [15_000, -5_000]
    assert [line.booked_on for line in statement.lines] == [date(2026, 4, 1), date(2026, 4, 2)]
    assert statement.lines[0].references == ("AXISCN1153863727",)
    assert (statement.opening_paise, statement.closing_paise) == (100_000, 110_000)
    assert statement.balance is BalanceCheck.AGREES


def test_the_envelope_of_swift_and_line_ends_of_every_system_do_not_matter() -> None:
    head = "{1:F01HDFCINBBAXXX0000000000}{2:I940HDFCINBBXXXXN}{4:"
    wrapped = f"\x01{head}\r\n" + MESSAGE[:-1].replace("\n", "\r\n") + "-}{5:{CHK:0123456789AB}}\x03"
    assert [line.line_id for line in read(wrapped).statements[0].lines] == [
        line.line_id for line in read(MESSAGE).statements[0].lines
    ]


@pytest.mark.parametrize(("mark", "paise"), [("C", 100), ("D", -100), ("RC", -100), ("RD", 100), ("c", 100)])
def test_a_reversal_turns_the_direction(mark: str, paise: int) -> None:
    assert amounts(read(mt940(f":61:260401{mark}1,00NTRFNONREF"))) == [paise]


def test_a_funds_code_is_no_part_of_the_amount() -> None:
    assert amounts(read(mt940(":61:2604010401CR1234,56NTRFNONREF"))) == [123_456]


def test_a_reference_that_runs_over_a_line_is_whole() -> None:
    first = "NEFT CR UTIB0000001 RAZORPAY SOFTWARE PRIVATE LIMITED  HDFCN52026"
    assert len(first) == 65
    (line,) = (
        read(mt940(":61:260401C1,00NTRFNONREF", f":86:{first}", "040112345678 HASIVU")).statements[0].lines
    )
    assert line.references[0] == "HDFCN52026040112345678"


def test_a_short_line_ends_its_word() -> None:
    (line,) = (
        read(mt940(":61:260401C1,00NTRFNONREF", ":86:NEFT AXISCN1153863727", "RAZORPAY")).statements[0].lines
    )
    assert line.narration == "NEFT AXISCN1153863727 RAZORPAY"


def test_supplementary_details_stand_in_for_a_missing_narration() -> None:
    (line,) = read(mt940(":61:260401C1,00NTRFNONREF", "NEFT AXISCN1153863727")).statements[0].lines
    assert line.references == ("AXISCN1153863727",)


def test_a_year_ends_between_value_and_entry_date() -> None:
    (line,) = read(mt940(":61:2512310102C1,00NTRFNONREF")).statements[0].lines
    assert (line.value_on, line.booked_on) == (date(2025, 12, 31), date(2026, 1, 2))


def test_the_pages_of_a_statement_are_counted_through() -> None:
    one = mt940(OPENING, *CREDIT, ":62M:C260401INR1150,00", name="P1")
    two = mt940(":60M:C260401INR1150,00", *CREDIT, ":62F:C260401INR1300,00", name="P2")
    file = read(one, two)
    assert [statement.balance for statement in file.statements] == [BalanceCheck.AGREES] * 2
    assert len({line.line_id for line in file.lines_to_post()}) == 2


def test_statements_of_a_file_that_overlap_post_each_line_once() -> None:
    again = mt940(OPENING, *CREDIT, ":62F:C260401INR1150,00", name="LATER")
    assert sorted(line.amount_paise for line in read(MESSAGE, again).lines_to_post()) == [-5_000, 15_000]


def test_a_statement_that_stands_twice_in_a_file_is_taken_once_and_listed() -> None:
    file = read(MESSAGE, MESSAGE)
    assert len(file.statements) == 1
    assert [row.fault for row in file.broken] == [RowFault.STATEMENT_REPEATED]


def test_broken_fields_are_listed_by_line_and_the_good_ones_post() -> None:
    fields = [
        ":61:260401C1,00NTRFNONREF",
        ":61:260401X1,00NTRFNONREF",
        ":61:260230C1,00NTRFNONREF",
        ":61:2604010230C1,00NTRFNONREF",
        ":61:260401C1,2,3NTRFNONREF",
        ":61:260401C,NTRFNONREF",
        ":61:260401C1234567890123456,00NTRFNONREF",
        ":61:260401C12345678901,00NTRFNONREF",
        ":61:260401C1,005NTRFNONREF",
        ":61:260401C0,00NTRFNONREF",
        ":61:260401C1,00",
        ":61:300101C1,00NTRFNONREF",
        ":61:",
        ":61:260401C1,00NTRFNONREF//\u0967",
        ":61:260401C2,00NTRFNONREF",
    ]
    file = read(mt940(OPENING, *fields, CLOSING))
    assert amounts(file) == [100, 200]
    assert [(row.line_no, row.fault) for row in file.broken] == [
        (6, RowFault.FIELD_MALFORMED),
        (7, RowFault.FIELD_MALFORMED),
        (8, RowFault.FIELD_MALFORMED),
        (9, RowFault.AMOUNT_MALFORMED),
        (10, RowFault.AMOUNT_MALFORMED),
        (11, RowFault.AMOUNT_MALFORMED),
        (12, RowFault.AMOUNT_OUT_OF_RANGE),
        (13, RowFault.AMOUNT_TOO_PRECISE),
        (14, RowFault.AMOUNT_ZERO),
        (15, RowFault.FIELD_MALFORMED),
        (16, RowFault.DATE_OUT_OF_RANGE),
        (17, RowFault.FIELD_MALFORMED),
        (18, RowFault.FIELD_MALFORMED),
    ]
    assert file.statements[0].balance is BalanceCheck.INCOMPLETE


@pytest.mark.parametrize(
    "balance",
    [":60F:C260331INR1.000,00", ":60F:X260331INR1,00", ":60F:C261331INR1,00", ":60F:C260331USD1,00", ":60F:"],
)
def test_a_balance_that_cannot_be_read_is_listed_and_checks_nothing(balance: str) -> None:
    file = read(mt940(balance, *CREDIT, CLOSING))
    assert [row.fault for row in file.broken] == [RowFault.BALANCE_MALFORMED]
    assert file.statements[0].balance is BalanceCheck.NOT_GIVEN
    assert amounts(file) == [15_000]


def test_a_row_that_a_payer_smuggled_into_a_narration_does_not_post() -> None:
    smuggled = (":86:MEAL", ":61:2604010401C999999,00NTRFNONREF", ":86:x")
    file = read(mt940(OPENING, CREDIT[0], *smuggled, *DEBIT, CLOSING))
    assert file.statements[0].balance is BalanceCheck.DIFFERS
    assert list(file.lines_to_post()) == []


def test_the_balances_after_the_last_and_free_fields_belong_to_no_line() -> None:
    extra = (":64:C260402INR1100,00", ":86:END OF STATEMENT AXISCN9999999999")
    (statement,) = read(
        mt940(OPENING, CREDIT[0], ":NS:22text", CREDIT[1], *DEBIT, CLOSING, *extra)
    ).statements
    assert statement.lines[0].references == ("AXISCN1153863727",)
    assert statement.lines[0].narration == "NEFT CR RAZORPAY SOFTWARE"
    assert statement.lines[1].narration == "CHEQUE PAID"


def test_statements_of_other_accounts_are_listed_and_not_taken() -> None:
    other = mt940(OPENING, *CREDIT, CLOSING, number="99999999999999", name="OTHER")
    file = read(MESSAGE, other)
    assert [row.fault for row in file.broken] == [RowFault.STATEMENT_ACCOUNT]
    with pytest.raises(StatementRefused) as refused:
        read(other)
    assert refused.value.fault is FileFault.ACCOUNT


def test_a_file_without_messages_is_refused() -> None:
    with pytest.raises(StatementRefused) as refused:
        read("hello", ":61:260401C1,00NTRFNONREF")
    assert refused.value.fault is FileFault.FORMAT


def test_a_text_that_names_a_file_is_never_opened() -> None:
    with pytest.raises(StatementRefused) as refused:
        read("/etc/passwd")
    assert refused.value.fault is FileFault.FORMAT


def test_what_cannot_be_read_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read(mt940(":61:260401C1,00NTRFRAVI-KUMAR\u0967", ":61:260401CXRAVI", ":61:261301C1,00NTRFRAVI"))
    assert "RAVI" not in caplog.text


def test_too_many_broken_fields_or_lines_refuse_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StatementRefused) as refused:
        read(mt940(*[":61:x"] * 1_001))
    assert refused.value.fault is FileFault.TOO_MANY_BROKEN
    with pytest.raises(StatementRefused) as refused:
        read(*[":20:X"] * 2_001)
    assert refused.value.fault is FileFault.TOO_MANY_LINES
    monkeypatch.setattr("runtime.payments.reconciliation.statements.mt940.LINES_MAX", 2)
    with pytest.raises(StatementRefused) as refused:
        read(mt940(*CREDIT, *CREDIT, *CREDIT))
    assert refused.value.fault is FileFault.TOO_MANY_LINES


def test_a_field_of_any_length_is_bounded() -> None:
    file = read(mt940(":61:260401C1,00NTRFNONREF//" + "X" * 5_000, *CREDIT, ":86:" + "y" * 100_000))
    assert [row.fault for row in file.broken] == [RowFault.FIELD_MALFORMED]
    assert len(file.statements[0].lines[0].narration) <= 240


@given(
    st.text(alphabet=st.characters(codec="ascii"), max_size=80),
    st.sampled_from(["61", "60F", "62F", "86", "25"]),
)
def test_any_field_is_read_or_listed(value: str, tag: str) -> None:
    with suppress(StatementRefused):
        read(mt940(OPENING, *CREDIT, f":{tag}:{value}", CLOSING))
