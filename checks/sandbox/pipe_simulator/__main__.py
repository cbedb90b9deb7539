"""`python -m checks.sandbox.pipe_simulator --pipes FILE --endpoint-url URL --checkpoints DIR`: a process."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from pathlib import Path

from checks.sandbox.pipe_simulator import definition, stream


def main() -> None:
    """Run every pipe of the file, each in a thread of its own, until SIGTERM."""
    parser = argparse.ArgumentParser(prog="pipe_simulator", description=__doc__)
    parser.add_argument("--pipes", type=Path, required=True, help="the pipes, as the sandbox wrote them")
    parser.add_argument("--endpoint-url", required=True, help="where the AWS emulator listens")
    parser.add_argument(
        "--checkpoints", type=Path, required=True, help="the folder in which to keep how far each pipe is"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    workers = []
    for pipe in definition.read(arguments.pipes):
        checkpoints = stream.Checkpoints(arguments.checkpoints / f"{pipe.name}.json")
        work = (pipe, arguments.endpoint_url, checkpoints, stop.is_set)
        workers.append(threading.Thread(target=stream.run, args=work, name=pipe.name, daemon=True))
    for worker in workers:
        worker.start()
    stop.wait()
    for worker in workers:
        worker.join(timeout=3)


if __name__ == "__main__":
    main()
