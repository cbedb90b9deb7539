"""Faults on demand, for the sending call."""

import threading
from dataclasses import dataclass
from typing import Any

from checks.sandbox.whatsapp.config import HOLD_MS_MAX

KINDS = frozenset({"429", "500", "html", "timeout_before", "timeout_after", "error", "undelivered"})
FAULTS_MAX = 100
BAD_GATEWAY_HTML = "<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>"


@dataclass
class Fault:
    """One planned fault. `code` is Meta's, for `error` (answered) and `undelivered` (told by webhook).

    `after_effect` lets the message go before the fault is answered. `to` limits it to one number.
    """

    kind: str
    left: int
    hold_ms: int
    code: int
    after_effect: bool
    to: str | None

    def shown(self) -> dict[str, Any]:
        return {
            "fault": self.kind,
            "count": self.left,
            "hold_ms": self.hold_ms,
            "code": self.code,
            "after_effect": self.after_effect,
        }


class FaultPlan:
    """Faults in the order they were planned; the first that fits a message is used up by one."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._guard = threading.Lock()

    def plan(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`{"fault", "count": 1, "hold_ms": 30000, "code": 131026, "after_effect": false, "to": null}`.

        Raises ValueError for anything else.
        """
        kind, count = wanted.get("fault"), wanted.get("count", 1)
        hold_ms, code = wanted.get("hold_ms", 30_000), wanted.get("code", 131026)
        if kind not in KINDS:
            raise ValueError(f"fault is one of {', '.join(sorted(KINDS))}")
        if not all(isinstance(number, int) for number in (count, hold_ms, code)):
            raise ValueError("count, hold_ms and code are integers")
        if not 1 <= count <= 1_000_000 or not 0 <= hold_ms <= HOLD_MS_MAX:
            raise ValueError(f"count is at least 1, hold_ms between 0 and {HOLD_MS_MAX}")
        to = wanted.get("to")
        after_effect = bool(wanted.get("after_effect", kind == "timeout_after"))
        fault = Fault(kind, count, hold_ms, code, after_effect, str(to).lstrip("+") if to else None)
        with self._guard:
            if len(self._faults) >= FAULTS_MAX:
                raise ValueError("too many faults are planned; DELETE /_control/faults first")
            self._faults.append(fault)
        return fault.shown()

    def take(self, to: str) -> Fault | None:
        """The fault for a message to `to`, counted down."""
        with self._guard:
            for fault in self._faults:
                if fault.to in (None, to):
                    fault.left -= 1
                    if fault.left == 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def shown(self) -> list[dict[str, Any]]:
        with self._guard:
            return [fault.shown() for fault in self._faults]

    def clear(self) -> None:
        with self._guard:
            self._faults.clear()
