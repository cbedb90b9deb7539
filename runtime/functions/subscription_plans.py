"""subscription-plans: versioned plans with their prices, trials, coupons and add-ons. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "subscription-plans"

_MAY_READ = frozenset(Role)
_MAY_CHANGE = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN})

ROUTES = (
    planned("GET", "/v1/plans", action="plans.list", summary="List plans", roles=_MAY_READ),
    planned("POST", "/v1/plans", action="plans.create", summary="Create a plan", roles=_MAY_CHANGE),
    planned("GET", "/v1/plans/{plan_id}", action="plans.get", summary="Get a plan", roles=_MAY_READ),
    planned(
        "POST",
        "/v1/plans/{plan_id}/versions",
        action="plans.versions.create",
        summary="Create a version of a plan",
        roles=_MAY_CHANGE,
    ),
)

handler = not_built(ROUTES)
