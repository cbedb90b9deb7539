"""An environment's file: read, held against the model, and refused with file, line, key and remedy."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stacks.environment import ENVIRONMENT_NAMES, Environment
from stacks.environment_rules import BrokenRules, Refusal


class EnvironmentRefused(ValueError):
    """An environment file that must not be deployed; says the file, each line, key and remedy.

    ``text`` is what stands in the file; a key that is not in it is shown without a line.
    """

    code = "environment-refused"

    def __init__(self, source: str, refusals: Sequence[Refusal], *, text: str = "") -> None:
        self.source = source
        self.refusals = tuple(refusals)
        lines = line_numbers(text)
        super().__init__(
            "\n".join(
                f"{source}{_place(lines, item.key)}: {item.key}: {item.problem} {item.remedy}"
                for item in self.refusals
            )
        )


_TABLE = re.compile(r"\s*\[([A-Za-z0-9_.-]+)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


def line_numbers(text: str) -> dict[str, int]:
    """Each dotted key and each table of a TOML ``text`` with its line, from 1."""
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _TABLE.match(line):
            table = f"{found[1]}."
            lines.setdefault(found[1], number)
        elif found := _KEY.match(line):
            lines.setdefault(table + found[1], number)
    return lines


def _place(lines: Mapping[str, int], key: str) -> str:
    """``:12`` for the line of ``key``, or of the nearest thing around it that is in the file."""
    while key:
        if key in lines:
            return f":{lines[key]}"
        key = key.rpartition(".")[0]
    return ""


def load_environment(
    name: str,
    *,
    directory: Path,
    today: date,
    account: str | None = None,
    sandbox_overrides: Mapping[str, str] | None = None,
) -> Environment:
    """The environment ``name`` from ``directory/{name}.toml``, as it counts on the day ``today``.

    ``account`` (twelve digits), where it is given, must be the file's. ``sandbox_overrides`` maps dotted keys
    (``razorpay.base_url``) to values that the running simulators dictate; any other environment refuses
    them. Raises EnvironmentRefused.
    """
    source = directory / f"{name}.toml"
    shown = f"{directory.name}/{source.name}"
    if name not in ENVIRONMENT_NAMES:
        known = ", ".join(ENVIRONMENT_NAMES)
        raise EnvironmentRefused(
            shown, [Refusal("env", f"{name!r} is no environment.", f"Choose one of {known}.")]
        )
    text, document = _read(source, shown)
    refusals: list[Refusal] = []
    if account is not None and document.get("account", account) != account:
        refusals.append(
            Refusal(
                "account",
                f"is not the account asked for, {account}.",
                "Ask for this one, or write the other into the file.",
            )
        )
    refusals += _override(document, name, sandbox_overrides or {})
    if refusals:
        raise EnvironmentRefused(shown, refusals, text=text)
    try:
        environment = Environment.model_validate(document)
    except ValidationError as error:
        raise EnvironmentRefused(shown, _explain(error), text=text) from None
    if environment.name != name:
        refusals.append(Refusal("name", "is not the file's name.", f'Set it to "{name}".'))
    exception = environment.residency_exception
    if exception is not None and today > exception.until:
        refusals.append(
            Refusal(
                "residency_exception.until",
                f"the exception ended on {exception.until.isoformat()}.",
                "Move the environment to India, or have the exception approved anew.",
            )
        )
    if refusals:
        raise EnvironmentRefused(shown, refusals, text=text)
    return environment


def _read(source: Path, shown: str) -> tuple[str, dict[str, object]]:
    try:
        text = source.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        refusal = Refusal("env", "the file does not exist.", "Create it, beginning with a copy of dev.toml.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        refusal = Refusal("(file)", f"is not TOML: {error}.", "Correct the line.")
    raise EnvironmentRefused(shown, [refusal])


def _override(document: dict[str, object], name: str, overrides: Mapping[str, str]) -> list[Refusal]:
    """Put ``overrides`` into ``document``; what stands against it."""
    refusals: list[Refusal] = []
    for key, value in overrides.items():
        section_name, _, field = key.partition(".")
        section = document.get(section_name)
        if name != "sandbox" or not isinstance(section, dict):
            refusals.append(
                Refusal(key, "can be overridden in the sandbox only.", "Write the value into the file.")
            )
        else:
            section[field] = value
    return refusals


def _explain(error: ValidationError) -> list[Refusal]:
    refusals: list[Refusal] = []
    for item in error.errors():
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, BrokenRules):
            refusals.extend(cause.refusals)
        else:
            refusals.append(_explain_one(item))
    return refusals


REMEDIES = {"account": 'Add account = "…", the twelve digits of the account that it belongs to.'}
"""How to add what is missing, where that is not plain."""


def _explain_one(item: ErrorDetails) -> Refusal:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(item["loc"][-1]), _known_keys(item["loc"][:-1]), n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Remove it."
        return Refusal(key, "is not a known key.", remedy)
    if item["type"] == "missing":
        return Refusal(key, "is missing.", REMEDIES.get(key, "Add it."))
    return Refusal(key, f"{item['msg']}.", "Correct the value.")


def _known_keys(section: tuple[int | str, ...]) -> list[str]:
    """The keys that the model knows in ``section``; empty path for the top level."""
    model: type[BaseModel] = Environment
    for part in section:
        annotation = model.model_fields[str(part)].annotation
        annotation = next((kind for kind in get_args(annotation) if kind is not type(None)), annotation)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
