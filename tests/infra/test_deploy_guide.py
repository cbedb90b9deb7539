"""docs/guides/deploy.md is true: every command, file, key, name and path in it exists."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import botocore.session
import typer.main
from botocore import xform_name

from checks.cli import app as hasivu
from stacks.environment import Environment
from stacks.house_app import ROOT
from tests.infra.assembly import Assembly

GUIDE = (ROOT / "docs" / "guides" / "deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", GUIDE, re.DOTALL)
CODE = [*re.findall(r"(?<!`)`([^`\n]+)`(?!`)", GUIDE)]
LANGUAGES = ("sh", "json")
RENAMED = {"configservice": "config"}
"""Services that the AWS CLI calls otherwise."""


def shell_lines() -> Iterator[str]:
    """Each command of the guide, of blocks and of the text, on one line."""
    for language, block in BLOCKS:
        if language == "sh":
            yield from block.replace("\\\n", " ").splitlines()
    yield from CODE


def commands(*first: str) -> list[list[str]]:
    """The words after each occurrence of a program."""
    found = []
    for line in shell_lines():
        words = shlex.split(line, comments=True) if line.count('"') % 2 == line.count("'") % 2 == 0 else []
        for position, word in enumerate(words):
            if word.strip("$()") in first:
                found.append(words[position + 1 :])
    return found


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    assert {language for language, _ in BLOCKS} == set(LANGUAGES)


def test_every_hasivu_command_exists_with_its_options() -> None:
    found = commands(".venv/bin/hasivu", "hasivu")
    assert {words[0] for words in found} >= {"gate", "synth", "redrive"}
    for words in found:
        command: Any = typer.main.get_command(hasivu)
        rest = list(words)
        while hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, words


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {words[0] for words in commands("make") if words}
    assert named >= {"tools", "build", "diff", "demo"}
    assert named <= targets


def test_every_aws_command_exists_with_its_options() -> None:
    session = botocore.session.Session()
    found = commands("aws")
    assert len(found) >= 8
    for service, operation, *rest in found:
        model = session.get_service_model(RENAMED.get(service, service))
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        assert operation in operations, f"aws {service} {operation}"
        shape = model.operation_model(operations[operation]).input_shape
        known = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())} | {"--query"}
        assert {word for word in rest if word.startswith("--")} <= known, (service, operation, rest)


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"(?:\.github|environments|docs|checks|stacks)/[\w./-]+\.\w+", GUIDE))
    assert len(named) >= 5
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_key_of_an_environment_that_is_named_exists() -> None:
    section = GUIDE.partition("## 4.")[2].partition("## 5.")[0]
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", section)
    assert "account" in named
    for name in (name for name in named if "." in name or name == "account"):
        model: Any = Environment
        for part in name.split("."):
            assert part in model.model_fields, name
            model = model.model_fields[part].annotation


def test_the_trust_policy_lets_in_one_environment_of_one_repository() -> None:
    trust, deploy = (json.loads(block) for language, block in BLOCKS if language == "json")
    (statement,) = trust["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    provider = "token.actions.githubusercontent.com"
    assert statement["Condition"] == {
        "StringEquals": {
            f"{provider}:aud": "sts.amazonaws.com",
            f"{provider}:sub": "repo:OWNER/NAME:environment:ENV",
        }
    }
    allowed, *looking = deploy["Statement"]
    assert looking == [
        {"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["lambda:GetAlias", "lambda:GetFunctionConfiguration"],
            "Resource": "arn:aws:lambda:ap-south-1:ACCOUNT:function:hasivu-ENV-*",
        },
    ]
    assert allowed["Action"] == "sts:AssumeRole"


def test_the_secrets_are_those_of_the_stacks_and_hold_what_is_read(prod: Assembly) -> None:
    deployed = {str(item.properties["Name"]) for item in prod.resources("AWS::SecretsManager::Secret")}
    rows = re.findall(r"^\| `hasivu/\{env\}/([\w-]+)` \| (?:`(\{.*?\})`)?", GUIDE, re.MULTILINE)
    assert {f"hasivu/prod/{name}" for name, _ in rows} == deployed
    told = {name: set(json.loads(content)) for name, content in rows if content}
    assert told == {
        "razorpay": {"key_id", "key_secret"},
        "razorpay-webhook": {"secrets"},
        "whatsapp": {"access_token", "app_secrets", "verify_token"},
    }


def test_the_addresses_that_are_registered_elsewhere_are_routes_of_the_api() -> None:
    contract = json.loads((ROOT / "runtime" / "openapi.json").read_text(encoding="utf-8"))
    registered = set(re.findall(r"<ApiUrl>([\w/-]+)", GUIDE)) | set(re.findall(r"\{API\}([\w/-]+)", GUIDE))
    routes = set(re.findall(r"(?:GET|POST) (/v1/[\w/{}-]+)", GUIDE))
    assert {f"/{path}" for path in registered} | routes <= contract["paths"].keys()
    assert "v1/webhooks/razorpay" in registered
    assert "v1/webhooks/whatsapp" in registered


def test_the_names_of_stacks_outputs_queues_and_functions_are_the_deployed_ones(prod: Assembly) -> None:
    text = GUIDE.replace("$ENV", "prod").replace("hasivu-dev-", "hasivu-prod-")
    names = {
        *prod.stack_names.values(),
        *(str(queue.properties["QueueName"]) for queue in prod.resources("AWS::SQS::Queue")),
        *(str(item.properties["FunctionName"]) for item in prod.resources("AWS::Lambda::Function")),
        *(str(item.properties.get("RoleName")) for item in prod.resources("AWS::IAM::Role")),
        "hasivu-prod-deploy",  # the role of step 2
    }
    named = set(re.findall(r"hasivu-prod-[a-z-]+", text))
    assert named <= names
    outputs = {name for template in prod.templates.values() for name in template.get("Outputs", {})}
    assert {"ApiUrl", "UserPoolId", "UserPoolClientId"} <= outputs
