"""From rows of counters to what was paid out and when, and to the busiest moments of a day. Pure."""

from collections import Counter
from datetime import date

from runtime.payments.analytics.contracts import (
    Busiest,
    PaymentThroughput,
    SettlementFigures,
    SettlementGroup,
    SettlementsQuery,
)
from runtime.payments.analytics.figures import Rows, share
from runtime.payments.analytics.model import RowKey
from runtime.payments.analytics.rules import second_column

_LAG = "lag_"
_SECONDS = {second_column(second): f"{second:02}" for second in range(60)}


def settlements_of(rows: Rows) -> SettlementFigures:
    """The figures of all ``rows`` of settlements together."""
    total: Counter[str] = Counter()
    for counters in rows.values():
        total.update(counters)
    by_lag = {
        int(name.removeprefix(_LAG)): count
        for name, count in total.items()
        if name.startswith(_LAG) and name.removeprefix(_LAG).isdigit()
    }
    lags = dict(sorted(by_lag.items()))
    return SettlementFigures(
        settled=total["settled"],
        settled_paise=total["settled_paise"],
        fee_paise=total["fee_paise"],
        tax_paise=total["tax_paise"],
        net_paise=total["net_paise"],
        other_currency=total["other_currency"],
        lag_days_min=min(lags, default=None),
        lag_days_median=quantile(lags, 50),
        lag_days_p90=quantile(lags, 90),
        lag_days_max=max(lags, default=None),
        lag_days_mean_hundredths=share(100 * total["lag_days"], total["settled"]),
        lag_histogram={str(days): count for days, count in lags.items()},
    )


def quantile(histogram: dict[int, int], percent: int) -> int | None:
    """The least value within which at least ``percent`` of a histogram (value, in rising order, to count)
    lie: the nearest rank, which is a value that occurred. None of nothing."""
    wanted = percent * sum(histogram.values())
    passed = 0
    for value, count in histogram.items():
        passed += count
        if 100 * passed >= wanted and passed:
            return value
    return None


def grouped_settlements(rows: Rows, query: SettlementsQuery) -> list[SettlementGroup]:
    """The figures by day of payout, or by method, in their order."""
    groups: dict[str, dict[RowKey, dict[str, int]]] = {}
    for key, counters in rows.items():
        value = key.day if query.group_by == "day" else key.value
        groups.setdefault(value, {})[key] = dict(counters)
    return [SettlementGroup(value=value, figures=settlements_of(groups[value])) for value in sorted(groups)]


def throughput_of(day: date, rows: Rows) -> PaymentThroughput:
    """The busiest minute and second among ``rows`` of minutes of one day."""
    minutes = {key.value: sum(counters.values()) for key, counters in rows.items()}
    seconds = {
        f"{key.value}:{_SECONDS[name]}": count
        for key, counters in rows.items()
        for name, count in counters.items()
    }
    return PaymentThroughput(
        day=day,
        attempts=sum(minutes.values()),
        busiest_minute=_busiest(minutes),
        busiest_second=_busiest(seconds),
    )


def _busiest(counts: dict[str, int]) -> Busiest | None:
    if not counts:
        return None
    at = min(counts, key=lambda moment: (-counts[moment], moment))
    return Busiest(at=at, attempts=counts[at])
