"""The emulator with the sandbox's Athena in it: ``python -m checks.sandbox.athena_simulator``."""

from hypercorn.config import Config
from ministack.app import main

from checks.sandbox.athena_simulator.service import install

KEEP_ALIVE_S = 3_600
"""How long a connection may be idle. The emulator's own 75 seconds end while a caller is about to use the
connection again, who takes that for a failure of AWS."""

install()
setattr(Config, "keep_alive_timeout", property(lambda _: KEEP_ALIVE_S, lambda *_: None))  # noqa: B010
main()
