"""A simulator as a process. Secrets come from the environment, never from the command line."""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from checks.sandbox.simulation.persistence import StateUnreadable
from checks.sandbox.simulation.server import ServedSimulator

MISUSE = 2


def parser(package: str, description: str, *, secrets: Mapping[str, str]) -> argparse.ArgumentParser:
    """The arguments that every simulator has. `secrets`: option → what the variable that it names holds."""
    arguments = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    arguments.add_argument("--host", default="127.0.0.1", help="a loopback address")
    arguments.add_argument("--port", type=int, default=0, help="0 takes a free port")
    arguments.add_argument(
        "--state-dir", type=Path, required=True, help="where the account is kept over restarts"
    )
    for option, holds in secrets.items():
        arguments.add_argument(option, required=True, help=f"environment variable that holds {holds}")
    arguments.add_argument("--webhook-url", help="where webhooks are delivered")
    arguments.add_argument("--seed", help="the same seed gives the same ids")
    return arguments


def serve(service: str, secret_variables: Iterable[str], make: Callable[[], ServedSimulator]) -> int:
    """Writes one JSON line when it listens, serves until SIGTERM or SIGINT, saves the account.

    `make` is called once every secret is there. Returns the exit status; trouble at the start is said on
    stderr.
    """
    missing = [name for name in secret_variables if not os.environ.get(name)]
    if missing:
        return _refused(f"Set the environment variable {' and '.join(missing)} and start again.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        simulator = make().start()
    except (ValueError, StateUnreadable, OSError) as problem:
        return _refused(str(problem))
    sys.stdout.write(json.dumps({"service": service, "url": simulator.url}) + "\n")
    sys.stdout.flush()
    stop.wait()
    simulator.stop()
    return 0


def _refused(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return MISUSE
