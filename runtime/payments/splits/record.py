"""The split of a captured gateway payment as it is kept: what it came to, and its transfers."""

from enum import StrEnum

from pydantic import Field

from runtime.payments.model import Frozen
from runtime.payments.splits.model import Split


class TransferStatus(StrEnum):
    """What the gateway says of a transfer, in its own words."""

    CREATED = "created"
    PENDING = "pending"
    FAILED = "failed"
    PROCESSED = "processed"
    PARTIALLY_REVERSED = "partially_reversed"
    REVERSED = "reversed"


ON_ITS_WAY = frozenset({TransferStatus.CREATED, TransferStatus.PENDING})
ARRIVED = frozenset({TransferStatus.PROCESSED, TransferStatus.PARTIALLY_REVERSED, TransferStatus.REVERSED})
"""Only what has arrived can be reversed (Route, "Reverse Transfers")."""


class Transfer(Frozen):
    """A transfer at the gateway, merged from all that was heard of it; paise.

    ``observed_at`` (unix seconds) is the moment of the newest word. ``fee_paise`` includes ``tax_paise``;
    both are None until the gateway has told them. ``settled``: it was paid out to the account's bank.
    ``reversals`` are the paise of the reversals whose identifiers are known; ``reversed_paise`` is all of
    them, for a word about a transfer tells the total alone.
    """

    transfer_id: str
    account_id: str
    amount_paise: int
    currency: str
    status: TransferStatus
    observed_at: int
    reversed_paise: int = 0
    reversals: dict[str, int] = Field(default_factory=dict)
    on_hold: bool = False
    on_hold_until: int | None = None
    settled: bool = False
    fee_paise: int | None = None
    tax_paise: int | None = None
    error_reason: str | None = None
    error_description: str | None = None

    @property
    def live_paise(self) -> int:
        """What the linked account has of it, or will have."""
        return 0 if self.status is TransferStatus.FAILED else self.amount_paise - self.reversed_paise

    @property
    def unnamed_paise(self) -> int:
        """What was reversed under identifiers that are not known yet."""
        return self.reversed_paise - sum(self.reversals.values())


class Refusal(Frozen):
    """The gateway said no. ``passes``: by itself, so that the same is asked again later; else a person has to
    do something first."""

    code: str
    description: str | None
    passes: bool
    refused_at: str


class SplitRecord(Frozen):
    """A captured gateway payment that is split, as it is stored.

    Without ``split`` the terms could not be applied: ``unsplit`` is the code of why. ``terms_number`` names
    the version of the school's terms. ``released`` are the accounts whose hold a person has ended,
    ``forgiven`` the failed transfers that a person wants tried again; ``refusals`` is by account, or by
    transfer for what was to be done with one. ``journal`` names the entries booked for it.

    ``due_at`` is when the gateway is looked at next, ``lease_until`` that somebody is at it, ``looks`` how
    often nothing came of it, ``quiet_until`` that it is left alone, for it may still be at work on what it
    did not confirm, or needs time. All are moments in UTC. ``version`` counts changes, for optimistic
    locking; 0 is not stored yet.
    """

    payment_id: str
    school_id: str
    gateway_payment_id: str
    currency: str
    terms_number: int
    split: Split | None = None
    unsplit: str | None = None
    transfers: dict[str, Transfer] = Field(default_factory=dict)
    released: tuple[str, ...] = ()
    forgiven: tuple[str, ...] = ()
    refusals: dict[str, Refusal] = Field(default_factory=dict)
    journal: tuple[str, ...] = ()
    due_at: str | None = None
    lease_until: str | None = None
    quiet_until: str | None = None
    looks: int = 0
    created_at: str
    updated_at: str
    version: int = 0

    def transfers_to(self, account_id: str) -> tuple[Transfer, ...]:
        """The transfers to an account, the oldest first (the gateway's identifiers begin with the time)."""
        found = (each for each in self.transfers.values() if each.account_id == account_id)
        return tuple(sorted(found, key=lambda each: each.transfer_id))

    def live_paise(self, account_id: str) -> int:
        """What an account has of the payment, or will have."""
        return sum(each.live_paise for each in self.transfers_to(account_id))
