"""The Lambda bundles: reproducible, no bigger than they may be, and complete on their own."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from checks.bundles import functions, layers, tree
from checks.bundles.build import build
from checks.bundles.manifest import BUDGET_BYTES, LIMIT_BYTES, Bundle, Manifest
from checks.errors import HasivuError
from checks.toolchain import REPOSITORY

# What the Lambda runtime brings itself: boto3 and what it needs.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    root = tmp_path_factory.mktemp("bundles")
    return root, build(output=root)


def test_two_builds_give_the_same_hashes(built: tuple[Path, Manifest], tmp_path: Path) -> None:
    _, first = built
    second = build(output=tmp_path)
    assert {path: b.sha256 for path, b in second.bundles.items()} == {
        path: b.sha256 for path, b in first.bundles.items()
    }


def test_nothing_is_built_again_when_nothing_changed(built: tuple[Path, Manifest]) -> None:
    root, manifest = built
    said: list[str] = []
    assert build(output=root, progress=said.append) == manifest
    assert said == []


def test_a_bundle_that_somebody_changed_is_built_again(tmp_path: Path) -> None:
    build(output=tmp_path, targets=())
    (tmp_path / "functions" / "health-check" / "runtime" / "__init__.py").write_text("raise SystemExit\n")
    said: list[str] = []
    build(output=tmp_path, targets=(), progress=said.append)
    assert said == ["function health-check"]


def test_a_bundle_of_nothing_that_exists_is_removed(tmp_path: Path) -> None:
    left_over = tmp_path / "functions" / "gone-for-good"
    left_over.mkdir(parents=True)
    build(output=tmp_path, targets=())
    assert not left_over.exists()


def test_every_bundle_keeps_its_budget_and_a_function_with_its_layers_lambdas_limit(
    built: tuple[Path, Manifest],
) -> None:
    _, manifest = built
    assert manifest.over_budget() == []
    assert all(0 < total < LIMIT_BYTES for total in manifest.layers_bytes_by_target().values())


def test_a_bundle_over_its_budget_is_named() -> None:
    bundle = Bundle(
        kind="functions",
        name="fat",
        target=None,
        path="functions/fat",
        key="k",
        sha256="s",
        size_bytes=BUDGET_BYTES["functions"] + 1,
    )
    (problem,) = Manifest(bundles={bundle.path: bundle}).over_budget()
    assert "functions/fat" in problem


def test_layers_hold_no_scripts_no_bytecode_and_no_native_code_for_another_machine(
    built: tuple[Path, Manifest],
) -> None:
    root, _ = built
    arm64 = list((root / "layers" / "arm64").rglob("*"))
    assert not [path for path in arm64 if path.name in ("bin", "__pycache__", ".lock")]
    native = [path.name for path in arm64 if path.suffix == ".so"]
    assert native
    assert all("x86_64" not in name for name in native)
    assert any("cpython-314-aarch64" in name for name in native)


@pytest.mark.parametrize("name", sorted(functions.function_modules(REPOSITORY)))
def test_a_handler_can_be_imported_from_its_bundle_and_its_layers_alone(
    built: tuple[Path, Manifest], tmp_path: Path, name: str
) -> None:
    root, _ = built
    site_packages = Path(layers.__file__).resolve().parents[2] / ".venv"
    installed = next(site_packages.glob("lib/python*/site-packages"))
    for package in RUNTIME_PACKAGES:
        (tmp_path / package).symlink_to(installed / package)
    layer_paths = [root / "layers" / "host" / layer / "python" for layer in layers.layers_of(name)]
    path = [str(root / "functions" / name), *map(str, layer_paths), str(tmp_path)]
    module = functions.function_modules(REPOSITORY)[name]
    code = (
        f"import sys; sys.path += {path!r}; import importlib; "
        f"module = importlib.import_module({module!r}); assert callable(module.handler); "
        f"assert module.__file__.startswith({path[0]!r})"
    )
    # -I -S: no environment, no site-packages; only what is on the path above.
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr


def test_importing_a_module_counts_the_packages_it_is_in_and_what_they_import() -> None:
    imports = {"a.b.c": {"x.y"}, "a": {"z"}, "x.y": set(), "unused": {"w"}}
    closure = functions.import_closure("a.b.c", lambda module: imports.get(module, set()))
    assert closure == {"a", "a.b", "a.b.c", "x", "x.y", "z"}


def test_a_bundle_holds_nothing_that_its_function_does_not_import(built: tuple[Path, Manifest]) -> None:
    root, _ = built
    health_check = root / "functions" / "health-check" / "runtime"
    assert (health_check / "functions" / "health_check.py").is_file()
    assert not (health_check / "functions" / "payments_advanced.py").exists()
    assert not (health_check / "openapi.json").exists()


def test_the_key_of_a_layer_changes_with_the_lock_the_layer_and_the_target(tmp_path: Path) -> None:
    lock = tmp_path / "uv.lock"
    lock.write_text("one")
    arm64, host = layers.targets()
    keys = {
        layers.key_of("core", arm64, lock=lock),
        layers.key_of("jwt", arm64, lock=lock),
        layers.key_of("core", host, lock=lock),
    }
    lock.write_text("two")
    keys.add(layers.key_of("core", arm64, lock=lock))
    assert len(keys) == 4


def test_a_hash_sees_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for root in (first, second):
        root.mkdir()
        (root / "a").write_text("same")
    (second / "a").chmod(0o600)
    assert tree.sha256_of(first) == tree.sha256_of(second)
    (second / "a").rename(second / "b")
    assert tree.sha256_of(first) != tree.sha256_of(second)


def test_a_registry_that_cannot_be_reached_is_reported_with_a_next_step(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    with pytest.raises(HasivuError) as failure:
        layers.install("core", layers.targets()[0], repository=tmp_path, into=tmp_path / "layer")
    assert failure.value.code == "LAYER_BUILD_FAILED"
    assert failure.value.detail
    assert failure.value.next_step


def test_where_a_layer_is_built_leaves_no_trace(tmp_path: Path) -> None:
    hashes = []
    for place in ("here", "elsewhere"):
        info = tmp_path / place / "jmespath-1.1.0.dist-info"
        info.mkdir(parents=True)
        script = tmp_path / place / "bin" / "jp.py"
        script.parent.mkdir()
        script.write_text(f"#!{tmp_path / place}/python\n")
        digest = hashlib.sha256(script.read_bytes()).hexdigest()
        lines = f"bin/jp.py,sha256={digest},40\r\njmespath/__init__.py,sha256=abc,7\r\n"
        (info / "RECORD").write_text(lines, newline="")
        tree.strip(tmp_path / place)
        assert (info / "RECORD").read_bytes() == b"jmespath/__init__.py,sha256=abc,7\r\n"
        hashes.append(tree.sha256_of(tmp_path / place))
    assert hashes[0] == hashes[1]
