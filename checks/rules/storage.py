"""Buckets: private, encrypted, versioned, kept as long as the law asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.policies import Statement, statements_on
from checks.rules.rule import DEPLOYED, EVERYWHERE, Breach, at, rule

BUCKET = "AWS::S3::Bucket"
DAYS_OF_A_YEAR = 365

RETAINED_YEARS = {"invoices": 8, "audit": 8}
"""CGST Act section 36 and SOX: books and their proof, with the longer of the two periods."""

LOCKED_DAYS_MAX = 10 * DAYS_OF_A_YEAR + 3
"""Nobody can take a lock in compliance mode back: above it somebody typed a zero too many."""

OLD_TLS = frozenset({"1.2", "1.3"})
"""What a version of TLS must not be below."""

EXPIRED_DAYS_MAX = {"analytics": 3 * 366}
"""What must not be kept for longer."""

EXPIRED_DAYS_MIN = {"access-logs": DAYS_OF_A_YEAR, "config": DAYS_OF_A_YEAR}
"""PCI DSS 10.5.1."""

UPLOADED_BY_BROWSERS = frozenset({"uploads"})
BROWSER_METHODS = frozenset({"GET", "HEAD", "PUT", "POST"})
NAMED = (
    "uploads",
    "ml-models",
    "invoice-templates",
    "invoices",
    "analytics",
    "access-logs",
    "audit",
    "config",
)


def purpose(estate: Estate, bucket: Resource) -> str:
    """``invoices`` of the bucket ``hasivu-prod-invoices``, with or without an account behind it."""
    name = estate.text(bucket.get("BucketName"), bucket.stack)
    rest = name.removeprefix(f"hasivu-{estate.environment}-")
    return next((known for known in sorted(NAMED, key=len, reverse=True) if rest.startswith(known)), rest)


def lifecycle(bucket: Resource) -> list[Mapping[str, Any]]:
    """The bucket's lifecycle rules that are switched on."""
    rules = bucket.items("LifecycleConfiguration.Rules")
    return [item for item in rules if isinstance(item, Mapping) and item.get("Status") == "Enabled"]


def _policy(estate: Estate, bucket: Resource) -> list[Statement]:
    return statements_on(estate, bucket, "AWS::S3::BucketPolicy")


@rule(
    "HASIVU-S3-1",
    "PCI DSS 1.4.4",
    "GDPR 32(1)(b)",
    remedy="Block all four ways of public access.",
)
def buckets_block_public_access(estate: Estate) -> Iterator[Breach]:
    """A bucket blocks public access in all four ways."""
    for bucket in estate.of(BUCKET):
        for switch in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            if bucket.get(f"PublicAccessBlockConfiguration.{switch}") is not True:
                yield at(bucket, f"PublicAccessBlockConfiguration.{switch}")


@rule(
    "HASIVU-S3-2",
    "PCI DSS 3.5.1.2",
    "GDPR 32(1)(a)",
    remedy="Encrypt with aws:kms, a key of the estate and BucketKeyEnabled.",
)
def buckets_are_encrypted_with_our_key(estate: Estate) -> Iterator[Breach]:
    """A bucket encrypts by default with a key of the estate."""
    for bucket in estate.of(BUCKET):
        base = "BucketEncryption.ServerSideEncryptionConfiguration.0"
        default = f"{base}.ServerSideEncryptionByDefault"
        # The log delivery of S3 cannot write to a bucket under a customer's key.
        log_target = purpose(estate, bucket) == "access-logs"
        if log_target and bucket.get(f"{default}.SSEAlgorithm") == "AES256":
            continue
        if bucket.get(f"{default}.SSEAlgorithm") not in {"aws:kms", "aws:kms:dsse"}:
            yield at(bucket, f"{default}.SSEAlgorithm")
        elif not estate.ours(bucket, f"{default}.KMSMasterKeyID", "AWS::KMS::Key"):
            yield at(bucket, f"{default}.KMSMasterKeyID")
        elif bucket.get(f"{base}.BucketKeyEnabled") is not True:
            yield at(bucket, f"{base}.BucketKeyEnabled")


@rule(
    "HASIVU-S3-3",
    "PCI DSS 2.2.5/2.2.7",
    "PCI DSS 4.2.1",
    remedy="Deny every principal what comes without TLS, or with TLS below 1.2, for bucket and objects.",
)
def buckets_speak_tls_only(estate: Estate) -> Iterator[Breach]:
    """A bucket refuses everything that comes without TLS, or with a version below 1.2."""
    for bucket in estate.of(BUCKET):
        denials = [
            statement
            for statement in _policy(estate, bucket)
            if statement.denies
            and "AWS:*" in statement.principals
            and statement.covers("s3:GetObject")
            and statement.covers("s3:PutObject")
            and {f"{bucket.name[:-1]}.Arn>", f"{bucket.name[:-1]}.Arn>/*"} <= set(statement.resources)
        ]
        if not any(_asks_only(item, "aws:SecureTransport", "false") for item in denials):
            yield at(bucket, "policy", shown="plain HTTP is not denied")
        if not any(_asks_for_old_tls(item) for item in denials):
            yield at(bucket, "policy", shown="TLS below 1.2 is not denied")


def _asks_only(statement: Statement, key: str, value: str) -> bool:
    asked = statement.condition(key)
    return len(statement.conditions) == 1 and any(values == [value] for _, values in asked)


def _asks_for_old_tls(statement: Statement) -> bool:
    return any(
        operator == "NumericLessThan" and set(values) <= OLD_TLS
        for operator, values in statement.condition("s3:TlsVersion")
    )


@rule(
    "HASIVU-S3-4",
    "PCI DSS 10.3.2",
    "GDPR 32(1)(c)",
    remedy="Switch versioning on.",
)
def buckets_keep_versions(estate: Estate) -> Iterator[Breach]:
    """A bucket keeps the versions of what it holds."""
    for bucket in estate.of(BUCKET):
        if bucket.get("VersioningConfiguration.Status") != "Enabled":
            yield at(bucket, "VersioningConfiguration.Status")


@rule(
    "HASIVU-S3-5",
    "PCI DSS 1.4.4",
    remedy="Set ObjectOwnership to BucketOwnerEnforced and remove the ACL.",
)
def buckets_have_no_acls(estate: Estate) -> Iterator[Breach]:
    """A bucket knows no access control lists: its policy alone decides."""
    for bucket in estate.of(BUCKET):
        if bucket.get("OwnershipControls.Rules.0.ObjectOwnership") != "BucketOwnerEnforced":
            yield at(bucket, "OwnershipControls.Rules.0.ObjectOwnership")
        if bucket.get("AccessControl") not in {None, "Private"}:
            yield at(bucket, "AccessControl")


@rule(
    "HASIVU-S3-6",
    "PCI DSS 10.3.2",
    "SOX AT-3",
    environments=EVERYWHERE - {"sandbox", "dev"},
    remedy="Lock objects in COMPLIANCE mode for eight years.",
)
def proof_is_locked(estate: Estate) -> Iterator[Breach]:
    """Invoices and the audit archive are locked in compliance mode for eight years."""
    for bucket in estate.of(BUCKET):
        years = RETAINED_YEARS.get(purpose(estate, bucket))
        if years is None:
            continue
        retention = "ObjectLockConfiguration.Rule.DefaultRetention"
        locked_days = int(bucket.get(f"{retention}.Days") or 0) + DAYS_OF_A_YEAR * int(
            bucket.get(f"{retention}.Years") or 0
        )
        if bucket.get("ObjectLockEnabled") is not True:
            yield at(bucket, "ObjectLockEnabled")
        elif bucket.get("ObjectLockConfiguration.ObjectLockEnabled") != "Enabled":
            yield at(bucket, "ObjectLockConfiguration.ObjectLockEnabled")
        elif bucket.get(f"{retention}.Mode") != "COMPLIANCE":
            yield at(bucket, f"{retention}.Mode")
        elif not years * DAYS_OF_A_YEAR <= locked_days <= LOCKED_DAYS_MAX:
            yield at(bucket, retention)


@rule(
    "HASIVU-S3-7",
    "SOX AT-3",
    "PCI DSS 10.5.1",
    environments=DEPLOYED,
    remedy="Let nothing expire before its period is over: eight years for invoices and audit, one for logs.",
)
def nothing_expires_too_early(estate: Estate) -> Iterator[Breach]:
    """No lifecycle rule deletes what must still be kept."""
    for bucket in estate.of(BUCKET):
        kind = purpose(estate, bucket)
        days_min = RETAINED_YEARS.get(kind, 0) * DAYS_OF_A_YEAR or EXPIRED_DAYS_MIN.get(kind, 30)
        for index, item in enumerate(bucket.items("LifecycleConfiguration.Rules")):
            for path in ("ExpirationInDays", "NoncurrentVersionExpiration.NoncurrentDays"):
                days = Resource(bucket.stack, bucket.logical_id, "", {"Properties": item}).get(path)
                kept = path == "ExpirationInDays" and not _of_what_was_replaced(kind, item)
                least = days_min if kept or kind in RETAINED_YEARS else 7
                if days is not None and int(days) < least:
                    yield at(bucket, f"LifecycleConfiguration.Rules.{index}.{path}")
            if item.get("ExpirationDate") is not None:
                yield at(bucket, f"LifecycleConfiguration.Rules.{index}.ExpirationDate")


def _of_what_was_replaced(kind: str, item: Mapping[str, Any]) -> bool:
    """Whether a lifecycle rule is of Parquet that was written anew: its lines and its successor are there."""
    return kind == "analytics" and item.get("TagFilters") == [{"Key": "superseded", "Value": "true"}]


@rule(
    "HASIVU-S3-8",
    "PCI DSS 3.2.1",
    "GDPR 5(1)(e)",
    remedy="Add an enabled lifecycle rule for the whole bucket that ends what lost its use.",
)
def buckets_clean_up(estate: Estate) -> Iterator[Breach]:
    """A bucket ends abandoned uploads and old versions; analytics end after three years."""
    for bucket in estate.of(BUCKET):
        rules = [item for item in lifecycle(bucket) if not (item.get("Prefix") or item.get("TagFilters"))]
        abandoned = [
            item.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation") for item in rules
        ]
        if not any(isinstance(days, int) and days <= 30 for days in abandoned):
            yield at(bucket, "LifecycleConfiguration", shown="abandoned uploads stay")
        days_max = EXPIRED_DAYS_MAX.get(purpose(estate, bucket))
        ends = [item["ExpirationInDays"] for item in rules if "ExpirationInDays" in item]
        if days_max is not None and not any(days <= days_max for days in ends):
            yield at(bucket, "LifecycleConfiguration", shown=f"nothing ends within {days_max} days")


@rule(
    "HASIVU-S3-9",
    "PCI DSS 6.2.4",
    "PCI DSS 1.2.5",
    remedy="Allow the environment's own https origins and what an upload needs; elsewhere no CORS.",
)
def only_uploads_are_open_to_browsers(estate: Estate) -> Iterator[Breach]:
    """Browsers of the environment's own origins may reach the uploads, and no other bucket."""
    for bucket in estate.of(BUCKET):
        for index, item in enumerate(bucket.items("CorsConfiguration.CorsRules")):
            base = f"CorsConfiguration.CorsRules.{index}"
            if purpose(estate, bucket) not in UPLOADED_BY_BROWSERS:
                yield at(bucket, base)
            for origin in item.get("AllowedOrigins", []):
                local = estate.environment in {"sandbox", "dev"} and origin.startswith("http://localhost")
                if "*" in origin or not (origin.startswith("https://") or local):
                    yield at(bucket, f"{base}.AllowedOrigins")
            if not set(item.get("AllowedMethods", [])) <= BROWSER_METHODS:
                yield at(bucket, f"{base}.AllowedMethods")
            if "*" in item.get("AllowedHeaders", []) and estate.environment == "prod":
                yield at(bucket, f"{base}.AllowedHeaders")


@rule(
    "HASIVU-S3-10",
    "PCI DSS 10.2.1",
    environments=DEPLOYED,
    remedy="Log access to the bucket access-logs.",
)
def access_to_buckets_is_logged(estate: Estate) -> Iterator[Breach]:
    """Access to a bucket is logged, in the bucket for access logs, which has no object lock."""
    for bucket in estate.of(BUCKET):
        if purpose(estate, bucket) == "access-logs":
            if bucket.get("ObjectLockEnabled"):
                yield at(bucket, "ObjectLockEnabled")
            continue
        target = estate.target(bucket.get("LoggingConfiguration.DestinationBucketName"), bucket.stack)
        if target is None or purpose(estate, target) != "access-logs":
            yield at(bucket, "LoggingConfiguration.DestinationBucketName")


@rule(
    "HASIVU-S3-11",
    "PCI DSS 1.2.5",
    "RBI 2018-04-06",
    remedy="Remove it; objects leave the bucket through the platform's functions only.",
)
def buckets_send_nothing_elsewhere(estate: Estate) -> Iterator[Breach]:
    """A bucket is no website, needs no acceleration, and copies its objects only to buckets of the estate."""
    for bucket in estate.of(BUCKET):
        if bucket.get("WebsiteConfiguration") is not None:
            yield at(bucket, "WebsiteConfiguration")
        if bucket.get("AccelerateConfiguration.AccelerationStatus") == "Enabled":
            yield at(bucket, "AccelerateConfiguration.AccelerationStatus")
        if bucket.get("RequestPayConfiguration") is not None:
            yield at(bucket, "RequestPayConfiguration")
        for index, item in enumerate(bucket.items("ReplicationConfiguration.Rules")):
            if estate.target(item.get("Destination", {}).get("Bucket"), bucket.stack) is None:
                yield at(bucket, f"ReplicationConfiguration.Rules.{index}.Destination.Bucket")
        for index, item in enumerate(bucket.items("InventoryConfigurations")):
            if estate.target(item.get("Destination", {}).get("BucketArn"), bucket.stack) is None:
                yield at(bucket, f"InventoryConfigurations.{index}.Destination.BucketArn")


@rule(
    "HASIVU-S3-12",
    "GDPR 30",
    remedy="Name the bucket hasivu-{env}-{purpose} with a purpose of checks/rules/storage.py.",
)
def every_buckets_purpose_is_known(estate: Estate) -> Iterator[Breach]:
    """Every bucket is one of those that the platform needs."""
    for bucket in estate.of(BUCKET):
        if purpose(estate, bucket) not in NAMED:
            yield at(bucket, "BucketName")
