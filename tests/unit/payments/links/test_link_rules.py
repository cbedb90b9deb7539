"""What a link is follows from what was heard, whatever came first."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.model import trial_balance
from runtime.payments.links.events import link_event
from runtime.payments.links.model import LinkEnd, LinkState, LinkStatus, PaymentLink
from runtime.payments.links.rules import (
    brings_money,
    count_payment,
    hear_link,
    link_status,
    part_id,
    part_of,
    surplus_entry,
)
from runtime.payments.model import Attempt, AttemptStatus, Payment, ReturnTotals
from runtime.payments.rules import hear
from runtime.platform.clock import business_date, from_iso
from runtime.platform.ids import is_id
from tests.unit.payments.samples import CREATED_AT

LINK_ID = "plk_01JQR4ZZZZZZZZZZZZZZZZZZZZ"
TODAY = business_date(from_iso(CREATED_AT))
AMOUNTS = {"pay_A": 15_000, "pay_B": 20_000, "pay_C": 25_000}


def a_link(**changes: Any) -> PaymentLink:
    values: dict[str, Any] = {
        "link_id": LINK_ID,
        "school_id": "sch_1",
        "payer_id": "usr_1",
        "amount_paise": 45_000,
        "currency": "INR",
        "accept_partial": True,
        "description": "Lunches in April",
        "gateway_link_id": "plink_1",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "version": 1,
    }
    return PaymentLink(**values | changes)


@st.composite
def words(draw: st.DrawFn) -> Attempt:
    """Anything that a gateway may say of one of three parts, which together are more than is due."""
    name = draw(st.sampled_from(sorted(AMOUNTS)))
    status = draw(st.sampled_from(AttemptStatus))
    captured = status in (AttemptStatus.CAPTURED, AttemptStatus.REFUNDED)
    refunded = draw(st.sampled_from([0, 5_000, AMOUNTS[name]])) if captured else 0
    return Attempt(
        gateway_payment_id=name,
        status=status,
        amount_paise=AMOUNTS[name],
        currency="INR",
        observed_at=1_775_025_000,
        was_captured=captured,
        amount_refunded_paise=refunded,
    )


def told(said: list[Attempt]) -> list[PaymentLink]:
    """The link after each of the words, as the repository would keep it."""
    link, payments = a_link(), dict[str, Payment]()
    history = [link]
    for attempt in said:
        before = payments.get(attempt.gateway_payment_id)
        if before is None and not brings_money(attempt):
            continue
        after = hear(before or part_of(link, attempt, CREATED_AT), attempt)
        gone = after.attempts[attempt.gateway_payment_id].amount_refunded_paise
        returns = {attempt.gateway_payment_id: ReturnTotals(refunded_paise=gone)}
        after = after.model_copy(update={"returns": returns})
        payments[attempt.gateway_payment_id] = after
        counted = count_payment(link, before, after)
        if counted is not link:
            link = counted.model_copy(update={"version": link.version + 1})
            history.append(link)
    return history


@given(st.lists(words(), max_size=8), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_ends_in_the_same_link(said: list[Attempt], chance: Any) -> None:
    shuffled = said + said[:3]
    chance.shuffle(shuffled)
    one, other = told(said)[-1], told(shuffled)[-1]
    assert one.model_copy(update={"version": 0}) == other.model_copy(update={"version": 0})


@given(st.lists(words(), max_size=8))
def test_what_was_paid_never_exceeds_what_was_asked_and_nothing_is_lost(said: list[Attempt]) -> None:
    link = told(said)[-1]
    captured = {attempt.gateway_payment_id for attempt in said if attempt.was_captured}
    assert link.captured_paise == sum(AMOUNTS[name] for name in captured)
    assert 0 <= link.paid_paise <= link.amount_paise
    assert link.paid_paise + link.due_paise == link.amount_paise
    assert link.suspense_paise == link.surplus_paise >= 0


@given(st.lists(words(), max_size=8))
def test_the_books_hold_exactly_the_surplus_in_suspense(said: list[Attempt]) -> None:
    history = told(said)
    entries = [surplus_entry(before, after, TODAY) for before, after in pairwise(history)]
    booked = [entry for entry in entries if entry is not None]
    assert len({entry.entry_id for entry in booked}) == len(booked)
    balances = trial_balance(booked).balances_paise
    assert balances.get("suspense:sch_1", 0) == -history[-1].surplus_paise
    assert balances.get("school_payable:sch_1", 0) == history[-1].surplus_paise


STATES = st.builds(
    LinkState,
    gateway_link_id=st.just("plink_1"),
    order_id=st.sampled_from([None, "order_1"]),
    short_url=st.sampled_from([None, "https://rzp.io/rzp/1"]),
    ended=st.sampled_from([None, *LinkEnd]),
)


@given(st.lists(STATES, max_size=6), st.randoms(use_true_random=False))
def test_what_the_gateway_says_of_a_link_is_merged(states: list[LinkState], chance: Any) -> None:
    def heard(order: list[LinkState]) -> PaymentLink:
        link = a_link(gateway_link_id=None)
        for state in order:
            link = hear_link(link, state)
        return link

    shuffled = states + states
    chance.shuffle(shuffled)
    assert heard(states) == heard(shuffled)
    for state in states:
        known = heard(states)
        assert hear_link(known, state) is known


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"gateway_link_id": None}, LinkStatus.UNKNOWN),
        ({}, LinkStatus.CREATED),
        ({"captured_paise": 100}, LinkStatus.PARTIALLY_PAID),
        ({"captured_paise": 45_000}, LinkStatus.PAID),
        ({"captured_paise": 45_001}, LinkStatus.OVERPAID),
        ({"captured_paise": 45_001, "refunded_paise": 1}, LinkStatus.PAID),
        ({"captured_paise": 45_000, "refunded_paise": 45_000}, LinkStatus.PAID),
        ({"captured_paise": 45_001, "disputed_paise": 1}, LinkStatus.PAID),
        ({"ended": LinkEnd.EXPIRED}, LinkStatus.EXPIRED),
        ({"ended": LinkEnd.CANCELLED, "captured_paise": 100}, LinkStatus.CANCELLED),
        ({"ended": LinkEnd.CANCELLED, "captured_paise": 45_000}, LinkStatus.PAID),
    ],
)
def test_the_status_follows_from_what_is_known(changes: dict[str, Any], status: LinkStatus) -> None:
    assert link_status(a_link(**changes)) is status


def test_the_id_of_a_part_is_an_id_and_always_the_same() -> None:
    ids = {part_id(LINK_ID, f"pay_{number}") for number in range(100)}
    assert len(ids) == 100
    assert all(is_id(each, "pmt") for each in ids)
    assert part_id(LINK_ID, "pay_1") == part_id(LINK_ID, "pay_1") != part_id("plk_other", "pay_1")


@pytest.mark.parametrize("status", AttemptStatus)
def test_only_what_brought_money_becomes_a_payment(status: AttemptStatus) -> None:
    attempt = Attempt(
        gateway_payment_id="pay_A", status=status, amount_paise=1, currency="INR", observed_at=1
    )
    assert brings_money(attempt) is (status not in (AttemptStatus.CREATED, AttemptStatus.FAILED))


def test_the_same_news_has_the_same_key_and_no_news_is_not_told() -> None:
    link = a_link()
    partly, paid = a_link(captured_paise=100), a_link(captured_paise=45_000)
    overpaid = a_link(captured_paise=45_100, suspense_paise=100)
    first, again = (
        link_event(partly, paid),
        link_event(overpaid, a_link(captured_paise=45_100, refunded_paise=100)),
    )
    assert first is not None
    assert again is not None
    assert first.detail["message_key"] == again.detail["message_key"]
    assert link_event(link, link.model_copy(update={"order_id": "order_1"})) is None
    assert link_event(None, a_link(gateway_link_id=None)) is None
    more = link_event(partly, a_link(captured_paise=200))
    assert more is not None
    assert (more.detail_type, more.detail["due_paise"]) == ("LinkPartiallyPaid", 44_800)
