"""Faults on demand: what networks and gateways do when they do not do what they should."""

import fnmatch
import threading
from dataclasses import dataclass

from checks.sandbox.razorpay.errors import ControlError
from checks.sandbox.razorpay.records import Record

KINDS = frozenset({"429", "500", "502_html", "timeout_before", "timeout_after", "latency"})
MOST_FAULTS, MOST_TIMES = 100, 1_000_000
BAD_GATEWAY_HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass
class Fault:
    """One planned fault. `after_effect` lets the request do its work before an error is answered."""

    method: str
    path: str
    kind: str
    left: int
    hold_ms: int
    after_effect: bool

    def shown(self) -> Record:
        return {
            "match": {"method": self.method, "path": self.path},
            "fault": self.kind,
            "count": self.left,
            "hold_ms": self.hold_ms,
            "after_effect": self.after_effect,
        }


class FaultPlan:
    """Faults in the order they were planned; the first that matches a request is used up by one."""

    def __init__(self, longest_hold_ms: int) -> None:
        self._longest_hold_ms = longest_hold_ms
        self._faults: list[Fault] = []
        self._guard = threading.Lock()

    def plan(self, wanted: Record) -> Record:
        """`{"match": {"method", "path"}, "fault", "count": 1, "hold_ms": 0, "after_effect": false}`."""
        match = wanted.get("match") or {}
        kind = wanted.get("fault")
        count, hold_ms = wanted.get("count", 1), wanted.get("hold_ms", 0)
        if not isinstance(match, dict) or kind not in KINDS:
            raise ControlError(f"fault is one of {', '.join(sorted(KINDS))}; match is an object.")
        if not isinstance(count, int) or not 1 <= count <= MOST_TIMES:
            raise ControlError(f"count is between 1 and {MOST_TIMES}.")
        if not isinstance(hold_ms, int) or not 0 <= hold_ms <= self._longest_hold_ms:
            raise ControlError(f"hold_ms is between 0 and {self._longest_hold_ms}.")
        fault = Fault(
            method=str(match.get("method", "*")).upper(),
            path=str(match.get("path", "*")),
            kind=str(kind),
            left=count,
            hold_ms=hold_ms,
            after_effect=bool(wanted.get("after_effect", kind == "timeout_after")),
        )
        with self._guard:
            if len(self._faults) >= MOST_FAULTS:
                raise ControlError("Too many faults are planned. DELETE /_control/faults first.")
            self._faults.append(fault)
        return fault.shown()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counted down."""
        with self._guard:
            for fault in self._faults:
                if fault.method in ("*", method) and fnmatch.fnmatchcase(path, fault.path):
                    fault.left -= 1
                    if fault.left == 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def shown(self) -> list[Record]:
        with self._guard:
            return [fault.shown() for fault in self._faults]

    def clear(self) -> None:
        with self._guard:
            self._faults.clear()
