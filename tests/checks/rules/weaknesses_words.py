"""Planted: words that take away what stands beside them: in conditions, in the contract, in a pattern."""

from typing import Any

from tests.checks.rules.planting import Body, Weakness, add, drop, having, put

POLICY, ROLE, KEY = "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Key"
API, RULE, ALARM = "AWS::ApiGateway::RestApi", "AWS::Events::Rule", "AWS::CloudWatch::Alarm"
BUCKET, STATEMENTS = "AWS::S3::Bucket", "LifecycleConfiguration.Rules.1"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
GROUP, FUNCTION = "AWS::Athena::WorkGroup", "AWS::Lambda::Function"
OPERATION = "Body.paths./v1/payments.post"
INTEGRATION = f"{OPERATION}.x-amazon-apigateway-integration"
AUTHORIZER = "Body.components.securitySchemes.hasivu.x-amazon-apigateway-authorizer"
ACCOUNT = {"aws:SourceAccount": "777788889999"}
VIA = {"kms:ViaService": "dynamodb.ap-south-1.amazonaws.com"}
USED = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.ap-south-1.amazonaws.com"},
    "Action": "kms:Decrypt",
    "Resource": "*",
}
CLIENT: dict[str, Any] = {
    "UserPoolId": {"Ref": "Pool"},
    "AccessTokenValidity": 60,
    "IdTokenValidity": 60,
    "RefreshTokenValidity": 1440,
    "TokenValidityUnits": dict.fromkeys(("AccessToken", "IdToken", "RefreshToken"), "minutes"),
    "EnableTokenRevocation": True,
}
CONTEXT = "kms:EncryptionContext:aws:logs:arn"


def is_taken_on_by_backup(properties: Any) -> bool:
    return "aws:SourceAccount" in str(properties.get("AssumeRolePolicyDocument"))


def under(title: str, condition: dict[str, Any]) -> Weakness:
    """A right on a key under a condition that holds where the request says nothing of its key."""
    right = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:x", "Condition": condition}
    return Weakness("HASIVU-IAM-23", title, POLICY, add("PolicyDocument.Statement", right))


def opened(title: str, condition: dict[str, Any]) -> Weakness:
    return Weakness("HASIVU-IAM-23", title, KEY, add("KeyPolicy.Statement", {**USED, "Condition": condition}))


def contract(title: str, path: str, value: Any) -> Weakness:
    return Weakness("HASIVU-API-25", title, API, put(path, value))


def everybody_of_the_account(key: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["sns:Publish", "sns:Subscribe"],
        "Resource": "*",
        "Condition": {"StringEquals": {key: "777788889999"}},
    }


def another_alarm(body: Body) -> None:
    parts = body["Properties"]["AlarmRule"]["Fn::Join"][1]
    parts[-1] = f'{parts[-1]} AND ALARM("hasivu-prod-nobody")'


def is_uploads(properties: Any) -> bool:
    return str(properties.get("BucketName")).endswith("-uploads")


def of_payments(properties: Any) -> bool:
    return "hasivu.payments" in str(properties.get("EventPattern"))


def is_paged(properties: Any) -> bool:
    return "Severity: page" in str(properties.get("AlarmDescription")) and bool(
        properties.get("AlarmActions")
    )


def to_tickets(body: Body) -> None:
    described = body["Properties"]["AlarmDescription"]
    body["Properties"]["AlarmDescription"] = described.replace("Severity: page", "Severity: ticket")


def tells_the_clients_secret(template: Body) -> None:
    template.setdefault("Outputs", {})["Planted"] = {"Value": {"Fn::GetAtt": ["Client", "ClientSecret"]}}


def with_another_bundle(template: Body) -> None:
    functions = [item for item in template["Resources"].values() if item["Type"] == FUNCTION]
    functions[0]["Properties"]["Code"] = functions[1]["Properties"]["Code"]


WEAKNESSES = (
    under("through a service, if it says which", {"StringEqualsIfExists": VIA}),
    under("through every service but one", {"StringNotEquals": VIA}),
    under("through no service at all", {"ForAllValues:StringEquals": VIA}),
    under("if nothing is said", {"Null": {"kms:ViaService": "true"}}),
    opened("a key for whichever account, if it is said", {"StringEqualsIfExists": ACCOUNT}),
    opened("a key for logs of any account", {"ArnLike": {CONTEXT: "arn:aws:logs:*:*:*"}}),
    opened("a key for logs, if they say whose", {"ArnLikeIfExists": {CONTEXT: "arn:aws:logs:*"}}),
    Weakness(
        "HASIVU-IAM-23",
        "a role for whichever account, if it is said",
        ROLE,
        put("AssumeRolePolicyDocument.Statement.0.Condition", {"ForAllValues:StringEquals": ACCOUNT}),
        is_taken_on_by_backup,
    ),
    Weakness(
        "HASIVU-KMS-5",
        "administered from one place only",
        KEY,
        put("KeyPolicy.Statement.0.Condition", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
    ),
    contract(
        "an operation without the authoriser", f"{OPERATION}.x-amazon-apigateway-auth", {"type": "NONE"}
    ),
    contract("any certificate will do", f"{INTEGRATION}.tlsConfig", {"insecureSkipVerification": True}),
    contract("under the caller's own rights", f"{INTEGRATION}.credentials", "arn:aws:iam::*:user/*"),
    contract(
        "nobody waits for the answer",
        f"{INTEGRATION}.requestParameters",
        {"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
    ),
    contract("another server", "Body.servers", [{"url": "https://elsewhere.example"}]),
    contract(
        "a second way in",
        "Body.x-amazon-apigateway-endpoint-configuration",
        {"disableExecuteApiEndpoint": False},
    ),
    contract("the authoriser under a role", f"{AUTHORIZER}.authorizerCredentials", "arn:aws:iam::1:role/x"),
    contract(
        "anything is shaped like a credential",
        f"{AUTHORIZER}.identityValidationExpression",
        "^(Bearer|ApiKey)?.*$",
    ),
    Weakness(
        "HASIVU-EVT-5",
        "only large amounts",
        RULE,
        put("EventPattern.detail", {"amount": [{"numeric": [">", 100_000]}]}),
        of_payments,
    ),
    Weakness(
        "HASIVU-EVT-5",
        "whatever begins so",
        RULE,
        put("EventPattern.detail-type", [{"prefix": "PaymentCaptured"}]),
        of_payments,
    ),
    Weakness(
        "HASIVU-DLV-1",
        "events into a queue that takes none from the rule",
        RULE,
        put("Targets", [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}]),
        of_payments,
        witness="AWS::SQS::Queue",
    ),
    Weakness("HASIVU-ALM-9", "a ticket that pages", ALARM, to_tickets, is_paged),
    Weakness(
        "HASIVU-ALM-10", "and an alarm that is not there", COMPOSITE, another_alarm, having("AlarmRule")
    ),
    *(
        Weakness(
            "HASIVU-PUB-1",
            f"every role of the account, by {key}",
            "AWS::SNS::TopicPolicy",
            add("PolicyDocument.Statement", everybody_of_the_account(key)),
        )
        for key in ("aws:SourceOwner", "aws:PrincipalAccount")
    ),
    Weakness(
        "HASIVU-COG-8",
        "a second application",
        "AWS::Cognito::UserPoolClient",
        beside={"Type": "AWS::Cognito::UserPoolClient", "Properties": CLIENT},
        witness="AWS::Cognito::UserPoolClient",
    ),
    Weakness(
        "HASIVU-S3-16",
        "statements for ten years",
        BUCKET,
        put(f"{STATEMENTS}.ExpirationInDays", 3650),
        is_uploads,
    ),
    Weakness(
        "HASIVU-S3-16", "all uploads as if statements", BUCKET, drop(f"{STATEMENTS}.Prefix"), is_uploads
    ),
    Weakness("HASIVU-S3-16", "statements for ever", BUCKET, drop(STATEMENTS), is_uploads),
    Weakness("HASIVU-ATH-2", "nobody may ask", GROUP, put("State", "DISABLED")),
    Weakness(
        "HASIVU-ATH-2", "who asks pays", GROUP, put("WorkGroupConfiguration.RequesterPaysEnabled", True)
    ),
    Weakness(
        "HASIVU-SEC-9",
        "an output tells the client's secret",
        "AWS::Cognito::UserPoolClient",
        section=tells_the_clients_secret,
    ),
    Weakness(
        "HASIVU-FN-2", "another function's bundle", FUNCTION, section=with_another_bundle, witness=FUNCTION
    ),
)
