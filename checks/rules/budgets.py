"""What the account may cost, and that somebody is told before it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate
from checks.rules.rule import DEPLOYED, Breach, at, rule

BUDGET = "AWS::Budgets::Budget"
TOPIC = "AWS::SNS::Topic"
USD_MAX = {"dev": 2_000, "staging": 5_000, "prod": 50_000}
"""A month. Above it somebody typed a zero too many, or the platform has outgrown this file."""

EXPECTED = (("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""When somebody is told: what was spent, and what will be, in per cent of the limit."""


@rule(
    "HASIVU-BGT-1",
    "GDPR 32(1)(b)",
    environments=DEPLOYED,
    remedy="Give the account one monthly budget in US dollars, with a limit that means something.",
)
def the_account_has_a_budget(estate: Estate) -> Iterator[Breach]:
    """The account has a budget for every month, of all its costs, with a limit that means something."""
    budgets = list(estate.of(BUDGET))
    if not budgets:
        for topic in estate.of(TOPIC):
            if "-alarms-" in str(topic.get("TopicName")):
                yield at(topic, "", shown="no budget speaks beside it")
    for budget in budgets:
        amount = budget.get("Budget.BudgetLimit.Amount")
        if not (isinstance(amount, int | float) and 0 < amount <= USD_MAX[estate.environment]):
            yield at(budget, "Budget.BudgetLimit.Amount")
        for path, value in (
            ("Budget.BudgetLimit.Unit", "USD"),
            ("Budget.BudgetType", "COST"),
            ("Budget.TimeUnit", "MONTHLY"),
        ):
            if budget.get(path) != value:
                yield at(budget, path)
        for path in (
            "CostFilters",
            "FilterExpression",
            "AutoAdjustData",
            "PlannedBudgetLimits",
            "TimePeriod",
        ):
            if budget.get(f"Budget.{path}") is not None:
                yield at(budget, f"Budget.{path}")


@rule(
    "HASIVU-BGT-2",
    "GDPR 32(1)(b)",
    environments=DEPLOYED,
    remedy="Tell an address or a topic of the estate at 50, 80 and 100 %, and when 100 % is foreseen.",
)
def budgets_tell_somebody(estate: Estate) -> Iterator[Breach]:
    """A budget tells somebody when half, most and all of it is spent, and when that is foreseen."""
    for budget in estate.of(BUDGET):
        told = {
            (notification.get("NotificationType"), notification.get("Threshold"))
            for item in budget.items("NotificationsWithSubscribers")
            if _is_heard(item) and _is_a_share(notification := item.get("Notification") or {})
        }
        for kind, percent in EXPECTED:
            if (kind, percent) not in told:
                yield at(
                    budget, "NotificationsWithSubscribers", shown=f"nobody is told at {percent} % {kind}"
                )


def _is_a_share(notification: Mapping[str, Any]) -> bool:
    return (
        notification.get("ComparisonOperator") == "GREATER_THAN"
        and notification.get("ThresholdType") == "PERCENTAGE"
    )


def _is_heard(item: Mapping[str, Any]) -> bool:
    return any(
        subscriber.get("SubscriptionType") == "EMAIL" and "@" in str(subscriber.get("Address"))
        for subscriber in item.get("Subscribers") or []
    )
