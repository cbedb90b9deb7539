"""Where coverage does not look: into calls of the AWS SDK.

Tracing slows every line of Python, those of libraries too that are not measured, and the tests of the runtime
spend most of their time in the SDK. Nothing of the runtime runs within such a call, so nothing is missed.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.client import BaseClient
from coverage.tracer import CTracer

CALL = "_make_api_call"


@contextmanager
def sdk_untraced() -> Iterator[None]:
    """Suspend tracing, if coverage traces, in every call of any client, thread by thread."""
    traced = getattr(BaseClient, CALL)

    def untraced(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        tracer: Any = sys.gettrace()
        if not isinstance(tracer, CTracer):
            return traced(client, operation, parameters)
        sys.settrace(None)
        try:
            return traced(client, operation, parameters)
        finally:
            tracer.start()

    setattr(BaseClient, CALL, untraced)
    try:
        yield
    finally:
        setattr(BaseClient, CALL, traced)
