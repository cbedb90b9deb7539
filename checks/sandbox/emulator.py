"""MiniStack as a child, with an Athena of our own: its own data folder and port, IAM enforced, nothing else
left open."""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

from checks.errors import ExitCode, HasivuError
from checks.sandbox import athena_simulator, ports, process
from checks.sandbox.layout import Layout
from checks.sandbox.state import ServiceRecord

NAME = "emulator"
REGION = "ap-south-1"
ACCOUNT = "000000000000"

# The emulator treats this key as the account's root user and does not check its signature. It is no secret:
# the emulator listens on the loopback interface only.
ADMIN_ACCESS_KEY_ID = "test"
ADMIN_SECRET_ACCESS_KEY = "test"  # noqa: S105  (the emulator's documented default, see above)

_START_TIMEOUT_S = 30
_ATTEMPTS = 5
_CONCURRENT_INVOCATIONS = 32  # a burst of cold starts beyond this chokes a machine of two cores


def start(layout: Layout, *, preferred_port: int | None) -> tuple[ServiceRecord, int]:
    """Start the emulator and wait until it answers: the child and its port. Error: `EMULATOR_NOT_STARTED`."""
    data = layout.data_of(NAME)
    for folder in ("state", "s3", "tmp"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    for _ in range(_ATTEMPTS):
        port = ports.free_port(preferred_port)
        record = process.start(
            [sys.executable, "-P", "-m", athena_simulator.__name__],
            environment=_environment(data, port),
            log=layout.log_of(NAME),
            marker=f"-m {athena_simulator.__name__}",
            url=url_of(port),
        )
        if _wait_until_healthy(record, port):
            return record, port
        process.stop(record, grace_s=2)
        preferred_port = None  # somebody may have been quicker on that port
    raise HasivuError(
        "EMULATOR_NOT_STARTED",
        f"The AWS emulator did not start in {_ATTEMPTS} attempts.",
        next_step=f"read {layout.log_of(NAME)}",
        exit_code=ExitCode.SANDBOX,
    )


def url_of(port: int) -> str:
    return f"http://{ports.LOOPBACK}:{port}"


def is_healthy(port: int) -> bool:
    """Whether the emulator on `port` answers."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _environment(data: Path, port: int) -> dict[str, str]:
    """Everything the emulator reads, and nothing of this machine: its Lambda workers inherit this.

    State is saved when it stops and read when it starts, so that `down` and `up` keep the data.
    """
    return {
        "PATH": os.defpath,
        "HOME": str(data),
        "TMPDIR": str(data / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AUTH": "true",
        "BIND_HOST": ports.LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": ports.LOOPBACK,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ADMIN_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": ADMIN_SECRET_ACCESS_KEY,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "IOT_MTLS_ENABLED": "false",
        "SFTP_ENABLED": "false",
        "DOCKER_HOST": f"unix://{data}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_STRICT": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(_CONCURRENT_INVOCATIONS),
    }


def _wait_until_healthy(record: ServiceRecord, port: int) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if not process.is_running(record):
            return False
        if is_healthy(port):
            return process.is_running(record)
        time.sleep(0.1)
    return False
