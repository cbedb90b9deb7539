"""secret-rotation: renews the secrets, a step at a time, as Secrets Manager asks for it.

The pepper of API keys is made here. The providers' values are made in their dashboards: an operator stages
one, and it becomes current once the provider takes it. Whatever is refused leaves the current value.
"""

import secrets
import string
from collections.abc import Mapping
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from runtime.access.peppers import Peppers, PeppersInvalid
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.whatsapp.client import WhatsAppClient
from runtime.platform import aws
from runtime.platform.api import LambdaContext
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.clock import Clock, SystemClock
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metric, Metrics, Unit
from runtime.platform.settings import SecretRotationSettings, load
from runtime.platform.telemetry import new_logger
from runtime.rotation import rules
from runtime.rotation.providers import razorpay_takes, whatsapp_takes
from runtime.rotation.refusals import DUE, VALUE_MALFORMED, RotationRefused
from runtime.rotation.steps import Document, Done, RotatedSecret, Rotation, staged_value

FUNCTION = "secret-rotation"
PEPPER_LENGTH = 64
_PEPPER_CHARACTERS = string.ascii_letters + string.digits
SECRETS_MANAGER = "secrets-manager"
"""Who acts, in the audit trail: nobody else may call this function."""

SECRET_ROTATED = Metric(
    "SecretRotated",
    Unit.COUNT,
    "rotated",
    frozenset({"razorpay", "razorpay-webhook", "whatsapp", "api-key-pepper"}),
)
SECRET_ROTATION_REFUSED = Metric("SecretRotationRefused", Unit.COUNT, "reason", frozenset({"due", "refused"}))
"""A rotation did not take place: nothing was staged (due), or the value was not taken (refused)."""
METRICS = (SECRET_ROTATED, SECRET_ROTATION_REFUSED)


def rotate(
    event: Event,
    context: LambdaContext,
    *,
    rotation: Rotation,
    audit: AuditTrail,
    logger: Logger,
    metrics: Metrics,
) -> None:
    """Do the one step that ``event`` asks for. Raises RotationRefused, which ends the rotation."""
    step, arn, token = (str(event.get(name, "")) for name in ("Step", "SecretId", "ClientRequestToken"))
    facts: dict[str, Any] = {"step": step, "rotation_id": token}
    try:
        rotated = rotation.secret(arn).name
        facts["rotated"] = rotated
        done = rotation.run(step, arn, token)
    except RotationRefused as refused:
        metrics.count(SECRET_ROTATION_REFUSED, "due" if refused.reason is DUE else "refused")
        logger.warning(
            "rotation refused",
            code=refused.reason.code,
            detail=refused.detail,
            next_step=refused.reason.next_step,
            **facts,
        )
        raise
    logger.info(done.value, **facts)
    if done is Done.ROTATED:
        metrics.count(SECRET_ROTATED, rotated)
        audit.append(
            AuditLine(
                actor_id=SECRETS_MANAGER,
                action="secrets.rotate",
                subject=rotated,
                outcome=Outcome.DONE,
                request_id=context.aws_request_id,
                details={"rotation_id": token},
            )
        )


def next_peppers(current: Document, *, clock: Clock) -> Document:
    """The current peppers and a new one, made by chance. Raises RotationRefused where there are none."""
    pepper = "".join(secrets.choice(_PEPPER_CHARACTERS) for _ in range(PEPPER_LENGTH))
    try:
        return Peppers.of(current).superseded_by(pepper, now=clock.now()).document()
    except PeppersInvalid as invalid:
        raise RotationRefused(VALUE_MALFORMED, f"No next pepper: {invalid}.") from None


def hold_peppers(current: Document, following: Document) -> None:
    """The ``following`` peppers change none of the ``current`` ones. Raises RotationRefused."""
    try:
        Peppers.of(current).hold_successor(Peppers.of(following))
    except PeppersInvalid as invalid:
        raise RotationRefused(VALUE_MALFORMED, f"Not the next peppers: {invalid}.") from None


def rotated_secrets(
    settings: SecretRotationSettings, *, clock: Clock, base_urls: Mapping[str, str], phone_number_id: str
) -> dict[str, RotatedSecret]:
    """How each secret is renewed, by its ARN. ``base_urls`` are those of ``razorpay`` and ``whatsapp``."""

    def ask_razorpay(keys: Document) -> None:
        razorpay_takes(
            RazorpayClient(
                key_id=keys["key_id"],
                key_secret=keys["key_secret"],
                base_url=base_urls["razorpay"],
                clock=clock,
            )
        )

    def ask_whatsapp(value: Document) -> None:
        whatsapp_takes(
            WhatsAppClient(
                phone_number_id=phone_number_id,
                access_token=value["access_token"],
                base_url=base_urls["whatsapp"],
                clock=clock,
            )
        )

    def next_keys(current: Document, staged: Document | None) -> Document:
        return rules.with_former_key(current, staged_value(current, staged))

    hold_keys = partial(rules.hold_razorpay, environment=settings.hasivu_env)
    return {
        settings.razorpay_secret_arn: RotatedSecret("razorpay", next_keys, hold_keys, ask_razorpay),
        settings.razorpay_webhook_secret_arn: RotatedSecret(
            "razorpay-webhook", staged_value, rules.hold_webhook, nobody_to_ask
        ),
        settings.whatsapp_secret_arn: RotatedSecret(
            "whatsapp", staged_value, rules.hold_whatsapp, ask_whatsapp
        ),
        settings.api_key_pepper_secret_arn: RotatedSecret(
            "api-key-pepper",
            lambda current, staged: next_peppers(current, clock=clock),  # nobody but chance makes a pepper
            hold_peppers,
            nobody_to_ask,
        ),
    }


def nobody_to_ask(value: Document) -> None:
    """A value that only we check: nobody outside could say more of it than its rules."""


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(SecretRotationSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    read_parameter = aws.parameter_reader()
    found = rotated_secrets(
        settings,
        clock=clock,
        base_urls={
            "razorpay": read_parameter(settings.razorpay_base_url_parameter),
            "whatsapp": read_parameter(settings.whatsapp_base_url_parameter),
        },
        phone_number_id=read_parameter(settings.whatsapp_phone_number_id_parameter),
    )
    rotation = Rotation(aws.secrets_manager(), found)
    audit = AuditTrail(aws.dynamodb(), settings.audit_table, clock, UlidIds(clock))
    metrics = Metrics(settings.hasivu_env, clock)

    def handle(event: Event, context: LambdaContext) -> Any:
        return rotate(event, context, rotation=rotation, audit=audit, logger=logger, metrics=metrics)

    return handle


handler = LambdaFunction(wire)
