"""The dispute API: which payments of a school are contested, and until when evidence can be given."""

from dataclasses import dataclass

from runtime.payments.disputes.contracts import DisputePage, ListDisputes, dispute_view
from runtime.payments.repository import PaymentRepository
from runtime.payments.tenancy import Tenancy
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock


@dataclass(frozen=True, slots=True)
class DisputeService:
    """Disputes as callers see them; the gateway's events alone change them."""

    repository: PaymentRepository
    tenancy: Tenancy
    clock: Clock

    def list(self, principal: Principal, asked: ListDisputes) -> DisputePage:
        """Disputes about payments of a school of the caller's, the newest first.

        Raises Problem ``school-forbidden``, ``query-invalid`` (several schools are possible) and
        ``cursor-invalid``.
        """
        school_id = self.tenancy.school_of(principal, asked.school_id)
        page = self.repository.returns.disputes_of(school_id, limit=asked.limit, cursor=asked.cursor)
        now = self.clock.now()
        return DisputePage(
            items=[
                dispute_view(each.dispute, payment_id=each.payment_id, school_id=school_id, at=now)
                for each in page.disputes
            ],
            next_cursor=page.next_cursor,
        )
