"""What is said before any slot is looked for: rules that allow no debit at all, whatever the moment.

They are asked in an order that matters: money that may have moved comes first, then what was learnt from the
declines, then the mandate and the budgets. The amount is judged apart, by the law of the day of the debit.
"""

from runtime.payments.retry.declines import Category, Decline, Remedy, declines
from runtime.payments.retry.law import Constraint, MethodLaw
from runtime.payments.retry.minutes import DAY, IST_OFFSET, minute_down, minute_up, moment_of
from runtime.payments.retry.plan import AskCustomer, Plan, Poll, PollSubject, Reason, Stop
from runtime.payments.retry.policy import Policy
from runtime.payments.retry.situation import (
    Attempt,
    AttemptOutcome,
    MandateStatus,
    NoticeStatus,
    Situation,
)

HOUSE = "house policy"

_PAID = Constraint("paid", "The debit has succeeded.", "design rule 4: fetch before retry")
_UNKNOWN = Constraint(
    "outcome_unknown",
    "The outcome of an attempt is not known; nothing is debited until it is.",
    "design rule 4: unknown is resolved, never blindly retried",
)
_MANDATE_WORDS = {
    MandateStatus.PAUSED: "The customer has paused the mandate.",
    MandateStatus.CANCELLED: "The mandate was cancelled.",
    MandateStatus.REJECTED: "The bank has rejected the mandate.",
    MandateStatus.EXPIRED: "The mandate has expired.",
    MandateStatus.INITIATED: "The bank has not confirmed the mandate yet.",
}
_MANDATE_SOURCE = "Razorpay, recurring payments, token states"
_MANDATE_CAP = Constraint(
    "mandate_cap",
    "The amount is above what the customer allowed for one debit of this mandate.",
    "RBI e-mandate framework: the maximum that the customer set at registration",
)
_OPTED_OUT = Constraint(
    "opted_out",
    "After the notice the customer refused this one debit.",
    "Digital Payments - E-mandate Framework, 2026: opting out of a single transaction",
)
_CYCLE_OVER = Constraint("cycle_end", "The cycle of the mandate is over.", "the mandate's own terms")
_TRIES = Constraint("tries_max", "The debit was tried as often as the house tries any debit.", HOUSE)
_OPAQUE = Constraint(
    "opaque_declines", "The bank has declined several times without saying why; it is not asked again.", HOUSE
)


def refusal(situation: Situation, law: MethodLaw, policy: Policy) -> Plan | None:
    """Why no debit may be planned at all, whatever its amount, or None."""
    return (
        _paid(situation)
        or _unknown(situation, law, policy)
        or _queued_in_peak(situation, law)
        or _declined(situation)
        or _mandate(situation, policy)
        or _opted_out(situation)
        or _cycle(situation, law)
        or _budgets(situation, law, policy)
    )


def decline_of(attempt: Attempt) -> Decline:
    """The decline of a failed attempt; one that came without any is taken for an absent reason."""
    return attempt.decline or declines().classify(None)


def category_of(attempt: Attempt) -> Category:
    """The category that decides after a failed attempt: a failure that left the outcome open and was
    confirmed since is a technical one."""
    category = decline_of(attempt).category
    return Category.SOON if category is Category.POLL and attempt.confirmed else category


def amount_refusal(situation: Situation, law: MethodLaw) -> AskCustomer | Stop | None:
    """What is wrong with the amount and its currency under the law of a day."""
    debit, mandate = situation.debit, situation.mandate
    if debit.currency != law.currency_code:
        return Stop(Reason.CURRENCY_NOT_ALLOWED, (law.currency,))
    if law.network_ceiling is not None and debit.amount_paise > law.network_ceiling.value:
        because = (law.network_ceiling.constraint,)
        return AskCustomer(Reason.ABOVE_NETWORK_CEILING, Remedy.NEW_METHOD, because)
    if mandate.max_amount_paise is not None and debit.amount_paise > mandate.max_amount_paise:
        return AskCustomer(Reason.ABOVE_MANDATE, Remedy.NEW_MANDATE, (_MANDATE_CAP,))
    if law.afa_free_ceiling is not None and debit.amount_paise > law.afa_free_ceiling.value:
        because = (law.afa_free_ceiling.constraint,)
        return AskCustomer(Reason.AUTHENTICATION_REQUIRED, Remedy.APPROVE, because)
    return None


def _paid(situation: Situation) -> Plan | None:
    if any(attempt.outcome is AttemptOutcome.SUCCEEDED for attempt in situation.attempts):
        return Stop(Reason.PAID, (_PAID,))
    return None


def _unknown(situation: Situation, law: MethodLaw, policy: Policy) -> Plan | None:
    for attempt in reversed(situation.attempts):
        if attempt.outcome is AttemptOutcome.UNKNOWN:
            return _poll(situation, attempt, (_UNKNOWN,), law, policy)
        if not attempt.confirmed and decline_of(attempt).category is Category.POLL:
            return _poll(situation, attempt, (_UNKNOWN, _said(attempt)), law, policy)
    return None


def _queued_in_peak(situation: Situation, law: MethodLaw) -> Plan | None:
    """A UPI debit that failed in peak hours is asked for again once they are over."""
    if not situation.attempts or law.peak_hours is None or law.verify_after_peak is None:
        return None
    last = situation.attempts[-1]
    minute = minute_down(last.initiated_at)
    in_day = (minute + IST_OFFSET) % DAY
    for start, end in law.peak_hours.minutes:
        if not start <= in_day < end:
            continue
        over = minute - in_day + end
        asked = last.last_polled_at
        if last.confirmed if asked is None else minute_down(asked) >= over:
            return None
        moment = moment_of(max(over + law.verify_after_peak.value, minute_up(situation.now)))
        because = (law.verify_after_peak.constraint.at(moment),)
        return Poll(Reason.OUTCOME_UNKNOWN, moment, PollSubject.PAYMENT, because)
    return None


def _declined(situation: Situation) -> Plan | None:
    if not situation.attempts:
        return None
    for attempt in situation.attempts:
        decline = decline_of(attempt)
        if decline.category is not Category.NEVER:
            continue
        if decline.remedy is Remedy.NONE:
            return Stop(Reason.HARD_DECLINE, (_said(attempt),))
        return AskCustomer(Reason.HARD_DECLINE, decline.remedy, (_said(attempt),))
    last = situation.attempts[-1]
    category = category_of(last)
    if category is Category.NOT_A_FAILURE:
        return Stop(Reason.NOT_A_FAILURE, (_said(last),))
    if category is Category.OUR_BUG:
        return Stop(Reason.OUR_BUG, (_said(last),))
    if category is Category.ASK_CUSTOMER and not situation.manual:
        return AskCustomer(Reason.CUSTOMER_DECLINE, decline_of(last).remedy, (_said(last),))
    return None


def _mandate(situation: Situation, policy: Policy) -> Plan | None:
    mandate = situation.mandate
    status = mandate.status
    if mandate.expires_at is not None and mandate.expires_at <= situation.now:
        status = MandateStatus.EXPIRED
    if status is MandateStatus.CONFIRMED:
        return None
    because = (Constraint(f"mandate_{status.value}", _MANDATE_WORDS[status], _MANDATE_SOURCE),)
    if status is MandateStatus.PAUSED:
        return AskCustomer(Reason.MANDATE_PAUSED, Remedy.RESUME_MANDATE, because)
    if status is MandateStatus.INITIATED:
        at = moment_of(minute_up(situation.now) + policy.mandate_check_minutes)
        return Poll(Reason.MANDATE_NOT_CONFIRMED, at, PollSubject.MANDATE, because)
    return AskCustomer(Reason.MANDATE_ENDED, Remedy.NEW_MANDATE, because)


def _opted_out(situation: Situation) -> Plan | None:
    if situation.notice is not None and situation.notice.status is NoticeStatus.OPTED_OUT:
        return AskCustomer(Reason.OPTED_OUT, Remedy.CUSTOMER_ACTION, (_OPTED_OUT,))
    return None


def _cycle(situation: Situation, law: MethodLaw) -> Plan | None:
    mandate = situation.mandate
    start, end, success = mandate.cycle_start, mandate.cycle_end, mandate.last_success_at
    if start is None or end is None:
        return None
    if law.success_per_cycle is not None and success is not None and start <= success < end:
        return Stop(Reason.CYCLE_PAID, (law.success_per_cycle.constraint,))
    if end <= situation.now:
        return Stop(Reason.NO_SLOT, (_CYCLE_OVER.at(end),))
    return None


def _budgets(situation: Situation, law: MethodLaw, policy: Policy) -> Plan | None:
    if len(situation.attempts) >= policy.tries_max:
        return Stop(Reason.TRIES_EXHAUSTED, (_TRIES,))
    if situation.cycle_attempts >= law.attempts_per_cycle.value:
        return Stop(Reason.ATTEMPTS_EXHAUSTED, (law.attempts_per_cycle.constraint,))
    opaque = sum(1 for attempt in situation.attempts if category_of(attempt) is Category.BOUNDED)
    if opaque >= policy.bounded_tries_max:
        because = (_OPAQUE, _said(situation.attempts[-1]))
        return AskCustomer(Reason.OPAQUE_DECLINES, Remedy.NEW_METHOD, because)
    return None


def _poll(
    situation: Situation,
    attempt: Attempt,
    because: tuple[Constraint, ...],
    law: MethodLaw,
    policy: Policy,
) -> Poll | Stop:
    """The next question about an attempt, or a stop when it was asked often enough."""
    if attempt.polls >= min(law.status_checks.value, len(policy.poll_after_minutes)):
        return Stop(Reason.OUTCOME_UNKNOWN, (*because, law.status_checks.constraint))
    at = max(
        minute_up(situation.now),
        minute_up(attempt.initiated_at) + policy.poll_after_minutes[attempt.polls],
    )
    if attempt.last_polled_at is not None:
        gap = -(-law.status_check_gap.value // 60)
        at = max(at, minute_up(attempt.last_polled_at) + gap)
        because = (*because, law.status_check_gap.constraint)
    return Poll(Reason.OUTCOME_UNKNOWN, moment_of(at), PollSubject.PAYMENT, because)


def _said(attempt: Attempt) -> Constraint:
    """What the gateway said of a failed attempt, as a constraint."""
    decline = decline_of(attempt)
    return Constraint(f"decline_{decline.category.value}", decline.why, decline.source)
