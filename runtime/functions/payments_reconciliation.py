"""payments-reconciliation: sweeps open payments. The match of gateway, ledger and bank is not built yet."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.sweeps.repository import OpenPayments
from runtime.payments.sweeps.service import Sweeper
from runtime.platform import aws
from runtime.platform.api import LambdaContext
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.not_built import api, planned
from runtime.platform.settings import PaymentsReconciliationSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-reconciliation"

_MAY_READ = frozenset({Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset({Role.FINANCE, Role.OPERATOR, Role.ADMIN})

ROUTES = (
    planned(
        "GET",
        "/v1/reconciliations",
        action="reconciliations.list",
        summary="List reconciliations",
        roles=_MAY_READ,
    ),
    planned(
        "POST",
        "/v1/reconciliations",
        action="reconciliations.start",
        summary="Start a reconciliation",
        roles=_MAY_CHANGE,
    ),
    planned(
        "GET",
        "/v1/reconciliations/{reconciliation_id}",
        action="reconciliations.get",
        summary="Get a reconciliation",
        roles=_MAY_READ,
    ),
    planned(
        "GET",
        "/v1/reconciliations/{reconciliation_id}/exceptions",
        action="reconciliations.exceptions.list",
        summary="List what did not match",
        roles=_MAY_READ,
    ),
)

SWEEP_DEADLINE_MS = 4_000
SWEEP_RESERVE_MS = 10_000
"""A payment takes two calls at most, and what was heard has to be written."""


def sweep(sweeper: Sweeper, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Sweep as long as there is time for one more payment; gives the report."""
    report = sweeper.sweep(
        request_id=context.aws_request_id,
        may_go_on=lambda: context.get_remaining_time_in_millis() > SWEEP_RESERVE_MS,
    )
    logger.info("swept", **asdict(report))
    return asdict(report)


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsReconciliationSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    dynamodb = aws.dynamodb()
    read_secret, read_parameter = aws.secret_reader(), aws.parameter_reader()
    metrics = Metrics(settings.hasivu_env, clock)
    recorder = PaymentRecorder.over(dynamodb, settings, clock=clock, ids=UlidIds(clock), metrics=metrics)
    refusing = api(ROUTES, recorder.audit, logger, origins=settings.origins)

    def with_keys(keys: dict[str, str]) -> Sweeper:
        gateway = RazorpayClient(
            key_id=keys["key_id"],
            key_secret=keys["key_secret"],
            base_url=read_parameter(settings.razorpay_base_url_parameter),
            clock=clock,
            deadline_ms=SWEEP_DEADLINE_MS,
        )
        return Sweeper(
            payments=OpenPayments(dynamodb, settings.payments_table, settings.reconciliation_table),
            recorder=recorder,
            gateway=gateway,
            clock=clock,
            logger=logger,
            metrics=metrics,
        )

    sweepers = aws.Rotating(lambda: read_secret(settings.razorpay_secret_arn), with_keys)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        if event.get("task") == "sweep":
            return sweep(sweepers.current(), logger, context)
        return refusing.handle(event, context)

    return handle


handler = LambdaFunction(wire)
