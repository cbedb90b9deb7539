"""Probes in the sandbox: nothing wrong with a clean deployment, and everything named that is done to it.

They run as the auditor's role with IAM enforced, so that the least privilege is proved by running.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from checks.checklist.model import Status
from checks.probes import deployed, emulator_limits, objectives
from checks.probes.auditor import auditor_session
from checks.probes.model import Look
from checks.probes.survey import Survey, survey
from checks.sandbox.sandbox import Sandbox

CPU_S_MAX = 20.0
"""Of this process: how long it takes is a matter of what else the machine does."""
FUNCTION = "hasivu-sandbox-payments-advanced"
QUEUE = "hasivu-sandbox-webhooks"
TABLE = "hasivu-sandbox-notifications"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def aws(sandbox: Sandbox) -> Client:
    """A client of a service, as administrator."""
    session: Any = sandbox.session()
    client: Client = session.client
    return client


@pytest.fixture(scope="module")
def look(sandbox: Sandbox) -> Callable[[], Survey]:
    """One look at everything: as the auditor, and at secrets as somebody who stages them."""
    admin = sandbox.session()
    auditor = auditor_session(admin, "sandbox")

    def once() -> Survey:
        return survey("sandbox", auditor, sandbox.layout.assembly, datetime.now(UTC), secrets_session=admin)

    return once


@pytest.fixture(scope="module")
def clean(look: Callable[[], Survey]) -> Survey:
    return look()


def wrong(found: Survey) -> list[str]:
    return [
        f"{proof.proof_id} {proof.status}: {proof.observed}"
        for proof in found.proofs
        if proof.status in (Status.FAILED, Status.ERROR)
    ]


def test_a_clean_deployment_gives_no_false_alarm(clean: Survey) -> None:
    assert wrong(clean) == []
    assert sum(proof.status is Status.PASSED for proof in clean.proofs) >= 46
    (values,) = (proof for proof in clean.proofs if proof.proof_id == "probe:secret-values")
    assert values.status is Status.PASSED


def test_what_is_not_there_is_not_evaluated_and_says_why(clean: Survey) -> None:
    for proof in clean.proofs:
        assert proof.on_emulator
        if proof.status is Status.NOT_EVALUATED:
            assert "emulator" in proof.observed or "no resource" in proof.observed, proof.proof_id
        else:
            assert proof.looked_at > 0


def test_everything_is_looked_at_in_time(look: Callable[[], Survey]) -> None:
    began_s = time.process_time()
    found = look()
    assert time.process_time() - began_s < CPU_S_MAX
    assert found.resources > 700
    assert found.compared > 3000


def test_no_limit_of_the_emulator_hides_what_it_does_show(
    look: Callable[[], Survey], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = dict(emulator_limits.LIMITS)
    monkeypatch.setattr("checks.probes.survey.LIMITS", {})
    differing = {
        (item.subject.kind, item.fact) for item in look().seen if item.look in (Look.DIFFERS, Look.ERROR)
    }
    assert set(limits) - differing == set()


def test_the_auditor_sees_no_secret_no_item_and_changes_nothing(sandbox: Sandbox) -> None:
    auditor: Any = auditor_session(sandbox.session(), "sandbox")
    attempts: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("secretsmanager", "get_secret_value", {"SecretId": "hasivu/sandbox/razorpay"}),
        ("dynamodb", "scan", {"TableName": TABLE}),
        ("dynamodb", "update_table", {"TableName": TABLE, "DeletionProtectionEnabled": True}),
        ("s3", "get_object", {"Bucket": "hasivu-sandbox-invoices", "Key": "x"}),
        ("s3", "delete_bucket_policy", {"Bucket": "hasivu-sandbox-invoices"}),
        ("lambda", "invoke", {"FunctionName": FUNCTION}),
        ("iam", "create_user", {"UserName": "somebody"}),
    )
    for service, operation, arguments in attempts:
        with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
            getattr(auditor.client(service), operation)(**arguments)


@dataclass(frozen=True)
class Mutation:
    """Something that is done to the running environment, and undone."""

    what: str
    probe: str
    do: Callable[[Client], object]
    undo: Callable[[Client], object]


def queue_url(aws: Client) -> str:
    return str(aws("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"])


def mutations(aws: Client) -> Iterator[Mutation]:  # noqa: PLR0915  (one after another)
    s3, ddb, sqs, sns = aws("s3"), aws("dynamodb"), aws("sqs"), aws("sns")
    functions, events, alarms = aws("lambda"), aws("events"), aws("cloudwatch")
    bucket, other = "hasivu-sandbox-uploads", "hasivu-sandbox-analytics"

    blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    yield Mutation(
        "a bucket made public",
        "bucket-public-access",
        lambda aws: s3.delete_public_access_block(Bucket=bucket),
        lambda aws: s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocks),
    )
    encryption = s3.get_bucket_encryption(Bucket=other)["ServerSideEncryptionConfiguration"]
    yield Mutation(
        "a bucket's key exchanged for AWS's own",
        "bucket-encryption",
        lambda aws: s3.put_bucket_encryption(
            Bucket=other,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
        lambda aws: s3.put_bucket_encryption(Bucket=other, ServerSideEncryptionConfiguration=encryption),
    )
    yield Mutation(
        "versions suspended",
        "bucket-versioning",
        lambda aws: s3.put_bucket_versioning(Bucket=other, VersioningConfiguration={"Status": "Suspended"}),
        lambda aws: s3.put_bucket_versioning(Bucket=other, VersioningConfiguration={"Status": "Enabled"}),
    )
    rules = s3.get_bucket_lifecycle_configuration(Bucket=other)["Rules"]
    yield Mutation(
        "a lifecycle removed",
        "bucket-lifecycle",
        lambda aws: s3.delete_bucket_lifecycle(Bucket=other),
        lambda aws: s3.put_bucket_lifecycle_configuration(
            Bucket=other, LifecycleConfiguration={"Rules": rules}
        ),
    )
    policy = s3.get_bucket_policy(Bucket=other)["Policy"]
    opened = json.loads(policy)
    stranger = {"AWS": "arn:aws:iam::210987654321:root"}
    opened["Statement"].append(
        {**OPEN, "Principal": stranger, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{other}/*"}
    )
    yield Mutation(
        "a bucket opened to a stranger",
        "bucket-policy",
        lambda aws: s3.put_bucket_policy(Bucket=other, Policy=json.dumps(opened)),
        lambda aws: s3.put_bucket_policy(Bucket=other, Policy=policy),
    )
    cors = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    yield Mutation(
        "any origin let in",
        "bucket-cors",
        lambda aws: s3.put_bucket_cors(
            Bucket=bucket,
            CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
        ),
        lambda aws: s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors}),
    )
    ttl = ddb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]["AttributeName"]
    yield Mutation(
        "expiry switched off",
        "table-expiry",
        lambda aws: ddb.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification={"Enabled": False, "AttributeName": ttl}
        ),
        lambda aws: ddb.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl}
        ),
    )
    yield Mutation(
        "recovery switched off",
        "table-recovery",
        lambda aws: ddb.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
        ),
        lambda aws: ddb.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        ),
    )
    url = queue_url(aws)
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    yield Mutation(
        "a queue's redrive removed",
        "queue-redrive",
        lambda aws: sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""}),
        lambda aws: sqs.set_queue_attributes(
            QueueUrl=url, Attributes={"RedrivePolicy": before["RedrivePolicy"]}
        ),
    )
    yield Mutation(
        "a queue forgets after a minute",
        "queue-settings",
        lambda aws: sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"}),
        lambda aws: sqs.set_queue_attributes(
            QueueUrl=url, Attributes={"MessageRetentionPeriod": before["MessageRetentionPeriod"]}
        ),
    )
    yield Mutation(
        "anybody may send to a queue",
        "queue-policy",
        lambda aws: sqs.set_queue_attributes(
            QueueUrl=url,
            Attributes={
                "Policy": json.dumps(
                    {"Version": "2012-10-17", "Statement": [{**OPEN, "Action": "sqs:SendMessage"}]}
                )
            },
        ),
        lambda aws: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": before.get("Policy", "")}),
    )
    topic = next(
        item["TopicArn"] for item in sns.list_topics()["Topics"] if item["TopicArn"].endswith("-alarms-page")
    )
    key = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]
    yield Mutation(
        "a topic's encryption switched off",
        "topic-encryption",
        lambda aws: sns.set_topic_attributes(
            TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=""
        ),
        lambda aws: sns.set_topic_attributes(
            TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key
        ),
    )
    alarm = alarms.describe_alarms(AlarmNamePrefix="hasivu-sandbox-governance")["MetricAlarms"][0][
        "AlarmName"
    ]
    yield Mutation(
        "an alarm silenced",
        "alarms",
        lambda aws: alarms.disable_alarm_actions(AlarmNames=[alarm]),
        lambda aws: alarms.enable_alarm_actions(AlarmNames=[alarm]),
    )
    code = functions.publish_version
    yield Mutation(
        "an alias moved to what is not deployed",
        "function-aliases",
        lambda aws: (
            functions.update_alias(
                FunctionName=FUNCTION, Name="live", FunctionVersion=code(FunctionName=FUNCTION)["Version"]
            )
            and functions.update_alias(FunctionName=FUNCTION, Name="live", FunctionVersion="$LATEST")
        ),
        lambda aws: functions.update_alias(FunctionName=FUNCTION, Name="live", FunctionVersion="1"),
    )
    memory = functions.get_function_configuration(FunctionName=FUNCTION)["MemorySize"]
    variables = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    yield Mutation(
        "a function's memory taken",
        "function-settings",
        lambda aws: functions.update_function_configuration(FunctionName=FUNCTION, MemorySize=128),
        lambda aws: functions.update_function_configuration(FunctionName=FUNCTION, MemorySize=memory),
    )
    yield Mutation(
        "a function's variable added",
        "function-variables",
        lambda aws: functions.update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": {**variables, "DEBUG": "everything"}}
        ),
        lambda aws: functions.update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": variables}
        ),
    )
    yield Mutation(
        "a stranger may call a function",
        "function-callers",
        lambda aws: functions.add_permission(
            FunctionName=FUNCTION,
            Qualifier="live",
            StatementId="stranger",
            Action="lambda:InvokeFunction",
            Principal="210987654321",
        ),
        lambda aws: functions.remove_permission(
            FunctionName=FUNCTION, Qualifier="live", StatementId="stranger"
        ),
    )
    yield Mutation(
        "a function is held to no call at all",
        "function-concurrency",
        lambda aws: functions.put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=0),
        lambda aws: functions.delete_function_concurrency(FunctionName=FUNCTION),
    )
    mapping = functions.list_event_source_mappings()["EventSourceMappings"][0]["UUID"]
    yield Mutation(
        "an event source disabled",
        "event-sources",
        lambda aws: functions.update_event_source_mapping(UUID=mapping, Enabled=False),
        lambda aws: functions.update_event_source_mapping(UUID=mapping, Enabled=True),
    )
    rule = {"Name": "hasivu-sandbox-payment-events", "EventBusName": "hasivu-sandbox-events"}
    yield Mutation(
        "an event rule disabled",
        "event-rules",
        lambda aws: events.disable_rule(**rule),
        lambda aws: events.enable_rule(**rule),
    )
    schedules = aws("scheduler")
    schedule = schedules.get_schedule(Name=schedules.list_schedules()["Schedules"][0]["Name"])
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target", "Description")
    given = {name: schedule[name] for name in kept}
    yield Mutation(
        "a schedule disabled",
        "schedules",
        lambda aws: schedules.update_schedule(**given, State="DISABLED"),
        lambda aws: schedules.update_schedule(**given, State="ENABLED"),
    )
    logs = aws("logs")
    group = logs.describe_log_groups(logGroupNamePrefix="/aws/cloudformation/hasivu-sandbox-api")[
        "logGroups"
    ][0]
    yield Mutation(
        "a log forgets after a day",
        "log-retention",
        lambda aws: logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=1),
        lambda aws: logs.put_retention_policy(
            logGroupName=group["logGroupName"], retentionInDays=group["retentionInDays"]
        ),
    )
    kms = aws("kms")
    keys = [
        item["TargetKeyId"]
        for item in kms.list_aliases()["Aliases"]
        if "hasivu" in item["AliasName"] and not item["AliasName"].endswith("/audit-seal")  # it signs
    ]
    yield Mutation(
        "a key's rotation switched off",
        "key-rotation",
        lambda aws: kms.disable_key_rotation(KeyId=keys[0]),
        lambda aws: kms.enable_key_rotation(KeyId=keys[0]),
    )
    iam = aws("iam")
    yield Mutation(
        "a role given everything",
        "roles",
        lambda aws: iam.attach_role_policy(
            RoleName="hasivu-sandbox-auditor", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        ),
        lambda aws: iam.detach_role_policy(
            RoleName="hasivu-sandbox-auditor", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        ),
    )
    ssm = aws("ssm")
    name = "/hasivu/sandbox/mail/sender"
    sender = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    yield Mutation(
        "a parameter changed",
        "parameters",
        lambda aws: ssm.put_parameter(Name=name, Value="else@hasivu.example", Overwrite=True),
        lambda aws: ssm.put_parameter(Name=name, Value=sender, Overwrite=True),
    )
    secrets = aws("secretsmanager")
    secret = secrets.get_secret_value(SecretId="hasivu/sandbox/razorpay")["SecretString"]
    yield Mutation(
        "a secret emptied",
        "secret-values",
        lambda aws: secrets.put_secret_value(SecretId="hasivu/sandbox/razorpay", SecretString="{}"),
        lambda aws: secrets.put_secret_value(SecretId="hasivu/sandbox/razorpay", SecretString=secret),
    )
    pools = aws("cognito-idp")
    pool = pools.list_user_pools(MaxResults=5)["UserPools"][0]["Id"]
    policies = pools.describe_user_pool(UserPoolId=pool)["UserPool"]["Policies"]
    weak = {"PasswordPolicy": {**policies["PasswordPolicy"], "MinimumLength": 6}}
    yield Mutation(
        "short passwords taken",
        "user-pool",
        lambda aws: pools.update_user_pool(UserPoolId=pool, Policies=weak),
        lambda aws: pools.update_user_pool(UserPoolId=pool, Policies=policies),
    )
    api = aws("apigateway")
    api_id = api.get_rest_apis()["items"][0]["id"]
    rate = "/*/*/throttling/rateLimit"
    yield Mutation(
        "the API's throttling raised",
        "api-stage",
        lambda aws: api.update_stage(
            restApiId=api_id,
            stageName="live",
            patchOperations=[{"op": "replace", "path": rate, "value": "9999"}],
        ),
        lambda aws: api.update_stage(
            restApiId=api_id,
            stageName="live",
            patchOperations=[{"op": "replace", "path": rate, "value": "1000"}],
        ),
    )
    yield from leaks(aws, topic=topic, group=group["logGroupName"])
    boards = alarms.list_dashboards()["DashboardEntries"][0]["DashboardName"]
    body = alarms.get_dashboard(DashboardName=boards)["DashboardBody"]
    retry = "hasivu-sandbox-payments-retry"
    yield Mutation(
        "the version before deleted",
        "previous-versions",
        lambda aws: third_without_second(functions, retry),
        lambda aws: functions.update_alias(FunctionName=retry, Name="live", FunctionVersion="1"),
    )
    check = "hasivu-sandbox-health-check"
    handler = functions.get_function_configuration(FunctionName=check)["Handler"]
    yield Mutation(
        "the health check broken",
        "health",
        lambda aws: (
            functions.update_function_configuration(FunctionName=check, Handler="nowhere.handler")
            and functions.update_alias(FunctionName=check, Name="live", FunctionVersion="$LATEST")
        ),
        lambda aws: (
            functions.update_alias(FunctionName=check, Name="live", FunctionVersion="1")
            and functions.update_function_configuration(FunctionName=check, Handler=handler)
        ),
    )
    yield Mutation(
        "a dashboard emptied",
        "dashboards",
        lambda aws: alarms.put_dashboard(DashboardName=boards, DashboardBody='{"widgets": []}'),
        lambda aws: alarms.put_dashboard(DashboardName=boards, DashboardBody=body),
    )


def leaks(aws: Client, *, topic: str, group: str) -> Iterator[Mutation]:
    """What nobody changed, but somebody added beside it."""
    ddb, sns, logs, kms, secrets = (
        aws(name) for name in ("dynamodb", "sns", "logs", "kms", "secretsmanager")
    )
    s3, functions, events = aws("s3"), aws("lambda"), aws("events")
    stranger = "arn:aws:iam::210987654321:root"
    yield Mutation(
        "a table added by hand",
        "nothing-beside",
        lambda aws: ddb.create_table(
            TableName="hasivu-sandbox-planted",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        ),
        lambda aws: ddb.delete_table(TableName="hasivu-sandbox-planted"),
    )
    yield Mutation(
        "a log group added by hand",
        "nothing-beside",
        lambda aws: logs.create_log_group(logGroupName="/aws/lambda/hasivu-sandbox-planted"),
        lambda aws: logs.delete_log_group(logGroupName="/aws/lambda/hasivu-sandbox-planted"),
    )
    leak = "arn:aws:sqs:ap-south-1:210987654321:leak"
    yield Mutation(
        "a stranger listens",
        "topic-subscriptions",
        lambda aws: sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=leak),
        lambda aws: [
            sns.unsubscribe(SubscriptionArn=item["SubscriptionArn"])
            for item in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            if item["Endpoint"] == leak
        ],
    )
    function = functions.get_function_configuration(FunctionName=FUNCTION)["FunctionArn"]
    yield Mutation(
        "log lines sent on",
        "log-encryption",
        lambda aws: logs.put_subscription_filter(
            logGroupName=group, filterName="planted", filterPattern="", destinationArn=function
        ),
        lambda aws: logs.delete_subscription_filter(logGroupName=group, filterName="planted"),
    )
    alias = next(item for item in kms.list_aliases()["Aliases"] if "hasivu" in item["AliasName"])
    key = {"KeyId": alias["TargetKeyId"]}
    yield Mutation(
        "a key granted to a stranger",
        "keys",
        lambda aws: kms.create_grant(**key, GranteePrincipal=stranger, Operations=["Decrypt"]),
        lambda aws: [
            kms.revoke_grant(**key, GrantId=item["GrantId"])
            for item in kms.list_grants(**key)["Grants"]
            if item["GranteePrincipal"] == stranger
        ],
    )
    reader = {"Effect": "Allow", "Principal": {"AWS": stranger}, "Action": "secretsmanager:GetSecretValue"}
    document = {"Version": "2012-10-17", "Statement": [{**reader, "Resource": "*"}]}
    yield Mutation(
        "a secret opened to a stranger",
        "secrets",
        lambda aws: secrets.put_resource_policy(
            SecretId="hasivu/sandbox/whatsapp", ResourcePolicy=json.dumps(document)
        ),
        lambda aws: secrets.delete_resource_policy(SecretId="hasivu/sandbox/whatsapp"),
    )
    website = {"IndexDocument": {"Suffix": "index.html"}}
    yield Mutation(
        "a bucket made a website",
        "bucket-copies",
        lambda aws: s3.put_bucket_website(Bucket="hasivu-sandbox-ml-models", WebsiteConfiguration=website),
        lambda aws: s3.delete_bucket_website(Bucket="hasivu-sandbox-ml-models"),
    )
    bus = {"Name": "planted", "EventBusName": "hasivu-sandbox-events"}
    yield Mutation(
        "a rule of a stranger on the bus",
        "event-rules",
        lambda aws: events.put_rule(**bus, EventPattern='{"source": ["hasivu.payments"]}'),
        lambda aws: events.delete_rule(**bus),
    )


def third_without_second(functions: Any, name: str) -> None:
    """Point callers to a third version whose predecessor is gone. What is unchanged gets no new version."""
    description = functions.get_function_configuration(FunctionName=name)["Description"]
    made = []
    for text in ("second", "third"):
        functions.update_function_configuration(FunctionName=name, Description=text)
        made.append(functions.publish_version(FunctionName=name)["Version"])
    functions.update_function_configuration(FunctionName=name, Description=description)
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=made[1])
    functions.delete_function(FunctionName=name, Qualifier=made[0])


def test_everything_that_is_done_to_it_is_named(
    look: Callable[[], Survey], aws: Client, clean: Survey, sandbox: Sandbox
) -> None:
    assert wrong(clean) == []
    done: list[Mutation] = []
    try:
        for mutation in list(mutations(aws)):
            mutation.do(aws)
            done.append(mutation)
        failed = {proof.proof_id for proof in look().proofs if proof.status is Status.FAILED}
    finally:
        for mutation in reversed(done):
            mutation.undo(aws)

    missed = [item.what for item in done if f"probe:{item.probe}" not in failed]
    assert missed == []
    innocent = failed - {f"probe:{item.probe}" for item in done}
    assert innocent <= {"probe:running-code"}, "nothing else was done"
    assert wrong(look()) == []


@dataclass(frozen=True)
class Figures:
    """What is counted in an hour in which all is well, and what in one that misses the objective."""

    probe: str
    sound: tuple[dict[str, Any], ...]
    missed: tuple[dict[str, Any], ...]
    kept: int
    """How many sound ones make up for what was missed."""


def counted(namespace: str, name: str, value: float, times: int = 1, **dimensions: str) -> dict[str, Any]:
    """A metric's values of the hour before the last whole one."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(minutes=90)
    return {
        "Namespace": namespace,
        "MetricData": [
            {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": inner} for key, inner in dimensions.items()],
                "Timestamp": hour,
                "Values": [value],
                "Counts": [times],
            }
        ],
    }


OWN, API = "HASIVU/sandbox", {"ApiName": "hasivu-sandbox", "Stage": "live"}
FIGURES = (
    Figures(
        probe="payment-success",
        sound=(counted(OWN, "PaymentCaptured", 1, 200),),
        missed=(counted(OWN, "PaymentFailed", 1, 20),),
        kept=10,
    ),
    Figures(
        probe="latency",
        sound=(
            counted("AWS/ApiGateway", "Count", 1, 500, **API),
            counted("AWS/ApiGateway", "Latency", 100, 500, **API),
        ),
        missed=(counted("AWS/ApiGateway", "Latency", 9_000, 100, **API),),
        kept=10,
    ),
    Figures(
        probe="error-rate",
        sound=(counted("AWS/Lambda", "Invocations", 1, 1_000, FunctionName=FUNCTION),),
        missed=(counted("AWS/Lambda", "Errors", 1, 20, FunctionName=FUNCTION),),
        kept=10,
    ),
    Figures(
        probe="availability",
        sound=(counted("AWS/ApiGateway", "Count", 1, 1_000, **API),),
        missed=(counted("AWS/ApiGateway", "5XXError", 1, 10, **API),),
        kept=10,
    ),
)


def test_what_is_measured_is_judged_as_the_auditor_sees_it(
    look: Callable[[], Survey], aws: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator's figures are none of AWS's, so nothing of it is believed unless it is told to be."""
    metrics = aws("cloudwatch")

    def put(given: Iterable[dict[str, Any]]) -> None:
        for each in given:
            metrics.put_metric_data(**each)

    def those_that_are(status: Status) -> set[str]:
        return {
            item.proof_id for item in look().proofs if item.proof_id in everyone and item.status is status
        }

    everyone = {f"probe:{figures.probe}" for figures in FIGURES}
    assert those_that_are(Status.NOT_EVALUATED) == everyone
    monkeypatch.setattr(objectives, "EMULATOR_LACKS", "")
    put(each for figures in FIGURES for each in figures.sound)
    assert those_that_are(Status.FAILED) == set()
    put(each for figures in FIGURES for each in figures.missed)
    assert those_that_are(Status.FAILED) == everyone
    put(each for figures in FIGURES for each in figures.sound * figures.kept)
    assert those_that_are(Status.FAILED) == set()


@pytest.mark.parametrize(
    "what", ["an alarm deleted", "a subscription removed", "other code", "a changed stack"]
)
def test_what_cannot_be_undone_is_named(
    what: str, look: Callable[[], Survey], aws: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last in this file: each is put back as far as the emulator lets us."""
    probe = {
        "an alarm deleted": "alarms",
        "a subscription removed": "topic-subscriptions",
        "other code": "running-code",
        "a changed stack": "running-templates",
    }[what]
    undo = irreversible(what, aws, monkeypatch)
    found = look()
    undo()
    (proof,) = (item for item in found.proofs if item.proof_id == f"probe:{probe}")
    assert proof.status is Status.FAILED, proof.observed
    assert proof.against


def irreversible(what: str, aws: Client, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    alarms, sns = aws("cloudwatch"), aws("sns")
    if what == "an alarm deleted":
        alarm = alarms.describe_alarms(AlarmNamePrefix="hasivu-sandbox-api")["MetricAlarms"]
        alarm = (alarm or alarms.describe_alarms()["MetricAlarms"])[0]
        alarms.delete_alarms(AlarmNames=[alarm["AlarmName"]])
        taken = ("AlarmArn", "AlarmConfigurationUpdatedTimestamp", "EvaluationState")
        given = {
            key: value
            for key, value in alarm.items()
            if key not in taken and not key.startswith("State") and value not in ([], None)
        }
        return lambda: alarms.put_metric_alarm(**given)
    if what == "a subscription removed":
        found = sns.list_subscriptions()["Subscriptions"][0]
        sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
        return lambda: sns.subscribe(
            TopicArn=found["TopicArn"], Protocol=found["Protocol"], Endpoint=found["Endpoint"]
        )
    if what == "other code":
        original = deployed._sha256_of_zip
        monkeypatch.setattr(deployed, "_sha256_of_zip", lambda zipped: original(zipped)[::-1])
        return monkeypatch.undo
    client = aws("cloudformation")
    name = "hasivu-sandbox-insights"
    template = client.get_template(StackName=name)["TemplateBody"]
    changed = json.loads(json.dumps(template))
    changed["Description"] = "changed by hand"
    changed.setdefault("Outputs", {})["Planted"] = {"Value": "planted"}
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    client.update_stack(StackName=name, TemplateBody=json.dumps(changed), Capabilities=capabilities)
    return lambda: client.update_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=capabilities
    )
