"""Planted: where data is, how it is kept, and what must not be written down."""

import base64
from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, named, put

TABLE, BUCKET = "AWS::DynamoDB::Table", "AWS::S3::Bucket"
FUNCTION, PARAMETER = "AWS::Lambda::Function", "AWS::SSM::Parameter"
SECRET = "AWS::SecretsManager::Secret"
VARIABLES = "Environment.Variables"
PITR = "PointInTimeRecoverySpecification"
OUTBOX, LEDGER = named("TableName", "outbox"), named("TableName", "ledger")
INDEX = "GlobalSecondaryIndexes.0"
KEPT = "LifecycleConfiguration.Rules.0"
ENCRYPTION = "BucketEncryption.ServerSideEncryptionConfiguration.0"
AUDIT, UPLOADS = named("BucketName", "prod-audit"), named("BucketName", "prod-uploads")
LOCK = "ObjectLockConfiguration.Rule.DefaultRetention"
CORS = "CorsConfiguration.CorsRules.0"

# Made up from the alphabets of the real ones; none opens anything.
AWS_KEY = "AKIA" + "QWERTYUIOPASDFGH"
RAZORPAY_KEY = "rzp_" + "live_Ab3dEf6hIj9kLm"
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE"
TOKEN = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
CHANCE = "kX9fQ2vLr8TzW4mN7bYc1HsD"
CARD = "4111 1111 1111 1111"


def setting(name: str, value: Any) -> Any:
    return put(f"{VARIABLES}.{name}", value)


def table(rule_id: str, title: str, change: Any, where: Any = OUTBOX) -> Weakness:
    return Weakness(rule_id, title, TABLE, change, where)


def bucket(rule_id: str, title: str, change: Any, where: Any = UPLOADS) -> Weakness:
    return Weakness(rule_id, title, BUCKET, change, where)


def secret(rule_id: str, title: str, change: Any) -> Weakness:
    return Weakness(rule_id, title, SECRET, change)


def function(rule_id: str, title: str, change: Any) -> Weakness:
    return Weakness(rule_id, title, FUNCTION, change)


def parameter(rule_id: str, title: str, change: Any) -> Weakness:
    return Weakness(rule_id, title, PARAMETER, change)


TABLES = (
    table("HASIVU-DDB-1", "a table under AWS's key", put("SSESpecification", {"SSEEnabled": True})),
    table("HASIVU-DDB-1", "a table without encryption", put("SSESpecification.SSEEnabled", False)),
    table("HASIVU-DDB-1", "nothing said of encryption", drop("SSESpecification")),
    table("HASIVU-DDB-1", "a stranger's key", put("SSESpecification.KMSMasterKeyId", "alias/aws/dynamodb")),
    table("HASIVU-DDB-2", "no way back in time", put(f"{PITR}.PointInTimeRecoveryEnabled", False)),
    table("HASIVU-DDB-2", "one day back in time", put(f"{PITR}.RecoveryPeriodInDays", 1)),
    table("HASIVU-DDB-3", "a table that may be deleted", put("DeletionProtectionEnabled", False)),
    table("HASIVU-DDB-3", "nothing said of deletion", drop("DeletionProtectionEnabled")),
    table("HASIVU-DDB-4", "nothing expires", put("TimeToLiveSpecification.Enabled", False)),
    table("HASIVU-DDB-4", "no TTL", drop("TimeToLiveSpecification")),
    table(
        "HASIVU-DDB-4",
        "the wrong attribute expires",
        put("TimeToLiveSpecification.AttributeName", "created_at"),
    ),
    table(
        "HASIVU-DDB-5",
        "the ledger expires",
        put("TimeToLiveSpecification", {"AttributeName": "expires_at", "Enabled": True}),
        LEDGER,
    ),
    table("HASIVU-DDB-6", "a table that nobody knows", put("TableName", "hasivu-prod-copies")),
    table(
        "HASIVU-DDB-15",
        "keyed by another attribute",
        put("KeySchema.0.AttributeName", "day"),
    ),
    table("HASIVU-DDB-15", "a list without its order", drop(f"{INDEX}.KeySchema.1"), LEDGER),
    table(
        "HASIVU-DDB-15", "a list in another order", put(f"{INDEX}.KeySchema.1.AttributeName", "day"), LEDGER
    ),
    table("HASIVU-DDB-15", "a list that nobody can ask for", drop("GlobalSecondaryIndexes"), LEDGER),
    table("HASIVU-DDB-7", "the ledger may be changed", drop("ResourcePolicy"), LEDGER),
    table(
        "HASIVU-DDB-7",
        "an entry may be deleted",
        put("ResourcePolicy.PolicyDocument.Statement.0.Action", ["dynamodb:UpdateItem"]),
        LEDGER,
    ),
    table(
        "HASIVU-DDB-7",
        "denied only from elsewhere",
        put("ResourcePolicy.PolicyDocument.Statement.0.Condition", {"Bool": {"aws:ViaAWSService": "true"}}),
        LEDGER,
    ),
    table(
        "HASIVU-DDB-7",
        "allowed instead of denied",
        put("ResourcePolicy.PolicyDocument.Statement.0.Effect", "Allow"),
        LEDGER,
    ),
    Weakness(
        "HASIVU-DDB-9",
        "a table of the whole world",
        beside={"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"Replicas": [{"Region": "us-east-1"}]}},
    ),
    table("HASIVU-DDB-11", "no event leaves", drop("StreamSpecification")),
    table("HASIVU-DDB-11", "only keys leave", put("StreamSpecification.StreamViewType", "KEYS_ONLY")),
    table(
        "HASIVU-DDB-11",
        "the ledger is copied out",
        put("KinesisStreamSpecification", {"StreamArn": "arn:aws:kinesis:ap-south-1:aws:stream/x"}),
        LEDGER,
    ),
    table(
        "HASIVU-DDB-12",
        "an index of keys",
        put("GlobalSecondaryIndexes.0.Projection", {"ProjectionType": "KEYS_ONLY"}),
        named("TableName", "prod-payments"),
    ),
    table("HASIVU-DEL-1", "a table goes with its stack", put("/DeletionPolicy", "Delete")),
    table("HASIVU-DEL-1", "a table goes with its name", drop("/UpdateReplacePolicy")),
)

BUCKETS = (
    bucket("HASIVU-S3-1", "public by policy", put("PublicAccessBlockConfiguration.BlockPublicPolicy", False)),
    bucket("HASIVU-S3-1", "nothing blocked", drop("PublicAccessBlockConfiguration")),
    bucket(
        "HASIVU-S3-2",
        "AWS's own key",
        put(f"{ENCRYPTION}.ServerSideEncryptionByDefault", {"SSEAlgorithm": "AES256"}),
    ),
    bucket("HASIVU-S3-2", "not encrypted", drop("BucketEncryption")),
    bucket("HASIVU-S3-2", "a key call for each object", put(f"{ENCRYPTION}.BucketKeyEnabled", False)),
    Weakness(
        "HASIVU-S3-3",
        "plain HTTP",
        "AWS::S3::BucketPolicy",
        put("PolicyDocument.Statement.0.Condition.Bool", {"aws:SecureTransport": "true"}),
        witness=BUCKET,
    ),
    Weakness(
        "HASIVU-S3-3",
        "old TLS",
        "AWS::S3::BucketPolicy",
        put("PolicyDocument.Statement", []),
        witness=BUCKET,
    ),
    Weakness("HASIVU-S3-3", "no policy at all", "AWS::S3::BucketPolicy", gone=True, witness=BUCKET),
    bucket("HASIVU-S3-4", "no versions", put("VersioningConfiguration.Status", "Suspended")),
    bucket("HASIVU-S3-5", "readable by all", put("AccessControl", "PublicRead")),
    bucket("HASIVU-S3-5", "lists decide", drop("OwnershipControls")),
    bucket("HASIVU-S3-6", "the archive is not locked", put("ObjectLockEnabled", False), AUDIT),
    bucket("HASIVU-S3-6", "an administrator may unlock", put(f"{LOCK}.Mode", "GOVERNANCE"), AUDIT),
    bucket("HASIVU-S3-6", "locked for a year", put(LOCK, {"Mode": "COMPLIANCE", "Years": 1}), AUDIT),
    bucket("HASIVU-S3-7", "the archive ends in a month", put(f"{KEPT}.ExpirationInDays", 30), AUDIT),
    bucket("HASIVU-S3-7", "uploads end tomorrow", put(f"{KEPT}.ExpirationInDays", 1)),
    bucket("HASIVU-S3-7", "everything ends on a day", put(f"{KEPT}.ExpirationDate", "2027-01-01")),
    bucket("HASIVU-S3-8", "the rule is off", put(f"{KEPT}.Status", "Disabled")),
    bucket("HASIVU-S3-8", "no lifecycle", drop("LifecycleConfiguration")),
    bucket(
        "HASIVU-S3-8", "analytics for ever", drop("LifecycleConfiguration"), named("BucketName", "analytics")
    ),
    bucket("HASIVU-S3-9", "every origin", put(f"{CORS}.AllowedOrigins", ["*"])),
    bucket(
        "HASIVU-S3-9", "an origin without TLS", put(f"{CORS}.AllowedOrigins", ["http://app.hasivu.example"])
    ),
    bucket("HASIVU-S3-9", "browsers delete", add(f"{CORS}.AllowedMethods", "DELETE")),
    bucket(
        "HASIVU-S3-9",
        "browsers reach the archive",
        put(
            "CorsConfiguration.CorsRules",
            [{"AllowedOrigins": ["https://x.example"], "AllowedMethods": ["GET"]}],
        ),
        AUDIT,
    ),
    bucket("HASIVU-S3-10", "access is not logged", drop("LoggingConfiguration")),
    bucket("HASIVU-S3-11", "a website", put("WebsiteConfiguration", {"IndexDocument": "index.html"})),
    bucket(
        "HASIVU-S3-11",
        "copies to a stranger",
        put("ReplicationConfiguration.Rules", [{"Destination": {"Bucket": "arn:aws:s3:::elsewhere"}}]),
    ),
    bucket("HASIVU-S3-12", "a bucket that nobody knows", put("BucketName", "hasivu-prod-copies")),
    bucket("HASIVU-DEL-1", "a bucket goes with its stack", put("/DeletionPolicy", "Delete")),
)

SECRETS = (
    function("HASIVU-SEC-1", "a key of AWS in a setting", setting("POWERTOOLS_SERVICE_NAME", AWS_KEY)),
    function("HASIVU-SEC-1", "a Razorpay key in a description", put("Description", f"uses {RAZORPAY_KEY}")),
    function(
        "HASIVU-SEC-1",
        "a key in base64",
        setting("POWERTOOLS_SERVICE_NAME", base64.b64encode(f"key={RAZORPAY_KEY}!!".encode()).decode()),
    ),
    function("HASIVU-SEC-1", "a private key in a tag", add("Tags", {"Key": "k", "Value": PRIVATE_KEY})),
    function("HASIVU-SEC-1", "a password in words", put("Description", "password: Sommer2026!")),
    parameter("HASIVU-SEC-1", "a token in a parameter", put("Value", TOKEN)),
    parameter(
        "HASIVU-SEC-1", "a credential in an address", put("Value", "https://me:s3cr3t@api.razorpay.com")
    ),
    function("HASIVU-SEC-1", "a key in the metadata", put("/Metadata.note", AWS_KEY)),
    function("HASIVU-SEC-2", "a setting named a password", setting("DB_PASSWORD", "sommer")),
    function("HASIVU-SEC-2", "a setting named a pepper", setting("PEPPER", "x")),
    function("HASIVU-SEC-3", "chance in a setting", setting("POWERTOOLS_SERVICE_NAME", CHANCE)),
    parameter("HASIVU-SEC-3", "chance in a parameter", put("Value", CHANCE)),
    function("HASIVU-SEC-3", "hexadecimal chance", put("Description", "5f4dcc3b5aa765d61d8327deb882cf99")),
    function("HASIVU-SEC-4", "a card number", put("Description", f"try {CARD}")),
    function("HASIVU-SEC-4", "a person's telephone", put("Description", "ask +91 9876543210")),
    secret("HASIVU-SEC-5", "a secret written down", put("SecretString", "x")),
    secret("HASIVU-SEC-5", "eight characters", put("GenerateSecretString.PasswordLength", 8)),
    secret("HASIVU-SEC-5", "nothing generated", drop("GenerateSecretString")),
    secret(
        "HASIVU-SEC-5",
        "a value in the template",
        put("GenerateSecretString.SecretStringTemplate", '{"key_id": "live"}'),
    ),
    secret("HASIVU-SEC-5", "no digits, no capitals", put("GenerateSecretString.ExcludeNumbers", True)),
    secret("HASIVU-SEC-6", "a secret under AWS's key", drop("KmsKeyId")),
    secret("HASIVU-SEC-6", "a secret under a stranger's key", put("KmsKeyId", "alias/aws/secretsmanager")),
    Weakness(
        "HASIVU-SEC-8",
        "a parameter with a secret default",
        section=put("/Parameters.ApiSecret", {"Type": "String", "Default": "sommer", "NoEcho": True}),
    ),
    Weakness("HASIVU-SEC-8", "a key in a mapping", section=put("/Mappings.Keys.prod.key", RAZORPAY_KEY)),
    Weakness("HASIVU-SEC-9", "an output tells a key", section=put("/Outputs.Told", {"Value": AWS_KEY})),
    Weakness(
        "HASIVU-SEC-9",
        "an output resolves a secret",
        section=put("/Outputs.Told", {"Value": "{{resolve:secretsmanager:hasivu/prod/razorpay}}"}),
    ),
    function(
        "HASIVU-SEC-10",
        "a secret resolved into a setting",
        setting("POWERTOOLS_SERVICE_NAME", "{{resolve:secretsmanager:hasivu/prod/razorpay:SecretString}}"),
    ),
    secret("HASIVU-SEC-11", "a secret without environment", put("Name", "razorpay")),
    parameter("HASIVU-SEC-11", "a secret in the open", put("Name", "/hasivu/prod/razorpay/webhook-secret")),
    Weakness(
        "HASIVU-SEC-12",
        "money goes elsewhere",
        PARAMETER,
        put("Value", "https://api.razorpay.com.example.net"),
        named("Name", "razorpay/base-url"),
    ),
    secret("HASIVU-DEL-1", "a secret goes with its stack", put("/DeletionPolicy", "Delete")),
)

RESIDENCE = (
    function("HASIVU-RES-1", "a region abroad in a setting", setting("POWERTOOLS_SERVICE_NAME", "eu-west-1")),
    secret("HASIVU-RES-3", "a secret abroad", put("ReplicaRegions", [{"Region": "us-east-1"}])),
    secret(
        "HASIVU-RES-3", "a replica somewhere", put("ReplicaRegions", [{"Region": {"Ref": "AWS::Region"}}])
    ),
    Weakness(
        "HASIVU-RES-2",
        "a distribution over the world",
        beside={"Type": "AWS::CloudFront::Distribution", "Properties": {}},
    ),
    function("HASIVU-RES-4", "whichever region", put("Description", {"Fn::Sub": "in ${AWS::Region}"})),
    Weakness(
        "HASIVU-RES-1",
        "an output abroad",
        section=put("/Outputs.Abroad", {"Value": "https://s3.us-east-1.amazonaws.com"}),
        witness=TABLE,
    ),
)

RECOVERY = (
    Weakness("HASIVU-DEL-2", "no version to go back to", "AWS::Lambda::Version", drop("/DeletionPolicy")),
    Weakness(
        "HASIVU-DEL-1", "a vault goes with its stack", "AWS::Backup::BackupVault", drop("/DeletionPolicy")
    ),
)

WEAKNESSES = TABLES + BUCKETS + SECRETS + RESIDENCE + RECOVERY
