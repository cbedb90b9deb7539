"""What the firewall says to whom it blocks: problem documents, the same to everybody, without internals.

WAF fills nothing in, so there is no ``instance``; it sends them as ``application/json``, for it lets nobody
set the content type; and it knows no status 431 ("Sending custom responses for Block actions"). What one of
AWS's groups blocks is answered by API Gateway (``WAF_FILTERED``), with the same code.
"""

import json
from collections.abc import Sequence

from aws_cdk import aws_wafv2 as wafv2

from stacks.gateway_responses import BODY_TOO_LARGE, FIREWALL_REFUSED, THROTTLED, GatewayAnswer

Acl = wafv2.CfnWebACL

COUNTRY_REFUSED = GatewayAnswer(
    "country-refused",
    403,
    "Calls from this country are not taken",
    "The address of the caller is outside the countries that this platform serves.",
    "Call from India, without a VPN.",
)
TARGET_TOO_LONG = GatewayAnswer(
    "target-too-long",
    414,
    "The address of the request is too long",
    "The path or the query string is over the limit.",
    "Shorten it; what is large belongs into the body.",
)
HEADERS_TOO_LARGE = GatewayAnswer(
    "headers-too-large",
    400,
    "The headers are too large",
    "All headers together are over the limit.",
    "Send fewer or shorter headers and cookies.",
)
ADDRESS_THROTTLED = GatewayAnswer(
    THROTTLED.code,
    THROTTLED.status,
    "Too many requests from one address",
    "The request was not looked at; others of this network may have sent the rest.",
    "Repeat it after the seconds in Retry-After.",
    retry_after_s=60,  # the window slides: a minute later its oldest fifth counts no more
)
ANSWERS = (
    BODY_TOO_LARGE,
    FIREWALL_REFUSED,
    COUNTRY_REFUSED,
    TARGET_TOO_LONG,
    HEADERS_TOO_LARGE,
    ADDRESS_THROTTLED,
)


def bodies() -> dict[str, Acl.CustomResponseBodyProperty]:
    """Every answer's body under its code."""
    return {
        answer.code: Acl.CustomResponseBodyProperty(
            content=json.dumps(answer.fields()), content_type="APPLICATION_JSON"
        )
        for answer in ANSWERS
    }


def custom_response(answer: GatewayAnswer, origins: Sequence[str]) -> Acl.CustomResponseProperty:
    """``answer`` as a rule's custom response; browsers come from ``origins``."""
    headers = answer.headers(origins)
    del headers["Content-Type"]
    return Acl.CustomResponseProperty(
        response_code=answer.status,
        custom_response_body_key=answer.code,
        response_headers=[
            Acl.CustomHTTPHeaderProperty(name=name, value=value) for name, value in headers.items()
        ],
    )
