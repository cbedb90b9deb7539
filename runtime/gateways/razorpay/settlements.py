"""What Razorpay pays out to our bank, line by line, and what it takes back in disputes."""

from datetime import date, datetime
from typing import Final

from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.api import Page, RazorpayApi
from runtime.gateways.razorpay.models import Dispute, ReconRow, Settlement

RECON_COUNT_MAX: Final = 1_000


class Settlements(RazorpayApi):
    """``/v1/settlements`` and ``/v1/disputes``."""

    def get_settlement(self, settlement_id: str) -> Settlement:
        """One settlement, as it is now."""
        path = f"/v1/settlements/{requests.identifier(settlement_id)}"
        return self._get(Settlement, "get_settlement", path)

    def list_settlements(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        skip: int = 0,
        count: int = 100,
    ) -> Page[Settlement]:
        """Settlements created between the two moments, the newest first; ``count`` is at most 100."""
        query = requests.period(since, until)
        return self._list(Settlement, "list_settlements", "/v1/settlements", query, skip=skip, count=count)

    def list_recon(self, day: date, *, skip: int = 0, count: int = RECON_COUNT_MAX) -> Page[ReconRow]:
        """The lines settled on ``day`` (a calendar day in India); ``count`` is at most 1,000."""
        query = (("year", day.year), ("month", day.month), ("day", day.day))
        return self._list(
            ReconRow,
            "list_recon",
            "/v1/settlements/recon/combined",
            query,
            skip=skip,
            count=count,
            count_max=RECON_COUNT_MAX,
        )

    def get_dispute(self, dispute_id: str) -> Dispute:
        """One dispute, as it is now."""
        return self._get(Dispute, "get_dispute", f"/v1/disputes/{requests.identifier(dispute_id)}")
