"""The API as seen from outside: authentication, routing, faults, idempotency, errors, the request log."""

import base64
import binascii
import hmac
import json
import time

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from checks.sandbox.razorpay import idempotency
from checks.sandbox.razorpay.errors import (
    AUTHENTICATION_FAILED,
    SERVER,
    SERVER_TROUBLE,
    THROTTLED,
    UNKNOWN_URL,
    ApiError,
    not_applicable,
)
from checks.sandbox.razorpay.faults import BAD_GATEWAY_HTML, Fault, FaultPlan
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.request_body import json_object
from checks.sandbox.razorpay.routes import Call, Endpoint, url_map
from checks.sandbox.simulation.http_exchange import BadBody, drop_connection, json_answer, text_answer

TIMEOUTS = frozenset({"timeout_before", "timeout_after"})


class Api:
    """Answers everything under /v1."""

    def __init__(self, gw: Gateway, faults: FaultPlan) -> None:
        self._gw = gw
        self._faults = faults
        self._urls = url_map()

    def answer(self, request: Request) -> Response:
        started = time.monotonic()
        fault = self._faults.take(request.method, request.path)
        rule, key = None, None
        try:
            endpoint, ids = self._route(request)
            self._authenticate(request, endpoint)
            rule = endpoint.idempotency
            key = request.headers.get(rule.header) if rule else None
            response = self._served(request, endpoint, ids, fault, key)
        except ApiError as error:
            response = json_answer(error.body(), error.status)
        dropped = fault is not None and fault.kind in TIMEOUTS
        self._log(request, None if dropped else response.status_code, fault, key, started)
        return drop_connection(request) if dropped else response

    def _route(self, request: Request) -> tuple[Endpoint, dict[str, str]]:
        try:
            endpoint, ids = self._urls.bind_to_environ(request.environ).match()
        except HTTPException:
            raise ApiError(UNKNOWN_URL, source="NA", step="NA", reason="NA") from None
        return endpoint, dict(ids)

    def _authenticate(self, request: Request, endpoint: Endpoint) -> None:
        """HTTP Basic with key id and secret; both are always compared, in constant time."""
        key_id, secret = _basic(request.headers.get("Authorization", ""))
        id_fits = hmac.compare_digest(key_id.encode(), self._gw.key_id.encode())
        secret_fits = hmac.compare_digest(secret.encode(), self._gw.key_secret.encode())
        if not id_fits or not (secret_fits or (endpoint.key_only and secret == "")):
            raise not_applicable(AUTHENTICATION_FAILED, status=401)

    def _served(
        self, request: Request, endpoint: Endpoint, ids: dict[str, str], fault: Fault | None, key: str | None
    ) -> Response:
        if fault is not None and not fault.after_effect and fault.kind != "latency":
            return self._fail(fault)
        try:
            body = json_object(request)
        except BadBody as bad:
            raise ApiError(bad.message, status=bad.status) from None
        call = Call(
            body=body,
            query=request.args.to_dict(),
            expand=frozenset(request.args.getlist("expand[]") + request.args.getlist("expand")),
            ids=ids,
        )
        response = self._idempotent(request.path, endpoint, call, fault, key)
        if fault is not None and fault.after_effect and fault.kind != "latency":
            return self._fail(fault)
        return response

    def _idempotent(
        self, path: str, endpoint: Endpoint, call: Call, fault: Fault | None, key: str | None
    ) -> Response:
        rule = endpoint.idempotency
        if rule is None or key is None:
            return self._effect(endpoint, call, fault)
        with self._gw.lock:
            earlier = idempotency.claim(self._gw, rule, key, idempotency.fingerprint(path, call.body))
        if earlier is not None:
            return text_answer(earlier)
        answer: str | None = None
        try:
            response = self._effect(endpoint, call, fault)
            answer = response.get_data(as_text=True)
            return response
        finally:
            with self._gw.lock:
                idempotency.conclude(self._gw, rule, key, answer)

    def _effect(self, endpoint: Endpoint, call: Call, fault: Fault | None) -> Response:
        if fault is not None and fault.kind == "latency":
            self._hold(fault)
        with self._gw.lock:
            return text_answer(json.dumps(endpoint.serve(self._gw, call)))

    def _hold(self, fault: Fault) -> None:
        self._gw.stopping.wait(fault.hold_ms / 1000)

    def _fail(self, fault: Fault) -> Response:
        """The faulty answer; a timeout has none, its connection is dropped afterwards."""
        self._hold(fault)
        if fault.kind in TIMEOUTS:
            return Response(status=504)
        if fault.kind == "502_html":
            return text_answer(BAD_GATEWAY_HTML, 502, "text/html")
        if fault.kind == "429":
            error = not_applicable(THROTTLED, status=429)
        else:
            error = not_applicable(SERVER_TROUBLE, status=500, code=SERVER)
        return json_answer(error.body(), error.status)

    def _log(
        self, request: Request, status: int | None, fault: Fault | None, key: str | None, started: float
    ) -> None:
        """Path, status, idempotency key. Never credentials, query, body or a card."""
        with self._gw.lock:
            self._gw.requests.append(
                {
                    "at": self._gw.now(),
                    "method": request.method,
                    "path": request.path,
                    "status": status,
                    "idempotency_key": key,
                    "fault": fault.kind if fault else None,
                    "took_ms": int((time.monotonic() - started) * 1000),
                }
            )


def _basic(header: str) -> tuple[str, str]:
    """Key id and secret of an Authorization header; two empty strings if it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    key_id, _, secret = decoded.partition(":")
    return key_id, secret
