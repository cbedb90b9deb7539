"""A payment that the gateway tells of when it is asked, recorded as a part of its link."""

from runtime.payments.links.applier import CHANGE_ATTEMPTS_MAX, LinkEvents
from runtime.payments.links.model import PaymentLink
from runtime.payments.model import Attempt
from runtime.payments.recorder import PaymentChanged, PaymentRecorder
from runtime.platform.audit import AuditLine
from runtime.platform.errors import CONCURRENT_CHANGE, Problem


def record_part(recorder: PaymentRecorder, link: PaymentLink, attempt: Attempt, line: AuditLine) -> None:
    """Record the payment that an attempt to pay ``link`` is, if it brought money and is news. Raises Problem
    ``concurrent-change``."""
    events = LinkEvents(recorder.repository, recorder.links, recorder.clock)
    for _ in range(CHANGE_ATTEMPTS_MAX):
        before, after = events.payment_of(link, attempt)
        if after is None or after is before:
            return
        try:
            recorder.record(before, after, line, attempt=attempt)
        except PaymentChanged:
            continue
        return
    raise Problem(CONCURRENT_CHANGE, "The payment kept changing.", retry_after_s=1)
