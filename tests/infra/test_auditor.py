"""The auditor may ask what the probes ask and nothing else, and is taken on by nobody who is not known."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from checks.probes import deployed
from checks.probes.apis import NEEDS_NONE, PERMISSIONS
from checks.probes.auditor import role_name
from checks.rules import auditor
from stacks.auditor import ONLY_EMULATOR, READS
from tests.infra.assembly import Assembly

PROBES_FOLDER = Path(deployed.__file__).parent
LISTS_OF_NAMES = frozenset(
    {"list_buckets", "list_functions", "list_queues", "list_roles", "list_secrets", "list_tables"}
)
"""AWS knows no narrower resource for them; they tell names and no more."""
INLINE_POLICIES_MAX = 10_240
"""Characters of all inline policies of one role, spaces left out: IAM's quota."""


def role(assembly: Assembly) -> dict[str, Any]:
    (found,) = (
        item.properties
        for item in assembly.resources("AWS::IAM::Role")
        if item.properties.get("RoleName") == role_name(assembly.environment)
    )
    return found


def rights(assembly: Assembly) -> list[dict[str, Any]]:
    (found,) = (
        item.properties["PolicyDocument"]["Statement"]
        for item in assembly.resources("AWS::IAM::Policy")
        if "Auditor" in str(item.properties["Roles"])
    )
    return list(found)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_auditor_may_ask_what_the_probes_ask_and_nothing_else() -> None:
    allowed = [action for actions in READS for action in actions]
    assert len(allowed) == len(set(allowed))
    assert set(allowed) == set(PERMISSIONS.values()) - NEEDS_NONE


def test_every_question_in_the_source_is_known_and_every_known_one_is_asked() -> None:
    asked = set()
    for path in PROBES_FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [item.value for item in node.args[:2] if isinstance(item, ast.Constant)]
            if name in ("ask", "all", "answer", "member") and len(texts) == 2:
                asked.add(tuple(texts))
    assert asked == set(PERMISSIONS)


def test_every_permission_only_reads() -> None:
    for permission in PERMISSIONS.values():
        name = permission.partition(":")[2]
        assert name.startswith(("Get", "List", "Describe", "View", "GET")), permission


def test_the_role_has_these_rights_in_every_environment(assembly: Assembly) -> None:
    more = set(ONLY_EMULATOR) if assembly.environment == "sandbox" else set()
    allowed = {action for item in rights(assembly) for action in listed(item["Action"])}
    assert allowed == set(PERMISSIONS.values()) - NEEDS_NONE | more
    assert {item["Effect"] for item in rights(assembly)} == {"Allow"}
    assert len(str(rights(assembly)).replace(" ", "")) < INLINE_POLICIES_MAX


@pytest.mark.parametrize("what", ["dynamodb", "s3", "secretsmanager", "lambda", "sqs", "ssm", "iam"])
def test_what_holds_data_is_looked_at_in_this_environment_only(assembly: Assembly, what: str) -> None:
    names = {permission for (_, operation), permission in PERMISSIONS.items() if operation in LISTS_OF_NAMES}
    every = {"lambda:ListEventSourceMappings", "lambda:GetLayerVersion", *names, *ONLY_EMULATOR}
    for item in rights(assembly):
        actions = set(listed(item["Action"]))
        if any(action.startswith(f"{what}:") for action in actions - every):
            for resource in listed(item["Resource"]):
                assert re.search(rf"[-/]{assembly.environment}\b", resource), resource


def test_people_need_a_second_factor_and_machines_are_the_pipeline(prod: Assembly, sandbox: Assembly) -> None:
    trusted = role(prod)["AssumeRolePolicyDocument"]["Statement"]
    root = {"AWS": "arn:aws:iam::777788889999:root"}
    assert [item["Principal"] for item in trusted] == [root, root]
    assert [item["Condition"] for item in trusted] == [
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::777788889999:role/hasivu-prod-deploy"}},
    ]
    (embedded,) = role(sandbox)["AssumeRolePolicyDocument"]["Statement"]
    assert "Condition" not in embedded, "nobody in the emulator has a second factor"


def test_the_rule_knows_the_same_exceptions_of_the_emulator() -> None:
    assert {action.lower() for action in ONLY_EMULATOR} == auditor.ONLY_EMULATOR
