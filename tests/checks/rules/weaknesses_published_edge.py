"""Planted: what published lists look for in the API, its firewall and its people."""

from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, each, every, put
from tests.checks.rules.published import STRANGER, beside, lets

API, STAGE, DOMAIN = (f"AWS::ApiGateway::{kind}" for kind in ("RestApi", "Stage", "DomainName"))
PLAN, API_KEY, ACCOUNT = (f"AWS::ApiGateway::{kind}" for kind in ("UsagePlan", "ApiKey", "Account"))
ACL, IP_SET = "AWS::WAFv2::WebACL", "AWS::WAFv2::IPSet"
POOL, CLIENT, GROUP = (f"AWS::Cognito::{kind}" for kind in ("UserPool", "UserPoolClient", "UserPoolGroup"))


def before_the_api(properties: Any) -> bool:
    return str(properties.get("Name")).endswith("-api")


def in_every_operation(word: str, value: Any) -> Any:
    def change(body: dict[str, Any]) -> None:
        for item in body["Properties"]["Body"]["paths"].values():
            for operation in item.values():
                operation[word] = value

    return change


EDGE = (
    Weakness("CKV_AWS_59", "open to everybody", API, in_every_operation("security", [])),
    Weakness(
        "CKV_AWS_120",
        "cached in the open",
        STAGE,
        every(put("CacheClusterEnabled", True), put("CacheClusterSize", "0.5")),
    ),
    Weakness("CKV_AWS_73", "not traced", STAGE, drop("TracingEnabled")),
    Weakness("CKV_AWS_76", "no access log", STAGE, drop("AccessLogSetting")),
    Weakness("CKV2_AWS_4", "no log of faults", STAGE, put("MethodSettings.0.LoggingLevel", "OFF")),
    Weakness("CKV_AWS_276", "bodies in the log", STAGE, put("MethodSettings.0.DataTraceEnabled", True)),
    Weakness(
        "FSBP APIGateway.9", "logged at a stranger's", STAGE, put("AccessLogSetting.DestinationArn", STRANGER)
    ),
    Weakness(
        "GDPR",
        "addresses in the log",
        STAGE,
        put("AccessLogSetting.Format", '{"ip": "$context.identity.sourceIp"}'),
    ),
    Weakness("CKV_AWS_225", "not throttled", STAGE, put("MethodSettings", [])),
    Weakness(
        "CKV_AWS_225",
        "one path at any rate",
        STAGE,
        add(
            "MethodSettings",
            {
                "HttpMethod": "POST",
                "ResourcePath": "/v1/payments",
                "ThrottlingRateLimit": 10_000,
                "ThrottlingBurstLimit": 5_000,
                "LoggingLevel": "ERROR",
                "MetricsEnabled": True,
            },
        ),
    ),
    Weakness("KICS", "a canary of others", STAGE, put("CanarySetting", {"PercentTraffic": 50})),
    Weakness("CKV2_AWS_51", "a certificate of the client", STAGE, put("ClientCertificateId", "abc")),
    Weakness("SOX", "another stage", STAGE, put("StageName", "test")),
    Weakness("CKV_AWS_206", "TLS 1.0", DOMAIN, put("SecurityPolicy", "TLS_1_0")),
    Weakness("KICS", "over the world", DOMAIN, put("EndpointConfiguration.Types", ["EDGE"])),
    Weakness("KICS", "another certificate", DOMAIN, put("RegionalCertificateArn", STRANGER)),
    Weakness(
        "KICS",
        "mutual TLS by a stranger",
        DOMAIN,
        put("MutualTlsAuthentication", {"TruststoreUri": "s3://x/y"}),
    ),
    Weakness("CKV_AWS_237", "an API from elsewhere", API, put("CloneFrom", "abc")),
    Weakness(
        "KICS",
        "a policy for everybody",
        API,
        put("Policy", {"Version": "2012-10-17", "Statement": [lets("*", "execute-api:Invoke")]}),
    ),
    Weakness("KICS", "TLS of yesterday", API, put("SecurityPolicy", "TLS_1_0")),
    Weakness("KICS", "reachable beside its name", API, put("DisableExecuteApiEndpoint", False)),
    Weakness("KICS", "bodies are changed", API, put("MinimumCompressionSize", 0)),
    Weakness("KICS", "keys from the caller", API, put("ApiKeySourceType", "HEADER")),
    Weakness("KICS", "a plan without limits", PLAN, drop("Throttle")),
    Weakness("KICS", "a plan of a billion", PLAN, put("Throttle", {"RateLimit": 10**9, "BurstLimit": 10**9})),
    Weakness(
        "KICS",
        "more for one path",
        PLAN,
        put("ApiStages.0.Throttle", {"/v1/payments/POST": {"RateLimit": 1e9}}),
    ),
    Weakness("KICS", "a key written down", API_KEY, put("Value", "abcdefghijklmnopqrstuvwxyz")),
    Weakness(
        "KICS", "a key of another stage", API_KEY, put("StageKeys", [{"RestApiId": "x", "StageName": "test"}])
    ),
    Weakness(
        "FSBP APIGateway.1", "logs under a stranger's role", ACCOUNT, put("CloudWatchRoleArn", STRANGER)
    ),
    beside("KICS", "AWS::ApiGateway::Method", HttpMethod="ANY", AuthorizationType="NONE"),
    beside("KICS", "AWS::ApiGateway::VpcLink", TargetArns=[STRANGER]),
    beside("KICS", "AWS::ApiGatewayV2::Api", ProtocolType="HTTP"),
    beside("KICS", "AWS::CloudFront::Distribution", DistributionConfig={"Enabled": True}),
    Weakness("CKV2_AWS_29", "no firewall", "AWS::WAFv2::WebACLAssociation", gone=True, witness=STAGE),
    Weakness(
        "CKV2_AWS_31", "a firewall without a log", "AWS::WAFv2::LoggingConfiguration", gone=True, witness=ACL
    ),
    Weakness("CKV_AWS_192", "no known bad inputs", ACL, put("Rules", []), before_the_api),
    Weakness(
        "FSBP WAF.10", "one rule that counts", ACL, put("Rules.2.Action", {"Count": {}}), before_the_api
    ),
    Weakness(
        "FSBP WAF.10",
        "groups that count",
        ACL,
        each("Rules", "OverrideAction", {"Count": {}}),
        before_the_api,
    ),
    Weakness(
        "KICS",
        "a billion requests",
        ACL,
        put("Rules.2.Statement.RateBasedStatement.Limit", 2_000_000_000),
        before_the_api,
    ),
    Weakness(
        "KICS",
        "as many as anybody wants",
        ACL,
        put("Rules.2.Statement.RateBasedStatement.Limit", 20_000),
        before_the_api,
    ),
    Weakness("KICS", "who is first walks past", ACL, put("Rules.0.Action", {"Allow": {}}), before_the_api),
    Weakness(
        "KICS",
        "immunity",
        ACL,
        put("CaptchaConfig", {"ImmunityTimeProperty": {"ImmunityTime": 259_200}}),
        before_the_api,
    ),
    Weakness(
        "KICS",
        "a part of a body",
        ACL,
        put("AssociationConfig.RequestBody.API_GATEWAY.DefaultSizeInspectionLimit", "KB_16"),
        before_the_api,
    ),
    Weakness("KICS", "everybody is a partner", IP_SET, put("Addresses", ["0.0.0.0/1", "128.0.0.0/1"])),
    Weakness("KICS", "a neighbour is a partner", IP_SET, add("Addresses", "18.96.225.64/26")),
)

PEOPLE = (
    Weakness("Prowler cognito", "no second factor", POOL, put("MfaConfiguration", "OPTIONAL")),
    Weakness("Prowler cognito", "a factor by SMS", POOL, put("EnabledMfas", ["SMS_MFA"])),
    Weakness("Prowler cognito", "short passwords", POOL, put("Policies.PasswordPolicy.MinimumLength", 6)),
    Weakness("Prowler cognito", "no symbols", POOL, put("Policies.PasswordPolicy.RequireSymbols", False)),
    Weakness(
        "Prowler cognito", "the same again", POOL, put("Policies.PasswordPolicy.PasswordHistorySize", 0)
    ),
    Weakness(
        "Prowler cognito",
        "temporary for a year",
        POOL,
        put("Policies.PasswordPolicy.TemporaryPasswordValidityDays", 365),
    ),
    Weakness(
        "FSBP Cognito.1", "attacks are only seen", POOL, put("UserPoolAddOns.AdvancedSecurityMode", "AUDIT")
    ),
    Weakness("FSBP Cognito.1", "a cheaper tier", POOL, put("UserPoolTier", "LITE")),
    Weakness("Prowler cognito", "may be deleted", POOL, put("DeletionProtection", "INACTIVE")),
    Weakness(
        "Prowler cognito",
        "anybody signs up",
        POOL,
        put("AdminCreateUserConfig.AllowAdminCreateUserOnly", False),
    ),
    Weakness(
        "Prowler cognito",
        "recovered by phone",
        POOL,
        put("AccountRecoverySetting.RecoveryMechanisms.0.Name", "verified_phone_number"),
    ),
    Weakness("KICS", "a trigger of others", POOL, put("LambdaConfig", {"PreTokenGeneration": STRANGER})),
    Weakness(
        "KICS",
        "devices need no factor",
        POOL,
        put("DeviceConfiguration", {"ChallengeRequiredOnNewDevice": False}),
    ),
    Weakness("KICS", "mails of a stranger", POOL, put("EmailConfiguration", {"SourceArn": STRANGER})),
    Weakness(
        "KICS", "messages under a stranger's role", POOL, put("SmsConfiguration", {"SnsCallerArn": STRANGER})
    ),
    Weakness(
        "KICS",
        "a code is enough",
        POOL,
        put("Policies.SignInPolicy", {"AllowedFirstAuthFactors": ["SMS_OTP"]}),
    ),
    Weakness("KICS", "case tells people apart", POOL, put("UsernameConfiguration.CaseSensitive", True)),
    Weakness("KICS", "unproved addresses", POOL, put("AutoVerifiedAttributes", [])),
    Weakness("KICS", "users exist", CLIENT, put("PreventUserExistenceErrors", "LEGACY")),
    Weakness("KICS", "passwords travel", CLIENT, add("ExplicitAuthFlows", "ALLOW_USER_PASSWORD_AUTH")),
    Weakness(
        "KICS",
        "an administrator signs in",
        CLIENT,
        add("ExplicitAuthFlows", "ALLOW_ADMIN_USER_PASSWORD_AUTH"),
    ),
    Weakness("KICS", "tokens for a day", CLIENT, put("AccessTokenValidity", 1440)),
    Weakness("KICS", "refreshed for ten years", CLIENT, put("RefreshTokenValidity", 5_256_000)),
    Weakness("KICS", "never revoked", CLIENT, put("EnableTokenRevocation", False)),
    Weakness(
        "KICS",
        "an implicit flow",
        CLIENT,
        every(put("AllowedOAuthFlows", ["implicit"]), put("AllowedOAuthFlowsUserPoolClient", True)),
    ),
    Weakness("KICS", "to any address", CLIENT, put("CallbackURLs", ["http://localhost"])),
    Weakness("KICS", "another provider", CLIENT, put("SupportedIdentityProviders", ["COGNITO", "Google"])),
    Weakness("KICS", "people write their schools", CLIENT, add("WriteAttributes", "custom:school_ids")),
    Weakness("KICS", "analytics of a stranger", CLIENT, put("AnalyticsConfiguration", {"RoleArn": STRANGER})),
    Weakness("KICS", "a group with a role", GROUP, put("RoleArn", STRANGER)),
    Weakness("KICS", "a group beyond all", GROUP, put("GroupName", "root")),
    beside("CKV_AWS_366", "AWS::Cognito::IdentityPool", AllowUnauthenticatedIdentities=True),
    beside("KICS", "AWS::Cognito::UserPoolIdentityProvider", ProviderType="Google"),
    beside("KICS", "AWS::Cognito::UserPoolUser", Username="backdoor"),
)

WEAKNESSES = (*EDGE, *PEOPLE)
