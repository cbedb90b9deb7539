"""Between which moments a debit may be made: every bound with the constraint behind it, in whole minutes."""

from dataclasses import dataclass, field

from runtime.payments.retry.declines import Category
from runtime.payments.retry.law import Constraint, MethodLaw
from runtime.payments.retry.minutes import DAY, ist_day, minute_down, minute_up, start_of_day
from runtime.payments.retry.policy import Policy
from runtime.payments.retry.refusals import HOUSE, category_of, decline_of
from runtime.payments.retry.situation import Downtime, Notice, NoticeStatus, Situation
from runtime.payments.retry.slots import Closure

_CYCLE_START = Constraint(
    "cycle_start", "The cycle of the mandate has to begin first.", "the mandate's own terms"
)
_CYCLE_END = Constraint(
    "cycle_end", "The debit belongs into this cycle of the mandate.", "the mandate's own terms"
)
_EXPIRY = Constraint("mandate_expiry", "The mandate expires.", "the mandate's own terms")
_BACKOFF = Constraint("backoff", "The house waits longer after every failure.", HOUSE)
_DOWNTIME = Constraint(
    "downtime", "The method or the customer's bank is reported down.", "Razorpay, payment downtimes"
)
_EVERYTHING = "all"
_BANK_MANDATES = frozenset({"emandate", "nach", "netbanking"})
"""A bank that is down for netbanking is down for the mandates on its accounts."""

Bound = tuple[int, Constraint]


@dataclass(slots=True)
class Bounds:
    """The first minutes (``after``) and the last ones (``until``) that the law and the mandate allow, and
    what the house adds (``patience``)."""

    after: list[Bound] = field(default_factory=list)
    until: list[Bound] = field(default_factory=list)
    patience: list[Bound] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cover:
    """What notices allow. With the notice that there is, debits from ``covered_from`` to ``covered_until``;
    with a new one, raised from ``raise_from`` on, debits from ``fresh_from`` on."""

    covered_from: int | None
    covered_until: int
    covering: Constraint
    raise_from: int
    fresh_from: int
    fresh: tuple[Constraint, ...]


def bounds_of(situation: Situation, law: MethodLaw, policy: Policy) -> Bounds:
    """All bounds but the notice's, which depend on whether there is one."""
    bounds = Bounds()
    _of_cycle(bounds, situation, law)
    if situation.mandate.expires_at is not None:
        bounds.until.append((minute_down(situation.mandate.expires_at) - 1, _EXPIRY))
    if situation.attempts:
        _of_last_attempt(bounds, situation, law)
        if not situation.manual:
            bounds.patience.append((_patience(situation, policy), _BACKOFF))
    return bounds


def cover_of(situation: Situation, law: MethodLaw, policy: Policy, now: int) -> Cover:
    """What the notice that was given allows, and what a new one would."""
    raise_from = now
    fresh: tuple[Constraint, ...] = (law.notice.constraint, law.notice_lead.constraint)
    covered_from, covered_until = None, now
    covering = law.notice_lead.constraint
    notice = situation.notice
    if notice is not None and _covers(notice, situation, policy, now):
        if notice.delivered_at is not None:
            delivered = usual = minute_up(notice.delivered_at)
        else:
            covering = law.notice_delivery.constraint
            usual = minute_up(notice.raised_at) + law.notice_delivery.value
            delivered = max(usual, now)
        lead = law.notice_lead.value
        named = 0 if notice.debit_at is None else minute_up(notice.debit_at)
        covered_from = max(delivered + lead, named)
        covered_until = max(usual + lead, named) + law.notice_covers.value
        if law.notice_not_overridden is not None and covered_until > raise_from:
            raise_from = covered_until
            fresh = (*fresh, law.notice_not_overridden)
    return Cover(
        covered_from=covered_from,
        covered_until=covered_until,
        covering=covering,
        raise_from=raise_from,
        fresh_from=raise_from + law.notice_delivery.value + law.notice_lead.value,
        fresh=fresh,
    )


def closures_by_downtime(situation: Situation, policy: Policy, now: int) -> list[Closure]:
    """The downtimes that touch this debit. One without an end is taken to last for some hours from now."""
    closures: list[Closure] = []
    for downtime in situation.downtimes:
        if not _touches(downtime, situation):
            continue
        begin = minute_down(downtime.begins_at)
        if downtime.ends_at is None:
            end = max(minute_up(downtime.begins_at), now) + policy.open_downtime_minutes
        else:
            end = minute_up(downtime.ends_at)
        if end > begin:
            closures.append((begin, end, _DOWNTIME))
    return closures


def _of_cycle(bounds: Bounds, situation: Situation, law: MethodLaw) -> None:
    start, end = situation.mandate.cycle_start, situation.mandate.cycle_end
    if start is None or end is None:
        return
    first, last = minute_up(start), minute_down(end) - 1
    bounds.after.append((first, _CYCLE_START))
    bounds.until.append((last, _CYCLE_END))
    last_day = start_of_day(ist_day(last))
    # A cycle of a single day has no other day than its last.
    if law.last_day_of_cycle is not None and last - first >= DAY:
        bounds.until.append((last_day - 1, law.last_day_of_cycle))


def _of_last_attempt(bounds: Bounds, situation: Situation, law: MethodLaw) -> None:
    last = situation.attempts[-1]
    concluded = minute_up(last.concluded_at or last.initiated_at)
    if law.reinitiation is not None:
        since = concluded if law.reinitiation.from_conclusion else minute_up(last.initiated_at)
        bounds.after.append((since + law.reinitiation.value, law.reinitiation.constraint))
    decline = decline_of(last)
    if decline.wait_minutes:
        waiting = Constraint("decline_wait", decline.why, decline.source)
        bounds.after.append((concluded + decline.wait_minutes, waiting))


def _patience(situation: Situation, policy: Policy) -> int:
    """When the house would try again after the last failure, if nothing else decided."""
    last = situation.attempts[-1]
    rung = len(situation.attempts) - 1
    ladder = policy.scheduled_backoff_minutes
    if category_of(last) is Category.SOON and rung < len(policy.soon_backoff_minutes):
        ladder = policy.soon_backoff_minutes
    return minute_up(last.concluded_at or last.initiated_at) + ladder[min(rung, len(ladder) - 1)]


def shortest_patience(situation: Situation, policy: Policy) -> list[Bound]:
    """The least that the house waits, for when the cycle leaves no room for more."""
    last = situation.attempts[-1]
    soon = category_of(last) is Category.SOON
    ladder = policy.soon_backoff_minutes if soon else policy.scheduled_backoff_minutes
    return [(minute_up(last.concluded_at or last.initiated_at) + ladder[0], _BACKOFF)]


def _covers(notice: Notice, situation: Situation, policy: Policy, now: int) -> bool:
    """Whether the notice announces this debit, and was delivered or still may be."""
    if notice.amount_paise != situation.debit.amount_paise:
        return False
    if notice.status is NoticeStatus.RAISED:
        return now <= minute_up(notice.raised_at) + policy.notice_given_up_minutes
    return notice.status is NoticeStatus.DELIVERED


def _touches(downtime: Downtime, situation: Situation) -> bool:
    debit = situation.debit
    method = downtime.method.lower()
    if method != debit.method.value and not (
        method in _BANK_MANDATES and debit.method.value in _BANK_MANDATES
    ):
        return False
    if downtime.instrument is None or downtime.instrument.lower() == _EVERYTHING:
        return True
    instrument = downtime.instrument.lower()
    return any(
        name is not None and name.lower() == instrument for name in (debit.issuer, debit.network, debit.app)
    )
