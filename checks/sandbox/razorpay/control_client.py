"""A small client of the control API, for tests and for the `hasivu` command."""

from typing import Any

from checks.sandbox.razorpay.records import Record
from checks.sandbox.simulation.control_client import ControlCalls


class ControlClient(ControlCalls):
    """`url` is the simulator's base URL."""

    def checkout(self, order_id: str, instrument: Record, **more: Any) -> Record:
        """The customer pays an order; three checkout values, or an `error`."""
        answer: Record = self.call(
            "POST", "checkout", {"order_id": order_id, "instrument": instrument, **more}
        )
        return answer

    def pay_link(self, link_id: str, **more: Any) -> Record:
        answer: Record = self.call("POST", f"links/{link_id}/pay", more)
        return answer

    def act(self, kind: str, entity_id: str, verb: str, **more: Any) -> Record:
        """For example `act("payments", payment_id, "late-authorise")`."""
        answer: Record = self.call("POST", f"{kind}/{entity_id}/{verb}", more)
        return answer

    def webhook(self, **settings: Any) -> Record:
        """Sets url, secret, events, mode; enables the webhook unless told otherwise."""
        answer: Record = self.call("PUT", "webhook", settings)
        return answer

    def events(self, name: str | None = None) -> list[Record]:
        """Events, oldest first, of one name or all."""
        items: list[Record] = self.call("GET", f"events?event={name}" if name else "events")["items"]
        return items

    def release(self, **how: Any) -> list[Record]:
        """Delivers what is held: `order`, `seed`, `duplicates`."""
        deliveries: list[Record] = self.call("POST", "events/release", how)["deliveries"]
        return deliveries

    def send(self, body: Record | str, **how: Any) -> Record:
        """Signs and delivers any body: `event_id`, `url`, `secret`, `signature`."""
        answer: Record = self.call("POST", "events/send", {"body": body, **how})
        return answer

    def drain(self) -> int:
        """Returns once everything that is due now has been done and delivered."""
        return int(self.call("POST", "events/drain")["jobs"])

    def fault(self, method: str, path: str, fault: str, **how: Any) -> Record:
        """Plans a fault: `count`, `hold_ms`, `after_effect`. `*` matches within the path."""
        answer: Record = self.call(
            "POST", "faults", {"match": {"method": method, "path": path}, "fault": fault, **how}
        )
        return answer

    def requests(self) -> list[Record]:
        items: list[Record] = self.call("GET", "requests")["items"]
        return items

    def now(self) -> int:
        return int(self.call("GET", "clock")["now"])

    def advance(self, seconds: int) -> int:
        """Moves the clock on and does what falls due; returns the new time."""
        return int(self.call("POST", "clock", {"advance_seconds": seconds})["now"])

    def settle(self, *, force: bool = False, split: int = 1) -> list[Record]:
        made: list[Record] = self.call("POST", "settle", {"force": force, "split": split})["settlements"]
        return made
