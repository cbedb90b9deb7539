"""The two sides of a comparison: the merge base in a folder of its own, and this checkout as it is.

Nothing of the person at the keyboard gets in: no credentials, no profile, no account; and no network.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from checks import toolchain
from checks.diff import fingerprints
from checks.diff.assembly import PLACEHOLDER_ACCOUNT, Assembly, read_assembly
from checks.errors import ExitCode, HasivuError

_GIT_TIMEOUT_S = 60
_SYNTH_TIMEOUT_S = 300
_SHOWN_LINES = 30


@dataclass(frozen=True, kw_only=True)
class Side:
    """One checkout with the placeholder bundles of its own sources."""

    title: str
    checkout: Path
    bundles: Path


def merge_base(revision: str, *, repository: Path) -> str:
    """The commit that this checkout and `revision` have in common. Error: `REVISION_UNKNOWN`."""
    if revision.startswith("-"):
        raise _unknown(revision, "a revision does not begin with a dash")
    found = _git("merge-base", "--end-of-options", revision, "HEAD", repository=repository)
    if found.returncode != 0:
        raise _unknown(revision, found.stderr.decode(errors="replace").strip())
    return found.stdout.decode().strip()


def extract(commit: str, folder: Path, *, repository: Path) -> None:
    """Write the tree of `commit` to `folder`; the repository itself is not touched."""
    archive = _git("archive", "--format=tar", commit, repository=repository)
    if archive.returncode != 0:
        raise _unknown(commit, archive.stderr.decode(errors="replace").strip())
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")


def prepare(title: str, checkout: Path, bundles: Path) -> Side:
    """A side, ready to be synthesised. A checkout from before there was an app has no bundles."""
    bundles.mkdir(parents=True)
    if (checkout / "app.py").is_file():
        script = str(Path(fingerprints.__file__))
        _run([sys.executable, script, str(checkout), str(bundles)], title, checkout, "read the sources")
    return Side(title=title, checkout=checkout, bundles=bundles)


def environments(side: Side) -> list[str]:
    """The environments that a side describes, without the sandbox: that one nobody's data lives in."""
    folder = side.checkout / "environments"
    return sorted(path.stem for path in folder.glob("*.toml") if path.stem != "sandbox")


def synthesised(side: Side, environment: str, output: Path) -> Assembly:
    """The stacks of `environment` on this side; none where it does not exist there. Error: `SYNTH_FAILED`."""
    file = side.checkout / "environments" / f"{environment}.toml"
    if not file.is_file() or not (side.checkout / "app.py").is_file():
        return {}
    context = {
        "env": environment,
        "bundles": str(side.bundles),
        "aws:cdk:enable-path-metadata": True,
    }
    if not _names_an_account(file):
        context["account"] = PLACEHOLDER_ACCOUNT
    variables = {
        "CDK_OUTDIR": str(output),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": "false",
    }
    _run([sys.executable, "app.py"], side.title, side.checkout, f"synthesise {environment}", variables)
    return read_assembly(output)


def _names_an_account(file: Path) -> bool:
    try:
        return "account" in tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError:
        return False  # the app says what is wrong with it


def _run(
    command: list[str], title: str, checkout: Path, doing: str, variables: dict[str, str] | None = None
) -> None:
    try:
        result = subprocess.run(
            command,
            cwd=checkout,
            env={**_environment(), **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SYNTH_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(title, doing, f"it did not finish within {_SYNTH_TIMEOUT_S} s") from None
    if result.returncode != 0:
        lines = (result.stdout + result.stderr).strip().splitlines()
        raise _failed(title, doing, "\n".join(lines[-_SHOWN_LINES:]))


def _environment() -> dict[str, str]:
    """This process's environment without what would make a synth depend on who runs it."""
    kept = {
        name: value
        for name, value in toolchain.tool_environment().items()
        if not name.startswith(("AWS_", "CDK_", "PYTHON", "HASIVU_"))
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "JSII_NODE": str(toolchain.node_binary())}


def _git(*arguments: str, repository: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments],  # noqa: S607  (git is the person's own, found on PATH like make)
        cwd=repository,
        capture_output=True,
        timeout=_GIT_TIMEOUT_S,
        check=False,
    )


def _unknown(revision: str, detail: str) -> HasivuError:
    return HasivuError(
        "REVISION_UNKNOWN",
        f"git finds nothing in common between {revision} and this checkout.",
        detail=detail,
        next_step="fetch it with its history (`git fetch --unshallow origin`), or name another with --base",
        exit_code=ExitCode.USAGE,
    )


def _failed(title: str, doing: str, detail: str) -> HasivuError:
    return HasivuError(
        "SYNTH_FAILED",
        f"Could not {doing} on the side of {title}.",
        detail=detail,
        next_step="put right what it says; if it is the base that fails, compare with a later revision",
        exit_code=ExitCode.BUILD,
    )
