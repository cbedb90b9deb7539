"""What the contract tells API Gateway beside OpenAPI: each word of it is one that was reviewed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.api import API, operations
from checks.rules.estate import Estate
from checks.rules.rule import Breach, at, rule

PREFIX = "x-amazon-apigateway-"
AUTHORIZER = f"{PREFIX}authorizer"
INTEGRATION = f"{PREFIX}integration"

OF_THE_API = frozenset(
    {
        "openapi",
        "info",
        "paths",
        "components",
        f"{PREFIX}api-key-source",
        f"{PREFIX}gateway-responses",
        f"{PREFIX}request-validator",
        f"{PREFIX}request-validators",
    }
)
OF_AN_OPERATION = frozenset({INTEGRATION, f"{PREFIX}request-validator"})
"""No ``x-amazon-apigateway-auth``, which takes an operation out from behind the authoriser."""

OF_AN_INTEGRATION = frozenset(
    {
        "type",
        "uri",
        "httpMethod",
        "passthroughBehavior",
        "requestTemplates",
        "responses",
        "timeoutInMillis",
    }
)
"""No credentials, no TLS without a look at the certificate, no parameters that change the call."""

OF_AN_AUTHORIZER = frozenset(
    {"type", "authorizerUri", "authorizerResultTtlInSeconds", "identityValidationExpression"}
)
CREDENTIALS = r"^(Bearer|ApiKey) [\x21-\x7E]+$"


@rule(
    "HASIVU-API-25",
    "PCI DSS 2.2.4",
    "PCI DSS 7.3.1-7.3.3",
    "PCI DSS 1.3.1",
    remedy="Leave the word out, or add it to checks/rules/extensions.py with the rule that its value needs.",
)
def the_contract_tells_the_gateway_known_words(estate: Estate) -> Iterator[Breach]:
    """The contract tells API Gateway nothing but what was reviewed, and takes whole credentials only."""
    for api in estate.of(API):
        body = api.get("Body")
        if not isinstance(body, Mapping):
            continue
        for name in _unknown(body, OF_THE_API):
            yield at(api, f"Body.{name}", shown="a word that no rule knows")
        for path, method, declared in operations(api):
            place = f"Body.paths.{path}.{method}"
            beside = {name for name in declared if name.startswith("x-")}
            for name in _unknown(beside, OF_AN_OPERATION):
                yield at(api, f"{place}.{name}", shown="a word that no rule knows")
            for name in _unknown(declared.get(INTEGRATION), OF_AN_INTEGRATION):
                yield at(api, f"{place}.{INTEGRATION}.{name}", shown="a word that no rule knows")
        schemes = api.get("Body.components.securitySchemes")
        for scheme, found in schemes.items() if isinstance(schemes, Mapping) else ():
            said = found.get(AUTHORIZER) if isinstance(found, Mapping) else None
            place = f"Body.components.securitySchemes.{scheme}.{AUTHORIZER}"
            for name in _unknown(said, OF_AN_AUTHORIZER):
                yield at(api, f"{place}.{name}", shown="a word that no rule knows")
            if isinstance(said, Mapping) and said.get("identityValidationExpression") != CREDENTIALS:
                yield at(api, f"{place}.identityValidationExpression")


def _unknown(said: Any, known: frozenset[str]) -> list[str]:
    return sorted(map(str, set(said) - known)) if isinstance(said, Mapping | set) else []
