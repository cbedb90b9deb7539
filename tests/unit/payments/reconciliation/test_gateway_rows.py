"""Gateway rows are read fast, exactly, and one by one: a broken one costs itself."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.razorpay.models import ReconRow
from runtime.payments.reconciliation.csv_records import records
from runtime.payments.reconciliation.gateway_rows import (
    BrokenGatewayRow,
    GatewayRowBroken,
    RowCode,
    read_rows,
    read_rows_csv,
    row_from,
)
from tests.unit.payments.reconciliation.facts import UNIX, raw_row

HEADER = "entity_id,type,debit,credit,amount,currency,fee,tax,settled,created_at,settlement_id,notes"


def from_csv(
    *lines: str, unit: Any = "paise", header: str = HEADER
) -> tuple[list[Any], list[BrokenGatewayRow]]:
    broken: list[BrokenGatewayRow] = []
    return list(read_rows_csv([header, *lines], broken, unit=unit)), broken


def test_a_row_is_what_the_gateways_model_says_it_is() -> None:
    raw = raw_row()
    row, entity = row_from(raw), ReconRow.model_validate(raw)
    assert (row.entity_id, row.kind, row.amount_paise) == (entity.entity_id, entity.type, entity.amount)
    assert (row.debit_paise, row.credit_paise) == (entity.debit, entity.credit)
    assert (row.fee_paise, row.tax_paise, row.currency) == (entity.fee, entity.tax, entity.currency)
    assert (row.settlement_id, row.utr) == (entity.settlement_id, entity.settlement_utr)
    assert (row.settled, row.on_hold, row.related_id) == (entity.settled, False, entity.order_id)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (UNIX, date(2026, 4, 1).toordinal()),
        (1_774_981_799, date(2026, 3, 31).toordinal()),
        (1_774_981_800, date(2026, 4, 1).toordinal()),
        (1_835_375_400, date(2028, 2, 29).toordinal()),
        (None, 0),
    ],
)
def test_the_day_is_the_day_in_india(moment: int | None, day: int) -> None:
    assert row_from(raw_row(created_at=moment)).created_day == day


@pytest.mark.parametrize(
    ("kind", "related"),
    [("payment", "order_A"), ("refund", "pay_Z"), ("transfer", "pay_Z"), ("adjustment", "pay_Z")],
)
def test_a_payment_belongs_to_its_order_and_everything_else_to_its_payment(kind: str, related: str) -> None:
    assert row_from(raw_row(type=kind, payment_id="pay_Z")).related_id == related


def test_what_is_not_told_is_nothing() -> None:
    raw = raw_row(fee=None, tax=None, on_hold=None, settlement_id="NA", settlement_utr="", order_id=None)
    row = row_from(raw)
    assert (row.fee_paise, row.tax_paise, row.on_hold) == (0, 0, False)
    assert (row.settlement_id, row.utr, row.related_id) == ("", "", "")
    assert row_from(raw_row(settled="1", on_hold="0"))[9:11] == (True, False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"entity_id": None}, RowCode.ENTITY_ID),
        ({"entity_id": ""}, RowCode.ENTITY_ID),
        ({"entity_id": "pay A"}, RowCode.ENTITY_ID),
        ({"entity_id": "=pay_A"}, RowCode.ENTITY_ID),
        ({"entity_id": "pay_é"}, RowCode.ENTITY_ID),
        ({"entity_id": "p" * 65}, RowCode.ENTITY_ID),
        ({"entity_id": 7}, RowCode.ENTITY_ID),
        ({"type": None}, RowCode.KIND),
        ({"type": ["payment"]}, RowCode.KIND),
        ({"type": "a b"}, RowCode.KIND),
        ({"amount": None}, RowCode.AMOUNT),
        ({"amount": 1.0}, RowCode.AMOUNT),
        ({"amount": "100"}, RowCode.AMOUNT),
        ({"amount": True}, RowCode.AMOUNT),
        ({"amount": -1}, RowCode.AMOUNT),
        ({"amount": 10**12 + 1}, RowCode.AMOUNT),
        ({"credit": float("nan")}, RowCode.AMOUNT),
        ({"fee": []}, RowCode.AMOUNT),
        ({"fee": ""}, RowCode.AMOUNT),
        ({"debit": False}, RowCode.AMOUNT),
        ({"fee": [1]}, RowCode.AMOUNT),
        ({"debit": 1}, RowCode.BOTH_SIDES),
        ({"currency": "inr"}, RowCode.CURRENCY),
        ({"currency": "RUPEE"}, RowCode.CURRENCY),
        ({"currency": "IN1"}, RowCode.CURRENCY),
        ({"currency": None}, RowCode.CURRENCY),
        ({"settled": "yes"}, RowCode.FLAG),
        ({"on_hold": []}, RowCode.FLAG),
        ({"created_at": "now"}, RowCode.MOMENT),
        ({"created_at": -5}, RowCode.MOMENT),
        ({"created_at": 10**15}, RowCode.MOMENT),
        ({"created_at": 1.5}, RowCode.MOMENT),
        ({"settlement_id": 5}, RowCode.REFERENCE),
        ({"settlement_utr": "x" * 65}, RowCode.REFERENCE),
        ({"settlement_utr": "a\nb"}, RowCode.REFERENCE),
        ({"order_id": "order_é"}, RowCode.REFERENCE),
    ],
)
def test_a_malformed_row_is_refused_with_its_code(changes: dict[str, Any], code: RowCode) -> None:
    with pytest.raises(GatewayRowBroken) as refused:
        row_from(raw_row(**changes))
    assert refused.value.code is code


def test_the_good_rows_are_read_and_the_broken_ones_listed() -> None:
    broken: list[BrokenGatewayRow] = []
    raws: list[Any] = [raw_row("pay_A"), raw_row("pay_B", amount="x"), None, raw_row("pay_C")]
    assert [row.entity_id for row in read_rows(raws, broken)] == ["pay_A", "pay_C"]
    assert [(fault.row_no, fault.code) for fault in broken] == [
        (2, RowCode.AMOUNT),
        (3, RowCode.NOT_AN_OBJECT),
    ]


def test_a_row_is_read_when_it_is_asked_for() -> None:
    taken: list[int] = []

    def raws() -> Any:
        for number in range(1_000_000):
            taken.append(number)
            yield raw_row()

    rows = read_rows(raws(), [])
    next(rows)
    assert taken == [0]


def test_a_csv_has_the_fields_of_the_api() -> None:
    rows, broken = from_csv(
        f'pay_A,payment,0,97640,100000,INR,2360,360,true,{UNIX},setl_A,"{{""a"": 1,',
        'b: 2}"',
        "",
        f"rfnd_A,refund,500,0,500,INR,,NA,1,{UNIX},,",
    )
    assert broken == []
    assert [(row.entity_id, row.credit_paise - row.debit_paise) for row in rows] == [
        ("pay_A", 97_640),
        ("rfnd_A", -500),
    ]
    assert rows[1].fee_paise == 0


@pytest.mark.parametrize(
    ("unit", "amounts", "paise"),
    [("paise", "0,97640,100000", 97_640), ("rupees", "0.00,976.40,1000.00", 97_640)],
)
def test_the_unit_is_declared(unit: str, amounts: str, paise: int) -> None:
    fees = "2360,360" if unit == "paise" else "23.60,3.60"
    rows, broken = from_csv(f"pay_A,payment,{amounts},INR,{fees},true,{UNIX},setl_A,", unit=unit)
    assert broken == []
    assert rows[0].credit_paise == paise


@pytest.mark.parametrize(
    ("unit", "amounts"),
    [
        ("paise", "0,976.40,1000.00"),
        ("rupees", "0,97640,100000"),
        ("rupees", "0.00,976.4,1000.00"),
        ("rupees", "0.00,9x.40,1000.00"),
    ],
)
def test_one_unit_is_never_taken_for_the_other(unit: str, amounts: str) -> None:
    rows, broken = from_csv(f"pay_A,payment,{amounts},INR,,,true,{UNIX},setl_A,", unit=unit)
    assert rows == []
    assert [fault.code for fault in broken] == [RowCode.AMOUNT]


def test_a_broken_line_of_a_csv_costs_itself() -> None:
    good = f"pay_A,payment,0,97640,100000,INR,2360,360,true,{UNIX},setl_A,"
    rows, broken = from_csv(good, "pay_B,payment", 'pay_C,"never closed', f'{good}"a"b"c"', good)
    assert len(rows) == 2
    assert [(fault.row_no, fault.code) for fault in broken] == [
        (3, RowCode.COLUMNS),
        (4, RowCode.QUOTES),
        (5, RowCode.QUOTES),
    ]


@pytest.mark.parametrize("header", ["", "entity_id,type,amount", '"'])
def test_a_csv_without_the_fields_of_a_row_is_refused(header: str) -> None:
    with pytest.raises(GatewayRowBroken) as refused:
        from_csv(header=header)
    assert refused.value.code in (RowCode.COLUMNS, RowCode.QUOTES)


def test_records_know_their_lines() -> None:
    lines = ["a", 'b"1', '2"', "", 'c"open', *(f"d{number}" for number in range(15))]
    assert list(records(lines))[:5] == [(1, "a"), (2, 'b"1\n2"'), (4, ""), (5, None), (6, "d0")]
    assert list(records(['x"', "y"])) == [(1, None), (2, "y")]


@given(st.lists(st.text(alphabet='ab",\n', max_size=8).map(lambda text: text.replace("\n", "")), max_size=30))
def test_no_line_is_lost_between_records(lines: list[str]) -> None:
    numbers = [number for number, _ in records(lines)]
    taken = sum(1 if record is None else record.count("\n") + 1 for _, record in records(lines))
    assert taken == len(lines)
    assert numbers == sorted(set(numbers))


@given(
    st.dictionaries(
        st.sampled_from(sorted(raw_row())),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    )
)
def test_anything_is_a_row_or_refused(changes: dict[str, Any]) -> None:
    with suppress(GatewayRowBroken):
        row_from(raw_row() | changes)
