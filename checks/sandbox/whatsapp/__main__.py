"""Runs the simulator as a process. Secrets come from the environment, never from the command line."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from checks.sandbox.whatsapp.persistence import StateUnreadable
from checks.sandbox.whatsapp.simulator import WhatsAppSimulator

SERVICE = "whatsapp-simulator"
MISUSE = 2


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m checks.sandbox.whatsapp",
        description="A WhatsApp Cloud API to play with, on this machine only.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument(
        "--state-dir", type=Path, required=True, help="where the account is kept over restarts"
    )
    parser.add_argument("--phone-number-id", required=True, help="Meta's id of the business number")
    for name, holds in (
        ("--token-env", "the access token"),
        ("--app-secret-env", "the app secret"),
        ("--verify-token-env", "the verify token"),
    ):
        parser.add_argument(name, required=True, help=f"environment variable that holds {holds}")
    parser.add_argument("--webhook-url", help="where statuses are delivered")
    parser.add_argument("--seed", help="the same seed gives the same message ids")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Print one JSON line when it listens, serve until SIGTERM or SIGINT, save the account."""
    wanted = _arguments(argv)
    names = (wanted.token_env, wanted.app_secret_env, wanted.verify_token_env)
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        sys.stderr.write(f"Set the environment variable {' and '.join(missing)} and start again.\n")
        return MISUSE
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        simulator = WhatsAppSimulator(
            phone_number_id=wanted.phone_number_id,
            token=os.environ[wanted.token_env],
            app_secret=os.environ[wanted.app_secret_env],
            verify_token=os.environ[wanted.verify_token_env],
            webhook_url=wanted.webhook_url,
            host=wanted.host,
            port=wanted.port,
            state_dir=wanted.state_dir,
            seed=wanted.seed,
        ).start()
    except (ValueError, StateUnreadable, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return MISUSE
    sys.stdout.write(json.dumps({"service": SERVICE, "url": simulator.url}) + "\n")
    sys.stdout.flush()
    stop.wait()
    simulator.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
