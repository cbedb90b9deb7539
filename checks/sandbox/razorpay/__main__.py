"""`python -m checks.sandbox.razorpay`: the simulator as a process."""

import argparse
import os
from datetime import date

from checks.sandbox.razorpay.config import SimulatorConfig
from checks.sandbox.razorpay.simulator import RazorpaySimulator
from checks.sandbox.simulation import process

SERVICE = "razorpay-simulator"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = process.parser(
        "checks.sandbox.razorpay",
        "A Razorpay to play with, on this machine only.",
        secrets={"--key-secret-env": "the key secret", "--webhook-secret-env": "the webhook secret"},
    )
    parser.add_argument("--key-id", required=True, help="the API key id")
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
    """Runs the simulator until it is told to stop; the exit status."""
    wanted = _arguments(argv)
    return process.serve(
        SERVICE,
        (wanted.key_secret_env, wanted.webhook_secret_env),
        lambda: RazorpaySimulator(
            key_id=wanted.key_id,
            key_secret=os.environ[wanted.key_secret_env],
            webhook_secret=os.environ[wanted.webhook_secret_env],
            webhook_url=wanted.webhook_url,
            host=wanted.host,
            port=wanted.port,
            state_dir=wanted.state_dir,
            seed=wanted.seed,
            config=SimulatorConfig(auto_capture=wanted.auto_capture, holidays=frozenset(wanted.holiday)),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
