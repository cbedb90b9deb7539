"""Functions that are deployed before they are built: their place, rights and operations stand, and what is
asked of them is answered with 501.

Nothing but the API calls such a function. An event from elsewhere is raised back to whoever sent it, so that
it is tried again and set aside rather than taken and lost.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

from aws_lambda_powertools import Logger

from runtime.platform import aws
from runtime.platform.api import Api, LambdaContext, Request, Route
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.errors import NOT_IMPLEMENTED, Problem
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.settings import FunctionSettings, load
from runtime.platform.telemetry import new_logger


class NotBuilt(RuntimeError):
    """An event reached a function that is not built; whoever sent it has to keep it."""

    code = "not-built"

    def __init__(self, function: str) -> None:
        super().__init__(f"{function} is not built yet and takes no events; take away what sends them")


def planned(method: str, path: str, *, action: str, summary: str, roles: frozenset[Role]) -> Route:
    """An operation that is settled but not built: ``roles`` may call it and get 501, others get 403."""
    return Route(
        method=method,
        path=path,
        action=action,
        summary=summary,
        description="Not built yet: every call that is allowed is answered with 501.",
        roles=roles,
        response=None,
        status=NOT_IMPLEMENTED.status,
        problems=(NOT_IMPLEMENTED,),
    )


def api(routes: Sequence[Route], audit: AuditTrail, logger: Logger, *, origins: Collection[str] = ()) -> Api:
    """``routes``, each answered with the problem ``not-implemented``; pages of ``origins`` may read it."""

    def refuse(_: Request) -> NoReturn:
        raise Problem(NOT_IMPLEMENTED, "The operation is described, but what it does is not built yet.")

    return Api([(route, refuse) for route in routes], audit=audit, logger=logger, origins=origins)


def not_built(routes: Sequence[Route]) -> LambdaFunction:
    """The entry point of a function that has ``routes`` and nothing behind them yet.

    It raises NotBuilt for an event that does not come from the API.
    """

    def wire(environment: Mapping[str, str]) -> Handler:
        settings = load(FunctionSettings, environment)
        logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
        clock = SystemClock()
        audit = AuditTrail(aws.dynamodb(), settings.audit_table, clock, UlidIds(clock))
        refusing = api(routes, audit, logger, origins=settings.origins)

        def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
            if "httpMethod" not in event:
                raise NotBuilt(settings.powertools_service_name)
            return refusing.handle(event, context)

        return handle

    return LambdaFunction(wire)
