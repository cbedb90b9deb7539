"""Razorpay and WhatsApp beside the emulator: two children with HTTP ports of their own."""

from __future__ import annotations

import http.client
import json
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from checks.errors import ExitCode, HasivuError
from checks.sandbox import cloud, ports, process
from checks.sandbox.layout import Layout
from checks.sandbox.secret_values import SecretValues
from checks.sandbox.state import ServiceRecord
from checks.toolchain import tool_environment

_START_TIMEOUT_S = 30
_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """How one simulator is started and told where to send its webhooks."""

    name: str
    arguments: tuple[str, ...]
    secrets: dict[str, str]
    webhook_path: str
    webhook_secret: str

    @property
    def module(self) -> str:
        return f"checks.sandbox.{self.name}"


def simulators(values: SecretValues, *, phone_number_id: str) -> tuple[Simulator, ...]:
    """Both simulators. Secrets travel by environment variable: a command line can be read by everybody."""
    return (
        Simulator(
            name="razorpay",
            arguments=(
                *("--key-id", values.razorpay_key_id, "--key-secret-env", "RAZORPAY_KEY_SECRET"),
                *("--webhook-secret-env", "RAZORPAY_WEBHOOK_SECRET"),
            ),
            secrets={
                "RAZORPAY_KEY_SECRET": values.razorpay_key_secret,
                "RAZORPAY_WEBHOOK_SECRET": values.razorpay_webhook_secret,
            },
            webhook_path="/v1/webhooks/razorpay",
            webhook_secret=values.razorpay_webhook_secret,
        ),
        Simulator(
            name="whatsapp",
            arguments=(
                *("--phone-number-id", phone_number_id, "--token-env", "WHATSAPP_TOKEN"),
                *("--app-secret-env", "WHATSAPP_APP_SECRET", "--verify-token-env", "WHATSAPP_VERIFY_TOKEN"),
            ),
            secrets={
                "WHATSAPP_TOKEN": values.whatsapp_access_token,
                "WHATSAPP_APP_SECRET": values.whatsapp_app_secret,
                "WHATSAPP_VERIFY_TOKEN": values.whatsapp_verify_token,
            },
            webhook_path="/v1/webhooks/whatsapp",
            webhook_secret=values.whatsapp_app_secret,
        ),
    )


def start(simulator: Simulator, layout: Layout, *, preferred_port: int | None) -> tuple[ServiceRecord, int]:
    """Start one simulator, wait until it listens: the child and its port. Error: `SIMULATOR_NOT_STARTED`."""
    data = layout.data_of(simulator.name)
    data.mkdir(parents=True, exist_ok=True)
    log = layout.log_of(simulator.name)
    for _ in range(_ATTEMPTS):
        port = ports.free_port(preferred_port)
        url = f"http://{ports.LOOPBACK}:{port}"
        where = ("--host", ports.LOOPBACK, "--port", str(port), "--state-dir", str(data))
        record = process.start(
            [sys.executable, "-P", "-m", simulator.module, *where, *simulator.arguments],
            environment={**cloud.without_aws(tool_environment()), **simulator.secrets},
            log=log,
            marker=f"-m {simulator.module}",
            url=url,
        )
        if _wait_until_listening(record, url):
            return record, port
        process.stop(record, grace_s=2)
        preferred_port = None
    raise HasivuError(
        "SIMULATOR_NOT_STARTED",
        f"The {simulator.name} simulator did not start in {_ATTEMPTS} attempts.",
        next_step=f"read {log}",
        exit_code=ExitCode.SANDBOX,
    )


def set_webhook(simulator: Simulator, url: str, *, api_url: str) -> None:
    """Tell a running simulator where the platform listens. Error: `SIMULATOR_REFUSED`."""
    document = {"url": api_url.rstrip("/") + simulator.webhook_path, "secret": simulator.webhook_secret}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("PUT", "/_control/webhook", json.dumps(document), headers)
        answer = connection.getresponse()
        body = answer.read(2_000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise _refused(simulator, f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        raise _refused(simulator, f"{answer.status} {body}")


def is_listening(url: str) -> bool:
    """Whether anything accepts connections there."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _wait_until_listening(record: ServiceRecord, url: str) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if not process.is_running(record):
            return False
        if is_listening(url):
            return process.is_running(record)
        time.sleep(0.05)
    return False


def _refused(simulator: Simulator, detail: str) -> HasivuError:
    return HasivuError(
        "SIMULATOR_REFUSED",
        f"The {simulator.name} simulator did not take the address for its webhooks.",
        detail=detail,
        next_step=f"run `hasivu sandbox logs {simulator.name}`",
        exit_code=ExitCode.SANDBOX,
    )
