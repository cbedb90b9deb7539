"""invoice-generator: the right statutory document, numbered without gaps. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "invoice-generator"

_MAY_READ = frozenset(Role)
_MAY_CHANGE = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})

ROUTES = (
    planned("GET", "/v1/invoices", action="invoices.list", summary="List invoices", roles=_MAY_READ),
    planned("POST", "/v1/invoices", action="invoices.create", summary="Create an invoice", roles=_MAY_CHANGE),
    planned(
        "GET", "/v1/invoices/{invoice_id}", action="invoices.get", summary="Get an invoice", roles=_MAY_READ
    ),
)

handler = not_built(ROUTES)
