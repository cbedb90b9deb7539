"""A movement is the same line whichever file brings it, so nothing posts twice and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.statements.model import (
    BankAccount,
    FileFault,
    StatementFile,
    StatementRefused,
)
from runtime.payments.reconciliation.statements.profiles import profile_for
from runtime.payments.reconciliation.statements.reader import format_of, read_statement
from tests.unit.payments.reconciliation.statements.samples import (
    ACCOUNT,
    HDFC,
    RECEIVED_ON,
    camt,
    camt_entry,
    camt_statement,
    hdfc,
    mt940,
    signed,
)

ROWS = [
    "2026-04-01,,100.00,NEFT AXISCN1153863727 RAZORPAY,,",
    "2026-04-01,,100.00,CASH DEPOSIT,,",
    "2026-04-01,,100.00,CASH DEPOSIT,,",
    "2026-04-02,,-40.00,CHQ,000123,",
    "2026-04-02,,100.00,CASH DEPOSIT,,",
]


def ids(file: StatementFile) -> list[str]:
    return [line.line_id for line in file.lines_to_post()]


def test_a_file_that_comes_twice_brings_the_same_lines_and_the_same_statement() -> None:
    assert hdfc() == hdfc()
    assert len(set(ids(hdfc()))) == 3


def test_equal_movements_of_a_day_are_as_many_as_the_file_shows() -> None:
    assert len(set(ids(signed(*ROWS)))) == 5


DAYS = [[row.replace("2026-04-01", f"2026-04-0{day}") for row in ROWS[:3]] for day in range(1, 6)]


@given(st.integers(0, 5), st.integers(0, 5))
def test_files_that_overlap_by_whole_days_meet_in_the_same_lines(start: int, end: int) -> None:
    def lines(days: list[list[str]]) -> set[str]:
        return set(ids(signed(*(row for day in days for row in day))))

    first, second = lines(DAYS[:end]), lines(DAYS[start:])
    assert first & second == lines(DAYS[start:end])
    assert first | second == lines(DAYS[:end] + DAYS[max(start, end) :])


@given(st.permutations(ROWS))
def test_the_order_of_the_rows_is_no_part_of_a_line(rows: list[str]) -> None:
    assert set(ids(signed(*rows))) == set(ids(signed(*ROWS)))


@pytest.mark.parametrize(
    "again",
    [
        "2026-04-01,,100.00,neft   axiscn1153863727  razorpay,,",
        "2026-04-01,,100.00,NEFT/AXISCN1153863727/RAZORPAY SOFTWARE,,",
        "2026-04-01,2026-04-02,100.00,x,AXISCN1153863727,",
    ],
)
def test_a_line_is_known_by_its_reference_however_it_is_told(again: str) -> None:
    assert ids(signed(again)) == ids(signed(ROWS[0]))


@pytest.mark.parametrize(
    "other",
    [
        "2026-04-02,,100.00,NEFT AXISCN1153863727 RAZORPAY,,",
        "2026-04-01,,100.01,NEFT AXISCN1153863727 RAZORPAY,,",
        "2026-04-01,,-100.00,NEFT AXISCN1153863727 RAZORPAY,,",
        "2026-04-01,,100.00,NEFT AXISCN1153863728 RAZORPAY,,",
    ],
)
def test_another_day_amount_direction_or_reference_is_another_line(other: str) -> None:
    assert ids(signed(other)) != ids(signed(ROWS[0]))


def test_narrations_in_any_script_tell_lines_apart() -> None:
    lines = ids(signed("2026-04-01,,1.00,नकद जमा,,", "2026-04-01,,1.00,चेक,,"))
    assert lines == ids(signed("2026-04-01,,1.00,नकद  जमा,,", "2026-04-01,,1.00,चेक,,"))
    assert lines[0] != ids(signed("2026-04-01,,1.00,चेक,,"))[0]


def test_another_account_has_other_lines() -> None:
    data = HDFC.encode()
    profile = profile_for("hdfc", RECEIVED_ON)
    ours = read_statement(data, ACCOUNT, received_on=RECEIVED_ON, profile=profile)
    theirs = read_statement(data, BankAccount("bank_other"), received_on=RECEIVED_ON, profile=profile)
    assert not set(ids(ours)) & set(ids(theirs))


def test_every_format_brings_the_same_line() -> None:
    narration = "NEFT CR RAZORPAY AXISCN1153863727"
    files = [
        f"booked_on,amount,narration,reference\n2026-04-01,150.00,{narration},\n".encode(),
        camt(camt_statement(camt_entry("150.00", narration=narration))),
        mt940(":61:260401C150,00NTRFNONREF//AXISCN1153863727", ":86:RAZORPAY").encode(),
    ]
    profile = profile_for("signed", RECEIVED_ON)
    assert [format_of(data) for data in files] == ["csv", "camt.053", "mt940"]
    read = {
        tuple(ids(read_statement(data, ACCOUNT, received_on=RECEIVED_ON, profile=profile))) for data in files
    }
    assert len(read) == 1


def test_lines_keep_their_identity_from_release_to_release() -> None:
    """Identities are stored: a change here would post every old line again."""
    assert ids(signed(*ROWS)) == [
        "1488050d181a350d03f058af7e8671d0",
        "9c47fe9084c28a9a3f58e6fa7d09a224",
        "69e1f51839e330f4ee05829272c4fe49",
        "d2eadc7f19793bea4964a6f3f17a4669",
        "37dc1676db8e6c0be91d6848fb54e08c",
    ]


def test_a_csv_needs_a_profile() -> None:
    with pytest.raises(StatementRefused) as refused:
        read_statement(HDFC.encode(), ACCOUNT, received_on=RECEIVED_ON)
    assert refused.value.fault is FileFault.PROFILE


def test_the_format_may_be_said() -> None:
    with pytest.raises(StatementRefused) as refused:
        read_statement(HDFC.encode(), ACCOUNT, received_on=RECEIVED_ON, file_format="mt940")
    assert refused.value.fault is FileFault.FORMAT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_format_is_found_in_every_encoding(encoding: str) -> None:
    message = mt940(":61:260401C150,00NTRFNONREF//AXISCN1153863727")
    data = message.encode(encoding)
    assert len(ids(read_statement(data, ACCOUNT, received_on=RECEIVED_ON))) == 1
