"""The calls of the Graph API that are simulated: `POST /{version}/{phone_number_id}/messages`, and `GET` of
the number itself."""

import hmac
import re
import threading
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

from checks.sandbox.simulation.http_exchange import (
    HTML,
    BadBody,
    drop_connection,
    json_answer,
    json_value,
    text_answer,
)
from checks.sandbox.whatsapp.account import Account
from checks.sandbox.whatsapp.faults import BAD_GATEWAY_HTML, Fault, FaultPlan
from checks.sandbox.whatsapp.graph_errors import GraphError
from checks.sandbox.whatsapp.sending import Sending, read_sending

_PATH = re.compile(r"/v\d{1,2}\.\d/(\d{1,20})(/messages)?")


class GraphApi:
    """Answers sending calls: the documented answer, a documented error, or a planned fault."""

    def __init__(self, account: Account, faults: FaultPlan, token: str) -> None:
        self._account = account
        self._faults = faults
        self._authorization = f"Bearer {token}".encode()
        self._calls = 0
        self._guard = threading.Lock()
        self.stopping = threading.Event()

    def answer(self, request: Request) -> Response:
        trace = self._trace()
        try:
            return self._answered(request)
        except GraphError as error:
            return json_answer(error.body(trace), error.status)

    def _answered(self, request: Request) -> Response:
        path = _PATH.fullmatch(request.path)
        if path is None or request.method != ("POST" if path.group(2) else "GET"):
            raise GraphError(100, "Unknown path or method.")
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._authorization):
            raise GraphError(190)
        if path.group(1) != self._account.phone_number_id:
            raise GraphError(100, "The phone number id does not exist, or the token may not use it.")
        if not path.group(2):
            return json_answer({"id": path.group(1)})
        try:
            sending = read_sending(json_value(request))
        except BadBody as bad:
            raise GraphError(100, bad.message) from None
        fault = self._faults.take(sending.to)
        if fault is None:
            return json_answer(self._accepted(sending))
        return self._with_fault(request, sending, fault)

    def _accepted(self, sending: Sending, fails_with: GraphError | None = None) -> dict[str, Any]:
        with self._account.lock:
            message = self._account.accept(sending, fails_with=fails_with)
        return {
            "messaging_product": "whatsapp",
            "contacts": [{"input": f"+{sending.to}", "wa_id": sending.to}],
            "messages": [{"id": message["id"], "message_status": "accepted"}],
        }

    def _with_fault(self, request: Request, sending: Sending, fault: Fault) -> Response:
        if fault.kind == "undelivered":
            return json_answer(self._accepted(sending, fails_with=GraphError(fault.code)))
        if fault.after_effect:
            self._accepted(sending)
        answers: dict[str, Callable[[], Response]] = {
            "429": lambda: json_answer(GraphError(4).body(self._trace()), 429),
            "500": lambda: json_answer(GraphError(131000).body(self._trace()), 500),
            "html": lambda: text_answer(BAD_GATEWAY_HTML, 502, HTML),
        }
        if fault.kind in answers:
            return answers[fault.kind]()
        if fault.kind == "error":
            raise GraphError(fault.code)
        self.stopping.wait(fault.hold_ms / 1000)
        return drop_connection(request)

    def _trace(self) -> str:
        with self._guard:
            self._calls += 1
            return f"{self._account.seed}:{self._calls}"
