"""Of a token only what may be kept is taken over; the documented samples are read as they are."""

import json
from typing import Any

import pytest

from checks.toolchain import REPOSITORY
from runtime.gateways.razorpay.models import Token
from runtime.gateways.razorpay.webhooks import parse_event
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.methods.model import InstrumentKind, TokenStatus
from runtime.payments.methods.token_view import instrument_from, token_state_from

SAMPLES = REPOSITORY.parent / "shared" / "razorpay" / "webhooks"


def token(**fields: Any) -> Token:
    return Token.model_validate({"id": "token_1", "method": "card", **fields})


@pytest.mark.parametrize(
    ("sample", "status", "kind"),
    [
        ("token.confirmed", TokenStatus.CONFIRMED, InstrumentKind.EMANDATE),
        ("token.rejected", TokenStatus.REJECTED, InstrumentKind.EMANDATE),
        ("token.paused", TokenStatus.PAUSED, InstrumentKind.UPI),
        ("token.cancelled", TokenStatus.CANCELLED, InstrumentKind.UPI),
    ],
)
def test_documented_events_are_understood(sample: str, status: TokenStatus, kind: InstrumentKind) -> None:
    path = SAMPLES / f"{sample}.01.json"
    if not path.exists():
        pytest.skip("the documented webhook samples are not beside the repository")
    event = parse_event(path.read_bytes())
    assert event.token is not None
    state = token_state_from(event.token, observed_at=event.created_at or 0)
    assert (state.status, state.instrument and state.instrument.kind) == (status, kind)
    kept = state.model_dump_json()
    for secret in ("Gaurav", "1121431121541121", "56546"):
        assert secret not in kept


def test_of_a_card_only_what_recognises_it_is_kept() -> None:
    found = instrument_from(
        token(
            card={
                "last4": "1111",
                "network": "Visa",
                "issuer": "HDFC",
                "expiry_month": "3",
                "expiry_year": 2028,
            }
        )
    )
    assert found is not None
    assert found.model_dump(exclude_none=True) == {
        "kind": InstrumentKind.CARD,
        "last4": "1111",
        "network": "Visa",
        "issuer": "HDFC",
        "expires_on": "2028-03",
    }


@pytest.mark.parametrize(
    ("month", "year", "expires_on"),
    [
        (12, 28, "2028-12"),
        ("01", "2030", "2030-01"),
        (13, 2028, None),
        (0, 2028, None),
        (3, None, None),
        ("x", 1, None),
    ],
)
def test_the_month_and_year_of_a_card_come_in_many_ways(
    month: object, year: object, expires_on: str | None
) -> None:
    found = instrument_from(token(card={"last4": "1111", "expiry_month": month, "expiry_year": year}))
    assert found is not None
    assert found.expires_on == expires_on


def test_a_handle_in_two_parts_is_masked() -> None:
    whole = instrument_from(token(method="upi", vpa={"username": "ravi.k", "handle": "okhdfc", "name": None}))
    half = instrument_from(token(method="upi", vpa={"username": "ravi.k", "handle": None}))
    assert whole is not None
    assert half is not None
    assert (whole.vpa_masked, half.vpa_masked) == ("r***@okhdfc", None)


@pytest.mark.parametrize("method", [None, "paylater", ""])
def test_an_instrument_of_another_kind_is_none_of_ours(method: str | None) -> None:
    assert instrument_from(token(method=method)) is None


@pytest.mark.parametrize(
    ("said", "status"), [(None, "confirmed"), ("not_applicable", "confirmed"), ("paused", "paused")]
)
def test_a_token_without_a_mandate_can_be_used(said: str | None, status: str) -> None:
    state = token_state_from(token(recurring_details={"status": said}), observed_at=7)
    assert (state.status.value, state.observed_at) == (status, 7)


def test_an_undocumented_status_is_not_guessed() -> None:
    with pytest.raises(StatusNotKnown, match="frozen"):
        token_state_from(token(recurring_details={"status": "frozen"}), observed_at=7)


def test_a_reason_with_a_telephone_number_is_kept_without_it() -> None:
    details = {"status": "rejected", "failure_reason": json.dumps("call +919876543210 " + "x" * 300)}
    state = token_state_from(token(recurring_details=details), observed_at=7)
    assert state.failure_reason is not None
    assert "9876543210" not in state.failure_reason
    assert len(state.failure_reason) <= 200
