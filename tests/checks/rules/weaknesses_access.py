"""Planted: who may do what, and who is let in."""

from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, every, put

POLICY = "AWS::IAM::Policy"
ROLE = "AWS::IAM::Role"
STATEMENTS = "PolicyDocument.Statement"
SERVICES = "AssumeRolePolicyDocument.Statement.0"


def right(action: Any, resource: Any = "arn:aws:s3:::hasivu-prod-invoices", **rest: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def granted(rule_id: str, title: str, action: Any, resource: Any = "arn:aws:s3:::x", **rest: Any) -> Weakness:
    return Weakness(rule_id, title, POLICY, add(STATEMENTS, right(action, resource, **rest)))


def of_service(service: str) -> Any:
    def where(properties: Any) -> bool:
        return service in str(properties.get("AssumeRolePolicyDocument"))

    return where


EVERYONE = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
STRANGER = "arn:aws:iam::210987654321:root"


def of_the_auditor(properties: Any) -> bool:
    return "Auditor" in str(properties.get("Roles"))


def is_the_auditor(properties: Any) -> bool:
    return bool(properties.get("RoleName") == "hasivu-prod-auditor")


CONDITION = "AssumeRolePolicyDocument.Statement.{}.Condition"


def read(title: str, action: str, resource: str) -> Weakness:
    return Weakness(
        "HASIVU-IAM-21", title, POLICY, add(STATEMENTS, right(action, resource)), where=of_the_auditor
    )


WEAKNESSES = (
    read("the auditor may read secrets", "secretsmanager:GetSecretValue", "arn:aws:s3:::hasivu-prod-x"),
    read("the auditor may read objects", "s3:GetObject", "arn:aws:s3:::hasivu-prod-*"),
    read("the auditor may read items", "dynamodb:GetItem", "arn:aws:s3:::hasivu-prod-x"),
    read("the auditor may write", "dynamodb:UpdateTable", "arn:aws:s3:::hasivu-prod-x"),
    read("the auditor looks at every table", "dynamodb:DescribeTable", "*"),
    read(
        "the auditor looks into another account",
        "dynamodb:DescribeTable",
        "arn:aws:dynamodb:*:210987654321:table/x",
    ),
    read("the auditor looks at another environment", "s3:GetBucketPolicy", "arn:aws:s3:::hasivu-staging-*"),
    Weakness(
        "HASIVU-IAM-22",
        "the auditor needs no second factor",
        ROLE,
        drop(CONDITION.format(0)),
        where=is_the_auditor,
    ),
    Weakness(
        "HASIVU-IAM-22",
        "any role of the account is the auditor",
        ROLE,
        put(CONDITION.format(1), {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::aws:role/*"}}),
        where=is_the_auditor,
    ),
    Weakness(
        "HASIVU-IAM-22",
        "a stranger is the auditor",
        ROLE,
        put("AssumeRolePolicyDocument.Statement.0.Principal", {"AWS": STRANGER}),
        where=is_the_auditor,
    ),
    Weakness(
        "HASIVU-IAM-21",
        "the auditor has AWS's own policy for readers",
        ROLE,
        put("ManagedPolicyArns", ["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
        where=is_the_auditor,
    ),
    Weakness("HASIVU-IAM-21", "another role has a name", ROLE, put("RoleName", "hasivu-prod-admin")),
    Weakness(
        "HASIVU-IAM-21",
        "a function's role has the name of the role that pages",
        ROLE,
        put("RoleName", "hasivu-prod-rollback-deadline"),
    ),
    granted("HASIVU-IAM-1", "a role may do everything", "*", "*"),
    granted("HASIVU-IAM-1", "a role may do everything to tables", "dynamodb:*"),
    granted("HASIVU-IAM-1", "a role may read whatever begins so", "s3:Get*"),
    granted("HASIVU-IAM-1", "a question mark stands for a letter", "sqs:SendMessag?"),
    Weakness(
        "HASIVU-IAM-2",
        "everything but IAM",
        POLICY,
        add(STATEMENTS, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::x"}),
    ),
    Weakness(
        "HASIVU-IAM-2",
        "every resource but one",
        POLICY,
        add(STATEMENTS, {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::x"}),
    ),
    granted("HASIVU-IAM-3", "a right on every secret", "secretsmanager:GetSecretValue", "*"),
    granted(
        "HASIVU-IAM-3", "a right on every table", "dynamodb:GetItem", "arn:aws:dynamodb:ap-south-1:*:table/*"
    ),
    granted("HASIVU-IAM-3", "a right on every parameter", "ssm:GetParameter", "arn:aws:ssm:*:*:parameter/*"),
    granted("HASIVU-IAM-4", "a role may pass roles", "iam:PassRole", "arn:aws:iam::aws:role/x"),
    granted("HASIVU-IAM-4", "a role may take on others", "sts:AssumeRole", "arn:aws:iam::aws:role/x"),
    granted("HASIVU-IAM-4", "a role may have a key deleted", "kms:ScheduleKeyDeletion"),
    granted("HASIVU-IAM-4", "a role may read whole tables", "dynamodb:Scan"),
    granted("HASIVU-IAM-4", "a role may delete a table", "dynamodb:DeleteTable"),
    granted("HASIVU-IAM-4", "a role may change code", "lambda:UpdateFunctionCode"),
    granted("HASIVU-IAM-4", "a role may stop the trail", "cloudtrail:StopLogging"),
    granted("HASIVU-IAM-4", "a role may empty a queue", "sqs:PurgeQueue"),
    granted("HASIVU-IAM-4", "a role may switch alarms off", "cloudwatch:DisableAlarmActions"),
    granted("HASIVU-IAM-4", "a role may lift retention", "s3:BypassGovernanceRetention"),
    granted("HASIVU-IAM-4", "in capitals it is the same", "IAM:PassRole", "arn:aws:iam::aws:role/x"),
    Weakness(
        "HASIVU-IAM-5",
        "an administrator's policy",
        ROLE,
        put("ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    Weakness(
        "HASIVU-IAM-1",
        "an inline policy in the role itself",
        ROLE,
        put("Policies", [{"PolicyName": "more", "PolicyDocument": {"Statement": right("s3:*")}}]),
    ),
    Weakness(
        "HASIVU-IAM-6",
        "a user",
        beside={"Type": "AWS::IAM::User", "Properties": {"UserName": "operator"}},
    ),
    Weakness(
        "HASIVU-IAM-6",
        "an access key",
        beside={"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": "operator"}},
    ),
    Weakness("HASIVU-IAM-7", "anybody takes a role on", ROLE, put(f"{SERVICES}.Principal", "*")),
    Weakness(
        "HASIVU-IAM-7", "a stranger takes a role on", ROLE, put(f"{SERVICES}.Principal", {"AWS": STRANGER})
    ),
    Weakness(
        "HASIVU-IAM-7",
        "EC2 takes a role on",
        ROLE,
        put(f"{SERVICES}.Principal", {"Service": "ec2.amazonaws.com"}),
    ),
    Weakness(
        "HASIVU-IAM-7",
        "a web identity takes a role on",
        ROLE,
        every(
            put(f"{SERVICES}.Action", "sts:AssumeRoleWithWebIdentity"),
            put(f"{SERVICES}.Principal", {"Federated": "token.actions.githubusercontent.com"}),
        ),
    ),
    Weakness(
        "HASIVU-IAM-8",
        "a pipe works for every account",
        ROLE,
        drop(f"{SERVICES}.Condition"),
        of_service("pipes.amazonaws.com"),
    ),
    Weakness(
        "HASIVU-IAM-8",
        "a scheduler works for whichever account",
        ROLE,
        put(f"{SERVICES}.Condition", {"StringLike": {"aws:SourceAccount": "*"}}),
        of_service("scheduler.amazonaws.com"),
    ),
    granted("HASIVU-IAM-9", "a key used directly", "kms:Decrypt", {"Ref": "AWS::AccountId"}),
    granted(
        "HASIVU-IAM-9",
        "a key used through anything",
        "kms:Decrypt",
        "arn:aws:kms:ap-south-1:aws:key/x",
        Condition={"StringLike": {"kms:ViaService": "*"}},
    ),
    granted(
        "HASIVU-IAM-12", "a bucket of strangers", "s3:PutObject", "arn:aws:sqs:ap-south-1:210987654321:x"
    ),
    Weakness("HASIVU-IAM-13", "a policy for a user", POLICY, put("Users", ["operator"])),
    Weakness("HASIVU-IAM-14", "a role for half a day", ROLE, put("MaxSessionDuration", 43_200)),
    Weakness(
        "HASIVU-PUB-1",
        "a queue open to all",
        "AWS::SQS::QueuePolicy",
        add("PolicyDocument.Statement", EVERYONE),
    ),
    Weakness(
        "HASIVU-PUB-1",
        "a topic open to all",
        "AWS::SNS::TopicPolicy",
        add("PolicyDocument.Statement", EVERYONE | {"Action": "sns:Publish", "Principal": {"AWS": "*"}}),
    ),
    Weakness(
        "HASIVU-PUB-1",
        "a table open to all",
        "AWS::DynamoDB::Table",
        put("ResourcePolicy.PolicyDocument.Statement", [EVERYONE | {"Action": "dynamodb:GetItem"}]),
    ),
    Weakness(
        "HASIVU-PUB-1",
        "a bucket open to all",
        "AWS::S3::BucketPolicy",
        add("PolicyDocument.Statement", EVERYONE | {"Action": "s3:GetObject"}),
    ),
    Weakness(
        "HASIVU-PUB-1",
        "everybody but one",
        "AWS::SQS::QueuePolicy",
        add(
            "PolicyDocument.Statement",
            {"Effect": "Allow", "NotPrincipal": {"AWS": "x"}, "Action": "sqs:SendMessage", "Resource": "*"},
        ),
    ),
    Weakness(
        "HASIVU-PUB-2",
        "SNS may do everything to a queue",
        "AWS::SQS::QueuePolicy",
        add(
            "PolicyDocument.Statement",
            EVERYONE
            | {
                "Action": "sqs:*",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            },
        ),
    ),
    Weakness(
        "HASIVU-PUB-3",
        "every topic in the world",
        "AWS::SQS::QueuePolicy",
        add("PolicyDocument.Statement", EVERYONE | {"Principal": {"Service": "sns.amazonaws.com"}}),
    ),
    Weakness(
        "HASIVU-PUB-3",
        "EC2 sends to a queue",
        "AWS::SQS::QueuePolicy",
        add(
            "PolicyDocument.Statement",
            EVERYONE
            | {
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            },
        ),
    ),
    Weakness(
        "HASIVU-IAM-12",
        "another account reads a queue",
        "AWS::SQS::QueuePolicy",
        add("PolicyDocument.Statement", EVERYONE | {"Principal": {"AWS": STRANGER}}),
    ),
    Weakness("HASIVU-PUB-4", "anybody calls a function", "AWS::Lambda::Permission", put("Principal", "*")),
    Weakness("HASIVU-PUB-4", "any API calls a function", "AWS::Lambda::Permission", drop("SourceArn")),
    Weakness(
        "HASIVU-PUB-4",
        "any API of the account",
        "AWS::Lambda::Permission",
        put("SourceArn", "arn:aws:execute-api:ap-south-1:*:*"),
    ),
    Weakness("HASIVU-PUB-4", "a caller may do more", "AWS::Lambda::Permission", put("Action", "lambda:*")),
    Weakness(
        "HASIVU-PUB-5",
        "a function with an address of its own",
        "AWS::Lambda::Function",
        beside={"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}},
    ),
    Weakness(
        "HASIVU-PUB-5",
        "a layer for everybody",
        beside={
            "Type": "AWS::Lambda::LayerVersionPermission",
            "Properties": {"Principal": "*", "Action": "lambda:GetLayerVersion"},
        },
    ),
    Weakness("HASIVU-KMS-1", "a key is never rotated", "AWS::KMS::Key", put("EnableKeyRotation", False)),
    Weakness("HASIVU-KMS-1", "nobody said that it is rotated", "AWS::KMS::Key", drop("EnableKeyRotation")),
    Weakness(
        "HASIVU-KMS-1", "a key is rotated in seven years", "AWS::KMS::Key", put("RotationPeriodInDays", 2560)
    ),
    Weakness(
        "HASIVU-KMS-7",
        "a second role signs with the audit trail's key",
        "AWS::IAM::Policy",
        add(
            "PolicyDocument.Statement",
            {
                "Effect": "Allow",
                "Action": "kms:Sign",
                "Resource": {"Fn::GetAtt": ["SealKey", "Arn"]},
            },
        ),
    ),
    Weakness("HASIVU-KMS-2", "a key is gone in a week", "AWS::KMS::Key", put("PendingWindowInDays", 7)),
    Weakness(
        "HASIVU-KMS-3",
        "a key for everybody",
        "AWS::KMS::Key",
        add(
            "KeyPolicy.Statement",
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"},
        ),
    ),
    Weakness(
        "HASIVU-KMS-3",
        "a key for a service without a source",
        "AWS::KMS::Key",
        add(
            "KeyPolicy.Statement",
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "kms:Decrypt",
                "Resource": "*",
            },
        ),
    ),
    Weakness("HASIVU-KMS-4", "a key is switched off", "AWS::KMS::Key", put("Enabled", False)),
    Weakness("HASIVU-KMS-4", "a key from elsewhere", "AWS::KMS::Key", put("Origin", "EXTERNAL")),
    Weakness("HASIVU-KMS-4", "a key of many regions", "AWS::KMS::Key", put("MultiRegion", True)),
    Weakness(
        "HASIVU-KMS-5",
        "a key that nobody administers",
        "AWS::KMS::Key",
        put(
            "KeyPolicy.Statement", [{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}]
        ),
    ),
    Weakness(
        "HASIVU-KMS-6",
        "an alias of somebody else's key",
        "AWS::KMS::Alias",
        put("TargetKeyId", "arn:aws:kms:ap-south-1:aws:key/x"),
    ),
    Weakness(
        "HASIVU-COG-1",
        "everybody signs up",
        "AWS::Cognito::UserPool",
        put("AdminCreateUserConfig.AllowAdminCreateUserOnly", False),
    ),
    Weakness("HASIVU-COG-2", "no second factor", "AWS::Cognito::UserPool", put("MfaConfiguration", "OFF")),
    Weakness(
        "HASIVU-COG-2",
        "a second factor for who wants",
        "AWS::Cognito::UserPool",
        put("MfaConfiguration", "OPTIONAL"),
    ),
    Weakness(
        "HASIVU-COG-2", "a second factor by SMS", "AWS::Cognito::UserPool", add("EnabledMfas", "SMS_MFA")
    ),
    Weakness(
        "HASIVU-COG-3",
        "six characters",
        "AWS::Cognito::UserPool",
        put("Policies.PasswordPolicy.MinimumLength", 6),
    ),
    Weakness(
        "HASIVU-COG-3",
        "no digits",
        "AWS::Cognito::UserPool",
        put("Policies.PasswordPolicy.RequireNumbers", False),
    ),
    Weakness(
        "HASIVU-COG-3",
        "the last password again",
        "AWS::Cognito::UserPool",
        drop("Policies.PasswordPolicy.PasswordHistorySize"),
    ),
    Weakness(
        "HASIVU-COG-3",
        "a temporary password for a year",
        "AWS::Cognito::UserPool",
        put("Policies.PasswordPolicy.TemporaryPasswordValidityDays", 365),
    ),
    Weakness(
        "HASIVU-COG-4",
        "attacks are written down",
        "AWS::Cognito::UserPool",
        put("UserPoolAddOns.AdvancedSecurityMode", "AUDIT"),
    ),
    Weakness(
        "HASIVU-COG-5",
        "it tells who exists",
        "AWS::Cognito::UserPoolClient",
        put("PreventUserExistenceErrors", "LEGACY"),
    ),
    Weakness(
        "HASIVU-COG-6",
        "a password travels",
        "AWS::Cognito::UserPoolClient",
        add("ExplicitAuthFlows", "ALLOW_USER_PASSWORD_AUTH"),
    ),
    Weakness(
        "HASIVU-COG-6",
        "an administrator signs in for people",
        "AWS::Cognito::UserPoolClient",
        add("ExplicitAuthFlows", "ALLOW_ADMIN_USER_PASSWORD_AUTH"),
    ),
    Weakness(
        "HASIVU-COG-7",
        "tokens in the address bar",
        "AWS::Cognito::UserPoolClient",
        put("AllowedOAuthFlows", ["implicit"]),
    ),
    Weakness(
        "HASIVU-COG-7",
        "tokens to plain HTTP",
        "AWS::Cognito::UserPoolClient",
        put("CallbackURLs", ["http://app.hasivu.example/done"]),
    ),
    Weakness(
        "HASIVU-COG-8", "a token for a day", "AWS::Cognito::UserPoolClient", put("AccessTokenValidity", 1440)
    ),
    Weakness(
        "HASIVU-COG-8",
        "sixty hours instead of minutes",
        "AWS::Cognito::UserPoolClient",
        put("TokenValidityUnits.AccessToken", "hours"),
    ),
    Weakness(
        "HASIVU-COG-8",
        "a refresh for ten years",
        "AWS::Cognito::UserPoolClient",
        every(put("RefreshTokenValidity", 3650), put("TokenValidityUnits.RefreshToken", "days")),
    ),
    Weakness(
        "HASIVU-COG-8",
        "tokens that cannot be revoked",
        "AWS::Cognito::UserPoolClient",
        put("EnableTokenRevocation", False),
    ),
    Weakness(
        "HASIVU-COG-9",
        "people choose their schools",
        "AWS::Cognito::UserPoolClient",
        add("WriteAttributes", "custom:school_ids"),
    ),
    Weakness(
        "HASIVU-COG-9", "people write everything", "AWS::Cognito::UserPoolClient", drop("WriteAttributes")
    ),
    Weakness(
        "HASIVU-COG-10",
        "the pool may be deleted",
        "AWS::Cognito::UserPool",
        put("DeletionProtection", "INACTIVE"),
    ),
    Weakness(
        "HASIVU-COG-11", "addresses are believed", "AWS::Cognito::UserPool", put("AutoVerifiedAttributes", [])
    ),
    Weakness(
        "HASIVU-COG-11",
        "recovery by telephone",
        "AWS::Cognito::UserPool",
        put("AccountRecoverySetting.RecoveryMechanisms", [{"Name": "verified_phone_number", "Priority": 1}]),
    ),
    Weakness(
        "HASIVU-COG-12",
        "a function in the sign-in",
        "AWS::Cognito::UserPool",
        put("LambdaConfig", {"PreAuthentication": "arn:aws:lambda:ap-south-1:aws:function:x"}),
    ),
    Weakness(
        "HASIVU-COG-12",
        "guests get credentials",
        beside={"Type": "AWS::Cognito::IdentityPool", "Properties": {"AllowUnauthenticatedIdentities": True}},
    ),
    Weakness(
        "HASIVU-COG-12",
        "a group that nobody knows",
        "AWS::Cognito::UserPoolGroup",
        put("GroupName", "superuser"),
    ),
)
