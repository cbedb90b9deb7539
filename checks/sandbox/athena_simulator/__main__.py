"""The emulator with the sandbox's Athena in it: ``python -m checks.sandbox.athena_simulator``."""

from ministack.app import main

from checks.sandbox.athena_simulator.service import install

install()
main()
