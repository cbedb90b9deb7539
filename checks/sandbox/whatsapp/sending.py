"""Reading the sending call, by the documented message of type `template`."""

import re
from dataclasses import dataclass
from typing import Any

from checks.sandbox.whatsapp.graph_errors import GraphError

TEXT_LENGTH_MAX = 1024
PARAMETERS_MAX = 99
REFERENCE_LENGTH_MAX = 512
_NUMBER = re.compile(r"\+?[1-9][0-9]{6,14}")
_NOT_IN_TEXT = re.compile(r"[\r\n\t]| {5}")


@dataclass(frozen=True)
class Sending:
    """A message that was asked for. `to` is digits; `texts` are the body's parameters as text."""

    to: str
    template: str
    language: str
    texts: tuple[str, ...]
    reference: str | None


def read_sending(body: object) -> Sending:
    """The message in the body of the call. Raises GraphError 100, 131008, 131009, 131051, 132012."""
    if not isinstance(body, dict):
        raise GraphError(100, "The body is not a JSON object.")
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "The parameter messaging_product is required and is whatsapp.")
    if body.get("type") != "template":
        raise GraphError(131051, "Outside the service window a message is of type template.")
    template = _object(body, "template")
    language = _object(template, "language")
    reference = body.get("biz_opaque_callback_data")
    if reference is not None and (not isinstance(reference, str) or len(reference) > REFERENCE_LENGTH_MAX):
        raise GraphError(131009, f"biz_opaque_callback_data has at most {REFERENCE_LENGTH_MAX} characters.")
    return Sending(
        to=_number(body),
        template=_text(template, "name"),
        language=_text(language, "code"),
        texts=_body_texts(template.get("components", [])),
        reference=reference,
    )


def _number(body: dict[str, Any]) -> str:
    to = _text(body, "to")
    if not _NUMBER.fullmatch(to):
        raise GraphError(131009, "The parameter to is not a telephone number.")
    return to.removeprefix("+")


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise GraphError(131008, f"The parameter {name} is required.")
    return value


def _text(parent: dict[str, Any], name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str) or not value:
        raise GraphError(131008, f"The parameter {name} is required.")
    return value


def _body_texts(components: object) -> tuple[str, ...]:
    """The parameters of the one body component; headers and buttons are accepted and not looked into."""
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        raise GraphError(100, "The parameter components is a list of objects.")
    bodies = [part for part in components if part.get("type") == "body"]
    if len(bodies) > 1:
        raise GraphError(100, "A template has one body.")
    parameters = bodies[0].get("parameters", []) if bodies else []
    if not isinstance(parameters, list) or len(parameters) > PARAMETERS_MAX:
        raise GraphError(100, "The parameters of a component are a list.")
    return tuple(_shown(parameter) for parameter in parameters)


def _shown(parameter: object) -> str:
    """A parameter as the phone shows it."""
    kind = parameter.get("type") if isinstance(parameter, dict) else None
    if not isinstance(parameter, dict) or kind not in ("text", "currency", "date_time"):
        raise GraphError(132012, "A parameter is of type text, currency or date_time.")
    if kind == "text":
        text = _text(parameter, "text")
    else:
        value = _object(parameter, kind)
        text = _text(value, "fallback_value")
        if kind == "currency":
            _check_currency(value)
    if len(text) > TEXT_LENGTH_MAX or _NOT_IN_TEXT.search(text):
        raise GraphError(132012, "A text cannot have new lines, tabs or more than four spaces in a row.")
    return text


def _check_currency(value: dict[str, Any]) -> None:
    amount = value.get("amount_1000")
    code = value.get("code")
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise GraphError(132012, "amount_1000 is the amount times 1000, an integer.")
    if not isinstance(code, str) or not re.fullmatch(r"[A-Z]{3}", code):
        raise GraphError(132012, "code is a currency of ISO 4217.")
