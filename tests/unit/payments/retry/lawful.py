"""What a planned debit must keep to, derived anew: from the data files, by dates and times, in another way.

Nothing of the planner, its law or its calendar is used here; only the two TOML files are read.
"""

import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from runtime.payments.retry.plan import Retry
from runtime.payments.retry.situation import AttemptOutcome, Downtime, MandateStatus, NoticeStatus, Situation
from runtime.platform.clock import IST

DATA = Path(__file__).parents[4] / "runtime" / "payments" / "retry"
LAW = tomllib.loads((DATA / "law.toml").read_text(encoding="utf-8"))
HOLIDAYS = tomllib.loads((DATA / "holidays.toml").read_text(encoding="utf-8"))
YEARS = {each["year"]: {holiday["on"] for holiday in each["days"]} for each in HOLIDAYS["year"]}
OPEN_DOWNTIME = timedelta(hours=4)


def rule(code: str, situation: Situation, day: date) -> dict[str, Any] | None:
    """The rule of that code for this debit on that day, the network's own before the general one."""
    network = (situation.debit.network or "").lower()
    holding = [
        each
        for each in LAW["rule"]
        if each["code"] == code
        and situation.debit.method.value in each["methods"]
        and each["valid_from"] <= day <= each.get("valid_until", date.max)
        and ("networks" not in each or network in each["networks"])
    ]
    return max(holding, key=lambda each: "networks" in each, default=None)


def broken(retry: Retry, situation: Situation) -> list[str]:
    """What a planned debit breaks; empty for a lawful one."""
    at = retry.at.astimezone(IST)
    facts = {
        "before now": retry.at < situation.now,
        "a peak hour": _in_peak_hours(at, situation),
        "not presented then": _not_presented(at, situation),
        "the notice": _notice_too_late(retry, situation),
        "the budget": _over_budget(retry, situation),
        "the declines": _after_a_decline_that_forbids_it(retry, situation),
        "the amount": _too_much(at, situation),
        "the mandate": _outside_the_mandate(at, retry, situation),
        "the gap between attempts": _too_soon(retry, situation),
        "a downtime": any(_down(each, retry.at, situation) for each in situation.downtimes),
    }
    return [name for name, is_broken in facts.items() if is_broken]


def _in_peak_hours(at: datetime, situation: Situation) -> bool:
    """Peak hours are closed at both ends here: 10:00 to 13:00 and 17:00 to 21:30 by the circular."""
    if rule("peak_hours", situation, at.date()) is None:
        return False
    clock = at.time()
    return time(10) <= clock < time(13) or time(17) <= clock <= time(21, 30, 59)


def _not_presented(at: datetime, situation: Situation) -> bool:
    if situation.debit.method.value not in ("emandate", "nach"):
        return False
    return at.time() >= time(9) or not is_working_day(at.date())


def is_working_day(day: date) -> bool:
    saturdays = [d for d in (date(day.year, day.month, n) for n in range(1, 29)) if d.weekday() == 5]
    closed = {saturdays[1], saturdays[3]} | YEARS[day.year]
    national = (day.month, day.day) in {(1, 26), (8, 15), (10, 2), (4, 1)}
    return day.weekday() != 6 and day not in closed and not national


def _notice_too_late(retry: Retry, situation: Situation) -> bool:
    lead = timedelta(hours=25 if situation.debit.method.value == "upi" else 36)
    if retry.notify_at is not None:
        if retry.notify_at < situation.now:
            return True
        if _overrides(retry, situation):
            return True
        return retry.at - retry.notify_at < lead + timedelta(hours=1)
    notice = situation.notice
    if notice is None or notice.amount_paise != situation.debit.amount_paise:
        return True
    if notice.status is NoticeStatus.DELIVERED and notice.delivered_at is not None:
        told = notice.delivered_at
    elif notice.status is NoticeStatus.RAISED:
        if situation.now - notice.raised_at > timedelta(days=1, minutes=1):
            return True
        told = max(notice.raised_at + timedelta(hours=1), situation.now)
    else:
        return True
    named = notice.debit_at or told
    expired = max(named, told + lead) + timedelta(days=3, minutes=2)
    return not max(named, told + lead) <= retry.at <= expired


def _overrides(retry: Retry, situation: Situation) -> bool:
    """On RuPay a new notice of the same amount while the old one lives replaces it."""
    notice = situation.notice
    if (situation.debit.network or "").lower() != "rupay" or notice is None or retry.notify_at is None:
        return False
    given_up = situation.now - notice.raised_at > timedelta(days=1, minutes=-1)
    if notice.status is not NoticeStatus.DELIVERED and (notice.status is not NoticeStatus.RAISED or given_up):
        return False
    same = notice.amount_paise == situation.debit.amount_paise
    named = notice.debit_at or notice.raised_at
    return same and retry.notify_at < named + timedelta(days=3)


def _over_budget(retry: Retry, situation: Situation) -> bool:
    start, end = situation.mandate.cycle_start, situation.mandate.cycle_end
    in_cycle = [
        each
        for each in situation.attempts
        if start is None or end is None or start <= each.initiated_at < end
    ]
    allowed = {"upi": 4, "card": 4, "emandate": 3, "nach": 3}[situation.debit.method.value]
    return (
        len(in_cycle) >= allowed
        or len(situation.attempts) >= 8
        or retry.cycle_attempt_no != len(in_cycle) + 1
        or retry.attempt_no != len(situation.attempts) + 1
    )


def _after_a_decline_that_forbids_it(retry: Retry, situation: Situation) -> bool:
    for attempt in situation.attempts:
        if attempt.outcome is not AttemptOutcome.FAILED:
            return True
        if attempt.decline is not None:
            category = attempt.decline.category.value
            if category == "never" or (category == "poll" and not attempt.confirmed):
                return True
    if not situation.attempts or (last := situation.attempts[-1]).decline is None:
        return False
    if last.decline is not None and last.decline.category.value == "ask_customer" and not situation.manual:
        return True
    waited = retry.at - (last.concluded_at or last.initiated_at)
    assert last.decline is not None
    return last.decline.category.value in ("our_bug", "not_a_failure") or waited < timedelta(
        minutes=last.decline.wait_minutes
    )


def _too_much(at: datetime, situation: Situation) -> bool:
    amount = situation.debit.amount_paise
    ceilings = [
        rule(code, situation, at.date()) for code in ("afa_free_ceiling_paise", "network_ceiling_paise")
    ]
    limits = [each["value"] for each in ceilings if each is not None]
    if situation.mandate.max_amount_paise is not None:
        limits.append(situation.mandate.max_amount_paise)
    return any(amount > limit for limit in limits) or retry_amount_differs(situation)


def retry_amount_differs(situation: Situation) -> bool:
    return situation.debit.currency != "INR"


def _outside_the_mandate(at: datetime, retry: Retry, situation: Situation) -> bool:
    terms = situation.mandate
    if terms.status is not MandateStatus.CONFIRMED:
        return True
    if terms.expires_at is not None and at >= terms.expires_at:
        return True
    if terms.cycle_start is None or terms.cycle_end is None:
        return False
    if not terms.cycle_start <= at < terms.cycle_end:
        return True
    if situation.debit.method.value != "upi" or terms.cycle_end - terms.cycle_start < timedelta(
        days=1, minutes=2
    ):
        return False
    last_day = (terms.cycle_end - timedelta(minutes=1)).astimezone(IST).date()
    raised = retry.notify_at.astimezone(IST).date() if retry.notify_at is not None else None
    return last_day in (at.date(), raised)


def _too_soon(retry: Retry, situation: Situation) -> bool:
    if not situation.attempts or situation.debit.method.value == "upi":
        return False
    last = situation.attempts[-1]
    if situation.debit.method.value == "card":
        return retry.at - last.initiated_at < timedelta(hours=36)
    return retry.at - (last.concluded_at or last.initiated_at) < timedelta(days=3)


def _down(downtime: Downtime, at: datetime, situation: Situation) -> bool:
    ends = downtime.ends_at or max(downtime.begins_at, situation.now) + OPEN_DOWNTIME
    method = situation.debit.method.value
    same_rail = {"emandate", "nach", "netbanking"}
    touches = downtime.method == method or {downtime.method, method} <= same_rail
    everybody = downtime.instrument in (None, "ALL")
    return (
        touches
        and (everybody or downtime.instrument == situation.debit.issuer)
        and downtime.begins_at <= at < ends
    )
