"""What the clients of all control APIs have in common."""

import json
from typing import Any

import urllib3

Record = dict[str, Any]

TIMEOUT_SECONDS = 300.0
"""Moving the clock by months does the work of months before it answers."""


class ControlRefused(Exception):
    """The simulator refused. `status` and `answer` are what it said."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(f"The simulator answered {status}: {answer}")
        self.status = status
        self.answer = answer


class ControlCalls:
    """The calls that every simulator answers. `url` is the simulator's base URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One call under /_control; the decoded answer. ControlRefused on any other status than 200."""
        with urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False) as pool:
            response = pool.request(
                method,
                f"{self.url}/_control/{path}",
                body=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json"},
            )
        answer = json.loads(response.data)
        if response.status != 200:
            raise ControlRefused(response.status, answer)
        return answer

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def health(self) -> Record:
        healthy: Record = self.call("GET", "health")
        return healthy

    def reset(self) -> None:
        self.call("POST", "reset")
