"""The simulator as one thing to start and stop: the gateway, its conductor, API, control API and pages."""

import secrets
from pathlib import Path

from werkzeug.wrappers import Request, Response

from checks.sandbox.razorpay import persistence
from checks.sandbox.razorpay.api import Api
from checks.sandbox.razorpay.clock import SimulatorClock
from checks.sandbox.razorpay.conductor import Conductor
from checks.sandbox.razorpay.config import SimulatorConfig
from checks.sandbox.razorpay.control_api import ControlApi
from checks.sandbox.razorpay.control_client import ControlClient
from checks.sandbox.razorpay.faults import FaultPlan
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.identity import IdSource
from checks.sandbox.razorpay.jobs import HANDLERS
from checks.sandbox.razorpay.pages import Pages
from checks.sandbox.simulation.server import ServedSimulator


class RazorpaySimulator(ServedSimulator):
    """`with RazorpaySimulator(key_id=..., key_secret=...) as sim:` serves at `sim.url` until the end.

    `seed` makes ids the same in every run. `state_dir` keeps the account over restarts. Port 0 takes a free
    one. The clock may be frozen: `SimulatorClock(frozen_at=...)`.
    """

    def __init__(
        self,
        *,
        key_id: str,
        key_secret: str,
        webhook_secret: str = "",
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        state_dir: Path | None = None,
        seed: int | str | None = None,
        clock: SimulatorClock | None = None,
        config: SimulatorConfig | None = None,
    ) -> None:
        ids = IdSource(secrets.token_hex(16) if seed is None else str(seed))
        self.gw = Gateway(
            config or SimulatorConfig(), clock or SimulatorClock(), ids, key_id=key_id, key_secret=key_secret
        )
        self.gw.webhook.url = webhook_url
        self.gw.webhook.secret = webhook_secret
        self.conductor = Conductor(self.gw, HANDLERS)
        self.faults = FaultPlan(self.gw.config.limits.hold_ms)
        self._api = Api(self.gw, self.faults)
        self._control_api = ControlApi(self.gw, self.conductor, self.faults)
        self._pages = Pages(self.gw)
        super().__init__(
            host=host,
            port=port,
            state_dir=state_dir,
            worker=self.conductor,
            body_bytes_max=self.gw.config.limits.body_bytes,
        )

    @property
    def control(self) -> ControlClient:
        return ControlClient(self.url)

    def load_account(self, state_dir: Path) -> bool:
        return persistence.load(self.gw, state_dir)

    def save_account(self, state_dir: Path) -> Path:
        return persistence.save(self.gw, state_dir)

    def answer(self, request: Request) -> Response:
        if request.path.startswith("/_control/"):
            return self._control_api.answer(request)
        if request.path == "/" or request.path.startswith("/checkout/"):
            return self._pages.answer(request)
        return self._api.answer(request)
