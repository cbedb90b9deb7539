"""Callers: what the API promises it may call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.api import API, operations
from checks.rules.estate import Estate
from checks.rules.invocations import INTEGRATION, invoked_function
from checks.rules.rule import Breach, at, rule


@rule(
    "HASIVU-API-22",
    "SOX OP-1",
    "PCI DSS 1.3.1",
    remedy="Permit API Gateway the function's alias, for this method and path of the stage.",
)
def the_api_may_call_its_functions(estate: Estate) -> Iterator[Breach]:
    """API Gateway may call the function of every operation, and the authoriser."""
    may = set()
    for permission in estate.of("AWS::Lambda::Permission"):
        if permission.get("Principal") == "apigateway.amazonaws.com":
            function = invoked_function(estate, permission.get("FunctionName"), permission.stack)
            source = estate.text(permission.get("SourceArn"), permission.stack)
            may.add((function, source.partition(">/")[2]))
    for api in estate.of(API):
        for path, method, declared in operations(api):
            function = invoked_function(estate, (declared.get(INTEGRATION) or {}).get("uri"), api.stack)
            called = f"live/{method.upper()}{re.sub(r'{[^}]+}', '*', path)}"
            if function is not None and (function, called) not in may:
                yield at(api, f"Body.paths.{path}.{method}", shown="its function refuses API Gateway")
        for name, scheme in (api.get("Body.components.securitySchemes") or {}).items():
            named = (scheme.get("x-amazon-apigateway-authorizer") or {}).get("authorizerUri")
            function = invoked_function(estate, named, api.stack)
            if function is not None and (function, "authorizers/*") not in may:
                yield at(api, f"Body.components.securitySchemes.{name}", shown="it refuses API Gateway")
