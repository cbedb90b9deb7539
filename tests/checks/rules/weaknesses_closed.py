"""Planted: what nobody thought of, what somebody else decided, and who is refused or missing."""

from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, having, named, put

TABLE, BUCKET, QUEUE = "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"
FUNCTION, PERMISSION = "AWS::Lambda::Function", "AWS::Lambda::Permission"
POLICY, ROLE, KEY = "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Key"
TOPIC, TOPIC_POLICY, QUEUE_POLICY = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"
POOL, CLIENT, SCHEDULE = "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient", "AWS::Scheduler::Schedule"
SUBSCRIPTION, PIPE, RULE = "AWS::SNS::Subscription", "AWS::Pipes::Pipe", "AWS::Events::Rule"
API, ACCOUNT, STAGE = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Account", "AWS::ApiGateway::Stage"
STATEMENTS = "PolicyDocument.Statement"
LIFECYCLE = "LifecycleConfiguration.Rules.0"
ELSEWHERE = "arn:aws:sqs:ap-south-1:999999999999:elsewhere"


def unknown(kind: str, path: str, value: Any) -> Weakness:
    return Weakness("HASIVU-GOV-9", f"{kind} with {path}", kind, put(path, value))


def decided(title: str, kind: str, path: str, value: Any, where: Any = None) -> Weakness:
    return Weakness("HASIVU-GOV-10", title, kind, put(path, value), *(() if where is None else (where,)))


def saying(word: str) -> Any:
    return lambda properties: word in str(properties)


def said(word: str, *changes: Any) -> Any:
    """Do ``changes`` to the first statement that says ``word``, as to the body of a resource."""

    def change(body: dict[str, Any]) -> None:
        statements = body["Properties"]["PolicyDocument"]["Statement"]
        statement = next(item for item in statements if word in str(item))
        for one in changes:
            one({"Properties": statement})

    return change


def without(word: str, path: str = STATEMENTS) -> Any:
    """Leave out every statement that says ``word``."""

    def change(body: dict[str, Any]) -> None:
        *steps, last = path.split(".")
        holder = body["Properties"]
        for step in steps:
            holder = holder[step]
        kept = [item for item in holder[last] if word not in str(item)]
        assert len(kept) < len(holder[last])
        holder[last] = kept

    return change


PROPERTIES = (
    unknown(FUNCTION, "VpcConfig", {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}),
    unknown(FUNCTION, "EphemeralStorage", {"Size": 10_240}),
    unknown(FUNCTION, "SnapStart", {"ApplyOn": "PublishedVersions"}),
    unknown(BUCKET, "NotificationConfiguration", {"TopicConfigurations": [{"Topic": ELSEWHERE}]}),
    unknown(BUCKET, "AnalyticsConfigurations", [{"Id": "all"}]),
    unknown(TABLE, "ImportSourceSpecification", {"InputFormat": "CSV"}),
    unknown(PIPE, "Enrichment", ELSEWHERE),
    unknown(PIPE, "LogConfiguration", {"IncludeExecutionData": ["ALL"]}),
    unknown(RULE, "Targets.0.Input", '{"amount_paise": 0}'),
    unknown(POOL, "EmailConfiguration", {"EmailSendingAccount": "DEVELOPER"}),
    unknown(POOL, "Policies.SignInPolicy", {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}),
    unknown(API, "BodyS3Location", {"Bucket": "somebody-elses"}),
    unknown("AWS::ApiGateway::DomainName", "RoutingMode", "ROUTING_RULE_ONLY"),
    unknown("AWS::Lambda::Alias", "/UpdatePolicy.CodeDeployLambdaAliasUpdate.BeforeAllowTrafficHook", "f"),
    unknown(ROLE, "PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess"),
    unknown("AWS::WAFv2::WebACL", "TokenDomains", ["elsewhere.example"]),
)

DECIDED = (
    decided(
        "the gateway is somebody else", "AWS::SSM::Parameter", "Value", "https://api.razorpay.com.example"
    ),
    decided(
        "somebody else is woken", SUBSCRIPTION, "Endpoint", "me@elsewhere.example", named("Protocol", "email")
    ),
    decided(
        "in a currency that nobody decided on",
        FUNCTION,
        "Environment.Variables.PRESENTMENT_CURRENCIES",
        "INR,USD",
    ),
    decided("logs for a year less", "AWS::Logs::LogGroup", "RetentionInDays", 400),
    decided("twice the price", "AWS::Budgets::Budget", "Budget.BudgetLimit.Amount", 6000),
    decided(
        "uploads from elsewhere",
        BUCKET,
        "CorsConfiguration.CorsRules.0.AllowedOrigins",
        ["https://elsewhere.example"],
        having("CorsConfiguration"),
    ),
    decided("a larger ceiling", TABLE, "OnDemandThroughput.MaxReadRequestUnits", 9999),
    decided("ten times the load", STAGE, "MethodSettings.0.ThrottlingRateLimit", 9999),
    decided(
        "backups for a year less",
        "AWS::Backup::BackupPlan",
        "BackupPlan.BackupPlanRule.0.Lifecycle.DeleteAfterDays",
        36,
    ),
    decided("another name", "AWS::ApiGateway::DomainName", "DomainName", "api.hasivu.elsewhere"),
)

POLICIES = (
    Weakness("HASIVU-IAM-15", "the language of 2008", POLICY, put("PolicyDocument.Version", "2008-10-17")),
    Weakness("HASIVU-IAM-15", "no language", QUEUE_POLICY, drop("PolicyDocument.Version")),
    Weakness("HASIVU-IAM-15", "neither allowed nor denied", POLICY, drop(f"{STATEMENTS}.0.Effect")),
    Weakness("HASIVU-IAM-15", "an empty condition", TOPIC_POLICY, put(f"{STATEMENTS}.0.Condition", {})),
    Weakness("HASIVU-IAM-15", "on nothing", POLICY, put(f"{STATEMENTS}.0.Resource", [])),
    Weakness("HASIVU-IAM-15", "no policy", POLICY, put("PolicyDocument", {})),
    Weakness(
        "HASIVU-PUB-6",
        "nobody may read the queue",
        QUEUE_POLICY,
        add(STATEMENTS, {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}),
    ),
    Weakness(
        "HASIVU-PUB-6",
        "TLS is denied",
        QUEUE_POLICY,
        put(f"{STATEMENTS}.0.Condition.Bool", {"aws:SecureTransport": "true"}),
    ),
    Weakness(
        "HASIVU-PUB-6",
        "nobody may read the ledger",
        TABLE,
        put("ResourcePolicy.PolicyDocument.Statement.0.Action", "dynamodb:*"),
        having("ResourcePolicy"),
    ),
    Weakness(
        "HASIVU-PUB-6",
        "a function may write nothing",
        POLICY,
        add(STATEMENTS, {"Effect": "Deny", "Action": "dynamodb:PutItem", "Resource": "*"}),
    ),
    Weakness(
        "HASIVU-IAM-16",
        "payments may be deleted",
        POLICY,
        said("dynamodb:PutItem", put("Action", "dynamodb:DeleteItem")),
        saying("dynamodb:PutItem"),
    ),
    Weakness(
        "HASIVU-IAM-16",
        "a pipe writes tables",
        POLICY,
        said("dynamodb:GetRecords", put("Action", "dynamodb:PutItem")),
        saying("dynamodb:GetRecords"),
    ),
    Weakness(
        "HASIVU-IAM-17",
        "a right on a typed name",
        POLICY,
        add(STATEMENTS, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::x/a.pdf"}),
    ),
    Weakness(
        "HASIVU-IAM-17",
        "objects of somebody's bucket",
        POLICY,
        add(STATEMENTS, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::x/lines/*"}),
    ),
    *(
        Weakness(
            "HASIVU-IAM-17",
            f"somebody's {what}",
            POLICY,
            add(STATEMENTS, {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:{resource}"}),
        )
        for what, action, resource in (
            ("workgroup", "athena:StartQueryExecution", "athena:ap-south-1:111122223333:workgroup/primary"),
            ("database", "glue:GetTable", "glue:ap-south-1:111122223333:database/default"),
            ("table", "glue:GetTable", "glue:ap-south-1:111122223333:table/hasivu_prod/others"),
        )
    ),
    Weakness(
        "HASIVU-IAM-18",
        "a function without a log",
        POLICY,
        without("logs:PutLogEvents"),
        saying("logs:PutLogEvents"),
        witness=FUNCTION,
    ),
    Weakness(
        "HASIVU-IAM-18",
        "a queue that may not be read",
        POLICY,
        without("sqs:ReceiveMessage"),
        saying("sqs:ReceiveMessage"),
        witness=FUNCTION,
    ),
    Weakness(
        "HASIVU-IAM-18",
        "a pipe that may tell nobody",
        POLICY,
        without("events:PutEvents"),
        saying("events:PutEvents"),
        witness=PIPE,
    ),
    Weakness("HASIVU-IAM-18", "a rule that may tell nobody", RULE, drop("Targets.0.RoleArn")),
    Weakness(
        "HASIVU-IAM-19",
        "a table that may not be reached",
        POLICY,
        without("dynamodb:GetItem"),
        saying("dynamodb:GetItem"),
        witness=FUNCTION,
    ),
    Weakness("HASIVU-IAM-19", "no traces", POLICY, without("xray"), saying("xray"), witness=FUNCTION),
    Weakness(
        "HASIVU-IAM-20",
        "nobody takes the role on",
        ROLE,
        put("AssumeRolePolicyDocument.Statement.0.Effect", "Deny"),
    ),
    Weakness(
        "HASIVU-IAM-12",
        "another account in a condition",
        QUEUE_POLICY,
        said("sqs:SendMessage", put("Condition.ArnEquals", {"aws:SourceArn": ELSEWHERE})),
        saying("sqs:SendMessage"),
    ),
    Weakness(
        "HASIVU-PUB-4",
        "another account's API",
        PERMISSION,
        put("SourceArn", "arn:aws:execute-api:ap-south-1:999999999999:abc/live/GET/x"),
    ),
    Weakness("HASIVU-PUB-4", "machines call a function", PERMISSION, put("Principal", "ec2.amazonaws.com")),
)

ANSWERS = (
    Weakness(
        "HASIVU-API-23",
        "a fault without a document",
        API,
        drop("Body.x-amazon-apigateway-gateway-responses.DEFAULT_4XX"),
    ),
    Weakness(
        "HASIVU-API-24",
        "the gateway does not wait",
        API,
        put("Body.paths./v1/payments.post.x-amazon-apigateway-integration.timeoutInMillis", 50),
    ),
)

DELIVERIES = (
    Weakness("HASIVU-SQS-8", "nobody reads", "AWS::Lambda::EventSourceMapping", gone=True, witness=QUEUE),
    Weakness(
        "HASIVU-DLV-1",
        "alarms are refused",
        TOPIC_POLICY,
        without("cloudwatch"),
        saying("cloudwatch"),
        witness=TOPIC,
    ),
    Weakness(
        "HASIVU-DLV-1",
        "dead letters are refused",
        QUEUE_POLICY,
        without("events.amazonaws.com"),
        saying("events.amazonaws.com"),
        witness=QUEUE,
    ),
    Weakness(
        "HASIVU-DLV-1",
        "alarms are denied",
        TOPIC_POLICY,
        said("cloudwatch", put("Effect", "Deny")),
        saying("cloudwatch"),
        witness=TOPIC,
    ),
    Weakness(
        "HASIVU-DLV-2",
        "alarms cannot be encrypted",
        KEY,
        without("cloudwatch", "KeyPolicy.Statement"),
        saying("cloudwatch"),
        witness=TOPIC,
    ),
    Weakness(
        "HASIVU-DLV-2",
        "logs cannot be encrypted",
        KEY,
        without("logs.ap-south-1", "KeyPolicy.Statement"),
        saying("logs.ap-south-1"),
        witness="AWS::Logs::LogGroup",
    ),
    Weakness(
        "HASIVU-SNS-4",
        "what is refused is lost",
        SUBSCRIPTION,
        drop("RedrivePolicy"),
        having("RedrivePolicy"),
    ),
    Weakness(
        "HASIVU-S3-14",
        "access logs are refused",
        "AWS::S3::BucketPolicy",
        without("logging.s3"),
        saying("logging.s3"),
        witness=BUCKET,
    ),
    Weakness(
        "HASIVU-S3-14",
        "under a prefix that is refused",
        BUCKET,
        put("LoggingConfiguration.LogFilePrefix", "other/"),
        having("LoggingConfiguration"),
    ),
    Weakness("HASIVU-API-21", "the gateway has no role for logs", ACCOUNT, drop("CloudWatchRoleArn")),
    Weakness("HASIVU-API-21", "no account", ACCOUNT, gone=True, witness=STAGE),
    Weakness(
        "HASIVU-API-22",
        "the gateway may not call",
        PERMISSION,
        gone=True,
        witness=API,
        where=saying("apigateway"),
    ),
)

KEPT = (
    Weakness(
        "HASIVU-S3-13",
        "access logs for ever",
        BUCKET,
        drop(f"{LIFECYCLE}.ExpirationInDays"),
        named("BucketName", "access-logs"),
    ),
    Weakness(
        "HASIVU-S3-13", "old versions for ever", BUCKET, drop(f"{LIFECYCLE}.NoncurrentVersionExpiration")
    ),
    Weakness("HASIVU-S3-13", "nothing ends", BUCKET, put(f"{LIFECYCLE}.Status", "Disabled")),
    Weakness(
        "HASIVU-S3-15",
        "books in a deep archive",
        BUCKET,
        put(f"{LIFECYCLE}.Transitions", [{"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 365}]),
    ),
    Weakness(
        "HASIVU-S3-15",
        "in one zone",
        BUCKET,
        put(f"{LIFECYCLE}.Transitions", [{"StorageClass": "ONEZONE_IA", "TransitionInDays": 90}]),
    ),
    Weakness(
        "HASIVU-S3-6",
        "locked for eight thousand years",
        BUCKET,
        put("ObjectLockConfiguration.Rule.DefaultRetention.Years", 8000),
        having("ObjectLockEnabled"),
    ),
    Weakness(
        "HASIVU-BAK-4",
        "kept for a hundred years",
        "AWS::Backup::BackupVault",
        put("LockConfiguration.MaxRetentionDays", 36_500),
    ),
    Weakness("HASIVU-DDB-13", "keyed by nothing", TABLE, drop("KeySchema")),
    Weakness(
        "HASIVU-DDB-13", "keyed by what is not defined", TABLE, put("KeySchema.0.AttributeName", "something")
    ),
    Weakness(
        "HASIVU-DDB-13",
        "an index without a name",
        TABLE,
        put("GlobalSecondaryIndexes.0.IndexName", "*"),
        having("GlobalSecondaryIndexes"),
    ),
    Weakness(
        "HASIVU-DEL-2", "a version is replaced", "AWS::Lambda::Version", put("/UpdateReplacePolicy", "Delete")
    ),
    Weakness("HASIVU-API-16", "a stage of another API", STAGE, put("RestApiId", "abcdef1234")),
)

PEOPLE = (
    Weakness(
        "HASIVU-COG-13",
        "no auditors",
        "AWS::Cognito::UserPoolGroup",
        gone=True,
        where=named("GroupName", "auditor"),
        witness=POOL,
    ),
    Weakness("HASIVU-COG-13", "people without schools", POOL, drop("Schema.2")),
    Weakness("HASIVU-COG-13", "any name signs in", POOL, drop("UsernameAttributes")),
    Weakness(
        "HASIVU-COG-14",
        "a link is sent",
        POOL,
        put("VerificationMessageTemplate.DefaultEmailOption", "CONFIRM_WITH_LINK"),
    ),
    Weakness(
        "HASIVU-COG-14",
        "people are led elsewhere",
        POOL,
        put("VerificationMessageTemplate.EmailMessage", "{####} https://elsewhere.example"),
    ),
    Weakness("HASIVU-COG-9", "everything may be read", CLIENT, drop("ReadAttributes")),
    Weakness("HASIVU-COG-7", "OAuth without a flow", CLIENT, put("AllowedOAuthFlowsUserPoolClient", True)),
    Weakness("HASIVU-EVT-10", "nobody looks at health", SCHEDULE, gone=True, witness=FUNCTION),
    Weakness("HASIVU-EVT-11", "an unknown task", SCHEDULE, put("Target.Input", '{"task": "sleep"}')),
    Weakness(
        "HASIVU-EVT-11",
        "what is not started lies elsewhere",
        SCHEDULE,
        put("Target.DeadLetterConfig", {"Arn": "arn:aws:sqs:ap-south-1:999999999999:letters"}),
    ),
    Weakness(
        "HASIVU-EVT-10",
        "some time in the day",
        SCHEDULE,
        put("FlexibleTimeWindow", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}),
    ),
    Weakness(
        "HASIVU-FN-15",
        "all calls at once",
        "AWS::CodeDeploy::DeploymentGroup",
        put("DeploymentStyle.DeploymentOption", "WITHOUT_TRAFFIC_CONTROL"),
    ),
    Weakness(
        "HASIVU-FN-7", "in dollars", FUNCTION, put("Environment.Variables.PRESENTMENT_CURRENCIES", "USD")
    ),
    Weakness(
        "HASIVU-FN-7",
        "in no currency",
        FUNCTION,
        put("Environment.Variables.PRESENTMENT_CURRENCIES", "INR,XYZ"),
    ),
)

WEAKNESSES = (*PROPERTIES, *ANSWERS, *DECIDED, *POLICIES, *DELIVERIES, *KEPT, *PEOPLE)
