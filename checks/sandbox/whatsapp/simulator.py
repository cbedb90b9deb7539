"""The simulator as one thing to start and stop: account, courier, Graph API, control API, inbox."""

import secrets
from pathlib import Path

from werkzeug.wrappers import Request, Response

from checks.sandbox.simulation.http_exchange import from_this_machine, text_answer
from checks.sandbox.simulation.server import ServedSimulator
from checks.sandbox.whatsapp import persistence
from checks.sandbox.whatsapp.account import Account
from checks.sandbox.whatsapp.clock import SimulatorClock
from checks.sandbox.whatsapp.config import BODY_BYTES_MAX, SimulatorConfig
from checks.sandbox.whatsapp.control_api import ControlApi
from checks.sandbox.whatsapp.control_client import ControlClient
from checks.sandbox.whatsapp.courier import Courier
from checks.sandbox.whatsapp.faults import FaultPlan
from checks.sandbox.whatsapp.graph_api import GraphApi
from checks.sandbox.whatsapp.inbox_page import inbox_page


class WhatsAppSimulator(ServedSimulator):
    """`with WhatsAppSimulator(phone_number_id=..., token=..., app_secret=...) as sim:` serves at `sim.url`.

    `seed` makes message ids the same in every run. `state_dir` keeps the account over restarts. Port 0 takes
    a free one. The clock may be frozen: `SimulatorClock(frozen_at=...)`.
    """

    def __init__(
        self,
        *,
        phone_number_id: str,
        token: str,
        app_secret: str,
        verify_token: str = "",
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        state_dir: Path | None = None,
        seed: int | str | None = None,
        clock: SimulatorClock | None = None,
        config: SimulatorConfig | None = None,
    ) -> None:
        if not token or not app_secret:
            raise ValueError("Give an access token and an app secret; an empty one would let anybody in.")
        self.account = Account(
            config=config or SimulatorConfig(),
            clock=clock or SimulatorClock(),
            phone_number_id=phone_number_id,
            seed=secrets.token_hex(16) if seed is None else str(seed),
        )
        self.account.webhook.url = webhook_url
        self.account.webhook.secret = app_secret
        self.courier = Courier(self.account)
        self.faults = FaultPlan()
        self._graph_api = GraphApi(self.account, self.faults, token)
        self._control_api = ControlApi(self.account, self.courier, self.faults, verify_token)
        super().__init__(
            host=host,
            port=port,
            state_dir=state_dir,
            worker=self.courier,
            body_bytes_max=BODY_BYTES_MAX,
        )

    @property
    def control(self) -> ControlClient:
        return ControlClient(self.url)

    def load_account(self, state_dir: Path) -> bool:
        return persistence.load(self.account, state_dir)

    def save_account(self, state_dir: Path) -> Path:
        return persistence.save(self.account, state_dir)

    def stop(self) -> None:
        """Stop as every simulator does, without waiting for the end of a planned delay."""
        self._graph_api.stopping.set()
        super().stop()

    def answer(self, request: Request) -> Response:
        if request.path.startswith("/_control/"):
            return self._control_api.answer(request)
        if request.path == "/" and request.method in ("GET", "HEAD"):
            if not from_this_machine(request):
                return text_answer("This page answers this machine only.", 403, "text/plain; charset=utf-8")
            return inbox_page(self.account)
        return self._graph_api.answer(request)
