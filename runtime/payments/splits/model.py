"""The split of a captured payment between a school and its caterers, as terms and as a result."""

from datetime import date

from pydantic import model_validator

from runtime.payments.model import Frozen

RECEIVERS_MAX = 20
"""Linked accounts in one split: a school has a handful of caterers."""

REVERSALS_MAX = 500


class Hold(Frozen):
    """A transfer is held back: until the beginning of a day in India, or until released by hand (None)."""

    until: date | None = None


class Share(Frozen):
    """What a linked account gets: a fixed sum (paise) and then hundredths of a per cent of what is left when
    the fee and all fixed sums are taken off."""

    account_id: str
    basis_points: int = 0
    fixed_paise: int = 0
    hold: Hold | None = None


class FeeTerms(Frozen):
    """The platform's fee before GST: hundredths of a per cent of the payment, and a fixed sum (paise)."""

    basis_points: int = 0
    fixed_paise: int = 0


class SplitTerms(Frozen):
    """How payments are split. ``remainder_to`` gets what no share claims; it may have a share as well."""

    shares: tuple[Share, ...] = ()
    remainder_to: str
    fee: FeeTerms | None = None


class Fee(Frozen):
    """A fee and the GST on it, in paise; ``total_paise`` is what is deducted."""

    charge_paise: int = 0
    gst_paise: int = 0

    @property
    def total_paise(self) -> int:
        """The fee with its tax."""
        return self.charge_paise + self.gst_paise


class Part(Frozen):
    """A linked account's part (paise > 0). One that is below what the gateway transfers is retained: it is
    still owed to the account, and is paid with a later transfer."""

    account_id: str
    amount_paise: int
    retained: bool = False
    hold: Hold | None = None


class Taken(Frozen):
    """What a refund takes back of one account's part, in paise."""

    account_id: str
    amount_paise: int


class Reversal(Frozen):
    """What a refund takes back, account by account, and what of it the platform bears itself."""

    refund_id: str
    taken: tuple[Taken, ...]
    borne_paise: int = 0

    @property
    def refund_paise(self) -> int:
        """The refund."""
        return self.borne_paise + sum(each.amount_paise for each in self.taken)


class Split(Frozen):
    """A captured payment, split: fee, transfers and retained parts sum to it exactly, always."""

    captured_paise: int
    fee: Fee = Fee()
    parts: tuple[Part, ...]
    reversals: tuple[Reversal, ...] = ()

    @model_validator(mode="after")
    def _conserves(self) -> "Split":
        if self.fee.total_paise + sum(part.amount_paise for part in self.parts) != self.captured_paise:
            raise ValueError("fee, transfers and retained parts are what was captured")
        return self

    @property
    def transferred_paise(self) -> int:
        """What goes to linked accounts by transfer."""
        return sum(part.amount_paise for part in self.parts if not part.retained)

    @property
    def retained_paise(self) -> int:
        """What is owed to linked accounts and too little to transfer."""
        return sum(part.amount_paise for part in self.parts if part.retained)

    @property
    def reversed_paise(self) -> int:
        """What refunds have taken back and the platform has borne."""
        return sum(reversal.refund_paise for reversal in self.reversals)

    def unreversed_paise(self) -> dict[str, int]:
        """By account, in the order of the parts: what no refund has taken back yet."""
        left = {part.account_id: part.amount_paise for part in self.parts}
        for reversal in self.reversals:
            for taken in reversal.taken:
                left[taken.account_id] -= taken.amount_paise
        return left
