"""Of the sound estate: who is let in to deliver alarms, events, dead letters and access logs."""

from typing import Any

from tests.checks.rules.building import Body, allow, arn, of_our_account, ref

ACCOUNT = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
LOGS_OF = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": of_our_account("logs", "log-group:*")}}


def lets_in(service: str, actions: Any, on: Any, condition: Body) -> Body:
    return allow(actions, on, Principal={"Service": f"{service}.amazonaws.com"}, Condition=condition)


KEY_FOR_DELIVERIES = (
    *(
        lets_in(service, ["kms:Decrypt", "kms:GenerateDataKey"], "*", condition)
        for service, condition in (
            ("cloudwatch", ACCOUNT),
            ("events", ACCOUNT),
            ("logs.ap-south-1", LOGS_OF),
        )
    ),
    lets_in("events", "kms:DescribeKey", "*", ACCOUNT),
)

LETTERS = (
    lets_in("events", "sqs:SendMessage", arn("DeadLetters"), ACCOUNT),
    lets_in("sns", "sqs:SendMessage", arn("DeadLetters"), {"ArnEquals": {"aws:SourceArn": ref("Topic")}}),
)


def alarms_into(topic: str) -> Body:
    return lets_in("cloudwatch", "sns:Publish", ref(topic), ACCOUNT)


def access_logs_of(*buckets: str) -> tuple[Body, ...]:
    """What lets S3 write what it logs of ``buckets`` (logical ids) under their own prefixes."""
    return tuple(
        lets_in(
            "logging.s3",
            "s3:PutObject",
            {"Fn::Join": ["", [arn("AccessLogs"), f"/{name}/*"]]},
            ACCOUNT | {"ArnLike": {"aws:SourceArn": arn(name)}},
        )
        for name in buckets
    )


def logged(name: str) -> Body:
    """The bucket ``name`` (a logical id) says where its access logs go."""
    return {
        "LoggingConfiguration": {
            "DestinationBucketName": ref("AccessLogs"),
            "LogFilePrefix": f"{name}/",
        }
    }


def may_call(alias: str, operation: str) -> Body:
    """API Gateway may call ``alias`` for ``operation`` (``live/GET/health``)."""
    source = ["arn:aws:execute-api:ap-south-1:", ref("AWS::AccountId"), ":", ref("Api"), f"/{operation}"]
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": ref(alias),
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": {"Fn::Join": ["", source]},
        },
    }
