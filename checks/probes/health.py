"""Whether the API answers: its public health check, asked as anybody may."""

from __future__ import annotations

import json
from typing import Final

import urllib3

from checks.probes.account import Account, CouldNotLook
from checks.probes.gateway import STAGE
from checks.probes.model import Fact, Probe
from checks.probes.running import Live

HEALTH = Probe(
    name="health",
    title="The API's health check answers 200 and says that it is up",
    remedy="Follow docs/runbooks/health.md; 403 may be the firewall, which does not know this machine.",
    controls=("GDPR 32(1)(b)",),
)
PATH: Final = "/health"
MAPPING: Final = "AWS::ApiGateway::BasePathMapping"
BYTES_MAX: Final = 64 * 1024


def _is_up(account: Account, live: Live) -> str | None:
    status, body = _get(_url(account, live) + PATH)
    if status != 200:
        return f"answers {status}"
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("status") != "pass":
        return "answers 200 without saying that it is up"
    name = live.running.estate.environment
    return None if said.get("environment") == name else f"is not the API of {name}"


def _url(account: Account, live: Live) -> str:
    """Where callers find the stage: at its domain, where it has one."""
    api, stage = live.expected("RestApiId"), live.expected("StageName")
    if live.running.on_emulator:
        return f"{account.endpoint_url}/_aws/execute-api/{api}/{stage}"
    for mapping in live.running.of(MAPPING):
        if mapping.expected("RestApiId") == api:
            return f"https://{mapping.expected('DomainName')}"
    return f"https://{api}.execute-api.{live.region}.amazonaws.com/{stage}"


def _get(url: str) -> tuple[int, bytes]:
    """Status and the first of the body. Raises CouldNotLook."""
    try:
        answered = urllib3.request(
            "GET",
            url,
            timeout=urllib3.Timeout(connect=5, read=30),  # the API itself gives up after 29 s
            retries=urllib3.Retry(connect=2, read=2, redirect=0, raise_on_redirect=False),
            preload_content=False,
        )
        try:
            return answered.status, answered.read(BYTES_MAX)
        finally:
            answered.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise CouldNotLook(f"the API's health check: unreachable ({type(error).__name__})") from None


FACTS = (Fact(kind=STAGE, name="health check", probe=HEALTH, wrong=_is_up),)
