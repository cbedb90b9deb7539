"""payments-analytics: success, failure, throughput and revenue of payments. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "payments-analytics"

_MAY_READ = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/analytics/payments",
        action="analytics.payments",
        summary="Get the figures of payments",
        roles=_MAY_READ,
    ),
)

handler = not_built(ROUTES)
