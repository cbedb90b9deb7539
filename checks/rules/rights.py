"""Rights by the work that they are for: no more than a service's work needs, on what is the estate's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from checks.rules.backups import VAULT
from checks.rules.estate import Estate, Resource
from checks.rules.invocations import invoked_function
from checks.rules.permissions import GATEWAY_LOGGING, of_services, services_of
from checks.rules.policies import Statement, rights_of, statements
from checks.rules.rule import DEPLOYED, Breach, at, rule

LEAST = ("PCI DSS 7.2.5", "GDPR 32(1)(b)", "SOX AC-2")

KEY_USE = frozenset(
    f"kms:{action}"
    for action in ("decrypt", "describekey", "encrypt", "generatedatakey", "reencryptfrom", "reencryptto")
)

MAY: Mapping[str, frozenset[str]] = {
    "lambda.amazonaws.com": KEY_USE
    | {
        *("cognito-idp:admingetuser", "ses:sendemail", "ssm:getparameter"),
        *(f"dynamodb:{action}" for action in ("batchgetitem", "conditioncheckitem", "describetable")),
        *(f"dynamodb:{action}" for action in ("getitem", "putitem", "query", "updateitem")),
        *("logs:createlogstream", "logs:putlogevents"),
        *("kms:sign", "s3:getobject", "s3:listbucket", "s3:putobject"),
        *(f"athena:{action}queryexecution" for action in ("get", "start", "stop")),
        *(f"glue:{action}" for action in ("createpartition", "getdatabase", "gettable")),
        *("glue:updatepartition", "glue:updatetable"),
        *(f"s3:{action}" for action in ("abortmultipartupload", "getbucketlocation")),
        *(f"s3:{action}" for action in ("listbucketmultipartuploads", "listmultipartuploadparts")),
        "s3:putobjecttagging",
        *(f"secretsmanager:{action}" for action in ("describesecret", "getsecretvalue")),
        *(f"secretsmanager:{action}" for action in ("putsecretvalue", "updatesecretversionstage")),
        *(f"sqs:{action}" for action in ("changemessagevisibility", "deletemessage", "getqueueattributes")),
        *(f"sqs:{action}" for action in ("getqueueurl", "receivemessage", "sendmessage")),
        *("xray:puttelemetryrecords", "xray:puttracesegments"),
    },
    "pipes.amazonaws.com": KEY_USE
    | {
        *(f"dynamodb:{action}" for action in ("describestream", "getrecords", "getsharditerator")),
        *("dynamodb:liststreams", "events:putevents", "sqs:sendmessage"),
    },
    "events.amazonaws.com": KEY_USE | {"sns:publish", "sqs:sendmessage"},
    "scheduler.amazonaws.com": KEY_USE | {"lambda:invokefunction", "sns:publish", "sqs:sendmessage"},
    "backup.amazonaws.com": KEY_USE
    | {
        *(f"backup:{action}" for action in ("copyfrombackupvault", "copyintobackupvault")),
        *("backup:describebackupvault", "backup:tagresource"),
        *(f"dynamodb:{action}" for action in ("describetable", "listtagsofresource", "startawsbackupjob")),
        "kms:creategrant",
    },
    "cloudtrail.amazonaws.com": frozenset({"logs:createlogstream", "logs:putlogevents"}),
    "codedeploy.amazonaws.com": frozenset(
        {
            *("cloudwatch:describealarms", "lambda:getalias", "lambda:updatealias"),
            "lambda:getprovisionedconcurrencyconfig",
        }
    ),
    "apigateway.amazonaws.com": GATEWAY_LOGGING,
}
"""What a role may do at all, by the service that takes it on. A right that is not here is a decision."""

OBJECTS = re.compile(r"arn:(?:aws|<AWS::Partition>):s3:::([a-z0-9-]+)/[a-z]+/\*")
"""What is written below a prefix of a bucket."""

ON_OBJECTS = frozenset(
    f"s3:{action}"
    for action in (
        *("getobject", "putobject", "putobjecttagging"),
        *("abortmultipartupload", "listmultipartuploadparts"),
    )
)

OF_HISTORY = re.compile(
    r"arn:(?:aws|<AWS::Partition>):(?:athena|glue):[^:*]+:(?:<AWS::AccountId>|\d{12}):"
    r"(?:workgroup/(?P<workgroup>[\w-]+)|catalog|database/(?P<database>\w+)|table/(?P<of>\w+)/(?P<table>\w+))"
)
"""What the history is asked by: it has names in its account, and no references."""

OF_SES = re.compile(r"arn:aws:ses:ap-south-[12]:(<AWS::AccountId>|\d{12}):identity/[\w.@+-]+")


@rule(
    "HASIVU-IAM-16",
    *LEAST,
    remedy="Take the right away, or add it to MAY in checks/rules/rights.py with what needs it.",
)
def roles_may_do_their_work_only(estate: Estate) -> Iterator[Breach]:
    """A role is allowed only actions that the work of its service needs."""
    for statement in of_services(estate):
        services = services_of(estate, statement)
        may = frozenset().union(*(MAY.get(service, frozenset()) for service in services))
        for action in statement.actions:
            if action not in may:
                yield statement.breach(f"Action {action} of {', '.join(sorted(services)) or 'nobody'}")


@rule(
    "HASIVU-IAM-17",
    *LEAST,
    "PCI DSS 1.3.2",
    remedy="Refer to the resource of the estate; a name that is typed leads wherever somebody typed it.",
)
def rights_are_on_what_is_ours(estate: Estate) -> Iterator[Breach]:
    """A right is on resources of the estate, named by reference."""
    for statement in of_services(estate):
        for text in statement.resources:
            if text != "*" and not _is_ours(estate, statement, text):  # "*" is IAM-3's
                yield statement.breach(f"Resource {text}")


def _is_ours(estate: Estate, statement: Statement, text: str) -> bool:
    if estate.targets(text, statement.carrier.stack):
        return True
    if set(statement.actions) <= {"ses:sendemail"}:
        return OF_SES.fullmatch(text) is not None
    # Objects below a prefix are named too: the packs' finding that is accepted for them quotes the name.
    if set(statement.actions) <= ON_OBJECTS and (found := OBJECTS.fullmatch(text)):
        return estate.named("AWS::S3::Bucket", "BucketName", found[1]) is not None
    if found := OF_HISTORY.fullmatch(text):
        return _is_in_the_history(
            estate, found["workgroup"], found["database"] or found["of"], found["table"]
        )
    # A vault of the second region cannot be referred to: it is named.
    vault = text.partition(":backup-vault:")[2]
    return bool(vault) and estate.named(VAULT, "BackupVaultName", vault) is not None


def _is_in_the_history(
    estate: Estate, workgroup: str | None, database: str | None, table: str | None
) -> bool:
    """Whether what the name is made of is the estate's. The account's catalogue is where all of it is."""
    return all(
        name is None or any(item.get(path) == name for item in estate.of(kind))
        for kind, path, name in (
            ("AWS::Athena::WorkGroup", "Name", workgroup),
            ("AWS::Glue::Database", "DatabaseInput.Name", database),
            ("AWS::Glue::Table", "TableInput.Name", table),
        )
    )


@rule(
    "HASIVU-IAM-18",
    "SOX OP-1",
    "PCI DSS 10.2.1",
    remedy="Give the role the right; without it the work stops, or is done without a trace.",
)
def whoever_works_may_do_the_work(estate: Estate) -> Iterator[Breach]:
    """Whoever works under a role may do its work: write its logs, read its queue, tell its topic."""
    for worker, path, role, needed in _workers(estate):
        if role is None or role.kind != "AWS::IAM::Role":
            yield at(worker, path)
            continue
        may = _allowed(estate, role)
        for action, target in needed:
            if target is not None and (action, target) not in may:
                yield at(worker, path, shown=f"may not {action} on {target.name}")


def _allowed(estate: Estate, role: Resource) -> set[tuple[str, Resource]]:
    """Each action with each resource on which ``role`` may do it."""
    return {
        (action, target)
        for statement in rights_of(estate, role)
        for action in statement.actions
        for text in statement.resources
        for target in estate.targets(text, statement.carrier.stack)
    }


Needed = list[tuple[str, Resource | None]]


def _workers(estate: Estate) -> Iterator[tuple[Resource, str, Resource | None, Needed]]:
    """Everything that works under a role: where the role is named, the role, and what the work needs."""
    for function in estate.of("AWS::Lambda::Function"):
        group = estate.target(function.get("LoggingConfig.LogGroup"), function.stack)
        needed: Needed = [("logs:createlogstream", group), ("logs:putlogevents", group)]
        for mapping in estate.of("AWS::Lambda::EventSourceMapping"):
            if invoked_function(estate, mapping.get("FunctionName"), mapping.stack) == function:
                queue = estate.target(mapping.get("EventSourceArn"), mapping.stack)
                needed += [("sqs:receivemessage", queue), ("sqs:deletemessage", queue)]
        yield function, "Role", estate.target(function.get("Role"), function.stack), needed
    for pipe in estate.of("AWS::Pipes::Pipe"):
        letters = pipe.get("SourceParameters.DynamoDBStreamParameters.DeadLetterConfig.Arn")
        yield (
            pipe,
            "RoleArn",
            estate.target(pipe.get("RoleArn"), pipe.stack),
            [
                ("dynamodb:getrecords", estate.target(pipe.get("Source"), pipe.stack)),
                ("events:putevents", estate.target(pipe.get("Target"), pipe.stack)),
                ("sqs:sendmessage", estate.target(letters, pipe.stack)),
            ],
        )
    for item in estate.of("AWS::Scheduler::Schedule"):
        target = estate.target(item.get("Target.Arn"), item.stack)
        role = estate.target(item.get("Target.RoleArn"), item.stack)
        yield item, "Target.RoleArn", role, [("lambda:invokefunction", target)]
    yield from _tellers(estate)


def _tellers(estate: Estate) -> Iterator[tuple[Resource, str, Resource | None, Needed]]:
    for item in estate.of("AWS::Events::Rule"):
        for index, named in enumerate(item.items("Targets")):
            target = estate.target(named.get("Arn"), item.stack)
            if target is not None and target.kind == "AWS::SNS::Topic":
                role = estate.target(named.get("RoleArn"), item.stack)
                yield item, f"Targets.{index}.RoleArn", role, [("sns:publish", target)]
    for group in estate.of("AWS::CodeDeploy::DeploymentGroup"):
        moved: Needed = [
            ("lambda:updatealias", estate.target(alias.get("FunctionName"), alias.stack))
            for alias in estate.of("AWS::Lambda::Alias")
            if group in estate.named_in(alias.get("/UpdatePolicy"), alias.stack)
        ]
        yield group, "ServiceRoleArn", estate.target(group.get("ServiceRoleArn"), group.stack), moved


TRACED = frozenset({"xray:puttracesegments", "xray:puttelemetryrecords"})


@rule(
    "HASIVU-IAM-19",
    "SOX OP-1",
    environments=DEPLOYED,
    remedy="Give the function the right on what its settings name, or take the setting away.",
)
def functions_may_reach_what_their_settings_name(estate: Estate) -> Iterator[Breach]:
    """A function may reach every table, secret, queue and parameter of its settings, and send traces."""
    for function in estate.of("AWS::Lambda::Function"):
        role = estate.target(function.get("Role"), function.stack)
        if role is None:
            continue  # IAM-11 names it
        rights = rights_of(estate, role)
        reached = {target for _, target in _allowed(estate, role)}
        for named in sorted(
            estate.named_in(function.get("Environment"), function.stack), key=lambda item: item.name
        ):
            if named.kind in REACHED and named not in reached:
                yield at(function, "Role", shown=f"no right on {named.name}, which its settings name")
        if not {action for item in rights for action in item.actions} >= TRACED:
            yield at(function, "Role", shown="may not send traces")
        used = {action for item in rights for action in item.actions}
        if any(action.startswith("dynamodb:") for action in used) and "kms:decrypt" not in used:
            yield at(function, "Role", shown="may not use the key of its tables")


REACHED = frozenset(
    {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::SSM::Parameter", "AWS::SQS::Queue"}
)


@rule(
    "HASIVU-API-21",
    "PCI DSS 10.2.1",
    environments=DEPLOYED,
    remedy="Let AWS::ApiGateway::Account name a role of the estate that may write logs.",
)
def the_gateway_may_write_its_logs(estate: Estate) -> Iterator[Breach]:
    """API Gateway has a role under which it writes what the stage logs."""
    accounts = list(estate.of("AWS::ApiGateway::Account"))
    for account in accounts:
        role = estate.target(account.get("CloudWatchRoleArn"), account.stack)
        may = {action for item in rights_of(estate, role) for action in item.actions} if role else set()
        if not may >= GATEWAY_LOGGING:
            yield at(account, "CloudWatchRoleArn")
    for stage in estate.of("AWS::ApiGateway::Stage"):
        if not accounts:
            yield at(stage, "AccessLogSetting", shown="the account has no role for logs")


@rule(
    "HASIVU-IAM-20",
    "SOX OP-1",
    remedy="Allow sts:AssumeRole to the service that works under the role.",
)
def every_role_can_be_taken_on(estate: Estate) -> Iterator[Breach]:
    """A role can be taken on by a service, and nothing in its trust denies that."""
    trusted: dict[Resource, list[Statement]] = {}
    for statement in statements(estate, "trust"):
        trusted.setdefault(statement.carrier, []).append(statement)
    for role in estate.of("AWS::IAM::Role"):
        said = trusted.get(role, [])
        if any(item.denies for item in said) or not any(item.covers("sts:AssumeRole") for item in said):
            yield at(role, "AssumeRolePolicyDocument", shown="nobody takes it on")
