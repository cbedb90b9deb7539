"""invoice-mailer: deliver invoices, follow bounces, fall back. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "invoice-mailer"

_MAY_READ = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset(
    {Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.ADMIN, Role.SERVICE}
)

ROUTES = (
    planned(
        "GET",
        "/v1/invoices/{invoice_id}/deliveries",
        action="deliveries.list",
        summary="List the deliveries of an invoice",
        roles=_MAY_READ,
    ),
    planned(
        "POST",
        "/v1/invoices/{invoice_id}/deliveries",
        action="deliveries.create",
        summary="Deliver an invoice again",
        roles=_MAY_CHANGE,
    ),
)

handler = not_built(ROUTES)
