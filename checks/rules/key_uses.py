"""Through which services a key is used: only those whose resources it encrypts."""

from __future__ import annotations

from collections.abc import Iterator

from checks.rules.estate import Estate, Resource
from checks.rules.keys import KEY, signs
from checks.rules.permissions import of_services
from checks.rules.policies import Statement, rights_of, statements
from checks.rules.rights import OBJECTS
from checks.rules.rule import Breach, at, rule

HOME, SECOND = "ap-south-1", "ap-south-2"
TABLES = tuple(f"{service}.{region}" for service in ("dynamodb", "backup") for region in (HOME, SECOND))
"""A backup is copied into the second region, and restored there."""

ENCRYPTED = {
    "AWS::DynamoDB::Table": TABLES,
    "AWS::S3::Bucket": (f"s3.{HOME}",),
    "AWS::SNS::Topic": (f"sns.{HOME}",),
    "AWS::SQS::Queue": (f"sqs.{HOME}",),
    "AWS::SecretsManager::Secret": (f"secretsmanager.{HOME}",),
}
"""The kinds that a key of the estate encrypts, with the services through which it is then used."""

WORK_ON_DATA = {
    "AWS::S3::Bucket": ("s3:getobject", "s3:putobject"),
    "AWS::DynamoDB::Table": ("dynamodb:getitem", "dynamodb:putitem", "dynamodb:query", "dynamodb:updateitem"),
    "AWS::SNS::Topic": ("sns:publish",),
    "AWS::SQS::Queue": ("sqs:sendmessage", "sqs:receivemessage"),
    "AWS::SecretsManager::Secret": ("secretsmanager:getsecretvalue", "secretsmanager:putsecretvalue"),
}
"""What can be done only by whoever may use the key as well."""

NEW_DATA = frozenset({"s3:putobject", "sns:publish", "sqs:sendmessage", "secretsmanager:putsecretvalue"})
"""What asks the key for a new data key, beside decrypting."""


@rule(
    "HASIVU-IAM-25",
    "PCI DSS 3.6.1",
    "PCI DSS 7.2.5",
    "SOX OP-1",
    remedy="Name in kms:ViaService the service whose resources this key encrypts, in their region.",
)
def keys_are_used_through_what_they_encrypt(estate: Estate) -> Iterator[Breach]:
    """A right to use a key through a service names one whose resources the key encrypts."""
    through = _services_by_key(estate)
    for statement in statements(estate, "identity"):
        if not statement.allows:
            continue
        asked = {name for _, names in statement.condition("kms:ViaService") for name in names}
        keys = {key for text in statement.resources for key in _keys(estate, statement, text)}
        known = {name for key in keys for name in through.get(key, set())}
        for name in sorted(asked - known if known else set()):
            yield statement.breach(f"kms:ViaService {name}, none of whose resources the key encrypts")


@rule(
    "HASIVU-IAM-26",
    "SOX OP-1",
    "PCI DSS 3.6.1",
    remedy="Give the role kms:Decrypt on the key, and kms:GenerateDataKey to write, through that service.",
)
def whoever_works_on_data_may_use_its_key(estate: Estate) -> Iterator[Breach]:
    """A role that works on what a key of the estate encrypts may use that key, through that service."""
    for statement in of_services(estate):
        for item in {target for text in statement.resources for target in _of_data(estate, statement, text)}:
            for right in _needed(statement, item):
                for key in _keys_of(estate, item):
                    if not _may_use(estate, statement, right, key, ENCRYPTED[item.kind][0]):
                        yield statement.breach(f"{item.name} without {right} on {key.name}")


def _needed(statement: Statement, item: Resource) -> Iterator[str]:
    """The rights on its key without which what ``statement`` allows on ``item`` is refused."""
    work = {action for action in WORK_ON_DATA[item.kind] if action in statement.actions}
    if work - {"s3:putobject"}:
        yield "kms:Decrypt"
    if work & NEW_DATA:
        yield "kms:GenerateDataKey"


def _of_data(estate: Estate, statement: Statement, text: str) -> list[Resource]:
    found = estate.targets(text, statement.carrier.stack)
    if objects := OBJECTS.fullmatch(text):
        found += [item for item in estate.of("AWS::S3::Bucket") if item.get("BucketName") == objects[1]]
    return [item for item in found if item.kind in WORK_ON_DATA]


def _keys_of(estate: Estate, item: Resource) -> list[Resource]:
    return [key for key in estate.named_in(item.properties, item.stack) if key.kind == KEY]


def _may_use(estate: Estate, statement: Statement, action: str, key: Resource, service: str) -> bool:
    """Whether the roles of ``statement`` may do ``action`` with ``key`` through ``service``."""
    roles = [
        role
        for value in [*statement.carrier.items("Roles"), {"Ref": statement.carrier.logical_id}]
        for role in estate.targets(value, statement.carrier.stack)
        if role.kind == "AWS::IAM::Role"
    ]
    return all(
        any(
            right.covers(action) and _is_through(right, service) and key in _keys_in(estate, right)
            for right in rights_of(estate, role)
        )
        for role in roles
    )


def _is_through(right: Statement, service: str) -> bool:
    asked = [name for _, names in right.condition("kms:ViaService") for name in names]
    return not asked or f"{service}.amazonaws.com" in asked


def _keys_in(estate: Estate, right: Statement) -> list[Resource]:
    return [key for text in right.resources for key in _keys(estate, right, text)]


def _keys(estate: Estate, statement: Statement, text: str) -> list[Resource]:
    return [item for item in estate.targets(text, statement.carrier.stack) if item.kind == KEY]


def _services_by_key(estate: Estate) -> dict[Resource, set[str]]:
    """The services, as a condition names them, of what each key encrypts."""
    found: dict[Resource, set[str]] = {}
    for item in estate.of(*ENCRYPTED):
        for key in estate.named_in(item.properties, item.stack):
            if key.kind == KEY:
                names = {f"{service}.amazonaws.com" for service in ENCRYPTED[item.kind]}
                found.setdefault(key, set()).update(names)
    return found


@rule(
    "HASIVU-KMS-9",
    "PCI DSS 3.7.1",
    "SOX OP-1",
    remedy="Encrypt with a symmetric key; one that signs can encrypt nothing.",
)
def data_is_encrypted_with_keys_that_encrypt(estate: Estate) -> Iterator[Breach]:
    """What is encrypted names a key that can encrypt, and not one that only signs."""
    for item in estate.of(*ENCRYPTED, "AWS::Logs::LogGroup", "AWS::Events::EventBus"):
        for key in _keys_of(estate, item):
            if signs(key):
                yield at(item, "", shown=f"{key.name} only signs")
