"""Answers of the gateway itself: to browsers that ask first, and where no function is reached."""

from __future__ import annotations

from collections.abc import Iterator

from checks.rules.api import API, METHODS, operations
from checks.rules.browsers import origins_of
from checks.rules.browsers import preflights as preflights_of
from checks.rules.estate import Estate
from checks.rules.invocations import INTEGRATION
from checks.rules.rule import Breach, at, rule
from stacks.gateway_responses import as_extension
from stacks.preflights import preflights

RESPONSES = "Body.x-amazon-apigateway-gateway-responses"
WAITS_MS = range(15_000, 29_001)
"""How long the gateway waits for a function: no less than functions need, no more than it can."""


@rule(
    "HASIVU-API-23",
    "PCI DSS 1.4.5",
    "PCI DSS 6.2.4",
    remedy="Leave them as stacks/gateway_responses.py and stacks/preflights.py write them.",
)
def the_gateway_answers_as_it_was_written(estate: Estate) -> Iterator[Breach]:
    """What the gateway answers itself is the problem document and the preflight that were reviewed."""
    for api in estate.of(API):
        answered = dict(preflights_of(api))
        allowed = next((found for item in answered.values() if (found := origins_of(item))), None)
        if allowed is None:
            continue  # API-11 and API-20 name what cannot be read
        expected = as_extension(allowed)
        said = api.get(RESPONSES) or {}
        for name in sorted(expected.keys() | said.keys()):
            if said.get(name) != expected.get(name):
                yield at(api, f"{RESPONSES}.{name}", shown="differs from what was written")
        paths = {
            path: {method: declared for method, declared in item.items() if method != "options"}
            for path, item in (api.get("Body.paths") or {}).items()
        }
        for path, preflight in preflights(paths, allowed).items():
            if path in answered and answered[path] != preflight:
                yield at(api, f"Body.paths.{path}.options", shown="differs from what was written")


@rule(
    "HASIVU-API-24",
    "SOX OP-1",
    remedy="Call by POST and wait for the gateway's 29 seconds, as stacks/api.py does.",
)
def the_gateway_waits_for_functions(estate: Estate) -> Iterator[Breach]:
    """API Gateway calls functions by POST, as Lambda asks, and waits until they can have answered."""
    for api in estate.of(API):
        for path, method, declared in operations(api):
            integration = declared.get(INTEGRATION) or {}
            if method not in METHODS or integration.get("type") != "aws_proxy":
                continue
            where = f"Body.paths.{path}.{method}.{INTEGRATION}"
            if integration.get("httpMethod") != "POST":
                yield at(api, f"{where}.httpMethod", shown=str(integration.get("httpMethod")))
            if integration.get("timeoutInMillis", 29_000) not in WAITS_MS:
                yield at(api, f"{where}.timeoutInMillis", shown=str(integration["timeoutInMillis"]))
