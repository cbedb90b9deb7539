"""How a Lambda function starts: its parts are wired once, when Lambda initialises it, and not when it is
imported elsewhere."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from runtime.platform.api import LambdaContext

Event = Mapping[str, Any]


class Handler(Protocol):
    """What takes the events of a function."""

    def __call__(self, event: Event, context: LambdaContext) -> Any: ...


class LambdaFunction:
    """The entry point of a function. ``wire`` reads the settings, makes the clients and gives the handler.

    Inside Lambda it runs at import, in the initialisation phase, where a wrong setting stops a deployment
    before the first event and where the processor is not yet throttled.
    """

    def __init__(self, wire: Callable[[Mapping[str, str]], Handler]) -> None:
        self._wire = wire
        self._handler: Handler | None = None
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            self._handler = wire(os.environ)

    def __call__(self, event: Event, context: LambdaContext) -> Any:
        if self._handler is None:
            self._handler = self._wire(os.environ)
        return self._handler(event, context)
