"""Builds all bundles below build/lambda, only those whose sources changed, and writes the manifest."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.bundles import functions, layers, tree
from checks.bundles.manifest import Bundle, Manifest
from checks.errors import ExitCode, HasivuError
from checks.toolchain import REPOSITORY

Progress = Callable[[str], None]


def output_of(repository: Path = REPOSITORY) -> Path:
    """Where the bundles of a checkout are."""
    return repository / "build" / "lambda"


def build(
    *,
    repository: Path = REPOSITORY,
    output: Path | None = None,
    targets: tuple[str, ...] = ("arm64", "host"),
    progress: Progress | None = None,
) -> Manifest:
    """Build what is missing or changed and return the manifest of everything asked for.

    `targets` limits the layers to those targets; functions have no target. Errors: `LAYER_BUILD_FAILED`,
    `BUNDLE_TOO_BIG`. Two builds of one checkout wait for each other.
    """
    root = output if output is not None else output_of(repository)
    root.mkdir(parents=True, exist_ok=True)
    say = progress if progress is not None else _say_nothing
    with _one_build_at_a_time(root):
        before = Manifest.read(root / "manifest.json")
        bundles = dict(before.bundles)
        built = [
            *_layers(repository, root, before, targets, say),
            *_functions(repository, root, before, say),
        ]
        bundles = {b.path: b for b in bundles.values() if b.target not in (None, *targets)}
        bundles |= {bundle.path: bundle for bundle in built}
        manifest = Manifest(bundles=bundles)
        _refuse_if_over_budget(manifest)
        _drop_leftovers(root, manifest)
        manifest.write(root / "manifest.json")
    return manifest


def _layers(
    repository: Path, root: Path, before: Manifest, wanted: tuple[str, ...], progress: Progress
) -> Iterator[Bundle]:
    for target in layers.targets():
        for layer in layers.LAYERS if target.name in wanted else ():
            path = f"layers/{target.name}/{layer}"
            key = layers.key_of(layer, target, lock=repository / "uv.lock")
            known = _still_good(root, before, path, key)
            if known is not None:
                yield known
                continue
            progress(f"layer {layer} for {target.name}")
            with _staging(root) as staged:
                layers.install(layer, target, repository=repository, into=staged)
                tree.put_in_place(staged, root / path)
            yield _described(root, path, kind="layers", name=layer, target=target.name, key=key)


def _functions(repository: Path, root: Path, before: Manifest, progress: Progress) -> Iterator[Bundle]:
    graph = functions.import_graph()
    for name, module in functions.function_modules(repository).items():
        path = f"functions/{name}"
        files = functions.source_files(module, graph, repository=repository)
        key = _content_key(files, repository)
        known = _still_good(root, before, path, key)
        if known is not None:
            yield known
            continue
        progress(f"function {name}")
        with _staging(root) as staged:
            functions.copy(files, repository=repository, into=staged)
            tree.put_in_place(staged, root / path)
        yield _described(root, path, kind="functions", name=name, target=None, key=key)


def _still_good(root: Path, before: Manifest, path: str, key: str) -> Bundle | None:
    """The bundle as the manifest knows it, if it was built from the same and nobody changed it since."""
    known = before.bundles.get(path)
    if known is None or known.key != key or not (root / path).is_dir():
        return None
    return known if tree.sha256_of(root / path) == known.sha256 else None


def _described(root: Path, path: str, *, kind: str, name: str, target: str | None, key: str) -> Bundle:
    return Bundle.model_validate(
        {
            "kind": kind,
            "name": name,
            "target": target,
            "path": path,
            "key": key,
            "sha256": tree.sha256_of(root / path),
            "size_bytes": tree.size_bytes_of(root / path),
        }
    )


def _content_key(files: list[Path], repository: Path) -> str:
    digest = hashlib.sha256()
    for relative in files:
        content = hashlib.sha256((repository / relative).read_bytes()).hexdigest()
        digest.update(f"{relative.as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _refuse_if_over_budget(manifest: Manifest) -> None:
    problems = manifest.over_budget()
    if problems:
        raise HasivuError(
            "BUNDLE_TOO_BIG",
            "; ".join(problems) + ".",
            next_step="find the new dependency with `uv tree --only-group layer-<name>`, or raise the budget "
            "in checks/bundles/manifest.py with a reason",
            exit_code=ExitCode.BUILD,
        )


def _drop_leftovers(root: Path, manifest: Manifest) -> None:
    """Remove bundles of functions and layers that no longer exist, so that nothing stale is deployed."""
    for kind, depth in (("functions", 1), ("layers", 2)):
        for path in (root / kind).glob("/".join("*" * depth)):
            if path.relative_to(root).as_posix() not in manifest.bundles:
                shutil.rmtree(path)


@contextmanager
def _staging(root: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=root, prefix=".staging-") as folder:
        yield Path(folder, "bundle")


@contextmanager
def _one_build_at_a_time(root: Path) -> Iterator[None]:
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say_nothing(_: str) -> None:
    return
