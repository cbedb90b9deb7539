"""The books of refunds in another currency: in rupees, balanced, no rate and no rounding leaves a rest."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.accounts import school_payable
from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.reconciliation.expectations import expectation_of, expectations_of
from runtime.payments.refunds.accounting import refund_entries_due
from runtime.payments.refunds.errors import RefundCode
from runtime.payments.refunds.model import Refund, RefundBook, RefundRequest, RefundStatus
from runtime.payments.refunds.rules import balance, hear, hear_request, reserve, to_be_asked, told_of
from runtime.payments.refunds.worth import rest_paise, share_paise
from runtime.payments.refusal import Refused

DAY = date(2026, 4, 1)
OWED, HELD = "school_payable:sch_1", "refunds_payable:sch_1"
RECEIVABLE, EXCHANGE = "gateway_receivable:razorpay", "exchange_difference:razorpay"
CURRENCIES = ("USD", "JPY", "KWD")


def book(captured_minor: int = 5_400, base_paise: int = 452_331, code: str = "USD") -> RefundBook:
    return RefundBook(
        gateway_payment_id="pay_A",
        currency=code,
        captured_paise=captured_minor,
        captured_base_paise=base_paise,
    )


def refund(
    name: str,
    amount_minor: int,
    base_paise: int | None = None,
    *,
    status: RefundStatus = RefundStatus.PROCESSED,
    code: str = "USD",
    request_id: str | None = None,
) -> Refund:
    return Refund(
        gateway_refund_id=name,
        amount_paise=amount_minor,
        currency=code,
        status=status,
        observed_at=1_775_025_000,
        base_amount_paise=base_paise,
        request_id=request_id,
    )


def post(known: RefundBook, entries: list[JournalEntry], lost: tuple[int, ...] = ()) -> RefundBook:
    """Book what is due, as a recorder does."""
    due = refund_entries_due(
        known, owed=school_payable("sch_1"), school_id="sch_1", business_day=DAY, lost_minor=lost
    )
    entries.extend(due)
    return known.model_copy(update={"journal": (*known.journal, *(entry.entry_id for entry in due))})


def balances(entries: list[JournalEntry]) -> dict[str, int]:
    books = trial_balance(entries)
    assert books.balances
    assert {entry.currency for entry in entries} <= {"INR"}
    assert len({entry.entry_id for entry in entries}) == len(entries)
    return {name: paise for name, paise in books.balances_paise.items() if paise}


@st.composite
def whole_payments(draw: st.DrawFn) -> tuple[RefundBook, list[Refund]]:
    """A captured payment of any currency and worth, and refunds by any rates that give all of it back."""
    code = draw(st.sampled_from(CURRENCIES))
    parts = draw(st.lists(st.integers(1, 100_000), min_size=1, max_size=8))
    base_paise = draw(st.integers(1, 10**9))
    refunds = [
        refund(f"rfnd_{number}", part, draw(st.integers(1, 10**8)), code=code)
        for number, part in enumerate(parts)
    ]
    return book(sum(parts), base_paise, code), refunds


@given(whole_payments(), st.data())
def test_after_everything_went_back_nothing_is_left_whatever_the_rates(
    case: tuple[RefundBook, list[Refund]], data: st.DataObject
) -> None:
    known, refunds = case
    entries: list[JournalEntry] = []
    for word in data.draw(st.permutations(refunds)):
        if data.draw(st.booleans()):  # its first word may be that it is on its way, or lack what it took
            early = {"status": RefundStatus.PENDING} if data.draw(st.booleans()) else {}
            early_word = word.model_copy(update={"base_amount_paise": None} | early)
            known = post(hear(known, early_word), entries)
        known = post(hear(known, word), entries)
        known = post(hear(known, word), entries)  # and it may come again
    taken_paise = sum(word.base_amount_paise or 0 for word in refunds)
    expected = {
        OWED: known.captured_base_paise,
        RECEIVABLE: -taken_paise,
        EXCHANGE: taken_paise - known.captured_base_paise,
    }
    assert balances(entries) == {name: paise for name, paise in expected.items() if paise}
    assert balance(known).refundable_paise == 0
    shown = {each.entity_id: each.amount_paise for each in expectations_of(entries)}
    assert shown == {word.gateway_refund_id: word.base_amount_paise for word in refunds}
    by_id = {entry.entry_id: entry for entry in entries}
    for word in refunds:
        found = expectation_of(word.gateway_refund_id, by_id.get)
        assert found is not None
        assert (found.kind, found.amount_paise) == ("refund", word.base_amount_paise)


@given(whole_payments(), st.data())
def test_at_any_moment_the_school_owes_no_more_than_the_capture_and_no_paisa_is_made(
    case: tuple[RefundBook, list[Refund]], data: st.DataObject
) -> None:
    known, refunds = case
    entries: list[JournalEntry] = []
    for word in data.draw(st.permutations(refunds)):
        status = data.draw(st.sampled_from(RefundStatus))
        known = post(hear(known, word.model_copy(update={"status": status})), entries)
        found = balances(entries)
        assert 0 <= found.get(OWED, 0) <= known.captured_base_paise
        assert found.get(HELD, 0) <= 0
        went = [each for each in known.refunds.values() if each.status is RefundStatus.PROCESSED]
        assert -found.get(RECEIVABLE, 0) == sum(each.base_amount_paise or 0 for each in went)


@given(st.integers(1, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=10))
def test_shares_and_the_rest_add_up_to_the_capture(base_paise: int, parts: list[int]) -> None:
    known = book(sum(parts), base_paise)
    rest = rest_paise(known, parts)
    assert sum(share_paise(known, part) for part in parts) + rest == base_paise
    assert 0 <= rest < len(parts)
    assert rest_paise(known, [*parts[:-1], parts[-1] + 1]) == 0


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_part_of_a_payment_in_rupees_is_worth_itself(captured_paise: int, part_paise: int) -> None:
    known = book(captured_paise, captured_paise, "INR")
    assert share_paise(known, part_paise) == part_paise


def test_a_worked_example() -> None:
    """USD 54.00 came as ₹4,523.31. USD 18.00 goes back thrice: at that rate, a dearer and a cheaper one."""
    entries: list[JournalEntry] = []
    known = book()
    for name, base_paise in (("rfnd_1", 150_777), ("rfnd_2", 153_000), ("rfnd_3", 149_000)):
        known = post(hear(known, refund(name, 1_800, base_paise)), entries)
    assert [(entry.entry_id, entry.lines[0].debit_paise) for entry in entries] == [
        ("refund-processed:rfnd_1", 150_777),
        ("refund-processed:rfnd_2", 150_777),
        ("refund-exchange:rfnd_2", 2_223),
        ("refund-processed:rfnd_3", 150_777),
        ("refund-exchange:rfnd_3", 1_777),
    ]
    assert [line.account.name for line in entries[2].lines] == [EXCHANGE, RECEIVABLE]
    assert [line.account.name for line in entries[4].lines] == [RECEIVABLE, EXCHANGE]
    assert balances(entries) == {OWED: 452_331, RECEIVABLE: -452_777, EXCHANGE: 446}


def test_what_rounding_left_goes_with_the_refund_that_completes_the_payment() -> None:
    entries: list[JournalEntry] = []
    known = book(300, 100)
    for number in range(3):
        known = post(hear(known, refund(f"rfnd_{number}", 100, 33)), entries)
    assert entries[-1].entry_id == "refund-rounding:pay_A:1:1"
    assert [line.account.name for line in entries[-1].lines] == [OWED, EXCHANGE]
    assert balances(entries) == {OWED: 100, RECEIVABLE: -99, EXCHANGE: -1}


def test_the_rounding_follows_when_a_total_turns_out_to_be_several_refunds() -> None:
    entries: list[JournalEntry] = []
    known = book(300, 100).model_copy(update={"refunded_at_gateway_paise": 300})
    known = post(known, entries)
    assert balances(entries) == {OWED: 100, RECEIVABLE: -100}
    for number in range(3):
        known = post(hear(known, refund(f"rfnd_{number}", 100, 33)), entries)
    assert balances(entries) == {OWED: 100, RECEIVABLE: -99, EXCHANGE: -1}


def test_a_lost_dispute_completes_a_payment_as_a_refund_does() -> None:
    entries: list[JournalEntry] = []
    known = book(300, 100)
    known = post(hear(known, refund("rfnd_1", 100, 33)), entries, lost=(200,))
    assert balances(entries) == {
        OWED: 34,
        RECEIVABLE: -33,
        EXCHANGE: -1,
    }  # 66 more by the dispute's own entry


def test_a_refund_counts_as_on_its_way_until_it_is_told_what_it_took() -> None:
    entries: list[JournalEntry] = []
    request = RefundRequest(request_id="rfd_A", amount_paise=1_800)
    known = post(hear_request(book(), request), entries)
    assert balances(entries) == {OWED: 150_777, HELD: -150_777}
    known = post(hear(known, refund("rfnd_1", 1_800, request_id="rfd_A")), entries)
    assert balances(entries) == {OWED: 150_777, HELD: -150_777}
    assert to_be_asked(known)
    assert balance(known).refundable_paise == 3_600  # the payer has it, whatever it took
    known = post(told_of(known, refund("rfnd_1", 1_800, 151_000, request_id="rfd_A")), entries)
    assert balances(entries) == {OWED: 150_777, RECEIVABLE: -151_000, EXCHANGE: 223}
    assert not to_be_asked(known)


def test_a_refund_that_is_worth_less_than_a_paisa_is_exchange_alone() -> None:
    entries: list[JournalEntry] = []
    known = post(hear(book(10_000, 5_000, "VND"), refund("rfnd_1", 1, 1, code="VND")), entries)
    assert [entry.entry_id for entry in entries] == ["refund-exchange:rfnd_1"]
    assert post(known, entries) == known


def test_two_words_about_what_a_refund_took_contradict_each_other() -> None:
    known = hear(book(), refund("rfnd_1", 1_800, 150_000))
    assert hear(known, refund("rfnd_1", 1_800)) is known
    with pytest.raises(Refused) as refused:
        hear(known, refund("rfnd_1", 1_800, 150_001))
    assert refused.value.code == RefundCode.CONTRADICTED


def test_a_capture_that_is_not_booked_has_no_shares() -> None:
    with pytest.raises(ValueError, match="not booked"):
        share_paise(book(5_400, 0), 100)


class TestReserve:
    def test_a_refund_is_a_step_of_its_currency(self) -> None:
        known = book(99_990, 2_700_000, "KWD")
        with pytest.raises(Refused) as refused:
            reserve(known, "rfd_A", 1_001, DAY)
        assert refused.value.code == RefundCode.NO_STEP
        assert reserve(known, "rfd_A", 10, DAY).requests["rfd_A"].amount_paise == 10

    def test_the_least_of_another_currency_is_a_step_and_of_rupees_a_rupee(self) -> None:
        assert reserve(book(800, 45_000, "JPY"), "rfd_A", 1, DAY).requests
        with pytest.raises(Refused) as refused:
            reserve(book(45_000, 45_000, "INR"), "rfd_A", 99, DAY)
        assert refused.value.code == RefundCode.BELOW_MINIMUM

    def test_the_balance_is_in_the_currency_that_was_paid(self) -> None:
        with pytest.raises(Refused, match=r"USD 54\.00 can still be refunded"):
            reserve(book(), "rfd_A", 5_401, DAY)
