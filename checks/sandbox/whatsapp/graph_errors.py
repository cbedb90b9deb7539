"""Errors as Meta's Graph API writes them."""

import hashlib
from dataclasses import dataclass

Record = dict[str, object]

_KNOWN: dict[int, tuple[int, str, str]] = {
    1: (400, "API Unknown", "Invalid request or possible server error."),
    2: (503, "API Service", "Temporary due to downtime or due to being overloaded."),
    4: (400, "API Too Many Calls", "The app has reached its API call rate limit."),
    10: (403, "Permission Denied", "Permission is either not granted or has been removed."),
    100: (400, "Invalid parameter", "The request included one or more unsupported or misspelled parameters."),
    190: (401, "Access token has expired", "The access token is missing, expired or not valid."),
    80007: (400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130429: (400, "Rate limit hit", "Cloud API message throughput has been reached."),
    131000: (500, "Something went wrong", "Message failed to send due to an unknown error."),
    131008: (400, "Required parameter is missing", "The request is missing a required parameter."),
    131009: (400, "Parameter value is not valid", "One or more parameter values are invalid."),
    131016: (503, "Service unavailable", "A service is temporarily unavailable."),
    131026: (400, "Message undeliverable", "Unable to deliver the message."),
    131047: (
        400,
        "Re-engagement message",
        "More than 24 hours have passed since the recipient last replied.",
    ),
    131051: (400, "Unsupported message type", "Unsupported message type."),
    131056: (400, "Pair rate limit hit", "Too many messages from this number to the same person."),
    131057: (500, "Account in maintenance mode", "The business number is being upgraded."),
    132000: (400, "Template Param Count Mismatch", "The number of parameters does not match the template."),
    132001: (
        404,
        "Template does not exist",
        "The template does not exist in the language, or is not approved.",
    ),
    132012: (
        400,
        "Template Parameter Format Mismatch",
        "The parameter is formatted otherwise than expected.",
    ),
}


@dataclass
class GraphError(Exception):
    """An error with Meta's `code`; `details` says more than the code's own text."""

    code: int
    details: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code; 400 for codes that are not in the table."""
        return self._known[0]

    @property
    def title(self) -> str:
        return self._known[1]

    @property
    def text(self) -> str:
        return self.details or self._known[2]

    @property
    def _known(self) -> tuple[int, str, str]:
        return _KNOWN.get(self.code, (400, "Error", "An error was asked for."))

    def body(self, trace: str) -> Record:
        """The answer. `trace` makes `fbtrace_id` differ between requests."""
        trace_id = "A" + hashlib.sha256(trace.encode()).hexdigest()[:22]
        return {
            "error": {
                "message": f"(#{self.code}) {self.title}",
                "type": "OAuthException",
                "code": self.code,
                "error_data": {"messaging_product": "whatsapp", "details": self.text},
                "fbtrace_id": trace_id,
            }
        }

    def in_status(self) -> Record:
        """The error as a `failed` status carries it."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.text},
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }
