"""The business account: templates, messages, what becomes of them, and where that is told."""

import base64
import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any

from checks.sandbox.whatsapp.clock import SimulatorClock
from checks.sandbox.whatsapp.config import EVENTS_MAX, MESSAGES_MAX, TEMPLATES_MAX, SimulatorConfig
from checks.sandbox.whatsapp.graph_errors import GraphError
from checks.sandbox.whatsapp.quotas import Quotas
from checks.sandbox.whatsapp.sending import Sending
from checks.sandbox.whatsapp.templates import Template, platform_templates

Record = dict[str, Any]


@dataclass
class Webhook:
    """Where statuses go, and how: `hold` keeps them until released, `unordered` shuffles what is due,
    `batch` puts so many into one envelope, `duplicates` delivers each so many times more."""

    url: str | None = None
    secret: str = ""
    mode: str = "deliver"
    unordered: bool = False
    batch: int = 1
    duplicates: int = 0

    def shown(self) -> Record:
        return {
            "url": self.url,
            "secret_set": bool(self.secret),
            "mode": self.mode,
            "unordered": self.unordered,
            "batch": self.batch,
            "duplicates": self.duplicates,
        }


@dataclass
class Account:
    """All that the simulator remembers. Whoever touches it holds `lock`."""

    config: SimulatorConfig
    clock: SimulatorClock
    phone_number_id: str
    seed: str
    webhook: Webhook = field(default_factory=Webhook)
    lock: threading.RLock = field(default_factory=threading.RLock)
    templates: dict[tuple[str, str], Template] = field(default_factory=dict)
    messages: dict[str, Record] = field(default_factory=dict)
    events: dict[int, Record] = field(default_factory=dict)
    pending: dict[int, Record] = field(default_factory=dict)
    messages_made: int = 0
    events_made: int = 0

    def __post_init__(self) -> None:
        self.quotas = Quotas(self.config.limits)
        self.register(platform_templates())

    def register(self, templates: tuple[Template, ...]) -> None:
        """Approve templates. Raises ValueError where there would be too many."""
        wanted = self.templates | {(template.name, template.language): template for template in templates}
        if len(wanted) > TEMPLATES_MAX:
            raise ValueError(f"an account has at most {TEMPLATES_MAX} templates")
        self.templates = wanted

    def accept(self, sending: Sending, *, fails_with: GraphError | None = None) -> Record:
        """Take a message in and plan what becomes of it; the message. Raises GraphError.

        `fails_with` lets it be accepted now and fail later, as an unreachable phone does.
        """
        template = self.templates.get((sending.template, sending.language))
        if template is None:
            raise GraphError(
                132001, f"template name ({sending.template}) does not exist in {sending.language}"
            )
        if len(sending.texts) != template.parameter_count:
            raise GraphError(
                132000,
                f"body: number of localizable_params ({len(sending.texts)}) does not match the expected "
                f"number of params ({template.parameter_count})",
            )
        now = self.clock.now()
        self.quotas.admit(sending.to, now)
        message = self._keep(sending, template, now)
        self._plan(message, now, fails_with)
        return message

    def _keep(self, sending: Sending, template: Template, now: float) -> Record:
        self.messages_made += 1
        message: Record = {
            "id": self._wamid(self.messages_made),
            "number": self.messages_made,
            "to": sending.to,
            "template": sending.template,
            "language": sending.language,
            "parameters": list(sending.texts),
            "text": template.filled(sending.texts),
            "reference": sending.reference,
            "accepted_at": now,
            "statuses": [],
        }
        self.messages[message["id"]] = message
        while len(self.messages) > MESSAGES_MAX:
            self.messages.pop(next(iter(self.messages)))
        return message

    def _plan(self, message: Record, now: float, fails_with: GraphError | None) -> None:
        timings = self.config.timings
        self._event(message, "sent", now + timings.sent_seconds)
        if fails_with is not None:
            self._event(message, "failed", now + timings.delivered_seconds, [fails_with.in_status()])
            return
        self._event(message, "delivered", now + timings.delivered_seconds)
        if timings.read_seconds is not None:
            self._event(message, "read", now + timings.read_seconds)

    def _event(self, message: Record, status: str, at: float, errors: list[Record] | None = None) -> None:
        self.events_made += 1
        event: Record = {
            "number": self.events_made,
            "message_id": message["id"],
            "recipient_id": message["to"],
            "reference": message["reference"],
            "status": status,
            "at": at,
            "next_at": at,
            "errors": errors or [],
            "attempts": 0,
            "state": "planned",
        }
        self.events[self.events_made] = event
        self.move(event, "planned")
        while len(self.events) > EVENTS_MAX:
            self.pending.pop(self.events.pop(next(iter(self.events)))["number"], None)

    def move(self, event: Record, state: str) -> None:
        """Give an event its state: planned, waiting (it happened), held, delivered, lost."""
        event["state"] = state
        if state in ("planned", "waiting"):
            self.pending[event["number"]] = event
        else:
            self.pending.pop(event["number"], None)

    def forget_everything(self) -> None:
        """An empty account with the platform's templates; the webhook stays."""
        self.messages.clear()
        self.events.clear()
        self.pending.clear()
        self.templates.clear()
        self.register(platform_templates())
        self.quotas = Quotas(self.quotas.limits)

    def _wamid(self, number: int) -> str:
        digest = hashlib.sha256(f"{self.seed}:{number}".encode()).digest()
        return "wamid." + base64.b64encode(digest).decode("ascii")


def masked(digits: str) -> str:
    """A telephone number as it may be shown: its last four digits."""
    return f"***{digits[-4:]}"
