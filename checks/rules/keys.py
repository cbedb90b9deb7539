"""Encryption keys: rotated, kept, ours alone."""

from __future__ import annotations

from collections.abc import Iterator

from checks.rules.estate import Estate, Resource
from checks.rules.policies import statements, statements_of
from checks.rules.rule import DEPLOYED, PROD, Breach, at, rule

KEY = "AWS::KMS::Key"
ROTATION_DAYS_MAX = 365
PENDING_DAYS_MIN = 7
PENDING_DAYS_MIN_PROD = 30

KEY_SERVICES = frozenset(
    {
        "backup.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "config.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "budgets.amazonaws.com",
        "events.amazonaws.com",
        "s3.amazonaws.com",
        "sns.amazonaws.com",
        "sqs.amazonaws.com",
    }
)
"""Services that use a key themselves (``logs`` is regional and added below)."""


SIGNING_SPECS = frozenset({"ECC_NIST_P256", "ECC_NIST_P384"})


def signs(key: Resource) -> bool:
    """Whether a key can do nothing but sign."""
    return key.kind == KEY and key.get("KeyUsage") == "SIGN_VERIFY" and key.get("KeySpec") in SIGNING_SPECS


@rule(
    "HASIVU-KMS-1",
    "PCI DSS 3.7.4",
    remedy=f"Set EnableKeyRotation to true, with a period of at most {ROTATION_DAYS_MAX} days.",
)
def keys_are_rotated(estate: Estate) -> Iterator[Breach]:
    """A key is rotated at least once a year, but one that signs, which KMS does not rotate."""
    for key in estate.of(KEY):
        if signs(key):
            continue
        period = key.get("RotationPeriodInDays")
        if key.get("EnableKeyRotation") is not True:
            yield at(key, "EnableKeyRotation")
        if period is not None and not (isinstance(period, int) and period <= ROTATION_DAYS_MAX):
            yield at(key, "RotationPeriodInDays")


@rule(
    "HASIVU-KMS-2",
    "PCI DSS 3.7.5/3.7.7",
    environments=DEPLOYED,
    remedy="Keep the key when its stack goes: what it encrypted is lost with it.",
)
def keys_outlive_their_stack(estate: Estate) -> Iterator[Breach]:
    """A key waits at least a week (in production thirty days) before it is deleted."""
    least = PENDING_DAYS_MIN_PROD if estate.environment in PROD else PENDING_DAYS_MIN
    for key in estate.of(KEY):
        days = key.get("PendingWindowInDays")
        if days is not None and not (isinstance(days, int) and days >= least):
            yield at(key, "PendingWindowInDays")


@rule(
    "HASIVU-KMS-3",
    "PCI DSS 3.6.1",
    "GDPR 32(1)(a)",
    remedy="Name this account's root, or one service with a condition that ties it to one resource.",
)
def keys_are_used_by_this_account_and_named_services(estate: Estate) -> Iterator[Breach]:
    """A key is open to this account and, under a condition, to named services; to nobody else."""
    regional = {f"logs.{region}.amazonaws.com" for region in ("ap-south-1", "ap-south-2", "<AWS::Region>")}
    for statement in statements(estate, "key"):
        if not statement.allows:
            continue
        for principal in statement.principals or ("AWS:nobody named",):
            family, _, name = principal.partition(":")
            if family == "AWS" and _is_root_of_this_account(name):
                continue
            tied = name in KEY_SERVICES | regional and _is_tied(statement.conditions)
            if family == "Service" and tied and not any("*" in action for action in statement.actions):
                continue
            yield statement.breach(f"Principal {principal}")


def _is_root_of_this_account(name: str) -> bool:
    return name in {
        "arn:aws:iam::<AWS::AccountId>:root",
        "arn:<AWS::Partition>:iam::<AWS::AccountId>:root",
    } or (name.startswith("arn:aws:iam::") and name.endswith(":root") and "*" not in name and "<" not in name)


def _is_tied(conditions: object) -> bool:
    """Whether the conditions ask for a source or an encryption context, and not for just anything."""
    text = str(conditions).lower()
    keys = (
        "aws:sourcearn",
        "aws:sourceaccount",
        "kms:encryptioncontext",
        "kms:callerAccount".lower(),
        "kms:viaservice",
    )
    return any(key in text for key in keys) and ": '*'" not in text and "['*']" not in text


@rule(
    "HASIVU-KMS-4",
    "PCI DSS 3.7.1",
    remedy="Use an enabled symmetric key made by KMS itself, in one region.",
)
def keys_are_strong_enabled_and_made_by_kms(estate: Estate) -> Iterator[Breach]:
    """A key is enabled, of an approved kind, made by KMS, and stays in its region."""
    accepted = {
        "Enabled": (None, True),
        "KeySpec": (None, "SYMMETRIC_DEFAULT", "HMAC_256", "ECC_NIST_P256", "ECC_NIST_P384"),
        "Origin": (None, "AWS_KMS"),
        "MultiRegion": (None, False),
        "BypassPolicyLockoutSafetyCheck": (None, False),
    }
    for key in estate.of(KEY):
        for path, values in accepted.items():
            if key.get(path) not in values:
                yield at(key, path)


@rule(
    "HASIVU-KMS-5",
    "PCI DSS 3.6.1",
    remedy="Let the account's root administer the key: a key that nobody can administer is lost.",
)
def the_account_can_administer_its_keys(estate: Estate) -> Iterator[Breach]:
    """The account can always administer the key, and nothing in the policy denies it or asks for more."""
    for key in estate.of(KEY):
        said = list(statements_of(estate, key))
        if not any(item.allows and item.covers("kms:PutKeyPolicy") and not item.conditions for item in said):
            yield at(key, "KeyPolicy", shown="nobody may change the policy")


@rule(
    "HASIVU-KMS-6",
    "PCI DSS 3.7.5/3.7.7",
    remedy="Point the alias at a key of the estate.",
)
def aliases_name_our_keys(estate: Estate) -> Iterator[Breach]:
    """An alias names a key of the estate, its own and no other's, under the environment's own prefix."""
    named: set[Resource | None] = set()
    for alias in estate.of("AWS::KMS::Alias"):
        key = estate.target(alias.get("TargetKeyId"), alias.stack)
        if key in named:
            yield at(alias, "TargetKeyId", shown="a key that another alias names")
        named.add(key)
        if not estate.ours(alias, "TargetKeyId", KEY):
            yield at(alias, "TargetKeyId")
        if not estate.text(alias.get("AliasName"), alias.stack).startswith(
            f"alias/hasivu/{estate.environment}/"
        ):
            yield at(alias, "AliasName")
