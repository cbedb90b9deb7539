"""The web application firewall as a whole: what it decides on known requests, what it says, what it costs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from checks.firewall.capacity import INCLUDED_MAX, capacity
from checks.firewall.known_requests import Known, World, facing_the_api, facing_the_user_pool
from checks.firewall.request import NotEvaluated
from checks.firewall.web_acl import WebAcl
from checks.rules.browsers import is_allowed
from checks.rules.estate import Estate
from checks.rules.firewall import ACL, STAGE, USER_POOL, addresses_of, associations, environment_document
from checks.rules.rule import DEPLOYED, Breach, at, rule

MEMBERS = frozenset({"type", "title", "status", "detail", "code", "next_step"})
HEADERS = frozenset(
    {
        *("Cache-Control", "Retry-After", "Vary"),
        *("Access-Control-Allow-Origin", "Access-Control-Expose-Headers"),
    }
)
TELLING = re.compile(r"\$|arn:|\b\d{1,3}(\.\d{1,3}){3}\b|AWS|WAF|rule", re.IGNORECASE)


@rule(
    "HASIVU-WAF-10",
    "PCI DSS 6.4.2",
    "PCI DSS 1.3.1",
    environments=DEPLOYED,
    remedy="See checks/firewall/known_requests.py: let the rule named there object, and nobody to a guest.",
)
def known_requests_are_decided_as_they_must_be(estate: Estate) -> Iterator[Breach]:
    """Known attacks are stopped by the rule that is for them, known guests pass, in every web ACL's place."""
    world = World.of(environment_document(estate.environment))
    known = {STAGE: facing_the_api(world), USER_POOL: facing_the_user_pool(world)}
    for acl, guarded in associations(estate):
        evaluated = WebAcl(acl.properties, partial(addresses_of, estate, acl))
        for case in known.get(guarded.kind, ()):
            wrong = _wrong(evaluated, case)
            if wrong:
                yield at(acl, f"Rules ({case.title})", shown=wrong)


def _wrong(acl: WebAcl, case: Known) -> str:
    """What is wrong about the decision on ``case``; empty for nothing."""
    try:
        decision = acl.decide(case.request)
    except NotEvaluated as error:
        return f"cannot be evaluated: {error}"
    if decision.objected != case.rule:
        return f"{decision.objected or 'nobody'} objects, not {case.rule or 'nobody'}"
    if case.rule is None and frozenset(decision.left_to_aws) != case.groups:
        return f"is shown to {', '.join(decision.left_to_aws) or 'no group'}"
    return ""


@rule(
    "HASIVU-WAF-11",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Take transformations or rules away; checks/firewall/capacity.py says what each costs.",
)
def the_firewall_fits(estate: Estate) -> Iterator[Breach]:
    """A web ACL keeps to the capacity that its price includes."""
    for acl in estate.of(ACL):
        try:
            units = capacity(acl.properties)
        except NotEvaluated as error:
            yield at(acl, "Rules", shown=str(error))
        else:
            if units > INCLUDED_MAX:
                yield at(acl, "Rules", shown=f"{units} units")


@rule(
    "HASIVU-WAF-12",
    "PCI DSS 6.2.4",
    remedy="Answer with a problem document under a status of 4xx, and with Cache-Control and Retry-After.",
)
def the_firewall_tells_nothing(estate: Estate) -> Iterator[Breach]:
    """What the firewall says is a problem document that tells nothing of the inside."""
    for acl in estate.of(ACL):
        bodies: Mapping[str, Any] = acl.get("CustomResponseBodies") or {}
        for name, body in bodies.items():
            document = _document(body)
            if document.keys() != MEMBERS or TELLING.search(json.dumps(document)):
                yield at(acl, f"CustomResponseBodies.{name}")
        for index, item in enumerate(acl.items("Rules")):
            said = item.get("Action", {}).get("Block", {}).get("CustomResponse")
            if said is not None and not _sound(said, bodies, estate.environment):
                yield at(acl, f"Rules.{index}.Action.Block.CustomResponse")


def _document(body: Mapping[str, Any]) -> Mapping[str, Any]:
    if body.get("ContentType") != "APPLICATION_JSON":
        return {}
    try:
        found: Any = json.loads(str(body.get("Content")))
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _sound(said: Mapping[str, Any], bodies: Mapping[str, Any], environment: str) -> bool:
    status = said.get("ResponseCode")
    headers = {item["Name"]: str(item.get("Value")) for item in said.get("ResponseHeaders") or []}
    origin = headers.get("Access-Control-Allow-Origin")
    document = _document(bodies.get(str(said.get("CustomResponseBodyKey"))) or {})
    return (
        isinstance(status, int)
        and 400 <= status < 500
        and document.get("status") == status
        and headers.keys() <= HEADERS
        and (origin is None or is_allowed(origin, environment))
        and (status == 429) == ("Retry-After" in headers)
    )
