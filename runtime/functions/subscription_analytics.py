"""subscription-analytics: recurring revenue, churn, cohorts and recovery. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "subscription-analytics"

_MAY_READ = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/analytics/subscriptions",
        action="analytics.subscriptions",
        summary="Get the figures of subscriptions",
        roles=_MAY_READ,
    ),
)

handler = not_built(ROUTES)
