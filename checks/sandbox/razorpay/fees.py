"""What Razorpay charges: a share of the amount plus GST on the fee. `fee` always includes `tax`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

BASIS_POINTS = 10_000


@dataclass(frozen=True)
class Charge:
    """`fee_paise` includes `tax_paise`, as on every Razorpay entity and recon row."""

    fee_paise: int
    tax_paise: int


def _share(amount_paise: int, basis_points: int) -> int:
    """Half-up share of a non-negative amount."""
    return (amount_paise * basis_points * 2 + BASIS_POINTS) // (BASIS_POINTS * 2)


@dataclass(frozen=True)
class FeeSchedule:
    """Rates in basis points (200 = 2 %). Method rates override the default."""

    payment_basis_points: int = 200
    payment_basis_points_by_method: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    transfer_basis_points: int = 25
    instant_refund_paise: int = 0
    gst_basis_points: int = 1800

    def payment(self, method: str, amount_paise: int) -> Charge:
        rate = self.payment_basis_points_by_method.get(method, self.payment_basis_points)
        return self._with_gst(_share(amount_paise, rate))

    def transfer(self, amount_paise: int) -> Charge:
        return self._with_gst(_share(amount_paise, self.transfer_basis_points))

    def refund(self, speed_processed: str) -> Charge:
        """Normal refunds are free; an instant one costs a flat amount before GST."""
        return self._with_gst(self.instant_refund_paise if speed_processed == "instant" else 0)

    def _with_gst(self, net_fee_paise: int) -> Charge:
        tax = _share(net_fee_paise, self.gst_basis_points)
        return Charge(fee_paise=net_fee_paise + tax, tax_paise=tax)
