"""payments-webhook-handler: takes Razorpay's events in, and applies them from its queue."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from runtime.payments.applier import EventApplier
from runtime.payments.inbox import BODY_BYTES_MAX, WebhookInbox
from runtime.payments.recorder import PaymentRecorder
from runtime.platform import aws, errors
from runtime.platform.api import Api, Contract, LambdaContext, Request, Response, Route
from runtime.platform.audit import AuditTrail
from runtime.platform.clock import SystemClock
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.settings import PaymentsWebhookHandlerSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-webhook-handler"


class WebhookAccepted(Contract):
    """The event is kept and will be applied. `duplicate` tells that it was kept before."""

    event_id: str
    duplicate: bool


RECEIVE = Route(
    method="POST",
    path="/v1/webhooks/razorpay",
    action="webhooks.razorpay.receive",
    summary="Receive an event from Razorpay",
    description=(
        "Authenticated by the HMAC-SHA256 of the raw body in X-Razorpay-Signature, "
        "under any live webhook secret. "
        "An event is kept once under X-Razorpay-Event-Id, acknowledged, and applied afterwards."
    ),
    raw_body=True,
    response=WebhookAccepted,
    body_bytes_max=BODY_BYTES_MAX,
    header_parameters=("X-Razorpay-Signature", "X-Razorpay-Event-Id"),
    problems=(
        errors.SIGNATURE_MISSING,
        errors.SIGNATURE_INVALID,
        errors.WEBHOOK_EVENT_UNKNOWN,
        errors.WEBHOOK_EVENT_ALTERED,
    ),
)
ROUTES = (RECEIVE,)


def api(inbox: Callable[[], WebhookInbox], audit: AuditTrail, logger: Logger) -> Api:
    """The route of this function in front of the inbox with the secrets of the moment."""

    def receive(request: Request) -> Response:
        receipt = inbox().receive(request.raw_body, request.headers)
        accepted = WebhookAccepted(event_id=receipt.event_id, duplicate=receipt.duplicate)
        return Response(200, accepted.model_dump())

    return Api([(RECEIVE, receive)], audit=audit, logger=logger)


def apply_batch(
    applier: EventApplier, logger: Logger, event: Event, context: LambdaContext
) -> dict[str, Any]:
    """Apply the events that a batch of messages names; what fails is named, and only that comes again."""

    def apply_one(record: Any) -> None:
        try:
            event_id = json.loads(record["body"])["event_id"]
            state = applier.apply(event_id, request_id=context.aws_request_id)
        except Exception:
            logger.exception("a message failed", message_id=record["messageId"])
            raise
        logger.info("event applied", event_id=event_id, state=state.value)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(dict(event), apply_one, processor))


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsWebhookHandlerSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    metrics = Metrics(settings.hasivu_env, clock)
    dynamodb, sqs = aws.dynamodb(), aws.sqs()
    read_secret = aws.secret_reader()
    recorder = PaymentRecorder.over(dynamodb, settings, clock=clock, ids=UlidIds(clock), metrics=metrics)
    applier = EventApplier(
        dynamodb, settings.webhook_events_table, recorder.repository, recorder, clock, metrics
    )

    def inbox() -> WebhookInbox:
        secrets = read_secret(settings.razorpay_webhook_secret_arn)["secrets"]
        return WebhookInbox(
            dynamodb,
            settings.webhook_events_table,
            sqs,
            settings.webhook_queue_url,
            tuple(secrets),
            clock,
            metrics,
        )

    receiving = api(inbox, recorder.audit, logger)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        if "Records" in event:
            return apply_batch(applier, logger, event, context)
        return receiving.handle(event, context)

    return handle


handler = LambdaFunction(wire)
