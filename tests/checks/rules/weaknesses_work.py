"""Planted: what runs, what is carried, what is let in by the API."""

from typing import Any

from tests.checks.rules.planting import Weakness, add, drop, every, having, named, put

QUEUE, TOPIC, MAPPING = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Lambda::EventSourceMapping"
FUNCTION, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Alias"
RULE, SCHEDULE, PIPE = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::Pipes::Pipe"
API, STAGE = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage"
SUBSCRIPTION = "AWS::SNS::Subscription"
STREAM = "SourceParameters.DynamoDBStreamParameters"
WORKING, DEAD = having("RedrivePolicy"), named("QueueName", "notifications-dlq")
FED = named("QueueName", "prod-notifications")
LOG = "AccessLogSetting.Format"
SETTINGS = "MethodSettings.0"
SCHEME = "Body.components.securitySchemes.hasivu"
AUTHORIZER = f"{SCHEME}.x-amazon-apigateway-authorizer"
POST = "Body.paths./v1/payments.post"
ELSEWHERE = "arn:aws:sqs:ap-south-1:aws:elsewhere"


def raw(properties: Any) -> bool:
    return bool(properties.get("Protocol") == "sqs")


def of_function(name: str) -> Any:
    return named("FunctionName", name)


ADVANCED = of_function("payments-advanced")


def queue(rule_id: str, title: str, change: Any, where: Any = WORKING) -> Weakness:
    return Weakness(rule_id, title, QUEUE, change, where)


def function(rule_id: str, title: str, change: Any, where: Any = ADVANCED) -> Weakness:
    return Weakness(rule_id, title, FUNCTION, change, where)


def api(rule_id: str, title: str, change: Any) -> Weakness:
    return Weakness(rule_id, title, API, change)


def stage(rule_id: str, title: str, change: Any) -> Weakness:
    return Weakness(rule_id, title, STAGE, change)


def money_alias(properties: Any) -> bool:
    return "PaymentsAdvanced" in str(properties.get("FunctionName"))


def first_open(body: dict[str, Any]) -> None:
    """Take the authoriser from the first guarded operation."""
    for item in body["Properties"]["Body"]["paths"].values():
        for method, operation in item.items():
            if method in {"get", "post"} and operation.get("security"):
                operation["security"] = []
                return


def any_method(body: dict[str, Any]) -> None:
    paths = body["Properties"]["Body"]["paths"]
    paths["/v1/everything"] = {"x-amazon-apigateway-any-method": {"security": [{"hasivu": []}]}}


def elsewhere(body: dict[str, Any]) -> None:
    for item in body["Properties"]["Body"]["paths"].values():
        for operation in item.values():
            operation["x-amazon-apigateway-integration"] = {
                "type": "http_proxy",
                "uri": "https://example.net/collect",
            }
            return


def looser_schema(body: dict[str, Any]) -> None:
    for schema in body["Properties"]["Body"]["components"]["schemas"].values():
        if "additionalProperties" in schema:
            schema["additionalProperties"] = True
            return


def less_asked(body: dict[str, Any]) -> None:
    for item in body["Properties"]["Body"]["paths"].values():
        for operation in item.values():
            if operation.pop("requestBody", None):
                return


def telling_answers(body: dict[str, Any]) -> None:
    answers = body["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    next(iter(answers.values()))["responseTemplates"] = {
        "application/json": '{"message": "$context.integrationErrorMessage"}'
    }


def bare(path: str) -> Any:
    """Let what calls the alias of a function call the function itself."""

    def change(body: dict[str, Any]) -> None:
        put(path, "arn:aws:lambda:ap-south-1:123456789012:function:hasivu-prod-payments-advanced")(body)

    return change


QUEUES = (
    queue("HASIVU-SQS-1", "a queue under AWS's key", put("KmsMasterKeyId", "alias/aws/sqs")),
    queue("HASIVU-SQS-1", "a queue in the open", drop("KmsMasterKeyId")),
    queue(
        "HASIVU-SQS-1",
        "a queue under SQS's own key",
        every(drop("KmsMasterKeyId"), put("SqsManagedSseEnabled", True)),
    ),
    Weakness(
        "HASIVU-SQS-2",
        "a queue by plain HTTP",
        "AWS::SQS::QueuePolicy",
        put("PolicyDocument.Statement.0.Condition.Bool", {"aws:SecureTransport": "true"}),
        witness=QUEUE,
    ),
    Weakness("HASIVU-SQS-2", "a queue without policy", "AWS::SQS::QueuePolicy", gone=True, witness=QUEUE),
    queue("HASIVU-SQS-3", "what fails comes back for ever", drop("RedrivePolicy")),
    queue("HASIVU-SQS-3", "tried a thousand times", put("RedrivePolicy.maxReceiveCount", 1000)),
    queue("HASIVU-SQS-3", "tried once", put("RedrivePolicy.maxReceiveCount", 1)),
    queue("HASIVU-SQS-3", "set aside elsewhere", put("RedrivePolicy.deadLetterTargetArn", ELSEWHERE)),
    queue("HASIVU-SQS-4", "anybody fills it", put("RedriveAllowPolicy.redrivePermission", "allowAll"), DEAD),
    queue("HASIVU-SQS-4", "nothing said of who fills it", drop("RedriveAllowPolicy"), DEAD),
    queue("HASIVU-SQS-5", "dead letters for an hour", put("MessageRetentionPeriod", 3600), DEAD),
    queue("HASIVU-SQS-5", "dead letters for the default", drop("MessageRetentionPeriod"), DEAD),
    queue("HASIVU-SQS-5", "messages for a minute", put("MessageRetentionPeriod", 60)),
    queue("HASIVU-SQS-6", "seen again too soon", put("VisibilityTimeout", 30), FED),
    queue("HASIVU-SQS-6", "hidden for hours", put("VisibilityTimeout", 43_200), FED),
    queue("HASIVU-SQS-7", "late by a quarter of an hour", put("DelaySeconds", 900)),
    queue("HASIVU-SQS-7", "short polling", put("ReceiveMessageWaitTimeSeconds", 0)),
    queue("HASIVU-SQS-7", "only short messages", put("MaximumMessageSize", 1024)),
    queue("HASIVU-DEL-1", "a queue goes with its stack", put("/DeletionPolicy", "Delete")),
    Weakness("HASIVU-SNS-1", "a topic in the open", TOPIC, drop("KmsMasterKeyId")),
    Weakness(
        "HASIVU-SNS-2",
        "a topic by plain HTTP",
        "AWS::SNS::TopicPolicy",
        put("PolicyDocument.Statement", []),
        witness=TOPIC,
    ),
    Weakness(
        "HASIVU-SNS-3",
        "told by plain HTTP",
        beside={
            "Type": SUBSCRIPTION,
            "Properties": {"TopicArn": "x", "Protocol": "http", "Endpoint": "http://x.example"},
        },
    ),
    Weakness(
        "HASIVU-SNS-3",
        "told by SMS",
        SUBSCRIPTION,
        every(put("Protocol", "sms"), put("Endpoint", "the number")),
        raw,
    ),
    Weakness("HASIVU-SNS-3", "told to a stranger", SUBSCRIPTION, put("Endpoint", ELSEWHERE), raw),
    Weakness(
        "HASIVU-SNS-3",
        "told by web hook",
        SUBSCRIPTION,
        every(put("Protocol", "https"), put("Endpoint", "https://example.net")),
        raw,
    ),
    Weakness("HASIVU-SNS-4", "only some are told", SUBSCRIPTION, put("FilterPolicy", {"never": ["x"]}), raw),
    Weakness("HASIVU-SNS-4", "told in an envelope", SUBSCRIPTION, put("RawMessageDelivery", False), raw),
    Weakness("HASIVU-SNS-5", "nobody is told", SUBSCRIPTION, gone=True, where=raw, witness=TOPIC),
)

EVENTS = (
    Weakness("HASIVU-EVT-1", "the rule is off", RULE, put("State", "DISABLED")),
    Weakness("HASIVU-EVT-1", "the schedule is off", SCHEDULE, put("State", "DISABLED")),
    Weakness("HASIVU-EVT-1", "the pipe is stopped", PIPE, put("DesiredState", "STOPPED")),
    Weakness("HASIVU-EVT-2", "a rule for nothing", RULE, put("Targets", [])),
    Weakness("HASIVU-EVT-2", "a rule for a stranger", RULE, put("Targets.0.Arn", ELSEWHERE)),
    Weakness("HASIVU-EVT-2", "a schedule for a stranger", SCHEDULE, put("Target.Arn", ELSEWHERE)),
    Weakness("HASIVU-EVT-3", "what is refused is lost", RULE, drop("Targets.0.DeadLetterConfig")),
    Weakness(
        "HASIVU-EVT-3", "never tried again", RULE, put("Targets.0.RetryPolicy", {"MaximumRetryAttempts": 0})
    ),
    Weakness("HASIVU-EVT-3", "events without dead letters", PIPE, drop(f"{STREAM}.DeadLetterConfig")),
    Weakness("HASIVU-EVT-3", "events tried once", PIPE, put(f"{STREAM}.MaximumRetryAttempts", 0)),
    Weakness("HASIVU-EVT-3", "events from now on", PIPE, put(f"{STREAM}.StartingPosition", "LATEST")),
    Weakness("HASIVU-EVT-4", "once in 2020", SCHEDULE, put("ScheduleExpression", "at(2020-01-01T00:00:00)")),
    Weakness(
        "HASIVU-EVT-4", "every ten thousand days", SCHEDULE, put("ScheduleExpression", "rate(10000 days)")
    ),
    Weakness(
        "HASIVU-EVT-4",
        "on the thirtieth of February",
        SCHEDULE,
        put("ScheduleExpression", "cron(0 0 30 2 ? *)"),
    ),
    Weakness("HASIVU-EVT-4", "until last year", SCHEDULE, put("EndDate", "2025-01-01T00:00:00Z")),
    Weakness(
        "HASIVU-EVT-5",
        "failures are not heard of",
        RULE,
        put("EventPattern.detail-type", ["PaymentCaptured"]),
        witness="AWS::Events::EventBus",
    ),
    Weakness(
        "HASIVU-EVT-5",
        "a source that nobody is",
        RULE,
        put("EventPattern.source", ["nobody"]),
        witness="AWS::Events::EventBus",
    ),
    Weakness("HASIVU-EVT-5", "on the wrong bus", RULE, drop("EventBusName"), witness="AWS::Events::EventBus"),
    Weakness(
        "HASIVU-EVT-6",
        "only removals leave",
        PIPE,
        put("SourceParameters.FilterCriteria.Filters.0.Pattern", '{"eventName":["REMOVE"]}'),
    ),
    Weakness(
        "HASIVU-EVT-6",
        "events without identity",
        PIPE,
        put("TargetParameters.InputTemplate", '{"detail": <$.dynamodb.NewImage.detail.S>}'),
    ),
    Weakness(
        "HASIVU-EVT-9",
        "an event calls a function",
        RULE,
        put("Targets.0.Arn", {"Ref": "NotificationDispatcherLive"}),
    ),
    Weakness(
        "HASIVU-EVT-9",
        "a topic calls a function",
        SUBSCRIPTION,
        every(put("Protocol", "lambda"), put("Endpoint", {"Ref": "NotificationDispatcherLive"})),
        raw,
    ),
    Weakness("HASIVU-EVT-9", "nobody reads the queue", MAPPING, gone=True, witness=SUBSCRIPTION),
    Weakness("HASIVU-EVT-6", "no pipe", PIPE, gone=True, witness="AWS::DynamoDB::Table"),
    Weakness("HASIVU-EVT-7", "a bus in the open", "AWS::Events::EventBus", drop("KmsKeyIdentifier")),
    Weakness("HASIVU-EVT-8", "kept for a day", "AWS::Events::Archive", put("RetentionDays", 1)),
    Weakness(
        "HASIVU-EVT-8", "nothing is kept", "AWS::Events::Archive", gone=True, witness="AWS::Events::EventBus"
    ),
    Weakness(
        "HASIVU-EVT-8",
        "nobody's events are kept",
        "AWS::Events::Archive",
        put("EventPattern", {"source": ["nobody"]}),
    ),
)

FUNCTIONS = (
    function("HASIVU-FN-1", "a runtime of yesterday", put("Runtime", "python3.9")),
    function(
        "HASIVU-FN-1",
        "a runtime that is not patched",
        put("RuntimeManagementConfig", {"UpdateRuntimeOn": "Manual"}),
    ),
    function("HASIVU-FN-1", "an image", every(put("PackageType", "Image"), drop("Runtime"))),
    function("HASIVU-FN-2", "code in the template", put("Code", {"ZipFile": "def handler(e, c): ..."})),
    function("HASIVU-FN-2", "code from elsewhere", put("Code.S3Bucket", "somebody-elses-bucket")),
    function("HASIVU-FN-2", "a stranger's layer", add("Layers", "arn:aws:lambda:ap-south-1:aws:layer:x:1")),
    function("HASIVU-FN-2", "another handler", put("Handler", "runtime.functions.other.handler")),
    function("HASIVU-FN-3", "no log group", drop("LoggingConfig")),
    function("HASIVU-FN-3", "only fatal lines", put("LoggingConfig.ApplicationLogLevel", "FATAL")),
    function("HASIVU-FN-3", "lines as text", put("LoggingConfig.LogFormat", "Text")),
    function("HASIVU-FN-4", "not traced", put("TracingConfig.Mode", "PassThrough")),
    function("HASIVU-FN-4", "nothing said of traces", drop("TracingConfig")),
    function("HASIVU-FN-5", "never runs", put("ReservedConcurrentExecutions", 0)),
    function("HASIVU-FN-5", "takes the whole account", put("ReservedConcurrentExecutions", 1000)),
    function("HASIVU-FN-5", "no share of its own", drop("ReservedConcurrentExecutions")),
    function("HASIVU-FN-6", "a quarter of an hour behind the API", put("Timeout", 900)),
    function("HASIVU-FN-6", "a second", put("Timeout", 1)),
    function("HASIVU-FN-7", "a setting that nobody reads", put("Environment.Variables.DEBUG", "1")),
    function("HASIVU-FN-7", "a setting is missing", drop("Environment.Variables.AUDIT_TABLE")),
    function("HASIVU-FN-7", "another environment", put("Environment.Variables.HASIVU_ENV", "dev")),
    function(
        "HASIVU-FN-8",
        "what people sent is logged",
        put("Environment.Variables.POWERTOOLS_LOG_LEVEL", "DEBUG"),
    ),
    function("HASIVU-FN-17", "another table", put("Environment.Variables.PAYMENTS_TABLE", "copies")),
    function(
        "HASIVU-FN-17", "AWS is elsewhere", put("Environment.Variables.AWS_ENDPOINT_URL", "https://x.example")
    ),
    Weakness("HASIVU-FN-9", "a queue calls the function itself", MAPPING, bare("FunctionName")),
    Weakness(
        "HASIVU-FN-9", "a permission on the function itself", "AWS::Lambda::Permission", bare("FunctionName")
    ),
    Weakness("HASIVU-FN-10", "no alias", ALIAS, gone=True, where=money_alias, witness=FUNCTION),
    Weakness("HASIVU-FN-10", "whatever is latest", ALIAS, put("FunctionVersion", "$LATEST")),
    Weakness(
        "HASIVU-FN-10",
        "half to yesterday's version",
        ALIAS,
        put("RoutingConfig", {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.5}]}),
    ),
    Weakness("HASIVU-FN-10", "another alias", ALIAS, put("Name", "latest"), witness=FUNCTION),
    Weakness("HASIVU-FN-11", "a whole batch fails", MAPPING, drop("FunctionResponseTypes")),
    Weakness("HASIVU-FN-12", "nobody reads the queue", MAPPING, put("Enabled", False)),
    Weakness(
        "HASIVU-FN-12",
        "some messages are passed over",
        MAPPING,
        put("FilterCriteria", {"Filters": [{"Pattern": '{"body": {"never": ["x"]}}'}]}),
    ),
    Weakness("HASIVU-FN-12", "ten thousand at a time", MAPPING, put("BatchSize", 10_000)),
    Weakness(
        "HASIVU-FN-12", "more at once than it may", MAPPING, put("ScalingConfig.MaximumConcurrency", 1000)
    ),
    Weakness("HASIVU-FN-12", "five minutes of waiting", MAPPING, put("MaximumBatchingWindowInSeconds", 300)),
    function("HASIVU-FN-13", "a circle without end", put("RecursiveLoop", "Allow")),
    function("HASIVU-FN-16", "under another name", put("FunctionName", "hasivu-prod-payments-basic")),
    function("HASIVU-IAM-11", "another's role", put("Role", "arn:aws:iam::aws:role/x")),
)

OPEN = (
    api("HASIVU-API-1", "no authoriser", first_open),
    api("HASIVU-API-1", "a scheme that asks nothing", drop(f"{SCHEME}.x-amazon-apigateway-authtype")),
    Weakness(
        "HASIVU-API-1",
        "a method beside the contract",
        beside={
            "Type": "AWS::ApiGateway::Method",
            "Properties": {"HttpMethod": "POST", "AuthorizationType": "NONE"},
        },
    ),
    api("HASIVU-API-2", "any method", any_method),
    api("HASIVU-API-3", "more is accepted than agreed", looser_schema),
    api("HASIVU-API-3", "less is asked than agreed", less_asked),
    api("HASIVU-API-4", "anything is a credential", put(f"{AUTHORIZER}.identityValidationExpression", ".*")),
    api("HASIVU-API-4", "believed for an hour", put(f"{AUTHORIZER}.authorizerResultTtlInSeconds", 3600)),
    api("HASIVU-API-4", "another's authoriser", put(f"{AUTHORIZER}.authorizerUri", ELSEWHERE)),
    api("HASIVU-API-5", "answered elsewhere", elsewhere),
    stage("HASIVU-API-6", "requests are not logged", drop("AccessLogSetting")),
    stage("HASIVU-API-6", "without who asked for what", put(LOG, '{"id": "$context.requestId"}')),
    stage("HASIVU-API-7", "addresses in the log", put(LOG, '{"ip": "$context.identity.sourceIp"}')),
    stage("HASIVU-API-7", "bodies in the log", put(f"{SETTINGS}.DataTraceEnabled", True)),
    stage("HASIVU-API-8", "no limit", drop(f"{SETTINGS}.ThrottlingRateLimit")),
    stage("HASIVU-API-8", "a limit of a billion", put(f"{SETTINGS}.ThrottlingRateLimit", 10**9)),
    stage("HASIVU-API-8", "a limit of nothing", put(f"{SETTINGS}.ThrottlingBurstLimit", 0)),
    stage(
        "HASIVU-API-8",
        "one path without limit",
        add(
            "MethodSettings",
            {"HttpMethod": "POST", "ResourcePath": "/~1v1~1payments", "ThrottlingRateLimit": -1},
        ),
    ),
    stage("HASIVU-API-9", "not traced", put("TracingEnabled", False)),
    stage("HASIVU-API-9", "not measured", put(f"{SETTINGS}.MetricsEnabled", False)),
    stage("HASIVU-API-9", "errors are not logged", put(f"{SETTINGS}.LoggingLevel", "OFF")),
    api("HASIVU-API-12", "the inside in an answer", telling_answers),
    api("HASIVU-API-15", "over the world", put("EndpointConfiguration.Types", ["EDGE"])),
    api("HASIVU-API-15", "bodies are changed", put("BinaryMediaTypes", ["*/*"])),
    stage("HASIVU-API-15", "variables of the stage", put("Variables", {"mode": "open"})),
    stage("HASIVU-API-16", "another stage", put("StageName", "test")),
)

WEAKNESSES = QUEUES + EVENTS + FUNCTIONS + OPEN
