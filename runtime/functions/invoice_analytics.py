"""invoice-analytics: ageing as of any day, collection and delivery of invoices. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "invoice-analytics"

_MAY_READ = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/analytics/invoices",
        action="analytics.invoices",
        summary="Get the figures of invoices",
        roles=_MAY_READ,
    ),
)

handler = not_built(ROUTES)
