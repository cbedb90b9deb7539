"""A small client of the control API, for tests and for the `hasivu` command."""

from typing import Any

from checks.sandbox.simulation.control_client import ControlCalls, Record


class ControlClient(ControlCalls):
    """`url` is the simulator's base URL."""

    def messages(self) -> list[Record]:
        """What was sent, in order."""
        items: list[Record] = self.call("GET", "messages")["items"]
        return items

    def fault(self, kind: str, **how: Any) -> Record:
        """Plan a fault: `count`, `hold_ms`, `code`, `after_effect`, `to`."""
        planned: Record = self.call("POST", "faults", {"fault": kind, **how})
        return planned

    def limits(self, **limits: Any) -> Record:
        """Change limits: `messages_per_second`, `pair_seconds`, `pair_burst`, `users_per_day`."""
        changed: Record = self.call("PUT", "limits", limits)
        return changed

    def approve(self, name: str, language: str, body: str) -> None:
        """Approve a template."""
        self.call("PUT", "templates", {"templates": [{"name": name, "language": language, "body": body}]})

    def webhook(self, **settings: Any) -> Record:
        """Set `url`, `secret`, `mode`, `unordered`, `batch`, `duplicates`."""
        changed: Record = self.call("PUT", "webhook", settings)
        return changed

    def release(self, **how: Any) -> list[Record]:
        """Deliver what is held: `order`, `seed`, `duplicates`, `batch`."""
        deliveries: list[Record] = self.call("POST", "webhook/release", how)["deliveries"]
        return deliveries

    def drain(self) -> int:
        """Deliver all that is due now; how many deliveries were tried."""
        return int(self.call("POST", "webhook/drain")["deliveries"])

    def now(self) -> float:
        return float(self.call("GET", "clock")["now"])

    def advance(self, seconds: float) -> float:
        """Move the clock on and do what falls due; the new time."""
        return float(self.call("POST", "clock", {"advance_seconds": seconds})["now"])
