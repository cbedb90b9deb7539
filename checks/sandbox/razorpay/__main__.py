"""Runs the simulator as a process. Secrets come from the environment, never from the command line."""

import argparse
import json
import os
import signal
import sys
import threading
from datetime import date
from pathlib import Path

from checks.sandbox.razorpay.config import SimulatorConfig
from checks.sandbox.razorpay.persistence import StateUnreadable
from checks.sandbox.razorpay.simulator import NotLoopback, RazorpaySimulator

SERVICE = "razorpay-simulator"
MISUSE = 2


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m checks.sandbox.razorpay", description="A Razorpay to play with, on this machine only."
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument(
        "--state-dir", type=Path, required=True, help="where the account is kept over restarts"
    )
    parser.add_argument("--key-id", required=True, help="the API key id")
    parser.add_argument(
        "--key-secret-env", required=True, help="environment variable that holds the key secret"
    )
    parser.add_argument(
        "--webhook-secret-env", required=True, help="environment variable that holds the webhook secret"
    )
    parser.add_argument("--webhook-url", help="where events are delivered")
    parser.add_argument("--seed", help="the same seed gives the same ids")
    parser.add_argument("--auto-capture", action="store_true", help="capture every authorised payment")
    parser.add_argument(
        "--holiday",
        type=date.fromisoformat,
        action="append",
        default=[],
        metavar="YYYY-MM-DD",
        help="a bank holiday on which nothing settles; may be given often",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Prints one JSON line when it listens, serves until SIGTERM or SIGINT, saves the account."""
    wanted = _arguments(argv)
    missing = [
        name for name in (wanted.key_secret_env, wanted.webhook_secret_env) if not os.environ.get(name)
    ]
    if missing:
        print(f"Set the environment variable {' and '.join(missing)} and start again.", file=sys.stderr)
        return MISUSE
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        simulator = RazorpaySimulator(
            key_id=wanted.key_id,
            key_secret=os.environ[wanted.key_secret_env],
            webhook_secret=os.environ[wanted.webhook_secret_env],
            webhook_url=wanted.webhook_url,
            host=wanted.host,
            port=wanted.port,
            state_dir=wanted.state_dir,
            seed=wanted.seed,
            config=SimulatorConfig(auto_capture=wanted.auto_capture, holidays=frozenset(wanted.holiday)),
        ).start()
    except (NotLoopback, StateUnreadable, OSError) as problem:
        print(problem, file=sys.stderr)
        return MISUSE
    print(json.dumps({"service": SERVICE, "url": simulator.url}), flush=True)
    stop.wait()
    simulator.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
