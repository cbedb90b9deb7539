"""notification-dispatcher: tells people what they must hear, and keeps what WhatsApp says became of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from runtime.gateways.mail.client import CLIENT_OPTIONS, SesMailer
from runtime.gateways.whatsapp.client import WhatsAppClient
from runtime.gateways.whatsapp.webhooks import (
    MalformedWebhook,
    challenge_answer,
    parse_statuses,
    signature_is_valid,
)
from runtime.notifications.dispatcher import Dispatcher, Look, Withheld
from runtime.notifications.events import News, read_event
from runtime.notifications.repository import NotificationRepository
from runtime.payments.links.reminders.model import REMINDER_DUE
from runtime.payments.links.reminders.rules import NO_SUCH_REMINDER, withheld_for
from runtime.payments.links.repository import LinkRepository
from runtime.platform import aws, errors
from runtime.platform.api import Api, Contract, LambdaContext, Request, Response, Route
from runtime.platform.audit import AuditTrail
from runtime.platform.clock import Clock, SystemClock
from runtime.platform.contacts import Contacts
from runtime.platform.errors import Problem
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.schools import SchoolRegister
from runtime.platform.settings import NotificationDispatcherSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "notification-dispatcher"
BODY_BYTES_MAX = 3 * 1024 * 1024
"""Meta documents webhook payloads of up to three megabytes."""


class StatusesKept(Contract):
    """How many statuses moved a message of ours forward."""

    kept: int


CHALLENGE = Route(
    method="GET",
    path="/v1/webhooks/whatsapp",
    action="webhooks.whatsapp.verify",
    summary="Answer WhatsApp's handshake",
    description="Gives hub.challenge back as plain text when hub.verify_token is ours.",
    response=None,
    problems=(errors.SIGNATURE_INVALID,),
)
STATUSES = Route(
    method="POST",
    path="/v1/webhooks/whatsapp",
    action="webhooks.whatsapp.receive",
    summary="Receive statuses from WhatsApp",
    description=(
        "Authenticated by the HMAC-SHA256 of the raw body in X-Hub-Signature-256, under any live app secret."
    ),
    raw_body=True,
    response=StatusesKept,
    body_bytes_max=BODY_BYTES_MAX,
    header_parameters=("X-Hub-Signature-256",),
    problems=(errors.SIGNATURE_MISSING, errors.SIGNATURE_INVALID),
)
ROUTES = (CHALLENGE, STATUSES)


def api(
    dispatcher: Dispatcher, secret: Callable[[], Mapping[str, Any]], audit: AuditTrail, logger: Logger
) -> Api:
    """The webhook's routes."""

    def challenge(request: Request) -> Response:
        answer = challenge_answer(request.raw_query, secret()["verify_token"])
        if answer is None:
            raise Problem(errors.SIGNATURE_INVALID, "The handshake does not carry our verify token.")
        return Response(200, text=answer)

    def statuses(request: Request) -> Response:
        if len(request.raw_body) > BODY_BYTES_MAX:
            raise Problem(errors.BODY_TOO_LARGE, f"A report has at most {BODY_BYTES_MAX} bytes.")
        signature = request.headers.get("x-hub-signature-256")
        if not signature:
            raise Problem(errors.SIGNATURE_MISSING, "The header X-Hub-Signature-256 is missing.")
        if not signature_is_valid(request.raw_body, signature, secret()["app_secrets"]):
            raise Problem(errors.SIGNATURE_INVALID, "The body was not signed with a live app secret.")
        try:
            batch = parse_statuses(request.raw_body)
        except MalformedWebhook as malformed:
            raise Problem(errors.BODY_MALFORMED, f"Not an envelope: {malformed}.") from None
        if batch.unreadable:
            logger.warning("statuses of unknown shape", count=batch.unreadable)
        kept = sum(dispatcher.keep_status(status) for status in batch.statuses)
        return Response(200, StatusesKept(kept=kept).model_dump())

    return Api([(CHALLENGE, challenge), (STATUSES, statuses)], audit=audit, logger=logger)


def dispatch_batch(
    dispatcher: Dispatcher, logger: Logger, event: Event, context: LambdaContext
) -> dict[str, Any]:
    """Send what a batch of messages calls for; what could not be sent comes again, and only that."""

    def dispatch_one(record: Any) -> None:
        try:
            news = read_event(record["body"])
            earlier = int(record["attributes"]["ApproximateReceiveCount"]) - 1
            state = dispatcher.dispatch(news, attempt=earlier, request_id=context.aws_request_id)
        except Exception:
            logger.exception("a message failed", message_id=record["messageId"])
            raise
        logger.info("news dispatched", subject=news.subject, state=state.value if state else "nothing to do")

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(dict(event), dispatch_one, processor))


def reminder_look(links: LinkRepository, clock: Clock) -> Look:
    """A reminder as its link stands now: with what is still due, or withheld."""

    def look(news: News) -> News | Withheld:
        link = links.get(news.subject)
        if link is None:
            return Withheld(NO_SUCH_REMINDER)
        code = withheld_for(link, news.message_key, clock.now())
        if code is not None:
            return Withheld(code)
        return replace(news, amount_paise=link.due_paise, page=link.short_url, ends_at=link.expires_at)

    return look


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(NotificationDispatcherSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    dynamodb = aws.dynamodb()
    read_secret, read_parameter = aws.secret_reader(), aws.parameter_reader()
    ids = UlidIds(clock)
    audit = AuditTrail(dynamodb, settings.audit_table, clock, ids)
    ses = aws.ses(CLIENT_OPTIONS)

    def secret() -> dict[str, Any]:
        return read_secret(settings.whatsapp_secret_arn)

    def whatsapp(current: dict[str, Any]) -> WhatsAppClient:
        return WhatsAppClient(
            phone_number_id=read_parameter(settings.whatsapp_phone_number_id_parameter),
            access_token=current["access_token"],
            base_url=read_parameter(settings.whatsapp_base_url_parameter),
            clock=clock,
        )

    dispatcher = Dispatcher(
        notifications=NotificationRepository(dynamodb, settings.notifications_table, clock, ids),
        contacts=Contacts(aws.cognito(), settings.user_pool_id),
        schools=SchoolRegister(dynamodb, settings.schools_table),
        whatsapp=aws.Rotating(secret, whatsapp).current,
        mailer=lambda: SesMailer(ses, sender=read_parameter(settings.mail_sender_parameter)),
        audit=audit,
        logger=logger,
        metrics=Metrics(settings.hasivu_env, clock),
        looks={REMINDER_DUE: reminder_look(LinkRepository(dynamodb, settings.payments_table), clock)},
    )
    receiving = api(dispatcher, secret, audit, logger)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        if "Records" in event:
            return dispatch_batch(dispatcher, logger, event, context)
        return receiving.handle(event, context)

    return handle


handler = LambdaFunction(wire)
