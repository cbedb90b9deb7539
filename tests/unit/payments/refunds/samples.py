"""Refund books and words about refunds, for tests and properties."""

from typing import Any

from hypothesis import strategies as st

from runtime.payments.refunds.model import Refund, RefundBook, RefundRequest, RefundStatus

CAPTURED_PAISE = 45_000
REQUESTS = {"rfd_A": 10_000, "rfd_B": 20_000}
"""What we asked for, by request."""

GATEWAY_REFUNDS = {"rfnd_1": 10_000, "rfnd_2": 20_000, "rfnd_3": 5_000, "rfnd_4": 10_000}
"""What the gateway made, by its id."""

OWNERS: dict[str, str | None] = {"rfnd_1": "rfd_A", "rfnd_2": "rfd_B", "rfnd_3": None, "rfnd_4": "rfd_A"}
"""Whose request each refund answers: the third was made in the dashboard, the fourth is a second one for a
request that has one already, which the gateway should never make."""


def book(**changes: Any) -> RefundBook:
    values: dict[str, Any] = {
        "gateway_payment_id": "pay_A",
        "currency": "INR",
        "captured_paise": CAPTURED_PAISE,
        "captured_base_paise": CAPTURED_PAISE,
    }
    return RefundBook(**values | changes)


def refund(gateway_refund_id: str = "rfnd_1", **changes: Any) -> Refund:
    values: dict[str, Any] = {
        "gateway_refund_id": gateway_refund_id,
        "amount_paise": GATEWAY_REFUNDS[gateway_refund_id],
        "currency": "INR",
        "status": RefundStatus.PENDING,
        "observed_at": 1_775_025_000,
        "request_id": OWNERS[gateway_refund_id],
    }
    return Refund(**values | changes)


@st.composite
def words(draw: st.DrawFn, names: tuple[str, ...] = ("rfnd_1",)) -> Refund:
    """Anything that the gateway may say of a refund; any word may omit the receipt, the speed and the ARN."""
    name = draw(st.sampled_from(names))
    status = draw(st.sampled_from(RefundStatus))
    return refund(
        name,
        status=status,
        observed_at=draw(st.integers(1_775_025_000, 1_775_025_003)),
        request_id=draw(st.sampled_from([None, OWNERS[name]])),
        speed_requested=draw(st.sampled_from([None, "optimum"])),
        speed_processed=draw(st.sampled_from([None, "instant", "normal", "some other"])),
        arn=draw(st.sampled_from([None, "74332745", "74332746"])),
        was_failed=status is RefundStatus.FAILED,
    )


def requests() -> st.SearchStrategy[RefundRequest]:
    """Words about our own requests."""
    return st.builds(
        lambda name, refused, unknown: RefundRequest(
            request_id=name, amount_paise=REQUESTS[name], refused=refused, outcome_unknown=unknown
        ),
        st.sampled_from(sorted(REQUESTS)),
        st.booleans(),
        st.booleans(),
    )


def totals() -> st.SearchStrategy[int]:
    """The gateway's own total."""
    return st.sampled_from([0, 5_000, 10_000, 15_000, 30_000, CAPTURED_PAISE])


ALL = tuple(GATEWAY_REFUNDS)


def facts() -> st.SearchStrategy[list[Refund | RefundRequest | int]]:
    """A history: words of the gateway, of ourselves, and totals."""
    return st.lists(st.one_of(words(ALL), requests(), totals()), max_size=8)
