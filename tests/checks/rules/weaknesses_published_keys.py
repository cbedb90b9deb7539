"""Planted: what published lists look for in queues, topics, keys and secrets."""

from tests.checks.rules.planting import Weakness, add, drop, every, named, put
from tests.checks.rules.published import STRANGER, beside, lets

TABLE, BUCKET, QUEUE, KEY = "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::KMS::Key"
BUCKET_POLICY, QUEUE_POLICY = "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"
TOPIC, TOPIC_POLICY, SUBSCRIPTION = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"
SECRET, PARAMETER = "AWS::SecretsManager::Secret", "AWS::SSM::Parameter"
ROTATION, ALIAS = "AWS::SecretsManager::RotationSchedule", "AWS::KMS::Alias"
STATEMENTS, KEY_STATEMENTS = "PolicyDocument.Statement", "KeyPolicy.Statement"
WEBHOOKS, DEAD = named("QueueName", "-webhooks"), named("QueueName", "-webhooks-dlq")

QUEUES = (
    Weakness("CKV_AWS_27", "not encrypted", QUEUE, drop("KmsMasterKeyId"), WEBHOOKS),
    Weakness("FSBP SQS.1", "AWS's key", QUEUE, put("KmsMasterKeyId", "alias/aws/sqs"), WEBHOOKS),
    Weakness(
        "FSBP SQS.1",
        "SQS's own encryption",
        QUEUE,
        every(drop("KmsMasterKeyId"), put("SqsManagedSseEnabled", True)),
    ),
    Weakness("KICS", "a key for a day", QUEUE, put("KmsDataKeyReusePeriodSeconds", 86_400), WEBHOOKS),
    Weakness("CKV_AWS_168", "anybody sends", QUEUE_POLICY, add(STATEMENTS, lets("*", "sqs:SendMessage"))),
    Weakness(
        "FSBP SQS.3",
        "anybody with a condition",
        QUEUE_POLICY,
        add(
            STATEMENTS,
            lets({"AWS": "*"}, "sqs:ReceiveMessage", Condition={"StringLike": {"aws:SourceArn": "*"}}),
        ),
    ),
    Weakness(
        "cfn-nag F20",
        "all but some actions",
        QUEUE_POLICY,
        add(
            STATEMENTS,
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::777788889999:root"},
                "NotAction": "sqs:DeleteQueue",
                "Resource": "*",
            },
        ),
    ),
    Weakness(
        "cfn-nag F21",
        "all actions",
        QUEUE_POLICY,
        add(STATEMENTS, lets({"AWS": "arn:aws:iam::777788889999:root"}, "*")),
    ),
    Weakness(
        "Prowler",
        "a service without a source",
        QUEUE_POLICY,
        add(STATEMENTS, lets({"Service": "s3.amazonaws.com"}, "sqs:SendMessage")),
    ),
    Weakness("KICS", "no dead letters", QUEUE, drop("RedrivePolicy"), WEBHOOKS),
    Weakness("KICS", "set aside at once", QUEUE, put("RedrivePolicy.maxReceiveCount", 1), WEBHOOKS),
    Weakness("KICS", "tried a thousand times", QUEUE, put("RedrivePolicy.maxReceiveCount", 1000), WEBHOOKS),
    Weakness(
        "KICS", "set aside at a stranger", QUEUE, put("RedrivePolicy.deadLetterTargetArn", STRANGER), WEBHOOKS
    ),
    Weakness("KICS", "kept for a minute", QUEUE, put("MessageRetentionPeriod", 60), WEBHOOKS),
    Weakness("KICS", "dead letters for a day", QUEUE, put("MessageRetentionPeriod", 86_400), DEAD),
    Weakness(
        "KICS",
        "any queue may fill it",
        QUEUE,
        put("RedriveAllowPolicy", {"redrivePermission": "allowAll"}),
        DEAD,
    ),
    Weakness("KICS", "seen again at once", QUEUE, put("VisibilityTimeout", 0), WEBHOOKS),
    Weakness("KICS", "hidden for half a day", QUEUE, put("VisibilityTimeout", 43_200), WEBHOOKS),
    Weakness("KICS", "delayed", QUEUE, put("DelaySeconds", 900), WEBHOOKS),
    Weakness("KICS", "cut at a kilobyte", QUEUE, put("MaximumMessageSize", 1024), WEBHOOKS),
    Weakness("KICS", "in an order that loses", QUEUE, put("FifoQueue", True), WEBHOOKS),
    Weakness("cfn-nag", "gone with its stack", QUEUE, put("/DeletionPolicy", "Delete"), DEAD),
    Weakness("CKV_AWS_26", "a topic not encrypted", TOPIC, drop("KmsMasterKeyId")),
    Weakness("FSBP SNS.4", "anybody publishes", TOPIC_POLICY, add(STATEMENTS, lets("*", "sns:Publish"))),
    Weakness(
        "CKV_AWS_169",
        "anybody subscribes",
        TOPIC_POLICY,
        add(STATEMENTS, lets({"AWS": "*"}, "sns:Subscribe")),
    ),
    Weakness(
        "cfn-nag W18",
        "all but some",
        TOPIC_POLICY,
        add(
            STATEMENTS,
            {"Effect": "Allow", "NotPrincipal": {"AWS": STRANGER}, "Action": "sns:Publish", "Resource": "*"},
        ),
    ),
    Weakness("KICS", "plain HTTP", TOPIC_POLICY, drop(f"{STATEMENTS}.0")),
    Weakness(
        "KICS",
        "anybody of the account's name",
        TOPIC_POLICY,
        add(STATEMENTS, lets("*", "sns:*", Condition={"StringLike": {"aws:SourceOwner": "*"}})),
    ),
    Weakness(
        "Prowler",
        "told over HTTP",
        SUBSCRIPTION,
        every(put("Protocol", "http"), put("Endpoint", "http://x.example")),
    ),
    Weakness(
        "Prowler",
        "told over HTTPS outside",
        SUBSCRIPTION,
        every(put("Protocol", "https"), put("Endpoint", "https://x.example")),
    ),
    Weakness(
        "GDPR", "told by SMS", SUBSCRIPTION, every(put("Protocol", "sms"), put("Endpoint", "+15550100"))
    ),
    Weakness(
        "GDPR", "mailed in JSON", SUBSCRIPTION, put("Protocol", "email-json"), named("Protocol", "email")
    ),
    Weakness(
        "GDPR",
        "payments mailed",
        SUBSCRIPTION,
        every(put("Protocol", "email"), put("Endpoint", "a@hasivu.example")),
        named("Protocol", "sqs"),
    ),
    Weakness(
        "PCI",
        "into a stream",
        SUBSCRIPTION,
        every(put("Protocol", "firehose"), put("Endpoint", STRANGER)),
        named("Protocol", "sqs"),
    ),
    Weakness(
        "PCI", "told in part", SUBSCRIPTION, put("FilterPolicy", {"type": ["x"]}), named("Protocol", "sqs")
    ),
    Weakness(
        "PCI",
        "told again from the beginning",
        SUBSCRIPTION,
        put("ReplayPolicy", {"PointType": "Timestamp", "StartingPoint": "2020-01-01T00:00:00Z"}),
    ),
    Weakness("KICS", "told twice or never", TOPIC, put("FifoTopic", True)),
    Weakness(
        "GDPR",
        "delivery logged by a stranger",
        TOPIC,
        put("DeliveryStatusLogging", [{"Protocol": "sqs", "SuccessFeedbackRoleArn": STRANGER}]),
    ),
    Weakness(
        "GDPR",
        "a subscription inside",
        TOPIC,
        put("Subscription", [{"Protocol": "http", "Endpoint": "http://x"}]),
    ),
)

KEYS = (
    Weakness("CKV_AWS_7", "never rotated", KEY, put("EnableKeyRotation", "false")),
    Weakness("CIS 3.8", "rotated in seven years", KEY, put("RotationPeriodInDays", 2560)),
    Weakness("FSBP KMS.3", "gone in a week", KEY, put("PendingWindowInDays", 7)),
    Weakness("CKV_AWS_33", "anybody uses it", KEY, add(KEY_STATEMENTS, lets("*", "kms:Decrypt"))),
    Weakness("cfn-nag F76", "anybody in a list", KEY, add(KEY_STATEMENTS, lets({"AWS": ["*"]}, "kms:*"))),
    Weakness(
        "FSBP KMS.5",
        "public by condition",
        KEY,
        add(KEY_STATEMENTS, lets("*", "kms:Decrypt", Condition={"StringLike": {"kms:CallerAccount": "*"}})),
    ),
    Weakness(
        "Prowler", "a stranger decrypts", KEY, add(KEY_STATEMENTS, lets({"AWS": STRANGER}, "kms:Decrypt"))
    ),
    Weakness(
        "Prowler", "a stranger grants", KEY, add(KEY_STATEMENTS, lets({"AWS": STRANGER}, "kms:CreateGrant"))
    ),
    Weakness(
        "Prowler",
        "a service without a source",
        KEY,
        add(KEY_STATEMENTS, lets({"Service": "sns.amazonaws.com"}, "kms:Decrypt")),
    ),
    Weakness(
        "KICS",
        "an unknown service",
        KEY,
        add(KEY_STATEMENTS, lets({"Service": "ec2.amazonaws.com"}, "kms:*")),
    ),
    Weakness("KICS", "asymmetric", KEY, put("KeySpec", "RSA_2048")),
    Weakness(
        "KICS", "for signatures", KEY, every(put("KeyUsage", "SIGN_VERIFY"), put("KeySpec", "RSA_2048"))
    ),
    Weakness("KICS", "switched off", KEY, put("Enabled", "false")),
    Weakness("RBI", "of many regions", KEY, put("MultiRegion", "true")),
    Weakness("PCI 3.6", "from a store of others", KEY, put("Origin", "EXTERNAL_KEY_STORE")),
    Weakness("PCI 3.6", "whoever locks himself out", KEY, put("BypassPolicyLockoutSafetyCheck", True)),
    Weakness("PCI 3.6", "nobody administers", KEY, drop(f"{KEY_STATEMENTS}.0")),
    Weakness("PCI 3.6", "a policy of nothing", KEY, put("KeyPolicy.Statement", [])),
    Weakness("PCI 3.6", "no policy", KEY, drop("KeyPolicy")),
    Weakness("cfn-nag", "gone with its stack", KEY, put("/DeletionPolicy", "Delete")),
    Weakness("PCI 3.6", "an alias of a stranger's", ALIAS, put("TargetKeyId", STRANGER)),
    Weakness("PCI 3.6", "AWS's alias", ALIAS, put("AliasName", "alias/aws/dynamodb")),
    beside("RBI", "AWS::KMS::ReplicaKey", PrimaryKeyArn=STRANGER),
    Weakness("CKV_AWS_149", "AWS's key", SECRET, drop("KmsKeyId")),
    Weakness("cfn-nag W77", "the alias of AWS", SECRET, put("KmsKeyId", "alias/aws/secretsmanager")),
    Weakness("cfn-nag F81", "written down", SECRET, put("SecretString", "hunter2hunter2")),
    Weakness("KICS", "eight characters", SECRET, put("GenerateSecretString.PasswordLength", 8)),
    Weakness("KICS", "no numbers", SECRET, put("GenerateSecretString.ExcludeNumbers", True)),
    Weakness("RBI", "kept abroad", SECRET, put("ReplicaRegions", [{"Region": "us-east-1"}])),
    Weakness("KICS", "no value", SECRET, drop("GenerateSecretString")),
    Weakness("FSBP SecretsManager.1", "not rotated", ROTATION, gone=True, witness=SECRET),
    Weakness(
        "FSBP SecretsManager.4", "once a year", ROTATION, put("RotationRules.AutomaticallyAfterDays", 365)
    ),
    Weakness(
        "FSBP SecretsManager.4",
        "by a rule that never comes",
        ROTATION,
        put("RotationRules", {"ScheduleExpression": "cron(0 0 31 2 ? *)"}),
    ),
    Weakness("PCI 8.6.3", "rotated by a stranger", ROTATION, put("RotationLambdaARN", STRANGER)),
    Weakness("PCI 8.6.3", "whenever it is deployed", ROTATION, drop("RotateImmediatelyOnUpdate")),
    beside(
        "Prowler",
        "AWS::SecretsManager::ResourcePolicy",
        SecretId="x",
        BlockPublicPolicy=False,
        ResourcePolicy={"Version": "2012-10-17", "Statement": [lets("*", "secretsmanager:GetSecretValue")]},
    ),
    Weakness("CKV2_AWS_34", "a password in a parameter", PARAMETER, put("Value", "password=hunter2hunter2")),
    Weakness("KICS", "a list", PARAMETER, put("Type", "StringList")),
    Weakness("KICS", "any image", PARAMETER, put("DataType", "aws:ec2:image")),
    Weakness(
        "PCI 1.3.2",
        "another gateway",
        PARAMETER,
        put("Value", "http://api.razorpay.com"),
        named("Name", "razorpay/base-url"),
    ),
    Weakness(
        "PCI 1.3.2",
        "a gateway that looks alike",
        PARAMETER,
        put("Value", "https://api.razorpay.co"),
        named("Name", "razorpay/base-url"),
    ),
    Weakness(
        "PCI 5.4.1",
        "mail from somebody else",
        PARAMETER,
        put("Value", "pay@hasivu.elsewhere"),
        named("Name", "mail/sender"),
    ),
    Weakness(
        "PCI 1.3.2",
        "another WhatsApp",
        PARAMETER,
        put("Value", "https://graph.elsewhere.example"),
        named("Name", "whatsapp/base-url"),
    ),
    Weakness("PCI 1.3.2", "a name of dev", PARAMETER, put("Name", "/hasivu/dev/mail/sender")),
)

WEAKNESSES = (*QUEUES, *KEYS)
