"""docs/guides/release.md is true: every command, option, role and file in it exists."""

import re
import shlex
from typing import Any

import typer.main

from checks.cli import app
from checks.release.roles import policy
from checks.release.window import WindowState
from checks.report.commands import app as report_app
from checks.toolchain import REPOSITORY

GUIDE = (REPOSITORY / "docs" / "guides" / "release.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """The words after each `hasivu` of the guide, in blocks and in the text."""
    blocks = [block.replace("\\\n", " ") for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)]
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`(\.venv/bin/hasivu [^`\n]+)`", GUIDE)
    return [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/hasivu ")]


def test_every_command_exists_with_its_options() -> None:
    found = commands()
    named = {words[0] for words in found}
    assert named == {"check", "report", "sign", "signoff", "go-live", "window", "rollback", "verify"}
    group: Any = typer.main.get_command(app)
    reports: Any = typer.main.get_command(report_app)
    of = {**group.commands, "report": reports.commands["write"]}
    for name, *rest in found:
        known = {option for parameter in of[name].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, (name, rest)


def test_every_option_of_the_text_exists() -> None:
    group: Any = typer.main.get_command(app)
    known = {
        option
        for name in ("sign", "signoff", "go-live", "window", "rollback", "verify")
        for parameter in group.commands[name].params
        for option in parameter.opts
    }
    named = set(re.findall(r"`(--[a-z-]+)", GUIDE))
    assert named >= {"--late-reason", "--condition", "--close"}
    assert named <= known


def test_every_role_and_state_is_named() -> None:
    assert all(f"`{role}`" in GUIDE for role in policy().roles)
    assert all(f"`{state}`" in GUIDE for state in WindowState)


def test_every_file_exists() -> None:
    named = set(re.findall(r"(?:docs|checks|releases|\.github)/[\w./-]*\w", GUIDE)) - {
        "releases/reports/prod"
    }
    missing = {name for name in named if not (REPOSITORY / name).exists()}
    assert missing == set()
