"""`python -m checks.sandbox.whatsapp`: the simulator as a process."""

import argparse
import os

from checks.sandbox.simulation import process
from checks.sandbox.whatsapp.simulator import WhatsAppSimulator

SERVICE = "whatsapp-simulator"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = process.parser(
        "checks.sandbox.whatsapp",
        "A WhatsApp Cloud API to play with, on this machine only.",
        secrets={
            "--token-env": "the access token",
            "--app-secret-env": "the app secret",
            "--verify-token-env": "the verify token",
        },
    )
    parser.add_argument("--phone-number-id", required=True, help="Meta's id of the business number")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the simulator until it is told to stop; the exit status."""
    wanted = _arguments(argv)
    return process.serve(
        SERVICE,
        (wanted.token_env, wanted.app_secret_env, wanted.verify_token_env),
        lambda: WhatsAppSimulator(
            phone_number_id=wanted.phone_number_id,
            token=os.environ[wanted.token_env],
            app_secret=os.environ[wanted.app_secret_env],
            verify_token=os.environ[wanted.verify_token_env],
            webhook_url=wanted.webhook_url,
            host=wanted.host,
            port=wanted.port,
            state_dir=wanted.state_dir,
            seed=wanted.seed,
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
