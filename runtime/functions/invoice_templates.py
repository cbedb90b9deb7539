"""invoice-templates: declarative, versioned themes of documents. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "invoice-templates"

_MAY_READ = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/invoice-templates",
        action="templates.list",
        summary="List invoice templates",
        roles=_MAY_READ,
    ),
    planned(
        "POST",
        "/v1/invoice-templates",
        action="templates.create",
        summary="Create an invoice template",
        roles=_MAY_CHANGE,
    ),
    planned(
        "GET",
        "/v1/invoice-templates/{template_id}",
        action="templates.get",
        summary="Get an invoice template",
        roles=_MAY_READ,
    ),
)

handler = not_built(ROUTES)
