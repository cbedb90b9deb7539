"""What is open to others: resource policies, and who is let in by them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.estate import Estate
from checks.rules.policies import Statement, foreign_accounts, statements
from checks.rules.rule import Breach, at, rule

SERVICES_LET_IN = frozenset(
    {
        "budgets.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "codedeploy.amazonaws.com",
        "config.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "events.amazonaws.com",
        "logging.s3.amazonaws.com",
        "s3.amazonaws.com",
        "sns.amazonaws.com",
        "apigateway.amazonaws.com",
        "backup.amazonaws.com",
    }
)

CALLERS = frozenset({"apigateway.amazonaws.com", "secretsmanager.amazonaws.com"})
"""Services that call a function themselves; the others work under a role, or put it into a queue."""

SOURCES = ("aws:SourceArn", "aws:SourceAccount", "aws:PrincipalAccount", "aws:PrincipalOrgID")


@rule(
    "HASIVU-PUB-1",
    "PCI DSS 1.3.1",
    "PCI DSS 1.4.4",
    remedy="Name who is let in; nobody is let in without a name.",
)
def nothing_is_open_to_everyone(estate: Estate) -> Iterator[Breach]:
    """No policy of a resource lets everyone in."""
    for statement in statements(estate, "resource"):
        if statement.open_to_everyone and not _of_this_account(statement):
            yield statement.breach("Principal *")


@rule(
    "HASIVU-PUB-2",
    "PCI DSS 7.2.5",
    remedy="Name the actions; a resource's policy gives no rights to administer it.",
)
def nobody_is_let_in_to_do_everything(estate: Estate) -> Iterator[Breach]:
    """No policy of a resource allows a wildcard of actions."""
    for statement in statements(estate, "resource"):
        if statement.allows:
            for action in statement.actions:
                if "*" in action:
                    yield statement.breach(f"Action {action}")


@rule(
    "HASIVU-PUB-3",
    "PCI DSS 1.3.1",
    remedy="Let in a known service, tied to its source by aws:SourceArn or aws:SourceAccount.",
)
def services_are_let_in_for_their_source_only(estate: Estate) -> Iterator[Breach]:
    """A service is let in only if it is known, and only for one source."""
    for statement in statements(estate, "resource"):
        if not statement.allows:
            continue
        for principal in statement.principals:
            family, _, name = principal.partition(":")
            if family == "Service" and name not in SERVICES_LET_IN:
                yield statement.breach(f"Principal {principal}")
            elif family == "Service" and not _is_tied(statement):
                yield statement.breach(f"{name} without a source")
            elif family in {"Federated", "CanonicalUser"}:
                yield statement.breach(f"Principal {principal}")


@rule(
    "HASIVU-PUB-4",
    "PCI DSS 1.3.1",
    remedy="Name the service, and the one resource in whose name it calls.",
)
def functions_are_called_by_named_sources_only(estate: Estate) -> Iterator[Breach]:
    """A function lets one named service call it, for one source, and nobody else."""
    for permission in estate.of("AWS::Lambda::Permission"):
        principal = estate.text(permission.get("Principal"), permission.stack)
        if principal not in CALLERS:
            yield at(permission, "Principal")
        source = estate.text(permission.get("SourceArn"), permission.stack)
        if not _is_one(source) or _is_loose(source) or not estate.targets(source, permission.stack):
            yield at(permission, "SourceArn")
        for path in ("SourceArn", "SourceAccount"):
            if foreign_accounts(estate, estate.text(permission.get(path) or "", permission.stack)):
                yield at(permission, path)
        if permission.get("Action") != "lambda:InvokeFunction":
            yield at(permission, "Action")
        if permission.get("FunctionUrlAuthType") is not None:
            yield at(permission, "FunctionUrlAuthType")


@rule(
    "HASIVU-PUB-5",
    "PCI DSS 1.3.1",
    remedy="Take it away: layers and functions are shared with nobody.",
)
def code_is_shared_with_nobody(estate: Estate) -> Iterator[Breach]:
    """No layer is shared with another account, and no function has a URL of its own."""
    for resource in estate.of("AWS::Lambda::LayerVersionPermission", "AWS::Lambda::Url"):
        yield at(resource, "", shown=resource.kind)


def _of_this_account(statement: Statement) -> bool:
    """Whether a condition narrows everyone to what this account's services do. That a caller is of it is not
    enough: it lets in every role of the account, whatever its own policies say."""
    return any(
        operator.startswith("StringEquals") and values and all("*" not in value for value in values)
        for key in ("aws:SourceAccount",)
        for operator, values in statement.condition(key)
    )


def _is_tied(statement: Statement) -> bool:
    return any(
        "Not" not in operator and values and not any(_is_loose(value) for value in values)
        for key in SOURCES
        for operator, values in statement.condition(key)
    )


def _is_one(source: str) -> bool:
    """Whether a source is one thing; of an API one method of its stage, or its authoriser."""
    _, api, operation = source.partition(":execute-api:")
    return re.search(r">/(authorizers/\*|live/[A-Z]+/)", operation) is not None if api else "*" not in source


def _is_loose(source: str) -> bool:
    """Whether a source names no account, or any API, topic or rule of it."""
    return (
        source.strip('"') in {"*", "arn:aws:*", ""}
        or source.startswith(("arn:*", "arn:aws:*"))
        or (source.startswith("arn:aws:execute-api:") and source.split("/", 1)[0].endswith(":*"))
    )
