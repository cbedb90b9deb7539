"""Browsers: whose pages may call the API and read its answers (WHATWG Fetch, CORS)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.api import API, METHODS, WEBHOOKS
from checks.rules.estate import Estate, Resource, strings_in
from checks.rules.invocations import INTEGRATION
from checks.rules.rule import Breach, at, rule

ALLOW_ORIGIN, ALLOW_METHODS = "Access-Control-Allow-Origin", "Access-Control-Allow-Methods"
CREDENTIALS = "access-control-allow-credentials"
ORIGIN = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
LOCAL = re.compile(r"http://localhost(:\d{1,5})?")
LOCAL_ENVIRONMENTS = frozenset({"sandbox", "dev"})

COMPARED = re.compile(
    re.escape('#set($origin = $input.params().header.get("Origin"))\n')
    + re.escape('#if(!$origin || $origin == "")')
    + re.escape('#set($origin = $input.params().header.get("origin"))#end\n')
    + r'#if\((\$origin == "[^"]+"(?: \|\| \$origin == "[^"]+")*)\)\n'
    + re.escape(f"#set($context.responseOverride.header.{ALLOW_ORIGIN} = $origin)\n#end")
)
"""The one template that may name the caller's own origin: after comparing it, as a whole, with a list."""


def is_allowed(origin: str, environment: str) -> bool:
    """Whether ``origin`` may be on a list at all: https and one host, or this machine while developing."""
    local = environment in LOCAL_ENVIRONMENTS and LOCAL.fullmatch(origin)
    return bool(ORIGIN.fullmatch(origin) or local)


def preflights(api: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and declaration of each operation OPTIONS."""
    for path, item in (api.get("Body.paths") or {}).items():
        if "options" in item:
            yield path, item["options"]


def _answer(preflight: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one answer of a preflight; empty for none or several."""
    answers = list((preflight.get(INTEGRATION, {}).get("responses") or {}).values())
    return answers[0] if len(answers) == 1 else {}


def origins_of(preflight: Mapping[str, Any]) -> list[str] | None:
    """The origins that a preflight allows; None where that cannot be read."""
    answer = _answer(preflight)
    first = (answer.get("responseParameters") or {}).get(f"method.response.header.{ALLOW_ORIGIN}")
    if not isinstance(first, str) or not re.fullmatch(r"'[^']+'", first):
        return None
    origins = [first.strip("'")]
    for template in (answer.get("responseTemplates") or {}).values():
        if template:
            compared = COMPARED.fullmatch(template)
            if compared is None:
                return None
            origins += re.findall(r'"([^"]+)"', compared[1])
    return origins


@rule(
    "HASIVU-API-11",
    "PCI DSS 6.2.4",
    remedy="Allow the environment's own https origins, one list everywhere; compare, never reflect.",
)
def browsers_come_from_our_origins_only(estate: Estate) -> Iterator[Breach]:
    """Only listed https origins are allowed, by one list for gateway and functions, and no cookies."""
    for resource in estate.of(API, "AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse"):
        for path, text in strings_in(resource.properties, ""):
            header = path.lower()
            if header.endswith(CREDENTIALS) or CREDENTIALS in text.lower():
                yield at(resource, path, shown="cookies are allowed")
            elif header.endswith(ALLOW_ORIGIN.lower()):
                quoted = re.fullmatch(r"'([^']+)'", text)
                if quoted is None or not is_allowed(quoted[1], estate.environment):
                    yield at(resource, path, shown=text)
    for api in estate.of(API):
        lists = {}
        for path, preflight in preflights(api):
            origins = origins_of(preflight)
            where = f"Body.paths.{path}.options"
            if origins is None:
                yield at(api, where, shown="whom it allows cannot be read")
            elif strange := [item for item in origins if not is_allowed(item, estate.environment)]:
                yield at(api, where, shown=strange[0])
            else:
                lists[where] = frozenset(origins)
        yield from _one_list(estate, api, lists)


def _one_list(estate: Estate, api: Resource, lists: Mapping[str, frozenset[str]]) -> Iterator[Breach]:
    if not lists:
        return
    expected = next(iter(lists.values()))
    for where, origins in lists.items():
        if origins != expected:
            yield at(api, where, shown="another list than the other preflights'")
    for resource in estate.of(API, "AWS::ApiGateway::GatewayResponse"):
        for path, text in strings_in(resource.properties, ""):
            fixed = path.lower().endswith(f"gatewayresponse.header.{ALLOW_ORIGIN.lower()}")
            if fixed and (len(expected) > 1 or text.strip("'") not in expected):
                yield at(resource, path, shown="a fixed origin that is not the only one")
    for function in estate.of("AWS::Lambda::Function"):
        told = function.get("Environment.Variables.ALLOWED_ORIGINS")
        if told is not None and frozenset(str(told).split(",")) != expected:
            yield at(function, "Environment.Variables.ALLOWED_ORIGINS")


@rule(
    "HASIVU-API-20",
    "PCI DSS 2.2.4",
    "PCI DSS 6.2.4",
    remedy="Answer OPTIONS by a mock that names the path's own methods; give webhooks none.",
)
def preflights_reach_no_function(estate: Estate) -> Iterator[Breach]:
    """Every path for browsers has its preflight, answered by the gateway itself; no webhook has one."""
    for api in estate.of(API):
        answered = dict(preflights(api))
        for path, item in (api.get("Body.paths") or {}).items():
            where = f"Body.paths.{path}.options"
            if path.startswith(WEBHOOKS) or path not in answered:
                if path.startswith(WEBHOOKS) == (path in answered):
                    yield at(api, where, shown="a preflight of a webhook" if path in answered else "absent")
                continue
            integration = answered[path].get(INTEGRATION) or {}
            if integration.get("type") != "mock" or "uri" in integration or answered[path].get("security"):
                yield at(api, where, shown=f"{integration.get('type')}: not answered by the gateway itself")
            offered = (_answer(answered[path]).get("responseParameters") or {}).get(
                f"method.response.header.{ALLOW_METHODS}"
            )
            methods = {method.upper() for method in item if method in METHODS and method != "options"}
            if set(str(offered).strip("'").split(",")) != methods:
                yield at(api, where, shown=f"offers {offered}")
