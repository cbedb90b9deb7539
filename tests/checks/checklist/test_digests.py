"""Digests: same facts, same digest; any change of what counts, another one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.checklist.digests import assembly_sha256, catalogue_sha256, source_sha256
from checks.errors import HasivuError

CODE = "asset.0001"


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def _assembly(folder: Path) -> Path:
    _write(folder / "Data.template.json", {"Resources": {"Table": {"Type": "AWS::DynamoDB::Table"}}})
    _write(folder / "Data.assets.json", {"files": {"0001": {"source": {"path": CODE}}}})
    properties = {"templateFile": "Data.template.json", "stackName": "data", "terminationProtection": True}
    artifacts = {
        "Data": {
            "type": "aws:cloudformation:stack",
            "environment": "aws://1/ap-south-1",
            "properties": properties,
        },
        "Data.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Data.assets.json"}},
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }
    _write(folder / "manifest.json", {"artifacts": artifacts})
    (folder / CODE).mkdir()
    (folder / CODE / "handler.py").write_text("answer = 42\n", encoding="utf-8")
    return folder


def _changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    _write(path, document)


def _unprotect(folder: Path) -> None:
    _changed(
        folder / "manifest.json",
        lambda it: it["artifacts"]["Data"]["properties"].update(terminationProtection=False),
    )


def _move(folder: Path) -> None:
    _changed(
        folder / "manifest.json", lambda it: it["artifacts"]["Data"].update(environment="aws://2/ap-south-1")
    )


def _rename_resource(folder: Path) -> None:
    _changed(
        folder / "Data.template.json", lambda it: it["Resources"].update(Other=it["Resources"].pop("Table"))
    )


def _say_to_the_instance(folder: Path) -> None:
    _changed(
        folder / "Data.template.json",
        lambda it: it["Resources"]["Table"].update(Metadata={"AWS::CloudFormation::Init": {}}),
    )


def _alter_code(folder: Path) -> None:
    (folder / CODE / "handler.py").write_text("answer = 43\n", encoding="utf-8")


def _add_code(folder: Path) -> None:
    (folder / CODE / "more.py").write_text("", encoding="utf-8")


def test_the_same_assembly_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    first = _assembly(tmp_path / "a")
    second = Path(shutil.copytree(first, tmp_path / "b" / "deeper"))
    template = second / "Data.template.json"
    template.write_text(json.dumps(json.loads(template.read_text()), indent=4), encoding="utf-8")
    (second / "validation-report.json").write_text("{}", encoding="utf-8")

    assert assembly_sha256(first) == assembly_sha256(second)


@pytest.mark.parametrize(
    "change", [_unprotect, _move, _rename_resource, _say_to_the_instance, _alter_code, _add_code]
)
def test_what_a_deployment_would_do_otherwise_changes_the_digest(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = _assembly(tmp_path / "a")
    before = assembly_sha256(folder)

    change(folder)

    assert assembly_sha256(folder) != before


@pytest.mark.parametrize("part", ["manifest.json", "Data.template.json", "Data.assets.json", CODE])
def test_an_assembly_without_a_part_has_no_digest(tmp_path: Path, part: str) -> None:
    folder = _assembly(tmp_path / "a")
    path = folder / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()

    with pytest.raises(HasivuError) as refused:
        assembly_sha256(folder)

    assert refused.value.code == "ASSEMBLY_UNREADABLE"
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize("change", [{"artifacts": {}}, {"artifacts": []}, []])
def test_what_is_no_assembly_has_no_digest(tmp_path: Path, change: Any) -> None:
    _write(tmp_path / "manifest.json", change)

    with pytest.raises(HasivuError, match="no whole cloud assembly"):
        assembly_sha256(tmp_path)


def _repository(folder: Path) -> Path:
    for name in (
        "runtime/a.py",
        "checks/rules/b.py",
        "checks/checklist/items/c.toml",
        "uv.lock",
        "docs/d.md",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "sources", "catalogue"),
    [
        ("runtime/a.py", True, False),
        ("runtime/new.py", True, False),
        ("checks/rules/b.py", True, True),
        ("checks/checklist/items/c.toml", True, True),
        ("checks/probes/new.py", True, True),
        ("uv.lock", True, False),
        ("docs/d.md", False, False),
        ("compliance/waivers/prod.toml", False, False),
        ("runtime/__pycache__/a.cpython-314.pyc", False, False),
    ],
)
def test_what_counts_as_source_and_as_catalogue(
    tmp_path: Path, name: str, sources: bool, catalogue: bool
) -> None:
    repository = _repository(tmp_path)
    before = source_sha256(repository), catalogue_sha256(repository)
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)

    path.write_text("changed", encoding="utf-8")

    assert (source_sha256(repository) != before[0], catalogue_sha256(repository) != before[1]) == (
        sources,
        catalogue,
    )


def test_a_file_that_moves_changes_the_digest(tmp_path: Path) -> None:
    repository = _repository(tmp_path)
    before = source_sha256(repository)

    (repository / "runtime/a.py").rename(repository / "runtime/b.py")

    assert source_sha256(repository) != before
