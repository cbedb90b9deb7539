"""Planted: what published lists look for in functions and roles."""

from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, every, named, put
from tests.checks.rules.published import STATEMENTS, STRANGER, beside, lets

FUNCTION, LAYER, VERSION = (f"AWS::Lambda::{kind}" for kind in ("Function", "LayerVersion", "Version"))
PERMISSION, ALIAS, MAPPING = (
    f"AWS::Lambda::{kind}" for kind in ("Permission", "Alias", "EventSourceMapping")
)
ROLE, POLICY = "AWS::IAM::Role", "AWS::IAM::Policy"
API, STAGE, DOMAIN = (f"AWS::ApiGateway::{kind}" for kind in ("RestApi", "Stage", "DomainName"))
PLAN, API_KEY, ACCOUNT = (f"AWS::ApiGateway::{kind}" for kind in ("UsagePlan", "ApiKey", "Account"))
DEPLOYMENTS = "AWS::CodeDeploy::DeploymentGroup"
VARIABLES, TRUST = "Environment.Variables", "AssumeRolePolicyDocument.Statement"
HASIVU = named("FunctionName", "-payments-advanced")


def right(action: Any, resource: Any = "*", **rest: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def of_api(properties: Any) -> bool:
    return str(properties.get("Principal")) == "apigateway.amazonaws.com"


FUNCTIONS = (
    Weakness("CKV_AWS_50", "not traced", FUNCTION, drop("TracingConfig")),
    Weakness("CKV_AWS_115", "without a share", FUNCTION, drop("ReservedConcurrentExecutions")),
    Weakness("CKV_AWS_115", "switched off", FUNCTION, put("ReservedConcurrentExecutions", 0)),
    Weakness("CKV_AWS_363", "an old runtime", FUNCTION, put("Runtime", "python3.8")),
    Weakness("FSBP Lambda.2", "another language", FUNCTION, put("Runtime", "nodejs16.x")),
    Weakness(
        "KICS", "an image", FUNCTION, every(put("PackageType", "Image"), put("Code", {"ImageUri": "x"}))
    ),
    Weakness("KICS", "code in the template", FUNCTION, put("Code", {"ZipFile": "import os"})),
    Weakness("KICS", "code of somebody else", FUNCTION, put("Code.S3Bucket", "somebody-elses")),
    Weakness(
        "KICS",
        "a layer of somebody else",
        FUNCTION,
        add("Layers", "arn:aws:lambda:ap-south-1:999999999999:layer:spy:1"),
    ),
    Weakness(
        "CKV_AWS_45",
        "a key in the environment",
        FUNCTION,
        put(f"{VARIABLES}.API_KEY", "sk_" + "live_0123456789ab"),
    ),
    Weakness(
        "CKV_AWS_45", "a password in the environment", FUNCTION, put(f"{VARIABLES}.DB_PASSWORD", "hunter2")
    ),
    Weakness(
        "KICS", "a proxy between", FUNCTION, put(f"{VARIABLES}.HTTPS_PROXY", "http://198.51.100.7:3128")
    ),
    Weakness("KICS", "a wrapper around", FUNCTION, put(f"{VARIABLES}.AWS_LAMBDA_EXEC_WRAPPER", "/opt/spy")),
    Weakness("KICS", "another endpoint", FUNCTION, put(f"{VARIABLES}.AWS_ENDPOINT_URL_DYNAMODB", "http://x")),
    Weakness(
        "PCI 10", "events in the log", FUNCTION, put(f"{VARIABLES}.POWERTOOLS_LOGGER_LOG_EVENT", "true")
    ),
    Weakness(
        "PCI 10", "one line of a thousand", FUNCTION, put(f"{VARIABLES}.POWERTOOLS_LOGGER_SAMPLE_RATE", "1")
    ),
    Weakness("PCI 6.5.6", "DEBUG", FUNCTION, put(f"{VARIABLES}.POWERTOOLS_LOG_LEVEL", "DEBUG")),
    Weakness("PCI 10", "only what is fatal", FUNCTION, put("LoggingConfig.ApplicationLogLevel", "FATAL")),
    Weakness("PCI 10", "as text", FUNCTION, put("LoggingConfig.LogFormat", "Text")),
    Weakness("PCI 10", "into a group that Lambda makes", FUNCTION, drop("LoggingConfig")),
    Weakness(
        "CKV_AWS_117", "in a network of others", FUNCTION, put("VpcConfig", {"SubnetIds": ["subnet-1"]})
    ),
    Weakness(
        "KICS",
        "a shared disk",
        FUNCTION,
        put("FileSystemConfigs", [{"Arn": STRANGER, "LocalMountPath": "/mnt/a"}]),
    ),
    Weakness("Prowler", "a role of somebody else", FUNCTION, put("Role", STRANGER)),
    Weakness(
        "Prowler", "dead letters at a stranger's", FUNCTION, put("DeadLetterConfig", {"TargetArn": STRANGER})
    ),
    Weakness("KICS", "a quarter of an hour", FUNCTION, put("Timeout", 900), HASIVU),
    Weakness("KICS", "a second", FUNCTION, put("Timeout", 1), HASIVU),
    Weakness("KICS", "no timeout", FUNCTION, drop("Timeout"), HASIVU),
    Weakness("FSBP Lambda.1", "calls itself for ever", FUNCTION, put("RecursiveLoop", "Allow")),
    Weakness(
        "KICS", "patched by nobody", FUNCTION, put("RuntimeManagementConfig", {"UpdateRuntimeOn": "Manual"})
    ),
    Weakness("KICS", "another module", FUNCTION, put("Handler", "index.handler")),
    Weakness("SOX", "in dollars", FUNCTION, put(f"{VARIABLES}.PRESENTMENT_CURRENCIES", "INR,USD"), HASIVU),
    Weakness("SOX", "another ledger", FUNCTION, put(f"{VARIABLES}.LEDGER_TABLE", "hasivu-prod-copy"), HASIVU),
    Weakness("SOX", "keys of another kind", FUNCTION, put(f"{VARIABLES}.IDEMPOTENCY_TABLE", ""), HASIVU),
    Weakness("CKV_AWS_301", "anybody calls", PERMISSION, put("Principal", "*")),
    Weakness("cfn-nag F13", "a stranger calls", PERMISSION, put("Principal", "999999999999")),
    Weakness("cfn-nag W24", "anything may be done", PERMISSION, put("Action", "lambda:*")),
    Weakness("CKV_AWS_364", "any source", PERMISSION, drop("SourceArn")),
    Weakness(
        "CKV_AWS_364",
        "any API",
        PERMISSION,
        put("SourceArn", "arn:aws:execute-api:ap-south-1:777788889999:*/*/*/*"),
        of_api,
    ),
    Weakness("Prowler", "an organisation calls", PERMISSION, put("PrincipalOrgID", "o-abcdef")),
    Weakness(
        "Prowler",
        "an event rule of others",
        PERMISSION,
        every(
            put("Principal", "events.amazonaws.com"),
            put("SourceArn", "arn:aws:events:ap-south-1:999999999999:rule/x"),
        ),
    ),
    beside("CKV_AWS_258", "AWS::Lambda::Url", AuthType="NONE"),
    beside("CKV_AWS_258", "AWS::Lambda::Url", AuthType="AWS_IAM"),
    beside("KICS", "AWS::Lambda::LayerVersionPermission", Principal="*", Action="lambda:GetLayerVersion"),
    beside("KICS", "AWS::Lambda::EventInvokeConfig", MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60),
    beside(
        "KICS",
        "AWS::Lambda::CodeSigningConfig",
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"},
    ),
    Weakness(
        "SOX",
        "half of the calls to an older one",
        ALIAS,
        put("RoutingConfig", {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.5}]}),
    ),
    Weakness(
        "SOX",
        "provisioned for thousands",
        ALIAS,
        put("ProvisionedConcurrencyConfig", {"ProvisionedConcurrentExecutions": 5000}),
    ),
    Weakness(
        "SOX",
        "a hook of others",
        ALIAS,
        put("/UpdatePolicy.CodeDeployLambdaAliasUpdate.AfterAllowTrafficHook", STRANGER),
    ),
    Weakness("KICS", "the whole batch again", MAPPING, put("FunctionResponseTypes", [])),
    Weakness("KICS", "some are never read", MAPPING, put("FilterCriteria", {"Filters": [{"Pattern": "{}"}]})),
    Weakness(
        "KICS",
        "failures to a stranger",
        MAPPING,
        put("DestinationConfig", {"OnFailure": {"Destination": STRANGER}}),
    ),
    Weakness(
        "KICS", "a stranger's queue", MAPPING, put("EventSourceArn", "arn:aws:sqs:ap-south-1:999999999999:q")
    ),
    Weakness("KICS", "nobody reads", MAPPING, gone=True, witness="AWS::SQS::Queue"),
    Weakness(
        "SOX CM", "all at once", DEPLOYMENTS, put("DeploymentConfigName", "CodeDeployDefault.LambdaAllAtOnce")
    ),
    Weakness("SOX CM", "never taken back", DEPLOYMENTS, drop("AutoRollbackConfiguration")),
    Weakness("SOX CM", "watched by nobody", DEPLOYMENTS, drop("AlarmConfiguration")),
    Weakness("SOX CM", "in place", DEPLOYMENTS, put("DeploymentStyle.DeploymentType", "IN_PLACE")),
    Weakness("SOX CM", "under a stranger's role", DEPLOYMENTS, put("ServiceRoleArn", STRANGER)),
    Weakness(
        "SOX CM",
        "a trigger to a stranger",
        DEPLOYMENTS,
        put("TriggerConfigurations", [{"TriggerTargetArn": STRANGER}]),
    ),
)

ROLES = (
    Weakness("CKV_AWS_60", "anybody", ROLE, put(f"{TRUST}.0.Principal", {"AWS": "*"})),
    Weakness(
        "CKV_AWS_61", "an account of others", ROLE, add(TRUST, lets({"AWS": STRANGER}, "sts:AssumeRole"))
    ),
    Weakness(
        "cfn-nag F14",
        "all of the account",
        ROLE,
        add(TRUST, lets({"AWS": "arn:aws:iam::777788889999:root"}, "sts:AssumeRole")),
    ),
    Weakness(
        "Prowler",
        "by a web identity",
        ROLE,
        add(
            TRUST, lets({"Federated": "token.actions.githubusercontent.com"}, "sts:AssumeRoleWithWebIdentity")
        ),
    ),
    Weakness(
        "KICS",
        "all but some",
        ROLE,
        put(f"{TRUST}.0", {"Effect": "Allow", "NotPrincipal": {"AWS": STRANGER}, "Action": "sts:AssumeRole"}),
    ),
    Weakness("KICS", "machines", ROLE, put(f"{TRUST}.0.Principal", {"Service": "ec2.amazonaws.com"})),
    Weakness(
        "KICS",
        "and sessions are tagged",
        ROLE,
        put(f"{TRUST}.0.Action", ["sts:AssumeRole", "sts:TagSession"]),
    ),
    Weakness(
        "CKV_AWS_274",
        "administrators",
        ROLE,
        put("ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    Weakness(
        "KICS", "power users", ROLE, put("ManagedPolicyArns", ["arn:aws:iam::aws:policy/PowerUserAccess"])
    ),
    Weakness(
        "KICS", "who reads all", ROLE, put("ManagedPolicyArns", ["arn:aws:iam::aws:policy/ReadOnlyAccess"])
    ),
    Weakness(
        "KICS",
        "a policy inside",
        ROLE,
        put(
            "Policies",
            [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [right("*")]}}],
        ),
    ),
    Weakness("FSBP IAM", "for half a day", ROLE, put("MaxSessionDuration", 43_200)),
    *(
        Weakness("CKV_AWS_107-111", f"may {action}", POLICY, add(STATEMENTS, right(action)))
        for action in (
            "*",
            "iam:PassRole",
            "iam:CreateAccessKey",
            "sts:AssumeRole",
            "s3:*",
            "dynamodb:*",
            "kms:Decrypt",
            "secretsmanager:GetSecretValue",
            "ssm:GetParametersByPath",
            "logs:*",
            "lambda:InvokeFunction",
            "lambda:UpdateFunctionCode",
            "ec2:RunInstances",
            "sqs:*",
            "sns:Publish",
            "events:PutEvents",
            "cloudformation:CreateStack",
            "glue:GetTable",
            "athena:StartQueryExecution",
            "cloudtrail:StopLogging",
            "config:StopConfigurationRecorder",
            "guardduty:DeleteDetector",
            "s3:DeleteObject",
            "dynamodb:DeleteItem",
            "dynamodb:Scan",
            "kms:ScheduleKeyDeletion",
            "backup:StartRestoreJob",
            "organizations:LeaveOrganization",
            "cognito-idp:AdminCreateUser",
            "cognito-idp:AdminAddUserToGroup",
            "ses:SendEmail",
            "cloudwatch:PutMetricAlarm",
            "wafv2:UpdateWebACL",
            "execute-api:Invoke",
            "states:StartExecution",
        )
    ),
    Weakness(
        "CKV_AWS_108",
        "to a bucket of others",
        POLICY,
        add(STATEMENTS, right("s3:PutObject", "arn:aws:s3:::evil/*")),
    ),
    Weakness(
        "CKV_AWS_108",
        "to a queue of others",
        POLICY,
        add(STATEMENTS, right("sqs:SendMessage", "arn:aws:sqs:ap-south-1:777788889999:evil")),
    ),
    Weakness(
        "CKV_AWS_108",
        "from a table by its name",
        POLICY,
        add(
            STATEMENTS,
            right("dynamodb:GetItem", "arn:aws:dynamodb:ap-south-1:777788889999:table/hasivu-prod-payments"),
        ),
    ),
    Weakness(
        "cfn-nag F3",
        "all but some actions",
        POLICY,
        add(STATEMENTS, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    ),
    Weakness(
        "cfn-nag W12",
        "all but some resources",
        POLICY,
        add(STATEMENTS, {"Effect": "Allow", "Action": "dynamodb:GetItem", "NotResource": STRANGER}),
    ),
    Weakness("cfn-nag F11", "of a user", POLICY, put("Users", ["operator"])),
    Weakness("KICS", "of a group", POLICY, put("Groups", ["operators"])),
    beside("FSBP IAM.2", "AWS::IAM::User", UserName="operator"),
    beside("FSBP IAM.3", "AWS::IAM::AccessKey", UserName="operator"),
    beside("KICS", "AWS::IAM::OIDCProvider", Url="https://token.actions.githubusercontent.com"),
    beside("KICS", "AWS::IAM::InstanceProfile", Roles=["x"]),
    beside("KICS", "AWS::IAM::ServiceLinkedRole", AWSServiceName="es.amazonaws.com"),
)

WEAKNESSES = (*FUNCTIONS, *ROLES)
