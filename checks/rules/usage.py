"""Usage plans: that every caller is counted, in a plan with limits, by what the authoriser says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.api import API, OPEN_OPERATIONS, key_schemes, operations
from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.stage import BURST_MAX, RATE_PER_S_MAX, STAGE

PLAN, KEY, MEMBER = (f"AWS::ApiGateway::{kind}" for kind in ("UsagePlan", "ApiKey", "UsagePlanKey"))
KEY_SOURCE = "Body.x-amazon-apigateway-api-key-source"
CLIENT = "AWS::Cognito::UserPoolClient"
DAILY_QUOTA_MIN, DAILY_QUOTA_MAX = 10_000, 100_000_000
"""Less than the least is no limit on abuse but an outage for whoever has a school's work to do."""

IDENTIFIER = re.compile(r"([a-z]+-)*<[A-Za-z0-9.-]+>")
"""A reference, after words at most: nothing that could open anything is written down."""


@rule(
    "HASIVU-API-14",
    "PCI DSS 2.2.2",
    "PCI DSS 6.4.2",
    remedy="Refer to the app client, as the authoriser does; enable the key; limit a plan of the stage.",
)
def usage_plans_count_and_limit(estate: Estate) -> Iterator[Breach]:
    """A plan's keys are references, and enabled; the plan is on a stage of the API and limits it."""
    for key in estate.of(KEY):
        text = estate.text(key.get("Value"), key.stack)
        if not (IDENTIFIER.fullmatch(text) and estate.ours(key, "Value", CLIENT)):
            yield at(key, "Value", shown="no reference to the app client, which the authoriser names")
        if key.get("Enabled") is not True:
            yield at(key, "Enabled")
    members = list(estate.of(MEMBER))
    counting = {estate.target(item.get("UsagePlanId"), item.stack) for item in members}
    counted = {estate.target(item.get("KeyId"), item.stack) for item in members}
    for key in estate.of(KEY):
        if key not in counted:
            yield at(key, "Value", shown="in no plan")
    for plan in estate.of(PLAN):
        for path, limit in (("Throttle.RateLimit", RATE_PER_S_MAX), ("Throttle.BurstLimit", BURST_MAX)):
            limited = plan.get(path)
            if not (isinstance(limited, int | float) and 1 <= limited <= limit):
                yield at(plan, path)
        yield from _quota(plan)
        if plan not in counting:
            yield at(plan, "UsagePlanName", shown="counts nobody")
        yield from _stages(estate, plan)
    for member in members:
        if member.get("KeyType") != "API_KEY":
            yield at(member, "KeyType")


def _quota(plan: Resource) -> Iterator[Breach]:
    """A quota is of a day, and neither so small that work stops nor so large that it limits nothing."""
    quota = plan.get("Quota")
    if quota is None:
        return
    limit = plan.get("Quota.Limit")
    if not (isinstance(limit, int) and DAILY_QUOTA_MIN <= limit <= DAILY_QUOTA_MAX):
        yield at(plan, "Quota.Limit")
    if plan.get("Quota.Period") != "DAY":
        yield at(plan, "Quota.Period")
    if plan.get("Quota.Offset"):
        yield at(plan, "Quota.Offset")


def _stages(estate: Estate, plan: Resource) -> Iterator[Breach]:
    """A plan is on stages of the estate's API."""
    named = plan.items("ApiStages")
    stages = {estate.target(item.get("Stage"), plan.stack) for item in named}
    apis = {estate.target(item.get("ApiId"), plan.stack) for item in named}
    if not stages or not stages <= set(estate.of(STAGE)) or not apis <= set(estate.of(API)):
        yield at(plan, "ApiStages")


@rule(
    "HASIVU-API-19",
    "PCI DSS 6.4.2",
    environments=DEPLOYED,
    remedy="Ask for the key beside the authoriser, and take it from the authoriser.",
)
def every_caller_is_counted(estate: Estate) -> Iterator[Breach]:
    """Every operation behind the authoriser asks for a plan's key, said by the authoriser, not the caller."""
    for api in estate.of(API):
        if {api.get(KEY_SOURCE), api.get("ApiKeySourceType")} - {None} != {"AUTHORIZER"}:
            yield at(api, KEY_SOURCE)
        keys = key_schemes(api)
        for path, method, declared in operations(api):
            requirements = declared.get("security") or []
            uncounted = not requirements or any(not keys & requirement.keys() for requirement in requirements)
            if method != "options" and (method, path) not in OPEN_OPERATIONS and uncounted:
                yield at(api, f"Body.paths.{path}.{method}.security", shown="not counted")
        if not list(estate.of(PLAN)):
            yield at(api, KEY_SOURCE, shown="there is no usage plan")
