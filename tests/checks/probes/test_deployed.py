"""The code and the templates that run are the approved ones, to the byte."""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from checks.probes import deployed
from checks.probes.account import CouldNotLook
from checks.probes.running import Stack
from checks.sandbox.deployed import DeployedStack

TEMPLATE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}}}


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivered: bytes, claimed: bytes) -> str | None:
    bundle = tmp_path / "asset.x"
    (bundle / "runtime").mkdir(parents=True)
    (bundle / "runtime" / "handler.py").write_bytes(b"approved = True\n")
    monkeypatch.setattr(deployed, "_download", lambda url: delivered)
    live: Any = SimpleNamespace(running=SimpleNamespace(assembly=tmp_path))
    sha256 = base64.b64encode(hashlib.sha256(claimed).digest()).decode()
    return deployed._compare(live, "asset.x", {"Location": "https://aws.example"}, sha256)


def test_the_approved_bundle_is_recognised_however_it_was_zipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved = zipped({"runtime/": b"", "runtime/handler.py": b"approved = True\n"})
    assert compared(tmp_path, monkeypatch, approved, approved) is None


@pytest.mark.parametrize(
    "files",
    [
        {"runtime/handler.py": b"approved = False\n"},
        {"runtime/handler.py": b"approved = True\n", "runtime/more.py": b""},
        {"runtime/renamed.py": b"approved = True\n"},
        {},
    ],
)
def test_other_code_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]
) -> None:
    other = zipped(files)
    assert compared(tmp_path, monkeypatch, other, other) == "is not the approved bundle"


def test_code_that_is_not_what_aws_says_it_is_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved = zipped({"runtime/handler.py": b"approved = True\n"})
    assert (
        compared(tmp_path, monkeypatch, approved, b"else") == "was delivered other than its CodeSha256 says"
    )


def test_no_bundle_to_compare_with_is_an_error(tmp_path: Path) -> None:
    live: Any = SimpleNamespace(running=SimpleNamespace(assembly=tmp_path))
    with pytest.raises(CouldNotLook):
        deployed._compare(live, None, {}, "x")


def stack(**changed: Any) -> Stack:
    given: dict[str, Any] = {
        "construct_id": "Data",
        "name": "hasivu-prod-data",
        "region": "ap-south-1",
        "template": TEMPLATE,
        "protected": True,
        "status": "UPDATE_COMPLETE",
        "running_protected": True,
        "deployed": DeployedStack(
            name="hasivu-prod-data", template=TEMPLATE, physical_ids={"Queue": "q"}, outputs={}
        ),
    }
    return Stack(**given | changed)


def asked(template: Any) -> Any:
    return SimpleNamespace(ask=lambda *args, **kwargs: {"TemplateBody": template})


@pytest.mark.parametrize(
    ("running", "said"),
    [
        (TEMPLATE, None),
        (json.dumps(TEMPLATE).replace("30", '"30"'), None),
        ({"Resources": {}}, "lack Queue"),
        ({"Resources": TEMPLATE["Resources"] | {"More": {}}}, "have More"),
        ({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}, "have another Queue"),
        (TEMPLATE | {"Outputs": {"Planted": {"Value": "x"}}}, "have Planted"),
    ],
)
def test_another_template_is_named(running: Any, said: str | None) -> None:
    found = deployed.template_is_wrong(asked(running), stack())
    assert found is None if said is None else said in str(found)


def test_a_template_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(CouldNotLook):
        deployed.template_is_wrong(asked("Resources: yaml"), stack())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"status": ""}, "is not deployed"),
        ({"status": "ROLLBACK_COMPLETE"}, "is in ROLLBACK_COMPLETE"),
        ({"running_protected": False}, "may be deleted"),
        ({"running_protected": False, "protected": False}, None),
    ],
)
def test_how_a_stack_stands(changed: dict[str, Any], said: str | None) -> None:
    found = deployed.stack_is_wrong(stack(**changed))
    assert found is None if said is None else str(found).startswith(said)
