"""api-authorizer: establishes who is asking, from a Cognito id token or an API key.

API Gateway keeps the answer for a minute under the header, so it allows the whole stage; what a caller may do
is decided by each route. A caller that cannot be established gets 401 from the gateway's own response.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from runtime.access.api_keys import ApiKeyInvalid, ApiKeyVerifier, PepperUnknown
from runtime.access.peppers import Peppers
from runtime.access.signing_keys import JwksKeys
from runtime.access.tokens import KeysUnavailable, TokenInvalid, TokenVerifier
from runtime.gateways.errors import GatewayError
from runtime.gateways.transport import HttpRequest, HttpTransport
from runtime.platform import aws
from runtime.platform.api import ANONYMOUS, LambdaContext
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Principal, to_authorizer_context
from runtime.platform.clock import SystemClock
from runtime.platform.errors import UNAUTHENTICATED
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import OTHER, UNHEARD, Metric, Metrics, Unit
from runtime.platform.settings import ApiAuthorizerSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "api-authorizer"
HEADER_LENGTH_MAX = 9_000
JWKS_TIMEOUT_MS = 3_000

CALLER_REFUSED = Metric("CallerRefused", Unit.COUNT, "scheme", frozenset({"bearer", "apikey", OTHER}))
"""A credential that is none. Lambda counts the refusal as an error, for it is raised; it is none of ours."""
METRICS = (CALLER_REFUSED,)

BACK_OFFICES = "back-offices-"
"""Before the app client's id, the usage plan key of back offices without one of their own."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the key of the usage plan under which the gateway counts it. The key opens nothing."""

    principal: Principal
    usage_plan_key: str


Establish = Callable[[str], Caller]
"""Gives the caller behind the credential, or raises."""


class Unauthorized(Exception):
    """The text that API Gateway answers with 401; every other text would be a 500."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorise(
    event: Event,
    context: LambdaContext,
    *,
    schemes: Mapping[str, Establish],
    audit: AuditTrail,
    logger: Logger,
    metrics: Metrics = UNHEARD,
) -> dict[str, Any]:
    """The policy, context and usage plan key of the caller behind ``authorizationToken``.

    Raises Unauthorized.
    """
    scheme, _, credential = str(event.get("authorizationToken", ""))[:HEADER_LENGTH_MAX].partition(" ")
    establish = schemes.get(scheme.lower())
    try:
        if establish is None or not credential:
            raise TokenInvalid("no scheme of ours")
        caller = establish(credential.strip())
        if not caller.principal.roles:
            raise TokenInvalid("a caller without any role")
    except (TokenInvalid, ApiKeyInvalid) as refused:
        logger.info("refused", scheme=scheme[:16].lower(), cause=str(refused))
        metrics.count(CALLER_REFUSED, scheme.lower())
        _record(audit, logger, context.aws_request_id)
        raise Unauthorized from None
    except KeysUnavailable as unavailable:
        logger.error("the pool's keys cannot be read", cause=str(unavailable))
        raise
    return {
        "principalId": caller.principal.principal_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": _whole_stage(str(event["methodArn"])),
                }
            ],
        },
        "context": to_authorizer_context(caller.principal),
        "usageIdentifierKey": caller.usage_plan_key,
    }


def _record(audit: AuditTrail, logger: Logger, request_id: str) -> None:
    line = AuditLine(
        actor_id=ANONYMOUS,
        action="access.authorise",
        subject="api",
        outcome=Outcome.REFUSED,
        request_id=request_id,
        code=UNAUTHENTICATED.code,
    )
    try:
        audit.append(line)
    except Exception:
        logger.exception("the audit line of a refusal could not be written")


def _whole_stage(method_arn: str) -> str:
    """``arn:…:api/stage/GET/path`` as ``arn:…:api/stage/*``: the answer is kept for all methods."""
    api, stage = method_arn.split("/")[:2]
    return f"{api}/{stage}/*"


def by_api_key(
    verifier: ApiKeyVerifier, peppers: Callable[[bool], Peppers], *, shared_plan_key: str
) -> Establish:
    """Establishes who an API key belongs to; ``peppers`` gives those at hand, or (True) fresh ones.

    A key made right after a rotation names a pepper that the cache does not hold yet. Who has no usage plan
    of its own counts under ``shared_plan_key``.
    """

    def establish(text: str) -> Caller:
        try:
            holder = verifier.holder(text, peppers(False))
        except PepperUnknown:
            holder = verifier.holder(text, peppers(True))
        return Caller(holder.principal, holder.usage_plan_key or shared_plan_key)

    return establish


def jwks_fetcher(user_pool_id: str, transport: HttpTransport) -> Callable[[], bytes]:
    """Reads the key document that the pool publishes."""
    request = HttpRequest("jwks", "GET", f"/{user_pool_id}/.well-known/jwks.json", False)

    def fetch() -> bytes:
        try:
            answer = transport.send(request, timeout_ms=JWKS_TIMEOUT_MS)
        except GatewayError as error:
            raise KeysUnavailable(error.code) from None
        if answer.status != 200:
            raise KeysUnavailable(f"status {answer.status}")
        return answer.body

    return fetch


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(ApiAuthorizerSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    dynamodb = aws.dynamodb()
    read_secret = aws.secret_reader()
    host = f"cognito-idp.{settings.user_pool_id.partition('_')[0]}.amazonaws.com"
    transport = HttpTransport(
        gateway="cognito",
        base_url=settings.aws_endpoint_url or f"https://{host}",
        allowed_hosts=frozenset({host}),
        clock=clock,
    )
    tokens = TokenVerifier(
        issuer=f"https://{host}/{settings.user_pool_id}",
        client_id=settings.user_pool_client_id,
        keys=JwksKeys(jwks_fetcher(settings.user_pool_id, transport), clock),
    )
    api_keys = ApiKeyVerifier(dynamodb, settings.api_keys_table, settings.hasivu_env, clock)
    app = settings.user_pool_client_id

    schemes: dict[str, Establish] = {
        "bearer": lambda token: Caller(tokens.principal(token), app),
        "apikey": by_api_key(
            api_keys,
            lambda fresh: Peppers.of(read_secret(settings.api_key_pepper_secret_arn, fresh=fresh)),
            shared_plan_key=f"{BACK_OFFICES}{app}",
        ),
    }
    audit = AuditTrail(dynamodb, settings.audit_table, clock, UlidIds(clock))
    metrics = Metrics(settings.hasivu_env, clock)
    return lambda event, context: authorise(
        event, context, schemes=schemes, audit=audit, logger=logger, metrics=metrics
    )


handler = LambdaFunction(wire)
