"""payments-retry: decide whether, when and how a failed payment is tried again, and try it. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "payments-retry"

_MAY_READ = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset(
    {Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.ADMIN, Role.SERVICE}
)

ROUTES = (
    planned(
        "GET",
        "/v1/payments/{payment_id}/retries",
        action="retries.list",
        summary="List the retries of a payment",
        roles=_MAY_READ,
    ),
    planned(
        "POST",
        "/v1/payments/{payment_id}/retries",
        action="retries.create",
        summary="Retry a payment",
        roles=_MAY_CHANGE,
    ),
)

handler = not_built(ROUTES)
