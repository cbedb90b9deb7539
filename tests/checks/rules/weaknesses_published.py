"""Planted: what published lists look for in buckets and tables."""

from tests.checks.rules.planting import Weakness, add, drop, every, named, put
from tests.checks.rules.published import STATEMENTS, STRANGER, beside, lets

TABLE, BUCKET, QUEUE, KEY = "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::KMS::Key"
BUCKET_POLICY, QUEUE_POLICY = "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"
ABROAD = "arn:aws:s3:::somebody-elses"
LIFECYCLE, BLOCK = "LifecycleConfiguration.Rules.0", "PublicAccessBlockConfiguration"
ENCRYPTION = "BucketEncryption.ServerSideEncryptionConfiguration"
INVOICES, AUDIT = named("BucketName", "-invoices"), named("BucketName", "-audit")
LOGS, UPLOADS = named("BucketName", "-access-logs"), named("BucketName", "-uploads")
LEDGER, PAYMENTS = named("TableName", "-ledger"), named("TableName", "-payments")

BUCKETS = (
    Weakness("CKV_AWS_20", "public to read", BUCKET, put("AccessControl", "PublicRead"), UPLOADS),
    Weakness("CKV_AWS_57", "public to write", BUCKET, put("AccessControl", "PublicReadWrite"), INVOICES),
    Weakness("cfn-nag W31", "all who have an account", BUCKET, put("AccessControl", "AuthenticatedRead")),
    Weakness("KICS", "an ACL for log delivery", BUCKET, put("AccessControl", "LogDeliveryWrite"), LOGS),
    Weakness("CKV_AWS_53", "public ACLs", BUCKET, put(f"{BLOCK}.BlockPublicAcls", False), INVOICES),
    Weakness("CKV_AWS_54", "public policies", BUCKET, put(f"{BLOCK}.BlockPublicPolicy", False), AUDIT),
    Weakness("CKV_AWS_55", "ACLs are heeded", BUCKET, drop(f"{BLOCK}.IgnorePublicAcls"), LOGS),
    Weakness("CKV_AWS_56", "public is not restricted", BUCKET, drop(f"{BLOCK}.RestrictPublicBuckets")),
    Weakness("FSBP S3.8", "no block at all", BUCKET, drop(BLOCK), AUDIT),
    Weakness("CKV_AWS_18", "no access log", BUCKET, drop("LoggingConfiguration"), INVOICES),
    Weakness("CKV_AWS_19", "not encrypted", BUCKET, drop("BucketEncryption"), INVOICES),
    Weakness(
        "CKV_AWS_145",
        "S3's own key",
        BUCKET,
        put(f"{ENCRYPTION}.0.ServerSideEncryptionByDefault", {"SSEAlgorithm": "AES256"}),
        INVOICES,
    ),
    Weakness("cfn-nag W41", "encrypted by nothing", BUCKET, put(ENCRYPTION, []), AUDIT),
    Weakness(
        "CKV_AWS_21", "no versions", BUCKET, put("VersioningConfiguration.Status", "Suspended"), INVOICES
    ),
    Weakness("FSBP S3.14", "nothing of versions", BUCKET, drop("VersioningConfiguration"), AUDIT),
    Weakness(
        "FSBP S3.12", "ACLs decide", BUCKET, put("OwnershipControls.Rules.0.ObjectOwnership", "ObjectWriter")
    ),
    Weakness("KICS", "no ownership", BUCKET, drop("OwnershipControls"), LOGS),
    Weakness("FSBP S3.13", "no lifecycle", BUCKET, drop("LifecycleConfiguration"), UPLOADS),
    Weakness("CKV_AWS_300", "abandoned uploads", BUCKET, drop(f"{LIFECYCLE}.AbortIncompleteMultipartUpload")),
    Weakness(
        "FSBP S3.10", "old versions stay", BUCKET, drop(f"{LIFECYCLE}.NoncurrentVersionExpiration"), AUDIT
    ),
    Weakness("FSBP S3.15", "no object lock", BUCKET, drop("ObjectLockConfiguration"), INVOICES),
    Weakness(
        "FSBP S3.15",
        "the lock may be lifted",
        BUCKET,
        put("ObjectLockConfiguration.Rule.DefaultRetention.Mode", "GOVERNANCE"),
        AUDIT,
    ),
    Weakness(
        "SOX",
        "locked for a year",
        BUCKET,
        put("ObjectLockConfiguration.Rule.DefaultRetention.Days", 365),
        AUDIT,
    ),
    Weakness("SOX", "locked without a rule", BUCKET, drop("ObjectLockConfiguration.Rule"), INVOICES),
    Weakness(
        "CGST 36", "invoices end after a year", BUCKET, put(f"{LIFECYCLE}.ExpirationInDays", 365), INVOICES
    ),
    Weakness(
        "CGST 36",
        "old invoices end at once",
        BUCKET,
        put(f"{LIFECYCLE}.NoncurrentVersionExpiration.NoncurrentDays", 1),
        INVOICES,
    ),
    Weakness(
        "SOX",
        "a date ends the audit",
        BUCKET,
        put(f"{LIFECYCLE}.ExpirationDate", "2027-01-01T00:00:00Z"),
        AUDIT,
    ),
    Weakness(
        "SOX",
        "by tag, early",
        BUCKET,
        add(
            "LifecycleConfiguration.Rules",
            {"Status": "Enabled", "ExpirationInDays": 1, "TagFilters": [{"Key": "k", "Value": "v"}]},
        ),
        AUDIT,
    ),
    Weakness(
        "SOX",
        "only few versions",
        BUCKET,
        put(f"{LIFECYCLE}.NoncurrentVersionExpiration.NewerNoncurrentVersions", 1),
        AUDIT,
    ),
    Weakness(
        "Prowler",
        "copied abroad",
        BUCKET,
        put(
            "ReplicationConfiguration",
            {
                "Role": STRANGER,
                "Rules": [
                    {"Status": "Enabled", "Destination": {"Bucket": ABROAD, "Account": "999999999999"}}
                ],
            },
        ),
        INVOICES,
    ),
    Weakness(
        "KICS",
        "an inventory elsewhere",
        BUCKET,
        put("InventoryConfigurations", [{"Enabled": True, "Destination": {"BucketArn": ABROAD}}]),
        INVOICES,
    ),
    Weakness(
        "KICS",
        "analytics elsewhere",
        BUCKET,
        put(
            "AnalyticsConfigurations",
            [{"Id": "a", "StorageClassAnalysis": {"DataExport": {"Destination": {"BucketArn": ABROAD}}}}],
        ),
        INVOICES,
    ),
    Weakness("KICS", "a website", BUCKET, put("WebsiteConfiguration", {"IndexDocument": "i.html"}), UPLOADS),
    Weakness(
        "KICS",
        "a website that redirects",
        BUCKET,
        put("WebsiteConfiguration", {"RedirectAllRequestsTo": {"HostName": "elsewhere.example"}}),
    ),
    Weakness(
        "KICS", "any origin", BUCKET, put("CorsConfiguration.CorsRules.0.AllowedOrigins", ["*"]), UPLOADS
    ),
    Weakness(
        "KICS", "any method", BUCKET, add("CorsConfiguration.CorsRules.0.AllowedMethods", "DELETE"), UPLOADS
    ),
    Weakness(
        "KICS", "any header", BUCKET, put("CorsConfiguration.CorsRules.0.AllowedHeaders", ["*"]), UPLOADS
    ),
    Weakness(
        "KICS",
        "browsers read invoices",
        BUCKET,
        put(
            "CorsConfiguration",
            {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.hasivu.example"]}]},
        ),
        INVOICES,
    ),
    Weakness(
        "FSBP S3.11",
        "events to a stranger",
        BUCKET,
        put("NotificationConfiguration", {"LambdaConfigurations": [{"Event": "s3:*", "Function": STRANGER}]}),
        INVOICES,
    ),
    Weakness(
        "Prowler",
        "accelerated over the world",
        BUCKET,
        put("AccelerateConfiguration", {"AccelerationStatus": "Enabled"}),
        UPLOADS,
    ),
    Weakness(
        "KICS",
        "asked for in a week",
        BUCKET,
        put(f"{LIFECYCLE}.Transitions", [{"StorageClass": "GLACIER", "TransitionInDays": 1}]),
        INVOICES,
    ),
    Weakness(
        "Config",
        "kept in one zone",
        BUCKET,
        put(f"{LIFECYCLE}.Transitions", [{"StorageClass": "ONEZONE_IA", "TransitionInDays": 30}]),
        AUDIT,
    ),
    Weakness("cfn-nag", "gone with its stack", BUCKET, put("/DeletionPolicy", "Delete"), INVOICES),
    Weakness("cfn-nag", "gone when replaced", BUCKET, drop("/UpdateReplacePolicy"), AUDIT),
    Weakness(
        "Prowler",
        "logs into itself",
        BUCKET,
        put("LoggingConfiguration.DestinationBucketName", "hasivu-prod-uploads"),
        UPLOADS,
    ),
    Weakness("FSBP S3.5", "plain HTTP", BUCKET_POLICY, drop(f"{STATEMENTS}.0")),
    Weakness("CKV_AWS_70", "anybody reads", BUCKET_POLICY, add(STATEMENTS, lets("*", "s3:GetObject"))),
    Weakness(
        "FSBP S3.6",
        "a stranger administers",
        BUCKET_POLICY,
        add(STATEMENTS, lets({"AWS": STRANGER}, ["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"])),
    ),
    Weakness(
        "cfn-nag F15",
        "all actions",
        BUCKET_POLICY,
        add(STATEMENTS, lets({"AWS": "arn:aws:iam::777788889999:root"}, "s3:*")),
    ),
    Weakness(
        "cfn-nag F2",
        "all but some",
        BUCKET_POLICY,
        add(
            STATEMENTS,
            {"Effect": "Allow", "NotPrincipal": {"AWS": STRANGER}, "Action": "s3:GetObject", "Resource": "*"},
        ),
    ),
    Weakness(
        "KICS",
        "everybody of an organisation",
        BUCKET_POLICY,
        add(STATEMENTS, lets("*", "s3:GetObject", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    ),
    Weakness(
        "KICS",
        "everybody from an address",
        BUCKET_POLICY,
        add(STATEMENTS, lets("*", "s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})),
    ),
    Weakness(
        "KICS",
        "a distribution reads",
        BUCKET_POLICY,
        add(STATEMENTS, lets({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")),
    ),
    Weakness(
        "KICS",
        "a canonical user",
        BUCKET_POLICY,
        add(STATEMENTS, lets({"CanonicalUser": "a" * 64}, "s3:GetObject")),
    ),
    beside("GOV", "AWS::S3::AccessPoint", Bucket="hasivu-prod-invoices"),
    beside("GOV", "AWS::S3::MultiRegionAccessPoint", Regions=[{"Bucket": "hasivu-prod-invoices"}]),
    beside("GOV", "AWS::S3Outposts::Bucket", BucketName="hasivu-prod-x"),
)

TABLES = (
    Weakness("CKV_AWS_28", "no way back", TABLE, drop("PointInTimeRecoverySpecification"), PAYMENTS),
    Weakness("CKV_AWS_119", "AWS's key", TABLE, drop("SSESpecification.KMSMasterKeyId"), PAYMENTS),
    Weakness("CKV_AWS_119", "AES by default", TABLE, put("SSESpecification.SSEType", "AES256"), LEDGER),
    Weakness("FSBP DynamoDB.6", "may be deleted", TABLE, drop("DeletionProtectionEnabled"), LEDGER),
    Weakness(
        "FSBP DynamoDB.1",
        "fixed capacity",
        TABLE,
        every(
            put("BillingMode", "PROVISIONED"),
            put("ProvisionedThroughput", {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}),
        ),
        PAYMENTS,
    ),
    Weakness("Config", "in no backup", "AWS::Backup::BackupSelection", put("BackupSelection.Resources", [])),
    Weakness(
        "KICS",
        "expires payments",
        TABLE,
        put("TimeToLiveSpecification", {"AttributeName": "created_key", "Enabled": True}),
        PAYMENTS,
    ),
    Weakness("FSBP DynamoDB.5", "without tags", TABLE, drop("Tags"), LEDGER),
    Weakness(
        "Prowler",
        "a stranger reads",
        TABLE,
        put(
            "ResourcePolicy",
            {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [lets({"AWS": STRANGER}, "dynamodb:GetItem")],
                }
            },
        ),
        PAYMENTS,
    ),
    Weakness(
        "Prowler",
        "anybody reads the stream",
        TABLE,
        put(
            "StreamSpecification.ResourcePolicy",
            {"PolicyDocument": {"Version": "2012-10-17", "Statement": [lets("*", "dynamodb:GetRecords")]}},
        ),
        named("TableName", "-outbox"),
    ),
    Weakness(
        "RBI",
        "copied into a stream",
        TABLE,
        put("KinesisStreamSpecification", {"StreamArn": STRANGER}),
        PAYMENTS,
    ),
    Weakness(
        "RBI",
        "imported from a stranger",
        TABLE,
        put(
            "ImportSourceSpecification",
            {"InputFormat": "CSV", "S3BucketSource": {"S3Bucket": "somebody-elses"}},
        ),
        PAYMENTS,
    ),
    Weakness(
        "Config",
        "a week of recovery",
        TABLE,
        put("PointInTimeRecoverySpecification.RecoveryPeriodInDays", 7),
        LEDGER,
    ),
    Weakness("cfn-nag", "gone with its stack", TABLE, put("/DeletionPolicy", "Snapshot"), LEDGER),
    Weakness("SOX", "no ceiling", TABLE, drop("OnDemandThroughput"), PAYMENTS),
    Weakness(
        "SOX",
        "the ledger by another key",
        TABLE,
        put("KeySchema", [{"AttributeName": "business_date", "KeyType": "RANGE"}]),
        LEDGER,
    ),
    Weakness("SOX", "entries may be changed", TABLE, drop("ResourcePolicy"), LEDGER),
    Weakness(
        "SOX",
        "entries may be deleted by query",
        TABLE,
        put("ResourcePolicy.PolicyDocument.Statement.0.Action", ["dynamodb:DeleteItem"]),
        LEDGER,
    ),
    Weakness(
        "SOX",
        "only strangers are denied",
        TABLE,
        put("ResourcePolicy.PolicyDocument.Statement.0.Principal", {"AWS": STRANGER}),
        LEDGER,
    ),
    Weakness(
        "SOX",
        "denied elsewhere",
        TABLE,
        put("ResourcePolicy.PolicyDocument.Statement.0.Resource", STRANGER),
        LEDGER,
    ),
    beside("RBI", "AWS::DynamoDB::GlobalTable", Replicas=[{"Region": "eu-west-1"}]),
    beside("GOV", "AWS::RDS::DBInstance", PubliclyAccessible=True),
)

WEAKNESSES = (*BUCKETS, *TABLES)
