"""payments-manage-methods: save, list and revoke payment methods, register mandates. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "payments-manage-methods"

_MAY = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})

ROUTES = (
    planned("GET", "/v1/payment-methods", action="methods.list", summary="List payment methods", roles=_MAY),
    planned(
        "POST", "/v1/payment-methods", action="methods.save", summary="Save a payment method", roles=_MAY
    ),
    planned(
        "PUT",
        "/v1/payment-methods/{method_id}/default",
        action="methods.default",
        summary="Make a payment method the default",
        roles=_MAY,
    ),
    planned(
        "DELETE",
        "/v1/payment-methods/{method_id}",
        action="methods.revoke",
        summary="Revoke a payment method",
        roles=_MAY,
    ),
    planned("POST", "/v1/mandates", action="mandates.register", summary="Register a mandate", roles=_MAY),
)

handler = not_built(ROUTES)
