"""The error object of the Razorpay API, with all of its members.

Shape: `{"error": {code, description, [field], source, step, reason, metadata}}`. A validation error says
`business` / `payment_initiation` / `input_validation_failed`; an authentication error says `NA` three times.
"""

from collections.abc import Mapping
from typing import Any

BAD_REQUEST = "BAD_REQUEST_ERROR"
GATEWAY = "GATEWAY_ERROR"
SERVER = "SERVER_ERROR"

UNKNOWN_ID = "The id provided does not exist"
UNKNOWN_URL = "The requested URL was not found on the server."
AUTHENTICATION_FAILED = "Authentication failed"
THROTTLED = "Throttling Error"
SERVER_TROUBLE = "We are facing some trouble completing your request at the moment. Please try again shortly."


class ApiError(Exception):
    """An answer with an error object. `status` is the HTTP status, the rest are members of the object."""

    def __init__(
        self,
        description: str,
        *,
        status: int = 400,
        code: str = BAD_REQUEST,
        field: str | None = None,
        source: str | None = "business",
        step: str | None = "payment_initiation",
        reason: str | None = "input_validation_failed",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(description)
        self.description = description
        self.status = status
        self.code = code
        self.field = field
        self.source = source
        self.step = step
        self.reason = reason
        self.metadata = dict(metadata or {})

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        error: dict[str, Any] = {
            "code": self.code,
            "description": self.description,
            "source": self.source,
            "step": self.step,
            "reason": self.reason,
            "metadata": self.metadata,
        }
        if self.field is not None:
            error["field"] = self.field
        return {"error": error}


def unknown_id() -> ApiError:
    return ApiError(UNKNOWN_ID)


def not_applicable(description: str, *, status: int, code: str = BAD_REQUEST) -> ApiError:
    """An error that has nothing to do with a payment: `NA` for source, step and reason."""
    return ApiError(description, status=status, code=code, source="NA", step="NA", reason="NA")


class ControlError(Exception):
    """A control request that cannot be done. The message says what to do instead."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
