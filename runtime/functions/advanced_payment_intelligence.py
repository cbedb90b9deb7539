"""advanced-payment-intelligence: anomalies, fraud patterns and intelligence reports. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "advanced-payment-intelligence"

_MAY_READ = frozenset({Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET", "/v1/insights/anomalies", action="anomalies.list", summary="List anomalies", roles=_MAY_READ
    ),
    planned(
        "GET",
        "/v1/insights/reports",
        action="reports.list",
        summary="List intelligence reports",
        roles=_MAY_READ,
    ),
)

handler = not_built(ROUTES)
