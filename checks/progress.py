"""How work that takes a while tells where it is, without knowing about terminals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Reporter(Protocol):
    """Told about steps by whoever does the work; steps may overlap and come from several threads."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """A step that begins on entry and has succeeded or failed on exit."""
        ...

    def say(self, message: str) -> None:
        """One line that a person should read."""
        ...


class Silent:
    """Says nothing: for tests and for callers that report in their own way. Keeps what each step took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.said: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[title] = time.monotonic() - began

    def say(self, message: str) -> None:
        self.said.append(message)
