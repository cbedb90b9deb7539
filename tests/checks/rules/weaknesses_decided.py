"""Planted: what was decided, and stands otherwise: how often, how loud, with what, how much, which."""

from collections.abc import Mapping
from typing import Any

from tests.checks.rules.planting import Body, Weakness, Where, add, drop, each, every, named, put

SCHEDULE, ALARM = "AWS::Scheduler::Schedule", "AWS::CloudWatch::Alarm"
GROUP, FUNCTION = "AWS::CodeDeploy::DeploymentGroup", "AWS::Lambda::Function"
PLAN, MEMBER = "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::UsagePlanKey"
POLICY, RULE = "AWS::IAM::Policy", "AWS::Events::Rule"
FILTER, QUESTION = "AWS::Logs::MetricFilter", "AWS::Athena::NamedQuery"
TABLE, DATABASE, WORKGROUP = "AWS::Glue::Table", "AWS::Glue::Database", "AWS::Athena::WorkGroup"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
API = "AWS::ApiGateway::RestApi"
AUTHORIZER = "Body.components.securitySchemes.hasivu.x-amazon-apigateway-authorizer.authorizer"
VARIABLES = "Environment.Variables"
COLUMNS = "TableInput.StorageDescriptor.Columns"
EVERY_5_HOURS = "rate(5 hours)"


def saying(path: str, text: str) -> Where:
    """Whether the property at the top called ``path`` says ``text`` anywhere."""

    def where(properties: Mapping[str, Any]) -> bool:
        return text in str(properties.get(path))

    return where


def of_task(function: str, task: str = "") -> Where:
    def where(properties: Mapping[str, Any]) -> bool:
        target = properties["Target"]
        return function in str(target["Arn"]) and f'"{task}"' in str(target.get("Input", '""'))

    return where


def paced(title: str, expression: str, where: Where) -> Weakness:
    return Weakness("HASIVU-EVT-12", title, SCHEDULE, put("ScheduleExpression", expression), where)


def with_variable(name: str) -> Where:
    def where(properties: Mapping[str, Any]) -> bool:
        return name in properties["Environment"]["Variables"]

    return where


def lowered(body: Body) -> None:
    """What wakes somebody waits until the next day: in words and in deed."""
    properties = body["Properties"]
    properties["AlarmDescription"] = properties["AlarmDescription"].replace(": page", ": ticket")
    properties["AlarmActions"] = [{"Ref": "TicketTopic"}]


def is_paging(properties: Mapping[str, Any]) -> bool:
    return "Severity: page" in str(properties.get("AlarmDescription")) and bool(properties["AlarmActions"])


def without(metric: str) -> Any:
    """A group that is no more watched by the alarm whose logical id has ``metric`` in it."""

    def change(body: Body) -> None:
        watching = body["Properties"]["AlarmConfiguration"]
        fewer = [item for item in watching["Alarms"] if metric not in str(item)]
        assert len(fewer) < len(watching["Alarms"])
        watching["Alarms"] = fewer

    return change


def is_for_payments(properties: Mapping[str, Any]) -> bool:
    return "ApiAuthorizer" not in str(properties)


def denials(change: Any) -> Any:
    """Do ``change`` to every Deny of a role."""

    def all_of_them(body: Body) -> None:
        document = body["Properties"]["PolicyDocument"]
        denying = [item for item in document["Statement"] if item["Effect"] == "Deny"]
        assert denying
        for item in denying:
            change(document["Statement"], item)

    return all_of_them


def gone(said: list[Body], item: Body) -> None:
    said.remove(item)


def conditional(said: list[Body], item: Body) -> None:
    item["Condition"] = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}


def narrowed(said: list[Body], item: Body) -> None:
    item["Action"] = item["Action"][1:]


def on_books(properties: Mapping[str, Any]) -> bool:
    return any(item["Effect"] == "Deny" for item in properties["PolicyDocument"]["Statement"])


def blind(body: Body) -> None:
    """A key that no service may describe."""
    document = body["Properties"]["KeyPolicy"]
    document["Statement"] = [
        item for item in document["Statement"] if "kms:DescribeKey" not in str(item["Action"])
    ]


def is_of_the_bus(properties: Mapping[str, Any]) -> bool:
    return any(
        "events.amazonaws.com" in str(item["Principal"]) and "kms:DescribeKey" in item["Action"]
        for item in properties["KeyPolicy"]["Statement"]
    )


def plan(title: str, change: Any, end: str = "back-offices") -> Weakness:
    return Weakness("HASIVU-API-14", title, PLAN, change, named("UsagePlanName", end))


def of_lines(properties: Mapping[str, Any]) -> bool:
    return "projection.enabled" in properties["TableInput"]["Parameters"]


def columns(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-ATH-5", title, TABLE, change, of_lines)


def is_listing(properties: Mapping[str, Any]) -> bool:
    return "s3:prefix" in str(properties)


def one_question_less(template: Body) -> None:
    resources = template["Resources"]
    first = next(name for name, body in resources.items() if body["Type"] == QUESTION)
    del resources[first]


def is_on_the_budget(properties: Mapping[str, Any]) -> bool:
    return "error-budget" in str(properties) and is_paging(properties)


def is_on_sweeps(properties: Mapping[str, Any]) -> bool:
    return "payments.md#sweep-stopped" in str(properties)


def parameter(name: str, value: str) -> Any:
    """Set a parameter of a table, whose name has dots in it."""

    def change(body: Body) -> None:
        parameters = body["Properties"]["TableInput"]["Parameters"]
        assert name in parameters
        parameters[name] = value

    return change


LISTS: Body = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": {"Fn::GetAtt": ["Uploads", "Arn"]}}

BY_THE_CLOCK = (
    paced(
        "payments are swept for retries every five hours", EVERY_5_HOURS, of_task("PaymentsRetry", "sweep")
    ),
    paced("health every hour", "rate(1 hour)", of_task("HealthCheck")),
    paced("all payments asked for every minute", "rate(1 minute)", of_task("Worker", "sweep")),
    paced("matched once a day", "cron(30 10 * * ? *)", of_task("Worker", "daily")),
    paced("matched on Mondays", "cron(30 10,18 ? * MON *)", of_task("Worker", "daily")),
    Weakness(
        "HASIVU-EVT-12",
        "a sweep that could not begin is forgotten",
        SCHEDULE,
        drop("Target.DeadLetterConfig"),
        of_task("Worker", "sweep"),
    ),
    Weakness(
        "HASIVU-EVT-12",
        "what was missed is begun beside what comes after it",
        SCHEDULE,
        put("Target.RetryPolicy.MaximumEventAgeInSeconds", 60_000),
    ),
    Weakness(
        "HASIVU-EVT-12",
        "something nobody decided about",
        SCHEDULE,
        put("Target.Input", '{"task": "everything"}'),
        of_task("PaymentsRetry", "sweep"),
    ),
)

WATCHED = (
    Weakness("HASIVU-ALM-13", "what pages is made a ticket, all of it", ALARM, lowered, is_paging),
    Weakness(
        "HASIVU-ALM-16",
        "the error budget is watched by one window less",
        COMPOSITE,
        where=is_on_the_budget,
        gone=True,
        witness=COMPOSITE,
    ),
    Weakness("HASIVU-ALM-16", "nobody hears of sweeps", ALARM, where=is_on_sweeps, gone=True, witness=ALARM),
    Weakness("HASIVU-CD-3", "no alarm on what is caught", GROUP, without("Failures"), is_for_payments),
    Weakness(
        "HASIVU-CD-3", "no alarm on payments", GROUP, drop("AlarmConfiguration.Alarms.4"), is_for_payments
    ),
    Weakness("HASIVU-LOG-9", "one function's lines all count", FILTER, put("FilterPattern", "*")),
    Weakness(
        "HASIVU-LOG-9",
        "one function's failures are nobody's",
        FILTER,
        drop("MetricTransformations.0.Dimensions"),
        saying("MetricTransformations", "LoggedFailures"),
    ),
)

FUNCTIONS = (
    Weakness(
        "HASIVU-FN-18",
        "the authoriser without what reads tokens",
        FUNCTION,
        drop("Layers.1"),
        named("FunctionName", "api-authorizer"),
    ),
    Weakness(
        "HASIVU-FN-18",
        "a layer twice",
        FUNCTION,
        add("Layers", {"Ref": "LayerCore"}),
        named("FunctionName", "health-check"),
    ),
    Weakness(
        "HASIVU-FN-19",
        "the ledger is the outbox",
        FUNCTION,
        put(f"{VARIABLES}.LEDGER_TABLE", {"Ref": "Outbox"}),
        with_variable("LEDGER_TABLE"),
    ),
    *(
        Weakness(
            "HASIVU-FN-19",
            f"{name} of anybody",
            FUNCTION,
            put(f"{VARIABLES}.{name}", "*"),
            with_variable(name),
        )
        for name in ("HISTORY_DATABASE", "HISTORY_WORKGROUP")
    ),
    Weakness(
        "HASIVU-FN-17",
        "seals are signed with any key",
        FUNCTION,
        put(f"{VARIABLES}.AUDIT_SEAL_KEY_ARN", "*"),
        with_variable("AUDIT_SEAL_KEY_ARN"),
    ),
    *(
        Weakness(
            "HASIVU-GOV-10", f"{name} not said", FUNCTION, drop(f"{VARIABLES}.{name}"), with_variable(name)
        )
        for name in ("PRESENTMENT_CURRENCIES", "ALLOWED_ORIGINS")
    ),
)

CALLERS = (
    plan("once a day", put("Quota.Limit", 1)),
    plan("a million a month", put("Quota.Period", "MONTH")),
    plan("for another API", put("ApiStages.0.ApiId", "*")),
    plan("people once a day", put("Quota", {"Limit": 1, "Period": "DAY"}), "apps"),
    Weakness(
        "HASIVU-GOV-10",
        "a quota for all parents together",
        PLAN,
        put("Quota", {"Limit": 1_000_000, "Period": "DAY"}),
        named("UsagePlanName", "apps"),
    ),
    Weakness("HASIVU-GOV-10", "a plan that nobody decided", PLAN, put("UsagePlanName", "hasivu-prod-vip")),
    Weakness("HASIVU-API-14", "not a key", MEMBER, put("KeyType", "*")),
    Weakness(
        "HASIVU-API-26",
        "the gateway's own log under another name",
        "AWS::Logs::LogGroup",
        put("LogGroupName", "elsewhere"),
        saying("LogGroupName", "API-Gateway-Execution-Logs"),
        witness="AWS::ApiGateway::Stage",
    ),
)

RIGHTS = (
    Weakness(
        "HASIVU-IAM-27",
        "the end of a rollback window pages under no name",
        "AWS::IAM::Role",
        drop("RoleName"),
        named("RoleName", "-rollback-deadline"),
        witness="AWS::SNS::Topic",
    ),
    Weakness(
        "HASIVU-DLV-2",
        "EventBridge may not look at the bus's key",
        "AWS::KMS::Key",
        blind,
        is_of_the_bus,
        witness="AWS::Events::EventBus",
    ),
    Weakness("HASIVU-DDB-14", "no role is denied the books", POLICY, denials(gone), on_books),
    Weakness("HASIVU-DDB-14", "the books, of another region only", POLICY, denials(conditional), on_books),
    Weakness("HASIVU-DDB-14", "all changes but one", POLICY, denials(narrowed), on_books),
    Weakness("HASIVU-IAM-24", "a whole bucket is listed", POLICY, add("PolicyDocument.Statement", LISTS)),
    Weakness(
        "HASIVU-IAM-24",
        "every folder of a bucket is listed",
        POLICY,
        add("PolicyDocument.Statement", {**LISTS, "Condition": {"StringLike": {"s3:prefix": ["a/*", "*"]}}}),
    ),
)

EVENTS = (
    Weakness("HASIVU-EVT-13", "people hear of one kind less", RULE, drop("EventPattern.detail-type.0")),
    Weakness(
        "HASIVU-EVT-13",
        "splits of what is not captured",
        RULE,
        put("EventPattern.detail-type.2", "*"),
        named("Name", "payment-splits"),
    ),
    Weakness(
        "HASIVU-EVT-13",
        "only some is counted",
        RULE,
        put("EventPattern.detail-type", ["PaymentCaptured"]),
        named("Name", "payment-analytics"),
    ),
    Weakness(
        "HASIVU-EVT-13",
        "nothing is counted",
        RULE,
        where=named("Name", "payment-analytics"),
        gone=True,
        witness="AWS::Events::EventBus",
    ),
    Weakness("HASIVU-EVT-13", "a rule that nobody decided", RULE, put("Name", "hasivu-prod-more")),
    Weakness("HASIVU-EVT-5", "nothing is taken", RULE, drop("EventPattern")),
    Weakness("HASIVU-EVT-5", "from a stranger's bus", RULE, put("EventBusName", "arn:aws:events:x:1:bus/y")),
)

HISTORY = (
    columns("a column less", drop(f"{COLUMNS}.3")),
    columns("a column of another type", put(f"{COLUMNS}.3.Type", "")),
    columns("a column of another name", put(f"{COLUMNS}.3.Name", "*")),
    columns("all columns are numbers", each(COLUMNS, "Type", "bigint")),
    columns("not by day", put("TableInput.PartitionKeys", [])),
    columns("days that end", parameter("projection.dt.range", "2026-01-01,2026-12-31")),
    columns("by month", parameter("projection.dt.interval.unit", "MONTHS")),
    Weakness("HASIVU-ATH-3", "anybody's catalogue", DATABASE, put("CatalogId", "*")),
    Weakness("HASIVU-ATH-3", "any table's catalogue", TABLE, drop("CatalogId")),
    Weakness("HASIVU-ATH-4", "a question of another name", QUESTION, put("Name", "*")),
    Weakness("HASIVU-ATH-4", "a question about less", QUESTION, put("QueryString", "SELECT 1")),
    Weakness("HASIVU-ATH-4", "a question less", WORKGROUP, section=one_question_less, witness=WORKGROUP),
    Weakness(
        "HASIVU-ATH-2",
        "nobody sees what is asked",
        WORKGROUP,
        put("WorkGroupConfiguration.PublishCloudWatchMetricsEnabled", False),
    ),
    Weakness(
        "HASIVU-ATH-2",
        "no question can read its day",
        WORKGROUP,
        put("WorkGroupConfiguration.BytesScannedCutoffPerQuery", 10_485_760),
    ),
)

ELSEWHERE = (
    Weakness(
        "HASIVU-API-4",
        "a revoked key is believed for five minutes",
        API,
        drop(f"{AUTHORIZER}ResultTtlInSeconds"),
    ),
    Weakness("HASIVU-API-14", "a key that nobody is counted by", "AWS::ApiGateway::ApiKey", drop("Value")),
    Weakness(
        "HASIVU-WAF-5",
        "a condition that never holds",
        "AWS::WAFv2::LoggingConfiguration",
        put("LoggingFilter.Filters.0.Conditions.1.ActionCondition.Action", "*"),
    ),
    Weakness(
        "HASIVU-WAF-5",
        "a condition beside the others that the service refuses",
        "AWS::WAFv2::LoggingConfiguration",
        add("LoggingFilter.Filters.0.Conditions", {"ActionCondition": {"Action": ""}}),
    ),
    Weakness("HASIVU-API-10", "any TLS", API, put("SecurityPolicy", "")),
    Weakness(
        "HASIVU-SEC-5",
        "a secret under no name",
        "AWS::SecretsManager::Secret",
        every(
            put("GenerateSecretString.SecretStringTemplate", "{}"),
            put("GenerateSecretString.GenerateStringKey", ""),
        ),
    ),
)

WEAKNESSES = BY_THE_CLOCK + WATCHED + FUNCTIONS + CALLERS + RIGHTS + EVENTS + HISTORY + ELSEWHERE
