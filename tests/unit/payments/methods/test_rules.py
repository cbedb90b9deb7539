"""Any order and any repetition of what is said of a token ends in the same mandate; a default is never
guessed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.methods.model import (
    Frequency,
    Instrument,
    InstrumentKind,
    Mandate,
    MandateMethod,
    MandateStatus,
    Method,
    TokenRecord,
    TokenState,
    TokenStatus,
)
from runtime.payments.methods.rules import (
    FINAL,
    card_has_expired,
    choose_method,
    current_token,
    mandate_status,
    merge_token,
)

NOW = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)

instruments = st.builds(
    Instrument,
    kind=st.sampled_from(InstrumentKind),
    last4=st.none() | st.just("1111"),
    vpa_masked=st.none() | st.just("r***@okhdfc"),
)
states = st.builds(
    TokenState,
    status=st.sampled_from(TokenStatus),
    observed_at=st.integers(0, 5),
    failure_reason=st.none() | st.just("Rejected by bank"),
    instrument=st.none() | instruments,
    max_amount_paise=st.none() | st.sampled_from([100, 200]),
)


def merged(heard: list[TokenState]) -> TokenState | None:
    known: TokenState | None = None
    for state in heard:
        known = merge_token(known, state)
    return known


@given(
    st.lists(states, min_size=1, max_size=6).flatmap(
        lambda heard: st.tuples(st.just(heard), st.permutations(heard))
    )
)
def test_the_order_in_which_words_come_does_not_matter(
    both: tuple[list[TokenState], list[TokenState]],
) -> None:
    heard, shuffled = both
    assert merged(heard) == merged(shuffled) == merged([*shuffled, *heard])


@given(states, states, states)
def test_merging_is_associative(a: TokenState, b: TokenState, c: TokenState) -> None:
    assert merge_token(merge_token(a, b), c) == merge_token(a, merge_token(b, c))


@given(st.lists(states, min_size=1, max_size=6))
def test_an_end_is_never_undone(heard: list[TokenState]) -> None:
    result = merged(heard)
    assert result is not None
    assert (result.status in FINAL) == any(state.status in FINAL for state in heard)


@given(st.lists(states, min_size=1, max_size=6))
def test_a_word_that_omits_the_instrument_takes_nothing_away(heard: list[TokenState]) -> None:
    result = merged(heard)
    assert result is not None
    assert (result.instrument is not None) == any(state.instrument is not None for state in heard)


def test_a_pause_and_a_resumption_follow_each_other_as_they_happened() -> None:
    words = [(TokenStatus.CONFIRMED, 1), (TokenStatus.PAUSED, 2), (TokenStatus.CONFIRMED, 3)]
    heard = [TokenState(status=status, observed_at=at) for status, at in words]
    assert [merged(heard[:n]).status for n in (1, 2, 3)] == [status for status, _ in words]  # type: ignore[union-attr]  # not empty
    late = merged([heard[2], heard[1], heard[0]])
    assert late is not None
    assert late.status is TokenStatus.CONFIRMED


def mandate(**changes: object) -> Mandate:
    return Mandate.model_validate(
        {
            "mandate_id": "mdt_1",
            "payer_id": "usr_1",
            "school_id": "sch_1",
            "method": MandateMethod.UPI,
            "max_amount_paise": 500_000,
            "currency": "INR",
            "frequency": Frequency.MONTHLY,
            "ends_at": "2027-03-31T18:29:59.000Z",
            "first_payment_paise": 0,
            "payment_id": "pmt_1",
            "order_id": "order_1",
            "customer_id": "cust_1",
            "created_at": "2026-04-01T06:30:00.000Z",
        }
        | changes
    )


def token(status: TokenStatus | None, name: str = "token_1", observed_at: int = 1) -> TokenRecord:
    state = None if status is None else TokenState(status=status, observed_at=observed_at)
    return TokenRecord(token_id=name, state=state)


@pytest.mark.parametrize(
    ("tokens", "status"),
    [
        ([], MandateStatus.CREATED),
        ([token(None)], MandateStatus.INITIATED),
        ([token(TokenStatus.INITIATED)], MandateStatus.INITIATED),
        ([token(TokenStatus.CONFIRMED)], MandateStatus.ACTIVE),
        ([token(TokenStatus.PAUSED)], MandateStatus.PAUSED),
        ([token(TokenStatus.REJECTED)], MandateStatus.REJECTED),
        ([token(TokenStatus.CANCELLED)], MandateStatus.CANCELLED),
        ([token(TokenStatus.REJECTED), token(TokenStatus.CONFIRMED, "token_2")], MandateStatus.ACTIVE),
        ([token(TokenStatus.CONFIRMED), token(None, "token_2")], MandateStatus.ACTIVE),
    ],
)
def test_a_mandate_stands_where_its_tokens_say(tokens: list[TokenRecord], status: MandateStatus) -> None:
    assert mandate_status(mandate(), tokens, NOW) is status
    assert mandate_status(mandate(), list(reversed(tokens)), NOW) is status


@pytest.mark.parametrize(
    ("tokens", "changes", "status"),
    [
        ([token(TokenStatus.CONFIRMED)], {"ends_at": "2026-04-01T06:30:00.000Z"}, MandateStatus.EXPIRED),
        ([token(TokenStatus.CONFIRMED)], {"ends_at": "2026-04-01T06:30:00.001Z"}, MandateStatus.ACTIVE),
        ([token(TokenStatus.CANCELLED)], {"ends_at": "2026-03-01T00:00:00.000Z"}, MandateStatus.CANCELLED),
        (
            [token(TokenStatus.CONFIRMED)],
            {"cancel_requested_at": "2026-04-01T06:00:00.000Z"},
            MandateStatus.CANCELLING,
        ),
        ([], {"cancel_requested_at": "2026-04-01T06:00:00.000Z"}, MandateStatus.CANCELLED),
        (
            [token(TokenStatus.REJECTED)],
            {"cancel_requested_at": "2026-04-01T06:00:00.000Z"},
            MandateStatus.REJECTED,
        ),
    ],
)
def test_an_end_that_was_asked_for_or_is_over_counts(
    tokens: list[TokenRecord], changes: dict[str, object], status: MandateStatus
) -> None:
    assert mandate_status(mandate(**changes), tokens, NOW) is status


def test_no_token_is_current_where_there_is_none() -> None:
    assert current_token([]) is None


def method(method_id: str, *, revoked: bool = False, expires_on: str | None = None) -> Method:
    return Method(
        method_id=method_id,
        payer_id="usr_1",
        token_id=f"token_{method_id}",
        customer_id="cust_1",
        instrument=Instrument(kind=InstrumentKind.CARD, last4="1111", expires_on=expires_on),
        created_at="2026-04-01T06:30:00.000Z",
        revoked_at="2026-04-01T06:30:00.000Z" if revoked else None,
    )


@pytest.mark.parametrize(
    ("subscription", "customer", "chosen"),
    [
        ("a", "b", "a"),
        (None, "b", "b"),
        ("gone", "b", "b"),
        ("gone", "gone", None),
        ("unknown", None, None),
        (None, None, None),
    ],
)
def test_the_subscription_then_the_customer_then_nobody_decides(
    subscription: str | None, customer: str | None, chosen: str | None
) -> None:
    found = choose_method(
        [method("a"), method("b"), method("gone", revoked=True)],
        subscription_default=subscription,
        customer_default=customer,
    )
    assert (found.method_id if found else None) == chosen


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (datetime(2026, 3, 31, 18, 29, tzinfo=UTC), False),  # 23:59 on the 31st in India
        (datetime(2026, 3, 31, 18, 30, tzinfo=UTC), True),  # midnight in India, not yet in Greenwich
    ],
)
def test_a_card_is_good_to_the_end_of_its_month_in_india(now: datetime, expired: bool) -> None:
    assert card_has_expired(method("a", expires_on="2026-03"), now) is expired


def test_what_has_no_last_month_does_not_expire() -> None:
    assert not card_has_expired(method("a"), NOW)
