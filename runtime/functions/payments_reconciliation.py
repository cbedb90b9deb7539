"""payments-reconciliation: match gateway, ledger and bank, and settle what differs. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "payments-reconciliation"

_MAY_READ = frozenset({Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset({Role.FINANCE, Role.OPERATOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/reconciliations",
        action="reconciliations.list",
        summary="List reconciliations",
        roles=_MAY_READ,
    ),
    planned(
        "POST",
        "/v1/reconciliations",
        action="reconciliations.start",
        summary="Start a reconciliation",
        roles=_MAY_CHANGE,
    ),
    planned(
        "GET",
        "/v1/reconciliations/{reconciliation_id}",
        action="reconciliations.get",
        summary="Get a reconciliation",
        roles=_MAY_READ,
    ),
    planned(
        "GET",
        "/v1/reconciliations/{reconciliation_id}/exceptions",
        action="reconciliations.exceptions.list",
        summary="List what did not match",
        roles=_MAY_READ,
    ),
)

handler = not_built(ROUTES)
