"""The auditor: a role that may read how everything is set up, and neither change it nor see what is in it."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledge import accept_every_resource, accept_inline_policy, acknowledge
from stacks.environment import Environment

READS: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    (
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "config:DescribeConfigRules",
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeConfigurationRecorders",
        "config:DescribeDeliveryChannels",
        "dynamodb:ListTables",
        "events:ListRules",
        "iam:ListRoles",
        "kms:ListAliases",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "logs:DescribeLogGroups",
        "s3:ListAllMyBuckets",
        "scheduler:ListSchedules",
        "secretsmanager:ListSecrets",
        "sns:GetSubscriptionAttributes",
        "sns:ListTopics",
        "sqs:ListQueues",
    ): ("*",),
    ("access-analyzer:GetAnalyzer",): ("access-analyzer:*:{account}:analyzer/hasivu-{env}",),
    ("acm:DescribeCertificate",): ("acm:*:{account}:certificate/*",),
    ("apigateway:GET",): (
        "apigateway:*::/account",
        "apigateway:*::/apikeys/*",
        "apigateway:*::/domainnames/*",
        "apigateway:*::/restapis/*",
        "apigateway:*::/usageplans/*",
    ),
    ("athena:GetNamedQuery", "athena:GetWorkGroup"): ("athena:*:{account}:workgroup/hasivu-{env}-*",),
    ("backup:GetBackupPlan", "backup:GetBackupSelection", "backup:ListBackupSelections"): (
        "backup:*:{account}:backup-plan:*",
    ),
    ("backup:DescribeBackupVault", "backup:GetBackupVaultAccessPolicy"): (
        "backup:*:{account}:backup-vault:hasivu-{env}*",
    ),
    ("budgets:ViewBudget",): ("budgets::{account}:budget/hasivu-{env}",),
    ("cloudformation:DescribeStacks", "cloudformation:GetTemplate", "cloudformation:ListStackResources"): (
        "cloudformation:*:{account}:stack/hasivu-{env}-*",
    ),
    ("cloudtrail:GetEventSelectors", "cloudtrail:GetTrail", "cloudtrail:GetTrailStatus"): (
        "cloudtrail:*:{account}:trail/hasivu-{env}*",
    ),
    ("cloudwatch:GetDashboard",): ("cloudwatch::{account}:dashboard/*",),
    ("codedeploy:GetApplication",): ("codedeploy:*:{account}:application:*",),
    ("codedeploy:GetDeploymentGroup",): ("codedeploy:*:{account}:deploymentgroup:*",),
    (
        "cognito-idp:DescribeUserPool",
        "cognito-idp:DescribeUserPoolClient",
        "cognito-idp:GetGroup",
        "cognito-idp:GetUserPoolMfaConfig",
        "cognito-idp:ListGroups",
        "cognito-idp:ListIdentityProviders",
        "cognito-idp:ListUserPoolClients",
    ): ("cognito-idp:*:{account}:userpool/*",),
    (
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeKinesisStreamingDestination",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:GetResourcePolicy",
    ): (
        "dynamodb:*:{account}:table/hasivu-{env}-*",
        "dynamodb:*:{account}:table/payment-webhook-idempotency-{env}",
    ),
    (
        "events:DescribeArchive",
        "events:DescribeEventBus",
        "events:DescribeRule",
        "events:ListTargetsByRule",
    ): (
        "events:*:{account}:archive/hasivu-{env}-*",
        "events:*:{account}:event-bus/hasivu-{env}-*",
        "events:*:{account}:rule/*",
    ),
    ("glue:GetDatabase", "glue:GetTable"): (
        "glue:*:{account}:catalog",
        "glue:*:{account}:database/hasivu_{env}",
        "glue:*:{account}:table/hasivu_{env}/*",
    ),
    ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"): (
        "iam::{account}:role/hasivu-{env}-*",
    ),
    ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants"): (
        "kms:*:{account}:key/*",
    ),
    (
        "lambda:GetFunction",
        "lambda:GetPolicy",
        "lambda:ListAliases",
        "lambda:ListFunctionEventInvokeConfigs",
        "lambda:ListFunctionUrlConfigs",
        "lambda:ListVersionsByFunction",
    ): ("lambda:*:{account}:function:hasivu-{env}-*",),
    ("lambda:GetLayerVersion",): ("lambda:*:{account}:layer:*",),
    ("logs:DescribeMetricFilters", "logs:DescribeSubscriptionFilters"): ("logs:*:{account}:log-group:*",),
    ("pipes:DescribePipe",): ("pipes:*:{account}:pipe/hasivu-{env}-*",),
    (
        "s3:GetBucketCORS",
        "s3:GetBucketLogging",
        "s3:GetBucketNotification",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketVersioning",
        "s3:GetBucketWebsite",
        "s3:GetEncryptionConfiguration",
        "s3:GetInventoryConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
    ): ("s3:::hasivu-{env}-*",),
    ("scheduler:GetSchedule",): ("scheduler:*:{account}:schedule/default/hasivu-{env}-*",),
    (
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "secretsmanager:ListSecretVersionIds",
    ): ("secretsmanager:*:{account}:secret:hasivu/{env}/*",),
    ("sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"): (
        "sns:*:{account}:hasivu-{env}-*",
        "sns:*:{account}:payment-notifications-{env}*",
    ),
    ("sqs:GetQueueAttributes",): ("sqs:*:{account}:hasivu-{env}-*", "sqs:*:{account}:payment-*-{env}"),
    ("ssm:GetParameter",): ("ssm:*:{account}:parameter/hasivu/{env}/*",),
    ("wafv2:GetIPSet", "wafv2:GetLoggingConfiguration", "wafv2:GetWebACL"): (
        "wafv2:*:{account}:regional/ipset/hasivu-{env}-*",
        "wafv2:*:{account}:regional/webacl/hasivu-{env}-*",
    ),
    ("wafv2:GetWebACLForResource",): (
        "apigateway:*::/restapis/*",
        "cognito-idp:*:{account}:userpool/*",
        "wafv2:*:{account}:regional/webacl/hasivu-{env}-*",
    ),
}
"""What the probes ask (checks/probes/apis.py), on the narrowest resources that AWS knows.

ARNs are without ``arn:aws:``. Settings, names and code; no object, item, message, secret or log line.
"""

ONLY_EMULATOR: Final = (
    "backup:DescribeBackupVault",
    "backup:GetBackupPlan",
    "cloudwatch:GetDashboard",
    "events:ListTargetsByRule",
    "glue:GetDatabase",
    "lambda:ListLayers",
)
"""The emulator holds these against another resource than AWS does, the last one for GetLayerVersion."""


def auditor_name(environment: Environment) -> str:
    """The role's name, by which people and pipelines take it on."""
    return f"hasivu-{environment.name}-auditor"


def deploy_role_name(environment: Environment) -> str:
    """The pipeline's own role, which docs/guides/deploy.md makes before the first deployment."""
    return f"hasivu-{environment.name}-deploy"


class Auditor(iam.Role):
    """The role ``hasivu-{env}-auditor``: taken on by people of this account with a second factor, and by the
    pipeline that deploys, for an hour at most."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        account = environment.account
        pipeline = f"arn:aws:iam::{account}:role/{deploy_role_name(environment)}"
        super().__init__(
            scope,
            construct_id,
            role_name=auditor_name(environment),
            description="Reads how everything is set up, and nothing that is in it",
            assumed_by=_embedded(account)
            if environment.embedded
            else iam.CompositePrincipal(
                iam.AccountPrincipal(account).with_conditions(
                    {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
                ),
                iam.AccountPrincipal(account).with_conditions({"ArnEquals": {"aws:PrincipalArn": pipeline}}),
            ),
        )
        accept_inline_policy(self)
        accept_every_resource(self, why="lists for which AWS knows no narrower resource than all")
        if environment.embedded:
            self.add_to_policy(iam.PolicyStatement(actions=list(ONLY_EMULATOR), resources=["*"]))
        for actions, patterns in READS.items():
            resources = [_arn(pattern, environment) for pattern in patterns]
            self.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=resources))
            for resource in resources:
                if "*" in resource.removeprefix("*"):
                    acknowledge(
                        self,
                        f"AwsSolutions-IAM5[Resource::{resource}]",
                        why="what an auditor looks at has names that are made at deployment; it only reads",
                        evidence="tests/infra/test_auditor.py",
                        owner="security",
                    )


def _embedded(account: str) -> iam.IPrincipal:
    """Nobody in the emulator has a second factor."""
    return iam.AccountPrincipal(account)


def _arn(pattern: str, environment: Environment) -> str:
    if pattern == "*":
        return pattern
    return "arn:aws:" + pattern.format(account=environment.account, env=environment.name)
