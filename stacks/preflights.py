"""Preflights: what a browser asks before it lets a page of another origin call the API (WHATWG Fetch, CORS).

The gateway answers them itself, so that no function runs for them. An origin is allowed because it is on the
environment's list, compared as a whole; none is reflected unseen, none is a pattern, and no cookie is ever
allowed, for the API takes none.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stacks.api_contract import HTTP_METHODS, WEBHOOKS

ALLOWED_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key")
"""Of the headers that a page has to ask for, those that the runtime reads."""

EXPOSED_HEADERS = ("Retry-After", "X-Request-Id")
"""Of the answers' headers, those that a page may read: when to come back, and what to quote to support."""

MAX_AGE_S = 600
"""How long a browser remembers the answer, and believes an origin that is taken off the list."""


def preflights(paths: Mapping[str, Mapping[str, Any]], origins: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The operation OPTIONS of each path that browsers call; ``origins`` is the environment's list."""
    return {
        path: _operation(path, [method.upper() for method in HTTP_METHODS if method in item], origins)
        for path, item in paths.items()
        if not path.startswith(WEBHOOKS)
    }


def _operation(path: str, methods: Sequence[str], origins: Sequence[str]) -> dict[str, Any]:
    headers = {
        "Access-Control-Allow-Origin": origins[0],
        "Access-Control-Allow-Methods": ",".join(methods),
        "Access-Control-Allow-Headers": ",".join(ALLOWED_HEADERS),
        "Access-Control-Max-Age": str(MAX_AGE_S),
        "Vary": "Origin",
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{([^}]+)\}", path)
    ]
    return {
        "security": [],
        **({"parameters": parameters} if parameters else {}),
        "responses": {
            "204": {
                "description": "What may be called from where.",
                "headers": {name: {"schema": {"type": "string"}} for name in headers},
            }
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "never",
            "requestTemplates": {"application/json": json.dumps({"statusCode": 204})},
            "responses": {
                "default": {
                    "statusCode": "204",
                    "responseParameters": {
                        f"method.response.header.{name}": f"'{value}'" for name, value in headers.items()
                    },
                    "responseTemplates": {"application/json": origin_template(origins)},
                }
            },
        },
    }


def origin_template(origins: Sequence[str]) -> str:
    """A mapping template that names the caller's origin if it is one of ``origins`` but the first.

    The first is named anyway: a page of an origin that is on no list sees an origin that is not its own, and
    its browser refuses.
    """
    if len(origins) == 1:
        return ""
    listed = " || ".join(f'$origin == "{origin}"' for origin in origins[1:])
    return "\n".join(
        (
            '#set($origin = $input.params().header.get("Origin"))',
            '#if(!$origin || $origin == "")#set($origin = $input.params().header.get("origin"))#end',
            f"#if({listed})",
            "#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)",
            "#end",
        )
    )


def gateway_answer_headers(origins: Sequence[str]) -> dict[str, str]:
    """What the gateway's own answers carry for browsers. Their headers are fixed: with several origins none
    can be named, and a page sees a failure without its body."""
    if len(origins) != 1:
        return {}
    return {
        "Access-Control-Allow-Origin": origins[0],
        "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
        "Vary": "Origin",
    }
