"""Counting events, and answering what was counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.payments.analytics.contracts import (
    FiguresQuery,
    FunnelQuery,
    PaymentFigures,
    PaymentFunnel,
    PaymentSettlements,
    PaymentThroughput,
    Range,
    SettlementsQuery,
    ThroughputQuery,
)
from runtime.payments.analytics.figures import figures_of, funnel_of, grouped
from runtime.payments.analytics.history import PaymentHistory
from runtime.payments.analytics.model import PLATFORM, Dimension, school_scope
from runtime.payments.analytics.news import PaymentFact
from runtime.payments.analytics.repository import RollupTable
from runtime.payments.analytics.rules import addition
from runtime.payments.analytics.settlements import grouped_settlements, settlements_of, throughput_of
from runtime.payments.tenancy import Tenancy
from runtime.platform.auth import Principal
from runtime.platform.dynamodb import ConditionFailed
from runtime.platform.errors import CONCURRENT_CHANGE, QUERY_INVALID, SCHOOL_FORBIDDEN, FieldError, Problem

CHANGE_ATTEMPTS_MAX = 5
DAYS_MAX = 92
"""A quarter in one answer; longer reports are read from the history."""


@dataclass(frozen=True, slots=True)
class PaymentCounter:
    """Counts events: each once, in any order."""

    table: RollupTable
    history: PaymentHistory

    def keep(self, facts: Sequence[PaymentFact]) -> None:
        """Write ``facts`` to the history; to be done before they are counted."""
        self.history.keep(facts)

    def count(self, fact: PaymentFact) -> bool:
        """Count ``fact``; False where it was counted before. Raises Problem ``concurrent-change`` where other
        events of the payment, or of the same rows, left no room; then nothing was counted."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            mark = self.table.mark(fact.payment_id)
            if fact.event_id in mark.applied:
                return False
            try:
                self.table.add(mark, fact.event_id, addition(fact, mark))
            except ConditionFailed:
                continue
            return True
        raise Problem(CONCURRENT_CHANGE, "The payment's events kept being counted.", retry_after_s=1)


@dataclass(frozen=True, slots=True)
class PaymentReports:
    """Answers what was counted, to those who may know."""

    table: RollupTable

    def figures(self, principal: Principal, query: FiguresQuery) -> PaymentFigures:
        """The figures of a school or of the platform. Raises Problem ``query-invalid`` and
        ``school-forbidden``."""
        scope, school_id = _scope(principal, query)
        hours = self.table.rows(scope, Dimension.HOUR, query.first_day, query.last_day)
        rows = hours
        if query.group_by not in {"day", "hour"}:
            rows = self.table.rows(scope, Dimension(query.group_by), query.first_day, query.last_day)
        return PaymentFigures(
            school_id=school_id,
            first_day=query.first_day,
            last_day=query.last_day,
            group_by=query.group_by,
            total=figures_of(hours),
            groups=grouped(rows, query),
        )

    def settlements(self, principal: Principal, query: SettlementsQuery) -> PaymentSettlements:
        """What was paid out on the days asked for. Raises as ``figures``."""
        scope, school_id = _scope(principal, query)
        rows = self.table.rows(scope, Dimension.SETTLEMENT, query.first_day, query.last_day)
        return PaymentSettlements(
            school_id=school_id,
            first_day=query.first_day,
            last_day=query.last_day,
            group_by=query.group_by,
            total=settlements_of(rows),
            groups=grouped_settlements(rows, query),
        )

    def throughput(self, principal: Principal, query: ThroughputQuery) -> PaymentThroughput:
        """The busiest moments of the platform's day. Raises Problem ``school-forbidden`` for who does not see
        every school."""
        if not principal.sees_all_schools:
            raise Problem(SCHOOL_FORBIDDEN, "The throughput is of the whole platform.")
        rows = self.table.rows(PLATFORM, Dimension.SECOND, query.day, query.day)
        return throughput_of(query.day, rows)

    def funnel(self, principal: Principal, query: FunnelQuery) -> PaymentFunnel:
        """How far the payments came that were created on the days asked for. Raises as ``figures``."""
        scope, school_id = _scope(principal, query)
        rows = self.table.rows(scope, Dimension.FUNNEL, query.first_day, query.last_day)
        return PaymentFunnel(
            school_id=school_id,
            first_day=query.first_day,
            last_day=query.last_day,
            stages=funnel_of(rows),
        )


def _scope(principal: Principal, query: Range) -> tuple[str, str | None]:
    """The scope that may be read, and its school; the platform's for those who see every school."""
    _check_days(query)
    school_id = query.school_id
    if school_id is None and not principal.sees_all_schools:
        if len(principal.school_ids) != 1:
            raise Problem(
                QUERY_INVALID,
                "Several schools are possible.",
                errors=[FieldError("/school_id", "name one school")],
            )
        school_id = next(iter(principal.school_ids))
    if school_id is None:
        return PLATFORM, None
    Tenancy.check(principal, school_id)
    return school_scope(school_id), school_id


def _check_days(query: Range) -> None:
    days = (query.last_day - query.first_day).days + 1
    if days < 1:
        raise Problem(
            QUERY_INVALID, "The days are in the wrong order.", errors=[FieldError("/to", "not before from")]
        )
    if days > DAYS_MAX:
        raise Problem(
            QUERY_INVALID,
            f"One answer covers at most {DAYS_MAX} days.",
            errors=[FieldError("/to", f"at most {DAYS_MAX} days, both ends included")],
        )
