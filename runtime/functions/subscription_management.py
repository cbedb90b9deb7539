"""subscription-management: create, pause, resume, change and cancel subscriptions. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "subscription-management"

_MAY_READ = frozenset(Role)
_MAY_CHANGE = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})

ROUTES = (
    planned(
        "GET", "/v1/subscriptions", action="subscriptions.list", summary="List subscriptions", roles=_MAY_READ
    ),
    planned(
        "POST",
        "/v1/subscriptions",
        action="subscriptions.create",
        summary="Create a subscription",
        roles=_MAY_CHANGE,
    ),
    planned(
        "GET",
        "/v1/subscriptions/{subscription_id}",
        action="subscriptions.get",
        summary="Get a subscription",
        roles=_MAY_READ,
    ),
    planned(
        "POST",
        "/v1/subscriptions/{subscription_id}/pause",
        action="subscriptions.pause",
        summary="Pause a subscription",
        roles=_MAY_CHANGE,
    ),
    planned(
        "POST",
        "/v1/subscriptions/{subscription_id}/resume",
        action="subscriptions.resume",
        summary="Resume a subscription",
        roles=_MAY_CHANGE,
    ),
    planned(
        "POST",
        "/v1/subscriptions/{subscription_id}/change",
        action="subscriptions.change",
        summary="Change the plan of a subscription",
        roles=_MAY_CHANGE,
    ),
    planned(
        "POST",
        "/v1/subscriptions/{subscription_id}/cancel",
        action="subscriptions.cancel",
        summary="Cancel a subscription",
        roles=_MAY_CHANGE,
    ),
)

handler = not_built(ROUTES)
