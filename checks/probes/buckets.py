"""Buckets: what AWS says of their protection, beside what the templates say."""

from __future__ import annotations

from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe
from checks.probes.normal import policy
from checks.probes.read import answer, physical_id, prop, then, within
from checks.probes.running import Live
from checks.sandbox.dropped_properties import lifecycle_rule

BUCKET = "AWS::S3::Bucket"

ENCRYPTION = Probe(
    name="bucket-encryption",
    title="Buckets encrypt with the keys of the templates",
    remedy="Deploy again, and find in the trail who called PutBucketEncryption.",
    controls=("PCI DSS 3.5.1", "GDPR 32(1)(a)"),
)
PUBLIC = Probe(
    name="bucket-public-access",
    title="No bucket can be made public",
    remedy="Switch all four blocks on at once, then find in the trail who switched them off.",
    controls=("PCI DSS 1.4.4", "GDPR 32(1)(b)"),
)
VERSIONS = Probe(
    name="bucket-versioning",
    title="Buckets keep versions, and lock records, as the templates say",
    remedy="Deploy again; objects that were overwritten meanwhile are in no older version.",
    controls=("SOX AT-2", "PCI DSS 10.3.4"),
)
LIFECYCLE = Probe(
    name="bucket-lifecycle",
    title="Buckets keep and delete objects as the templates say",
    remedy="Deploy again; look whether anything expired too early meanwhile.",
    controls=("PCI DSS 3.2.1", "GDPR 5(1)(e)"),
)
POLICY = Probe(
    name="bucket-policy",
    title="Bucket policies are those of the templates",
    remedy="Deploy the policy again, and find in the trail who called PutBucketPolicy.",
    controls=("PCI DSS 1.3.1", "PCI DSS 7.2.5"),
)
BROWSERS = Probe(
    name="bucket-cors",
    title="Browsers reach buckets only from the origins of the templates",
    remedy="Deploy again; an origin that is only in what runs was let in by hand.",
    controls=("PCI DSS 1.3.1",),
)
LOGGING = Probe(
    name="bucket-logging",
    title="Access to buckets is logged where the templates say",
    remedy="Deploy again; for the time without logs, CloudTrail's data events are what is left.",
    controls=("PCI DSS 10.2.1",),
)

COPIES = Probe(
    name="bucket-copies",
    title="Buckets copy, list and announce what they hold to nobody, and are no website",
    remedy="Remove it, and find in the trail who added it and what left the bucket since.",
    controls=("PCI DSS 1.3.2", "PCI DSS 3.5.1", "GDPR 32(1)(b)"),
)

ID = physical_id


def _encryption(value: Any) -> Any:
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return [
        {names.get(key, key): inner for key, inner in rule.items()}
        for rule in value["ServerSideEncryptionConfiguration"]
    ]


def _rules(value: Any) -> Any:
    """Rules without their names, which AWS makes up where a template has none. Rules for everything say so in
    several ways: an empty prefix, an empty filter, or nothing."""
    for_everything = {"Filter": ({}, {"Prefix": ""}), "Prefix": ("",)}
    return [
        {
            key: inner
            for key, inner in rule.items()
            if key != "ID" and inner not in for_everything.get(key, ())
        }
        for rule in value or ()
    ]


def _cors(value: Any) -> Any:
    names = {"MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders", "Id": "ID"}
    return [{names.get(key, key): inner for key, inner in rule.items()} for rule in value["CorsRules"]]


def _logging(value: Any) -> Any:
    found = {
        "TargetBucket": value.get("DestinationBucketName"),
        "TargetPrefix": value.get("LogFilePrefix", ""),
    }
    return {key: inner for key, inner in found.items() if inner is not None}


def _said(found: Any) -> Any:
    """An answer without what the SDK adds."""
    return {key: inner for key, inner in found.items() if key != "ResponseMetadata" and inner}


BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)

LINES = (
    Line(
        kind=BUCKET,
        path="PublicAccessBlockConfiguration",
        probe=PUBLIC,
        read=answer(
            "s3",
            "get_public_access_block",
            "PublicAccessBlockConfiguration",
            absent=("NoSuchPublicAccessBlockConfiguration",),
            Bucket=ID,
        ),
        unsaid=BLOCKED,
    ),
    Line(
        kind=BUCKET,
        path="OwnershipControls",
        probe=PUBLIC,
        read=answer(
            "s3",
            "get_bucket_ownership_controls",
            "OwnershipControls",
            absent=("OwnershipControlsNotFoundError",),
            Bucket=ID,
        ),
    ),
    Line(
        kind=BUCKET,
        path="BucketEncryption",
        probe=ENCRYPTION,
        read=answer(
            "s3",
            "get_bucket_encryption",
            "ServerSideEncryptionConfiguration.Rules",
            absent=("ServerSideEncryptionConfigurationNotFoundError",),
            Bucket=ID,
        ),
        shape=_encryption,
    ),
    Line(
        kind=BUCKET,
        path="VersioningConfiguration.Status",
        probe=VERSIONS,
        read=answer("s3", "get_bucket_versioning", "Status", Bucket=ID),
        unsaid=None,
    ),
    Line(
        kind=BUCKET,
        path="ObjectLockConfiguration",
        probe=VERSIONS,
        read=answer(
            "s3",
            "get_object_lock_configuration",
            "ObjectLockConfiguration",
            absent=("ObjectLockConfigurationNotFoundError",),
            Bucket=ID,
        ),
        unsaid=None,
    ),
    Line(
        kind=BUCKET,
        path="LifecycleConfiguration",
        probe=LIFECYCLE,
        read=answer(
            "s3",
            "get_bucket_lifecycle_configuration",
            "Rules",
            absent=("NoSuchLifecycleConfiguration",),
            Bucket=ID,
        ),
        shape=lambda value: [lifecycle_rule(rule) for rule in value["Rules"]],
        normal=_rules,
        unsaid={"Rules": []},
        exact=True,
    ),
    Line(
        kind=BUCKET,
        path="CorsConfiguration",
        probe=BROWSERS,
        read=answer("s3", "get_bucket_cors", "CORSRules", absent=("NoSuchCORSConfiguration",), Bucket=ID),
        shape=_cors,
        unsaid={"CorsRules": []},
        normal=lambda value: value or [],
    ),
    Line(
        kind=BUCKET,
        path="LoggingConfiguration",
        probe=LOGGING,
        read=answer("s3", "get_bucket_logging", "LoggingEnabled", Bucket=ID),
        shape=_logging,
    ),
    Line(
        kind="AWS::S3::BucketPolicy",
        path="PolicyDocument",
        probe=POLICY,
        read=answer(
            "s3", "get_bucket_policy", "Policy", absent=("NoSuchBucketPolicy",), Bucket=prop("Bucket")
        ),
        normal=policy,
        exact=True,
    ),
    Line(
        kind=BUCKET,
        path="ReplicationConfiguration",
        probe=COPIES,
        read=answer(
            "s3",
            "get_bucket_replication",
            "ReplicationConfiguration",
            absent=("ReplicationConfigurationNotFoundError",),
            Bucket=ID,
        ),
        unsaid=None,
    ),
    Line(
        kind=BUCKET,
        path="WebsiteConfiguration",
        probe=COPIES,
        read=then(
            answer("s3", "get_bucket_website", absent=("NoSuchWebsiteConfiguration",), Bucket=ID), _said
        ),
        unsaid=None,
    ),
    Line(
        kind=BUCKET,
        path="NotificationConfiguration",
        probe=COPIES,
        read=then(answer("s3", "get_bucket_notification_configuration", Bucket=ID), _said),
        unsaid={},
        exact=True,
    ),
    Line(
        kind=BUCKET,
        path="InventoryConfigurations",
        probe=COPIES,
        read=answer("s3", "list_bucket_inventory_configurations", "InventoryConfigurationList", Bucket=ID),
        normal=lambda value: value or [],
        unsaid=[],
    ),
)


def _is_public(account: Account, live: Live) -> str | None:
    status = account.ask(
        "s3",
        "get_bucket_policy_status",
        region=live.region,
        absent=("NoSuchBucketPolicy",),
        Bucket=live.physical_id,
    )
    return "is public by its policy" if within(status, "PolicyStatus.IsPublic") else None


FACTS = (Fact(kind=BUCKET, name="public by its policy", probe=PUBLIC, wrong=_is_public),)
