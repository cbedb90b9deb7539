"""ml-payment-insights: predictions of failure, churn and revenue; the models behind them. Not built yet."""

from runtime.platform.auth import Role
from runtime.platform.not_built import not_built, planned

FUNCTION = "ml-payment-insights"

_MAY_READ = frozenset({Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/insights/predictions",
        action="predictions.list",
        summary="List predictions",
        roles=_MAY_READ,
    ),
    planned(
        "GET",
        "/v1/insights/models",
        action="models.list",
        summary="List the models and how they do",
        roles=_MAY_READ,
    ),
)

handler = not_built(ROUTES)
