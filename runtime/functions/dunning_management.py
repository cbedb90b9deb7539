"""dunning-management: campaigns of reminders, grace, suspension and recovery. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "dunning-management"

_MAY_READ = frozenset({Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset({Role.FINANCE, Role.OPERATOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/dunning/campaigns",
        action="dunning.campaigns.list",
        summary="List dunning campaigns",
        roles=_MAY_READ,
    ),
    planned(
        "GET",
        "/v1/dunning/campaigns/{campaign_id}",
        action="dunning.campaigns.get",
        summary="Get a dunning campaign",
        roles=_MAY_READ,
    ),
    planned(
        "POST",
        "/v1/dunning/campaigns/{campaign_id}/stop",
        action="dunning.campaigns.stop",
        summary="Stop a dunning campaign",
        roles=_MAY_CHANGE,
    ),
)

handler = not_built(ROUTES)
