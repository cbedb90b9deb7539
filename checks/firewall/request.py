"""A request as WAF gets to see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

HEADERS_INSPECTED_BYTES = 8_192
HEADERS_INSPECTED = 200
"""Of all headers together, names and values ("Oversize web request components in AWS WAF")."""


class NotEvaluated(ValueError):
    """A web ACL has something in it whose meaning this evaluation does not know; it does not guess."""

    code = "firewall-not-evaluated"


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One request.

    ``path`` and ``query`` are as they were sent, percent signs and all; ``headers`` are by lower-case name.
    ``country`` is what AWS takes the address for (ISO 3166-1 alpha-2). ``earlier`` is how many requests just
    like this one the address has sent within the window of a rate limit.
    """

    method: str
    path: str
    source: IPv4Address | IPv6Address
    country: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    earlier: int = 0

    @property
    def headers_oversize(self) -> bool:
        """Whether there are more headers than WAF is shown."""
        size = sum(len(name.encode()) + len(value.encode()) for name, value in self.headers.items())
        return size > HEADERS_INSPECTED_BYTES or len(self.headers) > HEADERS_INSPECTED
