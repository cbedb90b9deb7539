"""Protections that become weaker: switches turned off, floors lowered, guards removed.

The CloudFormation specification does not say what protects, so this is a list: one line per switch, with
the type, the place, and which way is weaker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.diff.assembly import Assembly, Stack
from checks.diff.compare import shown
from checks.diff.model import Finding, Risk

Weaker = Callable[[Any, Any], bool]
"""Whether the value after is weaker than the one before; None is an absent one."""


def off(before: Any, after: Any) -> bool:
    return _is_on(before) and not _is_on(after)


def on(before: Any, after: Any) -> bool:
    return _is_on(after) and not _is_on(before)


def lower(before: Any, after: Any) -> bool:
    return before is not None and (after is None or _number(after) < _number(before))


def higher(before: Any, after: Any) -> bool:
    return before is not None and (after is None or _number(after) > _number(before))


def shorter(before: Any, after: Any) -> bool:
    """For what is kept for ever where no time is said."""
    return after is not None and (before is None or _number(after) < _number(before))


def gone(before: Any, after: Any) -> bool:
    return bool(before) and not after


def fewer(before: Any, after: Any) -> bool:
    """For lists of who is told or what is covered: something is no longer in it."""
    return any(item not in (after or []) for item in (before or []))


def more(before: Any, after: Any) -> bool:
    """For lists of what is let in: something is new in it."""
    return any(item not in (before or []) for item in (after or []))


def below(*strongest_first: str) -> Weaker:
    """For words that have an order; an unknown or absent one is the weakest."""
    rank = {word: place for place, word in enumerate(strongest_first)}
    weakest = len(strongest_first)
    return lambda before, after: rank.get(str(after), weakest) > rank.get(str(before), weakest)


@dataclass(frozen=True)
class Switch:
    """`place` is a path below Properties; `*` stands for each element of a list or map."""

    resource_type: str
    place: str
    weaker: Weaker
    meaning: str


SWITCHES = (
    Switch(
        "AWS::S3::Bucket", "PublicAccessBlockConfiguration.BlockPublicAcls", off, "public access is blocked"
    ),
    Switch(
        "AWS::S3::Bucket", "PublicAccessBlockConfiguration.BlockPublicPolicy", off, "public access is blocked"
    ),
    Switch(
        "AWS::S3::Bucket", "PublicAccessBlockConfiguration.IgnorePublicAcls", off, "public access is blocked"
    ),
    Switch(
        "AWS::S3::Bucket",
        "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        off,
        "public access is blocked",
    ),
    Switch("AWS::S3::Bucket", "VersioningConfiguration.Status", below("Enabled"), "objects keep versions"),
    Switch("AWS::S3::Bucket", "BucketEncryption", gone, "objects are encrypted"),
    Switch("AWS::S3::Bucket", "LoggingConfiguration", gone, "access is logged"),
    Switch(
        "AWS::S3::Bucket", "CorsConfiguration.CorsRules.*.AllowedOrigins", more, "which websites may reach it"
    ),
    Switch("AWS::DynamoDB::Table", "SSESpecification.SSEEnabled", off, "items are encrypted with our key"),
    Switch("AWS::DynamoDB::Table", "OnDemandThroughput", gone, "what an error on a table may cost"),
    Switch("AWS::KMS::Key", "EnableKeyRotation", off, "the key is rotated"),
    Switch("AWS::KMS::Key", "RotationPeriodInDays", higher, "the key is rotated in time"),
    Switch("AWS::KMS::Key", "PendingWindowInDays", lower, "how long a deletion can be taken back"),
    Switch("AWS::SQS::Queue", "KmsMasterKeyId", gone, "messages are encrypted with our key"),
    Switch("AWS::SQS::Queue", "RedrivePolicy", gone, "what fails is kept among dead letters"),
    Switch("AWS::SQS::Queue", "RedriveAllowPolicy", gone, "who may fill the dead letters"),
    Switch("AWS::SNS::Topic", "KmsMasterKeyId", gone, "messages are encrypted with our key"),
    Switch("AWS::Logs::LogGroup", "KmsKeyId", gone, "logs are encrypted with our key"),
    Switch("AWS::Events::EventBus", "KmsKeyIdentifier", gone, "events are encrypted with our key"),
    Switch(
        "AWS::Cognito::UserPool", "MfaConfiguration", below("ON", "OPTIONAL"), "a second factor is asked for"
    ),
    Switch(
        "AWS::Cognito::UserPool",
        "UserPoolAddOns.AdvancedSecurityMode",
        below("ENFORCED", "AUDIT"),
        "stolen passwords are recognised",
    ),
    Switch(
        "AWS::Cognito::UserPool", "Policies.PasswordPolicy.MinimumLength", lower, "how long passwords are"
    ),
    Switch(
        "AWS::Cognito::UserPool", "Policies.PasswordPolicy.RequireLowercase", off, "how hard passwords are"
    ),
    Switch(
        "AWS::Cognito::UserPool", "Policies.PasswordPolicy.RequireUppercase", off, "how hard passwords are"
    ),
    Switch("AWS::Cognito::UserPool", "Policies.PasswordPolicy.RequireNumbers", off, "how hard passwords are"),
    Switch("AWS::Cognito::UserPool", "Policies.PasswordPolicy.RequireSymbols", off, "how hard passwords are"),
    Switch(
        "AWS::Cognito::UserPool", "AdminCreateUserConfig.AllowAdminCreateUserOnly", off, "who may sign up"
    ),
    Switch("AWS::Cognito::UserPoolClient", "ExplicitAuthFlows", more, "how clients may sign in"),
    Switch("AWS::Cognito::UserPoolClient", "AllowedOAuthFlows", more, "how clients may sign in"),
    Switch(
        "AWS::Cognito::UserPoolClient", "WriteAttributes", more, "what clients may write about themselves"
    ),
    Switch(
        "AWS::Cognito::UserPoolClient",
        "PreventUserExistenceErrors",
        below("ENABLED"),
        "who exists stays hidden",
    ),
    Switch("AWS::Cognito::UserPoolClient", "EnableTokenRevocation", off, "tokens can be revoked"),
    Switch("AWS::Cognito::UserPoolClient", "IdTokenValidity", higher, "how long a token is good"),
    Switch("AWS::Cognito::UserPoolClient", "AccessTokenValidity", higher, "how long a token is good"),
    Switch("AWS::Cognito::UserPoolClient", "RefreshTokenValidity", higher, "how long a token is good"),
    Switch("AWS::Lambda::Function", "TracingConfig.Mode", below("Active"), "calls are traced"),
    Switch("AWS::Lambda::Function", "ReservedConcurrentExecutions", gone, "the function has its share"),
    Switch("AWS::Lambda::Function", "KmsKeyArn", gone, "the environment is encrypted with our key"),
    Switch("AWS::Lambda::Function", "CodeSigningConfigArn", gone, "only signed code runs"),
    Switch("AWS::Lambda::EventSourceMapping", "FunctionResponseTypes", fewer, "a failed message fails alone"),
    Switch("AWS::Lambda::Url", "AuthType", below("AWS_IAM"), "who may call"),
    Switch("AWS::IAM::Role", "PermissionsBoundary", gone, "the role has a boundary"),
    Switch("AWS::IAM::Role", "MaxSessionDuration", higher, "how long a session lasts"),
    Switch("AWS::ApiGateway::RestApi", "DisableExecuteApiEndpoint", off, "there is no way round the domain"),
    Switch("AWS::ApiGateway::Stage", "TracingEnabled", off, "calls are traced"),
    Switch("AWS::ApiGateway::Stage", "AccessLogSetting", gone, "calls are logged"),
    Switch("AWS::ApiGateway::Stage", "MethodSettings.*.DataTraceEnabled", on, "bodies stay out of the logs"),
    Switch(
        "AWS::ApiGateway::Stage", "MethodSettings.*.ThrottlingRateLimit", higher, "how much is let through"
    ),
    Switch(
        "AWS::ApiGateway::Stage", "MethodSettings.*.ThrottlingBurstLimit", higher, "how much is let through"
    ),
    Switch(
        "AWS::ApiGateway::DomainName",
        "SecurityPolicy",
        lambda before, after: before == "TLS_1_2" and after in (None, "TLS_1_0"),
        "the oldest TLS",
    ),
    Switch("AWS::ApiGateway::UsagePlan", "Throttle.RateLimit", higher, "how much is let through"),
    Switch("AWS::ApiGateway::UsagePlan", "Quota.Limit", higher, "how much is let through"),
    Switch(
        "AWS::WAFv2::WebACL", "DefaultAction.Block", lambda b, a: b is not None and a is None, "the default"
    ),
    Switch("AWS::CloudTrail::Trail", "IsLogging", off, "calls to AWS are recorded"),
    Switch("AWS::CloudTrail::Trail", "EnableLogFileValidation", off, "the record is sealed"),
    Switch("AWS::CloudTrail::Trail", "IsMultiRegionTrail", off, "every region is recorded"),
    Switch("AWS::CloudTrail::Trail", "KMSKeyId", gone, "the record is encrypted with our key"),
    Switch("AWS::CloudTrail::Trail", "EventSelectors", fewer, "what is recorded"),
    Switch("AWS::Backup::BackupPlan", "BackupPlan.BackupPlanRule", fewer, "what is backed up, and when"),
    Switch("AWS::Backup::BackupSelection", "BackupSelection.Resources", fewer, "what is backed up"),
    Switch("AWS::Backup::BackupVault", "LockConfiguration", gone, "backups cannot be deleted"),
    Switch("AWS::Events::Rule", "State", below("ENABLED"), "the rule works"),
    Switch("AWS::Scheduler::Schedule", "State", below("ENABLED"), "the schedule works"),
    Switch("AWS::Pipes::Pipe", "DesiredState", lambda b, a: a == "STOPPED" and b != a, "the pipe runs"),
    Switch(
        "AWS::Lambda::EventSourceMapping",
        "Enabled",
        lambda b, a: a in (False, "false") and b not in (False, "false"),
        "messages are read",
    ),
    Switch("AWS::Events::Rule", "Targets.*.DeadLetterConfig", gone, "what fails is kept"),
    Switch(
        "AWS::CloudWatch::Alarm",
        "ActionsEnabled",
        lambda b, a: a in (False, "false") and b not in (False, "false"),
        "the alarm tells somebody",
    ),
    Switch("AWS::CloudWatch::Alarm", "AlarmActions", fewer, "whom the alarm tells"),
    Switch("AWS::CloudWatch::Alarm", "EvaluationPeriods", higher, "how soon the alarm tells"),
    Switch("AWS::CloudWatch::Alarm", "DatapointsToAlarm", higher, "how soon the alarm tells"),
    Switch("AWS::CloudWatch::Alarm", "TreatMissingData", lambda b, a: b == "breaching" and a != b, "silence"),
    Switch(
        "AWS::CodeDeploy::DeploymentGroup", "AlarmConfiguration.Alarms", fewer, "what stops a bad release"
    ),
    Switch(
        "AWS::CodeDeploy::DeploymentGroup", "AlarmConfiguration.Enabled", off, "alarms stop a bad release"
    ),
    Switch(
        "AWS::CodeDeploy::DeploymentGroup",
        "AutoRollbackConfiguration.Enabled",
        off,
        "a bad release goes back",
    ),
    Switch("AWS::SNS::Subscription", "RedrivePolicy", gone, "what fails is kept"),
)

GUARDS = frozenset(
    {
        "AWS::ApiGateway::Authorizer",
        "AWS::ApiGateway::RequestValidator",
        "AWS::Backup::BackupPlan",
        "AWS::Backup::BackupSelection",
        "AWS::Budgets::Budget",
        "AWS::CloudTrail::Trail",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::Config::ConfigRule",
        "AWS::Logs::MetricFilter",
        "AWS::SNS::Subscription",
        "AWS::SecretsManager::RotationSchedule",
        "AWS::WAFv2::LoggingConfiguration",
        "AWS::WAFv2::WebACL",
        "AWS::WAFv2::WebACLAssociation",
    }
)
"""Resources that only watch or protect: without one, everything works as before, and less is safe."""


def weakened(base: Assembly, head: Assembly, *, moved: frozenset[tuple[str, str]]) -> list[Finding]:
    """Every switch that is weaker in `head`, and every guard that is gone; `moved` names those elsewhere."""
    findings: list[Finding] = []
    for stack_id, before in base.items():
        after = head.get(stack_id)
        for logical_id, old in before.resources.items():
            new = after.resources.get(logical_id) if after else None
            if new is not None and after is not None and new.get("Type") == old.get("Type"):
                findings += _turned(after, logical_id, old, new)
            elif old.get("Type") in GUARDS and (stack_id, logical_id) not in moved:
                findings.append(_finding(before, logical_id, "guard-removed", f"{old['Type']} is removed"))
    return findings


def _turned(
    stack: Stack, logical_id: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Finding]:
    resource_type = old["Type"]
    before, after = old.get("Properties", {}), new.get("Properties", {})
    for switch in SWITCHES:
        if switch.resource_type != resource_type:
            continue
        was, becomes = dict(_values(before, switch.place)), dict(_values(after, switch.place))
        for place in sorted(was.keys() | becomes.keys()):
            value, other = was.get(place), becomes.get(place)
            if switch.weaker(value, other):
                yield _finding(stack, logical_id, "weakened", _turn(place, value, other), switch.meaning)
    if resource_type == "AWS::WAFv2::WebACL":
        for what in _firewall(before, after):
            yield _finding(stack, logical_id, "firewall", what, "what the firewall stops")
    if resource_type == "AWS::CloudWatch::Alarm" and (turn := _threshold(before, after)):
        yield _finding(stack, logical_id, "weakened", turn, "when the alarm tells")
    if resource_type == "AWS::ApiGateway::RestApi":
        for route in sorted(_open_routes(after.get("Body")) - _open_routes(before.get("Body"))):
            yield _finding(stack, logical_id, "open-route", f"{route} needs no authorisation", "who may call")


def _values(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The values at `place`, each with its own path: elements of lists by their name where they have one."""
    part, _, rest = place.partition(".")
    if part == "*":
        for key, item in _elements(value):
            yield from ((f"{key}.{path}", found) for path, found in _values(item, rest))
    elif isinstance(value, dict) and part in value:
        if not rest:
            yield part, value[part]
        else:
            yield from ((f"{part}.{path}", found) for path, found in _values(value[part], rest))


def _elements(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        for index, item in enumerate(value):
            name = None
            if isinstance(item, dict):
                name = item.get("Name") or item.get("Id") or item.get("ResourcePath")
            yield str(name or index), item


def _firewall(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Rules that are gone, only count now, let more through, or look at less."""
    old, new = dict(_elements(before.get("Rules", []))), dict(_elements(after.get("Rules", [])))
    for name, rule in old.items():
        if name not in new:
            yield f"the rule {name} is removed"
            continue
        if _action(rule) == "block" and (now := _action(new[name])) != "block":
            yield f"the rule {name} only says {now} instead of block"
        limit, limit_now = _limit(rule), _limit(new[name])
        if limit is not None and (limit_now is None or limit_now > limit):
            yield f"the rule {name} lets {limit_now} through instead of {limit}"
        if new[name].get("Statement") != rule.get("Statement") and limit == limit_now:
            yield f"the rule {name} looks at something else than before"
    for name in new.keys() - old.keys():
        if _action(new[name]) == "allow":
            yield f"the new rule {name} lets through what later rules would stop"


def _action(rule: Mapping[str, Any]) -> str:
    """block, count, allow or another action; a managed group blocks unless it is overridden."""
    if "Action" in rule:
        return next(iter(rule["Action"]), "none").lower()
    return "count" if "Count" in rule.get("OverrideAction", {}) else "block"


def _limit(rule: Mapping[str, Any]) -> float | None:
    limit = rule.get("Statement", {}).get("RateBasedStatement", {}).get("Limit")
    return None if limit is None else _number(limit)


def _threshold(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    old, new = before.get("Threshold"), after.get("Threshold")
    if old is None or new is None or old == new:
        return None
    falls = str(after.get("ComparisonOperator", "")).startswith("LessThan")
    looser = _number(new) < _number(old) if falls else _number(new) > _number(old)
    return _turn("Threshold", old, new) if looser else None


def _open_routes(body: Any) -> set[str]:
    """The operations of an OpenAPI document that nobody has to sign in for; preflights aside."""
    if not isinstance(body, dict):
        return set()
    return {
        f"{method.upper()} {path}"
        for path, operations in body.get("paths", {}).items()
        if isinstance(operations, dict)
        for method, operation in operations.items()
        if method != "options"
        and isinstance(operation, dict)
        and not operation.get("security", body.get("security"))
    }


def _turn(place: str, before: Any, after: Any) -> str:
    path = tuple(place.split("."))
    was, becomes = ("absent" if value is None else shown(value, path) for value in (before, after))
    return f"{place}: {was} → {becomes}"


def _is_on(value: Any) -> bool:
    return value in (True, "true", "True")


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")  # compares false with everything: nothing is claimed about what is no number


def _finding(stack: Stack, logical_id: str, kind: str, what: str, meaning: str = "") -> Finding:
    return Finding(
        risk=Risk.BROADENING,
        kind=kind,
        stack=stack.id,
        subject=stack.path_of(logical_id),
        what=what,
        consequence=f"About: {meaning}." if meaning else "",
    )
