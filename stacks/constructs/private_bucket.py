"""A bucket that nobody sees from outside: encrypted, versioned, logged, and kept as long as it must be."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.environment import Environment

UPLOAD_ABANDONED_DAYS = 7

REHEARSED_LOCK_DAYS = 1
"""Where records are not locked for years, the lock is still there for a day, and can be overruled."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long objects are kept, in days: in reach, in cheaper classes from ``rarely_read_days`` and
    ``archived_days`` on, until ``expires_days``; what was overwritten goes after ``superseded_days``. What
    carries the tag of ``expires_tagged`` (a key and a value) goes after its days.

    Where ``locked`` nobody, not even the account's owner, deletes or overwrites one before ``expires_days``.
    """

    superseded_days: int
    expires_days: int | None = None
    rarely_read_days: int | None = None
    archived_days: int | None = None
    locked: bool = False
    expires_tagged: tuple[tuple[str, str], int] | None = None


class PrivateBucket(s3.Bucket):
    """The bucket ``hasivu-{env}-{purpose}``.

    ``key`` encrypts it; None is for the bucket of access logs alone, to which S3 delivers under its own key
    only. ``access_logs`` takes the log of every access. Browsers of ``origins`` may use it with a link that
    was signed for them; without any, none may.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        purpose: str,
        key: CustomerKey | None,
        access_logs: s3.IBucket | None,
        keeping: Keeping,
        origins: Sequence[str] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            bucket_name=f"hasivu-{environment.name}-{purpose}",
            encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=None if key is None else True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            object_lock_enabled=True if keeping.locked else None,
            object_lock_default_retention=_retention(keeping, environment) if keeping.locked else None,
            lifecycle_rules=[_lifecycle(keeping), *_tagged(keeping)],
            cors=[_cors(origins)] if origins else None,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=None if access_logs is None else f"{purpose}/",
            removal_policy=removal_policy(environment),
        )
        acknowledge(
            self,
            "NIST.800.53.R5-S3BucketReplicationEnabled",
            "PCI.DSS.321-S3BucketReplicationEnabled",
            why="versions protect from mistakes and the lock from intent; a second region is the backup's",
            owner="platform",
        )
        if key is None:
            acknowledge(
                self,
                "NIST.800.53.R5-S3DefaultEncryptionKMS",
                "PCI.DSS.321-S3DefaultEncryptionKMS",
                why="S3 delivers access logs under its own key only",
                owner="security",
            )


def _retention(keeping: Keeping, environment: Environment) -> s3.ObjectLockRetention:
    if keeping.expires_days is None:
        raise ValueError("what is locked says for how many days: expires_days")
    if environment.protection.lock_records:
        return s3.ObjectLockRetention.compliance(Duration.days(keeping.expires_days))
    return s3.ObjectLockRetention.governance(Duration.days(REHEARSED_LOCK_DAYS))


def _lifecycle(keeping: Keeping) -> s3.LifecycleRule:
    classes = (
        (s3.StorageClass.INFREQUENT_ACCESS, keeping.rarely_read_days),
        (s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, keeping.archived_days),
    )
    return s3.LifecycleRule(
        id="keeping",
        enabled=True,
        abort_incomplete_multipart_upload_after=Duration.days(UPLOAD_ABANDONED_DAYS),
        noncurrent_version_expiration=Duration.days(keeping.superseded_days),
        expiration=None if keeping.expires_days is None else Duration.days(keeping.expires_days),
        transitions=[
            s3.Transition(storage_class=storage_class, transition_after=Duration.days(days))
            for storage_class, days in classes
            if days is not None
        ],
    )


def _tagged(keeping: Keeping) -> list[s3.LifecycleRule]:
    if keeping.expires_tagged is None:
        return []
    (key, value), days = keeping.expires_tagged
    return [
        s3.LifecycleRule(
            id=key,
            enabled=True,
            tag_filters={key: value},
            expiration=Duration.days(days),
            noncurrent_version_expiration=Duration.days(keeping.superseded_days),
        )
    ]


def _cors(origins: Sequence[str]) -> s3.CorsRule:
    """What an upload by a signed link needs, and no more."""
    return s3.CorsRule(
        allowed_origins=list(origins),
        allowed_methods=[s3.HttpMethods.PUT, s3.HttpMethods.GET, s3.HttpMethods.HEAD],
        allowed_headers=["content-type", "content-md5", "x-amz-checksum-sha256"],
        exposed_headers=["ETag"],
        max_age=3_000,
    )
