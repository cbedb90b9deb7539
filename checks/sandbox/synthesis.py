"""`cdk synth` of the sandbox environment into the sandbox's folder, only when something it reads changed."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from checks import toolchain
from checks.bundles.build import output_of
from checks.errors import ExitCode, HasivuError

_TIMEOUT_S = 300
_SHOWN_LINES = 40

# What app.py and the stacks read, and what decides about the emulator's copy. Bundles count by their
# manifest, which has the hash of every one.
_INPUTS = (
    *("app.py", "cdk.json", "pyproject.toml", "uv.lock", "package-lock.json"),
    *("checks/sandbox/emulator_gaps.py", "checks/sandbox/assembly.py"),
)
_INPUT_FOLDERS = ("environments", "stacks", "runtime", "checks/rules", "checks/checklist")


def fingerprint(context: Mapping[str, str], *, repository: Path) -> str:
    """One hash over everything that decides what synth gives."""
    digest = hashlib.sha256(repr(sorted(context.items())).encode())
    for path in sorted(_inputs(repository)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(repository).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def synthesise(environment: str, context: Mapping[str, str], *, repository: Path, into: Path) -> None:
    """Write the assembly of `environment` to `into`. Needs no credentials. Error: `SYNTH_FAILED`."""
    settings = {"env": environment, **context}
    arguments = [part for key, value in settings.items() for part in ("--context", f"{key}={value}")]
    command = [*toolchain.cdk_command(repository), "synth", "--quiet", "--output", str(into), *arguments]
    variables = toolchain.tool_environment()
    variables["CDK_VALIDATION"] = (
        "false"  # CloudFormation's own rules are the compliance gate's part, and slow
    )
    try:
        result = subprocess.run(
            command,
            cwd=repository,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(environment, f"It did not finish within {_TIMEOUT_S} s.") from None
    if result.returncode != 0:
        raise _failed(environment, last_lines(result.stdout + result.stderr))


def _failed(environment: str, detail: str) -> HasivuError:
    return HasivuError(
        "SYNTH_FAILED",
        f"`cdk synth` of the environment {environment} failed.",
        detail=detail,
        next_step=f"put right what it says, then see it again with `hasivu synth --env {environment}`",
        exit_code=ExitCode.BUILD,
    )


def last_lines(output: str) -> str:
    """The end of a tool's output, where it says what went wrong."""
    return "\n".join(output.strip().splitlines()[-_SHOWN_LINES:])


def _inputs(repository: Path) -> Iterator[Path]:
    yield from (path for name in _INPUTS if (path := repository / name).is_file())
    manifest = output_of(repository) / "manifest.json"
    if manifest.is_file():
        yield manifest
    for folder in _INPUT_FOLDERS:
        for path in (repository / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
