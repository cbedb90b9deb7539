"""Who may do what: roles, their policies, and who may take them on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from checks.rules.estate import Estate, Resource, strings_in
from checks.rules.invocations import invoked_function
from checks.rules.policies import Statement, foreign_accounts, statements
from checks.rules.rule import Breach, at, rule

LEAST = ("PCI DSS 7.2.5", "GDPR 32(1)(b)", "SOX AC-2")

WITHOUT_RESOURCES = frozenset(
    action.lower()
    for action in (
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
        "cloudwatch:PutMetricData",
        "codedeploy:GetDeploymentConfig",
        "ec2:DescribeRegions",
        "backup:ListBackupPlans",
        "backup:TagResource",  # a recovery point has no name before it is made
        "cloudwatch:DescribeAlarms",
        "logs:DescribeLogGroups",
    )
)
"""Actions for which AWS knows no narrower resource than all."""

GATEWAY_LOGGING = frozenset(
    f"logs:{action}"
    for action in (
        "createloggroup",
        "createlogstream",
        "describeloggroups",
        "describelogstreams",
        "filterlogevents",
        "getlogevents",
        "putlogevents",
    )
)
"""API Gateway refuses an account role that may do less, or on less than every log group."""

NEVER_ALLOWED = (
    "iam:*",
    "organizations:*",
    "account:*",
    "sts:assumerole*",
    "sts:getfederationtoken",
    "kms:schedulekeydeletion",
    "kms:disablekey",
    "kms:disablekeyrotation",
    "kms:putkeypolicy",
    "kms:creategrant",
    "kms:deleteimportedkeymaterial",
    "kms:deletealias",
    "kms:updatealias",
    "cloudtrail:*",
    "config:*",
    "wafv2:*",
    "guardduty:*",
    "backup:delete*",
    "backup:update*",
    "backup:put*",
    "dynamodb:deletetable",
    "dynamodb:updatetable",
    "dynamodb:deletebackup",
    "dynamodb:update*backups",
    "dynamodb:updatetimetolive",
    "dynamodb:*resourcepolicy",
    "dynamodb:scan",
    "dynamodb:partiql*",
    "dynamodb:export*",
    "dynamodb:import*",
    "s3:deletebucket*",
    "s3:deleteobjectversion",
    "s3:putbucket*",
    "s3:putlifecycle*",
    "s3:putencryption*",
    "s3:*acl",
    "s3:putobjectretention",
    "s3:putobjectlegalhold",
    "s3:bypassgovernanceretention",
    "logs:delete*",
    "logs:putretentionpolicy",
    "logs:disassociatekmskey",
    "lambda:create*",
    "lambda:update*",
    "lambda:delete*",
    "lambda:add*",
    "lambda:remove*",
    "lambda:putfunction*",
    "sqs:deletequeue",
    "sqs:purgequeue",
    "sqs:setqueueattributes",
    "sqs:addpermission",
    "sns:deletetopic",
    "sns:settopicattributes",
    "sns:addpermission",
    "sns:subscribe",
    "secretsmanager:delete*",
    "secretsmanager:*resourcepolicy",
    "secretsmanager:listsecrets",
    "secretsmanager:getrandompassword",
    "secretsmanager:batchgetsecretvalue",
    "ssm:delete*",
    "ssm:getparameters*path",
    "ssm:sendcommand",
    "ssm:startsession",
    "events:delete*",
    "events:disablerule",
    "events:putpermission",
    "scheduler:delete*",
    "scheduler:update*",
    "cloudwatch:delete*",
    "cloudwatch:disable*",
    "cloudformation:*",
    "ec2:*",
    "cognito-idp:listusers",
    "cognito-idp:admindelete*",
    "cognito-idp:adminsetuserpassword",
    "cognito-idp:adminresetuserpassword",
    "cognito-idp:adminsetusermfapreference",
    "cognito-idp:set*",
    "cognito-idp:update*",
    "cognito-idp:delete*",
    "apigateway:*",
    "execute-api:*",
)
"""What no role of this estate needs: what changes the estate, weakens a protection, or reads everything."""

_DEPLOYMENT_ROLE_MAY = {
    "codedeploy.amazonaws.com": frozenset({"lambda:updatealias", "lambda:getalias"}),
    "backup.amazonaws.com": frozenset({"kms:creategrant"}),
}
"""Exceptions by the service that takes the role on."""

MANAGED_POLICIES = frozenset(
    {
        "service-role/AWSBackupServiceRolePolicyForBackup",
        "service-role/AWSBackupServiceRolePolicyForRestores",
        "service-role/AWS_ConfigRole",
    }
)
"""AWS's own policies whose breadth is the work of the service itself."""

_REFERENCE = re.compile(r"<[^>]*>")


def granted(estate: Estate) -> Iterator[Statement]:
    """Statements that give rights to a role."""
    return (statement for statement in statements(estate, "identity") if statement.allows)


def of_services(estate: Estate) -> Iterator[Statement]:
    """Statements that give rights to roles that services take on: all but the auditor's (IAM-21)."""
    return (statement for statement in granted(estate) if not of_the_auditor(estate, statement))


@rule(
    "HASIVU-IAM-1",
    *LEAST,
    remedy="Name each action that the work needs; a wildcard also allows what AWS adds tomorrow.",
)
def no_role_may_a_wildcard_of_actions(estate: Estate) -> Iterator[Breach]:
    """No role is allowed an action with a wildcard."""
    for statement in granted(estate):
        for action in statement.actions:
            if "*" in action or "?" in action:
                yield statement.breach(f"Action {action}")


@rule(
    "HASIVU-IAM-2",
    *LEAST,
    remedy="Write Action or Resource; the negated forms allow everything that nobody thought of.",
)
def no_allow_is_written_as_an_exception(estate: Estate) -> Iterator[Breach]:
    """No Allow is written with NotAction, NotResource or NotPrincipal."""
    for statement in statements(estate):
        if statement.allows and (
            statement.not_actions or statement.not_resources or statement.not_principals
        ):
            yield statement.breach("Allow with NotAction, NotResource or NotPrincipal")


@rule(
    "HASIVU-IAM-3",
    *LEAST,
    remedy="Name the resource by its ARN. Only actions for which AWS knows no resource may say '*'.",
)
def no_role_may_act_on_every_resource(estate: Estate) -> Iterator[Breach]:
    """No role is allowed an action on a wildcard resource where AWS knows a narrower one."""
    for statement in of_services(estate):
        if _of_the_gateway(estate, statement) and set(statement.actions) <= GATEWAY_LOGGING:
            continue
        if set(statement.actions) <= WITHOUT_RESOURCES and not statement.not_actions:
            continue
        if set(statement.actions) == {"backup:copyfrombackupvault"} and _names_its_target(statement):
            continue
        for resource in statement.resources:
            if _too_wide(resource):
                yield statement.breach(f"Resource {resource}")


@rule(
    "HASIVU-IAM-4",
    *LEAST,
    "SOX SoD-2",
    remedy="Take the action away; what changes the estate is done by a deployment, under its own role.",
)
def no_role_may_change_the_estate_or_read_everything(estate: Estate) -> Iterator[Breach]:
    """No role may change infrastructure, weaken a protection, scan a table or hand out access."""
    for statement in of_services(estate):
        exceptions = frozenset().union(
            *(_DEPLOYMENT_ROLE_MAY.get(service, frozenset()) for service in services_of(estate, statement))
        )
        for forbidden in NEVER_ALLOWED:
            if any(_matches(action, forbidden) for action in set(statement.actions) - exceptions):
                yield statement.breach(f"allows {forbidden}")
                break


@rule(
    "HASIVU-IAM-5",
    *LEAST,
    remedy="Give the role a policy of its own with the few actions it needs.",
)
def no_role_has_a_broad_managed_policy(estate: Estate) -> Iterator[Breach]:
    """No role carries a managed policy but AWS's own for Backup and Config."""
    for role in estate.of("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
        for index, arn in enumerate(role.items("ManagedPolicyArns")):
            text = estate.text(arn, role.stack)
            if text.partition(":policy/")[2] not in MANAGED_POLICIES:
                yield at(role, f"ManagedPolicyArns.{index}", shown=text)


@rule(
    "HASIVU-IAM-9",
    *LEAST,
    "PCI DSS 3.6.1",
    remedy="Add StringEquals kms:ViaService with the one service through which the key is used.",
)
def roles_use_keys_through_a_service_only(estate: Estate) -> Iterator[Breach]:
    """A role uses a key only through a named service, never directly; but to sign (HASIVU-KMS-7)."""
    for statement in of_services(estate):
        used = {action for action in statement.actions if action.startswith("kms:")} - {"kms:describekey"}
        if not used or (used == {"kms:creategrant"} and _is_for_a_service(statement)):
            continue
        if used == {"kms:sign"}:
            continue
        asked = [values for operator, values in statement.condition("kms:ViaService") if "Equals" in operator]
        if not asked or any("*" in value for values in asked for value in values):
            yield statement.breach("kms actions without StringEquals kms:ViaService")


@rule(
    "HASIVU-IAM-10",
    *LEAST,
    "PCI DSS 2.2.4",
    remedy="Name the table, secret, parameter or queue in the function's settings, or take the right away.",
)
def functions_may_touch_only_what_their_settings_name(estate: Estate) -> Iterator[Breach]:
    """A function has rights on a table, secret, parameter or queue only if its settings name it."""
    for function in estate.of("AWS::Lambda::Function"):
        role = estate.target(function.get("Role"), function.stack)
        named = estate.named_in(function.get("Environment"), function.stack)
        for mapping in estate.of("AWS::Lambda::EventSourceMapping"):
            if invoked_function(estate, mapping.get("FunctionName"), mapping.stack) == function:
                named |= estate.named_in(mapping.get("EventSourceArn"), mapping.stack)
        for statement in granted(estate):
            if role is None or role not in roles_of(estate, statement):
                continue
            for text in statement.resources:
                for touched in estate.targets(text, statement.carrier.stack):
                    if touched.kind in _NAMED_IN_SETTINGS and touched not in named:
                        yield statement.breach(f"right on {touched.name}, which its function does not name")


_NAMED_IN_SETTINGS = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::SecretsManager::Secret",
        "AWS::SSM::Parameter",
        "AWS::SQS::Queue",
        "AWS::S3::Bucket",
    }
)


@rule(
    "HASIVU-IAM-12",
    *LEAST,
    remedy="Let a role be used in another account or by a person only through the identity provider.",
)
def no_right_reaches_into_another_account(estate: Estate) -> Iterator[Breach]:
    """No statement names another account: not as principal, not as resource, not in a condition."""
    for statement in statements(estate):
        asked = (text for _, text in strings_in(statement.conditions, ""))
        for text in (*statement.principals, *statement.resources, *asked):
            if statement.allows and foreign_accounts(estate, text):
                yield statement.breach("a fixed account id")


def _names_its_target(statement: Statement) -> bool:
    """Whether copies of backups may go to one named vault only; what is copied has no name beforehand."""
    return any(
        operator in {"ArnEquals", "StringEquals"} and not any("*" in value for value in values)
        for operator, values in statement.condition("backup:CopyTargets")
    )


def _is_for_a_service(statement: Statement) -> bool:
    """Whether the grant is one that an AWS service makes for its own use of the key."""
    return statement.condition("kms:GrantIsForAWSResource") == [("Bool", ["true"])]


def _too_wide(resource: str) -> bool:
    """Whether ``resource`` covers more than one named thing; a wildcard below one is not too wide."""
    if resource == "*":
        return True
    plain = _REFERENCE.sub("X", resource)
    if "*" not in plain and "?" not in plain:
        return False
    # A wildcard inside one named thing: objects of a bucket, versions of a function, routes of an API.
    return re.fullmatch(r"(X(/[\w./{}-]+)?/\*|arn:\w+:s3:::[\w.-]+/[\w./-]*\*)", plain) is None


@lru_cache(maxsize=1 << 16)
def _matches(action: str, forbidden: str) -> bool:
    pattern = re.escape(forbidden).replace(r"\*", ".*")
    return re.fullmatch(pattern, action) is not None


def roles_of(estate: Estate, statement: Statement) -> list[Resource]:
    """The roles to which ``statement`` gives or denies a right."""
    carrier = statement.carrier
    if carrier.kind == "AWS::IAM::Role":
        return [carrier]
    named = carrier.items("Roles") or carrier.items("RoleName")
    return [role for value in named for role in estate.targets(value, carrier.stack)]


def is_auditor(estate: Estate, role: Resource) -> bool:
    """Whether ``role`` is the one that people take on to look at the account, by its name."""
    return role.kind == "AWS::IAM::Role" and role.get("RoleName") == f"hasivu-{estate.environment}-auditor"


def of_the_auditor(estate: Estate, statement: Statement) -> bool:
    """Whether ``statement`` gives rights to the auditor and to nobody else."""
    roles = roles_of(estate, statement)
    return bool(roles) and all(is_auditor(estate, role) for role in roles)


def services_of(estate: Estate, statement: Statement) -> set[str]:
    """The services that take on the roles to which ``statement`` gives a right."""
    roles = roles_of(estate, statement)
    return {
        principal.removeprefix("Service:")
        for trust in statements(estate, "trust")
        if trust.carrier in roles
        for principal in trust.principals
    }


def _of_the_gateway(estate: Estate, statement: Statement) -> bool:
    return services_of(estate, statement) == {"apigateway.amazonaws.com"}
