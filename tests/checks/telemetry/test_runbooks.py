"""What a runbook tells somebody to type at three in the morning exists."""

import re
import shlex
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from typer.main import get_command

from checks.cli import app
from stacks.house_app import ROOT

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
CLIENT_SIDE = {("logs", "tail"): {"--since", "--filter-pattern", "--follow"}}
"""Commands that the AWS CLI adds to the services' own operations."""
RENAMED = {"configservice": "config", "deploy": "codedeploy", "s3api": "s3"}
"""Services that the AWS CLI calls otherwise."""
GLOBAL_OPTIONS = {"--query", "--output", "--region", "--no-cli-pager"}
PARTS = ("**Means:**", "**First look:**", "**Do:**", "**Never:**", "**Call:**", "**Ends:**")
SHORTENED = {"**Likely, do, never, call:** as for throttles"}


def code(runbook: Path) -> list[str]:
    """Shell blocks and inline code, with continued lines joined and substitutions taken apart."""
    text = runbook.read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`]+)`", outside.replace("\n", " "))
    return [
        part
        for line in lines
        for part in (*re.findall(r"\$\((.*?)\)", line), re.sub(r"\$\(.*?\)", "X", line))
    ]


def commands(runbook: Path, program: str) -> list[list[str]]:
    found = [
        re.split(rf"^{program} | {program} |\| {program} ", line, maxsplit=1)[-1]
        for line in code(runbook)
        if re.match(rf"(\w+=)?{program} ", line)
    ]
    return [shlex.split(line, comments=True) for line in found]


def sections(runbook: Path) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", runbook.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_every_aws_command_and_its_options_exist(runbook: Path) -> None:
    session = botocore.session.get_session()
    for command in commands(runbook, "aws"):
        service, operation, *rest = command
        options = {word for word in rest if word.startswith("--")}
        if (service, operation) in CLIENT_SIDE:
            assert options <= CLIENT_SIDE[service, operation] | GLOBAL_OPTIONS, command
            continue
        model = session.get_service_model(RENAMED.get(service, service))
        names = {xform_name(name, "-"): name for name in model.operation_names}
        assert operation in names, command
        shape = model.operation_model(names[operation]).input_shape
        members = {} if shape is None else shape.members
        known = {f"--{xform_name(name, '-')}" for name in members}
        known |= {
            f"--no-{xform_name(name, '-')}" for name, kind in members.items() if kind.type_name == "boolean"
        }
        assert options <= known | GLOBAL_OPTIONS, command


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_every_hasivu_command_and_its_options_exist(runbook: Path) -> None:
    for words in commands(runbook, "hasivu"):
        command: Any = get_command(app)
        rest = list(words)
        while hasattr(command, "commands"):
            name = rest.pop(0)
            assert name in command.commands, words
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= options, words


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(runbook: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", runbook.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        path = runbook.parent / file if file else runbook
        assert path.is_file(), target
        anchors = {re.sub(r"[^\w -]", "", name).strip().lower().replace(" ", "-") for name in sections(path)}
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize(
    "runbook", [path for path in RUNBOOKS if path.stem != "README"], ids=lambda path: path.stem
)
def test_every_section_says_what_it_means_what_to_do_and_what_never(runbook: Path) -> None:
    for name, text in sections(runbook).items():
        missing = [part for part in PARTS if part not in text]
        assert not missing or any(short in text for short in SHORTENED), f"{name}: {missing}"
        assert len(text.splitlines()) <= 50, f"{name} is too long to read at night"


def test_the_readme_lists_every_runbook() -> None:
    listed = set(
        re.findall(
            r"\| \[([\w-]+\.md)\]", (ROOT / "docs" / "runbooks" / "README.md").read_text(encoding="utf-8")
        )
    )

    assert listed == {path.name for path in RUNBOOKS} - {"README.md"}


def test_log_lines_that_are_searched_for_are_written() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "runtime").rglob("*.py"))
    searched = {
        message
        for runbook in RUNBOOKS
        for message in re.findall(r'\$\.message = "([^"]+)"', runbook.read_text(encoding="utf-8"))
    }

    assert searched
    for message in searched:
        assert f'"{message}"' in sources, message
