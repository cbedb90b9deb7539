"""What callers of the split API send and get."""

from typing import Annotated

from pydantic import Field, StringConstraints

from runtime.payments.splits.model import FeeTerms, Hold, Share, SplitTerms
from runtime.payments.splits.record import Refusal, SplitRecord, Transfer, TransferStatus
from runtime.payments.splits.targets import needs_person, outstanding_paise
from runtime.payments.splits.terms import SchoolTerms, TermsVersion
from runtime.platform.api import Contract

AccountId = Annotated[str, StringConstraints(pattern=r"^acc_[A-Za-z0-9]{14}$")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class HoldTerms(Contract):
    """A transfer is held back: until the beginning of a day in India, or without it until it is released."""

    until: Day | None = None


class ShareTerms(Contract):
    """What a linked account gets: a fixed sum, and a share of what is left after the fee and all fixed sums.
    It needs one of the two."""

    account_id: AccountId = Field(description="The linked account at the gateway.")
    basis_points: int = Field(
        default=0,
        description="Hundredths of a per cent: 7000 is 70 %.",
        json_schema_extra={"minimum": 0, "maximum": 10_000},
    )
    fixed_paise: int = Field(default=0, description="A fixed sum.", json_schema_extra={"minimum": 0})
    hold: HoldTerms | None = Field(default=None, description="Whether its transfers are held back at first.")


class PlatformFeeTerms(Contract):
    """The platform's fee before GST, deducted first."""

    basis_points: int = Field(default=0, json_schema_extra={"minimum": 0, "maximum": 10_000})
    fixed_paise: int = Field(default=0, json_schema_extra={"minimum": 0})


class SetSplitTerms(Contract):
    """How captured payments of a school are split, from a day on."""

    effective_from: Day | None = Field(
        default=None,
        description="The first day in India, at most a year ahead; unless given today, from the moment on.",
    )
    shares: Annotated[list[ShareTerms], Field(max_length=20)] = Field(
        default_factory=list, description="At most 20; their basis_points sum to 10000 at most."
    )
    remainder_to: AccountId = Field(description="Who gets what no share claims; mostly the school's own.")
    fee: PlatformFeeTerms | None = None

    def terms(self) -> SplitTerms:
        """The terms as the rules take them. Raises ValueError for a day that there is not."""
        return SplitTerms(
            shares=tuple(
                Share(
                    account_id=each.account_id,
                    basis_points=each.basis_points,
                    fixed_paise=each.fixed_paise,
                    hold=None if each.hold is None else Hold.model_validate(each.hold.model_dump()),
                )
                for each in self.shares
            ),
            remainder_to=self.remainder_to,
            fee=None
            if self.fee is None
            else FeeTerms(basis_points=self.fee.basis_points, fixed_paise=self.fee.fixed_paise),
        )


class ReleaseHold(Contract):
    """End the hold of an account's transfers of a payment."""

    account_id: AccountId


class TermsVersionView(Contract):
    """Terms from a day on. `ends`: from that day nothing is split."""

    number: int
    effective_from: Day
    ends: bool
    shares: list[ShareTerms]
    remainder_to: str | None
    fee: PlatformFeeTerms | None
    set_by: str
    set_at: str


class SplitTermsView(Contract):
    """The split terms of a school: the version in force now, null where nothing is split, and all of them
    in the order in which they were set."""

    school_id: str
    in_force: TermsVersionView | None
    versions: list[TermsVersionView]


class TransferView(Contract):
    """A transfer to an account. `on_hold_until` is in unix seconds, and `fee_paise` includes `tax_paise`."""

    transfer_id: str
    status: TransferStatus
    amount_paise: int
    reversed_paise: int
    on_hold: bool
    on_hold_until: int | None
    settled: bool
    fee_paise: int | None
    tax_paise: int | None
    error_reason: str | None
    error_description: str | None


class RefusalView(Contract):
    """The gateway refused a step. `passes`: it is tried again by itself."""

    code: str
    description: str | None
    passes: bool
    refused_at: str


class PartView(Contract):
    """A linked account's part. `amount_paise` less `taken_back_paise` is what it is to have; `live_paise` is
    what its transfers come to, and `outstanding_paise` the difference: what is still to be transferred, or,
    below nothing, to be reversed. `needs_person`: nothing is tried before a retry is asked for."""

    account_id: str
    amount_paise: int
    taken_back_paise: int
    live_paise: int
    outstanding_paise: int
    held: bool
    needs_person: bool
    transfers: list[TransferView]
    refusals: list[RefusalView]


class SplitView(Contract):
    """The split of a captured payment. The fee with its GST and all parts sum to `captured_paise`.

    `unsplit_code` says why the terms could not be applied; then there are no parts and the money stays with
    the school. `borne_paise` is what the platform bears of refunds. `next_look_at`: when the gateway is asked
    next; null when everybody has what they are to have.
    """

    payment_id: str
    school_id: str
    gateway_payment_id: str
    currency: str
    terms_number: int
    unsplit_code: str | None
    captured_paise: int
    fee_paise: int
    fee_gst_paise: int
    borne_paise: int
    parts: list[PartView]
    next_look_at: str | None
    created_at: str
    updated_at: str


def terms_view(agreed: SchoolTerms, present: TermsVersion | None) -> SplitTermsView:
    """The terms of a school as callers see them."""
    return SplitTermsView(
        school_id=agreed.school_id,
        in_force=None if present is None or present.terms is None else _version(present),
        versions=[_version(each) for each in agreed.versions],
    )


def split_view(record: SplitRecord, captured_paise: int) -> SplitView:
    """A split as callers see it."""
    split = record.split
    left, missing = (split.unreversed_paise() if split else {}), outstanding_paise(record)
    return SplitView(
        payment_id=record.payment_id,
        school_id=record.school_id,
        gateway_payment_id=record.gateway_payment_id,
        currency=record.currency,
        terms_number=record.terms_number,
        unsplit_code=record.unsplit,
        captured_paise=captured_paise,
        fee_paise=split.fee.charge_paise if split else 0,
        fee_gst_paise=split.fee.gst_paise if split else 0,
        borne_paise=sum(each.borne_paise for each in split.reversals) if split else 0,
        parts=[
            PartView(
                account_id=part.account_id,
                amount_paise=part.amount_paise,
                taken_back_paise=part.amount_paise - left[part.account_id],
                live_paise=record.live_paise(part.account_id),
                outstanding_paise=missing[part.account_id],
                held=any(each.on_hold for each in record.transfers_to(part.account_id)),
                needs_person=needs_person(record, part.account_id),
                transfers=[_transfer(each) for each in record.transfers_to(part.account_id)],
                refusals=_refusals(record, part.account_id),
            )
            for part in (split.parts if split else ())
        ],
        next_look_at=record.due_at,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _version(version: TermsVersion) -> TermsVersionView:
    terms = version.terms
    fee = terms.fee if terms is not None else None
    return TermsVersionView(
        number=version.number,
        effective_from=version.effective_from,
        ends=terms is None,
        shares=[
            ShareTerms(
                account_id=each.account_id,
                basis_points=each.basis_points,
                fixed_paise=each.fixed_paise,
                hold=None
                if each.hold is None
                else HoldTerms(until=each.hold.until.isoformat() if each.hold.until else None),
            )
            for each in (terms.shares if terms is not None else ())
        ],
        remainder_to=terms.remainder_to if terms is not None else None,
        fee=None
        if fee is None
        else PlatformFeeTerms(basis_points=fee.basis_points, fixed_paise=fee.fixed_paise),
        set_by=version.set_by,
        set_at=version.set_at,
    )


def _transfer(transfer: Transfer) -> TransferView:
    return TransferView(**{name: getattr(transfer, name) for name in TransferView.model_fields})


def _refusals(record: SplitRecord, account_id: str) -> list[RefusalView]:
    names = (account_id, *(each.transfer_id for each in record.transfers_to(account_id)))
    found: list[Refusal] = [record.refusals[name] for name in names if name in record.refusals]
    return [RefusalView(**refusal.model_dump()) for refusal in found]
