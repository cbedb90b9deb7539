"""A real `cdk bootstrap` and `cdk deploy` into the emulator."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from mypy_boto3_cloudformation import CloudFormationClient

from checks import toolchain
from checks.errors import ExitCode, HasivuError
from checks.sandbox import cloud, deployed, emulator
from checks.sandbox.synthesis import last_lines

_TIMEOUT_S = 600
_BOOTSTRAP_STACK = "CDKToolkit"
_PARALLEL_STACKS = 4


def is_bootstrapped(client: CloudFormationClient) -> bool:
    """Whether the emulator was prepared for the CDK."""
    return deployed.is_deployed(_BOOTSTRAP_STACK, client)


def bootstrap(endpoint_url: str, *, repository: Path, log: Path) -> None:
    """Prepare the emulator for the CDK, once. Error: `DEPLOY_FAILED`."""
    destination = f"aws://{emulator.ACCOUNT}/{emulator.REGION}"
    _cdk("bootstrap", destination, endpoint_url=endpoint_url, repository=repository, log=log)


def deploy(assembly: Path, endpoint_url: str, *, repository: Path, log: Path) -> None:
    """Deploy all stacks of an assembly. Error: `DEPLOY_FAILED`."""
    what = ("--all", "--app", str(assembly), "--require-approval", "never", "--progress", "events")
    how = ("--concurrency", str(_PARALLEL_STACKS), "--asset-parallelism", "--method", "direct")
    _cdk("deploy", *what, *how, endpoint_url=endpoint_url, repository=repository, log=log)


def _cdk(*arguments: str, endpoint_url: str, repository: Path, log: Path) -> None:
    command = [*toolchain.cdk_command(repository), *arguments, "--no-color", "--no-notices", "--ci"]
    variables = {
        **cloud.without_aws(toolchain.tool_environment(os.environ)),
        **cloud.variables(endpoint_url),
        "NO_PROXY": "127.0.0.1",
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        began = output.tell()
        try:
            status = subprocess.run(
                command,
                cwd=log.parent,  # not the checkout: the assembly says it all, cdk.json has no say here
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_TIMEOUT_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            output.write(f"it did not finish within {_TIMEOUT_S} s\n".encode())
            status = 1
    if status != 0:
        with log.open("rb") as written:
            written.seek(began)
            said = written.read().decode(errors="replace")
        raise HasivuError(
            "DEPLOY_FAILED",
            f"`cdk {arguments[0]}` into the sandbox failed.",
            detail=last_lines(said),
            next_step=f"read {log}; put it right, then run `hasivu sandbox up` again",
            exit_code=ExitCode.SANDBOX,
        )
