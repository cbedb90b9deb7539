"""Everything that the steps of the demonstration work with."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import urllib3

from checks.demo.narrative import Narrative, prove
from checks.demo.records import ENVIRONMENT, Records, wait_for
from checks.sandbox.people import SCHOOL_ID, People, Person
from checks.sandbox.razorpay.control_client import ControlClient
from checks.sandbox.state import Endpoints

GOOD_CARD = {"method": "card", "number": "4111111111111111"}
"""A published test number that the simulator lets pay; it exists only on the way into the simulator."""


@dataclass(slots=True)
class Stage:
    """The deployed sandbox, its people, the gateway's controls, and what was paid so far."""

    endpoints: Endpoints
    narrative: Narrative
    records: Records
    gateway: ControlClient
    people: People
    emulator_pid: int
    webhook_secret: str = field(repr=False)
    gateway_credentials: str = field(repr=False)
    captured_paise: int = 0
    refunded_paise: int = 0
    shared_paise: int = 0
    """What was paid, and is owed to linked accounts instead of schools."""
    reversals: list[str] = field(default_factory=list)
    """The gateway's identifiers of shares that were taken back."""

    @property
    def parent(self) -> Person:
        return self.people["parent"]

    def say(self, text: str) -> None:
        """One line of what happened."""
        self.narrative.say(text)

    def create_payment(
        self, amount_paise: int, description: str, *, key: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """The parent asks for a payment."""
        body = {"school_id": SCHOOL_ID, "amount_paise": amount_paise, "description": description, **more}
        answer = self.parent.api.call("POST", "/v1/payments", body, key=key or new_key())
        prove(f"a payment is created (got {answer.status} {answer.code or ''})", answer.status == 201)
        return answer.body

    def paid(
        self,
        amount_paise: int,
        description: str,
        instrument: dict[str, Any],
        *,
        checkout: dict[str, Any] | None = None,
        **more: Any,
    ) -> tuple[str, str]:
        """The parent pays, and it is booked; gives our identifier and the gateway's. ``checkout`` is what the
        checkout is told besides, ``more`` what the payment is."""
        payment = self.create_payment(amount_paise, description, **more)
        payment_id = str(payment["payment_id"])
        done = self.gateway.checkout(payment["checkout"]["order_id"], instrument, **(checkout or {}))
        prove(f"the gateway takes the payment (got {done})", "razorpay_payment_id" in done)
        gateway_payment_id = str(done["razorpay_payment_id"])
        self.wait_for_status(payment_id, "captured")
        self.wait_for_entry(f"capture:{gateway_payment_id}")
        self.captured_paise += amount_paise
        return payment_id, gateway_payment_id

    def payment(self, payment_id: str) -> dict[str, Any]:
        """The payment as its payer sees it."""
        answer = self.parent.api.call("GET", f"/v1/payments/{payment_id}")
        prove(f"the payment can be read (got {answer.status})", answer.status == 200)
        return answer.body

    def start(self, function: str, task: str) -> None:
        """Start a function as its schedule would, without waiting for the clock."""
        answer = self.records.session.client("lambda").invoke(
            FunctionName=f"hasivu-{ENVIRONMENT}-{function}:live",
            Payload=json.dumps({"task": task}).encode(),
        )
        prove(f"{function} runs (got {answer.get('FunctionError')})", "FunctionError" not in answer)

    def at_gateway(self, path: str) -> dict[str, Any]:
        """What the gateway says, asked as any merchant would: ``payments/pay_…``."""
        answer = urllib3.request(
            "GET",
            f"{self.endpoints.razorpay_url}/v1/{path}",
            headers=urllib3.make_headers(basic_auth=self.gateway_credentials),
            timeout=10.0,
        )
        document: dict[str, Any] = answer.json()
        return document

    def status_of(self, payment_id: object) -> str:
        """The payment's status as its payer sees it."""
        return str(self.payment(str(payment_id))["status"])

    def wait_for_status(self, payment_id: object, status: str) -> None:
        """Wait until the payer sees the status."""
        wait_for(f"status {status} of {payment_id}", lambda: self.status_of(payment_id) == status)

    def wait_for_entry(self, entry_id: str) -> dict[str, Any]:
        """Wait until the journal holds the entry."""
        return wait_for(f"journal entry {entry_id}", lambda: self.records.journal_entry(entry_id))

    def whatsapp_message(self, subject: str) -> dict[str, Any]:
        """The message about a payment or a link as it arrived on the parent's telephone, once our own record
        says delivered, too."""
        row = wait_for(
            f"the message about {subject}",
            lambda: next(
                (
                    item
                    for item in self.records.scan("hasivu-sandbox-notifications")
                    if item["subject"] == subject and item["state"] in ("delivered", "read")
                ),
                None,
            ),
        )
        answer = urllib3.request("GET", f"{self.endpoints.whatsapp_url}/_control/messages", timeout=10.0)
        sent = next(item for item in answer.json()["items"] if item["id"] == row["provider_message_id"])
        return {"status": row["state"], "text": sent["text"]}

    def orders_at_gateway(self) -> set[str]:
        """The identifiers of the newest orders at the gateway, asked for as any merchant would."""
        return {order["id"] for order in self.at_gateway("orders?count=100")["items"]}

    def wait_for_event(self, event_id: str) -> str:
        """Wait until a kept webhook event is through; gives what became of it."""

        def through() -> str | None:
            event = self.records.webhook_event(event_id)
            return str(event["state"]) if event and event["state"] != "received" else None

        return wait_for(f"the end of event {event_id}", through)


def new_key() -> str:
    """An Idempotency-Key that nobody used."""
    return f"demo-{secrets.token_hex(12)}"
