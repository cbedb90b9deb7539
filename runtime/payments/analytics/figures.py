"""From rows of counters to figures: sums, rates, peaks. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from runtime.payments.analytics.contracts import Figures, FiguresGroup, FiguresQuery, FunnelStage
from runtime.payments.analytics.model import STAGES, Counters, RowKey, Stage
from runtime.payments.analytics.rules import minute_column

BPS = 10_000

_MINUTES = frozenset(minute_column(minute) for minute in range(60))

Rows = Mapping[RowKey, Counters]


def figures_of(rows: Rows) -> Figures:
    """The figures of all ``rows`` together; their minutes count where they are rows of hours.

    The success rate is captured / (captured + failed + conflicted), rounded half up; None without attempts.
    """
    total = _sum(rows.values())
    attempts = total["captured"] + total["failed"] + total["conflicted"]
    minutes = [amount for counters in rows.values() for name, amount in counters.items() if name in _MINUTES]
    return Figures(
        created=total["created"],
        attempts=attempts,
        authorized=total["authorized"],
        captured=total["captured"],
        failed=total["failed"],
        conflicted=total["conflicted"],
        unknown=total["unknown"],
        recovered=total["recovered"],
        other_currency=total["other_currency"],
        captured_paise=total["captured_paise"],
        refunded=total["refunded"],
        refunded_paise=total["refunded_paise"],
        refund_failed=total["refund_failed"],
        disputed=total["disputed"],
        disputed_paise=total["disputed_paise"],
        dispute_won=total["dispute_won"],
        dispute_lost=total["dispute_lost"],
        dispute_lost_paise=total["dispute_lost_paise"],
        dispute_closed=total["dispute_closed"],
        fee_paise=total["fee_paise"],
        tax_paise=total["tax_paise"],
        fee_known=total["fee_known"],
        success_rate_bps=share(total["captured"] * BPS, attempts),
        time_to_capture_ms=share(total["time_to_capture_ms"], total["timed"]),
        attempts_per_minute_max=max(minutes, default=None),
    )


def grouped(rows: Rows, query: FiguresQuery) -> list[FiguresGroup]:
    """The figures by what the query groups by, ordered by it. Every day asked for is there."""
    groups: dict[str, dict[RowKey, Counters]] = {}
    if query.group_by == "day":
        days = (query.last_day - query.first_day).days + 1
        groups = {(query.first_day + timedelta(days=n)).isoformat(): {} for n in range(days)}
    for key, counters in rows.items():
        value = key.day if query.group_by == "day" else key.value
        groups.setdefault(value, {})[key] = counters
    return [FiguresGroup(value=value, figures=figures_of(groups[value])) for value in sorted(groups)]


def funnel_of(rows: Rows) -> list[FunnelStage]:
    """How many payments reached each stage, in the stages' order."""
    total = _sum(rows.values())
    created = total[Stage.CREATED]
    return [
        FunnelStage(stage=stage, payments=total[stage], of_created_bps=share(total[stage] * BPS, created))
        for stage in STAGES
    ]


def share(amount: int, of: int) -> int | None:
    """``amount / of`` rounded half up, both not negative; None of nothing."""
    return None if of == 0 else (2 * amount + of) // (2 * of)


def _sum(rows: Iterable[Counters]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counters in rows:
        total.update(counters)
    return total
