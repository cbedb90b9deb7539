"""Input templates and dynamic paths of EventBridge Pipes.

Source: Amazon EventBridge user guide, "Input transformation in Amazon EventBridge Pipes". A placeholder
`<$.path>` outside of quotes becomes the value as JSON; inside of quotes its text is inserted. A path that
leads nowhere is left out: as an empty value, or as empty text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"<([^<>]+)>")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]")
_MISSING = object()


class TemplateInvalid(ValueError):
    """A template or path that Pipes would not take, or that is not JSON once filled in."""


def value_at(path: str, record: Any) -> Any:
    """The value at a JSON path such as `$.dynamodb.NewImage.source.S`; None if it leads nowhere."""
    found = _follow(path, record)
    return None if found is _MISSING else found


def text_of(parameter: str, record: Any) -> str:
    """A target parameter: a dynamic path's value, or the text itself. Error: `TemplateInvalid`."""
    if not parameter.startswith("$."):
        return parameter
    value = _follow(parameter, record)
    if not isinstance(value, str):
        raise TemplateInvalid(f"{parameter} gives no text")
    return value


def filled(template: str, record: Mapping[str, Any], *, reserved: Mapping[str, str]) -> str:
    """`template` with its placeholders replaced. `reserved` holds the `aws.pipes.…` variables."""
    parts: list[str] = []
    position = 0
    for placeholder in _PLACEHOLDER.finditer(template):
        parts.append(template[position : placeholder.start()])
        quoted = _inside_quotes(template, placeholder.start())
        parts.append(_replacement(placeholder.group(1), record, reserved, quoted=quoted))
        position = placeholder.end()
    parts.append(template[position:])
    document = "".join(parts)
    try:
        json.loads(document)
    except json.JSONDecodeError as error:
        raise TemplateInvalid(f"the filled template is not JSON: {error.msg} at {error.pos}") from None
    return document


def _replacement(name: str, record: Any, reserved: Mapping[str, str], *, quoted: bool) -> str:
    value = reserved.get(name, _MISSING) if not name.startswith("$") else _follow(name, record)
    if value is _MISSING and not name.startswith("$"):
        raise TemplateInvalid(f"<{name}> is not known")
    if not quoted:
        return '""' if value is _MISSING else json.dumps(value)
    text = "" if value is _MISSING else value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]


def _follow(path: str, record: Any) -> Any:
    if not path.startswith("$"):
        raise TemplateInvalid(f"{path} is not a JSON path")
    position, value = 1, record
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise TemplateInvalid(f"{path} is not a simple JSON path")
        name, index = step.groups()
        if name is not None:
            value = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else _MISSING
        if value is _MISSING:
            return _MISSING
        position = step.end()
    return value


def _inside_quotes(template: str, position: int) -> bool:
    """Whether an odd number of unescaped quotes stands before `position`."""
    before = re.sub(r"\\.", "", template[:position])
    return before.count('"') % 2 == 1
