"""What is to be done at the gateway, so that every linked account has what it is to have: pure rules.

The aim is a state, not a list of steps: what an account is to have is its part less what refunds took back;
what it has is what its transfers come to. The difference is transferred or reversed. So a step that was taken
and never confirmed is not taken again once the transfers were fetched.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from runtime.payments.money_rules import MoneyRule, value_on
from runtime.payments.splits.model import Hold
from runtime.payments.splits.record import ARRIVED, ON_ITS_WAY, SplitRecord, TransferStatus
from runtime.payments.splits.rules import is_held
from runtime.platform.clock import business_date, from_iso

LOOK_AGAIN_AFTER = timedelta(minutes=2)
"""The soonest after a silence: whatever was under way at the gateway has ended by then, and is fetched."""

LOOK_AGAIN_MAX = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Pay:
    """Transfer ``amount_paise`` to an account, held back as ``hold`` says."""

    account_id: str
    amount_paise: int
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Reverse ``amount_paise`` of a transfer."""

    transfer_id: str
    amount_paise: int


@dataclass(frozen=True, slots=True)
class Release:
    """End the hold of a transfer."""

    transfer_id: str


Step = Pay | TakeBack | Release


def name_of(step: Step) -> str:
    """What a refusal of the step is kept under."""
    return step.account_id if isinstance(step, Pay) else step.transfer_id


def outstanding_paise(record: SplitRecord) -> dict[str, int]:
    """By account: what it is to have and has not (positive), or has and is to give back (negative)."""
    if record.split is None:
        return {}
    return {
        account_id: due_paise - record.live_paise(account_id)
        for account_id, due_paise in record.split.unreversed_paise().items()
    }


def steps(record: SplitRecord, now: datetime) -> tuple[Step, ...]:
    """Everything that can be done at the gateway now, what is taken back first.

    Nothing is paid to an account of which a transfer failed, or whose transfer was refused, until a person
    has decided; less than the gateway transfers stays outstanding.
    """
    least_paise = value_on(MoneyRule.TRANSFER_MIN_PAISE, business_date(now))
    found: list[Step] = []
    for account_id, paise in outstanding_paise(record).items():
        if paise < 0:
            found.extend(_taking_back(record, account_id, -paise, least_paise))
    found.extend(_releasing(record))
    for account_id, paise in outstanding_paise(record).items():
        if paise >= least_paise and not needs_person(record, account_id):
            found.append(Pay(account_id, paise, _hold(record, account_id, now)))
    return tuple(step for step in found if not _stands_refused(record, name_of(step)))


def needs_person(record: SplitRecord, account_id: str) -> bool:
    """Whether nothing is transferred to an account before a person has decided."""
    failed = any(
        each.status is TransferStatus.FAILED and each.transfer_id not in record.forgiven
        for each in record.transfers_to(account_id)
    )
    return failed or _stands_refused(record, account_id)


def next_look(record: SplitRecord, now: datetime) -> datetime | None:
    """When the gateway is to be looked at next: at once where something is to be done, later where transfers
    are on their way or reversals have no names yet, None once everybody has what they are to have. Never
    before ``quiet_until``."""
    if record.split is None:
        return None
    quiet = now if record.quiet_until is None else max(now, from_iso(record.quiet_until))
    if steps(record, now):
        return quiet
    if any(each.status in ON_ITS_WAY or each.unnamed_paise for each in record.transfers.values()):
        return max(quiet, now + pause(record.looks))
    return quiet if quiet > now else None


def pause(looks: int) -> timedelta:
    """How long to wait after so many looks of which nothing came."""
    longer: timedelta = LOOK_AGAIN_AFTER * 2 ** min(looks, 10)
    return min(longer, LOOK_AGAIN_MAX)


def _taking_back(record: SplitRecord, account_id: str, excess_paise: int, least_paise: int) -> list[TakeBack]:
    found: list[TakeBack] = []
    for transfer in reversed(record.transfers_to(account_id)):
        paise = min(excess_paise, transfer.live_paise)
        if transfer.status in ARRIVED and paise >= least_paise:
            found.append(TakeBack(transfer.transfer_id, paise))
            excess_paise -= paise
    return found


def _releasing(record: SplitRecord) -> list[Release]:
    return [
        Release(each.transfer_id)
        for account_id in record.released
        for each in record.transfers_to(account_id)
        if each.on_hold and not each.settled and each.live_paise > 0
    ]


def _hold(record: SplitRecord, account_id: str, now: datetime) -> Hold | None:
    if record.split is None or account_id in record.released:
        return None
    hold = next((part.hold for part in record.split.parts if part.account_id == account_id), None)
    return hold if is_held(hold, now) else None


def _stands_refused(record: SplitRecord, name: str) -> bool:
    refusal = record.refusals.get(name)
    return refusal is not None and not refusal.passes
