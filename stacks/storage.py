"""Files: what people upload, what is issued to them, what is learnt, and the proof of all of it."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.private_bucket import Keeping, PrivateBucket
from stacks.constructs.signing_key import SigningKey
from stacks.environment import Environment
from stacks.house_stack import HouseStack
from stacks.payment_history import (
    ANSWERS_PREFIX,
    COMPACTED,
    COMPACTED_PREFIX,
    LINES,
    LINES_PREFIX,
    RECENT,
    PaymentHistory,
)

EIGHT_YEARS_DAYS = 2_922
"""Invoices and books stay for 72 months after the annual return is due (CGST Act 2017, section 36), audit
records for seven years (SOX); eight years, leap days included, cover both."""

THREE_YEARS_DAYS = 1_096
YEAR_DAYS = 365
QUARTER_DAYS = 90
MONTH_DAYS = 30
WEEK_DAYS = 7

SUPERSEDED_TAG = ("superseded", "true")
"""What payments-analytics marks Parquet with that was replaced: runtime/payments/analytics/parquet.py."""

ACCESS_LOG_DAYS = 731
"""PCI DSS 10.5.1 asks for twelve months; the second year is for what is found out late."""

CONFIG_HISTORY_DAYS = 731
"""How the account was configured: as long as who was in it."""

TRAIL_PREFIX = "trail"
"""Where in the audit bucket the trail writes."""


STATEMENTS_PREFIX = "statements"
"""Where in the uploads bucket bank statements are: runtime/payments/reconciliation/statement_files.py names
it so."""

SEALS_PREFIX, SEALED_LINES_PREFIX = "seals", "lines"
"""Where in it the audit trail's seals and the sealed lines are: runtime/sealing/model.py names them so."""


def trail_name(environment: Environment) -> str:
    """The trail's name, by which the bucket and its key let it in: it refers to both itself."""
    return f"hasivu-{environment.name}"


class StorageStack(HouseStack):
    """The buckets and the key that encrypts them."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: buckets and their key",
            stateful=True,
        )
        self.key = CustomerKey(
            self,
            "StorageKey",
            environment=environment,
            purpose="storage",
            description="Files of HASIVU payments",
        )
        self.access_logs = PrivateBucket(
            self,
            "AccessLogs",
            environment=environment,
            purpose="access-logs",
            key=None,
            access_logs=None,
            keeping=Keeping(superseded_days=MONTH_DAYS, expires_days=ACCESS_LOG_DAYS),
        )
        self.uploads = self._bucket(
            "Uploads",
            "uploads",
            Keeping(superseded_days=QUARTER_DAYS, rarely_read_days=QUARTER_DAYS),
            origins=environment.web.origins,
        )
        # What is kept of a statement are its lines. The file names payers and their accounts: it stays as
        # long as somebody may ask what stood in it.
        self.uploads.add_lifecycle_rule(
            id="statements",
            enabled=True,
            prefix=f"{STATEMENTS_PREFIX}/",
            expiration=Duration.days(MONTH_DAYS),
            noncurrent_version_expiration=Duration.days(WEEK_DAYS),
            abort_incomplete_multipart_upload_after=Duration.days(WEEK_DAYS),
        )
        self.ml_models = self._bucket("MlModels", "ml-models", Keeping(superseded_days=YEAR_DAYS))
        self.invoice_templates = self._bucket(
            # An invoice is drawn again with the theme of its day as long as the invoice is kept.
            "InvoiceTemplates",
            "invoice-templates",
            Keeping(superseded_days=EIGHT_YEARS_DAYS),
        )
        self.invoices = self._bucket("Invoices", "invoices", _record())
        self.analytics = self._bucket(
            "Analytics",
            "analytics",
            Keeping(
                superseded_days=MONTH_DAYS,
                rarely_read_days=QUARTER_DAYS,
                archived_days=YEAR_DAYS,
                expires_days=THREE_YEARS_DAYS,
                expires_tagged=(SUPERSEDED_TAG, WEEK_DAYS),
            ),
        )
        self.payment_history = PaymentHistory(
            self,
            "PaymentHistory",
            environment=environment,
            bucket=self.analytics,
            key=self.key,
            account=self.account,
        )
        self.audit = self._bucket("Audit", "audit", _record())
        self.audit_seal_key = SigningKey(
            self,
            "AuditSealKey",
            environment=environment,
            purpose="audit-seal",
            description="Signs the checkpoints of the audit trail of HASIVU payments",
        )
        self.config = self._bucket(
            # Apart from the audit records: AWS Config delivers to no bucket whose objects are locked.
            "Config",
            "config",
            Keeping(
                superseded_days=MONTH_DAYS, rarely_read_days=QUARTER_DAYS, expires_days=CONFIG_HISTORY_DAYS
            ),
        )
        self._let_the_trail_in()
        self._let_config_in()

    def let_keep_the_payment_history(self, role: iam.IRole) -> None:
        """Let ``role`` write the history's lines, and have Athena make Parquet of them with its rights: read
        the lines, write beside them, and lead the catalogue's partitions there."""
        multipart = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
        for actions, prefix in (
            (("s3:GetObject", "s3:PutObject"), LINES_PREFIX),
            (("s3:PutObject", "s3:PutObjectTagging", *multipart), COMPACTED_PREFIX),
            (("s3:GetObject", "s3:PutObject", *multipart), ANSWERS_PREFIX),
        ):
            # By name: the finding that is accepted quotes it, and a reference has no name before synthesis.
            objects = f"hasivu-{self.environment_settings.name}-analytics/{prefix}/*"
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=list(actions),
                    resources=[self.format_arn(service="s3", region="", account="", resource=objects)],
                )
            )
            acknowledge(
                role,
                f"AwsSolutions-IAM5[Resource::arn:aws:s3:::{objects}]",
                why="objects have no name before they are written; the prefix is this writer's own",
                evidence="ADR 0032",
                owner="security",
            )
        bucket = [self.analytics.bucket_arn]
        prefixes = [f"{prefix}/*" for prefix in (LINES_PREFIX, COMPACTED_PREFIX, ANSWERS_PREFIX)]
        for policy in (
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=bucket,
                conditions={"StringLike": {"s3:prefix": prefixes}},
            ),
            iam.PolicyStatement(
                actions=["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], resources=bucket
            ),
            iam.PolicyStatement(
                actions=[
                    "athena:GetQueryExecution",
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                ],
                resources=[
                    self.format_arn(
                        service="athena",
                        resource="workgroup",
                        resource_name=self.payment_history.workgroup_name,
                    )
                ],
            ),
            self._on_tables(["glue:GetDatabase", "glue:GetTable"], LINES, RECENT, COMPACTED),
            self._on_tables(["glue:CreatePartition", "glue:UpdatePartition"], COMPACTED),
            self._on_tables(["glue:UpdateTable"], RECENT),
        ):
            role.add_to_principal_policy(policy)
        self.key.allow_writing(role, through="s3")
        self.key.allow_reading(role, through="s3")

    def _on_tables(self, actions: Sequence[str], *tables: str) -> iam.PolicyStatement:
        """``actions`` on tables of the history; the catalogue asks for the right on what they are in as well.

        https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
        """
        database = self.payment_history.database_name
        names = ["catalog", f"database/{database}", *(f"table/{database}/{table}" for table in tables)]
        return iam.PolicyStatement(
            actions=list(actions),
            resources=[self.format_arn(service="glue", resource=name) for name in names],
        )

    def let_sign_for_statements(self, role: iam.IRole) -> None:
        """Let ``role`` put files of bank statements: who has a link that it signed puts one in its name."""
        self._let_use_statements(role, "s3:PutObject", why="a file has no name before it is asked for")
        self.key.allow_writing(role, through="s3")

    def let_read_statements(self, role: iam.IRole) -> None:
        """Let ``role`` see which files of bank statements are there, and read them."""
        self._let_use_statements(
            role, "s3:GetObject", why="a file is read by the name that its upload gave it"
        )
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[self.uploads.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{STATEMENTS_PREFIX}/*"}},
            )
        )
        self.key.allow_reading(role, through="s3")

    def _let_use_statements(self, role: iam.IRole, action: str, *, why: str) -> None:
        # By name: the finding that is accepted quotes it, and a reference has no name before synthesis.
        objects = f"hasivu-{self.environment_settings.name}-uploads/{STATEMENTS_PREFIX}/*"
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[action],
                resources=[self.format_arn(service="s3", region="", account="", resource=objects)],
            )
        )
        acknowledge(
            role,
            f"AwsSolutions-IAM5[Resource::arn:aws:s3:::{objects}]",
            why=why,
            evidence="ADR 0033",
            owner="security",
        )

    def let_seal_the_audit_trail(self, role: iam.IRole) -> None:
        """Let ``role`` put seals and sealed lines into the audit bucket, read seals, and sign them."""
        # By name: the finding that is accepted quotes it, and a reference has no name before synthesis.
        bucket = f"hasivu-{self.environment_settings.name}-audit"
        for actions, prefix in (
            (("s3:PutObject",), SEALED_LINES_PREFIX),
            (("s3:GetObject", "s3:PutObject"), SEALS_PREFIX),
        ):
            objects = f"{bucket}/{prefix}/*"
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=list(actions),
                    resources=[self.format_arn(service="s3", region="", account="", resource=objects)],
                )
            )
            acknowledge(
                role,
                f"AwsSolutions-IAM5[Resource::arn:aws:s3:::{objects}]",
                why="objects have no name before they are written; the prefix is the sealer's own",
                evidence="ADR 0030",
                owner="security",
            )
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[self.audit.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{SEALS_PREFIX}/*"}},
            )
        )
        self.key.allow_writing(role, through="s3")
        self.key.allow_reading(role, through="s3")
        self.audit_seal_key.allow_signing(role)

    def _bucket(
        self, construct_id: str, purpose: str, keeping: Keeping, *, origins: Sequence[str] = ()
    ) -> s3.Bucket:
        return PrivateBucket(
            self,
            construct_id,
            environment=self.environment_settings,
            purpose=purpose,
            key=self.key,
            access_logs=self.access_logs,
            keeping=keeping,
            origins=origins,
        )

    def _let_the_trail_in(self) -> None:
        """The trail of this account may write below its prefix of the audit bucket, and encrypt for it.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
        """
        trail = {
            "aws:SourceArn": self.format_arn(
                service="cloudtrail", resource="trail", resource_name=trail_name(self.environment_settings)
            )
        }
        cloudtrail = [iam.ServicePrincipal("cloudtrail.amazonaws.com")]
        self.audit.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TrailChecks",
                principals=cloudtrail,
                actions=["s3:GetBucketAcl"],
                resources=[self.audit.bucket_arn],
                conditions={"StringEquals": trail},
            )
        )
        self.audit.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TrailWrites",
                principals=cloudtrail,
                actions=["s3:PutObject"],
                resources=[self.audit.arn_for_objects(f"{TRAIL_PREFIX}/AWSLogs/{self.account}/*")],
                conditions={"StringEquals": trail | {"s3:x-amz-acl": "bucket-owner-full-control"}},
            )
        )
        # The bucket has a bucket key: CloudTrail asks for the key's description as well.
        self.key.allow_service(
            "cloudtrail.amazonaws.com",
            actions=("kms:DescribeKey", "kms:GenerateDataKey"),
            conditions={"StringEquals": trail},
        )

    def _let_config_in(self) -> None:
        """AWS Config of this account may write its history, and encrypt it.

        https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html
        """
        account = {"aws:SourceAccount": self.account}
        config = [iam.ServicePrincipal("config.amazonaws.com")]
        self.config.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ConfigChecks",
                principals=config,
                actions=["s3:GetBucketAcl", "s3:ListBucket"],
                resources=[self.config.bucket_arn],
                conditions={"StringEquals": account},
            )
        )
        self.config.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ConfigWrites",
                principals=config,
                actions=["s3:PutObject"],
                resources=[self.config.arn_for_objects(f"AWSLogs/{self.account}/Config/*")],
                conditions={"StringEquals": account | {"s3:x-amz-acl": "bucket-owner-full-control"}},
            )
        )
        self.key.allow_service(
            "config.amazonaws.com",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            conditions={"StringEquals": account},
        )


def _record() -> Keeping:
    """What proves something is locked for eight years, and read seldom after the first."""
    return Keeping(
        superseded_days=EIGHT_YEARS_DAYS,
        archived_days=YEAR_DAYS,
        expires_days=EIGHT_YEARS_DAYS,
        locked=True,
    )
